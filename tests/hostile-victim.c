/* SPDX-License-Identifier: ISC */
/*
 * The victim: an ordinary program with a good channel and hostile ones in one
 * loop, which ends when the hostile ones have ended and the good one has gone
 * on after that.
 */
#include "hostile-serve.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "hostile-count.h"

/* Answers on the good channel after the last hostile one has ended. */
#define AFTER 16
/* Pause after ETOOMANYREFS, in milliseconds. */
#define PAUSE 5

static void
open_chan(struct chan *c, int fd, struct chan_report *r)
{
	memset(c, 0, sizeof(*c));
	if (imsgbuf_init(&c->b, fd) == -1)
		_exit(1);
	imsgbuf_set_cloexec(&c->b);
	c->r = r;
	c->mask = POLLIN | POLLOUT;
	c->live = 1;
	count_class(fd, r == NULL ? CLASS_GOOD : CLASS_HOSTILE);
	if (fcntl(fd, F_SETFL, O_NONBLOCK) == -1)
		_exit(1);
}

static void
open_bad(struct victim *v, int i, int fd)
{
	struct chan *c = &v->bad[i];
	const struct setup *s = v->s;
	struct imsg_cred cred;

	open_chan(c, fd, &v->r->chan[i]);
	/* Whatever a peer claims: the one that made the pair. */
	if (imsgbuf_peercred(&c->b, &cred) == -1 || cred.pid != getppid())
		v->r->wrong++;
	if (s->pass)
		imsgbuf_allow_fdpass(&c->b);
	if (imsgbuf_set_wire(&c->b, v->run->wire) == -1 ||
	    (s->maxsize != 0 && imsgbuf_set_maxsize(&c->b, s->maxsize) == -1) ||
	    imsgbuf_set_limits(&c->b, &s->limits) == -1)
		_exit(1);
}

static void
begin(struct victim *v, struct run *run, struct ends *e)
{
	int *keep[CHANS + 3];
	int i;

	memset(v, 0, sizeof(*v));
	v->run = run;
	v->s = &run->a->victim;
	v->r = &run->v;
	v->nbad = v->s->chans > 0 ? v->s->chans : 1;
	keep[0] = &e->good[1];
	keep[1] = &e->gone[0];
	keep[2] = &e->beat[1];
	for (i = 0; i < v->nbad; i++)
		keep[3 + i] = &e->hostile[i][1];
	keep_only(keep, 3 + v->nbad);
	v->gone = e->gone[0];
	v->beat = e->beat[1];
	open_chan(&v->good, e->good[1], NULL);
	imsgbuf_allow_fdpass(&v->good.b);
	for (i = 0; i < v->nbad; i++)
		open_bad(v, i, e->hostile[i][1]);
	v->first_free = count_probe();
	if (v->s->places > 0)
		table_limit((rlim_t)v->first_free + (rlim_t)v->s->places);
	memset(&counts, 0, sizeof(counts));
}

static int
poll_time(const struct victim *v)
{
	int i, live = 0;

	for (i = 0; i < v->nbad; i++) {
		live |= v->bad[i].live;
		if (v->bad[i].live && v->bad[i].more)
			return 0;
	}
	if (live && v->s->how == HOW_RECV)
		return 0;
	if (live && v->s->how == HOW_FLUSH)
		return PAUSE;
	return v->backoff ? PAUSE : -1;
}

static void
ask(const struct victim *v, struct pollfd *p, const struct chan *c)
{
	p->fd = -1;
	p->events = p->revents = 0;
	if (!c->live || (c->r != NULL && v->s->how >= HOW_RECV))
		return;
	p->events = serve_events(v, c);
	if (p->events != 0)
		p->fd = c->b.fd;
}

static int
wait_all(struct victim *v, struct pollfd *p)
{
	int i, n;

	ask(v, &p[0], &v->good);
	p[1].fd = v->gone;
	p[1].events = p[1].revents = 0;
	for (i = 0; i < v->nbad; i++)
		ask(v, &p[2 + i], &v->bad[i]);
	n = poll(p, 2 + (nfds_t)v->nbad, poll_time(v));
	v->backoff = 0;
	v->r->rounds++;
	if (p[1].revents != 0) {
		close(v->gone);
		v->gone = -1;
	}
	return n;
}

