/* SPDX-License-Identifier: ISC */
/*
 * Allocations that fail, one after the other.  The linker turns the calls of
 * the test and of imsgdump, not those of libraries, to the functions here.
 */
#ifndef FAILING_H
#define FAILING_H

#include <errno.h>
#include <stddef.h>

/* So many more succeed, then one fails; negative: none does. */
static int fail_in = -1;

static inline int
fails(void)
{
	if (fail_in != 0) {
		fail_in -= fail_in > 0;
		return 0;
	}
	fail_in = -1;
	errno = ENOMEM;
	return 1;
}

void *__real_malloc(size_t);
void *__real_calloc(size_t, size_t);
void *__real_reallocarray(void *, size_t, size_t);
char *__real_strdup(const char *);
char *__real_strndup(const char *, size_t);
void *__wrap_malloc(size_t);
void *__wrap_calloc(size_t, size_t);
void *__wrap_reallocarray(void *, size_t, size_t);
char *__wrap_strdup(const char *);
char *__wrap_strndup(const char *, size_t);

void *
__wrap_malloc(size_t size)
{
	return fails() ? NULL : __real_malloc(size);
}

void *
__wrap_calloc(size_t n, size_t size)
{
	return fails() ? NULL : __real_calloc(n, size);
}

void *
__wrap_reallocarray(void *p, size_t n, size_t size)
{
	return fails() ? NULL : __real_reallocarray(p, n, size);
}

char *
__wrap_strdup(const char *s)
{
	return fails() ? NULL : __real_strdup(s);
}

char *
__wrap_strndup(const char *s, size_t n)
{
	return fails() ? NULL : __real_strndup(s, n);
}

#endif
