/* SPDX-License-Identifier: ISC */
/*
 * A record of the messages: each one is queued once and then either sent or
 * dropped once, received or thrown away unread once, in order, with its
 * header, its bytes and its descriptor, wherever the stream is cut.
 */
#include "testlib-trace.h"

static const struct {
	int way;
	size_t len;
	int has_fd;
} script[] = {
	{ TR_COMPOSE, 0, 0 },
	{ TR_COMPOSE, 5, 0 },
	{ TR_COMPOSEV, 9, 0 },
	{ TR_COMPOSE, 3, 1 },
	{ TR_IBUF, 20, 0 },
	{ TR_IBUF, 0, 0 },
	{ TR_IBUF, 7, 1 },
	{ TR_COMPOSE, 1, 0 },
	{ TR_IBUF, 4, 0 },
	{ TR_CREATE, 30, 0 },
	{ TR_CREATE, 0, 1 },
	{ TR_FORWARD, 12, 0 },
	{ TR_COMPOSE, 60, 0 },
	{ TR_COMPOSEV, 11, 1 },
	{ TR_COMPOSEV, 0, 1 },
	{ TR_IBUF, 0, 1 },
	{ TR_COMPOSE, 40, 0 },
	{ TR_FORWARD, 0, 0 },
};
#define MESSAGES (sizeof(script) / sizeof(script[0]))

static void
compose_all(struct imsgbuf *a)
{
	uint32_t i;

	for (i = 0; i < MESSAGES; i++)
		tr_compose(
		    a, i, script[i].way, script[i].len, script[i].has_fd);
}

/* The message that begins there or behind it. */
static size_t
first_behind(size_t n)
{
	size_t i = tr_complete(MESSAGES, n);

	return n > (i > 0 ? tr_ends[i - 1] : 0) ? i + 1 : i;
}

static void
both(void (*test)(int wire, int pass))
{
	int i;

	for (i = 0; i < 4; i++)
		test(i & 1 ? IMSG_WIRE_CLASSIC : IMSG_WIRE_MODERN, i & 2);
}

/* In pieces of every size; what is received is traced, too. */
static void
pieces(int wire, int pass)
{
	struct imsgbuf a, b;
	struct imsg m;
	size_t n, got, all;

	for (n = 1; n < 90; n++) {
		tr_channel(&a, &b, wire, pass);
		imsgbuf_set_trace(&a, tr_note, &tr_out);
		imsgbuf_set_trace(&b, tr_note, &tr_in);
		compose_all(&a);
		tr_expect(&tr_out, IMSG_TRACE_QUEUED, 0, MESSAGES);
		tr_expect_end(&tr_out);
		all = tr_ends[MESSAGES - 1];
		for (got = 0; got < MESSAGES;) {
			t_short_send(n);
			assert_int_equal(imsgbuf_write(&a), 0);
			tr_expect(&tr_out, IMSG_TRACE_SENT,
			    tr_out.seen - MESSAGES,
			    tr_complete(
				MESSAGES, all - imsgbuf_queuebytes(&a)));
			tr_expect_end(&tr_out);
			assert_int_equal(imsgbuf_read(&b), 1);
			tr_expect_end(&tr_in);
			for (; imsgbuf_get(&b, &m) == 1; got++) {
				tr_expect(
				    &tr_in, IMSG_TRACE_RECEIVED, got, got + 1);
				tr_expect_end(&tr_in);
				if (tr_fds[got] == -1)
					assert_int_equal(tr_in.e[got].fd, -1);
				else if (!pass)
					assert_int_equal(tr_in.e[got].fd,
					    IMSG_TRACE_FD_LOST);
				else
					assert_int_equal(
					    tr_in.e[got].fd, m.buf->fd);
				imsg_free(&m);
			}
		}
		assert_int_equal(imsgbuf_queuelen(&a), 0);
		t_short_send(0);
		t_unchan(&a, &b);
		tr_expect_end(&tr_out);
		tr_expect_end(&tr_in);
	}
}

static void
each_is_queued_and_sent_and_received_once_in_order(void **state)
{
	(void)state;
	both(pieces);
}

