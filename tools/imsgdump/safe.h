/* SPDX-License-Identifier: ISC */
/*
 * Bytes of strangers, made harmless for terminals, XML and JSON.
 */
#ifndef SAFE_H
#define SAFE_H

#include <stddef.h>
#include <stdio.h>

/*
 * One line without control characters: what is not printable UTF-8 becomes
 * \xHH, a backslash \\.  Truncates to fit; the result is always terminated.
 */
void safe_text(char *out, size_t size, const void *in, size_t len);
void safe_print(FILE *f, const void *in, size_t len);

#endif
