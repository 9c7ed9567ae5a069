/* SPDX-License-Identifier: ISC */
/* See testlib-talk.h. */
#include "testlib-talk.h"

#include <poll.h>

#define MESSAGES TALK_MESSAGES

struct run {
	const struct talk *s;
	struct imsgbuf a, b;
	int master[MESSAGES]; /* whose duplicates are sent, or -1 */
	uint32_t sent, got;
	int lost;
	int dead;     /* the stream has ended for good, on purpose */
	int fatal;    /* it will */
	size_t moved; /* to tell whether anything goes on */
};

static unsigned char data[TALK_LARGE];

/* A duplicate of the message's descriptor, or -1. */
static int
fd_of(const struct run *r, uint32_t i)
{
	int fd = -1;

	if (r->master[i] != -1)
		assert_true((fd = dup(r->master[i])) != -1);
	return fd;
}

/* The queue before a call that failed, and a descriptor, are as they were. */
static void
unchanged(struct run *r, uint32_t len, size_t bytes, int fd)
{
	f_expect();
	assert_int_equal(imsgbuf_queuelen(&r->a), len);
	assert_int_equal(imsgbuf_queuebytes(&r->a), bytes);
	if (fd != -1)
		assert_int_equal(close(fd), 0);
}

static int
by_compose(struct run *r, uint32_t i, size_t len, int fd)
{
	return imsg_compose(&r->a, i, i + 1, 7, fd, data, len);
}

static int
by_composev(struct run *r, uint32_t i, size_t len, int fd)
{
	struct iovec iov[3] = { { data, len / 3 }, { NULL, 0 },
		{ data + len / 3, len - len / 3 } };

	return imsg_composev(&r->a, i, i + 1, 7, fd, iov, 3);
}

/* Whatever fails here, the descriptor is closed. */
static int
by_ibuf(struct run *r, uint32_t i, size_t len, int fd)
{
	struct ibuf *p = ibuf_dynamic(0, len + 1);
	int n;

	if (p == NULL || ibuf_add(p, data, len) == -1) {
		n = errno;
		close(fd);
		ibuf_free(p);
		errno = n;
		return -1;
	}
	ibuf_fd_set(p, fd);
	return imsg_compose_ibuf(&r->a, i, i + 1, 7, p);
}

static struct ibuf *
created(struct run *r, uint32_t i, size_t len, int fd)
{
	struct ibuf *p = imsg_create(&r->a, i, i + 1, 7, len / 2);
	int save = errno;

	if (p == NULL) {
		close(fd);
		errno = save;
		return NULL;
	}
	ibuf_fd_set(p, fd);
	if (imsg_add(p, data, len / 2) == -1 ||
	    imsg_add(p, data + len / 2, len - len / 2) == -1)
		return NULL;
	return p;
}

static int
by_create(struct run *r, uint32_t i, size_t len, int fd)
{
	struct ibuf *p = created(r, i, len, fd);

	if (p == NULL)
		return -1;
	imsg_close(&r->a, p);
	return 1;
}

/* Through a queue, as a message that came; one with descriptor is put back. */
static int
by_forward(struct run *r, uint32_t i, size_t len, int fd)
{
	struct ibufqueue *q;
	struct ibuf *p;
	struct imsg m;
	int n, save;

	if (fd != -1)
		return by_create(r, i, len, fd);
	if ((q = ibufq_new()) == NULL)
		return -1;
	if ((p = created(r, i, len, -1)) == NULL) {
		save = errno;
		ibufq_free(q);
		errno = save;
		return -1;
	}
	ibufq_push(q, p);
	assert_int_equal(imsg_ibufq_pop(q, &m), 1);
	n = imsg_forward(&r->a, &m);
	save = errno;
	imsg_ibufq_push(q, &m);
	assert_int_equal(ibufq_queuelen(q), 1);
	ibufq_free(q);
	errno = save;
	return n;
}

