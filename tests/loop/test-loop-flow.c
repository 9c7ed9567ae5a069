/* SPDX-License-Identifier: ISC */
/*
 * Who gets how much: budgets, channels that flood, room that is waited for,
 * limits at both ends, pauses; and what all that asks of the loop.
 */
#include "looplib.h"

#include <sys/resource.h>

static void
no_more_than_the_budget_in_a_turn(void **state)
{
	static const unsigned int budgets[] = { 0, 1, 10, 128 };
	unsigned long before;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(budgets) / sizeof(budgets[0]); i++) {
		unsigned int most = budgets[i] > 0 ? budgets[i] : 1;
		struct side s = { .n = 0 };

		side_open(&s);
		if (budgets[i] != 128) /* the default */
			imsgloop_set_budget(s.c, budgets[i]);
		side_send(&s, 0, 300);
		while (s.messages < 300) {
			before = s.messages;
			l_turn(100);
			assert_in_range(s.messages - before, 0, most);
		}
		assert_int_equal(s.disorder, 0);
		side_shut(&s);
	}
}

static void
send_more(struct side *s, struct imsg *m)
{
	(void)m;
	if (s->messages % 1000 == 1)
		side_send(s, (uint32_t)(s->n += 1000), 1000);
}

/* One that has always more, and one that comes with a message. */
static void
a_flood_on_one_channel_does_not_starve_others(void **state)
{
	struct side a = { .message = send_more }, b = { .n = 0 };
	struct side c = { .n = 0 };
	unsigned long before;
	int i;

	(void)state;
	side_open(&a);
	side_open(&b);
	side_open(&c);
	imsgloop_set_budget(a.c, 20);
	side_send(&a, 0, 1000);
	L_UNTIL(a.messages > 100);
	for (i = 0; i < 20; i++) {
		before = a.messages;
		side_send(&b, (uint32_t)i, 1);
		side_send(&c, (uint32_t)i, 1);
		L_UNTIL(b.messages == (unsigned long)i + 1 &&
		    c.messages == (unsigned long)i + 1);
		assert_in_range(a.messages - before, 0, 60);
	}
	side_shut(&a);
	side_shut(&b);
	side_shut(&c);
}

static void
room_is_asked_for_only_while_something_is_left(void **state)
{
	struct side s = { .n = 0 };
	unsigned long sets;
	struct imsgbuf *b;

	(void)state;
	side_open(&s);
	l_settle();
	assert_int_equal(imsgloop_compose(s.c, 1, 0, 0, -1, "x", 1), 1);
	l_settle();
	assert_int_equal(l_counts.out, 0);
	side_fill(&s);
	assert_int_equal(l_counts.out, 1);
	/* A full socket is left alone, whatever else is queued. */
	sets = l_counts.set;
	b = imsgloop_imsgbuf(s.c);
	assert_int_equal(imsgloop_compose(s.c, 1, 0, 0, -1, "x", 1), 1);
	imsgloop_queued(s.c);
	l_settle();
	assert_true(imsgbuf_queuelen(b) > 0);
	assert_int_equal(l_counts.set, sets);
	while (imsgbuf_queuelen(b) > 0) {
		(void)side_take(&s, NULL);
		l_turn(0);
	}
	assert_int_equal(l_counts.out, 1);
	sets = l_counts.set;
	l_settle();
	assert_int_equal(l_counts.set, sets);
	side_shut(&s);
}

static void
compose_back(struct side *s, struct imsg *m)
{
	assert_int_equal(
	    imsgloop_compose(s->c, imsg_get_type(m), 0, 0, -1, NULL, 0), 1);
}

/* Message in, answer out: the loop is not asked for anything. */
static void
the_loop_is_told_only_what_changes(void **state)
{
	struct side s = { .message = compose_back };
	unsigned long sets;
	uint32_t i;

	(void)state;
	side_open(&s);
	l_settle();
	sets = l_counts.set;
	for (i = 0; i < 100; i++) {
		side_send(&s, i, 1);
		L_UNTIL(s.messages == i + 1);
		assert_int_equal(side_take(&s, NULL), 1);
	}
	assert_int_equal(l_counts.set, sets);
	side_shut(&s);
}

