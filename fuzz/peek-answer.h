/* SPDX-License-Identifier: ISC */
/*
 * The bytes that a worker of peek sends, made from few bytes, and read in the
 * plainest way.
 *
 * A record begins with a byte: a kind in the two low bits, a number of six.
 *	literal	as many bytes follow, which are sent as they are
 *	entry	numbers and texts follow, see peek-answer.c
 *	end	says how many entries there are; or that number and some more
 *	error	a text follows
 */
#ifndef FUZZ_PEEK_ANSWER_H
#define FUZZ_PEEK_ANSWER_H

#include <stddef.h>
#include <stdint.h>

#include "stream.h"

/* What matters of an entry. */
struct peek_entry {
	unsigned int flags;
	uint64_t size;
	const uint8_t *name;
	size_t namelen;
};

/* All that is left of the input as an answer; its size. */
size_t peek_answer_write(struct input *, const uint8_t **);

/* Payloads; 0: it is none. */
int peek_entry_read(const uint8_t *, size_t, struct peek_entry *);
int peek_number_read(const uint8_t *, size_t, uint64_t *);
int peek_error_read(const uint8_t *, size_t);

#endif
