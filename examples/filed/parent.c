/* SPDX-License-Identifier: ISC */
/*
 * The parent keeps the listening socket, so that clients wait in its backlog
 * while a front end that died is started anew, and opens the document root, so
 * that the opener needs no path to it.  It reads nothing from the others but
 * numbers, and from filedctl only what root or its own user have written.
 */
#define _GNU_SOURCE
#include "filed.h"

#define ANSWER_MS 1000

int parent_fd[2];
static struct imsgproc *self;
static struct imsgloop_watch control;

/* Gives a descriptor, which we keep too, to one process or to all of a name. */
static int
give(const char *name, unsigned int instance, uint32_t type, int fd)
{
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);

	if (copy != -1 &&
	    imsgproc_send(self, name, instance, type, 0, copy, NULL, 0) != -1)
		return 0;
	imsgproc_log(
	    self, LOG_ERR, "descriptor for %s: %s", name, strerror(errno));
	if (copy != -1)
		(void)close(copy);
	return -1;
}

/* Opened by name each time: a link that was turned elsewhere leads there. */
static int
give_root(void)
{
	int r = -1, fd = open(option('d'), O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (fd == -1)
		imsgproc_log(
		    self, LOG_ERR, "%s: %s", option('d'), strerror(errno));
	else {
		r = give("opener", 0, MSG_ROOT, fd);
		(void)close(fd);
	}
	return r;
}

/* What the front ends count, one after the other. */
static size_t
collect(struct counts *c)
{
	struct imsgproc_peer *peer;
	struct imsgloop_chan *chan;
	struct imsgcall *call;
	struct imsg m;
	unsigned int i;
	size_t n = 0;

	for (i = 0; (peer = imsgproc_peer(self, "front", i)) != NULL; i++) {
		if ((chan = imsgproc_peer_chan(peer)) == NULL ||
		    (call = imsgcall_new(chan, IMSGCALL_LOWER)) == NULL)
			continue;
		if (imsgcall_wait(
			call, MSG_STATUS, -1, NULL, 0, ANSWER_MS, &m) == 1) {
			if (imsg_get_data(&m, &c[n], sizeof(c[n])) == 0)
				n++;
			imsg_free(&m);
		}
		imsgcall_free(call);
	}
	return n * sizeof(*c);
}

static void
client_message(struct imsgloop_chan *chan, struct imsg *m, void *arg)
{
	struct counts c[MAX_FRONTS];
	uint32_t type = imsg_get_type(m);
	size_t len = 0;

	(void)arg;
	if (type == MSG_STATUS) {
		len = collect(c);
		type = MSG_COUNTS;
	} else if (type == MSG_RELOAD)
		(void)imsgproc_reload(self);
	else if (type == MSG_STOP)
		imsgproc_stop(self, 0);
	else
		type = MSG_NO;
	(void)imsgloop_compose(chan, type, imsg_get_id(m), 0, -1, c, len);
}

static void
client_ended(struct imsgloop_chan *chan, int why, int error, void *arg)
{
	(void)chan;
	(void)why;
	(void)error;
	(void)arg;
}

/* The mode of the socket keeps others away; the kernel says who got through. */
static void
control_ready(struct imsgloop_watch *w, short revents)
{
	static const struct imsgloop_cb cb = { .message = client_message,
		.ended = client_ended };
	struct imsgloop_chan *chan;
	struct imsg_cred cred;
	int fd;

	if (revents == 0)
		(void)imsgloop_set(w, POLLIN, -1);
	if ((fd = accept_on(w)) == -1)
		return;
	if ((chan = imsgloop_open(w->loop, fd, &cb, NULL)) == NULL) {
		(void)close(fd);
		return;
	}
	if (imsgbuf_peercred(imsgloop_imsgbuf(chan), &cred) == -1 ||
	    (cred.uid != 0 && cred.uid != geteuid())) {
		(void)imsgloop_compose(chan, MSG_NO, 0, 0, -1, NULL, 0);
		(void)imsgloop_close(chan, ANSWER_MS);
	}
}

int
parent_start(struct imsgproc *p)
{
	self = p;
	if (give_root() == -1 ||
	    give("front", IMSGPROC_ALL, MSG_LISTEN, parent_fd[0]) == -1 ||
	    imsgloop_watch(imsgproc_loop(p), &control, parent_fd[1],
		control_ready, NULL) == -1 ||
	    imsgloop_set(&control, POLLIN, -1) == -1)
		return imsgproc_fail(p, "cannot begin: %s", strerror(errno));
	return 0;
}

void
parent_peer(struct imsgproc *p, struct imsgproc_peer *peer, int up)
{
	(void)p;
	if (up && strcmp(imsgproc_peer_name(peer), "opener") == 0)
		(void)give_root();
	else if (up)
		(void)give("front", imsgproc_peer_instance(peer), MSG_LISTEN,
		    parent_fd[0]);
}

/* Connections and transfers go on: they have what they need. */
void
parent_reload(struct imsgproc *p)
{
	if (give_root() == 0)
		imsgproc_log(p, LOG_INFO, "reloaded");
}
