/* SPDX-License-Identifier: ISC */
/*
 * A channel: its life, its settings, and what can be asked of it.
 *
 * It lends its socket from the program and never closes it.  Reading and
 * writing are in imsgbuf-io.c.
 */
#include "feature.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

#include "imsg-int.h"

int
imsgbuf_init(struct imsgbuf *b, int fd)
{
	b->w = imsgi_msgbuf_new_reader(
	    IMSG_HEADER_SIZE, imsgi_wire_header, &imsgi_wire_lazy, b);
	if (b->w == NULL)
		return -1;
	b->pid = imsgi_os.getpid();
	b->maxsize = MAX_IMSGSIZE;
	b->fd = fd;
	b->flags = 0;
	return 0;
}

void
imsgbuf_clear(struct imsgbuf *b)
{
	msgbuf_free(b->w);
	b->w = NULL;
}

void
imsgbuf_allow_fdpass(struct imsgbuf *b)
{
	b->flags |= IMSG_FLAG_FDPASS;
}

void
imsgbuf_set_cloexec(struct imsgbuf *b)
{
	b->flags |= IMSG_FLAG_CLOEXEC;
}

int
imsgbuf_set_maxsize(struct imsgbuf *b, uint32_t maxsize)
{
	if (maxsize < IMSG_HEADER_SIZE || (maxsize & IMSG_FD_MARK)) {
		errno = EINVAL;
		return -1;
	}
	b->maxsize = maxsize;
	return 0;
}

int
imsgbuf_set_maxpayload(struct imsgbuf *b, uint32_t payload)
{
	if (payload > UINT32_MAX - IMSG_HEADER_SIZE) {
		errno = ERANGE;
		return -1;
	}
	return imsgbuf_set_maxsize(b, payload + (uint32_t)IMSG_HEADER_SIZE);
}

int
imsgbuf_set_wire(struct imsgbuf *b, int wire)
{
	if (wire != IMSG_WIRE_MODERN && wire != IMSG_WIRE_CLASSIC) {
		errno = EINVAL;
		return -1;
	}
	if (b->w->touched) {
		errno = EBUSY;
		return -1;
	}
	b->flags &= ~IMSG_FLAG_CLASSIC;
	if (wire == IMSG_WIRE_CLASSIC)
		b->flags |= IMSG_FLAG_CLASSIC;
	b->w->tokens.fifo = wire == IMSG_WIRE_CLASSIC;
	return 0;
}

int
imsgbuf_set_limits(struct imsgbuf *b, const struct imsg_limits *limits)
{
	if (limits->rbytes != 0 && limits->rbytes < b->maxsize) {
		errno = EINVAL;
		return -1;
	}
	b->w->limits = *limits;
	imsgi_choose_way(b->w);
	return 0;
}

int
imsgbuf_peercred(const struct imsgbuf *b, struct imsg_cred *cred)
{
	return imsgi_os.peercred(b->fd, cred);
}

uint32_t
imsgbuf_queuelen(struct imsgbuf *b)
{
	/* Classic programs ask after the end, in the loop that comes to it. */
	return b->w == NULL ? 0 : msgbuf_queuelen(b->w);
}

size_t
imsgbuf_queuebytes(const struct imsgbuf *b)
{
	return b->w == NULL ? 0 : b->w->wq.bytes;
}

int
imsgbuf_partial(const struct imsgbuf *b)
{
	const struct msgbuf *m = b->w;

	return m->failed == 0 && (m->cur != NULL || m->inend > m->ready);
}

int
imsgbuf_failed(const struct imsgbuf *b, struct imsg_hdr *hdr)
{
	const struct msgbuf *m = b->w;

	if (m->failed != 0 && hdr != NULL) {
		memset(hdr, 0, sizeof(*hdr));
		if (m->badhdr)
			memcpy(hdr, m->in, sizeof(*hdr));
	}
	return m->failed;
}

int
imsgi_at_read_limit(const struct imsgbuf *b)
{
	const struct msgbuf *m = b->w;
	const struct ibufqueue *q = &m->rq;
	const struct imsg_limits *l = &m->limits;
	size_t bytes = l->rbytes != 0 ? l->rbytes : IMSG_RBYTES;

	/* maxsize may have been raised since. */
	if (bytes < b->maxsize)
		bytes = b->maxsize;
	return q->bytes + (m->ready - m->inpos) >= bytes ||
	    q->len + m->nready >= (l->rmsgs != 0 ? l->rmsgs : IMSG_RMSGS) ||
	    q->fds >= (l->rfds != 0 ? l->rfds : IMSG_RFDS);
}

short
imsgbuf_events(const struct imsgbuf *b)
{
	const struct msgbuf *m = b->w;
	short events = 0;

	if (m->wq.first != NULL)
		events |= POLLOUT;
	if (m->failed == 0 && !m->eof && !imsgi_at_read_limit(b))
		events |= POLLIN;
	return events;
}
