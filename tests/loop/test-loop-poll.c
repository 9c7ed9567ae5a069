/* SPDX-License-Identifier: ISC */
/*
 * The loop on poll(2): what only it has, and its timers to the last one.
 */
#include "looplib.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/time.h>

struct seen {
	struct imsgloop_watch w;
	int times;
	void (*then)(struct seen *);
	struct imsgloop *loop;
	int64_t *due;
};

static void
on_ready(struct imsgloop_watch *w, short revents)
{
	struct seen *s = w->arg;

	(void)revents;
	s->times++;
	if (s->then != NULL)
		s->then(s);
}

static void
watch(struct seen *s, int fd, short events, int ms)
{
	assert_int_equal(imsgloop_watch(s->loop, &s->w, fd, on_ready, s), 0);
	assert_int_equal(imsgloop_set(&s->w, events, ms), 0);
}

static struct imsgloop *
new_loop(void)
{
	struct imsgloop *l = imsgloop_poll_new();

	assert_non_null(l);
	return l;
}

static void
out(struct seen *s)
{
	imsgloop_unwatch(&s->w);
}

static void
a_run_ends_when_nothing_is_left_to_wait_for(void **state)
{
	struct seen a = { .loop = new_loop(), .then = out };
	struct seen b = { .loop = a.loop };
	int fd = l_fd();

	(void)state;
	assert_int_equal(imsgloop_poll_run(a.loop), 0);
	watch(&a, fd, POLLIN, -1);
	watch(&b, -1, 0, 5);
	assert_int_equal(imsgloop_poll_run(a.loop), 0);
	assert_int_equal(a.times, 1);
	assert_int_equal(b.times, 1);
	/* In the loop, but waiting for nothing; not any more. */
	assert_int_equal(imsgloop_set(&b.w, 0, 60000), 0);
	assert_int_equal(imsgloop_set(&b.w, 0, -1), 0);
	watch(&a, fd, 0, -1);
	assert_int_equal(imsgloop_poll_run(a.loop), 0);
	out(&a);
	out(&b);
	imsgloop_poll_free(a.loop);
	(void)close(fd);
}

static void
stop(struct seen *s)
{
	imsgloop_poll_stop(s->loop);
}

static void
a_run_ends_after_the_turn_in_which_it_is_stopped(void **state)
{
	struct seen a = { .loop = new_loop(), .then = stop };
	struct seen b = { .loop = a.loop };
	int fd = l_fd();

	(void)state;
	watch(&a, fd, POLLIN, -1);
	watch(&b, fd, POLLOUT, -1);
	assert_int_equal(imsgloop_poll_run(a.loop), 0);
	assert_int_equal(imsgloop_poll_run(a.loop), 0);
	assert_int_equal(a.times, 2);
	assert_int_equal(b.times, 2);
	out(&a);
	out(&b);
	imsgloop_poll_free(a.loop);
	(void)close(fd);
}

static void
turn_within(struct seen *s)
{
	struct pollfd p;
	int ms = -1;

	assert_errno(imsgloop_poll_turn(s->loop, 0), EBUSY);
	assert_errno(imsgloop_poll_run(s->loop), EBUSY);
	assert_int_equal(imsgloop_poll_fill(s->loop, &p, 1, &ms), 1);
	assert_errno(imsgloop_poll_handle(s->loop, &p, 1), EBUSY);
}

static void
a_turn_within_a_turn_is_refused(void **state)
{
	struct seen a = { .loop = new_loop(), .then = turn_within };
	int fd = l_fd();

	(void)state;
	watch(&a, fd, POLLIN, -1);
	assert_int_equal(imsgloop_poll_turn(a.loop, -1), 1);
	assert_int_equal(a.times, 1);
	out(&a);
	imsgloop_poll_free(a.loop);
	(void)close(fd);
}

static void
free_it(struct seen *s)
{
	imsgloop_unwatch(&s->w);
	imsgloop_poll_free(s->loop);
}

static void
a_loop_that_is_freed_in_a_callback_lasts_for_the_turn(void **state)
{
	struct pollfd p;
	int i, ms, fd = l_fd();

	(void)state;
	for (i = 0; i < 4; i++) {
		struct seen a = { .loop = new_loop(), .then = free_it };

		if (i == 3)
			watch(&a, -1, 0, 1);
		else
			watch(&a, fd, POLLIN, -1);
		if (i == 0) {
			assert_int_equal(imsgloop_poll_turn(a.loop, -1), 1);
		} else if (i == 1) {
			ms = -1;
			assert_int_equal(
			    imsgloop_poll_fill(a.loop, &p, 1, &ms), 1);
			assert_int_equal(poll(&p, 1, ms), 1);
			assert_int_equal(
			    imsgloop_poll_handle(a.loop, &p, 1), 1);
		} else {
			assert_int_equal(imsgloop_poll_run(a.loop), 0);
		}
		assert_int_equal(a.times, 1);
	}
	imsgloop_poll_free(NULL);
	(void)close(fd);
}

