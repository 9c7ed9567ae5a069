/* SPDX-License-Identifier: ISC */
/*
 * A great many sockets, descriptors and messages: what is remembered, and how
 * often the kernel is asked, has bounds.
 */
#define _GNU_SOURCE
#include "fake-kernel.h"

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
who_is_at_ten_thousand_sockets_is_known_from_few_lists(void **state)
{
	uint32_t i;

	(void)state;
	channels_process(c, 1);
	channels_process(c, 2);
	for (i = 1; i < 20000; i += 2) {
		make_pair(i, i + 1);
		gives(1, (int)i, i);
		gives(2, (int)i + 1, i + 1);
	}
	for (i = 1; i < 20000; i += 2) {
		assert_true(sends(1, (int)i, "x\n"));
		assert_int_equal(out.r.to.pid, 2);
	}
	assert_true(lists < 10);
	/* The list is old, and made anew. */
	make_pair(20001, 20002);
	gives(1, 7, 20001);
	gives(2, 8, 20002);
	channels_close(c, 1, 7);
	assert_true(sends(1, 7, "y\n"));
	assert_int_equal(out.r.to.pid, 2);
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

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_descriptor_is_looked_at_once),
		T(what_is_not_known_is_asked_for_less_and_less),
		T(channels_and_descriptors_are_bounded),
		T(who_is_at_ten_thousand_sockets_is_known_from_few_lists),
		T(channels_that_nobody_closes_in_sight_are_bounded),
		T(a_great_many_pairs_leave_nothing_behind),
		T(whatever_is_told_memory_stays_sound),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
