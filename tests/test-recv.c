/* SPDX-License-Identifier: ISC */
/*
 * imsgbuf_recv(): one message, the end, or an error, and never later than
 * asked, whatever the peer does meanwhile.
 */
#include "testlib.h"

#define LARGE 60000 /* payload; many reads with the small input buffer */

static void
recv_is_1_0_or_an_error(void **state)
{
	struct imsgbuf a, b;
	struct imsg m;

	(void)state;
	t_chan(&a, &b, 0);
	/* Blocking sockets, and yet it returns. */
	assert_errno(imsgbuf_recv(&b, &m, 0), ETIMEDOUT);
	assert_errno(imsgbuf_recv(&b, &m, 10), ETIMEDOUT);
	assert_int_equal(imsg_compose(&a, 1, 0, 0, -1, "ab", 2), 1);
	assert_int_equal(imsg_compose(&a, 2, 0, 0, -1, "cd", 2), 1);
	assert_int_equal(imsgbuf_flush(&a), 0);
	assert_int_equal(imsgbuf_recv(&b, &m, 0), 1);
	assert_int_equal(imsg_get_type(&m), 1);
	imsg_free(&m);
	assert_int_equal(imsgbuf_recv(&b, &m, -1), 1);
	assert_int_equal(imsg_get_type(&m), 2);
	imsg_free(&m);
	t_put(a.fd, "x", 1);
	assert_errno(imsgbuf_recv(&b, &m, 1), ETIMEDOUT);
	shutdown(a.fd, SHUT_WR);
	assert_int_equal(imsgbuf_recv(&b, &m, -1), 0);
	assert_int_equal(imsgbuf_partial(&b), 1);
	t_unchan(&a, &b);
}

/* A peer that always has another few bytes to send, and a clock. */
static ssize_t (*true_recvmsg)(int, struct msghdr *, int);
static int (*true_now)(struct timespec *);
static long clock_ms;

static ssize_t
slow_recvmsg(int fd, struct msghdr *msg, int flags)
{
	clock_ms += 3;
	msg->msg_iovlen = 1;
	if (msg->msg_iov->iov_len > 2)
		msg->msg_iov->iov_len = 2;
	return true_recvmsg(fd, msg, flags);
}

static int
slow_now(struct timespec *ts)
{
	ts->tv_sec = clock_ms / 1000;
	ts->tv_nsec = clock_ms % 1000 * 1000000;
	return 0;
}

static void
a_dripping_peer_does_not_stretch_the_time(void **state)
{
	static unsigned char large[LARGE];
	struct imsgbuf a, b;
	struct imsg m;

	(void)state;
	t_fill(large, sizeof(large), 7);
	t_chan(&a, &b, 0);
	assert_int_equal(imsgbuf_set_maxpayload(&a, LARGE), 0);
	assert_int_equal(imsgbuf_set_maxpayload(&b, LARGE), 0);
	assert_int_equal(imsg_compose(&a, 7, 0, 0, -1, large, LARGE), 1);
	assert_int_equal(imsgbuf_flush(&a), 0);
	true_recvmsg = imsgi_os.recvmsg;
	true_now = imsgi_os.now;
	imsgi_os.recvmsg = slow_recvmsg;
	imsgi_os.now = slow_now;
	assert_errno(imsgbuf_recv(&b, &m, 30), ETIMEDOUT);
	assert_true(clock_ms >= 30 && clock_ms < 36);
	/* No time at all: one read. */
	assert_errno(imsgbuf_recv(&b, &m, 0), ETIMEDOUT);
	assert_true(clock_ms < 39);
	imsgi_os.recvmsg = true_recvmsg;
	imsgi_os.now = true_now;
	/* What came so far is kept. */
	t_expect(&b, 7, IMSG_FD_NONE, 0);
	t_unchan(&a, &b);
}

static void
expect_recv(struct imsgbuf *b, uint32_t type, int ms)
{
	static unsigned char p[20000];
	struct imsg m;

	assert_int_equal(imsgbuf_recv(b, &m, ms), 1);
	assert_int_equal(imsg_get_type(&m), type);
	t_fill(p, imsg_get_len(&m), type);
	assert_memory_equal(m.data, p, imsg_get_len(&m));
	imsg_free(&m);
}

static void
queue_filled(struct imsgbuf *a, uint32_t type, size_t len)
{
	static unsigned char p[20000];

	t_fill(p, len, type);
	assert_int_equal(imsg_compose(a, type, 0, 0, -1, p, len), 1);
}

/*
 * Of one size, so that the next one's place is guessed: one at a time, then
 * two at once, then others, through each way of waiting.
 */
