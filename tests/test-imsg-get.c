/* SPDX-License-Identifier: ISC */
/*
 * Received messages: fetching, asking, freeing.
 */
#include "testlib.h"

/* A channel pair with one message of that payload on its way to b. */
static void
begin(struct imsgbuf *a, struct imsgbuf *b, struct imsg *m, const void *data,
    size_t len, int fd)
{
	t_chan(a, b, 1);
	assert_int_equal(imsg_compose(a, 1, 2, 3, fd, data, len), 1);
	assert_int_equal(imsgbuf_flush(a), 0);
	t_get(b, m);
}

static void
get_and_imsgbuf_get_differ_in_their_result_only(void **state)
{
	struct imsgbuf a, b;
	struct imsg m, zero;
	int i;

	(void)state;
	t_chan(&a, &b, 0);
	memset(&m, 0x5a, sizeof(m));
	memset(&zero, 0x5a, sizeof(zero));
	assert_int_equal(imsg_get(&b, &m), 0);
	assert_int_equal(imsgbuf_get(&b, &m), 0);
	assert_memory_equal(&m, &zero, sizeof(m));
	for (i = 0; i < 4; i++)
		assert_int_equal(
		    imsg_compose(&a, 7, 8, 9, -1, "hello", i < 2 ? 5 : 0), 1);
	assert_int_equal(imsgbuf_flush(&a), 0);
	for (i = 0; i < 4; i++) {
		while (
		    (i % 2 ? (int)imsg_get(&b, &m) : imsgbuf_get(&b, &m)) == 0)
			assert_int_equal(imsgbuf_read(&b), 1);
		assert_int_equal(m.hdr.type, 7);
		assert_int_equal(m.hdr.len, i < 2 ? 21 : 16);
		assert_int_equal(m.hdr.peerid, 8);
		assert_int_equal(m.hdr.pid, 9);
		assert_int_equal(m.data == NULL, i >= 2);
		assert_int_equal(m.buf->rpos, IMSG_HEADER_SIZE);
		imsg_free(&m);
	}
	t_unchan(&a, &b);
}

static void
imsg_get_returns_the_total_size(void **state)
{
	struct imsgbuf a, b;
	struct imsg m;

	(void)state;
	t_chan(&a, &b, 0);
	assert_int_equal(imsg_compose(&a, 7, 8, 9, -1, "hello", 5), 1);
	assert_int_equal(imsg_compose(&a, 7, 8, 9, -1, "hello", 5), 1);
	assert_int_equal(imsgbuf_flush(&a), 0);
	assert_int_equal(imsgbuf_read(&b), 1);
	assert_int_equal(imsg_get(&b, &m), 21);
	imsg_free(&m);
	assert_int_equal(imsgbuf_get(&b, &m), 1);
	imsg_free(&m);
	assert_int_equal(imsgbuf_get(&b, &m), 0);
	t_unchan(&a, &b);
}

static void
data_is_all_or_nothing(void **state)
{
	struct imsgbuf a, b;
	struct imsg m;
	char out[6] = "-----";

	(void)state;
	begin(&a, &b, &m, "hello", 5, -1);
	assert_errno(imsg_get_data(&m, out, 0), EINVAL);
	assert_errno(imsg_get_data(&m, out, 4), EBADMSG);
	assert_errno(imsg_get_data(&m, out, 6), EBADMSG);
	assert_string_equal(out, "-----");
	assert_int_equal(imsg_get_len(&m), 5);
	assert_int_equal(imsg_get_data(&m, out, 5), 0);
	assert_string_equal(out, "hello");
	assert_int_equal(imsg_get_len(&m), 0);
	assert_errno(imsg_get_data(&m, out, 5), EBADMSG);
	/* However much is consumed, data stays. */
	assert_memory_equal(m.data, "hello", 5);
	imsg_free(&m);
	t_unchan(&a, &b);
}

static void
ibuf_is_a_view_of_what_is_left(void **state)
{
	struct imsgbuf a, b;
	struct imsg m;
	struct ibuf view;
	char c;

	(void)state;
	begin(&a, &b, &m, "hello", 5, -1);
	assert_int_equal(imsg_get_buf(&m, &c, 1), 0);
	assert_int_equal(c, 'h');
	assert_int_equal(imsg_get_ibuf(&m, &view), 0);
	assert_int_equal(ibuf_size(&view), 4);
	assert_memory_equal(ibuf_data(&view), "ello", 4);
	assert_int_equal(view.fd, -2);
	assert_int_equal(imsg_get_len(&m), 0);
	assert_errno(imsg_get_ibuf(&m, &view), EBADMSG);
	assert_int_equal(imsg_get_buf(&m, &c, 0), 0);
	assert_errno(imsg_get_buf(&m, &c, 1), EBADMSG);
	imsg_free(&m);
	t_unchan(&a, &b);
}

