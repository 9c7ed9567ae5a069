/* SPDX-License-Identifier: ISC */
/* One run of two processes, and rounds of such runs. */
#ifndef MEASURE_H
#define MEASURE_H

#include "bench.h"

#define MAX_ROUNDS   101
#define MAX_PAIRINGS 10

/* Who talks to whom; mostly a contender to itself. */
struct pairing {
	const char *name;
	const struct contender *tx;
	const struct contender *rx;
};

/* What one run took. */
struct run {
	double wall; /* seconds, first message to the last received */
	double cpu;  /* of both processes, user and system, the same time */
	long rss[2]; /* peak of either end, KiB */
};

struct setting {
	int rounds;
	int cpu[2];    /* where the ends run */
	double budget; /* seconds a run, about */
};

/* Median, smallest and largest. */
struct spread {
	double mid, min, max;
};

struct result {
	const struct cell *cell;
	int n[MAX_PAIRINGS]; /* messages or round trips a run */
	int rounds;
	int tries;
	double rate[MAX_PAIRINGS];	    /* median, a second */
	double cpu[MAX_PAIRINGS];	    /* median, s a million messages */
	struct spread ratio[MAX_PAIRINGS];  /* to pairing 0: speed */
	struct spread thrift[MAX_PAIRINGS]; /* to pairing 0: CPU time */
	struct spread lead[MAX_PAIRINGS];   /* of ours to each: speed */
	long rss[MAX_PAIRINGS][2];	    /* largest peak, KiB */
};

extern struct setting setting;

/* n messages, or n round trips, after a quarter as many to warm up. */
struct run run_once(const struct pairing *, const struct cell *, int n);
/*
 * Every pairing once a round, in an order that rotates; ours is the position
 * of libimsg.  Pairing 1 is the floor again: while it is not within 3 % of
 * pairing 0, everything is repeated, at most thrice.
 */
void measure(const struct pairing *, int count, int ours, const struct cell *,
    struct result *);
int decided(const struct result *);
double now(void);
struct spread spread_of(double *, int);

#endif
