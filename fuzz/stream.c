/* SPDX-License-Identifier: ISC */
/*
 * See stream.h.
 */
#include <string.h>

#include "stream.h"

#define HEADER_MAX 64
#define SEEDS	   256

enum { LITERAL, FILLER, MESSAGE, AGAIN };

struct stream {
	uint8_t b[STREAM_MAX];
	size_t n, max;
	size_t last, size; /* the message before */
};

uint32_t
input_number(struct input *in, size_t bytes)
{
	uint32_t v = 0;

	for (; bytes > 0; bytes--) {
		v = v << 8 | (in->left > 0 ? *in->p : 0);
		in->p += in->left > 0;
		in->left -= in->left > 0;
	}
	return v;
}

const uint8_t *
input_bytes(struct input *in, size_t n, size_t *got)
{
	const uint8_t *p = in->p;

	*got = n < in->left ? n : in->left;
	in->p += *got;
	in->left -= *got;
	return p;
}

/* A linear congruential generator; its high bits have a long period. */
const uint8_t *
stream_filler(unsigned int seed)
{
	static uint8_t table[STREAM_MAX + SEEDS];
	static int ready;
	uint32_t x = 1;
	size_t i;

	for (i = 0; !ready && i < sizeof(table); i++) {
		x = x * 1664525 + 1013904223;
		table[i] = (uint8_t)(x >> 24);
	}
	ready = 1;
	return table + seed % SEEDS;
}

static void
put(struct stream *s, const uint8_t *p, size_t n)
{
	if (n > s->max - s->n)
		n = s->max - s->n;
	/* A message that is repeated lies in the same array, before. */
	memcpy(s->b + s->n, p, n);
	s->n += n;
}

static void
put_message(struct stream *s, struct input *in, unsigned int number,
    stream_header *header)
{
	uint8_t h[HEADER_MAX];
	size_t payload, start = s->n;

	put(s, h, header(in, number, h, &payload));
	put(s, stream_filler((unsigned int)start), payload);
	s->last = start;
	s->size = s->n - start;
}

static void
put_again(struct stream *s, unsigned int times)
{
	for (; times > 0 && s->size > 0 && s->max - s->n >= s->size; times--)
		put(s, s->b + s->last, s->size);
}

size_t
stream_expand(
    struct input *in, size_t max, stream_header *header, const uint8_t **p)
{
	static struct stream s;
	const uint8_t *bytes;
	unsigned int record;
	size_t n;

	s.n = s.size = 0;
	s.max = max;
	while (in->left > 0 && s.n < max) {
		record = input_number(in, 1);
		switch (record & 3) {
		case LITERAL:
			bytes = input_bytes(in, record >> 2, &n);
			put(&s, bytes, n);
			break;
		case FILLER:
			put(&s, stream_filler(record),
			    input_number(in, 2) % STREAM_MAX);
			break;
		case MESSAGE:
			put_message(&s, in, record >> 2, header);
			break;
		default:
			put_again(&s, 1 + (record >> 2));
		}
	}
	*p = s.b;
	return s.n;
}
