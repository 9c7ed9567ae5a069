/* SPDX-License-Identifier: ISC */
/*
 * The thread that traces.
 *
 * The kernel lets go of traced processes when the thread that seized them ends,
 * and a call that is under way is not interrupted by that; to let them go by a
 * request each would have to be stopped first, which a program may
 * notice.  Therefore there is a thread that ends when tracing does, while
 * imsgdump may still have to write what it has gathered.
 */
#define _GNU_SOURCE
#include <sys/syscall.h>
#include <errno.h>
#include <unistd.h>

#include "trace-int.h"

static int
perform(struct tracer *tr, enum request request)
{
	if ((request == REQ_ATTACH || request == REQ_COMMAND) &&
	    why_no_proc() == -1)
		return -1;
	switch (request) {
	case REQ_ATTACH:
		return attach_tree(tr, tr->pid);
	case REQ_COMMAND:
		return command_start(tr, tr->argv);
	case REQ_RUN:
		return trace_loop(tr);
	default:
		leave_all(tr);
		return 0;
	}
}

void *
trace_worker(void *arg)
{
	struct tracer *tr = arg;
	enum request request;
	int r, e;

	tr->tid = (pid_t)syscall(SYS_gettid);
	do {
		(void)pthread_mutex_lock(&tr->lock);
		while ((request = tr->request) == REQ_NONE)
			(void)pthread_cond_wait(&tr->changed, &tr->lock);
		(void)pthread_mutex_unlock(&tr->lock);
		r = perform(tr, request);
		e = errno;
		(void)pthread_mutex_lock(&tr->lock);
		tr->result = r;
		tr->error = e;
		tr->request = REQ_NONE;
		(void)pthread_cond_broadcast(&tr->changed);
		(void)pthread_mutex_unlock(&tr->lock);
	} while (request != REQ_QUIT && request != REQ_RUN);
	return NULL;
}
