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
/* Most bytes of a packet before the payload: names, note and header. */
#define PSEUDO_HEAD (36 + 255 + 255 + 1023 + 1023 + 16)

/*
 * Writes the packet of r to buf, which has room for PSEUDO_MAX bytes.  Returns
 * its length and sets *full to the length that it would have with the whole
 * payload.  Names that are too long are cut.
 */
size_t pseudo_put(unsigned char *buf, const struct record *r, size_t *full);
/*
 * The same without the payload, for PSEUDO_HEAD bytes; *len is set to how many
 * bytes of r->data belong behind it.
 */
size_t pseudo_head(
    unsigned char *buf, const struct record *r, size_t *len, size_t *full);

/* Names of a packet that is being read. */
struct pseudo_text {
	char from[256], to[256], fdname[1024], note[1024];
};

/* What pseudo_get() says. */
#define PSEUDO_RECORD 0
#define PSEUDO_NAMES  1	 /* names of types: see pseudo_name_get() */
#define PSEUDO_OTHER  2	 /* a version, kind or value that is not known here */
#define PSEUDO_BAD    -1 /* not such a packet, or damaged */
#define PSEUDO_CUT    -2 /* ends before the payload */
#define PSEUDO_LENGTH -3 /* length in the header and in the file disagree */

/*
 * Reads a packet of len bytes that has full bytes when it is whole.
 * PSEUDO_RECORD: *r, but for the time, points into p and *t.
 */
int pseudo_get(const unsigned char *p, size_t len, size_t full,
    struct record *r, struct pseudo_text *t);

/*
 * Adds a name to a packet of names, which has *len bytes, 0 at first.  -1:
 * there is no room in this packet.
 */
int pseudo_name_put(
    unsigned char *buf, size_t *len, uint32_t type, const char *name);
/*
 * Takes the name at *pos, which is 0 at first, out of a packet of names: 1,
 * 0 at its end, -1 if it is damaged there.
 */
int pseudo_name_get(const unsigned char *p, size_t len, size_t *pos,
    uint32_t *type, char name[256]);

#endif
