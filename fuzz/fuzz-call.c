/* SPDX-License-Identifier: ISC */
/*
 * A hostile peer answers calls, over a real socket and the loop on poll(2): the
 * callbacks that come are those that a plain reading of the same bytes gives, in
 * that order, whatever the callbacks themselves do.
 *
 * Input: options; operations: a byte each, see operations[], and what it needs.
 */
#define _GNU_SOURCE

#include <sys/socket.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <imsg_call.h>

#include "plain.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

/* Calls of one input. */
#define CALLS 64

/* A number that this side has not given to any call so far, and will not. */
#define NEVER 0x40000000U

enum plan { PLAN_NONE, PLAN_FREE, PLAN_DETACH, PLAN_CALL, PLAN_PAUSE, PLANS };

static struct call {
	uint32_t number;
	int pending;
} calls[CALLS];

static struct {
	struct imsgloop *loop;
	struct imsgloop_chan *chan; /* NULL: it has ended or is out */
	struct imsgcall *calls;	    /* NULL: no more of them */
	int peer;
	uint32_t half;
	size_t ncalls;
	enum plan plan;
	uint8_t planned;
	int ended, detached, raw, waited;
} f;

static struct plain peer; /* what it wrote */

static const uint8_t *in;
static size_t left;

static void
check(int good, const char *what)
{
	if (good)
		return;
	fprintf(stderr, "fuzz: %s\n", what);
	abort();
}

static uint8_t
take(void)
{
	if (left == 0)
		return 0;
	left--;
	return *in++;
}

static struct call *
find(uint32_t number)
{
	size_t i;

	for (i = 0; i < f.ncalls; i++)
		if (calls[i].number == number)
			return &calls[i];
	return NULL;
}

static size_t
pending(void)
{
	size_t i, n = 0;

	for (i = 0; i < f.ncalls; i++)
		n += calls[i].pending != 0;
	return n;
}

/* No call of these is told anything any more. */
static void
forget(void)
{
	size_t i;

	for (i = 0; i < f.ncalls; i++)
		calls[i].pending = 0;
	f.calls = NULL;
}

/* Is that message for nobody? */
static int
dropped(const uint32_t w[4])
{
	const struct call *c = find(w[2]);

	return f.calls != NULL && w[2] != 0 && (w[2] & 0x80000000U) == f.half &&
	    (c == NULL || !c->pending);
}

static void
pass_dropped(void)
{
	uint32_t w[4];

	while (plain_peek(&peer, w) == 1 && dropped(w))
		plain_skip(&peer);
}

/* That message is the next one which somebody gets. */
static void
is_next(const struct imsg *m, uint32_t w[4])
{
	size_t n;

	pass_dropped();
	check(plain_peek(&peer, w) == 1, "a message that nobody wrote");
	n = w[1] - IMSG_HEADER_SIZE;
	check(m->hdr.type == w[0] && m->hdr.peerid == w[2], "another message");
	check(m->hdr.len == w[1], "another length");
	check(n == 0 || memcmp(m->data, plain_payload(&peer), n) == 0,
	    "another payload");
}

/* What an error answer says is text and fits. */
static void
says_why(const struct imsg *m, size_t size)
{
	char buf[300];
	size_t i;

	memset(buf, 0x7f, sizeof(buf));
	check(imsgcall_why(m, buf, size) == buf, "why");
	check(size == 0 || memchr(buf, '\0', size) != NULL, "no end of why");
	check(buf[size] == 0x7f, "why is too long");
	for (i = 0; i < size && buf[i] != '\0'; i++)
		check(buf[i] >= ' ' && buf[i] <= '~', "why is no text");
}

static void start(void);

/* Within a callback. */
static void
follow_plan(void)
{
	enum plan plan = f.plan;
	struct imsgloop_chan *chan = f.chan;
	struct imsgcall *c = f.calls;

	f.plan = PLAN_NONE;
	switch (plan) {
	case PLAN_FREE:
		/* What a wait dropped would have been the handler's then. */
		if (f.waited)
			break;
		forget();
		imsgcall_free(c);
		break;
	case PLAN_DETACH:
		forget();
		f.chan = NULL;
		f.detached = 1;
		imsgloop_detach(chan);
		break;
	case PLAN_CALL:
		start();
		break;
	case PLAN_PAUSE:
		imsgloop_pause(chan);
		break;
	default:
		break;
	}
}

static void
message(struct imsgloop_chan *chan, struct imsg *m, void *arg)
{
	uint32_t w[4];

	(void)arg;
	check(chan == f.chan && !f.ended, "after the end");
	is_next(m, w);
	check(f.calls == NULL || find(w[2]) == NULL || !find(w[2])->pending,
	    "an answer is taken for a message");
	plain_skip(&peer);
	follow_plan();
}

/* EPROTO: the header would do on the classic wire. */
static int
end_error(int error)
{
	if (plain_end(&peer) == IMSGLOOP_ERROR)
		return error == ERANGE || error == EPROTO;
	return error == EPIPE;
}

static void
ended(struct imsgloop_chan *chan, int why, int error, void *arg)
{
	(void)arg;
	check(chan == f.chan && !f.ended, "ends twice");
	check(f.calls == NULL || pending() == 0, "ends before its calls");
	pass_dropped();
	check(why == plain_end(&peer), "another end");
	check(why == IMSGLOOP_EOF ? error == 0 : end_error(error), "its error");
	f.ended = 1;
	forget();
	f.chan = NULL;
}

static const struct imsgloop_cb cb = { message, ended, NULL };

