/* SPDX-License-Identifier: ISC */
/*
 * Draws a sequence diagram as SVG.
 *
 * Coordinates are whole numbers, which look the same in every locale.  There
 * is nothing in it that runs or is fetched from elsewhere.  Colours follow the
 * reader's preference for light or dark.
 */
#include "sequence-int.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define COLOURS 6
#define LOOP	26 /* width of the arrow of a process to itself */

static const char style[] =
    "text{font-family:'DejaVu Sans Mono',ui-monospace,Menlo,Consolas,"
    "monospace;font-size:11px;fill:#1f2933}\n"
    ".b{fill:#ffffff}.x{fill:#f6f8fa;stroke:#8a96a3}\n"
    ".z{fill:#f3f6f9}.v{stroke:#b4bec9;stroke-dasharray:1 3}\n"
    ".w{text-anchor:middle;paint-order:stroke;stroke:#ffffff;"
    "stroke-width:4px;stroke-linejoin:round}\n"
    ".s{text-anchor:start}.p{text-anchor:middle;font-size:12px;"
    "font-weight:bold}\n"
    ".d{fill:#66727f;font-size:10px}.m{text-anchor:middle}\n"
    ".e{fill:#c0262d}.k{font-weight:bold}\n"
    ".n{fill:#fdf3d8;stroke:#c9a23a}.l{fill:none;stroke-width:1.4}\n"
    ".q{stroke-dasharray:5 3}.o{stroke-width:1.4}\n"
    "/* a colour a channel */\n"
    ".c0{stroke:#2f6fb7;fill:#2f6fb7}.c1{stroke:#b3611b;fill:#b3611b}"
    ".c2{stroke:#2d8757;fill:#2d8757}\n"
    ".c3{stroke:#9550a5;fill:#9550a5}.c4{stroke:#b5485d;fill:#b5485d}"
    ".c5{stroke:#66751c;fill:#66751c}\n"
    ".r{stroke:#c0262d;fill:none}.l{fill:none}\n"
    "@media (prefers-color-scheme:dark){text{fill:#dfe5ec}"
    ".b{fill:#12161c}.x{fill:#1d242d;stroke:#6c7885}.z{fill:#181e26}\n"
    ".v{stroke:#4a5561}.w{stroke:#12161c}.d{fill:#98a4b1}"
    ".e{fill:#ff7b72}.r{stroke:#ff7b72}\n"
    ".n{fill:#3a3218;stroke:#a5842f}"
    ".c0{stroke:#6aa5e8;fill:#6aa5e8}.c1{stroke:#e0945a;fill:#e0945a}\n"
    ".c2{stroke:#5cbf8a;fill:#5cbf8a}.c3{stroke:#c58bd3;fill:#c58bd3}"
    ".c4{stroke:#e58397;fill:#e58397}.c5{stroke:#aebc55;fill:#aebc55}\n"
    ".l,.r{fill:none}}\n";

/* Harmless text as XML has it. */
static void
put_xml(FILE *f, const char *s)
{
	for (; *s != '\0'; s++) {
		switch (*s) {
		case '&':
			(void)fputs("&amp;", f);
			break;
		case '<':
			(void)fputs("&lt;", f);
			break;
		case '>':
			(void)fputs("&gt;", f);
			break;
		case '"':
			(void)fputs("&quot;", f);
			break;
		default:
			(void)putc(*s, f);
		}
	}
}

static void
put_span(FILE *f, const char *class, const char *s)
{
	if (s[0] == '\0')
		return;
	/* A blank at the start would be swallowed by some readers. */
	(void)fprintf(f, "<tspan class=\"%s\" dx=\"7\">", class);
	put_xml(f, s);
	(void)fputs("</tspan>", f);
}

/* Its name is harmless already. */
static void
life_party(const struct life *l, char *out, size_t size)
{
	const char *name = l->name[0] == '\0' ? "?" : l->name;

	if (l->pid != 0)
		(void)snprintf(out, size, "%s[%ld]", name, (long)l->pid);
	else
		(void)snprintf(out, size, "%s", name);
}

