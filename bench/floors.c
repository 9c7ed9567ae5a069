/* SPDX-License-Identifier: ISC */
/*
 * The floors: what the bare socket costs a program that is written for it.
 *
 * A: frames behind a 16-byte header, put together in one 64 KiB buffer that
 * one write(2) sends, taken apart after one read(2) of 64 KiB; no allocation.
 * A2: A, and in addition what a library with imsg's promises cannot do
 * without: malloc, copy, wipe and free of each received message, and a wipe
 * of what was sent.  A frame larger than the buffer goes through it in pieces
 * and is put together in one that is as large as the frame.
 *
 * The two share their code, inlined with a constant: neither pays for asking
 * which of them it is.
 */
#define _DEFAULT_SOURCE
#include <sys/types.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench.h"

#define CHUNK  65536
#define HEADER 16

struct lane {
	int fd;
	size_t out;	/* bytes in wbuf */
	size_t pos, in; /* [pos, in) of rbuf is not taken yet */
	unsigned char *rbuf;
	unsigned char *wbuf;
};

struct floor {
	size_t size;  /* of a frame */
	size_t large; /* capacity of rbuf */
	int lanes, tx, rx, batch, sent, got;
	struct lane lane[];
};

static inline void
wipe(void *p, size_t n)
{
	memset(p, 0, n);
	__asm__ __volatile__("" : : "r"(p) : "memory");
}

int
can_bytes(const struct cell *c)
{
	return c->kind[0] != 'F';
}

static void *
a_open(const struct place *at, const struct cell *c)
{
	struct floor *f =
	    calloc(1, sizeof(*f) + (size_t)c->channels * sizeof(struct lane));
	int i;

	must(f != NULL, "calloc");
	f->size = c->size + HEADER;
	f->large = f->size > CHUNK ? f->size : CHUNK;
	f->lanes = c->channels;
	f->batch = c->batch;
	for (i = 0; i < f->lanes; i++) {
		f->lane[i].fd = at->fd + i;
		must((f->lane[i].rbuf = malloc(f->large)) != NULL, "malloc");
		must((f->lane[i].wbuf = malloc(CHUNK)) != NULL, "malloc");
	}
	return f;
}

static void
a_close(void *arg)
{
	struct floor *f = arg;
	int i;

	for (i = 0; i < f->lanes; i++) {
		free(f->lane[i].rbuf);
		free(f->lane[i].wbuf);
	}
	free(f);
}

static inline void
flush(struct lane *l, int contract)
{
	size_t off = 0;
	ssize_t n;

	while (off < l->out) {
		n = write(l->fd, l->wbuf + off, l->out - off);
		must(n > 0, "write");
		off += (size_t)n;
	}
	if (contract)
		wipe(l->wbuf, l->out);
	l->out = 0;
}

static void
put_large(struct lane *l, const unsigned char *p, size_t n, int contract)
{
	size_t k;

	while (n > 0) {
		if (l->out == CHUNK)
			flush(l, contract);
		k = CHUNK - l->out < n ? CHUNK - l->out : n;
		memcpy(l->wbuf + l->out, p, k);
		l->out += k;
		p += k;
		n -= k;
	}
}

static inline void
put(struct floor *f, const void *data, int end, int contract)
{
	struct lane *l = &f->lane[f->tx];
	uint32_t h[HEADER / 4] = { 1, (uint32_t)f->size, 0, 0 };

	if (l->out + f->size > CHUNK && l->out > 0)
		flush(l, contract);
	memcpy(l->wbuf + l->out, h, HEADER);
	l->out += HEADER;
	if (f->size <= CHUNK) {
		memcpy(l->wbuf + l->out, data, f->size - HEADER);
		l->out += f->size - HEADER;
	} else {
		put_large(l, data, f->size - HEADER, contract);
	}
	if (end) {
		flush(l, contract);
		if (++f->tx == f->lanes)
			f->tx = 0;
	}
}

static void
fill(struct floor *f, struct lane *l, size_t want)
{
	ssize_t n;

	/* Less than a frame; in its place there is room for a whole read. */
	memmove(l->rbuf, l->rbuf + l->pos, l->in - l->pos);
	l->in -= l->pos;
	l->pos = 0;
	while (l->in - l->pos < want) {
		n = f->large - l->in < CHUNK ? (ssize_t)(f->large - l->in) :
					       CHUNK;
		n = read(l->fd, l->rbuf + l->in, (size_t)n);
		must(n > 0, "read");
		l->in += (size_t)n;
	}
}

/* The header is read to know the length, as by any program. */
static inline uint64_t
take(struct floor *f, int contract)
{
	struct lane *l = &f->lane[f->rx];
	unsigned char *p, *m;
	uint64_t sum;
	uint32_t len;

	if (l->in - l->pos < HEADER)
		fill(f, l, HEADER);
	memcpy(&len, l->rbuf + l->pos + 4, sizeof(len));
	must(len >= HEADER && len <= f->large, "frame");
	if (l->in - l->pos < len)
		fill(f, l, len);
	p = l->rbuf + l->pos;
	l->pos += len;
	if (++f->got == f->batch) {
		f->got = 0;
		if (++f->rx == f->lanes)
			f->rx = 0;
	}
	if (!contract)
		return touch(p + HEADER, len - HEADER);
	must((m = malloc(len)) != NULL, "malloc");
	memcpy(m, p, len);
	sum = touch(m + HEADER, len - HEADER);
	wipe(m, len);
	free(m);
	return sum;
}

static void
a_send(void *arg, const void *data, int fd, int end)
{
	(void)fd;
	put(arg, data, end, 0);
}

static uint64_t
a_recv(void *arg)
{
	return take(arg, 0);
}

static void
a2_send(void *arg, const void *data, int fd, int end)
{
	(void)fd;
	put(arg, data, end, 1);
}

static uint64_t
a2_recv(void *arg)
{
	return take(arg, 1);
}

const struct contender floor_a = { "A", can_bytes, a_open, a_send, a_recv,
	a_close };
const struct contender floor_a2 = { "A2", can_bytes, a_open, a2_send, a2_recv,
	a_close };
