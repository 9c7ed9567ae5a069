/* SPDX-License-Identifier: ISC */
/*
 * A turn of a channel: read once, hand out messages up to the budget, write
 * once what they queued, and tell the loop what to wait for.
 *
 * Every callback may detach the channel, close it, pause it: after each one its
 * state is looked at again, and its memory stays until the turn is over.
 * Nothing here waits, and nothing that a peer can do makes the loop spin: tries
 * that come to nothing are made again after a while.
 */
#include "feature.h"

#include <sys/socket.h>
#include <errno.h>
#include <poll.h>

#include "loop-int.h"

/* In a turn, at most; and turns without another, after one was in vain. */
#define READS 4
#define VAIN  16
/* Reads without a message after which the kernel is asked what is there. */
#define IDLE_READS 16
/* Until the next try, in milliseconds: the longest, and without memory. */
#define BACKOFF_MAX 50
#define RETRY_MS    20
/* Reads after a write has failed, before a peer that goes on is left. */
#define LAST_READS 4096

/* No more messages are handed out. */
#define CHAN_STOP (CHAN_ENDED | CHAN_CLOSED | CHAN_PAUSED)

/* 1, 2, 4 ... milliseconds from now. */
static int64_t
backoff_at(unsigned int tries)
{
	int ms = tries < 6 ? 1 << tries : BACKOFF_MAX;

	return imsgloopi_in(ms < BACKOFF_MAX ? ms : BACKOFF_MAX);
}

/* The first reason counts; a write that failed came before what a read says. */
static void
note_end(struct imsgloop_chan *c, int why, int error)
{
	if (c->why != 0)
		return;
	c->why = c->write_error != 0 ? IMSGLOOP_ERROR : why;
	c->error = c->write_error != 0 ? c->write_error : error;
	c->state &= ~CHAN_READ;
}

static void
note_eof(struct imsgloop_chan *c)
{
	if (imsgbuf_partial(c->buf))
		note_end(c, IMSGLOOP_TORN, EPIPE);
	else
		note_end(c, IMSGLOOP_EOF, 0);
}

static void
note_write_error(struct imsgloop_chan *c, int error)
{
	if (c->write_error != 0)
		return;
	c->write_error = error;
	c->last_reads = 0;
	c->state |= CHAN_READ;
}

void
imsgloopi_stream_ended(struct imsgloop_chan *c, int error)
{
	if (error == 0)
		note_eof(c);
	else
		note_end(c, IMSGLOOP_ERROR, error);
	(void)imsgloopi_kick(c);
}

void
imsgloopi_write_failed(struct imsgloop_chan *c, int error)
{
	note_write_error(c, error);
	(void)imsgloopi_kick(c);
}

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

/* Is there something to read, an end included?  -1: errno says what else. */
static int
anything_there(const struct imsgbuf *b)
{
	char byte;

	if (recv(b->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) >= 0)
		return 1;
	if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)
		return 0;
	return errno == ENOTSOCK ? 1 : -1;
}

/*
 * poll(2) may say that there is something when a read gives nothing, for urgent
 * data for instance, which is in the peer's hands; it would say so again at
 * once.  A large message, on the other hand, takes many reads.
 */
static int
read_is_idle(struct imsgloop_chan *c)
{
	switch (anything_there(c->buf)) {
	case 0:
		c->read_at = backoff_at(c->idle_reads++ - IDLE_READS);
		return 1;
	case -1:
		note_end(c, IMSGLOOP_ERROR, errno);
		return 1;
	default:
		c->idle_reads = IDLE_READS;
		return 0;
	}
}

static void
chan_read(struct imsgloop_chan *c)
{
	c->state &= ~CHAN_READ;
	c->read_at = -1;
	if (c->idle_reads >= IDLE_READS && read_is_idle(c))
		return;
	switch (imsgbuf_read(c->buf)) {
	case 1:
		c->idle_reads++;
		c->state |= CHAN_MORE;
		break;
	case 0:
		note_eof(c);
		break;
	default:
		/* What was complete before the failure can be fetched. */
		c->state |= CHAN_MORE;
		if (errno == ENOMEM)
			c->read_at = imsgloopi_in(RETRY_MS);
		else
			note_end(c, IMSGLOOP_ERROR, errno);
		break;
	}
}

/* Nothing more at present: 0, or -1 after want of memory. */
static void
all_fetched(struct imsgloop_chan *c, int r, unsigned int n)
{
	if (r == -1 && errno == ENOMEM) {
		c->read_at = imsgloopi_in(RETRY_MS);
		return;
	}
	if (r == -1)
		note_end(c, IMSGLOOP_ERROR, errno);
	c->state &= ~CHAN_MORE;
	/*
	 * The start of a message, behind others: the rest may be there, and
	 * want of memory for it would show in the next read only.
	 */
	if (n > 0 && c->why == 0 && imsgbuf_partial(c->buf))
		c->state |= CHAN_READ;
}

static void
hand_out(struct imsgloop_chan *c, struct imsg *m)
{
	if (c->call == NULL || !c->hooks->message(c->call, m))
		c->cb->message(c, m, c->arg);
	imsg_free(m);
}

