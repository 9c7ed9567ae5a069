/* SPDX-License-Identifier: ISC */
/*
 * The message under way: its header is known, its end has not come.
 *
 * Its storage grows with what arrives, by parts that double, and becomes one
 * block as soon as no more than IMSGI_PLACE_MAX bytes are missing.  Memory is
 * never allocated for a length that was only announced, beyond that much.
 */
#include "feature.h"

#include <string.h>

#include "msgbuf-int.h"

/* Smallest continuation of a large message, in bytes. */
#define PART_MIN ((size_t)IMSGI_PLACE_MAX)

void
imsgi_current_drop(struct msgbuf *m)
{
	ibuf_free(m->cur);
	m->cur = NULL;
	m->missing = 0;
	ibufq_flush(&m->parts);
}

/*
 * Where the next byte of the current message goes, and how many fit there:
 * never more than are missing, for no block is larger than its part of the
 * message (ibuf.size <= ibuf.max).
 */
static struct ibuf *
storage(struct msgbuf *m, size_t *room)
{
	struct ibuf *b = m->parts.last != NULL ? m->parts.last : m->cur;

	*room = b->size - b->wpos;
	return b;
}

/*
 * More storage for the current message when all it has is filled: as much
 * as has arrived, so that it doubles.  Parts instead of a larger block: the
 * old and the new one together would be three times what arrived.
 */
static struct ibuf *
add_part(struct msgbuf *m)
{
	size_t have = m->cur->wpos + m->parts.bytes;
	size_t want = have > PART_MIN ? have : PART_MIN;
	struct ibuf *b;

	/* The end is received in the whole message's block. */
	if (want > m->missing - IMSGI_PLACE_MAX)
		want = m->missing - IMSGI_PLACE_MAX;
	if ((b = imsgi_ibuf_new(want, want)) != NULL)
		imsgi_ibufq_append(&m->parts, b);
	return b;
}

/*
 * One block for all of the current message when no more than what may be
 * allocated on trust is missing.  It is filled with what has come so far.
 */
static struct ibuf *
join(struct msgbuf *m)
{
	size_t total = m->cur->wpos + m->parts.bytes + m->missing;
	struct ibuf *b, *part;

	if ((b = imsgi_ibuf_new(total, total)) == NULL)
		return NULL;
	ibuf_fd_set(b, ibuf_fd_get(m->cur));
	b->state |= m->cur->state & IBUF_RECEIVED;
	b->rpos = m->cur->rpos;
	for (part = m->cur; part != NULL; part = ibufq_pop(&m->parts)) {
		/* The callback of a raw reader may have left it without any. */
		if (part->wpos > 0)
			memcpy(b->buf + b->wpos, part->buf, part->wpos);
		b->wpos += part->wpos;
		ibuf_free(part);
	}
	m->cur = b;
	m->proven = total <= IMSGI_TRUST_MAX ? total : 0;
	return b;
}

/* As storage(), with room for at least one byte; NULL ENOMEM. */
struct ibuf *
imsgi_current_room(struct msgbuf *m, size_t *room)
{
	struct ibuf *b = storage(m, room);

	if (*room > 0)
		return b;
	b = m->missing > IMSGI_PLACE_MAX ? add_part(m) : join(m);
	if (b != NULL)
		*room = b->size - b->wpos;
	return b;
}

/* n bytes of the current message have been put into b. */
void
imsgi_current_advance(struct msgbuf *m, struct ibuf *b, size_t n)
{
	b->wpos += n;
	m->missing -= n;
	/* The queue's sum was taken when the part was still empty. */
	if (b != m->cur)
		m->parts.bytes += n;
}

/* Moves parsed input into the current message.  -1 ENOMEM. */
int
imsgi_current_absorb(struct msgbuf *m)
{
	struct ibuf *b;
	size_t n, room;

	while (m->missing > 0 && m->inpos < m->inend) {
		if ((b = imsgi_current_room(m, &room)) == NULL)
			return -1;
		n = m->inend - m->inpos;
		if (n > room)
			n = room;
		memcpy(b->buf + b->wpos, m->in + m->inpos, n);
		m->inpos += n;
		imsgi_current_advance(m, b, n);
	}
	return 0;
}

/* All bytes of the current message are there. */
void
imsgi_current_deliver(struct msgbuf *m)
{
	struct ibuf *b = m->cur;

	/* One with a descriptor could not have come in a guessed place. */
	if (b->wpos >= IMSGI_GUESS_MIN && b->fd < 0)
		imsgi_place_note(m, b->wpos);
	m->cur = NULL;
	imsgi_ibufq_append(&m->rq, b);
}
