/* SPDX-License-Identifier: ISC */
/*
 * Operations on one ibuf beside an array that does the same the plain way.
 *
 * Input: options; initial size; two bytes of maximum; then operations: a byte
 * that says which, two bytes of argument.  What is added comes from the
 * input, too.
 */
#include <endian.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <imsg.h>

#include "kernel.h"
#include "stream.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

/* Options. */
#define FIXED 0x01 /* ibuf_open() */
#define VIEW  0x02 /* a view of an array, which is the model's, too */

#define LARGEST 2048

static struct model {
	uint8_t b[LARGEST];
	size_t r, w, max;
	int fd;
} m;

static struct ibuf *b, view;
static uint8_t viewed[LARGEST];
static int is_view;
static struct input in;
static unsigned int which; /* bits of the operation's byte that are left */

/* r: what the call returned, -1 with errno or not; 1: it worked. */
static int
expect(int r, int good, int error, const char *what)
{
	if (good && r == -1 && errno == ENOMEM && k.failures > 0)
		return 0;
	check(good ? r == 0 : r == -1 && errno == error, what);
	return good;
}

/* n bytes more may be written. */
static int
room(size_t n)
{
	return !is_view && n <= m.max - m.w;
}

static int
unread(size_t n)
{
	return n <= m.w - m.r;
}

/* The errno of what cannot be appended. */
static int
why_not(size_t n)
{
	return is_view && n > 0 ? EINVAL : ERANGE;
}

static void
appended(const void *p, size_t n)
{
	memcpy(m.b + m.w, p, n);
	m.w += n;
}

static void
add_bytes(size_t n)
{
	const uint8_t *p = input_bytes(&in, n % 64, &n);

	if (expect(ibuf_add(b, p, n), room(n) || n == 0, why_not(n), "add"))
		appended(p, n);
}

static void
add_zero(size_t n)
{
	static const uint8_t zero[LARGEST];

	n %= LARGEST;
	if (expect(
		ibuf_add_zero(b, n), room(n) || n == 0, why_not(n), "add_zero"))
		appended(zero, n);
}

/* Its own unread part, or that of another one. */
static void
add_ibuf(size_t n)
{
	uint8_t copy[LARGEST];
	struct ibuf other;

	ibuf_from_buffer(&other, m.b, n % LARGEST);
	n = which & 1 ? m.w - m.r : n % LARGEST;
	memcpy(copy, m.b + (which & 1 ? m.r : 0), n);
	if (expect(ibuf_add_ibuf(b, which & 1 ? b : &other), room(n) || n == 0,
		why_not(n), "add_ibuf"))
		appended(copy, n);
}

static void
add_number(size_t n)
{
	static int (*const add[7])(struct ibuf *, uint64_t) = { ibuf_add_n8,
		ibuf_add_n16, ibuf_add_n32, ibuf_add_n64, ibuf_add_h16,
		ibuf_add_h32, ibuf_add_h64 };
	static const unsigned int width[7] = { 1, 2, 4, 8, 2, 4, 8 };
	const unsigned int i = which % 7;
	const size_t bytes = width[i];
	uint64_t v = (uint64_t)input_number(&in, n % 5) << n / 8 % 33;
	int fits = bytes == 8 || v >> bytes * 8 == 0;
	uint64_t be = htobe64(v << (8 - bytes) * 8);
	uint16_t h16 = (uint16_t)v;
	uint32_t h32 = (uint32_t)v;
	const void *host = bytes == 2 ? (const void *)&h16 :
	    bytes == 4		      ? (const void *)&h32 :
					(const void *)&v;

	if (expect(add[i](b, v), fits && room(bytes),
		fits ? why_not(bytes) : EINVAL, "add_number"))
		appended(i < 4 ? (const void *)&be : host, bytes);
}

