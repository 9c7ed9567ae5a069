/* SPDX-License-Identifier: ISC */
/* See loop-model.h. */
#include "loop-model.h"

uint64_t seed;
struct chan *all, *slots[SLOTS];
unsigned long ends[5], told, answered, messages;

uint32_t
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

void
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
void
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

void
on_watch(struct imsgloop_watch *w, short revents)
{
	assert_non_null(w->loop);
	assert_ptr_equal(w->arg, w);
	assert_int_equal(revents & ~(POLLIN | POLLOUT | POLLHUP | POLLERR), 0);
	if (revents != 0 && rnd(2) == 0)
		(void)imsgloop_set(w, 0, -1);
	some_ops(3);
}

const struct imsgloop_cb callbacks = { on_message, on_ended, on_drained };

void
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
void
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

void
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
