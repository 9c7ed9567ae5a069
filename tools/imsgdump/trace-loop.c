/* SPDX-License-Identifier: ISC */
/*
 * Waiting for the traced threads, and in which order they are heard.
 *
 * All that have stopped are collected before a message is shown, for messages
 * come out in an order in which they can have been sent: a message is known
 * when the call that sends it ends, but its receiver may have woken, and
 * answered, before the sender comes to that end.  Whoever
 * sends the answer has begun to do so later than the first sender.  Therefore
 * sends are handled in the order in which they began, and before any message
 * is shown those senders that have not arrived but are running are waited for.
 * One that sleeps in its call (no room) is not.
 *
 * The blocking wait ends, beside by an event, by the end of a child that waits
 * for a byte in a pipe: trace_stop() puts one there.  Neither a signal handler
 * nor another thread can come too early or too late with that.
 */
#define _GNU_SOURCE
#include <sys/syscall.h>
#include <sys/wait.h>
#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "trace-int.h"

#define WAIT_FLAGS   (__WALL | __WNOTHREAD)
#define SYSCALL_STOP ((SIGTRAP | 0x80) << 8 | 0x7f)

/*
 * One in so many events is handled together with the others that there are, if
 * it would not be for the order's sake: no busy thread keeps another waiting.
 */
#define TURN 8

/* Longest time that senders on their way to the end of a call are given. */
#define SETTLE_NS    100000000
#define SETTLE_QUICK 30 /* times without a pause */
#define SETTLE_MOST  64 /* senders asleep that are looked at */

/* Longest time that the next stop is looked for, and when it is tried anew. */
#define SPIN_NS	   50000
#define SPIN_LUCK  12
#define SPIN_RETRY 64

static void
close_all_but(int keep)
{
	int fd, max = (int)sysconf(_SC_OPEN_MAX);

#ifdef SYS_close_range
	if ((keep == 0 || syscall(SYS_close_range, 0, keep - 1, 0) == 0) &&
	    syscall(SYS_close_range, keep + 1, ~0U, 0) == 0)
		return;
#endif
	for (fd = 0; fd < (max > 0 && max < 65536 ? max : 65536); fd++) {
		if (fd != keep)
			(void)close(fd);
	}
}

/* All signals are blocked in the worker, hence there. */
static int
watcher_start(struct tracer *tr)
{
	char c;

	if ((tr->watcher = fork()) == -1)
		return -1;
	if (tr->watcher == 0) {
		close_all_but(tr->bell[0]);
		while (read(tr->bell[0], &c, 1) == -1 && errno == EINTR)
			continue;
		_exit(0);
	}
	return 0;
}

static void
watcher_end(struct tracer *tr)
{
	if (tr->watcher == -1)
		return;
	trace_stop(tr);
	while (waitpid(tr->watcher, NULL, __WALL) == -1 && errno == EINTR)
		continue;
	tr->watcher = -1;
}

static int
push(struct tracer *tr, pid_t tid, int status)
{
	struct event *new;
	size_t max = tr->maxevents == 0 ? 64 : tr->maxevents * 2;
	struct thread *t;

	if (tr->nevents == tr->maxevents) {
		new = realloc(tr->events, max * sizeof(*new));
		if (new == NULL)
			return -1;
		tr->events = new;
		tr->maxevents = max;
	}
	tr->events[tr->nevents].tid = tid;
	tr->events[tr->nevents++].status = status;
	if (WIFSTOPPED(status) && WSTOPSIG(status) == (SIGTRAP | 0x80) &&
	    (t = thread_get(tr, tid)) != NULL) {
		t->arrived = t->in_call;
		t->event = tr->nevents - 1;
	}
	return 0;
}

/*
 * Of a stop for a signal the report is not taken: the signal then reaches the
 * thread even if we are killed before we can pass it on.
 */
static int
is_signal(const siginfo_t *si)
{
	return (si->si_code == CLD_TRAPPED || si->si_code == CLD_STOPPED) &&
	    si->si_status < 0x80;
}

/*
 * 1: there was an event; 0: none; -1: there is nothing to wait for.  alone: no
 * other is waited for before it is handled.
 */