static void
nothing(int sig)
{
	(void)sig;
}

static void
a_signal_ends_the_turn_without_error(void **state)
{
	const struct itimerval every = { { 0, 10000 }, { 0, 10000 } };
	const struct itimerval never = { { 0, 0 }, { 0, 0 } };
	struct seen a = { .loop = new_loop() };
	struct sigaction sa, old;

	(void)state;
	memset(&sa, 0, sizeof(sa));
	sa.sa_handler = nothing;
	watch(&a, -1, 0, 60000);
	assert_int_equal(sigaction(SIGALRM, &sa, &old), 0);
	assert_int_equal(setitimer(ITIMER_REAL, &every, NULL), 0);
	assert_int_equal(imsgloop_poll_turn(a.loop, -1), 0);
	assert_int_equal(setitimer(ITIMER_REAL, &never, NULL), 0);
	assert_int_equal(sigaction(SIGALRM, &old, NULL), 0);
	out(&a);
	imsgloop_poll_free(a.loop);
}

static void
a_turn_lasts_as_long_as_it_may(void **state)
{
	struct seen a = { .loop = new_loop() };
	int64_t start = l_now();

	(void)state;
	watch(&a, -1, 0, 60000);
	assert_int_equal(imsgloop_poll_turn(a.loop, 25), 0);
	assert_in_range(l_now() - start, 24, 20000);
	assert_int_equal(imsgloop_set(&a.w, 0, 5), 0);
	assert_int_equal(imsgloop_poll_turn(a.loop, -1), 1);
	assert_int_equal(imsgloop_set(&a.w, 0, 60000), 0);
	assert_int_equal(imsgloop_poll_turn(a.loop, 0), 0);
	out(&a);
	imsgloop_poll_free(a.loop);
}

/* More entries than there may be descriptors, where the kernel minds. */
static void
poll_says_what_is_wrong(void **state)
{
	struct seen s[20] = { { .times = 0 } };
	struct pollfd pfd[20] = { { .events = POLLIN } };
	struct rlimit old, few;
	int i, r, e, minds;

	(void)state;
	s[0].loop = new_loop();
	for (i = 0; i < 20; i++) {
		s[i].loop = s[0].loop;
		s[i].then = stop;
		watch(&s[i], 0, POLLIN, -1);
	}
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
	few = old;
	few.rlim_cur = 10;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
	minds = poll(pfd, 20, 0) == -1;
	errno = 0;
	r = imsgloop_poll_turn(s[0].loop, 0);
	if (r == -1)
		r = imsgloop_poll_run(s[0].loop);
	e = errno;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
	for (i = 0; i < 20; i++)
		out(&s[i]);
	imsgloop_poll_free(s[0].loop);
	if (!minds)
		skip();
	assert_int_equal(r, -1);
	assert_int_equal(e, EINVAL);
}

static void
fill_says_how_many_there_are_and_how_long(void **state)
{
	struct seen a = { .loop = new_loop() }, b = a, c = a;
	struct pollfd p[3] = { { .fd = 77 }, { .fd = 77 }, { .fd = 77 } };
	int ms = -1, fd = l_fd();

	(void)state;
	assert_int_equal(imsgloop_poll_fill(a.loop, NULL, 0, &ms), 0);
	assert_int_equal(ms, -1);
	watch(&a, fd, POLLIN, -1);
	watch(&b, fd, POLLOUT, 5000);
	assert_int_equal(imsgloop_poll_fill(a.loop, p, 1, &ms), 2);
	assert_int_equal(p[0].fd, fd);
	assert_int_equal(p[0].events, POLLIN);
	assert_int_equal(p[1].fd, 77);
	assert_in_range(ms, 4000, 5000);
	ms = 7;
	assert_int_equal(imsgloop_poll_fill(a.loop, p, 3, &ms), 2);
	assert_int_equal(p[1].events, POLLOUT);
	assert_int_equal(ms, 7);
	watch(&c, -1, 0, 0);
	assert_int_equal(imsgloop_poll_fill(a.loop, p, 3, &ms), 2);
	assert_int_equal(ms, 0);
	/* Only what was written is handled: one entry of two, and times. */
	assert_int_equal(imsgloop_poll_fill(a.loop, p, 1, &ms), 2);
	p[0].revents = p[1].revents = POLLIN | POLLOUT;
	assert_int_equal(imsgloop_poll_handle(a.loop, p, 2), 2);
	assert_int_equal(a.times, 1);
	assert_int_equal(b.times, 0);
	assert_int_equal(c.times, 1);
	out(&a);
	out(&b);
	out(&c);
	imsgloop_poll_free(a.loop);
	(void)close(fd);
}

