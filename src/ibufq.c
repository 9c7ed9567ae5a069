/* SPDX-License-Identifier: ISC */
/*
 * A first-in, first-out queue that owns its ibufs.
 *
 * It keeps sums, so that moving a million buffers to another queue and asking
 * how much waits there take constant time.  It never looks at their bytes.
 */
#include "feature.h"

#include "ibuf-int.h"
#include "ibufq-int.h"

void
imsgi_ibufq_init(struct ibufqueue *q)
{
	q->first = q->last = NULL;
	q->bytes = 0;
	q->len = q->fds = q->hollow = 0;
}

struct ibufqueue *
ibufq_new(void)
{
	struct ibufqueue *q;

	if ((q = imsgi_os.alloc(sizeof(*q))) != NULL)
		imsgi_ibufq_init(q);
	return q;
}

void
ibufq_free(struct ibufqueue *q)
{
	if (q == NULL)
		return;
	ibufq_flush(q);
	imsgi_free(q);
}

void
ibufq_flush(struct ibufqueue *q)
{
	struct ibuf *b;

	while ((b = ibufq_pop(q)) != NULL)
		ibuf_free(b);
}

static void
account(struct ibufqueue *q, const struct ibuf *b)
{
	q->len++;
	q->bytes += ibuf_size(b);
	if (b->fd >= 0) {
		q->fds++;
		if (ibuf_size(b) == 0)
			q->hollow++;
	}
}

static void
unaccount(struct ibufqueue *q, const struct ibuf *b)
{
	q->len--;
	q->bytes -= ibuf_size(b);
	if (b->fd >= 0) {
		q->fds--;
		if (ibuf_size(b) == 0)
			q->hollow--;
	}
}

void
imsgi_ibufq_append(struct ibufqueue *q, struct ibuf *b)
{
	b->entry.tqe_next = NULL;
	if (q->last == NULL)
		q->first = b;
	else
		q->last->entry.tqe_next = b;
	q->last = b;
	account(q, b);
}

void
ibufq_push(struct ibufqueue *q, struct ibuf *b)
{
	imsgi_ibuf_owned(b);
	imsgi_ibufq_append(q, b);
}

struct ibuf *
ibufq_pop(struct ibufqueue *q)
{
	struct ibuf *b;

	if ((b = q->first) == NULL)
		return NULL;
	q->first = b->entry.tqe_next;
	if (q->first == NULL)
		q->last = NULL;
	b->entry.tqe_next = NULL;
	unaccount(q, b);
	return b;
}

uint32_t
ibufq_queuelen(struct ibufqueue *q)
{
	return q->len;
}

void
ibufq_concat(struct ibufqueue *to, struct ibufqueue *from)
{
	if (to == from || from->first == NULL)
		return;
	if (to->last == NULL)
		to->first = from->first;
	else
		to->last->entry.tqe_next = from->first;
	to->last = from->last;
	to->bytes += from->bytes;
	to->len += from->len;
	to->fds += from->fds;
	to->hollow += from->hollow;
	imsgi_ibufq_init(from);
}
