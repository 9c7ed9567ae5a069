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
#include <sys/wait.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <poll.h>
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

static inline void
pair(int s[2])
{
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, s), 0);
}

#endif
