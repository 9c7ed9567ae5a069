/* SPDX-License-Identifier: ISC */
/*
 * One planned fault in a whole run: the n-th call of a class fails, or the
 * stream is cut at a byte.  A run is repeated with every n and every byte, so
 * it has to be the same each time; therefore the clock is part of it: sleep
 * and poll make it go, nothing else does.
 */
#ifndef TESTLIB_FAULT_H
#define TESTLIB_FAULT_H

#include "testlib.h"

enum f_class { F_ALLOC, F_RECV, F_SEND, F_POLL, F_CLOSE, F_CLASSES };
enum f_effect {
	F_ERROR, /* -1, or NULL, with errno */
	F_ZERO,	 /* 0: end of file, or nothing sent */
	F_SHORT, /* one byte only */
	F_TRUNC	 /* bytes, but no room for descriptors: MSG_CTRUNC */
};

/*
 * A cut: sends or receives do not go past that byte of the stream at once;
 * the next call fails with error, if that is not 0.
 */
struct f_cut {
	enum f_class class;
	size_t at; /* 0: none */
	int error;
};

struct f_plan {
	enum f_class class;
	long at; /* the n-th call, 1 the first; 0 never */
	enum f_effect effect;
	int error;
	long times;	     /* that call and those after it; F_FOREVER */
	struct f_cut cut[3]; /* of each direction in rising order */
	/* At the last cut the stream ends for good, with its error or EOF. */
	int fatal;
};
#define F_FOREVER 1000000L
#define F_CUTS	  3

/* Also begins a new clock and new streams; NULL: no fault. */
void f_begin(const struct f_plan *);
/* The cause is gone: no more faults. */
void f_lift(void);
/* Calls of a class, and faults that happened, since f_begin(). */
long f_calls(enum f_class);
long f_fired(void);
/* Descriptors that a receive had no room for since f_begin(). */
long f_dropped(void);
/* Faults that happened since the program started. */
long f_total(void);

/* Bytes that went over all streams in that direction since f_begin(). */
size_t f_bytes(enum f_class);

/*
 * f_expect: a call has failed: it must be the planned fault, with its errno.
 * f_idle: nothing went on; there must have been a fault.
 * After three of these the cause is lifted.
 */
void f_expect(void);
void f_idle(void);
/* Did the program hear of the planned fault, if it has to? */
int f_told(void);
/* The planned fault with this number of hits, in words. */
const char *f_name(const struct f_plan *);

/* The i-th kind of fault, for how many calls, but not which; 0: no more. */
int f_kind(int i, struct f_plan *);
/*
 * fn(plan, arg) with each single call failing in that way, or in each of all
 * ways, and before that with no fault; how many faults there were.
 */
long f_each_call(
    const struct f_plan *, void (*fn)(const struct f_plan *, void *), void *);
long f_each_fault(void (*fn)(const struct f_plan *, void *), void *);

#endif
