/* SPDX-License-Identifier: ISC */
/*
 * The front end: all that a client sends is read here, and so here is nothing
 * to steal: no file, no other socket, no right.  A file comes from the opener
 * as a descriptor, and sendfile(2) moves it without its bytes passing through.
 * A client's next request waits until the last is answered: so answers are in
 * order, and it occupies no more than a struct conn and two descriptors.
 */
#include "filed.h"

#define OPEN_MS	   5000	     /* until the opener has answered */
#define LINGER_MS  1000	     /* until a client has heard what was wrong */
#define LINGER_MAX 65536     /* and what it may send meanwhile */
#define TURN_MAX   (1 << 20) /* of a file, before others have a turn */
#define PART	   65536     /* of an answer, to be taken in time */

enum state { READING, OPENING, SENDING, LINGERING };
enum next { GO_ON, WAIT, OVER };

struct conn {
	struct imsgloop_watch watch;
	enum state state;
	int file;
	off_t offset;
	size_t inlen, sent, taken; /* sent: of the answer's head */
	struct request request;
	struct answer answer;
	char in[8192];
};

static struct imsgcall *opener; /* NULL: it is not there */
static struct imsgloop_watch listener = { .fd = -1 };
static struct counts count;
static unsigned long long max_connections;
/* What to wait for, and how long. */
static const short events[] = { POLLIN, 0, POLLOUT, POLLIN };
static int ms[] = { [OPENING] = -1, [LINGERING] = LINGER_MS };

static void run(struct conn *, enum next);

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

/* The time runs from here until the next state, whatever comes meanwhile. */
static enum next
enter(struct conn *c, enum state state, enum next next)
{
	c->state = state;
	return imsgloop_set(&c->watch, events[state], ms[state]) ? OVER : next;
}

static enum next
answer(struct conn *c, int status, const struct file *f)
{
	/* Who asks again at once while we have trouble keeps us from others. */
	if (status == 408 || status >= 500)
		c->request.keep = false;
	c->request.status = answer_init(&c->answer, &c->request, status, f);
	count.requests++;
	count.errors += c->request.status >= 400;
	c->sent = c->taken = 0;
	c->offset = c->answer.from;
	return enter(c, SENDING, GO_ON);
}

static int
status_of(int error)
{
	if (error == ENOENT || error == ENOTDIR || error == ENAMETOOLONG)
		return 404;
	/* EXDEV: it leads out of the root.  ENXIO: a socket. */
	if (error == EACCES || error == ELOOP || error == EXDEV ||
	    error == ENXIO)
		return 403;
	/* Else the opener died, hangs, or lacks something. */
	return error == EISDIR ? 301 : error == EINVAL ? 500 : 503;
}

static void
opened(struct imsgcall *call, struct imsg *m, int error, void *arg)
{
	struct conn *c = arg;
	struct file f;
	int status = error == 0 ? 200 : status_of(error);

	(void)call;
	if (error == 0 && (imsg_get_data(m, &f, sizeof(f)) == -1 || f.size < 0))
		status = 500;
	else if (error == 0 && (c->file = imsg_get_fd(m)) == -1)
		status = 503; /* it was sent, but there was no room for it */
	run(c, answer(c, status, &f));
}

static enum next
parse(struct conn *c)
{
	struct request *r = &c->request;

	request_parse(r, c->in, c->inlen, sizeof(c->in));
	if (!r->done)
		return WAIT;
	if (r->status != 0 || opener == NULL)
		return answer(c, r->status != 0 ? r->status : 503, NULL);
	if (imsgcall_start(opener, MSG_OPEN, -1, r->path, strlen(r->path),
		OPEN_MS, opened, c) == 0)
		return answer(c, status_of(errno), NULL);
	return enter(c, OPENING, WAIT);
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
		return (c->taken += (size_t)n) > LINGER_MAX ? OVER : GO_ON;
	if (c->inlen == 0) /* a request has time from its own beginning */
		(void)enter(c, READING, GO_ON);
	c->inlen += (size_t)n;
	return parse(c);
}

static enum next
answered(struct conn *c)
{
	enum next n;

	if (c->file != -1)
		(void)close(c->file);
	c->file = -1;
	if (c->request.keep) {
		c->inlen -= c->request.used;
		memmove(c->in, c->in + c->request.used, c->inlen);
		n = enter(c, READING, WAIT);
		return n == OVER || c->inlen == 0 ? n : parse(c);
	}
	if (c->request.status < 400)
		return OVER;
	/* To close with something unread could reset it before it is heard. */
	(void)shutdown(c->watch.fd, SHUT_WR);
	c->inlen = c->taken = 0;
	return enter(c, LINGERING, GO_ON);
}

