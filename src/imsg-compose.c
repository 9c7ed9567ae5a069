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
#include <string.h>

#include "imsg-int.h"

static void
fill_header(const struct imsgbuf *b, struct imsg_hdr *hdr, uint32_t type,
    uint32_t id, pid_t pid)
{
	hdr->type = type;
	hdr->len = 0;
	hdr->peerid = id;
	hdr->pid = (uint32_t)(pid == 0 ? b->pid : pid);
}

/* May a message with this payload be queued?  Its total size, or 0. */
static size_t
admit(struct imsgbuf *b, size_t payload, int has_fd)
{
	const struct msgbuf *m = b->w;
	const struct imsg_limits *l = &m->limits;
	size_t total;

	if (payload > imsgi_wire_max(b) ||
	    payload + IMSG_HEADER_SIZE > imsgi_wire_max(b)) {
		errno = ERANGE;
		return 0;
	}
	total = payload + IMSG_HEADER_SIZE;
	if ((l->wbytes != 0 &&
		(m->wq.bytes > l->wbytes || total > l->wbytes - m->wq.bytes)) ||
	    (l->wmsgs != 0 && m->wmsgs >= l->wmsgs) ||
	    (l->wfds != 0 && has_fd && m->wq.fds + m->hollow.fds >= l->wfds)) {
		errno = ENOBUFS;
		return 0;
	}
	return total;
}

/* Word by word, for the reason given at open_message(). */
static void
put_header(unsigned char *p, const struct imsg_hdr *hdr)
{
	memcpy(p, &hdr->type, sizeof(hdr->type));
	memcpy(p + 4, &hdr->len, sizeof(hdr->len));
	memcpy(p + 8, &hdr->peerid, sizeof(hdr->peerid));
	memcpy(p + 12, &hdr->pid, sizeof(hdr->pid));
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

/* Into the output chunk if it may go there, else as a buffer of its own. */
static int
enqueue(struct imsgbuf *b, struct imsg_hdr *hdr, size_t total, int fd,
    const struct iovec *iov, int iovcnt)
{
	struct ibuf *msg;
	unsigned char *p;

	hdr->len = imsgi_wire_len(b, total, fd >= 0);
	if (fd < 0 && (p = imsgi_msgbuf_stage(b->w, total, 0)) != NULL) {
		gather(p, hdr, iov, iovcnt);
		return 1;
	}
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
	return enqueue(b, &hdr, total, fd, iov, iovcnt);
}

int
imsg_compose(struct imsgbuf *b, uint32_t type, uint32_t id, pid_t pid, int fd,
    const void *data, size_t len)
{
	struct imsg_hdr hdr;
	struct iovec iov;
	size_t total;

	if ((total = admit(b, len, fd >= 0)) == 0)
		return -1;
	iov.iov_base = (void *)(uintptr_t)data;
	iov.iov_len = len;
	fill_header(b, &hdr, type, id, pid);
	return enqueue(b, &hdr, total, fd, &iov, 1);
}

/* Queues the header as the first half of a message whose rest follows. */
static int
enqueue_header(struct imsgbuf *b, const struct imsg_hdr *hdr, int fd)
{
	struct ibuf *h;
	unsigned char *p;

	if (fd < 0 && (p = imsgi_msgbuf_stage(b->w, sizeof(*hdr), 1)) != NULL) {
		put_header(p, hdr);
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
	imsgi_msgbuf_follow(b->w, p);
	return 1;
}

int
imsg_forward(struct imsgbuf *b, struct imsg *m)
{
	struct imsg_hdr hdr;
	struct iovec iov;
	size_t total;

	ibuf_rewind(m->buf);
	if (ibuf_skip(m->buf, IMSG_HEADER_SIZE) == -1)
		return -1;
	iov.iov_base = ibuf_data(m->buf);
	iov.iov_len = ibuf_size(m->buf);
	if ((total = admit(b, iov.iov_len, 0)) == 0)
		return -1;
	fill_header(b, &hdr, m->hdr.type, m->hdr.peerid, (pid_t)m->hdr.pid);
	return enqueue(b, &hdr, total, -1, &iov, 1);
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

void
imsg_close(struct imsgbuf *b, struct ibuf *msg)
{
	(void)ibuf_set_h32(msg, offsetof(struct imsg_hdr, len),
	    imsgi_wire_len(b, ibuf_size(msg), ibuf_fd_avail(msg)));
	ibuf_close(b->w, msg);
}
