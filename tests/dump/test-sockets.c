/* SPDX-License-Identifier: ISC */
/*
 * Channels under a kernel that is made up: inode numbers that are given again,
 * sockets that go late, a kernel that tells nothing, and a great many of all.
 */
#define _GNU_SOURCE
#include "fake-stream.h"

#include "channel.h"

/* Sockets, by their inode. */
#define SOCKETS 40000
static struct {
	struct endpoint e;
	int there;
} sockets[SOCKETS + 1];

/* Which of them is descriptor fd of process pid: 0 none. */
#define PIDS 8
#define FDS  70000
static uint32_t held[PIDS][FDS];

static int dumb; /* the kernel does not tell peers */
static uint64_t cookies;
static size_t looks, asks, searches;

static struct channels *c;

struct endpoints *
endpoints_new(void)
{
	return calloc(1, 1);
}

void
endpoints_free(struct endpoints *x)
{
	free(x);
}

int
endpoints_can_ask(struct endpoints *x)
{
	(void)x;
	return !dumb;
}

int
endpoint_ask(struct endpoints *x, pid_t pid, uint64_t ino, struct endpoint *e)
{
	(void)x;
	(void)pid;
	asks++;
	memset(e, 0, sizeof(*e));
	if (dumb || ino == 0 || ino > SOCKETS)
		return -1;
	if (!sockets[ino].there)
		return 0;
	*e = sockets[ino].e;
	if (e->peer != 0 && !sockets[e->peer].there) {
		e->peer = 0;
		e->closed = 1;
	}
	return 1;
}

int
endpoint_of(struct endpoints *x, pid_t pid, int fd, struct endpoint *e)
{
	uint32_t ino = held[pid][fd];

	looks++;
	if (ino == 0)
		return 0;
	if (endpoint_ask(x, pid, ino, e) == 1)
		return 1;
	memset(e, 0, sizeof(*e));
	e->ino = ino;
	e->connected = 1;
	return dumb;
}

void
endpoint_peer_path(struct endpoints *x, pid_t pid, struct endpoint *e)
{
	(void)x;
	(void)pid;
	(void)e;
}

int
endpoint_holds(pid_t pid, uint64_t ino)
{
	int fd;

	for (fd = 0; fd < 64; fd++)
		if (pid < PIDS && held[pid][fd] == ino)
			return fd;
	return -1;
}

size_t
endpoint_holders(uint64_t ino, pid_t *pids, size_t max)
{
	size_t n = 0;
	pid_t p;

	searches++;
	for (p = 1; p < PIDS && n < max; p++)
		if (endpoint_holds(p, ino) != -1)
			pids[n++] = p;
	return n;
}

pid_t
endpoint_maker(pid_t pid, int fd)
{
	(void)pid;
	(void)fd;
	return 0;
}

void
process_name(pid_t pid, char *name, size_t size)
{
	snprintf(name, size, "p%ld", (long)pid);
}

static void
make(uint32_t ino, uint32_t peer)
{
	memset(&sockets[ino], 0, sizeof(sockets[ino]));
	sockets[ino].there = 1;
	sockets[ino].e.ino = ino;
	sockets[ino].e.peer = peer;
	sockets[ino].e.cookie = ++cookies;
	sockets[ino].e.connected = 1;
}

static void
make_pair(uint32_t a, uint32_t b)
{
	make(a, b);
	make(b, a);
}

static void
gives(pid_t pid, int fd, uint32_t ino)
{
	held[pid][fd] = ino;
}

