/* SPDX-License-Identifier: ISC */
/*
 * The tracer: processes that run already, and those that cannot be traced.
 */
#define _GNU_SOURCE
#include <sys/ptrace.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "trace-int.h"
#include "trace-lib.h"

static struct tracer *tracer;
static size_t enough;

static void
stop_when_enough(const struct heard *h)
{
	if (h->kind == HEARD_BYTES && fake_count(HEARD_BYTES, 0) == enough)
		trace_stop(tracer);
}

/* Traces pid until so many messages have been heard. */
static void
listen_to(pid_t pid, size_t messages)
{
	fake_begin();
	enough = messages;
	fake.hook = stop_when_enough;
	assert_non_null(tracer = trace_new(fake.channels));
	assert_int_equal(trace_attach(tracer, pid), 0);
	assert_int_equal(trace_run(tracer, &fake.sink), 0);
	assert_int_equal(t_is_traced(pid), 0);
	trace_free(tracer);
}

/* Of each sender the numbers rise by one, from whatever they began with. */
static void
is_complete(uint32_t senders)
{
	uint32_t next[9] = { 0 };
	struct talk m;
	size_t i;

	for (i = 0; i < enough; i++) {
		assert_int_equal(fake.heard[t_nth(i)].len, sizeof(m));
		memcpy(&m, fake.heard[t_nth(i)].start, sizeof(m));
		assert_int_equal(m.magic, TALK_MAGIC);
		assert_in_range(m.from, 1, senders);
		if (next[m.from] != 0)
			assert_int_equal(m.number, next[m.from]);
		next[m.from] = m.number + 1;
	}
	for (i = 1; i <= senders; i++)
		assert_true(next[i] > 0);
}

static void
is_running_again(pid_t pid)
{
	char state[64];

	t_status(pid, "State:\t", state, sizeof(state));
	assert_true(state[0] == 'R' || state[0] == 'S' || state[0] == 'D');
}

static void
ends_well(pid_t pid, int input)
{
	(void)close(input);
	assert_int_equal(t_reap(pid), 0);
}

static void
messages_after_attaching_come_whole_and_once_again_and_again(void **state)
{
	int i, input;
	pid_t pid = t_start("endless", NULL, &input);

	(void)state;
	for (i = 0; i < 10; i++) {
		listen_to(pid, 1000);
		is_complete(2);
		fake_end();
		is_running_again(pid);
	}
	ends_well(pid, input);
}

static void
a_process_is_followed_with_its_children_and_their_children(void **state)
{
	int input;
	pid_t pid = t_start("tree", NULL, &input);

	(void)state;
	listen_to(pid, 1000);
	assert_int_equal(fake_count(HEARD_PROCESS, 0), 3);
	assert_in_range(fake_count(HEARD_BYTES, pid), 245, 255);
	fake_end();
	ends_well(pid, input);
}

static void
threads_and_processes_born_meanwhile_are_followed(void **state)
{
	int i, input;
	pid_t pid = t_start("births", NULL, &input);

	(void)state;
	for (i = 0; i < 10; i++) {
		listen_to(pid, 50);
		is_complete(1);
		fake_end();
	}
	ends_well(pid, input);
}

static void
ring(int sig)
{
	(void)sig;
	trace_stop(tracer);
}

static void
ring_soon(void)
{
	struct itimerval t = { { 0, 0 }, { 0, 20000 } };

	(void)signal(SIGALRM, ring);
	assert_int_equal(setitimer(ITIMER_REAL, &t, NULL), 0);
}

