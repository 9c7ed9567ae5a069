/* SPDX-License-Identifier: ISC */
/*
 * Complete messages that wait in the input buffer until they are fetched.
 *
 * A read may bring a thousand small messages.  Made at once, they would all
 * be allocated before the first is freed: memory that is cold again when its
 * turn comes.  Made one by one as they are fetched, the allocator hands out
 * the same warm block again and again.  The first of a read is made at once,
 * so that a program that fetches after each read meets want of memory there.
 */
#include "feature.h"

#include <errno.h>
#include <string.h>

#include "msgbuf-int.h"

int
imsgi_lazy_scan(struct msgbuf *m)
{
	uint32_t n;
	int more;

	m->ready += m->lazy->scan(m->arg, m->in + m->ready, m->inend - m->ready,
	    UINT32_MAX, &n, &more);
	m->nready += n;
	return more;
}

static size_t
size_of_next(const struct msgbuf *m)
{
	uint32_t total;

	memcpy(&total, m->in + m->inpos + m->lazy->size_at, sizeof(total));
	return total;
}

static struct ibuf *
make(struct msgbuf *m)
{
	size_t total = size_of_next(m);
	struct ibuf *b;

	if ((b = imsgi_ibuf_new(total, total)) == NULL)
		return NULL;
	memcpy(b->buf, m->in + m->inpos, total);
	imsgi_lazy_taken(m, b, total);
	if (total >= IMSGI_GUESS_MIN)
		imsgi_place_note(m, total);
	return b;
}

void
imsgi_lazy_after(struct msgbuf *m, size_t total)
{
	if (total >= IMSGI_GUESS_MIN)
		imsgi_place_note(m, total);
	if (m->nready == 0)
		imsgi_msgbuf_settle(m);
}

/* Without settling: the parser, which is the one that asks, goes on itself. */
int
imsgi_lazy_make(struct msgbuf *m)
{
	struct ibuf *b;

	if ((b = make(m)) == NULL)
		return -1;
	imsgi_ibufq_append(&m->rq, b);
	return 0;
}

int
imsgi_lazy_make_all(struct msgbuf *m)
{
	while (m->nready > 0)
		if (imsgi_lazy_make(m) == -1)
			return -1;
	return 0;
}

/* NULL: there is none, or with some ready ENOMEM. */
struct ibuf *
msgbuf_get(struct msgbuf *m)
{
	struct ibuf *b;

	if (m->nready == 0 || m->rq.first != NULL)
		b = ibufq_pop(&m->rq);
	else if ((b = make(m)) != NULL && m->nready == 0)
		imsgi_msgbuf_settle(m);
	if (m->watch.fn != NULL && b != NULL)
		imsgi_watch_fetched(m, b);
	return b;
}