/* Composes message i, again after each failure. */
static void
compose(struct run *r, uint32_t i)
{
	static int (*const how[])(struct run *, uint32_t, size_t,
	    int) = { by_compose, by_composev, by_ibuf, by_create, by_forward };
	const uint32_t k = i % 5, len = imsgbuf_queuelen(&r->a);
	const size_t bytes = imsgbuf_queuebytes(&r->a);
	int fd;

	for (;;) {
		fd = fd_of(r, i);
		if (how[k](r, i, r->s->sizes[i], fd) == 1)
			break;
		/* compose and composev leave it with the caller. */
		unchanged(r, len, bytes, k < 2 ? fd : -1);
	}
	r->sent++;
}

static void
verify(struct run *r, struct imsg *m)
{
	const uint32_t i = r->got++;
	int fd, status = imsg_fd_status(m);

	assert_int_equal(imsg_get_type(m), i);
	assert_int_equal(imsg_get_id(m), i + 1);
	assert_int_equal(imsg_get_pid(m), 7);
	assert_int_equal(imsg_get_len(m), r->s->sizes[i]);
	if (r->s->sizes[i] > 0)
		assert_memory_equal(m->data, data, r->s->sizes[i]);
	fd = imsg_get_fd(m);
	if (status == IMSG_FD_LOST) {
		assert_true(r->master[i] != -1);
		r->lost++;
	} else if (r->master[i] != -1) {
		assert_int_equal(status, IMSG_FD_PRESENT);
		assert_int_equal(t_fd_id(fd), t_fd_id(r->master[i]));
		close(fd);
	} else {
		assert_int_equal(status, IMSG_FD_NONE);
		assert_int_equal(fd, -1);
	}
	imsg_free(m);
}

static void
write_some(struct run *r)
{
	const uint32_t len = imsgbuf_queuelen(&r->a);
	const size_t bytes = imsgbuf_queuebytes(&r->a);

	if (r->s->wait) {
		if (imsgbuf_flush_timeout(&r->a, 50) == 0) {
			assert_int_equal(imsgbuf_queuelen(&r->a), 0);
			assert_int_equal(imsgbuf_queuebytes(&r->a), 0);
			return;
		}
		if (errno != ETIMEDOUT)
			f_expect();
		return;
	}
	if (len > 0)
		assert_true(imsgbuf_events(&r->a) & POLLOUT);
	if (imsgbuf_write(&r->a) == -1) {
		unchanged(r, len, bytes, -1);
		r->dead |= r->fatal;
	}
}

static void
fetch_all(struct run *r)
{
	struct imsg m;
	int n;

	while ((n = imsgbuf_get(&r->b, &m)) != 0) {
		if (n == 1)
			verify(r, &m);
		else
			f_expect();
	}
}

static void
read_some(struct run *r)
{
	struct imsg m;
	int n;

	if (r->s->wait)
		n = imsgbuf_recv(&r->b, &m, 20);
	else
		n = imsgbuf_read(&r->b);
	if (n == 1 && r->s->wait)
		verify(r, &m);
	if (n == -1 && errno != ETIMEDOUT)
		f_expect();
	/* The end, if it was none, is no reason not to read on. */
	if (n == 0)
		f_idle();
	if (n <= 0)
		r->dead |= r->fatal;
	assert_int_equal(imsgbuf_failed(&r->b, NULL), 0);
	fetch_all(r);
}

/* Does anything go on? */
static void
progress(struct run *r)
{
	size_t now = f_bytes(F_SEND) + f_bytes(F_RECV) + r->got;

	if (now == r->moved)
		f_idle();
	r->moved = now;
}

