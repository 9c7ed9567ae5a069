/* SPDX-License-Identifier: ISC */
/*
 * The words of all shapes, so that one thing is called the same in each.
 */
#define _GNU_SOURCE
#include "shape.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "safe.h"

#define SECOND 1000000000

const char *
shape_event(int event)
{
	switch (event) {
	case RECORD_QUEUED:
		return "queued";
	case RECORD_SENT:
		return "sent";
	case RECORD_RECEIVED:
		return "received";
	case RECORD_DROPPED:
		return "dropped";
	case RECORD_UNREAD:
		return "unread";
	default:
		return "?";
	}
}

const char *
shape_wire(int wire)
{
	switch (wire) {
	case IMSG_WIRE_MODERN:
		return "modern";
	case IMSG_WIRE_CLASSIC:
		return "classic";
	default:
		return "?";
	}
}

const char *
shape_fd_state(int state)
{
	switch (state) {
	case IMSG_FD_NONE:
		return "none";
	case IMSG_FD_PRESENT:
	case IMSG_FD_TAKEN:
		return "present";
	case IMSG_FD_LOST:
		return "lost";
	case RECORD_FD_SURPLUS:
		return "surplus";
	default:
		return "?";
	}
}

void
shape_safe(char *out, size_t size, const char *in)
{
	safe_text(out, size, in == NULL ? "" : in, in == NULL ? 0 : strlen(in));
}

void
shape_word(char *out, size_t size, const char *in)
{
	shape_safe(out, size, in);
	while ((out = strchr(out, ' ')) != NULL)
		*out++ = '_';
}

void
shape_party(char *out, size_t size, const struct party *p)
{
	char name[SHAPE_PARTY - 16];

	shape_word(name, sizeof(name), p->name);
	if (p->pid != 0)
		(void)snprintf(out, size, "%s[%ld]",
		    name[0] == '\0' ? "?" : name, (long)p->pid);
	else if (name[0] != '\0')
		(void)snprintf(out, size, "%s[?]", name);
	else
		(void)snprintf(out, size, "?");
}

/* Seconds since 1970, rounded down, and the rest. */
static time_t
split(int64_t time, long *rest)
{
	int64_t sec = time / SECOND, ns = time % SECOND;

	if (ns < 0) {
		ns += SECOND;
		sec--;
	}
	*rest = (long)ns;
	return (time_t)sec;
}

void
shape_clock(char *out, size_t size, int64_t time)
{
	long rest;
	time_t sec = split(time, &rest);
	struct tm tm;

	if (localtime_r(&sec, &tm) == NULL)
		memset(&tm, 0, sizeof(tm));
	(void)snprintf(out, size, "%02d:%02d:%02d.%06ld", tm.tm_hour, tm.tm_min,
	    tm.tm_sec, rest / 1000);
}

void
shape_utc(char *out, size_t size, int64_t time)
{
	long rest;
	time_t sec = split(time, &rest);
	struct tm tm;

	if (gmtime_r(&sec, &tm) == NULL)
		memset(&tm, 0, sizeof(tm));
	(void)snprintf(out, size, "%04ld-%02d-%02dT%02d:%02d:%02d.%09ldZ",
	    tm.tm_year + 1900L, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour,
	    tm.tm_min, tm.tm_sec, rest);
}

void
shape_seconds(char *out, size_t size, uint64_t ns)
{
	(void)snprintf(out, size, "%" PRIu64 ".%06" PRIu64, ns / SECOND,
	    ns % SECOND / 1000);
}

void
shape_type(char *out, size_t size, const struct names *names, uint32_t type)
{
	shape_word(out, size, names == NULL ? NULL : names_get(names, type));
}

/* East Asian characters and pictures are two columns wide. */
static int
is_wide(unsigned long c)
{
	static const struct {
		unsigned long first, last;
	} wide[] = {
		{ 0x1100, 0x115f },
		{ 0x2e80, 0xa4cf },
		{ 0xac00, 0xd7a3 },
		{ 0xf900, 0xfaff },
		{ 0xfe30, 0xfe6f },
		{ 0xff00, 0xff60 },
		{ 0xffe0, 0xffe6 },
		{ 0x1f000, 0x1faff },
		{ 0x20000, 0x3ffff },
	};
	size_t i;

	for (i = 0; i < sizeof(wide) / sizeof(wide[0]); i++)
		if (c >= wide[i].first && c <= wide[i].last)
			return 1;
	return 0;
}

/* Columns of the character at *p, which moves behind it. */
static size_t
step(const char **p)
{
	const unsigned char *u = (const unsigned char *)*p;
	unsigned long c = *u++;

	if (c >= 0xc0)
		c &= c >= 0xf0 ? 7 : c >= 0xe0 ? 15 : 31;
	for (; (*u & 0xc0) == 0x80; u++)
		c = c << 6 | (*u & 0x3fU);
	*p = (const char *)u;
	return is_wide(c) ? 2 : 1;
}

size_t
shape_width(const char *s)
{
	size_t width = 0;

	while (*s != '\0')
		width += step(&s);
	return width;
}

void
shape_cut(char *s, size_t size, size_t columns)
{
	static const char mark[] = "\xe2\x80\xa6"; /* ... as one character */
	const char *p = s, *end = s;
	size_t width = 0;

	if (shape_width(s) <= columns)
		return;
	/* The last place where the mark has room. */
	for (;;) {
		width += step(&p);
		if (width >= columns || (size_t)(p - s) + sizeof(mark) > size)
			break;
		end = p;
	}
	if ((size_t)(end - s) + sizeof(mark) <= size)
		memcpy(s + (end - s), mark, sizeof(mark));
}

int
shape_has_fd(const struct record *r)
{
	return r->fd_state == IMSG_FD_PRESENT || r->fd_state == IMSG_FD_TAKEN ||
	    r->fd_state == RECORD_FD_SURPLUS;
}

int
shape_has_header(const struct record *r)
{
	return (r->hdr.type | r->hdr.len | r->hdr.peerid | r->hdr.pid) != 0;
}

int
shape_status(FILE *f)
{
	if (!ferror(f))
		return 0;
	if (errno == 0)
		errno = EIO;
	return -1;
}

int
shape_flush(FILE *f)
{
	return fflush(f) == EOF ? -1 : shape_status(f);
}
