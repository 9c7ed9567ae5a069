/* SPDX-License-Identifier: ISC */
/*
 * Building messages: exact limits, who owns what after success and failure,
 * and every allocation failing.
 */
#include "testlib.h"

#define MOST (MAX_IMSGSIZE - IMSG_HEADER_SIZE)

static unsigned char big[MAX_IMSGSIZE];

static void
expect(struct imsgbuf *a, struct imsgbuf *b, uint32_t type, uint32_t id,
    pid_t pid, const void *data, size_t len)
{
	struct imsg m;

	while (imsgbuf_queuelen(a) > 0) {
		assert_int_equal(imsgbuf_write(a), 0);
		if (poll(&(struct pollfd){ b->fd, POLLIN, 0 }, 1, 0) == 1)
			assert_int_equal(imsgbuf_read(b), 1);
	}
	t_get(b, &m);
	assert_int_equal(imsg_get_type(&m), type);
	assert_int_equal(imsg_get_id(&m), id);
	assert_int_equal(imsg_get_pid(&m), pid);
	assert_int_equal(imsg_get_len(&m), len);
	assert_int_equal(m.hdr.len, len + IMSG_HEADER_SIZE);
	if (len > 0)
		assert_memory_equal(m.data, data, len);
	else
		assert_null(m.data);
	imsg_free(&m);
}

static void
compose_takes_payloads_up_to_the_limit(void **state)
{
	struct imsgbuf a, b;
	size_t n;

	(void)state;
	t_fill(big, sizeof(big), 3);
	t_chan(&a, &b, 0);
	for (n = 0; n < 300; n++) {
		assert_int_equal(imsg_compose(&a, 1, 2, 3, -1, big, n), 1);
		expect(&a, &b, 1, 2, 3, big, n);
	}
	assert_int_equal(imsg_compose(&a, 1, 2, 3, -1, big, MOST), 1);
	expect(&a, &b, 1, 2, 3, big, MOST);
	assert_errno(imsg_compose(&a, 1, 2, 3, -1, big, MOST + 1), ERANGE);
	assert_errno(imsg_compose(&a, 1, 2, 3, -1, big, SIZE_MAX), ERANGE);
	assert_errno(imsg_compose(&a, 1, 2, 3, -1, big, SIZE_MAX - 15), ERANGE);
	assert_errno(
	    imsg_compose(&a, 1, 2, 3, -1, big, (size_t)UINT32_MAX), ERANGE);
	assert_int_equal(imsgbuf_queuelen(&a), 0);
	/* No data, no length: nothing is looked at. */
	assert_int_equal(imsg_compose(&a, 1, 2, 3, -1, NULL, 0), 1);
	expect(&a, &b, 1, 2, 3, NULL, 0);
	t_unchan(&a, &b);
}

/* Wherever the memory that messages share is full. */
static void
messages_of_every_size_lie_side_by_side(void **state)
{
	struct imsgbuf a, b;
	struct imsg m;
	size_t n;
	uint32_t i;

	(void)state;
	t_chan(&a, &b, 0);
	for (n = 0; n < 180; n++) {
		for (i = 0; i < 14; i++) {
			t_fill(big, n, i);
			assert_int_equal(
			    imsg_compose(&a, i, 0, 0, -1, big, n), 1);
		}
		assert_int_equal(imsgbuf_queuelen(&a), 14);
		assert_int_equal(imsgbuf_flush(&a), 0);
		for (i = 0; i < 14; i++) {
			t_get(&b, &m);
			assert_int_equal(imsg_get_type(&m), i);
			assert_int_equal(imsg_get_len(&m), n);
			assert_true(t_check(m.data, n, i));
			imsg_free(&m);
		}
	}
	t_unchan(&a, &b);
}

static void
pid_0_is_the_channels_any_other_is_kept(void **state)
{
	struct imsgbuf a, b;

	(void)state;
	t_chan(&a, &b, 0);
	assert_int_equal(imsg_compose(&a, 1, 2, 0, -1, "x", 1), 1);
	expect(&a, &b, 1, 2, getpid(), "x", 1);
	assert_int_equal(imsg_compose(&a, 1, 2, -1, -1, "x", 1), 1);
	expect(&a, &b, 1, 2, -1, "x", 1);
	assert_int_equal(
	    imsg_compose(&a, UINT32_MAX, UINT32_MAX, 1, -5, "", 0), 1);
	expect(&a, &b, UINT32_MAX, UINT32_MAX, 1, "", 0);
	t_unchan(&a, &b);
}

