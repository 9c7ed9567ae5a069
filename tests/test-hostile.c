/* SPDX-License-Identifier: ISC */
/*
 * A peer that speaks the wire badly gets us a documented error and nothing
 * else: no descriptor, no memory beyond what it sent, no spin, nothing twice.
 */
#include "testlib.h"

/* Reads until nothing more is there. */
static void
read_all(struct imsgbuf *b)
{
	while (poll(&(struct pollfd){ b->fd, POLLIN, 0 }, 1, 0) == 1)
		assert_int_equal(imsgbuf_read(b), 1);
}

static void
put_raw(int s, uint32_t type, uint32_t len, const void *p, size_t n)
{
	struct imsg_hdr h = { type, len, 2, 3 };

	t_put(s, &h, sizeof(h));
	if (n > 0)
		t_put(s, p, n);
}

static const uint32_t bad_lengths[] = { 0, 1, 15, MAX_IMSGSIZE + 1, 0x7fffffff,
	0xffffffff, 0x80000000, 0x8000000f, 0x80000000 | (MAX_IMSGSIZE + 1) };

static void
bad_length_run(uint32_t len)
{
	struct imsgbuf a, b;
	struct imsg m;
	struct imsg_hdr h;
	unsigned long calls;
	int i;

	t_chan(&a, &b, 1);
	put_raw(a.fd, 1, 18, "ab", 2);
	put_raw(a.fd, 9, len, "0123456789abcdef", 16);
	put_raw(a.fd, 1, 18, "cd", 2);
	assert_int_equal(imsgbuf_failed(&b, &h), 0);
	while (imsgbuf_read(&b) == 1)
		;
	assert_int_equal(errno, ERANGE);
	calls = t_calls.recv;
	for (i = 0; i < 3; i++)
		assert_errno(imsgbuf_read(&b), ERANGE);
	assert_int_equal(t_calls.recv, calls);
	assert_int_equal(imsgbuf_failed(&b, &h), ERANGE);
	assert_int_equal(imsgbuf_failed(&b, NULL), ERANGE);
	assert_int_equal(h.type, 9);
	assert_int_equal(h.len, len);
	assert_int_equal(imsgbuf_partial(&b), 0);
	assert_int_equal(imsgbuf_events(&b) & POLLIN, 0);
	/* What came before is there, once. */
	assert_int_equal(imsg_get(&b, &m), 18);
	assert_memory_equal(m.data, "ab", 2);
	imsg_free(&m);
	assert_int_equal(imsg_get(&b, &m), 0);
	assert_errno(imsgbuf_recv(&b, &m, 0), ERANGE);
	t_unchan(&a, &b);
}

static void
a_bad_length_fails_the_stream_for_good(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad_lengths) / sizeof(bad_lengths[0]); i++)
		bad_length_run(bad_lengths[i]);
}

static void
clearing_revives_a_failed_stream(void **state)
{
	struct imsgbuf a, b;
	struct imsg m;

	(void)state;
	t_chan(&a, &b, 0);
	put_raw(a.fd, 9, 3, NULL, 0);
	while (imsgbuf_read(&b) == 1)
		;
	assert_int_equal(imsgbuf_failed(&b, NULL), ERANGE);
	msgbuf_clear(b.w);
	assert_int_equal(imsgbuf_failed(&b, NULL), 0);
	put_raw(a.fd, 1, 18, "ab", 2);
	t_get(&b, &m);
	assert_int_equal(imsg_get_len(&m), 2);
	imsg_free(&m);
	t_unchan(&a, &b);
}

/* One read brings a message and a broken header: both are told, in order. */
static void
recv_gives_what_came_before_the_failure(void **state)
{
	struct imsgbuf a, b;
	struct imsg m;

	(void)state;
	t_chan(&a, &b, 0);
	put_raw(a.fd, 1, 18, "ab", 2);
	put_raw(a.fd, 2, 3, NULL, 0);
	assert_int_equal(imsgbuf_recv(&b, &m, -1), 1);
	assert_int_equal(imsg_get_type(&m), 1);
	imsg_free(&m);
	assert_errno(imsgbuf_recv(&b, &m, -1), ERANGE);
	t_unchan(&a, &b);
}

static void
the_descriptor_of_a_bad_message_is_closed(void **state)
{
	struct imsgbuf a, b;
	struct imsg_hdr h = { 1, 0x80000003U, 0, 0 };
	int fd = t_fd(NULL), before;

	(void)state;
	t_chan(&a, &b, 1);
	before = t_count_fds();
	t_put_fd(a.fd, &h, sizeof(h), fd);
	assert_errno(imsgbuf_read(&b), ERANGE);
	assert_int_equal(t_count_fds(), before);
	close(fd);
	t_unchan(&a, &b);
}

