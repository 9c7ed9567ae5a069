/* SPDX-License-Identifier: ISC */
/*
 * One buffer: its storage, its growth, its descriptor, its end.
 *
 * An ibuf owns its bytes and at most one descriptor, or is a view that owns
 * nothing.  Struct and first storage are one allocation.  No byte that an
 * ibuf has owned is ever given back to the allocator unwiped, which is why
 * growth never uses realloc(3): it may leave the old copy behind.
 */
#include "feature.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "ibuf-int.h"

/* First growth step in bytes; small enough for a buffer of a few words. */
#define GROW_MIN 64

/* calloc(3) knows which fresh pages are zero already; memset does not. */
static struct ibuf *
new_zeroed(size_t len, size_t max)
{
	struct ibuf *b;

	if (len > SIZE_MAX - IBUF_HEAD) {
		errno = ENOMEM;
		return NULL;
	}
	if ((b = imsgi_os.calloc(1, IBUF_HEAD + len)) == NULL)
		return NULL;
	imsgi_ibuf_init(b, len, max);
	if (len == 0) {
		b->buf = NULL;
		b->state = 0;
	}
	return b;
}

struct ibuf *
ibuf_open(size_t len)
{
	return new_zeroed(len, len);
}

struct ibuf *
ibuf_dynamic(size_t len, size_t max)
{
	if (max == 0 || max < len) {
		errno = EINVAL;
		return NULL;
	}
	return new_zeroed(len, max);
}

void
ibuf_from_buffer(struct ibuf *b, void *data, size_t len)
{
	memset(b, 0, sizeof(*b));
	b->buf = data;
	b->size = b->wpos = len;
	b->fd = IBUF_FD_VIEW;
}

void
ibuf_from_ibuf(struct ibuf *b, const struct ibuf *from)
{
	ibuf_from_buffer(b, ibuf_data(from), ibuf_size(from));
}

void
imsgi_ibuf_owned(const struct ibuf *b)
{
	if (IBUF_IS_VIEW(b))
		abort();
}

static void
release_storage(struct ibuf *b)
{
	imsgi_wipe(b->buf, b->size);
	if (!(b->state & IBUF_INLINE))
		imsgi_free(b->buf);
}

void
ibuf_free(struct ibuf *b)
{
	if (b == NULL)
		return;
	if (b->fd != -1) {
		imsgi_ibuf_owned(b);
		imsgi_close(b->fd);
	}
	if (b->buf != NULL)
		release_storage(b);
	imsgi_free(b);
}

/* At least want, at least double so that appending stays linear, at most max */
static size_t
next_size(const struct ibuf *b, size_t want)
{
	size_t n = GROW_MIN;

	if (b->size >= GROW_MIN)
		n = b->size > SIZE_MAX / 2 ? SIZE_MAX : b->size * 2;
	if (n < want)
		n = want;
	return n > b->max ? b->max : n;
}

int
imsgi_ibuf_grow(struct ibuf *b, size_t want)
{
	unsigned char *p;
	size_t n;

	if (want <= b->size)
		return 0;
	n = next_size(b, want);
	if ((p = imsgi_os.calloc(1, n)) == NULL) {
		/* Doubling is a wish; the caller needs want only. */
		n = want;
		if ((p = imsgi_os.calloc(1, n)) == NULL)
			return -1;
	}
	if (b->buf != NULL) {
		memcpy(p, b->buf, b->wpos);
		release_storage(b);
	}
	b->buf = p;
	b->size = n;
	b->state &= ~(unsigned int)IBUF_INLINE;
	return 0;
}

unsigned char *
imsgi_ibuf_at(const struct ibuf *b, size_t pos)
{
	/* Any pointer will do for no bytes, but NULL would look like failure */
	if (b->buf == NULL)
		return (unsigned char *)(uintptr_t)b;
	return b->buf + pos;
}

int
ibuf_set_maxsize(struct ibuf *b, size_t max)
{
	if (IBUF_IS_VIEW(b)) {
		errno = EINVAL;
		return -1;
	}
	if (max > b->max || max < b->wpos) {
		errno = ERANGE;
		return -1;
	}
	if (b->size > max) {
		imsgi_wipe(b->buf + max, b->size - max);
		b->size = max;
	}
	b->max = max;
	return 0;
}

int
ibuf_truncate(struct ibuf *b, size_t len)
{
	size_t have = ibuf_size(b);

	if (len > have) {
		if (IBUF_IS_VIEW(b)) {
			errno = ERANGE;
			return -1;
		}
		return ibuf_add_zero(b, len - have);
	}
	if (!IBUF_IS_VIEW(b) && len < have)
		imsgi_wipe(b->buf + b->rpos + len, have - len);
	b->wpos = b->rpos + len;
	return 0;
}

void *
ibuf_data(const struct ibuf *b)
{
	return b->buf == NULL ? NULL : b->buf + b->rpos;
}

size_t
ibuf_size(const struct ibuf *b)
{
	return b->wpos - b->rpos;
}

size_t
ibuf_left(const struct ibuf *b)
{
	return IBUF_IS_VIEW(b) ? 0 : b->max - b->wpos;
}

int
ibuf_fd_avail(struct ibuf *b)
{
	return b->fd >= 0;
}

int
ibuf_fd_get(struct ibuf *b)
{
	int fd = b->fd;

	if (fd < 0)
		return -1;
	b->fd = -1;
	return fd;
}

void
ibuf_fd_set(struct ibuf *b, int fd)
{
	imsgi_ibuf_owned(b);
	/* Closing it first would attach a number that is no longer ours. */
	if (fd >= 0 && fd == b->fd)
		return;
	imsgi_close(b->fd);
	b->fd = fd < 0 ? -1 : fd;
}
