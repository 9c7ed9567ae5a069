/* SPDX-License-Identifier: ISC */
/*
 * Calls that are not answered, or too late, or all at once.
 */
#define _DEFAULT_SOURCE
#include "call-pair.h"

static void
a_call_without_an_answer_ends_at_its_deadline(void **state)
{
	struct pair p;
	int64_t before = now_ms();

	(void)state;
	pair_open(&p);
	(void)pair_start(&p, 30);
	(void)pair_start(&p, 60000);
	pair_until(&p, 1);
	assert_true(now_ms() - before >= 30);
	assert_int_equal(p.log.value[0], ETIMEDOUT);
	pair_expect(&p, "t");
	assert_int_equal(imsgcall_pending(p.call), 1);
	pair_close(&p);
}

static void
deadlines_come_in_their_order_whatever_that_of_the_start(void **state)
{
	struct pair p;
	int i;

	(void)state;
	pair_open(&p);
	for (i = 5; i > 0; i--)
		(void)pair_start(&p, i * 8);
	(void)pair_start(&p, 20);
	pair_until(&p, 6);
	pair_expect(&p, "tttttt");
	assert_int_equal(imsgcall_pending(p.call), 0);
	pair_close(&p);
}

static void
deadline_0_is_over_in_the_next_turn(void **state)
{
	struct pair p;

	(void)state;
	pair_open(&p);
	(void)pair_start(&p, 0);
	pair_expect(&p, "");
	pair_until(&p, 1);
	pair_expect(&p, "t");
	pair_close(&p);
}

static void
an_answer_in_time_stops_the_time(void **state)
{
	struct pair p;
	uint32_t n;

	(void)state;
	pair_open(&p);
	n = pair_start(&p, 20);
	(void)pair_start(&p, 40);
	peer_answer(&p, n);
	pair_until(&p, 2);
	pair_expect(&p, "at");
	pair_close(&p);
}

/* More than are told in one turn, and no word is lost. */
static void
many_deadlines_at_once_are_all_told(void **state)
{
	struct pair p;
	int i, told = 0;

	(void)state;
	pair_open(&p);
	for (i = 0; i < 1000; i++)
		assert_int_not_equal(pair_start(&p, 5), 0);
	while (told < 1000) {
		assert_int_not_equal(imsgloop_poll_turn(p.loop, 1000), -1);
		for (i = 0; i < p.log.n; i++)
			assert_int_equal(p.log.what[i], 't');
		/* Others have their turn between them. */
		assert_true(p.log.n <= 128);
		told += p.log.n;
		p.log.n = 0;
	}
	assert_int_equal(imsgcall_pending(p.call), 0);
	pair_close(&p);
}

static void
a_late_answer_is_dropped_and_reaches_no_other_call(void **state)
{
	uint32_t n, last = 0;
	struct pair p;
	int reader, i;

	(void)state;
	pair_open(&p);
	n = pair_start(&p, 1);
	pair_until(&p, 1);
	pair_expect(&p, "t");
	/* However many come after it. */
	for (i = 0; i < 200; i++) {
		last = pair_start(&p, -1);
		assert_int_not_equal(last, n);
	}
	peer_send(&p, 2, n, pipe_open(&reader), NULL, 0);
	peer_answer(&p, last);
	pair_until(&p, 1);
	assert_int_equal(p.log.value[0], last);
	pair_expect(&p, "a");
	assert_int_equal(imsgcall_pending(p.call), 199);
	assert_true(pipe_is_closed(reader));
	(void)close(reader);
	pair_close(&p);
}

static void
cancel_ends_a_call_silently_and_drops_its_answer(void **state)
{
	struct pair p;
	uint32_t n;
	int reader;

	(void)state;
	pair_open(&p);
	n = pair_start(&p, 5);
	assert_int_equal(imsgcall_cancel(p.call, n + 1), -1);
	assert_int_equal(errno, ENOENT);
	assert_int_equal(imsgcall_cancel(p.call, 0), -1);
	assert_int_equal(errno, ENOENT);
	assert_int_equal(imsgcall_cancel(p.call, n), 0);
	assert_int_equal(imsgcall_pending(p.call), 0);
	assert_int_equal(imsgcall_cancel(p.call, n), -1);
	peer_send(&p, 2, n, pipe_open(&reader), NULL, 0);
	(void)pair_start(&p, 20);
	pair_until(&p, 1);
	pair_expect(&p, "t");
	assert_true(pipe_is_closed(reader));
	(void)close(reader);
	pair_close(&p);
}

