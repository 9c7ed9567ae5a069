/* SPDX-License-Identifier: ISC */
/*
 * In place of the decoder: a message is a line, so that the tests of channels
 * see bytes go in and come out and know nothing of imsg.  And a sink that
 * remembers what it was given.
 *
 * Included once in a program, which then does not take stream.c from the
 * library.
 */
#ifndef FAKE_STREAM_H
#define FAKE_STREAM_H

#include "kid.h"

#include <errno.h>

#include "channels.h"

struct stream {
	stream_emit *emit;
	void *arg;
	char text[256];
	size_t used;
	int wire, dead;
};

static int streams;	  /* that there are */
static int streams_fail;  /* no memory for more */
static pid_t stream_told; /* bytes.pid of the last call */

static inline void
stream_say(struct stream *s, int64_t time, const char *note)
{
	struct record r;

	memset(&r, 0, sizeof(r));
	r.kind = note == NULL ? RECORD_MESSAGE : RECORD_NOTE;
	r.time = time;
	r.wire = s->wire;
	r.fdname = "";
	r.data = (const unsigned char *)s->text;
	r.len = s->used;
	r.note = note;
	s->emit(s->arg, &r);
}

struct stream *
stream_new(struct stream_budget *budget, stream_emit *emit, void *arg)
{
	struct stream *s = streams_fail ? NULL : calloc(1, sizeof(*s));

	assert_non_null(budget);
	if (s == NULL)
		return NULL;
	s->emit = emit;
	s->arg = arg;
	s->wire = RECORD_WIRE_UNKNOWN;
	streams++;
	return s;
}

void
stream_free(struct stream *s)
{
	if (s != NULL)
		streams--;
	free(s);
}

int
stream_bytes(struct stream *s, const struct bytes *b)
{
	const char *p = b->data;
	size_t i;

	assert_false(s->dead);
	stream_told = b->pid;
	for (i = 0; i < b->len; i++) {
		if (p[i] != '\n') {
			assert_true(s->used < sizeof(s->text) - 1);
			s->text[s->used++] = p[i];
			continue;
		}
		s->text[s->used] = '\0';
		if (strcmp(s->text, "fail") == 0)
			return -1;
		s->dead = strcmp(s->text, "dead") == 0;
		if (strcmp(s->text, "classic") == 0)
			s->wire = IMSG_WIRE_CLASSIC;
		if (!s->dead)
			stream_say(s, b->time, NULL);
		s->used = 0;
	}
	return 0;
}

void
stream_gap(struct stream *s, int64_t time, size_t n)
{
	(void)n;
	s->used = 0;
	stream_say(s, time, "gap");
}

void
stream_end(struct stream *s, int64_t time)
{
	if (s->used > 0)
		stream_say(s, time, "incomplete");
	s->used = 0;
}

int
stream_dead(const struct stream *s)
{
	return s->dead;
}

int
stream_wire(const struct stream *s)
{
	return s->wire;
}

void
stream_set_wire(struct stream *s, int wire)
{
	s->wire = wire;
}

int
stream_is_imsg(const struct stream *s)
{
	return s != NULL;
}

/* What came out last, and how much that was. */
static struct {
	struct record r;
	char text[256], from[64], to[64];
	size_t count;
	int fails;
} out;

static int
sink_put(struct sink *s, const struct record *r)
{
	(void)s;
	out.count++;
	if (out.fails) {
		errno = ENOSPC;
		return -1;
	}
	out.r = *r;
	snprintf(out.text, sizeof(out.text), "%s",
	    r->kind == RECORD_NOTE ? r->note : (const char *)r->data);
	snprintf(out.from, sizeof(out.from), "%s", r->from.name);
	snprintf(out.to, sizeof(out.to), "%s", r->to.name);
	return 0;
}

static struct sink sink = { sink_put, NULL, NULL };
static struct stream_budget budget = { .max = 1 << 20, .maxsize = 1 << 20 };

/* Nothing has come out since the last look, or one thing has. */
static inline void
quiet(void)
{
	assert_int_equal(out.count, 0);
}

static inline void
shown(const char *text, uint32_t channel, enum record_event event, pid_t from,
    pid_t to)
{
	assert_int_equal(out.count, 1);
	assert_string_equal(out.text, text);
	assert_int_equal(out.r.channel, channel);
	assert_int_equal(out.r.event, event);
	assert_int_equal(out.r.from.pid, from);
	assert_int_equal(out.r.to.pid, to);
	out.count = 0;
}

static struct channels *c;
static int64_t now = 1;

static int
teardown(void **state)
{
	(void)state;
	channels_free(c);
	return streams;
}

/* A call that moved bytes, as a tracer tells it.  Whether they were wanted. */
static inline int
call(pid_t pid, int fd, int dir, const char *text)
{
	struct bytes b = { .time = now, .data = text, .len = strlen(text) };

	if (!channels_wants(c, pid, fd, dir))
		return 0;
	assert_int_equal(channels_bytes(c, pid, fd, dir, &b), 0);
	return 1;
}

static inline int
sends(pid_t pid, int fd, const char *text)
{
	return call(pid, fd, CHANNEL_SEND, text);
}

static inline int
gets(pid_t pid, int fd, const char *text)
{
	return call(pid, fd, CHANNEL_RECV, text);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

#endif
