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
static ssize_t (*true_read)(int, void *, size_t);
static int (*true_now)(struct timespec *);
static long clock_ms;

static ssize_t
slow_read(int fd, void *p, size_t n)
{
	clock_ms += 3;
	return true_read(fd, p, n > 2 ? 2 : n);
}

static ssize_t
slow_readv(int fd, const struct iovec *iov, int n)
{
	(void)n;
	return slow_read(fd, iov->iov_base, iov->iov_len);
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
	ssize_t (*true_readv)(int, const struct iovec *, int);
	struct imsgbuf a, b;
	struct imsg m;

	(void)state;
	t_fill(large, sizeof(large), 7);
	t_chan(&a, &b, 0);
	assert_int_equal(imsgbuf_set_maxpayload(&a, LARGE), 0);
	assert_int_equal(imsgbuf_set_maxpayload(&b, LARGE), 0);
	assert_int_equal(imsg_compose(&a, 7, 0, 0, -1, large, LARGE), 1);
	assert_int_equal(imsgbuf_flush(&a), 0);
	true_read = imsgi_os.read;
	true_now = imsgi_os.now;
	true_readv = imsgi_os.readv;
	imsgi_os.read = slow_read;
	imsgi_os.readv = slow_readv;
	imsgi_os.now = slow_now;
	assert_errno(imsgbuf_recv(&b, &m, 30), ETIMEDOUT);
	assert_true(clock_ms >= 30 && clock_ms < 36);
	/* No time at all: one read. */
	assert_errno(imsgbuf_recv(&b, &m, 0), ETIMEDOUT);
	assert_true(clock_ms < 39);
	imsgi_os.read = true_read;
	imsgi_os.readv = true_readv;
	imsgi_os.now = true_now;
	/* What came so far is kept. */
	t_expect(&b, 7, IMSG_FD_NONE, 0);
	t_unchan(&a, &b);
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
		T(no_descriptor_is_an_error_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
