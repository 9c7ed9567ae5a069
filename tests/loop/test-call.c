/* SPDX-License-Identifier: ISC */
/*
 * Calls through a loop: who is told what, when, and that it is once.
 */
#define _DEFAULT_SOURCE
#include "call-pair.h"

#define UPPER 0x80000000U

static void
an_answer_goes_to_the_callback_of_its_call(void **state)
{
	struct pair p;
	struct imsg m;
	uint32_t n;

	(void)state;
	pair_open(&p);
	n = pair_start(&p, -1);
	assert_int_not_equal(n, 0);
	assert_int_equal(imsgcall_pending(p.call), 1);
	peer_get(&p, &m);
	assert_int_equal(m.hdr.peerid, n);
	assert_int_equal(m.hdr.type, 1);
	assert_int_equal(imsg_get_len(&m), 8);
	imsg_free(&m);
	peer_answer(&p, n);
	pair_turn(&p);
	pair_expect(&p, "a");
	assert_int_equal(imsgcall_pending(p.call), 0);
	pair_close(&p);
}

static void
answers_may_come_in_any_order(void **state)
{
	static const int order[] = { 3, 0, 4, 1, 2 };
	struct pair p;
	uint32_t n[5];
	int i;

	(void)state;
	pair_open(&p);
	for (i = 0; i < 5; i++)
		n[i] = pair_start(&p, i % 2 == 0 ? 60000 : -1);
	for (i = 0; i < 5; i++)
		peer_answer(&p, n[order[i]]);
	pair_turn(&p);
	for (i = 0; i < 5; i++)
		assert_int_equal(p.log.value[i], n[order[i]]);
	pair_expect(&p, "aaaaa");
	pair_close(&p);
}

static void
numbers_are_of_the_half_that_was_asked_for(void **state)
{
	struct pair p;
	uint32_t n;

	(void)state;
	pair_open(&p);
	n = pair_start(&p, -1);
	assert_true(n > 0 && n < UPPER);
	pair_close(&p);
	pair_open_which(&p, &pair_cb, IMSGCALL_UPPER);
	n = pair_start(&p, -1);
	assert_true(n >= UPPER);
	peer_answer(&p, n);
	pair_turn(&p);
	pair_expect(&p, "a");
	pair_close(&p);
}

static void
all_other_messages_go_to_the_handler(void **state)
{
	struct pair p;

	(void)state;
	pair_open(&p);
	(void)pair_start(&p, -1);
	peer_send(&p, 77, 0, -1, NULL, 0);
	peer_send(&p, 78, UPPER, -1, NULL, 0);
	peer_send(&p, 79, UPPER | 1, -1, NULL, 0);
	pair_turn(&p);
	assert_int_equal(p.log.value[0], 77);
	assert_int_equal(p.log.value[2], 79);
	pair_expect(&p, "mmm");
	pair_close(&p);
	pair_open_which(&p, &pair_cb, IMSGCALL_UPPER);
	peer_send(&p, 80, 1, -1, NULL, 0);
	peer_send(&p, 81, 0, -1, NULL, 0);
	pair_turn(&p);
	pair_expect(&p, "mm");
	pair_close(&p);
}

static void
an_invented_answer_is_dropped_and_its_descriptor_closed(void **state)
{
	struct pair p;
	int reader;

	(void)state;
	pair_open(&p);
	(void)pair_start(&p, -1);
	peer_send(&p, 2, 4711, pipe_open(&reader), NULL, 0);
	peer_send(&p, 9, 0, -1, NULL, 0);
	pair_until(&p, 1);
	pair_expect(&p, "m");
	assert_true(pipe_is_closed(reader));
	assert_int_equal(imsgcall_pending(p.call), 1);
	(void)close(reader);
	pair_close(&p);
}

static void
a_second_answer_is_dropped(void **state)
{
	struct pair p;
	uint32_t n;

	(void)state;
	pair_open(&p);
	n = pair_start(&p, -1);
	peer_answer(&p, n);
	peer_answer(&p, n);
	(void)pair_start(&p, -1);
	pair_turn(&p);
	pair_expect(&p, "a");
	assert_int_equal(imsgcall_pending(p.call), 1);
	pair_close(&p);
}

static void
both_ends_may_call_each_other(void **state)
{
	struct imsgloop_chan *chan[2];
	struct imsgcall *call[2];
	struct imsgloop *loop;
	struct pair note;
	int s[2], i;

	(void)state;
	memset(&note, 0, sizeof(note));
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, s), 0);
	assert_non_null(loop = imsgloop_poll_new());
	for (i = 0; i < 2; i++) {
		chan[i] = imsgloop_open(loop, s[i], &pair_cb, &note);
		assert_non_null(chan[i]);
		call[i] = imsgcall_new(
		    chan[i], i == 0 ? IMSGCALL_LOWER : IMSGCALL_UPPER);
		assert_non_null(call[i]);
		assert_int_not_equal(imsgcall_start(call[i], (uint32_t)i, -1,
					 NULL, 0, -1, pair_done, &note),
		    0);
	}
	note.loop = loop;
	pair_until(&note, 2);
	pair_expect(&note, "mm");
	imsgloop_detach(chan[0]);
	imsgloop_detach(chan[1]);
	imsgloop_poll_free(loop);
}

