/* SPDX-License-Identifier: ISC */
/*
 * A record of the messages, continued: whatever the program does in whatever
 * order, the sums agree; what it queues by hand; and what is not said.
 */
#include "testlib-trace.h"

#define ROUNDS 40

/* Events of that kind of that message. */
static int
count(const struct tr_log *l, int event, uint32_t type)
{
	size_t i;
	int n = 0;

	for (i = 0; i < l->n; i++)
		n += l->e[i].type == type && l->e[i].event == event;
	return n;
}

/* Events of each kind are in the order of the stream. */
static void
expect_order(const struct tr_log *l)
{
	uint32_t last[IMSG_TRACE_UNREAD + 1] = { 0 };
	size_t i;

	for (i = 0; i < l->n; i++) {
		assert_true(l->e[i].type + 1 > last[l->e[i].event]);
		last[l->e[i].event] = l->e[i].type + 1;
	}
}

static void
fetch_one(struct imsgbuf *b)
{
	struct imsg m;
	int r;

	if (t_rand() % 4 == 0) {
		ibuf_free(msgbuf_get(b->w));
		return;
	}
	/* One that is not handed over for want of memory is still there. */
	if (t_rand() % 4 == 0)
		t_fail_alloc(1, 0);
	if ((r = imsgbuf_get(b, &m)) == 1)
		imsg_free(&m);
	else if (r == -1)
		assert_int_equal(errno, ENOMEM);
	t_fail_alloc(0, 0);
}

static void
read_one(struct imsgbuf *b)
{
	t_short_recv(t_rand() % 2 == 0 ? 0 : 1 + t_rand() % 200);
	if (poll(&(struct pollfd){ b->fd, POLLIN, 0 }, 1, 0) == 1)
		assert_int_equal(imsgbuf_read(b), 1);
	t_short_recv(0);
}

/* At a boundary only: what came of a message would be missing at its end. */
static void
clear_receiver(struct imsgbuf *b)
{
	if (t_rand() % 8 == 0 && !imsgbuf_partial(b))
		msgbuf_clear(b->w);
}

static uint32_t
converse(struct imsgbuf *a, struct imsgbuf *b)
{
	uint32_t type = 0;
	int i;

	for (i = 0; i < 300; i++) {
		switch (t_rand() % 5) {
		case 0:
		case 1:
			tr_compose(a, type++, (int)(t_rand() % TR_WAYS),
			    t_rand() % (t_rand() % 8 == 0 ? 3000 : 60), 0);
			break;
		case 2:
			tr_compose(a, type++, (int)(t_rand() % TR_FORWARD),
			    t_rand() % 60, 1);
			t_short_send(
			    t_rand() % 2 == 0 ? 0 : 1 + t_rand() % 150);
			assert_int_equal(imsgbuf_write(a), 0);
			t_short_send(0);
			break;
		case 3:
			read_one(b);
			break;
		default:
			fetch_one(b);
			clear_receiver(b);
		}
	}
	return type;
}

static void
round_of(int wire, int pass)
{
	struct imsgbuf a, b;
	uint32_t i, n;
	int sent;

	tr_channel(&a, &b, wire, pass);
	t_nonblock(a.fd);
	imsgbuf_set_trace(&a, tr_note, &tr_out);
	imsgbuf_set_trace(&b, tr_note, &tr_in);
	n = converse(&a, &b);
	msgbuf_clear(a.w);
	while (poll(&(struct pollfd){ b.fd, POLLIN, 0 }, 1, 0) == 1)
		assert_int_equal(imsgbuf_read(&b), 1);
	t_unchan(&a, &b);
	expect_order(&tr_out);
	expect_order(&tr_in);
	for (i = 0; i < n; i++) {
		sent = count(&tr_out, IMSG_TRACE_SENT, i);
		assert_int_equal(count(&tr_out, IMSG_TRACE_QUEUED, i), 1);
		assert_int_equal(
		    sent + count(&tr_out, IMSG_TRACE_DROPPED, i), 1);
		assert_int_equal(count(&tr_in, IMSG_TRACE_RECEIVED, i) +
			count(&tr_in, IMSG_TRACE_UNREAD, i),
		    sent);
	}
	assert_int_equal(tr_out.n, 2 * n);
}

static void
queued_is_sent_and_dropped_and_arrived_is_received_and_unread(void **state)
{
	int i;

	(void)state;
	t_seed(20261126);
	for (i = 0; i < ROUNDS; i++)
		round_of(i & 1 ? IMSG_WIRE_CLASSIC : IMSG_WIRE_MODERN, i & 2);
}

/* An ibuf with a message for tr_note() behind skip bytes. */
static struct ibuf *
by_hand(uint32_t type, uint32_t len, size_t size, size_t skip)
{
	const struct imsg_hdr hdr = { type, len, type + 1, 7 };
	unsigned char payload[64];
	struct ibuf *p = ibuf_dynamic(0, 256);

	t_fill(payload, size, type);
	assert_non_null(p);
	assert_int_equal(ibuf_add_zero(p, skip), 0);
	assert_int_equal(ibuf_skip(p, skip), 0);
	assert_int_equal(ibuf_add(p, &hdr, sizeof(hdr)), 0);
	assert_int_equal(ibuf_add(p, payload, size), 0);
	return p;
}

