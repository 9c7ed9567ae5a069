/* SPDX-License-Identifier: ISC */
/*
 * imsg_loop - channels of imsg(3) in the event loop that a program has.
 *
 * A channel that is attached to a loop is read when there is something to
 * read; your handler gets each message; what you queue is written, and the
 * loop is asked to wait for room only while something is queued.  Nothing is
 * started, no thread, no signal: all runs inside the loop's own turns.
 *
 * Rules that hold for every function unless its own entry says otherwise:
 *
 * - A failing call returns -1 or NULL, sets errno and changes nothing: ENOMEM,
 *   what the loop's own functions say, and what stands at the entry.
 * - Callbacks are called by the loop only, never from inside a function that
 *   you call.  Inside a callback every function may be called, for any
 *   channel and any watch, the one it is about included.
 * - One loop belongs to one thread.  Distinct loops are independent.
 * - A loop must outlive the channels and watches in it.
 *
 * Link with libimsg-loop.  Loops: imsgloop_poll_new() below is one of its own,
 * on poll(2); imsg_loop_event.h is for libevent 2; any other fits through the
 * three functions of struct imsgloop_ops.
 */
/* clang-format off */
#ifndef LIBIMSG_IMSG_LOOP_H
#define LIBIMSG_IMSG_LOOP_H

#include <poll.h>

#include <imsg.h>

