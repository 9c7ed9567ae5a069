/* SPDX-License-Identifier: ISC */
/*
 * A channel's life and settings, in both API versions.
 */
#include "testlib.h"

#include <netinet/in.h>
#include <sys/un.h>

static void
init_sets_the_public_fields(void **state)
{
	struct imsgbuf b;
	int before = t_count_fds();

	(void)state;
	/* No I/O and no opinion about the descriptor. */
	assert_int_equal(imsgbuf_init(&b, 12345), 0);
	assert_non_null(b.w);
	assert_int_equal(b.pid, getpid());
	assert_int_equal(b.maxsize, MAX_IMSGSIZE);
	assert_int_equal(b.fd, 12345);
	assert_int_equal(b.flags, 0);
	assert_int_equal(imsgbuf_queuelen(&b), 0);
	assert_int_equal(imsgbuf_queuebytes(&b), 0);
	assert_int_equal(imsgbuf_partial(&b), 0);
	assert_int_equal(imsgbuf_failed(&b, NULL), 0);
	imsgbuf_clear(&b);
	assert_int_equal(t_count_fds(), before);
}

static void
init_without_memory_leaves_the_rest_unset(void **state)
{
	struct imsgbuf b;
	long n;

	(void)state;
	for (n = 1; n <= 2; n++) {
		memset(&b, 0x5a, sizeof(b));
		t_fail_alloc(n, 0);
		assert_errno(imsgbuf_init(&b, 7), ENOMEM);
		assert_null(b.w);
		assert_int_equal(b.maxsize, 0x5a5a5a5a);
		assert_int_equal(b.fd, 0x5a5a5a5a);
	}
	t_fail_alloc(3, 0);
	assert_int_equal(imsgbuf_init(&b, 7), 0);
	imsgbuf_clear(&b);
}

static void
clear_drops_everything_but_the_socket(void **state)
{
	struct imsgbuf a, b;

	(void)state;
	t_chan(&a, &b, 1);
	assert_int_equal(imsg_compose(&a, 1, 0, 0, t_fd(NULL), "x", 1), 1);
	assert_int_equal(imsgbuf_flush(&a), 0);
	assert_int_equal(imsgbuf_read(&b), 1);
	assert_int_equal(imsg_compose(&a, 1, 0, 0, t_fd(NULL), "x", 1), 1);
	imsgbuf_clear(&a);
	assert_null(a.w);
	assert_int_equal(imsgbuf_queuelen(&a), 0);
	assert_int_equal(imsgbuf_queuebytes(&a), 0);
	imsgbuf_clear(&a);
	assert_true(fcntl(a.fd, F_GETFD) != -1);
	imsgbuf_clear(&b);
	/* And it may be used anew. */
	assert_int_equal(imsgbuf_init(&a, a.fd), 0);
	assert_int_equal(imsgbuf_init(&b, b.fd), 0);
	t_unchan(&a, &b);
}

#if IMSG_API_VERSION == 78
static void
set_maxsize_means_the_payload(void **state)
{
	struct imsgbuf b;

	(void)state;
	assert_int_equal(imsgbuf_init(&b, -1), 0);
	assert_int_equal(imsgbuf_set_maxsize(&b, 0), 0);
	assert_int_equal(b.maxsize, IMSG_HEADER_SIZE);
	assert_int_equal(imsgbuf_set_maxsize(&b, 15), 0);
	assert_int_equal(b.maxsize, 31);
	assert_int_equal(imsgbuf_set_maxsize(&b, 0x7fffffef), 0);
	assert_int_equal(b.maxsize, 0x7fffffff);
	assert_errno(imsgbuf_set_maxsize(&b, 0x7ffffff0), EINVAL);
	assert_errno(imsgbuf_set_maxsize(&b, 0xffffffef), EINVAL);
	assert_errno(imsgbuf_set_maxsize(&b, 0xfffffff0), ERANGE);
	assert_errno(imsgbuf_set_maxsize(&b, 0xffffffff), ERANGE);
	assert_int_equal(b.maxsize, 0x7fffffff);
	imsgbuf_clear(&b);
}
#else
static void
set_maxsize_means_the_total(void **state)
{
	struct imsgbuf b;

	(void)state;
	assert_int_equal(imsgbuf_init(&b, -1), 0);
	assert_int_equal(imsgbuf_set_maxsize(&b, 16), 0);
	assert_int_equal(b.maxsize, 16);
	assert_errno(imsgbuf_set_maxsize(&b, 15), EINVAL);
	assert_errno(imsgbuf_set_maxsize(&b, 0), EINVAL);
	assert_int_equal(imsgbuf_set_maxsize(&b, 0x7fffffff), 0);
	assert_int_equal(b.maxsize, 0x7fffffff);
	assert_errno(imsgbuf_set_maxsize(&b, 0x80000000), EINVAL);
	assert_errno(imsgbuf_set_maxsize(&b, 0xffffffff), EINVAL);
	assert_int_equal(b.maxsize, 0x7fffffff);
	imsgbuf_clear(&b);
}
#endif

