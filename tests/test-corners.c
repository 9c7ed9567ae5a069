/* SPDX-License-Identifier: ISC */
/*
 * Rare ways through a channel and a msgbuf that no other test has reason to
 * take; the coverage gate names them.
 */
#include "testlib.h"

#define TRUST_MAX ((size_t)4 * 1024 * 1024)

/* Sends all that is queued and reads once; both nonblocking. */
static void
carry(struct imsgbuf *a, struct imsgbuf *b)
{
	assert_int_equal(imsgbuf_write(a), 0);
	assert_int_equal(imsgbuf_read(b), 1);
}

static void
an_assigned_maxsize_below_a_header_lets_nothing_through(void **state)
{
	struct imsgbuf a, b;

	(void)state;
	t_chan(&a, &b, 0);
	assert_int_equal(imsg_compose(&a, 1, 0, 0, -1, NULL, 0), 1);
	b.maxsize = a.maxsize = 5;
	assert_errno(imsg_compose(&a, 1, 0, 0, -1, NULL, 0), ERANGE);
	assert_null_errno(imsg_create(&a, 1, 0, 0, 0), ERANGE);
	assert_int_equal(imsgbuf_write(&a), 0);
	assert_errno(imsgbuf_read(&b), ERANGE);
	assert_int_equal(imsgbuf_failed(&b, NULL), ERANGE);
	t_unchan(&a, &b);
}

/* A limit that what is queued has passed already. */
static void
a_limit_set_below_what_is_queued_refuses_the_next(void **state)
{
	struct imsg_limits l = { 20, 0, 0, 0, 0, 0 };
	struct imsgbuf a, b;

	(void)state;
	t_chan(&a, &b, 1);
	assert_int_equal(imsg_compose(&a, 1, 0, 0, -1, "abc", 3), 1);
	assert_int_equal(imsg_compose(&a, 2, 0, 0, -1, "abc", 3), 1);
	assert_int_equal(imsgbuf_set_limits(&a, &l), 0);
	assert_errno(imsg_compose(&a, 3, 0, 0, -1, NULL, 0), ENOBUFS);
	assert_int_equal(imsgbuf_queuelen(&a), 2);
	memset(&l, 0, sizeof(l));
	l.wfds = 1;
	assert_int_equal(imsgbuf_set_limits(&a, &l), 0);
	assert_int_equal(imsg_compose(&a, 3, 0, 0, t_fd(NULL), NULL, 0), 1);
	assert_errno(imsg_compose(&a, 4, 0, 0, 0, NULL, 0), ENOBUFS);
	assert_int_equal(imsg_compose(&a, 4, 0, 0, -1, NULL, 0), 1);
	t_unchan(&a, &b);
}

static void
a_limit_of_descriptors_stops_reading(void **state)
{
	struct imsg_limits l = { 0, 0, 0, 0, 0, 1 };
	struct imsgbuf a, b;
	unsigned long calls;
	uint64_t id[3];
	uint32_t i;

	(void)state;
	t_chan(&a, &b, 1);
	assert_int_equal(imsgbuf_set_limits(&b, &l), 0);
	for (i = 0; i < 3; i++)
		assert_int_equal(
		    imsg_compose(&a, i, 0, 0, t_fd(&id[i]), NULL, 0), 1);
	while (imsgbuf_queuelen(&a) > 0)
		assert_int_equal(imsgbuf_write(&a), 0);
	for (i = 0; i < 3; i++) {
		assert_true(imsgbuf_events(&b) & POLLIN);
		assert_int_equal(imsgbuf_read(&b), 1);
		assert_false(imsgbuf_events(&b) & POLLIN);
		calls = t_calls.recv;
		assert_int_equal(imsgbuf_read(&b), 1);
		assert_int_equal(t_calls.recv, calls);
		t_expect(&b, i, IMSG_FD_PRESENT, id[i]);
	}
	t_unchan(&a, &b);
}

