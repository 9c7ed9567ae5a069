/* SPDX-License-Identifier: ISC */
/*
 * See model.h.
 */
#include <errno.h>
#include <string.h>

#include "kernel.h"
#include "model.h"

void
model_begin(struct model *m, const uint8_t *p)
{
	m->start = p;
	m->seen = 0;
	model_clear(m);
}

void
model_clear(struct model *m)
{
	m->at = m->seen;
	m->held = m->fresh = IMSGI_FD_NONE;
	m->nwait = 0;
	m->error = m->is_header = 0;
	m->n = m->next = 0;
}

static int
queued_token(struct model *m, int takes)
{
	int token;

	if (!takes || m->nwait == 0)
		return IMSGI_FD_NONE;
	token = m->wait[0];
	memmove(&m->wait[0], &m->wait[1], --m->nwait * sizeof(m->wait[0]));
	return token;
}

static int
take(int *where)
{
	int token = *where;

	*where = IMSGI_FD_NONE;
	return token;
}

/* What a header gets; the one that was held is for no other. */
static int
token_for(struct model *m, int takes)
{
	int *where = m->held != IMSGI_FD_NONE ? &m->held : &m->fresh;

	if (m->fifo)
		return queued_token(m, takes);
	if (takes && (*where >= 0 || m->knows_lost))
		return take(where);
	if (where == &m->held)
		(void)take(where);
	return IMSGI_FD_NONE;
}

static void
receipt_ends(struct model *m)
{
	if (m->fifo) {
		if (m->nwait > MODEL_WAIT)
			m->error = EPROTO;
		return;
	}
	/* Within a header? */
	if (m->seen <= m->at)
		m->held = IMSGI_FD_NONE;
	else if (m->held == IMSGI_FD_NONE)
		m->held = m->fresh;
	m->fresh = IMSGI_FD_NONE;
}

void
model_receipt(struct model *m, size_t n, int token)
{
	struct expected *e;

	check(m->error == 0, "reads on after a failure");
	m->seen += n;
	if (token != IMSGI_FD_NONE && m->fifo)
		m->wait[m->nwait++] = token;
	else
		m->fresh = token;
	while (m->at + m->hdrsz <= m->seen) {
		e = &m->e[m->n];
		e->p = m->start + m->at;
		if ((m->error = m->header(e->p, e)) != 0) {
			m->is_header = 1;
			return;
		}
		e->token = token_for(m, e->takes);
		m->n++;
		m->at += e->total;
	}
	receipt_ends(m);
}

static size_t
end_of(const struct model *m, const struct expected *e)
{
	return (size_t)(e->p - m->start) + e->total;
}

struct expected *
model_next(struct model *m)
{
	if (m->next == m->n || end_of(m, &m->e[m->next]) > m->seen)
		return NULL;
	return &m->e[m->next++];
}

size_t
model_partial(const struct model *m)
{
	if (m->at <= m->seen)
		return m->seen - m->at;
	return m->seen - (size_t)(m->e[m->n - 1].p - m->start);
}
