/* SPDX-License-Identifier: ISC */
/*
 * Messages of a channel: what comes, what is sent, what becomes of descriptors,
 * and what an imsgbuf that was attached held before.  In every loop.
 */
#include "looplib.h"

static void
messages_come_in_order(void **state)
{
	struct side s = { .n = 0 };

	(void)state;
	side_open(&s);
	side_send(&s, 0, 1000);
	L_UNTIL(s.messages == 1000);
	assert_int_equal(s.disorder, 0);
	assert_int_equal(s.last, 1000);
	side_shut(&s);
}

static char payload[5000];

static void
look_at_payload(struct side *s, struct imsg *m)
{
	char got[sizeof(payload)];

	assert_int_equal(imsg_get_id(m), 42);
	assert_int_equal(imsg_get_pid(m), 43);
	assert_int_equal(imsg_get_data(m, got, sizeof(got)), 0);
	assert_memory_equal(got, payload, sizeof(got));
	assert_ptr_equal(imsgloop_arg(s->c), s);
	assert_ptr_equal(imsgloop_loop(s->c), l_loop);
}

static void
a_message_has_its_payload(void **state)
{
	struct side s = { .message = look_at_payload };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(payload); i++)
		payload[i] = (char)(i * 7);
	side_open(&s);
	assert_int_equal(
	    imsg_compose(&s.peer, 1, 42, 43, -1, payload, sizeof(payload)), 1);
	(void)side_push(&s);
	L_UNTIL(s.messages == 1);
	side_shut(&s);
}

static int taken;

static void
take_the_descriptor(struct side *s, struct imsg *m)
{
	(void)s;
	taken = imsg_get_fd(m);
}

/* side_open()'s channel takes descriptors, close-on-exec. */
static void
a_descriptor_comes_with_its_message(void **state)
{
	struct side s = { .message = take_the_descriptor };

	(void)state;
	side_open(&s);
	taken = -1;
	assert_int_equal(imsg_compose(&s.peer, 1, 0, 0, l_fd(), NULL, 0), 1);
	(void)side_push(&s);
	L_UNTIL(s.messages == 1);
	assert_true(fcntl(taken, F_GETFD) & FD_CLOEXEC);
	assert_int_equal(close(taken), 0);
	side_shut(&s);
}

static void
an_untaken_descriptor_is_closed(void **state)
{
	struct side s = { .n = 0 };
	int fds;

	(void)state;
	side_open(&s);
	fds = l_count_fds();
	assert_int_equal(imsg_compose(&s.peer, 1, 0, 0, l_fd(), NULL, 0), 1);
	assert_int_equal(imsg_compose(&s.peer, 2, 0, 0, l_fd(), NULL, 0), 1);
	(void)side_push(&s);
	L_UNTIL(s.messages == 2);
	assert_int_equal(l_count_fds(), fds);
	side_shut(&s);
}

static struct imsg kept;

static void
keep(struct side *s, struct imsg *m)
{
	(void)s;
	imsgloop_keep(m, &kept);
	assert_null(m->buf);
	assert_null(m->data);
}

static void
a_kept_message_outlives_its_channel(void **state)
{
	struct side s = { .message = keep };
	int fd;

	(void)state;
	side_open(&s);
	assert_int_equal(imsg_compose(&s.peer, 9, 0, 0, l_fd(), "kept", 4), 1);
	(void)side_push(&s);
	L_UNTIL(s.messages == 1);
	side_shut(&s);
	assert_int_equal(imsg_get_type(&kept), 9);
	assert_memory_equal(kept.data, "kept", 4);
	fd = imsg_get_fd(&kept);
	assert_int_not_equal(fd, -1);
	assert_int_equal(close(fd), 0);
	imsg_free(&kept);
}

