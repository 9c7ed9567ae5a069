/* SPDX-License-Identifier: ISC */
/*
 * Building a buffer: append and overwrite.
 *
 * Every function here either does all of its work or changes nothing that
 * the caller can see, and says in errno why.
 */
#include "feature.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "ibuf-int.h"

/* May len bytes be appended, memory permitting? */
static int
check_room(const struct ibuf *b, size_t len)
{
	if (len > SIZE_MAX - b->wpos) {
		errno = ERANGE;
		return -1;
	}
	if (IBUF_IS_VIEW(b)) {
		errno = EINVAL;
		return -1;
	}
	if (len > b->size - b->wpos && len > b->max - b->wpos) {
		errno = ERANGE;
		return -1;
	}
	return 0;
}

void *
ibuf_reserve(struct ibuf *b, size_t len)
{
	unsigned char *p;

	if (check_room(b, len) == -1 || imsgi_ibuf_grow(b, b->wpos + len) == -1)
		return NULL;
	p = imsgi_ibuf_at(b, b->wpos);
	b->wpos += len;
	return p;
}

int
ibuf_add(struct ibuf *b, const void *data, size_t len)
{
	void *p;

	if (len == 0)
		return 0;
	if ((p = ibuf_reserve(b, len)) == NULL)
		return -1;
	memcpy(p, data, len);
	return 0;
}

int
ibuf_add_ibuf(struct ibuf *b, const struct ibuf *from)
{
	size_t len = ibuf_size(from);
	void *p;

	if (len == 0)
		return 0;
	if ((p = ibuf_reserve(b, len)) == NULL)
		return -1;
	/* Asked only now: b may be from, and may have moved. */
	memcpy(p, ibuf_data(from), len);
	return 0;
}

int
ibuf_add_zero(struct ibuf *b, size_t len)
{
	void *p;

	if (len == 0)
		return 0;
	if ((p = ibuf_reserve(b, len)) == NULL)
		return -1;
	memset(p, 0, len);
	return 0;
}

int
ibuf_add_strbuf(struct ibuf *b, const char *s, size_t len)
{
	unsigned char *p;
	size_t n;

	if (check_room(b, len) == -1)
		return -1;
	n = strnlen(s, len);
	if (n == len) {
		errno = EOVERFLOW;
		return -1;
	}
	if ((p = ibuf_reserve(b, len)) == NULL)
		return -1;
	memcpy(p, s, n);
	memset(p + n, 0, len - n);
	return 0;
}

/* Does v fit into width bytes? */
static int
check_value(uint64_t v, size_t width)
{
	if (width < sizeof(v) && v >> (8 * width) != 0) {
		errno = EINVAL;
		return -1;
	}
	return 0;
}

static void
store_be(unsigned char *p, uint64_t v, size_t width)
{
	while (width-- > 0) {
		p[width] = (unsigned char)(v & 0xff);
		v >>= 8;
	}
}

static void
store_host(unsigned char *p, uint64_t v, size_t width)
{
	uint16_t h16 = (uint16_t)v;
	uint32_t h32 = (uint32_t)v;

	if (width == sizeof(h16))
		memcpy(p, &h16, sizeof(h16));
	else if (width == sizeof(h32))
		memcpy(p, &h32, sizeof(h32));
	else
		memcpy(p, &v, sizeof(v));
}

static int
add_be(struct ibuf *b, uint64_t v, size_t width)
{
	void *p;

	if (check_value(v, width) == -1 || (p = ibuf_reserve(b, width)) == NULL)
		return -1;
	store_be(p, v, width);
	return 0;
}

static int
add_host(struct ibuf *b, uint64_t v, size_t width)
{
	void *p;

	if (check_value(v, width) == -1 || (p = ibuf_reserve(b, width)) == NULL)
		return -1;
	store_host(p, v, width);
	return 0;
}

int
ibuf_add_n8(struct ibuf *b, uint64_t v)
{
	return add_be(b, v, 1);
}

int
ibuf_add_n16(struct ibuf *b, uint64_t v)
{
	return add_be(b, v, 2);
}

int
ibuf_add_n32(struct ibuf *b, uint64_t v)
{
	return add_be(b, v, 4);
}

int
ibuf_add_n64(struct ibuf *b, uint64_t v)
{
	return add_be(b, v, 8);
}

int
ibuf_add_h16(struct ibuf *b, uint64_t v)
{
	return add_host(b, v, 2);
}

int
ibuf_add_h32(struct ibuf *b, uint64_t v)
{
	return add_host(b, v, 4);
}

int
ibuf_add_h64(struct ibuf *b, uint64_t v)
{
	return add_host(b, v, 8);
}

void *
ibuf_seek(struct ibuf *b, size_t pos, size_t len)
{
	size_t have = ibuf_size(b);

	if (pos > have || len > have - pos) {
		errno = ERANGE;
		return NULL;
	}
	return imsgi_ibuf_at(b, b->rpos + pos);
}

int
ibuf_set(struct ibuf *b, size_t pos, const void *data, size_t len)
{
	void *p;

	if ((p = ibuf_seek(b, pos, len)) == NULL)
		return -1;
	if (len > 0)
		memcpy(p, data, len);
	return 0;
}

static int
set_be(struct ibuf *b, size_t pos, uint64_t v, size_t width)
{
	void *p;

	if (check_value(v, width) == -1 ||
	    (p = ibuf_seek(b, pos, width)) == NULL)
		return -1;
	store_be(p, v, width);
	return 0;
}

static int
set_host(struct ibuf *b, size_t pos, uint64_t v, size_t width)
{
	void *p;

	if (check_value(v, width) == -1 ||
	    (p = ibuf_seek(b, pos, width)) == NULL)
		return -1;
	store_host(p, v, width);
	return 0;
}

int
ibuf_set_n8(struct ibuf *b, size_t pos, uint64_t v)
{
	return set_be(b, pos, v, 1);
}

int
ibuf_set_n16(struct ibuf *b, size_t pos, uint64_t v)
{
	return set_be(b, pos, v, 2);
}

int
ibuf_set_n32(struct ibuf *b, size_t pos, uint64_t v)
{
	return set_be(b, pos, v, 4);
}

int
ibuf_set_n64(struct ibuf *b, size_t pos, uint64_t v)
{
	return set_be(b, pos, v, 8);
}

int
ibuf_set_h16(struct ibuf *b, size_t pos, uint64_t v)
{
	return set_host(b, pos, v, 2);
}

int
ibuf_set_h32(struct ibuf *b, size_t pos, uint64_t v)
{
	return set_host(b, pos, v, 4);
}

int
ibuf_set_h64(struct ibuf *b, size_t pos, uint64_t v)
{
	return set_host(b, pos, v, 8);
}
