/* SPDX-License-Identifier: ISC */
/*
 * imsg_loop_event - imsg_loop(3) in the event loop of libevent 2.
 *
 * Only this header, so that libimsg-loop does not depend on libevent.  Link
 * with libimsg-loop and with libevent or libevent_core, 2.0 or later.
 *
 * imsgloop_event_new: a loop on base, which stays the program's: it dispatches
 *	and, at the end, frees it.  NULL with ENOMEM.
 * imsgloop_event_free: with nothing in it any more, before base is freed.  NULL:
 *	nothing.
 */
/* clang-format off */
#ifndef LIBIMSG_IMSG_LOOP_EVENT_H
#define LIBIMSG_IMSG_LOOP_EVENT_H

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

#include <event2/event.h>

#include <imsg_loop.h>

struct imsgloop_event {
	struct imsgloop		 loop;	/* first */
	struct event_base	*base;
};

/* In one block of memory: this and three of libevent's, whatever their size. */
struct imsgloop_event_watch {
	struct event	*in;
	struct event	*out;
	struct event	*timer;
};

static inline void
imsgloop_event_on_in(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	imsgloop_ready((struct imsgloop_watch *)arg, POLLIN);
}

static inline void
imsgloop_event_on_out(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	imsgloop_ready((struct imsgloop_watch *)arg, POLLOUT);
}

static inline void
imsgloop_event_on_timer(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	imsgloop_ready((struct imsgloop_watch *)arg, 0);
}

static inline int
imsgloop_event_add(struct imsgloop *loop, struct imsgloop_watch *w)
{
	struct event_base *base = ((struct imsgloop_event *)(void *)loop)->base;
	size_t size = event_get_struct_event_size();
	struct imsgloop_event_watch *e;
	char *p;

	/* 64: sizeof(*e), rounded up to what any structure is aligned to */
	if ((p = (char *)calloc(1, 64 + 3 * size)) == NULL)
		return -1;
	e = (struct imsgloop_event_watch *)(void *)p;
	e->in = (struct event *)(void *)(p + 64);
	e->out = (struct event *)(void *)(p + 64 + size);
	e->timer = (struct event *)(void *)(p + 64 + 2 * size);
	if (event_assign(e->in, base, w->fd, EV_READ | EV_PERSIST,
	    imsgloop_event_on_in, w) == -1 ||
	    event_assign(e->out, base, w->fd, EV_WRITE | EV_PERSIST,
	    imsgloop_event_on_out, w) == -1 ||
	    event_assign(e->timer, base, -1, 0, imsgloop_event_on_timer,
	    w) == -1) {
		free(p);
		errno = EINVAL;
		return -1;
	}
	w->impl = e;
	return 0;
}

/* Whether ev is waited for. */
static inline int
imsgloop_event_switch(struct event *ev, int on)
{
	return on ? event_add(ev, NULL) : event_del(ev);
}

/* A time of 0 is over in the next turn, behind the descriptors. */
static inline int
imsgloop_event_time(struct event_base *base, struct event *timer, int ms)
{
	struct timeval tv;

	if (ms < 0)
		return event_del(timer);
	tv.tv_sec = ms / 1000;
	tv.tv_usec = ms % 1000 * 1000;
#if LIBEVENT_VERSION_NUMBER >= 0x02010100
	/* From now, not from when the turn began. */
	if (ms > 0)
		(void)event_base_update_cache_time(base);
#else
	(void)base;
#endif
	return event_add(timer, &tv);
}

static inline int
imsgloop_event_set(struct imsgloop *loop, struct imsgloop_watch *w,
    short events, int ms)
{
	struct event_base *base = ((struct imsgloop_event *)(void *)loop)->base;
	struct imsgloop_event_watch *e =
	    (struct imsgloop_event_watch *)w->impl;
	short change = 0;

	if (w->fd >= 0)
		change = (short)((events ^ w->events) & (POLLIN | POLLOUT));
	errno = ENOMEM;
	if ((change & POLLIN) &&
	    imsgloop_event_switch(e->in, events & POLLIN) == -1)
		return -1;
	if (((change & POLLOUT) &&
	    imsgloop_event_switch(e->out, events & POLLOUT) == -1) ||
	    imsgloop_event_time(base, e->timer, ms) == -1) {
		if (change & POLLIN)
			(void)imsgloop_event_switch(e->in, w->events & POLLIN);
		if (change & POLLOUT)
			(void)imsgloop_event_switch(e->out,
			    w->events & POLLOUT);
		return -1;
	}
	w->events = (short)(w->events ^ change);
	return 0;
}

static inline void
imsgloop_event_del(struct imsgloop *loop, struct imsgloop_watch *w)
{
	struct imsgloop_event_watch *e =
	    (struct imsgloop_event_watch *)w->impl;

	(void)loop;
	(void)event_del(e->in);
	(void)event_del(e->out);
	(void)event_del(e->timer);
	event_debug_unassign(e->in);
	event_debug_unassign(e->out);
	event_debug_unassign(e->timer);
	free(e);
	w->impl = NULL;
}

static inline struct imsgloop *
imsgloop_event_new(struct event_base *base)
{
	static const struct imsgloop_ops ops = { imsgloop_event_add,
	    imsgloop_event_set, imsgloop_event_del };
	struct imsgloop_event *l;

	l = (struct imsgloop_event *)calloc(1, sizeof(*l));
	if (l == NULL)
		return NULL;
	l->loop.ops = &ops;
	l->base = base;
	return &l->loop;
}

static inline void
imsgloop_event_free(struct imsgloop *loop)
{
	free((struct imsgloop_event *)(void *)loop);
}

#endif
