/* SPDX-License-Identifier: ISC */
/*
 * A reader for a protocol of its own: two bytes of length, big endian, the
 * whole message included, and a third byte that asks for a descriptor.
 */
#include "testlib.h"

#define HDR 3

enum mode { NORMAL, VIEW, SMALL, FAIL, NOMEM, SILENT };

static struct {
	enum mode mode;
	int calls;
	void *arg;
	struct ibuf view;
} cb;

static struct ibuf *
readhdr(struct ibuf *hdr, void *arg, int *fd)
{
	struct ibuf *b;
	uint16_t len;
	uint8_t wants;

	cb.calls++;
	cb.arg = arg;
	assert_int_equal(ibuf_size(hdr), HDR);
	assert_int_equal(ibuf_get_n16(hdr, &len), 0);
	assert_int_equal(ibuf_get_n8(hdr, &wants), 0);
	switch (cb.mode) {
	case VIEW:
		ibuf_from_buffer(&cb.view, NULL, 0);
		return &cb.view;
	case SMALL:
		len = HDR - 1;
		break;
	case FAIL:
		errno = EXDEV;
		return NULL;
	case SILENT:
		errno = 0;
		return NULL;
	case NOMEM:
		cb.mode = NORMAL;
		errno = ENOMEM;
		return NULL;
	case NORMAL:
		break;
	}
	if ((b = ibuf_open(len)) == NULL)
		return NULL;
	if (wants) {
		ibuf_fd_set(b, *fd);
		*fd = -1;
	}
	return b;
}

static struct msgbuf *
begin(int s[2])
{
	struct msgbuf *m;

	memset(&cb, 0, sizeof(cb));
	t_pair(s);
	t_nonblock(s[1]);
	assert_non_null(m = msgbuf_new_reader(HDR, readhdr, &cb));
	return m;
}

static void
end(struct msgbuf *m, int s[2])
{
	msgbuf_free(m);
	close(s[0]);
	close(s[1]);
}

/* A message of that total length, 3 to 255 bytes. */
static size_t
make(unsigned char *p, size_t len, int wants)
{
	t_fill(p, len, (uint32_t)len);
	p[0] = 0;
	p[1] = (unsigned char)len;
	p[2] = (unsigned char)wants;
	return len;
}

static void
expect(struct msgbuf *m, const unsigned char *p, size_t len)
{
	struct ibuf *b = msgbuf_get(m);

	assert_non_null(b);
	assert_int_equal(b->rpos, 0);
	assert_int_equal(ibuf_size(b), len);
	assert_int_equal(ibuf_left(b), 0);
	assert_memory_equal(ibuf_data(b), p, len);
	ibuf_free(b);
}

static void
header_sizes_from_1_to_32767(void **state)
{
	struct msgbuf *m;

	(void)state;
	assert_null_errno(msgbuf_new_reader(0, readhdr, NULL), EINVAL);
	assert_null_errno(msgbuf_new_reader(32768, readhdr, NULL), EINVAL);
	assert_null_errno(msgbuf_new_reader(SIZE_MAX, readhdr, NULL), EINVAL);
	assert_non_null(m = msgbuf_new_reader(32767, readhdr, NULL));
	msgbuf_free(m);
	assert_non_null(m = msgbuf_new_reader(1, readhdr, NULL));
	msgbuf_free(m);
	t_fail_alloc(1, 0);
	assert_null_errno(msgbuf_new_reader(1, readhdr, NULL), ENOMEM);
	t_fail_alloc(2, 0);
	assert_null_errno(msgbuf_new_reader(1, readhdr, NULL), ENOMEM);
}

static void
a_writer_cannot_read(void **state)
{
	struct msgbuf *m = msgbuf_new();

	(void)state;
	assert_errno(ibuf_read(0, m), EINVAL);
	assert_errno(msgbuf_read(0, m), EINVAL);
	assert_null(msgbuf_get(m));
	msgbuf_free(m);
}

static void
split_run(int (*rd)(int, struct msgbuf *), size_t cut, size_t l1, size_t l2)
{
	unsigned char p[512];
	struct msgbuf *m;
	size_t n;
	int s[2];

	m = begin(s);
	n = make(p, l1, 0);
	n += make(p + n, l2, 0);
	t_put(s[0], p, cut);
	assert_int_equal(rd(s[1], m), 1);
	if (cut < n)
		t_put(s[0], p + cut, n - cut);
	while (poll(&(struct pollfd){ s[1], POLLIN, 0 }, 1, 0) == 1)
		assert_int_equal(rd(s[1], m), 1);
	assert_int_equal(cb.calls, 2);
	assert_ptr_equal(cb.arg, &cb);
	expect(m, p, l1);
	expect(m, p + l1, l2);
	assert_null(msgbuf_get(m));
	end(m, s);
}

