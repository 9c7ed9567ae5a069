/* SPDX-License-Identifier: ISC */
/*
 * A hostile worker answers peek's parent: what the parent counts, prints and
 * complains about is what a plain reading of the same bytes gives, and no
 * name controls the terminal.
 *
 * Input: options; how many steps; the steps; the worker's answer, see
 * peek-answer.h.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <imsg.h>

#include "../examples/peek/answer.h"
#include "kernel.h"
#include "peek-answer.h"
#include "stream.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

/* Options. */
#define UTF8  0x01
#define QUIET 0x02

/* Most that is printed and looked at. */
#define PRINTED 65536

/* A plain reading; the names are in the stream. */
static struct plain {
	uint64_t entries, bytes;
	int ended, failed, gone;
} want;
static char out[PRINTED + 1];
static size_t outlen, outpos;

static void
receipt(size_t n, int token)
{
	(void)n;
	(void)token;
}

/* Standard output becomes a file that is overwritten with each input. */
static void
redirect(void)
{
	static char buf[PRINTED];
	static FILE *f;

	if (f != NULL)
		return;
	check((f = tmpfile()) != NULL, "tmpfile");
	(void)fflush(stdout);
	check(dup2(fileno(f), STDOUT_FILENO) != -1, "dup2");
	(void)setvbuf(stdout, buf, _IOFBF, sizeof(buf));
}

static void
read_back(void)
{
	off_t n;
	ssize_t got = 0;

	(void)fflush(stdout);
	n = lseek(STDOUT_FILENO, 0, SEEK_CUR);
	check(n >= 0 && lseek(STDOUT_FILENO, 0, SEEK_SET) == 0, "lseek");
	if (n > PRINTED)
		n = PRINTED;
	if (n > 0)
		got = pread(STDOUT_FILENO, out, (size_t)n, 0);
	check(got == n, "pread");
	outlen = (size_t)n;
	outpos = 0;
	out[outlen] = '\0';
}

/* Nothing that a terminal would obey. */
static void
is_harmless(int utf8)
{
	const unsigned char *p = (const unsigned char *)out;
	size_t i, lines = 0;

	for (i = 0; i < outlen; i++) {
		lines += p[i] == '\n';
		check(p[i] == '\n' || (p[i] >= 0x20 && p[i] != 0x7f),
		    "prints a control character");
		check(p[i] < 0x80 || utf8, "prints what is no ASCII");
		check(p[i] != 0xc2 || p[i + 1] >= 0xa0,
		    "prints a control character of two bytes");
	}
	check(outlen == PRINTED || lines == want.entries, "lines");
}

/* The next byte of a printed name; -1: what follows was no part of it. */
static int
unescape(void)
{
	const unsigned char *p = (const unsigned char *)out + outpos;

	if (*p == '\n' || *p == '\0')
		return -1;
	outpos++;
	if (*p != '\\')
		return *p;
	if (p[1] == '\\') {
		outpos++;
		return '\\';
	}
	if (p[1] < '0' || p[1] > '3')
		return -1;
	outpos += 3;
	return (p[1] - '0') << 6 | (p[2] - '0') << 3 | (p[3] - '0');
}

/* The line of this entry, if that is its name. */
static void
names_it(const struct peek_entry *e)
{
	static const char cut[] = "\\...";
	size_t i;

	if (outlen == PRINTED)
		return;
	if (e->flags & ENTRY_NAMELESS) {
		check(strncmp(out + outpos, "\\?", 2) == 0, "nameless");
		outpos += 2;
	}
	for (i = 0; i < e->namelen; i++)
		check(unescape() == e->name[i], "another name");
	if (e->flags & ENTRY_NAME_CUT) {
		check(strncmp(out + outpos, cut, sizeof(cut) - 1) == 0, "cut");
		outpos += sizeof(cut) - 1;
	}
	check(out[outpos++] == '\n', "a name goes on");
}

/* One message of the answer, after which nothing may be received: 0. */
static int
plain_message(uint32_t type, const uint8_t *p, size_t n, int quiet)
{
	struct peek_entry e;
	uint64_t cnt;

	switch (type) {
	case PEEK_ENTRY:
		if (!peek_entry_read(p, n, &e))
			return 0;
		want.entries++;
		want.bytes = want.bytes > UINT64_MAX - e.size ?
		    UINT64_MAX :
		    want.bytes + e.size;
		if (quiet)
			names_it(&e);
		return 1;
	case PEEK_END:
		if (!peek_number_read(p, n, &cnt) || cnt != want.entries)
			return 0;
		want.ended = 1;
		return 1;
	case PEEK_ERROR:
		if (!peek_error_read(p, n))
			return 0;
		want.ended = want.failed = 1;
		return 1;
	default:
		return 0;
	}
}

/* Reads as many entries as the parent has printed: it may have been stopped. */
static void
plain_reading(const uint8_t *p, size_t n, int quiet, uint64_t most)
{
	uint32_t w[4];
	size_t total;

	memset(&want, 0, sizeof(want));
	for (;; p += total, n -= total) {
		if (n >= sizeof(w)) {
			memcpy(w, p, sizeof(w));
			total = w[1] & ~0x80000000U;
			if (total < sizeof(w) || total > MAX_IMSGSIZE) {
				want.failed = 1;
				return;
			}
		}
		if (n < sizeof(w) || n < total) {
			want.gone = 1;
			want.failed |= want.ended && n > 0;
			return;
		}
		if (want.ended || (w[1] & 0x80000000U)) {
			want.failed = 1;
			return;
		}
		if (w[0] == PEEK_ENTRY && want.entries == most)
			w[0] = 0;
		if (!plain_message(
			w[0], p + sizeof(w), total - sizeof(w), quiet)) {
			want.failed = 1;
			return;
		}
	}
}

static void
compare(const struct answer *a)
{
	check(a->entries == want.entries && a->bytes == want.bytes, "counts");
	if (k.failures > 0)
		return;
	check(a->ended == (want.ended != 0), "ends");
	check(a->failed == (want.failed != 0), "fails");
	check(a->gone == (want.gone != 0), "gone");
}

static void
converse(struct answer *a)
{
	struct imsgbuf b;

	check(imsgbuf_init(&b, KERNEL_SOCKET) == 0, "init");
	imsgbuf_allow_fdpass(&b);
	while (answer_receive(a, &b))
		continue;
	imsgbuf_clear(&b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static struct answer a;
	struct screen screen;
	struct input in;
	const uint8_t *stream;
	size_t size;

	if (n < 2 || n < 2 + (size_t)p[1])
		return 0;
	redirect();
	memset(&screen, 0, sizeof(screen));
	screen.utf8 = (p[0] & UTF8) != 0;
	screen.quiet = (p[0] & QUIET) != 0;
	kernel_begin(p + 2, p[1]);
	in.p = p + 2 + p[1];
	in.left = n - 2 - p[1];
	size = peek_answer_write(&in, &stream);
	k.p = stream;
	k.left = size;
	k.receipt = receipt;
	memset(&a, 0, sizeof(a));
	a.screen = &screen;
	converse(&a);
	read_back();
	plain_reading(stream, size, screen.quiet, a.entries);
	is_harmless(screen.utf8);
	compare(&a);
	kernel_end();
	return 0;
}
