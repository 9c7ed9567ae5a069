/* SPDX-License-Identifier: ISC */
/*
 * Channels between real processes through real sockets.
 *
 * Nobody is traced: what a tracer would tell is told by the tests.
 */
#define _GNU_SOURCE
#include "fake-stream.h"
#include "endpoint.h"

#include <sys/prctl.h>
#include <sched.h>

static int
setup(void **state)
{
	(void)state;
	memset(&out, 0, sizeof(out));
	c = channels_new(&budget, &sink);
	return c == NULL ? -1 : 0;
}

static int
renames(void *arg)
{
	return prctl(PR_SET_NAME, arg);
}

/* A child that has the second socket of a pair, whose first one is ours. */
static struct kid
child_with(int s[2], const char *name)
{
	struct kid k;

	pair(s);
	k = kid_start(renames, (void *)(uintptr_t)name, 0);
	return k;
}

static void
a_message_between_traced_processes_is_shown_where_it_is_sent(void **state)
{
	pid_t me = getpid();
	struct kid k;
	int s[2];

	(void)state;
	k = child_with(s, "kid");
	close(s[1]);
	channels_process(c, me);
	channels_process(c, k.pid);
	assert_true(sends(me, s[0], "on"));
	quiet();
	assert_true(sends(me, s[0], "e\n"));
	shown("one", 1, RECORD_SENT, me, k.pid);
	assert_string_equal(out.to, "kid");
	assert_int_equal(stream_told, me);
	assert_false(gets(k.pid, s[1], "one\n"));
	assert_true(sends(k.pid, s[1], "two\n"));
	shown("two", 1, RECORD_SENT, k.pid, me);
	assert_string_equal(out.from, "kid");
	assert_false(gets(me, s[0], "two\n"));
	kid_end(&k);
	close(s[0]);
}

static void
what_an_untraced_process_sends_is_shown_where_it_is_received(void **state)
{
	pid_t me = getpid();
	struct kid k;
	int s[2];

	(void)state;
	k = child_with(s, "stranger");
	channels_process(c, me);
	assert_true(sends(me, s[0], "there\n"));
	shown("there", 1, RECORD_SENT, me, k.pid);
	close(s[1]);
	assert_true(gets(me, s[0], "back\n"));
	shown("back", 1, RECORD_RECEIVED, k.pid, me);
	assert_string_equal(out.from, "stranger");
	/* It has gone; what it had sent is still to be read. */
	kid_end(&k);
	assert_true(gets(me, s[0], "late\n"));
	shown("late", 1, RECORD_RECEIVED, k.pid, me);
	assert_string_equal(out.from, "stranger");
	close(s[0]);
}

static void
a_receipt_that_is_told_before_the_send_is_not_shown_twice(void **state)
{
	pid_t me = getpid();
	struct kid k;
	int s[2];

	(void)state;
	k = child_with(s, "kid");
	close(s[1]);
	channels_process(c, me);
	channels_process(c, k.pid);
	assert_false(gets(me, s[0], "one\n"));
	assert_true(sends(k.pid, s[1], "one\n"));
	shown("one", 1, RECORD_SENT, k.pid, me);
	assert_false(gets(me, s[0], "one\n"));
	kid_end(&k);
	close(s[0]);
}

static void
a_direction_stays_with_the_receiver_while_that_lives(void **state)
{
	struct kid a, b;
	int s[2];

	(void)state;
	pair(s);
	a = kid_start(NULL, NULL, 0);
	close(s[0]);
	b = kid_start(NULL, NULL, 0);
	close(s[1]);
	/* a has both, b the second. */
	channels_process(c, b.pid);
	assert_true(gets(b.pid, s[1], "one\n"));
	shown("one", 1, RECORD_RECEIVED, a.pid, b.pid);
	channels_process(c, a.pid);
	channels_close(c, a.pid, s[1]);
	assert_false(sends(a.pid, s[0], "two\n"));
	assert_true(gets(b.pid, s[1], "two\n"));
	shown("two", 1, RECORD_RECEIVED, a.pid, b.pid);
	kid_end(&a);
	kid_end(&b);
}

static void
a_sender_is_looked_at_when_no_receiver_is_left(void **state)
{
	pid_t me = getpid();
	struct kid k, gone;
	int s[2];

	(void)state;
	pair(s);
	k = kid_start(NULL, NULL, 0);
	gone = kid_start(NULL, NULL, 0);
	channels_process(c, gone.pid);
	assert_true(gets(gone.pid, s[1], "one\n"));
	out.count = 0;
	channels_exit(c, gone.pid);
	kid_end(&gone);
	close(s[1]);
	channels_process(c, me);
	assert_true(sends(me, s[0], "two\n"));
	shown("two", 1, RECORD_SENT, me, k.pid);
	kid_end(&k);
	close(s[0]);
}

