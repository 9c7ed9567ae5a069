/* SPDX-License-Identifier: ISC */
/*
 * Descriptors that leave: with their own message, in as few system calls as
 * the kernel allows, and closed here once they are gone.
 */
#include "testlib.h"

#define LEN 21 /* header and five bytes */

/* What the library itself sends, in writes of every size. */
static void
own_sends_keep_descriptors_with_their_messages(void **state)
{
	struct imsgbuf a, b;
	uint64_t id[10];
	unsigned char p[5];
	uint32_t i;
	size_t n;

	(void)state;
	for (n = 0; n <= 2 * LEN; n++) {
		t_chan(&a, &b, 1);
		t_short_send(n);
		for (i = 0; i < 10; i++) {
			t_fill(p, sizeof(p), i);
			assert_int_equal(
			    imsg_compose(&a, i, 0, 0,
				i % 3 != 1 ? t_fd(&id[i]) : -1, p, sizeof(p)),
			    1);
		}
		assert_int_equal(imsgbuf_flush(&a), 0);
		for (i = 0; i < 10; i++)
			t_expect(&b, i,
			    i % 3 != 1 ? IMSG_FD_PRESENT : IMSG_FD_NONE, id[i]);
		t_unchan(&a, &b);
	}
}

static int
stops(void)
{
	return 1;
}

static void
several_descriptors_leave_in_one_system_call(void **state)
{
	int (*asked)(void) = imsgi_os.mmsg_stops;
	struct imsgbuf a, b;
	uint64_t id[2];
	int i;

	(void)state;
	/* Whatever the release of the system: nothing is sent short here. */
	imsgi_os.mmsg_stops = stops;
	t_chan(&a, &b, 1);
	for (i = 0; i < 2; i++)
		assert_int_equal(
		    imsg_compose(&a, (uint32_t)i, 0, 0, t_fd(&id[i]), NULL, 0),
		    1);
	assert_int_equal(imsgbuf_write(&a), 0);
#ifdef __linux__
	assert_int_equal(t_calls.send, 1);
	assert_int_equal(t_calls.mmsg, 1);
	assert_int_equal(imsgbuf_queuelen(&a), 0);
#endif
	imsgi_os.mmsg_stops = asked;
	assert_int_equal(imsgbuf_flush(&a), 0);
	t_expect(&b, 0, IMSG_FD_PRESENT, id[0]);
	t_expect(&b, 1, IMSG_FD_PRESENT, id[1]);
	t_unchan(&a, &b);
}

static void
without_sendmmsg_it_is_one_call_a_descriptor(int error)
{
	struct imsgbuf a, b;
	uint64_t id[6];
	uint32_t i;

	t_chan(&a, &b, 1);
	memset(&t_calls, 0, sizeof(t_calls));
	for (i = 0; i < 6; i++)
		assert_int_equal(
		    imsg_compose(&a, i, 0, 0, t_fd(&id[i]), NULL, 0), 1);
	t_fail_mmsg(1, error);
	assert_int_equal(imsgbuf_flush(&a), 0);
	/* Asked once, refused, never asked again. */
	assert_int_equal(t_calls.mmsg, 0);
	assert_int_equal(t_calls.send, 6);
	for (i = 0; i < 6; i++)
		t_expect(&b, i, IMSG_FD_PRESENT, id[i]);
	t_unchan(&a, &b);
}

static void
a_kernel_or_filter_without_sendmmsg_is_coped_with(void **state)
{
	(void)state;
	without_sendmmsg_it_is_one_call_a_descriptor(ENOSYS);
	without_sendmmsg_it_is_one_call_a_descriptor(EPERM);
}

/* An emulator of system calls that goes on after half a message. */
static ssize_t half;

static int
goes_on(int fd, struct imsgi_mmsg *v, unsigned int n, int flags)
{
	struct iovec iov = v[0].hdr.msg_iov[0];

	assert_true(n > 1);
	iov.iov_len /= 2;
	v[0].hdr.msg_iov = &iov;
	half = sendmsg(fd, &v[0].hdr, flags);
	assert_int_equal(half, iov.iov_len);
	v[0].len = (unsigned int)half;
	v[1].len = (unsigned int)sendmsg(fd, &v[1].hdr, flags);
	return 2;
}

