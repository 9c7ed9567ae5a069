/* SPDX-License-Identifier: ISC */
/*
 * imsg_loop(3) in the event loop of systemd, sd-event(3): to be copied into a
 * program.
 *
 * sd-event calls one source in a turn, the one that has waited longest.  A
 * source of sd_event_add_defer() counts as waiting since it was made, so that
 * one that is used again and again would starve all others; a time that is over
 * does not.
 */
#ifndef EXAMPLES_LOOP_SDEVENT_H
#define EXAMPLES_LOOP_SDEVENT_H

#include <sys/epoll.h>
#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include <systemd/sd-event.h>

#include <imsg_loop.h>

struct loop_sdevent {
	struct imsgloop loop; /* first */
	sd_event *e;
};

struct loop_sdevent_watch {
	sd_event_source *io; /* NULL: time only */
	sd_event_source *timer;
};

static inline int
loop_sdevent_on_io(sd_event_source *s, int fd, uint32_t got, void *arg)
{
	struct imsgloop_watch *w = arg;
	short revents = 0;

	(void)s;
	(void)fd;
	if (got & EPOLLIN)
		revents |= POLLIN;
	if (got & EPOLLOUT)
		revents |= POLLOUT;
	/* An end concerns whoever waits, for whichever of the two. */
	if (got & (EPOLLHUP | EPOLLERR))
		revents |= w->events;
	imsgloop_ready(w, revents);
	return 0;
}

static inline int
loop_sdevent_on_timer(sd_event_source *s, uint64_t usec, void *arg)
{
	(void)s;
	(void)usec;
	imsgloop_ready(arg, 0);
	return 0;
}

static inline uint64_t
loop_sdevent_in(int ms)
{
	struct timespec ts;

	/* Long over, it is found in the next turn, behind the others. */
	if (ms == 0)
		return 1;
	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000 +
	    (uint64_t)ms * 1000 + 1;
}

static inline void
loop_sdevent_del(struct imsgloop *loop, struct imsgloop_watch *w)
{
	struct loop_sdevent_watch *d = w->impl;

	(void)loop;
	(void)sd_event_source_disable_unref(d->io);
	(void)sd_event_source_disable_unref(d->timer);
	free(d);
	w->impl = NULL;
}

static inline int
loop_sdevent_add(struct imsgloop *loop, struct imsgloop_watch *w)
{
	sd_event *e = ((struct loop_sdevent *)loop)->e;
	struct loop_sdevent_watch *d;
	int r = 0;

	if ((d = calloc(1, sizeof(*d))) == NULL)
		return -1;
	if (w->fd >= 0)
		r = sd_event_add_io(
		    e, &d->io, w->fd, EPOLLIN, loop_sdevent_on_io, w);
	if (r >= 0 && d->io != NULL)
		r = sd_event_source_set_enabled(d->io, SD_EVENT_OFF);
	if (r >= 0)
		r = sd_event_add_time(e, &d->timer, CLOCK_MONOTONIC, 0, 1,
		    loop_sdevent_on_timer, w);
	if (r >= 0)
		r = sd_event_source_set_enabled(d->timer, SD_EVENT_OFF);
	w->impl = d;
	if (r >= 0)
		return 0;
	loop_sdevent_del(loop, w);
	errno = -r;
	return -1;
}

/* Off for no events, as a source that is on reports hang-ups all the same. */
static inline int
loop_sdevent_events(struct imsgloop_watch *w, short events)
{
	struct loop_sdevent_watch *d = w->impl;
	uint32_t want = 0;
	int r = 0;

	if (events & POLLIN)
		want |= EPOLLIN;
	if (events & POLLOUT)
		want |= EPOLLOUT;
	if (want != 0)
		r = sd_event_source_set_io_events(d->io, want);
	if (r >= 0)
		r = sd_event_source_set_enabled(
		    d->io, want != 0 ? SD_EVENT_ON : SD_EVENT_OFF);
	if (r >= 0)
		w->events = events;
	return r;
}

static inline int
loop_sdevent_set(
    struct imsgloop *loop, struct imsgloop_watch *w, short events, int ms)
{
	struct loop_sdevent_watch *d = w->impl;
	int r = 0;

	(void)loop;
	if (d->io != NULL && events != w->events)
		r = loop_sdevent_events(w, events);
	if (r >= 0 && ms >= 0)
		r = sd_event_source_set_time(d->timer, loop_sdevent_in(ms));
	if (r >= 0)
		r = sd_event_source_set_enabled(
		    d->timer, ms >= 0 ? SD_EVENT_ONESHOT : SD_EVENT_OFF);
	if (r >= 0)
		return 0;
	errno = -r;
	return -1;
}

static inline void
loop_sdevent_init(struct loop_sdevent *l, sd_event *e)
{
	static const struct imsgloop_ops ops = { loop_sdevent_add,
		loop_sdevent_set, loop_sdevent_del };

	l->loop.ops = &ops;
	l->e = e;
}

#endif
