/* SPDX-License-Identifier: ISC */
/*
 * nng, a pair of pair0 sockets over ipc://.  Messages rather than buffers:
 * nng_sendmsg(3) and nng_recvmsg(3) are what the manual prefers, as they save
 * a copy and an allocation.
 *
 * What is sent goes to nng's own threads, which need no flush.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <nng/nng.h>
#include <nng/protocol/pair0/pair.h>
#include <nng/supplemental/util/platform.h>

#include "bench.h"

#define QUEUE	  128 /* messages, either way */
#define FOREVER	  UINT64_MAX
#define LINGER_MS 1000

struct peer {
	size_t size;
	int sent_last;
	nng_socket sock;
	nng_mtx *mtx;
	nng_cv *cv;
	int pipes; /* connections, 0 or 1 */
};

static int
peer_can(const struct cell *c)
{
	return c->kind[0] != 'F' && c->channels == 1;
}

/* Called by a thread of nng. */
static void
on_pipe(nng_pipe pipe, nng_pipe_ev event, void *arg)
{
	struct peer *p = arg;

	(void)pipe;
	nng_mtx_lock(p->mtx);
	p->pipes += event == NNG_PIPE_EV_ADD_POST ? 1 : -1;
	nng_cv_wake(p->cv);
	nng_mtx_unlock(p->mtx);
}

static void
wait_pipes(struct peer *p, int n, nng_time until)
{
	nng_mtx_lock(p->mtx);
	while (p->pipes != n && nng_cv_until(p->cv, until) == 0)
		;
	nng_mtx_unlock(p->mtx);
}

static void
set_up(struct peer *p)
{
	must(nng_pair0_open(&p->sock) == 0, "nng_pair0_open");
	must(nng_socket_set_int(p->sock, NNG_OPT_SENDBUF, QUEUE) == 0 &&
		nng_socket_set_int(p->sock, NNG_OPT_RECVBUF, QUEUE) == 0 &&
		nng_socket_set_size(p->sock, NNG_OPT_RECVMAXSZ, 0) == 0,
	    "nng_socket_set");
	must(nng_mtx_alloc(&p->mtx) == 0 && nng_cv_alloc(&p->cv, p->mtx) == 0 &&
		nng_pipe_notify(p->sock, NNG_PIPE_EV_ADD_POST, on_pipe, p) ==
		    0 &&
		nng_pipe_notify(p->sock, NNG_PIPE_EV_REM_POST, on_pipe, p) == 0,
	    "nng_pipe_notify");
}

static void *
peer_open(const struct place *at, const struct cell *c)
{
	struct peer *p = calloc(1, sizeof(*p));
	char name[128]; /* NNG_MAXADDRLEN */
	int n;

	must(p != NULL, "calloc");
	p->size = c->size;
	n = snprintf(name, sizeof(name), "ipc://%s/nng", at->dir);
	must(n > 0 && (size_t)n < sizeof(name), "name");
	set_up(p);
	if (at->side == 0) {
		must(nng_listen(p->sock, name, NULL, 0) == 0, "nng_listen");
	} else {
		/* Until the other end listens. */
		while ((n = nng_dial(p->sock, name, NULL, 0)) ==
			NNG_ECONNREFUSED ||
		    n == NNG_ENOENT)
			nng_msleep(1);
		must(n == 0, "nng_dial");
	}
	wait_pipes(p, 1, FOREVER);
	return p;
}

static void
peer_send(void *arg, const void *data, int fd, int flush)
{
	struct peer *p = arg;
	nng_msg *m;

	(void)fd;
	(void)flush;
	must(nng_msg_alloc(&m, p->size) == 0, "nng_msg_alloc");
	memcpy(nng_msg_body(m), data, p->size);
	must(nng_sendmsg(p->sock, m, 0) == 0, "nng_sendmsg");
	p->sent_last = 1;
}

static uint64_t
peer_recv(void *arg)
{
	struct peer *p = arg;
	nng_msg *m;
	uint64_t sum;

	must(nng_recvmsg(p->sock, &m, 0) == 0, "nng_recvmsg");
	must(nng_msg_len(m) == p->size, "size");
	sum = touch(nng_msg_body(m), nng_msg_len(m));
	nng_msg_free(m);
	p->sent_last = 0;
	return sum;
}

/*
 * nng_close(3) throws away what is queued, and so does the other end when it
 * notices.  So who has sent last waits, though not for long, until the other
 * has hung up.
 */
static void
peer_close(void *arg)
{
	struct peer *p = arg;

	if (p->sent_last)
		wait_pipes(p, 0, nng_clock() + LINGER_MS);
	must(nng_close(p->sock) == 0, "nng_close");
	nng_cv_free(p->cv);
	nng_mtx_free(p->mtx);
	free(p);
}

const struct contender peer_nng = { "nng", peer_can, peer_open, peer_send,
	peer_recv, peer_close };
