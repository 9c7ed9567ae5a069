/* SPDX-License-Identifier: ISC */
/*
 * Keeps what a sequence diagram needs until the end, when it is drawn.
 *
 * Memory is bounded: beyond so many arrows or processes messages are only
 * counted.
 */
#define _GNU_SOURCE
#include "sequence-int.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sinks.h"

/* Most bytes that are kept of a text. */
#define TEXT_MAX 512

/* Number of the lifeline, -1: there is none. */
static int
find_life(const struct sequence *s, uint32_t channel, const struct party *p)
{
	int i;

	for (i = 0; i < s->nlives; i++)
		if (s->lives[i].pid == p->pid &&
		    (p->pid != 0 || s->lives[i].channel == channel))
			return i;
	return -1;
}

/* The same, of one that is made if needed; -1: no room. */
static int
life(struct sequence *s, uint32_t channel, const struct party *p)
{
	int i = find_life(s, channel, p);

	if (i == -1) {
		if (s->nlives == SEQUENCE_LIVES)
			return -1;
		i = s->nlives++;
		s->lives[i].pid = p->pid;
		s->lives[i].channel = p->pid == 0 ? channel : 0;
	}
	/* It may have executed another program since. */
	if (p->name != NULL && p->name[0] != '\0')
		shape_safe(s->lives[i].name, sizeof(s->lives[i].name), p->name);
	return i;
}

static int
same(const struct arrow *a, const struct arrow *b)
{
	return !a->is_note && !b->is_note && a->from == b->from &&
	    a->to == b->to && a->channel == b->channel &&
	    a->hdr.type == b->hdr.type && a->event == b->event &&
	    a->fd_state == b->fd_state;
}

static void
join(struct arrow *a, const struct arrow *more)
{
	a->count += more->count;
	a->bytes += more->bytes;
	a->last = more->last;
}

/* 1: the message has become part of the last arrow. */
static int
fold(struct sequence *s, const struct arrow *a)
{
	struct arrow *last;

	if (s->narrows == 0 || !same(&s->arrows[s->narrows - 1], a)) {
		s->run = 0;
		return 0;
	}
	if (s->run < SEQUENCE_RUN && s->arrows[s->narrows - 1].count == 1)
		return 0;
	while (s->run > 1) {
		last = &s->arrows[--s->narrows];
		join(last - 1, last);
		free(last->text);
		s->run--;
	}
	join(&s->arrows[s->narrows - 1], a);
	return 1;
}

static int
grow(struct sequence *s)
{
	size_t room = s->room == 0 ? 256 : s->room * 2;
	struct arrow *more;

	if (s->narrows < s->room)
		return 0;
	if (room > SEQUENCE_ROWS)
		room = SEQUENCE_ROWS;
	more = reallocarray(s->arrows, room, sizeof(*more));
	if (more == NULL)
		return -1;
	s->arrows = more;
	s->room = room;
	return 0;
}

static int
append(struct sequence *s, struct arrow *a, const char *text)
{
	char safe[TEXT_MAX];

	if (s->narrows == SEQUENCE_ROWS) {
		s->missed += a->count;
		return 0;
	}
	shape_safe(safe, sizeof(safe), text);
	if (grow(s) == -1 || (a->text = strdup(safe)) == NULL) {
		errno = ENOMEM;
		return -1;
	}
	s->arrows[s->narrows++] = *a;
	s->run++;
	return 0;
}

static int
put_note(struct sequence *s, const struct record *r, struct arrow *a)
{
	a->is_note = 1;
	a->from = find_life(s, r->channel, &r->from);
	a->to = find_life(s, r->channel, &r->to);
	s->run = 0;
	return append(s, a, r->note);
}

static int
put_message(struct sequence *s, const struct record *r, struct arrow *a)
{
	s->messages++;
	a->from = life(s, r->channel, &r->from);
	a->to = life(s, r->channel, &r->to);
	if (a->from == -1 || a->to == -1) {
		s->missed++;
		return 0;
	}
	a->count = 1;
	a->bytes = r->hdr.len;
	return fold(s, a) ? 0 : append(s, a, r->fdname);
}

static int
sequence_put(struct sink *sink, const struct record *r)
{
	struct sequence *s = (struct sequence *)sink;
	struct arrow a = {
		.channel = r->channel,
		.event = (int)r->event,
		.wire = r->wire,
		.fd_state = r->fd_state,
		.fd = r->fd,
		.hdr = r->hdr,
		.time = r->time,
		.last = r->time,
	};

	if (s->narrows == 0 || r->time < s->first)
		s->first = r->time;
	if (s->narrows == 0 || r->time > s->last)
		s->last = r->time;
	if (r->kind == RECORD_NOTE)
		return put_note(s, r, &a);
	return put_message(s, r, &a);
}

static int
sequence_flush(struct sink *sink)
{
	return shape_flush(((struct sequence *)sink)->f);
}

static int
sequence_end(struct sink *sink)
{
	struct sequence *s = (struct sequence *)sink;
	FILE *f = s->f;
	size_t i;
	int result;

	errno = 0;
	sequence_layout(s);
	sequence_draw(s);
	result = shape_flush(f);
	for (i = 0; i < s->narrows; i++)
		free(s->arrows[i].text);
	free(s->arrows);
	free(s);
	return result;
}

struct sink *
sequence_sink(FILE *f, const struct names *names)
{
	struct sequence *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	s->sink.put = sequence_put;
	s->sink.flush = sequence_flush;
	s->sink.end = sequence_end;
	s->f = f;
	s->names = names;
	return &s->sink;
}
