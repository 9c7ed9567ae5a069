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

#endif
