/* SPDX-License-Identifier: ISC */
/*
 * A loop on poll(2): the descriptors.
 *
 * Each watch with a descriptor has a place in the array for poll(2).  Places
 * do not move and are not given to another while events are handled, so that
 * what is gone or wants something else is seen in its place; those that are
 * empty are filled when the next turn begins.  All memory that a watch needs
 * is there when it was added: to set it cannot fail.
 */
#include "feature.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>

#include "poll-int.h"

#define FIRST_ROOM 16

static int poll_add(struct imsgloop *, struct imsgloop_watch *);
static int poll_set(struct imsgloop *, struct imsgloop_watch *, short, int);
static void poll_del(struct imsgloop *, struct imsgloop_watch *);

static const struct imsgloop_ops poll_ops = { poll_add, poll_set, poll_del };

static struct pollloop *
pollloop_of(struct imsgloop *loop)
{
	return (struct pollloop *)(void *)loop;
}

struct imsgloop *
imsgloop_poll_new(void)
{
	struct pollloop *l;

	if ((l = calloc(1, sizeof(*l))) == NULL)
		return NULL;
	l->loop.ops = &poll_ops;
	imsgloopi_timers_init(&l->timers);
	return &l->loop;
}

static void
pollloop_free(struct pollloop *l)
{
	int save = errno;

	imsgloopi_timers_free(&l->timers);
	free(l->pfd);
	free(l->who);
	free(l);
	errno = save;
}

/* Within a callback: as soon as the turn is over. */
void
imsgloop_poll_free(struct imsgloop *loop)
{
	struct pollloop *l = pollloop_of(loop);

	if (l == NULL)
		return;
	if (l->turning)
		l->dying = 1;
	else
		pollloop_free(l);
}

static int
more_places(struct pollloop *l)
{
	size_t room = l->room == 0 ? FIRST_ROOM : l->room * 2;
	struct pollentry **who;
	struct pollfd *pfd;

	if (room > SIZE_MAX / 2 / sizeof(*who) ||
	    room > SIZE_MAX / 2 / sizeof(*pfd)) {
		errno = ENOMEM;
		return -1;
	}
	if ((pfd = realloc(l->pfd, room * sizeof(*pfd))) == NULL)
		return -1;
	l->pfd = pfd;
	if ((who = realloc(l->who, room * sizeof(*who))) == NULL)
		return -1;
	l->who = who;
	l->room = room;
	return 0;
}

/* Not while events are handled. */
static void
fill_places(struct pollloop *l)
{
	size_t i, n = 0;

	if (l->empty == 0)
		return;
	for (i = 0; i < l->n; i++) {
		if (l->who[i] == NULL)
			continue;
		l->who[n] = l->who[i];
		l->pfd[n] = l->pfd[i];
		l->who[n]->place = n;
		n++;
	}
	l->n = n;
	l->empty = 0;
}

/* Watches may come and go while the loop takes no turn. */
static int
room_for_one(struct pollloop *l)
{
	if (!l->turning && l->filled == 0 && l->empty > l->n / 2)
		fill_places(l);
	return l->n < l->room ? 0 : more_places(l);
}

static void
take_place(struct pollloop *l, struct pollentry *e)
{
	e->place = l->n++;
	l->who[e->place] = e;
	l->pfd[e->place].fd = -1;
	l->pfd[e->place].events = 0;
	l->pfd[e->place].revents = 0;
}

static int
poll_add(struct imsgloop *loop, struct imsgloop_watch *w)
{
	struct pollloop *l = pollloop_of(loop);
	struct pollentry *e;

	if (w->fd >= 0 && l->n == l->room && room_for_one(l) == -1)
		return -1;
	if ((e = calloc(1, sizeof(*e))) == NULL)
		return -1;
	if (imsgloopi_timers_add(&l->timers, &e->timer) == -1) {
		free(e);
		return -1;
	}
	e->timer.watch = w;
	if (w->fd >= 0)
		take_place(l, e);
	w->impl = e;
	return 0;
}

static int
poll_set(struct imsgloop *loop, struct imsgloop_watch *w, short events, int ms)
{
	struct pollloop *l = pollloop_of(loop);
	struct pollentry *e = w->impl;

	events &= POLLIN | POLLOUT;
	if (w->fd >= 0 && events != w->events) {
		if (w->events == 0)
			l->watched++;
		else if (events == 0)
			l->watched--;
		w->events = events;
		l->pfd[e->place].fd = events != 0 ? w->fd : -1;
		l->pfd[e->place].events = events;
	}
	imsgloopi_timers_set(&l->timers, &e->timer, ms);
	return 0;
}

