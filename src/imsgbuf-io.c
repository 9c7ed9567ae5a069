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

/* Not beyond the deadline. */
static void
sleep_within(int64_t deadline, int ms)
{
	int64_t left;

	if (deadline >= 0) {
		left = deadline - imsgi_now_ms();
		if (left < ms)
			ms = left < 0 ? 0 : (int)left;
	}
	imsgi_sleep_ms(ms);
}

/* backoff: 0 if the socket was full, else how long to sleep after poll. */
static int
wait_writable(struct imsgbuf *b, int64_t deadline, int backoff)
{
	if (timed_out(deadline))
		return -1;
	if (imsgi_wait(b->fd, POLLOUT, deadline) == -1)
		return -1;
	if (backoff > 0)
		sleep_within(deadline, backoff);
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

/*
 * ms 0: as far as it goes without waiting, so time is no reason to stop.
 * A socket that is full again after poll said it was not, which is in the
 * hands of whoever shares it where SO_SNDLOWAT is, is left alone for longer
 * each time.
 */
static int
flush(struct imsgbuf *b, int ms, int nowait)
{
	int64_t deadline = deadline_of(ms);
	int backoff = 0, full = 0;

	for (;;) {
		switch (send_some(b, nowait)) {
		case MSGBUF_FAIL:
			return -1;
		case MSGBUF_SENT:
			backoff = full = 0;
			if (imsgbuf_queuelen(b) == 0)
				return 0;
			if (ms > 0 && timed_out(deadline))
				return -1;
			continue;
		case MSGBUF_IDLE:
			if (imsgbuf_queuelen(b) == 0)
				return 0;
			errno = EINVAL;
			return -1;
		case MSGBUF_FULL:
			backoff = full ? next_backoff(backoff) : 0;
			full = 1;
			break;
		default: /* MSGBUF_NOBUFS */
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

/* how: IMSGI_RECV_NOWAIT or 0. */
static int
read_some(struct imsgbuf *b, int how)
{
	/* Without a system call: the kernel's buffer fills, the peer waits. */
	if (b->w->failed == 0 && imsgi_at_read_limit(b))
		return 1;
	if (b->flags & IMSG_FLAG_FDPASS)
		how |= IMSGI_RECV_PASS;
	if (b->flags & IMSG_FLAG_CLOEXEC)
		how |= IMSGI_RECV_CLOEXEC;
	return imsgi_msgbuf_receive(b->w, b->fd, how);
}

int
imsgbuf_read(struct imsgbuf *b)
{
	int r = read_some(b, 0);

	return r == MSGBUF_WOULDBLOCK ? 1 : r;
}

/* Bytes kept after ENOMEM are waited for by nobody. */
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

/*
 * Waits before it reads, which is also quicker than a read(2) that blocks:
 * Linux wakes that one for room to write, too, each time the peer has read
 * what we sent (unix_write_space() in net/unix/af_unix.c), to no avail.
 *
 * And then it reads without blocking: poll(2) may say
 * that there is something when a read would wait, for urgent data and below
 * SO_RCVLOWAT, both of which are in the peer's hands.  It says so again at
 * once; so as not to spin, each time in a row is followed by a longer sleep.
 */
int
imsgbuf_recv(struct imsgbuf *b, struct imsg *m, int ms)
{
	int64_t deadline = deadline_of(ms);
	int save, got, r, backoff = 0;

	while ((r = imsgbuf_get(b, m)) == 0) {
		if (wait_readable(b, deadline) == -1)
			return -1;
		r = read_some(b, IMSGI_RECV_NOWAIT);
		save = errno;
		/* What was complete before a failure comes before it. */
		if (r != 0 && (got = imsgbuf_get(b, m)) != 0)
			return got;
		errno = save;
		if (r <= 0)
			return r;
		/* A peer that sends byte by byte does not stretch the time. */
		if (timed_out(deadline))
			return -1;
		backoff = r == MSGBUF_WOULDBLOCK ? next_backoff(backoff) : 0;
		if (backoff > 0)
			sleep_within(deadline, backoff);
	}
	return r;
}
