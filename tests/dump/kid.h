/* SPDX-License-Identifier: ISC */
/*
 * For tests that look at other processes: children that do something, say so,
 * and stay until they are told to go.
 */
#ifndef KID_H
#define KID_H

#include <sys/types.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

struct kid {
	pid_t pid;
	int hold; /* it stays while this is open */
};

/* Returns when the child has done f(arg), which returned value. */
static inline struct kid
kid_start(int (*f)(void *), void *arg, int value)
{
	struct kid k;
	int hold[2], done[2], got = -1;

	assert_int_equal(pipe(hold), 0);
	assert_int_equal(pipe(done), 0);
	k.pid = fork();
	assert_true(k.pid >= 0);
	if (k.pid == 0) {
		close(hold[1]);
		close(done[0]);
		got = f == NULL ? 0 : f(arg);
		if (write(done[1], &got, sizeof(got)) != sizeof(got))
			_exit(2);
		close(done[1]);
		while (read(hold[0], &got, 1) > 0)
			;
		_exit(0);
	}
	close(hold[0]);
	close(done[1]);
	assert_int_equal(read(done[0], &got, sizeof(got)), sizeof(got));
	close(done[0]);
	assert_int_equal(got, value);
	k.hold = hold[1];
	return k;
}

static inline void
kid_end(struct kid *k)
{
	int status;

	/* Later children have that pipe, too, so that a signal it must be. */
	close(k->hold);
	kill(k->pid, SIGKILL);
	assert_int_equal(waitpid(k->pid, &status, 0), k->pid);
}

/* Into a network namespace of its own. */
static inline int
may_leave(void)
{
	pid_t pid = fork();
	int status;

	if (pid == 0)
		_exit(unshare(CLONE_NEWNET) != 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status == 0;
}

/* pidfd_getfd(2): newer than some kernels, and unknown to valgrind. */
static inline int
may_borrow(void)
{
	int p = (int)syscall(SYS_pidfd_open, getpid(), 0), fd;

	if (p == -1)
		return 0;
	fd = (int)syscall(SYS_pidfd_getfd, p, p, 0);
	close(fd);
	close(p);
	return fd != -1;
}

/* Takes a socket as descriptor 210. */
static inline int
takes(void *arg)
{
	char byte, space[CMSG_SPACE(sizeof(int))];
	struct iovec v = { &byte, 1 };
	struct msghdr m = { .msg_iov = &v,
		.msg_iovlen = 1,
		.msg_control = space,
		.msg_controllen = sizeof(space) };
	int fd;

	if (recvmsg(*(int *)arg, &m, 0) != 1 || CMSG_FIRSTHDR(&m) == NULL)
		return -1;
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof(fd));
	return dup2(fd, 210) == 210 && close(fd) == 0 ? 0 : -1;
}

static inline void
passes(int s, int fd)
{
	char space[CMSG_SPACE(sizeof(int))] = { 0 };
	struct iovec v = { space, 1 };
	struct msghdr m = { .msg_iov = &v,
		.msg_iovlen = 1,
		.msg_control = space,
		.msg_controllen = sizeof(space) };
	struct cmsghdr *h = CMSG_FIRSTHDR(&m);

	h->cmsg_level = SOL_SOCKET;
	h->cmsg_type = SCM_RIGHTS;
	h->cmsg_len = CMSG_LEN(sizeof(fd));
	memcpy(CMSG_DATA(h), &fd, sizeof(fd));
	assert_int_equal(sendmsg(s, &m, 0), 1);
}

static inline void
pair(int s[2])
{
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, s), 0);
}

/* A socket that listens, and one for a client. */
struct server {
	struct sockaddr_un sun;
	int listen, client;
};

static inline void
serve(struct server *v)
{
	memset(v, 0, sizeof(*v));
	v->sun.sun_family = AF_UNIX;
	snprintf(v->sun.sun_path + 1, sizeof(v->sun.sun_path) - 1,
	    "channels.%ld", (long)getpid());
	v->listen = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_int_equal(
	    bind(v->listen, (struct sockaddr *)&v->sun, sizeof(v->sun)), 0);
	assert_int_equal(listen(v->listen, 5), 0);
	v->client = socket(AF_UNIX, SOCK_STREAM, 0);
}

static inline void
connects(struct server *v)
{
	assert_int_equal(
	    connect(v->client, (struct sockaddr *)&v->sun, sizeof(v->sun)), 0);
}

#endif
