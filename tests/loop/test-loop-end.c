/* SPDX-License-Identifier: ISC */
/*
 * How a channel ends: exactly once, for the true reason, and after all
 * messages that were complete.  In every loop.
 */
#include "looplib.h"

#define HEADER ((int)IMSG_HEADER_SIZE)

/* It has ended like that; nothing comes any more. */
static void
ends(struct side *s, int why, int error, unsigned long messages)
{
	L_UNTIL(s->ended);
	l_settle();
	assert_int_equal(s->ended, 1);
	assert_int_equal(s->why, why);
	assert_int_equal(s->error, error);
	assert_int_equal(s->messages, messages);
	assert_int_equal(s->disorder, 0);
}

static void
the_end_of_file_comes_after_all_messages(void **state)
{
	static const uint32_t counts[] = { 0, 1, 127, 128, 129, 1000 };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		struct side s = { .n = 0 };

		side_open(&s);
		side_send(&s, 0, counts[i]);
		side_hang_up(&s);
		ends(&s, IMSGLOOP_EOF, 0, counts[i]);
		side_shut(&s);
	}
}

/* A message of 10 bytes, cut off at each of its bytes, behind two others. */
static void
a_stream_torn_at_any_byte_is_told_from_its_end(void **state)
{
	struct imsg_hdr hdr = { 3, IMSG_HEADER_SIZE + 10, 0, 0 };
	char bytes[IMSG_HEADER_SIZE + 10] = { 0 };
	int cut;

	(void)state;
	memcpy(bytes, &hdr, sizeof(hdr));
	for (cut = 0; cut <= HEADER + 10; cut++) {
		struct side s = { .n = 0 };

		side_open(&s);
		side_send(&s, 0, 2);
		if (cut % 2)
			l_settle();
		assert_int_equal(write(s.peer.fd, bytes, (size_t)cut), cut);
		if (cut % 3)
			l_settle();
		side_hang_up(&s);
		if (cut == 0 || cut == HEADER + 10)
			ends(&s, IMSGLOOP_EOF, 0, cut == 0 ? 2 : 3);
		else
			ends(&s, IMSGLOOP_TORN, EPIPE, 2);
		side_shut(&s);
	}
}

static void
a_framing_error_comes_after_the_messages_before_it(void **state)
{
	static const uint32_t lengths[] = { 0, 15, MAX_IMSGSIZE + 1,
		0x7fffffff };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		struct imsg_hdr bad = { 3, lengths[i], 0, 0 };
		struct side s = { .n = 0 };

		side_open(&s);
		/* One alone: after it no read is tried without need. */
		side_send(&s, 0, 1);
		L_UNTIL(s.messages == 1);
		side_send(&s, 1, 199);
		assert_int_equal(
		    write(s.peer.fd, &bad, sizeof(bad)), sizeof(bad));
		ends(&s, IMSGLOOP_ERROR, ERANGE, 200);
		side_shut(&s);
	}
}

/* A peer that closes and has not read all resets the connection. */
static void
a_reset_comes_after_the_messages_before_it(void **state)
{
	struct side s = { .n = 0 };

	(void)state;
	side_open(&s);
	l_settle();
	assert_int_equal(imsgloop_compose(s.c, 1, 0, 0, -1, "x", 1), 1);
	l_turn(100);
	side_send(&s, 0, 300);
	side_hang_up(&s);
	ends(&s, IMSGLOOP_ERROR, ECONNRESET, 300);
	side_shut(&s);
}

static void
compose_one(struct side *s, struct imsg *m)
{
	(void)m;
	(void)imsgloop_compose(s->c, 1, 0, 0, -1, "x", 1);
}

/* The first answer cannot be written any more, with most still to be read. */
static void
a_write_that_fails_loses_nothing_that_has_come(void **state)
{
	int reset;

	(void)state;
	for (reset = 0; reset < 2; reset++) {
		struct side s = { .message = compose_one };

		side_open(&s);
		imsgloop_set_budget(s.c, 10);
		l_settle();
		if (reset) {
			(void)imsgloop_compose(s.c, 1, 0, 0, -1, "x", 1);
			l_turn(100);
		}
		side_send(&s, 0, 1000);
		side_hang_up(&s);
		ends(&s, IMSGLOOP_ERROR, EPIPE, 1000);
		side_shut(&s);
	}
}

