/* SPDX-License-Identifier: ISC */
/*
 * Messages that have arrived and are not fetched: they count, they make room
 * for what follows, and want of memory loses none of them.
 */
#include "testlib.h"

static void
put(struct imsgbuf *a, uint32_t from, uint32_t n, size_t len)
{
	unsigned char p[64];
	uint32_t i;

	for (i = from; i < from + n; i++) {
		t_fill(p, len, i);
		assert_int_equal(imsg_compose(a, i, 0, 0, -1, p, len), 1);
	}
	assert_int_equal(imsgbuf_flush(a), 0);
}

static void
fetch(struct imsgbuf *b, uint32_t from, uint32_t n, size_t len)
{
	struct imsg m;
	uint32_t i;

	for (i = from; i < from + n; i++) {
		assert_int_equal(imsgbuf_get(b, &m), 1);
		assert_int_equal(imsg_get_type(&m), i);
		assert_int_equal(imsg_get_len(&m), len);
		assert_true(t_check(m.data, len, i));
		imsg_free(&m);
	}
}

static void
read_all(struct imsgbuf *b)
{
	while (poll(&(struct pollfd){ b->fd, POLLIN, 0 }, 1, 0) == 1)
		assert_int_equal(imsgbuf_read(b), 1);
}

/* Far more than the input buffer holds, read to the end before any fetch. */
static void
unfetched_messages_make_room_for_more(void **state)
{
	struct imsgbuf a, b;
	struct imsg m;
	uint32_t i;
	size_t len;

	(void)state;
	for (len = 0; len < 64; len += 7) {
		t_chan(&a, &b, (int)len % 2);
		for (i = 0; i < 6000; i += 100) {
			put(&a, i, 100, len);
			read_all(&b);
		}
		fetch(&b, 0, 6000, len);
		assert_int_equal(imsgbuf_get(&b, &m), 0);
		t_unchan(&a, &b);
	}
}

/* Fetched in part between the reads: the order stays. */
static void
fetching_and_reading_may_alternate(void **state)
{
	struct imsgbuf a, b;
	uint32_t sent = 0, got = 0, n;

	(void)state;
	t_seed(7);
	t_chan(&a, &b, 0);
	while (sent < 3000) {
		n = t_rand() % 40;
		put(&a, sent, n, 33);
		sent += n;
		read_all(&b);
		n = t_rand() % (sent - got + 1);
		fetch(&b, got, n, 33);
		got += n;
	}
	fetch(&b, got, sent - got, 33);
	t_unchan(&a, &b);
}

static void
one_read(struct imsgbuf *a, struct imsgbuf *b, const struct imsg_limits *l)
{
	unsigned long calls;

	assert_int_equal(imsgbuf_set_limits(b, l), 0);
	put(a, 0, 4, 0);
	assert_int_equal(imsgbuf_read(b), 1);
	assert_int_equal(imsgbuf_events(b) & POLLIN, 0);
	calls = t_calls.recv;
	assert_int_equal(imsgbuf_read(b), 1);
	assert_int_equal(t_calls.recv, calls);
	assert_int_equal(imsgbuf_partial(b), 0);
	fetch(b, 0, 4, 0);
	assert_true(imsgbuf_events(b) & POLLIN);
}

static void
they_count_against_the_limits_at_once(void **state)
{
	struct imsg_limits msgs = { 0, 0, 0, 0, 4, 0 };
	struct imsg_limits bytes = { 0, 64, 0, 0, 0, 0 };
	struct imsgbuf a, b;

	(void)state;
	t_chan(&a, &b, 0);
	one_read(&a, &b, &msgs);
	b.maxsize = 64;
	one_read(&a, &b, &bytes);
	t_unchan(&a, &b);
}

static void
partial_is_about_the_message_behind_them(void **state)
{
	struct imsgbuf a, b;
	struct imsg_hdr h = { 9, 17, 0, 0 };

	(void)state;
	t_chan(&a, &b, 0);
	put(&a, 0, 2, 3);
	assert_int_equal(imsgbuf_read(&b), 1);
	assert_int_equal(imsgbuf_partial(&b), 0);
	fetch(&b, 0, 1, 3);
	assert_int_equal(imsgbuf_partial(&b), 0);
	fetch(&b, 1, 1, 3);
	put(&a, 0, 2, 3);
	t_put(a.fd, &h, sizeof(h));
	while (imsgbuf_partial(&b) == 0)
		assert_int_equal(imsgbuf_read(&b), 1);
	fetch(&b, 0, 2, 3);
	assert_int_equal(imsgbuf_partial(&b), 1);
	t_unchan(&a, &b);
}

/* The first is made by the read, which can say that there is no memory. */
static void
want_of_memory_shows_in_the_read(void **state)
{
	struct imsgbuf a, b;
	struct imsg m;

	(void)state;
	t_chan(&a, &b, 0);
	put(&a, 0, 2, 3);
	t_fail_alloc(1, 0);
	assert_errno(imsgbuf_read(&b), ENOMEM);
	assert_int_equal(imsgbuf_read(&b), 1);
	fetch(&b, 0, 2, 3);
	put(&a, 0, 2, 3);
	assert_int_equal(imsgbuf_read(&b), 1);
	t_fail_alloc(1, 1);
	assert_int_equal(imsgbuf_get(&b, &m), 1);
	assert_int_equal(imsg_get_type(&m), 0);
	imsg_free(&m);
	/* No memory for the next: it is still there, and nobody says "none" */
	assert_errno(imsgbuf_get(&b, &m), ENOMEM);
	assert_errno(imsg_get(&b, &m), ENOMEM);
	assert_errno(imsgbuf_read(&b), ENOMEM);
	t_fail_alloc(0, 0);
	fetch(&b, 1, 1, 3);
	assert_int_equal(imsgbuf_get(&b, &m), 0);
	t_unchan(&a, &b);
}

/* Lowered while it waits half arrived: the read that looks at it says so. */
static void
a_lowered_limit_concerns_what_is_not_complete(void **state)
{
	struct imsgbuf a, b;
	struct imsg_hdr h = { 9, 60, 0, 0 };
	unsigned long calls;

	(void)state;
	t_chan(&a, &b, 0);
	put(&a, 0, 2, 3);
	t_put(a.fd, &h, sizeof(h));
	assert_int_equal(imsgbuf_read(&b), 1);
	b.maxsize = 30;
	calls = t_calls.recv;
	assert_errno(imsgbuf_read(&b), ERANGE);
	assert_errno(imsgbuf_read(&b), ERANGE);
	assert_int_equal(t_calls.recv, calls);
	fetch(&b, 0, 2, 3);
	t_unchan(&a, &b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(unfetched_messages_make_room_for_more),
		T(fetching_and_reading_may_alternate),
		T(they_count_against_the_limits_at_once),
		T(partial_is_about_the_message_behind_them),
		T(a_lowered_limit_concerns_what_is_not_complete),
		T(want_of_memory_shows_in_the_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