static void
exact_limits_hold(void **state)
{
	static unsigned char p[MAX_IMSGSIZE];
	struct imsgbuf a, b;
	struct imsg m;

	(void)state;
	t_chan(&a, &b, 0);
	put_raw(a.fd, 1, MAX_IMSGSIZE, p, MAX_IMSGSIZE - IMSG_HEADER_SIZE);
	t_get(&b, &m);
	assert_int_equal(imsg_get_len(&m), MAX_IMSGSIZE - IMSG_HEADER_SIZE);
	imsg_free(&m);
	put_raw(a.fd, 1, IMSG_HEADER_SIZE, NULL, 0);
	t_get(&b, &m);
	assert_int_equal(imsg_get_len(&m), 0);
	assert_null(m.data);
	imsg_free(&m);
	t_unchan(&a, &b);
}

/* What the library has asked for, in bytes, above what it had at the start. */
static struct {
	void *(*alloc)(size_t);
	void *(*calloc)(size_t, size_t);
	size_t sum;
} meter;

static void *
metered_alloc(size_t n)
{
	meter.sum += n;
	return meter.alloc(n);
}

static void *
metered_calloc(size_t n, size_t size)
{
	meter.sum += n * size;
	return meter.calloc(n, size);
}

static void
meter_on(void)
{
	meter.alloc = imsgi_os.alloc;
	meter.calloc = imsgi_os.calloc;
	meter.sum = 0;
	imsgi_os.alloc = metered_alloc;
	imsgi_os.calloc = metered_calloc;
}

static void
meter_off(void)
{
	imsgi_os.alloc = meter.alloc;
	imsgi_os.calloc = meter.calloc;
}

/* 1 GiB announced, sent bytes: everything ever allocated is bounded by them */
static void
memory_follows_the_bytes_not_the_announcement(void **state)
{
	static unsigned char p[4096];
	struct imsgbuf a, b;
	size_t sent = 0;

	(void)state;
	t_chan(&a, &b, 0);
	assert_int_equal(imsgbuf_set_maxpayload(&b, 0x40000000), 0);
	meter_on();
	put_raw(a.fd, 1, 0x40000000, NULL, 0);
	while (sent < 1024 * 1024) {
		t_put(a.fd, p, sizeof(p));
		sent += sizeof(p);
		read_all(&b);
		assert_true(meter.sum <= 2 * sent + 160 + 65536);
	}
	meter_off();
	assert_int_equal(imsgbuf_partial(&b), 1);
	t_unchan(&a, &b);
}

static void
a_large_message_arrives_whole(void **state)
{
	static unsigned char p[3 * 65536 + 17];
	struct imsgbuf a, b;
	struct imsg m;
	struct imsg_hdr h = { 1, sizeof(h) + sizeof(p), 0, 0 };
	size_t off, n;

	(void)state;
	t_fill(p, sizeof(p), 5);
	t_chan(&a, &b, 0);
	assert_int_equal(imsgbuf_set_maxpayload(&b, sizeof(p)), 0);
	t_put(a.fd, &h, sizeof(h));
	for (off = 0; off < sizeof(p); off += n) {
		n = sizeof(p) - off < 1000 ? sizeof(p) - off : 1000;
		t_put(a.fd, p + off, n);
		read_all(&b);
	}
	assert_int_equal(imsgbuf_get(&b, &m), 1);
	assert_int_equal(imsg_get_len(&m), sizeof(p));
	assert_true(t_check(m.data, sizeof(p), 5));
	imsg_free(&m);
	t_unchan(&a, &b);
}

static void
end_of_file_at(size_t n)
{
	unsigned char raw[40];
	struct imsg_hdr h = { 1, 20, 0, 0 };
	struct imsgbuf a, b;
	struct imsg m;
	int i, r;

	memset(raw, 'x', sizeof(raw));
	memcpy(raw, &h, sizeof(h));
	memcpy(raw + 20, &h, sizeof(h));
	t_chan(&a, &b, 0);
	t_put(a.fd, raw, n);
	shutdown(a.fd, SHUT_WR);
	while ((r = imsgbuf_read(&b)) == 1)
		;
	assert_int_equal(r, 0);
	for (i = 0; i < 3; i++)
		assert_int_equal(imsgbuf_read(&b), 0);
	assert_int_equal(imsgbuf_events(&b) & POLLIN, 0);
	assert_int_equal(imsgbuf_partial(&b), n % 20 != 0);
	/* Complete messages can still be fetched. */
	for (i = 0; i < (int)(n / 20); i++) {
		assert_int_equal(imsgbuf_get(&b, &m), 1);
		imsg_free(&m);
	}
	assert_int_equal(imsgbuf_get(&b, &m), 0);
	assert_int_equal(imsgbuf_recv(&b, &m, -1), 0);
	t_unchan(&a, &b);
}

static void
a_torn_stream_can_be_told_from_a_clean_end(void **state)
{
	size_t n;

	(void)state;
	for (n = 1; n <= 40; n++)
		end_of_file_at(n);
}

