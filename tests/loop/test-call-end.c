/* SPDX-License-Identifier: ISC */
/*
 * How calls end with their channel, and callbacks that do what they like.
 */
#define _DEFAULT_SOURCE
#include <sys/wait.h>

#include "call-pair.h"

static void
the_end_is_told_to_all_in_order_before_ended(void **state)
{
	struct pair p;
	uint32_t n[4];
	int i;

	(void)state;
	pair_open(&p);
	for (i = 0; i < 4; i++)
		n[i] = imsgcall_start(p.call, 1, -1, NULL, 0,
		    i % 2 == 0 ? -1 : 60000 - i * 1000, pair_done, &p);
	assert_int_equal(imsgcall_cancel(p.call, n[1]), 0);
	peer_answer(&p, n[2]);
	pair_hang_up(&p);
	pair_until(&p, 4);
	pair_expect(&p, "appe");
	pair_close(&p);
}

struct order {
	struct pair *p;
	int at;
	int *next;
};

static void
in_order(struct imsgcall *c, struct imsg *m, int error, void *arg)
{
	struct order *o = arg;

	(void)c;
	assert_null(m);
	assert_int_equal(error, EPIPE);
	assert_int_equal(o->at, (*o->next)++);
	assert_int_equal(o->p->log.n, 0);
}

static void
the_order_is_that_of_the_start_also_for_thousands(void **state)
{
	static struct order o[5000];
	struct pair p;
	int i, next = 0;

	(void)state;
	pair_open(&p);
	for (i = 0; i < 5000; i++) {
		o[i] = (struct order){ &p, i, &next };
		assert_int_not_equal(
		    imsgcall_start(p.call, 1, -1, NULL, 0,
			60000 + (i * 37) % 1000, in_order, &o[i]),
		    0);
	}
	pair_hang_up(&p);
	pair_until(&p, 1);
	assert_int_equal(next, 5000);
	pair_expect(&p, "e");
	pair_close(&p);
}

static void
a_killed_process_ends_all_calls(void **state)
{
	struct pair p;
	pid_t pid;
	int s[2];

	(void)state;
	memset(&p, 0, sizeof(p));
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, s), 0);
	assert_int_not_equal(pid = fork(), -1);
	if (pid == 0) {
		(void)close(s[0]);
		for (;;)
			(void)pause();
	}
	(void)close(s[1]);
	p.peer.fd = -1;
	p.fds = open_fds() - 1;
	assert_non_null(p.loop = imsgloop_poll_new());
	assert_non_null(p.chan = imsgloop_open(p.loop, s[0], &pair_cb, &p));
	assert_non_null(p.call = imsgcall_new(p.chan, IMSGCALL_LOWER));
	(void)pair_start(&p, -1);
	(void)pair_start(&p, 60000);
	pair_turn(&p);
	pair_expect(&p, "");
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	pair_until(&p, 3);
	pair_expect(&p, "ppe");
	pair_close(&p);
}

static void
a_torn_message_is_EPIPE(void **state)
{
	struct pair p;

	(void)state;
	pair_open(&p);
	(void)pair_start(&p, -1);
	pair_turn(&p);
	assert_int_equal(write(p.peer.fd, "\1\0\0\0\40", 5), 5);
	assert_int_equal(shutdown(p.peer.fd, SHUT_WR), 0);
	pair_until(&p, 2);
	assert_int_equal(p.why, IMSGLOOP_TORN);
	pair_expect(&p, "pe");
	pair_close(&p);
}

static void
an_error_of_the_channel_is_that_of_the_calls(void **state)
{
	const struct imsg_hdr bad = { 1, 5, 0, 0 };
	struct pair p;

	(void)state;
	pair_open(&p);
	(void)pair_start(&p, -1);
	(void)pair_start(&p, -1);
	pair_turn(&p);
	assert_int_equal(write(p.peer.fd, &bad, sizeof(bad)), sizeof(bad));
	pair_until(&p, 3);
	assert_int_equal(p.why, IMSGLOOP_ERROR);
	assert_int_equal(p.error, ERANGE);
	assert_int_equal(p.log.value[0], ERANGE);
	assert_int_equal(p.log.value[1], ERANGE);
	pair_expect(&p, "xxe");
	pair_close(&p);
}

