/* SPDX-License-Identifier: ISC */
/* See words.c. */
#ifndef IMSGPROC_WORDS_H
#define IMSGPROC_WORDS_H

#include "proc-int.h"

/* What waitpid(2) said. */
IMSGPI_HIDDEN void imsgpi_words_status(int status, char *, size_t);
/* "RLIMIT_NOFILE"; valid until the next call. */
IMSGPI_HIDDEN const char *imsgpi_words_limit(int what);
/* The rest of a message, fit to be printed: 0 or -1. */
IMSGPI_HIDDEN int imsgpi_words_text(struct imsg *, char *, size_t);
/* What an IMSGPROC_FAILED said, fit to be printed, and its errno: 0, or -1: it
 * is none. */
IMSGPI_HIDDEN int imsgpi_words_failed(
    struct imsg *, char *, size_t, int *error);

#endif
