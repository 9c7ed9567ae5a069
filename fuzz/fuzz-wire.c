/* SPDX-License-Identifier: ISC */
/*
 * A stream of bytes and descriptors, cut into receipts as the input wants, is
 * read by a channel and by a parser of some twenty lines: the same messages
 * have to come, once and in order, and the same stream has to fail.  In
 * between the kernel says EAGAIN, EINTR and the allocator fails.
 *
 * Input: options; two bytes of maximum size; how many steps; the steps, of
 * which each receipt takes the next; all that is left is the stream.
 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <imsg.h>

#include "../src/os.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

/* In the length of a modern header. */
#define MARK 0x80000000U

#define CLASSIC 0x01
#define PASS	0x02
#define RECV	0x04 /* imsgbuf_recv() instead of read and get */

/* A step: what in the low bits, how much in the high ones. */
#define WHAT(s) ((s)&7)
#define MUCH(s) ((size_t)1 << ((s) >> 3) / 2)
enum { AGAIN, INTR, NOMEM, WITH_FD, WITH_TWO, LOST_FD };

/* The kernel's side of the socket; descriptors are numbers nobody opens. */
static struct kernel {
	const uint8_t *p;
	size_t left;
	const uint8_t *step;
	size_t steps, next;
	int nomem, fds, fresh;
} k;

static void
check(int ok, const char *what)
{
	if (!ok) {
		fprintf(stderr, "fuzz-wire: %s\n", what);
		abort();
	}
}

static void *(*true_alloc)(size_t);

static void *
k_alloc(size_t n)
{
	if (k.nomem > 0 && --k.nomem == 0) {
		errno = ENOMEM;
		return NULL;
	}
	return true_alloc(n);
}

static int
k_close(int fd)
{
	check(fd >= 1000 && fd < k.fresh, "closes what was never received");
	k.fds--;
	return 0;
}

static size_t
give(const struct iovec *iov, size_t cnt, size_t most)
{
	size_t i, n, sum = 0;

	for (i = 0; i < cnt && most > 0 && k.left > 0; i++) {
		n = iov[i].iov_len < most ? iov[i].iov_len : most;
		n = n < k.left ? n : k.left;
		memcpy(iov[i].iov_base, k.p, n);
		k.p += n;
		k.left -= n;
		most -= n;
		sum += n;
	}
	return sum;
}

static void
attach(struct msghdr *msg, int cnt)
{
	struct cmsghdr *c = CMSG_FIRSTHDR(msg);
	int i, fd;

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int) * (size_t)cnt);
	for (i = 0; i < cnt; i++) {
		fd = k.fresh++;
		k.fds++;
		memcpy(CMSG_DATA(c) + (size_t)i * sizeof(fd), &fd, sizeof(fd));
	}
	msg->msg_controllen = CMSG_SPACE(sizeof(int) * (size_t)cnt);
}

/* -1 with errno, or how much this receipt brings at most. */
static ssize_t
step(int *what)
{
	uint8_t s;

	*what = -1;
	if (k.next >= k.steps)
		return 1 << 20;
	s = k.step[k.next++];
	*what = WHAT(s);
	if (*what == AGAIN || *what == INTR) {
		errno = *what == AGAIN ? EAGAIN : EINTR;
		return -1;
	}
	if (*what == NOMEM)
		k.nomem = 1 + (s >> 3) % 4;
	return (ssize_t)MUCH(s);
}

static ssize_t
k_recvmsg(int fd, struct msghdr *msg, int flags)
{
	ssize_t most;
	int what;

	(void)fd;
	(void)flags;
	if ((most = step(&what)) == -1)
		return -1;
	most =
	    (ssize_t)give(msg->msg_iov, (size_t)msg->msg_iovlen, (size_t)most);
	msg->msg_flags = 0;
	if (msg->msg_control == NULL || most == 0 || what < WITH_FD)
		msg->msg_controllen = 0;
	else if (what == LOST_FD)
		msg->msg_controllen = 0, msg->msg_flags = MSG_CTRUNC;
	else if (what <= WITH_TWO)
		attach(msg, what == WITH_FD ? 1 : 2);
	else
		msg->msg_controllen = 0;
	return most;
}

static ssize_t
k_readv(int fd, const struct iovec *iov, int cnt)
{
	struct msghdr msg;

	memset(&msg, 0, sizeof(msg));
	msg.msg_iov = (struct iovec *)(uintptr_t)iov;
	msg.msg_iovlen = (unsigned)cnt;
	return k_recvmsg(fd, &msg, 0);
}

static ssize_t
k_read(int fd, void *p, size_t n)
{
	struct iovec iov = { p, n };

	return k_readv(fd, &iov, 1);
}

static int
k_poll(struct pollfd *p, nfds_t n, int ms)
{
	(void)ms;
	p->revents = POLLIN;
	return (int)n;
}

static int
k_sleep(const struct timespec *ts)
{
	(void)ts;
	return 0;
}

