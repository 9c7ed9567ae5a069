/* SPDX-License-Identifier: ISC */
/*
 * The same messages however the calls cut them, and from wherever it is that
 * they are seen.
 */
#include "stream-lib.h"

#include <time.h>

#define MAX  ((size_t)64 << 20)
#define CUTS 4096

/* A stream with descriptors, and the calls that sent it. */
struct trace {
	struct wire w;
	struct cut {
		size_t end;
		int fd; /* -1: none passed */
	} cut[CUTS];
	size_t n;
};

static size_t
payload(int wire)
{
	switch (t_rand() % 16) {
	case 0:
		return t_rand() % 16000;
	case 1:
		/* Looks like a marked one of the classic wire. */
		return wire == IMSG_WIRE_MODERN ? 65536 + t_rand() % 70000 :
						  16368;
	case 2:
		return wire == IMSG_WIRE_MODERN ? t_rand() % 400000 : 3000;
	case 3:
		return 0;
	default:
		return t_rand() % 100;
	}
}

static void
compose(struct trace *t, int wire, uint32_t pid, size_t n, size_t most)
{
	size_t i, len;
	int fd;

	memset(t, 0, sizeof(*t));
	for (i = 0; i < n; i++) {
		len = payload(wire);
		len = len < most ? len : most;
		fd = t_rand() % 4 == 0 ? 100 + (int)i : -1;
		w_msg(&t->w, wire, t_rand() % 500, pid, fd, len);
	}
}

/*
 * Calls end anywhere, but no two descriptors begin in one.  The modern wire
 * passes one with the first byte of its message, or, as the receiver sees it,
 * with bytes before it.
 */
static void
cut_anywhere(struct trace *t, size_t most)
{
	size_t at = 0, end, i = 0;
	int fd;

	for (t->n = 0; at < t->w.len; t->n++, at = end) {
		assert_true(t->n < CUTS);
		end =
		    at + 1 + t_rand() % (t_rand() % 8 == 0 ? 16 * most : most);
		if (end > t->w.len || t->n == CUTS - 1)
			end = t->w.len;
		for (fd = -1; i < t->w.n && t->w.m[i].at < end; i++) {
			if (t->w.m[i].fd == -1)
				continue;
			if (fd != -1) {
				end = t->w.m[i].at;
				break;
			}
			fd = t->w.m[i].fd;
		}
		t->cut[t->n].end = end;
		t->cut[t->n].fd = fd;
	}
}

/* Calls end with messages, if not after many bytes; one descriptor each. */
static void
cut_tidily(struct trace *t)
{
	size_t i = 0, at = 0, end;
	int fd;

	for (t->n = 0; at < t->w.len; t->n++, at = end) {
		assert_true(t->n < CUTS);
		fd = -1;
		end = at;
		while (i < t->w.n && (end == at || t_rand() % 3 > 0)) {
			if (t->w.m[i].fd != -1 && (fd != -1 || end > at))
				break;
			fd = t->w.m[i].fd != -1 ? t->w.m[i].fd : fd;
			end = t->w.m[i].at + t->w.m[i].len;
			i++;
		}
		if (end == at)
			end = t->w.len;
		t->cut[t->n].end = end;
		t->cut[t->n].fd = fd;
	}
}

static void
play(struct told *o, const struct trace *t, size_t from, pid_t pid)
{
	size_t i;

	for (i = 0; i < t->n; i++) {
		if (t->cut[i].end <= from)
			continue;
		t_call(o, t->w.p + from, t->cut[i].end - from, pid,
		    t->cut[i].fd, t->cut[i].fd != -1);
		from = t->cut[i].end;
	}
}

static void
all_messages_however_calls_cut_them(void **state)
{
	struct trace t;
	struct told o;
	uint64_t seed;

	(void)state;
	print_message("seeds 1 to 400\n");
	for (seed = 1; seed <= 400; seed++) {
		t_seed(seed);
		compose(&t, seed % 2, ME, 1 + t_rand() % 60,
		    seed % 3 ? 1 << 20 : 500);
		cut_anywhere(&t, t.w.len / 400 + 1 + t_rand() % 2000);
		t_start(&o, MAX, 1 << 24);
		play(&o, &t, 0, ME);
		stream_end(o.s, 2);
		if (o.messages != t.w.n || o.notes > 0)
			fail_msg("seed %d: %zu of %zu, %zu notes", (int)seed,
			    o.messages, t.w.n, o.notes);
		t_all(&o, &t.w);
		t_stop(&o);
		w_free(&t.w);
	}
}

