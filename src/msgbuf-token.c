/* SPDX-License-Identifier: ISC */
/*
 * Which descriptor belongs to which message.
 *
 * Linux glues a segment that carries a descriptor behind bytes that arrived
 * before it, and a read can end anywhere; so the descriptor and the header
 * that announces it may come out of different reads.  A token stands for
 * what one receipt brought: a descriptor, or the knowledge that one was lost.
 *
 * Modern wire: the descriptor rides on the first byte of its message, so its
 * header is completed by the same receipt, or is the one that the receipt
 * ends in.  Anything else is the peer's invention and is closed.  Classic
 * wire: it rides on the first byte of a write that may hold many messages,
 * so tokens queue up for marked headers.
 *
 * A token is closed or handed over, never dropped.
 */
#include "feature.h"

#include <errno.h>
#include <string.h>

#include "msgbuf-int.h"

static int
shift(struct tokens *t)
{
	int fd = t->fd[0];

	t->n--;
	memmove(&t->fd[0], &t->fd[1], t->n * sizeof(t->fd[0]));
	if (t->old > 0)
		t->old--;
	return fd;
}

static void
close_beyond(struct tokens *t, unsigned int keep)
{
	while (t->n > keep)
		imsgi_close(t->fd[--t->n]);
}

void
imsgi_token_arrive(struct tokens *t, int fd)
{
	if (fd != IMSGI_FD_NONE)
		t->fd[t->n++] = fd;
}

/* The oldest goes first. */
int
imsgi_token_offer(const struct tokens *t)
{
	return t->n > 0 ? t->fd[0] : IMSGI_FD_NONE;
}

/* A header is complete; did it consume the token that it was offered? */
void
imsgi_token_header(struct tokens *t, int consumed)
{
	if (t->n == 0)
		return;
	if (consumed)
		(void)shift(t);
	else if (t->old > 0 && !t->fifo)
		imsgi_close(shift(t));
}

/*
 * All headers that the receipt completed have been offered its token; inside
 * tells that it ended in the middle of one.  -1 EPROTO: too many wait.
 */
int
imsgi_token_receipt_end(struct tokens *t, int inside)
{
	if (t->fifo) {
		t->old = t->n;
		if (t->n > MSGBUF_TOKENS) {
			errno = EPROTO;
			return -1;
		}
		return 0;
	}
	close_beyond(t, inside ? 1 : 0);
	t->old = t->n;
	return 0;
}

void
imsgi_token_clear(struct tokens *t)
{
	close_beyond(t, 0);
	t->old = 0;
}
