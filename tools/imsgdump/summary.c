/* SPDX-License-Identifier: ISC */
/*
 * Counts messages by channel, direction and type.
 *
 * Memory is fixed and time a message bounded: what finds no room in the tables
 * is counted as "others", together.
 */
#define _GNU_SOURCE
#include "summary-int.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sinks.h"

/* Half full at most, powers of two. */
#define ROW_SLOTS     (2 * SUMMARY_ROWS)
#define CHANNEL_SLOTS (2 * SUMMARY_CHANNELS)

uint32_t
summary_hash(const struct summary *s, uint64_t a, uint64_t b)
{
	uint64_t h = s->seed ^ a;

	h = (h ^ h >> 32) * UINT64_C(0x9e3779b97f4a7c15);
	h ^= b;
	h = (h ^ h >> 29) * UINT64_C(0xbf58476d1ce4e5b9);
	return (uint32_t)(h >> 32);
}

/* NULL: no room. */
static struct channel *
channel_of(struct summary *s, uint32_t number)
{
	uint32_t at = summary_hash(s, number, 0);
	struct channel *c;

	for (;; at++) {
		at &= CHANNEL_SLOTS - 1;
		if (s->channel_at[at] == 0)
			break;
		c = &s->channels[s->channel_at[at] - 1];
		if (c->number == number)
			return c;
	}
	if (s->nchannels == SUMMARY_CHANNELS)
		return NULL;
	c = &s->channels[s->nchannels++];
	s->channel_at[at] = (uint16_t)s->nchannels;
	c->number = number;
	c->wire = RECORD_WIRE_UNKNOWN;
	return c;
}

/* Whether that row of the same channel has the same direction. */
static int
same_direction(const struct row *w, const struct record *r)
{
	return w->channel->number == r->channel && w->from == r->from.pid &&
	    w->to == r->to.pid;
}

static struct row *
new_row(struct summary *s, struct channel *c, const struct record *r)
{
	struct row *w = &s->rows[s->nrows];

	w->channel = c;
	w->from = r->from.pid;
	w->to = r->to.pid;
	w->type = r->hdr.type;
	shape_party(w->from_name, sizeof(w->from_name), &r->from);
	shape_party(w->to_name, sizeof(w->to_name), &r->to);
	s->nrows++;
	return w;
}

static struct row *
row_of(struct summary *s, struct channel *c, const struct record *r)
{
	uint32_t at = summary_hash(s, (uint64_t)r->channel << 32 | r->hdr.type,
	    (uint64_t)(uint32_t)r->from.pid << 32 | (uint32_t)r->to.pid);
	struct row *w;

	for (;; at++) {
		at &= ROW_SLOTS - 1;
		if (s->row_at[at] == 0)
			break;
		w = &s->rows[s->row_at[at] - 1];
		if (w->type == r->hdr.type && same_direction(w, r))
			return w;
	}
	if (s->nrows == SUMMARY_ROWS)
		return NULL;
	w = new_row(s, c, r);
	s->row_at[at] = (uint16_t)s->nrows;
	return w;
}

static void
note_time(int64_t *first, int64_t *last, int64_t time, int is_first)
{
	if (is_first || time < *first)
		*first = time;
	if (is_first || time > *last)
		*last = time;
}

static void
count(struct summary *s, const struct record *r)
{
	struct channel *c = channel_of(s, r->channel);
	struct row *w = c == NULL ? NULL : row_of(s, c, r);

	if (w == NULL) {
		s->all.others++;
		s->all.other_bytes += r->hdr.len;
		return;
	}
	note_time(&c->first, &c->last, r->time, c->messages == 0);
	c->messages++;
	if (r->wire == IMSG_WIRE_MODERN || r->wire == IMSG_WIRE_CLASSIC)
		c->wire = r->wire;
	w->count++;
	w->bytes += r->hdr.len;
	w->fds += shape_has_fd(r) != 0;
	summary_wait(s, r, (size_t)(w - s->rows));
}

static int
summary_put(struct sink *sink, const struct record *r)
{
	struct summary *s = (struct summary *)sink;
	struct totals *a = &s->all;

	if (r->kind == RECORD_NOTE) {
		a->notes++;
		return 0;
	}
	if (r->event != RECORD_SENT && r->event != RECORD_RECEIVED) {
		/* A message that is sent is queued first: not twice. */
		a->queued += r->event == RECORD_QUEUED;
		a->dropped += r->event != RECORD_QUEUED;
		return 0;
	}
	note_time(&a->first, &a->last, r->time, a->messages == 0);
	a->messages++;
	a->bytes += r->hdr.len;
	a->fds += shape_has_fd(r) != 0;
	a->lost += r->fd_state == IMSG_FD_LOST;
	count(s, r);
	return 0;
}

static int
summary_flush(struct sink *sink)
{
	return shape_flush(((struct summary *)sink)->f);
}

static void
summary_free(struct summary *s)
{
	free(s->channels);
	free(s->rows);
	free(s->channel_at);
	free(s->row_at);
	free(s->waits);
	free(s);
}

static int
summary_end(struct sink *sink)
{
	struct summary *s = (struct summary *)sink;
	FILE *f = s->f;
	int result;

	errno = 0;
	summary_print(s);
	result = shape_flush(f);
	summary_free(s);
	return result;
}

struct sink *
summary_sink(FILE *f, const struct names *names)
{
	struct summary *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	s->channels = calloc(SUMMARY_CHANNELS, sizeof(*s->channels));
	s->rows = calloc(SUMMARY_ROWS, sizeof(*s->rows));
	s->channel_at = calloc(CHANNEL_SLOTS, sizeof(*s->channel_at));
	s->row_at = calloc(ROW_SLOTS, sizeof(*s->row_at));
	s->waits = calloc(SUMMARY_WAITS, sizeof(*s->waits));
	if (s->channels == NULL || s->rows == NULL || s->channel_at == NULL ||
	    s->row_at == NULL || s->waits == NULL) {
		summary_free(s);
		errno = ENOMEM;
		return NULL;
	}
	s->sink.put = summary_put;
	s->sink.flush = summary_flush;
	s->sink.end = summary_end;
	s->f = f;
	s->names = names;
	/* Without it strangers could make all hashes collide. */
	if (getentropy(&s->seed, sizeof(s->seed)) == -1)
		s->seed = (uint64_t)(uintptr_t)s;
	return &s->sink;
}