/* msgbuf_get() on a channel's reader: the messages that wait, as they are. */
static void
msgbuf_get_takes_from_a_channel_too(void **state)
{
	struct imsgbuf a, b;
	struct imsg_hdr h;
	struct ibuf *p;
	uint32_t i;

	(void)state;
	t_chan(&a, &b, 0);
	for (i = 0; i < 3; i++)
		assert_int_equal(imsg_compose(&a, i, 0, 9, -1, &i, 3), 1);
	assert_null(msgbuf_get(b.w));
	for (i = 0; i < 3; i++) {
		if (i == 0 || imsgbuf_queuelen(&a) > 0)
			carry(&a, &b);
		t_fail_alloc(1, 0);
		errno = 0;
		if ((p = msgbuf_get(b.w)) == NULL) {
			/* Made as it is fetched: memory may be short then. */
			assert_int_equal(errno, ENOMEM);
			p = msgbuf_get(b.w);
		}
		t_fail_alloc(0, 0);
		while (p == NULL) {
			assert_int_equal(imsgbuf_read(&b), 1);
			p = msgbuf_get(b.w);
		}
		assert_int_equal(ibuf_get(p, &h, sizeof(h)), 0);
		assert_true(h.type == i && h.pid == 9 && h.len == 19);
		assert_memory_equal(ibuf_data(p), &i, 3);
		ibuf_free(p);
	}
	assert_null(msgbuf_get(b.w));
	t_unchan(&a, &b);
}

/* Small ones from number *type on, until so many bytes are queued. */
static void
queue_small(struct imsgbuf *a, uint32_t *type, size_t bytes)
{
	unsigned char p[100];

	for (; imsgbuf_queuebytes(a) < bytes; ++*type) {
		t_fill(p, sizeof(p), *type);
		assert_int_equal(
		    imsg_compose(a, *type, 0, 0, -1, p, sizeof(p)), 1);
	}
}

/* Three chunks of the size that is kept are sent, and two are kept. */
static void
more_chunks_than_are_kept_are_freed(void **state)
{
	struct imsgbuf a, b;
	uint32_t type = 0, fd_type, i;
	uint64_t id;
	long before;

	(void)state;
	t_chan(&a, &b, 1);
	before = t_live();
	t_nonblock(a.fd);
	queue_small(&a, &type, 100000);
	fd_type = type++;
	assert_int_equal(
	    imsg_compose(&a, fd_type, 0, 0, t_fd(&id), NULL, 0), 1);
	/* Behind it they begin small and grow to that size. */
	queue_small(&a, &type, 250000);
	for (i = 0; i < type; i++) {
		assert_int_equal(imsgbuf_write(&a), 0);
		if (i == fd_type)
			t_expect(&b, i, IMSG_FD_PRESENT, id);
		else
			t_expect(&b, i, IMSG_FD_NONE, 0);
	}
	assert_int_equal(imsgbuf_queuelen(&a), 0);
	assert_true(t_live() <= before + 2);
	t_unchan(&a, &b);
}

#ifndef IMSGI_INPUT_SIZE
/* Above 4 MiB one message is no reason to trust the next. */
static void
a_message_above_the_trusted_size_comes_whole(void **state)
{
	const size_t len = TRUST_MAX + 5;
	unsigned char *data = malloc(len);
	struct imsgbuf a, b;
	struct imsg m;
	int r;

	(void)state;
	assert_non_null(data);
	t_fill(data, len, 3);
	t_chan(&a, &b, 0);
	t_nonblock(a.fd);
	t_nonblock(b.fd);
	assert_int_equal(imsgbuf_set_maxpayload(&a, (uint32_t)len), 0);
	assert_int_equal(imsgbuf_set_maxpayload(&b, (uint32_t)len), 0);
	assert_int_equal(imsg_compose(&a, 3, 0, 0, -1, data, len), 1);
	while ((r = imsgbuf_get(&b, &m)) == 0) {
		assert_int_equal(imsgbuf_write(&a), 0);
		assert_int_equal(imsgbuf_read(&b), 1);
	}
	assert_int_equal(r, 1);
	assert_int_equal(imsg_get_len(&m), len);
	assert_memory_equal(m.data, data, len);
	imsg_free(&m);
	t_unchan(&a, &b);
	free(data);
}
#endif