/* As descriptor 200. */
static int
accepts(void *arg)
{
	struct server *v = arg;
	int fd = accept(v->listen, NULL, NULL);

	if (fd == -1 || dup2(fd, 200) == -1)
		return -1;
	close(fd);
	close(v->client);
	return 0;
}

static void
a_client_finds_its_server_when_that_has_accepted(void **state)
{
	pid_t me = getpid();
	struct server v;
	struct kid k;

	(void)state;
	serve(&v);
	channels_process(c, me);
	assert_false(channels_wants(c, me, v.client, CHANNEL_SEND));
	assert_false(channels_wants(c, me, v.listen, CHANNEL_RECV));
	connects(&v);
	channels_open(c, me, v.client);
	assert_true(sends(me, v.client, "hello\n"));
	shown("hello", 1, RECORD_SENT, me, 0);
	k = kid_start(accepts, &v, 0);
	assert_true(gets(me, v.client, "welcome\n"));
	shown("welcome", 1, RECORD_RECEIVED, k.pid, me);
	assert_true(sends(me, v.client, "bye\n"));
	shown("bye", 1, RECORD_SENT, me, k.pid);
	kid_end(&k);
	close(v.listen);
	close(v.client);
}

static int
serves(void *arg)
{
	close(((struct server *)arg)->client);
	return listen(((struct server *)arg)->listen, 5);
}

static void
until_then_it_is_who_listens(void **state)
{
	pid_t me = getpid();
	struct server v;
	struct kid k;

	(void)state;
	if (!may_borrow())
		skip();
	serve(&v);
	k = kid_start(serves, &v, 0);
	connects(&v);
	assert_true(sends(me, v.client, "hello\n"));
	shown("hello", 1, RECORD_SENT, me, k.pid);
	close(v.listen);
	close(v.client);
	kid_end(&k);
}

static int
leaves(void *arg)
{
	int s[2];

	(void)arg;
	if (unshare(CLONE_NEWNET) == -1)
		return -1;
	pair(s);
	return dup2(s[0], 200) == 200 && dup2(s[1], 201) == 201 &&
		close(s[0]) == 0 && close(s[1]) == 0 ?
	    0 :
	    -1;
}

static void
a_channel_in_another_network_namespace_is_like_others(void **state)
{
	struct kid k;

	(void)state;
	if (!may_leave())
		skip();
	k = kid_start(leaves, NULL, 0);
	channels_process(c, k.pid);
	assert_true(sends(k.pid, 200, "a\nhalf"));
	shown("a", 1, RECORD_SENT, k.pid, k.pid);
	assert_false(gets(k.pid, 201, "a\nhalf"));
	assert_true(sends(k.pid, 201, "b\n"));
	shown("b", 1, RECORD_SENT, k.pid, k.pid);
	/* It is not over because our namespace has no such socket. */
	channels_close(c, k.pid, 200);
	channels_close(c, k.pid, 201);
	assert_true(sends(k.pid, 200, "\n"));
	shown("half", 1, RECORD_SENT, k.pid, k.pid);
	kid_end(&k);
	channels_exit(c, k.pid);
}

static void
both_ends_of_a_connection_that_are_traced_are_one_channel(void **state)
{
	pid_t me = getpid();
	struct server v;
	struct kid k;

	(void)state;
	serve(&v);
	connects(&v);
	channels_process(c, me);
	assert_true(sends(me, v.client, "hello\n"));
	out.count = 0;
	k = kid_start(accepts, &v, 0);
	channels_process(c, k.pid);
	channels_open(c, k.pid, 200);
	assert_false(gets(k.pid, 200, "hello\n"));
	assert_true(sends(k.pid, 200, "welcome\n"));
	shown("welcome", 1, RECORD_SENT, k.pid, me);
	assert_false(gets(me, v.client, "welcome\n"));
	assert_true(sends(me, v.client, "bye\n"));
	shown("bye", 1, RECORD_SENT, me, k.pid);
	kid_end(&k);
	close(v.listen);
	close(v.client);
}

/* Connects, so that it is known who did, and closes. */
static int
rings(void *arg)
{
	struct server *v = arg;

	connects(v);
	return 0;
}