/* What the pointer shows above an arrow. */
static void
put_tip(const struct sequence *s, const struct arrow *a)
{
	char t[48], from[SHAPE_PARTY], to[SHAPE_PARTY], name[SHAPE_NAME];

	shape_utc(t, sizeof(t), a->time);
	(void)fprintf(s->f, "<title>%s", t);
	if (a->count > 1) {
		shape_utc(t, sizeof(t), a->last);
		(void)fprintf(s->f,
		    "\nto %s, %" PRIu64 " messages, %" PRIu64
		    " bytes; the first:",
		    t, a->count, a->bytes);
	}
	life_party(&s->lives[a->from], from, sizeof(from));
	life_party(&s->lives[a->to], to, sizeof(to));
	(void)fprintf(s->f, "\nchannel %" PRIu32 " (%s): ", a->channel,
	    shape_wire(a->wire));
	put_xml(s->f, from);
	(void)fputs(" &gt; ", s->f);
	put_xml(s->f, to);
	(void)fprintf(s->f, "\ntype %" PRIu32 " ", a->hdr.type);
	shape_type(name, sizeof(name), s->names, a->hdr.type);
	put_xml(s->f, name);
	(void)fprintf(s->f,
	    "\npeerid %" PRIu32 ", pid %" PRId32 ", length %" PRIu32 ", %s",
	    a->hdr.peerid, (int32_t)a->hdr.pid, a->hdr.len,
	    shape_event(a->event));
	if (a->fd_state != IMSG_FD_NONE) {
		(void)fprintf(s->f, "\ndescriptor %d, %s ", a->fd,
		    shape_fd_state(a->fd_state));
		put_xml(s->f, a->text);
	}
	(void)fputs("</title>", s->f);
}

static void
put_time(FILE *f, int y, int64_t time)
{
	char t[32];

	shape_clock(t, sizeof(t), time);
	(void)fprintf(
	    f, "<text class=\"d\" x=\"12\" y=\"%d\">%s</text>\n", y + 4, t);
}

/* class: that of the text element; x: its anchor. */
static void
put_label(FILE *f, const struct label *l, const char *class, int x, int y)
{
	(void)fprintf(f, "<text class=\"%s\" x=\"%d\" y=\"%d\">", class, x, y);
	put_xml(f, l->name);
	put_span(f, "d", l->size);
	put_span(f, l->bad_fd ? "k e" : "k", l->fd);
	put_span(f, l->bad_event ? "k e" : "k", l->event);
	put_span(f, "k", l->times);
	(void)fputs("</text>", f);
}

/* A ring where the descriptor sets out; a cross where something was lost. */
static void
put_marks(FILE *f, const struct arrow *a, int x, int y, int towards)
{
	if (a->fd_state == IMSG_FD_LOST)
		(void)fprintf(f,
		    "<path class=\"r o\" d=\"M%d %dl8 8m0 -8l-8 8\"/>",
		    x + towards * 9 - 4, y - 4);
	else if (a->fd_state != IMSG_FD_NONE)
		(void)fprintf(f,
		    "<circle class=\"c%" PRIu32
		    " o\" cx=\"%d\" cy=\"%d\" r=\"4\"/>",
		    a->channel % COLOURS, x + towards * 9, y);
	if (a->event == RECORD_DROPPED || a->event == RECORD_UNREAD)
		(void)fprintf(f,
		    "<path class=\"r o\" d=\"M%d %dl10 10m0 -10l-10 10\"/>",
		    x + towards * 22 - 5, y - 5);
}

static void
put_arrow(const struct sequence *s, const struct arrow *a, int y)
{
	int from = s->lives[a->from].x, to = s->lives[a->to].x;
	int towards = to > from ? 1 : -1;
	const char *dash =
	    a->event == RECORD_QUEUED || a->event == RECORD_DROPPED ? " q" : "";
	uint32_t c = a->channel % COLOURS;
	struct label l;

	sequence_label(s, a, &l);
	(void)fputs("<g>", s->f);
	put_tip(s, a);
	y += 6;
	put_label(s->f, &l, "w", (from + to) / 2, y - 6);
	(void)fprintf(s->f,
	    "<path class=\"c%" PRIu32 " l%s\" d=\"M%d %dH%d\"/>"
	    "<path class=\"c%" PRIu32 "\" d=\"M%d %dl%d -4v8z\"/>",
	    c, dash, from, y, to - towards * 4, c, to - towards, y,
	    -9 * towards);
	put_marks(s->f, a, from, y, towards);
	(void)fputs("</g>\n", s->f);
}

static void
put_loop(const struct sequence *s, const struct arrow *a, int y)
{
	int x = s->lives[a->from].x;
	uint32_t c = a->channel % COLOURS;
	struct label l;

	sequence_label(s, a, &l);
	(void)fputs("<g>", s->f);
	put_tip(s, a);
	(void)fprintf(s->f,
	    "<path class=\"c%" PRIu32 " l\" d=\"M%d %dh%dq8 0 8 7q0 7 -8 7h-%d"
	    "\"/><path class=\"c%" PRIu32 "\" d=\"M%d %dl9 -4v8z\"/>",
	    c, x, y - 5, LOOP - 8, LOOP - 12, c, x + 1, y + 9);
	put_marks(s->f, a, x, y - 5, 1);
	put_label(s->f, &l, "w s", x + LOOP + 6, y + 6);
	(void)fputs("</g>\n", s->f);
}