static void
composev_gathers_the_pieces(void **state)
{
	struct iovec iov[4] = { { big, 5 }, { NULL, 0 }, { big + 5, 0 },
		{ big + 5, 7 } };
	struct iovec wrap[2] = { { big, SIZE_MAX }, { big, 17 } };
	struct iovec over[2] = { { big, MOST }, { big, 1 } };
	struct imsgbuf a, b;

	(void)state;
	t_fill(big, sizeof(big), 4);
	t_chan(&a, &b, 0);
	assert_int_equal(imsg_composev(&a, 1, 2, 3, -1, iov, 4), 1);
	expect(&a, &b, 1, 2, 3, big, 12);
	assert_int_equal(imsg_composev(&a, 1, 2, 3, -1, NULL, 0), 1);
	expect(&a, &b, 1, 2, 3, NULL, 0);
	assert_errno(imsg_composev(&a, 1, 2, 3, -1, wrap, 2), ERANGE);
	assert_errno(imsg_composev(&a, 1, 2, 3, -1, over, 2), ERANGE);
	assert_int_equal(imsg_composev(&a, 1, 2, 3, -1, over, 1), 1);
	expect(&a, &b, 1, 2, 3, big, MOST);
	t_unchan(&a, &b);
}

static void
a_descriptor_changes_hands_on_success_only(void **state)
{
	struct iovec iov = { big, MOST + 1 };
	struct imsgbuf a, b;
	int fd = t_fd(NULL);
	long n;

	(void)state;
	t_chan(&a, &b, 1);
	assert_errno(imsg_compose(&a, 1, 0, 0, fd, big, MOST + 1), ERANGE);
	assert_errno(imsg_composev(&a, 1, 0, 0, fd, &iov, 1), ERANGE);
	for (n = 1; n < 3; n++) {
		t_fail_alloc(1, n == 2);
		assert_errno(imsg_compose(&a, 1, 0, 0, fd, big, 9), ENOMEM);
		t_fail_alloc(1, n == 2);
		iov.iov_len = 9;
		assert_errno(imsg_composev(&a, 1, 0, 0, fd, &iov, 1), ENOMEM);
	}
	t_fail_alloc(0, 0);
	assert_true(fcntl(fd, F_GETFD) != -1);
	assert_int_equal(imsgbuf_queuelen(&a), 0);
	assert_int_equal(imsg_compose(&a, 1, 0, 0, fd, big, 9), 1);
	assert_true(fcntl(fd, F_GETFD) != -1);
	imsgbuf_clear(&a);
	assert_int_equal(fcntl(fd, F_GETFD), -1);
	t_unchan(&a, &b);
}

static void
compose_ibuf_consumes_its_buffer_in_every_case(void **state)
{
	struct imsgbuf a, b;
	struct ibuf *p;
	long n;

	(void)state;
	t_fill(big, sizeof(big), 6);
	t_chan(&a, &b, 1);
	for (n = 0; n < 3; n++) {
		assert_non_null(p = ibuf_open(MOST + (size_t)n / 2));
		assert_int_equal(ibuf_add(p, big, MOST + (size_t)n / 2), 0);
		ibuf_fd_set(p, t_fd(NULL));
		t_fail_alloc(n == 1, 0);
		if (n == 0)
			assert_int_equal(imsg_compose_ibuf(&a, 1, 2, 3, p), 1);
		else
			assert_errno(imsg_compose_ibuf(&a, 1, 2, 3, p),
			    n == 1 ? ENOMEM : ERANGE);
		t_fail_alloc(0, 0);
		if (n == 0)
			expect(&a, &b, 1, 2, 3, big, MOST);
		assert_int_equal(imsgbuf_queuelen(&a), 0);
	}
	t_unchan(&a, &b);
}

static void
compose_ibuf_sends_the_unread_part_and_its_descriptor(void **state)
{
	struct imsgbuf a, b;
	struct imsg m;
	struct ibuf *p;
	uint64_t id;
	int fd;

	(void)state;
	t_chan(&a, &b, 1);
	p = ibuf_dynamic(0, 100);
	assert_int_equal(ibuf_add(p, "abcdef", 6), 0);
	assert_int_equal(ibuf_skip(p, 2), 0);
	ibuf_fd_set(p, t_fd(&id));
	assert_int_equal(imsg_compose_ibuf(&a, 1, 0, 0, p), 1);
	/* A queue of nothing but empty ones drains, too. */
	assert_int_equal(imsg_compose_ibuf(&a, 2, 0, 0, ibuf_open(0)), 1);
	assert_int_equal(imsg_compose_ibuf(&a, 3, 0, 0, ibuf_open(5)), 1);
	assert_int_equal(imsgbuf_flush(&a), 0);
	t_get(&b, &m);
	assert_int_equal(imsg_get_len(&m), 4);
	assert_memory_equal(m.data, "cdef", 4);
	assert_int_equal(t_fd_id(fd = imsg_get_fd(&m)), id);
	close(fd);
	imsg_free(&m);
	expect(&a, &b, 2, 0, getpid(), NULL, 0);
	expect(&a, &b, 3, 0, getpid(), NULL, 0);
	t_unchan(&a, &b);
}

