/* SPDX-License-Identifier: ISC */
/* How the victim deals with one channel; see hostile-serve.c. */
#ifndef HOSTILE_SERVE_H
#define HOSTILE_SERVE_H

#include "hostile.h"

struct chan {
	struct imsgbuf b;
	struct chan_report *r; /* NULL: the good one */
	uint32_t seq;	       /* type of the last message that was checked */
	short mask;	       /* events that are still of interest */
	int live;
	int ended;	    /* reading is over */
	int more;	    /* there may be more to fetch */
	uint64_t queued_at; /* round in which the queue became non-empty */
};

struct victim {
	const struct run *run;
	const struct setup *s;
	struct victim_report *r;
	struct chan good;
	struct chan bad[CHANS];
	int nbad;
	int gone; /* tells that the hostile peer is gone, or -1 */
	int beat;
	int backoff; /* no writing for a moment */
	int first_free;
	int good_over;
	int bye;
	uint64_t answered;
	uint64_t bad_over_at; /* value of answered then */
};

/* What is to be waited for on a channel, and on which descriptor. */
short serve_events(const struct victim *, const struct chan *);
/* A channel after poll(2); revents 0 fetches only. */
void serve_chan(struct victim *, struct chan *, short revents);
/* The same with functions that wait themselves. */
void serve_waiting(struct victim *, struct chan *, short revents);
/* Drops it and closes its socket. */
void serve_drop(struct chan *);

#endif