/* Thrown away at both tr_ends after every byte. */
static void
cut(int wire, int pass)
{
	struct imsgbuf a, b;
	struct imsg m;
	size_t n, k, got;

	for (n = 0; n == 0 || n <= tr_ends[MESSAGES - 1]; n++) {
		tr_channel(&a, &b, wire, pass);
		imsgbuf_set_trace(&a, tr_note, &tr_out);
		imsgbuf_set_trace(&b, tr_note, &tr_in);
		compose_all(&a);
		tr_send(&a, n);
		k = tr_complete(MESSAGES, n);
		msgbuf_clear(a.w);
		tr_expect(&tr_out, IMSG_TRACE_QUEUED, 0, MESSAGES);
		tr_expect(&tr_out, IMSG_TRACE_SENT, 0, k);
		tr_expect(&tr_out, IMSG_TRACE_DROPPED, k, MESSAGES);
		tr_expect_end(&tr_out);
		while (poll(&(struct pollfd){ b.fd, POLLIN, 0 }, 1, 0) == 1)
			assert_int_equal(imsgbuf_read(&b), 1);
		for (got = 0; got < k / 2; got++) {
			assert_int_equal(imsgbuf_get(&b, &m), 1);
			imsg_free(&m);
		}
		errno = ERANGE;
		imsgbuf_clear(&b);
		assert_int_equal(errno, ERANGE);
		tr_expect(&tr_in, IMSG_TRACE_RECEIVED, 0, got);
		tr_expect(&tr_in, IMSG_TRACE_UNREAD, got, k);
		tr_expect_end(&tr_in);
		/* The trace of a channel that was cleared goes on. */
		tr_compose(&a, MESSAGES, TR_COMPOSE, 4, 0);
		t_unchan(&a, &b);
		tr_expect(&tr_out, IMSG_TRACE_QUEUED, MESSAGES, MESSAGES + 1);
		tr_expect(&tr_out, IMSG_TRACE_DROPPED, MESSAGES, MESSAGES + 1);
		tr_expect_end(&tr_out);
	}
}

static void
what_is_thrown_away_is_dropped_or_unread(void **state)
{
	(void)state;
	both(cut);
}

static void
late(int wire, int pass)
{
	struct imsgbuf a, b;
	size_t n, first;
	int send;

	for (n = 0; n == 0 || n <= 2 * tr_ends[MESSAGES - 1] + 1; n++) {
		send = n & 1;
		tr_channel(&a, &b, wire, pass);
		compose_all(&a);
		tr_send(&a, n / 2);
		assert_int_equal(tr_out.n, 0);
		imsgbuf_set_trace(&a, tr_note, &tr_out);
		first = first_behind(n / 2);
		if (send) {
			assert_int_equal(imsgbuf_flush(&a), 0);
			tr_expect(&tr_out, IMSG_TRACE_SENT, first, MESSAGES);
		} else {
			imsgbuf_clear(&a);
			tr_expect(&tr_out, IMSG_TRACE_DROPPED, first, MESSAGES);
		}
		tr_expect_end(&tr_out);
		t_unchan(&a, &b);
		tr_expect_end(&tr_out);
	}
}

static void
set_late_it_leaves_out_what_was_begun(void **state)
{
	(void)state;
	both(late);
}

static void
changed(int wire, int pass)
{
	struct imsgbuf a, b;
	size_t n, k;

	for (n = 0; n == 0 || n <= tr_ends[MESSAGES - 1]; n++) {
		tr_channel(&a, &b, wire, pass);
		imsgbuf_set_trace(&a, tr_note, &tr_in);
		compose_all(&a);
		tr_send(&a, n);
		imsgbuf_set_trace(&a, tr_note, &tr_out);
		k = tr_complete(MESSAGES, n);
		assert_int_equal(tr_in.n, MESSAGES + k);
		assert_int_equal(imsgbuf_flush(&a), 0);
		assert_int_equal(tr_in.n, MESSAGES + k);
		tr_expect(&tr_out, IMSG_TRACE_SENT, k, MESSAGES);
		imsgbuf_set_trace(&a, NULL, NULL);
		tr_compose(&a, MESSAGES, TR_COMPOSE, 4, 0);
		tr_compose(&a, MESSAGES + 1, TR_IBUF, 4, 1);
		t_unchan(&a, &b);
		tr_expect_end(&tr_out);
	}
}

static void
another_callback_goes_on_and_none_ends_it(void **state)
{
	(void)state;
	both(changed);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(each_is_queued_and_sent_and_received_once_in_order),
		T(what_is_thrown_away_is_dropped_or_unread),
		T(set_late_it_leaves_out_what_was_begun),
		T(another_callback_goes_on_and_none_ends_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
