/* SPDX-License-Identifier: ISC */
/*
 * Distinct channels in distinct threads, and messages that are freed in
 * another thread than they came in, after their channel is gone.  Nothing is
 * counted here, so that a race detector sees the library alone.
 */
#include "testlib.h"

#include <pthread.h>

#define THREADS	 4
#define MESSAGES 4000

/* What threads hand to each other; the lock is the program's. */
static struct box {
	pthread_mutex_t lock;
	struct imsg m[THREADS * MESSAGES];
	size_t n;
} box = { PTHREAD_MUTEX_INITIALIZER, { { { 0, 0, 0, 0 }, NULL, NULL } }, 0 };

static size_t
size_of(uint32_t i)
{
	return i % 50 == 0 ? 20000 : i % 300;
}

static void *
exchange(void *arg)
{
	uint32_t id = (uint32_t)(uintptr_t)arg, i, got = 0;
	static __thread unsigned char p[20000];
	struct imsgbuf a, b;
	struct imsg m;
	int s[2];

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, s) == -1 ||
	    imsgbuf_init(&a, s[0]) == -1 || imsgbuf_init(&b, s[1]) == -1 ||
	    imsgbuf_set_maxpayload(&a, 20000) == -1 ||
	    imsgbuf_set_maxpayload(&b, 20000) == -1)
		abort();
	for (i = 0; i < MESSAGES; i++) {
		t_fill(p, size_of(i), i);
		if (imsg_compose(&a, i, id, 0, -1, p, size_of(i)) != 1 ||
		    (i % 7 == 0 && imsgbuf_flush(&a) == -1))
			abort();
		while (imsgbuf_queuelen(&a) == 0 && got <= i) {
			if (imsgbuf_recv(&b, &m, -1) != 1)
				abort();
			got++;
			pthread_mutex_lock(&box.lock);
			box.m[box.n++] = m;
			pthread_mutex_unlock(&box.lock);
		}
	}
	if (imsgbuf_flush(&a) == -1)
		abort();
	for (; got < MESSAGES; got++) {
		if (imsgbuf_recv(&b, &m, -1) != 1)
			abort();
		pthread_mutex_lock(&box.lock);
		box.m[box.n++] = m;
		pthread_mutex_unlock(&box.lock);
	}
	imsgbuf_clear(&a);
	imsgbuf_clear(&b);
	close(s[0]);
	close(s[1]);
	return NULL;
}

/* Frees what others received, also of channels that are gone by now. */
static void *
free_some(void *arg)
{
	size_t *bad = arg, freed = 0;
	struct imsg m;

	while (freed < (size_t)THREADS * MESSAGES) {
		pthread_mutex_lock(&box.lock);
		m.buf = NULL;
		if (freed < box.n)
			m = box.m[freed];
		pthread_mutex_unlock(&box.lock);
		if (m.buf == NULL) {
			(void)poll(NULL, 0, 1);
			continue;
		}
		if (imsg_get_len(&m) != size_of(m.hdr.type) ||
		    !t_check(m.data, imsg_get_len(&m), m.hdr.type))
			(*bad)++;
		imsg_free(&m);
		freed++;
	}
	return NULL;
}

static void
a_message_may_be_freed_in_another_thread(void **state)
{
	pthread_t t[THREADS + 1];
	size_t bad = 0;
	int i, fds = t_count_fds();

	(void)state;
	assert_int_equal(pthread_create(&t[THREADS], NULL, free_some, &bad), 0);
	for (i = 0; i < THREADS; i++)
		assert_int_equal(
		    pthread_create(&t[i], NULL, exchange, (void *)(uintptr_t)i),
		    0);
	for (i = 0; i <= THREADS; i++)
		assert_int_equal(pthread_join(t[i], NULL), 0);
	assert_int_equal(box.n, THREADS * MESSAGES);
	assert_int_equal(bad, 0);
	assert_int_equal(t_count_fds(), fds);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_message_may_be_freed_in_another_thread),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
