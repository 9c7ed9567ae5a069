/* SPDX-License-Identifier: ISC */
/*
 * Calls that block, alone, inside of callbacks, and what comes meanwhile.
 *
 * Numbers are given out one after the other, so the other end in the same
 * process can send an answer before the call; where the two ends have to run at
 * the same time, it is another process.
 */
#define _DEFAULT_SOURCE
#include "call-pair.h"

static int
wait_for(struct pair *p, int ms, struct imsg *m)
{
	return imsgcall_wait(p->call, 1, -1, "?", 1, ms, m);
}

/* Number 1 is answered already. */
static void
a_call_returns_its_answer(void **state)
{
	struct pair p;
	struct imsg m;

	(void)state;
	pair_open(&p);
	peer_answer(&p, 1);
	assert_int_equal(wait_for(&p, -1, &m), 1);
	assert_int_equal(m.hdr.peerid, 1);
	assert_int_equal(imsg_get_len(&m), 6);
	imsg_free(&m);
	peer_get(&p, &m);
	assert_int_equal(m.hdr.peerid, 1);
	imsg_free(&m);
	pair_expect(&p, "");
	assert_int_equal(imsgcall_pending(p.call), 0);
	pair_close(&p);
}

static void
an_error_answer_is_0_and_the_answer(void **state)
{
	struct pair p;
	struct imsg m;

	(void)state;
	pair_open(&p);
	peer_fail(&p, 1, EACCES);
	assert_int_equal(wait_for(&p, -1, &m), 0);
	assert_int_equal(imsgcall_error(&m), EACCES);
	imsg_free(&m);
	peer_fail(&p, 2, 0);
	assert_int_equal(wait_for(&p, -1, &m), 0);
	assert_int_equal(imsgcall_error(&m), EPROTO);
	imsg_free(&m);
	pair_close(&p);
}

static void
ETIMEDOUT_comes_after_its_time_and_late_answers_are_dropped(void **state)
{
	int64_t before = now_ms();
	struct pair p;
	struct imsg m;
	int reader;

	(void)state;
	pair_open(&p);
	memset(&m, 7, sizeof(m));
	assert_int_equal(wait_for(&p, 30, &m), -1);
	assert_int_equal(errno, ETIMEDOUT);
	assert_true(now_ms() - before >= 30);
	assert_int_equal(m.hdr.type, 0x07070707);
	peer_send(&p, 2, 1, pipe_open(&reader), NULL, 0);
	peer_answer(&p, 2);
	assert_int_equal(wait_for(&p, 10000, &m), 1);
	assert_int_equal(m.hdr.peerid, 2);
	imsg_free(&m);
	assert_true(pipe_is_closed(reader));
	(void)close(reader);
	pair_turn(&p);
	pair_expect(&p, "");
	pair_close(&p);
}

static void
deadline_0_takes_what_is_there(void **state)
{
	struct pair p;
	struct imsg m;

	(void)state;
	pair_open(&p);
	peer_send(&p, 9, 0, -1, NULL, 0);
	peer_answer(&p, 1);
	assert_int_equal(wait_for(&p, 0, &m), 1);
	imsg_free(&m);
	assert_int_equal(wait_for(&p, 0, &m), -1);
	assert_int_equal(errno, ETIMEDOUT);
	/* Both were sent. */
	peer_get(&p, &m);
	imsg_free(&m);
	peer_get(&p, &m);
	assert_int_equal(m.hdr.peerid, 2);
	imsg_free(&m);
	pair_expect(&p, "m");
	pair_close(&p);
}

static void
what_comes_meanwhile_is_handled_later_in_order(void **state)
{
	struct pair p;
	struct imsg m;
	uint32_t n;

	(void)state;
	pair_open(&p);
	n = pair_start(&p, -1);
	peer_send(&p, 10, 0, -1, NULL, 0);
	peer_answer(&p, n);
	peer_send(&p, 11, 0, -1, NULL, 0);
	peer_answer(&p, n + 1);
	peer_send(&p, 12, 0, -1, NULL, 0);
	peer_send(&p, 13, 0, -1, NULL, 0);
	assert_int_equal(wait_for(&p, -1, &m), 1);
	assert_int_equal(m.hdr.peerid, n + 1);
	imsg_free(&m);
	/* No callback has been called. */
	pair_expect(&p, "");
	assert_int_equal(imsgcall_pending(p.call), 1);
	peer_send(&p, 14, 0, -1, NULL, 0);
	pair_turn(&p);
	assert_int_equal(p.log.value[0], 10);
	assert_int_equal(p.log.value[2], 11);
	assert_int_equal(p.log.value[3], 12);
	assert_int_equal(p.log.value[4], 13);
	assert_int_equal(p.log.value[5], 14);
	pair_expect(&p, "mammmm");
	pair_close(&p);
}