static enum next
transmit(struct conn *c)
{
	struct answer *a = &c->answer;
	long long left = a->to - c->offset;
	ssize_t n;

	if (left > TURN_MAX)
		left = TURN_MAX;
	if (c->sent < a->len)
		n = send(c->watch.fd, a->head + c->sent, a->len - c->sent,
		    left > 0 ? MSG_MORE : 0);
	else
		n = sendfile(c->watch.fd, c->file, &c->offset, (size_t)left);
	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return WAIT;
	if (n <= 0)
		return OVER; /* 0: the file has become shorter */
	c->sent += c->sent < a->len ? (size_t)n : 0;
	count.bytes += (size_t)n;
	/* Time again for each such part, not for each byte. */
	if ((c->taken += (size_t)n) >= PART) {
		c->taken = 0;
		(void)enter(c, SENDING, GO_ON);
	}
	if (c->sent == a->len && c->offset == a->to)
		return answered(c);
	return n == TURN_MAX ? WAIT : GO_ON;
}

static void
run(struct conn *c, enum next next)
{
	while (next == GO_ON)
		next = c->state == SENDING ? transmit(c) : receive(c);
	if (next == OVER)
		conn_free(c);
}

static void
conn_ready(struct imsgloop_watch *w, short revents)
{
	struct conn *c = w->arg;
	enum next next = GO_ON;

	if (revents == 0) /* its time is up; who has begun is told so */
		next = c->state == READING && c->inlen > 0 ?
		    answer(c, 408, NULL) :
		    OVER;
	run(c, next);
}

static void
listener_ready(struct imsgloop_watch *w, short revents)
{
	struct conn *c;
	int fd = 0;

	if (revents == 0)
		(void)imsgloop_set(w, POLLIN, -1);
	while (count.connections < max_connections &&
	    (fd = accept4(w->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) !=
		-1) {
		if ((c = calloc(1, sizeof(*c))) == NULL ||
		    imsgloop_watch(w->loop, &c->watch, fd, conn_ready, c)) {
			free(c);
			(void)close(fd);
			continue;
		}
		c->file = -1;
		count.accepted++;
		count.connections++;
		run(c, enter(c, READING, GO_ON));
	}
	/* Others wait for conn_free(); or for descriptors: without a pause it
	 * would be ready again at once. */
	if (count.connections == max_connections)
		(void)imsgloop_set(w, 0, -1);
	else if (errno != EAGAIN && errno != ECONNABORTED)
		(void)imsgloop_set(w, 0, 100);
}

int
front_start(struct imsgproc *p)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r) == -1 || r.rlim_cur < 64)
		return imsgproc_fail(p, "too few descriptors");
	max_connections = (r.rlim_cur - 32) / 2; /* a socket and a file each */
	return 0;
}

/* The calls of an opener that dies end before this is called. */
void
front_peer(struct imsgproc *p, struct imsgproc_peer *peer, int up)
{
	(void)p;
	if (strcmp(imsgproc_peer_name(peer), "opener") != 0)
		return;
	opener = NULL;
	if (up)
		opener = imsgcall_new(imsgproc_peer_chan(peer), IMSGCALL_LOWER);
}

static void
begin(struct imsgproc *p, struct imsg *m)
{
	uint32_t seconds;

	if (imsg_get_data(m, &seconds, sizeof(seconds)) == -1 ||
	    imsgloop_watch(imsgproc_loop(p), &listener, imsg_get_fd(m),
		listener_ready, NULL) == -1 ||
	    imsgloop_set(&listener, POLLIN, -1) == -1)
		imsgproc_stop(p, 1);
	else
		ms[READING] = ms[SENDING] = (int)seconds * 1000;
}

/* Only the parent has something to say: the opener has but answers. */
void
front_message(struct imsgproc *p, struct imsgproc_peer *from, struct imsg *m)
{
	if (strcmp(imsgproc_peer_name(from), "parent") != 0)
		return;
	if (imsg_get_type(m) == MSG_STATUS)
		(void)imsgproc_send_peer(
		    from, MSG_STATUS, 0, -1, &count, sizeof(count));
	else if (listener.fd == -1)
		begin(p, m);
}
