/* SPDX-License-Identifier: ISC */
/*
 * Reading a buffer: what is asked comes out, or nothing is consumed and the
 * output is left alone.
 */
#include "testlib.h"

static const unsigned char bytes[] = { 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07,
	0x08, 0x09, 0x0a, 0x0b, 0x0c, 0x0d, 0x0e, 0x0f };

static struct ibuf *
with(const void *p, size_t n)
{
	struct ibuf *b = ibuf_open(n);

	assert_non_null(b);
	assert_int_equal(ibuf_add(b, p, n), 0);
	return b;
}

static void
get_copies_and_consumes(void **state)
{
	struct ibuf *b = with("abcdef", 6);
	char out[8] = "-------";

	(void)state;
	assert_int_equal(ibuf_get(b, out, 0), 0);
	assert_int_equal(ibuf_get(b, NULL, 0), 0);
	assert_int_equal(ibuf_get(b, out, 2), 0);
	assert_memory_equal(out, "ab---", 5);
	assert_int_equal(ibuf_size(b), 4);
	assert_errno(ibuf_get(b, out, 5), EBADMSG);
	assert_errno(ibuf_get(b, out, SIZE_MAX), EBADMSG);
	assert_memory_equal(out, "ab---", 5);
	assert_int_equal(ibuf_size(b), 4);
	assert_int_equal(ibuf_get(b, out, 4), 0);
	assert_errno(ibuf_get(b, out, 1), EBADMSG);
	ibuf_rewind(b);
	assert_int_equal(ibuf_size(b), 6);
	assert_memory_equal(ibuf_data(b), "abcdef", 6);
	ibuf_free(b);
}

static void
numbers_come_out_as_they_went_in(void **state)
{
	struct ibuf *b = with(bytes, sizeof(bytes)), *h;
	uint8_t n8;
	uint16_t n16;
	uint32_t n32;
	uint64_t n64;

	(void)state;
	assert_int_equal(ibuf_get_n8(b, &n8), 0);
	assert_int_equal(n8, 0x01);
	assert_int_equal(ibuf_get_n16(b, &n16), 0);
	assert_int_equal(n16, 0x0203);
	assert_int_equal(ibuf_get_n32(b, &n32), 0);
	assert_int_equal(n32, 0x04050607);
	assert_int_equal(ibuf_get_n64(b, &n64), 0);
	assert_true(n64 == UINT64_C(0x08090a0b0c0d0e0f));
	assert_int_equal(ibuf_size(b), 0);
	ibuf_free(b);
	h = ibuf_open(14);
	assert_int_equal(ibuf_add_h16(h, 0xfedc), 0);
	assert_int_equal(ibuf_add_h32(h, 0xba987654), 0);
	assert_int_equal(ibuf_add_h64(h, UINT64_C(0xfedcba9876543210)), 0);
	assert_int_equal(ibuf_get_h16(h, &n16), 0);
	assert_int_equal(n16, 0xfedc);
	assert_int_equal(ibuf_get_h32(h, &n32), 0);
	assert_true(n32 == 0xba987654);
	assert_int_equal(ibuf_get_h64(h, &n64), 0);
	assert_true(n64 == UINT64_C(0xfedcba9876543210));
	ibuf_free(h);
}

static void
a_failing_getter_leaves_its_output_alone(void **state)
{
	struct ibuf *b;
	size_t have;
	uint8_t n8 = 0x12;
	uint16_t n16 = 0x1234;
	uint32_t n32 = 0x12345678;
	uint64_t n64 = UINT64_C(0x123456789abcdef0);

	(void)state;
	for (have = 0; have < 8; have++) {
		b = with(bytes, have);
		assert_errno(ibuf_get_n64(b, &n64), EBADMSG);
		assert_errno(ibuf_get_h64(b, &n64), EBADMSG);
		if (have < 4) {
			assert_errno(ibuf_get_n32(b, &n32), EBADMSG);
			assert_errno(ibuf_get_h32(b, &n32), EBADMSG);
		}
		if (have < 2) {
			assert_errno(ibuf_get_n16(b, &n16), EBADMSG);
			assert_errno(ibuf_get_h16(b, &n16), EBADMSG);
		}
		if (have < 1)
			assert_errno(ibuf_get_n8(b, &n8), EBADMSG);
		assert_int_equal(ibuf_size(b), have);
		ibuf_free(b);
	}
	assert_int_equal(n8, 0x12);
	assert_int_equal(n16, 0x1234);
	assert_int_equal(n32, 0x12345678);
	assert_true(n64 == UINT64_C(0x123456789abcdef0));
}

