/* SPDX-License-Identifier: ISC */
/*
 * What a hostile peer needs: the bytes of a header in both generations, any
 * number of descriptors with them, and a way to let time pass.
 */
#ifndef HOSTILE_PEER_H
#define HOSTILE_PEER_H

#include "hostile.h"

/* Most descriptors that Linux takes in one message (SCM_MAX_FD). */
#define MOST_FDS 253
/* Answers of the honest peer that are long enough for a victim to err. */
#define A_WHILE 40

struct parcel {
	const void *p;
	size_t n;
	const int *fds; /* NULL: copies of standard error */
	int nfds;
	int blocks; /* control messages that they are in, 0: one */
	int flags;
};

/*
 * Sends all of it on channel i, the descriptors with the first byte.  -1: the
 * victim has closed it, or the peer is full.  Blocks unless flags have
 * MSG_DONTWAIT; then it tries until time has passed, and is full.
 */
int send_parcel(struct peer *, int i, const struct parcel *);
int send_bytes(struct peer *, int i, const void *, size_t);
/* Header of this total size, in the generation of the victim's wire. */
void put_header(
    const struct peer *, unsigned char *, uint32_t type, size_t, int marked);
/* The same of a given second word. */
void raw_header(unsigned char *, uint32_t type, uint32_t word);
/* Second word of the other generation. */
uint32_t other_word(const struct peer *, size_t total, int marked);
/*
 * The next message that the victim checks, len bytes in all and nfds
 * descriptors with its first byte; flags as above.
 */
int send_message(
    struct peer *, int i, size_t len, int marked, int nfds, int flags);
/* The bytes of such a message, which somebody else sends; its length. */
size_t make_message(
    struct peer *, int i, unsigned char *, size_t len, int marked);
/* Waits until the honest peer has had n more answers. */
void hold(struct peer *, int n);
/* Reads what the victim answers until n have come, size bytes at a time. */
void read_answers(struct peer *, uint64_t n, size_t size);

/* hostile-lengths.c */
void bad_length(struct peer *);
void exact_size(struct peer *);
void announce(struct peer *);
void announce_after_large(struct peer *);
void other_generation(struct peer *);
void garbage(struct peer *);
void close_at_every_byte(struct peer *);
void lies(struct peer *);
/* hostile-floods.c */
void quiet(struct peer *);
void empties(struct peer *);
void messages(struct peer *);
void drip(struct peer *);
void long_drip(struct peer *);
void pieces(struct peer *);
void sizes(struct peer *);
void never_reads(struct peer *);
void slow_reader(struct peer *);
void close_unread(struct peer *);
void stopped(struct peer *);
/* hostile-fds.c */
void marks_alone(struct peer *);
void fds_alone(struct peer *);
void fd_flood(struct peer *);
void fd_messages(struct peer *);
void own_ends(struct peer *);
void cycles(struct peer *);
void lingering(struct peer *);
void in_flight(struct peer *);
/* hostile-sockets.c */
void urgent(struct peer *);
void urgent_alone(struct peer *);
void half_closed(struct peer *);
void our_end_shut(struct peer *);
void our_end_blocks(struct peer *);
void bytes_stolen(struct peer *);
void refuses(struct peer *);
void packets(struct peer *);

#endif