static void
create_add_close_build_a_message(void **state)
{
	struct imsgbuf a, b;
	struct ibuf *p;

	(void)state;
	t_fill(big, sizeof(big), 7);
	t_chan(&a, &b, 0);
	assert_null_errno(imsg_create(&a, 1, 2, 3, MOST + 1), ERANGE);
	assert_null_errno(imsg_create(&a, 1, 2, 3, SIZE_MAX), ERANGE);
	t_fail_alloc(1, 0);
	assert_null_errno(imsg_create(&a, 1, 2, 3, 1), ENOMEM);
	assert_non_null(p = imsg_create(&a, 1, 2, 3, 4));
	assert_int_equal(ibuf_size(p), IMSG_HEADER_SIZE);
	assert_int_equal(imsgbuf_queuelen(&a), 0);
	assert_int_equal(imsg_add(p, NULL, 0), 0);
	/* The length was a hint: it grows up to the channel's limit. */
	assert_int_equal(imsg_add(p, big, 1000), 1000);
	assert_int_equal(imsg_add(p, big + 1000, MOST - 1000), MOST - 1000);
	imsg_close(&a, p);
	expect(&a, &b, 1, 2, 3, big, MOST);
	t_unchan(&a, &b);
}

static void
a_failing_add_frees_the_message(void **state)
{
	struct imsgbuf a, b;
	struct ibuf *p;
	int i;

	(void)state;
	t_chan(&a, &b, 1);
	for (i = 0; i < 3; i++) {
		p = imsg_create(&a, 1, 2, 3, 0);
		ibuf_fd_set(p, t_fd(NULL));
		if (i == 0)
			assert_errno(imsg_add(p, big, MOST + 1), ERANGE);
		else if (i == 1)
			assert_errno(
			    imsg_add(p, big, (size_t)INT32_MAX + 1), ERANGE);
		else {
			t_fail_alloc(1, 1);
			assert_errno(imsg_add(p, big, 50), ENOMEM);
			t_fail_alloc(0, 0);
		}
	}
	t_unchan(&a, &b);
}

static void
the_limit_of_one_message_can_be_lowered(void **state)
{
	struct imsgbuf a, b;
	struct ibuf *p, view;

	(void)state;
	t_chan(&a, &b, 0);
	p = imsg_create(&a, 1, 2, 3, 0);
	assert_errno(imsg_set_maxsize(p, MOST + 1), ERANGE);
	assert_errno(imsg_set_maxsize(p, SIZE_MAX), ERANGE);
	assert_errno(imsg_set_maxsize(p, (size_t)UINT32_MAX - 15), ERANGE);
	assert_int_equal(imsg_set_maxsize(p, 4), 0);
	assert_int_equal(imsg_add(p, "abc", 3), 3);
	assert_errno(imsg_set_maxsize(p, 2), ERANGE);
	assert_int_equal(imsg_set_maxsize(p, 3), 0);
	assert_errno(imsg_set_maxsize(p, 4), ERANGE);
	assert_errno(imsg_add(p, "d", 1), ERANGE);
	ibuf_from_buffer(&view, big, 5);
	assert_errno(imsg_set_maxsize(&view, 1), EINVAL);
	t_unchan(&a, &b);
}

static void
forward_copies_all_but_the_descriptor(void **state)
{
	struct imsgbuf a, b, c, d;
	struct imsg m;
	char two[2];
	uint64_t id;
	int fd;

	(void)state;
	t_chan(&a, &b, 1);
	t_chan(&c, &d, 1);
	assert_int_equal(imsg_compose(&a, 9, 8, 7, t_fd(&id), "abcd", 4), 1);
	assert_int_equal(imsgbuf_flush(&a), 0);
	t_get(&b, &m);
	assert_int_equal(imsg_get_buf(&m, two, 2), 0);
	assert_int_equal(imsg_forward(&c, &m), 1);
	assert_int_equal(imsg_get_len(&m), 4);
	assert_int_equal(imsg_forward(&c, &m), 1);
	t_fail_alloc(1, 1);
	c.maxsize = 19;
	assert_errno(imsg_forward(&c, &m), ERANGE);
	t_fail_alloc(0, 0);
	assert_int_equal(t_fd_id(fd = imsg_get_fd(&m)), id);
	close(fd);
	imsg_free(&m);
	expect(&c, &d, 9, 8, 7, "abcd", 4);
	expect(&c, &d, 9, 8, 7, "abcd", 4);
	t_unchan(&a, &b);
	t_unchan(&c, &d);
}