/* It waits for input: nothing ever happens. */
static void
a_signal_handler_can_stop_it_while_nothing_happens(void **state)
{
	char *const argv[] = { (char *)(uintptr_t) "cat", NULL };
	int p[2], in = dup(0);

	(void)state;
	fake_begin();
	assert_int_equal(pipe(p), 0);
	assert_int_equal(dup2(p[0], 0), 0);
	(void)close(p[0]);
	assert_non_null(tracer = trace_new(fake.channels));
	assert_int_equal(fcntl(p[1], F_SETFD, FD_CLOEXEC), 0);
	assert_int_equal(trace_command(tracer, argv), 0);
	ring_soon();
	assert_int_equal(trace_run(tracer, &fake.sink), 0);
	assert_int_equal(trace_status(tracer), -1);
	(void)dup2(in, 0);
	(void)close(in);
	/* It is our child still, and ends with its input. */
	(void)close(p[1]);
	assert_int_equal(t_reap(-1), 0);
	trace_free(tracer);
	fake_end();
}

static void
a_stop_that_comes_before_the_run_counts(void **state)
{
	int input;
	pid_t pid = t_start("endless", NULL, &input);

	(void)state;
	fake_begin();
	assert_non_null(tracer = trace_new(fake.channels));
	assert_int_equal(trace_attach(tracer, pid), 0);
	trace_stop(tracer);
	assert_int_equal(trace_run(tracer, &fake.sink), 0);
	assert_int_equal(fake_count(HEARD_BYTES, 0), 0);
	trace_free(tracer);
	fake_end();
	is_running_again(pid);
	ends_well(pid, input);
}

static void
wait_for_state(pid_t pid, char want)
{
	char state[64];

	do {
		t_status(pid, "State:\t", state, sizeof(state));
		(void)sched_yield();
	} while (state[0] != want);
}

/* Continues it once it is seen to be traced, and stopped. */
static void *
continue_main(void *arg)
{
	pid_t pid = *(pid_t *)arg;

	wait_for_state(pid, 't');
	(void)kill(pid, SIGCONT);
	return NULL;
}

static void
a_stopped_process_can_be_attached_to_and_goes_on_when_continued(void **state)
{
	int input;
	pid_t pid = t_start("endless", NULL, &input);
	pthread_t t;

	(void)state;
	(void)kill(pid, SIGSTOP);
	wait_for_state(pid, 'T');
	assert_int_equal(pthread_create(&t, NULL, continue_main, &pid), 0);
	listen_to(pid, 100);
	(void)pthread_join(t, NULL);
	is_complete(2);
	fake_end();
	ends_well(pid, input);
}

static void
a_stopped_process_is_left_stopped(void **state)
{
	int input;
	pid_t pid = t_start("endless", NULL, &input);

	(void)state;
	(void)kill(pid, SIGSTOP);
	wait_for_state(pid, 'T');
	fake_begin();
	assert_non_null(tracer = trace_new(fake.channels));
	assert_int_equal(trace_attach(tracer, pid), 0);
	ring_soon();
	assert_int_equal(trace_run(tracer, &fake.sink), 0);
	wait_for_state(pid, 'T');
	assert_int_equal(t_is_traced(pid), 0);
	trace_free(tracer);
	fake_end();
	(void)kill(pid, SIGCONT);
	ends_well(pid, input);
}

/* Attaching fails and says that. */
static void
is_refused(pid_t pid, const char *expected)
{
	struct tracer *tr;
	char text[1024];

	fake_begin();
	assert_non_null(tr = trace_new(fake.channels));
	t_capture_begin();
	assert_int_equal(trace_attach(tr, pid), -1);
	t_capture_end(text, sizeof(text));
	if (strstr(text, expected) == NULL)
		fail_msg("\"%s\" is not in \"%s\"", expected, text);
	assert_int_equal(fake_count(HEARD_PROCESS, 0), 0);
	trace_free(tr);
	fake_end();
}

