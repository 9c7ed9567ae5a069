/* SPDX-License-Identifier: ISC */
/*
 * From the first message of a channel to what is left when it ends: numbers,
 * names, failures, memory.
 */
#define _GNU_SOURCE
#include "fake-stream.h"
#include "endpoint.h"

#include <sys/prctl.h>
#include <dirent.h>
#include <errno.h>

static int
setup(void **state)
{
	(void)state;
	memset(&out, 0, sizeof(out));
	c = channels_new(&budget, &sink);
	return c == NULL ? -1 : 0;
}

static void
a_name_follows_the_program(void **state)
{
	pid_t me = getpid();
	char before[32];
	int s[2];

	(void)state;
	pair(s);
	assert_int_equal(prctl(PR_GET_NAME, before), 0);
	channels_process(c, me);
	prctl(PR_SET_NAME, "other program");
	channels_exec(c, me);
	assert_true(sends(me, s[0], "x\n"));
	assert_string_equal(out.from, "other program");
	prctl(PR_SET_NAME, before);
	channels_exec(c, me);
	assert_true(sends(me, s[0], "x\n"));
	assert_string_equal(out.from, before);
	prctl(PR_SET_NAME, "renamed");
	assert_true(sends(me, s[0], "x\n"));
	assert_string_equal(out.from, before);
	channels_renamed(c, me);
	assert_true(sends(me, s[0], "x\n"));
	assert_string_equal(out.from, "renamed");
	/* Nobody says so: it is noticed. */
	prctl(PR_SET_NAME, "later");
	now += 10000000;
	assert_true(sends(me, s[0], "x\n"));
	assert_string_equal(out.from, "later");
	assert_string_equal(out.to, "later");
	prctl(PR_SET_NAME, before);
	close(s[0]);
	close(s[1]);
}

static int
is_client(void *server)
{
	prctl(PR_SET_NAME, "client");
	connects(server);
	return 0;
}

static void
a_name_outlives_the_process(void **state)
{
	pid_t me = getpid();
	struct server v;
	struct kid k;
	int s;

	(void)state;
	if (!may_borrow())
		skip();
	serve(&v);
	k = kid_start(is_client, &v, 0);
	close(v.client);
	s = accept(v.listen, NULL, NULL);
	channels_process(c, me);
	assert_true(sends(me, s, "hello\n"));
	shown("hello", 1, RECORD_SENT, me, k.pid);
	assert_string_equal(out.to, "client");
	kid_end(&k);
	assert_true(sends(me, s, "anyone\n"));
	shown("anyone", 1, RECORD_SENT, me, k.pid);
	assert_string_equal(out.to, "client");
	assert_true(gets(me, s, "late\n"));
	shown("late", 1, RECORD_RECEIVED, k.pid, me);
	assert_string_equal(out.from, "client");
	close(s);
	close(v.listen);
}

static void
numbers_are_given_in_the_order_of_messages(void **state)
{
	pid_t me = getpid();
	int s[2], t[2];

	(void)state;
	pair(s);
	pair(t);
	assert_true(sends(me, s[0], "nothing yet"));
	assert_true(sends(me, t[0], "x\n"));
	assert_int_equal(out.r.channel, 1);
	assert_true(sends(me, s[1], "x\n"));
	assert_int_equal(out.r.channel, 2);
	assert_true(sends(me, t[1], "x\n"));
	assert_int_equal(out.r.channel, 1);
	close(s[0]);
	close(s[1]);
	close(t[0]);
	close(t[1]);
}

static void
an_end_says_what_is_left_incomplete(void **state)
{
	pid_t me = getpid();
	int s[2], i;

	(void)state;
	for (i = 0; i < 4; i++) {
		pair(s);
		channels_open(c, me, s[0]);
		channels_open(c, me, s[1]);
		assert_true(sends(me, s[0], "x\nhalf"));
		out.count = 0;
		if (i == 0)
			channels_eof(c, me, s[1], 5);
		close(s[0]);
		channels_close(c, me, s[0]);
		close(s[1]);
		if (i == 1)
			channels_close(c, me, s[1]);
		if (i == 2)
			channels_exit(c, me);
		if (i == 3) {
			channels_free(c);
			c = channels_new(&budget, &sink);
			assert_non_null(c);
		}
		assert_int_equal(streams, 0);
		shown("incomplete", (uint32_t)i + 1, RECORD_SENT, me, me);
	}
}

static void
both_directions_know_the_wire_that_one_has_found(void **state)
{
	pid_t me = getpid();
	int s[2];

	(void)state;
	pair(s);
	assert_true(sends(me, s[0], "x\n"));
	assert_int_equal(out.r.wire, RECORD_WIRE_UNKNOWN);
	assert_true(sends(me, s[1], "classic\n"));
	assert_true(sends(me, s[0], "x\n"));
	assert_int_equal(out.r.wire, IMSG_WIRE_CLASSIC);
	channels_eof(c, me, s[1], 1);
	assert_true(sends(me, s[0], "x\n"));
	assert_int_equal(out.r.wire, IMSG_WIRE_CLASSIC);
	close(s[0]);
	close(s[1]);
}

