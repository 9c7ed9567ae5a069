/* SPDX-License-Identifier: ISC */
/*
 * One buffer: how it is made, grows, holds a descriptor and ends.
 */
#include "testlib.h"

static void
open_gives_a_fixed_zeroed_empty_buffer(void **state)
{
	struct ibuf *b = ibuf_open(100);
	unsigned char zero[100] = { 0 };

	(void)state;
	assert_non_null(b);
	assert_int_equal(b->size, 100);
	assert_int_equal(b->max, 100);
	assert_int_equal(b->wpos, 0);
	assert_int_equal(b->rpos, 0);
	assert_int_equal(b->fd, -1);
	assert_memory_equal(b->buf, zero, 100);
	assert_int_equal(ibuf_size(b), 0);
	assert_int_equal(ibuf_left(b), 100);
	ibuf_free(b);
}

static void
open_of_nothing_holds_nothing(void **state)
{
	struct ibuf *b = ibuf_open(0);

	(void)state;
	assert_non_null(b);
	assert_null(b->buf);
	assert_null(ibuf_data(b));
	assert_int_equal(ibuf_left(b), 0);
	assert_errno(ibuf_add(b, "x", 1), ERANGE);
	assert_int_equal(ibuf_add(b, NULL, 0), 0);
	ibuf_free(b);
}

static void
dynamic_checks_its_limits(void **state)
{
	struct ibuf *b;

	(void)state;
	assert_null_errno(ibuf_dynamic(0, 0), EINVAL);
	assert_null_errno(ibuf_dynamic(2, 1), EINVAL);
	assert_non_null(b = ibuf_dynamic(0, SIZE_MAX));
	assert_null(b->buf);
	assert_int_equal(b->size, 0);
	assert_int_equal(ibuf_left(b), SIZE_MAX);
	ibuf_free(b);
	assert_non_null(b = ibuf_dynamic(5, 5));
	assert_int_equal(b->size, 5);
	assert_int_equal(b->max, 5);
	ibuf_free(b);
}

static void
absurd_sizes_are_enomem(void **state)
{
	/* Not a constant, or the compiler warns about the size itself. */
	volatile size_t most = SIZE_MAX;

	(void)state;
	assert_null_errno(ibuf_open(most), ENOMEM);
	assert_null_errno(ibuf_dynamic(most - 1, most), ENOMEM);
}

static void
growing_keeps_content_and_gains_zeros(void **state)
{
	struct ibuf *b = ibuf_dynamic(3, 100000);
	unsigned char *p;
	size_t i, n;

	(void)state;
	assert_int_equal(ibuf_add(b, "abc", 3), 0);
	for (n = 3; n < 100000; n += i) {
		i = n < 50000 ? n : 100000 - n;
		assert_non_null(p = ibuf_reserve(b, i));
		assert_int_equal(p[0], 0);
		assert_int_equal(p[i - 1], 0);
		assert_true(b->wpos <= b->size && b->size <= b->max);
		assert_memory_equal(ibuf_data(b), "abc", 3);
	}
	assert_int_equal(ibuf_left(b), 0);
	assert_errno(ibuf_add(b, "x", 1), ERANGE);
	ibuf_free(b);
}

/* One byte at a time: the copies in all are a constant times the bytes. */
static void
appending_bytes_is_linear(void **state)
{
	struct ibuf *b = ibuf_dynamic(0, 1 << 20);
	int i;

	(void)state;
	t_fail_alloc(0, 0);
	for (i = 0; i < 1 << 20; i++)
		assert_int_equal(ibuf_add_n8(b, (uint64_t)(i & 0xff)), 0);
	assert_true(t_allocs() <= 21);
	for (i = 0; i < 1 << 20; i++)
		if (b->buf[i] != (i & 0xff))
			fail();
	ibuf_free(b);
}

static void
growth_settles_for_what_is_needed(void **state)
{
	struct ibuf *b = ibuf_dynamic(100, 1000);

	(void)state;
	assert_int_equal(ibuf_add_zero(b, 100), 0);
	/* The wish for 200 fails, the need of 101 does not. */
	t_fail_alloc(1, 0);
	assert_int_equal(ibuf_add(b, "x", 1), 0);
	assert_int_equal(b->size, 101);
	t_fail_alloc(1, 1);
	assert_errno(ibuf_add(b, "y", 1), ENOMEM);
	assert_int_equal(ibuf_size(b), 101);
	ibuf_free(b);
}

