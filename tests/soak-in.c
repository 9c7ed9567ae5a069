/* SPDX-License-Identifier: ISC */
/*
 * The receiving half of soak-end.h: what comes is the next message of the
 * plan, whole, with its own descriptor, or the soak has failed.
 */
#include "../src/feature.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "soak-end.h"

/* Free places that one call could fill and then lose a descriptor. */
#define ROOM_TO_SPARE 3

void
soak_drop_hoard(struct soak_end *e)
{
	while (e->hoarded > 0)
		close(e->hoard[--e->hoarded]);
}

/* Has the table of a child with few places less room than a read may need? */
static int
no_room_to_spare(const struct soak_end *e)
{
	int fd[ROOM_TO_SPARE], n = 0, i;

	if (e->me == SOAK_PARENT || e->pr->room == 0)
		return 0;
	while (n < ROOM_TO_SPARE && (fd[n] = dup(e->b.fd)) != -1)
		n++;
	for (i = 0; i < n; i++)
		close(fd[i]);
	return n < ROOM_TO_SPARE;
}

/* A child with few places keeps descriptors, so that some are lost. */
static void
keep_or_close(struct soak_end *e, int fd)
{
	if (e->me == SOAK_PARENT || e->pr->room == 0) {
		close(fd);
		return;
	}
	if (e->hoarded < SOAK_HOARD)
		e->hoard[e->hoarded++] = fd;
	else
		close(fd);
	if (soak_rand(&e->rng, 30) == 0)
		soak_drop_hoard(e);
}

static void
take_fd(struct soak_end *e, struct imsg *m, const struct soak_plan *p)
{
	int fd, flags;

	/* One in sixteen is left to imsg_free(). */
	if (soak_rand(&e->rng, 16) == 0)
		return;
	fd = imsg_get_fd(m);
	if (imsg_fd_status(m) != IMSG_FD_TAKEN ||
	    !soak_fd_check(fd, p->kind, p->seed))
		soak_fail("message %llu: not its descriptor (kind %d, %d)",
		    (unsigned long long)e->in.msgs, (int)p->kind, fd);
	flags = fcntl(fd, F_GETFD);
	if (((flags & FD_CLOEXEC) != 0) != e->manner->cloexec)
		soak_fail("descriptor flags %#x", (unsigned int)flags);
	keep_or_close(e, fd);
}

static void
check_fd(struct soak_end *e, struct imsg *m, const struct soak_plan *p)
{
	int status = imsg_fd_status(m);

	if (p->kind == SOAK_FD_NONE) {
		if (status != IMSG_FD_NONE || imsg_get_fd(m) != -1)
			soak_fail("message %llu: a descriptor (status %d)",
			    (unsigned long long)e->in.msgs, status);
	} else if (status == IMSG_FD_PRESENT) {
		e->in.fds++;
		soak_add(SOAK_FDS, 1);
		take_fd(e, m, p);
	} else if (status == IMSG_FD_LOST && e->maybe_lost) {
		e->in.lost++;
		soak_add(SOAK_LOST, 1);
	} else {
		soak_fail("message %llu: its descriptor is not there "
			  "(status %d)",
		    (unsigned long long)e->in.msgs, status);
	}
}

/* The payload by one of the ways there are to it. */
static int
content_right(struct soak_end *e, struct imsg *m, const struct soak_plan *p)
{
	struct ibuf view;

	if (p->len == 0)
		return imsg_get_len(m) == 0;
	switch (soak_rand(&e->rng, 3)) {
	case 0:
		return imsg_get_ibuf(m, &view) == 0 &&
		    ibuf_size(&view) == p->len &&
		    soak_check(ibuf_data(&view), p->len, p->seed);
	case 1:
		return imsg_get_data(m, soak_scratch, p->len) == 0 &&
		    soak_check(soak_scratch, p->len, p->seed);
	default:
		return imsg_get_len(m) == p->len &&
		    soak_check(m->data, p->len, p->seed);
	}
}

