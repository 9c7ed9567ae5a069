/* SPDX-License-Identifier: ISC */
/*
 * ZeroMQ, a pair of PAIR sockets over ipc://, used as zmq_msg_send(3) says.
 *
 * What is sent goes to ZeroMQ's own thread, which needs no flush and collects
 * what it finds.  A PAIR never drops: at the high-water mark (the default of
 * 1000 messages) zmq_msg_send() waits, and so it does for the other end.
 */
#define _DEFAULT_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <zmq.h>

#include "bench.h"

#define SCHEME	     "ipc://"
#define LINGER_MS    1000
#define RECONNECT_MS 1

struct peer {
	size_t size;
	void *ctx, *sock;
	char name[256]; /* of the endpoint */
	int bound;
};

static int
peer_can(const struct cell *c)
{
	return c->kind[0] != 'F' && c->channels == 1;
}

static void
set(void *sock, int option, int value)
{
	must(zmq_setsockopt(sock, option, &value, sizeof(value)) == 0,
	    "zmq_setsockopt");
}

/* A socket that connects before the other has bound tries again by itself. */
static void *
peer_open(const struct place *at, const struct cell *c)
{
	struct peer *p = calloc(1, sizeof(*p));
	int n;

	must(p != NULL, "calloc");
	p->size = c->size;
	n = snprintf(p->name, sizeof(p->name), SCHEME "%s/zmq", at->dir);
	must(n > 0 && (size_t)n < sizeof(p->name), "name");
	must((p->ctx = zmq_ctx_new()) != NULL, "zmq_ctx_new");
	must((p->sock = zmq_socket(p->ctx, ZMQ_PAIR)) != NULL, "zmq_socket");
	set(p->sock, ZMQ_LINGER, LINGER_MS);
	p->bound = at->side == 0;
	if (p->bound) {
		must(zmq_bind(p->sock, p->name) == 0, "zmq_bind");
	} else {
		set(p->sock, ZMQ_RECONNECT_IVL, RECONNECT_MS);
		must(zmq_connect(p->sock, p->name) == 0, "zmq_connect");
	}
	return p;
}

static void
peer_send(void *arg, const void *data, int fd, int flush)
{
	struct peer *p = arg;
	zmq_msg_t m;

	(void)fd;
	(void)flush;
	must(zmq_msg_init_size(&m, p->size) == 0, "zmq_msg_init_size");
	memcpy(zmq_msg_data(&m), data, p->size);
	must(zmq_msg_send(&m, p->sock, 0) != -1, "zmq_msg_send");
}

static uint64_t
peer_recv(void *arg)
{
	struct peer *p = arg;
	zmq_msg_t m;
	uint64_t sum;

	must(zmq_msg_init(&m) == 0, "zmq_msg_init");
	must(zmq_msg_recv(&m, p->sock, 0) != -1, "zmq_msg_recv");
	must(zmq_msg_size(&m) == p->size, "size");
	sum = touch(zmq_msg_data(&m), zmq_msg_size(&m));
	(void)zmq_msg_close(&m);
	return sum;
}

/*
 * Waits, no longer than LINGER_MS, until the thread has written the rest.
 * ZeroMQ leaves the file of an endpoint that has a name.
 */
static void
peer_close(void *arg)
{
	struct peer *p = arg;

	must(zmq_close(p->sock) == 0, "zmq_close");
	must(zmq_ctx_term(p->ctx) == 0, "zmq_ctx_term");
	if (p->bound)
		(void)unlink(p->name + sizeof(SCHEME) - 1);
	free(p);
}

const struct contender peer_zmq = { "ZeroMQ", peer_can, peer_open, peer_send,
	peer_recv, peer_close };
