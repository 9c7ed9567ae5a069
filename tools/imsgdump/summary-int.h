/* SPDX-License-Identifier: ISC */
/*
 * Parts of the summary: counters, requests that wait, and how it is printed.
 * Every table has a fixed size, whatever the stream.
 */
#ifndef SUMMARY_INT_H
#define SUMMARY_INT_H

#include <stdio.h>

#include "names.h"
#include "record.h"
#include "shape.h"

/* Kinds of messages that are counted apart: channel, direction, type. */
#define SUMMARY_ROWS 4096
/* Channels; each has a row at least. */
#define SUMMARY_CHANNELS 1024
/* Requests that are waited for at a time. */
#define SUMMARY_WAITS 8192

struct channel {
	uint32_t number;
	int wire;
	int64_t first, last; /* time of its messages */
	uint64_t messages;
};

struct row {
	struct channel *channel;
	size_t order; /* of appearance; while printing, of its direction */
	pid_t from, to;
	uint32_t type;
	char from_name[SHAPE_PARTY], to_name[SHAPE_PARTY];
	uint64_t count, bytes, fds;
	/* The request of this kind that waited longest. */
	int answered;
	uint64_t gap; /* nanoseconds */
	uint32_t peerid, answer;
};

/* A message that might be answered. */
struct wait {
	uint32_t channel, peerid;
	pid_t from, to;
	int64_t time;
	uint16_t row; /* its counter */
	uint8_t used;
	uint8_t waiting; /* not answered yet */
	uint64_t age;	 /* when it was last looked at */
};

struct totals {
	uint64_t messages, bytes, fds, lost, queued, dropped, notes;
	uint64_t others, other_bytes; /* messages that had no room */
	uint64_t forgotten;	      /* requests that had none */
	int64_t first, last;
};

struct summary {
	struct sink sink;
	FILE *f;
	const struct names *names;
	struct totals all;
	struct channel *channels;
	size_t nchannels;
	struct row *rows;
	size_t nrows;
	/* Hash tables of positions and 1; 0 is free. */
	uint16_t *channel_at, *row_at;
	struct wait *waits;
	uint64_t clock; /* messages seen */
	uint64_t seed;
};

/* A hash of some numbers that strangers choose. */
uint32_t summary_hash(const struct summary *, uint64_t, uint64_t);
/* summary-wait.c: message r, counted in row, may be a request or an answer. */
void summary_wait(struct summary *, const struct record *r, size_t row);
/* summary-table.c */
void summary_print(struct summary *);

#endif
