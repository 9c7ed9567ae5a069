/* SPDX-License-Identifier: ISC */
/* What the files of imsg_call(3) share. */
#ifndef IMSGCALL_INT_H
#define IMSGCALL_INT_H

#include <stddef.h>
#include <stdint.h>

#include "call-table.h"
#include "loop-int.h"

struct imsgcall {
	struct imsgloop_chan *chan;
	struct call_table table;
	struct imsgloop_watch timer;
	int64_t armed;	   /* when the timer comes, CALL_NEVER: not set */
	size_t max;	   /* calls that may be under way */
	unsigned int busy; /* functions below that are calling back */
	int dead;	   /* freed when they are through */
};

/*
 * What a call is told when its channel ends.  A peer that goes with something
 * unread makes it ECONNRESET on some systems: to a call, a peer that is gone.
 */
IMSGCALL_HIDDEN int imsgcalli_end_error(int why, int error);

#endif