/* It is in the imsgbuf then, and the socket is silent. */
static void
what_lies_behind_the_answer_is_handled(void **state)
{
	struct pair p;
	struct imsg m;

	(void)state;
	pair_open(&p);
	pair_turn(&p);
	assert_int_equal(imsg_compose(&p.peer, 2, 1, 0, -1, NULL, 0), 1);
	peer_send(&p, 10, 0, -1, NULL, 0);
	assert_int_equal(wait_for(&p, -1, &m), 1);
	imsg_free(&m);
	pair_turn(&p);
	pair_expect(&p, "m");
	pair_close(&p);
}

static void
the_end_is_EPIPE_here_and_told_later(void **state)
{
	struct pair p;
	struct imsg m;

	(void)state;
	pair_open(&p);
	(void)pair_start(&p, -1);
	peer_send(&p, 10, 0, -1, NULL, 0);
	assert_int_equal(shutdown(p.peer.fd, SHUT_WR), 0);
	assert_int_equal(wait_for(&p, -1, &m), -1);
	assert_int_equal(errno, EPIPE);
	/* Again, without a word to the others. */
	assert_int_equal(wait_for(&p, -1, &m), -1);
	assert_int_equal(errno, EPIPE);
	pair_expect(&p, "");
	pair_until(&p, 3);
	pair_expect(&p, "mpe");
	assert_int_equal(p.why, IMSGLOOP_EOF);
	pair_close(&p);
}

static void
a_peer_that_is_gone_already_is_EPIPE(void **state)
{
	struct pair p;
	struct imsg m;

	(void)state;
	pair_open(&p);
	peer_send(&p, 10, 0, -1, NULL, 0);
	pair_hang_up(&p);
	assert_int_equal(wait_for(&p, -1, &m), -1);
	assert_int_equal(errno, EPIPE);
	pair_until(&p, 2);
	pair_expect(&p, "me");
	pair_close(&p);
}

static void
an_error_of_the_channel_is_that_of_the_call(void **state)
{
	const struct imsg_hdr bad = { 1, 5, 0, 0 };
	struct pair p;
	struct imsg m;

	(void)state;
	pair_open(&p);
	peer_send(&p, 10, 0, -1, NULL, 0);
	assert_int_equal(write(p.peer.fd, &bad, sizeof(bad)), sizeof(bad));
	assert_int_equal(wait_for(&p, -1, &m), -1);
	assert_int_equal(errno, ERANGE);
	assert_int_equal(wait_for(&p, -1, &m), -1);
	assert_int_equal(errno, ERANGE);
	pair_until(&p, 2);
	pair_expect(&p, "me");
	assert_int_equal(p.error, ERANGE);
	pair_close(&p);
}

static void
a_closed_channel_is_EPIPE(void **state)
{
	struct pair p;
	struct imsg m;

	(void)state;
	pair_open(&p);
	assert_int_equal(imsgloop_close(p.chan, -1), 0);
	assert_int_equal(wait_for(&p, -1, &m), -1);
	assert_int_equal(errno, EPIPE);
	pair_until(&p, 1);
	pair_expect(&p, "e");
	pair_close(&p);
}

static void
a_descriptor_is_sent_or_closed_in_every_case(void **state)
{
	static char big[MAX_IMSGSIZE];
	struct pair p;
	struct imsg m;
	int reader, fd;

	(void)state;
	pair_open(&p);
	peer_answer(&p, 1);
	assert_int_equal(
	    imsgcall_wait(p.call, 1, pipe_open(&reader), NULL, 0, -1, &m), 1);
	imsg_free(&m);
	peer_get(&p, &m);
	assert_int_not_equal(fd = imsg_get_fd(&m), -1);
	imsg_free(&m);
	(void)close(fd);
	assert_true(pipe_is_closed(reader));
	(void)close(reader);
	assert_int_equal(imsgcall_wait(p.call, 1, pipe_open(&reader), big,
			     sizeof(big), -1, &m),
	    -1);
	assert_int_equal(errno, ERANGE);
	assert_true(pipe_is_closed(reader));
	(void)close(reader);
	pair_close(&p);
}

struct inside {
	struct pair pair; /* first, for the callbacks of call-pair.h */
	int waits;
};

static void
wait_inside(struct pair *p)
{
	struct imsg m;

	assert_int_equal(wait_for(p, 10000, &m), 1);
	pair_note(p, 'w', m.hdr.peerid);
	imsg_free(&m);
}

static void
waiting_message(struct imsgloop_chan *chan, struct imsg *m, void *arg)
{
	struct inside *in = arg;

	pair_message(chan, m, arg);
	if (in->waits-- > 0)
		wait_inside(&in->pair);
}

