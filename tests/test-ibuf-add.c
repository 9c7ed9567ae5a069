/* SPDX-License-Identifier: ISC */
/*
 * Writing a buffer: every value, width, limit and errno of appending and
 * overwriting.
 */
#include "testlib.h"

static void
reserve_gives_the_place_that_is_appended(void **state)
{
	struct ibuf *b = ibuf_dynamic(0, 10);
	char *p;

	(void)state;
	/* No storage yet: nothing to follow, and no failure. */
	assert_non_null(ibuf_reserve(b, 0));
	assert_int_equal(ibuf_size(b), 0);
	assert_non_null(p = ibuf_reserve(b, 4));
	assert_ptr_equal(p, ibuf_data(b));
	memcpy(p, "abcd", 4);
	assert_ptr_equal(ibuf_reserve(b, 0), (char *)ibuf_data(b) + 4);
	assert_int_equal(ibuf_size(b), 4);
	assert_null_errno(ibuf_reserve(b, 7), ERANGE);
	assert_null_errno(ibuf_reserve(b, SIZE_MAX), ERANGE);
	assert_null_errno(ibuf_reserve(b, SIZE_MAX - 3), ERANGE);
	assert_int_equal(ibuf_size(b), 4);
	assert_non_null(ibuf_reserve(b, 6));
	assert_memory_equal(ibuf_data(b), "abcd", 4);
	ibuf_free(b);
}

static void
add_copies_and_zero_zeroes(void **state)
{
	struct ibuf *b = ibuf_open(10), *c = ibuf_open(10);

	(void)state;
	assert_int_equal(ibuf_add(b, "abc", 3), 0);
	/* Zeros whatever was there before. */
	memset(b->buf + 3, 0x5a, 7);
	assert_int_equal(ibuf_add_zero(b, 3), 0);
	assert_memory_equal(ibuf_data(b), "abc\0\0\0", 6);
	assert_int_equal(ibuf_skip(b, 2), 0);
	assert_int_equal(ibuf_add(c, "x", 1), 0);
	assert_int_equal(ibuf_add_ibuf(c, b), 0);
	assert_int_equal(ibuf_size(b), 4);
	assert_memory_equal(ibuf_data(c), "xc\0\0\0", 5);
	assert_int_equal(ibuf_skip(b, 4), 0);
	assert_int_equal(ibuf_add_ibuf(c, b), 0);
	assert_int_equal(ibuf_size(c), 5);
	assert_errno(ibuf_add(c, "123456", 6), ERANGE);
	assert_errno(ibuf_add_zero(c, 6), ERANGE);
	assert_errno(ibuf_add_zero(c, SIZE_MAX), ERANGE);
	assert_int_equal(ibuf_size(c), 5);
	ibuf_free(b);
	ibuf_free(c);
}

static void
nothing_can_be_added_anywhere(void **state)
{
	struct ibuf *none = ibuf_open(0), *dyn = ibuf_dynamic(0, 1), v;

	(void)state;
	ibuf_from_buffer(&v, NULL, 0);
	assert_int_equal(ibuf_add(none, NULL, 0), 0);
	assert_int_equal(ibuf_add_zero(none, 0), 0);
	assert_int_equal(ibuf_add_ibuf(none, dyn), 0);
	assert_int_equal(ibuf_add(dyn, NULL, 0), 0);
	assert_int_equal(ibuf_add_zero(dyn, 0), 0);
	assert_int_equal(ibuf_add_ibuf(dyn, &v), 0);
	assert_int_equal(ibuf_add(&v, NULL, 0), 0);
	assert_int_equal(ibuf_add_zero(&v, 0), 0);
	assert_int_equal(ibuf_add_ibuf(&v, none), 0);
	assert_int_equal(ibuf_set(none, 0, NULL, 0), 0);
	assert_non_null(ibuf_seek(none, 0, 0));
	ibuf_free(none);
	ibuf_free(dyn);
}

