/* SPDX-License-Identifier: ISC */
/*
 * libqb, twice.  IPC: the sender is the client, the other the server with its
 * loop, as qb_ipcs_create(3) and qb_ipcc_connect(3) have it; QB_IPC_SHM is what
 * QB_IPC_NATIVE takes too: messages in shared memory, for each a byte in a
 * socket to wake the server.  Ring: one qb_rb_open(3) a direction, shared
 * memory and a semaphore.
 *
 * IPC's memory has room for a batch and little more: with much more it is that
 * socket which is full first, and then the library sends in a busy loop.
 *
 * Neither has a way to wait until a full ring has room again: qbrb.h retries
 * in a loop, here the processor is given away in between.
 */
#define _DEFAULT_SOURCE
#include <sys/types.h>
#include <sys/uio.h>

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <qb/qbipcc.h>
#include <qb/qbipcs.h>
#include <qb/qbloop.h>
#include <qb/qbrb.h>

#include "bench.h"

#define RING	  (1U << 20) /* bytes */
#define MOST	  65536
#define BATCH	  64   /* messages that IPC has room for */
#define OVERHEAD  40   /* bytes for each: headers, rounding */
#define FIFO	  1024 /* more than the server takes in one go */
#define LINGER_MS 1000
#define STEP_MS	  100
#define FOREVER	  -1
#define ID_DATA	  QB_IPC_MSG_USER_START
#define ID_BYE	  (QB_IPC_MSG_USER_START + 1)

struct peer {
	size_t size;
	/* Of the client. */
	qb_ipcc_connection_t *conn;
	unsigned char *buf;
	int32_t room; /* in buf */
	/* Of the server. */
	qb_loop_t *loop;
	qb_ipcs_service_t *service;
	qb_ipcs_connection_t *client;
	int done;
	/* Touched in the callback, not asked for yet. */
	uint64_t sum[FIFO];
	unsigned head, tail;
};

struct ring {
	size_t size;
	qb_ringbuffer_t *in, *out;
};

/* Callbacks of a server know neither loop nor service. */
static struct peer *server;

static int
qb_can(const struct cell *c)
{
	return c->kind[0] != 'F' && c->channels == 1 && c->size <= MOST;
}

/* A name that no other run has: the last part of the directory's. */
static void
name_of(char *buf, size_t n, const struct place *at, const char *what)
{
	const char *base = strrchr(at->dir, '/');
	int len;

	base = base != NULL ? base + 1 : at->dir;
	len = snprintf(buf, n, "%s-%s", base, what);
	must(len > 0 && (size_t)len < n, "name");
}

/* Returns when the other end has come as far. */
static void
meet(int fd)
{
	char byte = 0;

	must(write(fd, &byte, 1) == 1 && read(fd, &byte, 1) == 1, "meet");
}

static int32_t
on_accept(qb_ipcs_connection_t *c, uid_t uid, gid_t gid)
{
	(void)c;
	(void)uid;
	(void)gid;
	return 0;
}

static void
on_created(qb_ipcs_connection_t *c)
{
	server->client = c;
	qb_loop_stop(server->loop);
}

static int32_t
on_closed(qb_ipcs_connection_t *c)
{
	(void)c;
	server->client = NULL;
	server->done = 1;
	qb_loop_stop(server->loop);
	return 0;
}

static void
on_destroyed(qb_ipcs_connection_t *c)
{
	(void)c;
}

static ssize_t
answer(struct peer *p, int id, const void *data, size_t n)
{
	struct qb_ipc_response_header h = { 0 };
	struct iovec iov[2] = { { &h, sizeof(h) },
		{ (void *)(uintptr_t)data, n } };

	h.id = id;
	h.size = (int32_t)(sizeof(h) + n);
	return qb_ipcs_response_sendv(p->client, iov, 2);
}

static int32_t
on_message(qb_ipcs_connection_t *c, void *data, size_t n)
{
	const struct qb_ipc_request_header *h = data;
	struct peer *p = server;

	(void)c;
	qb_loop_stop(p->loop);
	if (h->id == ID_BYE) {
		p->done = 1;
		(void)answer(p, ID_BYE, "", 1);
		return 0;
	}
	must(n == sizeof(*h) + p->size, "size");
	must(p->tail - p->head < FIFO, "too many messages at once");
	p->sum[p->tail++ % FIFO] = touch(h + 1, p->size);
	return 0;
}

