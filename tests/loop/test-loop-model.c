/* SPDX-License-Identifier: ISC */
/*
 * Channels, calls and watches on which everything is done at random, in and out
 * of every callback, against what the headers say: each message once and in
 * order, none while it is paused or closed, one end of the right kind after
 * the last, each call told once.  TEST_SEED=n repeats a run.
 */
#include "looplib.h"

#include <imsg_call.h>

#define ROUNDS	 15
#define STEPS	 150
#define SLOTS	 5
#define MESSAGES 4000
#define CALLS	 64

struct call {
	struct chan *of;
	uint32_t number;
	int pending;
};

/* One channel, and what the peer has sent: a message of number 0, or answers. */
struct chan {
	struct chan *next; /* all of this round */
	struct side s;	   /* s.own: attached; s.peer */
	struct imsgcall *call;
	struct call calls[CALLS];
	int ncalls;
	uint32_t answers[MESSAGES];
	char invented[MESSAGES]; /* before there was such a call */
	uint32_t sent, seen, last_number;
	/* To the peer: the last type; how many are queued, or may be. */
	uint32_t composed, queued, perhaps;
	uint32_t arrived, last;
	int paused, closed, gone, hung_up, torn;
	unsigned int budget, this_turn, allowed; /* from the next turn on */
};

static uint64_t seed;
static struct chan *all, *slots[SLOTS];
static struct imsgloop_watch watches[SLOTS];
static int finishing;
static unsigned long ends[5], told, answered, messages;

static void some_ops(uint32_t most);

static uint32_t
rnd(uint32_t n)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (uint32_t)(seed >> 32) % n;
}

static int
is_pending(const struct chan *c, uint32_t number)
{
	int i;

	for (i = 0; i < c->ncalls; i++)
		if (c->calls[i].number == number && c->calls[i].pending)
			return 1;
	return 0;
}

/* Up to the message that has come; only answers nobody waits for are left out.
 */
static void
came(struct chan *c, struct imsg *m)
{
	uint32_t n = imsg_get_type(m);

	assert_false(c->gone || c->closed || c->paused);
	assert_true(n > c->seen && n <= c->sent);
	for (c->seen++; c->seen < n; c->seen++) {
		assert_int_not_equal(c->answers[c->seen], 0);
		assert_false(!c->invented[c->seen] &&
		    is_pending(c, c->answers[c->seen]));
	}
	assert_int_equal(imsg_get_id(m), c->answers[n]);
	assert_true(++c->this_turn <= c->allowed || !l_adapter->exact);
	messages++;
}

static void
take(struct imsg *m)
{
	struct imsg kept;
	int fd;

	switch (rnd(4)) {
	case 0:
		if ((fd = imsg_get_fd(m)) != -1)
			(void)close(fd);
		break;
	case 1:
		imsgloop_keep(m, &kept);
		imsg_free(&kept);
		break;
	}
}

static void
on_message(struct imsgloop_chan *k, struct imsg *m, void *arg)
{
	struct chan *c = arg;

	assert_ptr_equal(k, c->s.c);
	came(c, m);
	if (c->call != NULL)
		assert_int_equal(imsg_get_id(m), 0);
	take(m);
	some_ops(4);
}

static void
on_answer(struct imsgcall *call, struct imsg *m, int error, void *arg)
{
	struct call *k = arg;
	struct chan *c = k->of;

	assert_true(k->pending && !c->gone);
	assert_ptr_equal(call, c->call);
	k->pending = 0;
	told++;
	if (m != NULL) {
		assert_int_equal(error, 0);
		assert_int_equal(imsg_get_id(m), k->number);
		came(c, m);
		answered++;
		take(m);
	} else {
		assert_int_not_equal(error, 0);
		/* `ended' is next. */
		if (error != ETIMEDOUT)
			c->s.why = IMSGLOOP_ERROR;
	}
	some_ops(4);
}

/* The channel is out: what it attached is the test's again. */
static void
out(struct chan *c)
{
	int i;

	c->gone = 1;
	c->s.c = NULL;
	c->call = NULL;
	for (i = 0; i < c->ncalls; i++)
		c->calls[i].pending = 0;
	for (i = 0; i < SLOTS; i++)
		if (slots[i] == c)
			slots[i] = NULL;
	if (c->s.own.w != NULL) {
		imsgbuf_clear(&c->s.own);
		(void)close(c->s.own.fd);
	}
}

