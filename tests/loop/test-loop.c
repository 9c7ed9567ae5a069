/* SPDX-License-Identifier: ISC */
/*
 * Watches: what a loop promises about descriptors and times, in every loop.
 */
#include "looplib.h"

struct seen {
	struct imsgloop_watch w;
	int times;
	short revents;
	int64_t at;
	int ms;
	void (*then)(struct seen *);
	struct seen *other;
};

static void
on_ready(struct imsgloop_watch *w, short revents)
{
	struct seen *s = w->arg;

	s->times++;
	s->revents = revents;
	s->at = l_now();
	if (s->then != NULL)
		s->then(s);
}

static void
watch(struct seen *s, int fd)
{
	assert_int_equal(imsgloop_watch(l_loop, &s->w, fd, on_ready, s), 0);
}

static void
unwatch(struct seen *s)
{
	int fd = s->w.fd;

	imsgloop_unwatch(&s->w);
	if (fd >= 0)
		(void)close(fd);
}

/* Watched at one end, the other one in *peer. */
static void
watch_pair(struct seen *s, int *peer, short events)
{
	int p[2];

	l_pair(p);
	assert_int_equal(fcntl(p[0], F_SETFL, O_NONBLOCK), 0);
	watch(s, p[0]);
	*peer = p[1];
	assert_int_equal(imsgloop_set(&s->w, events, -1), 0);
}

static void
it_is_told_what_is_true_for_as_long_as_it_is(void **state)
{
	struct seen s = { .times = 0 };
	char byte;
	int peer;

	(void)state;
	watch_pair(&s, &peer, POLLIN);
	l_settle();
	assert_int_equal(s.times, 0);
	assert_int_equal(write(peer, "x", 1), 1);
	L_UNTIL(s.times == 3);
	assert_int_equal(s.revents, POLLIN);
	assert_int_equal(read(s.w.fd, &byte, 1), 1);
	s.times = 0;
	l_settle();
	assert_int_equal(s.times, 0);
	assert_int_equal(imsgloop_set(&s.w, POLLIN | POLLOUT, -1), 0);
	L_UNTIL(s.times == 1);
	assert_int_equal(s.revents, POLLOUT);
	unwatch(&s);
	(void)close(peer);
}

static void
with_no_events_not_even_a_hang_up_is_reported(void **state)
{
	struct seen s = { .times = 0 };
	int peer;

	(void)state;
	watch_pair(&s, &peer, 0);
	(void)close(peer);
	l_settle();
	assert_int_equal(s.times, 0);
	assert_int_equal(imsgloop_set(&s.w, POLLIN, -1), 0);
	L_UNTIL(s.times == 1);
	assert_true(s.revents & POLLIN);
	assert_int_equal(imsgloop_set(&s.w, 0, -1), 0);
	s.times = 0;
	l_settle();
	assert_int_equal(s.times, 0);
	unwatch(&s);
}

static void
who_waits_for_room_learns_of_a_hang_up(void **state)
{
	static const char bytes[65536];
	struct seen s = { .times = 0 };
	int peer;

	(void)state;
	watch_pair(&s, &peer, 0);
	while (write(s.w.fd, bytes, sizeof(bytes)) > 0)
		continue;
	assert_int_equal(imsgloop_set(&s.w, POLLOUT, -1), 0);
	l_settle();
	assert_int_equal(s.times, 0);
	(void)close(peer);
	L_UNTIL(s.times == 1);
	assert_true(s.revents & POLLOUT);
	unwatch(&s);
}

static void
a_time_goes_off_once_and_not_early(void **state)
{
	struct seen s = { .times = 0, .revents = 1 };
	int64_t start;

	(void)state;
	watch(&s, -1);
	start = l_now();
	assert_int_equal(imsgloop_set(&s.w, 0, 30), 0);
	L_UNTIL(s.times == 1);
	assert_int_equal(s.revents, 0);
	assert_true(s.at - start >= (l_adapter->exact ? 30 : 25));
	L_UNTIL(l_now() - start > 80);
	assert_int_equal(s.times, 1);
	unwatch(&s);
}

