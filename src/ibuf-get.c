/* SPDX-License-Identifier: ISC */
/*
 * Consuming a buffer from its read position.
 *
 * The bytes may come from a stranger: nothing is read past wpos, and a
 * getter that fails neither consumes nor touches what it was to fill.
 */
#include "feature.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "ibuf-int.h"

/* The next len bytes, consumed; NULL EBADMSG if there are fewer. */
static unsigned char *
take(struct ibuf *b, size_t len)
{
	unsigned char *p;

	if (len > ibuf_size(b)) {
		errno = EBADMSG;
		return NULL;
	}
	p = imsgi_ibuf_at(b, b->rpos);
	b->rpos += len;
	return p;
}

int
ibuf_get(struct ibuf *b, void *out, size_t len)
{
	unsigned char *p;

	if ((p = take(b, len)) == NULL)
		return -1;
	if (len > 0)
		memcpy(out, p, len);
	return 0;
}

int
ibuf_get_ibuf(struct ibuf *b, size_t len, struct ibuf *view)
{
	void *data = ibuf_data(b);

	if (take(b, len) == NULL)
		return -1;
	ibuf_from_buffer(view, data, len);
	return 0;
}

static int
get_be(struct ibuf *b, uint64_t *v, size_t width)
{
	unsigned char *p;
	size_t i;

	if ((p = take(b, width)) == NULL)
		return -1;
	for (*v = 0, i = 0; i < width; i++)
		*v = *v << 8 | p[i];
	return 0;
}

int
ibuf_get_n8(struct ibuf *b, uint8_t *v)
{
	return ibuf_get(b, v, sizeof(*v));
}

int
ibuf_get_n16(struct ibuf *b, uint16_t *v)
{
	uint64_t w;

	if (get_be(b, &w, sizeof(*v)) == -1)
		return -1;
	*v = (uint16_t)w;
	return 0;
}

int
ibuf_get_n32(struct ibuf *b, uint32_t *v)
{
	uint64_t w;

	if (get_be(b, &w, sizeof(*v)) == -1)
		return -1;
	*v = (uint32_t)w;
	return 0;
}

int
ibuf_get_n64(struct ibuf *b, uint64_t *v)
{
	uint64_t w;

	if (get_be(b, &w, sizeof(*v)) == -1)
		return -1;
	*v = w;
	return 0;
}

int
ibuf_get_h16(struct ibuf *b, uint16_t *v)
{
	return ibuf_get(b, v, sizeof(*v));
}

int
ibuf_get_h32(struct ibuf *b, uint32_t *v)
{
	return ibuf_get(b, v, sizeof(*v));
}

int
ibuf_get_h64(struct ibuf *b, uint64_t *v)
{
	return ibuf_get(b, v, sizeof(*v));
}

char *
ibuf_get_string(struct ibuf *b, size_t len)
{
	const char *p;
	char *s;
	size_t n;

	if (len > ibuf_size(b)) {
		errno = EBADMSG;
		return NULL;
	}
	p = (const char *)imsgi_ibuf_at(b, b->rpos);
	n = len == 0 ? 0 : strnlen(p, len);
	if ((s = imsgi_os.alloc(n + 1)) == NULL)
		return NULL;
	memcpy(s, p, n);
	s[n] = '\0';
	b->rpos += len;
	return s;
}

int
ibuf_get_strbuf(struct ibuf *b, char *out, size_t len)
{
	const char *p;
	size_t n;

	if (len == 0) {
		errno = EINVAL;
		return -1;
	}
	if ((p = (const char *)take(b, len)) == NULL)
		return -1;
	n = strnlen(p, len);
	memcpy(out, p, n);
	memset(out + n, 0, len - n);
	if (p[len - 1] != '\0') {
		out[len - 1] = '\0';
		errno = EOVERFLOW;
		return -1;
	}
	return 0;
}

int
ibuf_skip(struct ibuf *b, size_t len)
{
	return take(b, len) == NULL ? -1 : 0;
}

void
ibuf_rewind(struct ibuf *b)
{
	b->rpos = 0;
}
