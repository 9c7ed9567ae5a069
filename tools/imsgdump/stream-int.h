/* SPDX-License-Identifier: ISC */
/*
 * The inside of a stream, for the stream*.c files alone.
 *
 * Bytes are counted from 0, as they are seen: message [pos, ...) is the next
 * that the reader will complete, bytes up to fed are in the reader, and the
 * next one to look at is off.
 */
#ifndef STREAM_INT_H
#define STREAM_INT_H

#include "evidence.h"
#include "passed.h"
#include "stream.h"

/* Most that is held before the proof, in bytes and in calls. */
#define HOLD_MAX   ((size_t)1 << 20)
#define HOLD_CALLS 64
/* Starts of calls that are tried; after how many it is said. */
#define TRIES_MAX  256
#define TRIES_SAY  8
#define TRIES_FULL 16
/* New starts before a stream is given up, and messages that forgive one. */
#define RESTARTS_MAX	 16
#define RESTARTS_FORGIVE 256
/* Notes about descriptors that no message wants. */
#define SURPLUS_NOTES 32

enum mode {
	STREAM_HUNT,   /* for proof; bytes are held */
	STREAM_DECIDE, /* it is imsg, but which wire is it?  They are held */
	STREAM_KNOWN,  /* messages are shown; the wire may be unknown */
	STREAM_DEAD
};

/* A call, or a part of one, whose bytes are held. */
struct held_call {
	size_t start, len; /* in the bytes held */
	size_t before;	   /* bytes of the call that are not */
	int64_t time;
	pid_t pid;
	int last; /* its end is held, too */
};

struct held {
	unsigned char *p;
	size_t len, room;
	uint64_t base; /* where p[0] is in the stream */
	struct held_call calls[HOLD_CALLS];
	unsigned int ncalls;
	unsigned int first; /* the call that evidence began with */
	int crowded;	    /* the last of them stands for several */
	int dropped;	    /* too much: only the evidence goes on */
};

struct reader {
	struct imsgbuf buf;
	int wire;
	int large; /* has had a message above 64 KiB, and may trust one more */
};

struct stream {
	struct stream_budget *budget;
	stream_emit *emit;
	void *arg;
	enum mode mode;
	int wire, told; /* told: what the other direction found */
	int64_t time;
	uint32_t maxsize;
	int error;	      /* of the system, for which it was given up */
	size_t charged, lent; /* memory, of it what a release works on */

	uint64_t off, fed, pos;
	struct reader *reader;
	struct walk walk; /* STREAM_KNOWN: where the headers are */

	/* The present call. */
	int in_call, skip_call;
	uint64_t call_start;
	size_t call;
	pid_t pid;
	int last;
	int untidy; /* calls have ended inside messages */

	struct held *held;
	struct evidence evidence;
	struct passed_queue passed;

	uint64_t shown;
	unsigned int tries, restarts, forgive, surplus_notes;
	int said; /* that this is not imsg */
};

/* stream.c: a piece of a call, with all that follows from it. */
void stream_input(struct stream *, const unsigned char *, size_t);
/*
 * Given up for good: why, NULL if it was said already, and the errno, 0 if the
 * system is not the reason.
 */
void stream_drop(struct stream *, const char *why, int error);

/* stream-note.c */
struct imsg;
void stream_note(struct stream *, const struct imsg_hdr *, const char *);
void stream_notef(struct stream *, const struct imsg_hdr *, const char *, ...)
    __attribute__((format(printf, 3, 4)));
void stream_show(struct stream *, struct imsg *);
/* Notes about descriptors that nobody wants, as a message begins at pos. */
void stream_stale(struct stream *);

/* stream-feed.c: 0; 1: the reader failed with errno, *bad; -1: given up. */
int stream_feed(
    struct stream *, const unsigned char *, size_t, struct imsg_hdr *bad);
void stream_unread(struct stream *);
/* Brings the budget up to date; -1: more does not fit, the stream is gone. */
int stream_charge(struct stream *, size_t more);

/* stream-known.c: a piece of the present call. */
void stream_known(struct stream *, const unsigned char *, size_t);
/* Looks for a new start from the next call on; why is said with the header. */
void stream_restart(struct stream *, const struct imsg_hdr *, const char *why);
/* The same for a call that no sender of imsg makes; p: its first header. */
void stream_strange(struct stream *, const unsigned char *p);

/* stream-hold.c */
void stream_hold(struct stream *, const unsigned char *, size_t);
/* before: of the present call are not in p; last: the call ends with p. */
void stream_hold_piece(
    struct stream *, const unsigned char *, size_t, size_t before, int last);
void stream_judge(struct stream *);
void stream_release(struct stream *, int wire);
void stream_held_free(struct stream *);

#endif