/* Of a producer that has a limit: as much as goes, then waits for drained. */
static void
produce(struct side *s)
{
	static char bytes[1000];

	while (s->n < 20000 &&
	    imsgloop_compose(
		s->c, (uint32_t)s->n + 1, 0, 0, -1, bytes, sizeof(bytes)) == 1)
		s->n++;
	if (s->n < 20000)
		assert_int_equal(errno, ENOBUFS);
}

static void
limit(struct side *s, const struct imsg_limits *l)
{
	assert_int_equal(imsgbuf_set_limits(imsgloop_imsgbuf(s->c), l), 0);
}

/* Producer and consumer, each a channel of the loop, over one socket. */
static void
a_consumer_that_pauses_stops_the_producer(void **state)
{
	static const struct imsg_limits most_queued = { .wbytes = 50000 };
	static const struct imsg_limits most_held = { .rmsgs = 100 };
	struct side from = { .room = produce }, to = { .n = 0 };
	struct imsgbuf *b;
	long stopped;
	int i;

	(void)state;
	side_open(&from);
	/* The other end of the same socket. */
	assert_int_equal(imsgbuf_init(&to.own, from.peer.fd), 0);
	side_attach(&to);
	b = imsgloop_imsgbuf(from.c);
	limit(&from, &most_queued);
	limit(&to, &most_held);
	imsgloop_pause(to.c);
	produce(&from);
	for (i = 0, stopped = -1; i < 100 || from.n != stopped; i++) {
		stopped = from.n;
		l_settle();
		assert_in_range(imsgbuf_queuebytes(b), 0, 50000);
	}
	assert_int_equal(to.messages, 0);
	assert_in_range(from.n, 1, 10000);
	imsgloop_resume(to.c);
	L_UNTIL(to.messages == 20000);
	assert_int_equal(to.disorder, 0);
	assert_int_equal(from.n, 20000);
	assert_true(from.drained > 0);
	imsgloop_detach(to.c);
	to.c = NULL;
	imsgbuf_clear(&to.own);
	side_shut(&from);
}

/* All went in one write: there never was anything left, and yet it comes. */
static void
drained_comes_after_each_write_that_left_nothing(void **state)
{
	struct side s = { .n = 0 };

	(void)state;
	side_open(&s);
	l_settle();
	assert_int_equal(s.drained, 0);
	assert_int_equal(imsgloop_compose(s.c, 1, 0, 0, -1, NULL, 0), 1);
	L_UNTIL(s.drained == 1);
	l_settle();
	assert_int_equal(s.drained, 1);
	side_fill(&s);
	s.drained = 0;
	l_settle();
	assert_int_equal(s.drained, 0);
	while (s.drained == 0) {
		(void)side_take(&s, NULL);
		l_turn(0);
	}
	assert_int_equal(imsgbuf_queuelen(imsgloop_imsgbuf(s.c)), 0);
	side_shut(&s);
}

static void
once_more(struct side *s)
{
	if (s->n++ < 1000)
		(void)imsgloop_compose(s->c, 1, 0, 0, -1, NULL, 0);
}

static void
who_composes_in_drained_starves_nobody(void **state)
{
	struct side a = { .room = once_more }, b = { .n = 0 };

	(void)state;
	side_open(&a);
	side_open(&b);
	l_settle();
	once_more(&a);
	L_UNTIL(a.n > 10);
	side_send(&b, 0, 1);
	L_UNTIL(b.messages == 1);
	assert_in_range(a.n, 10, 40);
	/* There is room: a turn is asked for, not that. */
	assert_int_equal(l_counts.out, 0);
	side_shut(&a);
	side_shut(&b);
}

static void
pause_it(struct side *s, struct imsg *m)
{
	(void)m;
	imsgloop_pause(s->c);
}