static void
processes_that_cannot_be_traced_are_refused_with_the_reason(void **state)
{
	siginfo_t info;
	int input;
	pid_t pid;

	(void)state;
	is_refused(0, "no such process");
	is_refused(-1, "no such process");
	is_refused(getpid(), "that is imsgdump itself");
	assert_true((pid = fork()) != -1);
	if (pid == 0)
		_exit(0);
	assert_int_equal(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
	is_refused(pid, "it has ended already");
	assert_int_equal(t_reap(pid), 0);
	is_refused(pid, "no such process");
	pid = t_start("endless", NULL, &input);
	assert_int_equal(ptrace(PTRACE_SEIZE, pid, NULL, NULL), 0);
	is_refused(pid, "it is traced by process");
	assert_int_equal(ptrace(PTRACE_INTERRUPT, pid, NULL, NULL), 0);
	(void)waitpid(pid, NULL, __WALL);
	assert_int_equal(ptrace(PTRACE_DETACH, pid, NULL, NULL), 0);
	ends_well(pid, input);
}

/* As a user who may do nothing, in a child. */
static void
a_process_of_another_user_is_refused_with_advice(void **state)
{
	int input;
	pid_t child, pid;

	(void)state;
	if (geteuid() != 0)
		skip();
	pid = t_start("endless", NULL, &input);
	assert_true((child = fork()) != -1);
	if (child == 0) {
		assert_int_equal(setgid(65534) | setuid(65534), 0);
		is_refused(pid, "run imsgdump as root");
		_exit(0);
	}
	assert_int_equal(t_reap(child), 0);
	ends_well(pid, input);
}

/* 1: it was refused; 2: no namespace can be made; or a wait status. */
static int
in_another_pid_namespace(void)
{
	char *const argv[] = { (char *)(uintptr_t) "true", NULL };
	int status;
	pid_t pid;

	if (unshare(CLONE_NEWPID) == -1)
		return 2;
	if ((pid = fork()) == 0) {
		if (getpid() != 1)
			_exit(2);
		tracer = trace_new(fake.channels);
		_exit(tracer != NULL && trace_command(tracer, argv) == -1 ? 1 :
									    0);
	}
	return waitpid(pid, &status, 0) == pid ? WEXITSTATUS(status) : 2;
}

static void
the_proc_of_another_pid_namespace_is_refused(void **state)
{
	char text[512];
	int status;
	pid_t pid;

	(void)state;
	fake_begin();
	t_capture_begin();
	if ((pid = fork()) == 0)
		_exit(in_another_pid_namespace());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	t_capture_end(text, sizeof(text));
	fake_end();
	if (WEXITSTATUS(status) == 2)
		skip();
	assert_int_equal(WEXITSTATUS(status), 1);
	assert_true(t_occurs(text, "another PID namespace"));
}

static void
advises(const struct why *w, const char *expected)
{
	char text[512];

	why_text(w, text, sizeof(text));
	if (strstr(text, expected) == NULL)
		fail_msg("\"%s\" is not in \"%s\"", expected, text);
}

static void
the_advice_depends_on_what_the_system_permits(void **state)
{
	struct why w = { .pid = 7, .error = EPERM };

	(void)state;
	advises(&w, "setcap cap_sys_ptrace+ep");
	w.scope = 1;
	advises(&w, "imsgdump -- COMMAND");
	advises(&w, "kernel.yama.ptrace_scope=0");
	w.other = 1;
	advises(&w, "another user");
	w.scope = 2;
	advises(&w, "only the administrator");
	w.root = 1;
	advises(&w, "--cap-add=SYS_PTRACE");
	w.scope = 3;
	advises(&w, "booted anew");
	w.kernel = 1;
	advises(&w, "part of the kernel");
	w.init = 1;
	advises(&w, "all processes descend from it");
	advises(&(struct why){ .pid = 7, .error = ENOMEM }, "process 7: ");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(messages_after_attaching_come_whole_and_once_again_and_again),
		T(a_process_is_followed_with_its_children_and_their_children),
		T(threads_and_processes_born_meanwhile_are_followed),
		T(a_signal_handler_can_stop_it_while_nothing_happens),
		T(a_stop_that_comes_before_the_run_counts),
		T(a_stopped_process_can_be_attached_to_and_goes_on_when_continued),
		T(a_stopped_process_is_left_stopped),
		T(processes_that_cannot_be_traced_are_refused_with_the_reason),
		T(a_process_of_another_user_is_refused_with_advice),
		T(the_proc_of_another_pid_namespace_is_refused),
		T(the_advice_depends_on_what_the_system_permits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