static void
on_ended(struct imsgloop_chan *k, int why, int error, void *arg)
{
	struct chan *c = arg;
	int i;

	assert_ptr_equal(k, c->s.c);
	assert_false(c->gone);
	ends[why]++;
	for (i = 0; i < c->ncalls; i++)
		assert_false(c->calls[i].pending);
	c->s.why = why;
	c->s.error = error;
	assert_int_equal(why == IMSGLOOP_CLOSED, c->closed);
	if (c->closed) {
		assert_true(error == 0 || error == ETIMEDOUT || c->hung_up);
	} else {
		assert_true(c->hung_up);
		if (why != IMSGLOOP_ERROR)
			assert_int_equal(why == IMSGLOOP_TORN, c->torn);
		for (; c->seen < c->sent; c->seen++)
			assert_int_not_equal(c->answers[c->seen + 1], 0);
	}
	some_ops(4);
	if (rnd(2) == 0 && !c->gone)
		imsgloop_detach(k);
	if (!c->gone)
		out(c);
}

static void
on_drained(struct imsgloop_chan *k, void *arg)
{
	struct chan *c = arg;

	assert_ptr_equal(k, c->s.c);
	assert_false(c->gone || c->closed);
	assert_int_equal(imsgbuf_queuelen(imsgloop_imsgbuf(k)), 0);
	some_ops(2);
}

static void
on_watch(struct imsgloop_watch *w, short revents)
{
	assert_non_null(w->loop);
	assert_ptr_equal(w->arg, w);
	assert_int_equal(revents & ~(POLLIN | POLLOUT | POLLHUP | POLLERR), 0);
	if (revents != 0 && rnd(2) == 0)
		(void)imsgloop_set(w, 0, -1);
	some_ops(3);
}

static const struct imsgloop_cb callbacks = { on_message, on_ended,
	on_drained };

static void
peer_sends(struct chan *c, uint32_t number)
{
	static const char bytes[3000];
	uint32_t n = c->sent + 1;
	int fd = rnd(8) == 0 ? l_fd() : -1;

	if (c->hung_up || n == MESSAGES) {
		if (fd != -1)
			(void)close(fd);
		return;
	}
	c->sent = n;
	c->answers[n] = number;
	assert_int_equal(imsg_compose(&c->s.peer, n, number, 0, fd, bytes,
			     rnd(6) == 0 ? rnd(sizeof(bytes)) : rnd(20)),
	    1);
}

/* What has come to the peer is in order; requests it may answer. */
static void
peer_takes(struct chan *c)
{
	struct imsg m;

	if (c->s.peer.w == NULL)
		return;
	while (imsgbuf_recv(&c->s.peer, &m, 0) == 1) {
		c->arrived++;
		assert_true(imsg_get_type(&m) > c->last);
		c->last = imsg_get_type(&m);
		if (imsg_get_id(&m) != 0 && rnd(3) != 0)
			peer_sends(c, imsg_get_id(&m));
		imsg_free(&m);
	}
}

static void
peer_hangs_up(struct chan *c)
{
	if (c->hung_up || !side_push(&c->s))
		return;
	c->hung_up = 1;
	c->torn = rnd(2) == 0 && write(c->s.peer.fd, "\1\0\0", 3) == 3;
	if (rnd(2) == 0 && shutdown(c->s.peer.fd, SHUT_WR) == 0)
		return;
	side_hang_up(&c->s);
}

static void
channel_opens(struct chan **slot)
{
	struct chan *c = calloc(1, sizeof(*c));
	int pair[2];

	assert_non_null(c);
	c->next = all;
	all = *slot = c;
	l_pair(pair);
	assert_int_equal(fcntl(pair[1], F_SETFL, O_NONBLOCK), 0);
	assert_int_equal(imsgbuf_init(&c->s.peer, pair[1]), 0);
	imsgbuf_allow_fdpass(&c->s.peer);
	c->budget = 128;
	if (rnd(2) == 0) {
		c->s.c = imsgloop_open(l_loop, pair[0], &callbacks, c);
	} else {
		assert_int_equal(imsgbuf_init(&c->s.own, pair[0]), 0);
		imsgbuf_allow_fdpass(&c->s.own);
		c->s.c = imsgloop_attach(l_loop, &c->s.own, &callbacks, c);
	}
	assert_non_null(c->s.c);
}

