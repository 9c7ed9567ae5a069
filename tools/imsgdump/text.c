/* SPDX-License-Identifier: ISC */
/*
 * One line a message, as it happens, for people and for awk(1).
 *
 * The columns are separated by single blanks and have none in them:
 *	time channel from > to type name peerid= pid= len= [fd=] [words]
 * A note has "--" in place of the type.  Lines of payload begin with a blank.
 */
#include "sinks.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "safe.h"
#include "shape.h"

#define BOLD	"\033[1m"
#define WARNING "\033[31m"
#define INDENT	"    "
/* Bytes of payload in a line of hexadecimal. */
#define ROW 16

struct text {
	struct sink sink;
	FILE *f;
	const struct names *names;
	int flags;
};

/* s has been made harmless before. */
static void
paint(const struct text *t, const char *colour, const char *s)
{
	if (t->flags & TEXT_COLOUR)
		(void)fprintf(t->f, "%s%s\033[0m", colour, s);
	else
		(void)fputs(s, t->f);
}

/* A process keeps its colour. */
static void
put_party(const struct text *t, const struct party *p)
{
	static const char *const colours[] = { "\033[36m", "\033[32m",
		"\033[35m", "\033[34m", "\033[33m" };
	char s[SHAPE_PARTY];

	shape_party(s, sizeof(s), p);
	paint(t,
	    colours[(unsigned long)p->pid %
		(sizeof(colours) / sizeof(colours[0]))],
	    s);
}

static void
put_head(const struct text *t, const struct record *r)
{
	char s[32];

	shape_clock(s, sizeof(s), r->time);
	(void)fprintf(t->f, "%s #%" PRIu32 " ", s, r->channel);
	put_party(t, &r->from);
	(void)fputs(" > ", t->f);
	put_party(t, &r->to);
	(void)putc(' ', t->f);
}

static void
put_fd(const struct text *t, const struct record *r)
{
	char s[1024];

	if (r->fd_state == IMSG_FD_LOST) {
		(void)putc(' ', t->f);
		paint(t, WARNING, "fd=lost");
	}
	if (!shape_has_fd(r))
		return;
	if (r->fd >= 0)
		(void)fprintf(t->f, " fd=%d", r->fd);
	else
		(void)fputs(" fd=?", t->f);
	shape_word(s, sizeof(s), r->fdname);
	if (s[0] != '\0')
		(void)fprintf(t->f, "<%s>", s);
	if (r->fd_state == RECORD_FD_SURPLUS) {
		(void)putc(' ', t->f);
		paint(t, WARNING, "surplus");
	}
}

static void
put_message(const struct text *t, const struct record *r)
{
	char s[SHAPE_NAME];

	(void)fprintf(t->f, "%" PRIu32 " ", r->hdr.type);
	shape_type(s, sizeof(s), t->names, r->hdr.type);
	paint(t, BOLD, s[0] == '\0' ? "-" : s);
	(void)fprintf(t->f, " peerid=%" PRIu32 " pid=%" PRId32 " len=%" PRIu32,
	    r->hdr.peerid, (int32_t)r->hdr.pid, r->hdr.len);
	put_fd(t, r);
	if (r->event != RECORD_SENT && r->event != RECORD_RECEIVED) {
		(void)putc(' ', t->f);
		paint(t, r->event == RECORD_QUEUED ? BOLD : WARNING,
		    shape_event((int)r->event));
	}
	(void)putc('\n', t->f);
}

static void
put_note(const struct text *t, const struct record *r)
{
	char s[1024];

	shape_safe(s, sizeof(s), r->note);
	paint(t, WARNING, "--");
	(void)fprintf(t->f, " %s", s);
	if (shape_has_header(r))
		(void)fprintf(t->f,
		    " (type=%" PRIu32 " peerid=%" PRIu32 " pid=%" PRId32
		    " len=%" PRIu32 ")",
		    r->hdr.type, r->hdr.peerid, (int32_t)r->hdr.pid,
		    r->hdr.len);
	(void)putc('\n', t->f);
}

/* One line of "offset  16 x hex  |characters|". */
static void
put_hex_row(FILE *f, size_t offset, const unsigned char *p, size_t n)
{
	size_t i;

	(void)fprintf(f, INDENT "%08zx ", offset);
	for (i = 0; i < ROW; i++) {
		if (i == ROW / 2)
			(void)putc(' ', f);
		if (i < n)
			(void)fprintf(f, " %02x", p[i]);
		else
			(void)fputs("   ", f);
	}
	(void)fputs("  |", f);
	for (i = 0; i < n; i++)
		(void)putc(p[i] >= 0x20 && p[i] < 0x7f ? p[i] : '.', f);
	(void)fputs("|\n", f);
}

/* Its lines; a newline that ends it begins no other. */
static void
put_ascii(FILE *f, const unsigned char *p, size_t len)
{
	while (len > 0) {
		const unsigned char *end = memchr(p, '\n', len);
		size_t n = end == NULL ? len : (size_t)(end - p);

		(void)fputs(INDENT, f);
		safe_print(f, p, n);
		(void)putc('\n', f);
		n += end != NULL;
		p += n;
		len -= n;
	}
}

static void
put_payload(const struct text *t, const struct record *r)
{
	size_t at, n, all = 0;

	if (r->hdr.len > IMSG_HEADER_SIZE)
		all = r->hdr.len - IMSG_HEADER_SIZE;
	if (t->flags & TEXT_HEX) {
		for (at = 0; at < r->len; at += n) {
			n = r->len - at < ROW ? r->len - at : ROW;
			put_hex_row(t->f, at, r->data + at, n);
			if (ferror(t->f))
				return;
		}
	}
	if (t->flags & TEXT_ASCII)
		put_ascii(t->f, r->data, r->len);
	if (r->len < all)
		(void)fprintf(
		    t->f, INDENT "(%zu of %zu bytes were kept)\n", r->len, all);
}

static int
text_put(struct sink *sink, const struct record *r)
{
	struct text *t = (struct text *)sink;

	errno = 0;
	put_head(t, r);
	if (r->kind == RECORD_NOTE) {
		put_note(t, r);
	} else {
		put_message(t, r);
		if (t->flags & (TEXT_HEX | TEXT_ASCII))
			put_payload(t, r);
	}
	return shape_status(t->f);
}

static int
text_flush(struct sink *sink)
{
	return shape_flush(((struct text *)sink)->f);
}

static int
text_end(struct sink *sink)
{
	FILE *f = ((struct text *)sink)->f;

	free(sink);
	return shape_flush(f);
}

struct sink *
text_sink(FILE *f, const struct names *names, int flags)
{
	struct text *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return NULL;
	t->sink.put = text_put;
	t->sink.flush = text_flush;
	t->sink.end = text_end;
	t->f = f;
	t->names = names;
	t->flags = flags;
	return &t->sink;
}
