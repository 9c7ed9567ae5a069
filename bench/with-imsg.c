/* SPDX-License-Identifier: ISC */
/*
 * libimsg, used as imsg(3) says: a program that waits for an answer calls
 * imsgbuf_recv(), one that takes what comes reads and fetches.  And the same
 * with a trace that does nothing.
 */
#include <stdlib.h>
#include <unistd.h>

#include <imsg.h>

#include "bench.h"

struct end {
	size_t size;
	int channels, tx, rx, batch, got, passing, waiting;
	struct imsgbuf ch[];
};

static int
with_can(const struct cell *c)
{
	(void)c;
	return 1;
}

static void *
with_open(const struct place *at, const struct cell *c)
{
	struct end *e = calloc(
	    1, sizeof(*e) + (size_t)c->channels * sizeof(struct imsgbuf));
	int i;

	must(e != NULL, "calloc");
	for (i = 0; i < c->channels; i++) {
		must(imsgbuf_init(&e->ch[i], at->fd + i) == 0, "imsgbuf_init");
		if (c->kind[0] == 'F')
			imsgbuf_allow_fdpass(&e->ch[i]);
		if (c->size > MAX_IMSGSIZE - IMSG_HEADER_SIZE)
			must(imsgbuf_set_maxpayload(
				 &e->ch[i], (uint32_t)c->size) == 0,
			    "imsgbuf_set_maxpayload");
	}
	e->size = c->size;
	e->channels = c->channels;
	e->batch = c->batch;
	e->passing = c->kind[0] == 'F';
	e->waiting = c->kind[0] == 'R';
	return e;
}

static void
untouched(void *arg, int event, const struct imsg_hdr *hdr, const void *data,
    size_t len, int fd)
{
	(void)arg;
	(void)event;
	(void)hdr;
	(void)data;
	(void)len;
	(void)fd;
}

static void *
traced_open(const struct place *at, const struct cell *c)
{
	struct end *e = with_open(at, c);
	int i;

	for (i = 0; i < c->channels; i++)
		imsgbuf_set_trace(&e->ch[i], untouched, NULL);
	return e;
}

static void
with_send(void *arg, const void *data, int fd, int flush)
{
	struct end *e = arg;
	struct imsgbuf *ch = &e->ch[e->tx];

	must(imsg_compose(ch, 1, 0, 0, fd, data, e->size) == 1, "compose");
	if (!flush)
		return;
	must(imsgbuf_flush(ch) == 0, "flush");
	if (++e->tx == e->channels)
		e->tx = 0;
}

static uint64_t
with_recv(void *arg)
{
	struct end *e = arg;
	struct imsgbuf *ch = &e->ch[e->rx];
	struct imsg m;
	uint64_t sum;
	int fd;

	if (e->waiting)
		must(imsgbuf_recv(ch, &m, -1) == 1, "recv");
	else
		while (imsgbuf_get(ch, &m) == 0)
			must(imsgbuf_read(ch) == 1, "read");
	sum = touch(m.data, m.hdr.len - IMSG_HEADER_SIZE);
	if (e->passing && (fd = imsg_get_fd(&m)) != -1)
		(void)close(fd);
	imsg_free(&m);
	if (++e->got == e->batch) {
		e->got = 0;
		if (++e->rx == e->channels)
			e->rx = 0;
	}
	return sum;
}

static void
with_close(void *arg)
{
	struct end *e = arg;
	int i;

	for (i = 0; i < e->channels; i++)
		imsgbuf_clear(&e->ch[i]);
	free(e);
}

const struct contender with_imsg = { "libimsg", with_can, with_open, with_send,
	with_recv, with_close };
const struct contender with_trace = { "traced", with_can, traced_open,
	with_send, with_recv, with_close };
