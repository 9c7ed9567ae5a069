/* SPDX-License-Identifier: ISC */
/*
 * Bytes of one direction of a socket become messages.
 *
 * A stream is told of each system call that moved bytes, and finds out by
 * evidence whether it carries imsg, and of which wire generation.  A message
 * is shown only once that is certain: see stream.c.  The library's own reader
 * assembles the messages.  What breaks is said once; then the stream looks for
 * a new start, and gives up after a bounded number of tries.
 */
#ifndef STREAM_H
#define STREAM_H

#include "record.h"

/* A descriptor that was passed by a call. */
struct passed {
	int fd;
	const char *name; /* what it refers to; copied */
};

/* One system call's worth, or a part of it. */
struct bytes {
	int64_t time;
	pid_t pid; /* process that sent it (a thread group), 0 unknown */
	const void *data;
	size_t len;
	const struct passed *fds; /* in the order of the control message */
	size_t nfds;
	int last; /* the call's last bytes: imsg often ends a message here */
};

/*
 * Called for each message and note; of the record are set: kind, time, wire,
 * hdr, fd_state, fd, fdname, data, len, note.  The rest is the caller's.
 */
typedef void stream_emit(void *arg, const struct record *);

struct reader;

/*
 * What all streams of a run may hold together.  The first three fields are
 * the caller's; the rest has to be zero at first, and stream_budget_clear()
 * when all streams are gone.  For the streams of one thread.
 */
struct stream_budget {
	size_t max;	  /* bytes */
	size_t used;	  /* kept up to date by the streams */
	uint32_t maxsize; /* largest message that is believed; total size */
	/* A pipe for all of them, and readers between two messages. */
	int piped, pipe[2];
	struct reader *spare[2];
};

/* Closes the two descriptors that the streams share. */
void stream_budget_clear(struct stream_budget *);

struct stream;

/* NULL ENOMEM.  The budget outlives the stream. */
struct stream *stream_new(struct stream_budget *, stream_emit *, void *arg);
void stream_free(struct stream *);

/* -1 ENOMEM or another errno of the system: this stream is given up. */
int stream_bytes(struct stream *, const struct bytes *);
/* So many bytes passed that could not be seen; 0: an unknown number. */
void stream_gap(struct stream *, int64_t time, size_t);
/* No more bytes will come: says so if a message is left incomplete. */
void stream_end(struct stream *, int64_t time);

/* Given up: its bytes need not be fetched any more. */
int stream_dead(const struct stream *);
/*
 * IMSG_WIRE_* or RECORD_WIRE_UNKNOWN.  set: what the other direction found;
 * messages that waited for that are shown now.
 */
int stream_wire(const struct stream *);
void stream_set_wire(struct stream *, int);
/* At least one message was shown: the channel is one of imsg. */
int stream_is_imsg(const struct stream *);

#endif
