/* SPDX-License-Identifier: ISC */
/*
 * The life of a process: its channels.  What the parent says is done; a peer
 * may be taken over by a stranger, and the worst that it can bring about is the
 * end of its own channel.
 */
#include "feature.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "child.h"

/* How long a channel of a peer that is gone may have messages to be read. */
#define LATE_MS 2000

static void child_fatal(struct imsgproc *, const char *)
#ifdef __GNUC__
    __attribute__((__noreturn__))
#endif
    ;

static void
child_fatal(struct imsgproc *proc, const char *why)
{
	imsgproc_log(proc, LOG_CRIT, "%s", why);
	exit(1);
}

static bool
any_channel(const struct imsgproc *proc)
{
	size_t i;

	for (i = 0; i < proc->npeers; i++)
		if (proc->peers[i].chan != NULL)
			return true;
	return false;
}

static void
stop_if_closed(struct imsgproc *proc)
{
	if (proc->closing && !any_channel(proc))
		proc->how->stop(proc->loop);
}

static const struct imsgloop_cb chan_cb;

/* fd is used or closed. */
static int
peer_open(struct imsgproc_peer *peer, int fd)
{
	struct imsgproc *proc = peer->proc;

	peer->chan = imsgloop_open(proc->loop, fd, &chan_cb, peer);
	if (peer->chan == NULL) {
		imsgpi_close(fd);
		return imsgproc_fail(proc, "channel to %s: %s",
		    peer->spec->name, strerror(errno));
	}
	imsgpi_limit(imsgloop_imsgbuf(peer->chan));
	return 0;
}

/* What a peer that was started anew has sent is not seen before this. */
static void
peer_down(struct imsgproc_peer *peer)
{
	struct imsgproc *proc = peer->proc;
	int fd = peer->next;

	peer->chan = NULL;
	peer->next = -1;
	imsgloop_unwatch(&peer->late);
	imsgpi_peer_tell(peer, false);
	if (proc->closing) {
		imsgpi_close(fd);
		stop_if_closed(proc);
	} else if (fd != -1 && peer_open(peer, fd) == -1)
		imsgproc_log(proc, LOG_ERR, "%s", proc->why);
	else if (fd != -1)
		imsgpi_peer_tell(peer, true);
}

static void
drop(struct imsgproc_peer *peer)
{
	imsgloop_detach(peer->chan);
	peer_down(peer);
}

static void
peer_late(struct imsgloop_watch *w, short revents)
{
	(void)revents;
	drop(w->arg);
}

/*
 * The end of the old channel is on its way, behind what was sent on it, unless
 * somebody else holds the other end.
 */
static int
peer_again(struct imsgproc_peer *peer, int fd)
{
	if (peer->next == -1 &&
	    (imsgloop_watch(
		 peer->proc->loop, &peer->late, -1, peer_late, peer) == -1 ||
		imsgloop_set(&peer->late, 0, LATE_MS) == -1)) {
		imsgpi_close(fd);
		return imsgproc_fail(peer->proc, "channel to %s: %s",
		    peer->spec->name, strerror(errno));
	}
	imsgpi_close(peer->next);
	peer->next = fd;
	return 0;
}

static struct imsgproc_peer *
named_peer(struct imsgproc *proc, struct imsg *m)
{
	struct imsgproc_peer *peer = NULL;
	struct ctl_peer c;

	if (imsg_get_data(m, &c, sizeof(c)) == 0 && c.index > 0 &&
	    c.index < proc->daemon->nprocs)
		peer = imsgpi_peer_of(
		    proc, &proc->daemon->procs[c.index], c.instance);
	return peer;
}

int
imsgpi_child_peer(struct imsgproc *proc, struct imsg *m)
{
	struct imsgproc_peer *peer = named_peer(proc, m);
	int fd;

	if (peer == NULL || imsg_fd_status(m) == IMSG_FD_NONE) {
		errno = EBADMSG;
		return imsgproc_fail(proc, "a channel to nobody");
	}
	if ((fd = imsg_get_fd(m)) == -1) {
		errno = EMFILE;
		return imsgproc_fail(proc, "the channel to %s was lost: %s",
		    peer->spec->name, strerror(errno));
	}
	if (proc->loop == NULL || proc->closing) {
		imsgpi_close(fd);
		return 0;
	}
	return peer->chan == NULL ? peer_open(peer, fd) : peer_again(peer, fd);
}

static void
reload(struct imsgproc *proc)
{
	if (proc->spec->reload != NULL)
		proc->spec->reload(proc);
	if (imsgloop_compose(proc->peers[0].chan, IMSGPROC_RELOADED, 0, 0, -1,
		NULL, 0) == -1)
		child_fatal(proc, "cannot answer the parent");
}

static void
parent_control(struct imsgproc *proc, struct imsg *m)
{
	switch (m->hdr.type) {
	case IMSGPROC_PEER:
		if (imsgpi_child_peer(proc, m) == -1)
			imsgproc_log(proc, LOG_ERR, "%s", proc->why);
		imsgpi_peers_tell(proc);
		break;
	case IMSGPROC_RELOAD:
		reload(proc);
		break;
	case IMSGPROC_STOP:
		imsgpi_child_stop(proc, 0);
		break;
	default:
		child_fatal(proc, "unknown message of the parent");
	}
}