static void
a_drip_of_single_bytes_is_one_message(void **state)
{
	unsigned char raw[40];
	struct imsg_hdr h = { 1, 40, 0, 0 };
	struct imsgbuf a, b;
	struct imsg m;
	size_t i;

	(void)state;
	t_fill(raw, sizeof(raw), 1);
	memcpy(raw, &h, sizeof(h));
	t_chan(&a, &b, 1);
	for (i = 0; i < sizeof(raw); i++) {
		assert_int_equal(imsgbuf_get(&b, &m), 0);
		t_put(a.fd, raw + i, 1);
		assert_int_equal(imsgbuf_read(&b), 1);
	}
	assert_int_equal(imsgbuf_get(&b, &m), 1);
	assert_memory_equal(m.data, raw + sizeof(h), sizeof(raw) - sizeof(h));
	imsg_free(&m);
	t_unchan(&a, &b);
}

/* The flood stops at the limit; fetching lets it go on. */
static void
a_flood_meets_back_pressure(void **state)
{
	struct imsg_limits lim = { 0, 0, 0, 0, 3, 0 };
	struct imsgbuf a, b;
	struct imsg m;
	unsigned long calls;
	int i, got = 0;

	(void)state;
	t_chan(&a, &b, 0);
	t_nonblock(b.fd);
	assert_int_equal(imsgbuf_set_limits(&b, &lim), 0);
	for (i = 0; i < 200; i++)
		put_raw(a.fd, 1, IMSG_HEADER_SIZE, NULL, 0);
	while (got < 200) {
		for (i = 0; i < 10; i++)
			assert_int_equal(imsgbuf_read(&b), 1);
		calls = t_calls.recv;
		if (imsgbuf_events(&b) & POLLIN) {
			/* Not reached: there was nothing more to read. */
			assert_true(got + 3 > 200);
		} else {
			assert_int_equal(imsgbuf_read(&b), 1);
			assert_int_equal(t_calls.recv, calls);
		}
		while (imsgbuf_get(&b, &m) == 1) {
			imsg_free(&m);
			got++;
		}
		assert_true(imsgbuf_events(&b) & POLLIN);
	}
	t_unchan(&a, &b);
}

static void
read_limits_count_bytes_and_descriptors(void **state)
{
	struct imsg_limits bytes = { 0, MAX_IMSGSIZE, 0, 0, 0, 0 };
	struct imsg_limits fds = { 0, 0, 0, 0, 0, 1 };
	static unsigned char p[MAX_IMSGSIZE - IMSG_HEADER_SIZE];
	struct imsgbuf a, b;
	int i;

	(void)state;
	t_chan(&a, &b, 1);
	t_nonblock(b.fd);
	assert_int_equal(imsgbuf_set_limits(&b, &bytes), 0);
	put_raw(a.fd, 1, MAX_IMSGSIZE, p, sizeof(p));
	for (i = 0; i < 1000 && (imsgbuf_events(&b) & POLLIN); i++)
		assert_int_equal(imsgbuf_read(&b), 1);
	assert_int_equal(imsgbuf_events(&b) & POLLIN, 0);
	msgbuf_clear(b.w);
	assert_int_equal(imsgbuf_set_limits(&b, &fds), 0);
	assert_int_equal(imsg_compose(&a, 1, 0, 0, t_fd(NULL), NULL, 0), 1);
	assert_int_equal(imsgbuf_flush(&a), 0);
	assert_int_equal(imsgbuf_read(&b), 1);
	assert_int_equal(imsgbuf_events(&b) & POLLIN, 0);
	bytes.rbytes--;
	assert_errno(imsgbuf_set_limits(&b, &bytes), EINVAL);
	t_unchan(&a, &b);
}

static void
a_dead_peer_is_epipe_never_a_signal(void **state)
{
	struct imsgbuf a, b;
	int pass;

	(void)state;
	for (pass = 0; pass < 2; pass++) {
		t_chan(&a, &b, pass);
		imsgbuf_clear(&b);
		close(b.fd);
		assert_int_equal(imsg_compose(&a, 1, 0, 0, -1, "x", 1), 1);
		assert_errno(imsgbuf_write(&a), EPIPE);
		assert_errno(imsgbuf_flush(&a), EPIPE);
		assert_errno(imsgbuf_flush_timeout(&a, 60000), EPIPE);
		assert_int_equal(imsgbuf_queuebytes(&a), 17);
		imsgbuf_clear(&a);
		close(a.fd);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_bad_length_fails_the_stream_for_good),
		T(recv_gives_what_came_before_the_failure),
		T(clearing_revives_a_failed_stream),
		T(the_descriptor_of_a_bad_message_is_closed),
		T(exact_limits_hold),
		T(memory_follows_the_bytes_not_the_announcement),
		T(a_large_message_arrives_whole),
		T(a_torn_stream_can_be_told_from_a_clean_end),
		T(a_drip_of_single_bytes_is_one_message),
		T(a_flood_meets_back_pressure),
		T(read_limits_count_bytes_and_descriptors),
		T(a_dead_peer_is_epipe_never_a_signal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