static void
start_fails_with_the_errno_of_compose_and_changes_nothing(void **state)
{
	static char big[MAX_IMSGSIZE];
	const struct imsg_limits limits = { .wmsgs = 1 };
	struct pair p;
	int fd, reader;

	(void)state;
	pair_open(&p);
	fd = pipe_open(&reader);
	assert_int_equal(
	    imsgcall_start(p.call, 1, fd, big, sizeof(big), -1, pair_done, &p),
	    0);
	assert_int_equal(errno, ERANGE);
	assert_int_equal(
	    imsgbuf_set_limits(imsgloop_imsgbuf(p.chan), &limits), 0);
	assert_int_not_equal(pair_start(&p, -1), 0);
	assert_int_equal(
	    imsgcall_start(p.call, 1, fd, NULL, 0, 5, pair_done, &p), 0);
	assert_int_equal(errno, ENOBUFS);
	assert_int_equal(imsgcall_pending(p.call), 1);
	/* The descriptor is still the caller's. */
	assert_int_equal(close(fd), 0);
	assert_true(pipe_is_closed(reader));
	(void)close(reader);
	/* No deadline is left over. */
	assert_int_not_equal(imsgloop_poll_turn(p.loop, 20), -1);
	assert_int_not_equal(imsgloop_poll_turn(p.loop, 20), -1);
	pair_expect(&p, "");
	pair_close(&p);
}

static void
start_says_EAGAIN_when_too_many_are_pending(void **state)
{
	struct pair p;
	uint32_t n;

	(void)state;
	pair_open(&p);
	assert_int_equal(imsgcall_set_pending(p.call, 2), 0);
	n = pair_start(&p, -1);
	assert_int_not_equal(pair_start(&p, -1), 0);
	assert_int_equal(pair_start(&p, -1), 0);
	assert_int_equal(errno, EAGAIN);
	peer_answer(&p, n);
	pair_turn(&p);
	assert_int_not_equal(pair_start(&p, -1), 0);
	pair_close(&p);
}

static void
set_pending_takes_1_to_2_to_the_30(void **state)
{
	struct pair p;

	(void)state;
	pair_open(&p);
	assert_int_equal(imsgcall_set_pending(p.call, 1), 0);
	assert_int_equal(imsgcall_set_pending(p.call, (size_t)1 << 30), 0);
	assert_int_equal(imsgcall_set_pending(p.call, 0), -1);
	assert_int_equal(errno, EINVAL);
	assert_int_equal(
	    imsgcall_set_pending(p.call, ((size_t)1 << 30) + 1), -1);
	assert_int_equal(errno, EINVAL);
	pair_close(&p);
}

static void
a_descriptor_of_a_request_is_closed_after_it_was_sent(void **state)
{
	struct pair p;
	struct imsg m;
	int reader, fd;

	(void)state;
	pair_open(&p);
	assert_int_not_equal(imsgcall_start(p.call, 1, pipe_open(&reader), NULL,
				 0, -1, pair_done, &p),
	    0);
	peer_get(&p, &m);
	fd = imsg_get_fd(&m);
	assert_int_not_equal(fd, -1);
	assert_false(pipe_is_closed(reader));
	(void)close(fd);
	assert_true(pipe_is_closed(reader));
	imsg_free(&m);
	(void)close(reader);
	pair_close(&p);
}

static void
take_fd(struct imsgcall *c, struct imsg *m, int error, void *arg)
{
	(void)c;
	assert_int_equal(error, 0);
	*(int *)arg = imsg_get_fd(m);
}

static void
a_descriptor_of_an_answer_is_closed_unless_taken(void **state)
{
	int reader[2], fd = -1, i;
	uint32_t n[2];
	struct pair p;

	(void)state;
	pair_open(&p);
	n[0] = pair_start(&p, -1);
	n[1] = imsgcall_start(p.call, 1, -1, NULL, 0, -1, take_fd, &fd);
	for (i = 0; i < 2; i++)
		peer_send(&p, 2, n[i], pipe_open(&reader[i]), NULL, 0);
	pair_turn(&p);
	pair_expect(&p, "a");
	assert_true(pipe_is_closed(reader[0]));
	assert_int_not_equal(fd, -1);
	assert_false(pipe_is_closed(reader[1]));
	(void)close(fd);
	(void)close(reader[0]);
	(void)close(reader[1]);
	pair_close(&p);
}

static void
keep_answer(struct imsgcall *c, struct imsg *m, int error, void *arg)
{
	(void)c;
	assert_int_equal(error, 0);
	imsgloop_keep(m, arg);
}