static void
forward_of_a_short_message_is_ebadmsg(void **state)
{
	struct imsgbuf a, b;
	struct imsg m;

	(void)state;
	t_chan(&a, &b, 0);
	memset(&m, 0, sizeof(m));
	m.buf = ibuf_open(8);
	assert_int_equal(ibuf_add_zero(m.buf, 8), 0);
	assert_errno(imsg_forward(&a, &m), EBADMSG);
	imsg_free(&m);
	t_unchan(&a, &b);
}

static void
forward_replaces_pid_0(void **state)
{
	struct imsgbuf a, b;
	struct imsg_hdr h = { 1, 16, 2, 0 };
	struct imsg m;

	(void)state;
	t_chan(&a, &b, 0);
	t_put(a.fd, &h, sizeof(h));
	t_get(&b, &m);
	assert_int_equal(imsg_get_pid(&m), 0);
	assert_int_equal(imsg_forward(&b, &m), 1);
	imsg_free(&m);
	expect(&b, &a, 1, 2, b.pid, NULL, 0);
	t_unchan(&a, &b);
}

static void
compose_view(void *arg)
{
	struct ibuf view;

	ibuf_from_buffer(&view, big, 5);
	(void)imsg_compose_ibuf(arg, 1, 0, 0, &view);
}

static void
compose_view_too_big(void *arg)
{
	struct ibuf view;

	ibuf_from_buffer(&view, big, sizeof(big));
	(void)imsg_compose_ibuf(arg, 1, 0, 0, &view);
}

static void
views_are_not_taken_over(void **state)
{
	struct imsgbuf a, b;

	(void)state;
	t_chan(&a, &b, 0);
	t_assert_aborts(compose_view, &a);
	t_assert_aborts(compose_view_too_big, &a);
	t_unchan(&a, &b);
}

/*
 * With no memory at all a message is queued or refused; what was accepted
 * arrives in order, nothing else does.
 */
static void
no_memory_leaves_the_queue_as_it_was(void **state)
{
	static const size_t sizes[] = { 5, MOST, 0, 90 };
	struct imsgbuf a, b;
	uint32_t i, accepted = 0, refused = 0;
	size_t bytes = 0;

	(void)state;
	t_fill(big, sizeof(big), 8);
	t_chan(&a, &b, 0);
	assert_int_equal(imsg_compose(&a, 0, 0, 1, -1, "first", 5), 1);
	bytes = imsgbuf_queuebytes(&a);
	t_fail_alloc(1, 1);
	for (i = 0; i < 400; i++) {
		if (imsg_compose(&a, 1, i, 1, -1, big, sizes[i % 4]) == 1) {
			bytes += sizes[i % 4] + IMSG_HEADER_SIZE;
			accepted++;
		} else {
			assert_int_equal(errno, ENOMEM);
			refused++;
		}
		assert_int_equal(imsgbuf_queuebytes(&a), bytes);
		assert_int_equal(imsgbuf_queuelen(&a), accepted + 1);
	}
	t_fail_alloc(0, 0);
	assert_true(refused > 0);
	expect(&a, &b, 0, 0, 1, "first", 5);
	assert_int_equal(imsgbuf_queuelen(&a), 0);
	t_unchan(&a, &b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(compose_takes_payloads_up_to_the_limit),
		T(messages_of_every_size_lie_side_by_side),
		T(pid_0_is_the_channels_any_other_is_kept),
		T(composev_gathers_the_pieces),
		T(a_descriptor_changes_hands_on_success_only),
		T(compose_ibuf_consumes_its_buffer_in_every_case),
		T(compose_ibuf_sends_the_unread_part_and_its_descriptor),
		T(create_add_close_build_a_message),
		T(a_failing_add_frees_the_message),
		T(the_limit_of_one_message_can_be_lowered),
		T(forward_copies_all_but_the_descriptor),
		T(forward_of_a_short_message_is_ebadmsg),
		T(forward_replaces_pid_0),
		T(views_are_not_taken_over),
		T(no_memory_leaves_the_queue_as_it_was),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
