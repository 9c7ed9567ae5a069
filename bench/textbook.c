/* SPDX-License-Identifier: ISC */
/*
 * A peer as textbooks write it: each message leaves in one writev(2) of
 * header and payload; 64 KiB reads, and one malloc(3) a message received.
 */
#define _DEFAULT_SOURCE
#include <sys/types.h>
#include <sys/uio.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench.h"

#define CHUNK  65536
#define HEADER 16

struct book {
	int fd;
	size_t size, pos, in;
	unsigned char buf[CHUNK];
};

static void *
book_open(const struct place *at, const struct cell *c)
{
	struct book *b = calloc(1, sizeof(*b));

	must(b != NULL, "calloc");
	b->fd = at->fd;
	b->size = c->size;
	return b;
}

static void
book_send(void *arg, const void *data, int fd, int flush)
{
	struct book *b = arg;
	uint32_t h[HEADER / 4] = { 1, (uint32_t)(b->size + HEADER), 0, 0 };
	struct iovec iov[2] = { { h, sizeof(h) },
		{ (void *)(uintptr_t)data, b->size } };
	ssize_t n;

	(void)fd;
	(void)flush;
	while (iov[0].iov_len + iov[1].iov_len > 0) {
		n = writev(b->fd, iov, 2);
		must(n > 0, "writev");
		if ((size_t)n < iov[0].iov_len) {
			iov[0].iov_base = (char *)iov[0].iov_base + n;
			iov[0].iov_len -= (size_t)n;
			continue;
		}
		n -= (ssize_t)iov[0].iov_len;
		iov[0].iov_len = 0;
		iov[1].iov_base = (char *)iov[1].iov_base + n;
		iov[1].iov_len -= (size_t)n;
	}
}

/* n bytes of the stream, wherever the reads end. */
static void
book_get(struct book *b, unsigned char *p, size_t n)
{
	size_t k;
	ssize_t r;

	while (n > 0) {
		if (b->pos == b->in) {
			r = read(b->fd, b->buf, CHUNK);
			must(r > 0, "read");
			b->pos = 0;
			b->in = (size_t)r;
		}
		k = b->in - b->pos < n ? b->in - b->pos : n;
		memcpy(p, b->buf + b->pos, k);
		b->pos += k;
		p += k;
		n -= k;
	}
}

static uint64_t
book_recv(void *arg)
{
	struct book *b = arg;
	uint32_t h[HEADER / 4];
	unsigned char *p;
	uint64_t sum;

	book_get(b, (unsigned char *)h, sizeof(h));
	must((h[1] & 0x80000000U) == 0 && h[1] >= HEADER, "frame");
	must((p = malloc(h[1] - HEADER + 1)) != NULL, "malloc");
	book_get(b, p, h[1] - HEADER);
	sum = touch(p, h[1] - HEADER);
	free(p);
	return sum;
}

const struct contender textbook = { "textbook", can_bytes, book_open, book_send,
	book_recv, free };
