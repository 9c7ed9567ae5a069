/* SPDX-License-Identifier: ISC */
/*
 * imsg_loop(3) in the event loop of libuv: to be copied into a program.
 *
 * A handle of libuv stays in use until its close callback, which comes in a
 * later turn, so that the memory for a watch lives a little longer than the
 * watch.  Before uv_loop_close() the loop has to run until that is done.
 */
#ifndef EXAMPLES_LOOP_UV_H
#define EXAMPLES_LOOP_UV_H

#include <errno.h>
#include <stdlib.h>

#include <uv.h>

#include <imsg_loop.h>

struct loop_uv {
	struct imsgloop loop; /* first */
	uv_loop_t *uv;
};

struct loop_uv_watch {
	struct imsgloop_watch *w; /* NULL: out of the loop */
	uv_poll_t poll;
	uv_timer_t timer;
	uv_check_t soon; /* after the descriptors had their turn ... */
	uv_idle_t awake; /* ... in which libuv must not wait */
	int open;	 /* handles that are not closed */
};

static inline void
loop_uv_on_close(uv_handle_t *h)
{
	struct loop_uv_watch *u = h->data;

	if (--u->open == 0)
		free(u);
}

static inline void loop_uv_on_poll(uv_poll_t *p, int status, int events);

static inline int
loop_uv_start(struct loop_uv_watch *u, short events)
{
	int want = 0, r;

	if (events & POLLIN)
		want |= UV_READABLE;
	if (events & POLLOUT)
		want |= UV_WRITABLE;
	if (want == 0)
		r = uv_poll_stop(&u->poll);
	else
		r = uv_poll_start(&u->poll, want, loop_uv_on_poll);
	if (r == 0)
		return 0;
	errno = -r;
	return -1;
}

/*
 * After an error libuv has stopped; what is still asked for is started anew, or
 * told this once.
 */
static inline void
loop_uv_on_poll(uv_poll_t *p, int status, int events)
{
	struct loop_uv_watch *u = p->data;
	struct imsgloop_watch *w = u->w;
	short revents = 0;

	if (events & UV_READABLE)
		revents |= POLLIN;
	if (events & UV_WRITABLE)
		revents |= POLLOUT;
	revents &= w->events;
	if (status < 0) {
		revents = w->events;
		if (loop_uv_start(u, w->events) == -1)
			w->events = 0;
	}
	if (revents != 0)
		imsgloop_ready(w, revents);
}

static inline void
loop_uv_on_timer(uv_timer_t *t)
{
	struct loop_uv_watch *u = t->data;

	imsgloop_ready(u->w, 0);
}

static inline void
loop_uv_on_soon(uv_check_t *c)
{
	struct loop_uv_watch *u = c->data;

	(void)uv_check_stop(&u->soon);
	(void)uv_idle_stop(&u->awake);
	imsgloop_ready(u->w, 0);
}

static inline void
loop_uv_on_idle(uv_idle_t *i)
{
	(void)i;
}

static inline int
loop_uv_add(struct imsgloop *loop, struct imsgloop_watch *w)
{
	struct loop_uv *l = (struct loop_uv *)loop;
	struct loop_uv_watch *u;
	int r;

	if ((u = calloc(1, sizeof(*u))) == NULL)
		return -1;
	if (w->fd >= 0 && (r = uv_poll_init(l->uv, &u->poll, w->fd)) != 0) {
		free(u);
		errno = -r;
		return -1;
	}
	/* These cannot fail. */
	(void)uv_timer_init(l->uv, &u->timer);
	(void)uv_check_init(l->uv, &u->soon);
	(void)uv_idle_init(l->uv, &u->awake);
	u->poll.data = u->timer.data = u->soon.data = u->awake.data = u;
	u->open = w->fd >= 0 ? 4 : 3;
	u->w = w;
	w->impl = u;
	return 0;
}

static inline int
loop_uv_set(
    struct imsgloop *loop, struct imsgloop_watch *w, short events, int ms)
{
	struct loop_uv *l = (struct loop_uv *)loop;
	struct loop_uv_watch *u = w->impl;

	if (w->fd >= 0 && events != w->events) {
		if (loop_uv_start(u, events) == -1)
			return -1;
		w->events = events;
	}
	(void)uv_timer_stop(&u->timer);
	(void)uv_check_stop(&u->soon);
	(void)uv_idle_stop(&u->awake);
	if (ms == 0) {
		(void)uv_check_start(&u->soon, loop_uv_on_soon);
		(void)uv_idle_start(&u->awake, loop_uv_on_idle);
	} else if (ms > 0) {
		/* From now, not from when the turn began; never too early. */
		uv_update_time(l->uv);
		(void)uv_timer_start(
		    &u->timer, loop_uv_on_timer, (uint64_t)ms + 1, 0);
	}
	return 0;
}

static inline void
loop_uv_del(struct imsgloop *loop, struct imsgloop_watch *w)
{
	struct loop_uv_watch *u = w->impl;

	(void)loop;
	u->w = NULL;
	w->impl = NULL;
	if (w->fd >= 0)
		uv_close((uv_handle_t *)&u->poll, loop_uv_on_close);
	uv_close((uv_handle_t *)&u->timer, loop_uv_on_close);
	uv_close((uv_handle_t *)&u->soon, loop_uv_on_close);
	uv_close((uv_handle_t *)&u->awake, loop_uv_on_close);
}

static inline void
loop_uv_init(struct loop_uv *l, uv_loop_t *uv)
{
	static const struct imsgloop_ops ops = { loop_uv_add, loop_uv_set,
		loop_uv_del };

	l->loop.ops = &ops;
	l->uv = uv;
}

#endif
