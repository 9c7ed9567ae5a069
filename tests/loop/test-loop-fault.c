/* SPDX-License-Identifier: ISC */
/*
 * Want of memory at every place where the library allocates: what fails says
 * ENOMEM and leaves nothing behind; what goes on loses nothing.
 *
 * The linker diverts the allocating functions of both libraries, which are
 * linked in as they are.
 */
#include "looplib.h"

static long allocations, fail_from = -1, fail_to, live;
static size_t largest; /* that was asked of realloc(3) */

static int
must_fail(void)
{
	allocations++;
	if (fail_from < 0 || allocations < fail_from || allocations >= fail_to)
		return 0;
	errno = ENOMEM;
	return 1;
}

/* clang-format off: the names are the linker's. */
void *__real_malloc(size_t);
void *__real_calloc(size_t, size_t);
void *__real_realloc(void *, size_t);
void __real_free(void *);
void *__wrap_malloc(size_t);
void *__wrap_calloc(size_t, size_t);
void *__wrap_realloc(void *, size_t);
void __wrap_free(void *);
/* clang-format on */

void *
__wrap_malloc(size_t n)
{
	void *p = must_fail() ? NULL : __real_malloc(n);

	live += p != NULL;
	return p;
}

void *
__wrap_calloc(size_t n, size_t size)
{
	void *p = must_fail() ? NULL : __real_calloc(n, size);

	live += p != NULL;
	return p;
}

void *
__wrap_realloc(void *old, size_t n)
{
	void *p = must_fail() ? NULL : __real_realloc(old, n);

	live += p != NULL && old == NULL;
	largest = n > largest ? n : largest;
	return p;
}

void
__wrap_free(void *p)
{
	live -= p != NULL;
	__real_free(p);
}

#define QUESTIONS 12
#define LARGE	  100000

struct end {
	struct imsgloop_chan *c;
	uint32_t seen;
	int asks, ended, why, error, descriptors;
};

static char bytes[LARGE];

/* Some small, some large, some with a descriptor.  Failed, it is done again. */
static void
send_one(struct end *e, uint32_t type)
{
	size_t len = type % 4 == 3 ? LARGE : type;
	int fd = -1, r;

	if (type % 3 == 1)
		fd = l_fd();
	do {
		r = imsgloop_compose(e->c, type, 0, 0, fd, bytes, len);
		if (r == -1)
			assert_int_equal(errno, ENOMEM);
	} while (r == -1);
}

static void
on_message(struct imsgloop_chan *c, struct imsg *m, void *arg)
{
	struct end *e = arg;

	assert_int_equal(imsg_get_type(m), e->seen + 1);
	e->seen++;
	e->descriptors += imsg_fd_status(m) == IMSG_FD_PRESENT;
	if (!e->asks)
		send_one(e, e->seen);
	else if (e->seen < QUESTIONS)
		send_one(e, e->seen + 1);
	else
		assert_int_equal(imsgloop_close(c, -1), 0);
}

static void
on_ended(struct imsgloop_chan *c, int why, int error, void *arg)
{
	struct end *e = arg;

	(void)c;
	e->ended++;
	e->why = why;
	e->error = error;
}

static const struct imsgloop_cb cb = { on_message, on_ended, NULL };

static int
enter(struct imsgloop *loop, struct end *e, int fd)
{
	if ((e->c = imsgloop_open(loop, fd, &cb, e)) == NULL) {
		assert_int_equal(errno, ENOMEM);
		(void)close(fd);
		return -1;
	}
	return imsgbuf_set_maxpayload(imsgloop_imsgbuf(e->c), LARGE);
}

