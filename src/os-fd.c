/* SPDX-License-Identifier: ISC */
/*
 * Descriptors on their way through a UNIX socket.
 *
 * A peer decides how many descriptors and which control messages arrive.
 * Whatever it sends, this file lets at most one descriptor through and closes
 * every other one that the kernel has already put into our table.
 */
#include "feature.h"

#include <sys/types.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <errno.h>
#include <string.h>

#include "os.h"

/* Linux 6.5; glibc has the name since 2.39. */
#if defined(__linux__)
#define IMSGI_SCM_PIDFD 0x04
#endif

#ifdef MSG_NOSIGNAL
#define SEND_FLAGS MSG_NOSIGNAL
#else
#define SEND_FLAGS 0
#endif

#ifdef MSG_CMSG_CLOEXEC
#define RECV_CLOEXEC MSG_CMSG_CLOEXEC
#else
#define RECV_CLOEXEC 0
#endif

void
imsgi_attach(struct msghdr *msg, union imsgi_ctl *ctl, int fd)
{
	struct cmsghdr *cmsg;

	/* Padding goes to the kernel too; it shall not carry stack content. */
	memset(ctl, 0, sizeof(*ctl));
	msg->msg_control = ctl->buf;
	msg->msg_controllen = sizeof(ctl->buf);
	cmsg = CMSG_FIRSTHDR(msg);
	cmsg->cmsg_level = SOL_SOCKET;
	cmsg->cmsg_type = SCM_RIGHTS;
	cmsg->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(cmsg), &fd, sizeof(fd));
}

/* The payload of a control message is not aligned for int on all systems. */
static int
cmsg_fd(struct cmsghdr *cmsg, size_t i)
{
	int fd;

	memcpy(&fd, CMSG_DATA(cmsg) + i * sizeof(fd), sizeof(fd));
	return fd;
}

/*
 * How many ints of the control message are there.  cmsg_len says what was
 * sent; Linux lowers it when the buffer is too small (put_cmsg in
 * net/core/scm.c), but other kernels need not, and what lies behind the
 * bytes received is no number of ours to close.
 */
static size_t
cmsg_ints(const struct msghdr *msg, const struct cmsghdr *cmsg)
{
	const unsigned char *at = (const unsigned char *)cmsg;
	const unsigned char *start = msg->msg_control;
	size_t room = (size_t)msg->msg_controllen - (size_t)(at - start);
	size_t len = (size_t)cmsg->cmsg_len;

	if (len > room)
		len = room;
	return len < CMSG_LEN(0) ? 0 : (len - CMSG_LEN(0)) / sizeof(int);
}

static int
keep_first(const struct msghdr *msg, struct cmsghdr *cmsg, int have)
{
	size_t i, n = cmsg_ints(msg, cmsg);
	int fd;

	for (i = 0; i < n; i++) {
		fd = cmsg_fd(cmsg, i);
		if (have == IMSGI_FD_NONE)
			have = fd;
		else
			imsgi_close(fd);
	}
	return have;
}

/*
 * musl's CMSG_NXTHDR mixes signed with unsigned numbers, in a way that is no
 * harm but that the warnings of careful projects, like this one, take amiss.
 */
#if defined(__GNUC__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wsign-conversion"
#pragma GCC diagnostic ignored "-Wsign-compare"
#endif
static struct cmsghdr *
next_header(struct msghdr *msg, struct cmsghdr *cmsg)
{
	return CMSG_NXTHDR(msg, cmsg);
}
#if defined(__GNUC__)
#pragma GCC diagnostic pop
#endif

/*
 * SCM_PIDFD arrives if a peer set SO_PASSPIDFD on this socket before it
 * handed the socket to us: a descriptor nobody asked for.
 */
static int
sort_control(struct msghdr *msg)
{
	struct cmsghdr *cmsg;
	int fd = IMSGI_FD_NONE;

	for (cmsg = CMSG_FIRSTHDR(msg); cmsg != NULL;
	     cmsg = next_header(msg, cmsg)) {
		if (cmsg->cmsg_level != SOL_SOCKET)
			continue;
		if (cmsg->cmsg_type == SCM_RIGHTS)
			fd = keep_first(msg, cmsg, fd);
#ifdef IMSGI_SCM_PIDFD
		else if (cmsg->cmsg_type == IMSGI_SCM_PIDFD &&
		    cmsg_ints(msg, cmsg) > 0)
			imsgi_close(cmsg_fd(cmsg, 0));
#endif
	}
	if (fd == IMSGI_FD_NONE && (msg->msg_flags & MSG_CTRUNC))
		fd = IMSGI_FD_LOST;
	return fd;
}

