/* SPDX-License-Identifier: ISC */
/*
 * The tracer: what it tells of a command that it starts.  Not under valgrind,
 * which knows no ptrace(2) of this kind.
 */
#define _GNU_SOURCE
#include <sys/wait.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "trace-lib.h"

static const struct heard *
message(size_t n)
{
	size_t i;

	for (i = 0; i < fake.n; i++) {
		if (fake.heard[i].kind == HEARD_BYTES && n-- == 0)
			return &fake.heard[i];
	}
	fail_msg("no such message");
	return NULL;
}

static void
is_message(size_t n, const char *text)
{
	const struct heard *h = message(n);

	assert_int_equal(h->len, strlen(text));
	assert_memory_equal(h->start, text, h->len);
	assert_int_equal(h->last, 1);
}

static void
every_call_that_sends_is_seen_with_its_bytes_and_descriptors(void **state)
{
	static const char *const text[] = { "write", "writev", "writev",
		"sendto", "sendmsg", "first", "second", "third" };
	size_t i;

	(void)state;
	t_talk("calls", NULL, 0);
	for (i = 0; i < 8; i++)
		is_message(i, text[i]);
	assert_int_equal(fake_count(HEARD_BYTES, 0), 8);
	assert_int_equal(message(4)->nfds, 2);
	assert_int_equal(message(4)->passed[0], 0);
	assert_int_equal(message(4)->passed[1], 1);
	assert_int_equal(message(5)->nfds, 1);
	assert_int_equal(message(5)->passed[0], 0);
	assert_int_equal(message(6)->nfds, 0);
	assert_int_equal(message(7)->nfds, 1);
	assert_int_equal(message(7)->passed[0], 1);
	assert_int_equal(fake_count(HEARD_GAP, 0), 0);
	fake_end();
}

static void
every_call_that_receives_is_seen_and_looking_ahead_is_not(void **state)
{
	static const char *const text[] = { "write", "writev", "writev",
		"sendto", "sendmsg", "first", "secon", "d", "third" };
	size_t i;

	(void)state;
	t_talk("calls", NULL, 1);
	for (i = 0; i < 9; i++)
		is_message(i, text[i]);
	assert_int_equal(fake_count(HEARD_BYTES, 0), 9);
	assert_int_equal(message(4)->nfds, 2);
	assert_int_not_equal(message(4)->passed[0], 0);
	assert_int_equal(message(5)->nfds, 1);
	assert_int_equal(message(8)->nfds, 0);
	/* Once: a receive of nothing says nothing. */
	assert_int_equal(fake_count(HEARD_EOF, 0), 1);
	fake_end();
}

static void
a_large_message_comes_in_pieces_of_which_the_last_is_marked(void **state)
{
	size_t i;

	(void)state;
	t_talk("large", NULL, 0);
	assert_int_equal(fake.bytes, 300000);
	for (i = 0; i < 5; i++)
		assert_int_equal(message(i)->last, i == 4);
	fake_end();
}

static void
bytes_that_pass_by_the_memory_of_the_process_are_a_gap(void **state)
{
	size_t i, total = 0;

	(void)state;
	t_talk("unseen", NULL, 0);
	assert_int_equal(fake_count(HEARD_BYTES, 0), 0);
	assert_int_equal(fake_count(HEARD_GAP, 0), 2);
	for (i = 0; i < fake.n; i++) {
		if (fake.heard[i].kind == HEARD_GAP)
			total += fake.heard[i].len;
	}
	assert_int_equal(total, 1500);
	fake_end();
	t_talk("unseen", NULL, 1);
	assert_int_equal(fake_count(HEARD_GAP, 0), 1);
	fake_end();
}

static int
said(enum heard_kind kind, int fd)
{
	size_t i;
	int n = 0;

	for (i = 0; i < fake.n; i++)
		n += fake.heard[i].kind == kind && fake.heard[i].fd == fd;
	return n;
}

static void
numbers_that_get_another_meaning_are_said(void **state)
{
	(void)state;
	t_talk("numbers", NULL, 0);
	/* dup2 and close_range; dup3 and close_range */
	assert_int_equal(said(HEARD_CLOSE, 40), 2);
	assert_int_equal(said(HEARD_CLOSE, 41), 2);
	assert_int_equal(fake_count(HEARD_PAIR, 0), 2);
	/* One end of a connection, and the other. */
	assert_int_equal(fake_count(HEARD_OPEN, 0), 2);
	is_message(0, "accepted");
	is_message(1, "connected");
	fake_end();
}

