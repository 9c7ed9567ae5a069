/* SPDX-License-Identifier: ISC */
/*
 * Output chunks: small messages composed one behind the other into memory
 * that is kept, so that a message costs no allocation and no iovec.
 *
 * A chunk never leaves the library.  When it has been sent it is either kept
 * for the next messages, at most MSGBUF_SPARES of them, or freed; before it is
 * freed every byte that was ever written to it is wiped.
 */
#include "feature.h"

#include <string.h>

#include "msgbuf-int.h"

static unsigned char *
slot_at(const struct chunk *c, uint32_t i)
{
	return c->ibuf.buf + c->cap - ((size_t)i + 1) * MSGBUF_SLOT;
}

static struct chunk *
chunk_new(size_t cap)
{
	struct chunk *c;

	/* In all a multiple of a huge page. */
	if (cap >= IMSGI_CHUNK_LARGE)
		cap -= sizeof(*c);
	if ((c = imsgi_alloc_large(sizeof(*c) + cap)) == NULL)
		return NULL;
	memset(c, 0, sizeof(*c));
	c->cap = c->room = cap;
	c->ibuf.buf = (unsigned char *)(c + 1);
	c->ibuf.fd = -1;
	c->ibuf.state = IBUF_INLINE | IBUF_CHUNK;
	return c;
}

static struct chunk *
take_spare(struct msgbuf *m)
{
	struct chunk *c;
	int i;

	for (i = MSGBUF_SPARES; i-- > 0;) {
		if ((c = m->spare[i]) != NULL) {
			m->spare[i] = NULL;
			return c;
		}
	}
	return NULL;
}

/*
 * Memory must stay in proportion to what is queued even if every second
 * message is one that cannot go into a chunk; therefore a small chunk behind
 * an ibuf, and behind a full chunk one that is larger.  Growing by four also
 * keeps the allocator from giving freed memory back to the system and
 * fetching it again, page by page, with every batch: glibc adapts its limits
 * to the largest block that was freed (mallopt(3), M_MMAP_THRESHOLD), and
 * that has to be more than half of all.  What is not written to costs nothing.
 */
static size_t
next_cap(const struct ibufqueue *q)
{
	size_t cap;

	if (q->last == NULL)
		return IMSGI_CHUNK_SIZE;
	if (!(q->last->state & IBUF_CHUNK))
		return IMSGI_CHUNK_FIRST;
	cap = ((const struct chunk *)(const void *)q->last)->cap;
	/* The first two are of the size that is kept. */
	if (q->last == q->first && cap == IMSGI_CHUNK_SIZE)
		return IMSGI_CHUNK_SIZE;
	return cap < IMSGI_CHUNK_MAX / 4 ? cap * 4 : IMSGI_CHUNK_MAX;
}

/* A chunk for need bytes behind what is queued, linked in. */
static struct chunk *
chunk_begin(struct msgbuf *m, size_t need)
{
	const struct ibuf *last = m->wq.last;
	size_t cap = next_cap(&m->wq);
	struct chunk *c = NULL;

	if (need > cap && last != NULL && !(last->state & IBUF_CHUNK))
		return NULL;
	if (need <= IMSGI_CHUNK_SIZE)
		c = take_spare(m);
	if (c == NULL && (c = chunk_new(need > cap ? 2 * need : cap)) == NULL)
		return NULL;
	imsgi_ibufq_append(&m->wq, &c->ibuf);
	return c;
}

unsigned char *
imsgi_msgbuf_stage(struct msgbuf *m, size_t len, int half)
{
	struct chunk *c;

	/*
	 * A message of megabytes gains nothing; a waiting descriptor wants an
	 * ibuf to ride on.
	 */
	if (len > IMSGI_STAGE_MAX || m->hollow.len > 0)
		return NULL;
	if ((c = imsgi_chunk_at_end(m, len)) == NULL &&
	    (c = chunk_begin(m, len + MSGBUF_SLOT)) == NULL)
		return NULL;
	return imsgi_chunk_put(m, c, len, half);
}

static uint32_t
slots(const struct chunk *c)
{
	return (uint32_t)((c->cap - c->ibuf.wpos - c->room) / MSGBUF_SLOT);
}

int
imsgi_chunk_slot(const struct chunk *c, uint32_t i, size_t *start, size_t *end)
{
	uint32_t at = 0;

	if (i >= slots(c))
		return 0;
	if (i > 0)
		memcpy(&at, slot_at(c, i - 1), sizeof(at));
	*start = at;
	memcpy(&at, slot_at(c, i), sizeof(at));
	*end = at;
	return 1;
}

uint32_t
imsgi_chunk_advance(struct chunk *c, uint32_t *halves)
{
	uint32_t end, n = 0;

	if (c->ibuf.rpos == c->ibuf.wpos) {
		n = slots(c) - c->done;
		*halves = c->halves;
		c->done += n;
		c->halves = 0;
		return n;
	}
	/* The last one, a half or not, ends at wpos, which is beyond rpos. */
	for (*halves = 0;; c->done++, n++) {
		memcpy(&end, slot_at(c, c->done), sizeof(end));
		if (end > c->ibuf.rpos)
			return n;
	}
}

static void
note_use(struct chunk *c)
{
	if (c->ibuf.size < c->ibuf.wpos)
		c->ibuf.size = c->ibuf.wpos;
}

void
imsgi_chunk_free(struct chunk *c)
{
	note_use(c);
	ibuf_free(&c->ibuf);
}

/* Sent completely and unlinked. */
void
imsgi_chunk_retire(struct msgbuf *m, struct chunk *c)
{
	int i;

	note_use(c);
	c->ibuf.rpos = c->ibuf.wpos = 0;
	c->room = c->cap;
	c->done = 0;
	for (i = 0; c->cap == IMSGI_CHUNK_SIZE && i < MSGBUF_SPARES; i++) {
		if (m->spare[i] == NULL) {
			m->spare[i] = c;
			return;
		}
	}
	imsgi_chunk_free(c);
}

void
imsgi_chunk_sent(struct msgbuf *m, struct chunk *c)
{
	m->wq.first = m->wq.last = NULL;
	m->wq.bytes = 0;
	m->wq.len = 0;
	m->count = m->halves = 0;
	c->halves = 0;
	imsgi_chunk_retire(m, c);
}

void
imsgi_chunk_drop_spares(struct msgbuf *m)
{
	struct chunk *c;

	while ((c = take_spare(m)) != NULL)
		imsgi_chunk_free(c);
}
