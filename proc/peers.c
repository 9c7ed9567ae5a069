/* SPDX-License-Identifier: ISC */
/*
 * Who a process talks to, and what it says to them; what a program asks about
 * its own process.
 */
#include "feature.h"

#include <errno.h>
#include <string.h>
#include <syslog.h>

#include "child.h"

const struct imsgproc_loop imsgproc_poll = {
	imsgloop_poll_new,
	imsgloop_poll_run,
	imsgloop_poll_stop,
	imsgloop_poll_free,
};

/*
 * A peer that does not read must not take the memory of this process, nor one
 * that sends descriptors without messages its table.
 */
void
imsgpi_limit(struct imsgbuf *ib)
{
	struct imsg_limits limits;

	memset(&limits, 0, sizeof(limits));
	limits.wbytes = (size_t)64 * 1024 * 1024;
	limits.wfds = 1024;
	limits.rbytes = (size_t)1024 * 1024;
	limits.rfds = 256;
	(void)imsgbuf_set_limits(ib, &limits);
}

/* Whether an entry of the table is a peer, and if so a peer to talk to. */
static bool
is_peer(const struct imsgproc *p, const struct imsgproc_spec *s, bool *talks)
{
	const struct imsgproc_spec *parent = p->daemon->procs;

	*talks = imsgpi_talk(p->daemon, p->spec, s);
	if (s == p->spec)
		return false;
	if (p->spec == parent)
		return !(s->flags & IMSGPROC_ON_DEMAND);
	return s == parent || *talks;
}

static size_t
list_peers(struct imsgproc *p, struct imsgproc_peer *to)
{
	const struct imsgproc_spec *s;
	unsigned int i;
	size_t n = 0, k;
	bool talks;

	for (k = 0; k < p->daemon->nprocs; k++) {
		s = &p->daemon->procs[k];
		if (!is_peer(p, s, &talks))
			continue;
		for (i = 0; i < imsgpi_instances(s); i++, n++) {
			if (to == NULL)
				continue;
			to[n].proc = p;
			to[n].spec = s;
			to[n].instance = i;
			to[n].talks = talks;
			to[n].next = -1;
		}
	}
	return n;
}

int
imsgpi_peers_make(struct imsgproc *p)
{
	p->npeers = list_peers(p, NULL);
	p->peers = imsgpi_os.calloc(p->npeers + 1, sizeof(*p->peers));
	if (p->peers == NULL) {
		p->npeers = 0;
		return -1;
	}
	(void)list_peers(p, p->peers);
	return 0;
}

void
imsgpi_peers_free(struct imsgproc *p)
{
	struct imsgproc_peer *peer;

	for (peer = p->peers; peer != p->peers + p->npeers; peer++) {
		imsgloop_detach(peer->chan);
		imsgloop_unwatch(&peer->late);
		imsgpi_close(peer->next);
	}
	imsgpi_free(p->peers);
	p->peers = NULL;
	p->npeers = 0;
}

void
imsgpi_peer_tell(struct imsgproc_peer *peer, bool up)
{
	struct imsgproc *p = peer->proc;

	if (!peer->talks || peer->up == up)
		return;
	peer->up = up;
	if (p->spec->peer != NULL)
		p->spec->peer(p, peer, up);
}

void
imsgpi_peers_tell(struct imsgproc *p)
{
	size_t i;

	for (i = 0; i < p->npeers; i++)
		if (p->peers[i].chan != NULL)
			imsgpi_peer_tell(&p->peers[i], true);
}

struct imsgproc_peer *
imsgpi_peer_of(
    struct imsgproc *p, const struct imsgproc_spec *s, unsigned int instance)
{
	size_t i;

	for (i = 0; i < p->npeers; i++)
		if (p->peers[i].spec == s && p->peers[i].instance == instance)
			return &p->peers[i];
	return NULL;
}

/* A name without a channel is a mistake in the table, most often: said once. */
static int
no_peer(struct imsgproc *p, const char *name)
{
	const struct imsgproc_spec *s = p->daemon->procs;
	size_t i;

	for (i = 0; i < p->daemon->nprocs; i++) {
		if (strcmp(s[i].name, name) != 0 || p->missed[i] ||
		    imsgpi_talk(p->daemon, p->spec, &s[i]))
			continue;
		p->missed[i] = true;
		imsgproc_log(
		    p, LOG_WARNING, "no channel to %s in the table", name);
	}
	errno = ENOENT;
	return -1;
}

struct imsgproc_peer *
imsgproc_peer(struct imsgproc *p, const char *name, unsigned int instance)
{
	size_t i;

	for (i = 0; i < p->npeers; i++)
		if (p->peers[i].talks && p->peers[i].instance == instance &&
		    strcmp(p->peers[i].spec->name, name) == 0)
			return &p->peers[i];
	(void)no_peer(p, name);
	return NULL;
}