static void
an_answer_may_be_kept(void **state)
{
	struct pair p;
	struct imsg m;
	char text[6];

	(void)state;
	pair_open(&p);
	peer_answer(
	    &p, imsgcall_start(p.call, 1, -1, NULL, 0, -1, keep_answer, &m));
	pair_turn(&p);
	assert_int_equal(imsg_get_data(&m, text, sizeof(text)), 0);
	assert_memory_equal(text, "answer", 6);
	imsg_free(&m);
	pair_close(&p);
}

static void
a_channel_has_one_object_at_a_time(void **state)
{
	struct pair p;
	uint32_t n;

	(void)state;
	pair_open(&p);
	assert_null(imsgcall_new(p.chan, IMSGCALL_UPPER));
	assert_int_equal(errno, EBUSY);
	n = pair_start(&p, 1);
	imsgcall_free(p.call);
	assert_null(imsgcall_new(p.chan, 2));
	assert_int_equal(errno, EINVAL);
	/* Without one, all goes to the handler. */
	peer_answer(&p, n);
	pair_turn(&p);
	pair_expect(&p, "m");
	assert_non_null(p.call = imsgcall_new(p.chan, IMSGCALL_UPPER));
	n = pair_start(&p, -1);
	assert_true(n >= UPPER);
	peer_answer(&p, n);
	pair_turn(&p);
	pair_expect(&p, "a");
	pair_close(&p);
}

/* ... so that what is still under way to one of the first reaches none. */
static void
a_second_object_goes_on_with_the_numbers_of_the_first(void **state)
{
	static const int half[] = { IMSGCALL_LOWER, IMSGCALL_UPPER };
	struct pair p;
	uint32_t n;
	int i;

	(void)state;
	for (i = 0; i < 2; i++) {
		pair_open_which(&p, &pair_cb, half[i]);
		(void)pair_start(&p, -1);
		n = pair_start(&p, -1);
		imsgcall_free(p.call);
		assert_non_null(p.call = imsgcall_new(p.chan, half[1 - i]));
		imsgcall_free(p.call);
		assert_non_null(p.call = imsgcall_new(p.chan, half[i]));
		assert_int_equal(pair_start(&p, -1), n + 1);
		peer_answer(&p, n - 1);
		peer_answer(&p, n + 1);
		peer_answer(&p, n);
		pair_turn(&p);
		pair_expect(&p, "a");
		pair_close(&p);
	}
}

static void
free_ends_all_calls_silently(void **state)
{
	struct pair p;

	(void)state;
	imsgcall_free(NULL);
	pair_open(&p);
	(void)pair_start(&p, -1);
	(void)pair_start(&p, 1);
	imsgcall_free(p.call);
	assert_int_not_equal(imsgloop_poll_turn(p.loop, 20), -1);
	assert_int_not_equal(imsgloop_poll_turn(p.loop, 20), -1);
	pair_expect(&p, "");
	pair_close(&p);
}

static void
detach_ends_all_calls_silently(void **state)
{
	struct pair p;

	(void)state;
	pair_open(&p);
	(void)pair_start(&p, -1);
	(void)pair_start(&p, 1);
	errno = EDOM;
	imsgloop_detach(p.chan);
	assert_int_equal(errno, EDOM);
	p.chan = NULL;
	/* Nothing is left in the loop, its timer neither. */
	assert_int_equal(imsgloop_poll_run(p.loop), 0);
	pair_expect(&p, "");
	pair_close(&p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_answer_goes_to_the_callback_of_its_call),
		cmocka_unit_test(answers_may_come_in_any_order),
		cmocka_unit_test(numbers_are_of_the_half_that_was_asked_for),
		cmocka_unit_test(all_other_messages_go_to_the_handler),
		cmocka_unit_test(
		    an_invented_answer_is_dropped_and_its_descriptor_closed),
		cmocka_unit_test(a_second_answer_is_dropped),
		cmocka_unit_test(both_ends_may_call_each_other),
		cmocka_unit_test(
		    start_fails_with_the_errno_of_compose_and_changes_nothing),
		cmocka_unit_test(start_says_EAGAIN_when_too_many_are_pending),
		cmocka_unit_test(set_pending_takes_1_to_2_to_the_30),
		cmocka_unit_test(
		    a_descriptor_of_a_request_is_closed_after_it_was_sent),
		cmocka_unit_test(
		    a_descriptor_of_an_answer_is_closed_unless_taken),
		cmocka_unit_test(an_answer_may_be_kept),
		cmocka_unit_test(a_channel_has_one_object_at_a_time),
		cmocka_unit_test(
		    a_second_object_goes_on_with_the_numbers_of_the_first),
		cmocka_unit_test(free_ends_all_calls_silently),
		cmocka_unit_test(detach_ends_all_calls_silently),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
