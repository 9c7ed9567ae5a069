/* SPDX-License-Identifier: ISC */
/*
 * The table of pending calls alone: its source is part of this program, with
 * an allocator that counts and can fail.
 */
#define _POSIX_C_SOURCE 200809L
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

static size_t live, allocations, fail_at;

static int
must_fail(void)
{
	if (++allocations != fail_at)
		return 0;
	errno = ENOMEM;
	return 1;
}

static void *
test_get(void *old, size_t n, size_t size)
{
	void *p;

	if (must_fail())
		return NULL;
	p = old == NULL ? calloc(n, size) : realloc(old, n * size);
	assert_non_null(p);
	live += old == NULL;
	return p;
}

static void
test_free_one(void *p)
{
	live -= p != NULL;
	free(p);
}

#define malloc(n)     test_get(NULL, 1, n)
#define calloc(n, s)  test_get(NULL, n, s)
#define realloc(p, n) test_get(p, 1, n)
#define free(p)	      test_free_one(p)
#include "../../loop/call-table.c"
#undef malloc
#undef calloc
#undef realloc
#undef free

#define UPPER 0x80000000U

static struct call *
start(struct call_table *t, int64_t due)
{
	struct call *c = imsgcalli_make(t, due);

	if (c != NULL)
		imsgcalli_add(t, c);
	return c;
}

static void
finds_by_number(void **state)
{
	struct call_table t;
	struct call *c[3];
	int i;

	(void)state;
	imsgcalli_table_init(&t, 0, 7);
	assert_null(imsgcalli_find(&t, 1));
	for (i = 0; i < 3; i++)
		assert_non_null(c[i] = start(&t, CALL_NEVER));
	assert_int_equal(t.n, 3);
	for (i = 0; i < 3; i++)
		assert_ptr_equal(imsgcalli_find(&t, c[i]->number), c[i]);
	assert_null(imsgcalli_find(&t, 0));
	assert_null(imsgcalli_find(&t, 4));
	assert_null(imsgcalli_find(&t, UPPER | 1));
	imsgcalli_end(&t, c[1]);
	assert_null(imsgcalli_find(&t, 2));
	assert_ptr_equal(imsgcalli_find(&t, 1), c[0]);
	assert_ptr_equal(imsgcalli_find(&t, 3), c[2]);
	imsgcalli_table_clear(&t);
	assert_int_equal(live, 0);
}

static void
numbers_go_round_their_half_and_skip_what_is_pending(void **state)
{
	struct call_table t;

	(void)state;
	imsgcalli_table_init(&t, 0, 1);
	assert_int_equal(start(&t, CALL_NEVER)->number, 1);
	assert_int_equal(start(&t, CALL_NEVER)->number, 2);
	t.last_number = 0x7ffffffe;
	assert_int_equal(start(&t, CALL_NEVER)->number, 0x7fffffff);
	assert_int_equal(start(&t, CALL_NEVER)->number, 3);
	imsgcalli_table_clear(&t);

	imsgcalli_table_init(&t, UPPER, 1);
	assert_int_equal(start(&t, CALL_NEVER)->number, UPPER);
	assert_int_equal(start(&t, CALL_NEVER)->number, UPPER + 1);
	t.last_number = 0xffffffff;
	assert_int_equal(start(&t, CALL_NEVER)->number, UPPER + 2);
	imsgcalli_table_clear(&t);
	assert_int_equal(live, 0);
}

static void
an_ended_number_is_not_the_next_one(void **state)
{
	struct call_table t;
	uint32_t number, before = 0;
	int i;

	(void)state;
	imsgcalli_table_init(&t, 0, 1);
	for (i = 0; i < 100000; i++) {
		struct call *c = start(&t, CALL_NEVER);

		number = c->number;
		assert_int_equal(number, before + 1);
		before = number;
		imsgcalli_end(&t, c);
	}
	/* The memory of a call is the next one's, too. */
	assert_true(allocations < 1000);
	imsgcalli_table_clear(&t);
	assert_int_equal(live, 0);
}

