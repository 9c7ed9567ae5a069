/* SPDX-License-Identifier: ISC */
/*
 * Lines for people.
 *
 * Every byte that comes out of an archive, a worker or the command line goes
 * through text_safe() here.  A name must never move the cursor, change the
 * colours, turn the direction of writing, or look like two lines.
 */
#define _POSIX_C_SOURCE 200809L

#include <inttypes.h>
#include <langinfo.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

#include "print.h"

#define PROGRESS_MS    200
#define PROGRESS_WIDTH 60

/* Characters that control others, or are no characters. */
static const struct {
	uint32_t first;
	uint32_t last;
} unprintable[] = {
	{ 0x0000, 0x001f },    /* controls */
	{ 0x007f, 0x009f },    /* delete, more controls */
	{ 0x061c, 0x061c },    /* direction: Arabic letter mark */
	{ 0x180e, 0x180e },    /* nothing to see */
	{ 0x200b, 0x200b },    /* nothing to see */
	{ 0x200e, 0x200f },    /* direction: marks */
	{ 0x2028, 0x202e },    /* new lines; direction: embedding, override */
	{ 0x2060, 0x206f },    /* nothing to see; direction: isolates */
	{ 0xfdd0, 0xfdef },    /* not characters */
	{ 0xfeff, 0xfeff },    /* byte order mark */
	{ 0xfff0, 0xfffb },    /* annotation */
	{ 0xfffe, 0xffff },    /* not characters */
	{ 0xe0000, 0xe0fff },  /* tags and selectors, nothing to see */
	{ 0xf0000, 0x10ffff }, /* private planes */
};

void
screen_init(struct screen *s, bool quiet, size_t files)
{
	const char *charset = nl_langinfo(CODESET);

	memset(s, 0, sizeof(*s));
	s->quiet = quiet;
	s->files = files;
	/*
	 * On an 8-bit terminal the second half of a character may be
	 * a control: "\321\233" is a letter, and "\233" begins a sequence.
	 */
	s->utf8 = strcasecmp(charset, "UTF-8") == 0 ||
	    strcasecmp(charset, "UTF8") == 0;
	s->progress = isatty(STDERR_FILENO) == 1;
}

/* Length of the character at p, or 0 if it is not valid UTF-8. */
static size_t
utf8_decode(const unsigned char *p, size_t left, uint32_t *cp)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t i, n;
	uint32_t c;

	if (p[0] < 0x80)
		n = 1;
	else if (p[0] >= 0xc2 && p[0] <= 0xdf)
		n = 2;
	else if (p[0] >= 0xe0 && p[0] <= 0xef)
		n = 3;
	else if (p[0] >= 0xf0 && p[0] <= 0xf4)
		n = 4;
	else
		return 0;
	if (n > left)
		return 0;
	c = n == 1 ? p[0] : p[0] & (0x7fU >> n);
	for (i = 1; i < n; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (p[i] & 0x3fU);
	}
	if (c < least[n] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return 0;
	*cp = c;
	return n;
}

static bool
printable(uint32_t cp)
{
	size_t i;

	for (i = 0; i < sizeof(unprintable) / sizeof(unprintable[0]); i++)
		if (cp >= unprintable[i].first && cp <= unprintable[i].last)
			return false;
	return true;
}

/* How many bytes at p may be shown as they are; 0 if the first may not. */
static size_t
showable(const unsigned char *p, size_t left, bool utf8)
{
	uint32_t cp;
	size_t n;

	n = utf8_decode(p, left, &cp);
	if (n == 0 || (n > 1 && !utf8) || cp == '\\' || !printable(cp))
		return 0;
	return n;
}

char *
text_safe(char *out, size_t size, struct text t, bool utf8)
{
	const unsigned char *p = (const unsigned char *)t.data;
	size_t left = t.len, n, w = 0;

	while (left > 0 && size - w > 4) {
		if ((n = showable(p, left, utf8)) > 0) {
			memcpy(out + w, p, n);
			w += n;
		} else {
			n = 1;
			w += (size_t)snprintf(out + w, size - w,
			    *p == '\\' ? "\\\\" : "\\%03o", (unsigned int)*p);
		}
		p += n;
		left -= n;
	}
	out[w] = '\0';
	return out;
}

static void
mode_string(char *s, const struct entry *e)
{
	static const char letters[] = "rwxrwxrwx";
	size_t i;

	s[0] = (e->flags & ENTRY_HARDLINK) ? 'h' : (char)e->kind;
	for (i = 0; i < 9; i++)
		s[1 + i] = (e->mode & (0400U >> i)) ? letters[i] : '-';
	if (e->mode & 04000)
		s[3] = s[3] == 'x' ? 's' : 'S';
	if (e->mode & 02000)
		s[6] = s[6] == 'x' ? 's' : 'S';
	if (e->mode & 01000)
		s[9] = s[9] == 'x' ? 't' : 'T';
	s[10] = '\0';
}