static void
splits_and_joins_are_invisible(void **state)
{
	static const size_t lens[] = { 3, 4, 7, 50, 51, 52, 60 };
	size_t cut, i, k;

	(void)state;
	for (i = 0; i < 7; i++)
		for (k = 0; k < 7; k++)
			for (cut = 1; cut <= lens[i] + lens[k]; cut++)
				split_run(cut % 2 ? ibuf_read : msgbuf_read,
				    cut, lens[i], lens[k]);
}

static void
nothing_new_is_1_and_end_of_file_is_0(void **state)
{
	unsigned char p[16];
	struct msgbuf *m;
	int s[2], i;

	(void)state;
	m = begin(s);
	assert_int_equal(ibuf_read(s[1], m), 1);
	assert_int_equal(msgbuf_read(s[1], m), 1);
	t_put(s[0], p, make(p, 16, 0));
	shutdown(s[0], SHUT_WR);
	assert_int_equal(msgbuf_read(s[1], m), 1);
	for (i = 0; i < 3; i++) {
		assert_int_equal(ibuf_read(s[1], m), 0);
		assert_int_equal(msgbuf_read(s[1], m), 0);
	}
	expect(m, p, 16);
	end(m, s);
}

static void
errors_of_the_system_call_are_reported(void **state)
{
	struct msgbuf *m;
	int s[2];

	(void)state;
	m = begin(s);
	assert_errno(ibuf_read(12345, m), EBADF);
	assert_errno(msgbuf_read(12345, m), EBADF);
	t_fail_recv(1, ECONNRESET);
	assert_errno(msgbuf_read(s[1], m), ECONNRESET);
	assert_int_equal(msgbuf_read(s[1], m), 1);
	end(m, s);
}

/* OpenBSD says EMSGSIZE when the descriptor table is full. */
static void
emsgsize_is_tried_once_more_then_returned(void **state)
{
	unsigned char p[16];
	struct msgbuf *m;
	int s[2];

	(void)state;
	m = begin(s);
	t_put(s[0], p, make(p, 16, 0));
	t_fail_recv(2, EMSGSIZE);
	assert_errno(msgbuf_read(s[1], m), EMSGSIZE);
	t_fail_recv(1, EMSGSIZE);
	assert_int_equal(msgbuf_read(s[1], m), 1);
	expect(m, p, 16);
	end(m, s);
}

static void
callback_run(enum mode mode, int error)
{
	unsigned char p[64];
	struct msgbuf *m;
	size_t n;
	unsigned long calls;
	int s[2], fd = t_fd(NULL), before;

	m = begin(s);
	n = make(p, 8, 0);
	t_put(s[0], p, n);
	assert_int_equal(msgbuf_read(s[1], m), 1);
	cb.mode = mode;
	make(p + n, 10, 1);
	before = t_count_fds();
	t_put_fd(s[0], p + n, 10, fd);
	assert_errno(msgbuf_read(s[1], m), error);
	assert_int_equal(t_count_fds(), before);
	calls = t_calls.recv;
	cb.mode = NORMAL;
	assert_errno(msgbuf_read(s[1], m), error);
	assert_errno(ibuf_read(s[1], m), error);
	assert_int_equal(t_calls.recv, calls);
	assert_int_equal(cb.calls, 2);
	expect(m, p, 8);
	assert_null(msgbuf_get(m));
	/* Cleared, it begins with the next message. */
	msgbuf_clear(m);
	t_put(s[0], p, n);
	assert_int_equal(msgbuf_read(s[1], m), 1);
	expect(m, p, 8);
	close(fd);
	end(m, s);
}

static void
what_the_callback_says_stays(void **state)
{
	(void)state;
	callback_run(FAIL, EXDEV);
}

static void
a_callback_without_errno_is_einval(void **state)
{
	(void)state;
	callback_run(SILENT, EINVAL);
}

static void
a_view_from_the_callback_is_einval(void **state)
{
	(void)state;
	callback_run(VIEW, EINVAL);
}

static void
a_buffer_too_small_is_einval_and_freed(void **state)
{
	(void)state;
	callback_run(SMALL, EINVAL);
}

