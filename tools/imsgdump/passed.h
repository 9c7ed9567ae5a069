/* SPDX-License-Identifier: ISC */
/*
 * Descriptors that were passed, until their message comes.
 *
 * Each is known by the range of bytes of the call that passed it.  On the
 * modern wire it belongs to the first marked message that begins there; on
 * the classic one they queue up for marked messages.  Of several that came
 * with one call a receiver keeps the first.
 */
#ifndef PASSED_H
#define PASSED_H

#include <stddef.h>
#include <stdint.h>

#define PASSED_MAX  64
#define PASSED_NAME 256

struct passed_fd {
	uint64_t start, end; /* of its call; end is UINT64_MAX if not known */
	int fd;
	unsigned int more; /* came with the same call behind it */
	char name[PASSED_NAME];
};

struct passed_queue {
	struct passed_fd *q;
	unsigned int n, room;
};

/* Also clears what is left of the memory. */
void passed_clear(struct passed_queue *);
size_t passed_size(const struct passed_queue *);
/* 0, 1: there were too many, and all have been dropped; -1 ENOMEM. */
int passed_add(struct passed_queue *, uint64_t start, int fd, const char *);
/* The present call ends before that byte. */
void passed_call_end(struct passed_queue *, uint64_t end);

/*
 * The descriptor of a marked message, the bytes [start, end) of the stream,
 * or one that came with an unmarked message and certainly is for no later one.
 * 1: copied to *p and out of the queue; 0.
 */
int passed_claim(struct passed_queue *, int wire, uint64_t start, uint64_t end,
    struct passed_fd *p);
int passed_surplus(
    struct passed_queue *, int wire, uint64_t end, struct passed_fd *p);
/* One that no message from byte at on can want, as a message begins there. */
int passed_stale(
    struct passed_queue *, int wire, uint64_t at, struct passed_fd *p);
/* Those of calls before that byte are gone: how many. */
unsigned int passed_skip(struct passed_queue *, uint64_t to);

#endif