static void
set_replaces_the_time_too(void **state)
{
	struct seen s[3] = { { .times = 0 } };
	int64_t start = l_now();
	int i;

	(void)state;
	for (i = 0; i < 3; i++) {
		watch(&s[i], -1);
		assert_int_equal(imsgloop_set(&s[i].w, 0, 30), 0);
	}
	assert_int_equal(imsgloop_set(&s[0].w, 0, -1), 0);
	assert_int_equal(imsgloop_set(&s[1].w, 0, 120), 0);
	assert_int_equal(imsgloop_set(&s[2].w, 0, 60000), 0);
	assert_int_equal(imsgloop_set(&s[2].w, 0, 1), 0);
	L_UNTIL(s[1].times == 1);
	assert_true(s[1].at - start >= (l_adapter->exact ? 120 : 110));
	assert_int_equal(s[0].times, 0);
	assert_int_equal(s[2].times, 1);
	assert_true(s[2].at <= s[1].at);
	for (i = 0; i < 3; i++)
		unwatch(&s[i]);
}

static void
an_event_does_not_stop_the_time(void **state)
{
	struct seen s = { .times = 0 };
	char byte;
	int peer;

	(void)state;
	watch_pair(&s, &peer, 0);
	assert_int_equal(imsgloop_set(&s.w, POLLIN, 40), 0);
	assert_int_equal(write(peer, "x", 1), 1);
	L_UNTIL(s.times > 0);
	assert_int_equal(s.revents, POLLIN);
	assert_int_equal(read(s.w.fd, &byte, 1), 1);
	s.times = 0;
	L_UNTIL(s.times == 1);
	assert_int_equal(s.revents, 0);
	unwatch(&s);
	(void)close(peer);
}

#define TIMERS 3000

static int64_t last_due;
static int early, gone_off;

static void
check_order(struct seen *s)
{
	int64_t due = s->other == NULL ? 0 : s->ms;

	gone_off++;
	early += due < last_due;
	last_due = due;
}

/* Each is set twice, at random; those of the same time go off as they came. */
static void
thousands_of_times_go_off_in_order(void **state)
{
	static struct seen s[TIMERS];
	uint32_t x = 12345;
	int i;

	(void)state;
	memset(s, 0, sizeof(s));
	last_due = early = gone_off = 0;
	for (i = 0; i < TIMERS; i++) {
		watch(&s[i], -1);
		s[i].then = check_order;
		s[i].other = &s[i];
		assert_int_equal(imsgloop_set(&s[i].w, 0, 900 - i % 800), 0);
	}
	/* Steps so wide that what it takes to set them does not matter. */
	for (i = 0; i < TIMERS; i++) {
		x = x * 1103515245 + 12345;
		s[i].ms = 200 * (int)(x >> 16 & 1) + 200;
		assert_int_equal(imsgloop_set(&s[i].w, 0, s[i].ms), 0);
	}
	L_UNTIL(gone_off == TIMERS);
	assert_int_equal(early, 0);
	for (i = 0; i < TIMERS; i++) {
		assert_int_equal(s[i].times, 1);
		unwatch(&s[i]);
	}
}

static void
again_at_once(struct seen *s)
{
	assert_int_equal(imsgloop_set(&s->w, 0, 0), 0);
}

static void
a_time_of_0_again_and_again_starves_nobody(void **state)
{
	struct seen a = { .then = again_at_once }, b = { .times = 0 };
	struct seen c = { .times = 0 };
	int peer;

	(void)state;
	watch(&a, -1);
	watch(&c, -1);
	watch_pair(&b, &peer, POLLIN);
	assert_int_equal(imsgloop_set(&a.w, 0, 0), 0);
	assert_int_equal(imsgloop_set(&c.w, 0, 1), 0);
	L_UNTIL(a.times > 10);
	assert_int_equal(b.times, 0);
	assert_int_equal(write(peer, "x", 1), 1);
	a.times = 0;
	L_UNTIL(b.times > 3);
	assert_in_range(a.times, 1, 20);
	L_UNTIL(c.times == 1);
	unwatch(&a);
	unwatch(&b);
	unwatch(&c);
	(void)close(peer);
}

static void
unwatch_the_other(struct seen *s)
{
	imsgloop_unwatch(&s->other->w);
	imsgloop_unwatch(&s->w);
}

