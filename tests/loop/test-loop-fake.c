/* SPDX-License-Identifier: ISC */
/*
 * A channel in a loop that the test plays itself: it says that there is
 * something to read or room to write when there is none, for urgent data or a
 * low-water mark can make a kernel say so, and looks at what the channel asks.
 */
#include "looplib.h"

static struct imsgloop_watch *watched;
static short events;
static int ms, sets;

static int
fake_add(struct imsgloop *loop, struct imsgloop_watch *w)
{
	(void)loop;
	watched = w;
	return 0;
}

static int
fake_set(struct imsgloop *loop, struct imsgloop_watch *w, short e, int t)
{
	(void)loop;
	assert_ptr_equal(w, watched);
	events = e;
	ms = t;
	sets++;
	return 0;
}

static void
fake_del(struct imsgloop *loop, struct imsgloop_watch *w)
{
	(void)loop;
	assert_ptr_equal(w, watched);
	watched = NULL;
}

static const struct imsgloop_ops fake_ops = { fake_add, fake_set, fake_del };
static struct imsgloop fake = { &fake_ops };

static int
begin(void **state)
{
	(void)state;
	l_loop = &fake;
	sets = 0;
	return 0;
}

static void
turn(short revents)
{
	if (revents == 0)
		ms = -1;
	imsgloop_ready(watched, revents);
}

static void
wait_for_the_time(void)
{
	int64_t until = l_now() + ms;

	assert_in_range(ms, 1, 60);
	while (l_now() <= until)
		(void)poll(NULL, 0, 1);
	turn(0);
}

/* A few times it is believed, then it is tried less and less often. */
static void
something_to_read_that_is_not_there_is_not_read_for_ever(void **state)
{
	struct side s = { .n = 0 };
	int i, last = 0;

	(void)state;
	side_open(&s);
	turn(0);
	assert_int_equal(events, POLLIN);
	assert_int_equal(ms, -1);
	for (i = 0; i < 100 && events == POLLIN; i++)
		turn(POLLIN);
	assert_in_range(i, 10, 30);
	for (i = 0; i < 10; i++) {
		assert_int_equal(events, 0);
		last = ms;
		wait_for_the_time();
		if (events == POLLIN)
			turn(POLLIN);
	}
	assert_true(last >= 25);
	/* And the message that comes then is handled as ever. */
	side_send(&s, 0, 1);
	wait_for_the_time();
	assert_int_equal(s.messages, 1);
	assert_int_equal(events, POLLIN);
	assert_int_equal(ms, -1);
	side_hang_up(&s);
	turn(POLLIN);
	assert_int_equal(s.why, IMSGLOOP_EOF);
	side_shut(&s);
}

/* A reset that comes while nothing is believed is not overlooked. */
static void
an_end_in_such_a_time_is_told_truly(void **state)
{
	struct side s = { .n = 0 };
	int i;

	(void)state;
	side_open(&s);
	turn(0);
	assert_int_equal(imsgloop_compose(s.c, 1, 0, 0, -1, "x", 1), 1);
	turn(0);
	for (i = 0; i < 100 && events == POLLIN; i++)
		turn(POLLIN);
	side_hang_up(&s);
	wait_for_the_time();
	assert_int_equal(s.ended, 1);
	assert_int_equal(s.why, IMSGLOOP_ERROR);
	assert_int_equal(s.error, ECONNRESET);
	side_shut(&s);
}

/* A large message that comes in pieces is no such case. */
static void
a_message_of_many_reads_is_not_put_off(void **state)
{
	static char bytes[4000000];
	struct side s = { .n = 0 };
	int i;

	(void)state;
	side_open(&s);
	turn(0);
	assert_int_equal(
	    imsgbuf_set_maxpayload(imsgloop_imsgbuf(s.c), sizeof(bytes)), 0);
	assert_int_equal(imsgbuf_set_maxpayload(&s.peer, sizeof(bytes)), 0);
	assert_int_equal(
	    imsg_compose(&s.peer, 1, 0, 0, -1, bytes, sizeof(bytes)), 1);
	for (i = 0; s.messages == 0; i++) {
		assert_int_equal(imsgbuf_write(&s.peer), 0);
		assert_int_equal(events, POLLIN);
		turn(POLLIN);
	}
	assert_true(i > 20);
	side_shut(&s);
}

static void
room_that_is_not_there_is_not_written_to_for_ever(void **state)
{
	static const char bytes[8192];
	struct side s = { .n = 0 };
	int i, last = 0;

	(void)state;
	side_open(&s);
	turn(0);
	for (i = 0; i < 1000 && !(events & POLLOUT); i++) {
		assert_int_equal(
		    imsgloop_compose(s.c, 1, 0, 0, -1, bytes, sizeof(bytes)),
		    1);
		turn(0);
	}
	assert_int_equal(events, POLLIN | POLLOUT);
	for (i = 0; i < 10; i++) {
		turn(POLLOUT);
		assert_int_equal(events, POLLIN);
		last = ms;
		wait_for_the_time();
		if (events == (POLLIN | POLLOUT))
			continue;
		assert_int_equal(events, POLLIN);
	}
	assert_true(last >= 25);
	(void)side_take(&s, NULL);
	wait_for_the_time();
	assert_int_equal(imsgbuf_queuelen(imsgloop_imsgbuf(s.c)), 0);
	assert_int_equal(events, POLLIN);
	assert_int_equal(ms, -1);
	side_shut(&s);
}

/* Turns nobody asked for, of a loop that cannot tell. */
static void
a_turn_for_nothing_is_nothing(void **state)
{
	struct side s = { .n = 0 };
	int before;

	(void)state;
	side_open(&s);
	turn(0);
	before = sets;
	turn(POLLOUT);
	turn(POLLIN | POLLOUT);
	turn(0);
	assert_int_equal(sets, before);
	assert_int_equal(s.messages + s.drained + (unsigned long)s.ended, 0);
	side_shut(&s);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(
		    something_to_read_that_is_not_there_is_not_read_for_ever,
		    begin),
		cmocka_unit_test_setup(
		    an_end_in_such_a_time_is_told_truly, begin),
		cmocka_unit_test_setup(
		    a_message_of_many_reads_is_not_put_off, begin),
		cmocka_unit_test_setup(
		    room_that_is_not_there_is_not_written_to_for_ever, begin),
		cmocka_unit_test_setup(a_turn_for_nothing_is_nothing, begin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
