/* SPDX-License-Identifier: ISC */
/*
 * The table of names: open addressing, at most half full.
 *
 * The numbers are a stranger's, so where they go depends on a number of ours
 * that he does not know, and there is an end to how many there may be.
 */
#define _GNU_SOURCE
#include <sys/random.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "names.h"

#define NAMES_MAX ((size_t)1 << 18)

struct name {
	uint32_t type;
	char *text; /* NULL: free */
};

struct names {
	struct name *v;
	size_t size; /* a power of two, or 0 */
	unsigned bits;
	size_t count;
	uint64_t factor; /* odd */
};

struct names *
names_new(void)
{
	struct names *n = calloc(1, sizeof(*n));

	if (n == NULL)
		return NULL;
	if (getrandom(&n->factor, sizeof(n->factor), GRND_NONBLOCK) !=
	    (ssize_t)sizeof(n->factor))
		n->factor = UINT64_C(0x9e3779b97f4a7c15);
	n->factor |= 1;
	return n;
}

void
names_free(struct names *n)
{
	int saved = errno;
	size_t i;

	if (n == NULL)
		return;
	for (i = 0; i < n->size; i++)
		free(n->v[i].text);
	free(n->v);
	free(n);
	errno = saved;
}

/* Its place, or the one where it would be. */
static struct name *
find(struct name *v, unsigned bits, uint64_t factor, uint32_t type)
{
	size_t mask = ((size_t)1 << bits) - 1;
	size_t i = (size_t)((type * factor) >> (64 - bits));

	while (v[i].text != NULL && v[i].type != type)
		i = (i + 1) & mask;
	return &v[i];
}

static int
enlarge(struct names *n)
{
	unsigned bits = n->size == 0 ? 6 : n->bits + 1;
	struct name *v = calloc((size_t)1 << bits, sizeof(*v));
	size_t i;

	if (v == NULL)
		return -1;
	for (i = 0; i < n->size; i++)
		if (n->v[i].text != NULL)
			*find(v, bits, n->factor, n->v[i].type) = n->v[i];
	free(n->v);
	n->v = v;
	n->bits = bits;
	n->size = (size_t)1 << bits;
	return 0;
}

int
names_add(struct names *n, uint32_t type, const char *name)
{
	struct name *p;

	if (n->size > 0 && find(n->v, n->bits, n->factor, type)->text != NULL)
		return 0;
	if (n->count >= NAMES_MAX) {
		errno = ENOMEM;
		return -1;
	}
	if (n->count >= n->size / 2 && enlarge(n) == -1)
		return -1;
	p = find(n->v, n->bits, n->factor, type);
	p->type = type;
	p->text = strdup(name);
	if (p->text == NULL)
		return -1;
	n->count++;
	return 0;
}

int
names_merge(struct names *n, const struct names *more)
{
	size_t i;

	for (i = 0; i < more->size; i++)
		if (more->v[i].text != NULL &&
		    names_add(n, more->v[i].type, more->v[i].text) == -1)
			return -1;
	return 0;
}

const char *
names_get(const struct names *n, uint32_t type)
{
	if (n == NULL || n->size == 0)
		return NULL;
	return find(n->v, n->bits, n->factor, type)->text;
}

/* Two numbers may have the same name: the lower one. */
int
names_find(const struct names *n, const char *name, uint32_t *type)
{
	int r = -1;
	size_t i;

	for (i = 0; n != NULL && i < n->size; i++) {
		if (n->v[i].text == NULL || strcmp(n->v[i].text, name) != 0)
			continue;
		if (r == 0 && n->v[i].type > *type)
			continue;
		*type = n->v[i].type;
		r = 0;
	}
	return r;
}

int
names_each(const struct names *n, names_cb *cb, void *arg)
{
	size_t i;
	int r;

	for (i = 0; i < n->size; i++) {
		if (n->v[i].text == NULL)
			continue;
		r = cb(arg, n->v[i].type, n->v[i].text);
		if (r != 0)
			return r;
	}
	return 0;
}

size_t
names_count(const struct names *n)
{
	return n == NULL ? 0 : n->count;
}
