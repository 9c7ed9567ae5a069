/* SPDX-License-Identifier: ISC */
/*
 * Channels between members.  A pair that may talk gets a socketpair when the
 * first of the two starts; the other end is kept until the other one starts, or
 * sent to it at once if it runs.  Sent or dropped, the parent keeps neither.
 */
#include "feature.h"

#include <sys/socket.h>
#include <errno.h>
#include <string.h>
#include <syslog.h>

#include "parent.h"

/* So many messages of ours, beyond one for each member, may wait for one. */
#ifndef IMSGPI_CONTROL_MAX
#define IMSGPI_CONTROL_MAX 64
#endif

/*
 * What the program queued may have reached a limit that must not hold up ours;
 * a message made elsewhere is queued whatever the limits are.
 */
static int
control_queue(
    struct member *m, uint32_t type, int fd, const void *data, size_t len)
{
	struct imsgbuf *ib = imsgloop_imsgbuf(m->peer->chan), apart;
	struct ibuf *b;

	if (imsgbuf_init(&apart, -1) == -1)
		return -1;
	(void)imsgbuf_set_maxsize(&apart, IMSGPROC_TABLE_MAX);
	if ((b = imsg_create(&apart, type, 0, 0, len)) == NULL ||
	    (len > 0 && imsg_add(b, data, len) == -1)) {
		imsgbuf_clear(&apart);
		return -1;
	}
	ibuf_fd_set(b, fd);
	imsg_close(ib, b);
	imsgbuf_clear(&apart);
	imsgloop_queued(m->peer->chan);
	return 0;
}

int
imsgpi_control(
    struct member *m, uint32_t type, int fd, const void *data, size_t len)
{
	struct imsgbuf *ib = imsgloop_imsgbuf(m->peer->chan);

	if (imsgbuf_queuelen(ib) == 0)
		m->control = 0;
	if (++m->control > IMSGPI_CONTROL_MAX + m->family->n) {
		imsgpi_close(fd);
		imsgpi_condemn(m, "does not read its channel");
		return -1;
	}
	if (control_queue(m, type, fd, data, len) == 0)
		return 0;
	imsgpi_close(fd);
	return -1;
}

static bool
channels_runs(const struct member *m)
{
	return m->peer->chan != NULL &&
	    (m->state == STARTING || m->state == READY) && !m->half;
}

/* The end of a channel to `to' goes to m. */
static int
channels_send(struct member *m, const struct member *to, int fd)
{
	struct ctl_peer peer;

	memset(&peer, 0, sizeof(peer));
	peer.index =
	    (uint32_t)(to->peer->spec - m->family->proc->daemon->procs);
	peer.instance = to->peer->instance;
	return imsgpi_control(m, IMSGPROC_PEER, fd, &peer, sizeof(peer));
}

static int
channels_pair(struct member *m, struct member *other)
{
	struct family *f = m->family;
	size_t i = (size_t)(m - f->members), j = (size_t)(other - f->members);
	int *kept = &f->kept[i * f->n + j], s[2];

	if (*kept >= 0) {
		s[0] = *kept;
		*kept = -1;
		return channels_send(m, other, s[0]);
	}
	if (imsgpi_os.socketpair(AF_UNIX, SOCK_STREAM, s) == -1)
		return -1;
	if (channels_send(m, other, s[0]) == -1) {
		imsgpi_close(s[1]);
		return -1;
	}
	if (!channels_runs(other)) {
		f->kept[j * f->n + i] = s[1];
		return 0;
	}
	if (channels_send(other, m, s[1]) == -1 && other->peer->chan != NULL)
		imsgpi_condemn(other, "cannot be told of %s: %s",
		    m->peer->spec->name, strerror(errno));
	return 0;
}

int
imsgpi_channels_give(struct member *m)
{
	struct family *f = m->family;
	struct member *o;
	size_t j;

	for (j = 0; j < f->n; j++) {
		o = &f->members[j];
		if (imsgpi_talk(
			f->proc->daemon, m->peer->spec, o->peer->spec) &&
		    channels_pair(m, o) == -1)
			return -1;
	}
	return 0;
}

void
imsgpi_channels_drop(struct member *m)
{
	struct family *f = m->family;
	size_t i = (size_t)(m - f->members), j;

	for (j = 0; j < f->n; j++) {
		imsgpi_close(f->kept[j * f->n + i]);
		f->kept[j * f->n + i] = -1;
	}
}