static void
begin(struct run *r, const struct talk *s)
{
	int fds[2], end;
	uint32_t i;

	memset(r, 0, sizeof(*r));
	r->s = s;
	if (s->pipe) {
		assert_int_equal(pipe(fds), 0);
		end = fds[0];
		fds[0] = fds[1];
		fds[1] = end;
	} else {
		t_pair(fds);
	}
	t_nonblock(fds[0]);
	t_nonblock(fds[1]);
	while (imsgbuf_init(&r->a, fds[0]) == -1)
		f_expect();
	while (imsgbuf_init(&r->b, fds[1]) == -1)
		f_expect();
	assert_int_equal(imsgbuf_set_wire(&r->a, s->wire), 0);
	assert_int_equal(imsgbuf_set_wire(&r->b, s->wire), 0);
	assert_int_equal(imsgbuf_set_maxpayload(&r->a, sizeof(data)), 0);
	assert_int_equal(imsgbuf_set_maxpayload(&r->b, sizeof(data)), 0);
	if (s->pass) {
		imsgbuf_allow_fdpass(&r->a);
		imsgbuf_allow_fdpass(&r->b);
		imsgbuf_set_cloexec(&r->b);
	}
	for (i = 0; i < MESSAGES; i++)
		r->master[i] = (s->fds >> i & 1) && !s->pipe ? t_fd(NULL) : -1;
}

static int
number_of_fds(const struct talk *s)
{
	uint32_t i;
	int n = 0;

	for (i = 0; i < MESSAGES; i++)
		n += (int)(s->fds >> i & 1);
	return n;
}

static void
end(struct run *r)
{
	uint32_t i;

	assert_int_equal(imsgbuf_queuelen(&r->a), 0);
	assert_int_equal(imsgbuf_queuebytes(&r->a), 0);
	assert_int_equal(imsgbuf_partial(&r->b), 0);
	if (r->s->pass)
		assert_int_equal(r->lost, f_dropped());
	else
		assert_int_equal(r->lost, r->s->pipe ? 0 : number_of_fds(r->s));
	for (i = 0; i < MESSAGES; i++)
		if (r->master[i] != -1)
			close(r->master[i]);
	t_unchan(&r->a, &r->b);
}

/* Up to the byte at which it ended everything has come, nothing of the rest. */
static void
end_of_torn(struct run *r, const struct f_cut *c)
{
	size_t whole;
	uint32_t i;

	if (c->class == F_SEND) {
		assert_int_equal(f_bytes(F_SEND), c->at);
		assert_int_equal(imsgbuf_queuebytes(&r->a),
		    talk_bytes(r->s, r->sent) - c->at);
		while (f_bytes(F_RECV) < c->at)
			read_some(r);
	}
	assert_int_equal(f_bytes(F_RECV), c->at);
	whole = talk_bytes(r->s, r->got);
	assert_true(whole <= c->at);
	if (r->got < MESSAGES)
		assert_true(c->at < talk_bytes(r->s, r->got + 1));
	assert_int_equal(imsgbuf_partial(&r->b), whole < c->at);
	for (i = 0; i < MESSAGES; i++)
		if (r->master[i] != -1)
			close(r->master[i]);
	t_unchan(&r->a, &r->b);
}

/* The lowest free number: a descriptor that is left open raises it. */
static int
free_number(void)
{
	int fd = dup(STDERR_FILENO);

	close(fd);
	return fd;
}

size_t
talk_bytes(const struct talk *s, uint32_t messages)
{
	size_t n = 0;
	uint32_t i;

	for (i = 0; i < messages; i++)
		n += s->sizes[i] + IMSG_HEADER_SIZE;
	return n;
}

void
talk(const struct talk *s, const struct f_plan *plan)
{
	struct run r;
	const long live = t_live();
	const int number = free_number();
	uint32_t i;

	if (plan != NULL && getenv("TEST_TRACE") != NULL)
		print_message("%s: %s\n", s->name, f_name(plan));
	if (data[1] == 0)
		t_fill(data, sizeof(data), 1);
	f_begin(plan);
	begin(&r, s);
	r.fatal = plan != NULL && plan->fatal;
	while (r.got < MESSAGES && !r.dead) {
		for (i = 0; i < s->burst && r.sent < MESSAGES; i++)
			compose(&r, r.sent);
		write_some(&r);
		read_some(&r);
		progress(&r);
	}
	if (plan != NULL && plan->fatal) {
		end_of_torn(&r, &plan->cut[0]);
	} else {
		f_lift();
		end(&r);
	}
	assert_int_equal(t_live(), live);
	assert_int_equal(free_number(), number);
	assert_int_equal(t_bad_closes, 0);
}
