/* SPDX-License-Identifier: ISC */
/*
 * The front end: all that a client sends is read here, and so here is nothing
 * to steal: no file, no other socket, no right.  A file comes from the opener
 * as a descriptor, and sendfile(2) moves it without its bytes passing through.
 *
 * A connection does one thing at a time, and its next request waits until the
 * last is answered: so answers are in order, and a client occupies no more than
 * a struct conn and two descriptors.
 */
#define _GNU_SOURCE
#include <sys/sendfile.h>

#include "filed.h"

#define OPEN_MS	   5000	     /* until the opener has answered */
#define LINGER_MS  1000	     /* until a client has heard what was wrong */
#define LINGER_MAX 65536     /* and what it may send meanwhile */
#define TURN_MAX   (1 << 20) /* of a file, before others have a turn */

enum next { GO_ON, WAIT, OVER };

struct conn {
	struct imsgloop_watch watch;
	enum { READING, OPENING, SENDING, LINGERING } state;
	int64_t due; /* when it has to be done with that */
	int file;
	off_t offset;
	size_t inlen, sent, heard; /* sent: of the answer's head */
	struct request request;
	struct answer answer;
	char in[8192];
};

static struct imsgcall *opener; /* NULL: it is not there */
static struct imsgloop_watch listener = { .fd = -1 };
static struct counts count;
static uint64_t max_connections;
static int patience; /* with a client, in milliseconds */

static void run(struct conn *);

static int64_t
now_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void
conn_free(struct conn *c)
{
	imsgloop_unwatch(&c->watch);
	(void)close(c->watch.fd);
	if (c->file != -1)
		(void)close(c->file);
	free(c);
	if (count.connections-- == max_connections)
		(void)imsgloop_set(&listener, POLLIN, -1);
}

static void
answer(struct conn *c, int status, const struct file *f)
{
	/* Who asks again at once while we have trouble keeps us from others. */
	if (status >= 500)
		c->request.keep = false;
	count.requests++;
	count.errors += answer_init(&c->answer, &c->request, status, f) >= 400;
	c->state = SENDING;
	c->due = now_ms() + patience;
	c->sent = 0;
	c->offset = c->answer.from;
}

static int
status_of(int error)
{
	switch (error) {
	case ENOENT:
	case ENOTDIR:
	case ENAMETOOLONG:
		return 404;
	case EACCES:
	case ELOOP:
	case EXDEV: /* it leads out of the root */
		return 403;
	case EISDIR:
		return 301;
	case EINVAL:
	case EIO:
		return 500;
	default: /* the opener died, hangs, or lacks something */
		return 503;
	}
}

static void
opened(struct imsgcall *call, struct imsg *m, int error, void *arg)
{
	struct conn *c = arg;
	struct file f;
	int status = 200;

	(void)call;
	if (error != 0)
		status = status_of(error);
	else if (imsg_get_type(m) != MSG_FILE ||
	    imsg_get_data(m, &f, sizeof(f)) == -1 || f.size < 0)
		status = 500;
	else if ((c->file = imsg_get_fd(m)) == -1)
		status = 503; /* it was sent, but there was no room for it */
	answer(c, status, &f);
	run(c);
}

static enum next
parse(struct conn *c)
{
	struct request *r = &c->request;

	request_parse(r, c->in, c->inlen, sizeof(c->in));
	if (!r->done)
		return WAIT;
	c->state = OPENING;
	if (r->status != 0 || opener == NULL)
		answer(c, r->status != 0 ? r->status : 503, NULL);
	else if (imsgcall_start(opener, MSG_OPEN, -1, r->path,
		     strlen(r->path) + 1, OPEN_MS, opened, c) == 0)
		answer(c, status_of(errno), NULL);
	return GO_ON;
}

static enum next
receive(struct conn *c)
{
	ssize_t n =
	    recv(c->watch.fd, c->in + c->inlen, sizeof(c->in) - c->inlen, 0);

	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return WAIT;
	if (n <= 0)
		return OVER;
	if (c->state == LINGERING)
		return (c->heard += (size_t)n) > LINGER_MAX ? OVER : GO_ON;
	c->inlen += (size_t)n;
	return parse(c);
}

static enum next
answered(struct conn *c)
{
	if (c->file != -1)
		(void)close(c->file);
	c->file = -1;
	if (c->request.keep) {
		c->state = READING;
		c->due = now_ms() + patience;
		c->inlen -= c->request.used;
		memmove(c->in, c->in + c->request.used, c->inlen);
		return c->inlen > 0 ? parse(c) : WAIT;
	}
	if (c->request.status == 0)
		return OVER;
	/* To close with something unread is a reset, which can overtake the
	 * answer. */
	(void)shutdown(c->watch.fd, SHUT_WR);
	c->state = LINGERING;
	c->due = now_ms() + LINGER_MS;
	c->inlen = 0;
	return GO_ON;
}

