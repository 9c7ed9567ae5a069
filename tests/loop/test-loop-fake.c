/* SPDX-License-Identifier: ISC */
/*
 * A channel in a loop that the test plays itself: it says that there is
 * something to read or room to write when there is none, for urgent data or a
 * low-water mark can make a kernel say so, and looks at what the channel asks.
 */
#include "looplib.h"

#include <imsg_call.h>

static struct imsgloop_watch *watched;
static short events;
static int ms, sets;
static int fake_ignores; /* a second watch, which is never ready */

static int
fake_add(struct imsgloop *loop, struct imsgloop_watch *w)
{
	(void)loop;
	if (!fake_ignores)
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
	if (fake_ignores)
		return;
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

/* Until the channel asks for room. */
static void
fill_up(struct side *s)
{
	static const char bytes[8192];
	int i;

	side_open(s);
	turn(0);
	for (i = 0; i < 1000 && !(events & POLLOUT); i++) {
		assert_int_equal(
		    imsgloop_compose(s->c, 1, 0, 0, -1, bytes, sizeof(bytes)),
		    1);
		turn(0);
	}
	assert_int_equal(events, POLLIN | POLLOUT);
}

static void
room_that_is_not_there_is_not_written_to_for_ever(void **state)
{
	struct side s = { .n = 0 };
	int i, last = 0;

	(void)state;
	fill_up(&s);
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

/* A time for the next try is none any more when a wait has written it all. */
static void
what_a_wait_has_written_is_not_tried_again(void **state)
{
	struct side s = { .n = 0 };
	struct imsgcall *call;
	struct imsg m;

	(void)state;
	fill_up(&s);
	turn(POLLOUT);
	assert_int_equal(events, POLLIN);
	(void)side_take(&s, NULL);
	/* The timer of the calls is not the watch that is played with. */
	fake_ignores = 1;
	assert_non_null(call = imsgcall_new(s.c, IMSGCALL_LOWER));
	fake_ignores = 0;
	assert_int_equal(imsgcall_wait(call, 1, -1, NULL, 0, 20, &m), -1);
	assert_int_equal(errno, ETIMEDOUT);
	assert_int_equal(imsgbuf_queuelen(imsgloop_imsgbuf(s.c)), 0);
	s.drained = 0;
	wait_for_the_time();
	assert_int_equal(s.drained, 1);
	assert_int_equal(events, POLLIN);
	assert_int_equal(ms, -1);
	fake_ignores = 1;
	imsgcall_free(call);
	fake_ignores = 0;
	side_shut(&s);
}

/* To be closed is no reason to look at a full socket again and again. */
static void
a_closed_channel_waits_for_room(void **state)
{
	struct side s = { .n = 0 };

	(void)state;
	fill_up(&s);
	assert_int_equal(imsgloop_close(s.c, -1), 0);
	turn(0);
	assert_int_equal(events, POLLOUT);
	assert_int_equal(ms, -1);
	(void)side_take(&s, NULL);
	turn(POLLOUT);
	assert_int_equal(s.ended, 1);
	assert_int_equal(s.error, 0);
	side_shut(&s);
}

static void
close_at_once(struct side *s, struct imsg *m)
{
	(void)m;
	(void)side_take(s, NULL);
	assert_int_equal(imsgloop_close(s->c, 0), 0);
}

/* There is room by now, which the loop has not said yet. */
static void
a_channel_that_is_closed_at_once_tries_once_more(void **state)
{
	struct side s = { .message = close_at_once };

	(void)state;
	fill_up(&s);
	side_send(&s, 0, 1);
	turn(POLLIN);
	assert_int_equal(s.ended, 1);
	assert_int_equal(s.why, IMSGLOOP_CLOSED);
	assert_int_equal(s.error, 0);
	side_shut(&s);
}

static void
nested(struct side *s, struct imsg *m)
{
	(void)m;
	side_send(s, s->last, 1);
	turn(POLLIN);
	assert_int_equal(events, 0);
	assert_int_equal(ms, -1);
	s->message = NULL;
}

/* Other loops than that on poll(2) may be run within a callback. */
static void
a_loop_within_a_handler_does_not_spin(void **state)
{
	struct side s = { .message = nested };

	(void)state;
	side_open(&s);
	turn(0);
	side_send(&s, 0, 1);
	turn(POLLIN);
	assert_int_equal(events, POLLIN);
	turn(POLLIN);
	assert_int_equal(s.messages, 2);
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
		cmocka_unit_test_setup(
		    what_a_wait_has_written_is_not_tried_again, begin),
		cmocka_unit_test_setup(a_closed_channel_waits_for_room, begin),
		cmocka_unit_test_setup(
		    a_channel_that_is_closed_at_once_tries_once_more, begin),
		cmocka_unit_test_setup(
		    a_loop_within_a_handler_does_not_spin, begin),
		cmocka_unit_test_setup(a_turn_for_nothing_is_nothing, begin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