static int
collect_one(struct tracer *tr, int flags, int alone)
{
	siginfo_t si;
	int status;

	si.si_pid = 0;
	if (waitid(P_ALL, 0, &si,
		WEXITED | WSTOPPED | WNOWAIT | WAIT_FLAGS | flags) == -1)
		return errno != EINTR ? -1 : 0;
	if (si.si_pid == 0)
		return 0;
	if (is_signal(&si)) {
		thread_resume(si.si_pid, si.si_status);
		return 1;
	}
	/* Nor is it here, if it goes on before another is waited for. */
	if (alone && si.si_status == (SIGTRAP | 0x80) &&
	    (si.si_code == CLD_TRAPPED || si.si_code == CLD_STOPPED) &&
	    push(tr, si.si_pid, SYSCALL_STOP) == 0)
		return 1;
	/* It may have been killed in between: its end comes next. */
	if (waitpid(si.si_pid, &status, WAIT_FLAGS | WNOHANG) != si.si_pid)
		return 1;
	if (si.si_pid == tr->watcher)
		tr->watcher = -1;
	else if (push(tr, si.si_pid, status) == -1) {
		event_handle(tr, si.si_pid, status);
		tr->failed = ENOMEM;
	}
	return 1;
}

/* No more of them than there can be: signals could go on for ever. */
static void
collect(struct tracer *tr)
{
	size_t n = 2 * tr->threads.count + 16;

	while (n-- > 0 && collect_one(tr, WNOHANG, 0) == 1)
		continue;
}

/* A sender that will come to the end of its call by itself, soon. */
static int
is_underway(struct tracer *tr)
{
	const struct thread *t;
	int state, n = 0;

	for (t = tr->first; t != NULL && n < SETTLE_MOST; t = t->later) {
		if (t->arrived)
			continue;
		state = process_state(t->e.id);
		if (state == 'R' || state == 'D' || state == 't')
			return 1;
		n++;
	}
	return 0;
}

static int
all_arrived(const struct tracer *tr)
{
	const struct thread *t;

	for (t = tr->first; t != NULL && t->arrived; t = t->later)
		continue;
	return t == NULL;
}

static int
any_emits(const struct tracer *tr)
{
	const struct thread *t;
	size_t i;

	for (i = 0; i < tr->nevents; i++) {
		t = thread_get(tr, tr->events[i].tid);
		if (t != NULL && t->arrived && call_emits(t))
			return 1;
	}
	return 0;
}