static void
all_messages_of_calls_that_end_with_them(void **state)
{
	struct trace t;
	struct told o;
	uint64_t seed;

	(void)state;
	print_message("seeds 1 to 200\n");
	for (seed = 1; seed <= 200; seed++) {
		t_seed(seed);
		compose(&t, seed % 2, seed % 4 < 2 ? 0 : 0xffffffff,
		    1 + t_rand() % 60, 1 << 20);
		cut_tidily(&t);
		t_start(&o, MAX, 1 << 24);
		play(&o, &t, 0, ME);
		stream_end(o.s, 2);
		t_all(&o, &t.w);
		assert_int_equal(o.notes, 0);
		t_stop(&o);
		w_free(&t.w);
	}
}

/*
 * From an offset on: what is shown is the end of the true list, of which at
 * most the messages of the call that was entered and the next are missing.
 */
static void
attach(const struct trace *t, size_t from)
{
	struct told o;
	size_t i, k = 0, miss = 0;

	for (i = 0; i < t->n && t->cut[i].end <= from; i++)
		k = i + 1;
	for (i = 0; i < t->w.n; i++)
		if (t->w.m[i].at < t->cut[k].end)
			miss = i + 1;
	t_start(&o, MAX, 1 << 24);
	play(&o, t, from, ME);
	stream_end(o.s, 2);
	if (o.messages + miss < t->w.n)
		fail_msg("from %zu: %zu messages and %zu before of %zu", from,
		    o.messages, miss, t->w.n);
	for (i = 0; i < o.messages; i++)
		if (!t_is(&o, i, &t->w, t->w.n - o.messages + i))
			fail_msg("from %zu: message %zu differs", from, i);
	assert_in_range(o.notes, 0, 2);
	t_stop(&o);
}

static void
from_any_byte_on_what_is_shown_is_true(void **state)
{
	const uint32_t pids[] = { ME, 0, 0xffffffff, 99 };
	struct trace t;
	uint64_t seed;
	size_t from;

	(void)state;
	print_message("seeds 1 to 16\n");
	for (seed = 1; seed <= 16; seed++) {
		t_seed(seed);
		compose(&t, seed % 2, pids[seed / 2 % 4], 40, 200);
		cut_tidily(&t);
		for (from = 0; from < t.w.len; from++)
			attach(&t, from);
		w_free(&t.w);
	}
}

/* The rest of a large message, as somebody sees it who comes late. */
static void
the_rest_of_a_large_message_is_skipped(void **state)
{
	struct wire w = { 0 };
	struct told o;
	size_t at, n, step;

	(void)state;
	w_msg(&w, IMSG_WIRE_MODERN, 1, ME, -1, 5 << 20);
	w_msg(&w, IMSG_WIRE_MODERN, 2, ME, 4, 10);
	for (step = 30000; step <= 210000; step += 60000) {
		t_start(&o, MAX, 1 << 24);
		for (at = 1000000; at < w.m[1].at; at += n) {
			n = w.m[1].at - at;
			n = n < step ? n : step;
			t_call(&o, w.p + at, n, ME, -1, 0);
		}
		t_call(&o, w.p + at, w.len - at, ME, 4, 1);
		assert_int_equal(o.messages, 1);
		assert_true(t_is(&o, 0, &w, 1));
		t_noted(&o, "4242896 bytes before this skipped");
		t_stop(&o);
	}
	w_free(&w);
}

/* Thousands of streams share a pipe and what memory they may have. */
/*
 * A marked message of the old wire reads as the start of a larger modern one:
 * that no more comes tells which it is.
 */
static void
a_single_message_in_small_pieces(void **state)
{
	static const size_t piece[] = { 1, 5, 15, 20, 40 };
	struct told t;
	struct wire w;
	size_t i, at, n;
	int wire;

	(void)state;
	for (i = 0; i < 2 * sizeof(piece) / sizeof(piece[0]); i++) {
		wire = i % 2 == 0 ? IMSG_WIRE_CLASSIC : IMSG_WIRE_MODERN;
		memset(&w, 0, sizeof(w));
		w_msg(&w, wire, 45, ME, 7, 55);
		t_start(&t, MAX, 1 << 24);
		for (at = 0; at < w.len; at += n) {
			n = piece[i / 2];
			n = n < w.len - at ? n : w.len - at;
			t_call(&t, w.p + at, n, ME, 7, at == 0);
		}
		stream_end(t.s, 1);
		t_all(&t, &w);
		t_stop(&t);
		w_free(&w);
	}
}

