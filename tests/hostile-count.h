/* SPDX-License-Identifier: ISC */
/* What a process does at the border of libc; see hostile-count.c. */
#ifndef HOSTILE_COUNT_H
#define HOSTILE_COUNT_H

#include <stddef.h>
#include <stdint.h>

enum class { CLASS_OTHER, CLASS_GOOD, CLASS_HOSTILE, CLASSES };

struct count_io {
	uint64_t recvs, sends, again, in, out;
};

extern struct count {
	struct count_io io[CLASSES];
	uint64_t polls, sleeps, closes, bad_closes;
	long heap, heap_peak; /* bytes, above those at the start */
} counts;

/* Calls on this descriptor count for that class from now on. */
void count_class(int fd, enum class);
/* Lowest free descriptor, without being counted; INT_MAX: none. */
int count_probe(void);

#endif
