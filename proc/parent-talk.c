/* SPDX-License-Identifier: ISC */
/*
 * What children say to the parent, which believes none of it: messages of the
 * library where the protocol has them, messages of the program where the table
 * has a channel, and nothing else.
 */
#include "feature.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>

#include "parent.h"
#include "words.h"

/* What a child may send before the parent is ready for it. */
#define HELD_BYTES (4U << 20)
#define HELD_FDS   64

static void
talk_deliver(struct member *m, struct imsg *msg)
{
	struct imsgproc *p = m->family->proc;

	if (p->spec->message != NULL)
		p->spec->message(p, m->peer, msg);
}

static void
talk_hold(struct member *m, struct imsg *msg)
{
	struct imsg keep;

	m->held_bytes += imsg_get_len(msg) + sizeof(keep);
	if (imsg_fd_status(msg) != IMSG_FD_NONE)
		m->held_fds++;
	if (m->held_bytes > HELD_BYTES || m->held_fds > HELD_FDS) {
		imsgpi_condemn(m, "sent too much before the daemon was there");
		return;
	}
	imsgloop_keep(msg, &keep);
	imsg_ibufq_push(m->held, &keep);
}

void
imsgpi_held_free(struct member *m)
{
	if (m->held != NULL)
		ibufq_flush(m->held);
	m->held_bytes = 0;
	m->held_fds = 0;
}

void
imsgpi_release(struct member *m)
{
	struct imsg msg;

	while (imsg_ibufq_pop(m->held, &msg) == 1) {
		talk_deliver(m, &msg);
		imsg_free(&msg);
	}
	imsgpi_held_free(m);
}

/* It may have ended since, or been told to stop. */
static void
talk_ready(struct member *m)
{
	struct family *f = m->family;

	m->ready = m->once = true;
	if (m->state == STARTING) {
		m->state = READY;
		if (imsgpi_member_time(m, -1) == -1)
			return;
		imsgpi_tick(f);
		if (!f->running)
			imsgloop_pause(m->peer->chan);
	}
	if (f->running) {
		imsgpi_peer_tell(m->peer, true);
		imsgpi_release(m);
	}
}

static void
talk_failed(struct member *m, struct imsg *msg)
{
	char text[256 - 32];
	int error;

	if (imsgpi_words_failed(msg, text, sizeof(text), &error) == -1) {
		imsgpi_condemn(m, "broke the protocol: what failed?");
		return;
	}
	if (m->why[0] == '\0')
		(void)snprintf(
		    m->why, sizeof(m->why), "could not start: %s", text);
}

static void
talk_control(struct member *m, struct imsg *msg)
{
	uint32_t type = imsg_get_type(msg);

	if (imsg_fd_status(msg) != IMSG_FD_NONE)
		imsgpi_condemn(m, "broke the protocol: a descriptor");
	else if (type == IMSGPROC_FAILED && !m->ready)
		talk_failed(m, msg);
	else if (imsg_get_len(msg) != 0)
		imsgpi_condemn(m, "broke the protocol: message %u of %zu bytes",
		    type - IMSGPROC_TYPES, imsg_get_len(msg));
	else if (type == IMSGPROC_READY && !m->ready)
		talk_ready(m);
	else if (type == IMSGPROC_RELOADED && m->reloading)
		imsgpi_reload_done(m);
	else
		imsgpi_condemn(
		    m, "broke the protocol: message %u", type - IMSGPROC_TYPES);
}

static void
talk_message(struct imsgloop_chan *chan, struct imsg *msg, void *arg)
{
	struct member *m = arg;

	(void)chan;
	m->heard = true;
	if (imsg_get_type(msg) >= IMSGPROC_TYPES)
		talk_control(m, msg);
	else if (!m->peer->talks)
		imsgpi_condemn(
		    m, "sent a message, and has no channel to the parent");
	else if (m->family->running && m->ready)
		talk_deliver(m, msg);
	else if (m->family->running || !m->family->proc->stopping)
		talk_hold(m, msg);
}

static void
talk_ended(struct imsgloop_chan *chan, int why, int error, void *arg)
{
	struct member *m = arg;

	(void)chan;
	imsgpi_channel_lose(m);
	if (m->state == DEAD)
		imsgpi_buried(m);
	else if (why == IMSGLOOP_ERROR && error != ECONNRESET && error != EPIPE)
		imsgpi_condemn(m, "broke its channel: %s", strerror(error));
	else if (m->state == STARTING || m->state == READY)
		/* It is about to end; if not, parent_timer() sees to it. */
		(void)imsgpi_member_time(m, 1000);
}

static void
talk_drained(struct imsgloop_chan *chan, void *arg)
{
	struct member *m = arg;

	(void)chan;
	m->control = 0;
}

const struct imsgloop_cb imsgpi_member_cb = {
	.message = talk_message,
	.ended = talk_ended,
	.drained = talk_drained,
};