/* Both are ready in the same turn, or both times are over. */
static void
what_is_out_is_not_called_even_if_it_was_ready(void **state)
{
	struct seen a = { .then = unwatch_the_other, .other = NULL };
	struct seen b = { .then = unwatch_the_other, .other = &a };
	int pa, pb, fa, fb, timed;

	(void)state;
	a.other = &b;
	for (timed = 0; timed < 3; timed++) {
		a.times = b.times = 0;
		watch_pair(&a, &pa, POLLIN);
		watch_pair(&b, &pb, POLLIN);
		fa = a.w.fd;
		fb = b.w.fd;
		if (timed > 0) {
			(void)imsgloop_set(&a.w, 0, timed - 1);
			(void)imsgloop_set(&b.w, 0, timed - 1);
		}
		assert_int_equal(write(pa, "x", 1), 1);
		assert_int_equal(write(pb, "x", 1), 1);
		L_UNTIL(a.times + b.times > 0);
		l_settle();
		assert_int_equal(a.times + b.times, 1);
		(void)close(fa);
		(void)close(fb);
		(void)close(pa);
		(void)close(pb);
	}
}

static void
silence_the_other(struct seen *s)
{
	assert_int_equal(imsgloop_set(&s->other->w, 0, -1), 0);
	assert_int_equal(imsgloop_set(&s->w, 0, -1), 0);
}

static void
what_wants_nothing_any_more_is_not_called(void **state)
{
	struct seen a = { .then = silence_the_other, .other = NULL };
	struct seen b = { .then = silence_the_other, .other = &a };
	int pa, pb;

	(void)state;
	a.other = &b;
	watch_pair(&a, &pa, POLLIN);
	watch_pair(&b, &pb, POLLIN);
	assert_int_equal(write(pa, "x", 1), 1);
	assert_int_equal(write(pb, "x", 1), 1);
	L_UNTIL(a.times + b.times > 0);
	l_settle();
	assert_int_equal(a.times + b.times, 1);
	unwatch(&a);
	unwatch(&b);
	(void)close(pa);
	(void)close(pb);
}

static void
to_unwatch_twice_or_what_never_was_is_nothing(void **state)
{
	struct seen s = { .times = 0 };

	(void)state;
	errno = ENOTTY;
	imsgloop_unwatch(&s.w);
	watch(&s, -1);
	errno = ENOTTY;
	imsgloop_unwatch(&s.w);
	imsgloop_unwatch(&s.w);
	assert_int_equal(errno, ENOTTY);
	assert_errno(imsgloop_set(&s.w, 0, 0), EINVAL);
}

static void
watch_another(struct seen *s)
{
	struct seen *b = s->other;

	imsgloop_unwatch(&s->w);
	watch(b, s->w.fd);
	assert_int_equal(imsgloop_set(&b->w, POLLIN, -1), 0);
}

static void
a_watch_can_be_added_within_a_callback(void **state)
{
	struct seen a = { .then = watch_another }, b = { .times = 0 };
	int peer;

	(void)state;
	a.other = &b;
	watch_pair(&a, &peer, POLLIN);
	assert_int_equal(write(peer, "x", 1), 1);
	L_UNTIL(b.times == 2);
	assert_int_equal(a.times, 1);
	unwatch(&b);
	(void)close(peer);
}

static void
a_watch_that_fails_changes_nothing(void **state)
{
	struct imsgloop_watch w, before;

	(void)state;
	memset(&w, 0, sizeof(w));
	w.fd = 77;
	before = w;
	l_fail_add = 0;
	assert_errno(imsgloop_watch(l_loop, &w, 0, on_ready, NULL), ENOMEM);
	assert_memory_equal(&w, &before, sizeof(w));
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		L(it_is_told_what_is_true_for_as_long_as_it_is),
		L(with_no_events_not_even_a_hang_up_is_reported),
		L(who_waits_for_room_learns_of_a_hang_up),
		L(a_time_goes_off_once_and_not_early),
		L(set_replaces_the_time_too),
		L(an_event_does_not_stop_the_time),
		L(thousands_of_times_go_off_in_order),
		L(a_time_of_0_again_and_again_starves_nobody),
		L(what_is_out_is_not_called_even_if_it_was_ready),
		L(what_wants_nothing_any_more_is_not_called),
		L(to_unwatch_twice_or_what_never_was_is_nothing),
		L(a_watch_can_be_added_within_a_callback),
		L(a_watch_that_fails_changes_nothing),
	};

	return L_RUN(tests);
}
