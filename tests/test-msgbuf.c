/* SPDX-License-Identifier: ISC */
/*
 * The write side of a msgbuf, on sockets, pipes and files.
 */
#include "testlib.h"

#include <signal.h>

static struct ibuf *
text(const char *s)
{
	struct ibuf *b = ibuf_open(strlen(s));

	assert_non_null(b);
	assert_int_equal(ibuf_add(b, s, strlen(s)), 0);
	return b;
}

static void
expect(int fd, const char *s)
{
	char got[256];

	assert_int_equal(read(fd, got, sizeof(got)), (ssize_t)strlen(s));
	assert_memory_equal(got, s, strlen(s));
}

static void
an_empty_queue_makes_no_system_call(void **state)
{
	struct msgbuf *m = msgbuf_new();

	(void)state;
	assert_int_equal(msgbuf_queuelen(m), 0);
	assert_int_equal(ibuf_write(-1, m), 0);
	assert_int_equal(msgbuf_write(-1, m), 0);
	assert_int_equal(t_calls.send, 0);
	msgbuf_free(m);
	msgbuf_free(NULL);
	t_fail_alloc(1, 0);
	assert_null_errno(msgbuf_new(), ENOMEM);
}

static void
only_the_unread_part_is_sent_in_order(void **state)
{
	struct msgbuf *m = msgbuf_new();
	struct ibuf *b = text("..one ");
	int p[2];

	(void)state;
	assert_int_equal(pipe(p), 0);
	assert_int_equal(ibuf_skip(b, 2), 0);
	ibuf_close(m, b);
	ibuf_close(m, text("two "));
	ibuf_close(m, text(""));
	ibuf_close(m, text("three"));
	assert_int_equal(msgbuf_queuelen(m), 4);
	while (msgbuf_queuelen(m) > 0)
		assert_int_equal(ibuf_write(p[1], m), 0);
	expect(p[0], "one two three");
	msgbuf_free(m);
	close(p[0]);
	close(p[1]);
}

static void
empty_ones_leave_with_the_next_write(void **state)
{
	struct msgbuf *m = msgbuf_new();
	int i;

	(void)state;
	for (i = 0; i < 5; i++)
		ibuf_close(m, ibuf_open((size_t)i));
	assert_int_equal(msgbuf_queuelen(m), 5);
	assert_int_equal(msgbuf_write(-1, m), 0);
	assert_int_equal(msgbuf_queuelen(m), 0);
	assert_int_equal(t_calls.send, 0);
	msgbuf_free(m);
}

static void
errors_leave_the_queue_as_it_was(void **state)
{
	static const int errors[] = { EPIPE, ECONNRESET, ENOTCONN, EIO,
		ETOOMANYREFS };
	struct msgbuf *m = msgbuf_new();
	struct ibuf *b = text("abc");
	char got[8];
	size_t i;
	int s[2], fd = t_fd(NULL);

	(void)state;
	t_pair(s);
	ibuf_fd_set(b, fd);
	ibuf_close(m, b);
	for (i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
		t_fail_send(1, errors[i]);
		assert_errno(msgbuf_write(s[0], m), errors[i]);
		t_fail_send(1, errors[i]);
		assert_errno(ibuf_write(s[0], m), errors[i]);
	}
	assert_errno(msgbuf_write(12345, m), EBADF);
	assert_errno(ibuf_write(12345, m), EBADF);
	for (i = 0; i < 2; i++) {
		t_fail_send(1, i == 0 ? EAGAIN : ENOBUFS);
		assert_int_equal(msgbuf_write(s[0], m), 0);
		t_fail_send(1, i == 0 ? EAGAIN : ENOBUFS);
		assert_int_equal(ibuf_write(s[0], m), 0);
	}
	assert_int_equal(msgbuf_queuelen(m), 1);
	assert_true(fcntl(fd, F_GETFD) != -1);
	assert_int_equal(msgbuf_write(s[0], m), 0);
	assert_int_equal(msgbuf_queuelen(m), 0);
	assert_int_equal(fcntl(fd, F_GETFD), -1);
	assert_int_equal(read(s[1], got, sizeof(got)), 3);
	msgbuf_free(m);
	close(s[0]);
	close(s[1]);
}

static void
msgbuf_write_wants_a_socket(void **state)
{
	struct msgbuf *m = msgbuf_new();
	int p[2];

	(void)state;
	assert_int_equal(pipe(p), 0);
	ibuf_close(m, text("x"));
	assert_errno(msgbuf_write(p[1], m), ENOTSOCK);
	assert_int_equal(msgbuf_queuelen(m), 1);
	assert_int_equal(ibuf_write(p[1], m), 0);
	assert_int_equal(msgbuf_queuelen(m), 0);
	msgbuf_free(m);
	close(p[0]);
	close(p[1]);
}

