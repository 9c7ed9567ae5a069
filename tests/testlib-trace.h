/* SPDX-License-Identifier: ISC */
/*
 * For the tests of imsgbuf_set_trace(): messages of which everything follows
 * from their number, queued in every way, and a record of what the callback
 * was told.
 */
#ifndef TESTLIB_TRACE_H
#define TESTLIB_TRACE_H

#include "testlib.h"

enum { TR_COMPOSE, TR_COMPOSEV, TR_IBUF, TR_CREATE, TR_FORWARD, TR_WAYS };

#define TR_MOST 4096

/* What the callback was told, beyond what it checks itself. */
struct tr_log {
	struct {
		int event;
		uint32_t type;
		int fd;
	} e[2 * TR_MOST];
	size_t n;
	size_t seen; /* so many have been looked at */
};

/* Of the sender and of the receiver. */
extern struct tr_log tr_out, tr_in;
/* The descriptor that a message had, or -1, and where it ends. */
extern int tr_fds[TR_MOST];
extern size_t tr_ends[TR_MOST];

/* The callback; arg is a struct tr_log.  It spoils errno. */
imsg_trace_cb tr_note;
/* Two channels and no events. */
void tr_channel(struct imsgbuf *, struct imsgbuf *, int wire, int pass);
/* Queues a message with that number as its type. */
void tr_compose(struct imsgbuf *, uint32_t, int way, size_t len, int has_fd);
/* Sends the first n bytes of what is queued, not more. */
void tr_send(struct imsgbuf *, size_t n);
/* So many messages end within the first n bytes. */
size_t tr_complete(size_t messages, size_t n);
/* The next events are of that kind, of the messages from first to last - 1. */
void tr_expect(struct tr_log *, int event, size_t first, size_t last);
void tr_expect_end(const struct tr_log *);

#endif