static int32_t
job_add(enum qb_loop_priority p, void *data, qb_loop_job_dispatch_fn fn)
{
	return qb_loop_job_add(server->loop, p, data, fn);
}

static int32_t
poll_add(enum qb_loop_priority p, int32_t fd, int32_t events, void *data,
    qb_ipcs_dispatch_fn_t fn)
{
	return qb_loop_poll_add(server->loop, p, fd, events, data, fn);
}

static int32_t
poll_mod(enum qb_loop_priority p, int32_t fd, int32_t events, void *data,
    qb_ipcs_dispatch_fn_t fn)
{
	return qb_loop_poll_mod(server->loop, p, fd, events, data, fn);
}

static int32_t
poll_del(int32_t fd)
{
	return qb_loop_poll_del(server->loop, fd);
}

static void
open_server(struct peer *p, const char *name, int fd)
{
	static struct qb_ipcs_service_handlers handlers = { on_accept,
		on_created, on_message, on_closed, on_destroyed };
	static struct qb_ipcs_poll_handlers polls = { job_add, poll_add,
		poll_mod, poll_del };

	server = p;
	must((p->loop = qb_loop_create()) != NULL, "qb_loop_create");
	p->service = qb_ipcs_create(name, 0, QB_IPC_SHM, &handlers);
	must(p->service != NULL, "qb_ipcs_create");
	qb_ipcs_poll_handlers_set(p->service, &polls);
	qb_ipcs_request_rate_limit(p->service, QB_IPCS_RATE_FAST);
	must(qb_ipcs_run(p->service) == 0, "qb_ipcs_run");
	meet(fd);
	while (p->client == NULL)
		qb_loop_run(p->loop);
}

static void *
qb_open(const struct place *at, const struct cell *c)
{
	struct peer *p = calloc(1, sizeof(*p));
	char name[128];

	must(p != NULL, "calloc");
	p->size = c->size;
	name_of(name, sizeof(name), at, "ipc");
	if (at->side == 1) {
		open_server(p, name, at->fd);
		return p;
	}
	meet(at->fd);
	p->conn = qb_ipcc_connect(name, BATCH * (c->size + OVERHEAD));
	must(p->conn != NULL, "qb_ipcc_connect");
	p->room = qb_ipcc_get_buffer_size(p->conn);
	must(p->room > 0, "qb_ipcc_get_buffer_size");
	must((p->buf = malloc((size_t)p->room)) != NULL, "malloc");
	return p;
}

static ssize_t
request(struct peer *p, int id, const void *data, size_t n)
{
	struct qb_ipc_request_header h = { 0 };
	struct iovec iov[2] = { { &h, sizeof(h) },
		{ (void *)(uintptr_t)data, n } };

	h.id = id;
	h.size = (int32_t)(sizeof(h) + n);
	return qb_ipcc_sendv(p->conn, iov, 2);
}

static ssize_t
try_send(struct peer *p, const void *data)
{
	if (p->loop == NULL)
		return request(p, ID_DATA, data, p->size);
	must(p->client != NULL, "client left");
	return answer(p, ID_DATA, data, p->size);
}

static void
qb_send(void *arg, const void *data, int fd, int flush)
{
	struct peer *p = arg;
	ssize_t r;

	(void)fd;
	(void)flush;
	while ((r = try_send(p, data)) == -EAGAIN)
		(void)sched_yield();
	must(r > 0, "send");
}

/* One answer, if it comes within ms milliseconds. */
static ssize_t
answered(struct peer *p, int ms)
{
	ssize_t r;

	r = qb_ipcc_recv(p->conn, p->buf, (size_t)p->room, ms);
	return r == -EAGAIN || r == -ETIMEDOUT ? 0 : r;
}

