/* SPDX-License-Identifier: ISC */
/*
 * Sockets by inode, and the pairs they form.
 *
 * The kernel gives an inode number again some time after a socket is gone, so
 * that a number alone never tells that a socket is one that was seen before:
 * its cookie or the socket at its other end must agree.
 *
 * A channel lives while descriptors that are known lead to it.  Then it waits,
 * as others may (a child that has not used it yet), and is given up once the
 * kernel says that its sockets are gone.
 */
#include "channel.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define BUCKETS 8192

int
ends_init(struct channels *c)
{
	c->ends = calloc(BUCKETS, sizeof(struct end *));
	return c->ends == NULL ? -1 : 0;
}

static struct end **
bucket(const struct channels *c, uint64_t ino)
{
	return &c->ends[ino % BUCKETS];
}

static struct end *
find(const struct channels *c, uint64_t ino)
{
	struct end *e = ino == 0 ? NULL : *bucket(c, ino);

	while (e != NULL && e->ino != ino)
		e = e->next;
	return e;
}

static void
hash(struct channels *c, struct end *e, uint64_t ino)
{
	e->ino = ino;
	e->next = *bucket(c, ino);
	*bucket(c, ino) = e;
	c->nends++;
}

static void
unhash(struct channels *c, struct end *e)
{
	struct end **p = bucket(c, e->ino);

	if (e->ino == 0)
		return;
	while (*p != e)
		p = &(*p)->next;
	*p = e->next;
	c->nends--;
}

pid_t
end_asked(const struct end *e)
{
	return e->foreign ? e->asked : 0;
}

struct end *
end_other(const struct end *e)
{
	return e->channel->end[e->channel->end[0] == e];
}

/* Moves it to the end of a queue, or of none. */
static void
enqueue(struct channel *ch, struct queue *q)
{
	struct queue *old = ch->queue;

	if (old != NULL) {
		*(ch->prev == NULL ? &old->first : &ch->prev->next) = ch->next;
		*(ch->next == NULL ? &old->last : &ch->next->prev) = ch->prev;
		old->count--;
	}
	ch->queue = q;
	ch->next = NULL;
	if (q == NULL)
		return;
	ch->prev = q->last;
	*(q->last == NULL ? &q->first : &q->last->next) = ch;
	q->last = ch;
	q->count++;
}

void
channel_used(struct channels *c, struct channel *ch)
{
	if (ch->queue == &c->live && ch != c->live.last)
		enqueue(ch, &c->live);
}

static struct channel *
channel_new(struct channels *c)
{
	struct channel *ch = calloc(1, sizeof(*ch));
	int i;

	if (ch == NULL)
		return NULL;
	for (i = 0; i < 2; i++)
		ch->end[i] = calloc(1, sizeof(struct end));
	if (ch->end[0] == NULL || ch->end[1] == NULL) {
		free(ch->end[0]);
		free(ch->end[1]);
		free(ch);
		return NULL;
	}
	ch->end[0]->channel = ch->end[1]->channel = ch;
	ch->wire = RECORD_WIRE_UNKNOWN;
	enqueue(ch, &c->idle);
	return ch;
}

/* Descriptors that lead to it find that it belongs to no channel any more. */
static void
end_retire(struct channels *c, struct end *e)
{
	unhash(c, e);
	flow_free(e->flow);
	e->flow = NULL;
	e->channel = NULL;
	e->ino = 0;
	if (e->refs == 0)
		free(e);
}

static void
remember_orphan(struct channels *c, const struct channel *ch)
{
	const struct flow *f = ch->end[0]->flow;

	if (ch->end[1]->ino != 0 || f == NULL || f->source != SOURCE_SENDER)
		return;
	c->orphans[c->norphans++ % ORPHANS_MAX] =
	    (struct orphan){ f->mover, ch->number };
}

void
channel_retire(struct channels *c, struct channel *ch)
{
	int i, quiet = c->quiet;

	c->quiet = 1;
	for (i = 0; i < 2; i++)
		if (ch->end[i]->flow != NULL)
			flow_end(ch->end[i]->flow, channels_now());
	c->quiet = quiet;
	remember_orphan(c, ch);
	enqueue(ch, NULL);
	for (i = 0; i < 2; i++)
		end_retire(c, ch->end[i]);
	free(ch);
}

/* What became of a socket: 1 it is there, 0 gone, -1 not known. */
static int
fate(struct channels *c, const struct end *e)
{
	struct endpoint now;
	int r;

	if (e->ino == 0 || e->unseen ||
	    (e->foreign && fdtable_process(c->fds, e->asked) == NULL))
		return -1;
	r = endpoint_ask(c->kernel, end_asked(e), e->ino, &now);
	if (r == 1 && e->cookie != 0 && now.cookie != e->cookie)
		return 0;
	return r;
}

/* A traced process may yet use it, if only to receive what was sent. */
static int
may_be_used(struct channels *c, struct end *e)
{
	if (e->traced)
		return 1;
	if (e->who.pid != 0 && !e->weak &&
	    fdtable_process(c->fds, e->who.pid) == NULL)
		return 0;
	return party_is_traced(c, e, 0);
}

/*
 * It is over when one end is gone, and so is the other or no traced process
 * has that: what others do there cannot be seen any more.
 */
