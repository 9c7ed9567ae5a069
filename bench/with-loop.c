/* SPDX-License-Identifier: ISC */
/*
 * libimsg in a loop: messages that a handler gets, and calls.
 *
 * The loop is that on poll(2), the imsgbuf as in with-imsg.c.  A handler touches
 * each message, and recv() turns the loop until it has.
 */
#include <stdlib.h>

#include <imsg_call.h>

#include "bench.h"

struct end {
	struct imsgloop *loop;
	struct imsgloop_chan *chan;
	struct imsgcall *call;
	struct imsgbuf buf;
	const void *question;
	size_t size;
	uint64_t sum;
	int got;
};

static void
message(struct imsgloop_chan *chan, struct imsg *m, void *arg)
{
	struct end *e = arg;

	(void)chan;
	e->sum = touch(m->data, m->hdr.len - IMSG_HEADER_SIZE);
	e->got++;
}

/* Of the size of the request. */
static void
request(struct imsgloop_chan *chan, struct imsg *m, void *arg)
{
	message(chan, m, arg);
	must(imsgcall_answer(
		 chan, m, 1, -1, m->data, m->hdr.len - IMSG_HEADER_SIZE) == 1,
	    "answer");
}

static void
answer(struct imsgcall *c, struct imsg *m, int error, void *arg)
{
	struct end *e = arg;

	(void)c;
	must(error == 0, "call");
	message(e->chan, m, e);
}

static void
ended(struct imsgloop_chan *chan, int why, int error, void *arg)
{
	(void)chan;
	(void)why;
	(void)error;
	(void)arg;
	die("channel");
}

static const struct imsgloop_cb messages = { message, ended, NULL };
static const struct imsgloop_cb requests = { request, ended, NULL };

static struct end *
begin(
    const struct place *at, const struct cell *c, const struct imsgloop_cb *cb)
{
	struct end *e = calloc(1, sizeof(*e));

	must(e != NULL, "calloc");
	must((e->loop = imsgloop_poll_new()) != NULL, "poll");
	must(imsgbuf_init(&e->buf, at->fd) == 0, "imsgbuf_init");
	e->chan = imsgloop_attach(e->loop, &e->buf, cb, e);
	must(e->chan != NULL, "attach");
	e->size = c->size;
	return e;
}

static void
turn(struct end *e)
{
	must(imsgloop_poll_turn(e->loop, -1) != -1, "turn");
}

static int
loop_can(const struct cell *c)
{
	return c->channels == 1 && c->kind[0] == 'T';
}

static void *
loop_open(const struct place *at, const struct cell *c)
{
	return begin(at, c, &messages);
}

static void
loop_send(void *arg, const void *data, int fd, int flush)
{
	struct end *e = arg;

	must(imsgloop_compose(e->chan, 1, 0, 0, fd, data, e->size) == 1,
	    "compose");
	while (flush && imsgbuf_queuelen(&e->buf) > 0)
		turn(e);
}

static uint64_t
loop_recv(void *arg)
{
	struct end *e = arg;

	while (e->got == 0)
		turn(e);
	e->got--;
	return e->sum;
}

static void
loop_close(void *arg)
{
	struct end *e = arg;

	imsgloop_detach(e->chan);
	imsgbuf_clear(&e->buf);
	imsgloop_poll_free(e->loop);
	free(e);
}

static int
call_can(const struct cell *c)
{
	return c->channels == 1 && c->kind[0] == 'R';
}

/* Who is asked answers in its loop; nothing is left to do for send(). */
static void *
call_open(const struct place *at, const struct cell *c)
{
	struct end *e;

	if (at->side == 1)
		return begin(at, c, &requests);
	e = begin(at, c, &messages);
	must((e->call = imsgcall_new(e->chan, IMSGCALL_LOWER)) != NULL, "new");
	return e;
}

static void
wait_send(void *arg, const void *data, int fd, int flush)
{
	struct end *e = arg;

	(void)fd;
	(void)flush;
	e->question = data;
}

static uint64_t
wait_recv(void *arg)
{
	struct end *e = arg;
	struct imsg m;
	uint64_t sum;

	if (e->call == NULL)
		return loop_recv(e);
	must(
	    imsgcall_wait(e->call, 1, -1, e->question, e->size, 60000, &m) == 1,
	    "wait");
	sum = touch(m.data, m.hdr.len - IMSG_HEADER_SIZE);
	imsg_free(&m);
	return sum;
}

static void
start_send(void *arg, const void *data, int fd, int flush)
{
	struct end *e = arg;

	(void)flush;
	if (e->call != NULL)
		must(imsgcall_start(
			 e->call, 1, fd, data, e->size, 60000, answer, e) != 0,
		    "start");
}

const struct contender with_loop = { "loop", loop_can, loop_open, loop_send,
	loop_recv, loop_close };
const struct contender with_wait = { "call", call_can, call_open, wait_send,
	wait_recv, loop_close };
const struct contender with_call = { "call, loop", call_can, call_open,
	start_send, loop_recv, loop_close };
