/* SPDX-License-Identifier: ISC */
/*
 * See plain.h.  Must never know more of the library than the wire's rules and
 * the numbers in its headers.
 */
#include <errno.h>
#include <string.h>

#include <imsg_call.h>

#include "plain.h"

#define HEADER	16
#define LONGEST 16384
#define MARK	0x80000000U

int
plain_put(struct plain *s, const void *data, size_t n)
{
	if (n > PLAIN_MAX - s->written)
		return 0;
	memcpy(s->bytes + s->written, data, n);
	s->written += n;
	return 1;
}

static int
peek_at(const struct plain *s, size_t at, uint32_t w[4])
{
	if (s->written - at < HEADER)
		return 0;
	memcpy(w, s->bytes + at, HEADER);
	w[1] &= ~MARK;
	if (w[1] < HEADER || w[1] > LONGEST)
		return -1;
	return s->written - at >= w[1];
}

int
plain_peek(const struct plain *s, uint32_t w[4])
{
	return peek_at(s, s->read, w);
}

const uint8_t *
plain_payload(const struct plain *s)
{
	return s->bytes + s->read + HEADER;
}

void
plain_skip(struct plain *s)
{
	uint32_t w[4];

	if (plain_peek(s, w) == 1)
		s->read += w[1];
}

int
plain_has(const struct plain *s, uint32_t peerid)
{
	size_t at = s->read;
	uint32_t w[4];

	for (; peek_at(s, at, w) == 1; at += w[1])
		if (w[2] == peerid)
			return 1;
	return 0;
}

int
plain_end(const struct plain *s)
{
	uint32_t w[4];

	switch (plain_peek(s, w)) {
	case 1:
		return 0;
	case -1:
		return IMSGLOOP_ERROR;
	default:
		return s->read < s->written ? IMSGLOOP_TORN : IMSGLOOP_EOF;
	}
}

int
plain_error(const struct plain *s, const uint32_t w[4])
{
	int32_t e;

	if (w[0] != IMSGCALL_ERROR)
		return 0;
	if (w[1] < HEADER + sizeof(e))
		return EPROTO;
	memcpy(&e, plain_payload(s), sizeof(e));
	return e > 0 ? e : EPROTO;
}