/* From the left edge on, as far as there is room. */
static void
put_note(const struct sequence *s, const struct arrow *a, int y)
{
	char text[600];
	int left = GUTTER - 8, width = s->width - left - 12, room;

	if (a->channel != 0)
		(void)snprintf(
		    text, sizeof(text), "#%" PRIu32 " %s", a->channel, a->text);
	else
		(void)snprintf(text, sizeof(text), "%s", a->text);
	(void)fputs("<g><title>", s->f);
	put_xml(s->f, text);
	(void)fputs("</title>", s->f);
	room = (width - 16) / CHAR_WIDTH;
	shape_cut(text, sizeof(text), (size_t)room);
	width = (int)shape_width(text) * CHAR_WIDTH + 16;
	(void)fprintf(s->f,
	    "<rect class=\"n\" x=\"%d\" y=\"%d\" width=\"%d\" height=\"18\" "
	    "rx=\"3\"/><text x=\"%d\" y=\"%d\">",
	    left, y - 9, width, left + 8, y + 4);
	put_xml(s->f, text);
	(void)fputs("</text></g>\n", s->f);
}

static void
put_head(const struct sequence *s, const struct life *l, int y)
{
	int width = sequence_head_width(l);
	char name[sizeof(l->name)];

	(void)snprintf(
	    name, sizeof(name), "%s", l->name[0] == '\0' ? "?" : l->name);
	shape_cut(name, sizeof(name), 24);
	(void)fprintf(s->f,
	    "<g><rect class=\"x\" x=\"%d\" y=\"%d\" width=\"%d\" "
	    "height=\"36\" rx=\"5\"/><text class=\"p\" x=\"%d\" y=\"%d\">",
	    l->x - width / 2, y, width, l->x, y + 15);
	put_xml(s->f, name);
	(void)fprintf(s->f, "</text><text class=\"d m\" x=\"%d\" y=\"%d\">",
	    l->x, y + 29);
	if (l->pid != 0)
		(void)fprintf(s->f, "%ld", (long)l->pid);
	else
		(void)fprintf(s->f, "unknown");
	(void)fputs("</text></g>\n", s->f);
}

static void
put_start(const struct sequence *s)
{
	char first[48], span[32], text[256];
	FILE *f = s->f;

	shape_utc(first, sizeof(first), s->first);
	shape_seconds(
	    span, sizeof(span), (uint64_t)s->last - (uint64_t)s->first);
	(void)snprintf(text, sizeof(text),
	    "%" PRIu64 " messages between %d processes in %s s from %s on",
	    s->messages, s->nlives, span, first);
	(void)fprintf(f,
	    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
	    "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" "
	    "height=\"%d\" viewBox=\"0 0 %d %d\" role=\"img\" "
	    "aria-labelledby=\"title desc\">\n"
	    "<title id=\"title\">Sequence of imsg messages</title>\n"
	    "<desc id=\"desc\">%s</desc>\n<style>\n%s</style>\n"
	    "<rect class=\"b\" width=\"%d\" height=\"%d\"/>\n"
	    "<text class=\"d\" x=\"12\" y=\"22\">%s</text>\n",
	    s->width, s->height, s->width, s->height, text, style, s->width,
	    s->height, text);
}

static void
put_lines(const struct sequence *s)
{
	int i;

	for (i = 0; i < s->nlives; i++)
		(void)fprintf(s->f, "<path class=\"v\" d=\"M%d %dV%d\"/>\n",
		    s->lives[i].x, TOP, s->height - 34);
}

static void
put_row(const struct sequence *s, const struct arrow *a, int y)
{
	put_time(s->f, y + 2, a->time);
	if (a->is_note)
		put_note(s, a, y);
	else if (a->from == a->to)
		put_loop(s, a, y);
	else
		put_arrow(s, a, y);
}

void
sequence_draw(struct sequence *s)
{
	int y = TOP, k;
	size_t i;

	put_start(s);
	put_lines(s);
	for (i = 0; (i < s->narrows || i == 0) && !ferror(s->f); i++) {
		if (i % HEAD_EVERY == 0) {
			for (k = 0; k < s->nlives; k++)
				put_head(s, &s->lives[k], y);
			y += HEAD_HEIGHT;
		}
		if (i < s->narrows)
			put_row(s, &s->arrows[i], y);
		y += ROW_HEIGHT;
	}
	if (s->missed > 0)
		(void)fprintf(s->f,
		    "<text x=\"12\" y=\"%d\">%" PRIu64
		    " more messages are not drawn (at most %d arrows, %d "
		    "processes)</text>\n",
		    s->height - 14, s->missed, SEQUENCE_ROWS, SEQUENCE_LIVES);
	(void)fputs("</svg>\n", s->f);
}
