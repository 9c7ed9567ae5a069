/* SPDX-License-Identifier: ISC */
/* See soak-end.h; the halves are in soak-out.c and soak-in.c. */
#include "../src/feature.h"

#include <sys/types.h>
#include <sys/socket.h>

#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "soak-end.h"

static void
set_limits(struct soak_end *e)
{
	struct soak_rng r = { (uint64_t)e->manner->limits };
	struct imsg_limits *l = &e->limits;
	uint32_t total = e->b.maxsize;

	if (e->manner->limits == 0)
		return;
	/* Every message has to fit alone. */
	if (soak_rand(&r, 2))
		l->wbytes = total + soak_rand(&r, 20000);
	if (soak_rand(&r, 2))
		l->wmsgs = 2 + soak_rand(&r, 20);
	if (soak_rand(&r, 2))
		l->wfds = 1 + soak_rand(&r, 4);
	if (soak_rand(&r, 2))
		l->rbytes = total + soak_rand(&r, 20000);
	if (soak_rand(&r, 2))
		l->rmsgs = 1 + soak_rand(&r, 8);
	if (soak_rand(&r, 2))
		l->rfds = 1 + soak_rand(&r, 3);
	if (imsgbuf_set_limits(&e->b, l) == -1)
		soak_fail("imsgbuf_set_limits");
}

static void
set_socket(const struct soak_end *e, int fd)
{
	int size = e->manner->sndbuf;

	if (e->pr->blocking != e->me && fcntl(fd, F_SETFL, O_NONBLOCK) == -1)
		soak_fail("O_NONBLOCK");
	if (size != 0 &&
	    setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size)) == -1)
		soak_fail("SO_SNDBUF");
}

void
soak_end_open(struct soak_end *e, int slot, int me, int fd, pid_t peer)
{
	struct soak_slot *s = &soak_share->slot[slot];

	memset(e, 0, sizeof(*e));
	e->pr = &s->profile;
	e->me = me;
	e->peer = peer;
	e->manner = &e->pr->manner[me];
	e->mine = &s->tally[me];
	e->theirs = &s->tally[!me];
	e->rng.state = e->pr->key ^ (uint64_t)(me + 77);
	set_socket(e, fd);
	if (imsgbuf_init(&e->b, fd) == -1 ||
	    imsgbuf_set_wire(&e->b, e->pr->wire) == -1 ||
	    imsgbuf_set_maxpayload(&e->b, e->pr->payload) == -1)
		soak_fail("imsgbuf_init");
	imsgbuf_allow_fdpass(&e->b);
	if (e->manner->cloexec)
		imsgbuf_set_cloexec(&e->b);
	set_limits(e);
}

void
soak_end_close(struct soak_end *e)
{
	soak_drop_hoard(e);
	imsgbuf_clear(&e->b);
	if (close(e->b.fd) == -1)
		soak_fail("the socket was closed");
}

short
soak_end_events(struct soak_end *e, int *ms)
{
	short events = imsgbuf_events(&e->b);
	int64_t now = soak_now_ms();
	int wait = 20;

	if (!(events & POLLIN) && !e->eof) {
		soak_add(SOAK_AT_LIMIT, 1);
		if (!e->more)
			soak_fail("at a read limit with nothing to fetch");
	}
	if (e->broken)
		events = (short)(events & ~POLLOUT);
	else if (e->write_after > now) {
		events = (short)(events & ~POLLOUT);
		wait = 1;
	} else if (e->quiet_until - now < wait)
		wait = e->quiet_until > now ? (int)(e->quiet_until - now) : 1;
	if (e->more)
		wait = 0;
	if (wait < *ms)
		*ms = wait;
	return events;
}

void
soak_end_step(struct soak_end *e, short revents)
{
	/* Only what poll has announced: the socket may be a blocking one. */
	if (revents & (POLLIN | POLLHUP | POLLERR))
		soak_read(e);
	else if (e->more)
		soak_fetch(e);
	if (e->eof)
		return;
	if (!e->broken && (revents & (POLLOUT | POLLERR)) &&
	    imsgbuf_queuelen(&e->b) > 0)
		soak_write(e);
	soak_compose(e);
}

static void
must(int right, const struct soak_end *e, const char *what)
{
	if (right)
		return;
	soak_fail("%s: received %llu messages (%llu data) of %llu bytes, "
		  "partial %d; the peer composed %llu data, sent %llu messages "
		  "of %llu bytes, verified %llu of ours; it acknowledged %llu "
		  "of %u",
	    what, (unsigned long long)e->in_msgs,
	    (unsigned long long)e->in.msgs, (unsigned long long)e->in_bytes,
	    imsgbuf_partial(&e->b),
	    (unsigned long long)atomic_load(&e->theirs->composed),
	    (unsigned long long)atomic_load(&e->theirs->sent_msgs),
	    (unsigned long long)atomic_load(&e->theirs->sent_bytes),
	    (unsigned long long)atomic_load(&e->theirs->verified),
	    (unsigned long long)e->acked.msgs, e->data);
}

void
soak_end_verdict(struct soak_end *e, int exact)
{
	unsigned long long sent = atomic_load(&e->theirs->sent_bytes);
	int partial = imsgbuf_partial(&e->b);

	must(e->in_msgs >= atomic_load(&e->theirs->sent_msgs), e,
	    "a message that was sent did not come");
	must(e->in.msgs <= atomic_load(&e->theirs->composed), e,
	    "more messages than were composed");
	must(e->acked.msgs <= atomic_load(&e->theirs->verified), e,
	    "acknowledged what was not verified");
	must(atomic_load(&e->theirs->verified) <= e->data, e,
	    "verified what was not composed");
	must(partial || sent <= e->in_bytes, e, "no part of a torn message");
	if (exact)
		must(partial == (sent > e->in_bytes), e, "torn or not");
	if (e->fin_in)
		must(!partial && e->fin_out && e->acked.msgs == e->data, e,
		    "not all is acknowledged after the end");
	if (partial)
		soak_add(SOAK_TORN, 1);
}
