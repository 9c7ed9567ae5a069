/* SPDX-License-Identifier: ISC */
#include <stddef.h>

void *malloc(size_t);
void *calloc(size_t, size_t);
void free(void *);
void abort(void) __attribute__((__noreturn__));
int posix_memalign(void **, size_t, size_t);
long strtol(const char *, char **, int);