static void
add_strbuf(size_t n)
{
	uint8_t field[256] = { 0 };
	char s[256];
	size_t len, size = which * 8 % 200;
	const uint8_t *p = input_bytes(&in, n % 200, &len);
	int error;

	memcpy(s, p, len);
	s[len] = '\0';
	len = strlen(s);
	memcpy(field, s, len);
	error = is_view ? EINVAL : room(size) ? EOVERFLOW : ERANGE;
	if (expect(ibuf_add_strbuf(b, s, size), len < size && room(size), error,
		"add_strbuf"))
		appended(field, size);
}

static void
reserve(size_t n)
{
	uint8_t *p;

	n %= 256;
	p = ibuf_reserve(b, n);
	if (!expect(p == NULL ? -1 : 0, room(n), is_view ? EINVAL : ERANGE,
		"reserve"))
		return;
	if (p != NULL)
		memset(p, 0x5a, n);
	memset(m.b + m.w, 0x5a, n);
	m.w += n;
}

static void
set(size_t pos)
{
	static const uint8_t mark[8] = "ABCDEFG";
	size_t n = which % sizeof(mark);

	pos %= 256;
	if (expect(ibuf_set(b, pos, mark, n), unread(n) && pos <= m.w - m.r - n,
		ERANGE, "set"))
		memcpy(m.b + m.r + pos, mark, n);
}

static void
seek(size_t pos)
{
	size_t n = which * 4;
	uint8_t *p;

	pos %= 256;
	p = ibuf_seek(b, pos, n);
	if (expect(p == NULL ? -1 : 0, unread(n) && pos <= m.w - m.r - n,
		ERANGE, "seek"))
		check(p != NULL && memcmp(p, m.b + m.r + pos, n) == 0,
		    "seek: other bytes");
}

static void
get(size_t n)
{
	uint8_t out[64];

	n %= sizeof(out);
	if (!expect(ibuf_get(b, out, n), unread(n), EBADMSG, "get"))
		return;
	check(memcmp(out, m.b + m.r, n) == 0, "get: other bytes");
	m.r += n;
}

static void
get_number(size_t n)
{
	uint8_t v8 = 0;
	uint16_t v16 = 0;
	uint32_t v32 = 0;
	uint64_t v64 = 0, want = 0;
	static const unsigned int width[4] = { 1, 2, 4, 8 };
	size_t bytes = width[which % 4];
	int r;

	r = which % 4 == 0 ? ibuf_get_n8(b, &v8) :
	    which % 4 == 1 ? ibuf_get_n16(b, &v16) :
	    which % 4 == 2 ? ibuf_get_n32(b, &v32) :
			     ibuf_get_n64(b, &v64);
	if (!expect(r, unread(bytes), EBADMSG, "get_number")) {
		check((v8 | v16 | v32 | v64) == 0, "get_number writes");
		return;
	}
	for (n = 0; n < bytes; n++)
		want = want << 8 | m.b[m.r++];
	check((v8 | v16 | v32 | v64) == want, "get_number: another");
}

static void
get_view(size_t n)
{
	struct ibuf v;

	n %= 64;
	if (!expect(ibuf_get_ibuf(b, n, &v), unread(n), EBADMSG, "get_ibuf"))
		return;
	check(ibuf_size(&v) == n, "size of a view");
	check(n == 0 || memcmp(ibuf_data(&v), m.b + m.r, n) == 0, "view");
	m.r += n;
}

static void
get_string(size_t n)
{
	char *s;

	n %= 64;
	s = ibuf_get_string(b, n);
	if (!expect(s == NULL ? -1 : 0, unread(n), EBADMSG, "get_string"))
		return;
	check(strlen(s) <= n && strncmp(s, (char *)m.b + m.r, n) == 0,
	    "another string");
	imsgi_free(s);
	m.r += n;
}

