/* SPDX-License-Identifier: ISC */
/*
 * How long requests wait for their answers.
 *
 * On a channel and for a peerid, who speaks first asks.  The first message of
 * that side that is not answered yet waits for the next one of the other side;
 * further ones of the other side belong to the same answer.
 *
 * Waiting messages are in a table of fixed size, in sets of eight: a new one
 * takes the place of the one in its set that was not touched for longest.
 */
#include "summary-int.h"

#include <string.h>

#define WAYS 8

/* The entry of that channel and peerid, or one that is free for it. */
static struct wait *
entry(struct summary *s, uint32_t channel, uint32_t peerid)
{
	uint32_t set =
	    summary_hash(s, channel, peerid) % (SUMMARY_WAITS / WAYS);
	struct wait *w = s->waits + (size_t)set * WAYS, *oldest = w;
	size_t i;

	for (i = 0; i < WAYS; i++) {
		if (w[i].used && w[i].channel == channel &&
		    w[i].peerid == peerid)
			return &w[i];
		if (w[i].age < oldest->age)
			oldest = &w[i];
	}
	s->all.forgotten += oldest->waiting;
	memset(oldest, 0, sizeof(*oldest));
	return oldest;
}

/* Does r come from the side that asks?  A socket may have several owners. */
static int
asks(const struct wait *w, const struct record *r)
{
	if (r->from.pid == w->from || r->to.pid == w->to)
		return 1;
	return r->from.pid != w->to && r->to.pid != w->from;
}

static void
answered(struct summary *s, struct wait *w, const struct record *r)
{
	struct row *row = &s->rows[w->row];
	uint64_t gap = 0;

	w->waiting = 0;
	if (r->time > w->time)
		gap = (uint64_t)r->time - (uint64_t)w->time;
	if (row->answered && gap <= row->gap)
		return;
	row->answered = 1;
	row->gap = gap;
	row->peerid = w->peerid;
	row->answer = r->hdr.type;
}

void
summary_wait(struct summary *s, const struct record *r, size_t row)
{
	struct wait *w = entry(s, r->channel, r->hdr.peerid);

	w->age = ++s->clock;
	if (!w->used) {
		w->used = 1;
		w->channel = r->channel;
		w->peerid = r->hdr.peerid;
		w->from = r->from.pid;
		w->to = r->to.pid;
	} else if (!asks(w, r)) {
		if (w->waiting)
			answered(s, w, r);
		return;
	}
	if (w->waiting)
		return;
	w->waiting = 1;
	w->time = r->time;
	w->row = (uint16_t)row;
}