static const struct imsgloop_cb waiting_cb = { waiting_message, pair_ended,
	NULL };

static void
a_handler_may_wait_and_the_order_stays(void **state)
{
	struct inside in;
	struct pair *p = &in.pair;
	uint32_t i;

	(void)state;
	pair_open_which(p, &waiting_cb, IMSGCALL_LOWER);
	in.waits = 3;
	for (i = 0; i < 4; i++)
		peer_send(p, 20 + i, 0, -1, NULL, 0);
	peer_answer(p, 1);
	peer_send(p, 24, 0, -1, NULL, 0);
	peer_answer(p, 2);
	peer_answer(p, 3);
	peer_send(p, 25, 0, -1, NULL, 0);
	pair_turn(p);
	/* 20 w 21 w 22 w 23 24 25; the third answer came in the second wait
	 * and so was nobody's. */
	assert_int_equal(in.waits, -3);
	for (i = 0; i < 3; i++)
		assert_int_equal(p->log.value[2 * i], 20 + i);
	for (i = 3; i < 6; i++)
		assert_int_equal(p->log.value[3 + i], 20 + i);
	pair_expect(p, "mwmwmwmmm");
	pair_close(p);
}

static void
waiting_done(struct imsgcall *c, struct imsg *m, int error, void *arg)
{
	pair_done(c, m, error, arg);
	wait_inside(arg);
}

static void
a_callback_of_a_call_may_wait(void **state)
{
	struct pair p;
	uint32_t n;

	(void)state;
	pair_open(&p);
	n = imsgcall_start(p.call, 1, -1, NULL, 0, -1, waiting_done, &p);
	peer_answer(&p, n);
	peer_answer(&p, n + 1);
	pair_until(&p, 2);
	pair_expect(&p, "aw");
	(void)imsgcall_start(p.call, 1, -1, NULL, 0, 5, waiting_done, &p);
	/* Or the loop would drop it before the call. */
	imsgloop_pause(p.chan);
	peer_answer(&p, n + 3);
	pair_until(&p, 2);
	pair_expect(&p, "tw");
	pair_close(&p);
}

static void
waiting_end(struct imsgcall *c, struct imsg *m, int error, void *arg)
{
	struct pair *p = arg;
	struct imsg answer;

	pair_done(c, m, error, arg);
	assert_int_equal(wait_for(p, -1, &answer), -1);
	assert_int_equal(errno, EPIPE);
}

static void
waiting_while_the_channel_ends_is_EPIPE(void **state)
{
	struct pair p;

	(void)state;
	pair_open(&p);
	(void)imsgcall_start(p.call, 1, -1, NULL, 0, -1, waiting_end, &p);
	(void)imsgcall_start(p.call, 1, -1, NULL, 0, -1, waiting_end, &p);
	pair_hang_up(&p);
	pair_until(&p, 3);
	pair_expect(&p, "ppe");
	pair_close(&p);
}

static void
a_paused_channel_can_wait(void **state)
{
	struct pair p;
	struct imsg m;

	(void)state;
	pair_open(&p);
	imsgloop_pause(p.chan);
	peer_send(&p, 10, 0, -1, NULL, 0);
	peer_answer(&p, 1);
	assert_int_equal(wait_for(&p, -1, &m), 1);
	imsg_free(&m);
	pair_turn(&p);
	pair_expect(&p, "");
	imsgloop_resume(p.chan);
	pair_turn(&p);
	pair_expect(&p, "m");
	pair_close(&p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_call_returns_its_answer),
		cmocka_unit_test(an_error_answer_is_0_and_the_answer),
		cmocka_unit_test(
		    ETIMEDOUT_comes_after_its_time_and_late_answers_are_dropped),
		cmocka_unit_test(deadline_0_takes_what_is_there),
		cmocka_unit_test(
		    what_comes_meanwhile_is_handled_later_in_order),
		cmocka_unit_test(what_lies_behind_the_answer_is_handled),
		cmocka_unit_test(the_end_is_EPIPE_here_and_told_later),
		cmocka_unit_test(a_peer_that_is_gone_already_is_EPIPE),
		cmocka_unit_test(an_error_of_the_channel_is_that_of_the_call),
		cmocka_unit_test(a_closed_channel_is_EPIPE),
		cmocka_unit_test(a_descriptor_is_sent_or_closed_in_every_case),
		cmocka_unit_test(a_handler_may_wait_and_the_order_stays),
		cmocka_unit_test(a_callback_of_a_call_may_wait),
		cmocka_unit_test(waiting_while_the_channel_ends_is_EPIPE),
		cmocka_unit_test(a_paused_channel_can_wait),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
