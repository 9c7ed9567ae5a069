/* SPDX-License-Identifier: ISC */
/*
 * For the tests of imsg_call: a channel in a loop with calls over it, and its
 * other end as a bare imsgbuf in the same process, so that a test decides what
 * comes when.
 */
#ifndef CALL_PAIR_H
#define CALL_PAIR_H

#include <sys/types.h>
#include <sys/socket.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>
#include <imsg_call.h>

#define PAIR_LOG 256

/* What happened, in order: a letter and a number each. */
struct pair_log {
	char what[PAIR_LOG];
	uint32_t value[PAIR_LOG];
	int n;
};

struct pair {
	struct imsgloop *loop;
	struct imsgloop_chan *chan; /* NULL after `ended' */
	struct imsgcall *call;
	struct imsgbuf peer;
	struct pair_log log;
	int why, error; /* of `ended' */
	int fds;	/* open before */
};

static inline int
open_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int n = 0;

	assert_non_null(dir);
	while (readdir(dir) != NULL)
		n++;
	(void)closedir(dir);
	return n;
}

static inline int64_t
now_ms(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static inline void
pair_note(struct pair *p, char what, uint32_t value)
{
	assert_true(p->log.n < PAIR_LOG);
	p->log.what[p->log.n] = what;
	p->log.value[p->log.n++] = value;
}

/* The log says just this, and is empty afterwards. */
static inline void
pair_expect(struct pair *p, const char *what)
{
	char got[PAIR_LOG + 1];

	memcpy(got, p->log.what, (size_t)p->log.n);
	got[p->log.n] = '\0';
	assert_string_equal(got, what);
	p->log.n = 0;
}

static void
pair_message(struct imsgloop_chan *chan, struct imsg *m, void *arg)
{
	(void)chan;
	pair_note(arg, 'm', m->hdr.type);
}

static void
pair_ended(struct imsgloop_chan *chan, int why, int error, void *arg)
{
	struct pair *p = arg;

	assert_ptr_equal(chan, p->chan);
	pair_note(p, 'e', (uint32_t)why);
	p->why = why;
	p->error = error;
	p->chan = NULL;
	p->call = NULL;
}

static const struct imsgloop_cb pair_cb = { pair_message, pair_ended, NULL };

/* Notes 'a', 'f' (an error answer) or 't', 'p', 'x' for what came instead. */
static void
pair_done(struct imsgcall *c, struct imsg *m, int error, void *arg)
{
	struct pair *p = arg;

	(void)c;
	if (m == NULL)
		pair_note(p,
		    error == ETIMEDOUT ? 't' :
			error == EPIPE ? 'p' :
					 'x',
		    (uint32_t)error);
	else if (error == 0)
		pair_note(p, 'a', m->hdr.peerid);
	else
		pair_note(p, 'f', (uint32_t)error);
}

static inline void
pair_open_which(struct pair *p, const struct imsgloop_cb *cb, int which)
{
	int s[2];

	memset(p, 0, sizeof(*p));
	p->fds = open_fds();
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, s), 0);
	assert_non_null(p->loop = imsgloop_poll_new());
	assert_non_null(p->chan = imsgloop_open(p->loop, s[0], cb, p));
	assert_non_null(p->call = imsgcall_new(p->chan, which));
	assert_int_equal(imsgbuf_init(&p->peer, s[1]), 0);
	imsgbuf_allow_fdpass(&p->peer);
}

static inline void
pair_open(struct pair *p)
{
	pair_open_which(p, &pair_cb, IMSGCALL_LOWER);
}

static inline void
pair_hang_up(struct pair *p)
{
	if (p->peer.fd == -1)
		return;
	imsgbuf_clear(&p->peer);
	(void)close(p->peer.fd);
	p->peer.fd = -1;
}

static inline void
pair_close(struct pair *p)
{
	imsgloop_detach(p->chan);
	imsgloop_poll_free(p->loop);
	pair_hang_up(p);
	assert_int_equal(open_fds(), p->fds);
}

static inline uint32_t
pair_start(struct pair *p, int ms)
{
	return imsgcall_start(p->call, 1, -1, "question", 8, ms, pair_done, p);
}

/* Turns the loop until nothing more is to do at once. */
static inline void
pair_turn(struct pair *p)
{
	int i;

	for (i = 0; i < 1000 && imsgloop_poll_turn(p->loop, 0) > 0; i++)
		;
}

/* ... until so many things are noted, for at most 10 seconds. */
static inline void
pair_until(struct pair *p, int n)
{
	int64_t end = now_ms() + 10000;

	while (p->log.n < n) {
		assert_true(now_ms() < end);
		assert_int_not_equal(imsgloop_poll_turn(p->loop, 100), -1);
	}
}

static inline void
peer_get(struct pair *p, struct imsg *m)
{
	pair_turn(p);
	assert_int_equal(imsgbuf_recv(&p->peer, m, 10000), 1);
}

static inline void
peer_send(struct pair *p, uint32_t type, uint32_t peerid, int fd,
    const void *data, size_t len)
{
	assert_int_equal(
	    imsg_compose(&p->peer, type, peerid, 0, fd, data, len), 1);
	assert_int_equal(imsgbuf_flush(&p->peer), 0);
}

static inline void
peer_answer(struct pair *p, uint32_t number)
{
	peer_send(p, 2, number, -1, "answer", 6);
}

static inline void
peer_fail(struct pair *p, uint32_t number, int32_t error)
{
	peer_send(p, IMSGCALL_ERROR, number, -1, &error, sizeof(error));
}

/* Both ends of a pipe, to see whether a descriptor is closed. */
static inline int
pipe_is_closed(int reader)
{
	char c;

	return read(reader, &c, 1) == 0;
}

static inline int
pipe_open(int *reader)
{
	int fd[2];

	assert_int_equal(pipe(fd), 0);
	assert_int_equal(fcntl(fd[0], F_SETFL, O_NONBLOCK), 0);
	*reader = fd[0];
	return fd[1];
}

#endif
