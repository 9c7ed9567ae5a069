/* SPDX-License-Identifier: ISC */
/*
 * Sending: the head of the write queue becomes one system call.
 *
 * The order of bytes is the order of the queue, and a descriptor leaves with
 * the first byte of its own ibuf: it starts a new message of the batch.  What
 * the kernel has taken is consumed, what it has not stays, whatever happens.
 */
#include "feature.h"

#include <errno.h>
#include <string.h>

#include "msgbuf-int.h"

struct batch {
	struct iovec iov[IMSGI_IOV_MAX];
	struct imsgi_mmsg mm[IMSGI_MMSG_MAX];
	union imsgi_ctl ctl[IMSGI_MMSG_MAX];
	int niov;
	unsigned int nmm;
};

static struct imsgi_mmsg *
batch_start(struct batch *t)
{
	struct imsgi_mmsg *mm = &t->mm[t->nmm++];

	memset(mm, 0, sizeof(*mm));
	mm->hdr.msg_iov = &t->iov[t->niov];
	return mm;
}

/*
 * A descriptor rides on the first byte of its ibuf or not at all: after the
 * start was sent without it, it would be taken for that of a later message.
 */
static int
carries(const struct ibuf *b, int pass)
{
	return pass && b->fd >= 0 && !(b->state & IBUF_BEGUN);
}

/* Takes from the queue what fits.  max: messages of the batch. */
static void
batch_fill(struct batch *t, struct msgbuf *m, unsigned int max, int pass)
{
	struct imsgi_mmsg *mm = NULL;
	struct ibuf *b;

	t->niov = 0;
	t->nmm = 0;
	for (b = m->wq.first; b != NULL && t->niov < IMSGI_IOV_MAX;
	     b = b->entry.tqe_next) {
		if (ibuf_size(b) == 0)
			continue;
		if (mm == NULL || carries(b, pass)) {
			if (t->nmm == max)
				return;
			mm = batch_start(t);
			if (carries(b, pass))
				imsgi_attach(
				    &mm->hdr, &t->ctl[t->nmm - 1], b->fd);
		}
		t->iov[t->niov].iov_base = ibuf_data(b);
		t->iov[t->niov].iov_len = ibuf_size(b);
		t->niov++;
		mm->hdr.msg_iovlen++;
	}
}

/* b, the queue's head, of which nothing is left to send, leaves it. */
static void
retire_head(struct msgbuf *m, struct ibuf *b)
{
	(void)ibufq_pop(&m->wq);
	if (b->state & IBUF_CHUNK) {
		imsgi_chunk_retire(m, (struct chunk *)(void *)b);
		return;
	}
	if (m->watch.fn != NULL)
		imsgi_watch_sent(m, b);
	m->count--;
	if (b->state & IBUF_PART)
		m->halves--;
	ibuf_free(b);
}

/* take bytes of b, the queue's head, have been sent. */
static void
consume_head(struct msgbuf *m, struct ibuf *b, size_t take, int passed)
{
	uint32_t halves;

	if (m->watch.fn != NULL)
		imsgi_watch_taken(m, b, take);
	b->rpos += take;
	b->state |= IBUF_BEGUN;
	m->wq.bytes -= take;
	if (b->fd >= 0 && (passed || ibuf_size(b) == 0)) {
		/* Passed: the message in flight has a reference of its own. */
		if (passed)
			imsgi_inflight_sent(&m->inflight, ibuf_fd_get(b));
		else
			imsgi_close(ibuf_fd_get(b));
		m->wq.fds--;
	}
	if (b->state & IBUF_CHUNK) {
		m->count -=
		    imsgi_chunk_advance((struct chunk *)(void *)b, &halves);
		m->halves -= halves;
	}
}

/* Consumes n sent bytes and the empty ibufs that have come to the head. */
static void
drain(struct msgbuf *m, size_t n, int passed)
{
	struct ibuf *b;
	size_t take;

	if (n > 0)
		m->touched = 1;
	while ((b = m->wq.first) != NULL) {
		take = ibuf_size(b) < n ? ibuf_size(b) : n;
		if (take > 0)
			consume_head(m, b, take, passed);
		n -= take;
		if (ibuf_size(b) > 0)
			return;
		retire_head(m, b);
	}
}

/* Takes n, the result of a system call that was given bytes to send. */
static enum msgbuf_sent
settle(struct msgbuf *m, ssize_t n, int passed)
{
	if (n > 0) {
		drain(m, (size_t)n, passed);
		return MSGBUF_SENT;
	}
	/* No progress and no error: a device may say that; do not spin. */
	if (n == 0 || errno == ENOBUFS)
		return MSGBUF_NOBUFS;
	if (IMSGI_IS_AGAIN(errno))
		return MSGBUF_FULL;
	return MSGBUF_FAIL;
}

/* Drops empty ibufs at the head; 0 if then there is nothing to send. */
static int
has_bytes(struct msgbuf *m)
{
	drain(m, 0, 0);
	return m->wq.first != NULL;
}