static int64_t
monotonic(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

static void
settle(struct tracer *tr)
{
	static const struct timespec pause = { 0, 100000 };
	int64_t end = monotonic() + SETTLE_NS;
	int i;

	for (i = 0; !all_arrived(tr) && is_underway(tr); i++) {
		if (i < SETTLE_QUICK)
			(void)sched_yield();
		else if (monotonic() < end)
			(void)nanosleep(&pause, NULL);
		else
			return;
		collect(tr);
	}
	collect(tr);
}

static void
handle_one(struct tracer *tr, struct event *e)
{
	pid_t tid = e->tid;

	e->tid = 0;
	if (tid != 0)
		event_handle(tr, tid, e->status);
}

static void
handle_senders(struct tracer *tr)
{
	struct thread *t, *later;

	for (t = tr->first; t != NULL; t = later) {
		later = t->later;
		if (t->arrived)
			handle_one(tr, &tr->events[t->event]);
	}
}

/* Its stop has been seen, but may not have been waited for: see step(). */
static void
take_report(struct tracer *tr, pid_t tid)
{
	int status;

	if (waitpid(tid, &status, WAIT_FLAGS | WNOHANG) != tid ||
	    WIFSTOPPED(status))
		return;
	/* It was killed just now. */
	if (push(tr, tid, status) == -1)
		tr->failed = ENOMEM;
}

void
loop_hear_senders(struct tracer *tr, pid_t tid)
{
	if (tr->first == NULL)
		return;
	take_report(tr, tid);
	settle(tr);
	handle_senders(tr);
}

static void
handle(struct tracer *tr)
{
	size_t i;

	if (tr->first != NULL && any_emits(tr) && !all_arrived(tr))
		settle(tr);
	if (tr->nevents > 1)
		handle_senders(tr);
	for (i = 0; i < tr->nevents; i++)
		handle_one(tr, &tr->events[i]);
	tr->nevents = 0;
}

/*
 * The last thread may have been killed just when it had forked: the child is
 * ours, but we have not met it.
 */
static void
drain(struct tracer *tr)
{
	static const char byte = 0;

	if (tr->watcher != -1 && write(tr->bell[1], &byte, 1) == 1) {
		while (tr->nevents == 0 && collect_one(tr, 0, 1) == 1)
			continue;
	}
	handle(tr);
}

/*
 * A thread that was let go often stops again within microseconds, at the end
 * of its call.  To sleep until then, and be woken, takes longer than that where
 * another processor has to be told (some 15 us in a virtual machine), so there
 * it is looked for a while.  Where the processors have other work to do that
 * is in vain, costs three times what it gains, and is left.
 */
static int
look_out(struct tracer *tr)
{
	int64_t end;

	if (!tr->spins || (tr->luck < 0 && ++tr->idle % SPIN_RETRY != 0))
		return 0;
	end = monotonic() + SPIN_NS;
	do {
		if (collect_one(tr, WNOHANG, 1) == 1) {
			tr->luck += tr->luck < SPIN_LUCK;
			return 1;
		}
	} while (monotonic() < end);
	if (tr->luck > -SPIN_LUCK)
		tr->luck -= 3;
	return 0;
}

/* The next event; before it has to be waited for, all is shown. */
static int
next(struct tracer *tr)
{
	if ((tr->dirty && collect_one(tr, WNOHANG, 1) == 1) || look_out(tr))
		return 1;
	if (tr->dirty) {
		tr->dirty = 0;
		if (tr->sink->flush(tr->sink) == -1) {
			tr->failed = errno;
			return 0;
		}
	}
	return collect_one(tr, 0, 1) == 1;
}

static void
step(struct tracer *tr)
{
	if (next(tr) && (++tr->turn % TURN == 0 || any_emits(tr))) {
		if (tr->nevents == 1 && tr->events[0].status == SYSCALL_STOP)
			take_report(tr, tr->events[0].tid);
		collect(tr);
	}
	handle(tr);
	if (tr->threads.count == 0)
		drain(tr);
}

/* The command has ended, and what it left behind is not of interest. */
static int
is_over(const struct tracer *tr)
{
	return tr->command_status != -1 && !tr->follow;
}

/* Processes that are not about to be gone. */
static size_t
alive(const struct tracer *tr)
{
	const struct entry *e;
	size_t i, n = 0;
	int state;

	for (i = 0; i < tr->processes.size; i++) {
		for (e = tr->processes.bucket[i]; e != NULL; e = e->next) {
			state = process_state(e->id);
			n += state != 0 && state != 'Z' && state != 'X';
		}
	}
	return n;
}

int
trace_loop(struct tracer *tr)
{
	cpu_set_t cpus;

	tr->spins = sched_getaffinity(0, sizeof(cpus), &cpus) == 0 &&
	    CPU_COUNT(&cpus) > 1;
	if (watcher_start(tr) == -1)
		return -1;
	while (tr->threads.count > 0 && !tr->stop && tr->failed == 0 &&
	    !is_over(tr)) {
		step(tr);
		if (tr->watcher == -1 && !tr->stop && tr->threads.count > 0 &&
		    watcher_start(tr) == -1)
			tr->failed = errno;
	}
	/* What was sent before the end of the command was is here by now. */
	if (is_over(tr) && !tr->stop && tr->failed == 0) {
		collect(tr);
		handle(tr);
	}
	watcher_end(tr);
	if (!tr->stop)
		tr->left = alive(tr);
	leave_all(tr);
	if (tr->sink->flush(tr->sink) == -1 && tr->failed == 0)
		tr->failed = errno;
	errno = tr->failed;
	return tr->failed == 0 ? 0 : -1;
}
