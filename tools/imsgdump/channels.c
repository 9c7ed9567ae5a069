/* SPDX-License-Identifier: ISC */
/*
 * From system calls to channels: which descriptors matter, and from which end
 * the bytes of a direction are taken.
 *
 * They are taken from the sender if a traced process has sent any.  Before
 * that, what is received is not taken either if another traced process holds
 * the sending socket: its call may just not have been told yet.  Else they are
 * taken from the receiver.  Once bytes were taken, this does not change, so
 * that none is shown twice: but if no traced process is left that could
 * receive them, the sender's are taken.
 */
#include "channel.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Most channels that are asked for when a process goes; later ones wait. */
#define CHECKS_MAX 64

struct channels *
channels_new(struct stream_budget *budget, struct sink *sink)
{
	struct channels *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return NULL;
	c->budget = budget;
	c->sink = sink;
	c->generation = c->sockets = 1;
	c->began = channels_now();
	c->kernel = endpoints_new();
	c->fds = fdtable_new(end_let_go, c);
	if (c->kernel == NULL || c->fds == NULL || ends_init(c) == -1) {
		channels_free(c);
		errno = ENOMEM;
		return NULL;
	}
	return c;
}

void
channels_free(struct channels *c)
{
	if (c == NULL)
		return;
	while (c->live.first != NULL)
		channel_retire(c, c->live.first);
	while (c->idle.first != NULL)
		channel_retire(c, c->idle.first);
	fdtable_free(c->fds);
	endpoints_free(c->kernel);
	free(c->ends);
	free(c);
}

/* A process has come, or runs another program. */
static void
begins(struct channels *c, struct process *p)
{
	process_name(p->pid, p->name, sizeof(p->name));
	p->named = c->time;
	p->since = ++c->generation;
	c->sockets++;
}

static struct process *
process_get(struct channels *c, pid_t pid)
{
	struct process *p = fdtable_process(c->fds, pid);

	if (p == NULL && (p = fdtable_add_process(c->fds, pid)) != NULL)
		begins(c, p);
	return p;
}

void
channels_process(struct channels *c, pid_t pid)
{
	(void)process_get(c, pid);
}

/*
 * Forgets a descriptor.  A channel whose last one that was ends now, if *left
 * such may still be asked for: the kernel looks through all sockets.
 */
static void
forget(struct channels *c, struct known *k, int *left)
{
	struct end *e = k->what;
	struct channel *ch = e == NULL || e->refs > 1 ? NULL : e->channel;

	fdtable_drop(c->fds, k);
	if (ch != NULL && ch->queue == &c->idle && (*left)-- > 0)
		channel_check(c, ch);
}

static void
forget_all(struct channels *c, struct process *p)
{
	int left = CHECKS_MAX;

	while (p->fds != NULL)
		forget(c, p->fds, &left);
}

void
channels_exit(struct channels *c, pid_t pid)
{
	struct process *p = fdtable_process(c->fds, pid);

	if (p == NULL)
		return;
	forget_all(c, p);
	fdtable_drop_process(c->fds, p);
	c->generation++;
	c->sockets++;
	endpoints_let_go(c->kernel);
	channel_sweep(c, 2);
}

void
channels_exec(struct channels *c, pid_t pid)
{
	struct process *p = process_get(c, pid);

	if (p == NULL)
		return;
	forget_all(c, p);
	begins(c, p);
}

void
channels_renamed(struct channels *c, pid_t pid)
{
	struct process *p = fdtable_process(c->fds, pid);

	if (p != NULL)
		process_name(pid, p->name, sizeof(p->name));
}

void
channels_close(struct channels *c, pid_t pid, int fd)
{
	struct known *k = fdtable_find(c->fds, pid, fd);
	int left = 1;

	if (k != NULL)
		forget(c, k, &left);
}

void
channels_open(struct channels *c, pid_t pid, int fd)
{
	channels_close(c, pid, fd);
	c->sockets++;
}

/*
 * A client may have sent and closed before it was accepted: then the kernel
 * no longer tells who was at the other end, but who connected.
 */
static void
adopt(struct channels *c, pid_t pid, int fd, struct end *e)
{
	struct end *gone = end_other(e);
	unsigned int i, n;
	struct orphan *o;
	pid_t maker;

	n = c->norphans < ORPHANS_MAX ? c->norphans : ORPHANS_MAX;
	if (n == 0 || gone->ino != 0 || gone->flow != NULL)
		return;
	maker = endpoint_maker(pid, fd);
	for (i = 0; maker != 0 && i < n; i++) {
		/* The oldest one first. */
		o = &c->orphans[(c->norphans - n + i) % ORPHANS_MAX];
		if (o->pid != maker)
			continue;
		if (flow_get(gone) != NULL) {
			gone->flow->source = SOURCE_SENDER;
			gone->flow->dead = 1;
		}
		if (e->channel->number == 0)
			e->channel->number = o->number;
		o->pid = 0;
		return;
	}
}

