/* SPDX-License-Identifier: ISC */
/*
 * A received message and what can be asked of it.
 *
 * A struct imsg owns its ibuf, and through it the payload and the descriptor
 * until somebody takes that.
 */
#include "feature.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "imsg-int.h"

/*
 * Takes over buf, which is freed if it is no message.  The header goes into
 * place in one piece: assembled from words and copied as a whole, it would
 * make the processor wait for the words to reach the cache.
 */
static int
open_message(struct ibuf *buf, struct imsg *m)
{
	if (ibuf_size(buf) < sizeof(m->hdr)) {
		ibuf_free(buf);
		errno = EBADMSG;
		return -1;
	}
	memcpy(&m->hdr, ibuf_data(buf), sizeof(m->hdr));
	buf->rpos += sizeof(m->hdr);
	if (m->hdr.len & IMSG_FD_MARK) {
		m->hdr.len &= ~IMSG_FD_MARK;
		buf->state |= IBUF_FD_MARKED;
	}
	if (buf->fd >= 0)
		buf->state |= IBUF_FD_CAME;
	m->data = ibuf_size(buf) > 0 ? ibuf_data(buf) : NULL;
	m->buf = buf;
	return 1;
}

/* Rare, and inlined it would take registers from all that is not. */
static IMSGI_APART void
after_ready(struct msgbuf *w, const struct imsg *m)
{
	imsgi_lazy_after(w, m->buf->wpos);
	if (w->watch.fn != NULL)
		imsgi_watch_fetched(w, m->buf);
}

/*
 * A message that waits in the input buffer: checked, and without descriptor.
 * Everything is said about it before its bytes are copied, so that in a small
 * one that is not the last nothing is left to do after that.
 */
static int
open_ready(struct msgbuf *w, struct imsg *m)
{
	const unsigned char *p = w->in + w->inpos;
	struct ibuf *buf;
	uint32_t total;

	memcpy(&total, p + offsetof(struct imsg_hdr, len), sizeof(total));
	if ((buf = imsgi_ibuf_new(total, total)) == NULL)
		return -1;
	memcpy(&m->hdr, p, sizeof(m->hdr));
	m->data = total > sizeof(m->hdr) ? buf->buf + sizeof(m->hdr) : NULL;
	m->buf = buf;
	imsgi_lazy_taken(w, buf, total);
	buf->rpos = sizeof(m->hdr);
	memcpy(IBUF_BEHIND(buf), p, total);
	if (w->nready == 0 || total >= IMSGI_GUESS_MIN || w->watch.fn != NULL)
		after_ready(w, m);
	return 1;
}

int
imsgbuf_get(struct imsgbuf *b, struct imsg *m)
{
	struct ibuf *buf;

	if (b->w->rq.first == NULL && b->w->nready > 0)
		return open_ready(b->w, m);
	if ((buf = ibufq_pop(&b->w->rq)) == NULL)
		return 0;
	if (b->w->watch.fn != NULL)
		imsgi_watch_fetched(b->w, buf);
	return open_message(buf, m);
}

ssize_t
imsg_get(struct imsgbuf *b, struct imsg *m)
{
	int r;

	if ((r = imsgbuf_get(b, m)) != 1)
		return r;
	return (ssize_t)(ibuf_size(m->buf) + IMSG_HEADER_SIZE);
}

int
imsg_ibufq_pop(struct ibufqueue *q, struct imsg *m)
{
	struct ibuf *buf;

	if ((buf = ibufq_pop(q)) == NULL)
		return 0;
	return open_message(buf, m);
}

void
imsg_ibufq_push(struct ibufqueue *q, struct imsg *m)
{
	ibuf_rewind(m->buf);
	ibufq_push(q, m->buf);
	memset(m, 0, sizeof(*m));
}

void
imsg_free(struct imsg *m)
{
	ibuf_free(m->buf);
	m->buf = NULL;
	m->data = NULL;
}

uint32_t
imsg_get_type(struct imsg *m)
{
	return m->hdr.type;
}

uint32_t
imsg_get_id(struct imsg *m)
{
	return m->hdr.peerid;
}

pid_t
imsg_get_pid(struct imsg *m)
{
	return (pid_t)m->hdr.pid;
}

size_t
imsg_get_len(struct imsg *m)
{
	return ibuf_size(m->buf);
}

int
imsg_get_fd(struct imsg *m)
{
	return m->buf == NULL ? -1 : ibuf_fd_get(m->buf);
}

int
imsg_fd_status(const struct imsg *m)
{
	if (m->buf == NULL || !(m->buf->state & IBUF_FD_MARKED))
		return IMSG_FD_NONE;
	if (m->buf->fd >= 0)
		return IMSG_FD_PRESENT;
	return m->buf->state & IBUF_FD_CAME ? IMSG_FD_TAKEN : IMSG_FD_LOST;
}

int
imsg_get_data(struct imsg *m, void *out, size_t len)
{
	if (len == 0) {
		errno = EINVAL;
		return -1;
	}
	if (ibuf_size(m->buf) != len) {
		errno = EBADMSG;
		return -1;
	}
	return ibuf_get(m->buf, out, len);
}

int
imsg_get_ibuf(struct imsg *m, struct ibuf *view)
{
	if (ibuf_size(m->buf) == 0) {
		errno = EBADMSG;
		return -1;
	}
	return ibuf_get_ibuf(m->buf, ibuf_size(m->buf), view);
}

int
imsg_get_buf(struct imsg *m, void *out, size_t len)
{
	return ibuf_get(m->buf, out, len);
}

int
imsg_get_strbuf(struct imsg *m, char *out, size_t len)
{
	return ibuf_get_strbuf(m->buf, out, len);
}

int
imsg_version(void)
{
	return IMSG_VERSION;
}
