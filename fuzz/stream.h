/* SPDX-License-Identifier: ISC */
/*
 * Streams in few bytes.  An input that spelt out messages of 8 KiB would be
 * slow to mutate and hardly ever right; in records, a message is some bytes
 * that say what it is, and its payload comes from a table.
 *
 * A record begins with a byte: a kind in the two low bits, a number of six.
 *	literal	as many bytes follow, which are taken as they are
 *	filler	two bytes follow: so many bytes of the table
 *	message	as the target's function writes it, from the number and from
 *		bytes that follow
 *	again	the message before, up to 64 times
 */
#ifndef FUZZ_STREAM_H
#define FUZZ_STREAM_H

#include <stddef.h>
#include <stdint.h>

#include "kernel.h"

/*
 * Most bytes of a stream: for messages that come in many reads, and for the
 * others, which are many times quicker.
 */
#define STREAM_MAX   ((size_t)(FUZZ_SHRUNK ? 8 : 192) * 1024)
#define STREAM_SMALL ((size_t)(FUZZ_SHRUNK ? 2 : 32) * 1024)

/* What is left of the input.  After its end come zeros. */
struct input {
	const uint8_t *p;
	size_t left;
};

uint32_t input_number(struct input *, size_t bytes);
/* The next n bytes, or as many as there are; *got says how many. */
const uint8_t *input_bytes(struct input *, size_t n, size_t *got);

/*
 * Writes a header of at most 64 bytes to out, returns its size, and in
 * *payload how much of the table is to follow.
 */
typedef size_t stream_header(
    struct input *, unsigned int number, uint8_t *out, size_t *payload);

/* All that is left of the input as a stream of up to max bytes; its size. */
size_t stream_expand(
    struct input *, size_t max, stream_header *, const uint8_t **);

/* n bytes that differ from those of other seeds; up to STREAM_MAX. */
const uint8_t *stream_filler(unsigned int seed);

#endif