static void
most_calls_at_once_are_65536_by_default(void **state)
{
	uint32_t i, first = 0, n, told = 0;
	const int32_t error = 1;
	struct pair p;

	(void)state;
	pair_open(&p);
	for (i = 0; i < IMSGCALL_PENDING; i++) {
		n = imsgcall_start(p.call, 1, -1, NULL, 0,
		    i % 2 == 0 ? -1 : 100000 - (int)i, pair_done, &p);
		assert_int_not_equal(n, 0);
		first = i == 0 ? n : first;
	}
	assert_int_equal(pair_start(&p, -1), 0);
	assert_int_equal(errno, EAGAIN);
	for (i = IMSGCALL_PENDING; i-- > 0;) {
		assert_int_equal(imsg_compose(&p.peer, IMSGCALL_ERROR,
				     first + i, 0, -1, &error, 4),
		    1);
		if (i % 32 != 0)
			continue;
		assert_int_equal(imsgbuf_flush_timeout(&p.peer, 10000), 0);
		pair_until(&p, 32);
		told += (uint32_t)p.log.n;
		p.log.n = 0;
	}
	assert_int_equal(told, IMSGCALL_PENDING);
	assert_int_equal(imsgcall_pending(p.call), 0);
	pair_close(&p);
}

/* Without a loop that turns, late answers must not fill what is held. */
static void
thousands_of_late_answers_are_no_burden(void **state)
{
	struct pair p;
	struct imsg m;
	uint32_t i;

	(void)state;
	pair_open(&p);
	for (i = 1; i <= 3000; i++) {
		assert_int_equal(
		    imsgcall_wait(p.call, 1, -1, NULL, 0, 0, &m), -1);
		assert_int_equal(errno, ETIMEDOUT);
		assert_int_equal(imsgbuf_recv(&p.peer, &m, 10000), 1);
		imsg_free(&m);
		peer_answer(&p, i);
	}
	peer_answer(&p, i);
	assert_int_equal(imsgcall_wait(p.call, 1, -1, NULL, 0, 10000, &m), 1);
	imsg_free(&m);
	pair_turn(&p);
	pair_expect(&p, "");
	pair_close(&p);
}

static void
a_flood_of_late_answers_does_not_stretch_the_time(void **state)
{
	struct pair p;
	struct imsg m;
	int i;

	(void)state;
	pair_open(&p);
	for (i = 0; i < 1500; i++)
		assert_int_equal(
		    imsg_compose(&p.peer, 2, 4711, 0, -1, NULL, 0), 1);
	peer_answer(&p, 2);
	assert_int_equal(imsgcall_wait(p.call, 1, -1, NULL, 0, 0, &m), -1);
	assert_int_equal(errno, ETIMEDOUT);
	assert_int_equal(imsgcall_wait(p.call, 1, -1, NULL, 0, 0, &m), 1);
	assert_int_equal(m.hdr.peerid, 2);
	imsg_free(&m);
	pair_close(&p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_call_without_an_answer_ends_at_its_deadline),
		cmocka_unit_test(
		    deadlines_come_in_their_order_whatever_that_of_the_start),
		cmocka_unit_test(deadline_0_is_over_in_the_next_turn),
		cmocka_unit_test(an_answer_in_time_stops_the_time),
		cmocka_unit_test(many_deadlines_at_once_are_all_told),
		cmocka_unit_test(
		    a_late_answer_is_dropped_and_reaches_no_other_call),
		cmocka_unit_test(
		    cancel_ends_a_call_silently_and_drops_its_answer),
		cmocka_unit_test(most_calls_at_once_are_65536_by_default),
		cmocka_unit_test(thousands_of_late_answers_are_no_burden),
		cmocka_unit_test(
		    a_flood_of_late_answers_does_not_stretch_the_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
