/* SPDX-License-Identifier: ISC */
/*
 * imsg_call - requests and answers over a channel of imsg_loop(3).
 *
 * A request is a message whose peer ID is a number of the caller's; an answer
 * is a message with the same peer ID.  So the other end needs nothing of this:
 * any program that answers with the peer ID of the question will do.  Answers
 * may come in any order.  Every call that was started ends in exactly one way:
 * an answer, an error answer, its deadline, or the end of the channel; or by
 * imsgcall_cancel(), silently.
 *
 * Both ends may call each other over one channel: one takes the numbers below
 * 2^31, the other those above (IMSGCALL_UPPER).  0 is never used.  A number is
 * not used again before all others of its half were.
 *
 * Link with libimsg-loop.  The rules at the head of imsg_loop.h hold here.
 */
/* clang-format off */
#ifndef LIBIMSG_IMSG_CALL_H
#define LIBIMSG_IMSG_CALL_H

#include <imsg_loop.h>

#ifdef __cplusplus
extern "C" {
#endif

struct imsgcall;

/* The type of an error answer.  The messages of your own have types below it;
 * what is above is imsg_proc.h's. */
enum imsgcall_type {
	IMSGCALL_ERROR = 0x7ffffeff
};

/* imsgcall_new() */
#define IMSGCALL_LOWER	0
#define IMSGCALL_UPPER	1
/* Calls that may be under way at one time, unless set otherwise. */
#define IMSGCALL_PENDING	65536

/*
 * How a call ended: error 0 and the answer, which is freed after the callback
 * as in struct imsgloop_cb; or answer NULL and
 *	ETIMEDOUT	its time was up; an answer that comes later is dropped
 *	EPIPE		the channel ended, cleanly or torn, its peer is gone
 *			(ECONNRESET, too), or it was closed here
 *	any other	the channel's error
 * or, if the other end sent an error answer, that with its error (never 0:
 * EPROTO if it sent nonsense) and, for imsgcall_why(), its text.
 */
typedef void	 imsgcall_cb(struct imsgcall *, struct imsg *answer, int error,
		    void *arg);

/*
 * imsgcall_new: calls over this channel, one such object for each.  From now on
 *	messages with the peer ID of a pending call of this side go to the
 *	call's callback; those with another number of this side's half, which
 *	come too late, are dropped; all others go to the channel's handler as
 *	before.  which says which half this side takes.  Ends with the channel:
 *	after `ended' (all pending calls were told just before it, in the order
 *	of their start), in imsgloop_detach() (without a callback); or by
 *	imsgcall_free().  EBUSY: the channel has one.  EINVAL: which.
 * imsgcall_free: all pending calls end silently.  NULL: nothing.
 * imsgcall_start: queues the request, whose answer goes to cb(arg), after at
 *	most ms milliseconds (-1: no limit).  fd as for imsg_compose(): closed
 *	after it was sent, the caller's on failure.  Returns the number of the
 *	call, or 0 with the errno of imsg_compose(), EAGAIN if too many are
 *	pending, EPIPE on a closed channel.
 * imsgcall_cancel: the call ends silently, its answer is dropped when it comes.
 *	0, or -1 ENOENT: no such call is pending.
 * imsgcall_wait: a call that blocks until its answer is there, 1, or 0 for an
 *	error answer; both are in *answer, to be ended with imsg_free().  -1:
 *	ETIMEDOUT after ms milliseconds, EPIPE, the errno of the channel or of
 *	imsg_compose(), or ENOBUFS: more messages came meanwhile than wait for the channel's
 *	handler (1024, or their bytes over 16 MiB).  fd is taken over in every
 *	case.  What came, answers of other calls and the end of the channel
 *	among it, is handled in the next turns of the loop, in order.  No
 *	callback is called.  May be used inside of callbacks, and with a loop
 *	that does not run.
 * imsgcall_set_pending: how many may be under way (1 to 2^30).  0, or -1 EINVAL.
 * imsgcall_pending: how many are.
 */
struct imsgcall	*imsgcall_new(struct imsgloop_chan *, int which);
void		 imsgcall_free(struct imsgcall *);
uint32_t	 imsgcall_start(struct imsgcall *, uint32_t type, int fd,
		    const void *, size_t, int ms, imsgcall_cb *, void *arg);
int		 imsgcall_cancel(struct imsgcall *, uint32_t number);
int		 imsgcall_wait(struct imsgcall *, uint32_t type, int fd,
		    const void *, size_t, int ms, struct imsg *answer);
int		 imsgcall_set_pending(struct imsgcall *, size_t);
size_t		 imsgcall_pending(const struct imsgcall *);

/*
 * The other side.
 *
 * imsgcall_answer: answers the request: imsgloop_compose() with its peer ID; so
 *	are return, errno, and who owns fd, also of imsgcall_fail().
 * imsgcall_fail: answers with an error (an errno, not 0: EINVAL) and a text of
 *	at most 255 bytes (longer ones are cut; NULL: none).
 * imsgcall_error: the error in an answer of type IMSGCALL_ERROR, EPROTO if what
 *	is in it makes no sense; 0 for any other message.
 * imsgcall_why: the text in an error answer, made printable, into buf of size
 *	bytes, cut if need be; strerror()'s if there is none.  Returns buf.
 */
int		 imsgcall_answer(struct imsgloop_chan *,
		    const struct imsg *request, uint32_t type, int fd,
		    const void *, size_t);
int		 imsgcall_fail(struct imsgloop_chan *,
		    const struct imsg *request, int error, const char *why);
int		 imsgcall_error(const struct imsg *);
char		*imsgcall_why(const struct imsg *, char *buf, size_t size);

#ifdef __cplusplus
}
#endif

#endif
