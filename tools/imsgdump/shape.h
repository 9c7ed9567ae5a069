/* SPDX-License-Identifier: ISC */
/*
 * What the shapes have in common: how times, processes and descriptors are
 * written.  All text that comes out of here is harmless.
 */
#ifndef SHAPE_H
#define SHAPE_H

#include <stdio.h>

#include "names.h"
#include "record.h"

/* Room for "name[pid]"; longer names are cut. */
#define SHAPE_PARTY 80
/* Room for the name of a type. */
#define SHAPE_NAME 128

/* Words; "?" for what there is none. */
const char *shape_event(int);
const char *shape_wire(int);
const char *shape_fd_state(int);

/* "name[pid]", one word, "?" for what is not known of it. */
void shape_party(char *, size_t, const struct party *);
/* Harmless, and without blanks: they become '_'.  NULL is "". */
void shape_word(char *, size_t, const char *);
/* Harmless; NULL is "". */
void shape_safe(char *, size_t, const char *);
/* Local time of day with microseconds. */
void shape_clock(char *, size_t, int64_t);
/* RFC 3339, UTC, with nanoseconds. */
void shape_utc(char *, size_t, int64_t);
/* Nanoseconds as seconds with microseconds, with a point in any locale. */
void shape_seconds(char *, size_t, uint64_t);
/* Name of the type as one word, "" if it has none. */
void shape_type(char *, size_t, const struct names *, uint32_t);

/* Columns of harmless text on a terminal or in a typewriter face. */
size_t shape_width(const char *);
/* Cuts text in a buffer of that size to so many columns, with a mark. */
void shape_cut(char *, size_t size, size_t columns);

/* There is a descriptor: it came, announced or not. */
int shape_has_fd(const struct record *);
/* A note that has the header which it is about. */
int shape_has_header(const struct record *);

/* Result of a put(): 0, or -1 with errno if f has seen an error. */
int shape_status(FILE *f);
/* Result of a flush(): the same, once all is written out. */
int shape_flush(FILE *f);

#endif
