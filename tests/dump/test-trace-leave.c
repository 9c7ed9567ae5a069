/* SPDX-License-Identifier: ISC */
/*
 * The tracer: whatever becomes of it, the traced program goes on and notices
 * nothing.  It is killed, and ended in order, at random points of an exchange
 * of 100,000 messages; the program ends with an error if a call fails, is
 * interrupted, or a message is not the next one.  If it is killed, or stopped
 * by a signal, epoll_wait(2) may be interrupted once: that is the kernel's way.
 *
 * TRACE_ROUNDS is how often each, TRACE_SEED where the points come from.
 */
#define _GNU_SOURCE
#include <sys/prctl.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <fcntl.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "trace-lib.h"

static struct tracer *tracer;
static int progress; /* the tracer says with a byte that messages come */
static uint64_t seed;

static uint32_t
next_random(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (uint32_t)(seed >> 16);
}

static int
setting(const char *name, int otherwise)
{
	const char *s = getenv(name);

	return s != NULL ? atoi(s) : otherwise;
}

static void
say_progress(const struct heard *h)
{
	static pid_t first;
	static int n;

	if (first == 0)
		first = h->pid;
	if (h->kind == HEARD_BYTES && n++ == 0)
		(void)!write(progress, &first, sizeof(first));
	fake.n = 0;
}

static void
ring(int sig)
{
	(void)sig;
	trace_stop(tracer);
}

/* A process that traces a command, and when asked to end stays for a while. */
static pid_t
start_tracer(const char *mode, const char *arg, pid_t *traced)
{
	char *argv[] = { (char *)(uintptr_t)t_talker(), (char *)(uintptr_t)mode,
		(char *)(uintptr_t)arg, NULL };
	int p[2];
	pid_t pid;

	assert_int_equal(pipe2(p, O_CLOEXEC), 0);
	assert_true((pid = fork()) != -1);
	if (pid == 0) {
		progress = p[1];
		fake_begin();
		fake.hook = say_progress;
		if ((tracer = trace_new(fake.channels)) == NULL)
			_exit(1);
		(void)signal(SIGINT, ring);
		if (trace_command(tracer, argv) == -1 ||
		    trace_run(tracer, &fake.sink) == -1)
			_exit(1);
		for (;;)
			(void)pause();
	}
	(void)close(p[1]);
	assert_int_equal(read(p[0], traced, sizeof(*traced)), sizeof(*traced));
	(void)close(p[0]);
	return pid;
}

static void
some_time(void)
{
	struct timespec ts = { 0, next_random() % 30000000 };

	(void)nanosleep(&ts, NULL);
}

static void
kill_tracer(pid_t pid)
{
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(t_reap(pid), SIGKILL);
}

/*
 * The process that was traced is ours now, for we reap what has no parent; so
 * are others that the tracer started for itself, which end without it.
 */
static void
ends_well(pid_t traced)
{
	int status;

	assert_int_equal(t_reap(traced), 0);
	while (waitpid(-1, &status, __WALL) > 0)
		assert_int_equal(status, 0);
}

static void
killed_while(const char *mode, const char *arg)
{
	int i, n = setting("TRACE_ROUNDS", 3);
	pid_t pid, traced;

	assert_int_equal(setenv("TALK_PATIENCE", "1", 1), 0);
	for (i = 0; i < n; i++) {
		pid = start_tracer(mode, arg, &traced);
		some_time();
		kill_tracer(pid);
		ends_well(traced);
	}
}

static void
a_program_goes_on_when_imsgdump_is_killed(void **state)
{
	(void)state;
	killed_while("pair", "50000");
}

static void
a_program_with_threads_goes_on_when_imsgdump_is_killed(void **state)
{
	(void)state;
	killed_while("threads", "12500");
}

static void
signals_reach_a_program_while_imsgdump_is_killed(void **state)
{
	(void)state;
	killed_while("signals", "2000");
}

static void
a_stop_and_its_end_are_what_they_are_while_imsgdump_is_killed(void **state)
{
	(void)state;
	killed_while("stops", "50");
}

