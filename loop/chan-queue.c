/* SPDX-License-Identifier: ISC */
/*
 * What a channel is given to send, and the messages that imsgcall_wait() holds
 * back.  The loop is asked for a turn before anything is taken over, so that a
 * loop that cannot give one is a failure that changes nothing.
 */
#include "feature.h"

#include <errno.h>

#include "loop-int.h"

int
imsgloopi_sendable(const struct imsgloop_chan *c)
{
	if (!(c->state & (CHAN_ENDED | CHAN_CLOSED)))
		return 0;
	errno = EPIPE;
	return -1;
}

/* While a write waits for room, the loop knows already. */
static int
queue_begin(struct imsgloop_chan *c)
{
	if (imsgloopi_sendable(c) == -1)
		return -1;
	return (c->state & CHAN_UNSENT) ? 0 : imsgloopi_kick(c);
}

int
imsgloop_compose(struct imsgloop_chan *c, uint32_t type, uint32_t peerid,
    pid_t pid, int fd, const void *data, size_t len)
{
	if (queue_begin(c) == -1)
		return -1;
	return imsg_compose(c->buf, type, peerid, pid, fd, data, len);
}

int
imsgloop_composev(struct imsgloop_chan *c, uint32_t type, uint32_t peerid,
    pid_t pid, int fd, const struct iovec *iov, int iovcnt)
{
	if (queue_begin(c) == -1)
		return -1;
	return imsg_composev(c->buf, type, peerid, pid, fd, iov, iovcnt);
}

int
imsgloop_compose_ibuf(struct imsgloop_chan *c, uint32_t type, uint32_t peerid,
    pid_t pid, struct ibuf *payload)
{
	if (queue_begin(c) == -1) {
		ibuf_free(payload);
		return -1;
	}
	return imsg_compose_ibuf(c->buf, type, peerid, pid, payload);
}

int
imsgloop_forward(struct imsgloop_chan *c, struct imsg *m)
{
	if (queue_begin(c) == -1)
		return -1;
	return imsg_forward(c->buf, m);
}

void
imsgloop_queued(struct imsgloop_chan *c)
{
	int save = errno;

	(void)queue_begin(c);
	errno = save;
}

int
imsgloopi_hold_room(struct imsgloop_chan *c)
{
	if (c->held == NULL)
		c->held = ibufq_new();
	return c->held == NULL ? -1 : 0;
}

/* A loop that cannot be asked for a turn comes to it in another one. */
void
imsgloopi_hold(struct imsgloop_chan *c, struct imsg *m)
{
	int save = errno;

	c->state |= CHAN_MORE;
	c->held_bytes += m->hdr.len;
	imsg_ibufq_push(c->held, m);
	(void)imsgloopi_kick(c);
	errno = save;
}

int
imsgloopi_held(struct imsgloop_chan *c, struct imsg *m)
{
	if (c->held == NULL || imsg_ibufq_pop(c->held, m) != 1)
		return 0;
	c->held_bytes -= m->hdr.len;
	return 1;
}

uint32_t
imsgloopi_held_len(struct imsgloop_chan *c)
{
	return c->held == NULL ? 0 : ibufq_queuelen(c->held);
}