static void
a_stream_that_is_given_up_is_not_asked_for_again(void **state)
{
	pid_t me = getpid();
	int s[2];

	(void)state;
	pair(s);
	assert_true(sends(me, s[0], "dead\n"));
	quiet();
	assert_int_equal(streams, 0);
	assert_false(channels_wants(c, me, s[0], CHANNEL_SEND));
	assert_false(channels_wants(c, me, s[1], CHANNEL_RECV));
	assert_true(sends(me, s[1], "fail\n"));
	shown(
	    "system error: this direction is given up", 1, RECORD_SENT, me, me);
	assert_false(channels_wants(c, me, s[1], CHANNEL_SEND));
	close(s[0]);
	close(s[1]);
	channels_close(c, me, s[0]);
	channels_close(c, me, s[1]);
	pair(s);
	streams_fail = 1;
	assert_true(sends(me, s[0], "x\n"));
	streams_fail = 0;
	shown("no memory: this direction is given up", 2, RECORD_SENT, me, me);
	assert_false(channels_wants(c, me, s[0], CHANNEL_SEND));
	close(s[0]);
	close(s[1]);
}

static void
a_sink_that_fails_is_told_each_time(void **state)
{
	struct bytes b = { .data = "x\n", .len = 2 };
	pid_t me = getpid();
	int s[2];

	(void)state;
	pair(s);
	out.fails = 1;
	assert_int_equal(channels_bytes(c, me, s[0], CHANNEL_SEND, &b), -1);
	out.fails = 0;
	out.count = 0;
	errno = 0;
	assert_int_equal(channels_bytes(c, me, s[0], CHANNEL_SEND, &b), -1);
	assert_int_equal(errno, ENOSPC);
	assert_int_equal(channels_gap(c, me, s[0], CHANNEL_SEND, 1, 1), -1);
	quiet();
	close(s[0]);
	close(s[1]);
}

static void
a_gap_belongs_to_its_direction(void **state)
{
	pid_t me = getpid();
	int s[2];

	(void)state;
	pair(s);
	assert_int_equal(channels_gap(c, me, s[0], CHANNEL_SEND, 7, 100), 0);
	shown("gap", 1, RECORD_SENT, me, me);
	assert_int_equal(channels_gap(c, me, s[1], CHANNEL_RECV, 7, 100), 0);
	quiet();
	close(s[0]);
	close(s[1]);
}

static void
what_is_no_stream_socket_is_of_no_interest_until_it_is_one(void **state)
{
	pid_t me = getpid();
	int s[2], p[2];

	(void)state;
	assert_int_equal(pipe(p), 0);
	pair(s);
	assert_false(channels_wants(c, me, p[1], CHANNEL_SEND));
	assert_false(channels_wants(c, me, 9999, CHANNEL_SEND));
	/* A number that stood for nothing may do so the next time. */
	assert_false(channels_wants(c, me, 199, CHANNEL_SEND));
	dup2(s[0], 199);
	assert_true(channels_wants(c, me, 199, CHANNEL_SEND));
	close(199);
	channels_close(c, me, 199);
	dup2(s[0], p[1]);
	/* Nobody has said so. */
	assert_false(channels_wants(c, me, p[1], CHANNEL_SEND));
	channels_close(c, me, p[1]);
	assert_true(channels_wants(c, me, p[1], CHANNEL_SEND));
	assert_true(sends(me, p[1], "x\n"));
	assert_true(sends(me, s[0], "y\n"));
	assert_int_equal(out.r.channel, 1);
	close(p[0]);
	close(p[1]);
	close(s[0]);
	close(s[1]);
}

static int
descriptors(void)
{
	DIR *d = opendir("/proc/self/fd");
	int n = 0;

	assert_non_null(d);
	while (readdir(d) != NULL)
		n++;
	closedir(d);
	return n;
}

static void
many_pairs_one_after_the_other_leave_nothing(void **state)
{
	pid_t me = getpid();
	int s[2], i, fds;

	(void)state;
	channels_process(c, me);
	fds = descriptors();
	for (i = 0; i < 3000; i++) {
		pair(s);
		channels_open(c, me, s[0]);
		channels_open(c, me, s[1]);
		assert_true(sends(me, s[0], "x\nhalf"));
		assert_true(sends(me, s[1], "x\nhalf"));
		close(s[0]);
		channels_close(c, me, s[0]);
		close(s[1]);
		channels_close(c, me, s[1]);
		assert_int_equal(streams, 0);
	}
	assert_int_equal(out.r.channel, 3000);
	assert_true(descriptors() <= fds + 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_name_follows_the_program),
		T(a_name_outlives_the_process),
		T(numbers_are_given_in_the_order_of_messages),
		T(an_end_says_what_is_left_incomplete),
		T(both_directions_know_the_wire_that_one_has_found),
		T(a_stream_that_is_given_up_is_not_asked_for_again),
		T(a_sink_that_fails_is_told_each_time),
		T(a_gap_belongs_to_its_direction),
		T(what_is_no_stream_socket_is_of_no_interest_until_it_is_one),
		T(many_pairs_one_after_the_other_leave_nothing),
	};

	if (!endpoints_can_ask(NULL)) {
		puts("1..0 # SKIP sock_diag(7) does not answer here");
		return 77;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