static bool
is_parent(const struct imsgproc_peer *peer)
{
	return peer == &peer->proc->peers[0];
}

static void
chan_message(struct imsgloop_chan *chan, struct imsg *m, void *arg)
{
	struct imsgproc_peer *peer = arg;
	struct imsgproc *proc = peer->proc;

	(void)chan;
	if (m->hdr.type >= IMSGPROC_TYPES && is_parent(peer))
		parent_control(proc, m);
	else if (m->hdr.type >= IMSGPROC_TYPES) {
		imsgproc_log(proc, LOG_ERR,
		    "%s sent a message of type 0x%x: its channel is closed",
		    peer->spec->name, (unsigned int)m->hdr.type);
		drop(peer);
	} else if (!peer->talks)
		child_fatal(proc,
		    "the parent talks, and the table has no "
		    "channel to it");
	else if (proc->spec->message != NULL)
		proc->spec->message(proc, peer, m);
}

/* Who was started by imsgproc_spawn() is ended so; any other has lost it. */
static void
parent_down(struct imsgproc *proc, bool clean)
{
	bool demand = (proc->spec->flags & IMSGPROC_ON_DEMAND) != 0;

	if (clean && !demand)
		imsgproc_log(proc, LOG_CRIT, "the parent is gone");
	imsgpi_child_stop(proc, clean && demand ? 0 : 1);
}

static void
chan_ended(struct imsgloop_chan *chan, int why, int error, void *arg)
{
	struct imsgproc_peer *peer = arg;
	struct imsgproc *proc = peer->proc;
	bool clean = why != IMSGLOOP_TORN && why != IMSGLOOP_ERROR;

	(void)chan;
	if (!clean)
		imsgproc_log(proc, is_parent(peer) ? LOG_CRIT : LOG_ERR,
		    "channel to %s: %s", peer->spec->name,
		    why == IMSGLOOP_TORN ? "ends within a message" :
					   strerror(error));
	peer_down(peer);
	if (is_parent(peer) && !proc->closing)
		parent_down(proc, clean);
}

static const struct imsgloop_cb chan_cb = { chan_message, chan_ended, NULL };

/*
 * Who needs this process was stopped before it, and the last that it sent may
 * wait on its channel: nobody but this process can see to it any more.
 */
static bool
left_behind(const struct imsgproc *proc)
{
	struct pollfd p = { .events = 0 };
	size_t i;

	for (i = 1; i < proc->npeers; i++) {
		if (proc->peers[i].chan == NULL)
			continue;
		p.fd = imsgloop_imsgbuf(proc->peers[i].chan)->fd;
		if (imsgpi_os.poll(&p, 1, 0) == 1 && p.revents & POLLHUP)
			return true;
	}
	return false;
}

/* In a turn of its own: nothing of the caller's is under way. */
static void
stop_now(struct imsgloop_watch *w, short revents)
{
	struct imsgproc *proc = w->arg;
	int ms = imsgpi_stop_ms(proc->daemon);
	size_t i;

	(void)revents;
	if (imsgpi_now_ms() < proc->stop_by && left_behind(proc) &&
	    imsgloop_set(w, 0, 1) == 0)
		return;
	imsgloop_unwatch(w);
	if (proc->spec->stop != NULL)
		proc->spec->stop(proc);
	proc->closing = true;
	for (i = 0; i < proc->npeers; i++)
		if (proc->peers[i].chan != NULL &&
		    imsgloop_close(proc->peers[i].chan, ms) == -1)
			drop(&proc->peers[i]);
	stop_if_closed(proc);
}

void
imsgpi_child_stop(struct imsgproc *proc, int status)
{
	if (proc->loop == NULL)
		exit(status);
	if (proc->stopping)
		return;
	proc->stopping = true;
	proc->status = status;
	/* Half of the time is for what is to be written. */
	proc->stop_by = imsgpi_now_ms() + imsgpi_stop_ms(proc->daemon) / 2;
	if (imsgloop_set(&proc->wake, 0, 0) == -1)
		child_fatal(proc, "cannot stop in order");
}

int
imsgpi_child_open(struct imsgproc *proc)
{
	struct imsgproc_peer *parent = &proc->peers[0];

	if (imsgloop_watch(proc->loop, &proc->wake, -1, stop_now, proc) == -1)
		return -1;
	parent->chan = imsgloop_attach(proc->loop, &proc->ib, &chan_cb, parent);
	return parent->chan == NULL ? -1 : 0;
}

int
imsgpi_child_run(struct imsgproc *proc)
{
	if (proc->how->run(proc->loop) == -1)
		child_fatal(proc, strerror(errno));
	if (!proc->closing)
		child_fatal(proc, "the loop ended by itself");
	imsgpi_peers_free(proc);
	imsgbuf_clear(&proc->ib);
	return proc->status;
}