/* 0: failed before it began. */
static int
conversation(void)
{
	struct end a = { .asks = 1 }, b = { .asks = 0 };
	struct imsgloop *loop;
	int s[2];

	l_pair(s);
	if ((loop = imsgloop_poll_new()) == NULL) {
		assert_int_equal(errno, ENOMEM);
		(void)close(s[0]);
		(void)close(s[1]);
		return 0;
	}
	if (enter(loop, &a, s[0]) == -1) {
		(void)close(s[1]);
		imsgloop_poll_free(loop);
		return 0;
	}
	if (enter(loop, &b, s[1]) == -1) {
		imsgloop_detach(a.c);
		imsgloop_poll_free(loop);
		return 0;
	}
	send_one(&a, 1);
	assert_int_equal(imsgloop_poll_run(loop), 0);
	imsgloop_poll_free(loop);
	assert_int_equal(a.seen, QUESTIONS);
	assert_int_equal(b.seen, QUESTIONS);
	assert_int_equal(a.descriptors, 4);
	assert_int_equal(b.descriptors, 4);
	assert_int_equal(a.ended, 1);
	assert_int_equal(a.why, IMSGLOOP_CLOSED);
	assert_int_equal(a.error, 0);
	assert_int_equal(b.ended, 1);
	assert_int_equal(b.why, IMSGLOOP_EOF);
	return 1;
}

/* Each allocation fails, alone or with some after it. */
static void
at_each_place(long together)
{
	long n, before, fds = l_count_fds();
	int begun = 0, not_begun = 0;

	for (n = 1;; n++) {
		before = live;
		allocations = 0;
		fail_from = n;
		fail_to = n + together;
		if (conversation())
			begun++;
		else
			not_begun++;
		fail_from = -1;
		assert_int_equal(live, before);
		assert_int_equal(l_count_fds(), fds);
		if (allocations < n)
			break;
	}
	print_message("%ld places, %d at the start\n", n - 1, not_begun);
	assert_true(not_begun >= 6);
	assert_true(begun > 10);
}

static void
one_allocation_that_fails_leaves_nothing_and_loses_nothing(void **state)
{
	(void)state;
	at_each_place(1);
}

static void
several_that_fail_leave_nothing_and_lose_nothing(void **state)
{
	(void)state;
	at_each_place(3);
}

static void
ignore(struct imsgloop_watch *w, short revents)
{
	(void)w;
	(void)revents;
}

/* So many that every table grows, and none may: in, or not at all. */
static void
watches_without_memory_are_not_added(void **state)
{
	struct imsgloop_watch w[40];
	struct imsgloop *loop;
	long n, added, before = live;
	int i, fd = l_fd();

	(void)state;
	for (n = 1;; n++) {
		loop = imsgloop_poll_new();
		memset(w, 0, sizeof(w));
		allocations = 0;
		fail_from = n;
		fail_to = n + 1;
		for (i = 0, added = 0; i < 40; i++) {
			if (imsgloop_watch(loop, &w[i], fd, ignore, NULL) == 0)
				added++;
			else
				assert_int_equal(errno, ENOMEM);
		}
		fail_from = -1;
		assert_int_equal(added, allocations < n ? 40 : 39);
		for (i = 0; i < 40; i++)
			imsgloop_unwatch(&w[i]);
		imsgloop_poll_free(loop);
		assert_int_equal(live, before);
		if (allocations < n)
			break;
	}
	assert_true(n > 40);
	(void)close(fd);
}

/* As where imsgcall_wait() is used with a loop that does not run. */
static void
watches_that_come_and_go_without_a_turn_need_no_more_memory(void **state)
{
	struct imsgloop *loop = imsgloop_poll_new();
	struct imsgloop_watch w[40];
	int i, fd = l_fd();
	size_t n;

	(void)state;
	memset(w, 0, sizeof(w));
	largest = 0;
	for (i = 0; i < 20000; i++) {
		n = i % 3 == 0 ? 0 : (size_t)i % 40;
		imsgloop_unwatch(&w[n]);
		assert_int_equal(
		    imsgloop_watch(loop, &w[n], fd, ignore, NULL), 0);
		assert_int_equal(imsgloop_set(&w[n], POLLIN, -1), 0);
	}
	assert_true(largest < 4096);
	for (i = 0; i < 40; i++)
		imsgloop_unwatch(&w[i]);
	imsgloop_poll_free(loop);
	(void)close(fd);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    one_allocation_that_fails_leaves_nothing_and_loses_nothing),
		cmocka_unit_test(
		    several_that_fail_leave_nothing_and_lose_nothing),
		cmocka_unit_test(watches_without_memory_are_not_added),
		cmocka_unit_test(
		    watches_that_come_and_go_without_a_turn_need_no_more_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