static void
close_here_is_EPIPE_and_no_more_can_be_started(void **state)
{
	struct pair p;
	uint32_t n;

	(void)state;
	pair_open(&p);
	n = pair_start(&p, -1);
	assert_int_equal(imsgloop_close(p.chan, 1000), 0);
	assert_int_equal(pair_start(&p, -1), 0);
	assert_int_equal(errno, EPIPE);
	peer_answer(&p, n);
	pair_until(&p, 2);
	assert_int_equal(p.why, IMSGLOOP_CLOSED);
	pair_expect(&p, "pe");
	pair_close(&p);
}

/* Its own ETIMEDOUT is not that of a call. */
static void
close_that_runs_out_of_time_is_EPIPE_too(void **state)
{
	static char big[16000];
	struct pair p;

	(void)state;
	pair_open(&p);
	(void)pair_start(&p, -1);
	while (imsgbuf_queuelen(imsgloop_imsgbuf(p.chan)) == 0 ||
	    imsgbuf_queuebytes(imsgloop_imsgbuf(p.chan)) < sizeof(big)) {
		assert_int_equal(
		    imsgloop_compose(p.chan, 1, 0, 0, -1, big, sizeof(big)), 1);
		pair_turn(&p);
	}
	assert_int_equal(imsgloop_close(p.chan, 10), 0);
	pair_until(&p, 2);
	assert_int_equal(p.error, ETIMEDOUT);
	pair_expect(&p, "pe");
	pair_close(&p);
}

/* What a callback does, and to whom. */
enum deed { START, CANCEL, CANCEL_ALL, FREE, DETACH, CLOSE, RENEW };

struct doer {
	struct pair *p;
	enum deed deed;
	uint32_t first, last;
	int called;
};

static void
do_it(struct imsgcall *c, struct doer *d)
{
	struct pair *p = d->p;
	uint32_t n;

	switch (d->deed) {
	case START:
		if (pair_start(p, 60000) == 0)
			assert_int_equal(errno, EPIPE);
		break;
	case CANCEL:
		(void)imsgcall_cancel(c, d->last);
		break;
	case CANCEL_ALL:
		for (n = d->first; n <= d->last; n++)
			(void)imsgcall_cancel(c, n);
		break;
	case FREE:
		imsgcall_free(c);
		p->call = NULL;
		break;
	case RENEW:
		imsgcall_free(c);
		p->call = imsgcall_new(p->chan, IMSGCALL_LOWER);
		assert_non_null(p->call);
		break;
	case DETACH:
		imsgloop_detach(p->chan);
		p->chan = NULL;
		p->call = NULL;
		break;
	case CLOSE:
		assert_int_equal(imsgloop_close(p->chan, 0), 0);
		break;
	}
}

static void
doer_done(struct imsgcall *c, struct imsg *m, int error, void *arg)
{
	struct doer *d = arg;

	pair_done(c, m, error, d->p);
	if (d->called++ == 0)
		do_it(c, d);
}

/* What ends the calls. */
enum way { ANSWER, ERROR_ANSWER, TIME, HANG_UP };

static void
deed_in_a_callback(enum deed deed, enum way way, const char *expect)
{
	struct doer d = { NULL, deed, 0, 0, 0 };
	struct pair p;
	uint32_t n;
	int i;

	pair_open(&p);
	d.p = &p;
	for (i = 0; i < 3; i++) {
		n = imsgcall_start(p.call, 1, -1, NULL, 0,
		    way == TIME && (i == 0 || deed != CLOSE) ? i * 4 : -1,
		    doer_done, &d);
		d.first = i == 0 ? n : d.first;
		d.last = n;
	}
	pair_turn(&p);
	for (n = d.first; n <= d.last; n++) {
		if (way == ANSWER)
			peer_answer(&p, n);
		else if (way == ERROR_ANSWER)
			peer_fail(&p, n, EDOM);
	}
	if (way == HANG_UP)
		pair_hang_up(&p);
	for (i = 0; i < 10; i++)
		assert_int_not_equal(imsgloop_poll_turn(p.loop, 5), -1);
	pair_expect(&p, expect);
	pair_close(&p);
}

