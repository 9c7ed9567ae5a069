/* SPDX-License-Identifier: ISC */
/* See testlib-fault.h.  Stands in front of the wrappers of testlib-os.c. */
#include "testlib-fault.h"

#include <limits.h>

static struct imsgi_os under;
static struct f_plan plan;
static long calls[F_CLASSES], fired, met, dropped, total, hidden;
static int64_t clock_ms;
static struct stream {
	size_t pos;
	size_t cut[F_CUTS];
	int error[F_CUTS];
	int ncuts, next;
} streams[F_CLASSES];

/* Does this call meet the planned fault? */
static int hit(enum f_class class)
{
	calls[class]++;
	if (plan.at == 0 || class != plan.class || calls[class] < plan.at ||
	    calls[class] >= plan.at + plan.times)
		return 0;
	fired++;
	total++;
	return 1;
}

static int refused(enum f_class class)
{
	if (!hit(class))
		return 0;
	errno = plan.error;
	return 1;
}

static void *
f_alloc(size_t n)
{
	return refused(F_ALLOC) ? NULL : under.alloc(n);
}

static void *
f_calloc(size_t n, size_t size)
{
	return refused(F_ALLOC) ? NULL : under.calloc(n, size);
}

static int
f_aligned(void **p, size_t align, size_t n)
{
	return refused(F_ALLOC) ? ENOMEM : under.aligned(p, align, n);
}

/* Bytes until the next cut; 0 with errno at one that has an error. */
static size_t
allowance(struct stream *s)
{
	int i = s->next;

	if (i == s->ncuts)
		return SIZE_MAX;
	if (s->cut[i] > s->pos)
		return s->cut[i] - s->pos;
	if (plan.fatal && i == s->ncuts - 1) {
		fired++;
		total += fired == 1;
		errno = s->error[i];
		return 0;
	}
	s->next++;
	if (s->error[i] == 0)
		return allowance(s);
	errno = s->error[i];
	total++;
	fired++;
	return 0;
}

/* What a send or receive may move: -1 with errno, 0, or bytes. */
static ssize_t
permit(enum f_class class, int *trunc)
{
	size_t max = allowance(&streams[class]);

	*trunc = 0;
	if (max == 0) {
		calls[class]++;
		return errno == 0 ? 0 : -1;
	}
	if (hit(class)) {
		switch (plan.effect) {
		case F_ERROR:
			errno = plan.error;
			return -1;
		case F_ZERO:
			return 0;
		case F_SHORT:
			max = 1;
			break;
		case F_TRUNC:
			*trunc = 1;
			break;
		}
	}
	return max > SSIZE_MAX ? SSIZE_MAX : (ssize_t)max;
}

static ssize_t
moved(enum f_class class, ssize_t n, ssize_t max)
{
	struct stream *s = &streams[class];

	if (n <= 0)
		return n;
	s->pos += (size_t)n;
	if (n == max && s->next < s->ncuts && s->cut[s->next] == s->pos &&
	    s->error[s->next] == 0) {
		total++;
		fired++;
	}
	return n;
}

static int
cut_iov(struct iovec *out, const struct iovec *iov, size_t n, size_t max)
{
	size_t i;

	for (i = 0; i < n && max > 0; i++) {
		out[i] = iov[i];
		if (out[i].iov_len > max)
			out[i].iov_len = max;
		max -= out[i].iov_len;
	}
	return (int)i;
}

static ssize_t
f_read(int fd, void *p, size_t n)
{
	int trunc;
	ssize_t max = permit(F_RECV, &trunc);

	if (max <= 0)
		return max;
	return moved(
	    F_RECV, under.read(fd, p, n < (size_t)max ? n : (size_t)max), max);
}

static ssize_t
f_readv(int fd, const struct iovec *iov, int n)
{
	struct iovec v[8];
	int trunc;
	ssize_t max = permit(F_RECV, &trunc);

	if (max <= 0)
		return max;
	n = cut_iov(v, iov, (size_t)n, (size_t)max);
	return moved(F_RECV, under.readv(fd, v, n), max);
}