/* A msgbuf that has a descriptor waiting gets a queue. */
static void
a_waiting_descriptor_rides_on_what_a_queue_brings(void **state)
{
	struct msgbuf *m = msgbuf_new();
	struct ibufqueue *q = ibufq_new();
	struct ibuf *b = ibuf_open(0), *p;
	uint64_t id;
	unsigned char c;
	char ctl[CMSG_SPACE(sizeof(int))];
	struct iovec iov = { &c, 1 };
	struct msghdr msg;
	struct cmsghdr *cm;
	int s[2], fd = -1;

	(void)state;
	t_pair(s);
	ibuf_fd_set(b, t_fd(&id));
	ibuf_close(m, b);
	assert_non_null(p = ibuf_open(1));
	assert_int_equal(ibuf_add_n8(p, 7), 0);
	ibufq_push(q, p);
	msgbuf_concat(m, q);
	assert_int_equal(msgbuf_queuelen(m), 1);
	assert_int_equal(msgbuf_write(s[0], m), 0);
	memset(&msg, 0, sizeof(msg));
	msg.msg_iov = &iov;
	msg.msg_iovlen = 1;
	msg.msg_control = ctl;
	msg.msg_controllen = sizeof(ctl);
	assert_int_equal(recvmsg(s[1], &msg, 0), 1);
	assert_int_equal(c, 7);
	cm = CMSG_FIRSTHDR(&msg);
	assert_non_null(cm);
	if (cm != NULL)
		memcpy(&fd, CMSG_DATA(cm), sizeof(fd));
	assert_int_equal(t_fd_id(fd), id);
	close(fd);
	close(s[0]);
	close(s[1]);
	ibufq_free(q);
	msgbuf_free(m);
}

static struct ibuf *
takes_and_refuses(struct ibuf *hdr, void *arg, int *fd)
{
	(void)hdr;
	*(int *)arg = *fd;
	*fd = -1;
	errno = E2BIG;
	return NULL;
}

/* What a callback has taken is its own, whatever it returns. */
static void
a_descriptor_that_a_failing_callback_took_is_not_closed(void **state)
{
	struct msgbuf *m;
	uint64_t id;
	int s[2], taken = -1, fd = t_fd(&id);

	(void)state;
	t_pair(s);
	assert_non_null(m = msgbuf_new_reader(1, takes_and_refuses, &taken));
	t_put_fd(s[0], "x", 1, fd);
	assert_errno(msgbuf_read(s[1], m), E2BIG);
	assert_true(taken >= 0);
	assert_int_equal(t_fd_id(taken), id);
	msgbuf_free(m);
	assert_int_equal(t_fd_id(taken), id);
	close(taken);
	close(fd);
	close(s[0]);
	close(s[1]);
}

static int64_t ms;

static int
w_now(struct timespec *ts)
{
	ts->tv_sec = (time_t)(ms / 1000);
	ts->tv_nsec = (long)(ms % 1000) * 1000000;
	return 0;
}

static ssize_t
w_sendmsg(int fd, const struct msghdr *m, int flags)
{
	(void)fd;
	(void)flags;
	(void)m;
	/* It took its time, and half of the message. */
	ms += 100;
	return 3;
}

static ssize_t
w_send(int fd, const void *p, size_t n, int flags)
{
	(void)p;
	(void)n;
	return w_sendmsg(fd, NULL, flags);
}

static int
w_poll(struct pollfd *p, nfds_t n, int wait)
{
	(void)p;
	(void)wait;
	ms += 100;
	return (int)n;
}

/* The time may be up while bytes still go, and while it waits. */
static void
flush_timeout_ends_in_time_although_it_gets_on(void **state)
{
	struct imsgi_os save = imsgi_os;
	struct imsgbuf a, b;

	(void)state;
	t_chan(&a, &b, 0);
	assert_int_equal(imsg_compose(&a, 1, 0, 0, -1, "0123456789", 10), 1);
	imsgi_os.now = w_now;
	imsgi_os.send = w_send;
	imsgi_os.sendmsg = w_sendmsg;
	imsgi_os.poll = w_poll;
	ms = 5000;
	assert_errno(imsgbuf_flush_timeout(&a, 150), ETIMEDOUT);
	assert_int_equal(imsgbuf_queuebytes(&a), 20);
	imsgi_os.send = save.send;
	imsgi_os.sendmsg = save.sendmsg;
	/* No buffers, and poll takes longer than there was time. */
	t_fail_send(2, ENOBUFS);
	assert_errno(imsgbuf_flush_timeout(&a, 50), ETIMEDOUT);
	assert_int_equal(imsgbuf_queuebytes(&a), 20);
	t_fail_send(0, 0);
	imsgi_os = save;
	t_unchan(&a, &b);
}