/* What looks like a message within a call that is damaged need not be one. */
static void
the_rest_of_a_damaged_call_is_skipped(void **state)
{
	static const struct imsg_hdr bad = { 1, 3, 0, ME };
	struct wire w;
	struct told t;
	size_t half;

	(void)state;
	memset(&w, 0, sizeof(w));
	w_msg(&w, IMSG_WIRE_MODERN, 1, ME, -1, 40);
	half = w.len;
	w_msg(&w, IMSG_WIRE_MODERN, 2, ME, -1, 40);
	t_start(&t, MAX, 1 << 24);
	t_call(&t, w.p, half, ME, 0, 0);
	t_piece(&t, &bad, sizeof(bad), ME, 0, 0, 0);
	t_noted(&t, "length out of range");
	t_piece(&t, w.p, half, ME, 0, 0, 1);
	t_call(&t, w.p + half, w.len - half, ME, 0, 0);
	assert_int_equal(t.messages, 2);
	assert_true(t_message(&t, 0)->r.hdr.type == 1);
	assert_true(t_message(&t, 1)->r.hdr.type == 2);
	t_stop(&t);
	w_free(&w);
}

static void
many_streams_need_no_descriptors(void **state)
{
	struct stream **s = calloc(5000, sizeof(*s));
	struct wire w = { 0 };
	struct told o;
	struct bytes b = { .time = 1, .pid = ME, .last = 1 };
	size_t i, k;

	(void)state;
	assert_non_null(s);
	w_msg(&w, IMSG_WIRE_MODERN, 1, ME, -1, 3000);
	t_start(&o, (size_t)1 << 30, 1 << 24);
	for (i = 0; i < 5000; i++) {
		s[i] = stream_new(&o.budget, o.tell, &o);
		assert_non_null(s[i]);
	}
	for (k = 0; k < 2; k++)
		for (i = 0; i < 5000; i++) {
			b.data = w.p + 2500 * k;
			b.len = k ? w.len - 2500 : 2500;
			assert_int_equal(stream_bytes(s[i], &b), 0);
		}
	assert_int_equal(o.messages, 5000);
	for (i = 0; i < 5000; i++)
		stream_free(s[i]);
	free(s);
	t_stop(&o);
	w_free(&w);
}

static double
now(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (double)ts.tv_sec * 1e9 + (double)ts.tv_nsec;
}

static void
nothing(void *arg, const struct record *r)
{
	(void)r;
	++*(size_t *)arg;
}

static void
time_grows_with_the_bytes(void **state)
{
	struct stream_budget budget = { .max = MAX, .maxsize = 1 << 24 };
	struct wire w = { 0 };
	struct bytes b = { .time = 1, .pid = ME, .last = 1 };
	struct stream *s;
	size_t i, cnt = 0;
	double t;

	(void)state;
	w_msg(&w, IMSG_WIRE_MODERN, 1, ME, -1, 100);
	s = stream_new(&budget, nothing, &cnt);
	assert_non_null(s);
	b.data = w.p;
	b.len = w.len;
	t = now();
	for (i = 0; i < 100000; i++)
		assert_int_equal(stream_bytes(s, &b), 0);
	print_message(
	    "%.0f ns of CPU a message of 116 bytes\n", (now() - t) / 1e5);
	assert_int_equal(cnt, 100000);
	w_free(&w);
	w_msg(&w, IMSG_WIRE_MODERN, 1, ME, -1, 1 << 20);
	b.len = 1;
	t = now();
	for (i = 0; i < w.len; i++) {
		b.data = w.p + i;
		assert_int_equal(stream_bytes(s, &b), 0);
	}
	print_message(
	    "%.0f ns of CPU a byte alone\n", (now() - t) / (double)w.len);
	assert_int_equal(cnt, 100001);
	stream_free(s);
	stream_budget_clear(&budget);
	w_free(&w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_messages_however_calls_cut_them),
		cmocka_unit_test(all_messages_of_calls_that_end_with_them),
		cmocka_unit_test(from_any_byte_on_what_is_shown_is_true),
		cmocka_unit_test(the_rest_of_a_large_message_is_skipped),
		cmocka_unit_test(a_single_message_in_small_pieces),
		cmocka_unit_test(the_rest_of_a_damaged_call_is_skipped),
		cmocka_unit_test(many_streams_need_no_descriptors),
		cmocka_unit_test(time_grows_with_the_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
