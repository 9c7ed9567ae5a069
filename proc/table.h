/* SPDX-License-Identifier: ISC */
/* What the files that check a table share; see table.c. */
#ifndef IMSGPROC_TABLE_H
#define IMSGPROC_TABLE_H

#include "proc-int.h"

/* More entries than this in a list: its end is missing. */
#define LIST_MAX 1024

/* A check under way: of whom, and where to say what is wrong. */
struct check {
	const struct imsgproc_daemon *d;
	char *why;
	size_t size;
	uid_t uid;    /* effective */
	bool anybody; /* users and roots are ignored */
};

/* The line of an entry (NULL: the daemon's own) and the text go into why. */
IMSGPI_HIDDEN IMSGPI_PRINTF(4, 5) int imsgpi_wrong(const struct check *,
    const struct imsgproc_spec *, int error, const char *, ...);
/* table-entry.c: what is wrong with an entry by itself. */
IMSGPI_HIDDEN int imsgpi_check_entry(
    const struct check *, const struct imsgproc_spec *);
/* table-needs.c: what is wrong between entries. */
IMSGPI_HIDDEN int imsgpi_check_lists(const struct check *);
IMSGPI_HIDDEN int imsgpi_check_parent(const struct check *);

#endif