static void
strbuf_fields_are_terminated(void **state)
{
	struct imsgbuf a, b;
	struct imsg m;
	char out[8];

	(void)state;
	begin(&a, &b, &m, "ab\0zABCD", 8, -1);
	assert_errno(imsg_get_strbuf(&m, out, 0), EINVAL);
	memset(out, '-', sizeof(out));
	assert_errno(imsg_get_strbuf(&m, out, 9), EBADMSG);
	assert_int_equal(out[0], '-');
	/* The last byte is not NUL: cut off, terminated, consumed. */
	assert_errno(imsg_get_strbuf(&m, out, 4), EOVERFLOW);
	assert_memory_equal(out, "ab\0\0", 4);
	assert_errno(imsg_get_strbuf(&m, out, 4), EOVERFLOW);
	assert_memory_equal(out, "ABC\0", 4);
	assert_int_equal(imsg_get_len(&m), 0);
	imsg_free(&m);
	t_unchan(&a, &b);
}

static void
the_descriptor_is_given_once(void **state)
{
	struct imsgbuf a, b;
	struct imsg m;
	uint64_t id;
	int fd;

	(void)state;
	begin(&a, &b, &m, "x", 1, t_fd(&id));
	assert_int_equal(imsg_fd_status(&m), IMSG_FD_PRESENT);
	fd = imsg_get_fd(&m);
	assert_int_equal(t_fd_id(fd), id);
	assert_int_equal(imsg_fd_status(&m), IMSG_FD_TAKEN);
	assert_int_equal(imsg_get_fd(&m), -1);
	imsg_free(&m);
	assert_true(fcntl(fd, F_GETFD) != -1);
	close(fd);
	t_unchan(&a, &b);
}

static void
freeing_twice_is_harmless(void **state)
{
	struct imsgbuf a, b;
	struct imsg m;

	(void)state;
	begin(&a, &b, &m, "x", 1, t_fd(NULL));
	imsg_free(&m);
	assert_null(m.buf);
	assert_null(m.data);
	assert_int_equal(imsg_get_fd(&m), -1);
	assert_int_equal(imsg_fd_status(&m), IMSG_FD_NONE);
	imsg_free(&m);
	memset(&m, 0, sizeof(m));
	imsg_free(&m);
	t_unchan(&a, &b);
}

static void
freeing_keeps_errno(void **state)
{
	struct imsgbuf a, b;
	struct imsg m;
	int fd;

	(void)state;
	begin(&a, &b, &m, "x", 1, t_fd(NULL));
	/* Its close fails, and errno is still the program's. */
	fd = m.buf->fd;
	close(fd);
	errno = EXDEV;
	imsg_free(&m);
	assert_int_equal(errno, EXDEV);
	assert_int_equal(t_bad_closes, 1);
	t_bad_closes = 0;
	t_unchan(&a, &b);
}

static void
a_message_outlives_its_channel(void **state)
{
	struct imsgbuf a, b;
	struct imsg m;
	int fd;

	(void)state;
	begin(&a, &b, &m, "hello", 5, t_fd(NULL));
	t_unchan(&a, &b);
	assert_memory_equal(m.data, "hello", 5);
	assert_true((fd = imsg_get_fd(&m)) >= 0);
	close(fd);
	imsg_free(&m);
}

static void
messages_wait_in_queues_whole(void **state)
{
	struct imsgbuf a, b;
	struct imsg m, zero;
	struct ibufqueue *q = ibufq_new();
	uint64_t id;
	char c;
	int fd;

	(void)state;
	memset(&zero, 0, sizeof(zero));
	begin(&a, &b, &m, "hello", 5, t_fd(&id));
	assert_int_equal(imsg_get_buf(&m, &c, 1), 0);
	imsg_ibufq_push(q, &m);
	assert_memory_equal(&m, &zero, sizeof(m));
	assert_int_equal(ibufq_queuelen(q), 1);
	assert_int_equal(imsg_ibufq_pop(q, &m), 1);
	assert_int_equal(imsg_get_len(&m), 5);
	assert_memory_equal(m.data, "hello", 5);
	assert_int_equal(m.hdr.len, 21);
	assert_int_equal(imsg_fd_status(&m), IMSG_FD_PRESENT);
	assert_int_equal(t_fd_id(fd = imsg_get_fd(&m)), id);
	close(fd);
	/* What became of the descriptor is remembered. */
	imsg_ibufq_push(q, &m);
	assert_int_equal(imsg_ibufq_pop(q, &m), 1);
	assert_int_equal(imsg_fd_status(&m), IMSG_FD_TAKEN);
	imsg_free(&m);
	assert_int_equal(imsg_ibufq_pop(q, &m), 0);
	ibufq_free(q);
	t_unchan(&a, &b);
}

