/* SPDX-License-Identifier: ISC */
/*
 * See peek-answer.h.
 *
 * An entry of the input: flags, kind, two bytes of mode; a byte for each of
 * size, mtime, uid and gid, of which the high bits say how far it is shifted;
 * texts user, group, name, link: a byte of length, then the bytes, which are
 * taken again and again when the text is longer than sixteen.
 */
#include <string.h>

#include "../examples/peek/entry.h"
#include "kernel.h"
#include "peek-answer.h"

#define ANSWER_MAX 32768

enum { LITERAL, ENTRY, END, ERROR };

/* In the number of a record. */
#define MARKED	 0x01 /* with a descriptor, it says */
#define TRAILING 0x02 /* one byte too many */
#define LACKING	 0x04 /* one too few */
#define WRONG	 0x08 /* another type */

static uint8_t answer[ANSWER_MAX];
static size_t len;

static void
put(const void *p, size_t n)
{
	if (n > ANSWER_MAX - len)
		n = ANSWER_MAX - len;
	memcpy(answer + len, p, n);
	len += n;
}

static void
put_number(uint64_t v, unsigned int bytes)
{
	uint8_t b;

	while (bytes-- > 0) {
		b = (uint8_t)(v >> 8 * bytes);
		put(&b, 1);
	}
}

static void
put_text(struct input *in)
{
	static const size_t some[] = { 255, 256, 257, 1023, 1024, 1025, 4095,
		4096, 4097, 65536 };
	size_t n = input_number(in, 1), got;
	const uint8_t *p;

	if (n >= 246)
		n = some[n - 246];
	else if (n >= 224)
		n = 0;
	put_number(n, 4);
	p = input_bytes(in, n < 16 ? n : 16, &got);
	for (; n > 0 && got > 0; n -= n < got ? n : got)
		put(p, n < got ? n : got);
}

static void
put_shifted(struct input *in)
{
	uint64_t v = input_number(in, 1);

	v = (v & 0x1f) << (v >> 5) * 9;
	put_number(v & 1 ? ~v : v, 8);
}

static void
put_entry(struct input *in)
{
	int i;

	put_number(input_number(in, 1), 1);
	put_number(input_number(in, 1), 1);
	put_number(input_number(in, 2), 4);
	for (i = 0; i < 4; i++)
		put_shifted(in);
	for (i = 0; i < 4; i++)
		put_text(in);
}

static void
put_message(
    struct input *in, uint32_t type, unsigned int number, uint64_t entries)
{
	const size_t start = len;
	uint32_t w[4] = { type, 0, 0, 0 };

	if (number & WRONG)
		w[0] = input_number(in, 1);
	put(w, sizeof(w));
	if (type == PEEK_ENTRY)
		put_entry(in);
	else if (type == PEEK_END)
		put_number(entries + (number >> 4), 8);
	else
		put_text(in);
	if (number & TRAILING)
		put_number(0, 1);
	if ((number & LACKING) && len > start)
		len--;
	w[1] = (uint32_t)(len - start) | (number & MARKED ? 0x80000000U : 0);
	if (ANSWER_MAX - start >= sizeof(w))
		memcpy(answer + start, w, sizeof(w));
}

size_t
peek_answer_write(struct input *in, const uint8_t **p)
{
	const uint8_t *bytes;
	uint64_t entries = 0;
	unsigned int record;
	size_t n;

	len = 0;
	while (in->left > 0 && len < ANSWER_MAX) {
		record = input_number(in, 1);
		switch (record & 3) {
		case LITERAL:
			bytes = input_bytes(in, record >> 2, &n);
			put(bytes, n);
			break;
		case ENTRY:
			put_message(in, PEEK_ENTRY, record >> 2, 0);
			entries++;
			break;
		case END:
			put_message(in, PEEK_END, record >> 2, entries);
			break;
		default:
			put_message(in, PEEK_ERROR, record >> 2, 0);
		}
	}
	*p = answer;
	return len;
}

static uint64_t
number_at(const uint8_t *p, size_t n)
{
	uint64_t v = 0;

	while (n-- > 0)
		v = v << 8 | *p++;
	return v;
}

/* Reads a text at *p, of which n bytes are left: its bytes, or -1. */
static long
text_at(const uint8_t **p, size_t *n, size_t max)
{
	size_t size;

	if (*n < 4 || (size = (size_t)number_at(*p, 4)) > *n - 4 ||
	    size > max || memchr(*p + 4, '\0', size) != NULL)
		return -1;
	*p += 4 + size;
	*n -= 4 + size;
	return (long)size;
}

int
peek_entry_read(const uint8_t *p, size_t n, struct peek_entry *e)
{
	unsigned int kind;
	uint64_t mode, mtime;
	long name, link;

	if (n < 38)
		return 0;
	e->flags = p[0];
	kind = p[1];
	mode = number_at(p + 2, 4);
	e->size = number_at(p + 6, 8);
	mtime = number_at(p + 14, 8);
	p += 38;
	n -= 38;
	if (text_at(&p, &n, 256) == -1 || text_at(&p, &n, 256) == -1)
		return 0;
	e->name = p + 4;
	if ((name = text_at(&p, &n, 4096)) == -1 ||
	    (link = text_at(&p, &n, 4096)) == -1)
		return 0;
	e->namelen = (size_t)name;
	/* What does not go together. */
	if (n != 0 || e->flags > 0x3f || mode > 07777 || kind == 0 ||
	    strchr("-dlbcps?", (int)kind) == NULL)
		return 0;
	if (e->flags & ENTRY_HAS_SIZE ? e->size >> 63 != 0 : e->size != 0)
		return 0;
	if (!(e->flags & ENTRY_HAS_MTIME) && mtime != 0)
		return 0;
	return !((e->flags & ENTRY_NAMELESS) && name > 0) &&
	    !((e->flags & ENTRY_NAME_CUT) && name != 4096) &&
	    !((e->flags & ENTRY_LINK_CUT) && link != 4096) &&
	    (link == 0 || kind == 'l' || (e->flags & ENTRY_HARDLINK));
}

int
peek_number_read(const uint8_t *p, size_t n, uint64_t *v)
{
	if (n != 8)
		return 0;
	*v = number_at(p, 8);
	return 1;
}

int
peek_error_read(const uint8_t *p, size_t n)
{
	return text_at(&p, &n, 1024) != -1 && n == 0;
}
