/* SPDX-License-Identifier: ISC */
/*
 * What becomes of messages, told to whoever watches.
 *
 * The write queue is taken apart into the units that were put into it: an
 * ibuf, or the bytes of one slot of a chunk.  Of each one it is told once that
 * it is queued, and once that it is sent or dropped, while its bytes are still
 * there.  Nothing here looks at them or changes the queue.
 */
#include "feature.h"

#include <string.h>

#include "msgbuf-int.h"

static void
tell(const struct msgbuf *m, int event, enum msgbuf_part part,
    const unsigned char *p, size_t len, int fd)
{
	const struct msgbuf_unit u = { event, part, p, len, fd };

	m->watch.fn(m->arg, &u);
}

static enum msgbuf_part
part_of(const struct ibuf *b)
{
	if (b->state & IBUF_PART)
		return MSGBUF_FIRST;
	return b->state & IBUF_REST ? MSGBUF_REST : MSGBUF_WHOLE;
}

/* The oldest unit leaves the queue: is it to be passed over? */
static int
skipped(struct msgbuf *m)
{
	int skip = m->watch.skip;

	m->watch.skip = 0;
	return skip;
}

/* The units of a chunk up to there, from the first that is not done. */
static void
leave_chunk(struct msgbuf *m, int event, const struct chunk *c, size_t upto)
{
	enum msgbuf_part part;
	size_t start, end;
	uint32_t i;

	for (i = c->done; imsgi_chunk_slot(c, i, &start, &end) && end <= upto;
	     i++) {
		if (skipped(m))
			continue;
		/* A first half is the last one. */
		part = c->halves > 0 && end == c->ibuf.wpos ? MSGBUF_FIRST :
							      MSGBUF_WHOLE;
		tell(m, event, part, c->ibuf.buf + start, end - start, -1);
	}
}

static void
leave_ibuf(struct msgbuf *m, int event, const struct ibuf *b)
{
	size_t start = b->rpos;
	int fd = b->fd;

	if (skipped(m))
		return;
	if (b->state & IBUF_BEGUN) {
		start = m->watch.start;
		fd = m->watch.fd;
	}
	tell(
	    m, event, part_of(b), imsgi_ibuf_at(b, start), b->wpos - start, fd);
}

void
imsgi_watch_start(
    struct msgbuf *m, void (*fn)(void *, const struct msgbuf_unit *))
{
	struct ibuf *b = m->wq.first;
	const struct chunk *c = (struct chunk *)(void *)b;
	size_t end, start = 0;

	m->watch.fn = fn;
	m->watch.skip = 0;
	if (b == NULL)
		return;
	if (!(b->state & IBUF_CHUNK)) {
		m->watch.skip = (b->state & IBUF_BEGUN) != 0;
		return;
	}
	(void)imsgi_chunk_slot(c, c->done, &start, &end);
	m->watch.skip = b->rpos > start;
}

void
imsgi_watch_queued(struct msgbuf *m, const struct ibuf *b)
{
	tell(m, IMSG_TRACE_QUEUED, part_of(b), imsgi_ibuf_at(b, b->rpos),
	    ibuf_size(b), b->fd);
}

void
imsgi_watch_staged(
    struct msgbuf *m, const unsigned char *p, size_t len, enum msgbuf_part part)
{
	tell(m, IMSG_TRACE_QUEUED, part, p, len, -1);
}

void
imsgi_watch_taken(struct msgbuf *m, struct ibuf *b, size_t take)
{
	if (b->state & IBUF_CHUNK) {
		leave_chunk(m, IMSG_TRACE_SENT, (struct chunk *)(void *)b,
		    b->rpos + take);
		return;
	}
	if (!(b->state & IBUF_BEGUN)) {
		m->watch.start = b->rpos;
		m->watch.fd = b->fd;
	}
}

void
imsgi_watch_sent(struct msgbuf *m, const struct ibuf *b)
{
	leave_ibuf(m, IMSG_TRACE_SENT, b);
}

void
imsgi_watch_fetched(struct msgbuf *m, const struct ibuf *b)
{
	tell(m, IMSG_TRACE_RECEIVED, MSGBUF_WHOLE, b->buf, b->wpos, b->fd);
}

static void
drop_ready(struct msgbuf *m)
{
	const unsigned char *p = m->in + m->inpos;
	uint32_t i, total;

	for (i = 0; i < m->nready; i++, p += total) {
		memcpy(&total, p + m->lazy->size_at, sizeof(total));
		tell(m, IMSG_TRACE_UNREAD, MSGBUF_WHOLE, p, total, -1);
	}
}

void
imsgi_watch_clear(struct msgbuf *m)
{
	struct ibuf *b;

	for (b = m->wq.first; b != NULL; b = b->entry.tqe_next) {
		if (b->state & IBUF_CHUNK)
			leave_chunk(m, IMSG_TRACE_DROPPED,
			    (struct chunk *)(void *)b, b->wpos);
		else
			leave_ibuf(m, IMSG_TRACE_DROPPED, b);
	}
	for (b = m->rq.first; b != NULL; b = b->entry.tqe_next)
		tell(
		    m, IMSG_TRACE_UNREAD, MSGBUF_WHOLE, b->buf, b->wpos, b->fd);
	if (m->nready > 0)
		drop_ready(m);
}
