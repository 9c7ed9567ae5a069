/* SPDX-License-Identifier: ISC */
/*
 * The library's reader puts messages together.
 *
 * It reads from a descriptor, so the bytes go through a pipe: one for all
 * streams of a run, empty whenever no stream is at work, so that thousands of
 * streams need no descriptors.  A reader belongs to a stream while it holds
 * part of a message; between two messages one is like another.
 */
#define _GNU_SOURCE
#include <sys/ioctl.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "stream-int.h"

/* What a reader has for input, and what it may allocate unseen. */
#define READER_SIZE  (2 * ((size_t)IBUF_READ_SIZE + 1))
#define READER_TRUST ((size_t)4 << 20)

static int
open_pipe(struct stream_budget *b)
{
	if (b->piped)
		return 0;
	if (pipe2(b->pipe, O_NONBLOCK | O_CLOEXEC) == -1)
		return -1;
	b->piped = 1;
	return 0;
}

static void
reader_free(struct reader *r)
{
	if (r == NULL)
		return;
	imsgbuf_clear(&r->buf);
	free(r);
}

void
stream_budget_clear(struct stream_budget *b)
{
	int save = errno, i;

	for (i = 0; i < 2; i++) {
		reader_free(b->spare[i]);
		b->spare[i] = NULL;
	}
	if (b->piped) {
		(void)close(b->pipe[0]);
		(void)close(b->pipe[1]);
	}
	b->piped = 0;
	errno = save;
}

static struct reader *
reader_new(struct stream *s, int wire)
{
	struct stream_budget *b = s->budget;
	struct reader *r;

	if (b->spare[wire] != NULL) {
		r = b->spare[wire];
		b->spare[wire] = NULL;
		return r;
	}
	if (open_pipe(b) == -1 || (r = calloc(1, sizeof(*r))) == NULL)
		return NULL;
	if (imsgbuf_init(&r->buf, b->pipe[0]) == -1) {
		free(r);
		return NULL;
	}
	if (imsgbuf_set_wire(&r->buf, wire) == -1) {
		reader_free(r);
		return NULL;
	}
	r->buf.maxsize = s->maxsize;
	r->wire = wire;
	return r;
}

/* Between two messages: another stream may have it. */
static void
reader_put(struct stream *s)
{
	struct reader *r = s->reader;
	struct reader **spare = &s->budget->spare[r->wire];

	s->reader = NULL;
	if (r->large || *spare != NULL) {
		reader_free(r);
		return;
	}
	*spare = r;
}

/* Nobody wants what is left in the pipe. */
static void
drain(struct stream_budget *b)
{
	char buf[4096];
	ssize_t n;

	do
		n = read(b->pipe[0], buf, sizeof(buf));
	while (n > 0 || (n == -1 && errno == EINTR));
}

void
stream_unread(struct stream *s)
{
	int save = errno;

	if (s->reader != NULL) {
		reader_free(s->reader);
		s->reader = NULL;
		drain(s->budget);
	}
	errno = save;
}

int
stream_charge(struct stream *s, size_t more)
{
	size_t n = sizeof(*s) + passed_size(&s->passed) + s->lent;

	if (s->held != NULL)
		n += sizeof(*s->held) + s->held->room;
	/* A message has twice what has come of it at most. */
	if (s->reader != NULL) {
		n += READER_SIZE + 2 * (size_t)(s->fed - s->pos);
		n += s->reader->large ? READER_TRUST : 0;
	}
	s->budget->used -= s->charged;
	s->charged = n;
	s->budget->used += n;
	if (s->budget->used <= s->budget->max &&
	    more <= s->budget->max - s->budget->used)
		return 0;
	stream_drop(s, "memory for all streams is used up; given up", 0);
	return -1;
}

static int
put(struct stream *s, const unsigned char *p, size_t len, size_t *n)
{
	ssize_t r;

	do
		r = write(s->budget->pipe[1], p, len);
	while (r == -1 && errno == EINTR);
	if (r <= 0) {
		stream_drop(s, "the pipe cannot be written; given up", errno);
		return -1;
	}
	*n = (size_t)r;
	s->fed += *n;
	return 0;
}

/* Shows what is complete.  -1 ENOMEM. */
static int
get_all(struct stream *s)
{
	struct imsg m;
	int r;

	while ((r = imsgbuf_get(&s->reader->buf, &m)) == 1) {
		if (m.hdr.len > IBUF_READ_SIZE)
			s->reader->large = 1;
		stream_show(s, &m);
		imsg_free(&m);
	}
	return r;
}

/* Between messages the reader holds nothing; else ask the pipe. */
static int
is_empty(struct stream *s)
{
	int n = 0;

	if (s->pos == s->fed)
		return 1;
	return ioctl(s->budget->pipe[0], FIONREAD, &n) == -1 || n == 0;
}

/* As stream_feed(), all that is in the pipe. */
static int
read_all(struct stream *s, struct imsg_hdr *bad)
{
	int r, error;

	for (;;) {
		r = imsgbuf_read(&s->reader->buf);
		error = errno;
		if (get_all(s) == -1) {
			error = errno;
			break;
		}
		if (r == -1 && imsgbuf_failed(&s->reader->buf, bad)) {
			errno = error;
			return 1;
		}
		if (r != 1)
			break;
		if (is_empty(s))
			return 0;
	}
	stream_drop(s, "out of memory; given up", error);
	return -1;
}

int
stream_feed(
    struct stream *s, const unsigned char *p, size_t len, struct imsg_hdr *bad)
{
	int wire = s->wire == IMSG_WIRE_CLASSIC;
	size_t n;
	int r;

	for (; len > 0; p += n, len -= n) {
		if (s->reader == NULL &&
		    (s->reader = reader_new(s, wire)) == NULL) {
			stream_drop(s, "no reader can be had; given up", errno);
			return -1;
		}
		n = len < IBUF_READ_SIZE ? len : IBUF_READ_SIZE;
		if (stream_charge(s, 2 * n) == -1 || put(s, p, n, &n) == -1)
			return -1;
		if ((r = read_all(s, bad)) != 0)
			return r;
		if (s->pos == s->fed)
			reader_put(s);
	}
	return 0;
}
