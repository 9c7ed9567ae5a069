/* SPDX-License-Identifier: ISC */
/*
 * What the kernel reports of a traced thread, beside its calls: threads and
 * processes that begin and end, programs executed, stops and signals.
 *
 * Any of them may be killed at any time: then a request fails with ESRCH, and
 * its end is reported in its turn.
 */
#define _GNU_SOURCE
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <errno.h>

#include "trace-int.h"

#define EVENT_STOP 128 /* PTRACE_EVENT_STOP */

void
thread_resume(pid_t tid, int sig)
{
	(void)ptrace(PTRACE_SYSCALL, tid, NULL, (void *)(intptr_t)sig);
}

/* A thread that is seen for the first time. */
static struct thread *
begin(struct tracer *tr, pid_t tid)
{
	struct thread *t;
	long pid;

	if ((t = thread_get(tr, tid)) != NULL)
		return t;
	pid = status_number(tid, "Tgid:");
	t = thread_add(tr, tid, pid > 0 ? (pid_t)pid : tid);
	if (t == NULL && tr->failed == 0)
		tr->failed = ENOMEM;
	return t;
}

static void
end(struct tracer *tr, pid_t tid, int status)
{
	struct thread *t = thread_get(tr, tid);

	tr->dirty = 1;
	if (t != NULL)
		thread_remove(tr, t);
	if (tid == tr->command)
		command_ended(tr, status);
}

/*
 * The other threads are gone, and the one that called execve has the number
 * of the first.
 */
static void
executed(struct tracer *tr, pid_t tid)
{
	struct thread *t, *old;
	unsigned long former = 0;

	(void)ptrace(PTRACE_GETEVENTMSG, tid, NULL, &former);
	if (former != 0 && (pid_t)former != tid &&
	    (old = thread_get(tr, (pid_t)former)) != NULL)
		thread_remove(tr, old);
	if ((t = begin(tr, tid)) == NULL)
		return;
	call_forget(tr, t);
	t->in_call = 1;
	t->proc->shares = 0;
	channels_exec(tr->channels, t->proc->e.id);
}

static void
stopped(struct tracer *tr, pid_t tid, int sig)
{
	struct thread *t = begin(tr, tid);

	switch (sig) {
	case SIGSTOP:
	case SIGTSTP:
	case SIGTTIN:
	case SIGTTOU:
		/* It stays stopped, as without us, until it is continued. */
		if (t != NULL)
			t->resting = 1;
		(void)ptrace(PTRACE_LISTEN, tid, NULL, NULL);
		break;
	default:
		if (t != NULL)
			t->resting = 0;
		thread_resume(tid, 0);
	}
}

/* Of a process that shares its descriptors this one may be who shares them. */
static void
born(struct tracer *tr, pid_t parent, pid_t child)
{
	const struct thread *t = thread_get(tr, parent);
	struct thread *new = begin(tr, child);

	if (t != NULL && new != NULL && t->proc->shares)
		new->proc->shares = 1;
}

static void
reported(struct tracer *tr, pid_t tid, int event)
{
	unsigned long child = 0;

	switch (event) {
	case PTRACE_EVENT_FORK:
	case PTRACE_EVENT_VFORK:
	case PTRACE_EVENT_CLONE:
		if (ptrace(PTRACE_GETEVENTMSG, tid, NULL, &child) == 0 &&
		    child != 0)
			born(tr, tid, (pid_t)child);
		break;
	case PTRACE_EVENT_EXEC:
		executed(tr, tid);
		break;
	}
	thread_resume(tid, 0);
}

void
event_handle(struct tracer *tr, pid_t tid, int status)
{
	struct thread *t;
	int event = (int)((unsigned)status >> 16);

	if (!WIFSTOPPED(status)) {
		end(tr, tid, status);
	} else if (event == EVENT_STOP) {
		stopped(tr, tid, WSTOPSIG(status));
	} else if (event != 0) {
		reported(tr, tid, event);
	} else {
		if ((t = begin(tr, tid)) != NULL)
			call_stop(tr, t);
		thread_resume(tid, 0);
	}
}