static void
a_gap_in_the_stream_is_told(void **state)
{
	int (*asked)(void) = imsgi_os.mmsg_stops;
	int (*sends)(int, struct imsgi_mmsg *, unsigned int, int) =
	    imsgi_os.sendmmsg;
	struct imsgbuf a, b;
	unsigned long calls;
	int i;

	(void)state;
	imsgi_os.mmsg_stops = stops;
	imsgi_os.sendmmsg = goes_on;
	t_chan(&a, &b, 1);
	for (i = 0; i < 2; i++)
		assert_int_equal(
		    imsg_compose(&a, 1, 0, 0, t_fd(NULL), "data", 4), 1);
	assert_errno(imsgbuf_write(&a), EIO);
	assert_int_equal(half, (IMSG_HEADER_SIZE + 4) / 2);
	/* For good, and with no call more. */
	calls = t_calls.send;
	assert_errno(imsgbuf_write(&a), EIO);
	assert_errno(imsgbuf_flush(&a), EIO);
	assert_int_equal(t_calls.send, calls);
	assert_int_equal(imsgbuf_queuelen(&a), 2);
	/* After that for another stream, without that call. */
	msgbuf_clear(a.w);
	for (i = 0; i < 2; i++)
		assert_int_equal(
		    imsg_compose(&a, 1, 0, 0, t_fd(NULL), "data", 4), 1);
	assert_int_equal(imsgbuf_flush(&a), 0);
	assert_int_equal(t_calls.send, calls + 2);
	imsgi_os.mmsg_stops = asked;
	imsgi_os.sendmmsg = sends;
	t_unchan(&a, &b);
}

/* The mark is sent all the same: a programming error that can be seen. */
static void
passing_off_at_the_sender_closes_and_marks(void **state)
{
	struct imsgbuf a, b;
	int fd, before = t_count_fds();

	(void)state;
	t_chan(&a, &b, 0);
	imsgbuf_allow_fdpass(&b);
	fd = t_fd(NULL);
	assert_int_equal(imsg_compose(&a, 1, 0, 0, fd, NULL, 0), 1);
	assert_true(fcntl(fd, F_GETFD) != -1);
	assert_int_equal(imsgbuf_flush(&a), 0);
	assert_int_equal(fcntl(fd, F_GETFD), -1);
	t_expect(&b, 1, IMSG_FD_LOST, 0);
	t_unchan(&a, &b);
	assert_int_equal(t_count_fds(), before);
}

/*
 * Its first bytes left without it, so it must not leave in the middle, where
 * a receiver of the classic wire would give it to the next message.
 */
static void
a_descriptor_whose_start_has_left_is_never_sent(void **state)
{
	struct imsgbuf a, b;
	uint64_t id;
	size_t n;
	int wire;

	(void)state;
	for (wire = IMSG_WIRE_MODERN; wire <= IMSG_WIRE_CLASSIC; wire++) {
		for (n = 1; n < LEN; n++) {
			t_chan(&a, &b, 0);
			assert_int_equal(imsgbuf_set_wire(&a, wire), 0);
			assert_int_equal(imsgbuf_set_wire(&b, wire), 0);
			imsgbuf_allow_fdpass(&b);
			assert_int_equal(
			    imsg_compose(&a, 0, 0, 0, t_fd(NULL), NULL, 0), 1);
			t_short_send(n < 16 ? n : 15);
			assert_int_equal(imsgbuf_write(&a), 0);
			t_short_send(0);
			imsgbuf_allow_fdpass(&a);
			assert_int_equal(imsgbuf_flush(&a), 0);
			t_expect(&b, 0, IMSG_FD_LOST, 0);
			assert_int_equal(
			    imsg_compose(&a, 0, 0, 0, t_fd(&id), NULL, 0), 1);
			assert_int_equal(imsgbuf_flush(&a), 0);
			t_expect(&b, 0, IMSG_FD_PRESENT, id);
			t_unchan(&a, &b);
		}
	}
}

/* Nobody takes it: imsg_free() closes it; nobody fetches: clear does. */
static void
what_nobody_takes_is_closed(void **state)
{
	struct imsgbuf a, b;
	struct imsg m;
	int i;

	(void)state;
	t_chan(&a, &b, 1);
	for (i = 0; i < 4; i++)
		assert_int_equal(
		    imsg_compose(&a, 1, 0, 0, t_fd(NULL), NULL, 0), 1);
	assert_int_equal(imsgbuf_flush(&a), 0);
	t_get(&b, &m);
	imsg_free(&m);
	assert_int_equal(imsgbuf_read(&b), 1);
	assert_int_equal(imsg_compose(&a, 1, 0, 0, t_fd(NULL), NULL, 0), 1);
	t_unchan(&a, &b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(own_sends_keep_descriptors_with_their_messages),
		T(several_descriptors_leave_in_one_system_call),
		T(a_kernel_or_filter_without_sendmmsg_is_coped_with),
		T(a_gap_in_the_stream_is_told),
		T(passing_off_at_the_sender_closes_and_marks),
		T(a_descriptor_whose_start_has_left_is_never_sent),
		T(what_nobody_takes_is_closed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
