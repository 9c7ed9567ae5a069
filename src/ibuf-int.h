/* SPDX-License-Identifier: ISC */
/*
 * What the rooms above may know of an ibuf beyond the public functions.
 *
 * Invariant, kept by every function of the ibuf room: rpos <= wpos <= size,
 * and size <= max for owned buffers.  Bytes of an owned buffer from wpos to
 * size hold zeros or bytes of the same owner.
 */
#ifndef IMSG_IBUF_INT_H
#define IMSG_IBUF_INT_H

#include <errno.h>
#include <stddef.h>
#include <stdint.h>

#include "imsg.h"
#include "os.h"

/* ibuf.fd of a view: owns neither bytes nor descriptor. */
#define IBUF_FD_VIEW (-2)

/* ibuf.state */
#define IBUF_INLINE    0x01 /* storage follows the struct, one block */
#define IBUF_FD_MARKED 0x02 /* a received header announced a descriptor */
#define IBUF_FD_CAME   0x04 /* and it came */
#define IBUF_PART      0x08 /* first half of a message, not counted */
#define IBUF_CHUNK     0x10 /* output chunk of several messages */
#define IBUF_BEGUN     0x20 /* sent in part: too late for a descriptor */
#define IBUF_RECEIVED  0x40 /* a received message, as it is fetched */
#define IBUF_REST      0x80 /* what follows a first half */

/*
 * Storage behind the struct is aligned as malloc(3) aligns, and with it the
 * payload behind a header of 16 bytes, which programs cast to structs of their
 * own: 12 bytes on 32-bit machines, none on others.
 */
#define IBUF_PAD       ((16 - sizeof(struct ibuf) % 16) % 16)
#define IBUF_HEAD      (sizeof(struct ibuf) + IBUF_PAD)
#define IBUF_BEHIND(b) ((unsigned char *)((b) + 1) + IBUF_PAD)

#define IBUF_IS_VIEW(b) ((b)->fd == IBUF_FD_VIEW)

/* Makes size at least want (<= max), moving the content.  -1 ENOMEM. */
IMSGI_HIDDEN int imsgi_ibuf_grow(struct ibuf *, size_t want);
/* abort() on a view: a program that does this has lost track of ownership. */
IMSGI_HIDDEN void imsgi_ibuf_owned(const struct ibuf *);
/* Address at offset pos; valid even without storage, then not to be used. */
IMSGI_HIDDEN unsigned char *imsgi_ibuf_at(const struct ibuf *, size_t pos);

/* An owned ibuf whose storage of len bytes lies behind it. */
static inline void
imsgi_ibuf_init(struct ibuf *b, size_t len, size_t max)
{
	b->entry.tqe_next = NULL;
	b->entry.tqe_prev = NULL;
	b->buf = IBUF_BEHIND(b);
	b->size = len;
	b->max = max;
	b->wpos = b->rpos = 0;
	b->fd = -1;
	b->state = IBUF_INLINE;
}

/*
 * A new ibuf of size len, which is not 0, max as given; storage is not
 * cleared.  Inline for the sake of small messages.
 */
static inline struct ibuf *
imsgi_ibuf_new(size_t len, size_t max)
{
	struct ibuf *b;

	if (len > SIZE_MAX - IBUF_HEAD) {
		errno = ENOMEM;
		return NULL;
	}
	if ((b = imsgi_os.alloc(IBUF_HEAD + len)) != NULL)
		imsgi_ibuf_init(b, len, max);
	return b;
}

#endif
