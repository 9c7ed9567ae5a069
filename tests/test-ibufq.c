/* SPDX-License-Identifier: ISC */
/*
 * A queue owns its ibufs, keeps their order, and joins another in constant
 * time.
 */
#include "testlib.h"

static void
push(struct ibufqueue *q, uint32_t n)
{
	struct ibuf *b = ibuf_open(4);

	assert_non_null(b);
	assert_int_equal(ibuf_add_n32(b, n), 0);
	ibufq_push(q, b);
}

static void
pop(struct ibufqueue *q, uint32_t want)
{
	struct ibuf *b = ibufq_pop(q);
	uint32_t n;

	assert_non_null(b);
	assert_int_equal(ibuf_get_n32(b, &n), 0);
	assert_int_equal(n, want);
	ibuf_free(b);
}

static void
first_in_is_first_out(void **state)
{
	struct ibufqueue *q = ibufq_new();
	uint32_t i;

	(void)state;
	assert_non_null(q);
	assert_int_equal(ibufq_queuelen(q), 0);
	assert_null(ibufq_pop(q));
	for (i = 0; i < 10; i++) {
		push(q, i);
		assert_int_equal(ibufq_queuelen(q), i + 1);
	}
	for (i = 0; i < 5; i++)
		pop(q, i);
	push(q, 10);
	for (i = 5; i < 11; i++)
		pop(q, i);
	assert_int_equal(ibufq_queuelen(q), 0);
	assert_null(ibufq_pop(q));
	ibufq_free(q);
	ibufq_free(NULL);
	t_fail_alloc(1, 0);
	assert_null_errno(ibufq_new(), ENOMEM);
}

static void
what_is_in_it_ends_with_it(void **state)
{
	struct ibufqueue *q = ibufq_new();
	struct ibuf *b;
	int i, before = t_count_fds();

	(void)state;
	for (i = 0; i < 2; i++) {
		b = ibuf_open(i == 0 ? 3 : 0);
		ibuf_fd_set(b, t_fd(NULL));
		ibufq_push(q, b);
		push(q, 1);
		if (i == 0) {
			ibufq_flush(q);
			assert_int_equal(t_count_fds(), before);
			assert_int_equal(ibufq_queuelen(q), 0);
		}
	}
	ibufq_flush(q);
	ibufq_flush(q);
	push(q, 7);
	pop(q, 7);
	push(q, 8);
	ibufq_free(q);
}

static void
concat_moves_all_behind_all(void **state)
{
	struct ibufqueue *a = ibufq_new(), *b = ibufq_new();
	uint32_t i;

	(void)state;
	ibufq_concat(a, b);
	assert_int_equal(ibufq_queuelen(a), 0);
	push(b, 0);
	push(b, 1);
	ibufq_concat(a, b);
	assert_int_equal(ibufq_queuelen(a), 2);
	assert_int_equal(ibufq_queuelen(b), 0);
	assert_null(ibufq_pop(b));
	push(b, 2);
	push(b, 3);
	ibufq_concat(a, b);
	ibufq_concat(a, a);
	ibufq_concat(a, b);
	assert_int_equal(ibufq_queuelen(a), 4);
	push(a, 4);
	push(b, 9);
	pop(b, 9);
	for (i = 0; i < 5; i++)
		pop(a, i);
	ibufq_free(a);
	ibufq_free(b);
}

/*
 * Constant time, shown without a clock: the inner elements are not looked at,
 * or the link that was bent here would lead astray.
 */
static void
concat_looks_at_the_ends_only(void **state)
{
	struct ibufqueue *a = ibufq_new(), *b = ibufq_new();
	struct ibuf *mid, *next, *x[3];
	uint32_t i;

	(void)state;
	for (i = 0; i < 1000; i++)
		push(b, 1000 + i);
	for (i = 0; i < 3; i++) {
		x[i] = ibuf_open(4);
		assert_int_equal(ibuf_add_n32(x[i], i), 0);
		ibufq_push(a, x[i]);
	}
	mid = x[1];
	next = mid->entry.tqe_next;
	mid->entry.tqe_next = (struct ibuf *)(uintptr_t)8;
	t_fail_alloc(0, 0);
	ibufq_concat(b, a);
	assert_int_equal(t_allocs(), 0);
	mid->entry.tqe_next = next;
	assert_int_equal(ibufq_queuelen(b), 1003);
	for (i = 0; i < 1000; i++)
		pop(b, 1000 + i);
	for (i = 0; i < 3; i++)
		pop(b, i);
	ibufq_free(a);
	ibufq_free(b);
}

static void
push_a_view(void *q)
{
	struct ibuf v;

	ibuf_from_buffer(&v, NULL, 0);
	ibufq_push(q, &v);
}

static void
views_are_not_taken_over(void **state)
{
	struct ibufqueue *q = ibufq_new();

	(void)state;
	t_assert_aborts(push_a_view, q);
	ibufq_free(q);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(first_in_is_first_out),
		T(what_is_in_it_ends_with_it),
		T(concat_moves_all_behind_all),
		T(concat_looks_at_the_ends_only),
		T(views_are_not_taken_over),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
