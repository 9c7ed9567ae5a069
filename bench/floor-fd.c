/* SPDX-License-Identifier: ISC */
/*
 * Floor B: a descriptor with each message, as cheap as the kernel makes it.
 * A batch leaves with sendmmsg(2); a descriptor ends a read, so each recvmsg(2)
 * yields one message.
 */
#define _GNU_SOURCE
#include <sys/socket.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench.h"

#define HEADER 16
#define BATCH  64

union control {
	size_t align;
	unsigned char buf[CMSG_SPACE(sizeof(int))];
};

struct floor {
	int fd;
	int n;
	size_t size;
	struct mmsghdr mm[BATCH];
	struct iovec iov[BATCH];
	union control ctl[BATCH];
	int fds[BATCH];
	unsigned char *frames;
};

static int
b_can(const struct cell *c)
{
	return c->kind[0] == 'F' && c->batch <= BATCH;
}

static void
prepare(struct floor *f, int i)
{
	struct msghdr *m = &f->mm[i].msg_hdr;
	struct cmsghdr *c;

	f->iov[i].iov_base = f->frames + (size_t)i * f->size;
	f->iov[i].iov_len = f->size;
	m->msg_iov = &f->iov[i];
	m->msg_iovlen = 1;
	m->msg_control = f->ctl[i].buf;
	m->msg_controllen = sizeof(f->ctl[i].buf);
	c = CMSG_FIRSTHDR(m);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
}

static void *
b_open(const struct place *at, const struct cell *c)
{
	struct floor *f = calloc(1, sizeof(*f));
	int i;

	must(f != NULL, "calloc");
	f->fd = at->fd;
	f->size = c->size + HEADER;
	must((f->frames = calloc(BATCH, f->size)) != NULL, "calloc");
	for (i = 0; i < BATCH; i++)
		prepare(f, i);
	return f;
}

static void
b_flush(struct floor *f)
{
	int off = 0, n;

	while (off < f->n) {
		n = sendmmsg(f->fd, f->mm + off, (unsigned)(f->n - off), 0);
		must(n > 0, "sendmmsg");
		off += n;
	}
	while (f->n > 0)
		(void)close(f->fds[--f->n]);
}

static void
b_send(void *arg, const void *data, int fd, int flush)
{
	struct floor *f = arg;
	unsigned char *p = f->iov[f->n].iov_base;
	uint32_t h[HEADER / 4] = { 1, (uint32_t)f->size, 0, 0 };

	memcpy(p, h, HEADER);
	memcpy(p + HEADER, data, f->size - HEADER);
	memcpy(CMSG_DATA(CMSG_FIRSTHDR(&f->mm[f->n].msg_hdr)), &fd, sizeof(fd));
	f->fds[f->n++] = fd;
	if (flush || f->n == BATCH)
		b_flush(f);
}

static uint64_t
b_recv(void *arg)
{
	struct floor *f = arg;
	struct msghdr *m = &f->mm[0].msg_hdr;
	int fd;

	m->msg_controllen = sizeof(f->ctl[0].buf);
	must(recvmsg(f->fd, m, 0) == (ssize_t)f->size, "recvmsg");
	must(CMSG_FIRSTHDR(m) != NULL, "no descriptor");
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(m)), sizeof(fd));
	(void)close(fd);
	return touch(f->frames + HEADER, f->size - HEADER);
}

static void
b_close(void *arg)
{
	struct floor *f = arg;

	free(f->frames);
	free(f);
}

const struct contender floor_b = { "B", b_can, b_open, b_send, b_recv,
	b_close };
