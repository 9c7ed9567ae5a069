/* SPDX-License-Identifier: ISC */
/*
 * Channels where sockets are not what they seem: inode numbers that are given
 * again, sockets that go late, a kernel that tells nothing.
 */
#define _GNU_SOURCE
#include "fake-kernel.h"

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
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