/* The kernel without room for descriptors in the process's table. */
static void
drop_fds(struct msghdr *msg)
{
	struct cmsghdr *c;
	size_t i, n;
	int fd;

	for (c = CMSG_FIRSTHDR(msg); c != NULL; c = CMSG_NXTHDR(msg, c)) {
		n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (i = 0; i < n; i++) {
			memcpy(
			    &fd, CMSG_DATA(c) + i * sizeof(int), sizeof(int));
			close(fd);
			dropped++;
		}
		msg->msg_flags |= MSG_CTRUNC;
	}
	msg->msg_controllen = 0;
}

static ssize_t
f_recvmsg(int fd, struct msghdr *msg, int flags)
{
	struct iovec v[8], *save = msg->msg_iov;
	size_t cnt = (size_t)msg->msg_iovlen;
	int trunc;
	ssize_t r, max = permit(F_RECV, &trunc);

	/* Not a socket: the kernel looks at that before all else. */
	if (max <= 0 && fcntl(fd, F_GETFD) != -1) {
		msg->msg_controllen = 0;
		msg->msg_flags = 0;
		return max;
	}
	msg->msg_iovlen = (unsigned)cut_iov(v, save, cnt, (size_t)max);
	msg->msg_iov = v;
	r = under.recvmsg(fd, msg, flags);
	msg->msg_iov = save;
	msg->msg_iovlen = cnt;
	if (trunc && r > 0)
		drop_fds(msg);
	else if (r > 0 && (msg->msg_flags & MSG_CTRUNC))
		dropped++;
	return moved(F_RECV, r, max);
}

static ssize_t
f_send(int fd, const void *p, size_t n, int flags)
{
	int trunc;
	ssize_t max = permit(F_SEND, &trunc);

	if (max <= 0)
		return max;
	return moved(F_SEND,
	    under.send(fd, p, n < (size_t)max ? n : (size_t)max, flags), max);
}

static ssize_t
f_writev(int fd, const struct iovec *iov, int n)
{
	struct iovec v[1024];
	int trunc;
	ssize_t max = permit(F_SEND, &trunc);

	if (max <= 0)
		return max;
	n = cut_iov(v, iov, (size_t)n, (size_t)max);
	return moved(F_SEND, under.writev(fd, v, n), max);
}

static ssize_t
f_sendmsg(int fd, const struct msghdr *msg, int flags)
{
	struct msghdr m = *msg;
	struct iovec v[1024];
	int trunc;
	ssize_t max = permit(F_SEND, &trunc);

	if (max <= 0)
		return max;
	m.msg_iov = v;
	m.msg_iovlen = (unsigned)cut_iov(
	    v, msg->msg_iov, (size_t)msg->msg_iovlen, (size_t)max);
	return moved(F_SEND, under.sendmsg(fd, &m, flags), max);
}

/*
 * What the kernel does with it (net/socket.c, __sys_sendmmsg): one message
 * after the other until one fails or goes out short.
 */
static int
f_sendmmsg(int fd, struct imsgi_mmsg *v, unsigned int n, int flags)
{
	unsigned int i;
	size_t k, len;
	ssize_t r;

	for (i = 0; i < n; i++) {
		r = f_sendmsg(fd, &v[i].hdr, flags);
		if (r == -1) {
			hidden += i > 0;
			return i > 0 ? (int)i : -1;
		}
		if (r == 0)
			return (int)i;
		v[i].len = (unsigned int)r;
		for (k = 0, len = 0; k < (size_t)v[i].hdr.msg_iovlen; k++)
			len += v[i].hdr.msg_iov[k].iov_len;
		if ((size_t)r < len)
			return (int)i + 1;
	}
	return (int)n;
}