static void
a_pause_holds_messages_and_the_end_but_not_writing(void **state)
{
	struct side s = { .message = pause_it };

	(void)state;
	side_open(&s);
	side_send(&s, 0, 3);
	L_UNTIL(s.messages == 1);
	assert_int_equal(imsgloop_compose(s.c, 1, 0, 0, -1, NULL, 0), 1);
	l_settle();
	assert_int_equal(s.messages, 1);
	assert_int_equal(side_take(&s, NULL), 1);
	side_hang_up(&s);
	l_settle();
	assert_int_equal(s.messages, 1);
	assert_int_equal(s.ended, 0);
	imsgloop_resume(s.c);
	L_UNTIL(s.messages == 2);
	l_settle();
	assert_int_equal(s.messages, 2);
	imsgloop_resume(s.c);
	L_UNTIL(s.messages == 3);
	L_UNTIL(s.ended);
	assert_int_equal(s.why, IMSGLOOP_EOF);
	side_shut(&s);
}

static void
a_paused_channel_that_holds_nothing_ends(void **state)
{
	struct side s = { .n = 0 };

	(void)state;
	side_open(&s);
	imsgloop_pause(s.c);
	imsgloop_resume(s.c);
	l_settle();
	imsgloop_pause(s.c);
	side_hang_up(&s);
	L_UNTIL(s.ended);
	assert_int_equal(s.why, IMSGLOOP_EOF);
	side_shut(&s);
}

/* A pause, a limit reached, and a peer that goes on: the loop has nothing. */
static void
a_pause_at_a_limit_does_not_spin(void **state)
{
	static const struct imsg_limits most = { .rmsgs = 5 };
	struct side s = { .n = 0 };
	unsigned long turns;
	int64_t start;

	(void)state;
	side_open(&s);
	limit(&s, &most);
	imsgloop_pause(s.c);
	side_send(&s, 0, 2000);
	l_settle();
	turns = l_counts.turn;
	start = l_now();
	L_UNTIL(l_now() - start > 250);
	assert_in_range(l_counts.turn - turns, 0, 10);
	assert_false(side_push(&s) && s.messages > 0);
	imsgloop_resume(s.c);
	while (s.messages < 2000) {
		l_turn(100);
		(void)side_push(&s);
	}
	assert_int_equal(s.disorder, 0);
	side_shut(&s);
}

#define CHANNELS 1000

static void
a_thousand_channels_talk(void **state)
{
	static struct side s[CHANNELS];
	unsigned long messages = 0;
	struct rlimit old, more;
	uint32_t last;
	int i;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
	more = old;
	if (more.rlim_cur < 2 * CHANNELS + 100)
		more.rlim_cur = 2 * CHANNELS + 100;
	if (more.rlim_cur > more.rlim_max ||
	    setrlimit(RLIMIT_NOFILE, &more) == -1)
		skip();
	memset(s, 0, sizeof(s));
	for (i = 0; i < CHANNELS; i++) {
		s[i].message = compose_back;
		side_open(&s[i]);
		side_send(&s[i], 0, (uint32_t)(1 + i % 3));
	}
	for (i = 0; i < CHANNELS; i++) {
		L_UNTIL(s[i].messages == 1 + (unsigned long)i % 3);
		assert_int_equal(s[i].disorder, 0);
		messages += side_take(&s[i], &last);
		assert_int_equal(last, 1 + i % 3);
		side_hang_up(&s[i]);
	}
	assert_int_equal(messages, 1999);
	for (i = 0; i < CHANNELS; i++) {
		L_UNTIL(s[i].ended == 1);
		assert_int_equal(s[i].why, IMSGLOOP_EOF);
	}
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		L(no_more_than_the_budget_in_a_turn),
		L(a_flood_on_one_channel_does_not_starve_others),
		L(room_is_asked_for_only_while_something_is_left),
		L(the_loop_is_told_only_what_changes),
		L(a_consumer_that_pauses_stops_the_producer),
		L(drained_comes_after_each_write_that_left_nothing),
		L(who_composes_in_drained_starves_nobody),
		L(a_pause_holds_messages_and_the_end_but_not_writing),
		L(a_paused_channel_that_holds_nothing_ends),
		L(a_pause_at_a_limit_does_not_spin),
		L(a_thousand_channels_talk),
	};

	return L_RUN(tests);
}