static void
time_string(char *s, size_t size, const struct entry *e)
{
	struct tm tm;
	time_t t = (time_t)e->mtime;

	if (!(e->flags & ENTRY_HAS_MTIME)) {
		(void)snprintf(s, size, "%16s", "-");
		return;
	}
	/* Anything can stand in an archive; four digits keep the column. */
	if ((int64_t)t == e->mtime && localtime_r(&t, &tm) != NULL &&
	    tm.tm_year >= -1900 && tm.tm_year <= 9999 - 1900 &&
	    strftime(s, size, "%Y-%m-%d %H:%M", &tm) > 0)
		return;
	(void)snprintf(s, size, "%16" PRId64, e->mtime);
}

static void
owner_string(char *s, size_t size, struct text name, int64_t id, bool utf8)
{
	if (name.len > 0)
		(void)text_safe(s, size, name, utf8);
	else
		(void)snprintf(s, size, "%" PRId64, id);
}

/* User, group and size share their columns, as tar(1) does it. */
static void
print_details(struct screen *s, const struct entry *e)
{
	char user[SAFE_SIZE(OWNER_TEXT_MAX)], group[SAFE_SIZE(OWNER_TEXT_MAX)];
	char mode[11], when[32], size[24] = "-";
	int used, room;

	mode_string(mode, e);
	time_string(when, sizeof(when), e);
	owner_string(user, sizeof(user), e->user, e->uid, s->utf8);
	owner_string(group, sizeof(group), e->group, e->gid, s->utf8);
	if (e->flags & ENTRY_HAS_SIZE)
		(void)snprintf(size, sizeof(size), "%" PRIu64, e->size);
	used = (int)(strlen(user) + strlen(group) + 1);
	room = used < 19 ? 22 - used : 3;
	printf("%s %s/%s %*s %s ", mode, user, group, room, size, when);
}

void
print_entry(struct screen *s, const struct entry *e)
{
	/* No name contains it in this form: a backslash is always doubled. */
	static const char cut[] = "\\...";
	char name[SAFE_SIZE(NAME_TEXT_MAX)];

	progress_clear(s);
	if (!s->quiet)
		print_details(s, e);
	if (e->flags & ENTRY_NAMELESS)
		fputs("\\?", stdout);
	fputs(text_safe(name, sizeof(name), e->name, s->utf8), stdout);
	if (e->flags & ENTRY_NAME_CUT)
		fputs(cut, stdout);
	if (!s->quiet && (e->link.len > 0 || (e->flags & ENTRY_HARDLINK))) {
		fputs(
		    (e->flags & ENTRY_HARDLINK) ? " link to " : " -> ", stdout);
		fputs(text_safe(name, sizeof(name), e->link, s->utf8), stdout);
		if (e->flags & ENTRY_LINK_CUT)
			fputs(cut, stdout);
	}
	putchar('\n');
}

static void
put_path(struct screen *s, FILE *to, const char *path)
{
	char part[SAFE_SIZE(256)];
	struct text t = { path, strlen(path) };
	struct text piece;

	/* Not one buffer: an argument may be longer than PATH_MAX. */
	while (t.len > 0) {
		piece.data = t.data;
		piece.len = t.len < 256 ? t.len : 256;
		/* Cut before a character, not within one. */
		while (piece.len < t.len && piece.len > 252 &&
		    ((unsigned char)t.data[piece.len] & 0xc0) == 0x80)
			piece.len--;
		fputs(text_safe(part, sizeof(part), piece, s->utf8), to);
		t.data += piece.len;
		t.len -= piece.len;
	}
}

void
print_heading(struct screen *s, const char *path)
{
	if (s->quiet || s->files < 2)
		return;
	progress_clear(s);
	put_path(s, stdout, path);
	fputs(":\n", stdout);
}

void
complain(struct screen *s, const char *path, struct text why)
{
	char safe[SAFE_SIZE(ERROR_TEXT_MAX)];

	progress_clear(s);
	/* In the order in which it happened, should both be one terminal. */
	(void)fflush(stdout);
	fputs("peek: ", stderr);
	put_path(s, stderr, path);
	fprintf(stderr, ": %s\n", text_safe(safe, sizeof(safe), why, s->utf8));
}

static int64_t
now_ms(void)
{
	struct timespec ts = { 0, 0 };

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

void
progress_show(struct screen *s, size_t nth, uint64_t entries)
{
	int64_t now;

	if (!s->progress)
		return;
	now = now_ms();
	if (entries > 0 && now - s->drawn_at < PROGRESS_MS)
		return;
	(void)fflush(stdout);
	fprintf(stderr, "\rpeek: file %zu of %zu, %" PRIu64 " entries", nth,
	    s->files, entries);
	s->drawn = true;
	s->drawn_at = now;
}

void
progress_clear(struct screen *s)
{
	if (!s->drawn)
		return;
	fprintf(stderr, "\r%*s\r", PROGRESS_WIDTH, "");
	s->drawn = false;
}