static void
nearest_deadline_comes_first(void **state)
{
	static const int64_t due[] = { 50, 10, CALL_NEVER, 40, 10, 30, 20 };
	static const int64_t order[] = { 10, 10, 20, 30, 40, 50 };
	struct call_table t;
	struct call *c;
	size_t i;

	(void)state;
	imsgcalli_table_init(&t, 0, 1);
	assert_null(imsgcalli_nearest(&t));
	for (i = 0; i < 7; i++)
		assert_non_null(start(&t, due[i]));
	for (i = 0; i < 6; i++) {
		assert_non_null(c = imsgcalli_nearest(&t));
		assert_int_equal(c->due, order[i]);
		imsgcalli_end(&t, c);
	}
	assert_null(imsgcalli_nearest(&t));
	assert_int_equal(t.n, 1);
	imsgcalli_table_clear(&t);
	assert_int_equal(live, 0);
}

static void
list_keeps_the_order_of_the_start(void **state)
{
	struct call_table t;
	struct call *c[6];
	int i;

	(void)state;
	imsgcalli_table_init(&t, 0, 1);
	for (i = 0; i < 6; i++)
		c[i] = start(&t, 100 - i);
	imsgcalli_end(&t, c[0]);
	imsgcalli_end(&t, c[3]);
	imsgcalli_end(&t, c[5]);
	assert_ptr_equal(t.first, c[1]);
	assert_ptr_equal(c[1]->next, c[2]);
	assert_ptr_equal(c[2]->next, c[4]);
	assert_null(c[4]->next);
	assert_ptr_equal(t.last, c[4]);
	imsgcalli_table_clear(&t);
	assert_int_equal(live, 0);
}

static void
a_dropped_call_leaves_nothing(void **state)
{
	struct call_table t;
	struct call *c;

	(void)state;
	imsgcalli_table_init(&t, 0, 1);
	assert_non_null(c = imsgcalli_make(&t, 5));
	errno = EDOM;
	imsgcalli_drop(&t, c);
	assert_int_equal(errno, EDOM);
	assert_int_equal(t.n, 0);
	assert_null(imsgcalli_nearest(&t));
	assert_null(imsgcalli_find(&t, 1));
	imsgcalli_table_clear(&t);
	assert_int_equal(live, 0);
}

/* Every allocation fails once; what was there before is there after. */
static void
failed_allocations_change_nothing(void **state)
{
	struct call_table t;
	size_t i, failed = 0, done;

	(void)state;
	for (i = 1;; i++) {
		imsgcalli_table_init(&t, 0, 1);
		allocations = 0;
		fail_at = i;
		for (done = 0; done < 300; done++) {
			if (start(&t, (int64_t)(done * 37 % 100)) != NULL)
				continue;
			assert_int_equal(errno, ENOMEM);
			assert_int_equal(t.n, done);
			assert_int_equal(t.nheap, done);
			failed++;
			assert_non_null(start(&t, (int64_t)(done % 100)));
		}
		while (t.first != NULL) {
			errno = EDOM;
			assert_ptr_equal(
			    imsgcalli_find(&t, t.first->number), t.first);
			imsgcalli_end(&t, imsgcalli_nearest(&t));
			assert_int_equal(errno, EDOM);
		}
		imsgcalli_table_clear(&t);
		assert_int_equal(live, 0);
		if (allocations < i)
			break;
	}
	fail_at = 0;
	assert_true(failed >= 300);
}

static void
memory_of_a_burst_is_given_back(void **state)
{
	struct call_table t;
	int i;

	(void)state;
	imsgcalli_table_init(&t, 0, 1);
	for (i = 0; i < 65536; i++)
		assert_non_null(start(&t, i));
	while (t.first != NULL)
		imsgcalli_end(&t, t.last);
	assert_true(t.nbuckets <= 256 && t.heap_room <= 256);
	assert_true(live <= 3);
	imsgcalli_table_clear(&t);
	assert_int_equal(live, 0);
}

static size_t
longest_chain(const struct call_table *t)
{
	size_t b, n, most = 0;
	const struct call *c;

	for (b = 0; b < t->nbuckets; b++) {
		for (n = 0, c = t->bucket[b]; c != NULL; c = c->chain)
			n++;
		most = n > most ? n : most;
	}
	return most;
}

/* Whatever the stride of the numbers that stay, and whatever the key. */
static void
chains_stay_short(void **state)
{
	static const uint32_t strides[] = { 1, 2, 64, 4096, 65536, 32767 };
	static const uint32_t keys[] = { 0, 1, 0xdeadbeef };
	struct call_table t;
	size_t s, k;
	int i;

	(void)state;
	for (s = 0; s < 6; s++)
		for (k = 0; k < 3; k++) {
			imsgcalli_table_init(&t, 0, keys[k]);
			for (i = 0; i < 16384; i++) {
				assert_non_null(start(&t, CALL_NEVER));
				t.last_number += strides[s] - 1;
			}
			assert_true(longest_chain(&t) <= 12);
			imsgcalli_table_clear(&t);
		}
	assert_int_equal(live, 0);
}

