/* SPDX-License-Identifier: ISC */
/*
 * The front: talks to clients, whom nobody trusts, in lines of text.  Each line
 * goes to the engine; the next one is looked at when the answer is out.
 */
#include <sys/socket.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "skeleton.h"

#define MAXCLIENTS 900	 /* of RLIMIT_NOFILE descriptors */
#define IDLE	   60000 /* milliseconds for a line, or to take an answer */
#define DEADLINE   5000	 /* for the engine */

struct client {
	struct imsgloop_watch w;
	uint32_t call; /* to the engine; 0: none is under way */
	size_t nin;
	size_t nout;
	char in[MAXLINE];
	char out[2 * MAXLINE];
};

static struct imsgloop_watch listener;
static struct imsgcall *calls; /* NULL: the engine is not there */
static unsigned int nclients;

/* While there are too many clients, others wait in the socket's queue. */
static void
listen_on(void)
{
	(void)imsgloop_set(&listener, nclients < MAXCLIENTS ? POLLIN : 0, -1);
}

static void
client_end(struct client *c)
{
	if (c->call != 0)
		(void)imsgcall_cancel(calls, c->call);
	imsgloop_unwatch(&c->w);
	(void)close(c->w.fd);
	free(c);
	nclients--;
	listen_on();
}

static void
client_answer(struct client *c, const void *text, size_t len)
{
	if (len >= sizeof(c->out))
		len = sizeof(c->out) - 1;
	memcpy(c->out, text, len);
	c->out[len] = '\n';
	c->nout = len + 1;
	(void)imsgloop_set(&c->w, POLLOUT, IDLE);
}

static void
worked(struct imsgcall *call, struct imsg *m, int error, void *arg)
{
	struct client *c = arg;

	(void)call;
	c->call = 0;
	if (error == 0 && imsg_get_type(m) == MSG_DONE)
		client_answer(c, m->data, imsg_get_len(m));
	else
		client_answer(c, "try again", strlen("try again"));
}

/* The next line, if it is there. */
static void
client_next(struct client *c)
{
	char *end = memchr(c->in, '\n', c->nin);
	size_t len;

	if (end == NULL) {
		if (c->nin == sizeof(c->in))
			client_end(c);
		else
			(void)imsgloop_set(&c->w, POLLIN, IDLE);
		return;
	}
	len = (size_t)(end - c->in);
	(void)imsgloop_set(&c->w, 0, -1);
	if (calls != NULL)
		c->call = imsgcall_start(
		    calls, MSG_WORK, -1, c->in, len, DEADLINE, worked, c);
	if (c->call == 0)
		client_answer(c, "try again", strlen("try again"));
	c->nin -= len + 1;
	memmove(c->in, end + 1, c->nin);
}

static void
client_ready(struct imsgloop_watch *w, short revents)
{
	struct client *c = w->arg;
	ssize_t n = 0;

	if (revents & POLLOUT) {
		n = send(w->fd, c->out, c->nout, MSG_NOSIGNAL);
		if (n > 0) {
			c->nout -= (size_t)n;
			memmove(c->out, c->out + n, c->nout);
		}
	} else if (revents & POLLIN) {
		n = recv(w->fd, c->in + c->nin, sizeof(c->in) - c->nin, 0);
		if (n > 0)
			c->nin += (size_t)n;
	}
	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) /* gone, or IDLE is over */
		client_end(c);
	else if (c->nout == 0)
		client_next(c);
}

static void
client_new(struct imsgloop_watch *w, short revents)
{
	struct client *c = NULL;
	int fd;

	if ((fd = accept(w->fd, NULL, NULL)) == -1 ||
	    fcntl(fd, F_SETFL, O_NONBLOCK) == -1 ||
	    (c = calloc(1, sizeof(*c))) == NULL ||
	    imsgloop_watch(w->loop, &c->w, fd, client_ready, c) == -1) {
		if (revents != 0 && errno != EAGAIN)
			(void)imsgloop_set(w, 0, 1000); /* do not spin */
		else
			listen_on();
		free(c);
		if (fd != -1)
			(void)close(fd);
		return;
	}
	(void)imsgloop_set(&c->w, POLLIN, IDLE);
	nclients++;
	listen_on();
}

/* From the parent, as nobody else sends anything but answers. */
void
front_message(struct imsgproc *proc, struct imsgproc_peer *peer, struct imsg *m)
{
	int fd;

	if (strcmp(imsgproc_peer_name(peer), "parent") != 0 ||
	    imsg_get_type(m) != MSG_SOCKET || (fd = imsg_get_fd(m)) == -1)
		return;
	if (imsgloop_watch(
		imsgproc_loop(proc), &listener, fd, client_new, NULL) == -1)
		imsgproc_stop(proc, 1);
	listen_on();
}

/* The engine is there, or gone: then all its calls have ended. */
void
front_peer(struct imsgproc *proc, struct imsgproc_peer *peer, int up)
{
	(void)proc;
	if (strcmp(imsgproc_peer_name(peer), "engine") != 0)
		return;
	calls = NULL;
	if (up)
		calls = imsgcall_new(imsgproc_peer_chan(peer), IMSGCALL_LOWER);
}
