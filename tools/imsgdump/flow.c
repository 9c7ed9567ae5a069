/* SPDX-License-Identifier: ISC */
/*
 * Bytes of one direction go into its stream; what comes out is given a
 * channel number and two processes, and goes to the sink.
 */
#define _POSIX_C_SOURCE 200809L
#include "channel.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

int64_t
channels_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void
put(struct channels *c, const struct record *r)
{
	if (c->error == 0 && c->sink->put(c->sink, r) == -1)
		c->error = errno != 0 ? errno : EIO;
}

static void
blank(struct record *r, int64_t time, const char *note)
{
	memset(r, 0, sizeof(*r));
	r->kind = RECORD_NOTE;
	r->event = RECORD_RECEIVED;
	r->time = time;
	r->from.name = r->to.name = r->fdname = "";
	r->wire = RECORD_WIRE_UNKNOWN;
	r->fd_state = IMSG_FD_NONE;
	r->fd = -1;
	r->note = note;
}

void
channels_note(struct channels *c, const char *text)
{
	struct record r;

	blank(&r, channels_now(), text);
	put(c, &r);
}

static struct party
party(const struct who *w)
{
	return (struct party){ w->pid, w->name };
}

/* What a stream hands back to us. */
struct context {
	struct channels *channels;
	struct flow flow;
};

static struct context *
context_of(struct flow *f)
{
	return (struct context *)(void *)((char *)f -
	    offsetof(struct context, flow));
}

static void
emit(void *arg, const struct record *found)
{
	struct context *x = arg;
	struct channels *c = x->channels;
	struct flow *f = &x->flow;
	struct channel *ch = f->from->channel;
	struct end *to = end_other(f->from);
	struct record r = *found;

	if (ch->number == 0)
		ch->number = ++c->numbers;
	r.channel = ch->number;
	if (f->source == SOURCE_SENDER) {
		r.event = RECORD_SENT;
		r.from = party(party_known(c, f->from, f->mover));
		r.to = party(party_at(c, to, f->mover));
	} else {
		r.event = RECORD_RECEIVED;
		r.from = party(party_at(c, f->from, f->mover));
		r.to = party(party_known(c, to, f->mover));
	}
	put(c, &r);
}

struct flow *
flow_get(struct end *from)
{
	struct context *x;

	if (from->flow == NULL && (x = calloc(1, sizeof(*x))) != NULL) {
		x->flow.from = from;
		from->flow = &x->flow;
	}
	return from->flow;
}

void
flow_free(struct flow *f)
{
	if (f == NULL)
		return;
	stream_free(f->stream);
	free(context_of(f));
}

/* A stream that has failed cannot say so itself. */
static void
say(struct flow *f, int64_t time, const char *text)
{
	struct record r;

	blank(&r, time, text);
	emit(context_of(f), &r);
}

static void
give_up(struct flow *f)
{
	stream_free(f->stream);
	f->stream = NULL;
	f->dead = 1;
}

void
flow_end(struct flow *f, int64_t time)
{
	if (f->stream == NULL)
		return;
	stream_end(f->stream, time);
	stream_free(f->stream);
	f->stream = NULL;
}

/* 0, or -1: there is none, and there will not be. */
static int
begin(struct channels *c, struct flow *f, int64_t time)
{
	struct context *x = context_of(f);

	x->channels = c;
	if (f->dead)
		return -1;
	if (f->stream != NULL)
		return 0;
	f->stream = stream_new(c->budget, emit, x);
	if (f->stream == NULL) {
		say(f, time, "no memory: this direction is given up");
		f->dead = 1;
		return -1;
	}
	if (f->from->channel->wire != RECORD_WIRE_UNKNOWN)
		stream_set_wire(f->stream, f->from->channel->wire);
	return 0;
}

/* What one direction has found out of the wire holds for the other. */
static void
share_wire(struct flow *f)
{
	struct channel *ch = f->from->channel;
	struct flow *back = end_other(f->from)->flow;
	int wire = stream_wire(f->stream);

	if (wire == RECORD_WIRE_UNKNOWN || wire == ch->wire)
		return;
	ch->wire = wire;
	if (back != NULL && back->stream != NULL) {
		stream_set_wire(back->stream, wire);
		if (stream_dead(back->stream))
			give_up(back);
	}
}

static int
failed(const struct channels *c)
{
	if (c->error == 0)
		return 0;
	errno = c->error;
	return -1;
}

int
flow_bytes(struct channels *c, struct flow *f, const struct bytes *b)
{
	struct bytes mine = *b;

	if (begin(c, f, b->time) == -1)
		return failed(c);
	/* Of the far end no more is asked for what may not be imsg at all. */
	mine.pid = f->source == SOURCE_SENDER ? f->mover : f->from->who.pid;
	if (stream_bytes(f->stream, &mine) == -1) {
		say(f, b->time, "system error: this direction is given up");
		give_up(f);
		return failed(c);
	}
	share_wire(f);
	if (stream_dead(f->stream))
		give_up(f);
	return failed(c);
}

int
flow_gap(struct channels *c, struct flow *f, int64_t time, size_t n)
{
	if (begin(c, f, time) == -1)
		return failed(c);
	stream_gap(f->stream, time, n);
	if (stream_dead(f->stream))
		give_up(f);
	return failed(c);
}