static void
a_dead_socket_is_epipe_without_a_signal(void **state)
{
	struct msgbuf *m = msgbuf_new();
	int s[2];

	(void)state;
	assert_ptr_not_equal(signal(SIGPIPE, SIG_DFL), SIG_ERR);
	t_pair(s);
	close(s[1]);
	ibuf_close(m, text("x"));
	assert_errno(msgbuf_write(s[0], m), EPIPE);
	assert_errno(ibuf_write(s[0], m), EPIPE);
	assert_int_equal(msgbuf_queuelen(m), 1);
	msgbuf_free(m);
	close(s[0]);
}

/* The descriptor is closed once its ibuf is complete, not sent. */
static void
ibuf_write_closes_descriptors_unsent(void **state)
{
	struct msgbuf *m = msgbuf_new();
	struct ibuf *b = text("abc");
	int p[2], fd = t_fd(NULL);

	(void)state;
	assert_int_equal(pipe(p), 0);
	ibuf_fd_set(b, fd);
	ibuf_close(m, b);
	t_short_send(2);
	assert_int_equal(ibuf_write(p[1], m), 0);
	assert_int_equal(msgbuf_queuelen(m), 1);
	assert_true(fcntl(fd, F_GETFD) != -1);
	assert_int_equal(ibuf_write(p[1], m), 0);
	assert_int_equal(msgbuf_queuelen(m), 0);
	assert_int_equal(fcntl(fd, F_GETFD), -1);
	msgbuf_free(m);
	close(p[0]);
	close(p[1]);
}

/* msgbuf_write sends it with the first byte and closes it then. */
static void
a_sent_descriptor_is_closed_after_a_short_write(void **state)
{
	struct msgbuf *m = msgbuf_new();
	struct ibuf *b = text("abc");
	int s[2], fd = t_fd(NULL);

	(void)state;
	t_pair(s);
	ibuf_fd_set(b, fd);
	ibuf_close(m, b);
	t_short_send(1);
	assert_int_equal(msgbuf_write(s[0], m), 0);
	assert_int_equal(fcntl(fd, F_GETFD), -1);
	assert_int_equal(msgbuf_queuelen(m), 1);
	assert_int_equal(msgbuf_write(s[0], m), 0);
	assert_int_equal(msgbuf_write(s[0], m), 0);
	assert_int_equal(msgbuf_queuelen(m), 0);
	msgbuf_free(m);
	close(s[0]);
	close(s[1]);
}

static struct ibuf *
one_byte(struct ibuf *hdr, void *arg, int *fd)
{
	struct ibuf *b = ibuf_open(ibuf_size(hdr));

	(void)arg;
	if (b != NULL) {
		ibuf_fd_set(b, *fd);
		*fd = -1;
	}
	return b;
}

/* It rides on the next ibuf that has bytes and no descriptor of its own. */
static void
a_descriptor_without_a_byte_waits_for_one(void **state)
{
	struct msgbuf *m = msgbuf_new();
	struct msgbuf *r = msgbuf_new_reader(1, one_byte, NULL);
	struct ibuf *b;
	uint64_t id[2];
	char want[] = "abc";
	int s[2], i;

	(void)state;
	t_pair(s);
	t_nonblock(s[1]);
	b = ibuf_open(0);
	ibuf_fd_set(b, t_fd(&id[0]));
	ibuf_close(m, b);
	assert_int_equal(msgbuf_queuelen(m), 1);
	assert_int_equal(msgbuf_write(s[0], m), 0);
	assert_int_equal(ibuf_write(s[0], m), 0);
	assert_int_equal(msgbuf_queuelen(m), 1);
	assert_int_equal(t_calls.send, 0);
	b = text("a");
	ibuf_fd_set(b, t_fd(&id[1]));
	ibuf_close(m, b);
	ibuf_close(m, text("b"));
	ibuf_close(m, text("c"));
	while (msgbuf_queuelen(m) > 0)
		assert_int_equal(msgbuf_write(s[0], m), 0);
	for (i = 0; i < 3; i++) {
		while ((b = msgbuf_get(r)) == NULL)
			assert_int_equal(msgbuf_read(s[1], r), 1);
		assert_int_equal(*(char *)ibuf_data(b), want[i]);
		assert_int_equal(ibuf_fd_avail(b) != 0, i < 2);
		if (i < 2)
			assert_int_equal(t_fd_id(b->fd), id[1 - i]);
		ibuf_free(b);
	}
	msgbuf_free(m);
	msgbuf_free(r);
	close(s[0]);
	close(s[1]);
}

