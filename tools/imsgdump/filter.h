/* SPDX-License-Identifier: ISC */
/*
 * Which messages are wanted: an expression over the fields of a record.
 *
 * The grammar is in imsgdump(1).
 */
#ifndef FILTER_H
#define FILTER_H

#include "names.h"
#include "record.h"

struct filter;

/*
 * NULL: why says what is wrong and at which character.  A name in the
 * expression that is one of names stands for its number.
 */
struct filter *filter_new(
    const char *, const struct names *, char *why, size_t whylen);
/* 1: wanted.  Notes always are. */
int filter_match(const struct filter *, const struct record *);
void filter_free(struct filter *);

#endif
