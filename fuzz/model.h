/* SPDX-License-Identifier: ISC */
/*
 * The other parser: what has to come out of a stream, told in the plainest
 * way.  It sees the whole stream and each receipt, and keeps a list of the
 * messages.
 *
 * A receipt brings one token at most, a descriptor or the knowledge that one
 * was lost.  It is for the first taker among the headers that its receipt
 * completes or ends in; in a queue (classic wire), for the next taker ever.
 */
#ifndef FUZZ_MODEL_H
#define FUZZ_MODEL_H

#include <stddef.h>
#include <stdint.h>

#include "stream.h"

/* Tokens that may wait in a queue, and two that may be too many. */
#define MODEL_WAIT 64

struct expected {
	const uint8_t *p;
	size_t total;
	int takes; /* a descriptor, if one is there */
	int token; /* what it takes */
};

struct model {
	const uint8_t *start; /* of the stream */
	size_t seen;	      /* bytes that have come */
	size_t at;	      /* where the next header begins */
	size_t hdrsz;
	/* What a header says, in total and takes; 0, or why it is none. */
	int (*header)(const uint8_t *, struct expected *);
	int knows_lost; /* that one was lost is worth a message */
	int fifo;
	int held;  /* waits for the header under way */
	int fresh; /* came with this receipt */
	int wait[MODEL_WAIT + 2];
	unsigned int nwait;
	int error; /* why the stream ends here, 0 if it does not */
	int is_header;
	struct expected e[STREAM_MAX];
	size_t n, next;
};

/* A stream begins at p. */
void model_begin(struct model *, const uint8_t *);
/* n bytes more have come, and with them a token. */
void model_receipt(struct model *, size_t, int);
/* The oldest that is complete and was not asked for yet, or NULL. */
struct expected *model_next(struct model *);
/* Bytes of an incomplete message. */
size_t model_partial(const struct model *);
/* Forgets all, as msgbuf_clear() does; what comes next begins a message. */
void model_clear(struct model *);

#endif