static void
views_show_and_own_nothing(void **state)
{
	char text[] = "hello";
	struct ibuf v, w;

	(void)state;
	ibuf_from_buffer(&v, text, 5);
	assert_int_equal(v.rpos, 0);
	assert_int_equal(v.wpos, 5);
	assert_int_equal(v.size, 5);
	assert_int_equal(v.max, 0);
	assert_int_equal(v.fd, -2);
	assert_int_equal(ibuf_left(&v), 0);
	assert_int_equal(ibuf_fd_avail(&v), 0);
	errno = EXDEV;
	assert_int_equal(ibuf_fd_get(&v), -1);
	assert_int_equal(errno, EXDEV);
	assert_int_equal(v.fd, -2);
	assert_int_equal(ibuf_skip(&v, 2), 0);
	ibuf_from_ibuf(&w, &v);
	assert_int_equal(ibuf_size(&w), 3);
	assert_ptr_equal(ibuf_data(&w), text + 2);
	assert_int_equal(ibuf_skip(&w, 3), 0);
	assert_int_equal(ibuf_size(&v), 3);
	/* Rewound, a view begins where it was made. */
	ibuf_rewind(&w);
	assert_ptr_equal(ibuf_data(&w), text + 2);
	ibuf_from_buffer(&v, NULL, 0);
	assert_int_equal(ibuf_size(&v), 0);
	ibuf_from_ibuf(&w, &v);
	assert_int_equal(ibuf_size(&w), 0);
}

static void
views_cannot_grow_but_shrink_and_write_through(void **state)
{
	char text[] = "hello";
	struct ibuf v;

	(void)state;
	ibuf_from_buffer(&v, text, 5);
	assert_errno(ibuf_add(&v, "x", 1), EINVAL);
	assert_errno(ibuf_add_zero(&v, 1), EINVAL);
	assert_errno(ibuf_add_n8(&v, 1), EINVAL);
	assert_errno(ibuf_add_strbuf(&v, "a", 2), EINVAL);
	assert_null_errno(ibuf_reserve(&v, 1), EINVAL);
	assert_null_errno(ibuf_reserve(&v, 0), EINVAL);
	assert_null_errno(ibuf_reserve(&v, SIZE_MAX), ERANGE);
	assert_errno(ibuf_set_maxsize(&v, 5), EINVAL);
	assert_int_equal(ibuf_add(&v, NULL, 0), 0);
	assert_int_equal(ibuf_add_zero(&v, 0), 0);
	assert_int_equal(ibuf_set(&v, 1, "E", 1), 0);
	assert_string_equal(text, "hEllo");
	assert_errno(ibuf_truncate(&v, 6), ERANGE);
	assert_int_equal(ibuf_truncate(&v, 5), 0);
	assert_int_equal(ibuf_truncate(&v, 2), 0);
	assert_int_equal(ibuf_size(&v), 2);
	/* What is cut off is the program's, not ours to wipe. */
	assert_string_equal(text, "hEllo");
	assert_errno(ibuf_truncate(&v, 3), ERANGE);
}

static void
free_view(void *v)
{
	ibuf_free(v);
}

static void
set_view_fd(void *v)
{
	ibuf_fd_set(v, -1);
}

static void
taking_over_a_view_aborts(void **state)
{
	struct ibuf v;

	(void)state;
	ibuf_from_buffer(&v, NULL, 0);
	t_assert_aborts(free_view, &v);
	t_assert_aborts(set_view_fd, &v);
	ibuf_free(NULL);
}

static void
the_descriptor_belongs_to_the_ibuf(void **state)
{
	struct ibuf *b = ibuf_open(1);
	int fd = t_fd(NULL), fd2 = t_fd(NULL);

	(void)state;
	assert_int_equal(ibuf_fd_avail(b), 0);
	assert_int_equal(ibuf_fd_get(b), -1);
	ibuf_fd_set(b, fd);
	assert_true(ibuf_fd_avail(b));
	/* The one that is attached already: no change. */
	ibuf_fd_set(b, fd);
	assert_true(fcntl(fd, F_GETFD) != -1);
	ibuf_fd_set(b, fd2);
	assert_int_equal(fcntl(fd, F_GETFD), -1);
	assert_int_equal(ibuf_fd_get(b), fd2);
	assert_int_equal(ibuf_fd_get(b), -1);
	assert_true(fcntl(fd2, F_GETFD) != -1);
	ibuf_fd_set(b, fd2);
	ibuf_fd_set(b, -7);
	assert_int_equal(b->fd, -1);
	assert_int_equal(fcntl(fd2, F_GETFD), -1);
	ibuf_fd_set(b, t_fd(NULL));
	ibuf_free(b);
}

static void
descriptor_0_is_one_like_any_other(void **state)
{
	struct ibuf *b = ibuf_open(1);
	int save = dup(0);

	(void)state;
	assert_true(save > 0);
	ibuf_fd_set(b, 0);
	assert_true(ibuf_fd_avail(b));
	assert_int_equal(ibuf_fd_get(b), 0);
	ibuf_fd_set(b, 0);
	ibuf_free(b);
	assert_int_equal(fcntl(0, F_GETFD), -1);
	assert_int_equal(dup2(save, 0), 0);
	close(save);
}