/* At most so many; how many it was. */
static unsigned int
chan_deliver(struct imsgloop_chan *c, unsigned int most)
{
	unsigned int n;
	struct imsg m;
	int r;

	for (n = 0; n < most; n++) {
		if (c->held_bytes == 0 || (r = imsgloopi_held(c, &m)) == 0)
			r = imsgbuf_get(c->buf, &m);
		if (r != 1) {
			all_fetched(c, r, n);
			break;
		}
		hand_out(c, &m);
		if (c->state & CHAN_STOP)
			return n + 1;
	}
	if (n > 0)
		c->idle_reads = 0;
	return n;
}

/*
 * Another read may save a turn of the loop, where messages come faster than
 * they are handled, or be in vain.  Then it is not tried for a while.
 */
static int
worth_a_read(struct imsgloop_chan *c)
{
	if (c->state & CHAN_READ)
		return 1;
	if (c->vain == 0)
		return 1;
	c->vain--;
	return 0;
}

/* readable: something is there, as far as the loop knows. */
static void
read_and_deliver(struct imsgloop_chan *c, unsigned int left, int readable)
{
	unsigned int reads, n;

	for (reads = 0; reads < READS && left > 0; reads++) {
		if (c->why != 0 || c->read_at >= 0 ||
		    !(readable || worth_a_read(c)))
			return;
		chan_read(c);
		if (!(c->state & CHAN_MORE))
			return;
		n = chan_deliver(c, left);
		if (n == 0 && !readable)
			c->vain = VAIN;
		if (n == 0 || (c->state & (CHAN_MORE | CHAN_STOP)))
			return;
		left -= n;
		readable = 0;
	}
}

static void
chan_receive(struct imsgloop_chan *c, short revents)
{
	int readable = (revents & ~POLLOUT) || (c->state & CHAN_READ);
	unsigned int left = c->budget;

	if (c->state & CHAN_CLOSED)
		return;
	if (c->read_at >= 0) {
		if (revents != 0 || imsgloopi_now() < c->read_at)
			return;
		c->read_at = -1;
		readable = 1;
	}
	if (c->state & CHAN_PAUSED) {
		if (readable && c->why == 0)
			chan_read(c);
		return;
	}
	if (c->state & CHAN_MORE) {
		left -= chan_deliver(c, left);
		if (c->state & (CHAN_MORE | CHAN_STOP))
			return;
	} else if (!readable) {
		return;
	}
	read_and_deliver(c, left, readable);
}

static void
write_failed(struct imsgloop_chan *c, int error)
{
	/* Of the whole system, and they pass. */
	if (error == ENOMEM || error == ENOBUFS || error == ETOOMANYREFS) {
		c->write_at = imsgloopi_in(RETRY_MS);
		c->state |= CHAN_UNSENT;
		return;
	}
	c->state &= ~CHAN_UNSENT;
	note_write_error(c, error);
}

/* May be written now: not while a full socket is waited for. */
static int
may_write(struct imsgloop_chan *c, short revents)
{
	if (c->write_error != 0 || imsgbuf_queuelen(c->buf) == 0)
		return 0;
	if (!(c->state & CHAN_UNSENT) || (revents & ~POLLIN))
		return 1;
	/* The last chance, perhaps. */
	if (revents == 0 && (c->state & CHAN_CLOSED))
		return 1;
	return c->write_at >= 0 && imsgloopi_now() >= c->write_at;
}

/* 1: nothing is queued any more. */
static int
chan_write(struct imsgloop_chan *c)
{
	size_t before = imsgbuf_queuebytes(c->buf);

	c->write_at = -1;
	if (imsgbuf_write(c->buf) == -1) {
		write_failed(c, errno);
		return 0;
	}
	if (imsgbuf_queuelen(c->buf) == 0) {
		c->state &= ~CHAN_UNSENT;
		c->idle_writes = 0;
		return 1;
	}
	if (imsgbuf_queuebytes(c->buf) < before || !(c->state & CHAN_UNSENT))
		c->idle_writes = 0;
	else
		c->write_at = backoff_at(c->idle_writes++);
	c->state |= CHAN_UNSENT;
	return 0;
}

static void
chan_send(struct imsgloop_chan *c, short revents)
{
	int empty;

	if (may_write(c, revents)) {
		empty = chan_write(c);
	} else {
		/* imsgcall_wait() may have written it. */
		empty =
		    (c->state & CHAN_UNSENT) && imsgbuf_queuelen(c->buf) == 0;
		if (empty)
			c->state &= ~CHAN_UNSENT;
	}
	if (empty && c->cb->drained != NULL && !(c->state & CHAN_CLOSED))
		c->cb->drained(c, c->arg);
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
	if (c->last_reads++ < LAST_READS && anything_there(c->buf) == 1)
		c->state |= CHAN_READ;
	else
		note_end(c, IMSGLOOP_ERROR, c->write_error);
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
	if (c->state & CHAN_BUSY)
		return;
	c->state |= CHAN_BUSY;
	chan_receive(c, revents);
	if (!(c->state & CHAN_ENDED))
		chan_send(c, revents);
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