static uint64_t
qb_recv(void *arg)
{
	struct peer *p = arg;
	ssize_t r;

	if (p->loop != NULL) {
		while (p->head == p->tail) {
			must(p->client != NULL && !p->done, "client left");
			qb_loop_run(p->loop);
		}
		return p->sum[p->head++ % FIFO];
	}
	while ((r = answered(p, LINGER_MS)) == 0)
		;
	must(r == (ssize_t)(sizeof(struct qb_ipc_response_header) + p->size),
	    "qb_ipcc_recv");
	return touch(p->buf + sizeof(struct qb_ipc_response_header), p->size);
}

static void
on_timeout(void *arg)
{
	struct peer *p = arg;

	p->done = 1;
	qb_loop_stop(p->loop);
}

/*
 * A server forgets requests it has not read when the client hangs up; so the
 * client says that it is going and waits, though not for long, for an answer.
 */
static void
close_server(struct peer *p)
{
	qb_loop_timer_handle timer;

	if (!p->done) {
		must(qb_loop_timer_add(p->loop, QB_LOOP_LOW,
			 (uint64_t)LINGER_MS * 1000000, p, on_timeout,
			 &timer) == 0,
		    "qb_loop_timer_add");
		while (!p->done)
			qb_loop_run(p->loop);
	}
	qb_ipcs_destroy(p->service);
	qb_loop_destroy(p->loop);
	server = NULL;
}

static void
close_client(struct peer *p)
{
	ssize_t r;
	int ms;

	for (ms = 0; ms < LINGER_MS; ms++) {
		if ((r = request(p, ID_BYE, "", 1)) != -EAGAIN)
			break;
		(void)usleep(1000);
	}
	for (; r > 0 && ms < LINGER_MS; ms += STEP_MS)
		if (answered(p, STEP_MS) != 0)
			break;
	qb_ipcc_disconnect(p->conn);
	free(p->buf);
}

static void
qb_close(void *arg)
{
	struct peer *p = arg;

	if (p->loop != NULL)
		close_server(p);
	else
		close_client(p);
	free(p);
}

/* Each ring is made by the end that reads it, as qbrb.h has it. */
static void *
rb_open(const struct place *at, const struct cell *c)
{
	static const char *const what[] = { "ring0", "ring1" };
	struct ring *r = calloc(1, sizeof(*r));
	char name[128];

	must(r != NULL, "calloc");
	r->size = c->size;
	name_of(name, sizeof(name), at, what[at->side]);
	r->in = qb_rb_open(
	    name, RING, QB_RB_FLAG_SHARED_PROCESS | QB_RB_FLAG_CREATE, 0);
	must(r->in != NULL, "qb_rb_open");
	meet(at->fd);
	name_of(name, sizeof(name), at, what[!at->side]);
	r->out = qb_rb_open(name, RING, QB_RB_FLAG_SHARED_PROCESS, 0);
	must(r->out != NULL, "qb_rb_open");
	return r;
}

static void
rb_send(void *arg, const void *data, int fd, int flush)
{
	struct ring *r = arg;
	ssize_t n;

	(void)fd;
	(void)flush;
	while ((n = qb_rb_chunk_write(r->out, data, r->size)) == -EAGAIN)
		(void)sched_yield();
	must(n == (ssize_t)r->size, "qb_rb_chunk_write");
}

static uint64_t
rb_recv(void *arg)
{
	struct ring *r = arg;
	uint64_t sum;
	void *data;
	ssize_t n;

	while ((n = qb_rb_chunk_peek(r->in, &data, FOREVER)) == 0)
		;
	must(n == (ssize_t)r->size, "qb_rb_chunk_peek");
	sum = touch(data, r->size);
	qb_rb_chunk_reclaim(r->in);
	return sum;
}

/* What is in a ring stays there; the last to close it removes it. */
static void
rb_close(void *arg)
{
	struct ring *r = arg;

	qb_rb_close(r->out);
	qb_rb_close(r->in);
	free(r);
}

const struct contender peer_qb = { "libqb IPC (shm)", qb_can, qb_open, qb_send,
	qb_recv, qb_close };
const struct contender peer_qbrb = { "libqb ring (shm)", qb_can, rb_open,
	rb_send, rb_recv, rb_close };
