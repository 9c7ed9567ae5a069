/* SPDX-License-Identifier: ISC */
/* What the files of imsg_call share: the object and its clock. */
#ifndef IMSGCALL_INT_H
#define IMSGCALL_INT_H

#include <stddef.h>
#include <stdint.h>

#include "call-table.h"
#include "loop-int.h"

struct imsgcall {
	struct imsgloop_hook hook;
	struct imsgloop_chan *chan;
	struct call_table table;
	struct imsgloop_watch timer;
	int64_t armed;	   /* when the timer comes, CALL_NEVER: not set */
	size_t max;	   /* calls that may be under way */
	unsigned int busy; /* its own functions that are calling back */
	int dead;	   /* free it when they are through */
};

/* Nanoseconds of a clock that nobody sets. */
IMSGCALL_HIDDEN int64_t imsgcalli_now(void);
/* When ms milliseconds from now are over; negative: never. */
IMSGCALL_HIDDEN int64_t imsgcalli_due(int64_t now, int ms);
/* Milliseconds until then, rounded up; -1: for ever. */
IMSGCALL_HIDDEN int imsgcalli_left(int64_t now, int64_t due);

#endif