static void
answered(struct imsgcall *c, struct imsg *answer, int error, void *arg)
{
	struct call *k = arg;
	uint32_t w[4];

	check(c == f.calls && c != NULL, "an answer after the end");
	check(k->pending, "a call ends twice");
	k->pending = 0;
	if (answer == NULL) {
		pass_dropped();
		check(end_error(error), "error of the end");
		check(plain_end(&peer) != 0, "its answer is there");
	} else {
		k->pending = 1;
		is_next(answer, w);
		check(w[2] == k->number, "the answer of another call");
		check(error == plain_error(&peer, w), "another error");
		k->pending = 0;
		says_why(answer, f.planned);
		plain_skip(&peer);
	}
	follow_plan();
}

static void
start(void)
{
	static const char request[256];
	struct call *k = &calls[f.ncalls];

	if (f.calls == NULL || f.ncalls == CALLS)
		return;
	k->number =
	    imsgcall_start(f.calls, 1, -1, request, f.planned, -1, answered, k);
	if (k->number == 0) {
		check(errno == EPIPE, "cannot call");
		return;
	}
	check(find(k->number) == NULL, "a number comes twice");
	check((k->number & 0x80000000U) == f.half, "not its half");
	check((k->number & NEVER) == 0, "a number that is never used");
	k->pending = 1;
	f.ncalls++;
	/* Who guesses the number may have answered it before. */
	if (plain_has(&peer, k->number)) {
		check(imsgcall_cancel(f.calls, k->number) == 0, "cancel");
		k->pending = 0;
	}
}

static void
cancel(void)
{
	struct call *k;

	if (f.calls == NULL || f.ncalls == 0)
		return;
	k = &calls[take() % f.ncalls];
	check(imsgcall_cancel(f.calls, k->number) == (k->pending ? 0 : -1),
	    "cancel");
	k->pending = 0;
}

/* Nobody has answered that yet, unless by a guess. */
static void
wait_in_vain(void)
{
	struct imsg answer;

	if (f.calls == NULL || f.raw)
		return;
	f.waited = 1;
	check(imsgcall_wait(f.calls, 1, -1, NULL, 0, 0, &answer) == -1,
	    "an answer before the question");
}

static void
put(const void *data, size_t n)
{
	if (n == 0 || !plain_put(&peer, data, n))
		return;
	/* Once the channel is gone nobody is there. */
	if (send(f.peer, data, n, MSG_NOSIGNAL) != (ssize_t)n)
		check(f.chan == NULL, "the socket is full");
}

static void
peer_writes(uint32_t number)
{
	uint8_t m[IMSG_HEADER_SIZE + 255];
	uint32_t w[4];
	size_t i;

	w[0] = take();
	if (w[0] & 0x80)
		w[0] = IMSGCALL_ERROR;
	w[1] = IMSG_HEADER_SIZE + (uint32_t)take();
	w[2] = number;
	w[3] = 0;
	memcpy(m, w, sizeof(w));
	for (i = sizeof(w); i < w[1]; i++)
		m[i] = take();
	put(m, w[1]);
}

static void
peer_answers(void)
{
	uint8_t i = take();

	peer_writes(f.ncalls == 0 ? NEVER : calls[i % f.ncalls].number);
}

/* A number of no call of this side, or one that is over. */
static void
peer_says(void)
{
	uint32_t number = (uint32_t)take() << 24 | take();

	if ((number & 0x80000000U) == f.half && number != 0)
		number |= NEVER;
	peer_writes(number);
}

static void
raw(void)
{
	size_t n = take();

	if (n > left)
		n = left;
	put(in, n);
	f.raw = 1;
	in += n;
	left -= n;
}

static void
turn(void)
{
	check(imsgloop_poll_turn(f.loop, 0) != -1, "turn");
}

/* What the next callback does. */
static void
plan(void)
{
	f.plan = take() % PLANS;
	f.planned = take();
}

static void (*const operations[])(void) = { start, cancel, peer_answers,
	peer_says, raw, turn, plan, wait_in_vain };

static void
step(void)
{
	operations[take() % 8]();
	check(f.calls == NULL || imsgcall_pending(f.calls) == pending(),
	    "another number of pending calls");
}

static void
begin(uint8_t options)
{
	int s[2];

	memset(&f, 0, sizeof(f));
	peer.written = peer.read = 0;
	f.half = options & 1 ? 0x80000000U : 0;
	check(socketpair(AF_UNIX, SOCK_STREAM, 0, s) == 0, "socketpair");
	f.peer = s[1];
	f.loop = imsgloop_poll_new();
	check(f.loop != NULL, "loop");
	f.chan = imsgloop_open(f.loop, s[0], &cb, NULL);
	check(f.chan != NULL, "channel");
	f.calls =
	    imsgcall_new(f.chan, options & 1 ? IMSGCALL_UPPER : IMSGCALL_LOWER);
	check(f.calls != NULL, "calls");
	if (options & 2)
		imsgloop_set_budget(f.chan, 1);
}

static void
finish(void)
{
	check(shutdown(f.peer, SHUT_WR) == 0 || f.chan == NULL, "shutdown");
	f.plan = PLAN_NONE;
	if (f.chan != NULL)
		imsgloop_resume(f.chan);
	check(imsgloop_poll_run(f.loop) == 0, "run");
	check(f.chan == NULL && f.ended + f.detached == 1, "does not end");
	check(pending() == 0, "a call without an end");
	imsgloop_poll_free(f.loop);
	close(f.peer);
}

static int
lowest_free(void)
{
	int fd = dup(0);

	check(fd != -1 && close(fd) == 0, "dup");
	return fd;
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	int fd = lowest_free();

	in = p;
	left = n;
	begin(take());
	while (left > 0)
		step();
	finish();
	check(lowest_free() == fd, "a descriptor is left open");
	return 0;
}
