/* SPDX-License-Identifier: ISC */
/*
 * The life of a msgbuf and its write queue, seen from the composing side.
 *
 * What is queued belongs to the msgbuf until it is sent or dropped.  Sending
 * is in msgbuf-write.c, receiving in msgbuf-read.c.
 */
#include "feature.h"

#include <string.h>

#include "msgbuf-int.h"

struct msgbuf *
msgbuf_new(void)
{
	struct msgbuf *m;

	if ((m = imsgi_os.calloc(1, sizeof(*m))) == NULL)
		return NULL;
	imsgi_ibufq_init(&m->wq);
	imsgi_ibufq_init(&m->hollow);
	imsgi_ibufq_init(&m->rq);
	imsgi_ibufq_init(&m->parts);
	m->no_mmsg = -1;
	m->inflight.sock = -1;
	return m;
}

void
msgbuf_free(struct msgbuf *m)
{
	if (m == NULL)
		return;
	msgbuf_clear(m);
	imsgi_free(m);
}

void
msgbuf_clear(struct msgbuf *m)
{
	struct ibuf *b;

	if (m->watch.fn != NULL)
		imsgi_watch_clear(m);
	while ((b = ibufq_pop(&m->wq)) != NULL) {
		if (b->state & IBUF_CHUNK)
			imsgi_chunk_free((struct chunk *)(void *)b);
		else
			ibuf_free(b);
	}
	ibufq_flush(&m->hollow);
	imsgi_inflight_clear(&m->inflight);
	imsgi_chunk_drop_spares(m);
	m->count = m->halves = 0;
	if (m->no_mmsg == MSGBUF_TORN)
		m->no_mmsg = 1;
	imsgi_msgbuf_clear_read(m);
}

uint32_t
msgbuf_queuelen(struct msgbuf *m)
{
	return m->count;
}

void
imsgi_msgbuf_follow(struct msgbuf *m, struct ibuf *b)
{
	m->touched = 1;
	m->count++;
	if (b->state & IBUF_PART)
		m->halves++;
	imsgi_ibufq_append(&m->wq, b);
	if (m->watch.fn != NULL)
		imsgi_watch_queued(m, b);
}

/* Do received messages have another form than on this one's wire? */
static int
converts(const struct msgbuf *m)
{
	return m->lazy != NULL && m->tokens.fifo;
}

/*
 * A descriptor needs a byte to ride on.  One without waits in hollow for the
 * next ibuf that has bytes and no descriptor of its own.
 */
void
ibuf_close(struct msgbuf *m, struct ibuf *b)
{
	struct ibuf *rider;

	imsgi_ibuf_owned(b);
	if (converts(m))
		m->lazy->unscan(b);
	if (b->fd >= 0 && ibuf_size(b) == 0) {
		m->touched = 1;
		m->count++;
		imsgi_ibufq_append(&m->hollow, b);
		return;
	}
	if (b->fd < 0 && ibuf_size(b) > 0 &&
	    (rider = ibufq_pop(&m->hollow)) != NULL) {
		b->fd = ibuf_fd_get(rider);
		ibuf_free(rider);
		m->count--;
	}
	imsgi_msgbuf_follow(m, b);
}

void
msgbuf_concat(struct msgbuf *m, struct ibufqueue *from)
{
	struct ibuf *b;

	if (m->hollow.len == 0 && from->hollow == 0 && !converts(m) &&
	    m->watch.fn == NULL) {
		if (from->len > 0)
			m->touched = 1;
		m->count += from->len;
		ibufq_concat(&m->wq, from);
		return;
	}
	while ((b = ibufq_pop(from)) != NULL)
		ibuf_close(m, b);
}