/* The field may be assigned; a length of 32 bits would be taken for a mark. */
static void
no_assignment_makes_a_message_of_two_gigabytes(void **state)
{
	struct imsgbuf b;

	(void)state;
	assert_int_equal(imsgbuf_init(&b, -1), 0);
	b.maxsize = 0xffffffff;
	assert_errno(imsg_compose(&b, 1, 0, 0, -1, &b, 0x7ffffff0), ERANGE);
	assert_errno(imsg_compose(&b, 1, 0, 0, -1, &b, 0xfffffff0), ERANGE);
	assert_null_errno(imsg_create(&b, 1, 0, 0, 0x7ffffff0), ERANGE);
	assert_int_equal(imsgbuf_queuelen(&b), 0);
	imsgbuf_clear(&b);
}

static void
set_maxpayload_means_the_payload_in_both(void **state)
{
	struct imsgbuf b;

	(void)state;
	assert_int_equal(imsgbuf_init(&b, -1), 0);
	assert_int_equal(imsgbuf_set_maxpayload(&b, 0), 0);
	assert_int_equal(b.maxsize, 16);
	assert_int_equal(imsgbuf_set_maxpayload(&b, 0x7fffffef), 0);
	assert_errno(imsgbuf_set_maxpayload(&b, 0x7ffffff0), EINVAL);
	assert_errno(imsgbuf_set_maxpayload(&b, 0xffffffef), EINVAL);
	assert_errno(imsgbuf_set_maxpayload(&b, 0xfffffff0), ERANGE);
	assert_int_equal(b.maxsize, 0x7fffffff);
	imsgbuf_clear(&b);
}

static void
assigned_fields_take_effect_at_once(void **state)
{
	struct imsgbuf a, b;
	struct imsg m;

	(void)state;
	t_chan(&a, &b, 0);
	a.pid = 4711;
	a.maxsize = 17;
	assert_int_equal(imsg_compose(&a, 1, 0, 0, -1, "x", 1), 1);
	assert_errno(imsg_compose(&a, 1, 0, 0, -1, "xy", 2), ERANGE);
	assert_int_equal(imsgbuf_flush(&a), 0);
	t_get(&b, &m);
	assert_int_equal(imsg_get_pid(&m), 4711);
	imsg_free(&m);
	b.maxsize = 16;
	a.maxsize = 100;
	assert_int_equal(imsg_compose(&a, 1, 0, 0, -1, "x", 1), 1);
	assert_int_equal(imsgbuf_flush(&a), 0);
	assert_errno(imsgbuf_read(&b), ERANGE);
	t_unchan(&a, &b);
}

static void
queue_length_and_bytes_tell_what_waits(void **state)
{
	struct imsgbuf a, b;
	int i;

	(void)state;
	t_chan(&a, &b, 1);
	for (i = 1; i <= 10; i++) {
		assert_int_equal(imsg_compose(&a, 1, 0, 0,
				     i == 5 ? t_fd(NULL) : -1, "abc", 3),
		    1);
		assert_int_equal(imsgbuf_queuelen(&a), i);
		assert_int_equal(imsgbuf_queuebytes(&a), i * 19);
	}
	assert_int_equal(imsg_compose_ibuf(&a, 1, 0, 0, ibuf_open(4)), 1);
	assert_true(imsgbuf_queuelen(&a) > 10);
	/* ibuf_open() is empty: a header alone. */
	assert_int_equal(imsgbuf_queuebytes(&a), 10 * 19 + 16);
	t_short_send(7);
	assert_int_equal(imsgbuf_write(&a), 0);
	assert_int_equal(imsgbuf_queuebytes(&a), 10 * 19 + 9);
	assert_true(imsgbuf_queuelen(&a) > 10);
	assert_int_equal(imsgbuf_flush(&a), 0);
	assert_int_equal(imsgbuf_queuelen(&a), 0);
	assert_int_equal(imsgbuf_queuebytes(&a), 0);
	t_unchan(&a, &b);
}