static void
large_ones_come_whole_however_they_are_waited_for(void **state)
{
	/* Not a second: a loaded machine may take that. */
	static const int waits[] = { -1, 60000 };
	struct imsgbuf a, b;
	unsigned int k, n;
	uint32_t type;

	(void)state;
	for (k = 0; k < 8; k++) {
		t_chan(&a, &b, (int)(k & 4));
		if (k & 1)
			t_nonblock(b.fd);
		for (type = 1; type < 60; type += n) {
			n = type > 30 && type % 3 == 0 ? 2 : 1;
			queue_filled(&a, type, type % 20 == 19 ? 9000 : 12000);
			if (n == 2)
				queue_filled(&a, type + 1, 12000);
			assert_int_equal(imsgbuf_flush(&a), 0);
			expect_recv(&b, type, waits[k >> 1 & 1]);
			if (n == 2)
				expect_recv(&b, type + 1, waits[k >> 1 & 1]);
		}
		close(a.fd);
		assert_int_equal(imsgbuf_recv(&b, &(struct imsg){ 0 }, -1), 0);
		imsgbuf_clear(&a);
		imsgbuf_clear(&b);
		close(b.fd);
	}
}

/* poll(2) says that there is something, read(2) would block, without end. */
static void
readable_without_bytes(int pass, int nonblock, void (*prepare)(int, int))
{
	struct imsgbuf a, b;
	struct imsg m;

	t_chan(&a, &b, pass);
	if (nonblock)
		t_nonblock(b.fd);
	prepare(a.fd, b.fd);
	assert_errno(imsgbuf_recv(&b, &m, 0), ETIMEDOUT);
	assert_errno(imsgbuf_recv(&b, &m, 120), ETIMEDOUT);
	/* Nor did it ask all the time: 1, 2, 4, ... 50 ms between. */
	assert_true(t_calls.recv < 20);
	imsgbuf_clear(&b);
	imsgbuf_clear(&a);
	close(a.fd);
	close(b.fd);
	memset(&t_calls, 0, sizeof(t_calls));
}

static void
urgent(int from, int to)
{
	(void)to;
	/* A kernel without urgent data on UNIX sockets says no. */
	(void)send(from, "x", 1, MSG_OOB);
}

static void
low_water(int from, int to)
{
	int bytes = 1000;

	assert_int_equal(
	    setsockopt(to, SOL_SOCKET, SO_RCVLOWAT, &bytes, sizeof(bytes)), 0);
	t_put(from, "x", 1);
}

static void
what_poll_says_does_not_make_it_block(void **state)
{
	int pass, nonblock;

	(void)state;
	for (pass = 0; pass < 2; pass++) {
		for (nonblock = 0; nonblock < 2; nonblock++) {
			readable_without_bytes(pass, nonblock, urgent);
			readable_without_bytes(pass, nonblock, low_water);
		}
	}
}

static void
a_pipe_can_be_waited_for(void **state)
{
	struct imsg_hdr h = { 3, sizeof(h), 0, 0 };
	struct imsgbuf b;
	struct imsg m;
	int p[2];

	(void)state;
	assert_int_equal(pipe(p), 0);
	assert_int_equal(imsgbuf_init(&b, p[0]), 0);
	assert_errno(imsgbuf_recv(&b, &m, 5), ETIMEDOUT);
	t_put(p[1], &h, sizeof(h));
	assert_int_equal(imsgbuf_recv(&b, &m, 5000), 1);
	assert_int_equal(imsg_get_type(&m), 3);
	imsg_free(&m);
	close(p[1]);
	assert_int_equal(imsgbuf_recv(&b, &m, -1), 0);
	imsgbuf_clear(&b);
	close(p[0]);
}

/* poll(2) would wait for ever on a negative number. */
static void
no_descriptor_is_an_error_at_once(void **state)
{
	struct imsgbuf b;
	struct imsg m;

	(void)state;
	assert_int_equal(imsgbuf_init(&b, -1), 0);
	assert_errno(imsgbuf_recv(&b, &m, -1), EBADF);
	assert_errno(imsgbuf_recv(&b, &m, 5), EBADF);
	assert_int_equal(imsg_compose(&b, 1, 0, 0, -1, "x", 1), 1);
	assert_errno(imsgbuf_flush(&b), EBADF);
	assert_errno(imsgbuf_flush_timeout(&b, 5), EBADF);
	imsgbuf_clear(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(recv_is_1_0_or_an_error),
		T(a_dripping_peer_does_not_stretch_the_time),
		T(large_ones_come_whole_however_they_are_waited_for),
		T(what_poll_says_does_not_make_it_block),
		T(a_pipe_can_be_waited_for),
		T(no_descriptor_is_an_error_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
