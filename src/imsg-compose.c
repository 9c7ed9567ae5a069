/* SPDX-License-Identifier: ISC */
/*
 * Building messages and putting them into a channel's write queue.
 *
 * Nothing here writes to the socket.  A call that fails leaves the queue and
 * the descriptor it was given as they were.
 */
#include "feature.h"

#include <errno.h>
#include <limits.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "imsg-int.h"

static inline void
fill_header(const struct imsgbuf *b, struct imsg_hdr *hdr, uint32_t type,
    uint32_t id, pid_t pid)
{
	hdr->type = type;
	hdr->len = 0;
	hdr->peerid = id;
	hdr->pid = (uint32_t)(pid == 0 ? b->pid : pid);
}

static int
over_limit(const struct msgbuf *m, size_t total, int has_fd)
{
	const struct imsg_limits *l = &m->limits;

	return (l->wbytes != 0 &&
		   (m->wq.bytes > l->wbytes ||
		       total > l->wbytes - m->wq.bytes)) ||
	    (l->wmsgs != 0 && m->count - m->halves >= l->wmsgs) ||
	    (l->wfds != 0 && has_fd && m->wq.fds + m->hollow.fds >= l->wfds);
}

/* May a message with this payload be queued?  Its total size, or 0. */
static inline size_t
admit(const struct imsgbuf *b, size_t payload, int has_fd)
{
	size_t max = imsgi_wire_max(b);

	if (max < IMSG_HEADER_SIZE || payload > max - IMSG_HEADER_SIZE) {
		errno = ERANGE;
		return 0;
	}
	if (b->w->slow &&
	    over_limit(b->w, payload + IMSG_HEADER_SIZE, has_fd)) {
		errno = ENOBUFS;
		return 0;
	}
	return payload + IMSG_HEADER_SIZE;
}

static inline void
put_word(unsigned char *p, uint32_t v)
{
	memcpy(p, &v, sizeof(v));
}

/* Word by word, for the reason given at open_message(). */
static inline void
put_header(unsigned char *p, const struct imsg_hdr *hdr)
{
	put_word(p, hdr->type);
	put_word(p + 4, hdr->len);
	put_word(p + 8, hdr->peerid);
	put_word(p + 12, hdr->pid);
}

static void
gather(unsigned char *p, const struct imsg_hdr *hdr, const struct iovec *iov,
    int iovcnt)
{
	int i;

	put_header(p, hdr);
	p += sizeof(*hdr);
	for (i = 0; i < iovcnt; i++) {
		if (iov[i].iov_len == 0)
			continue;
		memcpy(p, iov[i].iov_base, iov[i].iov_len);
		p += iov[i].iov_len;
	}
}

/* Queues the message as a buffer of its own. */
static int
enqueue_ibuf(struct imsgbuf *b, const struct imsg_hdr *hdr, size_t total,
    int fd, const struct iovec *iov, int iovcnt)
{
	struct ibuf *msg;

	if ((msg = imsgi_ibuf_new(total, total)) == NULL)
		return -1;
	gather(msg->buf, hdr, iov, iovcnt);
	msg->wpos = total;
	ibuf_fd_set(msg, fd);
	ibuf_close(b->w, msg);
	return 1;
}

int
imsg_composev(struct imsgbuf *b, uint32_t type, uint32_t id, pid_t pid, int fd,
    const struct iovec *iov, int iovcnt)
{
	struct imsg_hdr hdr;
	unsigned char *p;
	size_t total, len = 0;
	int i;

	for (i = 0; i < iovcnt; i++) {
		if (iov[i].iov_len > SIZE_MAX - len) {
			errno = ERANGE;
			return -1;
		}
		len += iov[i].iov_len;
	}
	if ((total = admit(b, len, fd >= 0)) == 0)
		return -1;
	fill_header(b, &hdr, type, id, pid);
	hdr.len = imsgi_wire_len(b, total, fd >= 0);
	if (fd < 0 && (p = imsgi_msgbuf_stage(b->w, total, 0)) != NULL) {
		gather(p, &hdr, iov, iovcnt);
		if (b->w->watch.fn != NULL)
			imsgi_watch_staged(b->w, p, total, MSGBUF_WHOLE);
		return 1;
	}
	return enqueue_ibuf(b, &hdr, total, fd, iov, iovcnt);
}

static int
compose(struct imsgbuf *b, uint32_t type, uint32_t id, pid_t pid, int fd,
    const void *data, size_t len)
{
	const struct iovec iov = { (void *)(uintptr_t)data, len };

	return imsg_composev(b, type, id, pid, fd, &iov, 1);
}

/*
 * Most messages: no descriptor, no limit, no trace, the modern wire, and room
 * behind the one before it.  Nothing is left to do after the payload is copied.
 */