static void
poll_del(struct imsgloop *loop, struct imsgloop_watch *w)
{
	struct pollloop *l = pollloop_of(loop);
	struct pollentry *e = w->impl;

	if (w->fd >= 0) {
		l->watched -= w->events != 0;
		l->who[e->place] = NULL;
		l->pfd[e->place].fd = -1;
		l->empty++;
	}
	imsgloopi_timers_del(&l->timers, &e->timer);
	free(e);
	w->impl = NULL;
}

/* What to tell the watch, given what poll(2) said about its descriptor. */
static short
told(const struct imsgloop_watch *w, short revents)
{
	/* An end concerns whoever waits, for whichever of the two. */
	if (revents & (POLLHUP | POLLERR | POLLNVAL))
		return (short)(w->events | (revents & (POLLHUP | POLLERR)));
	return revents & w->events;
}

/* pfd: NULL for the loop's own.  How many were ready. */
static int
handle_places(struct pollloop *l, const struct pollfd *pfd, size_t n, int ready)
{
	struct imsgloop_watch *w;
	short revents;
	int handled = 0;
	size_t i;

	for (i = 0; i < n && ready != 0; i++) {
		revents = pfd != NULL ? pfd[i].revents : l->pfd[i].revents;
		if (revents == 0)
			continue;
		ready--;
		if (l->who[i] == NULL)
			continue;
		w = l->who[i]->timer.watch;
		if (w->events == 0 || (revents = told(w, revents)) == 0)
			continue;
		handled++;
		imsgloop_ready(w, revents);
	}
	return handled;
}

static int
handle(struct pollloop *l, const struct pollfd *pfd, size_t n, int ready)
{
	int handled;

	l->turning = 1;
	imsgloopi_timers_begin(&l->timers);
	handled = ready == 0 ? 0 : handle_places(l, pfd, n, ready);
	handled += imsgloopi_timers_run(&l->timers);
	l->turning = 0;
	if (l->dying && !l->running)
		pollloop_free(l);
	return handled;
}

size_t
imsgloop_poll_fill(struct imsgloop *loop, struct pollfd *pfd, size_t n, int *ms)
{
	struct pollloop *l = pollloop_of(loop);
	size_t i;
	int left;

	if (!l->turning)
		fill_places(l);
	for (i = 0; i < l->n && i < n; i++) {
		pfd[i] = l->pfd[i];
		pfd[i].revents = 0;
	}
	l->filled = i;
	left = imsgloopi_timers_left(&l->timers);
	if (left >= 0 && (*ms < 0 || left < *ms))
		*ms = left;
	return l->n;
}

int
imsgloop_poll_handle(struct imsgloop *loop, const struct pollfd *pfd, size_t n)
{
	struct pollloop *l = pollloop_of(loop);

	if (l->turning) {
		errno = EBUSY;
		return -1;
	}
	if (n > l->filled)
		n = l->filled;
	l->filled = 0;
	return handle(l, pfd, n, -1);
}

int
imsgloop_poll_turn(struct imsgloop *loop, int ms)
{
	struct pollloop *l = pollloop_of(loop);
	int left, ready;

	if (l->turning) {
		errno = EBUSY;
		return -1;
	}
	fill_places(l);
	l->filled = 0;
	left = imsgloopi_timers_left(&l->timers);
	if (left >= 0 && (ms < 0 || left < ms))
		ms = left;
	/* With nothing to ask for, the kernel need not be asked. */
	if (ms == 0 && l->watched == 0)
		ready = 0;
	else if ((ready = poll(l->pfd, (nfds_t)l->n, ms)) == -1)
		return errno == EINTR ? 0 : -1;
	return handle(l, NULL, l->n, ready);
}

int
imsgloop_poll_run(struct imsgloop *loop)
{
	struct pollloop *l = pollloop_of(loop);
	int r = 0;

	if (l->turning) {
		errno = EBUSY;
		return -1;
	}
	l->running = 1;
	while (r != -1 && !l->stop && !l->dying &&
	    (l->watched > 0 || l->timers.set > 0))
		r = imsgloop_poll_turn(loop, -1);
	l->running = 0;
	l->stop = 0;
	if (l->dying)
		pollloop_free(l);
	return r == -1 ? -1 : 0;
}

void
imsgloop_poll_stop(struct imsgloop *loop)
{
	pollloop_of(loop)->stop = 1;
}
