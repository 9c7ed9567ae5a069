/* SPDX-License-Identifier: ISC */
/*
 * The calls that are under way: by number, by deadline, in the order of their
 * start.
 *
 * A hash table finds the call that an answer belongs to, a heap the one whose
 * time is up first, a list keeps the order.  Each step costs at most the
 * logarithm of how many there are, on average over many.  The calls are the
 * table's memory; who they belong to is not its concern.
 */
#ifndef IMSGCALL_TABLE_H
#define IMSGCALL_TABLE_H

#include <stddef.h>
#include <stdint.h>

#include <imsg_call.h>

#if defined(__GNUC__)
#define IMSGCALL_HIDDEN __attribute__((visibility("hidden")))
#else
#define IMSGCALL_HIDDEN
#endif

#define CALL_NEVER INT64_MAX
#define CALL_HALF  0x80000000U /* of a number: which half it is of */

struct call {
	uint32_t number;
	int64_t due;	    /* nanoseconds, CALL_NEVER: no deadline */
	size_t place;	    /* in the heap, if there is a deadline */
	struct call *chain; /* of the same bucket */
	struct call *prev, *next;
	imsgcall_cb *cb;
	void *arg;
};

struct call_table {
	struct call **bucket; /* NULL: none so far */
	size_t nbuckets;      /* a power of two */
	struct call **heap;
	size_t nheap;
	size_t heap_room;
	struct call *first, *last;
	struct call *spare; /* kept for the next */
	size_t n;
	uint32_t key;  /* which calls share a bucket is not for peers to know */
	uint32_t half; /* the bit that all numbers of this side have */
	uint32_t last_number;
};

IMSGCALL_HIDDEN void imsgcalli_table_init(
    struct call_table *, uint32_t half, uint32_t key);
/* Frees it with all that is in it. */
IMSGCALL_HIDDEN void imsgcalli_table_clear(struct call_table *);

/*
 * A call with the next number, not in the table yet, with room for it there;
 * or NULL, ENOMEM.  Then either imsgcalli_add() or imsgcalli_drop(), with nothing
 * else between.  The number is used up in both cases.
 */
IMSGCALL_HIDDEN struct call *imsgcalli_make(struct call_table *, int64_t due);
IMSGCALL_HIDDEN void imsgcalli_add(struct call_table *, struct call *);
IMSGCALL_HIDDEN void imsgcalli_drop(struct call_table *, struct call *);

IMSGCALL_HIDDEN struct call *imsgcalli_find(
    const struct call_table *, uint32_t);
/* A number of this side's half that no call has, or not any more. */
IMSGCALL_HIDDEN int imsgcalli_is_late(const struct call_table *, uint32_t);
/* Takes it out; what it says is to be copied before. */
IMSGCALL_HIDDEN void imsgcalli_end(struct call_table *, struct call *);
/* That with the nearest deadline, NULL if none has one. */
IMSGCALL_HIDDEN struct call *imsgcalli_nearest(const struct call_table *);
/*
 * The next number of this side's half: all others come before one comes again,
 * so that an answer that is still under way meets no other call.
 */
IMSGCALL_HIDDEN uint32_t imsgcalli_number(struct call_table *);

#endif
