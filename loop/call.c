/* SPDX-License-Identifier: ISC */
/*
 * Requests over a channel of a loop, and what ends them.
 *
 * A call is in the table until it is told how it ended, never after: who tells
 * it takes it out first.  So whatever a callback does, no call ends twice.  A
 * callback may free the whole object, so that nothing of it is touched after
 * one without a look at `dead'.
 */
#define _POSIX_C_SOURCE 200809L
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "call-int.h"

/* Deadlines that are told in one turn of the loop. */
#define CALL_BUDGET	 128
#define CALL_PENDING_MAX ((size_t)1 << 30)
#define CALL_MS		 1000000 /* nanoseconds */

int64_t
imsgcalli_now(void)
{
	struct timespec ts;

	if (clock_gettime(CLOCK_MONOTONIC, &ts) == -1)
		return 0;
	return (int64_t)ts.tv_sec * 1000 * CALL_MS + ts.tv_nsec;
}

int64_t
imsgcalli_due(int64_t now, int ms)
{
	return ms < 0 ? CALL_NEVER : now + (int64_t)ms * CALL_MS;
}

int
imsgcalli_left(int64_t now, int64_t due)
{
	int64_t ms;

	if (due == CALL_NEVER)
		return -1;
	if (due <= now)
		return 0;
	ms = (due - now - 1) / CALL_MS + 1;
	return ms > INT_MAX ? INT_MAX : (int)ms;
}

/* After this it may be gone, and must not be touched if it is dead. */
static void
call_leave(struct imsgcall *c)
{
	if (--c->busy == 0 && c->dead)
		free(c);
}

static void
call_tell(struct imsgcall *c, struct call *k, struct imsg *answer, int error)
{
	imsgcall_cb *cb = k->cb;
	void *arg = k->arg;

	imsgcalli_end(&c->table, k);
	cb(c, answer, error, arg);
}

/* The timer is set for a time not after the nearest deadline. */
static int
call_arm(struct imsgcall *c, int64_t now, int64_t due)
{
	if (due >= c->armed)
		return 0;
	if (imsgloop_set(&c->timer, 0, imsgcalli_left(now, due)) == -1)
		return -1;
	c->armed = due;
	return 0;
}

static void
call_timer(struct imsgloop_watch *w, short revents)
{
	struct imsgcall *c = w->arg;
	int64_t now = imsgcalli_now();
	int budget = CALL_BUDGET;
	struct call *k;

	(void)revents;
	c->armed = CALL_NEVER;
	c->busy++;
	while (!c->dead && (k = imsgcalli_nearest(&c->table)) != NULL &&
	    k->due <= now && budget-- > 0)
		call_tell(c, k, NULL, ETIMEDOUT);
	/* Without memory for it the next start or answer tries again. */
	if (!c->dead && (k = imsgcalli_nearest(&c->table)) != NULL)
		(void)call_arm(c, imsgcalli_now(), k->due);
	call_leave(c);
}

/* A message of the channel; what is not a call's goes to the handler. */
static int
call_message(struct imsgloop_hook *hook, struct imsg *m)
{
	struct imsgcall *c = (struct imsgcall *)hook;
	uint32_t number = m->hdr.peerid;
	struct call *k;

	if (number == 0 || (number & 0x80000000U) != c->table.half)
		return 0;
	/* Too late, or never asked for. */
	if ((k = imsgcalli_find(&c->table, number)) == NULL)
		return 1;
	c->busy++;
	call_tell(c, k, m, imsgcall_error(m));
	if (!c->dead && c->armed == CALL_NEVER &&
	    (k = imsgcalli_nearest(&c->table)) != NULL)
		(void)call_arm(c, imsgcalli_now(), k->due);
	call_leave(c);
	return 1;
}

static void
call_ended(struct imsgloop_hook *hook, int why, int error)
{
	struct imsgcall *c = (struct imsgcall *)hook;

	if (why != IMSGLOOP_ERROR || error == 0)
		error = EPIPE;
	c->busy++;
	while (!c->dead && c->table.first != NULL)
		call_tell(c, c->table.first, NULL, error);
	call_leave(c);
}

static void
call_gone(struct imsgloop_hook *hook)
{
	struct imsgcall *c = (struct imsgcall *)hook;
	int saved = errno;

	c->dead = 1;
	imsgloop_unwatch(&c->timer);
	imsgcalli_table_clear(&c->table);
	c->busy++;
	call_leave(c);
	errno = saved;
}

/* What the peer, who sees the numbers, cannot tell. */
static uint32_t
call_key(const struct imsgcall *c)
{
	uint64_t mix = (uint64_t)imsgcalli_now() * 0x9e3779b97f4a7c15U;

	mix ^= (uint64_t)(uintptr_t)c ^ (uint64_t)getpid() << 40;
	mix *= 0x9e3779b97f4a7c15U;
	return (uint32_t)(mix >> 32);
}

struct imsgcall *
imsgcall_new(struct imsgloop_chan *chan, int which)
{
	struct imsgcall *c;

	if (which != IMSGCALL_LOWER && which != IMSGCALL_UPPER) {
		errno = EINVAL;
		return NULL;
	}
	if (imsgloopi_hook(chan) != NULL) {
		errno = EBUSY;
		return NULL;
	}
	if ((c = calloc(1, sizeof(*c))) == NULL)
		return NULL;
	if (imsgloop_watch(
		imsgloop_loop(chan), &c->timer, -1, call_timer, c) == -1) {
		int saved = errno;

		free(c);
		errno = saved;
		return NULL;
	}
	imsgcalli_table_init(&c->table,
	    which == IMSGCALL_UPPER ? 0x80000000U : 0, call_key(c));
	c->chan = chan;
	c->armed = CALL_NEVER;
	c->max = IMSGCALL_PENDING;
	c->hook.message = call_message;
	c->hook.ended = call_ended;
	c->hook.gone = call_gone;
	imsgloopi_set_hook(chan, &c->hook);
	return c;
}

void
imsgcall_free(struct imsgcall *c)
{
	if (c == NULL)
		return;
	imsgloopi_set_hook(c->chan, NULL);
	call_gone(&c->hook);
}

uint32_t
imsgcall_start(struct imsgcall *c, uint32_t type, int fd, const void *data,
    size_t len, int ms, imsgcall_cb *cb, void *arg)
{
	int64_t now = ms < 0 ? 0 : imsgcalli_now();
	struct call *k;

	if (c->table.n >= c->max) {
		errno = EAGAIN;
		return 0;
	}
	if ((k = imsgcalli_make(&c->table, imsgcalli_due(now, ms))) == NULL)
		return 0;
	if (call_arm(c, now, k->due) == -1 ||
	    imsgloop_compose(c->chan, type, k->number, 0, fd, data, len) == -1) {
		imsgcalli_drop(&c->table, k);
		return 0;
	}
	k->cb = cb;
	k->arg = arg;
	imsgcalli_add(&c->table, k);
	return k->number;
}

int
imsgcall_cancel(struct imsgcall *c, uint32_t number)
{
	struct call *k = imsgcalli_find(&c->table, number);

	if (k == NULL) {
		errno = ENOENT;
		return -1;
	}
	imsgcalli_end(&c->table, k);
	return 0;
}

int
imsgcall_set_pending(struct imsgcall *c, size_t max)
{
	if (max < 1 || max > CALL_PENDING_MAX) {
		errno = EINVAL;
		return -1;
	}
	c->max = max;
	return 0;
}

size_t
imsgcall_pending(const struct imsgcall *c)
{
	return c->table.n;
}
