/* SPDX-License-Identifier: ISC */
/*
 * One direction of a socket: the life of a stream, and what it is told.
 *
 * At first, and whenever what comes is no message, it hunts for the start of
 * one at the start of a call (stream-hold.c), which evidence.c judges.  From
 * there on the library's reader gets the bytes (stream-known.c,
 * stream-feed.c); if a header comes that could be of either wire, they are
 * held until it is certain which.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "stream-int.h"

struct stream *
stream_new(struct stream_budget *budget, stream_emit *emit, void *arg)
{
	struct stream *s;

	if ((s = calloc(1, sizeof(*s))) == NULL)
		return NULL;
	s->budget = budget;
	s->emit = emit;
	s->arg = arg;
	s->mode = STREAM_HUNT;
	s->wire = s->told = RECORD_WIRE_UNKNOWN;
	s->maxsize = budget->maxsize;
	if (s->maxsize < MAX_IMSGSIZE)
		s->maxsize = MAX_IMSGSIZE;
	if (s->maxsize > INT32_MAX)
		s->maxsize = INT32_MAX;
	s->charged = sizeof(*s);
	budget->used += s->charged;
	return s;
}

static void
give_back(struct stream *s)
{
	stream_unread(s);
	stream_held_free(s);
	passed_clear(&s->passed);
	s->budget->used -= s->charged;
	s->charged = 0;
}

void
stream_free(struct stream *s)
{
	int save = errno;

	if (s == NULL)
		return;
	give_back(s);
	free(s);
	errno = save;
}

void
stream_drop(struct stream *s, const char *why, int error)
{
	if (s->mode == STREAM_DEAD)
		return;
	s->mode = STREAM_DEAD;
	s->error = error;
	give_back(s);
	if (why != NULL)
		stream_note(s, NULL, why);
}

/*
 * All that a call has brought has been looked at.  A small one that ends inside
 * a message is cut by somebody else than the kernel, who has to be known.
 */
static void
end_call(struct stream *s)
{
	s->in_call = s->skip_call = 0;
	if (s->mode != STREAM_KNOWN)
		return;
	if (s->pos == s->fed && s->walk.have == 0)
		stream_stale(s);
	else if (s->call < EVIDENCE_WHOLE) {
		if (!s->untidy && s->walk.matches == 0)
			stream_strange(s, NULL);
		else
			s->untidy = 1;
	}
}

void
stream_input(struct stream *s, const unsigned char *p, size_t len)
{
	uint64_t end = s->off + len;

	if (!s->in_call) {
		s->in_call = 1;
		s->call_start = s->off;
		s->call = 0;
	}
	s->call += len;
	if (s->mode == STREAM_KNOWN)
		stream_known(s, p, len);
	else
		stream_hold(s, p, len);
	if (s->mode == STREAM_DEAD)
		return;
	s->off = end;
	if (s->last)
		end_call(s);
}

static int
add_fds(struct stream *s, const struct bytes *b)
{
	uint64_t start = s->in_call ? s->call_start : s->off;
	size_t i;
	int r;

	for (i = 0; i < b->nfds; i++) {
		r = passed_add(&s->passed, start, b->fds[i].fd, b->fds[i].name);
		if (r == -1) {
			stream_drop(s, "out of memory; given up", errno);
			return -1;
		}
		if (r == 1 && s->mode != STREAM_HUNT)
			stream_note(s, NULL,
			    "too many descriptors wait for a message; "
			    "all forgotten");
	}
	if (b->last)
		passed_call_end(&s->passed, s->off + b->len);
	return 0;
}

int
stream_bytes(struct stream *s, const struct bytes *b)
{
	if (s->mode == STREAM_DEAD)
		return 0;
	s->time = b->time;
	s->pid = b->pid;
	s->last = b->last;
	if (add_fds(s, b) == 0 && stream_charge(s, 0) == 0)
		stream_input(s, b->data, b->len);
	if (s->mode != STREAM_DEAD)
		(void)stream_charge(s, 0);
	if (s->error == 0)
		return 0;
	errno = s->error;
	return -1;
}

void
stream_gap(struct stream *s, int64_t time, size_t n)
{
	unsigned long long cnt = n;

	if (s->mode == STREAM_DEAD)
		return;
	s->time = time;
	s->in_call = 0;
	if (s->mode != STREAM_HUNT)
		stream_restart(s, NULL,
		    s->fed > s->pos || s->walk.have > 0 ?
			"bytes could not be seen, a message is incomplete; "
			"looking for a new start" :
			"bytes could not be seen; looking for a new start");
	if (s->mode == STREAM_DEAD)
		return;
	stream_held_free(s);
	s->skip_call = 0;
	s->off += cnt;
	(void)passed_skip(&s->passed, s->off);
}

static void
end_known(struct stream *s)
{
	const struct walk *w = &s->walk;
	unsigned int fds;

	if (w->have > 0)
		stream_notef(s, NULL,
		    "incomplete message: %u of at least 16 bytes", w->have);
	else if (s->fed > s->pos)
		stream_notef(s, NULL, "incomplete message: %llu of %u bytes",
		    (unsigned long long)(s->fed - s->pos), w->total);
	fds = passed_skip(&s->passed, UINT64_MAX);
	if (fds > 0)
		stream_notef(
		    s, NULL, "%u descriptors that no message announces", fds);
}

void
stream_end(struct stream *s, int64_t time)
{
	unsigned long long rest;
	int wire;

	if (s->mode == STREAM_DEAD)
		return;
	s->time = time;
	if (s->held != NULL &&
	    (wire = evidence_last(&s->evidence)) != EVIDENCE_WAIT)
		stream_release(s, wire);
	rest = s->off - s->pos;
	if (s->mode == STREAM_KNOWN)
		end_known(s);
	else if (s->mode == STREAM_DECIDE)
		stream_notef(s, NULL,
		    "%llu bytes whose wire generation is not certain", rest);
	else if (s->mode == STREAM_HUNT && s->shown > 0 && rest > 0)
		stream_notef(s, NULL, "%llu bytes at the end ignored", rest);
	else if (s->mode == STREAM_HUNT && rest > 0 && !s->said)
		stream_note(s, NULL, "not imsg, ignored");
	stream_drop(s, NULL, 0);
}

int
stream_dead(const struct stream *s)
{
	return s->mode == STREAM_DEAD;
}

int
stream_wire(const struct stream *s)
{
	return s->wire;
}

void
stream_set_wire(struct stream *s, int wire)
{
	if ((wire != IMSG_WIRE_MODERN && wire != IMSG_WIRE_CLASSIC) ||
	    s->mode == STREAM_DEAD || s->wire != RECORD_WIRE_UNKNOWN)
		return;
	s->told = wire;
	if (s->mode == STREAM_HUNT || s->mode == STREAM_DECIDE) {
		if (s->held == NULL)
			return;
		evidence_wire(&s->evidence, wire);
		stream_judge(s);
	}
}

int
stream_is_imsg(const struct stream *s)
{
	return s->shown > 0;
}