/* Messages 0, 1 and 2 in three ways, around what is none. */
static void
queue_by_hand(struct imsgbuf *a)
{
	struct ibufqueue *q = ibufq_new();
	struct ibuf *p;

	tr_fds[0] = tr_fds[2] = -1;
	ibuf_close(a->w, by_hand(0, 26, 10, 0));
	ibuf_close(a->w, by_hand(9, 27, 10, 0));
	ibuf_close(a->w, by_hand(9, 25, 10, 0));
	p = by_hand(1, 20, 4, 11);
	ibuf_fd_set(p, tr_fds[1] = t_fd(NULL));
	ibuf_close(a->w, p);
	assert_non_null(p = ibuf_open(15));
	assert_int_equal(ibuf_add_zero(p, 15), 0);
	ibuf_close(a->w, p);
	assert_non_null(p = ibuf_open(0));
	ibuf_close(a->w, p);
	ibufq_push(q, by_hand(9, 26 + 1, 10, 1));
	ibufq_push(q, by_hand(2, 16, 0, 0));
	msgbuf_concat(a->w, q);
	ibufq_free(q);
}

static void
what_is_queued_by_hand_is_reported_if_it_is_one_message(void **state)
{
	struct imsgbuf a, b;
	size_t n, all = 1;
	int i;

	(void)state;
	for (n = 0; n < 2 * all; n++) {
		tr_channel(&a, &b, IMSG_WIRE_MODERN, 1);
		imsgbuf_set_trace(&a, tr_note, &tr_out);
		queue_by_hand(&a);
		all = imsgbuf_queuebytes(&a);
		tr_expect(&tr_out, IMSG_TRACE_QUEUED, 0, 3);
		tr_expect_end(&tr_out);
		tr_send(&a, n / 2);
		if (n & 1)
			imsgbuf_clear(&a);
		else
			assert_int_equal(imsgbuf_flush(&a), 0);
		for (i = 0; i < 3; i++) {
			assert_int_equal(tr_out.e[3 + i].type, i);
			assert_int_equal(tr_out.e[3 + i].fd, tr_fds[i]);
			assert_true(tr_out.e[3 + i].event == IMSG_TRACE_SENT ||
			    ((n & 1) &&
				tr_out.e[3 + i].event == IMSG_TRACE_DROPPED));
		}
		assert_int_equal(tr_out.n, 6);
		t_unchan(&a, &b);
		assert_int_equal(tr_out.n, 6);
	}
}

/* What a message that is passed on as it is is called at each station. */
static void
relay(int wire, int onwards)
{
	struct imsgbuf a, b, c, d;
	struct ibuf *p;
	uint32_t i;

	tr_channel(&a, &b, wire, 1);
	tr_channel(&c, &d, onwards, 1);
	imsgbuf_set_trace(&b, tr_note, &tr_in);
	imsgbuf_set_trace(&c, tr_note, &tr_out);
	for (i = 0; i < 6; i++)
		tr_compose(&a, i, TR_COMPOSE, 10 * i, i == 2);
	assert_int_equal(imsgbuf_flush(&a), 0);
	for (i = 0; i < 6; i++) {
		while ((p = msgbuf_get(b.w)) == NULL)
			assert_int_equal(imsgbuf_read(&b), 1);
		tr_fds[i] = p->fd;
		assert_int_equal(tr_in.e[i].fd, p->fd);
		ibuf_close(c.w, p);
		tr_expect(&tr_in, IMSG_TRACE_RECEIVED, i, i + 1);
		tr_expect(&tr_out, IMSG_TRACE_QUEUED, i, i + 1);
	}
	assert_int_equal(imsgbuf_flush(&c), 0);
	tr_expect(&tr_out, IMSG_TRACE_SENT, 0, 6);
	assert_null(msgbuf_get(b.w));
	tr_expect_end(&tr_in);
	tr_expect_end(&tr_out);
	t_unchan(&a, &b);
	t_unchan(&c, &d);
}

static void
a_relay_is_recorded_at_both_ends_on_any_wire(void **state)
{
	(void)state;
	relay(IMSG_WIRE_MODERN, IMSG_WIRE_MODERN);
	relay(IMSG_WIRE_MODERN, IMSG_WIRE_CLASSIC);
	relay(IMSG_WIRE_CLASSIC, IMSG_WIRE_MODERN);
	relay(IMSG_WIRE_CLASSIC, IMSG_WIRE_CLASSIC);
}

