/* SPDX-License-Identifier: ISC */
/*
 * Bytes that are held until it is certain what they are.
 *
 * With them is known which call brought which of them: if the evidence that
 * began with one call comes to nothing, it begins again with the next, and
 * what is proven at last goes through the stream as it came.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "stream-int.h"

void
stream_held_free(struct stream *s)
{
	if (s->held == NULL)
		return;
	free(s->held->p);
	free(s->held);
	s->held = NULL;
}

static int
begin(struct stream *s)
{
	if ((s->held = calloc(1, sizeof(*s->held))) == NULL) {
		stream_drop(s, "out of memory; given up", errno);
		return -1;
	}
	s->held->base = s->off;
	if (s->mode == STREAM_HUNT) {
		evidence_begin(&s->evidence, s->maxsize, s->told);
		(void)passed_skip(&s->passed, s->off);
	}
	return 0;
}

static int
append(struct stream *s, const unsigned char *p, size_t len)
{
	struct held *h = s->held;
	unsigned char *q;
	size_t room = h->room == 0 ? 256 : h->room;

	while (room - h->len < len)
		room *= 2;
	if (room > h->room) {
		if (stream_charge(s, room) == -1)
			return -1;
		if ((q = realloc(h->p, room)) == NULL) {
			stream_drop(s, "out of memory; given up", errno);
			return -1;
		}
		h->p = q;
		h->room = room;
	}
	if (len > 0)
		memcpy(h->p + h->len, p, len);
	h->len += len;
	return 0;
}

/* Pieces of one call become one again; so do all calls that are too many. */
static void
note_call(struct stream *s, size_t len, size_t before, int last)
{
	struct held *h = s->held;
	struct held_call *c = h->ncalls > 0 ? &h->calls[h->ncalls - 1] : NULL;

	if (c == NULL || (c->last && h->ncalls < HOLD_CALLS)) {
		c = &h->calls[h->ncalls++];
		c->start = h->len - len;
		c->len = 0;
		c->before = before;
	} else if (c->last)
		h->crowded = 1;
	c->len += len;
	c->time = s->time;
	c->pid = s->pid;
	c->last = last;
}

/* 1: no room for so much more; only the evidence goes on, if at all. */
static int
is_full(struct stream *s, size_t len)
{
	struct held *h = s->held;

	if (!h->dropped && len <= HOLD_MAX - h->len)
		return 0;
	/* So much for nothing is worth many of the usual tries. */
	if (!h->dropped)
		s->tries += TRIES_FULL;
	free(h->p);
	h->p = NULL;
	h->len = h->room = 0;
	h->ncalls = h->first = 0;
	h->dropped = 1;
	if (s->mode == STREAM_DECIDE) {
		stream_held_free(s);
		stream_restart(s, NULL,
		    "wire generation cannot be told; looking for a new start");
	}
	return 1;
}

void
stream_hold_piece(struct stream *s, const unsigned char *p, size_t len,
    size_t before, int last)
{
	if (s->held == NULL && begin(s) == -1)
		return;
	if (!is_full(s, len)) {
		if (append(s, p, len) == -1)
			return;
		note_call(s, len, before, last);
	}
	if (s->held == NULL)
		return;
	s->off += len;
	evidence_bytes(&s->evidence, p, len, s->pid);
	if (last)
		evidence_call_end(&s->evidence);
}

/* Another start that was none: 0, or -1 if it was the last one. */
static int
count_try(struct stream *s)
{
	s->tries++;
	if (s->tries >= TRIES_SAY && s->shown == 0 && !s->said) {
		s->said = 1;
		stream_note(s, NULL, "not imsg, ignored");
	}
	if (s->tries < TRIES_MAX)
		return 0;
	stream_drop(s, s->shown > 0 ? "no new start found; given up" : NULL, 0);
	return -1;
}

/* The evidence anew from held call first on, until it says something. */
static void
replay(struct stream *s)
{
	struct held *h = s->held;
	struct held_call *c;
	unsigned int i;

	evidence_begin(&s->evidence, s->maxsize, s->told);
	for (i = h->first; i < h->ncalls; i++) {
		c = &h->calls[i];
		evidence_bytes(&s->evidence, h->p + c->start, c->len, c->pid);
		if (c->last)
			evidence_call_end(&s->evidence);
		if (evidence_verdict(&s->evidence, s->passed.n > 0) !=
		    EVIDENCE_WAIT)
			return;
	}
}

/* The bytes held do not begin with a message: 0, -1 nothing is held now. */
static int
next_start(struct stream *s)
{
	struct held *h = s->held;

	if (count_try(s) == -1)
		return -1;
	if (h->dropped || h->crowded || h->first + 1 >= h->ncalls) {
		s->skip_call = !s->last;
		stream_held_free(s);
		return -1;
	}
	h->first++;
	(void)passed_skip(&s->passed, h->base + h->calls[h->first].start);
	replay(s);
	return 0;
}

/* Neither wire has a header like the one that began this. */
static void
undecidable(struct stream *s)
{
	struct imsg_hdr hdr;

	memset(&hdr, 0, sizeof(hdr));
	if (s->held->len >= sizeof(hdr))
		memcpy(&hdr, s->held->p, sizeof(hdr));
	stream_held_free(s);
	stream_restart(s, &hdr,
	    "header that fits neither wire generation; looking for a new start");
}

void
stream_judge(struct stream *s)
{
	int v;

	while (s->held != NULL) {
		v = evidence_verdict(&s->evidence, s->passed.n > 0);
		if (v == EVIDENCE_WAIT)
			return;
		if (v != EVIDENCE_NONE) {
			stream_release(s, v);
			return;
		}
		if (s->mode == STREAM_DECIDE)
			undecidable(s);
		else if (next_start(s) == -1)
			return;
	}
}

void
stream_hold(struct stream *s, const unsigned char *p, size_t len)
{
	if (s->skip_call)
		return;
	stream_hold_piece(s, p, len, s->call - len, s->last);
	stream_judge(s);
}

/* It is imsg from that byte on. */
static void
start_at(struct stream *s, uint64_t at)
{
	unsigned long long n = at - s->pos;

	s->tries = 0;
	s->said = 0;
	s->untidy = s->evidence.untidy;
	(void)passed_skip(&s->passed, at);
	if (n > 0)
		stream_notef(s, NULL, "%llu bytes before this skipped", n);
	s->pos = s->fed = at;
}

static void
again(struct stream *s, const struct held *h, const struct held_call *c)
{
	s->off = h->base + c->start;
	s->in_call = 1;
	s->call_start = s->off - c->before;
	s->call = c->before;
	s->time = c->time;
	s->pid = c->pid;
	s->last = c->last;
	stream_input(s, h->p + c->start, c->len);
}

void
stream_release(struct stream *s, int wire)
{
	struct held *h = s->held;
	unsigned int i;

	if (h->dropped && !evidence_between(&s->evidence, wire))
		return;
	s->held = NULL;
	s->lent += h->room;
	if (s->mode == STREAM_HUNT) {
		start_at(s,
		    h->dropped ? s->off : h->base + h->calls[h->first].start);
	}
	s->mode = STREAM_KNOWN;
	s->wire = wire;
	s->told = RECORD_WIRE_UNKNOWN;
	memset(&s->walk, 0, sizeof(s->walk));
	for (i = h->first; i < h->ncalls && s->mode != STREAM_DEAD; i++)
		again(s, h, &h->calls[i]);
	s->lent -= h->room;
	free(h->p);
	free(h);
}