static void
channel_composes(struct chan *c)
{
	static const char bytes[8000];
	size_t len = rnd(4) == 0 ? rnd(sizeof(bytes)) : 3;
	struct imsgbuf *b = imsgloop_imsgbuf(c->s.c);
	int fd = rnd(8) == 0 ? l_fd() : -1, r;

	if (fd == -1 && rnd(4) == 0 && !c->closed && c->s.why == 0) {
		r = imsg_compose(b, ++c->composed, 0, 0, -1, bytes, len);
		imsgloop_queued(c->s.c);
	} else {
		r = imsgloop_compose(
		    c->s.c, ++c->composed, 0, 0, fd, bytes, len);
	}
	if (r == 1) {
		c->queued++;
		return;
	}
	assert_int_equal(errno, EPIPE);
	assert_true(c->closed || c->s.why != 0);
	if (fd != -1)
		(void)close(fd);
}

static void
call_starts(struct chan *c)
{
	struct call *k = &c->calls[c->ncalls];
	int fd;

	if (c->call == NULL || c->ncalls == CALLS)
		return;
	fd = rnd(8) == 0 ? l_fd() : -1;
	k->of = c;
	k->number = imsgcall_start(
	    c->call, ++c->composed, fd, "?", 1, (int)rnd(4) - 1, on_answer, k);
	if (k->number == 0) {
		assert_int_equal(errno, EPIPE);
		if (fd != -1)
			(void)close(fd);
		return;
	}
	assert_true(k->number > c->last_number);
	c->last_number = k->number;
	k->pending = 1;
	c->ncalls++;
	c->queued++;
}

/* The answer may be there before the question. */
static void
call_waits(struct chan *c)
{
	struct imsg m;
	int r;

	if (c->call == NULL)
		return;
	if (rnd(2) == 0) {
		peer_sends(c, c->last_number + 1 + rnd(2));
		c->invented[c->sent] = 1;
	}
	if (!c->hung_up)
		(void)side_push(&c->s);
	r = imsgcall_wait(c->call, ++c->composed, rnd(4) == 0 ? l_fd() : -1,
	    "??", 2, (int)rnd(3), &m);
	if (r == 1) {
		assert_true(imsg_get_id(&m) > c->last_number);
		c->last_number = imsg_get_id(&m);
		c->queued++;
		imsg_free(&m);
		return;
	}
	assert_int_equal(r, -1);
	if (errno == ETIMEDOUT) {
		c->queued++;
	} else {
		assert_true(errno == EPIPE || errno == ENOBUFS);
		c->perhaps++;
	}
}

static void
call_ends(struct chan *c)
{
	int i;

	if (c->call == NULL) {
		c->call = imsgcall_new(c->s.c, IMSGCALL_LOWER);
		assert_non_null(c->call);
		return;
	}
	if (rnd(3) != 0 && c->ncalls > 0) {
		i = (int)rnd((uint32_t)c->ncalls);
		assert_int_equal(imsgcall_cancel(c->call, c->calls[i].number),
		    c->calls[i].pending ? 0 : -1);
		c->calls[i].pending = 0;
		return;
	}
	imsgcall_free(c->call);
	c->call = NULL;
	for (i = 0; i < c->ncalls; i++)
		c->calls[i].pending = 0;
}

static void
watch_op(struct imsgloop_watch *w, struct chan *c)
{
	if (w->loop == NULL) {
		assert_int_equal(imsgloop_watch(l_loop, w, -1, on_watch, w), 0);
		assert_int_equal(imsgloop_set(w, 0, (int)rnd(3)), 0);
	} else if (rnd(3) == 0) {
		imsgloop_unwatch(w);
	} else {
		assert_int_equal(imsgloop_set(w, 0, (int)rnd(3)), 0);
	}
	(void)c;
}

static void
flow_op(struct chan *c)
{
	switch (rnd(4)) {
	case 0:
		imsgloop_pause(c->s.c);
		c->paused = 1;
		break;
	case 1:
		c->budget = 1 + rnd(6);
		if (c->allowed < c->budget)
			c->allowed = c->budget;
		imsgloop_set_budget(c->s.c, c->budget);
		break;
	default:
		imsgloop_resume(c->s.c);
		c->paused = 0;
		break;
	}
}

