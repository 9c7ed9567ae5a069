/* SPDX-License-Identifier: ISC */
/*
 * The side that is asked, and error answers: what is sent, and what is made of
 * what a peer sends.
 */
#define _DEFAULT_SOURCE
#include "call-pair.h"

static void
serve(struct imsgloop_chan *chan, struct imsg *m, void *arg)
{
	(void)arg;
	switch (m->hdr.type) {
	case 1:
		assert_int_equal(imsgcall_answer(chan, m, 5, -1, "fine", 4), 1);
		break;
	case 2:
		assert_int_equal(
		    imsgcall_fail(chan, m, ENOENT, "no such thing"), 1);
		break;
	case 3:
		assert_int_equal(imsgcall_fail(chan, m, EIO, NULL), 1);
		break;
	default:
		assert_int_equal(imsgcall_fail(chan, m, 0, "?"), -1);
		assert_int_equal(errno, EINVAL);
		assert_int_equal(imsgcall_fail(chan, m, -5, "?"), -1);
		assert_int_equal(errno, EINVAL);
		break;
	}
}

static const struct imsgloop_cb serve_cb = { serve, pair_ended, NULL };

static void
ask(struct pair *p, uint32_t type, struct imsg *m)
{
	peer_send(p, type, 0xabcdef01, -1, NULL, 0);
	peer_get(p, m);
	assert_int_equal(m->hdr.peerid, 0xabcdef01);
}

static void
answer_has_the_peer_ID_of_the_request(void **state)
{
	struct pair p;
	struct imsg m;

	(void)state;
	pair_open_which(&p, &serve_cb, IMSGCALL_LOWER);
	ask(&p, 1, &m);
	assert_int_equal(m.hdr.type, 5);
	assert_int_equal(imsgcall_error(&m), 0);
	imsg_free(&m);
	pair_close(&p);
}

static void
fail_sends_the_error_in_host_order_and_the_text(void **state)
{
	char got[4 + 13], why[64];
	int32_t error = ENOENT;
	struct pair p;
	struct imsg m;

	(void)state;
	pair_open_which(&p, &serve_cb, IMSGCALL_LOWER);
	ask(&p, 2, &m);
	assert_int_equal(m.hdr.type, IMSGCALL_ERROR);
	assert_int_equal(imsgcall_error(&m), ENOENT);
	assert_ptr_equal(imsgcall_why(&m, why, sizeof(why)), why);
	assert_string_equal(why, "no such thing");
	assert_int_equal(imsg_get_data(&m, got, sizeof(got)), 0);
	assert_memory_equal(got, &error, 4);
	assert_memory_equal(got + 4, "no such thing", 13);
	/* Whatever was read of it. */
	assert_int_equal(imsgcall_error(&m), ENOENT);
	imsg_free(&m);
	pair_close(&p);
}

static void
without_a_text_it_is_that_of_strerror(void **state)
{
	struct pair p;
	struct imsg m;
	char why[128];

	(void)state;
	pair_open_which(&p, &serve_cb, IMSGCALL_LOWER);
	ask(&p, 3, &m);
	assert_int_equal(imsgcall_error(&m), EIO);
	assert_string_equal(imsgcall_why(&m, why, sizeof(why)), strerror(EIO));
	imsg_free(&m);
	pair_close(&p);
}

static void
fail_refuses_0_and_less(void **state)
{
	struct pair p;

	(void)state;
	pair_open_which(&p, &serve_cb, IMSGCALL_LOWER);
	peer_send(&p, 4, 1, -1, NULL, 0);
	peer_send(&p, 4, 0x80000000, -1, NULL, 0);
	pair_turn(&p);
	assert_int_equal(imsgbuf_queuelen(imsgloop_imsgbuf(p.chan)), 0);
	pair_close(&p);
}

static void
fail_cuts_a_text_at_255_bytes(void **state)
{
	struct imsg request;
	char text[300], why[300];
	struct pair p;
	struct imsg m;

	(void)state;
	pair_open(&p);
	memset(&request, 0, sizeof(request));
	request.hdr.peerid = 3;
	memset(text, 'x', 255);
	memset(text + 255, 'y', sizeof(text) - 255);
	/* Without a NUL behind: no more than 255 bytes are looked at. */
	assert_int_equal(imsgcall_fail(p.chan, &request, 1, text), 1);
	peer_get(&p, &m);
	assert_int_equal(imsg_get_len(&m), 4 + 255);
	(void)imsgcall_why(&m, why, sizeof(why));
	assert_int_equal(strlen(why), 255);
	assert_null(strchr(why, 'y'));
	imsg_free(&m);
	pair_close(&p);
}

static void
answer_and_fail_say_EPIPE_on_a_closed_channel(void **state)
{
	struct imsg request;
	struct pair p;

	(void)state;
	pair_open(&p);
	memset(&request, 0, sizeof(request));
	assert_int_equal(imsgloop_close(p.chan, -1), 0);
	assert_int_equal(imsgcall_answer(p.chan, &request, 1, -1, NULL, 0), -1);
	assert_int_equal(errno, EPIPE);
	assert_int_equal(imsgcall_fail(p.chan, &request, 1, NULL), -1);
	assert_int_equal(errno, EPIPE);
	pair_until(&p, 1);
	pair_expect(&p, "e");
	pair_close(&p);
}

