/* SPDX-License-Identifier: ISC */
/*
 * One sink in front of several: filters, counts, and says when it is enough.
 */
#ifndef CHAIN_H
#define CHAIN_H

#include "filter.h"
#include "record.h"

/* Most sinks behind one chain. */
#define CHAIN_MAX 4

struct chain_options {
	const struct filter *filter; /* NULL: all */
	uint64_t count;		     /* 0: no limit; only messages count */
	int quiet;		     /* no notes */
	void (*enough)(void *);	     /* called once when count is reached */
	void *arg;
};

/* NULL ENOMEM; what the options point to outlives it. */
struct sink *chain_sink(const struct chain_options *);
/* s is ended with the chain. */
void chain_add(struct sink *chain, struct sink *to);
/* Messages that have passed. */
uint64_t chain_passed(const struct sink *chain);
/* A sink of it failed, before its end. */
int chain_failed(const struct sink *chain);

#endif