static void
end_op(struct chan *c)
{
	switch (rnd(12)) {
	case 0:
		imsgloop_detach(c->s.c);
		out(c);
		break;
	case 1:
		assert_int_equal(imsgloop_close(c->s.c, (int)rnd(4) - 1), 0);
		if (c->s.why == 0)
			c->closed = 1;
		break;
	case 2:
		peer_hangs_up(c);
		break;
	}
}

static void
op(void)
{
	uint32_t i = rnd(SLOTS), n;
	struct chan *c = slots[i];

	if (c == NULL) {
		if (!finishing)
			channel_opens(&slots[i]);
		return;
	}
	switch (rnd(10)) {
	case 0:
	case 1:
		for (n = rnd(12); n > 0; n--)
			peer_sends(c, 0);
		/* FALLTHROUGH */
	case 2:
		if (!c->hung_up)
			(void)side_push(&c->s);
		break;
	case 3:
		peer_takes(c);
		break;
	case 4:
		for (n = rnd(8); n > 0; n--)
			channel_composes(c);
		break;
	case 5:
		flow_op(c);
		break;
	case 6:
		call_starts(c);
		break;
	case 7:
		if (rnd(4) == 0)
			call_ends(c);
		else
			call_waits(c);
		break;
	case 8:
		watch_op(&watches[rnd(SLOTS)], c);
		break;
	case 9:
		end_op(c);
		break;
	}
}

static void
some_ops(uint32_t most)
{
	uint32_t n;

	for (n = rnd(most); n > 0; n--)
		op();
}

static void
turn(int ms)
{
	struct chan *c;

	for (c = all; c != NULL; c = c->next) {
		c->this_turn = 0;
		c->allowed = c->budget;
	}
	l_turn(ms);
}

/* The peers read and hang up, and all comes to its end. */
static void
finish(void)
{
	struct chan *c;
	int i, left;

	finishing = 1;
	for (i = 0; i < SLOTS; i++)
		imsgloop_unwatch(&watches[i]);
	for (i = 0; i < 100000; i++) {
		left = 0;
		for (c = all; c != NULL; c = c->next) {
			peer_takes(c);
			if (c->gone)
				continue;
			left++;
			imsgloop_resume(c->s.c);
			c->paused = 0;
			peer_hangs_up(c);
		}
		if (left == 0)
			break;
		turn(1);
	}
	assert_int_equal(left, 0);
	while ((c = all) != NULL) {
		peer_takes(c);
		if (c->s.why == IMSGLOOP_CLOSED && c->s.error == 0 &&
		    c->s.peer.w != NULL)
			assert_in_range(
			    c->arrived, c->queued, c->queued + c->perhaps);
		side_hang_up(&c->s);
		all = c->next;
		free(c);
	}
	for (i = 0; i < SLOTS; i++)
		imsgloop_unwatch(&watches[i]);
	finishing = 0;
}

static void
whatever_is_done_all_comes_once_and_in_order(void **state)
{
	int round, step;

	(void)state;
	all = NULL;
	memset(slots, 0, sizeof(slots));
	memset(watches, 0, sizeof(watches));
	finishing = 0;
	for (round = 0; round < ROUNDS; round++) {
		for (step = 0; step < STEPS; step++) {
			some_ops(6);
			turn(rnd(4) == 0);
		}
		finish();
	}
	print_message("%lu messages, %lu calls told, %lu answered; %lu EOF, "
		      "%lu torn, %lu errors, %lu closed\n",
	    messages, told, answered, ends[IMSGLOOP_EOF], ends[IMSGLOOP_TORN],
	    ends[IMSGLOOP_ERROR], ends[IMSGLOOP_CLOSED]);
	assert_true(messages > 1000 && told > 100 && answered > 5);
	assert_true(ends[IMSGLOOP_EOF] > 10 && ends[IMSGLOOP_TORN] > 10 &&
	    ends[IMSGLOOP_ERROR] > 1 && ends[IMSGLOOP_CLOSED] > 10);
	memset(ends, 0, sizeof(ends));
	messages = told = answered = 0;
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		L(whatever_is_done_all_comes_once_and_in_order),
	};
	const char *s = getenv("TEST_SEED");

	seed = s != NULL ? strtoull(s, NULL, 10) : 20261126;
	if (seed == 0)
		seed = 1;
	print_message("TEST_SEED=%llu\n", (unsigned long long)seed);
	return L_RUN(tests);
}