static void
what_an_imsgbuf_held_before_is_handled(void **state)
{
	struct side s = { .n = 0 };
	int pair[2];

	(void)state;
	l_pair(pair);
	assert_int_equal(imsgbuf_init(&s.own, pair[0]), 0);
	assert_int_equal(imsgbuf_init(&s.peer, pair[1]), 0);
	assert_int_equal(fcntl(pair[1], F_SETFL, O_NONBLOCK), 0);
	side_send(&s, 0, 300);
	assert_int_equal(imsgbuf_read(&s.own), 1);
	assert_int_equal(imsg_compose(&s.own, 77, 0, 0, -1, NULL, 0), 1);
	side_attach(&s);
	assert_true(fcntl(pair[0], F_GETFL) & O_NONBLOCK);
	assert_int_equal(s.messages, 0);
	L_UNTIL(s.messages == 300);
	assert_int_equal(s.disorder, 0);
	assert_int_equal(side_take(&s, NULL), 1);
	/* Out of the loop it is the program's again, with what it holds. */
	side_send(&s, 300, 2);
	assert_int_equal(imsgbuf_read(&s.own), 1);
	imsgloop_detach(s.c);
	side_attach(&s);
	L_UNTIL(s.messages == 302);
	assert_int_equal(s.disorder, 0);
	side_shut(&s);
}

/* Its end was seen, or its failure, before it came into the loop. */
static void
an_imsgbuf_that_had_ended_before_ends(void **state)
{
	const struct imsg_hdr bad = { 1, 3, 0, 0 };
	int failing;

	(void)state;
	for (failing = 0; failing < 2; failing++) {
		struct side s = { .n = 0 };
		int pair[2];

		l_pair(pair);
		assert_int_equal(imsgbuf_init(&s.own, pair[0]), 0);
		assert_int_equal(imsgbuf_init(&s.peer, pair[1]), 0);
		side_send(&s, 0, 3);
		if (failing)
			assert_int_equal(
			    write(pair[1], &bad, sizeof(bad)), sizeof(bad));
		else
			side_hang_up(&s);
		assert_int_equal(imsgbuf_read(&s.own), failing ? -1 : 1);
		if (!failing)
			assert_int_equal(imsgbuf_read(&s.own), 0);
		side_attach(&s);
		L_UNTIL(s.ended);
		assert_int_equal(s.messages, 3);
		assert_int_equal(
		    s.why, failing ? IMSGLOOP_ERROR : IMSGLOOP_EOF);
		assert_int_equal(s.error, failing ? ERANGE : 0);
		side_shut(&s);
	}
}

static void
answer(struct side *s, struct imsg *m)
{
	assert_int_equal(
	    imsgloop_compose(s->c, imsg_get_type(m) + 100, 0, 0, -1, NULL, 0),
	    1);
}

static void
what_a_handler_queues_is_written_with_its_turn(void **state)
{
	struct side s = { .message = answer };
	uint32_t last = 0;

	(void)state;
	side_open(&s);
	l_settle();
	side_send(&s, 0, 10);
	while (s.messages == 0)
		l_turn(100);
	assert_int_equal(s.messages, 10);
	assert_int_equal(side_take(&s, &last), 10);
	assert_int_equal(last, 110);
	side_shut(&s);
}

