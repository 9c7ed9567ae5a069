/* SPDX-License-Identifier: ISC */
/*
 * What the parts of the driver for Eva share: how a buffer is described, made
 * and ended.
 */
#ifndef IBUF_EVA_H
#define IBUF_EVA_H

#include "ibuf-int.h"

/* Longer than any buffer that is made. */
#define EVA_BYTES 400

enum eva_kind {
	EVA_INLINE, /* ibuf_dynamic() */
	EVA_FIXED,  /* ibuf_open(): max is size */
	EVA_RAW,    /* imsgi_ibuf_new(): storage not cleared */
	EVA_GROWN,  /* storage of its own, or none */
	EVA_VIEW,
	EVA_KINDS
};

struct eva_state {
	int kind;
	size_t size;
	size_t max;
	size_t wpos;
	size_t rpos;
	size_t lo; /* least and greatest length to call with */
	size_t hi;
	unsigned int fails; /* allocations after it was made, bit by bit */
};

extern unsigned char eva_bytes[EVA_BYTES];
extern unsigned char eva_out[EVA_BYTES];

/* A text of n bytes, none of them NUL but that at nul, if there is one. */
void eva_fill(unsigned char *, size_t n, size_t nul);
/* Any number of 1, 2, 4 or (width 3 and up) 8 bytes that fits no fewer. */
uint64_t eva_wide(int width);
/* Any descriptor or none. */
int eva_fd(void);
/* The invariant of the room. */
void eva_ok(const struct ibuf *);
/* NULL: no memory. */
struct ibuf *eva_make(const struct eva_state *);
void eva_end(struct ibuf *);

/* How many cases each of these knows. */
#define EVA_VALUES 15
#define EVA_ADDS   4
#define EVA_GETS   16
#define EVA_TEXTS  11

/* Any length from lo to hi. */
size_t eva_len(const struct eva_state *);

/* Case f on a new buffer. */
void eva_value(const struct eva_state *, int f, int wider);
void eva_add(const struct eva_state *, int f);
void eva_get(const struct eva_state *, int f);
void eva_text(const struct eva_state *, int f);
/* Calls one after another, and queues. */
void eva_sequences(void);

#endif