static void
what_fails_is_not_reported_and_errno_is_kept(void **state)
{
	static const struct imsg_limits one = { 0, 0, 1, 0, 0, 0 };
	struct imsgbuf a, b;
	struct imsg m;

	(void)state;
	tr_channel(&a, &b, IMSG_WIRE_MODERN, 0);
	imsgbuf_set_trace(&a, tr_note, &tr_out);
	imsgbuf_set_trace(&b, tr_note, &tr_in);
	assert_errno(imsg_compose(&a, 0, 1, 7, -1, NULL, MAX_IMSGSIZE), ERANGE);
	t_fail_alloc(1, 1);
	assert_errno(imsg_compose(&a, 0, 1, 7, -1, NULL, 0), ENOMEM);
	t_fail_alloc(0, 0);
	assert_int_equal(tr_out.n, 0);
	errno = EXDEV;
	assert_int_equal(imsg_compose(&a, 0, 1, 7, -1, NULL, 0), 1);
	assert_int_equal(errno, EXDEV);
	tr_fds[0] = -1;
	tr_expect(&tr_out, IMSG_TRACE_QUEUED, 0, 1);
	/* The limits are those of before, with a trace and without. */
	assert_int_equal(imsgbuf_set_limits(&a, &one), 0);
	assert_errno(imsg_compose(&a, 1, 2, 7, -1, NULL, 0), ENOBUFS);
	imsgbuf_set_trace(&a, NULL, NULL);
	assert_errno(imsg_compose(&a, 1, 2, 7, -1, NULL, 0), ENOBUFS);
	imsgbuf_set_trace(&a, tr_note, &tr_out);
	t_fail_send(1, ECONNRESET);
	assert_errno(imsgbuf_write(&a), ECONNRESET);
	tr_expect_end(&tr_out);
	errno = EXDEV;
	assert_int_equal(imsgbuf_write(&a), 0);
	assert_int_equal(errno, EXDEV);
	tr_expect(&tr_out, IMSG_TRACE_SENT, 0, 1);
	assert_int_equal(imsgbuf_read(&b), 1);
	errno = EXDEV;
	assert_int_equal(imsgbuf_get(&b, &m), 1);
	assert_int_equal(errno, EXDEV);
	tr_expect(&tr_in, IMSG_TRACE_RECEIVED, 0, 1);
	imsg_free(&m);
	assert_int_equal(imsgbuf_get(&b, &m), 0);
	t_unchan(&a, &b);
	tr_expect_end(&tr_out);
	tr_expect_end(&tr_in);
}

/* Larger than any chunk takes, and behind more than one. */
static void
large_messages_are_reported_with_their_bytes(void **state)
{
	struct imsgbuf a, b;
	struct imsg m;
	uint32_t i;

	(void)state;
	tr_channel(&a, &b, IMSG_WIRE_MODERN, 0);
	imsgbuf_set_trace(&a, tr_note, &tr_out);
	imsgbuf_set_trace(&b, tr_note, &tr_in);
	for (i = 0; i < 40; i++)
		tr_compose(&a, i, (int)(i % TR_WAYS), 200 * i, 0);
	tr_expect(&tr_out, IMSG_TRACE_QUEUED, 0, 40);
	for (i = 0; i < 40;) {
		assert_int_equal(imsgbuf_write(&a), 0);
		assert_int_equal(imsgbuf_read(&b), 1);
		while (imsgbuf_get(&b, &m) == 1) {
			imsg_free(&m);
			i++;
		}
	}
	tr_expect(&tr_out, IMSG_TRACE_SENT, 0, 40);
	tr_expect(&tr_in, IMSG_TRACE_RECEIVED, 0, 40);
	t_unchan(&a, &b);
	tr_expect_end(&tr_out);
	tr_expect_end(&tr_in);
}

/* A header sent under one trace is none for a payload sent under the next. */
static void
a_trace_knows_nothing_of_the_one_before(void **state)
{
	struct imsgbuf a, b;

	(void)state;
	tr_channel(&a, &b, IMSG_WIRE_MODERN, 0);
	imsgbuf_set_trace(&a, tr_note, &tr_out);
	tr_compose(&a, 0, TR_IBUF, 9, 0);
	tr_send(&a, IMSG_HEADER_SIZE);
	imsgbuf_set_trace(&a, NULL, NULL);
	tr_compose(&a, 1, TR_IBUF, 9, 0);
	tr_compose(&a, 2, TR_IBUF, 9, 0);
	tr_send(&a, 9 + IMSG_HEADER_SIZE);
	imsgbuf_set_trace(&a, tr_note, &tr_out);
	tr_expect(&tr_out, IMSG_TRACE_QUEUED, 0, 1);
	assert_int_equal(imsgbuf_flush(&a), 0);
	tr_expect(&tr_out, IMSG_TRACE_SENT, 2, 3);
	t_unchan(&a, &b);
	tr_expect_end(&tr_out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(queued_is_sent_and_dropped_and_arrived_is_received_and_unread),
		T(what_is_queued_by_hand_is_reported_if_it_is_one_message),
		T(a_relay_is_recorded_at_both_ends_on_any_wire),
		T(what_fails_is_not_reported_and_errno_is_kept),
		T(a_trace_knows_nothing_of_the_one_before),
		T(large_messages_are_reported_with_their_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
