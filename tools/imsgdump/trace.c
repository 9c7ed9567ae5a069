/* SPDX-License-Identifier: ISC */
/*
 * The tracer as its users see it; trace-worker.c says why it is a thread.
 */
#define _GNU_SOURCE
#include <sys/syscall.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "trace-int.h"

/* Ignored until it is needed: what else sends it interrupts nothing. */
#define PRESS	 SIGURG
#define PRESS_NS 250000000

/* What the command will find; see trace.h. */
static void
remember_signals(struct tracer *tr)
{
	struct sigaction sa;
	int i;

	(void)pthread_sigmask(SIG_SETMASK, NULL, &tr->mask);
	for (i = 1; i < SIGNALS; i++)
		tr->ignored[i] =
		    sigaction(i, NULL, &sa) == 0 && sa.sa_handler == SIG_IGN;
}

static int
allocate(struct tracer *tr)
{
	tr->piece = malloc(PIECE);
	tr->control = malloc(PIECE);
	tr->iov = malloc(IOVS * sizeof(*tr->iov));
	tr->passed = malloc(PASSED * sizeof(*tr->passed));
	tr->names = malloc(PASSED * sizeof(*tr->names));
	return tr->piece == NULL || tr->control == NULL || tr->iov == NULL ||
		tr->passed == NULL || tr->names == NULL ?
	    -1 :
	    0;
}

static void
release(struct tracer *tr)
{
	int i;

	for (i = 0; i < 2; i++) {
		if (tr->bell[i] != -1)
			(void)close(tr->bell[i]);
		if (tr->exec_error[i] != -1)
			(void)close(tr->exec_error[i]);
	}
	table_free(&tr->threads);
	table_free(&tr->processes);
	free(tr->command_name);
	free(tr->events);
	free(tr->piece);
	free(tr->control);
	free(tr->iov);
	free(tr->passed);
	free(tr->names);
	free(tr);
}

/*
 * The command is to leave its status, and no stop of a thread a signal: a
 * SIGCHLD for each would wake the caller each time.
 */
static int
quiet_children(void)
{
	struct sigaction sa;

	memset(&sa, 0, sizeof(sa));
	sa.sa_handler = SIG_DFL;
	sa.sa_flags = SA_NOCLDSTOP;
	return sigaction(SIGCHLD, &sa, NULL);
}

static int
make_condition(pthread_cond_t *cond)
{
	pthread_condattr_t attr;
	int e;

	if ((e = pthread_condattr_init(&attr)) != 0)
		return e;
	if ((e = pthread_condattr_setclock(&attr, CLOCK_MONOTONIC)) == 0)
		e = pthread_cond_init(cond, &attr);
	(void)pthread_condattr_destroy(&attr);
	return e;
}

/* No signal is handled there: none interrupts a request of ptrace(2). */
static int
start_worker(struct tracer *tr)
{
	sigset_t all, old;
	int e;

	if ((e = pthread_mutex_init(&tr->lock, NULL)) != 0)
		return e;
	if ((e = make_condition(&tr->changed)) != 0) {
		(void)pthread_mutex_destroy(&tr->lock);
		return e;
	}
	(void)sigfillset(&all);
	(void)sigdelset(&all, SIGCHLD);
	(void)sigdelset(&all, PRESS);
	(void)pthread_sigmask(SIG_SETMASK, &all, &old);
	e = pthread_create(&tr->worker, NULL, trace_worker, tr);
	(void)pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (e != 0) {
		(void)pthread_cond_destroy(&tr->changed);
		(void)pthread_mutex_destroy(&tr->lock);
	}
	return e;
}

struct tracer *
trace_new(struct channels *channels)
{
	struct tracer *tr;
	int e;

	if ((tr = calloc(1, sizeof(*tr))) == NULL)
		return NULL;
	tr->channels = channels;
	tr->bell[0] = tr->bell[1] = -1;
	tr->exec_error[0] = tr->exec_error[1] = -1;
	tr->watcher = tr->command = tr->command_status = -1;
	remember_signals(tr);
	call_setup(tr);
	if (quiet_children() == -1 || allocate(tr) == -1 ||
	    pipe2(tr->bell, O_CLOEXEC) == -1 ||
	    fcntl(tr->bell[1], F_SETFL, O_NONBLOCK) == -1)
		e = errno;
	else
		e = start_worker(tr);
	if (e != 0) {
		release(tr);
		errno = e;
		return NULL;
	}
	return tr;
}

static void
nothing(int sig)
{
	(void)sig;
}

/*
 * Until the worker is done.  It may be told to stop while it writes what nobody
 * reads: the traced would stay stopped.  Then that write is interrupted, in
 * vain if it had not begun: therefore again and again.
 */
static void
wait_done(struct tracer *tr)
{
	struct sigaction sa;
	struct timespec end;
	int late = 0;

	while (tr->request != REQ_NONE) {
		(void)clock_gettime(CLOCK_MONOTONIC, &end);
		end.tv_nsec += PRESS_NS;
		end.tv_sec += end.tv_nsec / 1000000000;
		end.tv_nsec %= 1000000000;
		if (pthread_cond_timedwait(&tr->changed, &tr->lock, &end) !=
			ETIMEDOUT ||
		    !tr->stop || late++ == 0)
			continue;
		memset(&sa, 0, sizeof(sa));
		sa.sa_handler = nothing;
		(void)sigaction(PRESS, &sa, NULL);
		(void)pthread_kill(tr->worker, PRESS);
	}
}

/* Gives the worker something to do and waits until it is done. */
static int
ask(struct tracer *tr, enum request request)
{
	int r;

	if (tr->gone) {
		errno = EINVAL;
		return -1;
	}
	(void)pthread_mutex_lock(&tr->lock);
	tr->request = request;
	(void)pthread_cond_broadcast(&tr->changed);
	wait_done(tr);
	r = tr->result;
	errno = tr->error;
	(void)pthread_mutex_unlock(&tr->lock);
	return r;
}

/* Joined, and its number gone: the kernel has let go of all it had seized. */
static void
end_worker(struct tracer *tr)
{
	int e = errno;

	if (tr->gone)
		return;
	(void)pthread_join(tr->worker, NULL);
	while (syscall(SYS_tgkill, getpid(), tr->tid, 0) == 0)
		(void)sched_yield();
	tr->gone = 1;
	errno = e;
}

int
trace_attach(struct tracer *tr, pid_t pid)
{
	tr->pid = pid;
	return ask(tr, REQ_ATTACH);
}

int
trace_command(struct tracer *tr, char *const argv[])
{
	tr->argv = argv;
	return ask(tr, REQ_COMMAND);
}

int
trace_run(struct tracer *tr, struct sink *sink)
{
	int r;

	tr->sink = sink;
	r = ask(tr, REQ_RUN);
	end_worker(tr);
	return r;
}

void
trace_stop(struct tracer *tr)
{
	int e = errno;

	tr->stop = 1;
	(void)!write(tr->bell[1], "", 1);
	errno = e;
}

void
trace_follow(struct tracer *tr)
{
	tr->follow = 1;
}

size_t
trace_left(const struct tracer *tr)
{
	return tr->left;
}

int
trace_status(const struct tracer *tr)
{
	return tr->command_status;
}

void
trace_free(struct tracer *tr)
{
	if (tr == NULL)
		return;
	if (!tr->gone) {
		(void)ask(tr, REQ_QUIT);
		end_worker(tr);
	}
	(void)pthread_cond_destroy(&tr->changed);
	(void)pthread_mutex_destroy(&tr->lock);
	release(tr);
}