const char *
imsgproc_peer_name(const struct imsgproc_peer *peer)
{
	return peer == NULL ? "?" : peer->spec->name;
}

unsigned int
imsgproc_peer_instance(const struct imsgproc_peer *peer)
{
	return peer == NULL ? 0 : peer->instance;
}

struct imsgloop_chan *
imsgproc_peer_chan(struct imsgproc_peer *peer)
{
	if (peer != NULL && peer->chan != NULL)
		return peer->chan;
	errno = ENOTCONN;
	return NULL;
}

int
imsgproc_send_peer(struct imsgproc_peer *peer, uint32_t type, uint32_t peerid,
    int fd, const void *data, size_t len)
{
	if (type >= IMSGPROC_TYPES) {
		errno = EINVAL;
		return -1;
	}
	if (imsgproc_peer_chan(peer) == NULL ||
	    imsgloop_compose(peer->chan, type, peerid, 0, fd, data, len) == -1)
		return -1;
	return 0;
}

/* A copy of the descriptor travels, so that each may fail by itself. */
static int
send_copy(struct imsgproc_peer *peer, uint32_t type, uint32_t peerid, int fd,
    const void *data, size_t len)
{
	int copy = -1;

	if (fd >= 0 && (copy = imsgpi_os.dup(fd, 0)) == -1)
		return -1;
	if (imsgproc_send_peer(peer, type, peerid, copy, data, len) == -1) {
		imsgpi_close(copy);
		return -1;
	}
	return 0;
}

static int
send_all(struct imsgproc *p, const char *name, uint32_t type, uint32_t peerid,
    int fd, const void *data, size_t len)
{
	struct imsgproc_peer *peer;
	int error = ENOENT;

	for (peer = p->peers; peer != p->peers + p->npeers; peer++) {
		if (!peer->talks || strcmp(peer->spec->name, name) != 0)
			continue;
		if (error == ENOENT)
			error = 0;
		if (peer->chan != NULL &&
		    send_copy(peer, type, peerid, fd, data, len) == -1)
			error = errno;
	}
	if (error == ENOENT)
		return no_peer(p, name);
	if (error != 0) {
		errno = error;
		return -1;
	}
	imsgpi_close(fd);
	return 0;
}

int
imsgproc_send(struct imsgproc *p, const char *name, unsigned int instance,
    uint32_t type, uint32_t peerid, int fd, const void *data, size_t len)
{
	struct imsgproc_peer *peer;

	if (type >= IMSGPROC_TYPES) {
		errno = EINVAL;
		return -1;
	}
	if (instance == IMSGPROC_ALL)
		return send_all(p, name, type, peerid, fd, data, len);
	if ((peer = imsgproc_peer(p, name, instance)) == NULL)
		return -1;
	return imsgproc_send_peer(peer, type, peerid, fd, data, len);
}

/* A copy of the descriptor: the message may be for several. */
int
imsgproc_forward(struct imsgproc_peer *peer, struct imsg *m)
{
	const struct imsg_hdr *h = &m->hdr;
	int fd, r;

	if (h->type >= IMSGPROC_TYPES) {
		errno = EINVAL;
		return -1;
	}
	if (imsgproc_peer_chan(peer) == NULL)
		return -1;
	if (imsg_fd_status(m) != IMSG_FD_PRESENT)
		return imsgloop_forward(peer->chan, m) == -1 ? -1 : 0;
	if ((fd = imsgpi_os.dup(m->buf->fd, 0)) == -1)
		return -1;
	r = imsgloop_compose(peer->chan, h->type, h->peerid, (pid_t)h->pid, fd,
	    m->data, h->len - IMSG_HEADER_SIZE);
	if (r == -1)
		imsgpi_close(fd);
	return r == -1 ? -1 : 0;
}

const char *
imsgproc_name(const struct imsgproc *p)
{
	return p->spec->name;
}

unsigned int
imsgproc_instance(const struct imsgproc *p)
{
	return p->instance;
}

struct imsgloop *
imsgproc_loop(struct imsgproc *p)
{
	return p->loop;
}

void *
imsgproc_arg(const struct imsgproc *p)
{
	return p->arg;
}

void
imsgproc_set_arg(struct imsgproc *p, void *arg)
{
	p->arg = arg;
}

void
imsgproc_stop(struct imsgproc *p, int status)
{
	if (p->family != NULL)
		imsgpi_family_stop(p, status);
	else
		imsgpi_child_stop(p, status);
}

int
imsgproc_reload(struct imsgproc *p)
{
	if (p->family == NULL) {
		errno = EPERM;
		return -1;
	}
	imsgpi_family_reload(p);
	return 0;
}