/* Bytes and descriptor are kept; the next read goes on without a call. */
static void
no_memory_is_tried_again(void **state)
{
	unsigned char p[64];
	struct msgbuf *m;
	struct ibuf *b;
	uint64_t id;
	unsigned long calls;
	int s[2], fd = t_fd(&id), i;

	(void)state;
	for (i = 0; i < 2; i++) {
		m = begin(s);
		make(p, 40, 1);
		t_put_fd(s[0], p, 40, fd);
		if (i == 0)
			cb.mode = NOMEM;
		else
			t_fail_alloc(1, 0);
		assert_errno(msgbuf_read(s[1], m), ENOMEM);
		t_fail_alloc(0, 0);
		calls = t_calls.recv;
		assert_int_equal(msgbuf_read(s[1], m), 1);
		assert_int_equal(t_calls.recv, calls);
		assert_int_equal(cb.calls, 2);
		assert_non_null(b = msgbuf_get(m));
		assert_memory_equal(ibuf_data(b), p, 40);
		assert_true(ibuf_fd_avail(b));
		assert_int_equal(t_fd_id(b->fd), id);
		ibuf_free(b);
		end(m, s);
	}
	close(fd);
}

static void
a_descriptor_goes_to_the_callback_that_takes_it(void **state)
{
	unsigned char p[64];
	struct msgbuf *m;
	struct ibuf *b;
	uint64_t id;
	size_t n;
	int s[2], fd = t_fd(&id), i, before;

	(void)state;
	m = begin(s);
	before = t_count_fds();
	n = make(p, 10, 0);
	n += make(p + n, 11, 1);
	n += make(p + n, 12, 1);
	t_put_fd(s[0], p, n, fd);
	assert_int_equal(msgbuf_read(s[1], m), 1);
	for (i = 0; i < 3; i++) {
		assert_non_null(b = msgbuf_get(m));
		assert_int_equal(ibuf_fd_avail(b) != 0, i == 1);
		if (i == 1)
			assert_int_equal(t_fd_id(b->fd), id);
		ibuf_free(b);
	}
	/* With nobody to take it, it is closed at the end of the read. */
	t_put_fd(s[0], p, make(p, 10, 0), fd);
	assert_int_equal(msgbuf_read(s[1], m), 1);
	assert_int_equal(t_count_fds(), before);
	/* ibuf_read never sees one. */
	t_put_fd(s[0], p, make(p, 10, 1), fd);
	assert_int_equal(ibuf_read(s[1], m), 1);
	assert_int_equal(t_count_fds(), before);
	close(fd);
	end(m, s);
}

/* A raw reader's callback knows -1 for none; a lost one is none, too. */
static void
a_lost_descriptor_is_none_for_the_callback(void **state)
{
	unsigned char p[16];
	struct msgbuf *m;
	struct ibuf *b;
	int s[2], fd = t_fd(NULL);

	(void)state;
	m = begin(s);
	t_put_fd(s[0], p, make(p, 16, 1), fd);
	if (!t_full_table()) {
		close(fd);
		end(m, s);
		skip();
	}
	assert_int_equal(msgbuf_read(s[1], m), 1);
	t_normal_table();
	assert_non_null(b = msgbuf_get(m));
	assert_int_equal(b->fd, -1);
	ibuf_free(b);
	close(fd);
	end(m, s);
}

static void
clear_starts_at_a_message_boundary(void **state)
{
	unsigned char p[64];
	struct msgbuf *m;
	int s[2], fd = t_fd(NULL);

	(void)state;
	m = begin(s);
	make(p, 50, 1);
	t_put_fd(s[0], p, 20, fd);
	assert_int_equal(msgbuf_read(s[1], m), 1);
	msgbuf_clear(m);
	t_put_fd(s[0], p, 50, fd);
	t_put_fd(s[0], p, 2, fd);
	assert_int_equal(msgbuf_read(s[1], m), 1);
	assert_int_equal(msgbuf_read(s[1], m), 1);
	msgbuf_clear(m);
	t_put(s[0], p, make(p, 9, 0));
	assert_int_equal(msgbuf_read(s[1], m), 1);
	expect(m, p, 9);
	close(fd);
	end(m, s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(header_sizes_from_1_to_32767),
		T(a_writer_cannot_read),
		T(splits_and_joins_are_invisible),
		T(nothing_new_is_1_and_end_of_file_is_0),
		T(errors_of_the_system_call_are_reported),
		T(emsgsize_is_tried_once_more_then_returned),
		T(what_the_callback_says_stays),
		T(a_callback_without_errno_is_einval),
		T(a_view_from_the_callback_is_einval),
		T(a_buffer_too_small_is_einval_and_freed),
		T(no_memory_is_tried_again),
		T(a_descriptor_goes_to_the_callback_that_takes_it),
		T(a_lost_descriptor_is_none_for_the_callback),
		T(clear_starts_at_a_message_boundary),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
