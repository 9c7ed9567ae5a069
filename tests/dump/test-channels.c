/* SPDX-License-Identifier: ISC */
/*
 * Channels between real processes through real sockets.
 *
 * Nobody is traced: what a tracer would tell is told by the tests.
 */
#define _GNU_SOURCE
#include "fake-stream.h"

#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <dirent.h>
#include <errno.h>

#include "channels.h"

static struct channels *c;

static int
setup(void **state)
{
	(void)state;
	memset(&out, 0, sizeof(out));
	c = channels_new(&budget, &sink);
	return c == NULL ? -1 : 0;
}

static int
teardown(void **state)
{
	(void)state;
	channels_free(c);
	return streams;
}

/* A call that moved bytes, as a tracer tells it.  Whether they were wanted. */
static int
call(pid_t pid, int fd, int dir, const char *text)
{
	struct bytes b = { .time = 1, .data = text, .len = strlen(text) };

	if (!channels_wants(c, pid, fd, dir))
		return 0;
	assert_int_equal(channels_bytes(c, pid, fd, dir, &b), 0);
	return 1;
}

static int
sends(pid_t pid, int fd, const char *text)
{
	return call(pid, fd, CHANNEL_SEND, text);
}

static int
gets(pid_t pid, int fd, const char *text)
{
	return call(pid, fd, CHANNEL_RECV, text);
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

struct server {
	struct sockaddr_un sun;
	int listen, client;
};

static void
serve(struct server *v)
{
	memset(v, 0, sizeof(*v));
	v->sun.sun_family = AF_UNIX;
	snprintf(v->sun.sun_path + 1, sizeof(v->sun.sun_path) - 1,
	    "channels.%ld", (long)getpid());
	v->listen = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_int_equal(
	    bind(v->listen, (struct sockaddr *)&v->sun, sizeof(v->sun)), 0);
	assert_int_equal(listen(v->listen, 5), 0);
	v->client = socket(AF_UNIX, SOCK_STREAM, 0);
}

static void
connects(struct server *v)
{
	assert_int_equal(
	    connect(v->client, (struct sockaddr *)&v->sun, sizeof(v->sun)), 0);
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

/* Takes a socket as descriptor 210. */
static int
takes(void *arg)
{
	char byte, space[CMSG_SPACE(sizeof(int))];
	struct iovec v = { &byte, 1 };
	struct msghdr m = { .msg_iov = &v,
		.msg_iovlen = 1,
		.msg_control = space,
		.msg_controllen = sizeof(space) };
	int fd;

	if (recvmsg(*(int *)arg, &m, 0) != 1 || CMSG_FIRSTHDR(&m) == NULL)
		return -1;
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof(fd));
	return dup2(fd, 210) == 210 && close(fd) == 0 ? 0 : -1;
}

static void
passes(int s, int fd)
{
	char space[CMSG_SPACE(sizeof(int))] = { 0 };
	struct iovec v = { space, 1 };
	struct msghdr m = { .msg_iov = &v,
		.msg_iovlen = 1,
		.msg_control = space,
		.msg_controllen = sizeof(space) };
	struct cmsghdr *h = CMSG_FIRSTHDR(&m);

	h->cmsg_level = SOL_SOCKET;
	h->cmsg_type = SCM_RIGHTS;
	h->cmsg_len = CMSG_LEN(sizeof(fd));
	memcpy(CMSG_DATA(h), &fd, sizeof(fd));
	assert_int_equal(sendmsg(s, &m, 0), 1);
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
	close(s[0]);
	close(s[1]);
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

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

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
		T(both_ends_of_a_connection_that_are_traced_are_one_channel),
		T(what_was_sent_before_the_accept_is_shown_once),
		T(of_several_holders_the_one_that_received_last_is_meant),
		T(a_socket_that_is_passed_on_moves_its_end_of_the_channel),
		T(a_name_follows_the_program),
		T(numbers_are_given_in_the_order_of_messages),
		T(an_end_says_what_is_left_incomplete),
		T(both_directions_know_the_wire_that_one_has_found),
		T(a_stream_that_is_given_up_is_not_asked_for_again),
		T(a_sink_that_fails_is_told_each_time),
		T(a_gap_belongs_to_its_direction),
		T(what_is_no_stream_socket_is_of_no_interest_until_it_is_one),
		T(many_pairs_one_after_the_other_leave_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
