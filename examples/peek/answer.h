/* SPDX-License-Identifier: ISC */
/*
 * What the worker answers, and what the parent makes of it.
 */
#ifndef PEEK_ANSWER_H
#define PEEK_ANSWER_H

#include <stdbool.h>
#include <stdint.h>

#include <imsg.h>

#include "entry.h"
#include "print.h"

/* The longest silence, and how long to die after the last message. */
#define SILENCE_MS 120000
#define GRACE_MS   5000

struct answer {
	struct screen *screen;
	uint64_t entries;
	uint64_t bytes;		  /* UINT64_MAX: that many or more */
	bool ended;		  /* PEEK_END or PEEK_ERROR came */
	bool gone;		  /* end of file, the worker's doing */
	bool failed;		  /* why says why */
	char why[ERROR_TEXT_MAX]; /* not fit for a terminal yet */
};

/* The first failure is the one that explains the others. */
void answer_fail(struct answer *, const char *, ...)
    __attribute__((__format__(__printf__, 2, 3)));
/* Sending or receiving failed with this errno. */
void answer_failed(struct answer *, int);
/*
 * Receives and judges one message.  True while more shall be received: up to
 * the end, and the end of file.
 */
bool answer_receive(struct answer *, struct imsgbuf *);
/* The sum, or UINT64_MAX. */
uint64_t answer_sum(uint64_t, uint64_t);

#endif