static void
get_strbuf(size_t n)
{
	char out[64], copy[64] = { 0 };
	int whole;

	n %= sizeof(out);
	if (n == 0 || !unread(n)) {
		(void)expect(ibuf_get_strbuf(b, out, n), 0,
		    n == 0 ? EINVAL : EBADMSG, "get_strbuf");
		return;
	}
	whole = m.b[m.r + n - 1] == '\0';
	(void)expect(
	    ibuf_get_strbuf(b, out, n), whole, EOVERFLOW, "get_strbuf");
	memcpy(copy, m.b + m.r, n);
	copy[n - 1] = '\0';
	memset(copy + strlen(copy), 0, n - strlen(copy));
	check(memcmp(out, copy, n) == 0, "another strbuf");
	m.r += n;
}

static void
skip(size_t n)
{
	n %= 64;
	if (expect(ibuf_skip(b, n), unread(n), EBADMSG, "skip"))
		m.r += n;
}

static void
rewind_it(size_t n)
{
	(void)n;
	ibuf_rewind(b);
	m.r = 0;
}

static void
truncate_it(size_t n)
{
	size_t have = m.w - m.r;

	n %= 256;
	if (!expect(ibuf_truncate(b, n), n <= have || room(n - have), ERANGE,
		"truncate"))
		return;
	if (n > have)
		memset(m.b + m.w, 0, n - have);
	m.w = m.r + n;
}

static void
set_maxsize(size_t n)
{
	n %= LARGEST;
	if (expect(ibuf_set_maxsize(b, n), !is_view && n <= m.max && n >= m.w,
		is_view ? EINVAL : ERANGE, "set_maxsize"))
		m.max = n;
}

static void
descriptor(size_t n)
{
	int fd;

	if (is_view)
		return;
	if (n & 1) {
		fd = ibuf_fd_get(b);
		check(fd == m.fd, "another descriptor");
		if (fd != -1)
			kernel_close(fd);
		m.fd = -1;
	} else {
		fd = n & 2 ? m.fd : kernel_fd();
		ibuf_fd_set(b, fd);
		m.fd = fd;
	}
	check(ibuf_fd_avail(b) == (m.fd != -1), "fd_avail");
}

/* The next allocations fail. */
static void
no_memory(size_t n)
{
	k.nomem = 1 + (int)(n % 4);
}

static void (*const op[])(size_t) = { add_bytes, add_zero, add_number, reserve,
	set, get, get_view, skip, rewind_it, add_ibuf, add_strbuf, seek,
	get_number, get_string, get_strbuf, truncate_it, set_maxsize,
	descriptor, no_memory };

#define OPS (sizeof(op) / sizeof(op[0]))

static void
operate(void)
{
	unsigned int i;

	which = input_number(&in, 1);
	i = which % OPS;
	which /= OPS;
	op[i](input_number(&in, 2));
	check(ibuf_size(b) == m.w - m.r, "size");
	check(ibuf_left(b) == (is_view ? 0 : m.max - m.w), "left");
	check(m.w == m.r || memcmp(ibuf_data(b), m.b + m.r, m.w - m.r) == 0,
	    "content");
}

static int
set_up(unsigned int how)
{
	size_t len = input_number(&in, 1);

	m.r = m.w = 0;
	m.fd = -1;
	m.max = len + input_number(&in, 2) % (LARGEST - 255);
	is_view = (how & VIEW) != 0;
	b = &view;
	if (is_view) {
		memcpy(viewed, stream_filler(how), len);
		memcpy(m.b, viewed, len);
		m.w = m.max = len;
		ibuf_from_buffer(&view, viewed, len);
	} else if (how & FIXED) {
		m.max = len;
		b = ibuf_open(len);
	} else {
		b = ibuf_dynamic(len, m.max);
		if (m.max == 0)
			check(b == NULL && errno == EINVAL, "without room");
	}
	return b != NULL;
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	kernel_begin(NULL, 0);
	in.p = p;
	in.left = n;
	if (!set_up(input_number(&in, 1)))
		return 0;
	while (in.left > 0)
		operate();
	if (!is_view)
		ibuf_free(b);
	kernel_end();
	return 0;
}