static void
concat_moves_a_queue_behind_the_others(void **state)
{
	struct msgbuf *m = msgbuf_new();
	struct ibufqueue *q = ibufq_new(), *other = ibufq_new();
	struct ibuf *b;
	int p[2], i;

	(void)state;
	assert_int_equal(pipe(p), 0);
	msgbuf_concat(m, q);
	assert_int_equal(msgbuf_queuelen(m), 0);
	ibuf_close(m, text("a"));
	for (i = 0; i < 2; i++) {
		ibufq_push(q, text("b"));
		ibufq_push(q, text("c"));
		if (i == 1) {
			/* With a descriptor that needs a byte. */
			b = ibuf_open(0);
			ibuf_fd_set(b, t_fd(NULL));
			ibufq_push(other, b);
			ibufq_push(other, text("d"));
			ibufq_concat(q, other);
		}
		msgbuf_concat(m, q);
		assert_int_equal(ibufq_queuelen(q), 0);
	}
	assert_int_equal(msgbuf_queuelen(m), 6);
	while (msgbuf_queuelen(m) > 0)
		assert_int_equal(ibuf_write(p[1], m), 0);
	expect(p[0], "abcbcd");
	ibufq_free(other);
	ibufq_free(q);
	msgbuf_free(m);
	close(p[0]);
	close(p[1]);
}

static void
clear_drops_the_queue_and_its_descriptors(void **state)
{
	struct msgbuf *m = msgbuf_new();
	struct ibuf *b;
	int i, before = t_count_fds();

	(void)state;
	for (i = 0; i < 3; i++) {
		b = text(i == 1 ? "" : "x");
		ibuf_fd_set(b, t_fd(NULL));
		ibuf_close(m, b);
	}
	msgbuf_clear(m);
	assert_int_equal(msgbuf_queuelen(m), 0);
	assert_int_equal(t_count_fds(), before);
	msgbuf_clear(m);
	msgbuf_free(m);
}

static void
a_full_pipe_is_0_and_loses_nothing(void **state)
{
	static char big[1 << 17];
	struct msgbuf *m = msgbuf_new();
	struct ibuf *b = ibuf_open(sizeof(big));
	size_t got = 0;
	ssize_t n;
	int p[2];

	(void)state;
	assert_int_equal(pipe(p), 0);
	t_nonblock(p[0]);
	t_nonblock(p[1]);
	t_fill(big, sizeof(big), 9);
	assert_int_equal(ibuf_add(b, big, sizeof(big)), 0);
	ibuf_close(m, b);
	while (got < sizeof(big)) {
		assert_int_equal(ibuf_write(p[1], m), 0);
		assert_int_equal(ibuf_write(p[1], m), 0);
		n = read(p[0], big, sizeof(big) - got);
		assert_true(n > 0);
		got += (size_t)n;
	}
	assert_int_equal(msgbuf_queuelen(m), 0);
	msgbuf_free(m);
	close(p[0]);
	close(p[1]);
}

static void
close_a_view(void *m)
{
	struct ibuf view;

	ibuf_from_buffer(&view, NULL, 0);
	ibuf_close(m, &view);
}

static void
views_are_not_taken_over(void **state)
{
	struct msgbuf *m = msgbuf_new();

	(void)state;
	t_assert_aborts(close_a_view, m);
	msgbuf_free(m);
}

/* It counts until a byte comes for it, whatever is sent before. */
static void
a_waiting_descriptor_counts_beside_composed_messages(void **state)
{
	struct imsgbuf a, b;
	struct ibuf *h;
	int pass;

	(void)state;
	for (pass = 0; pass < 2; pass++) {
		t_chan(&a, &b, pass);
		assert_int_equal(imsg_compose(&a, 1, 0, 0, -1, "x", 1), 1);
		assert_non_null(h = ibuf_open(0));
		ibuf_fd_set(h, t_fd(NULL));
		ibuf_close(a.w, h);
		assert_int_equal(imsgbuf_queuelen(&a), 2);
		assert_int_equal(imsgbuf_write(&a), 0);
		assert_int_equal(imsgbuf_queuelen(&a), 1);
		assert_int_equal(imsgbuf_queuebytes(&a), 0);
		assert_errno(imsgbuf_flush(&a), EINVAL);
		assert_int_equal(imsg_compose(&a, 2, 0, 0, -1, "y", 1), 1);
		assert_int_equal(imsgbuf_queuelen(&a), 1);
		assert_int_equal(imsgbuf_flush(&a), 0);
		assert_int_equal(imsgbuf_queuelen(&a), 0);
		assert_int_equal(imsg_compose(&a, 3, 0, 0, -1, "z", 1), 1);
		assert_int_equal(imsgbuf_queuelen(&a), 1);
		t_unchan(&a, &b);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(an_empty_queue_makes_no_system_call),
		T(only_the_unread_part_is_sent_in_order),
		T(empty_ones_leave_with_the_next_write),
		T(errors_leave_the_queue_as_it_was),
		T(msgbuf_write_wants_a_socket),
		T(a_dead_socket_is_epipe_without_a_signal),
		T(ibuf_write_closes_descriptors_unsent),
		T(a_sent_descriptor_is_closed_after_a_short_write),
		T(a_descriptor_without_a_byte_waits_for_one),
		T(concat_moves_a_queue_behind_the_others),
		T(clear_drops_the_queue_and_its_descriptors),
		T(a_full_pipe_is_0_and_loses_nothing),
		T(views_are_not_taken_over),
		T(a_waiting_descriptor_counts_beside_composed_messages),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