static void
what_is_concatenated_counts(void **state)
{
	struct ibufqueue *q = ibufq_new();
	struct imsgbuf a, b;
	struct ibuf *p;
	int i;

	(void)state;
	t_chan(&a, &b, 0);
	for (i = 0; i < 3; i++) {
		p = ibuf_open(20);
		assert_int_equal(ibuf_add_zero(p, 20), 0);
		ibufq_push(q, p);
	}
	msgbuf_concat(a.w, q);
	assert_int_equal(imsgbuf_queuelen(&a), 3);
	assert_int_equal(imsgbuf_queuebytes(&a), 60);
	assert_int_equal(imsgbuf_flush(&a), 0);
	assert_int_equal(imsgbuf_queuebytes(&a), 0);
	ibufq_free(q);
	t_unchan(&a, &b);
}

static void
events_ask_for_what_can_happen(void **state)
{
	struct imsgbuf a, b;

	(void)state;
	t_chan(&a, &b, 0);
	assert_int_equal(imsgbuf_events(&a), POLLIN);
	assert_int_equal(imsg_compose(&a, 1, 0, 0, -1, NULL, 0), 1);
	assert_int_equal(imsgbuf_events(&a), POLLIN | POLLOUT);
	assert_int_equal(imsgbuf_flush(&a), 0);
	assert_int_equal(imsgbuf_events(&a), POLLIN);
	shutdown(a.fd, SHUT_WR);
	assert_int_equal(imsgbuf_read(&b), 1);
	assert_int_equal(imsgbuf_read(&b), 0);
	assert_int_equal(imsgbuf_events(&b), 0);
	t_unchan(&a, &b);
}

static void
partial_tells_a_held_piece(void **state)
{
	struct imsgbuf a, b;
	struct imsg_hdr h = { 1, 20, 0, 0 };

	(void)state;
	t_chan(&a, &b, 0);
	assert_int_equal(imsgbuf_partial(&b), 0);
	t_put(a.fd, &h, 1);
	assert_int_equal(imsgbuf_read(&b), 1);
	assert_int_equal(imsgbuf_partial(&b), 1);
	t_put(a.fd, (char *)&h + 1, 15);
	assert_int_equal(imsgbuf_read(&b), 1);
	assert_int_equal(imsgbuf_partial(&b), 1);
	t_put(a.fd, "abcd", 4);
	assert_int_equal(imsgbuf_read(&b), 1);
	assert_int_equal(imsgbuf_partial(&b), 0);
	t_unchan(&a, &b);
}

static void
write_limits_refuse_and_change_nothing(void **state)
{
	struct imsg_limits lim = { 100, 0, 0, 0, 0, 0 };
	struct imsgbuf a, b;
	char p[85];

	(void)state;
	memset(p, 'x', sizeof(p));
	t_chan(&a, &b, 1);
	assert_int_equal(imsgbuf_set_limits(&a, &lim), 0);
	assert_errno(imsg_compose(&a, 1, 0, 0, -1, p, 85), ENOBUFS);
	assert_int_equal(imsg_compose(&a, 1, 0, 0, -1, p, 84), 1);
	assert_errno(imsg_compose(&a, 1, 0, 0, -1, NULL, 0), ENOBUFS);
	assert_errno(imsg_composev(&a, 1, 0, 0, -1, NULL, 0), ENOBUFS);
	assert_errno(imsg_compose_ibuf(&a, 1, 0, 0, ibuf_open(1)), ENOBUFS);
	assert_null_errno(imsg_create(&a, 1, 0, 0, 0), ENOBUFS);
	assert_int_equal(imsgbuf_queuelen(&a), 1);
	assert_int_equal(imsgbuf_queuebytes(&a), 100);
	assert_int_equal(imsgbuf_flush(&a), 0);
	assert_int_equal(imsg_compose(&a, 1, 0, 0, -1, p, 84), 1);
	assert_int_equal(imsgbuf_flush(&a), 0);
	t_unchan(&a, &b);
}

