/* SPDX-License-Identifier: ISC */
/*
 * What a stream tells: messages, each with its descriptor, and notes.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "stream-int.h"

static void
begin(const struct stream *s, struct record *r, enum record_kind kind)
{
	memset(r, 0, sizeof(*r));
	r->kind = kind;
	r->time = s->time;
	r->wire = s->wire;
	r->from.name = r->to.name = r->fdname = "";
	r->fd_state = IMSG_FD_NONE;
	r->fd = -1;
}

void
stream_note(struct stream *s, const struct imsg_hdr *hdr, const char *text)
{
	struct record r;

	begin(s, &r, RECORD_NOTE);
	if (hdr != NULL)
		r.hdr = *hdr;
	r.note = text;
	s->emit(s->arg, &r);
}

void
stream_notef(struct stream *s, const struct imsg_hdr *hdr, const char *fmt, ...)
{
	char text[200];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	stream_note(s, hdr, text);
}

static void
with_fd(struct record *r, const struct passed_fd *p, int state)
{
	r->fd_state = state;
	r->fd = p->fd;
	r->fdname = p->name;
}

/* A descriptor that no message announced, or one and others with it. */
static void
note_surplus(struct stream *s, const struct passed_fd *p)
{
	struct record r;
	char text[80];

	if (s->surplus_notes == SURPLUS_NOTES)
		return;
	begin(s, &r, RECORD_NOTE);
	with_fd(&r, p, RECORD_FD_SURPLUS);
	(void)snprintf(text, sizeof(text),
	    "descriptor that no message announces%s",
	    ++s->surplus_notes < SURPLUS_NOTES ? "" :
						 "; no more of these are told");
	r.note = text;
	s->emit(s->arg, &r);
}

static void
note_more(struct stream *s, const struct passed_fd *p)
{
	if (p->more == 0 || s->surplus_notes == SURPLUS_NOTES)
		return;
	s->surplus_notes++;
	stream_notef(
	    s, NULL, "%u descriptors behind the first of a call", p->more);
}

void
stream_stale(struct stream *s)
{
	struct passed_fd p;

	while (passed_stale(&s->passed, s->wire, s->pos, &p)) {
		note_surplus(s, &p);
		note_more(s, &p);
	}
}

/* On a pipe nothing is passed: a descriptor that was announced is lost. */
static int
is_marked(const struct imsg *m)
{
	return imsg_fd_status(m) != IMSG_FD_NONE;
}

void
stream_show(struct stream *s, struct imsg *m)
{
	uint64_t end = s->pos + m->hdr.len;
	struct passed_fd p;
	struct record r;

	stream_stale(s);
	begin(s, &r, RECORD_MESSAGE);
	r.hdr = m->hdr;
	r.data = m->data;
	r.len = imsg_get_len(m);
	p.more = 0;
	if (is_marked(m)) {
		r.fd_state = IMSG_FD_LOST;
		if (passed_claim(&s->passed, s->wire, s->pos, end, &p))
			with_fd(&r, &p, IMSG_FD_PRESENT);
	} else if (passed_surplus(&s->passed, s->wire, end, &p))
		with_fd(&r, &p, RECORD_FD_SURPLUS);
	s->pos = end;
	s->shown++;
	if (s->restarts > 0 && ++s->forgive == RESTARTS_FORGIVE)
		s->forgive = s->restarts = 0;
	s->emit(s->arg, &r);
	note_more(s, &p);
}