void
channel_check(struct channels *c, struct channel *ch)
{
	int i, is[2];

	if (ch->queue != &c->idle)
		return;
	for (i = 0; i < 2; i++)
		is[i] = fate(c, ch->end[i]);
	for (i = 0; i < 2; i++)
		if (is[i] == 0 &&
		    (is[!i] == 0 || !may_be_used(c, ch->end[!i]))) {
			channel_retire(c, ch);
			return;
		}
	if (ch->queue == &c->idle)
		enqueue(ch, &c->idle);
}

void
channel_sweep(struct channels *c, int n)
{
	struct channel *ch;

	while (n-- > 0 && c->idle.first != NULL)
		channel_check(c, c->idle.first);
	while (c->idle.count > IDLE_MAX && c->idle.first != NULL)
		channel_retire(c, c->idle.first);
	while (c->live.count + c->idle.count >= CHANNELS_MAX) {
		ch = c->idle.first != NULL ? c->idle.first : c->live.first;
		if (ch == NULL)
			break;
		channel_retire(c, ch);
	}
}

void
end_hold(struct channels *c, struct end *e, pid_t pid)
{
	e->keeper = pid;
	e->refs++;
	e->traced = 1;
	if (e->channel->queue != &c->live)
		enqueue(e->channel, &c->live);
}

void
end_let_go(void *channels, void *end, pid_t pid)
{
	struct channels *c = channels;
	struct end *e = end;

	if (e->keeper == pid)
		e->keeper = 0;
	if (--e->refs > 0)
		return;
	if (e->channel == NULL)
		free(e);
	else if (end_other(e)->refs == 0)
		enqueue(e->channel, &c->idle);
}

/*
 * The socket with that inode, if what is known of it is not of an older one
 * that had the same number: then that is given up.
 */
static struct end *
find_true(struct channels *c, uint64_t ino, const struct endpoint *now)
{
	struct end *e = find(c, ino), *other;

	if (e == NULL)
		return NULL;
	other = end_other(e);
	if ((e->cookie != 0 && now->cookie != 0 && e->cookie != now->cookie) ||
	    (other->ino != 0 && now->peer != 0 && other->ino != now->peer)) {
		channel_retire(c, e->channel);
		return NULL;
	}
	return e;
}

/* A socket with that inode whose other end has to be us. */
static struct end *
find_peer(struct channels *c, uint64_t ino, uint64_t us)
{
	struct end *e = find(c, ino);
	struct endpoint now;

	if (e == NULL)
		return NULL;
	memset(&now, 0, sizeof(now));
	if (e->cookie != 0)
		(void)endpoint_ask(c->kernel, end_asked(e), ino, &now);
	now.peer = us;
	return find_true(c, ino, &now);
}

static void
take_flow(struct end *to, struct end *from)
{
	if (from->flow == NULL ||
	    (to->flow != NULL && to->flow->source == SOURCE_SENDER))
		return;
	flow_free(to->flow);
	to->flow = from->flow;
	to->flow->from = to;
	from->flow = NULL;
}

/*
 * Two channels turn out to be the two ends of one: q replaces the place
 * holder that e has at its other end, and the other way round.
 */
static void
merge(struct channels *c, struct end *e, struct end *q)
{
	struct channel *ch = e->channel, *old = q->channel;
	struct end *hole = end_other(e), *hole2 = end_other(q);

	take_flow(e, hole2);
	take_flow(q, hole);
	ch->end[ch->end[0] == e] = q;
	q->channel = ch;
	if (ch->number == 0 || (old->number != 0 && old->number < ch->number))
		ch->number = old->number;
	if (ch->wire == RECORD_WIRE_UNKNOWN)
		ch->wire = old->wire;
	enqueue(old, NULL);
	flow_free(hole->flow);
	flow_free(hole2->flow);
	free(hole);
	free(hole2);
	free(old);
	enqueue(ch, e->refs + q->refs > 0 ? &c->live : &c->idle);
}

void
end_join(struct channels *c, struct end *e, uint64_t ino)
{
	struct end *q = find_peer(c, ino, e->ino), *hole = end_other(e);

	if (q != NULL && q->channel != e->channel)
		merge(c, e, q);
	if (q != NULL)
		return;
	hole->asked = e->asked;
	hole->foreign = e->foreign;
	/* Who is there was a guess until now. */
	hole->found = hole->searches = hole->checked = 0;
	hash(c, hole, ino);
}

static void
learn(struct end *e, pid_t pid, const struct endpoint *now)
{
	e->cookie = now->cookie;
	e->unseen = now->cookie == 0;
	e->asked = pid;
	e->foreign = now->foreign;
}

struct end *
end_get(struct channels *c, pid_t pid, const struct endpoint *now)
{
	struct channel *ch;
	struct end *e, *peer;

	channel_sweep(c, 2);
	e = find_true(c, now->ino, now);
	if (e == NULL) {
		peer = find_peer(c, now->peer, now->ino);
		if (peer != NULL)
			e = end_other(peer);
		else if ((ch = channel_new(c)) != NULL)
			e = ch->end[0];
		else
			return NULL;
		hash(c, e, now->ino);
	}
	learn(e, pid, now);
	if (now->peer != 0 && now->peer != e->ino && end_other(e)->ino == 0)
		end_join(c, e, now->peer);
	return e;
}
