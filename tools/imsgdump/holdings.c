/* SPDX-License-Identifier: ISC */
/*
 * Whether a traced process holds a socket.
 *
 * Nothing but its whole list of descriptors tells that, which takes long where
 * there are ten thousand: the list is kept.  That a socket is in it is made
 * sure of with one look.  If it is not, the list may be old, and is made anew:
 * in a quarter of the time at most, once that has taken long in all.
 */
#include "channel.h"

#include <stdlib.h>

/* Most sockets of a process that are kept. */
#define KEPT_MAX 32768

/* Nanoseconds before the quarter counts. */
#define ADVANCE 1000000000

struct holding {
	uint64_t ino;
	int fd;
};

struct holdings {
	size_t n, max;
	struct holding h[];
};

struct search {
	struct holdings *list;
	int failed;
	uint64_t ino; /* that is looked for */
	int fd;
};

static int
add(void *arg, int fd, uint64_t ino)
{
	struct search *s = arg;
	struct holdings *new;
	size_t max = s->list == NULL ? 16 : s->list->max * 2;

	if (ino == s->ino && s->fd == -1)
		s->fd = fd;
	if (s->failed || (s->list != NULL && s->list->n == KEPT_MAX))
		return s->fd != -1;
	if (s->list == NULL || s->list->n == s->list->max) {
		new = realloc(s->list, sizeof(*new) + max * sizeof(new->h[0]));
		if (new == NULL) {
			s->failed = 1;
			return s->fd != -1;
		}
		new->n = s->list == NULL ? 0 : new->n;
		new->max = max;
		s->list = new;
	}
	s->list->h[s->list->n++] = (struct holding){ ino, fd };
	return 0;
}

static int
ascending(const void *a, const void *b)
{
	const struct holding *x = a, *y = b;

	return (x->ino > y->ino) - (x->ino < y->ino);
}

/* As the list has it, if that is still so. */
static int
remembered(const struct process *p, uint64_t ino)
{
	const struct holding key = { ino, 0 }, *h;

	if (p->holdings == NULL)
		return -1;
	h = bsearch(
	    &key, p->holdings->h, p->holdings->n, sizeof(key), ascending);
	return h != NULL && endpoint_is(p->pid, h->fd, ino) ? h->fd : -1;
}

static int
may_look(const struct process *p, int64_t now)
{
	return p->looked < ADVANCE || p->looked < (now - p->began) / 4;
}

int
process_holds(struct process *p, uint64_t ino)
{
	int64_t now;
	struct search s = { NULL, 0, ino, -1 };
	int fd = remembered(p, ino);

	if (fd != -1 || ino == 0)
		return fd;
	now = channels_now();
	if (p->began == 0)
		p->began = now;
	if (!may_look(p, now))
		return -1;
	endpoint_each(p->pid, add, &s);
	free(p->holdings);
	p->holdings = s.list;
	if (s.list != NULL)
		qsort(s.list->h, s.list->n, sizeof(s.list->h[0]), ascending);
	p->looked += channels_now() - now;
	return s.fd;
}
