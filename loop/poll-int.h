/* SPDX-License-Identifier: ISC */
/*
 * What the two files of the loop on poll(2) share.
 */
#ifndef IMSGLOOP_POLL_INT_H
#define IMSGLOOP_POLL_INT_H

#include <stddef.h>
#include <stdint.h>

#include "loop-int.h"

struct polllink {
	struct polllink *next, *prev; /* NULL: in no list */
};

/* watch->due is when its time has gone, or -1. */
struct polltimer {
	struct polllink link; /* first; in a list: its turn is the next one */
	struct imsgloop_watch *watch;
	uint64_t seq; /* of two at the same time, the first that was set */
	/* in the heap: at most what is above */
	int64_t key;
	uint64_t keyseq;
	size_t at; /* 0: not there, else its index and 1 */
};

struct polltimers {
	struct polltimer **heap;
	size_t n, room;
	size_t added; /* watches, of which any may be set */
	size_t set;   /* of them, how many are */
	uint64_t seq;
	struct polllink soon; /* of the next turn */
	struct polllink now;  /* of this one */
};

struct pollentry {
	struct polltimer timer;
	size_t place;
};

struct pollloop {
	struct imsgloop loop;
	struct pollfd *pfd;
	struct pollentry **who; /* NULL: nobody any more */
	size_t n, room;
	size_t empty;	/* places without a watch */
	size_t watched; /* with events to wait for */
	size_t filled;	/* entries that imsgloop_poll_fill() wrote */
	int turning;	/* callbacks are being called */
	int running;	/* imsgloop_poll_run() */
	int stop;
	int dying; /* imsgloop_poll_free() within a callback */
	struct polltimers timers;
};

/*
 * add: makes room, 0 or -1.  set: as imsgloop_set().  left: milliseconds until
 * the first, -1 if there is none.  begin: a turn begins, in which what is set
 * to 0 from now on has no part.  run: calls those whose time has come.
 */
void imsgloopi_timers_init(struct polltimers *);
void imsgloopi_timers_free(struct polltimers *);
int imsgloopi_timers_add(struct polltimers *, struct polltimer *);
void imsgloopi_timers_set(struct polltimers *, struct polltimer *, int ms);
void imsgloopi_timers_del(struct polltimers *, struct polltimer *);
int imsgloopi_timers_left(struct polltimers *);
void imsgloopi_timers_begin(struct polltimers *);
int imsgloopi_timers_run(struct polltimers *);

#endif
