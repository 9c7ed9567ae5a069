/* SPDX-License-Identifier: ISC */
/*
 * The receiving half of the fake kernel: bytes of the input, and control
 * messages as no decent peer would send them.
 */
#include <errno.h>
#include <string.h>

#include "kernel.h"

/* As in src/os-fd.c, which does not depend on the C library's age either. */
#define PIDFD 0x04

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

/* Appends a control message of n ints to those of size *have. */
static void
put_ints(struct msghdr *msg, size_t *have, int type, const int *v, size_t n)
{
	const size_t len = n * sizeof(*v);
	struct cmsghdr c;
	unsigned char *p = (unsigned char *)msg->msg_control + *have;

	check(*have + CMSG_SPACE(len) <= (size_t)msg->msg_controllen,
	    "little room for control messages");
	memset(p, 0, CMSG_SPACE(len));
	memset(&c, 0, sizeof(c));
	c.cmsg_level = SOL_SOCKET;
	c.cmsg_type = type;
	c.cmsg_len = (socklen_t)CMSG_LEN(len);
	memcpy(p, &c, sizeof(c));
	memcpy(p + CMSG_LEN(0), v, len);
	*have += CMSG_SPACE(len);
}

static int
put_fds(struct msghdr *msg, size_t *have, int type, size_t n)
{
	int v[2];
	size_t i, got = 0;

	for (i = 0; i < n; i++)
		if ((v[got] = kernel_fd()) != -1)
			got++;
	if (got == 0)
		return IMSGI_FD_NONE;
	put_ints(msg, have, type, v, got);
	return v[0];
}

/* Things that come because a peer has set an option on our socket. */
static void
put_junk(struct msghdr *msg, size_t *have)
{
	static const int creds[3] = { 1, 0, 0 };

	put_ints(msg, have, 0x02 /* SCM_CREDENTIALS of Linux */, creds, 3);
#ifdef __linux__
	(void)put_fds(msg, have, PIDFD, 1);
#endif
}

/* One descriptor in the buffer, of more that the header speaks of. */
static void
overstate(struct msghdr *msg)
{
	struct cmsghdr c;

	memcpy(&c, msg->msg_control, sizeof(c));
	c.cmsg_len = CMSG_LEN(sizeof(int) * 5);
	memcpy(msg->msg_control, &c, sizeof(c));
}

/* What the library has to make of it is returned. */
static int
put_control(struct msghdr *msg, int step)
{
	const int variant = STEP_VARIANT(step);
	int token = IMSGI_FD_NONE;
	size_t have = 0;

	switch (STEP_KIND(step)) {
	case IN_FD:
		if (variant)
			put_junk(msg, &have);
		token = put_fds(msg, &have, SCM_RIGHTS, 1);
		if (variant)
			put_junk(msg, &have);
		break;
	case IN_TWO:
		token = put_fds(msg, &have, SCM_RIGHTS, variant ? 1 : 2);
		if (variant)
			(void)put_fds(msg, &have, SCM_RIGHTS, 1);
		break;
	case IN_LOST:
		msg->msg_flags = MSG_CTRUNC;
		token = IMSGI_FD_LOST;
		if (!variant)
			break;
		token = put_fds(msg, &have, SCM_RIGHTS, 1);
		if (token != IMSGI_FD_NONE) {
			have = CMSG_LEN(sizeof(int));
			overstate(msg);
		} else
			token = IMSGI_FD_LOST;
		break;
	case IN_JUNK:
		put_junk(msg, &have);
		break;
	default:
		break;
	}
	msg->msg_controllen = (socklen_t)have;
	return token;
}

/* An error of this step, or 0. */
static int
error_of(int step, const struct msghdr *msg)
{
	switch (STEP_KIND(step)) {
	case IN_AGAIN:
		return STEP_VARIANT(step) ? EIO : EAGAIN;
	case IN_INTR:
		if (!STEP_VARIANT(step))
			return EINTR;
		if (msg->msg_control == NULL)
			return 0;
		k.refused = 1;
		return EMSGSIZE;
	default:
		return 0;
	}
}

static ssize_t
k_recvmsg(int fd, struct msghdr *msg, int flags)
{
	size_t n, most = SIZE_MAX;
	int token = IMSGI_FD_NONE;
	int step = kernel_step();

	(void)flags;
	check(fd == KERNEL_SOCKET, "another descriptor");
	if (msg->msg_control != NULL)
		k.refused = 0;
	if (step != -1) {
		if ((errno = error_of(step, msg)) != 0) {
			k.failures += errno == EIO;
			return -1;
		}
		if (STEP_KIND(step) == IN_NOMEM)
			k.nomem = STEP_VARIANT(step) ? 4 : 1;
		most = STEP_MUCH(step);
	}
	n = give(msg->msg_iov, (size_t)msg->msg_iovlen, most);
	msg->msg_flags = 0;
	if (k.refused && n > 0)
		token = IMSGI_FD_LOST;
	if (msg->msg_control == NULL || n == 0 || step == -1)
		msg->msg_controllen = 0;
	else
		token = put_control(msg, step);
	if (n > 0)
		k.receipt(n, token);
	return (ssize_t)n;
}

static ssize_t
k_readv(int fd, const struct iovec *iov, int cnt)
{
	struct msghdr msg;

	memset(&msg, 0, sizeof(msg));
	msg.msg_iov = (struct iovec *)(uintptr_t)iov;
	msg.msg_iovlen = (unsigned short)cnt;
	return k_recvmsg(fd, &msg, 0);
}

static ssize_t
k_read(int fd, void *p, size_t n)
{
	struct iovec iov = { p, n };

	return k_readv(fd, &iov, 1);
}

void
kernel_receives(void)
{
	imsgi_os.read = k_read;
	imsgi_os.readv = k_readv;
	imsgi_os.recvmsg = k_recvmsg;
}
