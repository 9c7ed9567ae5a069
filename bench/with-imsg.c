/* SPDX-License-Identifier: ISC */
/* libimsg, used as imsg(3) says. */
#include <stdlib.h>
#include <unistd.h>

#include <imsg.h>

#include "bench.h"

struct end {
	struct imsgbuf ch;
	size_t size;
};

static void *
with_open(int fd, const struct cell *c)
{
	struct end *e = calloc(1, sizeof(*e));

	must(e != NULL && imsgbuf_init(&e->ch, fd) == 0, "imsgbuf_init");
	if (c->fds)
		imsgbuf_allow_fdpass(&e->ch);
	if (c->size > MAX_IMSGSIZE - IMSG_HEADER_SIZE)
		must(imsgbuf_set_maxpayload(&e->ch, (uint32_t)c->size) == 0,
		    "imsgbuf_set_maxpayload");
	e->size = c->size;
	return e;
}

static void
with_send(void *arg, const void *data, int fd, int flush)
{
	struct end *e = arg;

	must(imsg_compose(&e->ch, 1, 0, 0, fd, data, e->size) == 1, "compose");
	if (flush)
		must(imsgbuf_flush(&e->ch) == 0, "flush");
}

static uint64_t
with_recv(void *arg)
{
	struct end *e = arg;
	struct imsg m;
	uint64_t sum;
	int fd;

	while (imsgbuf_get(&e->ch, &m) == 0)
		must(imsgbuf_read(&e->ch) == 1, "read");
	sum = touch(m.data, imsg_get_len(&m));
	if ((fd = imsg_get_fd(&m)) != -1)
		(void)close(fd);
	imsg_free(&m);
	return sum;
}

static void
with_close(void *arg)
{
	struct end *e = arg;

	imsgbuf_clear(&e->ch);
	free(e);
}

const struct contender with_imsg = { "libimsg", with_open, with_send, with_recv,
	with_close };
