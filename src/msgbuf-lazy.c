/* SPDX-License-Identifier: ISC */
/*
 * Complete messages that wait in the input buffer until they are fetched.
 *
 * A read may bring a thousand small messages.  Made at once, they would all
 * be allocated before the first is freed: memory that is cold again when its
 * turn comes.  Made one by one as they are fetched, the allocator hands out
 * the same warm block again and again.  One is always made in advance, so
 * that want of memory shows in a read, as long as it does not come later.
 */
#include "feature.h"

#include <errno.h>
#include <string.h>

#include "msgbuf-int.h"

/*
 * A message may wait if all of it is there and no descriptor can concern it.
 * Any other is made now, and so have to be those before it.
 */
int
imsgi_lazy_scan(struct msgbuf *m)
{
	unsigned char *hdr = m->in + m->ready;
	size_t total, max = m->inend - m->ready;
	int special = m->tokens.n > 0, save;

	total = m->lazy->scan(hdr, m->arg, max, &special);
	if (total != 0 && !special) {
		if (total > max)
			return 0;
		m->ready += total;
		m->nready++;
		return 1;
	}
	save = errno;
	if (imsgi_lazy_make_all(m) == -1)
		return -1;
	errno = save;
	return total == 0 ? -1 : 0;
}

int
imsgi_lazy_make(struct msgbuf *m)
{
	unsigned char *p = m->in + m->inpos;
	size_t total = m->lazy->size(p);
	struct ibuf *b;

	if ((b = imsgi_ibuf_new(total, total)) == NULL)
		return -1;
	memcpy(b->buf, p, total);
	b->wpos = total;
	imsgi_ibufq_append(&m->rq, b);
	m->inpos += total;
	m->nready--;
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

	if (m->nready > 0 && m->rq.first == NULL && imsgi_lazy_make(m) == -1)
		return NULL;
	b = ibufq_pop(&m->rq);
	if (m->nready > 0 && m->rq.first == NULL)
		(void)imsgi_lazy_make(m);
	if (b != NULL && m->nready == 0 && m->inpos > 0)
		imsgi_msgbuf_settle(m);
	return b;
}
