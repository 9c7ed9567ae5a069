/* SPDX-License-Identifier: ISC */
/*
 * The summary as a table: a line for each channel, direction and type, and
 * totals below.  Cells have no blanks in them, but the last.
 */
#include "summary-int.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define COLUMNS 13
#define CELL	256

struct line {
	char cell[COLUMNS][CELL];
};

static const struct {
	const char *title;
	int right; /* aligned */
} columns[COLUMNS] = {
	{ "#", 0 },
	{ "wire", 0 },
	{ "from", 0 },
	{ ">", 0 },
	{ "to", 0 },
	{ "type", 1 },
	{ "name", 0 },
	{ "messages", 1 },
	{ "bytes", 1 },
	{ "fds", 1 },
	{ "per-s", 1 },
	{ "wait-s", 1 },
	{ "answer", 0 },
};

static int
compare_numbers(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

static int
same_way(const struct row *a, const struct row *b)
{
	return a->channel == b->channel && a->from == b->from && a->to == b->to;
}

static int
by_way(const void *x, const void *y)
{
	const struct row *a = x, *b = y;
	int c = compare_numbers(a->channel->number, b->channel->number);

	if (c == 0)
		c = compare_numbers((uint64_t)a->from, (uint64_t)b->from);
	if (c == 0)
		c = compare_numbers((uint64_t)a->to, (uint64_t)b->to);
	return c != 0 ? c : compare_numbers(a->order, b->order);
}

static int
for_reading(const void *x, const void *y)
{
	const struct row *a = x, *b = y;
	int c = compare_numbers(a->channel->number, b->channel->number);

	if (c == 0)
		c = compare_numbers(a->order, b->order);
	if (c == 0)
		c = compare_numbers(b->count, a->count);
	return c != 0 ? c : compare_numbers(a->type, b->type);
}

/* By channel; the direction that was used first; the frequent types. */
static void
sort(struct summary *s)
{
	size_t i;

	for (i = 0; i < s->nrows; i++)
		s->rows[i].order = i;
	qsort(s->rows, s->nrows, sizeof(*s->rows), by_way);
	for (i = 1; i < s->nrows; i++)
		if (same_way(&s->rows[i], &s->rows[i - 1]))
			s->rows[i].order = s->rows[i - 1].order;
	qsort(s->rows, s->nrows, sizeof(*s->rows), for_reading);
}

static uint64_t
span(int64_t first, int64_t last)
{
	return (uint64_t)last - (uint64_t)first;
}

/* Not by %f, which has a comma in some locales. */
static void
cell_rate(char *out, const struct row *w)
{
	uint64_t life = span(w->channel->first, w->channel->last), tenths;
	double rate;

	if (life == 0) {
		(void)snprintf(out, CELL, "-");
		return;
	}
	rate = (double)w->count * 1e10 / (double)life + 0.5;
	tenths = rate < 1e18 ? (uint64_t)rate : UINT64_C(1000000000000000000);
	(void)snprintf(
	    out, CELL, "%" PRIu64 ".%" PRIu64, tenths / 10, tenths % 10);
}

static void
cell_answer(const struct summary *s, struct line *l, const struct row *w)
{
	char name[SHAPE_NAME];

	if (!w->answered) {
		(void)snprintf(l->cell[11], CELL, "-");
		(void)snprintf(l->cell[12], CELL, "-");
		return;
	}
	shape_type(name, sizeof(name), s->names, w->answer);
	shape_seconds(l->cell[11], CELL, w->gap);
	(void)snprintf(l->cell[12], CELL, "%" PRIu32 " %s peerid=%" PRIu32,
	    w->answer, name[0] == '\0' ? "-" : name, w->peerid);
}

static void
fill(const struct summary *s, struct line *l, const struct row *w)
{
	char name[SHAPE_NAME];

	shape_type(name, sizeof(name), s->names, w->type);
	(void)snprintf(l->cell[0], CELL, "#%" PRIu32, w->channel->number);
	(void)snprintf(l->cell[1], CELL, "%s", shape_wire(w->channel->wire));
	(void)snprintf(l->cell[2], CELL, "%s", w->from_name);
	(void)snprintf(l->cell[3], CELL, ">");
	(void)snprintf(l->cell[4], CELL, "%s", w->to_name);
	(void)snprintf(l->cell[5], CELL, "%" PRIu32, w->type);
	(void)snprintf(l->cell[6], CELL, "%s", name[0] == '\0' ? "-" : name);
	(void)snprintf(l->cell[7], CELL, "%" PRIu64, w->count);
	(void)snprintf(l->cell[8], CELL, "%" PRIu64, w->bytes);
	(void)snprintf(l->cell[9], CELL, "%" PRIu64, w->fds);
	cell_rate(l->cell[10], w);
	cell_answer(s, l, w);
}

static void
put_line(FILE *f, const struct line *l, const size_t *width)
{
	size_t i, pad;

	for (i = 0; i < COLUMNS; i++) {
		pad = width[i] - shape_width(l->cell[i]);
		if (i > 0)
			(void)putc(' ', f);
		if (columns[i].right)
			(void)fprintf(f, "%*s", (int)pad, "");
		(void)fputs(l->cell[i], f);
		if (!columns[i].right && i < COLUMNS - 1)
			(void)fprintf(f, "%*s", (int)pad, "");
	}
	(void)putc('\n', f);
}

static void
widen(size_t *width, const struct line *l)
{
	size_t i, w;

	for (i = 0; i < COLUMNS; i++) {
		w = shape_width(l->cell[i]);
		if (w > width[i])
			width[i] = w;
	}
}

static void
put_rows(struct summary *s)
{
	size_t width[COLUMNS] = { 0 }, i;
	struct line head, l;

	for (i = 0; i < COLUMNS; i++)
		(void)snprintf(head.cell[i], CELL, "%s", columns[i].title);
	widen(width, &head);
	for (i = 0; i < s->nrows; i++) {
		fill(s, &l, &s->rows[i]);
		widen(width, &l);
	}
	put_line(s->f, &head, width);
	for (i = 0; i < s->nrows && !ferror(s->f); i++) {
		fill(s, &l, &s->rows[i]);
		put_line(s->f, &l, width);
	}
}

/* "3 messages" */
static void
put_number(FILE *f, const char *before, uint64_t n, const char *what)
{
	(void)fprintf(
	    f, "%s%" PRIu64 " %s%s", before, n, what, n == 1 ? "" : "s");
}

static void
put_totals(const struct summary *s)
{
	const struct totals *a = &s->all;
	FILE *f = s->f;
	char time[32];

	put_number(f, "total: ", a->messages, "message");
	put_number(f, ", ", a->bytes, "byte");
	put_number(f, ", ", a->fds, "descriptor");
	if (a->lost > 0)
		(void)fprintf(f, " (and %" PRIu64 " lost)", a->lost);
	put_number(f, ", ", s->nchannels, "channel");
	shape_seconds(time, sizeof(time), span(a->first, a->last));
	(void)fprintf(f, ", %s s", time);
	put_number(f, ", ", a->notes, "note");
	(void)putc('\n', f);
	if (a->queued > 0 || a->dropped > 0)
		(void)fprintf(f,
		    "not counted above: %" PRIu64 " queued, %" PRIu64
		    " dropped\n",
		    a->queued, a->dropped);
	if (a->others > 0)
		(void)fprintf(f,
		    "others, beyond %d kinds on %d channels, only in the "
		    "total: %" PRIu64 " messages, %" PRIu64 " bytes\n",
		    SUMMARY_ROWS, SUMMARY_CHANNELS, a->others, a->other_bytes);
	if (a->forgotten > 0)
		(void)fprintf(f,
		    "requests forgotten, too many waited at a time: %" PRIu64
		    "\n",
		    a->forgotten);
}

void
summary_print(struct summary *s)
{
	sort(s);
	if (s->nrows > 0) {
		put_rows(s);
		(void)putc('\n', s->f);
	}
	put_totals(s);
}
