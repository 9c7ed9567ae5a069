/* SPDX-License-Identifier: ISC */
/*
 * Which process is at a socket.
 *
 * Several may hold it: the one that last used it is meant.  As long as none
 * has, those that hold it are looked for: first among the traced ones, then
 * the maker of the other end, then in all of /proc.  That takes long where
 * there are many processes: it is done a number of times that grows with the
 * logarithm of the messages of a socket, and takes a twentieth of the time in
 * all.
 */
#define _GNU_SOURCE
#include "channel.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#define HOLDERS_MAX 64

/* Nanoseconds that may be searched before the twentieth counts. */
#define ADVANCE 2000000000

/* Nanoseconds for which the name of a traced process is believed. */
#define NAME_AGE 10000000

static const struct who nobody;

/* Processes may change their name while they run. */
static void
refresh(struct channels *c, struct process *p)
{
	char name[sizeof(p->name)];

	if (c->time - p->named < NAME_AGE && c->time >= p->named)
		return;
	p->named = c->time;
	process_name(p->pid, name, sizeof(name));
	if (name[0] != '\0')
		memcpy(p->name, name, sizeof(name));
}

/* Takes the name of a traced process from the table, of others from /proc. */
static void
set(struct channels *c, struct end *e, pid_t pid)
{
	struct process *p = fdtable_process(c->fds, pid);
	char name[sizeof(e->who.name)] = "";

	if (p != NULL) {
		refresh(c, p);
		memcpy(name, p->name, sizeof(name));
	} else
		process_name(pid, name, sizeof(name));
	/* One that has ended has no name any more. */
	if (e->who.pid != pid || name[0] != '\0')
		memcpy(e->who.name, name, sizeof(name));
	e->who.pid = pid;
}

const struct who *
party_known(struct channels *c, struct end *e, pid_t pid)
{
	if (pid == 0)
		return &nobody;
	if (e->who.pid != pid || fdtable_process(c->fds, pid) != NULL) {
		set(c, e, pid);
		e->weak = 0;
		e->found = c->generation;
	}
	return &e->who;
}

/* Still running the program that it ran in that generation. */
static int
goes_on(const struct channels *c, pid_t pid, unsigned int generation)
{
	const struct process *p = fdtable_process(c->fds, pid);

	if (p != NULL)
		return (int)(p->since - generation) <= 0;
	return kill(pid, 0) == 0 || errno != ESRCH;
}

int
party_is_traced(struct channels *c, struct end *e, pid_t except)
{
	struct process *p;
	struct known *k;
	int fd;

	if (e->keeper != 0 && e->keeper != except)
		return 1;
	if (e->ino == 0 || e->checked == c->sockets)
		return 0;
	for (p = fdtable_processes(c->fds); p != NULL; p = p->older) {
		if (p->pid == except || (fd = process_holds(p, e->ino)) == -1)
			continue;
		k = fdtable_find(c->fds, p->pid, fd);
		if (k != NULL)
			fdtable_drop(c->fds, k);
		if (fdtable_add(c->fds, p, fd, e) == NULL)
			return 1;
		end_hold(c, e, p->pid);
		return 1;
	}
	e->checked = c->sockets;
	return 0;
}

/* The highest number is the child. */
static pid_t
traced_holder(struct channels *c, const struct end *e, pid_t except, int *n)
{
	struct process *p;
	pid_t best = 0;

	for (p = fdtable_processes(c->fds); p != NULL; p = p->older)
		if (p->pid != except && process_holds(p, e->ino) != -1) {
			if (p->pid > best)
				best = p->pid;
			++*n;
		}
	return best;
}

static pid_t
any_holder(struct channels *c, const struct end *e, pid_t except, int *n)
{
	int64_t now = channels_now();
	pid_t pids[HOLDERS_MAX], best = 0;
	size_t i, count = 0;

	if (c->spent < ADVANCE || c->spent < (now - c->began) / 20) {
		count = endpoint_holders(e->ino, pids, HOLDERS_MAX);
		c->spent += channels_now() - now;
	} else if (endpoint_holds(except, e->ino) != -1)
		pids[count++] = except;
	for (i = 0; i < count; i++)
		if (pids[i] != except) {
			best = pids[i];
			++*n;
		}
	if (best == 0 && count > 0) {
		/* It talks to itself, or to a child that is to come. */
		best = except;
		*n = 2;
	}
	return best;
}

/*
 * At messages 1, 2, 4, ... and then each 1024th; the first ones also if the
 * processes are others than the last time.
 */
static int
is_due(struct channels *c, struct end *e)
{
	unsigned int n = ++e->searches;
	int changed = e->found != c->generation;

	e->found = c->generation;
	return (n & (n - 1)) == 0 || n % 1024 == 0 || (changed && n < 64);
}

static pid_t
search(struct channels *c, struct end *e, pid_t except, int *weak)
{
	pid_t pid = 0, maker = 0;
	int n = 0;

	if (e->ino != 0)
		pid = traced_holder(c, e, except, &n);
	if (pid == 0 && c->at != NULL && c->at->channel == e->channel &&
	    c->at != e)
		maker = endpoint_maker(c->pid, c->fd);
	if (maker == except)
		maker = 0;
	if (pid == 0 && maker != 0 && e->ino != 0 &&
	    endpoint_holds(maker, e->ino) != -1)
		pid = maker;
	if (pid == 0 && e->ino != 0)
		pid = any_holder(c, e, except, &n);
	*weak = n > 1;
	if (pid == 0 || (pid == except && maker != 0)) {
		pid = maker;
		*weak = 1;
	}
	return pid;
}

const struct who *
party_at(struct channels *c, struct end *e, pid_t except)
{
	pid_t pid;
	int weak = 0;

	if (e->mover != 0 && fdtable_process(c->fds, e->mover) != NULL &&
	    goes_on(c, e->mover, e->moved)) {
		set(c, e, e->mover);
		return &e->who;
	}
	e->mover = 0;
	if (c->quiet)
		return &e->who;
	if (e->who.pid != 0 && goes_on(c, e->who.pid, e->found) &&
	    (!e->weak || e->found == c->generation)) {
		set(c, e, e->who.pid);
		return &e->who;
	}
	if (is_due(c, e) && (pid = search(c, e, except, &weak)) != 0) {
		set(c, e, pid);
		e->weak = weak;
	}
	return &e->who;
}