/* Where received messages have another form than on the wire. */
static void
relay(struct imsgbuf *a, struct imsgbuf *b, struct imsg *m)
{
	t_get(b, m);
	ibuf_close(a->w, m->buf);
	memset(m, 0, sizeof(*m));
}

static void
what_is_no_whole_message_is_relayed_as_it_is(void **state)
{
	struct imsgbuf a, b, c, d;
	unsigned char out[64], *data = calloc(1, 70000);
	uint32_t type[2];
	struct imsg m;

	(void)state;
	assert_non_null(data);
	t_chan(&a, &b, 0);
	t_chan(&c, &d, 0);
	assert_int_equal(imsgbuf_set_wire(&c, IMSG_WIRE_CLASSIC), 0);
	assert_int_equal(imsgbuf_set_maxpayload(&a, 70000), 0);
	assert_int_equal(imsgbuf_set_maxpayload(&b, 70000), 0);
	assert_int_equal(imsg_compose(&a, 1, 0, 0, -1, "abcd", 4), 1);
	assert_int_equal(imsg_compose(&a, 2, 0, 0, -1, "abcd", 4), 1);
	assert_int_equal(imsg_compose(&a, 3, 0, 0, -1, "abcd", 4), 1);
	assert_int_equal(imsgbuf_flush(&a), 0);
	/* Its payload alone. */
	relay(&c, &b, &m);
	assert_int_equal(imsgbuf_queuebytes(&c), 4);
	/* Less than a header. */
	t_get(&b, &m);
	ibuf_rewind(m.buf);
	assert_int_equal(ibuf_truncate(m.buf, 8), 0);
	ibuf_close(c.w, m.buf);
	/* Another length than the header says. */
	t_get(&b, &m);
	ibuf_rewind(m.buf);
	assert_int_equal(ibuf_truncate(m.buf, 18), 0);
	ibuf_close(c.w, m.buf);
	assert_int_equal(imsgbuf_flush(&c), 0);
	assert_int_equal(read(d.fd, out, sizeof(out)), 4 + 8 + 18);
	assert_memory_equal(out, "abcd", 4);
	memcpy(&type[0], out + 4, sizeof(type[0]));
	memcpy(&type[1], out + 12, sizeof(type[1]));
	assert_int_equal(type[0], 2);
	assert_int_equal(type[1], 3);
	/* More than the classic wire can say: the far end will notice. */
	assert_int_equal(imsg_compose(&a, 4, 0, 0, -1, data, 70000), 1);
	t_nonblock(a.fd);
	t_nonblock(b.fd);
	while (imsgbuf_get(&b, &m) == 0) {
		assert_int_equal(imsgbuf_write(&a), 0);
		assert_int_equal(imsgbuf_read(&b), 1);
	}
	ibuf_rewind(m.buf);
	ibuf_close(c.w, m.buf);
	assert_int_equal(imsgbuf_queuebytes(&c), 70016);
	t_unchan(&a, &b);
	t_unchan(&c, &d);
	free(data);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(an_assigned_maxsize_below_a_header_lets_nothing_through),
		T(a_limit_set_below_what_is_queued_refuses_the_next),
		T(a_limit_of_descriptors_stops_reading),
		T(msgbuf_get_takes_from_a_channel_too),
		T(more_chunks_than_are_kept_are_freed),
#ifndef IMSGI_INPUT_SIZE /* 63,000 reads otherwise */
		T(a_message_above_the_trusted_size_comes_whole),
#endif
		T(a_waiting_descriptor_rides_on_what_a_queue_brings),
		T(a_descriptor_that_a_failing_callback_took_is_not_closed),
		T(flush_timeout_ends_in_time_although_it_gets_on),
		T(what_is_no_whole_message_is_relayed_as_it_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
