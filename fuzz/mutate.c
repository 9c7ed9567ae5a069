/* SPDX-License-Identifier: ISC */
/*
 * Mutations of a stream that is written out, byte by byte.  A length changed
 * at random ends the stream at once; here headers are found by walking the
 * messages, and what is done to one leaves the others where they belong.
 * Only libFuzzer calls this.
 */
#include <string.h>

#include <imsg.h>

#include "channel.h"

#define MESSAGES 64

/* libFuzzer's own. */
size_t LLVMFuzzerMutate(uint8_t *, size_t, size_t);
size_t LLVMFuzzerCustomMutator(uint8_t *, size_t, size_t, unsigned int);

struct walk {
	size_t at[MESSAGES + 1]; /* the last is the end */
	size_t n;
};

static size_t
length_at(const uint8_t *p)
{
	uint16_t half;
	uint32_t len;

	memcpy(&half, p + 4, sizeof(half));
	memcpy(&len, p + 4, sizeof(len));
	return channel_wire == IMSG_WIRE_CLASSIC ? half : len & ~MODERN_MARK;
}

static void
set_length(uint8_t *p, size_t n)
{
	uint16_t half = (uint16_t)n;
	uint32_t len;

	if (channel_wire == IMSG_WIRE_CLASSIC) {
		memcpy(p + 4, &half, sizeof(half));
		return;
	}
	memcpy(&len, p + 4, sizeof(len));
	len = (len & MODERN_MARK) | (uint32_t)n;
	memcpy(p + 4, &len, sizeof(len));
}

static void
toggle_mark(uint8_t *p)
{
	p[channel_wire == IMSG_WIRE_CLASSIC ? 6 : 7] ^=
	    channel_wire == IMSG_WIRE_CLASSIC ? CLASSIC_MARK : 0x80;
}

/* Where the messages begin that are there to the end. */
static void
walk(struct walk *w, const uint8_t *p, size_t at, size_t n)
{
	size_t len;

	w->n = 0;
	while (w->n < MESSAGES && n - at >= IMSG_HEADER_SIZE) {
		len = length_at(p + at);
		if (len < IMSG_HEADER_SIZE || len > n - at)
			break;
		w->at[w->n++] = at;
		at += len;
	}
	w->at[w->n] = at;
}

/* Opens or closes a gap at at; the new size. */
static size_t
resize(uint8_t *p, size_t n, size_t at, size_t old, size_t want)
{
	memmove(p + at + want, p + at + old, n - at - old);
	return n - old + want;
}

/* A header behind the last one that is good: what follows is its payload. */
static size_t
make_last(uint8_t *p, size_t n, const struct walk *w)
{
	size_t at = w->at[w->n];

	if (n - at >= IMSG_HEADER_SIZE)
		set_length(p + at, n - at);
	return n;
}

static size_t
mutate_message(
    uint8_t *p, size_t n, size_t max, const struct walk *w, unsigned int seed)
{
	const size_t i = (seed >> 8) % w->n;
	const size_t at = w->at[i], len = w->at[i + 1] - at;
	uint8_t *m = p + at;
	size_t want;

	switch (seed >> 3 & 3) {
	case 0:
		toggle_mark(m);
		return n;
	case 1: /* twice */
		if (n + len > max)
			return n;
		n = resize(p, n, at, 0, len);
		memcpy(m, m + len, len);
		return n;
	case 2: /* not at all */
		return resize(p, n, at, len, 0);
	default: /* of another size */
		want = IMSG_HEADER_SIZE + (seed >> 16) % 64;
		if (n - len + want > max)
			return n;
		n = resize(p, n, at + (len < want ? len : want),
		    len < want ? 0 : len - want, len < want ? want - len : 0);
		set_length(m, want);
		return n;
	}
}

size_t
LLVMFuzzerCustomMutator(uint8_t *p, size_t n, size_t max, unsigned int seed)
{
	struct walk w;

	if ((seed & 3) != 0 || n < 4 || n < 4 + (size_t)p[3] ||
	    (p[0] & CHANNEL_RECORDS))
		return LLVMFuzzerMutate(p, n, max);
	walk(&w, p, 4 + (size_t)p[3], n);
	if (w.n == 0 || (seed & 4))
		return make_last(p, n, &w);
	return mutate_message(p, n, max, &w, seed);
}