static void
network_order_is_big_endian(void **state)
{
	static const unsigned char want[] = { 0x01, 0x02, 0x03, 0x04, 0x05,
		0x06, 0x07, 0x08, 0x09, 0x0a, 0x0b, 0x0c, 0x0d, 0x0e, 0x0f };
	struct ibuf *b = ibuf_dynamic(0, 15);

	(void)state;
	assert_int_equal(ibuf_add_n8(b, 0x01), 0);
	assert_int_equal(ibuf_add_n16(b, 0x0203), 0);
	assert_int_equal(ibuf_add_n32(b, 0x04050607), 0);
	assert_int_equal(ibuf_add_n64(b, UINT64_C(0x08090a0b0c0d0e0f)), 0);
	assert_memory_equal(ibuf_data(b), want, 15);
	assert_errno(ibuf_add_n8(b, 0), ERANGE);
	memset(b->buf, 0, 15);
	assert_int_equal(ibuf_set_n8(b, 0, 0x01), 0);
	assert_int_equal(ibuf_set_n16(b, 1, 0x0203), 0);
	assert_int_equal(ibuf_set_n32(b, 3, 0x04050607), 0);
	assert_int_equal(ibuf_set_n64(b, 7, UINT64_C(0x08090a0b0c0d0e0f)), 0);
	assert_memory_equal(ibuf_data(b), want, 15);
	ibuf_free(b);
}

static void
host_order_is_the_machines(void **state)
{
	struct ibuf *b = ibuf_dynamic(0, 14);
	const uint16_t h16 = 0x0102;
	const uint32_t h32 = 0x03040506;
	const uint64_t h64 = UINT64_C(0x0708090a0b0c0d0e);
	unsigned char want[14];

	(void)state;
	memcpy(want, &h16, 2);
	memcpy(want + 2, &h32, 4);
	memcpy(want + 6, &h64, 8);
	assert_int_equal(ibuf_add_h16(b, h16), 0);
	assert_int_equal(ibuf_add_h32(b, h32), 0);
	assert_int_equal(ibuf_add_h64(b, h64), 0);
	assert_memory_equal(ibuf_data(b), want, 14);
	memset(b->buf, 0, 14);
	assert_int_equal(ibuf_set_h16(b, 0, h16), 0);
	assert_int_equal(ibuf_set_h32(b, 2, h32), 0);
	assert_int_equal(ibuf_set_h64(b, 6, h64), 0);
	assert_memory_equal(ibuf_data(b), want, 14);
	ibuf_free(b);
}

typedef int add_fn(struct ibuf *, uint64_t);
typedef int set_fn(struct ibuf *, size_t, uint64_t);

static const struct {
	add_fn *add;
	set_fn *set;
	size_t width;
	uint64_t most;
} numbers[] = {
	{ ibuf_add_n8, ibuf_set_n8, 1, UINT8_MAX },
	{ ibuf_add_n16, ibuf_set_n16, 2, UINT16_MAX },
	{ ibuf_add_n32, ibuf_set_n32, 4, UINT32_MAX },
	{ ibuf_add_n64, ibuf_set_n64, 8, UINT64_MAX },
	{ ibuf_add_h16, ibuf_set_h16, 2, UINT16_MAX },
	{ ibuf_add_h32, ibuf_set_h32, 4, UINT32_MAX },
	{ ibuf_add_h64, ibuf_set_h64, 8, UINT64_MAX },
};

static void
values_must_fit_their_width(void **state)
{
	struct ibuf *b, *full = ibuf_open(0);
	size_t i, w;
	uint64_t over;

	(void)state;
	for (i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		w = numbers[i].width;
		over = numbers[i].most + 1;
		b = ibuf_open(2 * w);
		assert_int_equal(numbers[i].add(b, numbers[i].most), 0);
		assert_int_equal(ibuf_size(b), w);
		assert_int_equal(numbers[i].set(b, 0, numbers[i].most), 0);
		if (over != 0) {
			assert_errno(numbers[i].add(b, over), EINVAL);
			assert_errno(numbers[i].set(b, 0, over), EINVAL);
			assert_errno(numbers[i].add(b, UINT64_MAX), EINVAL);
			/* The value is looked at first. */
			assert_errno(numbers[i].add(full, over), EINVAL);
			assert_errno(numbers[i].set(full, 9, over), EINVAL);
		}
		assert_errno(numbers[i].set(b, 1, 0), ERANGE);
		assert_errno(numbers[i].set(b, SIZE_MAX, 0), ERANGE);
		assert_errno(numbers[i].add(full, 0), ERANGE);
		assert_int_equal(ibuf_size(b), w);
		assert_int_equal(numbers[i].add(b, 0), 0);
		assert_errno(numbers[i].add(b, 0), ERANGE);
		ibuf_free(b);
	}
	ibuf_free(full);
}

