/* SPDX-License-Identifier: ISC */
/*
 * The packet of a capture file: a pseudo-header and a message; docs/CAPTURE.md
 * describes it byte by byte.
 */
#ifndef PSEUDO_H
#define PSEUDO_H

#include "record.h"

/* Most bytes of a packet: what libpcap reads of a link type of its own. */
#define PSEUDO_MAX 262144

/*
 * Writes the packet of r to buf, which has room for PSEUDO_MAX bytes.  Returns
 * its length and sets *full to the length that it would have with the whole
 * payload.
 */
size_t pseudo_put(unsigned char *buf, const struct record *r, size_t *full);

/* Names of a packet that is being read. */
struct pseudo_text {
	char from[256], to[256], fdname[1024], note[1024];
};

/*
 * Reads a packet: 0, and *r points into p and *t; -1: it is none.
 */
int pseudo_get(const unsigned char *p, size_t len, struct record *r,
    struct pseudo_text *t);

#endif
