/* SPDX-License-Identifier: ISC */
/*
 * The sending half of soak-end.h.  It keeps books of its own on what is
 * queued and knows so beforehand which message a limit will refuse.
 */
#include "../src/feature.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "soak-end.h"

#define QUEUED_BYTES_MAX (256 * 1024)
#define QUEUED_FDS_MAX	 40

/* As struct imsg_limits has it. */
static int
over_limit(const struct soak_end *e, size_t total, int with_fd)
{
	const struct imsg_limits *l = &e->limits;

	return (l->wbytes != 0 && e->composed - e->sent + total > l->wbytes) ||
	    (l->wmsgs != 0 && e->ring_in - e->ring_out >= l->wmsgs) ||
	    (l->wfds != 0 && with_fd && e->queued_fds >= l->wfds);
}

static void
record(struct soak_end *e, size_t total, int with_fd)
{
	struct soak_queued *q = &e->ring[e->ring_in++ % SOAK_RING];

	q->start = e->composed;
	e->composed += total;
	q->end = e->composed;
	q->fd = with_fd;
	e->queued_fds += with_fd != 0;
}

/* r: what the call returned; over: what had to happen.  1, or 0 refused. */
static int
settle(struct soak_end *e, int r, int over, size_t total, int with_fd)
{
	if (r == -1) {
		if (errno != ENOBUFS || !over)
			soak_fail("compose of %zu bytes failed", total);
		soak_add(SOAK_ENOBUFS, 1);
		return 0;
	}
	if (r != 1)
		soak_fail("compose returned %d", r);
	if (over)
		soak_fail("a limit let %zu bytes pass", total);
	record(e, total, with_fd);
	return 1;
}

/* The length with which the message is created; the rest is added. */
static size_t
created_len(const struct soak_plan *p)
{
	return p->len / 2;
}

static int
create(struct soak_end *e, const struct soak_plan *p, int fd)
{
	size_t half = created_len(p);
	struct ibuf *b = imsg_create(&e->b, p->type, e->data, 0, half);

	if (b == NULL)
		return -1;
	if (imsg_add(b, soak_scratch, half) != (int)half ||
	    imsg_add(b, soak_scratch + half, p->len - half) !=
		(int)(p->len - half))
		soak_fail("imsg_add");
	ibuf_fd_set(b, fd);
	imsg_close(&e->b, b);
	return 1;
}

static int
by_ibuf(struct soak_end *e, const struct soak_plan *p, int fd)
{
	struct ibuf *b = ibuf_dynamic(p->len / 3, p->len + 1);

	if (b == NULL || ibuf_add(b, soak_scratch, p->len) == -1)
		soak_fail("ibuf of %zu bytes", p->len);
	ibuf_fd_set(b, fd);
	return imsg_compose_ibuf(&e->b, p->type, e->data, 0, b);
}

static int
compose(struct soak_end *e, const struct soak_plan *p, int fd)
{
	struct iovec iov[3] = { { soak_scratch, p->len / 3 }, { NULL, 0 },
		{ soak_scratch + p->len / 3, p->len - p->len / 3 } };
	int r;

	switch (p->how) {
	case SOAK_CREATE:
		r = create(e, p, fd);
		break;
	case SOAK_IBUF:
		/* Takes the descriptor in every case. */
		return by_ibuf(e, p, fd);
	case SOAK_COMPOSEV:
		r = imsg_composev(&e->b, p->type, e->data, 0, fd, iov, 3);
		break;
	case SOAK_COMPOSE:
	default:
		r = imsg_compose(
		    &e->b, p->type, e->data, 0, fd, soak_scratch, p->len);
		break;
	}
	if (r == -1 && fd != -1 && close(fd) == -1)
		soak_fail("a descriptor refused was closed");
	return r;
}

int
soak_compose_data(struct soak_end *e)
{
	struct soak_plan p;
	size_t total;
	int fd = -1, over, r, save;

	soak_plan_draw(&p, e->pr, e->me, e->data);
	total = p.len + IMSG_HEADER_SIZE;
	if (p.how == SOAK_CREATE)
		over = over_limit(e, created_len(&p) + IMSG_HEADER_SIZE, 0);
	else
		over = over_limit(e, total, p.kind != SOAK_FD_NONE);
	if (p.kind != SOAK_FD_NONE &&
	    (fd = soak_fd_make(p.kind, p.seed)) == -1) {
		if (errno != EMFILE || e->pr->room == 0 || e->me == SOAK_PARENT)
			soak_fail("no descriptor of kind %d", (int)p.kind);
		soak_add(SOAK_EMFILE, 1);
		soak_drop_hoard(e);
		return 0;
	}
	soak_fill(soak_scratch, p.len, p.seed);
	r = compose(e, &p, fd);
	save = errno;
	memset(soak_scratch, 0xee, p.len);
	errno = save;
	if (!settle(e, r, over, total, fd != -1))
		return 0;
	atomic_store(&e->mine->composed, ++e->data);
	return 1;
}

