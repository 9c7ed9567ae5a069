/* SPDX-License-Identifier: ISC */
/*
 * Operations on one ibuf beside an array that does the same the plain way.
 *
 * Input: initial size, maximum, then operations: a byte that says which, two
 * bytes of argument.  What is added comes from the input, too.
 */
#include <endian.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <imsg.h>

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

#define LARGEST 2048

static struct model {
	uint8_t b[LARGEST];
	size_t r, w, max;
} m;

static struct ibuf *b;
static const uint8_t *in;
static size_t left;

static void
check(int ok, const char *what)
{
	if (!ok) {
		fprintf(stderr, "fuzz-ibuf: %s, errno %d\n", what, errno);
		abort();
	}
}

static uint64_t
number(size_t bytes)
{
	uint64_t v = 0;

	while (bytes-- > 0 && left > 0) {
		v = v << 8 | *in++;
		left--;
	}
	return v;
}

static int
appended(const void *p, size_t n)
{
	if (n > m.max - m.w)
		return 0;
	memcpy(m.b + m.w, p, n);
	m.w += n;
	return 1;
}

/* r: what the call returned, -1 with errno or not. */
static void
expect(int r, int good, int error, const char *what)
{
	check(good ? r == 0 : r == -1 && errno == error, what);
}

static void
add_bytes(size_t n)
{
	const uint8_t *p = in;

	n = n < left ? n : left;
	in += n;
	left -= n;
	expect(ibuf_add(b, p, n), appended(p, n), ERANGE, "add");
}

static void
add_zero(size_t n)
{
	static const uint8_t zero[LARGEST];

	n %= LARGEST;
	expect(ibuf_add_zero(b, n), appended(zero, n), ERANGE, "add_zero");
}

static void
add_number(unsigned int which, uint64_t v)
{
	uint16_t v16 = htobe16((uint16_t)v);
	uint32_t v32 = htobe32((uint32_t)v);
	uint64_t v64 = htobe64(v);
	uint8_t v8 = (uint8_t)v;

	switch (which % 4) {
	case 0:
		expect(ibuf_add_n8(b, v), v <= UINT8_MAX && appended(&v8, 1),
		    v > UINT8_MAX ? EINVAL : ERANGE, "add_n8");
		break;
	case 1:
		expect(ibuf_add_n16(b, v), v <= UINT16_MAX && appended(&v16, 2),
		    v > UINT16_MAX ? EINVAL : ERANGE, "add_n16");
		break;
	case 2:
		expect(ibuf_add_n32(b, v), v <= UINT32_MAX && appended(&v32, 4),
		    v > UINT32_MAX ? EINVAL : ERANGE, "add_n32");
		break;
	default:
		expect(
		    ibuf_add_n64(b, v), appended(&v64, 8), ERANGE, "add_n64");
	}
}

static void
reserve(size_t n)
{
	uint8_t *p = ibuf_reserve(b, n);

	if (n > m.max - m.w) {
		check(p == NULL && errno == ERANGE, "reserve too much");
		return;
	}
	check(p != NULL, "reserve");
	memset(p, 0x5a, n);
	memset(m.b + m.w, 0x5a, n);
	m.w += n;
}

static void
set(size_t pos, size_t n)
{
	static const uint8_t mark[8] = "ABCDEFG";
	int good;

	n %= sizeof(mark);
	good = n <= m.w - m.r && pos <= m.w - m.r - n;
	expect(ibuf_set(b, pos, mark, n), good, ERANGE, "set");
	if (good)
		memcpy(m.b + m.r + pos, mark, n);
}

static void
get(size_t n)
{
	uint8_t out[LARGEST];
	int good = n <= m.w - m.r;

	expect(ibuf_get(b, out, n), good, EBADMSG, "get");
	if (!good)
		return;
	check(memcmp(out, m.b + m.r, n) == 0, "get: other bytes");
	m.r += n;
}

static void
get_view(size_t n)
{
	struct ibuf view;
	int good = n <= m.w - m.r;

	expect(ibuf_get_ibuf(b, n, &view), good, EBADMSG, "get_ibuf");
	if (!good)
		return;
	check(ibuf_size(&view) == n, "size of a view");
	check(n == 0 || memcmp(ibuf_data(&view), m.b + m.r, n) == 0, "view");
	m.r += n;
}

static void
skip(size_t n)
{
	int good = n <= m.w - m.r;

	expect(ibuf_skip(b, n), good, EBADMSG, "skip");
	if (good)
		m.r += n;
}

static void
operate(void)
{
	unsigned int which = (unsigned int)number(1);
	size_t n = (size_t)number(2);

	switch (which % 10) {
	case 0:
		add_bytes(n % 64);
		break;
	case 1:
		add_zero(n);
		break;
	case 2:
		add_number(which / 10, number(n % 9));
		break;
	case 3:
		reserve(n % 256);
		break;
	case 4:
		set(n % 128, which / 10);
		break;
	case 5:
		get(n % 64);
		break;
	case 6:
		get_view(n % 64);
		break;
	case 7:
		skip(n % 64);
		break;
	case 8:
		ibuf_rewind(b);
		m.r = 0;
		break;
	default:
		check(ibuf_left(b) == m.max - m.w, "left");
	}
	check(ibuf_size(b) == m.w - m.r, "size");
	check(m.w == m.r || memcmp(ibuf_data(b), m.b + m.r, m.w - m.r) == 0,
	    "content");
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	size_t len;

	in = p;
	left = n;
	memset(&m, 0, sizeof(m));
	len = (size_t)number(1);
	m.max = len + (size_t)number(2) % (LARGEST - 255);
	b = ibuf_dynamic(len, m.max);
	if (m.max == 0) {
		check(b == NULL && errno == EINVAL, "dynamic without room");
		return 0;
	}
	check(b != NULL, "dynamic");
	while (left > 0)
		operate();
	ibuf_free(b);
	return 0;
}
