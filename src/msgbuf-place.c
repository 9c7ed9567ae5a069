/* SPDX-License-Identifier: ISC */
/*
 * Receiving a large message in its place before its header is known.
 *
 * Programs that pass blocks pass many of one size.  When two messages of the
 * same size have come, the next read goes straight into a buffer for a third.
 * If the guess was right, that is the message, and nothing was copied or left
 * behind in the input buffer; if not, the bytes move to the input buffer and
 * guessing starts over.  A guess never changes what is received, only where.
 */
#include "feature.h"

#include <string.h>

#include "msgbuf-int.h"

/* A wrong guess has to fit into the input buffer. */
typedef char guess_fits[IMSGI_GUESS_MAX <= IMSGI_INPUT_SIZE ? 1 : -1];

void
imsgi_place_note(struct msgbuf *m, size_t total)
{
	m->guess = 0;
	if (total == m->seen && total <= IMSGI_GUESS_MAX)
		m->guess = total;
	m->seen = total;
}

void
imsgi_place_drop(struct msgbuf *m)
{
	ibuf_free(m->place);
	m->place = NULL;
	m->guess = m->seen = 0;
}

struct ibuf *
imsgi_place_get(struct msgbuf *m)
{
	/* Looking at a classic header would already change it. */
	if (m->lazy == NULL || m->tokens.fifo || m->guess == 0 || m->inend > 0)
		return NULL;
	/* One that is kept is of that size: nothing has come since. */
	if (m->place == NULL)
		m->place = imsgi_ibuf_new(m->guess, m->guess);
	return m->place;
}

/* Is what came the start of a plain message of just the size of its place? */
static int
fits(struct msgbuf *m, size_t n)
{
	uint32_t one;
	int more;

	if (n < m->hdrsz || m->tokens.n > 0)
		return 0;
	return m->lazy->scan(m->arg, m->place->buf, m->place->size, 1, &one,
		   &more) == m->place->size;
}

void
imsgi_place_arrived(struct msgbuf *m, size_t n)
{
	const size_t size = m->place->size;
	size_t first = n < size ? n : size;

	m->inend = n - first;
	if (fits(m, first)) {
		m->cur = m->place;
		m->cur->wpos = first;
		m->cur->state |= IBUF_RECEIVED;
		m->missing = size - first;
		m->place = NULL;
		return;
	}
	memmove(m->in + first, m->in, m->inend);
	memcpy(m->in, m->place->buf, first);
	m->inend = n;
	imsgi_place_drop(m);
}
