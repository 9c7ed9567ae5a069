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
 * Writes to f, which it closes at the end.  NULL: why says what failed, and f
 * is closed.
 */
struct sink *capture_sink(FILE *f, char *why, size_t whylen);

/*
 * The capture is to carry this name of a type; it is written with the next
 * record.  sink is one of capture_sink(), untyped so that this can be called
 * for each of a list.  -1 ENOMEM.
 */
int capture_name(void *sink, uint32_t type, const char *name);

/*
 * Reads a whole file, pcap or pcapng, and puts each record into the sink.
 * 0; 1: it ends in the middle of a packet or has packets that are none of
 * ours, said in a note of channel 0 (all that was good was put); -1: it could
 * not be read, or the sink failed: why says so.  stop: looked at before each
 * packet, non-zero ends the reading; NULL: nothing does.  f is closed.
 */
int capture_read(
    FILE *f, struct sink *, const int *stop, char *why, size_t whylen);

/* Told of a name that a capture carries.  Non-zero ends the reading: -1. */
typedef int capture_name_cb(void *arg, uint32_t type, const char *name);
/*
 * The same, and the names are told before the records that follow them.  With
 * a NULL sink only the names are looked for.
 */
int capture_read_names(FILE *f, struct sink *sink, capture_name_cb *name,
    void *arg, const int *stop, char *why, size_t whylen);

#endif
