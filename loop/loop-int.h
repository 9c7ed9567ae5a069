/* SPDX-License-Identifier: ISC */
/*
 * What the files of libimsg-loop share: the channel, and how the calls of
 * imsg_call(3) hang on to it.  The channel knows of calls only the three hooks
 * below.
 */
#ifndef IMSGLOOP_INT_H
#define IMSGLOOP_INT_H

#include <imsg_loop.h>

struct imsgcall;

/*
 * message: sees each message before the channel's handler.  Not 0: it took the
 *	message and has moved it away (zeroed) or is done with it; the channel
 *	frees it as after a handler.  May call callbacks, which may do anything,
 *	detach the channel among it.
 * ended: the channel has ended, its `ended' comes next, unless a callback
 *	called from here detaches the channel.
 * gone: the last hook, when the channel's `ended' has returned or it is
 *	detached.  The channel has set call to NULL before.
 */
struct imsgloopi_hooks {
	int (*message)(struct imsgcall *, struct imsg *);
	void (*ended)(struct imsgcall *, int why, int error);
	void (*gone)(struct imsgcall *);
};

/* imsgloop_chan.state */
#define CHAN_BUSY   0x001U /* in a turn of its own: callbacks are called */
#define CHAN_ENDED  0x002U /* out of the loop; `ended' is being called */
#define CHAN_GONE   0x004U /* no more callbacks; freed when not busy */
#define CHAN_CLOSED 0x008U /* imsgloop_close() */
#define CHAN_PAUSED 0x010U
#define CHAN_OWN    0x020U /* imsgbuf and socket are the channel's */
#define CHAN_MORE   0x040U /* there may be messages that were not handled */
#define CHAN_READ   0x080U /* to be read even if the loop does not say so */
#define CHAN_UNSENT 0x100U /* the last write left something */
#define CHAN_SOON   0x200U /* the next turn of the loop is asked for */

struct imsgloop_chan {
	struct imsgloop_watch watch;
	struct imsgloop *loop;
	struct imsgbuf *buf;
	const struct imsgloop_cb *cb;
	void *arg;
	unsigned int state;
	unsigned int budget;
	/* for calls */
	const struct imsgloopi_hooks *hooks;
	struct imsgcall *call;	/* NULL: none */
	uint32_t last_call[2];	/* numbers of those that were freed; or 0 */
	struct ibufqueue *held; /* or NULL; comes before what buf holds */
	size_t held_bytes;
	/* The end, as soon as it is known; it comes after the messages. */
	int why; /* 0: not known */
	int error;
	int write_error;	 /* nothing more is written; or 0 */
	unsigned int last_reads; /* since then */
	/* Tries in a row that came to nothing. */
	unsigned int idle_reads;
	unsigned int idle_writes;
	unsigned int vain; /* turns until a second read is tried again */
	/* When to try again, when to give up; -1: no such time. */
	int64_t read_at;
	int64_t write_at;
	int64_t close_by;
	/* What the loop was asked for last. */
	int64_t due;
	short events;
	struct imsgbuf own;
};

/* Nanoseconds of a clock that only goes forward. */
int64_t imsgloopi_now(void);
/* In so many milliseconds from now. */
int64_t imsgloopi_in(int ms);
/* What is left until then in milliseconds, rounded up, at least 0. */
int imsgloopi_left(int64_t now, int64_t due);

/*
 * For imsgcall_wait(), which reads and writes the imsgbuf itself, inside or
 * outside of a callback.  Messages that are not what it waits for go behind
 * those that are held already; the next turns of the loop handle them before
 * any in the imsgbuf.
 *
 * imsgloopi_hold_room: once before the first of them: 0, or -1 ENOMEM.
 * imsgloopi_hold: takes *m over and zeroes it.
 * imsgloopi_held: the next one held back: 1, or 0.
 * imsgloopi_held_len: how many are held; their bytes are in held_bytes.
 * imsgloopi_stream_ended: the read said end of file (error 0) or failed with
 *	error (not ENOMEM); `ended' comes in the next turn, after the messages.
 * imsgloopi_write_failed: the write failed with error; what has come is still
 *	read and handled, then `ended' comes.
 * imsgloopi_sendable: 0, or -1 EPIPE: closed or gone.
 */
int imsgloopi_hold_room(struct imsgloop_chan *);
void imsgloopi_hold(struct imsgloop_chan *, struct imsg *);
int imsgloopi_held(struct imsgloop_chan *, struct imsg *);
uint32_t imsgloopi_held_len(struct imsgloop_chan *);
void imsgloopi_stream_ended(struct imsgloop_chan *, int error);
void imsgloopi_write_failed(struct imsgloop_chan *, int error);
int imsgloopi_sendable(const struct imsgloop_chan *);

/*
 * Between the files of the channel.
 *
 * imsgloopi_turn: the watch's callback.
 * imsgloopi_kick: asks for the next turn of the loop: 0, or -1 with its errno.
 * imsgloopi_receive: reads and hands out, given what the loop said.
 * imsgloopi_send: writes, and calls drained.
 * imsgloopi_note_end: it will end so, after the messages; the first reason
 *	counts, but for a write that failed before it.
 * imsgloopi_anything_there: is there something to read, an end included?  -1:
 *	errno says what else.
 * imsgloopi_drop_call: the calls over it, if there are any, end silently.
 * imsgloopi_release: clears and closes what is the channel's own.
 * imsgloopi_free: frees it, and what is held.
 */
void imsgloopi_turn(struct imsgloop_watch *, short revents);
int imsgloopi_kick(struct imsgloop_chan *);
void imsgloopi_receive(struct imsgloop_chan *, short revents);
void imsgloopi_send(struct imsgloop_chan *, short revents);
void imsgloopi_note_end(struct imsgloop_chan *, int why, int error);
int imsgloopi_anything_there(const struct imsgbuf *);
void imsgloopi_drop_call(struct imsgloop_chan *);
void imsgloopi_release(struct imsgloop_chan *);
void imsgloopi_free(struct imsgloop_chan *);

#endif
