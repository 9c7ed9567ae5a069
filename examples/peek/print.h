/* SPDX-License-Identifier: ISC */
/*
 * What the user sees.
 */
#ifndef PEEK_PRINT_H
#define PEEK_PRINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "entry.h"

/* Room for a text of that many bytes in its safe form. */
#define SAFE_SIZE(len) ((len)*4 + 1)

struct screen {
	bool quiet;    /* names only */
	bool utf8;     /* the terminal's charset */
	bool progress; /* stderr is a terminal */
	bool drawn;    /* and there is a progress line on it */
	size_t files;  /* how many there will be */
	int64_t drawn_at;
};

void screen_init(struct screen *, bool, size_t);

/*
 * Writes the text, fit for a terminal, to a buffer of that size and returns
 * the buffer.  What is not printable is \ooo for each byte, a backslash \\.
 */
char *text_safe(char *, size_t, struct text, bool);

/* One line on stdout; errors show in ferror(stdout). */
void print_entry(struct screen *, const struct entry *);
void print_heading(struct screen *, const char *);

/* "peek: PATH: why" on stderr */
void complain(struct screen *, const char *, struct text);

/* Says on stderr, now and then, that the n-th file has that many entries. */
void progress_show(struct screen *, size_t, uint64_t);
void progress_clear(struct screen *);

#endif
