/* SPDX-License-Identifier: ISC */
/*
 * A channel in a loop: how it comes in, what the program may ask of it, and
 * how it goes at once.  Nothing here calls a callback; what happens in its
 * turns is in chan-io.c.
 */
#include "feature.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "loop-int.h"

#define BUDGET 128

static struct imsgloop_chan *
chan_new(const struct imsgloop_cb *cb, void *arg)
{
	struct imsgloop_chan *c;

	if ((c = calloc(1, sizeof(*c))) == NULL)
		return NULL;
	c->cb = cb;
	c->arg = arg;
	c->budget = BUDGET;
	c->read_at = c->write_at = c->close_by = c->due = -1;
	return c;
}

/* The last thing that can fail: it cannot be undone for others who use fd. */
static int
chan_nonblock(int fd)
{
	int flags;

	if ((flags = fcntl(fd, F_GETFL)) == -1)
		return -1;
	if (flags & O_NONBLOCK)
		return 0;
	return fcntl(fd, F_SETFL, flags | O_NONBLOCK) == -1 ? -1 : 0;
}

/* Into the loop, to be read in its next turn. */
static int
chan_enter(struct imsgloop_chan *c, struct imsgloop *loop, struct imsgbuf *buf)
{
	c->loop = loop;
	c->buf = buf;
	c->state |= CHAN_MORE | CHAN_READ;
	if (imsgloop_watch(loop, &c->watch, buf->fd, imsgloopi_turn, c) == -1)
		return -1;
	if (imsgloopi_kick(c) == -1 || chan_nonblock(buf->fd) == -1) {
		imsgloop_unwatch(&c->watch);
		return -1;
	}
	return 0;
}

struct imsgloop_chan *
imsgloop_attach(struct imsgloop *loop, struct imsgbuf *buf,
    const struct imsgloop_cb *cb, void *arg)
{
	struct imsgloop_chan *c;

	if ((c = chan_new(cb, arg)) == NULL)
		return NULL;
	if (chan_enter(c, loop, buf) == -1) {
		imsgloopi_free(c);
		return NULL;
	}
	return c;
}

struct imsgloop_chan *
imsgloop_open(
    struct imsgloop *loop, int fd, const struct imsgloop_cb *cb, void *arg)
{
	struct imsgloop_chan *c;

	if ((c = chan_new(cb, arg)) == NULL)
		return NULL;
	if (imsgbuf_init(&c->own, fd) == -1) {
		imsgloopi_free(c);
		return NULL;
	}
	imsgbuf_allow_fdpass(&c->own);
	imsgbuf_set_cloexec(&c->own);
	if (chan_enter(c, loop, &c->own) == -1) {
		imsgbuf_clear(&c->own);
		imsgloopi_free(c);
		return NULL;
	}
	c->state |= CHAN_OWN;
	return c;
}

void
imsgloopi_release(struct imsgloop_chan *c)
{
	if (c->state & CHAN_OWN) {
		c->state &= ~CHAN_OWN;
		imsgbuf_clear(&c->own);
		(void)close(c->own.fd);
	}
}

void
imsgloopi_free(struct imsgloop_chan *c)
{
	int save = errno;

	ibufq_free(c->held);
	free(c);
	errno = save;
}

void
imsgloopi_drop_call(struct imsgloop_chan *c)
{
	struct imsgcall *call = c->call;

	c->call = NULL;
	if (call != NULL)
		c->hooks->gone(call);
}

void
imsgloop_detach(struct imsgloop_chan *c)
{
	int save = errno;

	if (c == NULL || (c->state & CHAN_GONE))
		return;
	c->state |= CHAN_ENDED | CHAN_GONE;
	imsgloop_unwatch(&c->watch);
	imsgloopi_drop_call(c);
	imsgloopi_release(c);
	if (!(c->state & CHAN_BUSY))
		imsgloopi_free(c);
	errno = save;
}

/* The first one also takes the messages' part out of what is waited for. */
int
imsgloop_close(struct imsgloop_chan *c, int ms)
{
	int64_t by = ms < 0 ? -1 : imsgloopi_in(ms);
	unsigned int state = c->state;

	if (state & CHAN_ENDED)
		return 0;
	c->state |= CHAN_CLOSED;
	if (imsgloopi_kick(c) == -1) {
		c->state = state;
		return -1;
	}
	if (by >= 0 && (c->close_by < 0 || by < c->close_by))
		c->close_by = by;
	return 0;
}

void
imsgloop_pause(struct imsgloop_chan *c)
{
	c->state |= CHAN_PAUSED;
}

/* Messages that have come while it was paused will not announce themselves. */
void
imsgloop_resume(struct imsgloop_chan *c)
{
	int save = errno;

	if (!(c->state & CHAN_PAUSED))
		return;
	c->state &= ~CHAN_PAUSED;
	if (c->state & CHAN_MORE)
		(void)imsgloopi_kick(c);
	errno = save;
}

void
imsgloop_set_budget(struct imsgloop_chan *c, unsigned int budget)
{
	c->budget = budget > 0 ? budget : 1;
}

void
imsgloop_keep(struct imsg *from, struct imsg *to)
{
	*to = *from;
	memset(from, 0, sizeof(*from));
}

struct imsgbuf *
imsgloop_imsgbuf(struct imsgloop_chan *c)
{
	return c->buf;
}

struct imsgloop *
imsgloop_loop(struct imsgloop_chan *c)
{
	return c->loop;
}

void *
imsgloop_arg(struct imsgloop_chan *c)
{
	return c->arg;
}
