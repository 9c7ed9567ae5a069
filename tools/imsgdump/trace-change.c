/* SPDX-License-Identifier: ISC */
/*
 * System calls that move nothing, but give a descriptor number, or a process,
 * another meaning; and those whose bytes pass by without being seen.
 */
#define _GNU_SOURCE
#include <sys/prctl.h>
#include <stdio.h>

#include "trace-int.h"

/* CLOSE_RANGE_CLOEXEC of linux/close_range.h */
#define CLOSE_RANGE_FLAG_CLOEXEC 4

/* The numbers that are left of a range are none that were ever in use. */
static void
closed_range(struct tracer *tr, struct thread *t)
{
	pid_t pid = t->proc->e.id;
	long fds = status_number(pid, "FDSize:");
	uint64_t fd, end = (uint32_t)t->arg[1];

	if (t->arg[2] & CLOSE_RANGE_FLAG_CLOEXEC)
		return;
	if (fds > 0 && end >= (uint64_t)fds)
		end = (uint64_t)fds - 1;
	for (fd = (uint32_t)t->arg[0]; fd <= end && fd <= INT32_MAX; fd++)
		channels_close(tr->channels, pid, (int)fd);
}

static void
spliced(struct tracer *tr, struct thread *t, size_t result)
{
	struct rule r = { -1, CALL_SENDFILE, CHANNEL_RECV, -1 };
	pid_t pid = t->proc->e.id;

	t->rule = &r;
	if (channels_wants(tr->channels, pid, (int)t->arg[0], r.dir))
		move_done(tr, t, result);
	r.dir = CHANNEL_SEND;
	t->arg[0] = t->arg[2];
	if (channels_wants(tr->channels, pid, (int)t->arg[0], r.dir))
		move_done(tr, t, result);
	t->rule = NULL;
}

static void
opened_pair(struct tracer *tr, struct thread *t)
{
	int fd[2];

	if (memory_read(tr, t->e.id, t->arg[3], fd, sizeof(fd)) != sizeof(fd))
		return;
	channels_pair(tr->channels, t->proc->e.id, fd[0], fd[1]);
}

static void
say_uring(struct process *p)
{
	if (p->said & SAID_URING)
		return;
	p->said |= SAID_URING;
	(void)fprintf(stderr,
	    "imsgdump: process %ld uses io_uring: what it sends that way "
	    "cannot be seen\n",
	    (long)p->e.id);
}

/* A call that gives a number, or the process, another meaning. */
void
change_done(struct tracer *tr, struct thread *t, int64_t result)
{
	pid_t pid = t->proc->e.id;

	switch (t->rule->kind) {
	case CALL_DUP2:
		if ((int)t->arg[0] != (int)t->arg[1])
			channels_close(tr->channels, pid, (int)t->arg[1]);
		break;
	case CALL_CLOSE_RANGE:
		closed_range(tr, t);
		break;
	case CALL_SOCKETPAIR:
		opened_pair(tr, t);
		break;
	case CALL_ACCEPT:
		channels_open(tr->channels, pid, (int)result);
		break;
	case CALL_CONNECT:
		channels_open(tr->channels, pid, (int)t->arg[0]);
		break;
	case CALL_SPLICE:
		if (result > 0)
			spliced(tr, t, (size_t)result);
		break;
	case CALL_PRCTL:
		/* The name of a process is that of its first thread. */
		if ((int)t->arg[0] == PR_SET_NAME && t->e.id == pid)
			channels_renamed(tr->channels, pid);
		break;
	case CALL_URING:
		say_uring(t->proc);
		break;
	}
}
