/* SPDX-License-Identifier: ISC */
/*
 * What the tests of captures share: files in memory, and a sink that judges
 * what is read from them.
 */
#ifndef CAPTURE_JUDGE_H
#define CAPTURE_JUDGE_H

#include <stdio.h>

#include "capture.h"
#include "records.h"

/* Compares with random records, or keeps the notes. */
struct judge {
	struct sink sink;
	struct records want;
	int random; /* compare */
	unsigned long messages;
	char notes[4][512];
	int nnotes;
	int fail; /* put fails with this errno */
	int stop_after;
	int stop;
	int64_t time;
};

extern struct judge judge;
extern char why[512];

void judge_new(void);
/* A file without a name. */
int memory(void);
/* A stream of its own on it, at its start. */
FILE *file_of(int fd);
struct sink *sink_on(int fd);
/* A sent message of 5 bytes; a file of n of them. */
struct record simple(void);
int simple_file(int n);
/* As capture_read(), into judge; -2: a descriptor is left open. */
int read_it(int fd);

#endif
