/* SPDX-License-Identifier: ISC */
/*
 * Messages in a capture file, and out of it: pcap through libpcap.
 *
 * The format of a packet is in docs/CAPTURE.md; pseudo.h has the codec.
 */
#ifndef CAPTURE_H
#define CAPTURE_H

#include <stdio.h>

#include "record.h"

/*
 * Writes to f, which it closes at the end.  NULL: why says what failed.
 */
struct sink *capture_sink(FILE *f, char *why, size_t whylen);

/*
 * Reads a whole file, pcap or pcapng, and puts each record into the sink.
 * 0; 1: it ends in the middle of a packet or has packets that are none of
 * ours, said in a note of channel 0 (all that was good was put); -1: it could
 * not be read, or the sink failed: why says so.  stop: looked at before each
 * packet, non-zero ends the reading.
 */
int capture_read(
    FILE *f, struct sink *, const int *stop, char *why, size_t whylen);

#endif