static void
what_was_sent_before_the_accept_is_shown_once(void **state)
{
	pid_t me = getpid();
	struct server v;
	struct kid k;
	int fd;

	(void)state;
	if (!may_borrow())
		skip();
	serve(&v);
	k = kid_start(rings, &v, 0);
	close(v.client);
	channels_process(c, me);
	channels_process(c, k.pid);
	assert_true(sends(k.pid, v.client, "hello\n"));
	out.count = 0;
	kid_end(&k);
	channels_exit(c, k.pid);
	fd = accept(v.listen, NULL, NULL);
	channels_open(c, me, fd);
	assert_false(gets(me, fd, "hello\n"));
	quiet();
	close(fd);
	close(v.listen);
}

static void
what_was_sent_before_the_receiver_was_looked_at_is_shown_once(void **state)
{
	pid_t me = getpid();
	struct kid k, other;
	int s[2];

	(void)state;
	k = child_with(s, "kid");
	close(s[1]);
	other = kid_start(NULL, NULL, 0);
	channels_process(c, me);
	channels_process(c, k.pid);
	channels_process(c, other.pid);
	channels_close(c, other.pid, s[0]);
	kid_end(&other);
	channels_exit(c, other.pid);
	assert_true(sends(me, s[0], "one\n"));
	shown("one", 1, RECORD_SENT, me, k.pid);
	close(s[0]);
	channels_close(c, me, s[0]);
	assert_false(gets(k.pid, s[1], "one\n"));
	quiet();
	kid_end(&k);
}

static void
of_several_holders_the_one_that_received_last_is_meant(void **state)
{
	pid_t me = getpid();
	struct kid a, b;
	int s[2];

	(void)state;
	a = child_with(s, "first");
	b = kid_start(NULL, NULL, 0);
	close(s[1]);
	channels_process(c, me);
	channels_process(c, a.pid);
	channels_process(c, b.pid);
	assert_true(sends(me, s[0], "one\n"));
	shown("one", 1, RECORD_SENT, me, b.pid > a.pid ? b.pid : a.pid);
	assert_false(channels_wants(c, a.pid, s[1], CHANNEL_RECV));
	assert_true(sends(me, s[0], "two\n"));
	shown("two", 1, RECORD_SENT, me, a.pid);
	assert_string_equal(out.to, "first");
	assert_false(channels_wants(c, b.pid, s[1], CHANNEL_RECV));
	assert_true(sends(me, s[0], "three\n"));
	shown("three", 1, RECORD_SENT, me, b.pid);
	kid_end(&b);
	channels_exit(c, b.pid);
	assert_true(sends(me, s[0], "four\n"));
	shown("four", 1, RECORD_SENT, me, a.pid);
	/* Both may send into it. */
	assert_true(sends(a.pid, s[1], "five\n"));
	shown("five", 1, RECORD_SENT, a.pid, me);
	kid_end(&a);
	close(s[0]);
}

static void
a_socket_that_is_passed_on_moves_its_end_of_the_channel(void **state)
{
	pid_t me = getpid();
	int s[2], way[2];
	struct kid k;

	(void)state;
	pair(way);
	pair(s);
	channels_process(c, me);
	assert_true(sends(me, s[1], "mine\n"));
	shown("mine", 1, RECORD_SENT, me, me);
	passes(way[0], s[1]);
	close(s[1]);
	channels_close(c, me, s[1]);
	k = kid_start(takes, &way[1], 0);
	/* It inherited the others; they are none of its business. */
	channels_process(c, k.pid);
	assert_true(sends(k.pid, 210, "yours\n"));
	shown("yours", 1, RECORD_SENT, k.pid, me);
	assert_true(sends(me, s[0], "to you\n"));
	shown("to you", 1, RECORD_SENT, me, k.pid);
	kid_end(&k);
	close(s[0]);
	close(way[0]);
	close(way[1]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_message_between_traced_processes_is_shown_where_it_is_sent),
		T(what_an_untraced_process_sends_is_shown_where_it_is_received),
		T(a_receipt_that_is_told_before_the_send_is_not_shown_twice),
		T(a_direction_stays_with_the_receiver_while_that_lives),
		T(a_sender_is_looked_at_when_no_receiver_is_left),
		T(a_client_finds_its_server_when_that_has_accepted),
		T(until_then_it_is_who_listens),
		T(a_channel_in_another_network_namespace_is_like_others),
		T(both_ends_of_a_connection_that_are_traced_are_one_channel),
		T(what_was_sent_before_the_accept_is_shown_once),
		T(what_was_sent_before_the_receiver_was_looked_at_is_shown_once),
		T(of_several_holders_the_one_that_received_last_is_meant),
		T(a_socket_that_is_passed_on_moves_its_end_of_the_channel),
	};

	if (!endpoints_can_ask(NULL)) {
		puts("1..0 # SKIP sock_diag(7) does not answer here");
		return 77;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
