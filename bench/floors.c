/* SPDX-License-Identifier: ISC */
/*
 * The floors: what the bare socket costs a program that is written for it.
 *
 * A: length-prefixed frames, copied into one 64 KiB buffer that one write(2)
 * sends, taken apart after one read(2); no allocation.  A2: A, and in addition
 * what a library with imsg's promises cannot do without: malloc, copy, wipe
 * and free of each received message, and a wipe of what was sent.  B: one
 * SCM_RIGHTS a message, sendmmsg(2) of a batch, one recvmsg(2) each.
 */
#define _GNU_SOURCE
#include <sys/socket.h>
#include <sys/uio.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench.h"

#define CHUNK  65536
#define HEADER 16
#define BATCH  64

struct floor {
	int fd;
	int contract; /* A2 */
	size_t size;
	size_t pos, in, out, cap;
	unsigned char *rbuf;
	unsigned char wbuf[CHUNK];
};

static void
wipe(void *p, size_t n)
{
	memset(p, 0, n);
	__asm__ __volatile__("" : : "r"(p) : "memory");
}

static void *
open_floor(int fd, const struct cell *c, int contract)
{
	struct floor *f = calloc(1, sizeof(*f));

	must(f != NULL, "calloc");
	f->fd = fd;
	f->size = c->size;
	f->contract = contract;
	f->cap = c->size + HEADER > CHUNK ? c->size + HEADER : CHUNK;
	must((f->rbuf = malloc(f->cap)) != NULL, "malloc");
	return f;
}

static void *
a_open(int fd, const struct cell *c)
{
	return c->fds ? NULL : open_floor(fd, c, 0);
}

static void *
a2_open(int fd, const struct cell *c)
{
	return c->fds ? NULL : open_floor(fd, c, 1);
}

static void
a_flush(struct floor *f)
{
	size_t off = 0;
	ssize_t n;

	while (off < f->out) {
		n = write(f->fd, f->wbuf + off, f->out - off);
		must(n > 0, "write");
		off += (size_t)n;
	}
	if (f->contract)
		wipe(f->wbuf, f->out);
	f->out = 0;
}

static void
a_put(struct floor *f, const void *data, size_t n)
{
	const unsigned char *p = data;
	size_t k;

	while (n > 0) {
		if (f->out == CHUNK)
			a_flush(f);
		k = CHUNK - f->out < n ? CHUNK - f->out : n;
		memcpy(f->wbuf + f->out, p, k);
		f->out += k;
		p += k;
		n -= k;
	}
}

static void
a_send(void *arg, const void *data, int fd, int flush)
{
	struct floor *f = arg;
	uint32_t h[HEADER / 4] = { 1, (uint32_t)(f->size + HEADER), 0, 0 };

	(void)fd;
	if (f->out + HEADER + f->size > CHUNK && f->size + HEADER <= CHUNK)
		a_flush(f);
	a_put(f, h, sizeof(h));
	a_put(f, data, f->size);
	if (flush)
		a_flush(f);
}

static uint64_t
a_take(struct floor *f, const unsigned char *p, size_t n)
{
	unsigned char *m;
	uint64_t sum;

	if (!f->contract)
		return touch(p + HEADER, n - HEADER);
	must((m = malloc(n + 72)) != NULL, "malloc");
	memcpy(m, p, n);
	sum = touch(m + HEADER, n - HEADER);
	wipe(m, n);
	free(m);
	return sum;
}

static uint64_t
a_recv(void *arg)
{
	struct floor *f = arg;
	size_t n = f->size + HEADER;
	uint64_t sum;
	ssize_t r;

	while (f->in - f->pos < n) {
		memmove(f->rbuf, f->rbuf + f->pos, f->in - f->pos);
		f->in -= f->pos;
		f->pos = 0;
		r = read(f->fd, f->rbuf + f->in,
		    f->cap - f->in < CHUNK ? f->cap - f->in : CHUNK);
		must(r > 0, "read");
		f->in += (size_t)r;
	}
	sum = a_take(f, f->rbuf + f->pos, n);
	f->pos += n;
	return sum;
}

static void
a_close(void *arg)
{
	struct floor *f = arg;

	free(f->rbuf);
	free(f);
}

const struct contender floor_a = { "A", a_open, a_send, a_recv, a_close };
const struct contender floor_a2 = { "A2", a2_open, a_send, a_recv, a_close };

struct fdfloor {
	int fd;
	int n;
	size_t size;
	struct mmsghdr mm[BATCH];
	struct iovec iov[BATCH];
	union {
		size_t align;
		unsigned char buf[CMSG_SPACE(sizeof(int))];
	} ctl[BATCH];
	unsigned char *frames;
	int fds[BATCH];
};

static void *
b_open(int fd, const struct cell *c)
{
	struct fdfloor *f;

	if (!c->fds)
		return NULL;
	must((f = calloc(1, sizeof(*f))) != NULL, "calloc");
	f->fd = fd;
	f->size = c->size + HEADER;
	must((f->frames = calloc(BATCH, f->size)) != NULL, "calloc");
	return f;
}

static void
b_flush(struct fdfloor *f)
{
	int off = 0, n;

	while (off < f->n) {
		n = (int)sendmmsg(
		    f->fd, f->mm + off, (unsigned)(f->n - off), 0);
		must(n > 0, "sendmmsg");
		off += n;
	}
	while (f->n > 0)
		(void)close(f->fds[--f->n]);
}

static void
b_send(void *arg, const void *data, int fd, int flush)
{
	struct fdfloor *f = arg;
	struct msghdr *m = &f->mm[f->n].msg_hdr;
	unsigned char *p = f->frames + (size_t)f->n * f->size;
	struct cmsghdr *c;
	uint32_t h[HEADER / 4] = { 1, (uint32_t)f->size, 0, 0 };

	memcpy(p, h, HEADER);
	memcpy(p + HEADER, data, f->size - HEADER);
	f->iov[f->n].iov_base = p;
	f->iov[f->n].iov_len = f->size;
	m->msg_iov = &f->iov[f->n];
	m->msg_iovlen = 1;
	m->msg_control = f->ctl[f->n].buf;
	m->msg_controllen = sizeof(f->ctl[f->n].buf);
	c = CMSG_FIRSTHDR(m);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	f->fds[f->n++] = fd;
	if (flush || f->n == BATCH)
		b_flush(f);
}

/* A descriptor ends a read, so each call yields one message. */
static uint64_t
b_recv(void *arg)
{
	struct fdfloor *f = arg;
	struct iovec iov = { f->frames, f->size };
	struct msghdr m;
	int fd;

	memset(&m, 0, sizeof(m));
	m.msg_iov = &iov;
	m.msg_iovlen = 1;
	m.msg_control = f->ctl[0].buf;
	m.msg_controllen = sizeof(f->ctl[0].buf);
	must(recvmsg(f->fd, &m, 0) == (ssize_t)f->size, "recvmsg");
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof(fd));
	(void)close(fd);
	return touch(f->frames + HEADER, f->size - HEADER);
}

static void
b_close(void *arg)
{
	struct fdfloor *f = arg;

	free(f->frames);
	free(f);
}

const struct contender floor_b = { "B", b_open, b_send, b_recv, b_close };
