/* SPDX-License-Identifier: ISC */
/*
 * Letting go of what is traced.
 *
 * When the tracer ends the kernel lets all go on.  To a thread that stands at
 * the entry of a call it leaves a mark as of a signal, though, as it does for
 * PTRACE_DETACH: epoll_wait(2) and some others then fail with EINTR.  At the
 * exit of a call, and within it, nothing is to be noticed.  Therefore whoever
 * is in no call is waited for, for a while, and at its next stop told to go on
 * without stopping at calls any more.  Only when imsgdump is killed the mark
 * can meet a thread, which then sees what it would after SIGSTOP and SIGCONT.
 */
#define _GNU_SOURCE
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <time.h>

#include "trace-int.h"

#define EVENT_STOP 128 /* PTRACE_EVENT_STOP */
#define PAUSES	   2000
#define PAUSE_NS   50000

static void
go(pid_t tid, int sig)
{
	(void)ptrace(PTRACE_CONT, tid, NULL, (void *)(intptr_t)sig);
}

static int
is_stop(int sig)
{
	return sig == SIGSTOP || sig == SIGTSTP || sig == SIGTTIN ||
	    sig == SIGTTOU;
}

static void
release(struct tracer *tr, pid_t tid, int status)
{
	struct thread *t = thread_get(tr, tid);
	int event = (int)((unsigned)status >> 16), sig;

	if (!WIFSTOPPED(status)) {
		event_handle(tr, tid, status);
		return;
	}
	if (t != NULL)
		t->resting = 1;
	sig = WSTOPSIG(status);
	if (event == EVENT_STOP && is_stop(sig))
		(void)ptrace(PTRACE_LISTEN, tid, NULL, NULL);
	else
		go(tid, event == 0 && sig != (SIGTRAP | 0x80) ? sig : 0);
}

/* Is there one that will come to the entry of a call? */
static int
any_outside(const struct tracer *tr)
{
	const struct thread *t;
	const struct entry *e;
	size_t i;

	for (i = 0; i < tr->threads.size; i++) {
		for (e = tr->threads.bucket[i]; e != NULL; e = e->next) {
			t = (const struct thread *)e;
			if (!t->in_call && !t->resting)
				return 1;
		}
	}
	return 0;
}

void
leave_all(struct tracer *tr)
{
	static const struct timespec pause = { 0, PAUSE_NS };
	int i, status;
	pid_t tid;

	for (i = 0; i < PAUSES; i++) {
		while ((tid = waitpid(
			    -1, &status, __WALL | __WNOTHREAD | WNOHANG)) > 0)
			release(tr, tid, status);
		if (!any_outside(tr))
			return;
		(void)nanosleep(&pause, NULL);
	}
}