static void
a_number_that_another_process_may_have_changed_is_looked_at_anew(void **state)
{
	size_t i;

	(void)state;
	t_talk("shared", NULL, 0);
	is_message(0, "before");
	is_message(1, "after");
	for (i = 0; i < fake.n && fake.heard[i].kind != HEARD_BYTES; i++)
		continue;
	/* Its own, for the child did that. */
	assert_true(fake_count(HEARD_CLOSE, fake.heard[i].pid) > 0);
	fake_end();
}

static void
programs_that_follow_each_other_and_their_children_are_followed(void **state)
{
	(void)state;
	t_talk("chain", "3", 0);
	assert_int_equal(fake_count(HEARD_EXEC, 0), 4);
	assert_int_equal(fake_count(HEARD_BYTES, 0), 8);
	assert_int_equal(fake_count(HEARD_PROCESS, 0), 5);
	assert_int_equal(fake_count(HEARD_EXIT, 0), 5);
	fake_end();
}

static void
vfork_and_posix_spawn_are_followed(void **state)
{
	(void)state;
	t_talk("spawn", "5", 0);
	assert_int_equal(fake_count(HEARD_EXEC, 0), 11);
	assert_int_equal(fake_count(HEARD_BYTES, 0), 10);
	assert_int_equal(fake_count(HEARD_EXIT, 0), 11);
	fake_end();
}

static void
a_thread_that_executes_a_program_becomes_the_process(void **state)
{
	(void)state;
	t_talk("thread-exec", NULL, 0);
	assert_int_equal(fake_count(HEARD_EXEC, 0), 2);
	assert_int_equal(fake_count(HEARD_BYTES, 0), 1);
	assert_int_equal(fake_count(HEARD_PROCESS, 0), 1);
	assert_int_equal(fake_count(HEARD_EXIT, 0), 1);
	fake_end();
}

static void
signals_interrupt_what_they_interrupt_without_us(void **state)
{
	(void)state;
	t_talk("signals", "500", 0);
	assert_int_equal(fake_count(HEARD_BYTES, 0), 503);
	fake_end();
}

static void
a_stopped_process_stays_so_until_it_is_continued(void **state)
{
	(void)state;
	t_talk("stops", "20", 0);
	assert_int_equal(fake_count(HEARD_BYTES, 0), 40);
	fake_end();
}

static void
a_process_that_gives_itself_another_name_is_said(void **state)
{
	(void)state;
	t_talk("names", NULL, 0);
	assert_int_equal(fake_count(HEARD_RENAMED, 0), 1);
	fake_end();
}

static void
questions_come_before_their_answers(void **state)
{
	struct talk m;
	uint32_t i;

	(void)state;
	t_talk("pair", "5000", 0);
	for (i = 0; i < 10000; i++) {
		memcpy(&m, fake.heard[t_nth(i)].start, sizeof(m));
		assert_int_equal(m.magic, TALK_MAGIC);
		assert_int_equal(m.number, i / 2);
		assert_int_equal(m.from, 1 + i % 2);
	}
	assert_int_equal(fake_count(HEARD_BYTES, 0), 10000);
	fake_end();
}

static void
a_question_comes_first_though_it_takes_longer_than_its_answer(void **state)
{
	size_t i, n = 0, bytes = 0;

	(void)state;
	t_talk("late", "1000", 0);
	for (i = 0; i < fake.n; i++) {
		if (fake.heard[i].kind != HEARD_BYTES)
			continue;
		bytes += fake.heard[i].len;
		if (fake.heard[i].start[0] == 'a')
			assert_int_equal(bytes, ++n * 150001);
	}
	assert_int_equal(n, 1000);
	fake_end();
}

static void
questions_of_many_threads_come_before_their_answers(void **state)
{
	uint32_t next[9] = { 0 };
	struct talk m;
	size_t i;

	(void)state;
	t_talk("threads", "1000", 0);
	for (i = 0; i < 8000; i++) {
		memcpy(&m, fake.heard[t_nth(i)].start, sizeof(m));
		assert_in_range(m.from, 1, 8);
		assert_int_equal(m.number, next[m.from]++);
		if (m.from % 2 == 0)
			assert_true(next[m.from - 1] >= next[m.from]);
		else
			assert_int_equal(next[m.from + 1] + 1, next[m.from]);
	}
	fake_end();
}

