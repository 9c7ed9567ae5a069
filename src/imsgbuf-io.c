/* SPDX-License-Identifier: ISC */
/*
 * Reading and writing a channel, with and without waiting.
 *
 * Whatever waits does so in poll(2) or, where the kernel says "no buffers"
 * and poll knows nothing of it, in short sleeps; nothing here spins.
 */
#include "feature.h"

#include <errno.h>
#include <poll.h>

#include "imsg-int.h"

/* Between tries after ENOBUFS, in milliseconds. */
#define BACKOFF_MIN 1
#define BACKOFF_MAX 50

static enum msgbuf_sent
send_some(struct imsgbuf *b, int nowait)
{
	if (b->flags & IMSG_FLAG_FDPASS)
		return imsgi_msgbuf_sendfd(b->w, b->fd, nowait);
	return imsgi_msgbuf_send(b->w, b->fd, nowait);
}

int
imsgbuf_write(struct imsgbuf *b)
{
	return send_some(b, 0) == MSGBUF_FAIL ? -1 : 0;
}

static int
timed_out(int64_t deadline)
{
	if (deadline < 0 || imsgi_now_ms() < deadline)
		return 0;
	errno = ETIMEDOUT;
	return 1;
}

/* *backoff: 0 if the socket was full, else how long to sleep after poll. */
static int
wait_writable(struct imsgbuf *b, int64_t deadline, int backoff)
{
	int64_t left;

	if (timed_out(deadline))
		return -1;
	if (imsgi_wait(b->fd, POLLOUT, deadline) == -1)
		return -1;
	if (backoff == 0)
		return 0;
	if (deadline >= 0) {
		left = deadline - imsgi_now_ms();
		if (left < backoff)
			backoff = left < 0 ? 0 : (int)left;
	}
	imsgi_sleep_ms(backoff);
	return 0;
}

static int
next_backoff(int backoff)
{
	if (backoff == 0)
		return BACKOFF_MIN;
	return backoff * 2 > BACKOFF_MAX ? BACKOFF_MAX : backoff * 2;
}

static int64_t
deadline_of(int ms)
{
	return ms < 0 ? -1 : imsgi_now_ms() + ms;
}

/* ms 0: as far as it goes without waiting, so time is no reason to stop. */
static int
flush(struct imsgbuf *b, int ms, int nowait)
{
	int64_t deadline = deadline_of(ms);
	int backoff = 0;

	for (;;) {
		switch (send_some(b, nowait)) {
		case MSGBUF_FAIL:
			return -1;
		case MSGBUF_SENT:
			backoff = 0;
			if (ms > 0 && imsgbuf_queuelen(b) > 0 &&
			    timed_out(deadline))
				return -1;
			continue;
		case MSGBUF_IDLE:
			if (imsgbuf_queuelen(b) == 0)
				return 0;
			errno = EINVAL;
			return -1;
		case MSGBUF_FULL:
			backoff = 0;
			break;
		case MSGBUF_NOBUFS:
			backoff = next_backoff(backoff);
			break;
		}
		if (wait_writable(b, deadline, backoff) == -1)
			return -1;
	}
}

int
imsgbuf_flush(struct imsgbuf *b)
{
	return flush(b, -1, 0);
}

int
imsgbuf_flush_timeout(struct imsgbuf *b, int ms)
{
	return flush(b, ms, 1);
}

/*
 * Waits before it reads, so that a blocking socket cannot hold it longer
 * than asked.  Bytes kept after ENOMEM are waited for by nobody.
 */
static int
wait_readable(struct imsgbuf *b, int64_t deadline)
{
	int n;

	if (b->w->failed != 0 || b->w->stalled)
		return 0;
	if ((n = imsgi_wait(b->fd, POLLIN, deadline)) == -1)
		return -1;
	if (n == 0) {
		errno = ETIMEDOUT;
		return -1;
	}
	return 0;
}

int
imsgbuf_recv(struct imsgbuf *b, struct imsg *m, int ms)
{
	int64_t deadline = deadline_of(ms);
	int save, got, r;

	while ((r = imsgbuf_get(b, m)) == 0) {
		if (wait_readable(b, deadline) == -1)
			return -1;
		r = imsgbuf_read(b);
		save = errno;
		/* What was complete before a failure comes before it. */
		if (r != 0 && (got = imsgbuf_get(b, m)) != 0)
			return got;
		errno = save;
		/* A peer that sends byte by byte does not stretch the time. */
		if (r != 1 || timed_out(deadline))
			return r == 1 ? -1 : r;
	}
	return r;
}