static void
message_and_descriptor_limits_count(void **state)
{
	struct imsg_limits lim = { 0, 0, 2, 1, 0, 0 };
	struct imsgbuf a, b;
	struct ibuf *m;
	int fd;

	(void)state;
	t_chan(&a, &b, 1);
	m = imsg_create(&a, 1, 0, 0, 0);
	assert_int_equal(imsgbuf_set_limits(&a, &lim), 0);
	assert_int_equal(imsg_compose(&a, 1, 0, 0, t_fd(NULL), "", 0), 1);
	fd = t_fd(NULL);
	assert_errno(imsg_compose(&a, 1, 0, 0, fd, "", 0), ENOBUFS);
	assert_true(fcntl(fd, F_GETFD) != -1);
	assert_int_equal(imsg_compose_ibuf(&a, 1, 0, 0, ibuf_open(1)), 1);
	assert_errno(imsg_compose(&a, 1, 0, 0, -1, "", 0), ENOBUFS);
	/* Closing one that exists already counts but is never refused. */
	imsg_close(&a, m);
	assert_int_equal(imsgbuf_flush(&a), 0);
	assert_int_equal(imsg_compose(&a, 1, 0, 0, fd, "", 0), 1);
	t_unchan(&a, &b);
}

static void
peercred_is_the_kernels_word(void **state)
{
	struct imsg_cred c = { 77, 77, 77 };
	struct imsgbuf a, b;

	(void)state;
	t_chan(&a, &b, 0);
	assert_int_equal(imsgbuf_peercred(&a, &c), 0);
	assert_int_equal(c.uid, geteuid());
	assert_int_equal(c.gid, getegid());
	assert_true(c.pid == getpid() || c.pid == -1);
	t_unchan(&a, &b);
}

static void
peercred_of_something_else_is_an_error(void **state)
{
	struct imsg_cred c;
	struct imsgbuf b;
	int fds[4], p[2], i;
	static const int want[4] = { ENOTSUP, ENOTSUP, ENOTCONN, ENOTSUP };

	(void)state;
	assert_int_equal(pipe(p), 0);
	fds[0] = p[0];
	fds[1] = p[1];
	fds[2] = socket(AF_UNIX, SOCK_STREAM, 0);
	fds[3] = socket(AF_INET, SOCK_STREAM, 0);
	for (i = 0; i < 4; i++) {
		if (fds[i] == -1)
			continue;
		assert_int_equal(imsgbuf_init(&b, fds[i]), 0);
		memset(&c, 0x5a, sizeof(c));
		assert_errno(imsgbuf_peercred(&b, &c), want[i]);
		assert_int_equal(c.uid, 0x5a5a5a5a);
		imsgbuf_clear(&b);
		close(fds[i]);
	}
	assert_int_equal(imsgbuf_init(&b, fds[2]), 0);
	assert_errno(imsgbuf_peercred(&b, &c), EBADF);
	imsgbuf_clear(&b);
}

static void
the_library_tells_its_version(void **state)
{
	(void)state;
	assert_int_equal(imsg_version(), IMSG_VERSION);
	assert_int_equal(imsg_version(), 10200);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(init_sets_the_public_fields),
		T(init_without_memory_leaves_the_rest_unset),
		T(clear_drops_everything_but_the_socket),
#if IMSG_API_VERSION == 78
		T(set_maxsize_means_the_payload),
#else
		T(set_maxsize_means_the_total),
#endif
		T(no_assignment_makes_a_message_of_two_gigabytes),
		T(set_maxpayload_means_the_payload_in_both),
		T(assigned_fields_take_effect_at_once),
		T(queue_length_and_bytes_tell_what_waits),
		T(what_is_concatenated_counts),
		T(events_ask_for_what_can_happen),
		T(partial_tells_a_held_piece),
		T(write_limits_refuse_and_change_nothing),
		T(message_and_descriptor_limits_count),
		T(peercred_is_the_kernels_word),
		T(peercred_of_something_else_is_an_error),
		T(the_library_tells_its_version),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