static int
setup(void **state)
{
	(void)state;
	memset(&out, 0, sizeof(out));
	memset(sockets, 0, sizeof(sockets));
	memset(held, 0, sizeof(held));
	dumb = 0;
	looks = asks = searches = 0;
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

static void
a_number_that_is_given_again_is_another_socket(void **state)
{
	(void)state;
	make_pair(1, 2);
	gives(1, 3, 1);
	gives(2, 3, 2);
	assert_true(sends(1, 3, "a\nhalf"));
	shown("a", 1, RECORD_SENT, 1, 2);
	/* They go without a word and come again. */
	make_pair(1, 2);
	gives(3, 5, 1);
	gives(4, 5, 2);
	assert_true(sends(3, 5, "b\n"));
	assert_int_equal(out.count, 2); /* incomplete */
	out.count = 1;
	shown("b", 2, RECORD_SENT, 3, 4);
	/* The other way round, and of a process that was told of before. */
	assert_true(sends(4, 5, "c\n"));
	shown("c", 2, RECORD_SENT, 4, 3);
	make_pair(2, 9);
	gives(1, 3, 9);
	assert_true(sends(1, 3, "d\n"));
	assert_int_equal(out.r.channel, 3);
}

static void
a_number_that_comes_back_at_the_other_end_is_noticed(void **state)
{
	(void)state;
	make_pair(1, 2);
	gives(1, 3, 1);
	assert_true(sends(1, 3, "a\n"));
	assert_int_equal(out.r.channel, 1);
	sockets[2].there = 0;
	make_pair(5, 1);
	gives(1, 3, 0);
	gives(2, 3, 5);
	assert_true(sends(2, 3, "b\n"));
	assert_int_equal(out.r.channel, 2);
	make(7, 1);
	gives(2, 4, 7);
	assert_true(sends(2, 4, "c\n"));
	assert_int_equal(out.r.channel, 3);
}

static void
a_socket_that_goes_late_is_noticed_later(void **state)
{
	int i;

	(void)state;
	make_pair(1, 2);
	gives(1, 3, 1);
	gives(1, 4, 2);
	assert_true(sends(1, 3, "a\nhalf"));
	out.count = 0;
	channels_close(c, 1, 3);
	channels_close(c, 1, 4);
	assert_int_equal(streams, 1);
	sockets[1].there = sockets[2].there = 0;
	for (i = 0; i < 2; i++) {
		make_pair(11, 12);
		gives(1, 3, 11);
		channels_open(c, 1, 3);
		(void)channels_wants(c, 1, 3, CHANNEL_SEND);
	}
	assert_string_equal(out.text, "incomplete");
	assert_int_equal(streams, 0);
}

static void
a_child_goes_on_with_what_its_parent_began(void **state)
{
	(void)state;
	make_pair(1, 2);
	gives(1, 3, 1);
	gives(2, 3, 1);
	gives(3, 3, 2);
	channels_process(c, 2);
	assert_true(sends(1, 3, "x\nha"));
	out.count = 0;
	gives(1, 3, 0);
	channels_close(c, 1, 3);
	channels_exit(c, 1);
	quiet();
	assert_true(sends(2, 3, "lf\n"));
	shown("half", 1, RECORD_SENT, 2, 3);
}

static void
a_kernel_that_does_not_tell_is_complained_of_once(void **state)
{
	(void)state;
	dumb = 1;
	make_pair(1, 2);
	make_pair(3, 4);
	gives(1, 3, 1);
	gives(2, 3, 2);
	assert_true(sends(1, 3, "a\n"));
	assert_int_equal(out.count, 2);
	out.count = 1;
	shown("a", 1, RECORD_SENT, 1, 0);
	assert_true(gets(2, 3, "a\n"));
	shown("a", 2, RECORD_RECEIVED, 0, 2);
	/* Of a pair it is told what belongs together. */
	gives(1, 4, 3);
	gives(1, 5, 4);
	channels_pair(c, 1, 4, 5);
	gives(2, 5, 4);
	channels_process(c, 2);
	assert_true(sends(1, 4, "b\n"));
	shown("b", 3, RECORD_SENT, 1, 2);
	assert_false(gets(2, 5, "b\n"));
	assert_true(sends(2, 5, "c\n"));
	shown("c", 3, RECORD_SENT, 2, 1);
	assert_false(gets(1, 4, "c\n"));
}

static void
two_views_become_one_channel_when_their_ends_are_known(void **state)
{
	(void)state;
	make(1, 0);
	make(2, 0);
	gives(1, 3, 1);
	gives(2, 3, 2);
	assert_true(sends(1, 3, "a\nha"));
	assert_int_equal(out.r.channel, 1);
	assert_true(gets(1, 3, "b\n"));
	assert_int_equal(out.r.channel, 1);
	assert_true(sends(2, 3, "c\n"));
	assert_int_equal(out.r.channel, 2);
	sockets[1].e.peer = 2;
	sockets[2].e.peer = 1;
	out.count = 0;
	/* What the sender told counts more than what the receiver did. */
	channels_open(c, 2, 3);
	assert_true(sends(2, 3, "d\n"));
	shown("d", 1, RECORD_SENT, 2, 1);
	assert_false(gets(1, 3, "d\n"));
	assert_true(sends(1, 3, "lf\n"));
	shown("half", 1, RECORD_SENT, 1, 2);
	assert_false(gets(2, 3, "half\n"));
}

static void
who_holds_both_ends_receives_what_others_send(void **state)
{
	(void)state;
	make_pair(1, 2);
	gives(1, 3, 1);
	gives(1, 4, 2);
	gives(2, 3, 1);
	channels_process(c, 1);
	assert_false(channels_wants(c, 1, 5, CHANNEL_SEND));
	assert_true(gets(1, 4, "a\n"));
	shown("a", 1, RECORD_RECEIVED, 2, 1);
	assert_true(gets(1, 4, "b\n"));
	shown("b", 1, RECORD_RECEIVED, 2, 1);
	/* Now it sends itself: it is shown as it comes out, once. */
	assert_false(sends(1, 3, "c\n"));
	assert_true(gets(1, 4, "c\n"));
	assert_string_equal(out.text, "c");
}

static void
a_descriptor_is_looked_at_once(void **state)
{
	size_t before;
	int i;

	(void)state;
	make_pair(1, 2);
	gives(1, 3, 1);
	gives(2, 3, 2);
	channels_process(c, 2);
	assert_true(sends(1, 3, "a\n"));
	assert_false(gets(2, 3, "a\n"));
	before = looks + asks + searches;
	for (i = 0; i < 1000; i++) {
		assert_true(sends(1, 3, "a\n"));
		assert_false(gets(2, 3, "a\n"));
		assert_false(channels_wants(c, 1, 4, CHANNEL_RECV));
	}
	assert_int_equal(looks + asks + searches, before + 1);
}

static void
what_is_not_known_is_asked_for_less_and_less(void **state)
{
	int i;

	(void)state;
	make(1, 0);
	gives(1, 3, 1);
	make_pair(3, 4);
	gives(1, 4, 3);
	for (i = 0; i < 1000; i++) {
		assert_true(sends(1, 3, "a\n"));
		assert_true(sends(1, 4, "b\n"));
	}
	assert_true(looks + asks + searches < 40);
	assert_int_equal(out.r.to.pid, 0);
	/* Someone appears there. */
	gives(2, 3, 4);
	channels_process(c, 2);
	assert_true(sends(1, 4, "c\n"));
	assert_false(gets(2, 3, "c\n"));
	assert_true(sends(1, 4, "d\n"));
	assert_int_equal(out.r.to.pid, 2);
}

static void
channels_and_descriptors_are_bounded(void **state)
{
	uint32_t i;

	(void)state;
	for (i = 1; i < SOCKETS; i += 2) {
		make_pair(i, i + 1);
		gives(1, (int)i, i);
		assert_true(sends(1, (int)i, "x\nhalf"));
		assert_true(streams <= CHANNELS_MAX);
	}
	assert_int_equal(out.r.channel, SOCKETS / 2);
	assert_int_equal(streams, CHANNELS_MAX);
	/* The one that was used least lately has gone, and comes again. */
	assert_true(sends(1, 1, "x\n"));
	assert_int_equal(out.r.channel, SOCKETS / 2 + 1);
	assert_true(sends(1, SOCKETS - 1, "end\n"));
	assert_int_equal(out.r.channel, SOCKETS / 2);
	assert_string_equal(out.text, "halfend");
	for (i = 1; i < FDS; i++)
		(void)channels_wants(c, 2, (int)i, CHANNEL_SEND);
	looks = 0;
	assert_false(channels_wants(c, 2, FDS - 1, CHANNEL_SEND));
	assert_int_equal(looks, 0);
	assert_false(channels_wants(c, 2, 1, CHANNEL_SEND));
	assert_int_equal(looks, 1);
}

static void
channels_that_nobody_closes_in_sight_are_bounded(void **state)
{
	uint32_t i;

	(void)state;
	dumb = 1;
	for (i = 1; i < SOCKETS; i++) {
		make_pair(i, i + 1);
		gives(1, 3, i);
		assert_true(sends(1, 3, "x\nhalf"));
		channels_close(c, 1, 3);
		assert_true(streams <= IDLE_MAX + 2);
	}
}

static void
a_great_many_pairs_leave_nothing_behind(void **state)
{
	uint32_t i, a;

	(void)state;
	for (i = 0; i < 100000; i++) {
		a = 1 + 2 * (i % 1000);
		make_pair(a, a + 1);
		gives(1, 3, a);
		gives(1, 4, a + 1);
		channels_open(c, 1, 3);
		channels_open(c, 1, 4);
		assert_true(sends(1, 3, "x\nhalf"));
		sockets[a].there = sockets[a + 1].there = 0;
		channels_close(c, 1, 3);
		channels_close(c, 1, 4);
		assert_int_equal(streams, 0);
		assert_int_equal(c->live.count + c->idle.count, 0);
		assert_int_equal(c->nends, 0);
	}
	assert_int_equal(out.r.channel, 100000);
}

static uint32_t seed;

static uint32_t
dice(uint32_t n)
{
	seed = seed * 1103515245 + 12345;
	return (seed >> 8) % n;
}

/* One thing happens, whether or not it makes sense. */
static void
anything(void)
{
	pid_t pid = (pid_t)(1 + dice(PIDS - 1));
	int fd = (int)dice(12), dir = (int)dice(2);
	uint32_t a = 1 + dice(20), b = 1 + dice(20);

	switch (dice(16)) {
	case 0:
		make(a, dice(3) == 0 ? 0 : b);
		break;
	case 1:
		make_pair(a, b);
		break;
	case 2:
		sockets[a].there = 0;
		break;
	case 3:
	case 4:
		gives(pid, fd, dice(4) == 0 ? 0 : a);
		if (dice(2) == 0)
			channels_close(c, pid, fd);
		break;
	case 5:
		channels_open(c, pid, fd);
		break;
	case 6:
		channels_pair(c, pid, fd, (int)dice(12));
		break;
	case 7:
		channels_eof(c, pid, fd, 1);
		break;
	case 8:
		if (dice(4) == 0)
			channels_exit(c, pid);
		else if (dice(4) == 0)
			channels_exec(c, pid);
		else
			channels_process(c, pid);
		break;
	case 9:
		(void)channels_gap(c, pid, fd, dir, 1, 1);
		break;
	case 10:
		dumb = dice(20) == 0;
		break;
	case 11:
		(void)call(pid, fd, dir, dice(2) == 0 ? "dead\n" : "fail\n");
		break;
	default:
		(void)call(pid, fd, dir, dice(2) == 0 ? "x\n" : "x\nh");
	}
}

static void
whatever_is_told_memory_stays_sound(void **state)
{
	const char *s = getenv("TEST_SEED");
	uint32_t first = s == NULL ? 20261126 : (uint32_t)strtoul(s, NULL, 10);
	int i, round;

	(void)state;
	print_message("seed %u\n", first);
	seed = first;
	for (round = 0; round < 50; round++) {
		for (i = 0; i < 2000; i++) {
			anything();
			assert_true(c->nends <= 40);
			assert_true(streams <= 80);
		}
		channels_free(c);
		assert_int_equal(streams, 0);
		c = channels_new(&budget, &sink);
		assert_non_null(c);
	}
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_number_that_is_given_again_is_another_socket),
		T(a_number_that_comes_back_at_the_other_end_is_noticed),
		T(a_socket_that_goes_late_is_noticed_later),
		T(a_child_goes_on_with_what_its_parent_began),
		T(a_kernel_that_does_not_tell_is_complained_of_once),
		T(two_views_become_one_channel_when_their_ends_are_known),
		T(who_holds_both_ends_receives_what_others_send),
		T(a_descriptor_is_looked_at_once),
		T(what_is_not_known_is_asked_for_less_and_less),
		T(channels_and_descriptors_are_bounded),
		T(channels_that_nobody_closes_in_sight_are_bounded),
		T(a_great_many_pairs_leave_nothing_behind),
		T(whatever_is_told_memory_stays_sound),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
