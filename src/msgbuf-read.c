/* SPDX-License-Identifier: ISC */
/*
 * Receiving: bytes and descriptors from one system call become messages.
 *
 * The peer is not trusted.  Memory is allocated for bytes that have arrived
 * (or for one message of moderate size), never for a length that was only
 * announced.  A message is delivered once, or the stream has failed for good
 * and says so on every read.
 */
#include "feature.h"

#include <errno.h>
#include <string.h>

#include "msgbuf-int.h"

struct msgbuf *
msgbuf_new_reader(size_t hdrsz, msgbuf_readhdr *readhdr, void *arg)
{
	struct msgbuf *m;

	if (hdrsz == 0 || hdrsz > IBUF_READ_SIZE / 2) {
		errno = EINVAL;
		return NULL;
	}
	if ((m = msgbuf_new()) == NULL)
		return NULL;
	m->hdrsz = hdrsz;
	m->insize = IMSGI_INPUT_SIZE;
	if (m->insize < hdrsz * 2)
		m->insize = hdrsz * 2;
	m->readhdr = readhdr;
	m->arg = arg;
	if ((m->in = imsgi_os.alloc(m->insize)) == NULL) {
		imsgi_free(m);
		return NULL;
	}
	return m;
}

struct msgbuf *
imsgi_msgbuf_new_reader(size_t hdrsz, msgbuf_readhdr *readhdr,
    const struct msgbuf_lazy *lazy, void *arg)
{
	struct msgbuf *m;

	if ((m = msgbuf_new_reader(hdrsz, readhdr, arg)) != NULL) {
		m->knows_lost = 1;
		m->lazy = lazy;
	}
	return m;
}

void
imsgi_msgbuf_clear_read(struct msgbuf *m)
{
	ibufq_flush(&m->rq);
	imsgi_current_drop(m);
	imsgi_place_drop(m);
	m->proven = 0;
	imsgi_token_clear(&m->tokens);
	if (m->in != NULL)
		imsgi_wipe(m->in, m->inend);
	imsgi_free(m->in);
	m->in = NULL;
	m->inpos = m->inend = m->ready = 0;
	m->nready = 0;
	m->failed = m->badhdr = m->stalled = m->eof = 0;
}

/* Is b a buffer that the message with this header can go into? */
static int
check_ibuf(struct msgbuf *m, struct ibuf *b)
{
	if (IBUF_IS_VIEW(b)) {
		errno = EINVAL;
		return -1;
	}
	if (ibuf_left(b) < m->hdrsz) {
		ibuf_free(b);
		errno = EINVAL;
		return -1;
	}
	return 0;
}

/* A header is complete: ask for the message's buffer. */
static int
begin(struct msgbuf *m)
{
	struct ibuf hdr, *b;
	int offer, fd;

	offer = fd = imsgi_token_offer(&m->tokens);
	if (fd == IMSGI_FD_LOST && !m->knows_lost)
		offer = fd = IMSGI_FD_NONE;
	ibuf_from_buffer(&hdr, m->in + m->inpos, m->hdrsz);
	b = m->readhdr(&hdr, m->arg, &fd);
	if (b == NULL) {
		/* A callback may have taken the descriptor all the same. */
		if (fd != offer)
			imsgi_token_header(&m->tokens, 1);
		return -1;
	}
	imsgi_token_header(&m->tokens, fd != offer);
	if (check_ibuf(m, b) == -1)
		return -1;
	if (m->lazy != NULL)
		b->state |= IBUF_RECEIVED;
	m->cur = b;
	m->missing = ibuf_left(b);
	return 0;
}

/* The stream makes no sense from here on.  errno is kept and remembered. */
static int
fail(struct msgbuf *m)
{
	if (errno == 0)
		errno = EINVAL;
	m->failed = errno;
	m->badhdr = m->inend - m->inpos >= m->hdrsz;
	imsgi_current_drop(m);
	imsgi_token_clear(&m->tokens);
	return -1;
}

/* Keeps what is not parsed at the front and wipes the rest. */
static void
compact(struct msgbuf *m)
{
	size_t left = m->inend - m->inpos;

	if (m->failed && left > m->hdrsz)
		left = m->hdrsz;
	if (m->inpos > 0)
		memmove(m->in, m->in + m->inpos, left);
	imsgi_wipe(m->in + left, m->inend - left);
	m->inpos = m->ready = 0;
	m->inend = left;
}

/* A message under way takes what there is of it: 1 complete, 0, -1 ENOMEM. */
static int
go_on(struct msgbuf *m)
{
	if (imsgi_current_absorb(m) == -1)
		return -1;
	if (m->missing > 0)
		return 0;
	imsgi_current_deliver(m);
	m->ready = m->inpos;
	return 1;
}

/*
 * The next message behind those that are ready: 1, 0 if it is not complete.
 * Complete ones are left to wait, unless a descriptor may concern them; one
 * that does not wait has to be made behind all that do.
 */
static int
parse_one(struct msgbuf *m)
{
	if (m->cur != NULL)
		return go_on(m);
	if (m->lazy != NULL && m->tokens.n == 0 && imsgi_lazy_scan(m) &&
	    m->nready > 0)
		return 0;
	if (m->inend - m->ready < m->hdrsz)
		return 0;
	if (imsgi_lazy_make_all(m) == -1 || begin(m) == -1)
		return -1;
	return go_on(m);
}