/* The program's own handlers run between fill and handle. */
static void
what_has_gone_since_the_fill_is_not_handled(void **state)
{
	struct seen a = { .loop = new_loop() }, b = a, c = a, d = a;
	struct pollfd p[3];
	int ms = 0, fd = l_fd();

	(void)state;
	watch(&a, fd, POLLIN, -1);
	watch(&b, fd, POLLIN, -1);
	watch(&c, fd, POLLIN, -1);
	assert_int_equal(imsgloop_poll_fill(a.loop, p, 3, &ms), 3);
	assert_int_equal(poll(p, 3, ms), 3);
	out(&a);
	assert_int_equal(imsgloop_set(&b.w, POLLOUT, -1), 0);
	watch(&d, fd, POLLIN, -1);
	assert_int_equal(imsgloop_poll_handle(a.loop, p, 3), 1);
	assert_int_equal(a.times + b.times + d.times, 0);
	assert_int_equal(c.times, 1);
	/* Not handled twice. */
	assert_int_equal(imsgloop_poll_handle(a.loop, p, 3), 0);
	out(&b);
	out(&c);
	out(&d);
	imsgloop_poll_free(a.loop);
	(void)close(fd);
}

static void
a_descriptor_that_was_closed_is_reported(void **state)
{
	struct seen a = { .loop = new_loop() };
	int fd = l_fd();

	(void)state;
	watch(&a, fd, POLLIN, -1);
	(void)close(fd);
	assert_int_equal(imsgloop_poll_turn(a.loop, -1), 1);
	assert_int_equal(a.times, 1);
	out(&a);
	imsgloop_poll_free(a.loop);
}

#define TIMERS 2000

static struct seen timer[TIMERS];
static int64_t last;
static int disorder, off;
static uint32_t rnd = 4711;

static uint32_t
next_random(void)
{
	rnd = rnd * 1103515245 + 12345;
	return rnd >> 16;
}

/* Of what is left, some are put off, put forward, stopped, taken out. */
static void
on_time(struct seen *s)
{
	struct seen *t = &timer[next_random() % TIMERS];
	int64_t due = *s->due;

	disorder += due < last;
	last = due;
	off++;
	if (t->w.loop == NULL || t->w.due < 0)
		return;
	switch (next_random() % 6) {
	case 0:
		imsgloop_unwatch(&t->w);
		off++;
		return;
	case 1:
		(void)imsgloop_set(&t->w, 0, -1);
		off++;
		return;
	default:
		(void)imsgloop_set(&t->w, 0, 1 + (int)(next_random() % 60));
		break;
	}
	*t->due = t->w.due;
}

static void
timers_go_off_in_order_whatever_is_done_to_them(void **state)
{
	struct imsgloop *loop = new_loop();
	static int64_t due[TIMERS];
	int i;

	(void)state;
	print_message("seed %u\n", rnd);
	last = disorder = off = 0;
	for (i = 0; i < TIMERS; i++) {
		timer[i].loop = loop;
		timer[i].then = on_time;
		timer[i].due = &due[i];
		watch(&timer[i], -1, 0, 1 + (int)(next_random() % 100));
		if (next_random() % 2)
			(void)imsgloop_set(
			    &timer[i].w, 0, 1 + (int)(next_random() % 100));
		due[i] = timer[i].w.due;
	}
	assert_int_equal(imsgloop_poll_run(loop), 0);
	assert_int_equal(off, TIMERS);
	assert_int_equal(disorder, 0);
	for (i = 0; i < TIMERS; i++)
		out(&timer[i]);
	imsgloop_poll_free(loop);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_run_ends_when_nothing_is_left_to_wait_for),
		cmocka_unit_test(
		    a_run_ends_after_the_turn_in_which_it_is_stopped),
		cmocka_unit_test(a_turn_within_a_turn_is_refused),
		cmocka_unit_test(
		    a_loop_that_is_freed_in_a_callback_lasts_for_the_turn),
		cmocka_unit_test(a_signal_ends_the_turn_without_error),
		cmocka_unit_test(a_turn_lasts_as_long_as_it_may),
		cmocka_unit_test(poll_says_what_is_wrong),
		cmocka_unit_test(fill_says_how_many_there_are_and_how_long),
		cmocka_unit_test(what_has_gone_since_the_fill_is_not_handled),
		cmocka_unit_test(a_descriptor_that_was_closed_is_reported),
		cmocka_unit_test(
		    timers_go_off_in_order_whatever_is_done_to_them),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
