/* SPDX-License-Identifier: ISC */
/*
 * What a peer wrote to a channel of the modern wire, and a plain reading of it:
 * one message after the other, by the four numbers of its header.
 */
#ifndef PLAIN_H
#define PLAIN_H

#include <stddef.h>
#include <stdint.h>

#define PLAIN_MAX 65536

struct plain {
	uint8_t bytes[PLAIN_MAX];
	size_t written, read;
};

/* 0: there is no room for that. */
int plain_put(struct plain *, const void *, size_t);
/*
 * The next message: 1 and its header, the length without its mark; 0: not all of
 * it is there; -1: no message begins like that.
 */
int plain_peek(const struct plain *, uint32_t w[4]);
/* After 1: its payload; it was read. */
const uint8_t *plain_payload(const struct plain *);
void plain_skip(struct plain *);
/* Is there a message with that peer ID ahead? */
int plain_has(const struct plain *, uint32_t peerid);

/* How the stream ends here, IMSGLOOP_EOF and so on; 0: a message is left. */
int plain_end(const struct plain *);
/* The error of an answer with that header, which is the next message. */
int plain_error(const struct plain *, const uint32_t w[4]);

#endif
