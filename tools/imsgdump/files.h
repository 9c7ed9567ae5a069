/* SPDX-License-Identifier: ISC */
/*
 * The files that imsgdump writes, and what it says when one cannot be.
 */
#ifndef FILES_H
#define FILES_H

#include <stdio.h>

#include "options.h"

/* Says on standard error what failed and why, harmless; returns -1. */
int complain(const char *what, const char *why);
const char *files_why(int error);
/* A new file, or with "-" standard output again: a descriptor, or -1. */
int files_create(const char *path);
/* Takes over fd.  waits: for whoever reads it. */
FILE *files_stream(int fd, int waits);
/* -1: it has said which file would be in the way of which. */
int files_check(const struct options *);

#endif
