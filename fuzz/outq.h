/* SPDX-License-Identifier: ISC */
/*
 * What has to leave a write queue: an array of bytes, and a list of the ibufs
 * that the program queued, with their descriptors.
 */
#ifndef FUZZ_OUTQ_H
#define FUZZ_OUTQ_H

#include <stddef.h>
#include <stdint.h>

#include "stream.h"

#define OUTQ_BYTES (2 * STREAM_MAX)
#define OUTQ_UNITS 1024

struct unit {
	size_t start, end;
	int fd;
	int half; /* the first of two that are one message */
};

struct outq {
	uint8_t b[OUTQ_BYTES];
	size_t len, sent;
	struct unit u[OUTQ_UNITS];
	size_t n, gone;
	/* Descriptors that wait for a byte to ride on. */
	int hollow[OUTQ_UNITS];
	size_t nhollow, ridden;
	int passing; /* the write under way may pass descriptors */
};

extern struct outq q;

/* Drops all, and whatever is still open. */
void outq_clear(void);
/* Is there room for one more of n bytes? */
int outq_room(size_t n);
/*
 * Queues an ibuf: the header of hn bytes, if there is one, and n bytes.
 * rides: it takes a waiting descriptor if it has bytes and none of its own.
 */
void outq_put(const void *h, size_t hn, const void *p, size_t n, int fd,
    int half, int rides);
/* The kernel took these; a kernel.taken. */
void outq_taken(const uint8_t *p, size_t n, int fd);
/* Empty ones at the head leave as soon as anybody writes. */
void outq_retire(void);
/* As msgbuf_queuelen() and imsgbuf_queuebytes() count. */
size_t outq_count(void);
size_t outq_bytes(void);
size_t outq_messages(void);
size_t outq_fds(void);
/* Descriptors that wait for a byte. */
size_t outq_hollow(void);

#endif
