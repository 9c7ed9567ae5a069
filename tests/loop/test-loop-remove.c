/* SPDX-License-Identifier: ISC */
/*
 * Channels that go while callbacks run: their own, those of others whose events
 * are there already, all at once.  In every loop; memory that is used after it
 * was freed is for valgrind and AddressSanitizer to see.
 */
#include "looplib.h"

static void
detach(struct side *s)
{
	imsgloop_detach(s->c);
	s->c = NULL;
}

static void
detach_self(struct side *s, struct imsg *m)
{
	(void)m;
	detach(s);
}

static void
a_channel_detaches_itself_in_its_handler(void **state)
{
	struct side s = { .message = detach_self };

	(void)state;
	side_open(&s);
	side_send(&s, 0, 10);
	L_UNTIL(s.messages == 1);
	l_settle();
	assert_int_equal(s.messages, 1);
	assert_int_equal(s.ended, 0);
	side_shut(&s);
}

/* What was not handled is still in the imsgbuf, which is the program's. */
static void
detach_self_and_look(struct side *s, struct imsg *m)
{
	struct imsg next;

	(void)m;
	detach(s);
	assert_int_equal(imsgbuf_get(&s->own, &next), 1);
	assert_int_equal(imsg_get_type(&next), 2);
	imsg_free(&next);
	imsgbuf_clear(&s->own);
	(void)close(s->own.fd);
}

static void
an_attached_imsgbuf_is_the_programs_again_at_once(void **state)
{
	struct side s = { .message = detach_self_and_look };

	(void)state;
	side_attach(&s);
	side_send(&s, 0, 10);
	L_UNTIL(s.messages == 1);
	l_settle();
	assert_int_equal(s.messages, 1);
	side_shut(&s);
}

static void
detach_other(struct side *s, struct imsg *m)
{
	(void)m;
	detach(s->other);
}

/* Both have messages in the same turn; one of them wins. */
static void
a_channel_detaches_another_whose_events_are_there(void **state)
{
	struct side a = { .message = detach_other };
	struct side b = { .message = detach_other, .other = &a };

	(void)state;
	a.other = &b;
	side_open(&a);
	side_open(&b);
	l_settle();
	side_send(&a, 0, 1);
	side_send(&b, 0, 1);
	L_UNTIL(a.messages + b.messages > 0);
	l_settle();
	assert_int_equal(a.messages + b.messages, 1);
	side_shut(&a);
	side_shut(&b);
}

#define MANY 50
static struct side many[MANY];

static void
detach_all(struct side *s)
{
	int i;

	(void)s;
	for (i = 0; i < MANY; i++)
		detach(&many[i]);
}

static void
detach_all_in_message(struct side *s, struct imsg *m)
{
	(void)m;
	detach_all(s);
}

/* why: message, drained, ended */
static void
one_takes_all_others_away(int why)
{
	int i, n = 0;

	memset(many, 0, sizeof(many));
	for (i = 0; i < MANY; i++) {
		if (why == 0)
			many[i].message = detach_all_in_message;
		else if (why == 1)
			many[i].room = detach_all;
		else
			many[i].over = detach_all;
		side_open(&many[i]);
	}
	l_settle();
	for (i = 0; i < MANY; i++) {
		if (why == 0)
			side_send(&many[i], 0, 5);
		else if (why == 1)
			(void)imsgloop_compose(many[i].c, 1, 0, 0, -1, NULL, 0);
		else
			side_hang_up(&many[i]);
	}
	L_UNTIL(many[MANY / 2].c == NULL);
	l_settle();
	for (i = 0; i < MANY; i++) {
		n += (int)many[i].messages + (int)many[i].drained +
		    many[i].ended;
		side_shut(&many[i]);
	}
	assert_int_equal(n, 1);
}

static void
one_takes_all_others_away_in_message(void **state)
{
	(void)state;
	one_takes_all_others_away(0);
}

static void
one_takes_all_others_away_in_drained(void **state)
{
	(void)state;
	one_takes_all_others_away(1);
}

static void
one_takes_all_others_away_in_ended(void **state)
{
	(void)state;
	one_takes_all_others_away(2);
}

/* Each of them: closed in the other's handler, and ends in its own time. */
static void
close_other(struct side *s, struct imsg *m)
{
	(void)m;
	if (s->other->c != NULL)
		assert_int_equal(imsgloop_close(s->other->c, 1000), 0);
}

static void
a_channel_closes_another_whose_events_are_there(void **state)
{
	struct side a = { .message = close_other };
	struct side b = { .message = close_other, .other = &a };

	(void)state;
	a.other = &b;
	side_open(&a);
	side_open(&b);
	l_settle();
	side_send(&a, 0, 1);
	side_send(&b, 0, 1);
	L_UNTIL(a.ended + b.ended > 0);
	l_settle();
	assert_int_equal(a.messages + b.messages, 1);
	assert_int_equal(a.ended + b.ended, 1);
	side_shut(&a);
	side_shut(&b);
}

static void
open_other(struct side *s, struct imsg *m)
{
	(void)m;
	detach(s);
	side_open(s->other);
	side_send(s->other, 0, 3);
}

/* The memory and the descriptor of the first may be those of the second. */
static void
a_channel_opens_another_in_its_place(void **state)
{
	struct side b = { .n = 0 };
	struct side a = { .message = open_other, .other = &b };

	(void)state;
	side_open(&a);
	side_send(&a, 0, 10);
	L_UNTIL(b.messages == 3);
	assert_int_equal(a.messages, 1);
	assert_int_equal(b.disorder, 0);
	side_shut(&a);
	side_shut(&b);
}

static void
errno_is_kept(void **state)
{
	struct side s = { .n = 0 };

	(void)state;
	side_open(&s);
	errno = ENOTTY;
	imsgloop_pause(s.c);
	imsgloop_resume(s.c);
	imsgloop_queued(s.c);
	imsgloop_detach(s.c);
	s.c = NULL;
	assert_int_equal(errno, ENOTTY);
	side_shut(&s);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		L(a_channel_detaches_itself_in_its_handler),
		L(an_attached_imsgbuf_is_the_programs_again_at_once),
		L(a_channel_detaches_another_whose_events_are_there),
		L(one_takes_all_others_away_in_message),
		L(one_takes_all_others_away_in_drained),
		L(one_takes_all_others_away_in_ended),
		L(a_channel_closes_another_whose_events_are_there),
		L(a_channel_opens_another_in_its_place),
		L(errno_is_kept),
	};

	return L_RUN(tests);
}