static void
free_keeps_errno(void **state)
{
	struct ibuf *b = ibuf_open(1);
	int fd = t_fd(NULL);

	(void)state;
	ibuf_fd_set(b, fd);
	close(fd);
	errno = EXDEV;
	ibuf_free(b);
	assert_int_equal(errno, EXDEV);
	assert_int_equal(t_bad_closes, 1);
	t_bad_closes = 0;
}

static void
a_lowered_maximum_binds_at_once(void **state)
{
	struct ibuf *b = ibuf_dynamic(50, 100);

	(void)state;
	assert_int_equal(ibuf_add(b, "secret", 6), 0);
	memset(b->buf + 6, 0x5a, 44);
	assert_errno(ibuf_set_maxsize(b, 101), ERANGE);
	assert_errno(ibuf_set_maxsize(b, 5), ERANGE);
	assert_int_equal(ibuf_set_maxsize(b, 60), 0);
	assert_int_equal(b->size, 50);
	assert_int_equal(ibuf_set_maxsize(b, 8), 0);
	assert_int_equal(b->size, 8);
	assert_int_equal(b->max, 8);
	assert_int_equal(b->buf[7], 0x5a);
	assert_int_equal(b->buf[8], 0);
	assert_int_equal(b->buf[49], 0);
	assert_errno(ibuf_set_maxsize(b, 9), ERANGE);
	assert_errno(ibuf_add(b, "abc", 3), ERANGE);
	assert_int_equal(ibuf_add(b, "ab", 2), 0);
	ibuf_free(b);
}

static void
truncate_makes_the_unread_part_that_long(void **state)
{
	struct ibuf *b = ibuf_dynamic(0, 20);

	(void)state;
	assert_int_equal(ibuf_add(b, "0123456789", 10), 0);
	assert_int_equal(ibuf_skip(b, 2), 0);
	assert_int_equal(ibuf_truncate(b, 8), 0);
	assert_int_equal(ibuf_truncate(b, 5), 0);
	assert_int_equal(ibuf_size(b), 5);
	assert_int_equal(b->wpos, 7);
	/* Cut off means gone. */
	assert_memory_equal(b->buf + 7, "\0\0\0", 3);
	assert_int_equal(ibuf_truncate(b, 18), 0);
	assert_memory_equal(
	    ibuf_data(b), "23456\0\0\0\0\0\0\0\0\0\0\0\0\0", 18);
	assert_errno(ibuf_truncate(b, 19), ERANGE);
	assert_errno(ibuf_truncate(b, SIZE_MAX), ERANGE);
	assert_int_equal(ibuf_size(b), 18);
	ibuf_free(b);
}

/* Blocks as they are when they are given up. */
static void (*true_free)(void *);
static const char *needle;
static int seen, looked;
static unsigned char *watched_buf;
static size_t watched_size;

static void
looking_free(void *p)
{
	size_t i, n = strlen(needle);

	if (p == watched_buf) {
		looked++;
		for (i = 0; i + n <= watched_size; i++)
			seen += memcmp(watched_buf + i, needle, n) == 0;
	}
	true_free(p);
}

static void
nothing_is_given_up_unwiped(void **state)
{
	struct ibuf *b = ibuf_dynamic(16, 1000);

	(void)state;
	needle = "secret";
	seen = looked = 0;
	true_free = imsgi_os.free;
	imsgi_os.free = looking_free;
	assert_int_equal(ibuf_add(b, "my secret", 9), 0);
	watched_buf = b->buf;
	/* The first storage is part of the first block, which stays. */
	assert_int_equal(ibuf_add_zero(b, 100), 0);
	assert_memory_not_equal(watched_buf, "my secret", 9);
	watched_buf = b->buf;
	watched_size = b->size;
	assert_int_equal(ibuf_add_zero(b, 500), 0);
	watched_buf = b->buf;
	watched_size = b->size;
	assert_memory_equal(b->buf, "my secret", 9);
	ibuf_free(b);
	imsgi_os.free = true_free;
	assert_int_equal(looked, 2);
	assert_int_equal(seen, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(open_gives_a_fixed_zeroed_empty_buffer),
		T(open_of_nothing_holds_nothing),
		T(dynamic_checks_its_limits),
		T(absurd_sizes_are_enomem),
		T(growing_keeps_content_and_gains_zeros),
		T(appending_bytes_is_linear),
		T(growth_settles_for_what_is_needed),
		T(views_show_and_own_nothing),
		T(views_cannot_grow_but_shrink_and_write_through),
		T(taking_over_a_view_aborts),
		T(the_descriptor_belongs_to_the_ibuf),
		T(descriptor_0_is_one_like_any_other),
		T(free_keeps_errno),
		T(a_lowered_maximum_binds_at_once),
		T(truncate_makes_the_unread_part_that_long),
		T(nothing_is_given_up_unwiped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
