/* SPDX-License-Identifier: ISC */
/*
 * A turn of a channel: reading and writing are in chan-io.c; then it has ended,
 * or the loop is told what to wait for, if that is another thing than before.
 *
 * A channel that goes in one of its callbacks stays in memory until its turn is
 * over.
 */
#include "feature.h"

#include <errno.h>
#include <poll.h>

#include "loop-int.h"

/* Turns after a write has failed before a peer that goes on is left. */
#define LAST_READS 1024

int
imsgloopi_kick(struct imsgloop_chan *c)
{
	if (c->state & (CHAN_BUSY | CHAN_SOON | CHAN_ENDED))
		return 0;
	if (imsgloop_set(&c->watch, c->events, 0) == -1)
		return -1;
	c->state |= CHAN_SOON;
	return 0;
}

/* The last of the channel. */
static void
chan_end(struct imsgloop_chan *c, int why, int error)
{
	c->state |= CHAN_ENDED;
	imsgloop_unwatch(&c->watch);
	if (c->call != NULL)
		c->hooks->ended(c->call, why, error);
	if (!(c->state & CHAN_GONE))
		c->cb->ended(c, why, error, c->arg);
	imsgloopi_drop_call(c);
	imsgloopi_release(c);
	c->state |= CHAN_GONE;
}

/* After a write has failed: is what has come read?  Then it ends. */
static void
last_reads(struct imsgloop_chan *c)
{
	if (c->write_error == 0 || c->why != 0 || (c->state & CHAN_MORE))
		return;
	if (c->last_reads++ < LAST_READS &&
	    imsgloopi_anything_there(c->buf) == 1)
		c->state |= CHAN_READ;
	else
		imsgloopi_note_end(c, IMSGLOOP_ERROR, c->write_error);
}

/* imsgloop_close(): 1 if that is done, and with which error. */
static int
close_done(struct imsgloop_chan *c, int *error)
{
	*error = c->write_error;
	if (*error != 0 || imsgbuf_queuelen(c->buf) == 0)
		return 1;
	/* Only a descriptor without a byte to ride on is left. */
	if (!(imsgbuf_events(c->buf) & POLLOUT)) {
		*error = EINVAL;
		return 1;
	}
	*error = ETIMEDOUT;
	return c->close_by >= 0 && imsgloopi_now() >= c->close_by;
}

/*
 * Paused, and the end is known: does a message come before it?  To be asked
 * that, the imsgbuf has to give it.
 */
static void
look_for_message(struct imsgloop_chan *c)
{
	struct imsg m;

	if (c->held_bytes > 0 || imsgloopi_hold_room(c) == -1)
		return;
	switch (imsgbuf_get(c->buf, &m)) {
	case 1:
		imsgloopi_hold(c, &m);
		break;
	case 0:
		c->state &= ~CHAN_MORE;
		break;
	}
}

static int
chan_is_over(struct imsgloop_chan *c, int *why, int *error)
{
	*why = IMSGLOOP_CLOSED;
	if (c->state & CHAN_CLOSED)
		return close_done(c, error);
	last_reads(c);
	if (c->why != 0 && (c->state & CHAN_PAUSED) && (c->state & CHAN_MORE))
		look_for_message(c);
	*why = c->why;
	*error = c->error;
	return c->why != 0 && !(c->state & CHAN_MORE);
}

/* What to wait for; *soon: something can go on without any of it. */
static short
wanted(struct imsgloop_chan *c, int *soon)
{
	const unsigned int state = c->state;
	short events = imsgbuf_events(c->buf);
	int more = (state & (CHAN_MORE | CHAN_PAUSED)) == CHAN_MORE;

	*soon = 0;
	if (state & CHAN_CLOSED || c->why != 0 || c->read_at >= 0) {
		*soon = more && !(state & CHAN_CLOSED) && c->read_at < 0;
		events &= ~POLLIN;
	} else if (more || (state & CHAN_READ)) {
		*soon = 1;
		events &= ~POLLIN;
	} else if (!(events & POLLIN) && !(state & CHAN_MORE)) {
		/* No limit is reached: it has ended or failed unnoticed. */
		c->state |= CHAN_READ;
		*soon = 1;
	}
	if ((events & POLLOUT) && c->write_error == 0 && !(state & CHAN_UNSENT))
		*soon = 1;
	if (c->write_at >= 0 || c->write_error != 0 || !(state & CHAN_UNSENT))
		events &= ~POLLOUT;
	return events;
}

static int64_t
earlier(int64_t a, int64_t b)
{
	if (a < 0 || b < 0)
		return a < 0 ? b : a;
	return a < b ? a : b;
}

/* Asks the loop, if that is another thing than it was asked before. */
static int
chan_arm(struct imsgloop_chan *c)
{
	int64_t due, now;
	short events;
	int soon, ms = -1;

	events = wanted(c, &soon);
	due = earlier(c->read_at, c->write_at);
	if (c->state & CHAN_CLOSED)
		due = earlier(due, c->close_by);
	if (soon)
		due = -1;
	if (!soon && !(c->state & CHAN_SOON) && events == c->events &&
	    due == c->due)
		return 0;
	if (due >= 0) {
		now = imsgloopi_now();
		/* 0 is for soon alone. */
		ms = due <= now ? 1 : imsgloopi_left(now, due);
	}
	if (imsgloop_set(&c->watch, events, soon ? 0 : ms) == -1)
		return -1;
	c->events = events;
	c->due = due;
	c->state &= ~CHAN_SOON;
	if (soon)
		c->state |= CHAN_SOON;
	return 0;
}

/* Nothing more is to be said until chan_arm(). */
static void
chan_disarm(struct imsgloop_chan *c)
{
	if (c->state & CHAN_ENDED || imsgloop_set(&c->watch, 0, -1) == -1)
		return;
	c->events = 0;
	c->due = -1;
	c->state &= ~CHAN_SOON;
}

void
imsgloopi_turn(struct imsgloop_watch *w, short revents)
{
	struct imsgloop_chan *c = w->arg;
	int why, error;

	/* The time is over, whichever it was. */
	if (revents == 0) {
		c->state &= ~CHAN_SOON;
		c->due = -1;
	}
	/* In a loop within a handler: the turn around it sees to the rest. */
	if (c->state & CHAN_BUSY) {
		chan_disarm(c);
		return;
	}
	c->state |= CHAN_BUSY;
	imsgloopi_receive(c, revents);
	if (!(c->state & CHAN_ENDED))
		imsgloopi_send(c, revents);
	if (!(c->state & CHAN_ENDED)) {
		if (chan_is_over(c, &why, &error))
			chan_end(c, why, error);
		else if (chan_arm(c) == -1)
			chan_end(c, IMSGLOOP_ERROR, errno);
	}
	c->state &= ~CHAN_BUSY;
	if (c->state & CHAN_GONE)
		imsgloopi_free(c);
}
