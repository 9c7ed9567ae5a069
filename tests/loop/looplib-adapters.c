/* SPDX-License-Identifier: ISC */
/*
 * Every loop that the tests run in, with one turn of each.
 */
#include "looplib.h"

static struct imsgloop *poll_loop;

static struct imsgloop *
poll_open(void)
{
	return poll_loop = imsgloop_poll_new();
}

static void
poll_turn(int ms)
{
	assert_int_not_equal(imsgloop_poll_turn(poll_loop, ms), -1);
}

static void
poll_shut(void)
{
	imsgloop_poll_free(poll_loop);
}

/* As a program does that has a poll(2) of its own. */
static void
own_turn(int ms)
{
	static struct pollfd *pfd;
	static size_t room;
	size_t n;
	int wait = ms;

	while ((n = imsgloop_poll_fill(poll_loop, pfd, room, &wait)) > room) {
		free(pfd);
		room = n;
		assert_non_null(pfd = calloc(room, sizeof(*pfd)));
		wait = ms;
	}
	assert_int_not_equal(poll(pfd, (nfds_t)n, wait), -1);
	assert_int_not_equal(imsgloop_poll_handle(poll_loop, pfd, n), -1);
	free(pfd);
	pfd = NULL;
	room = 0;
}

#ifdef HAVE_LIBEVENT
#include <imsg_loop_event.h>

static struct event_base *base;
static struct imsgloop *event_loop;

static struct imsgloop *
event_open(void)
{
	assert_non_null(base = event_base_new());
	return event_loop = imsgloop_event_new(base);
}

static void
event_wake(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
}

static void
event_turn(int ms)
{
	struct timeval tv = { ms / 1000, ms % 1000 * 1000 };
	struct event *ev;

	if (ms == 0) {
		assert_int_not_equal(
		    event_base_loop(base, EVLOOP_NONBLOCK), -1);
		return;
	}
	ev = event_new(base, -1, 0, event_wake, NULL);
	assert_non_null(ev);
	assert_int_equal(event_add(ev, &tv), 0);
	assert_int_not_equal(event_base_loop(base, EVLOOP_ONCE), -1);
	event_free(ev);
}

static void
event_shut(void)
{
	imsgloop_event_free(event_loop);
	event_base_free(base);
}
#endif

#ifdef HAVE_LIBUV
#include "../../examples/loop-uv.h"

static uv_loop_t uv;
static uv_timer_t uv_limit;
static struct loop_uv uv_adapter;

static struct imsgloop *
uv_open(void)
{
	assert_int_equal(uv_loop_init(&uv), 0);
	assert_int_equal(uv_timer_init(&uv, &uv_limit), 0);
	loop_uv_init(&uv_adapter, &uv);
	return &uv_adapter.loop;
}

static void
uv_wake(uv_timer_t *t)
{
	(void)t;
}

static void
uv_turn(int ms)
{
	if (ms > 0) {
		uv_update_time(&uv);
		(void)uv_timer_start(&uv_limit, uv_wake, (uint64_t)ms, 0);
	}
	(void)uv_run(&uv, ms > 0 ? UV_RUN_ONCE : UV_RUN_NOWAIT);
	(void)uv_timer_stop(&uv_limit);
}

static void
uv_shut(void)
{
	uv_close((uv_handle_t *)&uv_limit, NULL);
	while (uv_run(&uv, UV_RUN_NOWAIT) != 0)
		continue;
	assert_int_equal(uv_loop_close(&uv), 0);
}
#endif

#ifdef HAVE_SDEVENT
#include "../../examples/loop-sdevent.h"

static sd_event *sd;
static struct loop_sdevent sd_adapter;

static struct imsgloop *
sd_open(void)
{
	assert_true(sd_event_new(&sd) >= 0);
	loop_sdevent_init(&sd_adapter, sd);
	return &sd_adapter.loop;
}

static void
sd_turn(int ms)
{
	assert_true(sd_event_run(sd, (uint64_t)ms * 1000) >= 0);
}

static void
sd_shut(void)
{
	sd = sd_event_unref(sd);
}
#endif

const struct l_adapter l_adapters[] = {
	{ "poll", 1, poll_open, poll_turn, poll_shut },
	{ "own poll(2)", 1, poll_open, own_turn, poll_shut },
#ifdef HAVE_LIBEVENT
	{ "libevent", 0, event_open, event_turn, event_shut },
#endif
#ifdef HAVE_LIBUV
	{ "libuv", 0, uv_open, uv_turn, uv_shut },
#endif
#ifdef HAVE_SDEVENT
	{ "sd-event", 0, sd_open, sd_turn, sd_shut },
#endif
};
const size_t l_nadapters = sizeof(l_adapters) / sizeof(l_adapters[0]);