/* The tracer is alive all the time, and does not let it wait. */
static void
a_program_goes_on_when_tracing_ends_long_before_imsgdump(void **state)
{
	/* Often, for few moments are those in which it would be noticed. */
	static const char *const mode[] = { "threads", "pair" };
	static const char *const arg[] = { "12500", "50000", "1000", "4000" };
	int i, n = setting("TRACE_ROUNDS", 3) * 20;
	pid_t pid, traced;

	(void)state;
	assert_int_equal(unsetenv("TALK_PATIENCE"), 0);
	for (i = 0; i < n; i++) {
		pid = start_tracer(
		    mode[i % 2], arg[i % 2 + (i < 2 ? 0 : 2)], &traced);
		some_time();
		assert_int_equal(kill(pid, SIGINT), 0);
		while (t_is_traced(traced))
			some_time();
		/* Its child still: it ends, which only the parent can see. */
		assert_int_equal(
		    waitid(P_PID, (id_t)pid, NULL, WEXITED | WNOHANG | WNOWAIT),
		    0);
		t_wait_zombie(traced);
		kill_tracer(pid);
		ends_well(traced);
	}
}

static void
a_stopped_program_stays_so_and_goes_on_later(void **state)
{
	int i, n = setting("TRACE_ROUNDS", 3);
	char s[64];
	pid_t pid, traced;

	(void)state;
	assert_int_equal(setenv("TALK_PATIENCE", "1", 1), 0);
	for (i = 0; i < n; i++) {
		pid = start_tracer("threads", "12500", &traced);
		some_time();
		assert_int_equal(kill(traced, SIGSTOP), 0);
		some_time();
		kill_tracer(pid);
		some_time();
		do
			t_status(traced, "State:\t", s, sizeof(s));
		while (s[0] == 'R' || s[0] == 'S' || s[0] == 'D');
		assert_int_equal(s[0], 'T');
		assert_int_equal(kill(traced, SIGCONT), 0);
		ends_well(traced);
	}
}

static int full[2];

/* Nobody reads what is written. */
static int
blocks(struct sink *s)
{
	static const char much[65536];

	(void)s;
	while (write(full[1], much, sizeof(much)) > 0)
		continue;
	return -1;
}

static void
a_stop_ends_it_while_it_writes_what_nobody_reads(void **state)
{
	const struct itimerval soon = { { 0, 0 }, { 0, 20000 } };
	int input;
	pid_t pid = t_start("endless", NULL, &input);

	(void)state;
	assert_int_equal(pipe(full), 0);
	fake_begin();
	fake.sink.flush = blocks;
	assert_non_null(tracer = trace_new(fake.channels));
	assert_int_equal(trace_attach(tracer, pid), 0);
	(void)signal(SIGALRM, ring);
	assert_int_equal(setitimer(ITIMER_REAL, &soon, NULL), 0);
	assert_int_equal(trace_run(tracer, &fake.sink), -1);
	assert_int_equal(errno, EINTR);
	assert_int_equal(t_is_traced(pid), 0);
	trace_free(tracer);
	fake_end();
	(void)close(full[0]);
	(void)close(full[1]);
	(void)close(input);
	ends_well(pid);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_program_goes_on_when_imsgdump_is_killed),
		T(a_program_with_threads_goes_on_when_imsgdump_is_killed),
		T(signals_reach_a_program_while_imsgdump_is_killed),
		T(a_stop_and_its_end_are_what_they_are_while_imsgdump_is_killed),
		T(a_program_goes_on_when_tracing_ends_long_before_imsgdump),
		T(a_stop_ends_it_while_it_writes_what_nobody_reads),
		T(a_stopped_program_stays_so_and_goes_on_later),
	};

	seed = (uint64_t)setting("TRACE_SEED", 20261126) | 1;
	print_message("seed %llu\n", (unsigned long long)seed);
	if (prctl(PR_SET_CHILD_SUBREAPER, 1) == -1)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
