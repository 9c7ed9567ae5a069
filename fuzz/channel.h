/* SPDX-License-Identifier: ISC */
/*
 * A channel reads a stream; the two wires are two targets.
 *
 * Input: options; two bytes of maximum size; how many steps; the steps; the
 * stream, as it is or in records.  With records the maximum is four times as
 * large, and if its two low bits are set, the stream may be long.
 */
#ifndef FUZZ_CHANNEL_H
#define FUZZ_CHANNEL_H

#include <stddef.h>
#include <stdint.h>

#define CHANNEL_RECORDS 0x01 /* the stream is written in records */
#define CHANNEL_PASS	0x02 /* descriptors may come */
#define CHANNEL_RECV	0x04 /* imsgbuf_recv() instead of read and get */
#define CHANNEL_SLOWLY	0x08 /* fetches one message after a read */
#define CHANNEL_RELAY	0x10 /* sends messages on as they are */
#define CHANNEL_CLASSIC 0x20 /* to a channel on the classic wire */
#define CHANNEL_HEAL	0x40 /* is cleared once after a failure */
#define CHANNEL_LIMITED 0x80 /* has read limits */

/* In the length of a modern header; in the flags of a classic one. */
#define MODERN_MARK  0x80000000U
#define CLASSIC_MARK 1

/* IMSG_WIRE_..., which makes the target. */
extern const int channel_wire;

void channel_run(const uint8_t *, size_t);

#endif