static void
views_of_the_next_bytes(void **state)
{
	struct ibuf *b = with("abcdef", 6);
	struct ibuf v, was;

	(void)state;
	memset(&v, 0x5a, sizeof(v));
	was = v;
	assert_errno(ibuf_get_ibuf(b, 7, &v), EBADMSG);
	assert_memory_equal(&v, &was, sizeof(v));
	assert_int_equal(ibuf_get_ibuf(b, 4, &v), 0);
	assert_int_equal(v.fd, -2);
	assert_int_equal(ibuf_size(&v), 4);
	assert_ptr_equal(ibuf_data(&v), b->buf);
	assert_int_equal(ibuf_size(b), 2);
	assert_int_equal(ibuf_get_ibuf(b, 0, &v), 0);
	assert_int_equal(ibuf_size(&v), 0);
	assert_int_equal(ibuf_size(b), 2);
	/* A view of a view. */
	ibuf_rewind(b);
	ibuf_from_ibuf(&v, b);
	assert_int_equal(ibuf_skip(&v, 1), 0);
	assert_int_equal(ibuf_get_ibuf(&v, 2, &was), 0);
	assert_memory_equal(ibuf_data(&was), "bc", 2);
	ibuf_free(b);
}

static void
strings_are_copies_up_to_nul(void **state)
{
	struct ibuf *b = with("abc\0def", 7);
	char *s;

	(void)state;
	assert_null_errno(ibuf_get_string(b, 8), EBADMSG);
	t_fail_alloc(1, 0);
	assert_null_errno(ibuf_get_string(b, 7), ENOMEM);
	assert_int_equal(ibuf_size(b), 7);
	assert_non_null(s = ibuf_get_string(b, 0));
	assert_string_equal(s, "");
	t_free(s);
	assert_non_null(s = ibuf_get_string(b, 2));
	assert_string_equal(s, "ab");
	t_free(s);
	assert_non_null(s = ibuf_get_string(b, 4));
	assert_string_equal(s, "c");
	t_free(s);
	assert_int_equal(ibuf_size(b), 1);
	assert_non_null(s = ibuf_get_string(b, 1));
	assert_string_equal(s, "f");
	t_free(s);
	ibuf_free(b);
}

static void
string_fields_come_out_terminated(void **state)
{
	struct ibuf *b = with("ab\0XXabcdab\0\0", 13);
	char out[8];

	(void)state;
	memset(out, '-', sizeof(out));
	assert_errno(ibuf_get_strbuf(b, out, 0), EINVAL);
	assert_errno(ibuf_get_strbuf(b, out, 14), EBADMSG);
	assert_memory_equal(out, "--------", 8);
	assert_int_equal(ibuf_size(b), 13);
	/* Garbage behind the NUL is not handed out. */
	assert_errno(ibuf_get_strbuf(b, out, 5), EOVERFLOW);
	assert_memory_equal(out, "ab\0\0\0---", 8);
	assert_errno(ibuf_get_strbuf(b, out, 4), EOVERFLOW);
	assert_memory_equal(out, "abc\0\0---", 8);
	assert_int_equal(ibuf_get_strbuf(b, out, 4), 0);
	assert_memory_equal(out, "ab\0\0\0---", 8);
	assert_int_equal(ibuf_size(b), 0);
	ibuf_free(b);
}

static void
a_string_field_survives_the_way(void **state)
{
	struct ibuf *b = ibuf_dynamic(0, 100);
	char out[10];

	(void)state;
	assert_int_equal(ibuf_add_strbuf(b, "filename", 10), 0);
	assert_int_equal(ibuf_get_strbuf(b, out, 10), 0);
	assert_string_equal(out, "filename");
	ibuf_free(b);
}

static void
skip_consumes_only(void **state)
{
	struct ibuf *b = with("abcdef", 6);

	(void)state;
	assert_int_equal(ibuf_skip(b, 0), 0);
	assert_int_equal(ibuf_skip(b, 2), 0);
	assert_memory_equal(ibuf_data(b), "cdef", 4);
	assert_errno(ibuf_skip(b, 5), EBADMSG);
	assert_errno(ibuf_skip(b, SIZE_MAX), EBADMSG);
	assert_int_equal(ibuf_skip(b, 4), 0);
	assert_int_equal(ibuf_size(b), 0);
	/* What is read makes no room for writing. */
	assert_int_equal(ibuf_left(b), 0);
	ibuf_free(b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(get_copies_and_consumes),
		T(numbers_come_out_as_they_went_in),
		T(a_failing_getter_leaves_its_output_alone),
		T(views_of_the_next_bytes),
		T(strings_are_copies_up_to_nul),
		T(string_fields_come_out_terminated),
		T(a_string_field_survives_the_way),
		T(skip_consumes_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