static void
a_callback_may_start_a_call(void **state)
{
	(void)state;
	deed_in_a_callback(START, ANSWER, "aaa");
	deed_in_a_callback(START, ERROR_ANSWER, "fff");
	deed_in_a_callback(START, TIME, "ttt");
	deed_in_a_callback(START, HANG_UP, "pppe");
}

static void
a_callback_may_cancel_others(void **state)
{
	(void)state;
	deed_in_a_callback(CANCEL, ANSWER, "aa");
	deed_in_a_callback(CANCEL, ERROR_ANSWER, "ff");
	deed_in_a_callback(CANCEL, TIME, "tt");
	deed_in_a_callback(CANCEL, HANG_UP, "ppe");
	deed_in_a_callback(CANCEL_ALL, ANSWER, "a");
	deed_in_a_callback(CANCEL_ALL, TIME, "t");
	deed_in_a_callback(CANCEL_ALL, HANG_UP, "pe");
}

static void
a_callback_may_free_the_object(void **state)
{
	(void)state;
	deed_in_a_callback(FREE, ANSWER, "amm");
	deed_in_a_callback(FREE, ERROR_ANSWER, "fmm");
	deed_in_a_callback(FREE, TIME, "t");
	deed_in_a_callback(FREE, HANG_UP, "pe");
}

static void
a_callback_may_put_a_new_object_into_its_place(void **state)
{
	(void)state;
	deed_in_a_callback(RENEW, ANSWER, "a");
	deed_in_a_callback(RENEW, TIME, "t");
	deed_in_a_callback(RENEW, HANG_UP, "pe");
}

static void
a_callback_may_detach_the_channel(void **state)
{
	(void)state;
	deed_in_a_callback(DETACH, ANSWER, "a");
	deed_in_a_callback(DETACH, ERROR_ANSWER, "f");
	deed_in_a_callback(DETACH, TIME, "t");
	deed_in_a_callback(DETACH, HANG_UP, "p");
}

static void
a_callback_may_close_the_channel(void **state)
{
	(void)state;
	deed_in_a_callback(CLOSE, ANSWER, "appe");
	deed_in_a_callback(CLOSE, TIME, "tppe");
	deed_in_a_callback(CLOSE, HANG_UP, "pppe");
}

static void
ended_and_free(struct imsgloop_chan *chan, int why, int error, void *arg)
{
	struct pair *p = arg;
	struct imsgcall *c = p->call;

	assert_int_equal(imsgcall_pending(c), 0);
	assert_int_equal(pair_start(p, 5), 0);
	assert_int_equal(errno, EPIPE);
	pair_ended(chan, why, error, arg);
	imsgcall_free(c);
}

static const struct imsgloop_cb freeing_cb = { pair_message, ended_and_free,
	NULL };

static void
ended_may_free_the_object(void **state)
{
	struct pair p;

	(void)state;
	pair_open_which(&p, &freeing_cb, IMSGCALL_LOWER);
	(void)pair_start(&p, 60000);
	pair_hang_up(&p);
	pair_until(&p, 2);
	pair_expect(&p, "pe");
	pair_close(&p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_end_is_told_to_all_in_order_before_ended),
		cmocka_unit_test(
		    the_order_is_that_of_the_start_also_for_thousands),
		cmocka_unit_test(a_killed_process_ends_all_calls),
		cmocka_unit_test(a_torn_message_is_EPIPE),
		cmocka_unit_test(an_error_of_the_channel_is_that_of_the_calls),
		cmocka_unit_test(
		    close_here_is_EPIPE_and_no_more_can_be_started),
		cmocka_unit_test(close_that_runs_out_of_time_is_EPIPE_too),
		cmocka_unit_test(a_callback_may_start_a_call),
		cmocka_unit_test(a_callback_may_cancel_others),
		cmocka_unit_test(a_callback_may_free_the_object),
		cmocka_unit_test(
		    a_callback_may_put_a_new_object_into_its_place),
		cmocka_unit_test(a_callback_may_detach_the_channel),
		cmocka_unit_test(a_callback_may_close_the_channel),
		cmocka_unit_test(ended_may_free_the_object),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