/* Finds out what a descriptor is, and remembers it. */
static struct known *
look(struct channels *c, pid_t pid, int fd)
{
	struct process *p = process_get(c, pid);
	struct end *e = NULL;
	struct endpoint now;
	struct known *k;
	int r;

	if (p == NULL || (r = endpoint_of(c->kernel, pid, fd, &now)) == -1)
		return NULL;
	if (r == 1 && now.connected) {
		if (!c->said && !endpoints_can_ask(c->kernel)) {
			c->said = 1;
			channels_note(c,
			    "sock_diag(7) does not answer: which "
			    "sockets belong together is not known, "
			    "messages may be shown at both ends");
		}
		e = end_get(c, pid, &now);
		if (e == NULL)
			return NULL;
	}
	k = fdtable_add(c->fds, p, fd, e);
	if (k == NULL || e == NULL)
		return k;
	end_hold(c, e, pid);
	if (now.closed)
		adopt(c, pid, fd, e);
	return k;
}

/* The socket that a descriptor is, NULL if none that matters. */
static struct end *
end_of(struct channels *c, pid_t pid, int fd)
{
	struct known *k = fdtable_find(c->fds, pid, fd);
	struct end *e = k == NULL ? NULL : k->what;

	if (e != NULL && e->channel == NULL) {
		/* Its channel was given up: this is a new one. */
		fdtable_drop(c->fds, k);
		k = NULL;
	}
	if (k == NULL)
		k = look(c, pid, fd);
	return k == NULL ? NULL : k->what;
}

void
channels_pair(struct channels *c, pid_t pid, int fd1, int fd2)
{
	struct end *a, *b;

	channels_open(c, pid, fd1);
	channels_open(c, pid, fd2);
	if (endpoints_can_ask(c->kernel))
		return;
	a = end_of(c, pid, fd1);
	b = end_of(c, pid, fd2);
	if (a != NULL && b != NULL && a->channel != NULL &&
	    end_other(a)->ino == 0 && end_other(b)->ino == 0)
		end_join(c, a, b->ino);
}

/*
 * The other end is known once it is accepted.  Only sometimes is the kernel
 * asked again: it may never be.
 */
static void
ask_again(struct channels *c, struct end *e)
{
	struct endpoint now;
	unsigned int n;

	if (end_other(e)->ino != 0)
		return;
	n = ++e->asks;
	if ((n & (n - 1)) != 0 && n % 1024 != 0)
		return;
	if (endpoint_ask(c->kernel, end_asked(e), e->ino, &now) == 1 &&
	    now.peer != 0 && now.peer != e->ino && now.cookie == e->cookie)
		end_join(c, e, now.peer);
}

static enum source
source_of(const struct end *e)
{
	return e->flow == NULL ? SOURCE_OPEN : e->flow->source;
}

/* Whether bytes that go from e are taken where they are sent. */
static int
from_sender(struct channels *c, struct end *e)
{
	if (source_of(e) != SOURCE_RECEIVER)
		return 1;
	if (party_is_traced(c, end_other(e), 0))
		return 0;
	/* What it has not received by now will not be seen. */
	flow_end(e->flow, channels_now());
	e->flow->source = SOURCE_OPEN;
	return 1;
}

static int
from_receiver(struct channels *c, struct end *e, pid_t pid)
{
	if (source_of(e) != SOURCE_OPEN)
		return source_of(e) == SOURCE_RECEIVER;
	return !party_is_traced(c, e, pid);
}

/* The socket into which the bytes were sent, NULL if they do not matter. */
static struct end *
direction(struct channels *c, pid_t pid, int fd, int dir)
{
	struct end *e = end_of(c, pid, fd), *from;

	if (e == NULL)
		return NULL;
	e->mover = pid;
	e->moved = c->generation;
	ask_again(c, e);
	from = dir == CHANNEL_SEND ? e : end_other(e);
	if (from->flow != NULL && from->flow->dead)
		return NULL;
	if (!(dir == CHANNEL_SEND ? from_sender(c, from) :
				    from_receiver(c, from, pid)))
		return NULL;
	c->pid = pid;
	c->fd = fd;
	c->at = e;
	return from;
}

int
channels_wants(struct channels *c, pid_t pid, int fd, int dir)
{
	int r = direction(c, pid, fd, dir) != NULL;

	c->at = NULL;
	return r;
}

static struct flow *
flow_of(struct channels *c, pid_t pid, int fd, int dir)
{
	struct end *from = direction(c, pid, fd, dir);
	struct flow *f = from == NULL ? NULL : flow_get(from);

	if (f != NULL) {
		channel_used(c, from->channel);
		f->mover = pid;
		f->source =
		    dir == CHANNEL_SEND ? SOURCE_SENDER : SOURCE_RECEIVER;
	}
	return f;
}

static int
failed(struct channels *c)
{
	c->at = NULL;
	if (c->error == 0)
		return 0;
	errno = c->error;
	return -1;
}

int
channels_bytes(
    struct channels *c, pid_t pid, int fd, int dir, const struct bytes *b)
{
	struct flow *f;

	c->time = b->time;
	f = c->error != 0 ? NULL : flow_of(c, pid, fd, dir);
	if (f != NULL)
		(void)flow_bytes(c, f, b);
	return failed(c);
}

int
channels_gap(
    struct channels *c, pid_t pid, int fd, int dir, int64_t time, size_t n)
{
	struct flow *f = c->error != 0 ? NULL : flow_of(c, pid, fd, dir);

	if (f != NULL)
		(void)flow_gap(c, f, time, n);
	return failed(c);
}

void
channels_eof(struct channels *c, pid_t pid, int fd, int64_t time)
{
	struct end *e = end_of(c, pid, fd);

	if (e == NULL || end_other(e)->flow == NULL)
		return;
	c->quiet = 1;
	flow_end(end_other(e)->flow, time);
	c->quiet = 0;
}