/*
 * Most writes: all that is queued lies in one chunk, has no descriptor, and
 * the socket takes it.  A vector of one costs the kernel more than none.
 */
static enum msgbuf_sent
send_chunk(struct msgbuf *m, struct chunk *c, int fd, int nowait)
{
	size_t len = ibuf_size(&c->ibuf);
	ssize_t n;

	n = imsgi_send_bytes(fd, ibuf_data(&c->ibuf), len, nowait);
	if (n >= 0 && (size_t)n == len) {
		if (m->watch.fn != NULL)
			imsgi_watch_taken(m, &c->ibuf, len);
		imsgi_chunk_sent(m, c);
		return MSGBUF_SENT;
	}
	return settle(m, n, 0);
}

/* The chunk that is all that is queued, or NULL. */
static struct chunk *
lone_chunk(const struct msgbuf *m)
{
	struct ibuf *b = m->wq.first;

	if (b == NULL || b != m->wq.last || !(b->state & IBUF_CHUNK) ||
	    m->hollow.len > 0)
		return NULL;
	return (struct chunk *)(void *)b;
}

enum msgbuf_sent
imsgi_msgbuf_send(struct msgbuf *m, int fd, int nowait)
{
	enum msgbuf_sent r;
	struct chunk *c;
	struct batch t;
	ssize_t n;

	imsgi_inflight_look(&m->inflight, fd);
	if ((c = lone_chunk(m)) != NULL) {
		r = send_chunk(m, c, fd, nowait);
		if (r != MSGBUF_FAIL || errno != ENOTSOCK)
			return r;
	}
	if (!has_bytes(m))
		return MSGBUF_IDLE;
	batch_fill(&t, m, 1, 0);
	/*
	 * A socket is written with sendmsg(2), which can do without SIGPIPE.
	 * Anything else says ENOTSOCK; asked anew each time, because the
	 * number may stand for another file by the next call.
	 */
	n = -1;
	if (c == NULL)
		n = imsgi_send(fd, &t.mm[0].hdr, nowait);
	if (n == -1 && errno == ENOTSOCK)
		n = imsgi_writev(fd, t.iov, t.niov);
	return settle(m, n, 0);
}

/*
 * Whether the system went on behind a message that was sent short.  Linux has
 * not done so since 4.9, but an emulator of its system calls may (qemu-user
 * does), under the name of the newest release: the bytes between are lost.
 */
static int
has_gap(const struct batch *t, int n)
{
	const struct iovec *iov = t->iov;
	size_t left;
	int i;

	for (i = 0; i + 1 < n; i++) {
		left = t->mm[i].len;
		for (; iov < t->mm[i + 1].hdr.msg_iov; iov++) {
			if (left < iov->iov_len)
				return 1;
			left -= iov->iov_len;
		}
	}
	return 0;
}

/*
 * sendmmsg(2) for batches with more than one descriptor.  ENOSYS: no such
 * system call; EPERM: a seccomp filter (seccomp(2)) without it.  Neither
 * will change, so the msgbuf remembers.
 */
static ssize_t
send_batch(struct msgbuf *m, int fd, struct batch *t, int nowait)
{
	size_t sum = 0;
	int i, n;

	if (t->nmm > 1) {
		n = imsgi_sendmm(fd, t->mm, t->nmm, nowait);
		for (i = 0; i < n; i++)
			sum += t->mm[i].len;
		if (has_gap(t, n)) {
			m->no_mmsg = MSGBUF_TORN;
			errno = EIO;
			return -1;
		}
		if (n > 0)
			return (ssize_t)sum;
		if (n == 0 || (errno != ENOSYS && errno != EPERM))
			return n;
		m->no_mmsg = 1;
	}
	return imsgi_send(fd, &t->mm[0].hdr, nowait);
}

enum msgbuf_sent
imsgi_msgbuf_sendfd(struct msgbuf *m, int fd, int nowait)
{
	struct chunk *c;
	struct batch t;
	ssize_t n;

	imsgi_inflight_look(&m->inflight, fd);
	if (m->no_mmsg == MSGBUF_TORN) {
		errno = EIO;
		return MSGBUF_FAIL;
	}
	if ((c = lone_chunk(m)) != NULL)
		return send_chunk(m, c, fd, nowait);
	if (!has_bytes(m))
		return MSGBUF_IDLE;
	if (m->no_mmsg == -1 && m->wq.fds > 1)
		m->no_mmsg = !imsgi_os.mmsg_stops();
	batch_fill(&t, m, m->no_mmsg == 0 ? IMSGI_MMSG_MAX : 1, 1);
	n = send_batch(m, fd, &t, nowait);
	return settle(m, n, 1);
}

int
ibuf_write(int fd, struct msgbuf *m)
{
	return imsgi_msgbuf_send(m, fd, 0) == MSGBUF_FAIL ? -1 : 0;
}

int
msgbuf_write(int fd, struct msgbuf *m)
{
	return imsgi_msgbuf_sendfd(m, fd, 0) == MSGBUF_FAIL ? -1 : 0;
}