int
imsg_compose(struct imsgbuf *b, uint32_t type, uint32_t id, pid_t pid, int fd,
    const void *data, size_t len)
{
	struct msgbuf *w = b->w;
	struct chunk *c;
	unsigned char *p;
	size_t total = len + IMSG_HEADER_SIZE;

	if (fd >= 0 || len > b->maxsize || total > b->maxsize ||
	    (b->flags & IMSG_FLAG_CLASSIC) || w->slow || w->hollow.len > 0 ||
	    (c = imsgi_chunk_at_end(w, total)) == NULL)
		return compose(b, type, id, pid, fd, data, len);
	p = imsgi_chunk_put(w, c, total, 0);
	put_word(p, type);
	put_word(p + 4, (uint32_t)total);
	put_word(p + 8, id);
	put_word(p + 12, (uint32_t)(pid == 0 ? b->pid : pid));
	if (len > 0)
		memcpy(p + IMSG_HEADER_SIZE, data, len);
	return 1;
}

/* Queues the header as the first half of a message whose rest follows. */
static int
enqueue_header(struct imsgbuf *b, const struct imsg_hdr *hdr, int fd)
{
	struct ibuf *h;
	unsigned char *p;

	if (fd < 0 && (p = imsgi_msgbuf_stage(b->w, sizeof(*hdr), 1)) != NULL) {
		put_header(p, hdr);
		if (b->w->watch.fn != NULL)
			imsgi_watch_staged(b->w, p, sizeof(*hdr), MSGBUF_FIRST);
		return 0;
	}
	if ((h = imsgi_ibuf_new(sizeof(*hdr), sizeof(*hdr))) == NULL)
		return -1;
	put_header(h->buf, hdr);
	h->wpos = sizeof(*hdr);
	h->state |= IBUF_PART;
	ibuf_fd_set(h, fd);
	ibuf_close(b->w, h);
	return 0;
}

int
imsg_compose_ibuf(
    struct imsgbuf *b, uint32_t type, uint32_t id, pid_t pid, struct ibuf *p)
{
	struct imsg_hdr hdr;
	size_t total;

	imsgi_ibuf_owned(p);
	if ((total = admit(b, ibuf_size(p), p->fd >= 0)) == 0) {
		ibuf_free(p);
		return -1;
	}
	fill_header(b, &hdr, type, id, pid);
	hdr.len = imsgi_wire_len(b, total, p->fd >= 0);
	if (enqueue_header(b, &hdr, p->fd) == -1) {
		ibuf_free(p);
		return -1;
	}
	/* The header's ibuf has it now. */
	(void)ibuf_fd_get(p);
	p->state |= IBUF_REST;
	imsgi_msgbuf_follow(b->w, p);
	return 1;
}

int
imsg_forward(struct imsgbuf *b, struct imsg *m)
{
	ibuf_rewind(m->buf);
	if (ibuf_skip(m->buf, IMSG_HEADER_SIZE) == -1)
		return -1;
	return imsg_compose(b, m->hdr.type, m->hdr.peerid, (pid_t)m->hdr.pid,
	    -1, ibuf_data(m->buf), ibuf_size(m->buf));
}

struct ibuf *
imsg_create(
    struct imsgbuf *b, uint32_t type, uint32_t id, pid_t pid, size_t datalen)
{
	struct imsg_hdr hdr;
	struct ibuf *msg;
	size_t total;

	if ((total = admit(b, datalen, 0)) == 0)
		return NULL;
	if ((msg = ibuf_dynamic(total, imsgi_wire_max(b))) == NULL)
		return NULL;
	/* Its limit is that of the wire as it is now: too late to change. */
	b->w->touched = 1;
	fill_header(b, &hdr, type, id, pid);
	(void)ibuf_add(msg, &hdr, sizeof(hdr));
	return msg;
}

int
imsg_add(struct ibuf *msg, const void *data, size_t len)
{
	if (len == 0)
		return 0;
	if (len > INT_MAX) {
		errno = ERANGE;
	} else if (ibuf_add(msg, data, len) == 0) {
		return (int)len;
	}
	ibuf_free(msg);
	return -1;
}

int
imsg_set_maxsize(struct ibuf *msg, size_t max)
{
	if (max > UINT32_MAX - IMSG_HEADER_SIZE) {
		errno = ERANGE;
		return -1;
	}
	return ibuf_set_maxsize(msg, max + IMSG_HEADER_SIZE);
}

/*
 * A message that was created for another channel may be too large for what
 * this one's wire can say; a wrong length would tear the stream apart.
 */
void
imsg_close(struct imsgbuf *b, struct ibuf *msg)
{
	if (ibuf_size(msg) > ((b->flags & IMSG_FLAG_CLASSIC) ?
				     IMSG_CLASSIC_MAX :
				     IMSG_FD_MARK - 1))
		abort();
	(void)ibuf_set_h32(msg, offsetof(struct imsg_hdr, len),
	    imsgi_wire_len(b, ibuf_size(msg), ibuf_fd_avail(msg)));
	ibuf_close(b->w, msg);
}
