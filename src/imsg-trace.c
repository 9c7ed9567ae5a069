/* SPDX-License-Identifier: ISC */
/*
 * A record of a channel's messages for the program that wants one.
 *
 * The queue tells what becomes of its units (msgbuf-watch.c); here they become
 * messages with a modern header.  The bytes are the program's or a peer's: a
 * unit that is no message is passed over, each time in the same way.
 */
#include "feature.h"

#include <errno.h>
#include <string.h>

#include "imsg-int.h"

/* Says h and the payload behind it, if they agree. */
static void
report(const struct imsgbuf *b, int event, const struct msgbuf_half *h,
    const unsigned char *p, size_t len)
{
	const struct msgbuf_trace *t = &b->w->trace;
	struct imsg_hdr hdr = h->hdr;
	int save = errno, fd = h->fd;

	if (event == IMSG_TRACE_RECEIVED || event == IMSG_TRACE_UNREAD) {
		if (fd < 0 && (hdr.len & IMSG_FD_MARK))
			fd = IMSG_TRACE_FD_LOST;
		hdr.len &= ~IMSG_FD_MARK;
	} else {
		hdr.len = imsgi_wire_total(b, hdr.len);
	}
	if (hdr.len != len + sizeof(hdr))
		return;
	t->cb(t->arg, event, &hdr, len > 0 ? p : NULL, len, fd);
	errno = save;
}

static void
note(void *arg, const struct msgbuf_unit *u)
{
	struct imsgbuf *b = arg;
	struct msgbuf_trace *t = &b->w->trace;
	struct msgbuf_half whole, *h = &whole;
	const unsigned char *p = u->p;
	size_t len = u->len;

	if (u->part != MSGBUF_WHOLE)
		h = u->event == IMSG_TRACE_QUEUED ? &t->tail : &t->head;
	if (u->part != MSGBUF_REST) {
		if (len < sizeof(h->hdr))
			return;
		memcpy(&h->hdr, p, sizeof(h->hdr));
		h->fd = u->fd;
		h->known = 1;
		p += sizeof(h->hdr);
		len -= sizeof(h->hdr);
	}
	if (u->part == MSGBUF_FIRST || !h->known)
		return;
	h->known = 0;
	report(b, u->event, h, p, len);
}

void
imsgbuf_set_trace(struct imsgbuf *b, imsg_trace_cb *cb, void *arg)
{
	struct msgbuf *w = b->w;

	w->trace.cb = cb;
	w->trace.arg = arg;
	if (cb == NULL) {
		w->watch.fn = NULL;
	} else if (w->watch.fn == NULL) {
		w->trace.head.known = w->trace.tail.known = 0;
		imsgi_watch_start(w, note);
	}
	imsgi_choose_way(w);
}
