/* SPDX-License-Identifier: ISC */
/*
 * One channel in the victim, served as imsg(3) says a program should: write
 * once, read once, fetch what is complete, close after the end.
 *
 * What the peer may not cause is noted in the report: a message that differs
 * from what was sent, a queue that a failed write has changed, an end or a
 * failure that is not told again or costs another system call.
 */
#include "hostile-serve.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "hostile-count.h"

short
serve_events(const struct victim *v, const struct chan *c)
{
	short ev = (short)(imsgbuf_events(&c->b) & c->mask);

	if (c->ended)
		ev &= POLLOUT;
	if (v->backoff)
		ev &= POLLIN;
	return ev;
}

void
serve_drop(struct chan *c)
{
	imsgbuf_clear(&c->b);
	close(c->b.fd);
	c->live = 0;
}

/* Takes the descriptor of a message, which has to be close-on-exec. */
static int
take(struct victim *v, struct imsg *m)
{
	int fd = imsg_get_fd(m);

	if (fd >= 0 && !(fcntl(fd, F_GETFD) & FD_CLOEXEC))
		v->r->wrong++;
	return fd;
}

static void
queue(struct victim *v, struct chan *c, uint32_t type, int fd, const void *p,
    size_t n)
{
	int empty = imsgbuf_queuelen(&c->b) == 0;

	if (imsg_compose(&c->b, type, CHECKED, 0, fd, p, n) == 1) {
		if (empty)
			c->queued_at = v->r->rounds;
		return;
	}
	if (errno == ENOBUFS && c->r != NULL)
		v->r->dropped++;
	else
		v->r->wrong++;
	if (fd >= 0)
		close(fd);
}

static void
good_message(struct victim *v, struct imsg *m)
{
	struct chan *c = &v->good;

	if (imsg_get_type(m) != ++c->seq ||
	    !pattern_ok(m->data, imsg_get_len(m), imsg_get_type(m)))
		v->r->wrong++;
	queue(v, c, m->hdr.type, take(v, m), m->data, imsg_get_len(m));
	v->answered++;
}

static void
hostile_message(struct victim *v, struct chan *c, struct imsg *m)
{
	int fd;

	v->r->msgs++;
	if (imsg_get_id(m) == CHECKED &&
	    (imsg_get_type(m) != ++c->seq ||
		!pattern_ok(m->data, imsg_get_len(m), imsg_get_type(m))))
		v->r->wrong++;
	v->r->lost += imsg_fd_status(m) == IMSG_FD_LOST;
	v->r->present += imsg_fd_status(m) == IMSG_FD_PRESENT;
	/* Every second descriptor is left for imsg_free() to close. */
	if (v->r->present % 2 == 1 && (fd = take(v, m)) >= 0)
		close(fd);
	if (v->s->answer == ANSWER_NONE)
		return;
	fd = -1;
	if (v->s->answer == ANSWER_DESCRIPTOR ||
	    (v->s->answer == ANSWER_BOTH && v->r->msgs % 2 == 0))
		fd = dup(STDERR_FILENO);
	queue(v, c, imsg_get_type(m), fd, "answer", 6);
}

static void
message(struct victim *v, struct chan *c, struct imsg *m)
{
	if (c->r == NULL)
		good_message(v, m);
	else
		hostile_message(v, c, m);
	imsg_free(m);
}

static void
fetch(struct victim *v, struct chan *c)
{
	struct imsg m;
	int n = INT_MAX, r = 0;

	if (c->r != NULL && v->s->fetch == FETCH_NONE && v->gone != -1)
		return;
	if (c->r != NULL && v->s->fetch > 0)
		n = v->s->fetch;
	while (n-- > 0 && (r = imsgbuf_get(&c->b, &m)) == 1)
		message(v, c, &m);
	if (r == -1)
		v->r->wrong++;
	c->more = r == 1;
}

static void
write_once(struct victim *v, struct chan *c)
{
	uint32_t len = imsgbuf_queuelen(&c->b);
	size_t bytes = imsgbuf_queuebytes(&c->b);

	if (imsgbuf_write(&c->b) == 0)
		return;
	if (imsgbuf_queuelen(&c->b) != len ||
	    imsgbuf_queuebytes(&c->b) != bytes)
		v->r->queue_changed++;
	if (errno == ETOOMANYREFS) {
		v->r->toomany++;
		v->backoff = 1;
		/* The peers may be waiting for just this. */
		(void)!write(v->beat, "t", 1);
		return;
	}
	if (c->r != NULL)
		c->r->werror = errno;
	c->mask &= POLLIN;
}

