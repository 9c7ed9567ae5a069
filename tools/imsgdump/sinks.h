/* SPDX-License-Identifier: ISC */
/*
 * The shapes in which messages come out.
 *
 * Each makes a sink that writes to f, which stays the caller's, or NULL ENOMEM;
 * names may be empty and outlives it.  None of them writes bytes of the traced
 * programs to a terminal without making them harmless: see safe.h.
 */
#ifndef SINKS_H
#define SINKS_H

#include <stdio.h>

#include "names.h"
#include "record.h"

/* text.c */
#define TEXT_COLOUR 0x01
#define TEXT_HEX    0x02 /* payload as hexadecimal and characters */
#define TEXT_ASCII  0x04 /* payload as characters */
struct sink *text_sink(FILE *f, const struct names *, int flags);
/* json.c: one object a line; of the flags TEXT_HEX and TEXT_ASCII */
struct sink *json_sink(FILE *f, const struct names *, int flags);
/* summary.c: tables at the end */
struct sink *summary_sink(FILE *f, const struct names *);
/* sequence.c: a diagram in SVG, at the end */
struct sink *sequence_sink(FILE *f, const struct names *);

#endif
