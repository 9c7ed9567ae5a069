/* SPDX-License-Identifier: ISC */
/*
 * What the rooms above may know of a queue.
 *
 * Invariant: the sums are those of the ibufs linked in, and last is the one
 * at the end.  A queued ibuf belongs to the queue, so nothing can change its
 * size or descriptor behind the sums; the msgbuf room, which consumes its
 * write queue piecemeal, corrects them itself.
 */
#ifndef IMSG_IBUFQ_INT_H
#define IMSG_IBUFQ_INT_H

#include <stddef.h>
#include <stdint.h>

#include "imsg.h"
#include "os.h"

struct ibufqueue {
	struct ibuf *first;
	struct ibuf *last;
	size_t bytes;	 /* unread ones */
	uint32_t len;	 /* ibufs */
	uint32_t fds;	 /* with a descriptor */
	uint32_t hollow; /* with a descriptor but no bytes */
};

IMSGI_HIDDEN void imsgi_ibufq_init(struct ibufqueue *);
/* Appends without the check for views. */
IMSGI_HIDDEN void imsgi_ibufq_append(struct ibufqueue *, struct ibuf *);

#endif