/*
 * Told twice more, a failure without touching the socket.  The calls for it
 * are the test's own.
 */
static void
check_steady(struct chan *c, int n, int error)
{
	const struct count_io before = counts.io[CLASS_HOSTILE];
	int i, r;

	for (i = 0; i < 2; i++) {
		r = imsgbuf_read(&c->b);
		if (n == 0 ? r != 0 : (r != -1 || errno != error))
			c->r->unsteady++;
	}
	if (n == -1 && counts.io[CLASS_HOSTILE].recvs != before.recvs)
		c->r->unsteady++;
	counts.io[CLASS_HOSTILE] = before;
	if (imsgbuf_events(&c->b) & POLLIN)
		c->r->unsteady++;
}

static void
note_end(struct chan *c, int n, int error)
{
	struct imsg_hdr h;

	c->ended = 1;
	if (c->r == NULL)
		return;
	c->r->error = n == -1 ? error : 0;
	if (n == 0) {
		c->r->end = imsgbuf_partial(&c->b) ? END_TORN : END_EOF;
		check_steady(c, n, error);
	} else if (imsgbuf_failed(&c->b, &h) != 0) {
		c->r->end = END_FAILED;
		c->r->len = h.len;
		if (imsgbuf_failed(&c->b, NULL) != error ||
		    imsgbuf_partial(&c->b))
			c->r->unsteady++;
		check_steady(c, n, error);
	} else {
		c->r->end = END_ERROR;
	}
}

/* Closes a channel that has nothing more to give. */
static void
close_ended(struct victim *v, struct chan *c)
{
	if (!c->ended || c->more || c->r == NULL)
		return;
	if (v->s->fetch == FETCH_NONE && v->gone != -1)
		return;
	/* What it asked for may still be on its way to it. */
	if (c->r->end == END_EOF && (c->mask & POLLOUT) &&
	    imsgbuf_queuelen(&c->b) > 0)
		return;
	serve_drop(c);
}

void
serve_chan(struct victim *v, struct chan *c, short revents)
{
	int n;

	if (revents & POLLOUT)
		write_once(v, c);
	if ((revents & ~POLLOUT) && !c->ended) {
		n = imsgbuf_read(&c->b);
		if (n <= 0)
			note_end(c, n, errno);
	}
	fetch(v, c);
	close_ended(v, c);
}

/* How long beyond its time a function has taken. */
static void
within(struct victim *v, int64_t start, int ms)
{
	long over = (long)(now_ms() - start) - ms;

	if (over > v->r->over_ms)
		v->r->over_ms = over;
}

static void
flush_waiting(struct victim *v, struct chan *c, int ms)
{
	int64_t start = now_ms();

	if (imsgbuf_queuelen(&c->b) == 0 || !(c->mask & POLLOUT))
		return;
	if (imsgbuf_flush_timeout(&c->b, ms) == -1) {
		if (errno == ETIMEDOUT) {
			v->r->timeouts += ms > 0;
		} else {
			c->r->werror = errno;
			c->mask &= POLLIN;
		}
	}
	within(v, start, ms);
}

static void
recv_waiting(struct victim *v, struct chan *c, int ms)
{
	int64_t start = now_ms();
	struct imsg m;
	int r;

	r = imsgbuf_recv(&c->b, &m, ms);
	within(v, start, ms);
	if (r == 1) {
		message(v, c, &m);
	} else if (r == -1 && errno == ETIMEDOUT) {
		v->r->timeouts += ms > 0;
	} else {
		note_end(c, r, errno);
	}
}

void
serve_waiting(struct victim *v, struct chan *c, short revents)
{
	enum how how = v->s->how;

	if (how != HOW_NOWAIT || (revents & POLLOUT))
		flush_waiting(v, c, how == HOW_FLUSH ? v->s->ms : 0);
	if (!c->ended && (how != HOW_NOWAIT || (revents & ~POLLOUT)))
		recv_waiting(v, c, how == HOW_RECV ? v->s->ms : 0);
	fetch(v, c);
	close_ended(v, c);
}
