/* SPDX-License-Identifier: ISC */
/*
 * Channels, calls and watches on which everything is done at random, in and out
 * of every callback, against what the headers say: each message once and in
 * order, none while it is paused or closed, one end of the right kind after
 * the last, each call told once.  TEST_SEED=n repeats a run.
 */
#include "loop-model.h"

/* At least, at most. */
#define ROUNDS 6
#define MOST   200
#define STEPS  150

static struct imsgloop_watch watches[SLOTS];
static int finishing;

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

void
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

/* What comes how often is also a matter of time: of everything, some. */
static int
enough(void)
{
	return messages > 1000 && told > 100 && answered > 2 &&
	    ends[IMSGLOOP_EOF] > 4 && ends[IMSGLOOP_TORN] > 4 &&
	    ends[IMSGLOOP_ERROR] > 1 && ends[IMSGLOOP_CLOSED] > 4;
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
	for (round = 0; round < ROUNDS || (round < MOST && !enough());
	     round++) {
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
	assert_true(enough());
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
