/* SPDX-License-Identifier: ISC */
/*
 * The sending half of the fake kernel: takes as much as its schedule says,
 * and hands it on to who knows what should have come.
 */
#include <errno.h>
#include <string.h>

#include "kernel.h"

/* How many bytes this call takes at most; -1 with errno. */
static ssize_t
step(void)
{
	int s;

	errno = 0;
	if (k.generous || (s = kernel_step()) == -1)
		return 1 << 30;
	switch (STEP_KIND(s)) {
	case OUT_AGAIN:
		errno = STEP_VARIANT(s) ? EPIPE : EAGAIN;
		return -1;
	case OUT_INTR:
		if (STEP_VARIANT(s))
			return 0;
		errno = EINTR;
		return -1;
	case OUT_NOMEM:
		k.nomem = STEP_VARIANT(s) ? 4 : 1;
		break;
	case OUT_NOBUFS:
		errno = STEP_VARIANT(s) ? ECONNRESET : ENOBUFS;
		return -1;
	case OUT_NOSYS:
		errno = STEP_VARIANT(s) ? EPERM : ENOSYS;
		break;
	case OUT_MORE:
		return (ssize_t)STEP_MUCH(s) * 16;
	case OUT_ALL:
		return 1 << 30;
	default:
		break;
	}
	return (ssize_t)STEP_MUCH(s);
}

/* Its descriptor, or -1; there is one at most, alone. */
static int
fd_of(const struct msghdr *msg)
{
	struct cmsghdr c;
	int fd;

	if (msg->msg_control == NULL)
		return -1;
	memcpy(&c, msg->msg_control, sizeof(c));
	check(c.cmsg_level == SOL_SOCKET && c.cmsg_type == SCM_RIGHTS &&
		c.cmsg_len == CMSG_LEN(sizeof(int)) &&
		(size_t)msg->msg_controllen == CMSG_SPACE(sizeof(int)),
	    "another control message");
	memcpy(
	    &fd, (unsigned char *)msg->msg_control + CMSG_LEN(0), sizeof(fd));
	check(kernel_is_open(fd), "sends a descriptor that is not open");
	return fd;
}

static size_t
take(const struct iovec *iov, size_t cnt, size_t most, int fd)
{
	size_t i, n, sum = 0;

	for (i = 0; i < cnt && sum < most; i++) {
		check(iov[i].iov_len > 0, "a piece without bytes");
		n = most - sum < iov[i].iov_len ? most - sum : iov[i].iov_len;
		k.taken(iov[i].iov_base, n, fd);
		fd = -1;
		sum += n;
	}
	return sum;
}

static size_t
size_of(const struct msghdr *msg)
{
	size_t i, sum = 0;

	for (i = 0; i < (size_t)msg->msg_iovlen; i++)
		sum += msg->msg_iov[i].iov_len;
	return sum;
}

static int
is_sock(int fd)
{
	check(fd == KERNEL_SOCKET, "another descriptor");
	if (k.not_sock)
		errno = ENOTSOCK;
	return !k.not_sock;
}

static ssize_t
k_sendmsg(int fd, const struct msghdr *msg, int flags)
{
	ssize_t most;

	check(flags & MSG_NOSIGNAL, "a signal may come");
	check(size_of(msg) > 0, "sends nothing");
	if (!is_sock(fd) || (most = step()) == -1)
		return -1;
	if (most == 0)
		return 0;
	return (ssize_t)take(
	    msg->msg_iov, (size_t)msg->msg_iovlen, (size_t)most, fd_of(msg));
}

static ssize_t
k_send(int fd, const void *p, size_t n, int flags)
{
	struct iovec iov = { (void *)(uintptr_t)p, n };
	struct msghdr msg;

	memset(&msg, 0, sizeof(msg));
	msg.msg_iov = &iov;
	msg.msg_iovlen = 1;
	return k_sendmsg(fd, &msg, flags);
}

static ssize_t
k_writev(int fd, const struct iovec *iov, int cnt)
{
	ssize_t most;

	check(fd == KERNEL_SOCKET && k.not_sock, "writev to a socket");
	if ((most = step()) <= 0)
		return most;
	return (ssize_t)take(iov, (size_t)cnt, (size_t)most, -1);
}

/* Stops at the first message that is not taken whole, as Linux does. */
static int
k_sendmmsg(int fd, struct imsgi_mmsg *v, unsigned int cnt, int flags)
{
	ssize_t most;
	size_t left;
	unsigned int i;

	check(flags & MSG_NOSIGNAL, "a signal may come");
	check(!k.no_mmsg && !k.no_stops, "a call known not to work");
	if (!is_sock(fd) || (most = step()) == -1)
		return -1;
	if (errno == ENOSYS || errno == EPERM) {
		k.no_mmsg = 1;
		return -1;
	}
	left = (size_t)most;
	for (i = 0; i < cnt && left > 0; i++) {
		v[i].len = (unsigned int)take(v[i].hdr.msg_iov,
		    (size_t)v[i].hdr.msg_iovlen, left, fd_of(&v[i].hdr));
		left -= v[i].len;
		if (v[i].len < size_of(&v[i].hdr))
			return (int)i + 1;
	}
	return (int)i;
}

static int
k_mmsg_stops(void)
{
	return !k.no_stops;
}

void
kernel_sends(void)
{
	imsgi_os.writev = k_writev;
	imsgi_os.send = k_send;
	imsgi_os.sendmsg = k_sendmsg;
	imsgi_os.sendmmsg = k_sendmmsg;
	imsgi_os.mmsg_stops = k_mmsg_stops;
}