/* The same, known before anything was read. */
static void
a_write_that_fails_first_loses_nothing(void **state)
{
	struct side s = { .n = 0 };

	(void)state;
	side_open(&s);
	l_settle();
	side_send(&s, 0, 500);
	side_hang_up(&s);
	(void)imsgloop_compose(s.c, 1, 0, 0, -1, "x", 1);
	ends(&s, IMSGLOOP_ERROR, EPIPE, 500);
	side_shut(&s);
}

static void
send_another(struct side *s, struct imsg *m)
{
	(void)m;
	side_send(s, s->last, 1);
}

/* It does not read any more, but sends for as long as it is handled. */
static void
a_peer_that_only_sends_does_not_put_off_the_end(void **state)
{
	struct side s = { .message = send_another };

	(void)state;
	side_open(&s);
	l_settle();
	assert_int_equal(shutdown(s.peer.fd, SHUT_RD), 0);
	side_send(&s, 0, 1);
	(void)imsgloop_compose(s.c, 1, 0, 0, -1, "x", 1);
	L_UNTIL(s.ended);
	assert_int_equal(s.why, IMSGLOOP_ERROR);
	assert_int_equal(s.error, EPIPE);
	assert_int_equal(s.disorder, 0);
	side_shut(&s);
}

/* It does not send any more, but reads: what was asked is answered. */
static void
what_the_last_handlers_queue_is_written(void **state)
{
	struct side s = { .message = compose_one };

	(void)state;
	side_open(&s);
	side_send(&s, 0, 5);
	assert_int_equal(shutdown(s.peer.fd, SHUT_WR), 0);
	ends(&s, IMSGLOOP_EOF, 0, 5);
	assert_int_equal(side_take(&s, NULL), 5);
	side_shut(&s);
}

static void
clear_and_attach(struct side *s)
{
	int pair[2];

	assert_int_equal(imsgbuf_failed(&s->own, NULL), 0);
	assert_int_equal(imsgbuf_queuelen(&s->own), 0);
	assert_errno(imsgloop_compose(s->c, 1, 0, 0, -1, "x", 1), EPIPE);
	assert_int_equal(imsgloop_close(s->c, 0), 0);
	imsgloop_queued(s->c);
	imsgloop_pause(s->c);
	imsgloop_resume(s->c);
	imsgbuf_clear(&s->own);
	(void)close(s->own.fd);
	side_hang_up(s);
	if (s->n-- == 0)
		return;
	l_pair(pair);
	assert_int_equal(imsgbuf_init(&s->own, pair[0]), 0);
	assert_int_equal(imsgbuf_init(&s->peer, pair[1]), 0);
	side_attach(s);
	s->other->c = s->c;
	side_hang_up(s);
}

/* And it may be given to the loop again, as soon as it is the program's. */
static void
the_imsgbuf_is_the_programs_again_in_ended(void **state)
{
	struct side s = { .over = clear_and_attach, .n = 1 };
	struct side link = { .n = 0 };

	(void)state;
	s.other = &link;
	side_attach(&s);
	side_hang_up(&s);
	L_UNTIL(s.ended == 1);
	s.c = link.c;
	s.ended = 0;
	L_UNTIL(s.ended == 1);
	assert_null(s.own.w);
}

static void
detach_it(struct side *s)
{
	imsgloop_detach(s->c);
	imsgloop_detach(NULL);
}

static void
to_detach_it_in_ended_is_nothing(void **state)
{
	struct side s = { .over = detach_it };

	(void)state;
	side_open(&s);
	side_hang_up(&s);
	ends(&s, IMSGLOOP_EOF, 0, 0);
	side_shut(&s);
}

static void
a_descriptor_that_is_none_is_refused(void **state)
{
	(void)state;
	errno = 0;
	assert_null(imsgloop_open(l_loop, -1, NULL, NULL));
	assert_int_equal(errno, EBADF);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		L(the_end_of_file_comes_after_all_messages),
		L(a_stream_torn_at_any_byte_is_told_from_its_end),
		L(a_framing_error_comes_after_the_messages_before_it),
		L(a_reset_comes_after_the_messages_before_it),
		L(a_write_that_fails_loses_nothing_that_has_come),
		L(a_write_that_fails_first_loses_nothing),
		L(a_peer_that_only_sends_does_not_put_off_the_end),
		L(what_the_last_handlers_queue_is_written),
		L(the_imsgbuf_is_the_programs_again_in_ended),
		L(to_detach_it_in_ended_is_nothing),
		L(a_descriptor_that_is_none_is_refused),
	};

	return L_RUN(tests);
}