/* msg_iovlen is an int, unsigned or not, or a size_t; this fits them all. */
static void
set_iov(struct msghdr *msg, struct iovec *iov, int n)
{
	msg->msg_iov = iov;
	msg->msg_iovlen = (unsigned short)n;
}

static ssize_t
recv_once(int fd, struct msghdr *msg, int flags)
{
	ssize_t n;

	do {
		n = imsgi_os.recvmsg(fd, msg, flags);
	} while (n == -1 && errno == EINTR);
	return n;
}

ssize_t
imsgi_recv(int fd, struct iovec *iov, int iovcnt, int how, int *passed)
{
	struct msghdr msg;
	union imsgi_ctl_in ctl;
	ssize_t n;
	int flags = how & IMSGI_RECV_NOWAIT ? MSG_DONTWAIT : 0;
	int refused = 0;

	if (how & IMSGI_RECV_CLOEXEC)
		flags |= RECV_CLOEXEC;

	memset(&msg, 0, sizeof(msg));
	set_iov(&msg, iov, iovcnt);
	msg.msg_control = ctl.buf;
	msg.msg_controllen = sizeof(ctl.buf);
	*passed = IMSGI_FD_NONE;
	n = recv_once(fd, &msg, flags);
	if (n == -1 && errno == EMSGSIZE) {
		/*
		 * OpenBSD refuses like this when the descriptor table is
		 * full, and drops the descriptor (unp_externalize() in
		 * kern/uipc_usrreq.c); without room for control messages it
		 * gives the bytes, and does not say that one is missing.
		 */
		refused = 1;
		msg.msg_control = NULL;
		msg.msg_controllen = 0;
		n = recv_once(fd, &msg, flags);
	}
	if (n == -1)
		return -1;
	*passed = refused ? IMSGI_FD_LOST : sort_control(&msg);
	if ((how & IMSGI_RECV_CLOEXEC) && *passed >= 0 &&
	    (imsgi_os.quirks & IMSGI_Q_CLOEXEC))
		(void)imsgi_os.cloexec(*passed);
	return n;
}

ssize_t
imsgi_readv_nowait(int fd, struct iovec *iov, int iovcnt)
{
	struct msghdr msg;
	ssize_t n;

	memset(&msg, 0, sizeof(msg));
	set_iov(&msg, iov, iovcnt);
	n = recv_once(fd, &msg, MSG_DONTWAIT);
	if (n == -1 && errno == ENOTSOCK)
		n = imsgi_readv(fd, iov, iovcnt);
	return n;
}

static int
send_flags(int fd, int nowait)
{
	/* Each time: the number may stand for another socket than before. */
	if (imsgi_os.quirks & IMSGI_Q_NOSIGPIPE)
		(void)imsgi_os.nosigpipe(fd);
	return SEND_FLAGS | (nowait ? MSG_DONTWAIT : 0);
}

ssize_t
imsgi_send_bytes(int fd, const void *p, size_t len, int nowait)
{
	ssize_t n;
	int flags = send_flags(fd, nowait);

	do {
		n = imsgi_os.send(fd, p, len, flags);
	} while (n == -1 && errno == EINTR);
	return n;
}

ssize_t
imsgi_send(int fd, struct msghdr *msg, int nowait)
{
	ssize_t n;
	int flags = send_flags(fd, nowait);

	do {
		n = imsgi_os.sendmsg(fd, msg, flags);
	} while (n == -1 && errno == EINTR);
	/* Full for a descriptor only: poll(2) may call it writable. */
	if (n == -1 && errno == EMSGSIZE && msg->msg_controllen > 0 &&
	    (imsgi_os.quirks & IMSGI_Q_MSGSIZE))
		errno = ENOBUFS;
	return n;
}

int
imsgi_sendmm(int fd, struct imsgi_mmsg *v, unsigned int cnt, int nowait)
{
	int flags = send_flags(fd, nowait);
	int n;

	do {
		n = imsgi_os.sendmmsg(fd, v, cnt, flags);
	} while (n == -1 && errno == EINTR);
	return n;
}
