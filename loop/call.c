/* SPDX-License-Identifier: ISC */
/*
 * Requests over a channel of a loop, and what ends them.
 *
 * A call is in the table until it is told how it ended, never after: who tells
 * it takes it out first.  So whatever a callback does, no call ends twice.  A
 * callback may free the whole object, so that nothing of it is touched after
 * one without a look at `dead'.
 */
#include "feature.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "call-int.h"

/* Deadlines that are told in one turn of the loop. */
#define CALL_BUDGET	 128
#define CALL_PENDING_MAX ((size_t)1 << 30)

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

/*
 * Sets the timer for due or, if that comes first, the nearest deadline.  It is
 * never put off: when it comes too early it is set anew.
 */
static int
call_arm(struct imsgcall *c, int64_t due)
{
	struct call *k = imsgcalli_nearest(&c->table);

	if (k != NULL && k->due < due)
		due = k->due;
	if (due >= c->armed)
		return 0;
	if (imsgloop_set(&c->timer, 0, imsgloopi_left(imsgloopi_now(), due)) ==
	    -1)
		return -1;
	c->armed = due;
	return 0;
}

static void
call_timer(struct imsgloop_watch *w, short revents)
{
	struct imsgcall *c = w->arg;
	int64_t now = imsgloopi_now();
	int budget = CALL_BUDGET;
	struct call *k;

	(void)revents;
	c->armed = CALL_NEVER;
	c->busy++;
	while (!c->dead && (k = imsgcalli_nearest(&c->table)) != NULL &&
	    k->due <= now && budget-- > 0)
		call_tell(c, k, NULL, ETIMEDOUT);
	/* If the loop cannot, the next start or answer tries again. */
	if (!c->dead)
		(void)call_arm(c, CALL_NEVER);
	call_leave(c);
}

/* A message of the channel; what is not a call's goes to the handler. */
static int
call_message(struct imsgcall *c, struct imsg *m)
{
	uint32_t number = m->hdr.peerid;
	struct call *k;

	if (number == 0 || (number & CALL_HALF) != c->table.half)
		return 0;
	/* Too late, or never asked for. */
	if ((k = imsgcalli_find(&c->table, number)) == NULL)
		return 1;
	c->busy++;
	call_tell(c, k, m, imsgcall_error(m));
	if (!c->dead)
		(void)call_arm(c, CALL_NEVER);
	call_leave(c);
	return 1;
}

int
imsgcalli_end_error(int why, int error)
{
	if (why != IMSGLOOP_ERROR || error == ECONNRESET || error == 0)
		return EPIPE;
	return error;
}

static void
call_ended(struct imsgcall *c, int why, int error)
{
	c->busy++;
	while (!c->dead && c->table.first != NULL)
		call_tell(
		    c, c->table.first, NULL, imsgcalli_end_error(why, error));
	call_leave(c);
}

/* The channel is gone, or the program wants no more calls. */
static void
call_gone(struct imsgcall *c)
{
	int saved = errno;

	c->dead = 1;
	imsgloop_unwatch(&c->timer);
	imsgcalli_table_clear(&c->table);
	c->busy++;
	call_leave(c);
	errno = saved;
}

static const struct imsgloopi_hooks call_hooks = { call_message, call_ended,
	call_gone };

/* What the peer, who sees the numbers, cannot tell. */
static uint32_t
call_key(const struct imsgcall *c)
{
	uint64_t mix = (uint64_t)imsgloopi_now() * 0x9e3779b97f4a7c15U;

	mix ^= (uint64_t)(uintptr_t)c ^ (uint64_t)getpid() << 40;
	mix *= 0x9e3779b97f4a7c15U;
	return (uint32_t)(mix >> 32);
}

static int
call_init(struct imsgcall *c, struct imsgloop_chan *chan, int which)
{
	if (imsgloopi_hold_room(chan) == -1 ||
	    imsgloop_watch(imsgloop_loop(chan), &c->timer, -1, call_timer, c) ==
		-1)
		return -1;
	imsgcalli_table_init(
	    &c->table, which == IMSGCALL_UPPER ? CALL_HALF : 0, call_key(c));
	if (chan->last_call[which] != 0)
		c->table.last_number = chan->last_call[which];
	c->chan = chan;
	c->armed = CALL_NEVER;
	c->max = IMSGCALL_PENDING;
	chan->hooks = &call_hooks;
	chan->call = c;
	return 0;
}

struct imsgcall *
imsgcall_new(struct imsgloop_chan *chan, int which)
{
	struct imsgcall *c;
	int saved;

	if (which != IMSGCALL_LOWER && which != IMSGCALL_UPPER) {
		errno = EINVAL;
		return NULL;
	}
	if (chan->call != NULL) {
		errno = EBUSY;
		return NULL;
	}
	if ((c = calloc(1, sizeof(*c))) == NULL)
		return NULL;
	if (call_init(c, chan, which) == -1) {
		saved = errno;
		free(c);
		errno = saved;
		return NULL;
	}
	return c;
}

void
imsgcall_free(struct imsgcall *c)
{
	if (c == NULL)
		return;
	/* Its answers may be under way: those of others have other numbers. */
	c->chan->last_call[c->table.half != 0] = c->table.last_number;
	c->chan->call = NULL;
	call_gone(c);
}

uint32_t
imsgcall_start(struct imsgcall *c, uint32_t type, int fd, const void *data,
    size_t len, int ms, imsgcall_cb *cb, void *arg)
{
	int64_t due = ms < 0 ? CALL_NEVER : imsgloopi_in(ms);
	struct call *k;

	if (c->table.n >= c->max) {
		errno = EAGAIN;
		return 0;
	}
	if ((k = imsgcalli_make(&c->table, due)) == NULL)
		return 0;
	if (call_arm(c, due) == -1 ||
	    imsgloop_compose(c->chan, type, k->number, 0, fd, data, len) ==
		-1) {
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