static void
serve_good(struct victim *v, short revents)
{
	struct chan *c = &v->good;
	uint64_t late;

	serve_chan(v, c, revents);
	if (imsgbuf_queuelen(&c->b) == 0)
		c->queued_at = v->r->rounds;
	late = v->r->rounds - c->queued_at;
	if (late > v->r->late_rounds)
		v->r->late_rounds = late;
	v->good_over = c->ended;
}

static uint64_t calls_of(enum class c)
{
	return counts.io[c].recvs + counts.io[c].sends;
}

/* Bytes that were moved, on all channels. */
static uint64_t
moved(void)
{
	return counts.io[CLASS_GOOD].in + counts.io[CLASS_GOOD].out +
	    counts.io[CLASS_HOSTILE].in + counts.io[CLASS_HOSTILE].out;
}

static void
note_held(struct victim *v)
{
	int n = count_probe() - v->first_free;

	if (n > v->r->held)
		v->r->held = n;
}

static void
one_round(struct victim *v)
{
	struct pollfd p[CHANS + 2];
	uint64_t bytes = moved(), calls;
	uint64_t msgs = v->r->msgs;
	int i, n, live = 0, gone = v->gone;

	n = wait_all(v, p);
	serve_good(v, p[0].revents);
	calls = calls_of(CLASS_HOSTILE);
	for (i = 0; i < v->nbad; i++) {
		if (!v->bad[i].live)
			continue;
		if (v->s->how == HOW_LOOP)
			serve_chan(v, &v->bad[i], p[2 + i].revents);
		else
			serve_waiting(v, &v->bad[i], p[2 + i].revents);
		live += v->bad[i].live;
	}
	calls = calls_of(CLASS_HOSTILE) - calls;
	if (calls > v->r->round_calls)
		v->r->round_calls = calls;
	if (n > 0 && moved() == bytes && v->r->msgs == msgs && gone == v->gone)
		v->r->idle++;
	note_held(v);
	if (live > 0)
		v->bad_over_at = v->answered;
}

/* Open descriptors besides the standard ones and the pipe to the peers. */
static int
left(void)
{
	int fd, n = 0;

	for (fd = STDERR_FILENO + 1; fd < 2048; fd++)
		n += fcntl(fd, F_GETFD) != -1;
	return n - 1;
}

static void
report(struct victim *v)
{
	struct victim_report *r = v->r;
	const struct count_io *io = &counts.io[CLASS_HOSTILE];
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	r->bytes_in = io->in;
	r->bytes_out = io->out;
	r->recvs = io->recvs;
	r->sends = io->sends;
	r->again = io->again;
	r->closes = counts.closes;
	r->bad_closes = counts.bad_closes;
	r->good_calls = calls_of(CLASS_GOOD);
	r->calls = calls_of(CLASS_HOSTILE) + r->good_calls +
	    calls_of(CLASS_OTHER) + counts.polls + counts.sleeps +
	    counts.closes;
	r->heap = (long)(counts.heap_peak / KIB);
	r->rss = u.ru_maxrss;
	r->cpu_ms = (long)((u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1000 +
	    (u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1000);
	r->left = left();
	r->finished = 1;
}

_Noreturn void
victim(struct run *run, struct ends *e)
{
	static struct victim v;

	/* A peer that is gone must not kill it. */
	signal(SIGPIPE, SIG_DFL);
	begin(&v, run, e);
	while (!v.good_over) {
		one_round(&v);
		if (!v.bye && v.answered >= v.bad_over_at + AFTER) {
			v.bye = 1;
			if (imsg_compose(&v.good.b, BYE, 0, 0, -1, NULL, 0) !=
			    1)
				_exit(1);
		}
	}
	serve_drop(&v.good);
	if (v.gone != -1)
		close(v.gone);
	report(&v);
	_exit(0);
}
