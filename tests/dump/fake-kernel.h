/* SPDX-License-Identifier: ISC */
/*
 * A kernel that is made up, in place of endpoint.c and process.c: its sockets
 * do what those of a real one do once in four thousand million times.
 *
 * Included once in a program.
 */
#ifndef FAKE_KERNEL_H
#define FAKE_KERNEL_H

#include "fake-stream.h"

#include "channel.h"

/* Sockets, by their inode. */
#define SOCKETS 40000
static struct {
	struct endpoint e;
	int there;
} sockets[SOCKETS + 1];

/* Which of them is descriptor fd of process pid: 0 none. */
#define PIDS 8
#define FDS  70000
static uint32_t held[PIDS][FDS];

static int dumb; /* the kernel does not tell peers */
static uint64_t cookies;
static size_t looks, asks, searches, lists;

struct endpoints *
endpoints_new(void)
{
	return calloc(1, 1);
}

void
endpoints_free(struct endpoints *x)
{
	free(x);
}

void
endpoints_let_go(struct endpoints *x)
{
	(void)x;
}

int
endpoints_can_ask(struct endpoints *x)
{
	(void)x;
	return !dumb;
}

int
endpoint_ask(struct endpoints *x, pid_t pid, uint64_t ino, struct endpoint *e)
{
	(void)x;
	(void)pid;
	asks++;
	memset(e, 0, sizeof(*e));
	if (dumb || ino == 0 || ino > SOCKETS)
		return -1;
	if (!sockets[ino].there)
		return 0;
	*e = sockets[ino].e;
	if (e->peer != 0 && !sockets[e->peer].there) {
		e->peer = 0;
		e->closed = 1;
	}
	return 1;
}

int
endpoint_of(struct endpoints *x, pid_t pid, int fd, struct endpoint *e)
{
	uint32_t ino = held[pid][fd];

	looks++;
	if (ino == 0)
		return 0;
	if (endpoint_ask(x, pid, ino, e) == 1)
		return 1;
	memset(e, 0, sizeof(*e));
	e->ino = ino;
	e->connected = 1;
	return dumb;
}

void
endpoint_peer_path(struct endpoints *x, pid_t pid, struct endpoint *e)
{
	(void)x;
	(void)pid;
	(void)e;
}

int
endpoint_holds(pid_t pid, uint64_t ino)
{
	int fd;

	for (fd = 0; fd < 64; fd++)
		if (pid < PIDS && held[pid][fd] == ino)
			return fd;
	return -1;
}

int
endpoint_is(pid_t pid, int fd, uint64_t ino)
{
	return pid < PIDS && fd < FDS && held[pid][fd] == ino;
}

void
endpoint_each(pid_t pid, int (*f)(void *, int, uint64_t), void *arg)
{
	int fd;

	lists++;
	for (fd = 0; fd < FDS && pid < PIDS; fd++)
		if (held[pid][fd] != 0 && f(arg, fd, held[pid][fd]))
			return;
}

size_t
endpoint_holders(uint64_t ino, pid_t *pids, size_t max)
{
	size_t n = 0;
	pid_t p;

	searches++;
	for (p = 1; p < PIDS && n < max; p++)
		if (endpoint_holds(p, ino) != -1)
			pids[n++] = p;
	return n;
}

pid_t
endpoint_maker(pid_t pid, int fd)
{
	(void)pid;
	(void)fd;
	return 0;
}

void
process_name(pid_t pid, char *name, size_t size)
{
	snprintf(name, size, "p%ld", (long)pid);
}

static void
make(uint32_t ino, uint32_t peer)
{
	memset(&sockets[ino], 0, sizeof(sockets[ino]));
	sockets[ino].there = 1;
	sockets[ino].e.ino = ino;
	sockets[ino].e.peer = peer;
	sockets[ino].e.cookie = ++cookies;
	sockets[ino].e.connected = 1;
}

static void
make_pair(uint32_t a, uint32_t b)
{
	make(a, b);
	make(b, a);
}

static void
gives(pid_t pid, int fd, uint32_t ino)
{
	held[pid][fd] = ino;
}

static int
setup(void **state)
{
	(void)state;
	memset(&out, 0, sizeof(out));
	memset(sockets, 0, sizeof(sockets));
	memset(held, 0, sizeof(held));
	dumb = 0;
	looks = asks = searches = lists = 0;
	c = channels_new(&budget, &sink);
	return c == NULL ? -1 : 0;
}

#endif