/* The other parser. */
struct plain {
	const uint8_t *p;
	size_t left;
	uint32_t max;
	int classic;
	uint32_t total;
	int marked;
};

/* 1: a message begins at p, 0: not all of it is there, -1: it is none. */
static int
plain_next(struct plain *f)
{
	uint32_t len;
	uint16_t half, flags;

	if (f->left < IMSG_HEADER_SIZE)
		return 0;
	memcpy(&len, f->p + 4, sizeof(len));
	memcpy(&half, f->p + 4, sizeof(half));
	memcpy(&flags, f->p + 6, sizeof(flags));
	f->total = f->classic ? half : len & ~MARK;
	f->marked = f->classic ? flags & 1 : (len & MARK) != 0;
	if (f->total < IMSG_HEADER_SIZE || f->total > f->max)
		return -1;
	/* A header of the other generation: a marked one, of good length. */
	if (f->classic && (len & MARK) && (flags & ~1) &&
	    (len & ~MARK) >= IMSG_HEADER_SIZE && (len & ~MARK) <= f->max)
		return -1;
	return f->left >= f->total;
}

static void
same(struct plain *f, struct imsg *m)
{
	uint32_t w[4];

	check(plain_next(f) == 1, "a message too many");
	memcpy(w, f->p, sizeof(w));
	check(m->hdr.type == w[0] && m->hdr.peerid == w[2] &&
		m->hdr.pid == w[3] && m->hdr.len == f->total,
	    "another header");
	check(imsg_get_len(m) == f->total - IMSG_HEADER_SIZE &&
		(m->data == NULL ||
		    memcmp(m->data, f->p + IMSG_HEADER_SIZE, imsg_get_len(m)) ==
			0),
	    "another payload");
	check((imsg_fd_status(m) != IMSG_FD_NONE) == (f->marked != 0),
	    "a mark lost or made up");
	f->p += f->total;
	f->left -= f->total;
	if (f->total & 1)
		k.fds -= imsg_get_fd(m) >= 0;
	imsg_free(m);
}

/* All that there is; 1, or 0 if the allocator failed. */
static int
fetch(struct imsgbuf *b, struct plain *f)
{
	struct imsg m;
	int r;

	while ((r = imsgbuf_get(b, &m)) == 1)
		same(f, &m);
	check(r == 0 || errno == ENOMEM, "get fails");
	return r == 0;
}

static int
receive(struct imsgbuf *b, struct plain *f, int recv)
{
	struct imsg m;
	int r;

	if (!recv)
		return imsgbuf_read(b);
	if ((r = imsgbuf_recv(b, &m, 0)) == 1)
		same(f, &m);
	return r == -1 && errno == ETIMEDOUT ? 1 : r;
}

static void
converse(struct imsgbuf *b, struct plain *f, int recv)
{
	int r;

	for (;;) {
		r = receive(b, f, recv);
		if (r == -1 && errno == ENOMEM)
			continue;
		if (!fetch(b, f))
			(void)fetch(b, f);
		if (r != 1)
			break;
	}
	k.nomem = 0;
	check(fetch(b, f) == 1, "get");
	if (r == -1) {
		/* Or a descriptor that belongs to no message. */
		check(errno != EAGAIN && imsgbuf_read(b) == -1, "heals");
		return;
	}
	check(plain_next(f) == 0, "the end before a message or an error");
	check(imsgbuf_partial(b) == (f->left > 0), "partial");
}

static void
replace(void)
{
	if (true_alloc != NULL)
		return;
	true_alloc = imsgi_os.alloc;
	imsgi_os.alloc = k_alloc;
	imsgi_os.close = k_close;
	imsgi_os.read = k_read;
	imsgi_os.readv = k_readv;
	imsgi_os.recvmsg = k_recvmsg;
	imsgi_os.poll = k_poll;
	imsgi_os.sleep = k_sleep;
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct imsgbuf b;
	struct plain f;
	uint16_t max;
	int how;

	if (n < 4 || n < 4 + (size_t)p[3])
		return 0;
	replace();
	how = p[0];
	memcpy(&max, p + 1, sizeof(max));
	memset(&k, 0, sizeof(k));
	k.fresh = 1000;
	k.step = p + 4;
	k.steps = p[3];
	f.p = k.p = p + 4 + k.steps;
	f.left = k.left = n - 4 - k.steps;
	f.classic = how & CLASSIC;
	check(imsgbuf_init(&b, 3) == 0, "init");
	if (max >= IMSG_HEADER_SIZE)
		check(imsgbuf_set_maxsize(&b, max) == 0, "maxsize");
	f.max = b.maxsize;
	if (how & CLASSIC)
		check(imsgbuf_set_wire(&b, IMSG_WIRE_CLASSIC) == 0, "wire");
	if (how & PASS)
		imsgbuf_allow_fdpass(&b);
	converse(&b, &f, how & RECV);
	imsgbuf_clear(&b);
	check(k.fds == 0, "descriptors left open");
	return 0;
}
