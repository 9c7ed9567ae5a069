/* SPDX-License-Identifier: ISC */
/*
 * The calls that are under way; see call-table.h.
 *
 * Buckets are chains, not probes: numbers come one after the other, and a peer
 * that sends numbers nobody gave out must not walk along them.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "call-table.h"

#define CALL_BUCKETS 64

void
imsgcalli_table_init(struct call_table *t, uint32_t half, uint32_t key)
{
	memset(t, 0, sizeof(*t));
	t->half = half & CALL_HALF;
	t->key = key;
	t->last_number = half - 1; /* the next is the first */
}

void
imsgcalli_table_clear(struct call_table *t)
{
	struct call *c;

	while ((c = t->first) != NULL) {
		t->first = c->next;
		free(c);
	}
	free(t->spare);
	free(t->heap);
	free(t->bucket);
	imsgcalli_table_init(t, t->half, t->key);
}

/* The finish of MurmurHash3: every bit of the number counts in every bit. */
static size_t
call_bucket(const struct call_table *t, uint32_t number)
{
	uint32_t h = number ^ t->key;

	h = (h ^ h >> 16) * 0x85ebca6bU;
	h = (h ^ h >> 13) * 0xc2b2ae35U;
	return (h ^ h >> 16) & (t->nbuckets - 1);
}

static void
call_chain(struct call_table *t, struct call *c)
{
	size_t b = call_bucket(t, c->number);

	c->chain = t->bucket[b];
	t->bucket[b] = c;
}

static int
call_rehash(struct call_table *t, size_t n)
{
	struct call **bucket = calloc(n, sizeof(struct call *));
	struct call *c;

	if (bucket == NULL)
		return -1;
	free(t->bucket);
	t->bucket = bucket;
	t->nbuckets = n;
	for (c = t->first; c != NULL; c = c->next)
		call_chain(t, c);
	return 0;
}

/* Room for one more, in both. */
static int
call_room(struct call_table *t, int64_t due)
{
	struct call **heap;
	size_t n;

	if (t->bucket == NULL) {
		if (call_rehash(t, CALL_BUCKETS) == -1)
			return -1;
	} else if (t->n >= t->nbuckets &&
	    t->nbuckets <= SIZE_MAX / sizeof(struct call *) / 2) {
		if (call_rehash(t, t->nbuckets * 2) == -1)
			return -1;
	}
	if (due == CALL_NEVER || t->nheap < t->heap_room)
		return 0;
	if (t->heap_room > SIZE_MAX / sizeof(struct call *) / 2) {
		errno = ENOMEM;
		return -1;
	}
	n = t->heap_room == 0 ? CALL_BUCKETS : t->heap_room * 2;
	if ((heap = realloc(t->heap, n * sizeof(struct call *))) == NULL)
		return -1;
	t->heap = heap;
	t->heap_room = n;
	return 0;
}

/* Most of what a burst took is given back after it; failing to is no harm. */
static void
call_shrink(struct call_table *t)
{
	struct call **heap;
	int saved = errno;
	size_t n;

	if (t->nbuckets > CALL_BUCKETS && t->n < t->nbuckets / 8)
		(void)call_rehash(t, t->nbuckets / 4);
	if (t->heap_room > CALL_BUCKETS && t->nheap < t->heap_room / 8) {
		n = t->heap_room / 4;
		heap = realloc(t->heap, n * sizeof(struct call *));
		if (heap != NULL) {
			t->heap = heap;
			t->heap_room = n;
		}
	}
	errno = saved;
}

uint32_t
imsgcalli_number(struct call_table *t)
{
	do {
		t->last_number = t->half | ((t->last_number + 1) & ~CALL_HALF);
	} while (
	    t->last_number == 0 || imsgcalli_find(t, t->last_number) != NULL);
	return t->last_number;
}

struct call *
imsgcalli_make(struct call_table *t, int64_t due)
{
	struct call *c = t->spare;

	if (call_room(t, due) == -1)
		return NULL;
	if (c != NULL)
		t->spare = NULL;
	else if ((c = malloc(sizeof(*c))) == NULL)
		return NULL;
	memset(c, 0, sizeof(*c));
	c->number = imsgcalli_number(t);
	c->due = due;
	return c;
}

/* Keeps errno. */
void
imsgcalli_drop(struct call_table *t, struct call *c)
{
	int saved = errno;

	if (t->spare == NULL)
		t->spare = c;
	else
		free(c);
	errno = saved;
}

static void
call_heap_put(struct call_table *t, struct call *c, size_t at)
{
	t->heap[at] = c;
	c->place = at;
}

/* Finds the place for c, where at is free. */
static void
call_heap_settle(struct call_table *t, struct call *c, size_t at)
{
	size_t up, down;

	for (; at > 0; at = up) {
		up = (at - 1) / 2;
		if (t->heap[up]->due <= c->due)
			break;
		call_heap_put(t, t->heap[up], at);
	}
	for (;; at = down) {
		down = 2 * at + 1;
		if (down >= t->nheap)
			break;
		if (down + 1 < t->nheap &&
		    t->heap[down + 1]->due < t->heap[down]->due)
			down++;
		if (c->due <= t->heap[down]->due)
			break;
		call_heap_put(t, t->heap[down], at);
	}
	call_heap_put(t, c, at);
}

void
imsgcalli_add(struct call_table *t, struct call *c)
{
	call_chain(t, c);
	c->prev = t->last;
	c->next = NULL;
	if (t->last == NULL)
		t->first = c;
	else
		t->last->next = c;
	t->last = c;
	t->n++;
	if (c->due != CALL_NEVER)
		call_heap_settle(t, c, t->nheap++);
}

struct call *
imsgcalli_find(const struct call_table *t, uint32_t number)
{
	struct call *c;

	if (t->n == 0)
		return NULL;
	c = t->bucket[call_bucket(t, number)];
	while (c != NULL && c->number != number)
		c = c->chain;
	return c;
}

int
imsgcalli_is_late(const struct call_table *t, uint32_t number)
{
	return number != 0 && (number & CALL_HALF) == t->half &&
	    imsgcalli_find(t, number) == NULL;
}

void
imsgcalli_end(struct call_table *t, struct call *c)
{
	struct call **at = &t->bucket[call_bucket(t, c->number)], *moved;

	while (*at != c)
		at = &(*at)->chain;
	*at = c->chain;
	if (c->prev == NULL)
		t->first = c->next;
	else
		c->prev->next = c->next;
	if (c->next == NULL)
		t->last = c->prev;
	else
		c->next->prev = c->prev;
	t->n--;
	if (c->due != CALL_NEVER) {
		moved = t->heap[--t->nheap];
		if (moved != c)
			call_heap_settle(t, moved, c->place);
	}
	imsgcalli_drop(t, c);
	call_shrink(t);
}

struct call *
imsgcalli_nearest(const struct call_table *t)
{
	return t->nheap == 0 ? NULL : t->heap[0];
}
