/* SPDX-License-Identifier: ISC */
/*
 * Reading and writing in a turn of a channel: what has come is handed out up to
 * the budget, what is queued is written.
 *
 * Every callback may detach the channel, close it, pause it: after each one its
 * state is looked at again.  Nothing here waits, and nothing that a peer can do
 * makes the loop spin: tries that come to nothing are made again after a while.
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
void
imsgloopi_note_end(struct imsgloop_chan *c, int why, int error)
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
		imsgloopi_note_end(c, IMSGLOOP_TORN, EPIPE);
	else
		imsgloopi_note_end(c, IMSGLOOP_EOF, 0);
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
		imsgloopi_note_end(c, IMSGLOOP_ERROR, error);
	(void)imsgloopi_kick(c);
}

void
imsgloopi_write_failed(struct imsgloop_chan *c, int error)
{
	note_write_error(c, error);
	(void)imsgloopi_kick(c);
}

int
imsgloopi_anything_there(const struct imsgbuf *b)
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
	switch (imsgloopi_anything_there(c->buf)) {
	case 0:
		c->read_at = backoff_at(c->idle_reads++ - IDLE_READS);
		return 1;
	case -1:
		imsgloopi_note_end(c, IMSGLOOP_ERROR, errno);
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
			imsgloopi_note_end(c, IMSGLOOP_ERROR, errno);
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
		imsgloopi_note_end(c, IMSGLOOP_ERROR, errno);
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

void
imsgloopi_receive(struct imsgloop_chan *c, short revents)
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

/* There should be room: the loop says so, or it is time for another try. */
static int
has_room(const struct imsgloop_chan *c, short revents)
{
	if (!(c->state & CHAN_UNSENT) || (revents & ~POLLIN))
		return 1;
	return c->write_at >= 0 && imsgloopi_now() >= c->write_at;
}

/*
 * 1: nothing is queued any more.  Where there is no room in spite of what was
 * said, it is not asked for at once again.
 */
static int
chan_write(struct imsgloop_chan *c, int room)
{
	size_t before = imsgbuf_queuebytes(c->buf);

	if (room)
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
	else if (room)
		c->write_at = backoff_at(c->idle_writes++);
	c->state |= CHAN_UNSENT;
	return 0;
}

void
imsgloopi_send(struct imsgloop_chan *c, short revents)
{
	int room, empty = 0;

	if (c->write_error != 0) {
		c->write_at = -1;
	} else if (imsgbuf_queuelen(c->buf) == 0) {
		/* imsgcall_wait() may have written it. */
		empty = (c->state & CHAN_UNSENT) != 0;
		c->state &= ~CHAN_UNSENT;
		c->write_at = -1;
	} else {
		room = has_room(c, revents);
		/* Closed, it may be the last chance. */
		if (room || (c->state & CHAN_CLOSED))
			empty = chan_write(c, room);
	}
	if (empty && c->cb->drained != NULL && !(c->state & CHAN_CLOSED))
		c->cb->drained(c, c->arg);
}
