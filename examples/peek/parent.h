/* SPDX-License-Identifier: ISC */
/*
 * The process that opens files and prints.
 */
#ifndef PEEK_PARENT_H
#define PEEK_PARENT_H

#include <stdint.h>

#include "print.h"

struct totals {
	uint64_t files;
	uint64_t failed;
	uint64_t entries;
	uint64_t bytes; /* UINT64_MAX: that many or more */
};

/*
 * Lists one file and adds to the totals.  What is wrong with it has been said
 * on stderr by then; errors of stdout show in ferror(stdout).
 */
void list_file(struct screen *, const char *, struct totals *);

#endif