#ifdef __cplusplus
extern "C" {
#endif

struct imsgloop;
struct imsgloop_chan;
struct imsgloop_watch;

/*
 * What a loop has to offer.
 *
 * add: makes w->fd known, watched for nothing so far; w->fd may be -1, then
 *	there is only time.  Stores what it likes in w->impl.  0 or -1.
 * set: from now on calls imsgloop_ready(w, revents) as long as one of events
 *	(POLLIN, POLLOUT, both or 0) is true, and imsgloop_ready(w, 0) once when
 *	ms milliseconds have gone (-1: never; 0: in the next turn, after what
 *	else is ready had its turn).  Replaces what was set before, time
 *	included; an event does not stop the time.  0 or -1.
 * del: forgets w.  After it w and its fd are never touched again, even if
 *	called while events of this turn, w's own among them, are handled.
 *
 * revents may have POLLIN where the loop cannot tell POLLHUP and POLLERR from
 * it.  With events 0 nothing is reported for the descriptor, hang-ups neither.
 */
struct imsgloop_ops {
	int	(*add)(struct imsgloop *, struct imsgloop_watch *);
	int	(*set)(struct imsgloop *, struct imsgloop_watch *, short events,
		    int ms);
	void	(*del)(struct imsgloop *, struct imsgloop_watch *);
};

/* An adapter has this as the first member of what it needs itself. */
struct imsgloop {
	const struct imsgloop_ops	*ops;
};

/*
 * Anything else of yours in the same loop, whichever it is: a listening socket,
 * a client, a timer.  The memory is yours; put it into your own structure.
 */
typedef void	 imsgloop_ready_cb(struct imsgloop_watch *, short revents);
struct imsgloop_watch {
	struct imsgloop		*loop;
	imsgloop_ready_cb	*ready;
	void			*arg;		/* yours */
	int			 fd;
	/* the adapter's */
	short			 events;
	void			*impl;
	int64_t			 due;
};

/*
 * imsgloop_watch: adds fd (or -1: time only) to the loop, with nothing to wait
 *	for yet.  0 or -1.  The descriptor stays yours.  One that is in a loop
 *	is not added again.
 * imsgloop_set: see struct imsgloop_ops.  0 or -1; EINVAL: w is in no loop.
 * imsgloop_unwatch: the loop forgets w; to be called before its fd is closed
 *	or its memory freed.  A zeroed w, or one that is out: nothing.  Keeps
 *	errno.
 * imsgloop_ready: what adapters call.
 */
#if defined(__cplusplus) && defined(__GNUC__)
/* As stat() and struct stat, which C++ warns of. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wshadow"
#endif
int	 imsgloop_watch(struct imsgloop *, struct imsgloop_watch *, int fd,
	    imsgloop_ready_cb *, void *arg);
#if defined(__cplusplus) && defined(__GNUC__)
#pragma GCC diagnostic pop
#endif
int	 imsgloop_set(struct imsgloop_watch *, short events, int ms);
void	 imsgloop_unwatch(struct imsgloop_watch *);
void	 imsgloop_ready(struct imsgloop_watch *, short revents);

/* Why a channel ended. */
#define IMSGLOOP_EOF	1	/* the peer closed it, between two messages, or
				   shut down its sending side: what is queued
				   was tried once more */
#define IMSGLOOP_TORN	2	/* ... within a message; error is EPIPE */
#define IMSGLOOP_ERROR	3	/* error says which */
#define IMSGLOOP_CLOSED	4	/* imsgloop_close(): all written, error is 0;
				   or ETIMEDOUT, or that of the write */

/*
 * What becomes of a channel.
 *
 * message: one message, in order.  It is freed, and a descriptor that was not
 *	taken is closed, when the handler returns; imsgloop_keep() prevents that.
 * ended: once, as the last callback of the channel, after all messages that
 *	were complete.  The channel is gone when it returns: imsgloop_open()'s
 *	with its socket; of imsgloop_attach()'s the imsgbuf and its socket are
 *	yours again, to be looked at (imsgbuf_failed(), imsgbuf_queuelen())
 *	and cleared already within the callback.
 * drained: may be NULL.  A write has left nothing queued: who stopped because
 *	of ENOBUFS or of imsgbuf_queuebytes() goes on.  At most once a turn, not
 *	after imsgloop_close().
 */
struct imsgloop_cb {
	void	(*message)(struct imsgloop_chan *, struct imsg *, void *arg);
	void	(*ended)(struct imsgloop_chan *, int why, int error, void *arg);
	void	(*drained)(struct imsgloop_chan *, void *arg);
};

/*
 * imsgloop_attach: a channel that the program set up: imsgbuf_init(), limits,
 *	wire, descriptors.  The imsgbuf stays the program's and must live until
 *	`ended' or imsgloop_detach(); meanwhile it may be queried, composed to
 *	and its limits changed, but not be read, written, cleared.  Makes the
 *	socket non-blocking.  *cb must live as long as the channel.  What the
 *	imsgbuf holds already, received or queued, is handled in the next turn.
 *	EBADF and others of fcntl(2).
 * imsgloop_open: a channel on fd with an imsgbuf of its own: descriptors
 *	allowed, close-on-exec.  On success fd belongs to the channel, else it
 *	is the caller's.  Errors as above.
 * imsgloop_detach: takes the channel out at once, with no more callbacks, not
 *	even `ended'.  As at the end, an imsgbuf of imsgloop_attach() is yours
 *	again with all it holds, but for messages held back by imsgcall_wait();
 *	that of imsgloop_open() is cleared, its socket closed.  NULL: nothing.
 *	Keeps errno.
 * imsgloop_close: no more messages are handled; what is queued is written, for
 *	at most ms milliseconds (-1: no limit), then `ended' comes with
 *	IMSGLOOP_CLOSED.  The second call may shorten the time.  0 or -1.
 * imsgloop_pause, imsgloop_resume: no more messages are handled and, as soon as
 *	a read limit is reached, none are read, so that the peer notices.
 *	Writing goes on.  An end is reported after the messages before it.
 * imsgloop_set_budget: at most that many messages of this channel in a turn of
 *	the loop (default 128; at least 1); others have theirs before it goes on.
 */
struct imsgloop_chan	*imsgloop_attach(struct imsgloop *, struct imsgbuf *,
			    const struct imsgloop_cb *, void *arg);
struct imsgloop_chan	*imsgloop_open(struct imsgloop *, int fd,
			    const struct imsgloop_cb *, void *arg);
void	 imsgloop_detach(struct imsgloop_chan *);
int	 imsgloop_close(struct imsgloop_chan *, int ms);
void	 imsgloop_pause(struct imsgloop_chan *);
void	 imsgloop_resume(struct imsgloop_chan *);
void	 imsgloop_set_budget(struct imsgloop_chan *, unsigned int);

/*
 * imsgloop_compose, composev, compose_ibuf, forward: as imsg_compose() and so on
 *	(return, errno, who owns payload and descriptor), and the loop knows that
 *	there is something to write.  What a handler queues is written when the
 *	handler's turn is over; what is queued elsewhere, in the loop's next.
 *	After imsgloop_close(): EPIPE.
 * imsgloop_queued: says so after the program has used imsg_compose(),
 *	imsg_close() or others on the imsgbuf itself.  Not needed within the
 *	channel's own callbacks.
 * imsgloop_keep: within `message': moves the message to *to, from where
 *	imsg_free() ends it later.
 * imsgloop_imsgbuf, imsgloop_loop, imsgloop_arg: what belongs to the channel.
 */
int	 imsgloop_compose(struct imsgloop_chan *, uint32_t type, uint32_t peerid,
	    pid_t pid, int fd, const void *, size_t);
int	 imsgloop_composev(struct imsgloop_chan *, uint32_t type,
	    uint32_t peerid, pid_t pid, int fd, const struct iovec *, int);
int	 imsgloop_compose_ibuf(struct imsgloop_chan *, uint32_t type,
	    uint32_t peerid, pid_t pid, struct ibuf *);
int	 imsgloop_forward(struct imsgloop_chan *, struct imsg *);
void	 imsgloop_queued(struct imsgloop_chan *);
void	 imsgloop_keep(struct imsg *from, struct imsg *to);
struct imsgbuf	*imsgloop_imsgbuf(struct imsgloop_chan *);
struct imsgloop	*imsgloop_loop(struct imsgloop_chan *);
void		*imsgloop_arg(struct imsgloop_chan *);

/*
 * A loop on poll(2).  Turns are not taken within a turn: EBUSY.
 *
 * imsgloop_poll_new, imsgloop_poll_free: free with nothing in it any more;
 *	within a callback it lasts until the turn is over.  NULL: nothing.
 * imsgloop_poll_run: turns until imsgloop_poll_stop(), or until nothing is
 *	watched and no time is set: 0; -1 with the errno of poll(2) (EINVAL:
 *	more watches than RLIMIT_NOFILE) or ENOMEM.
 * imsgloop_poll_turn: one turn, which waits for at most ms milliseconds (-1: no
 *	limit, 0: not at all): how many watches were ready, 0, or -1.  EINTR is
 *	0, as a signal's handler may have changed something.
 * imsgloop_poll_stop: the run ends after this turn.
 *
 * For a program that has a poll(2) of its own:
 * imsgloop_poll_fill: writes what to wait for into the n entries of pfd, as far
 *	as they go, and lowers *ms (in; -1: no limit) to what the timers allow.
 *	Returns how many entries there are; if that is more than n, call again
 *	with as many.
 * imsgloop_poll_handle: after poll(2): handles what happened in the entries that
 *	the last fill wrote, and timers.  How many were ready, 0, or -1.
 */
struct imsgloop	*imsgloop_poll_new(void);
void		 imsgloop_poll_free(struct imsgloop *);
int		 imsgloop_poll_run(struct imsgloop *);
int		 imsgloop_poll_turn(struct imsgloop *, int ms);
void		 imsgloop_poll_stop(struct imsgloop *);
size_t		 imsgloop_poll_fill(struct imsgloop *, struct pollfd *pfd,
		    size_t n, int *ms);
int		 imsgloop_poll_handle(struct imsgloop *,
		    const struct pollfd *pfd, size_t n);

#ifdef __cplusplus
}
#endif

#endif
