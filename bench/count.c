/* SPDX-License-Identifier: ISC */
/*
 * Preloaded, counts what the program asks of the allocator and says so on
 * standard error when the process ends.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

static unsigned long count;

/* dlsym(3) itself may allocate while the real functions are not known yet. */
static unsigned char early[65536];
static size_t early_used;

static void *
from_early(size_t n)
{
	void *p = early + early_used;

	early_used += (n + 15) & ~(size_t)15;
	return early_used <= sizeof(early) ? p : NULL;
}

static int
is_early(const void *p)
{
	const unsigned char *c = p;

	return c >= early && c < early + sizeof(early);
}

/* ISO C has no conversion between pointers to data and to functions. */
static void
look_up(void *function, const char *name)
{
	void *p = dlsym(RTLD_NEXT, name);

	memcpy(function, &p, sizeof(p));
}

void *
malloc(size_t n)
{
	static void *(*real)(size_t);

	if (real == NULL)
		look_up(&real, "malloc");
	count++;
	return real(n);
}

void *
calloc(size_t n, size_t size)
{
	static void *(*real)(size_t, size_t);
	static int looking;

	if (looking)
		return from_early(n * size);
	if (real == NULL) {
		looking = 1;
		look_up(&real, "calloc");
		looking = 0;
	}
	count++;
	return real(n, size);
}

void *
realloc(void *p, size_t n)
{
	static void *(*real)(void *, size_t);

	if (real == NULL)
		look_up(&real, "realloc");
	count++;
	return real(p, n);
}

int
posix_memalign(void **p, size_t align, size_t n)
{
	static int (*real)(void **, size_t, size_t);

	if (real == NULL)
		look_up(&real, "posix_memalign");
	count++;
	return real(p, align, n);
}

void
free(void *p)
{
	static void (*real)(void *);

	if (is_early(p))
		return;
	if (real == NULL)
		look_up(&real, "free");
	real(p);
}

__attribute__((destructor)) static void
report(void)
{
	(void)fprintf(stderr, "allocations %lu\n", count);
}
