/* SPDX-License-Identifier: ISC */
/*
 * A stream that is known to be imsg: its bytes go to the reader.
 *
 * A walk from header to header goes ahead of the reader: it stops at a header
 * that tells the wire, or that could be one of either, and a header is given
 * to the reader in one piece.  Whether one is damaged is for the reader to say.
 */
#include <errno.h>
#include <string.h>

#include "stream-int.h"

enum found {
	FOUND_END,    /* nothing more, but for part of a header */
	FOUND_WIRE,   /* a header of one wire only, the first one */
	FOUND_EITHER, /* a header that each wire reads in its own way */
	FOUND_BAD
};

/* One header: FOUND_END if it is as good as those before. */
static enum found
classify(struct stream *s, const unsigned char *p, struct header *h, int *wire)
{
	struct header m, c;
	int is_m, is_c;

	if (s->wire != RECORD_WIRE_UNKNOWN)
		return header_read(s->wire, p, s->maxsize, 0, h) ? FOUND_END :
								   FOUND_BAD;
	is_m = header_read(IMSG_WIRE_MODERN, p, s->maxsize, 1, &m);
	is_c = header_read(IMSG_WIRE_CLASSIC, p, s->maxsize, 1, &c);
	if (!is_m && !is_c)
		return FOUND_BAD;
	*h = is_m ? m : c;
	if (is_m && is_c)
		return header_agrees(p, s->maxsize) ? FOUND_END : FOUND_EITHER;
	*wire = is_m ? IMSG_WIRE_MODERN : IMSG_WIRE_CLASSIC;
	return FOUND_WIRE;
}

/* Does this header have the pid of the process that sent it? */
static int
is_own(const struct stream *s, const unsigned char *p)
{
	struct imsg_hdr hdr;

	memcpy(&hdr, p, sizeof(hdr));
	return s->pid > 0 && hdr.pid == (uint32_t)s->pid;
}

/* How many bytes may go to the reader as they are, and what is behind them. */
static enum found
look_ahead(struct stream *s, const unsigned char *p, size_t len, size_t *good,
    int *wire)
{
	struct walk *w = &s->walk;
	struct header h;
	enum found f;
	size_t n;

	for (*good = 0; *good < len; *good += n) {
		n = len - *good;
		if (w->left > 0) {
			n = n < w->left ? n : w->left;
			w->left -= (uint32_t)n;
			continue;
		}
		if (n < IMSG_HEADER_SIZE)
			break;
		if ((f = classify(s, p + *good, &h, wire)) != FOUND_END)
			return f;
		n = IMSG_HEADER_SIZE;
		w->matches = (unsigned int)is_own(s, p + *good);
		w->total = h.total;
		w->left = h.total - (uint32_t)n;
	}
	return FOUND_END;
}

void
stream_restart(struct stream *s, const struct imsg_hdr *hdr, const char *why)
{
	stream_unread(s);
	stream_note(s, hdr, why);
	memset(&s->walk, 0, sizeof(s->walk));
	s->wire = s->told = RECORD_WIRE_UNKNOWN;
	s->mode = STREAM_HUNT;
	s->tries = 0;
	s->untidy = 0;
	s->skip_call = s->in_call && !s->last;
	if (++s->restarts > RESTARTS_MAX)
		stream_drop(s, "too many new starts; given up", 0);
}

/* It is another protocol, if it ever was this one. */
void
stream_strange(struct stream *s, const unsigned char *p)
{
	struct imsg_hdr hdr;

	memset(&hdr, 0, sizeof(hdr));
	if (p != NULL && s->walk.left == 0)
		memcpy(&hdr, p, sizeof(hdr));
	stream_restart(s, &hdr,
	    "small call that ends inside a message; looking for a new start");
}

/* The reader refuses a header, and nothing behind it makes sense. */
static void
damaged(struct stream *s, const struct imsg_hdr *hdr, int error)
{
	stream_restart(s, hdr,
	    error == EPROTO ?
		"header of the other wire generation; looking for a new start" :
		"header with a length out of range; looking for a new start");
}

static int
feed(struct stream *s, const unsigned char *p, size_t len)
{
	struct imsg_hdr hdr;

	if (len == 0)
		return 0;
	switch (stream_feed(s, p, len, &hdr)) {
	case 0:
		return 0;
	case 1: /* A look ahead that was wrong. */
		damaged(s, &hdr, errno);
		return -1;
	default:
		return -1;
	}
}

/* Shows the bad header to the reader, who says what is wrong with it. */
static void
refuse(struct stream *s, const unsigned char *p)
{
	struct imsg_hdr hdr;
	int r;

	r = stream_feed(s, p, IMSG_HEADER_SIZE, &hdr);
	if (r == -1)
		return;
	if (r == 0) {
		errno = ERANGE;
		memcpy(&hdr, p, sizeof(hdr));
	}
	damaged(s, &hdr, errno);
}

/*
 * The wire is to be found out: the bytes are held from that header on.  Of it
 * back bytes came before this piece.
 */
