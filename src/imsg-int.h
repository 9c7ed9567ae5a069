/* SPDX-License-Identifier: ISC */
/*
 * What the files of the imsg room share: the flags of a channel, the two
 * wire formats, and the way to the queue.
 *
 * Invariant: in memory a header is always modern; only bytes that are on
 * their way to or from the socket are in the format of the wire.
 */
#ifndef IMSG_INT_H
#define IMSG_INT_H

#include "imsg.h"
#include "msgbuf-int.h"

/* The library defines both; the program's choice of API is not ours. */
#if IMSG_API_VERSION == 78
#undef imsgbuf_set_maxsize
#endif

/* imsgbuf.flags */
#define IMSG_FLAG_FDPASS  0x01
#define IMSG_FLAG_CLOEXEC 0x02
#define IMSG_FLAG_CLASSIC 0x04

/* Bit of the length word: a descriptor belongs to this message. */
#define IMSG_FD_MARK 0x80000000U
/* The classic wire has a 16-bit length. */
#define IMSG_CLASSIC_MAX 65535U

/* Default read limits, far above what a program that fetches will meet. */
#define IMSG_RBYTES (64UL * 1024 * 1024)
#define IMSG_RMSGS  1048576U
#define IMSG_RFDS   4096U

/* Has the program let more pile up than the read limits allow? */
IMSGI_HIDDEN int imsgi_at_read_limit(const struct imsgbuf *);
/* The header callback of a channel's reader. */
IMSGI_HIDDEN struct ibuf *imsgi_wire_header(struct ibuf *, void *, int *);
/* The same for messages that wait in its input buffer. */
IMSGI_HIDDEN IMSGI_EXTERN const struct msgbuf_lazy imsgi_wire_lazy;
/* Total size that a header on its way to the socket tells. */
IMSGI_HIDDEN uint32_t imsgi_wire_total(const struct imsgbuf *, uint32_t);
/* Length and flags of a message of this total size on the classic wire. */
IMSGI_HIDDEN uint32_t imsgi_wire_classic_len(size_t, int);

/* May imsg_compose() take its short way? */
static inline void
imsgi_choose_way(struct msgbuf *w)
{
	const struct imsg_limits *l = &w->limits;

	w->slow = l->wbytes != 0 || l->wmsgs != 0 || l->wfds != 0 ||
	    w->watch.fn != NULL;
}

/* Length word for a message of this total size on this channel's wire. */
static inline uint32_t
imsgi_wire_len(const struct imsgbuf *b, size_t total, int marked)
{
	if (b->flags & IMSG_FLAG_CLASSIC)
		return imsgi_wire_classic_len(total, marked);
	return (uint32_t)total | (marked ? IMSG_FD_MARK : 0);
}

/* Largest total size that this channel may send. */
static inline size_t
imsgi_wire_max(const struct imsgbuf *b)
{
	/* The program may assign any number; bit 31 belongs to no length. */
	size_t max = b->maxsize < IMSG_FD_MARK ? b->maxsize : IMSG_FD_MARK - 1;

	if ((b->flags & IMSG_FLAG_CLASSIC) && max > IMSG_CLASSIC_MAX)
		return IMSG_CLASSIC_MAX;
	return max;
}

#endif
