/* SPDX-License-Identifier: ISC */
/*
 * imsgloop_close(): what is queued is written, no more is handled, and the end
 * comes in time.  In every loop.
 */
#include "looplib.h"

static char bytes[8192];

static void
ends(struct side *s, int error)
{
	L_UNTIL(s->ended);
	l_settle();
	assert_int_equal(s->ended, 1);
	assert_int_equal(s->why, IMSGLOOP_CLOSED);
	assert_int_equal(s->error, error);
}

static void
with_nothing_queued_it_ends_in_the_next_turn(void **state)
{
	struct side s = { .n = 0 };

	(void)state;
	side_open(&s);
	assert_int_equal(imsgloop_close(s.c, -1), 0);
	assert_int_equal(s.ended, 0);
	l_turn(100);
	ends(&s, 0);
	side_shut(&s);
}

static void
what_is_queued_is_written_first(void **state)
{
	struct side s = { .n = 0 };
	uint32_t last = 0, n = 0;
	int i;

	(void)state;
	side_open(&s);
	for (i = 1; i <= 100; i++)
		assert_int_equal(imsgloop_compose(s.c, (uint32_t)i, 0, 0, -1,
				     bytes, sizeof(bytes)),
		    1);
	assert_int_equal(imsgloop_close(s.c, -1), 0);
	assert_errno(imsgloop_compose(s.c, 1, 0, 0, -1, NULL, 0), EPIPE);
	while (!s.ended) {
		l_turn(10);
		n += side_take(&s, &last);
	}
	n += side_take(&s, &last);
	ends(&s, 0);
	assert_int_equal(n, 100);
	assert_int_equal(last, 100);
	side_shut(&s);
}

static void
close_it(struct side *s, struct imsg *m)
{
	(void)m;
	assert_int_equal(
	    imsgloop_compose(s->c, 1, 0, 0, -1, bytes, sizeof(bytes)), 1);
	assert_int_equal(imsgloop_close(s->c, 10000), 0);
}

static void
no_more_messages_are_handled(void **state)
{
	struct side s = { .message = close_it };

	(void)state;
	side_open(&s);
	side_send(&s, 0, 100);
	L_UNTIL(s.messages == 1);
	assert_int_equal(side_take(&s, NULL), 1);
	ends(&s, 0);
	assert_int_equal(s.messages, 1);
	assert_int_equal(s.drained, 0);
	side_shut(&s);
}

static void
a_peer_that_does_not_read_is_left_when_the_time_is_over(void **state)
{
	static const int ms[] = { 0, 1, 60 };
	size_t i;

	(void)state;
	for (i = 0; i < 3; i++) {
		struct side s = { .n = 0 };
		int64_t start;

		l_counts.out = 0;
		side_open(&s);
		side_fill(&s);
		start = l_now();
		assert_int_equal(imsgloop_close(s.c, ms[i]), 0);
		ends(&s, ETIMEDOUT);
		assert_true(l_now() - start >= ms[i] - 5);
		side_shut(&s);
	}
}

static void
the_second_call_shortens_the_time_only(void **state)
{
	struct side s = { .n = 0 };
	int64_t start = l_now();

	(void)state;
	side_open(&s);
	side_fill(&s);
	assert_int_equal(imsgloop_close(s.c, -1), 0);
	l_settle();
	assert_int_equal(imsgloop_close(s.c, 60000), 0);
	l_settle();
	assert_int_equal(imsgloop_close(s.c, 20), 0);
	assert_int_equal(imsgloop_close(s.c, 60000), 0);
	assert_int_equal(imsgloop_close(s.c, -1), 0);
	l_settle();
	ends(&s, ETIMEDOUT);
	assert_true(l_now() - start < 15000);
	side_shut(&s);
}

static void
a_peer_that_dies_meanwhile_is_an_error(void **state)
{
	int full;

	(void)state;
	for (full = 0; full < 2; full++) {
		struct side s = { .n = 0 };

		l_counts.out = 0;
		side_open(&s);
		if (full)
			side_fill(&s);
		else
			(void)imsgloop_compose(s.c, 1, 0, 0, -1, NULL, 0);
		assert_int_equal(imsgloop_close(s.c, -1), 0);
		if (full)
			l_settle();
		side_hang_up(&s);
		ends(&s, EPIPE);
		side_shut(&s);
	}
}

/* A message that the peer sends does not wake the loop any more. */
static void
a_flood_does_not_keep_it_open(void **state)
{
	struct side s = { .n = 0 };
	unsigned long turns;
	int64_t start;

	(void)state;
	side_open(&s);
	side_fill(&s);
	assert_int_equal(imsgloop_close(s.c, 200), 0);
	side_send(&s, 0, 2000);
	l_settle();
	start = l_now();
	turns = l_counts.turn;
	ends(&s, ETIMEDOUT);
	assert_true(l_now() - start < 15000);
	assert_in_range(l_counts.turn - turns, 0, 30);
	assert_int_equal(s.messages, 0);
	side_shut(&s);
}

static void
an_attached_imsgbuf_has_what_was_not_written(void **state)
{
	struct side s = { .n = 0 };
	size_t left;

	(void)state;
	side_attach(&s);
	side_fill(&s);
	left = imsgbuf_queuebytes(&s.own);
	assert_int_equal(imsgloop_close(s.c, 0), 0);
	ends(&s, ETIMEDOUT);
	assert_int_equal(imsgbuf_queuebytes(&s.own), left);
	side_shut(&s);
}

static void
a_close_that_the_loop_refuses_changes_nothing(void **state)
{
	struct side s = { .n = 0 };

	(void)state;
	side_open(&s);
	l_settle();
	l_fail_set = 0;
	assert_errno(imsgloop_close(s.c, 0), ENOMEM);
	side_send(&s, 0, 1);
	L_UNTIL(s.messages == 1);
	side_hang_up(&s);
	L_UNTIL(s.ended);
	assert_int_equal(s.why, IMSGLOOP_EOF);
	side_shut(&s);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		L(with_nothing_queued_it_ends_in_the_next_turn),
		L(what_is_queued_is_written_first),
		L(no_more_messages_are_handled),
		L(a_peer_that_does_not_read_is_left_when_the_time_is_over),
		L(the_second_call_shortens_the_time_only),
		L(a_peer_that_dies_meanwhile_is_an_error),
		L(a_flood_does_not_keep_it_open),
		L(an_attached_imsgbuf_has_what_was_not_written),
		L(a_close_that_the_loop_refuses_changes_nothing),
	};

	return L_RUN(tests);
}