/* Both ends are in this process: what is not ready now never will be. */
static int
f_poll(struct pollfd *p, nfds_t n, int ms)
{
	int r;

	if (hit(F_POLL)) {
		if (plan.effect == F_ERROR) {
			errno = plan.error;
			return -1;
		}
		clock_ms += ms < 0 ? 0 : ms;
		return 0;
	}
	if ((r = under.poll(p, n, 0)) != 0)
		return r;
	if (ms < 0)
		fail_msg("waits for ever");
	clock_ms += ms;
	return 0;
}

static int
f_now(struct timespec *ts)
{
	ts->tv_sec = (time_t)(clock_ms / 1000);
	ts->tv_nsec = (long)(clock_ms % 1000) * 1000000;
	return 0;
}

static int
f_sleep(const struct timespec *ts)
{
	clock_ms += (int64_t)ts->tv_sec * 1000 + ts->tv_nsec / 1000000;
	return 0;
}

static void
stand_in_front(void)
{
	under = imsgi_os;
	imsgi_os.alloc = f_alloc;
	imsgi_os.calloc = f_calloc;
	imsgi_os.aligned = f_aligned;
	imsgi_os.read = f_read;
	imsgi_os.readv = f_readv;
	imsgi_os.recvmsg = f_recvmsg;
	imsgi_os.send = f_send;
	imsgi_os.writev = f_writev;
	imsgi_os.sendmsg = f_sendmsg;
	imsgi_os.sendmmsg = f_sendmmsg;
	imsgi_os.poll = f_poll;
	imsgi_os.now = f_now;
	imsgi_os.sleep = f_sleep;
}

static void
add_cut(const struct f_cut *c)
{
	struct stream *s = &streams[c->class];

	if (c->at == 0)
		return;
	s->cut[s->ncuts] = c->at;
	s->error[s->ncuts++] = c->error;
}

void
f_begin(const struct f_plan *p)
{
	int i;

	if (under.alloc == NULL)
		stand_in_front();
	memset(&plan, 0, sizeof(plan));
	if (p != NULL)
		plan = *p;
	memset(calls, 0, sizeof(calls));
	memset(streams, 0, sizeof(streams));
	for (i = 0; i < F_CUTS; i++)
		add_cut(&plan.cut[i]);
	fired = met = dropped = hidden = 0;
	clock_ms = 1000;
}

void
f_lift(void)
{
	plan.at = 0;
}

long f_calls(enum f_class class)
{
	return calls[class];
}

long
f_fired(void)
{
	return fired;
}

long
f_dropped(void)
{
	return dropped;
}

long
f_total(void)
{
	return total;
}

size_t f_bytes(enum f_class class)
{
	return streams[class].pos;
}

void
f_expect(void)
{
	int save = errno, i, planned = plan.at != 0 && save == plan.error;
	enum f_class c;

	for (c = F_RECV; c <= F_SEND; c++)
		for (i = 0; i < streams[c].ncuts; i++)
			planned |= save == streams[c].error[i];
	if (fired == 0 || !planned)
		fail_msg("unplanned failure: %s", strerror(save));
	if (++met == 3)
		f_lift();
	errno = save;
}

int
f_told(void)
{
	switch (plan.error) {
	case EINTR:
	case EAGAIN:
		return 1;
	case ENOBUFS:
		return met > 0 || plan.class == F_SEND;
	case EMSGSIZE:
		/* Tried again without room for descriptors. */
		return met > 0 || hidden > 0 ||
		    (plan.class == F_RECV && fired == 1);
	default:
		return met > 0 || hidden > 0 || plan.class == F_ALLOC ||
		    plan.effect != F_ERROR;
	}
}

void
f_idle(void)
{
	if (fired == 0)
		fail_msg("nothing goes on, and no fault is why");
	if (++met == 3)
		f_lift();
	if (met > 20)
		fail_msg("nothing goes on any more");
}