static void
what_cannot_be_seen_is_said_once_a_process(void **state)
{
	char text[4096];

	(void)state;
	t_capture_begin();
	t_talk("strange", NULL, 0);
	t_capture_end(text, sizeof(text));
	is_message(0, "seen");
#ifdef __x86_64__
	assert_int_equal(t_occurs(text, "another architecture"), 1);
#endif
	assert_true(t_occurs(text, "io_uring") <= 1);
	fake_end();
}

static pid_t victim;

static void
kill_at_100(const struct heard *h)
{
	static int n;

	if (h->kind == HEARD_BYTES && ++n == 100) {
		victim = h->pid;
		(void)kill(h->pid, SIGKILL);
	}
}

/* The other end then finds the socket closed, and fails. */
static void
a_process_that_is_killed_is_gone_and_the_rest_is_heard(void **state)
{
	int status;

	(void)state;
	fake_begin();
	fake.hook = kill_at_100;
	status = t_run("pair", "1000");
	assert_true(status != 0);
	assert_int_equal(fake_count(HEARD_EXIT, victim), 1);
	assert_int_equal(fake_count(HEARD_EXIT, 0), 2);
	assert_in_range(fake_count(HEARD_BYTES, 0), 100, 102);
	fake_end();
}

static void
the_last_words_of_those_that_are_killed_for_them_are_heard(void **state)
{
	(void)state;
	t_talk("victims", "500", 0);
	assert_int_equal(fake_count(HEARD_BYTES, 0), 500);
	assert_int_equal(fake_count(HEARD_EXIT, 0), 501);
	fake_end();
}

static void
a_command_that_cannot_be_run_ends_as_in_a_shell(void **state)
{
	char *const none[] = { (char *)(uintptr_t) "/nowhere/\033none", NULL };
	char *const file[] = { (char *)(uintptr_t) "/proc/self/stat", NULL };
	char text[512];

	(void)state;
	t_capture_begin();
	fake_begin();
	assert_int_equal(WEXITSTATUS(t_run_argv(none)), 127);
	fake_end();
	fake_begin();
	assert_int_equal(WEXITSTATUS(t_run_argv(file)), 126);
	fake_end();
	t_capture_end(text, sizeof(text));
	assert_string_equal(text,
	    "imsgdump: /nowhere/\\x1bnone: No such file or directory\n"
	    "imsgdump: /proc/self/stat: Permission denied\n");
}

static void
the_command_finds_the_signals_as_they_were(void **state)
{
	char *const argv[] = { (char *)(uintptr_t) "sh",
		(char *)(uintptr_t) "-c",
		(char *)(uintptr_t) "kill -PIPE $$; exit 3", NULL };
	struct tracer *tr;

	(void)state;
	fake_begin();
	assert_non_null(tr = trace_new(fake.channels));
	(void)signal(SIGPIPE, SIG_IGN);
	assert_int_equal(trace_command(tr, argv), 0);
	assert_int_equal(trace_run(tr, &fake.sink), 0);
	(void)signal(SIGPIPE, SIG_DFL);
	assert_int_equal(WTERMSIG(trace_status(tr)), SIGPIPE);
	trace_free(tr);
	fake_end();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(every_call_that_sends_is_seen_with_its_bytes_and_descriptors),
		T(every_call_that_receives_is_seen_and_looking_ahead_is_not),
		T(a_large_message_comes_in_pieces_of_which_the_last_is_marked),
		T(bytes_that_pass_by_the_memory_of_the_process_are_a_gap),
		T(numbers_that_get_another_meaning_are_said),
		T(a_number_that_another_process_may_have_changed_is_looked_at_anew),
		T(programs_that_follow_each_other_and_their_children_are_followed),
		T(vfork_and_posix_spawn_are_followed),
		T(a_thread_that_executes_a_program_becomes_the_process),
		T(signals_interrupt_what_they_interrupt_without_us),
		T(a_stopped_process_stays_so_until_it_is_continued),
		T(a_process_that_gives_itself_another_name_is_said),
		T(questions_come_before_their_answers),
		T(a_question_comes_first_though_it_takes_longer_than_its_answer),
		T(questions_of_many_threads_come_before_their_answers),
		T(what_cannot_be_seen_is_said_once_a_process),
		T(a_process_that_is_killed_is_gone_and_the_rest_is_heard),
		T(the_last_words_of_those_that_are_killed_for_them_are_heard),
		T(a_command_that_cannot_be_run_ends_as_in_a_shell),
		T(the_command_finds_the_signals_as_they_were),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
