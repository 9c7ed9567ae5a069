/* SPDX-License-Identifier: ISC */
/*
 * Records of all sorts, for the tests of captures: the same ones for a seed.
 */
#ifndef RECORDS_H
#define RECORDS_H

#include <stdint.h>
#include <stdio.h>

#include "record.h"

/* Largest payload that random_record() makes. */
#define RECORDS_DATA 3000

struct records {
	uint64_t rng;
	int64_t time; /* of the last one; it only grows */
	struct record r;
	char from[256], to[256], fdname[1024], note[1024];
	unsigned char data[RECORDS_DATA];
};

void records_seed(struct records *, uint64_t seed);
uint32_t records_rand(struct records *);
/* The next one, valid until the next call. */
const struct record *random_record(struct records *);

/* All that a record says, in one line. */
void record_print(FILE *, const struct record *);
/* 0: they differ, and it is said on standard error in what. */
int record_same(const struct record *, const struct record *);
/* 0: it is none that record.h allows, and it is said why. */
int record_sound(const struct record *);

#endif