static int
parse_all(struct msgbuf *m)
{
	int r;

	for (;;) {
		while ((r = parse_one(m)) == 1)
			continue;
		if (r == -1 || m->nready == 0 || m->rq.first != NULL)
			return r;
		/* Who fetches after each read meets want of memory here. */
		if (imsgi_lazy_make(m) == -1)
			return -1;
		/* It was the only one: the message behind it can begin. */
		if (m->nready > 0)
			return 0;
	}
}

/*
 * After ENOMEM everything is kept as it is, the tokens too, and the receipt
 * goes on from there when the next read comes.
 */
static int
parse(struct msgbuf *m)
{
	int inside, r = 1;

	m->stalled = 0;
	if (parse_all(m) == -1) {
		r = -1;
		if (errno == ENOMEM)
			m->stalled = 1;
		else
			fail(m);
	} else {
		inside = m->cur == NULL && m->inend > m->ready;
		if (imsgi_token_receipt_end(&m->tokens, inside) == -1)
			r = fail(m);
	}
	if (m->nready == 0)
		compact(m);
	return r;
}

void
imsgi_msgbuf_settle(struct msgbuf *m)
{
	int save = errno;

	/* Want of memory is told by the next read; none waits after failure. */
	if (!m->stalled)
		(void)parse(m);
	errno = save;
}

/*
 * Two stretches: first what is missing of the current message, in place, or
 * the place of one that may come, then the input buffer, unless more of that
 * message would land in it.  Behind a message of several reads nothing more
 * is read: the next one's block would be allocated before the program has
 * freed this one, and with two large blocks free glibc gives memory back to
 * the system after each message (mallopt(3), M_TRIM_THRESHOLD: twice the
 * largest block freed).
 */
static int
prepare(struct msgbuf *m, struct iovec *iov, struct ibuf **place)
{
	size_t room, space;
	int n = 0;

	if (m->in == NULL && (m->in = imsgi_os.alloc(m->insize)) == NULL)
		return -1;
	space = m->insize - m->inend;
	*place = NULL;
	if (m->cur != NULL) {
		if ((*place = imsgi_current_room(m, &room)) == NULL)
			return -1;
		iov[n].iov_base = (*place)->buf + (*place)->wpos;
		iov[n].iov_len = room < space ? room : space;
		space -= iov[n].iov_len;
		if (room < m->missing || m->cur->max > IMSGI_PLACE_MAX)
			space = 0;
		n++;
	} else if ((*place = imsgi_place_get(m)) != NULL) {
		iov[n].iov_base = (*place)->buf;
		iov[n].iov_len = (*place)->size;
		space -= iov[n].iov_len;
		n++;
	}
	if (space > 0) {
		iov[n].iov_base = m->in + m->inend;
		iov[n].iov_len = space;
		n++;
	}
	return n;
}

static void
arrived(struct msgbuf *m, struct ibuf *place, const struct iovec *iov, size_t n)
{
	size_t first;

	m->touched = 1;
	if (place != NULL && m->cur == NULL) {
		imsgi_place_arrived(m, n);
		return;
	}
	if (place != NULL) {
		first = n < iov[0].iov_len ? n : iov[0].iov_len;
		imsgi_current_advance(m, place, first);
		n -= first;
	}
	m->inend += n;
}

int
imsgi_msgbuf_receive(struct msgbuf *m, int fd, int how)
{
	struct iovec iov[2];
	struct ibuf *place;
	int passed = IMSGI_FD_NONE;
	int cnt;
	ssize_t n;

	if (m->readhdr == NULL) {
		errno = EINVAL;
		return -1;
	}
	if (m->inflight.n > 0)
		imsgi_inflight_look(&m->inflight, fd);
	/* What nobody has fetched makes room. */
	if (m->nready > 0) {
		if (imsgi_lazy_make_all(m) == -1)
			return -1;
		if (!m->stalled)
			imsgi_msgbuf_settle(m);
	}
	if (m->failed != 0) {
		errno = m->failed;
		return -1;
	}
	if (m->stalled)
		return parse(m);
	if ((cnt = prepare(m, iov, &place)) == -1)
		return -1;
	if (how & IMSGI_RECV_PASS)
		n = imsgi_recv(fd, iov, cnt, how, &passed);
	else if (how & IMSGI_RECV_NOWAIT)
		n = imsgi_readv_nowait(fd, iov, cnt);
	else
		n = imsgi_readv(fd, iov, cnt);
	if (n == -1)
		return IMSGI_IS_AGAIN(errno) ? MSGBUF_WOULDBLOCK : -1;
	m->eof = n == 0;
	if (n == 0) {
		imsgi_close(passed);
		return 0;
	}
	imsgi_token_arrive(&m->tokens, passed);
	arrived(m, place, iov, (size_t)n);
	return parse(m);
}

int
ibuf_read(int fd, struct msgbuf *m)
{
	int r = imsgi_msgbuf_receive(m, fd, 0);

	return r == MSGBUF_WOULDBLOCK ? 1 : r;
}

int
msgbuf_read(int fd, struct msgbuf *m)
{
	int r = imsgi_msgbuf_receive(m, fd, IMSGI_RECV_PASS);

	return r == MSGBUF_WOULDBLOCK ? 1 : r;
}