static void
seek_counts_from_the_read_position(void **state)
{
	struct ibuf *b = ibuf_open(10);

	(void)state;
	assert_int_equal(ibuf_add(b, "01234567", 8), 0);
	assert_int_equal(ibuf_skip(b, 2), 0);
	assert_ptr_equal(ibuf_seek(b, 0, 6), b->buf + 2);
	assert_ptr_equal(ibuf_seek(b, 5, 1), b->buf + 7);
	assert_ptr_equal(ibuf_seek(b, 6, 0), b->buf + 8);
	assert_null_errno(ibuf_seek(b, 6, 1), ERANGE);
	assert_null_errno(ibuf_seek(b, 7, 0), ERANGE);
	assert_null_errno(ibuf_seek(b, 0, 7), ERANGE);
	assert_null_errno(ibuf_seek(b, 1, SIZE_MAX), ERANGE);
	assert_null_errno(ibuf_seek(b, SIZE_MAX, 1), ERANGE);
	assert_null_errno(ibuf_seek(b, SIZE_MAX, SIZE_MAX), ERANGE);
	assert_int_equal(b->rpos, 2);
	assert_int_equal(b->wpos, 8);
	assert_int_equal(ibuf_set(b, 4, "XY", 2), 0);
	assert_memory_equal(b->buf, "012345XY", 8);
	assert_errno(ibuf_set(b, 5, "XY", 2), ERANGE);
	assert_int_equal(ibuf_set(b, 6, NULL, 0), 0);
	assert_errno(ibuf_set(b, 7, NULL, 0), ERANGE);
	assert_memory_equal(b->buf, "012345XY", 8);
	ibuf_free(b);
}

static void
strings_fill_a_field_of_fixed_width(void **state)
{
	struct ibuf *b = ibuf_open(12);
	const char open_end[] = { 'a', 'b' };

	(void)state;
	memset(b->buf, 0x5a, 12);
	assert_int_equal(ibuf_add_strbuf(b, "abc", 6), 0);
	assert_memory_equal(ibuf_data(b), "abc\0\0\0", 6);
	assert_int_equal(ibuf_add_strbuf(b, "", 1), 0);
	assert_int_equal(ibuf_add_strbuf(b, "abc", 4), 0);
	assert_int_equal(ibuf_size(b), 11);
	/* Nothing is added when it does not fit. */
	assert_errno(ibuf_add_strbuf(b, "", 0), EOVERFLOW);
	assert_errno(ibuf_add_strbuf(b, "a", 1), EOVERFLOW);
	assert_errno(ibuf_add_strbuf(b, open_end, 1), EOVERFLOW);
	assert_int_equal(ibuf_size(b), 11);
	/* No room is said first. */
	assert_errno(ibuf_add_strbuf(b, "abc", 2), ERANGE);
	assert_int_equal(ibuf_size(b), 11);
	ibuf_free(b);
	/* Nor is storage moved for it. */
	b = ibuf_dynamic(0, 10);
	assert_errno(ibuf_add_strbuf(b, "abc", 3), EOVERFLOW);
	assert_null(b->buf);
	ibuf_free(b);
}

static void
a_buffer_can_be_added_to_itself(void **state)
{
	struct ibuf *b = ibuf_dynamic(4, 1000);
	int i;

	(void)state;
	assert_int_equal(ibuf_add(b, "abcd", 4), 0);
	assert_int_equal(ibuf_skip(b, 1), 0);
	assert_int_equal(ibuf_add_ibuf(b, b), 0);
	assert_int_equal(ibuf_size(b), 6);
	assert_memory_equal(ibuf_data(b), "bcdbcd", 6);
	for (i = 0; i < 5; i++)
		assert_int_equal(ibuf_add_ibuf(b, b), 0);
	assert_int_equal(ibuf_size(b), 192);
	assert_memory_equal(ibuf_seek(b, 189, 3), "bcd", 3);
	ibuf_free(b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(reserve_gives_the_place_that_is_appended),
		T(add_copies_and_zero_zeroes),
		T(nothing_can_be_added_anywhere),
		T(network_order_is_big_endian),
		T(host_order_is_the_machines),
		T(values_must_fit_their_width),
		T(seek_counts_from_the_read_position),
		T(strings_fill_a_field_of_fixed_width),
		T(a_buffer_can_be_added_to_itself),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