static int
control(struct soak_end *e, uint32_t type, const void *data, size_t len)
{
	size_t total = len + IMSG_HEADER_SIZE;
	int r, over = over_limit(e, total, 0);

	if (e->ring_in - e->ring_out >= SOAK_RING)
		return 0;
	r = imsg_compose(&e->b, type, (uint32_t)e->ring_in, 0, -1, data, len);
	return settle(e, r, over, total, 0);
}

static void
compose_control(struct soak_end *e)
{
	uint64_t due = e->in.msgs - e->told;
	uint64_t total = e->data;

	if (due >= e->manner->ack_every ||
	    (due > 0 && (e->fin_in || soak_rand(&e->rng, 8) == 0))) {
		if (!control(e, SOAK_ACK, &e->in, sizeof(e->in)))
			return;
		e->told = e->in.msgs;
	}
	/* A child has all of the parent's messages and says so before it. */
	if (e->fin_wanted && !e->fin_out)
		e->fin_out = control(e, SOAK_FIN, &total, sizeof(total));
}

void
soak_compose(struct soak_end *e)
{
	uint32_t n = 1 + soak_rand(&e->rng, e->manner->depth);

	if (e->broken)
		return;
	compose_control(e);
	if (e->fin_wanted || soak_now_ms() < e->quiet_until)
		return;
	while (n-- > 0 && e->composed - e->sent < QUEUED_BYTES_MAX &&
	    e->queued_fds < QUEUED_FDS_MAX &&
	    e->ring_in - e->ring_out < SOAK_RING - 8)
		if (!soak_compose_data(e))
			break;
	e->quiet_until =
	    soak_now_ms() + soak_rand(&e->rng, e->manner->pace + 1);
}

void
soak_written(struct soak_end *e)
{
	struct soak_queued *q;

	e->sent = e->composed - imsgbuf_queuebytes(&e->b);
	while (e->ring_out < e->ring_in &&
	    e->ring[e->ring_out % SOAK_RING].end <= e->sent)
		e->ring_out++;
	for (; e->ring_fd < e->ring_in; e->ring_fd++) {
		q = &e->ring[e->ring_fd % SOAK_RING];
		if (q->start >= e->sent)
			break;
		e->queued_fds -= q->fd != 0;
	}
	if ((imsgbuf_queuelen(&e->b) == 0) != (e->ring_out == e->ring_in))
		soak_fail("queue length %u with %llu messages unsent",
		    imsgbuf_queuelen(&e->b),
		    (unsigned long long)(e->ring_in - e->ring_out));
	atomic_store(&e->mine->sent_bytes, e->sent);
	atomic_store(&e->mine->sent_msgs, e->ring_out);
}

/* -1 as the call; *flushed: it promised to leave nothing. */
static int
write_somehow(struct soak_end *e, int *flushed)
{
	int may_block = e->pr->blocking == e->me;
	uint32_t how = soak_rand(&e->rng, may_block ? 3 : 2);

	*flushed = how != 0;
	if (how == 0)
		return imsgbuf_write(&e->b);
	if (how == 1)
		return imsgbuf_flush_timeout(&e->b, (int)soak_rand(&e->rng, 4));
	return imsgbuf_flush(&e->b);
}

void
soak_write(struct soak_end *e)
{
	int flushed, r, save;

	errno = 0;
	r = write_somehow(e, &flushed);
	save = errno;
	soak_written(e);
	errno = save;
	if (r == 0) {
		if (flushed && e->sent != e->composed)
			soak_fail("flushed, but not all is sent");
		return;
	}
	switch (errno) {
	case EPIPE:
	case ECONNRESET:
		e->broken = 1;
		break;
	case ETIMEDOUT:
		if (!flushed)
			soak_fail("imsgbuf_write");
		break;
	case ETOOMANYREFS:
		/* What an ordinary user may have in flight; see unix(7). */
		soak_add(SOAK_REFS, 1);
		e->write_after = soak_now_ms() + 2;
		break;
	default:
		soak_fail("writing returned %d", r);
	}
}

/*
 * The peer has verified all up to there: is that what was sent, and do its
 * sums agree with the plan?
 */
void
soak_check_ack(struct soak_end *e, const struct soak_ack *a)
{
	struct soak_plan p;

	if (a->msgs <= e->acked.msgs || a->msgs > e->data)
		soak_fail("%llu of %u messages acknowledged after %llu",
		    (unsigned long long)a->msgs, e->data,
		    (unsigned long long)e->acked.msgs);
	while (e->acked.msgs < a->msgs) {
		soak_plan_draw(&p, e->pr, e->me, (uint32_t)e->acked.msgs++);
		e->acked.bytes += p.len;
		e->acked.fds += p.kind != SOAK_FD_NONE;
	}
	if (a->bytes != e->acked.bytes || a->fds + a->lost != e->acked.fds)
		soak_fail("acknowledged %llu bytes, %llu + %llu descriptors; "
			  "sent %llu and %llu",
		    (unsigned long long)a->bytes, (unsigned long long)a->fds,
		    (unsigned long long)a->lost,
		    (unsigned long long)e->acked.bytes,
		    (unsigned long long)e->acked.fds);
}
