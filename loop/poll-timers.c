/* SPDX-License-Identifier: ISC */
/*
 * A loop on poll(2): the timers.
 *
 * A heap, in which a timer that is put off or stopped stays where it is until
 * it comes to the top: a time-out that is set anew for each message costs no
 * more than the question what time it is.  What is due in the next turn is in
 * a list.
 */
#include "feature.h"

#include <errno.h>
#include <stdlib.h>

#include "poll-int.h"

#define FIRST_HEAP 16

void
imsgloopi_timers_init(struct polltimers *t)
{
	t->soon.next = t->soon.prev = &t->soon;
	t->now.next = t->now.prev = &t->now;
}

void
imsgloopi_timers_free(struct polltimers *t)
{
	free(t->heap);
}

int
imsgloopi_timers_add(struct polltimers *t, struct polltimer *e)
{
	struct polltimer **heap;
	size_t room = t->room == 0 ? FIRST_HEAP : t->room * 2;

	(void)e;
	if (t->added == t->room) {
		if (room > SIZE_MAX / 2 / sizeof(*heap)) {
			errno = ENOMEM;
			return -1;
		}
		heap = realloc(t->heap, room * sizeof(*heap));
		if (heap == NULL)
			return -1;
		t->heap = heap;
		t->room = room;
	}
	t->added++;
	return 0;
}

static int
is_earlier(const struct polltimer *a, const struct polltimer *b)
{
	if (a->key != b->key)
		return a->key < b->key;
	return a->keyseq < b->keyseq;
}

static void
put_at(struct polltimers *t, struct polltimer *e, size_t i)
{
	t->heap[i] = e;
	e->at = i + 1;
}

/* To where it belongs, from the free place i. */
static void
sift_up(struct polltimers *t, struct polltimer *e, size_t i)
{
	size_t up;

	while (i > 0) {
		up = (i - 1) / 2;
		if (!is_earlier(e, t->heap[up]))
			break;
		put_at(t, t->heap[up], i);
		i = up;
	}
	put_at(t, e, i);
}

static void
sift_down(struct polltimers *t, struct polltimer *e, size_t i)
{
	size_t down;

	while ((down = 2 * i + 1) < t->n) {
		if (down + 1 < t->n &&
		    is_earlier(t->heap[down + 1], t->heap[down]))
			down++;
		if (!is_earlier(t->heap[down], e))
			break;
		put_at(t, t->heap[down], i);
		i = down;
	}
	put_at(t, e, i);
}

static void
heap_remove(struct polltimers *t, struct polltimer *e)
{
	size_t i = e->at - 1;
	struct polltimer *last = t->heap[--t->n];

	e->at = 0;
	if (last == e)
		return;
	if (is_earlier(last, e))
		sift_up(t, last, i);
	else
		sift_down(t, last, i);
}

static void
heap_key(struct polltimer *e)
{
	e->key = e->watch->due;
	e->keyseq = e->seq;
}

/* Later than it is in the heap: found out when it comes to the top. */
static void
heap_set(struct polltimers *t, struct polltimer *e)
{
	if (e->at == 0) {
		heap_key(e);
		sift_up(t, e, t->n++);
	} else if (e->watch->due < e->key) {
		heap_key(e);
		sift_up(t, e, e->at - 1);
	}
}

/* The first that is due, with its true time; or NULL. */
static struct polltimer *
heap_first(struct polltimers *t)
{
	struct polltimer *e;

	while (t->n > 0) {
		e = t->heap[0];
		if (e->watch->due < 0) {
			heap_remove(t, e);
		} else if (e->keyseq != e->seq) {
			heap_key(e);
			sift_down(t, e, 0);
		} else {
			return e;
		}
	}
	return NULL;
}

static void
link_out(struct polllink *k)
{
	k->prev->next = k->next;
	k->next->prev = k->prev;
	k->next = k->prev = NULL;
}

static void
link_last(struct polllink *list, struct polllink *k)
{
	k->next = list;
	k->prev = list->prev;
	k->prev->next = k;
	list->prev = k;
}

/* Not set any more, whichever way it was. */
static void
timer_stop(struct polltimers *t, struct polltimer *e)
{
	if (e->link.next != NULL) {
		link_out(&e->link);
		t->set--;
	} else if (e->watch->due >= 0) {
		e->watch->due = -1;
		t->set--;
	}
}

void
imsgloopi_timers_set(struct polltimers *t, struct polltimer *e, int ms)
{
	timer_stop(t, e);
	if (ms < 0)
		return;
	t->set++;
	if (ms == 0) {
		link_last(&t->soon, &e->link);
		return;
	}
	e->watch->due = imsgloopi_in(ms);
	e->seq = ++t->seq;
	heap_set(t, e);
}

void
imsgloopi_timers_del(struct polltimers *t, struct polltimer *e)
{
	timer_stop(t, e);
	if (e->at != 0)
		heap_remove(t, e);
	t->added--;
}

int
imsgloopi_timers_left(struct polltimers *t)
{
	struct polltimer *e;

	if (t->soon.next != &t->soon)
		return 0;
	if ((e = heap_first(t)) == NULL)
		return -1;
	return imsgloopi_left(imsgloopi_now(), e->watch->due);
}

void
imsgloopi_timers_begin(struct polltimers *t)
{
	struct polllink *k;

	while ((k = t->soon.next) != &t->soon) {
		link_out(k);
		link_last(&t->now, k);
	}
}

/* What a callback sets is later than now, so this comes to an end. */
int
imsgloopi_timers_run(struct polltimers *t)
{
	struct polltimer *e;
	int64_t now = t->n > 0 ? imsgloopi_now() : 0;
	int handled = 0;

	while ((e = heap_first(t)) != NULL && e->watch->due <= now) {
		timer_stop(t, e);
		handled++;
		imsgloop_ready(e->watch, 0);
	}
	while (t->now.next != &t->now) {
		e = (struct polltimer *)(void *)t->now.next;
		timer_stop(t, e);
		handled++;
		imsgloop_ready(e->watch, 0);
	}
	return handled;
}