static void
a_lost_descriptor_stays_lost_in_a_queue(void **state)
{
	struct imsgbuf a, b;
	struct imsg m;
	struct imsg_hdr h = { 1, 0x80000010U, 0, 0 };
	struct ibufqueue *q = ibufq_new();

	(void)state;
	t_chan(&a, &b, 1);
	t_put(a.fd, &h, sizeof(h));
	t_get(&b, &m);
	assert_int_equal(imsg_fd_status(&m), IMSG_FD_LOST);
	imsg_ibufq_push(q, &m);
	assert_int_equal(imsg_ibufq_pop(q, &m), 1);
	assert_int_equal(imsg_fd_status(&m), IMSG_FD_LOST);
	assert_int_equal(m.hdr.len, 16);
	imsg_free(&m);
	ibufq_free(q);
	t_unchan(&a, &b);
}

static void
a_short_element_is_ebadmsg_and_freed(void **state)
{
	struct ibufqueue *q = ibufq_new();
	struct imsg m, was;
	struct ibuf *p = ibuf_open(15);

	(void)state;
	assert_int_equal(ibuf_add_zero(p, 15), 0);
	ibuf_fd_set(p, t_fd(NULL));
	ibufq_push(q, p);
	memset(&m, 0x5a, sizeof(m));
	was = m;
	assert_errno(imsg_ibufq_pop(q, &m), EBADMSG);
	assert_memory_equal(&m, &was, sizeof(m));
	assert_int_equal(imsg_ibufq_pop(q, &m), 0);
	ibufq_free(q);
}

static int
aligned(const void *p)
{
	return (uintptr_t)p % _Alignof(max_align_t) == 0;
}

/* Programs cast it to structures of theirs. */
static void
storage_and_payload_are_aligned_for_any_type(void **state)
{
	static const size_t sizes[] = { 1, 8, 100, 5000, 16000, 60000, 300000 };
	static char big[300000];
	struct imsgbuf a, b;
	struct ibuf *p;
	struct imsg m;
	size_t i;
	int pass;

	(void)state;
	for (pass = 0; pass < 2; pass++)
		for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
			t_chan(&a, &b, pass);
			t_nonblock(a.fd);
			t_nonblock(b.fd);
			a.maxsize = b.maxsize = 1 << 20;
			assert_int_equal(
			    imsg_compose(&a, 1, 0, 0, pass ? t_fd(NULL) : -1,
				big, sizes[i]),
			    1);
			while (
			    imsgbuf_queuelen(&a) > 0 || imsgbuf_partial(&b)) {
				assert_int_equal(imsgbuf_write(&a), 0);
				assert_int_equal(imsgbuf_read(&b), 1);
			}
			t_get(&b, &m);
			assert_true(aligned(m.data));
			imsg_free(&m);
			t_unchan(&a, &b);
			assert_non_null(p = ibuf_open(sizes[i]));
			assert_true(aligned(p->buf));
			ibuf_free(p);
			assert_non_null(p = ibuf_dynamic(1, SIZE_MAX));
			assert_int_equal(ibuf_add_zero(p, sizes[i]), 0);
			assert_true(aligned(p->buf));
			ibuf_free(p);
		}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(get_and_imsgbuf_get_differ_in_their_result_only),
		T(imsg_get_returns_the_total_size),
		T(data_is_all_or_nothing),
		T(ibuf_is_a_view_of_what_is_left),
		T(strbuf_fields_are_terminated),
		T(the_descriptor_is_given_once),
		T(freeing_twice_is_harmless),
		T(freeing_keeps_errno),
		T(a_message_outlives_its_channel),
		T(messages_wait_in_queues_whole),
		T(a_lost_descriptor_stays_lost_in_a_queue),
		T(a_short_element_is_ebadmsg_and_freed),
		T(storage_and_payload_are_aligned_for_any_type),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
