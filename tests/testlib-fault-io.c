/* SPDX-License-Identifier: ISC */
/* Sends and receives with the planned fault; see testlib-fault.h. */
#include "testlib-fault-int.h"

#include "cmsg.h"

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

/* The kernel without room for descriptors in the process's table. */
static int
drop_fds(struct msghdr *msg)
{
	struct cmsghdr *c;
	size_t i, n;
	int fd, cnt = 0;

	for (c = CMSG_FIRSTHDR(msg); c != NULL; c = cmsg_next(msg, c)) {
		n = ((size_t)c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (i = 0; i < n; i++) {
			memcpy(
			    &fd, CMSG_DATA(c) + i * sizeof(int), sizeof(int));
			close(fd);
			cnt++;
		}
		msg->msg_flags |= MSG_CTRUNC;
	}
	msg->msg_controllen = 0;
	return cnt;
}

/*
 * Like OpenBSD, EMSGSIZE is about a descriptor for which there is no room: it
 * is gone then, and the same call without room for control messages gets the
 * bytes without a word of it.  They wait where they have to be.
 */
static ssize_t kept;

static int
is_emsgsize(void)
{
	return f_plan.class == F_RECV && f_plan.error == EMSGSIZE;
}

static ssize_t
refuse(struct msghdr *msg, ssize_t n)
{
	int cnt;

	if (!is_emsgsize() || n <= 0 || !f_due(F_RECV) ||
	    (cnt = drop_fds(msg)) == 0)
		return n;
	f_fire();
	f_counts.dropped += cnt;
	kept = n;
	errno = EMSGSIZE;
	return -1;
}

/* What a receive may take; the fault above shows only once it has. */
static ssize_t
receivable(int *trunc)
{
	ssize_t max;

	f_cannot = is_emsgsize();
	max = f_permit(F_RECV, trunc);
	f_cannot = 0;
	return max;
}

static ssize_t
f_read(int fd, void *p, size_t n)
{
	int trunc;
	ssize_t max = receivable(&trunc);

	if (max <= 0)
		return max;
	return f_moved(F_RECV,
	    f_under.read(fd, p, n < (size_t)max ? n : (size_t)max), max);
}

static ssize_t
f_readv(int fd, const struct iovec *iov, int n)
{
	struct iovec v[8];
	int trunc;
	ssize_t max = receivable(&trunc);

	if (max <= 0)
		return max;
	n = cut_iov(v, iov, (size_t)n, (size_t)max);
	return f_moved(F_RECV, f_under.readv(fd, v, n), max);
}

static ssize_t
f_recvmsg(int fd, struct msghdr *msg, int flags)
{
	const struct msghdr was = *msg;
	struct iovec v[8];
	int trunc;
	ssize_t r, max;

	if (kept > 0 && msg->msg_control == NULL) {
		r = kept;
		kept = 0;
		msg->msg_flags = 0;
		return r;
	}
	max = receivable(&trunc);

	/* Not a socket: the kernel looks at that before all else. */
	if (max <= 0 && fcntl(fd, F_GETFD) != -1) {
		msg->msg_controllen = 0;
		msg->msg_flags = 0;
		return max;
	}
	msg->msg_iovlen = (unsigned short)cut_iov(
	    v, was.msg_iov, (size_t)was.msg_iovlen, (size_t)max);
	msg->msg_iov = v;
	r = f_under.recvmsg(fd, msg, flags);
	msg->msg_iov = was.msg_iov;
	msg->msg_iovlen = was.msg_iovlen;
	if (trunc && r > 0)
		f_counts.dropped += drop_fds(msg);
	else if (r > 0 && (msg->msg_flags & MSG_CTRUNC))
		f_counts.dropped++;
	return refuse(msg, f_moved(F_RECV, r, max));
}

static ssize_t
f_send(int fd, const void *p, size_t n, int flags)
{
	int trunc;
	ssize_t max = f_permit(F_SEND, &trunc);

	if (max <= 0)
		return max;
	return f_moved(F_SEND,
	    f_under.send(fd, p, n < (size_t)max ? n : (size_t)max, flags), max);
}

static ssize_t
f_writev(int fd, const struct iovec *iov, int n)
{
	struct iovec v[1024];
	int trunc;
	ssize_t max = f_permit(F_SEND, &trunc);

	if (max <= 0)
		return max;
	n = cut_iov(v, iov, (size_t)n, (size_t)max);
	return f_moved(F_SEND, f_under.writev(fd, v, n), max);
}

static ssize_t
f_sendmsg(int fd, const struct msghdr *msg, int flags)
{
	struct msghdr m = *msg;
	struct iovec v[1024];
	int trunc;
	ssize_t max = f_permit(F_SEND, &trunc);

	if (max <= 0)
		return max;
	m.msg_iov = v;
	m.msg_iovlen = (unsigned short)cut_iov(
	    v, msg->msg_iov, (size_t)msg->msg_iovlen, (size_t)max);
	return f_moved(F_SEND, f_under.sendmsg(fd, &m, flags), max);
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
			f_counts.hidden += i > 0;
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

void
f_io(void)
{
	imsgi_os.read = f_read;
	imsgi_os.readv = f_readv;
	imsgi_os.recvmsg = f_recvmsg;
	imsgi_os.send = f_send;
	imsgi_os.writev = f_writev;
	imsgi_os.sendmsg = f_sendmsg;
	imsgi_os.sendmmsg = f_sendmmsg;
}