/* What a message of n bytes at data is as an error answer. */
static int
error_of(const void *data, size_t n, char *why, size_t size)
{
	struct pair p;
	struct imsg m;
	int error;

	pair_open(&p);
	assert_int_equal(
	    imsgloop_compose(p.chan, IMSGCALL_ERROR, 1, 0, -1, data, n), 1);
	peer_get(&p, &m);
	error = imsgcall_error(&m);
	(void)imsgcall_why(&m, why, size);
	imsg_free(&m);
	pair_close(&p);
	return error;
}

static void
nonsense_is_EPROTO(void **state)
{
	static const int32_t wrong[] = { 0, -1, INT32_MIN };
	const int32_t big = INT32_MAX;
	char why[128];
	size_t i;

	(void)state;
	for (i = 0; i < 4; i++) {
		assert_int_equal(
		    error_of("\1\0\0", i, why, sizeof(why)), EPROTO);
		assert_string_equal(why, strerror(EPROTO));
		if (i == 3)
			break;
		assert_int_equal(
		    error_of(&wrong[i], 4, why, sizeof(why)), EPROTO);
	}
	assert_int_equal(error_of(&big, 4, why, sizeof(why)), INT32_MAX);
}

static void
a_text_is_made_printable_and_cut(void **state)
{
	const int32_t error = 2;
	char data[64], why[64];

	(void)state;
	memcpy(data, &error, 4);
	memcpy(data + 4, "a\033[2Jb\nc\177\xc3\xa4\x9b!~ ", 15);
	assert_int_equal(error_of(data, 19, why, sizeof(why)), 2);
	assert_string_equal(why,
	    "a?[2Jb?c?"
	    "?"
	    "?"
	    "?!~ ");
	/* A NUL ends it. */
	memcpy(data + 4, "one\0two", 7);
	(void)error_of(data, 11, why, sizeof(why));
	assert_string_equal(why, "one");
	(void)error_of(data, 11, why, 3);
	assert_string_equal(why, "on");
	(void)error_of(data, 11, why, 1);
	assert_string_equal(why, "");
	why[0] = 'z';
	(void)error_of(data, 11, why, 0);
	assert_int_equal(why[0], 'z');
	/* An empty one is none. */
	(void)error_of(data, 4, why, 4);
	assert_memory_equal(why, strerror(2), 3);
}

static void
keep_why(struct imsgcall *c, struct imsg *m, int error, void *arg)
{
	(void)c;
	assert_non_null(m);
	assert_int_equal(error, EACCES);
	(void)imsgcall_why(m, arg, 64);
}

static void
an_error_answer_reaches_the_callback_with_its_error_and_text(void **state)
{
	char data[4 + 9], why[64] = "";
	const int32_t error = EACCES;
	struct pair p;
	uint32_t n;

	(void)state;
	pair_open(&p);
	n = imsgcall_start(p.call, 1, -1, NULL, 0, -1, keep_why, why);
	memcpy(data, &error, 4);
	memcpy(data + 4, "forbidden", 9);
	peer_send(&p, IMSGCALL_ERROR, n, -1, data, sizeof(data));
	pair_turn(&p);
	assert_string_equal(why, "forbidden");
	assert_int_equal(imsgcall_pending(p.call), 0);
	pair_close(&p);
}

static void
nonsense_reaches_the_callback_as_EPROTO(void **state)
{
	struct pair p;

	(void)state;
	pair_open(&p);
	peer_fail(&p, pair_start(&p, -1), 0);
	peer_fail(&p, pair_start(&p, -1), -3);
	peer_send(&p, IMSGCALL_ERROR, pair_start(&p, -1), -1, NULL, 0);
	/* Its error may be one that calls end with otherwise. */
	peer_fail(&p, pair_start(&p, -1), EPIPE);
	pair_turn(&p);
	assert_int_equal(p.log.value[0], EPROTO);
	assert_int_equal(p.log.value[1], EPROTO);
	assert_int_equal(p.log.value[2], EPROTO);
	assert_int_equal(p.log.value[3], EPIPE);
	pair_expect(&p, "ffff");
	pair_close(&p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answer_has_the_peer_ID_of_the_request),
		cmocka_unit_test(
		    fail_sends_the_error_in_host_order_and_the_text),
		cmocka_unit_test(without_a_text_it_is_that_of_strerror),
		cmocka_unit_test(fail_refuses_0_and_less),
		cmocka_unit_test(fail_cuts_a_text_at_255_bytes),
		cmocka_unit_test(answer_and_fail_say_EPIPE_on_a_closed_channel),
		cmocka_unit_test(nonsense_is_EPROTO),
		cmocka_unit_test(a_text_is_made_printable_and_cut),
		cmocka_unit_test(
		    an_error_answer_reaches_the_callback_with_its_error_and_text),
		cmocka_unit_test(nonsense_reaches_the_callback_as_EPROTO),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