static void
decide(struct stream *s, const unsigned char *p, size_t len, size_t back)
{
	s->mode = STREAM_DECIDE;
	s->off = s->pos;
	evidence_begin(&s->evidence, s->maxsize, RECORD_WIRE_UNKNOWN);
	s->evidence.presumed = 1;
	s->evidence.untidy = s->untidy || back > 0;
	if (back > 0)
		stream_hold_piece(s, s->walk.hdr, back, 0, 1);
	memset(&s->walk, 0, sizeof(s->walk));
	if (s->mode != STREAM_DECIDE)
		return;
	s->evidence.ended = 0;
	s->evidence.call = s->call - len;
	stream_hold_piece(s, p, len, s->call - len, s->last);
	stream_judge(s);
}

/* The rest of a header that came in pieces: how much it takes of this one. */
static size_t
complete_header(struct stream *s, const unsigned char *p, size_t len)
{
	struct walk *w = &s->walk;
	size_t n = sizeof(w->hdr) - w->have;

	n = len < n ? len : n;
	memcpy(w->hdr + w->have, p, n);
	w->have += (unsigned int)n;
	return n;
}

/* 1: all has gone elsewhere; 0: what is behind good goes on. */
static int
act(struct stream *s, enum found f, const unsigned char *p, size_t len,
    int wire)
{
	switch (f) {
	case FOUND_WIRE:
		s->wire = wire;
		return 0;
	case FOUND_EITHER:
		decide(s, p, len, 0);
		return 1;
	case FOUND_BAD:
		refuse(s, p);
		return 1;
	default:
		s->walk.have = 0;
		(void)complete_header(s, p, len);
		return 1;
	}
}

/* Goes on with a header of which walk.have bytes came in earlier pieces. */
static size_t
go_on(struct stream *s, const unsigned char *p, size_t len)
{
	struct walk *w = &s->walk;
	unsigned char hdr[sizeof(w->hdr)];
	size_t n, back = w->have, good;
	enum found f;
	int wire = s->wire;

	n = complete_header(s, p, len);
	if (w->have < sizeof(w->hdr))
		return n;
	memcpy(hdr, w->hdr, sizeof(hdr));
	w->have = 0;
	f = look_ahead(s, hdr, sizeof(hdr), &good, &wire);
	if (f == FOUND_EITHER) {
		decide(s, p, len, back);
		return len;
	}
	if (f == FOUND_BAD) {
		refuse(s, hdr);
		return len;
	}
	if (f == FOUND_WIRE) {
		s->wire = wire;
		(void)look_ahead(s, hdr, sizeof(hdr), &good, &wire);
	}
	return feed(s, hdr, sizeof(hdr)) == -1 ? len : n;
}

/*
 * In a stream whose calls end with messages a small one does so, too; if not,
 * and its headers do not name their sender, another protocol has begun, and
 * what looks like a message is none.  A first header that is bad is left to
 * the reader, one of either wire to the evidence.
 */
static int
is_sound(struct stream *s, const unsigned char *p, size_t len)
{
	size_t left = s->walk.left;
	struct header h;
	enum found f;
	int wire, own = 1;
	size_t n;

	if (s->untidy || !s->last || s->call != len || len >= EVIDENCE_WHOLE ||
	    s->walk.have > 0)
		return 1;
	for (n = left; len >= n + IMSG_HEADER_SIZE; n += h.total) {
		f = classify(s, p + n, &h, &wire);
		if (f == FOUND_EITHER || (f == FOUND_BAD && n == left))
			return 1;
		if (f == FOUND_BAD)
			return own;
		own = own && is_own(s, p + n);
	}
	return own || n == len;
}

/*
 * The other direction has found the wire: it counts from the next message on.
 * How much has gone to the reader before that, or nowhere.
 */
static size_t
adopt(struct stream *s, const unsigned char *p, size_t len)
{
	size_t n = len < s->walk.left ? len : s->walk.left;

	if (s->wire == RECORD_WIRE_UNKNOWN) {
		s->walk.left -= (uint32_t)n;
		if (feed(s, p, n) == -1)
			return len;
		if (s->walk.left > 0)
			return n;
		s->wire = s->told;
	} else
		n = 0;
	s->told = RECORD_WIRE_UNKNOWN;
	return n;
}

void
stream_known(struct stream *s, const unsigned char *p, size_t len)
{
	enum found f;
	size_t good;
	int wire = s->wire;

	if (!is_sound(s, p, len)) {
		stream_strange(s, len < sizeof(struct imsg_hdr) ? NULL : p);
		return;
	}
	if (s->wire != s->told && s->told != RECORD_WIRE_UNKNOWN) {
		good = adopt(s, p, len);
		p += good;
		len -= good;
	}
	if (s->walk.have > 0 && len > 0 && s->mode == STREAM_KNOWN) {
		good = go_on(s, p, len);
		p += good;
		len -= good;
	}
	while (len > 0) {
		f = look_ahead(s, p, len, &good, &wire);
		if (feed(s, p, good) == -1)
			return;
		p += good;
		len -= good;
		if (len > 0 && act(s, f, p, len, wire))
			return;
	}
}