/* The loop is asked for a turn, not for room: there is some. */
static void
what_is_queued_elsewhere_is_written_in_the_next_turn(void **state)
{
	const struct iovec iov = { payload, 10 };
	struct side s = { .n = 0 };
	struct ibuf *b;
	struct imsg m;
	uint32_t last;

	(void)state;
	side_open(&s);
	l_settle();
	assert_int_equal(imsgloop_compose(s.c, 1, 0, 0, -1, NULL, 0), 1);
	assert_int_equal(imsgloop_composev(s.c, 2, 0, 0, -1, &iov, 1), 1);
	assert_non_null(b = ibuf_dynamic(10, 10));
	assert_int_equal(ibuf_add(b, "x", 1), 0);
	assert_int_equal(imsgloop_compose_ibuf(s.c, 3, 0, 0, b), 1);
	assert_int_equal(
	    imsg_compose(imsgloop_imsgbuf(s.c), 4, 0, 0, -1, NULL, 0), 1);
	imsgloop_queued(s.c);
	l_turn(100);
	assert_int_equal(side_take(&s, &last), 4);
	assert_int_equal(last, 4);
	/* Nothing but the imsgbuf itself was told of this one. */
	l_settle();
	assert_int_equal(
	    imsg_compose(imsgloop_imsgbuf(s.c), 5, 0, 0, -1, NULL, 0), 1);
	imsgloop_queued(s.c);
	l_turn(100);
	assert_int_equal(imsgbuf_read(&s.peer), 1);
	assert_int_equal(imsgbuf_get(&s.peer, &m), 1);
	assert_int_equal(imsgloop_forward(s.c, &m), 1);
	imsg_free(&m);
	l_turn(100);
	assert_int_equal(side_take(&s, &last), 1);
	assert_int_equal(last, 5);
	assert_int_equal(l_counts.out, 0);
	side_shut(&s);
}

static void
a_compose_that_fails_leaves_the_descriptor_to_the_caller(void **state)
{
	struct side s = { .n = 0 };
	int fd = l_fd();

	(void)state;
	side_open(&s);
	l_settle();
	assert_errno(
	    imsgloop_compose(s.c, 1, 0, 0, fd, payload, MAX_IMSGSIZE), ERANGE);
	l_settle();
	/* The loop cannot give a turn: nothing is queued. */
	l_fail_set = 0;
	assert_errno(imsgloop_compose(s.c, 1, 0, 0, fd, NULL, 0), ENOMEM);
	assert_int_equal(imsgbuf_queuelen(imsgloop_imsgbuf(s.c)), 0);
	assert_int_equal(close(fd), 0);
	side_shut(&s);
}

static void
a_channel_that_the_loop_refuses_leaves_nothing(void **state)
{
	int pair[2];

	(void)state;
	l_pair(pair);
	l_fail_add = 0;
	assert_null(imsgloop_open(l_loop, pair[0], NULL, NULL));
	assert_int_equal(errno, ENOMEM);
	l_fail_add = -1;
	l_fail_set = 0;
	assert_null(imsgloop_open(l_loop, pair[0], NULL, NULL));
	assert_int_equal(errno, ENOMEM);
	/* libuv makes non-blocking whatever it is shown. */
	if (strcmp(l_adapter->name, "libuv") != 0)
		assert_int_equal(fcntl(pair[0], F_GETFL) & O_NONBLOCK, 0);
	assert_int_equal(close(pair[0]), 0);
	assert_int_equal(close(pair[1]), 0);
}

/* Where the loop fails later on, the channel ends. */
static void
a_loop_that_fails_ends_the_channel(void **state)
{
	struct side s = { .n = 0 };

	(void)state;
	side_open(&s);
	l_settle();
	imsgloop_set_budget(s.c, 1);
	side_send(&s, 0, 2);
	l_fail_set = 0;
	L_UNTIL(s.ended);
	assert_int_equal(s.why, IMSGLOOP_ERROR);
	assert_int_equal(s.error, ENOMEM);
	side_shut(&s);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		L(messages_come_in_order),
		L(a_message_has_its_payload),
		L(a_descriptor_comes_with_its_message),
		L(an_untaken_descriptor_is_closed),
		L(a_kept_message_outlives_its_channel),
		L(what_an_imsgbuf_held_before_is_handled),
		L(an_imsgbuf_that_had_ended_before_ends),
		L(what_a_handler_queues_is_written_with_its_turn),
		L(what_is_queued_elsewhere_is_written_in_the_next_turn),
		L(a_compose_that_fails_leaves_the_descriptor_to_the_caller),
		L(a_channel_that_the_loop_refuses_leaves_nothing),
		L(a_loop_that_fails_ends_the_channel),
	};

	return L_RUN(tests);
}
