/* SPDX-License-Identifier: ISC */
/*
 * A whole exchange with every allocation failing in turn, once and from then
 * on for good: the error is ENOMEM, nothing is lost, and the stream goes on.
 */
#include "testlib.h"

#define MESSAGES 6
#define LARGE	 150000

static unsigned char data[LARGE];

static size_t
size_of(uint32_t i)
{
	static const size_t sizes[MESSAGES] = { 3, 0, 40000, 100, LARGE, 7 };

	return sizes[i];
}

static int
has_fd(uint32_t i)
{
	return i == 1 || i == 3 || i == 4;
}

/* Composes message i, again if memory was short; how often it was. */
static int
compose(struct imsgbuf *a, uint32_t i, uint64_t *id)
{
	int fd = has_fd(i) ? t_fd(id) : -1, failures = 0;
	uint32_t len = imsgbuf_queuelen(a);
	size_t bytes = imsgbuf_queuebytes(a);

	while (imsg_compose(a, i, 0, 0, fd, data, size_of(i)) == -1) {
		assert_int_equal(errno, ENOMEM);
		assert_int_equal(imsgbuf_queuelen(a), len);
		assert_int_equal(imsgbuf_queuebytes(a), bytes);
		if (fd != -1)
			assert_true(fcntl(fd, F_GETFD) != -1);
		failures++;
		t_fail_alloc(0, 0);
	}
	return failures;
}

static int
step(struct imsgbuf *a, struct imsgbuf *b)
{
	assert_int_equal(imsgbuf_write(a), 0);
	if (imsgbuf_read(b) == 1)
		return 0;
	assert_int_equal(errno, ENOMEM);
	assert_int_equal(imsgbuf_failed(b, NULL), 0);
	t_fail_alloc(0, 0);
	return 1;
}

static void
verify(struct imsg *m, uint32_t i, uint64_t id)
{
	int fd = imsg_get_fd(m);

	assert_int_equal(imsg_get_type(m), i);
	assert_int_equal(imsg_get_len(m), size_of(i));
	if (size_of(i) > 0)
		assert_memory_equal(m->data, data, size_of(i));
	assert_int_equal(fd != -1, has_fd(i));
	if (fd != -1) {
		assert_int_equal(t_fd_id(fd), id);
		close(fd);
	}
}

/* The exchange with the n-th allocation failing; how many failed. */
static int
exchange(long n, int forever)
{
	struct imsgbuf a, b;
	struct imsg m;
	uint64_t id[MESSAGES] = { 0 };
	uint32_t i;
	int failures = 0, r;

	t_chan(&a, &b, 1);
	t_nonblock(a.fd);
	t_nonblock(b.fd);
	assert_int_equal(imsgbuf_set_maxpayload(&a, LARGE), 0);
	assert_int_equal(imsgbuf_set_maxpayload(&b, LARGE), 0);
	t_fail_alloc(n, forever);
	for (i = 0; i < MESSAGES; i++)
		failures += compose(&a, i, &id[i]);
	for (i = 0; i < MESSAGES; i++) {
		while ((r = imsgbuf_get(&b, &m)) != 1) {
			if (r == 0) {
				failures += step(&a, &b);
				continue;
			}
			assert_int_equal(errno, ENOMEM);
			failures++;
			t_fail_alloc(0, 0);
		}
		verify(&m, i, id[i]);
		imsg_free(&m);
	}
	assert_int_equal(imsgbuf_queuelen(&a), 0);
	t_unchan(&a, &b);
	return failures;
}

static void
every_allocation_may_fail(int forever)
{
	long n, last, total = 0;

	t_fill(data, sizeof(data), 1);
	assert_int_equal(exchange(0, 0), 0);
	last = t_allocs();
	assert_true(last > MESSAGES / 2);
	for (n = 1; n <= last; n++)
		total += exchange(n, forever);
	print_message("%ld allocations failed\n", total);
	/* Chunks are a wish, too: without one a message gets an ibuf. */
	assert_true(total >= last / 2);
}

static void
an_exchange_survives_each_allocation_failing_once(void **state)
{
	(void)state;
	every_allocation_may_fail(0);
}

static void
an_exchange_survives_each_allocation_failing_for_good(void **state)
{
	(void)state;
	every_allocation_may_fail(1);
}

/* Every function that allocates, with nothing left at all. */
static void
without_memory_every_function_says_enomem(void **state)
{
	struct imsgbuf b;
	struct ibuf *p = ibuf_dynamic(2, 1000), *q;
	struct imsgbuf c;

	(void)state;
	assert_int_equal(imsgbuf_init(&b, -1), 0);
	assert_int_equal(ibuf_add(p, "ab", 2), 0);
	q = ibuf_dynamic(0, 10);
	t_fail_alloc(1, 1);
	assert_null_errno(ibuf_open(1), ENOMEM);
	assert_null_errno(ibuf_open(0), ENOMEM);
	assert_null_errno(ibuf_dynamic(0, 1), ENOMEM);
	assert_null_errno(ibuf_reserve(p, 1), ENOMEM);
	assert_errno(ibuf_add(p, "c", 1), ENOMEM);
	assert_errno(ibuf_add_zero(p, 1), ENOMEM);
	assert_errno(ibuf_add_ibuf(q, p), ENOMEM);
	assert_errno(ibuf_add_n8(p, 1), ENOMEM);
	assert_errno(ibuf_add_n16(p, 1), ENOMEM);
	assert_errno(ibuf_add_n32(p, 1), ENOMEM);
	assert_errno(ibuf_add_n64(p, 1), ENOMEM);
	assert_errno(ibuf_add_h16(p, 1), ENOMEM);
	assert_errno(ibuf_add_h32(p, 1), ENOMEM);
	assert_errno(ibuf_add_h64(p, 1), ENOMEM);
	assert_errno(ibuf_add_strbuf(p, "a", 2), ENOMEM);
	assert_errno(ibuf_truncate(p, 9), ENOMEM);
	assert_null_errno(ibuf_get_string(p, 1), ENOMEM);
	assert_null_errno(ibufq_new(), ENOMEM);
	assert_null_errno(msgbuf_new(), ENOMEM);
	assert_errno(imsgbuf_init(&c, -1), ENOMEM);
	assert_null_errno(imsg_create(&b, 1, 0, 0, 0), ENOMEM);
	assert_errno(imsg_compose(&b, 1, 0, 0, -1, "x", 1), ENOMEM);
	assert_errno(imsg_composev(&b, 1, 0, 0, -1, NULL, 0), ENOMEM);
	assert_errno(imsg_compose_ibuf(&b, 1, 0, 0, q), ENOMEM);
	assert_int_equal(imsgbuf_queuelen(&b), 0);
	assert_int_equal(ibuf_size(p), 2);
	assert_memory_equal(ibuf_data(p), "ab", 2);
	t_fail_alloc(0, 0);
	assert_int_equal(ibuf_add(p, "c", 1), 0);
	ibuf_free(p);
	imsgbuf_clear(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(an_exchange_survives_each_allocation_failing_once),
		T(an_exchange_survives_each_allocation_failing_for_good),
		T(without_memory_every_function_says_enomem),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
