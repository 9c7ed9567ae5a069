/* SPDX-License-Identifier: ISC */
/*
 * A call that blocks.
 *
 * It works on the channel's imsgbuf while the loop stands still, and calls no
 * callback: what comes and is not the answer is held back, within bounds, for
 * the loop's next turns, and so is the end of the channel.  While the request is
 * not sent it reads, too, or two peers with full sockets would wait for each
 * other.
 */
#include "feature.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

#include "call-int.h"

/* What is held back at most, with one message more. */
#define CALL_HELD	1024
#define CALL_HELD_BYTES (16U << 20)
/* Rounds that move nothing before each waits a millisecond; see call_send(). */
#define CALL_IDLE 64

struct call_wait {
	struct imsgcall *c;
	struct imsgbuf *buf;
	int64_t due;
	uint32_t number;
	struct imsg *answer;
};

static int
call_left(const struct call_wait *w)
{
	if (w->due == CALL_NEVER)
		return -1;
	return w->due == 0 ? 0 : imsgloopi_left(imsgloopi_now(), w->due);
}

static int
call_held_too_much(struct imsgloop_chan *chan)
{
	if (imsgloopi_held_len(chan) <= CALL_HELD &&
	    chan->held_bytes <= CALL_HELD_BYTES)
		return 0;
	errno = ENOBUFS;
	return 1;
}

/* Is there nobody any more who could answer? */
static int
call_over(const struct imsgloop_chan *chan)
{
	if (chan->why == 0 && chan->write_error == 0)
		return imsgloopi_sendable(chan) == -1;
	errno = chan->write_error != 0 ?
	    imsgcalli_end_error(IMSGLOOP_ERROR, chan->write_error) :
	    imsgcalli_end_error(chan->why, chan->error);
	return 1;
}

/* What is there and could not be fetched is announced by no socket. */
static void
call_look_again(struct imsgloop_chan *chan)
{
	chan->state |= CHAN_MORE | CHAN_READ;
	(void)imsgloopi_kick(chan);
}

/* The next message: 1 the answer, 0 another, -1. */
static int
call_receive(struct call_wait *w, int ms)
{
	struct imsgloop_chan *chan = w->c->chan;
	struct imsg m;
	int saved;

	switch (imsgbuf_recv(w->buf, &m, ms)) {
	case 1:
		if (m.hdr.peerid == w->number) {
			*w->answer = m;
			return 1;
		}
		if (imsgcalli_is_late(&w->c->table, m.hdr.peerid)) {
			imsg_free(&m);
			return 0;
		}
		imsgloopi_hold(chan, &m);
		return call_held_too_much(chan) ? -1 : 0;
	case 0:
		imsgloopi_stream_ended(chan, 0);
		errno = EPIPE;
		return -1;
	default:
		saved = errno;
		if (saved == ENOMEM)
			call_look_again(chan);
		else if (saved != ETIMEDOUT)
			imsgloopi_stream_ended(chan, saved);
		errno = imsgcalli_end_error(IMSGLOOP_ERROR, saved);
		return -1;
	}
}

/*
 * Waits until more can be sent, or something came.  poll(2) may say so when
 * nothing can be moved, which is in the peer's hands (urgent data) or the
 * kernel's (no buffers): then it is not asked any more, but slept.
 */
static int
call_poll(struct call_wait *w, int idle)
{
	struct pollfd pfd = { w->buf->fd, imsgbuf_events(w->buf), 0 };
	int left = call_left(w);

	if (idle > CALL_IDLE) {
		pfd.events = 0;
		left = left < 0 || left > 1 ? 1 : left;
	}
	return poll(&pfd, 1, left) == -1 && errno != EINTR ? -1 : 0;
}

/* 0, -1, or as many idle rounds as an error counts for that passes. */
static int
call_write(struct call_wait *w)
{
	int saved;

	if (imsgbuf_write(w->buf) == 0)
		return 0;
	saved = errno;
	if (saved == ENOMEM || saved == ENOBUFS || saved == ETOOMANYREFS)
		return CALL_IDLE + 1;
	imsgloopi_write_failed(w->c->chan, saved);
	errno = imsgcalli_end_error(IMSGLOOP_ERROR, saved);
	return -1;
}

/* Until all is sent: 0; 1 the answer came before that, -1. */
static int
call_send(struct call_wait *w)
{
	size_t before;
	int r, n, idle = 0;

	for (;;) {
		before = imsgbuf_queuebytes(w->buf);
		if ((r = call_write(w)) == -1)
			return -1;
		if (imsgbuf_queuelen(w->buf) == 0)
			return 0;
		idle = imsgbuf_queuebytes(w->buf) < before ? 0 : idle + 1;
		if (r > idle)
			idle = r;
		for (n = 0; n < CALL_HELD && (r = call_receive(w, 0)) == 0; n++)
			idle = 0;
		if (r == 1 || (r == -1 && errno != ETIMEDOUT))
			return r;
		if (call_left(w) == 0) {
			errno = ETIMEDOUT;
			return -1;
		}
		if (call_poll(w, idle) == -1)
			return -1;
	}
}

/* Until the answer comes: 1, -1.  Who floods us does not stretch the time. */
static int
call_await(struct call_wait *w)
{
	int r, left, late = 0;

	do {
		left = call_left(w);
		if ((r = call_receive(w, left)) != 0)
			return r;
	} while (left != 0 || ++late < CALL_HELD);
	errno = ETIMEDOUT;
	return -1;
}

/* The loop learns what is left to do. */
static void
call_leave_rest(struct call_wait *w)
{
	struct imsgloop_chan *chan = w->c->chan;
	int saved = errno, r;
	struct imsg m;

	if (imsgbuf_queuelen(w->buf) > 0)
		imsgloop_queued(chan);
	/* Nor is what lies complete behind the answer. */
	if (imsgloopi_held_len(chan) == 0) {
		if ((r = imsgbuf_get(w->buf, &m)) == 1)
			imsgloopi_hold(chan, &m);
		else if (r == -1)
			call_look_again(chan);
	}
	errno = saved;
}

/* Once queued a descriptor cannot be given back; so it never is. */
static void
call_close(int fd)
{
	int saved = errno;

	if (fd >= 0)
		(void)close(fd);
	errno = saved;
}

int
imsgcall_wait(struct imsgcall *c, uint32_t type, int fd, const void *data,
    size_t len, int ms, struct imsg *answer)
{
	struct call_wait w;
	struct imsg m;
	int r;

	w.c = c;
	w.buf = imsgloop_imsgbuf(c->chan);
	w.due = ms > 0 ? imsgloopi_in(ms) : 0;
	if (ms < 0)
		w.due = CALL_NEVER;
	w.number = imsgcalli_number(&c->table);
	w.answer = &m;
	if (call_over(c->chan) || call_held_too_much(c->chan) ||
	    imsg_compose(w.buf, type, w.number, 0, fd, data, len) == -1) {
		call_close(fd);
		return -1;
	}
	if ((r = call_send(&w)) == 0)
		r = call_await(&w);
	call_leave_rest(&w);
	if (r == -1)
		return -1;
	*answer = m;
	return m.hdr.type == IMSGCALL_ERROR ? 0 : 1;
}
