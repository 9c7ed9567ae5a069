/* SPDX-License-Identifier: ISC */
/*
 * Descriptors that a kernel may lose between two processes.
 *
 * A descriptor in flight has a reference of its own, and the sender may close
 * its copy at once.  On macOS it may find a dead descriptor at the other end
 * then: the collector of sockets that are nowhere but in flight (unp_gc() in
 * XNU's bsd/kern/uipc_usrreq.c) takes too much.  Chromium has the receiver
 * say that it got it before the sender closes (crbug.com/298276).  Our wire
 * has no such answer.  So a copy stays open until the socket has as much room
 * as ever, that is, all was read; or until IMSGI_INFLIGHT more are sent, or
 * the channel is cleared.  It must never keep a program from sending.
 *
 * Without IMSGI_Q_INFLIGHT nothing is ever kept.
 */
#include "feature.h"

#include <errno.h>
#include <string.h>

#include "os.h"

/* Closes all but the first ones. */
static void
close_behind(struct imsgi_inflight *f, unsigned int first)
{
	while (f->n > first)
		imsgi_close(f->fd[--f->n]);
}

void
imsgi_inflight_look(struct imsgi_inflight *f, int sock)
{
	int room, save;

	if (!(imsgi_os.quirks & IMSGI_Q_INFLIGHT) ||
	    (f->n == f->old && f->sock == sock))
		return;
	save = errno;
	room = imsgi_os.sndroom(sock);
	errno = save;
	if (f->sock != sock) {
		/* It tells nothing about what was sent on another one. */
		f->old = f->n;
		f->sock = sock;
		f->room = room;
		return;
	}
	if (room < 0 || room < f->room)
		return;
	f->room = room;
	close_behind(f, f->old);
}

void
imsgi_inflight_sent(struct imsgi_inflight *f, int fd)
{
	if (!(imsgi_os.quirks & IMSGI_Q_INFLIGHT)) {
		imsgi_close(fd);
		return;
	}
	if (f->n == IMSGI_INFLIGHT) {
		imsgi_close(f->fd[0]);
		f->n--;
		if (f->old > 0)
			f->old--;
		memmove(f->fd, f->fd + 1, f->n * sizeof(f->fd[0]));
	}
	f->fd[f->n++] = fd;
}

void
imsgi_inflight_clear(struct imsgi_inflight *f)
{
	close_behind(f, 0);
	f->old = 0;
}
