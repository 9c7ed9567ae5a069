/* SPDX-License-Identifier: ISC */
/*
 * Where things are in a sequence diagram: lifelines stand so far apart that
 * labels fit between them.
 */
#include "sequence-int.h"

#include <inttypes.h>
#include <string.h>

#define GAP_MIN	     110
#define GAP_MAX	     620
#define TYPE_COLUMNS 36 /* columns of the name of a type */
#define HEAD_NAME    24 /* columns of the name of a process */
#define LABEL_ROOM   40 /* beside a label: arrowhead, mark, air */
#define WIDTH_MIN    640

static void
label_fd(const struct arrow *a, char *out, size_t size)
{
	const char *more = a->fd_state == RECORD_FD_SURPLUS ? " surplus" : "";

	if (a->fd_state == IMSG_FD_LOST)
		(void)snprintf(out, size, "fd lost");
	else if (a->fd_state == IMSG_FD_NONE)
		out[0] = '\0';
	else if (a->fd >= 0)
		(void)snprintf(out, size, "fd %d%s", a->fd, more);
	else
		(void)snprintf(out, size, "fd%s", more);
}

void
sequence_label(const struct sequence *s, const struct arrow *a, struct label *l)
{
	memset(l, 0, sizeof(*l));
	shape_type(l->name, sizeof(l->name), s->names, a->hdr.type);
	if (l->name[0] == '\0')
		(void)snprintf(
		    l->name, sizeof(l->name), "type %" PRIu32, a->hdr.type);
	shape_cut(l->name, sizeof(l->name), TYPE_COLUMNS);
	(void)snprintf(l->size, sizeof(l->size), "%" PRIu64 " B", a->bytes);
	label_fd(a, l->fd, sizeof(l->fd));
	l->bad_fd =
	    a->fd_state == IMSG_FD_LOST || a->fd_state == RECORD_FD_SURPLUS;
	l->bad_event = a->event == RECORD_DROPPED || a->event == RECORD_UNREAD;
	if (a->event != RECORD_SENT && a->event != RECORD_RECEIVED)
		(void)snprintf(
		    l->event, sizeof(l->event), "%s", shape_event(a->event));
	if (a->count > 1)
		(void)snprintf(
		    l->times, sizeof(l->times), "\xc3\x97%" PRIu64, a->count);
	/* With a blank between any two. */
	l->columns = (int)(shape_width(l->name) + shape_width(l->size) +
	    shape_width(l->fd) + shape_width(l->event) + shape_width(l->times) +
	    4);
}

int
sequence_head_width(const struct life *l)
{
	size_t columns = shape_width(l->name);

	if (columns > HEAD_NAME)
		columns = HEAD_NAME;
	if (columns < 10)
		columns = 10;
	return (int)columns * 8 + 16;
}

/* Widens what is between two lifelines, if it is not wide at all. */
static void
widen(struct life *l, int gap)
{
	if (gap > GAP_MAX)
		gap = GAP_MAX;
	if (l->gap < gap)
		l->gap = gap;
}

/* Arrows over several gaps share what they want among those. */
static void
widen_span(struct sequence *s, int left, int right, int want)
{
	int i, have = 0, n = right - left;

	for (i = left; i < right; i++)
		have += s->lives[i].gap;
	if (have >= want)
		return;
	for (i = left; i < right; i++)
		widen(
		    &s->lives[i], s->lives[i].gap + (want - have + n - 1) / n);
}

static void
widen_arrow(struct sequence *s, const struct arrow *a)
{
	int left = a->from < a->to ? a->from : a->to;
	int right = a->from < a->to ? a->to : a->from;
	struct label l;

	if (a->is_note)
		return;
	sequence_label(s, a, &l);
	widen_span(s, left, left == right ? left + 1 : right,
	    l.columns * CHAR_WIDTH + LABEL_ROOM);
}

void
sequence_layout(struct sequence *s)
{
	size_t i, rows;
	int k, x;

	for (k = 0; k < s->nlives; k++) {
		int half = sequence_head_width(&s->lives[k]) / 2;
		int other = k + 1 < s->nlives ?
		    sequence_head_width(&s->lives[k + 1]) / 2 :
		    0;

		s->lives[k].gap =
		    k + 1 < s->nlives ? GAP_MIN : half + LABEL_ROOM / 2;
		widen(&s->lives[k], half + other + 16);
	}
	for (i = 0; i < s->narrows; i++)
		widen_arrow(s, &s->arrows[i]);
	x = GUTTER;
	if (s->nlives > 0)
		x += sequence_head_width(&s->lives[0]) / 2;
	for (k = 0; k < s->nlives; k++) {
		s->lives[k].x = x;
		x += s->lives[k].gap;
	}
	s->width = x < WIDTH_MIN ? WIDTH_MIN : x;
	rows = s->narrows == 0 ? 1 : (s->narrows + HEAD_EVERY - 1) / HEAD_EVERY;
	s->height =
	    TOP + (int)rows * HEAD_HEIGHT + (int)s->narrows * ROW_HEIGHT + 48;
}