static void
take_data(struct soak_end *e, struct imsg *m)
{
	struct soak_plan p;

	soak_plan_draw(&p, e->pr, !e->me, (uint32_t)e->in.msgs);
	if (imsg_get_type(m) != p.type || imsg_get_id(m) != e->in.msgs)
		soak_fail("message %llu came as %u, type %#x for %#x",
		    (unsigned long long)e->in.msgs, imsg_get_id(m),
		    imsg_get_type(m), p.type);
	if (imsg_get_len(m) != p.len || !content_right(e, m, &p))
		soak_fail("message %llu: %zu bytes, not the %zu sent",
		    (unsigned long long)e->in.msgs, imsg_get_len(m), p.len);
	check_fd(e, m, &p);
	e->in.msgs++;
	e->in.bytes += p.len;
	atomic_store(&e->mine->verified, e->in.msgs);
	soak_add(SOAK_MSGS, 1);
	soak_add(SOAK_BYTES, p.len);
}

static void
take_fin(struct soak_end *e, struct imsg *m)
{
	uint64_t total;

	if (imsg_get_data(m, &total, sizeof(total)) == -1 ||
	    total != e->in.msgs)
		soak_fail("the end after %llu messages",
		    (unsigned long long)e->in.msgs);
	e->fin_in = 1;
	/* The parent asked for it; a child answers when all is told. */
	if (e->me == SOAK_PARENT && (!e->fin_out || e->acked.msgs != e->data))
		soak_fail("%llu of %u messages acknowledged at the end",
		    (unsigned long long)e->acked.msgs, e->data);
	e->fin_wanted = 1;
}

static void
take(struct soak_end *e, struct imsg *m)
{
	struct soak_ack ack;
	size_t total = imsg_get_len(m) + IMSG_HEADER_SIZE;

	if (imsg_get_pid(m) != e->peer)
		soak_fail("pid %ld", (long)imsg_get_pid(m));
	switch (imsg_get_type(m)) {
	case SOAK_ACK:
		if (imsg_get_id(m) != e->in_msgs ||
		    imsg_get_data(m, &ack, sizeof(ack)) == -1)
			soak_fail("acknowledgement %u", imsg_get_id(m));
		soak_check_ack(e, &ack);
		break;
	case SOAK_FIN:
		take_fin(e, m);
		break;
	default:
		if (e->fin_in)
			soak_fail("a message behind the end");
		take_data(e, m);
		break;
	}
	e->in_msgs++;
	e->in_bytes += total;
	imsg_free(m);
}

void
soak_fetch(struct soak_end *e)
{
	uint32_t budget = UINT32_MAX;
	struct imsg m;
	int r;

	if (soak_rand(&e->rng, 4) == 0)
		budget = 1 + soak_rand(&e->rng, 8);
	e->more = 1;
	while (budget-- > 0) {
		if ((r = imsgbuf_get(&e->b, &m)) == -1)
			soak_fail("imsgbuf_get");
		if (r == 0) {
			e->more = 0;
			break;
		}
		take(e, &m);
	}
	if (e->more == 0 && imsgbuf_partial(&e->b) == 0)
		e->maybe_lost = 0;
}

/* By imsgbuf_recv(), which may wait for a moment. */
static int
receive(struct soak_end *e)
{
	int r, ms = e->me == SOAK_CHILD ? (int)soak_rand(&e->rng, 4) : 0;
	struct imsg m;

	r = imsgbuf_recv(&e->b, &m, ms);
	if (r == 1)
		take(e, &m);
	else if (r == -1 && errno == ETIMEDOUT)
		r = 1;
	return r;
}

void
soak_read(struct soak_end *e)
{
	int r;

	if (no_room_to_spare(e))
		e->maybe_lost = 1;
	if ((int)soak_rand(&e->rng, 4) < e->manner->recv_of_4)
		r = receive(e);
	else
		r = imsgbuf_read(&e->b);
	if (r == -1) {
		/* The peer died with something unread; what it sent is here. */
		if (errno != ECONNRESET)
			soak_fail("reading");
		soak_add(SOAK_RESETS, 1);
	}
	if (r == 0)
		e->eof = 1;
	do
		soak_fetch(e);
	while (e->eof && e->more);
}