static uint64_t
rnd(uint64_t *s)
{
	*s ^= *s << 13;
	*s ^= *s >> 7;
	*s ^= *s << 17;
	return *s;
}

static void
check_heap(const struct call_table *t)
{
	size_t i;

	for (i = 0; i < t->nheap; i++) {
		assert_int_equal(t->heap[i]->place, i);
		if (i > 0)
			assert_true(
			    t->heap[(i - 1) / 2]->due <= t->heap[i]->due);
	}
}

/* Against an array that is searched from end to end. */
static void
behaves_as_a_plain_list_of_calls(void **state)
{
	enum { MOST = 300, STEPS = 60000 };
	static struct call *model[MOST];
	uint64_t seed = 20261126;
	struct call_table t;
	size_t n = 0, i, k;
	int step;

	(void)state;
	printf("# seed %llu\n", (unsigned long long)seed);
	imsgcalli_table_init(&t, UPPER, 99);
	for (step = 0; step < STEPS; step++) {
		/* Grows and shrinks in long waves. */
		if (rnd(&seed) % 100 < (step / 3000 % 2 ? 30U : 70U) &&
		    n < MOST) {
			int64_t due = rnd(&seed) % 4 == 0 ?
			    CALL_NEVER :
			    (int64_t)(rnd(&seed) % 50);

			assert_non_null(model[n++] = start(&t, due));
		} else if (n > 0) {
			i = rnd(&seed) % n;
			assert_ptr_equal(
			    imsgcalli_find(&t, model[i]->number), model[i]);
			imsgcalli_end(&t, model[i]);
			memmove(&model[i], &model[i + 1],
			    (--n - i) * sizeof(model[0]));
		}
		assert_int_equal(t.n, n);
		if (step % 64 == 0) {
			const struct call *c = t.first;

			for (k = 0; k < n; k++, c = c->next)
				assert_ptr_equal(c, model[k]);
			assert_null(c);
			check_heap(&t);
		}
	}
	imsgcalli_table_clear(&t);
	assert_int_equal(live, 0);
}

static double
seconds(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* Starts n, ends half in odd order, lets the others expire. */
static double
campaign(int n)
{
	double before = seconds();
	struct call_table t;
	struct call *c;
	int i;

	imsgcalli_table_init(&t, 0, 12345);
	for (i = 0; i < n; i++)
		assert_non_null(start(&t, (int64_t)i * 7919 % 65537));
	for (i = 0; i < n; i += 2) {
		c = imsgcalli_find(&t, (uint32_t)((i + n / 2) % n) + 1);
		imsgcalli_end(&t, c);
	}
	while ((c = imsgcalli_nearest(&t)) != NULL)
		imsgcalli_end(&t, c);
	assert_int_equal(t.n, 0);
	imsgcalli_table_clear(&t);
	return seconds() - before;
}

/* Sixteen times as many: some 21 times the work; a square would be 256. */
static void
costs_n_log_n_with_65536_pending(void **state)
{
	double few = 0, many;
	int i;

	(void)state;
	for (i = 0; i < 16; i++)
		few += campaign(4096);
	many = campaign(65536);
	printf("# %.0f ns a call with 4096, %.0f with 65536\n",
	    few / 65536 * 1e9, many / 65536 * 1e9);
	assert_true(many < few * 6);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_by_number),
		cmocka_unit_test(
		    numbers_go_round_their_half_and_skip_what_is_pending),
		cmocka_unit_test(an_ended_number_is_not_the_next_one),
		cmocka_unit_test(nearest_deadline_comes_first),
		cmocka_unit_test(list_keeps_the_order_of_the_start),
		cmocka_unit_test(a_dropped_call_leaves_nothing),
		cmocka_unit_test(failed_allocations_change_nothing),
		cmocka_unit_test(memory_of_a_burst_is_given_back),
		cmocka_unit_test(chains_stay_short),
		cmocka_unit_test(behaves_as_a_plain_list_of_calls),
		cmocka_unit_test(costs_n_log_n_with_65536_pending),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