static enum next
transmit(struct conn *c)
{
	struct answer *a = &c->answer;
	int64_t left, turn = TURN_MAX, most = now_ms() + patience;
	ssize_t n;

	while (c->sent < a->len || c->offset < a->to) {
		left = a->to - c->offset;
		if (turn <= 0)
			return WAIT;
		if (c->sent < a->len) {
			n = send(c->watch.fd, a->head + c->sent,
			    a->len - c->sent, left > 0 ? MSG_MORE : 0);
			c->sent += n > 0 ? (size_t)n : 0;
		} else {
			n = sendfile(c->watch.fd, c->file, &c->offset,
			    (size_t)(left < turn ? left : turn));
			turn -= n;
		}
		if (n == -1 && (errno == EAGAIN || errno == EINTR))
			return WAIT;
		if (n <= 0)
			return OVER; /* 0: the file has become shorter */
		/* Each byte that it takes buys a client a millisecond: less
		 * than 1000 a second are not enough in the long run. */
		c->due = c->due + n < most ? c->due + n : most;
		count.bytes += (uint64_t)n;
	}
	return answered(c);
}

static void
run(struct conn *c)
{
	static const short events[] = { POLLIN, 0, POLLOUT, POLLIN };
	enum next next = GO_ON;
	int64_t ms;

	while (next == GO_ON && c->state != OPENING)
		next = c->state == SENDING ? transmit(c) : receive(c);
	ms = c->due - now_ms();
	if (c->state == OPENING)
		ms = -1; /* the call has a deadline */
	else if (ms < 0)
		ms = 0;
	if (next == OVER ||
	    imsgloop_set(&c->watch, events[c->state], (int)ms) == -1)
		conn_free(c);
}

static void
conn_ready(struct imsgloop_watch *w, short revents)
{
	struct conn *c = w->arg;

	if (revents == 0 && now_ms() >= c->due) {
		if (c->state != READING || c->inlen == 0) {
			conn_free(c);
			return;
		}
		c->request.status = 408;
		c->request.keep = false;
		answer(c, 408, NULL);
	}
	run(c);
}

static void
listener_ready(struct imsgloop_watch *w, short revents)
{
	struct conn *c;
	int fd, n = 64;

	if (revents == 0)
		(void)imsgloop_set(w, POLLIN, -1);
	while (n-- > 0 && (fd = accept_on(w)) != -1) {
		c = calloc(1, sizeof(*c));
		if (c == NULL ||
		    imsgloop_watch(w->loop, &c->watch, fd, conn_ready, c) ==
			-1) {
			free(c);
			(void)close(fd);
			continue;
		}
		c->file = -1;
		c->due = now_ms() + patience;
		count.accepted++;
		/* No room for more: they wait in the backlog until
		 * conn_free(). */
		if (++count.connections == max_connections) {
			(void)imsgloop_set(w, 0, -1);
			n = 0;
		}
		run(c);
	}
}

int
front_start(struct imsgproc *p)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r) == -1 || r.rlim_cur < 64)
		return imsgproc_fail(p, "too few descriptors");
	max_connections = (r.rlim_cur - 32) / 2; /* a socket and a file each */
	patience = atoi(option('t')) * 1000;
	front_peer(p, imsgproc_peer(p, "opener", 0), 1);
	return 0;
}

/* The calls of an opener that dies end before this is called. */
void
front_peer(struct imsgproc *p, struct imsgproc_peer *peer, int up)
{
	(void)p;
	opener = NULL;
	if (up)
		opener = imsgcall_new(imsgproc_peer_chan(peer), IMSGCALL_LOWER);
}

/* The opener has nothing to say but answers. */
void
front_message(struct imsgproc *p, struct imsgproc_peer *from, struct imsg *m)
{
	bool parent = strcmp(imsgproc_peer_name(from), "parent") == 0;

	if (parent && imsg_get_type(m) == MSG_STATUS)
		(void)imsgcall_answer(imsgproc_peer_chan(from), m, MSG_COUNTS,
		    -1, &count, sizeof(count));
	else if (parent && imsg_get_type(m) == MSG_LISTEN &&
	    (imsgloop_watch(imsgproc_loop(p), &listener, imsg_get_fd(m),
		 listener_ready, NULL) == -1 ||
		imsgloop_set(&listener, POLLIN, -1) == -1))
		imsgproc_stop(p, 1);
}
