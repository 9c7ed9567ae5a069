/* SPDX-License-Identifier: ISC */
/*
 * The honest peer: sends messages, every third with a descriptor, and wants
 * each of them back: complete, in order, with its own descriptor, in time.
 */
#include "hostile.h"

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define WINDOW	4
#define LARGEST 2000
#define PAUSE	5

struct sent {
	size_t len;
	ino_t ino; /* of its descriptor, 0: none */
	int64_t at;
};

struct honest {
	struct imsgbuf b;
	struct honest_report *r;
	struct sent out[WINDOW];
	int beat;
	int over; /* the victim said so */
	int backoff;
};

static int
descriptor(struct honest *h, ino_t *ino)
{
	struct stat st;
	int p[2];

	if (pipe(p) == -1 || fstat(p[1], &st) == -1)
		give_up(h->r->fault, "pipe");
	close(p[0]);
	*ino = st.st_ino;
	return p[1];
}

static void
send_one(struct honest *h)
{
	unsigned char data[LARGEST];
	uint32_t seq = (uint32_t)h->r->sent + 1;
	struct sent *o = &h->out[seq % WINDOW];
	int fd = -1;

	o->len = seq * 37 % LARGEST;
	o->ino = 0;
	if (seq % 3 == 0)
		fd = descriptor(h, &o->ino);
	pattern(data, o->len, seq);
	o->at = now_ms();
	if (imsg_compose(&h->b, seq, 0, 0, fd, data, o->len) != 1)
		give_up(h->r->fault, "compose");
	h->r->sent++;
}

static void
check_fd(struct honest *h, struct imsg *m, ino_t ino)
{
	struct stat st;
	int fd = imsg_get_fd(m);

	if ((fd >= 0) != (ino != 0))
		give_up(h->r->fault,
		    fd < 0 ? "its descriptor is gone" :
			     "a descriptor too many");
	if (fd < 0)
		return;
	if (fstat(fd, &st) == -1 || st.st_ino != ino)
		give_up(h->r->fault, "another descriptor");
	close(fd);
	h->r->fds++;
}

static void
answer(struct honest *h, struct imsg *m)
{
	uint32_t seq = (uint32_t)h->r->answered + 1;
	const struct sent *o = &h->out[seq % WINDOW];
	long ms;

	if (imsg_get_type(m) == BYE) {
		h->over = 1;
		return;
	}
	if (imsg_get_type(m) != seq || h->r->answered == h->r->sent)
		give_up(h->r->fault, "not the next answer");
	if (imsg_get_len(m) != o->len ||
	    !pattern_ok(m->data, imsg_get_len(m), seq))
		give_up(h->r->fault, "another payload");
	check_fd(h, m, o->ino);
	ms = (long)(now_ms() - o->at);
	if (ms > h->r->worst_ms)
		h->r->worst_ms = ms;
	h->r->answered++;
	(void)!write(h->beat, "b", 1);
}

static void
receive(struct honest *h)
{
	struct imsg m;
	int n = imsgbuf_read(&h->b);

	while (imsgbuf_get(&h->b, &m) == 1) {
		answer(h, &m);
		imsg_free(&m);
	}
	if (n != 1)
		give_up(h->r->fault, n == 0 ? "end of file" : "read");
}

static void
one_round(struct honest *h)
{
	struct pollfd p;

	while (!h->over && h->r->sent - h->r->answered < WINDOW)
		send_one(h);
	p.fd = h->b.fd;
	p.events = imsgbuf_events(&h->b);
	p.revents = 0;
	if (h->backoff)
		p.events &= POLLIN;
	if (poll(&p, 1, h->backoff ? PAUSE : -1) == -1)
		give_up(h->r->fault, "poll");
	h->backoff = 0;
	if ((p.revents & POLLOUT) && imsgbuf_write(&h->b) == -1) {
		/* The one thing that a hostile peer can do to others. */
		if (errno != ETOOMANYREFS)
			give_up(h->r->fault, "write");
		h->backoff = 1;
	}
	if (p.revents & ~POLLOUT)
		receive(h);
}

_Noreturn void
honest(struct run *run, struct ends *e)
{
	static struct honest h;
	int *keep[2] = { &e->good[0], &e->beat[1] };

	keep_only(keep, 2);
	if (run->a->victim.as_user)
		table_limit(ORDINARY);
	h.r = &run->h;
	h.beat = e->beat[1];
	if (fcntl(e->good[0], F_SETFL, O_NONBLOCK) == -1 ||
	    imsgbuf_init(&h.b, e->good[0]) == -1)
		give_up(h.r->fault, "init");
	imsgbuf_allow_fdpass(&h.b);
	while (!h.over || h.r->answered < h.r->sent)
		one_round(&h);
	imsgbuf_clear(&h.b);
	close(h.b.fd);
	h.r->finished = 1;
	_exit(0);
}
