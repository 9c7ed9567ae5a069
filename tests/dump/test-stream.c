/* SPDX-License-Identifier: ISC */
/*
 * A stream of imsg, from its first byte on, and what breaks it.
 */
#include "stream-lib.h"

#define M   IMSG_WIRE_MODERN
#define C   IMSG_WIRE_CLASSIC
#define MAX ((size_t)64 << 20)

/* Messages from to to, in one call. */
static void
send_messages(struct told *t, const struct wire *w, size_t from, size_t to,
    pid_t pid, int fd, size_t nfds)
{
	size_t at = w->m[from].at;

	t_call(t, w->p + at, w->m[to].at + w->m[to].len - at, pid, fd, nfds);
}

static void
a_header_alone_in_its_call_is_a_message(void **state)
{
	const uint32_t pids[] = { ME, 0, 0xffffffff };
	struct wire w = { 0 };
	struct told t;
	size_t i;

	(void)state;
	for (i = 0; i < 3; i++) {
		w_msg(&w, M, 5, pids[i], -1, 0);
		t_start(&t, MAX, 1 << 24);
		assert_false(stream_is_imsg(t.s));
		send_messages(&t, &w, 0, 0, ME, -1, 0);
		t_all(&t, &w);
		assert_int_equal(t.notes, 0);
		assert_true(stream_is_imsg(t.s));
		assert_int_equal(stream_wire(t.s), RECORD_WIRE_UNKNOWN);
		stream_end(t.s, 2);
		assert_int_equal(t.notes, 0);
		assert_true(stream_dead(t.s));
		t_stop(&t);
		w_free(&w);
	}
}

static void
one_with_the_pid_of_another_process_waits_for_a_second(void **state)
{
	struct wire w = { 0 };
	struct told t;
	int i;

	(void)state;
	w_msg(&w, M, 5, 12, -1, 0);
	w_msg(&w, M, 6, 12, -1, 0);
	for (i = 0; i < 2; i++) {
		t_start(&t, MAX, 1 << 24);
		send_messages(&t, &w, 0, 0, ME, -1, 0);
		assert_int_equal(t.messages, 0);
		if (i == 0)
			send_messages(&t, &w, 1, 1, ME, -1, 0);
		else
			stream_end(t.s, 2);
		assert_int_equal(t.messages, 2 - i);
		assert_true(t_is(&t, 0, &w, 0));
		assert_int_equal(t.notes, 0);
		t_stop(&t);
	}
	t_start(&t, MAX, 1 << 24);
	send_messages(&t, &w, 0, 0, 0, -1, 0);
	assert_int_equal(t.messages, 1);
	t_stop(&t);
	w_free(&w);
}

static void
the_first_send_of_tmux_is_eight_messages_and_a_descriptor(void **state)
{
	struct wire w = { 0 };
	struct told t;
	uint32_t i;

	(void)state;
	for (i = 0; i < 7; i++)
		w_msg(&w, C, 100 + i, 0xffffffff, -1, 4 + 9 * i);
	w_msg(&w, C, 107, 0xffffffff, 5, 0);
	t_start(&t, MAX, 1 << 24);
	send_messages(&t, &w, 0, 7, ME, 5, 1);
	t_all(&t, &w);
	assert_int_equal(stream_wire(t.s), C);
	assert_int_equal(t_message(&t, 0)->r.wire, C);
	assert_int_equal(t.notes, 0);
	t_stop(&t);
	w_free(&w);
}

static void
a_mark_tells_the_wire(void **state)
{
	struct wire w = { 0 };
	struct told t;
	int wire;

	(void)state;
	for (wire = 0; wire < 2; wire++) {
		w_msg(&w, wire, 1, ME, -1, 10);
		w_msg(&w, wire, 2, ME, 7, 10);
		w_msg(&w, wire, 3, ME, -1, 10);
		t_start(&t, MAX, 1 << 24);
		send_messages(&t, &w, 0, 0, ME, -1, 0);
		assert_int_equal(stream_wire(t.s), RECORD_WIRE_UNKNOWN);
		send_messages(&t, &w, 1, 1, ME, 7, 1);
		assert_int_equal(stream_wire(t.s), wire);
		send_messages(&t, &w, 2, 2, ME, -1, 0);
		t_all(&t, &w);
		assert_int_equal(t.notes, 0);
		t_stop(&t);
		w_free(&w);
	}
}

/* 65536 + 16 bytes unmarked look like 16 bytes with a mark. */
static void
a_modern_message_that_looks_classic_is_told_by_its_end(void **state)
{
	const size_t size[] = { 65536, 65537, 70000, 131055 };
	struct wire w = { 0 };
	struct told t;
	size_t i, half;

	(void)state;
	for (i = 0; i < 4; i++) {
		w_msg(&w, M, 1, 0, -1, 3);
		w_msg(&w, M, 2, 0, -1, size[i]);
		w_msg(&w, M, 3, 0, -1, 3);
		t_start(&t, MAX, 1 << 24);
		send_messages(&t, &w, 0, 0, ME, -1, 0);
		half = i % 2 ? w.m[1].len : 30000;
		t_call(&t, w.p + w.m[1].at, half, ME, -1, 0);
		t_call(
		    &t, w.p + w.m[1].at + half, w.m[1].len - half, ME, -1, 0);
		assert_int_equal(stream_wire(t.s), M);
		send_messages(&t, &w, 2, 2, ME, -1, 0);
		t_all(&t, &w);
		t_stop(&t);
		w_free(&w);
	}
}

static void
a_message_within_such_a_message_is_not_shown(void **state)
{
	struct imsg_hdr in = { 9, 16, 0, ME }, out = { 2, 65552, 0, ME };
	struct wire w = { 0 };
	struct told t;
	int i;

	(void)state;
	w_msg(&w, M, 1, ME, -1, 0);
	w_add(&w, &out, sizeof(out));
	for (i = 0; i < 4096; i++)
		w_add(&w, &in, sizeof(in));
	w_msg(&w, M, 3, ME, 9, 0);
	t_start(&t, MAX, 1 << 24);
	t_call(&t, w.p, 16 + 65552, ME, -1, 0);
	t_call(&t, w.p + 16 + 65552, 16, ME, 9, 1);
	assert_int_equal(t.messages, 3);
	assert_true(t_is(&t, 0, &w, 0) && t_is(&t, 2, &w, 1));
	assert_int_equal(t_message(&t, 1)->r.hdr.len, 65552);
	t_stop(&t);
	w_free(&w);
}

static void
what_the_other_direction_found_decides_at_once(void **state)
{
	struct wire w = { 0 };
	struct told t;

	(void)state;
	w_msg(&w, C, 1, ME, -1, 0);
	w_msg(&w, C, 2, ME, W_LOST, 0);
	t_start(&t, MAX, 1 << 24);
	send_messages(&t, &w, 0, 1, ME, -1, 0);
	/* Marked, without a descriptor: or the start of 65552 bytes. */
	assert_int_equal(t.messages, 1);
	assert_int_equal(stream_wire(t.s), RECORD_WIRE_UNKNOWN);
	stream_set_wire(t.s, C);
	t_all(&t, &w);
	assert_int_equal(stream_wire(t.s), C);
	stream_set_wire(t.s, M);
	assert_int_equal(stream_wire(t.s), C);
	t_stop(&t);
	w_free(&w);
}

static void
a_wire_set_inside_a_message_counts_behind_it(void **state)
{
	struct wire w = { 0 };
	struct told t;

	(void)state;
	w_msg(&w, C, 1, ME, -1, 10000);
	w_msg(&w, C, 2, ME, 4, 5);
	t_start(&t, MAX, 1 << 24);
	t_call(&t, w.p, 5000, ME, -1, 0);
	stream_set_wire(t.s, C);
	t_call(&t, w.p + 5000, w.len - 5000, ME, 4, 1);
	t_all(&t, &w);
	t_stop(&t);
	w_free(&w);
}

static void
a_first_message_may_come_in_many_pieces(void **state)
{
	struct wire w = { 0 };
	struct told t;
	size_t at, n;

	(void)state;
	w_msg(&w, M, 1, ME, -1, 5 << 20);
	w_msg(&w, M, 2, ME, -1, 0);
	t_start(&t, MAX, 1 << 24);
	for (at = 0; at < w.len; at += n) {
		n = w.len - at < 200000 ? w.len - at : 200000;
		t_call(&t, w.p + at, n, ME, -1, 0);
	}
	t_all(&t, &w);
	assert_int_equal(t.notes, 0);
	assert_int_equal(stream_wire(t.s), M);
	t_stop(&t);
	w_free(&w);
}

static void
single_bytes_take_no_longer_than_they_have_to(void **state)
{
	struct wire w = { 0 };
	struct told t;
	size_t at;

	(void)state;
	w_msg(&w, M, 1, ME, -1, 1 << 17);
	w_msg(&w, M, 2, ME, -1, 1 << 19);
	w_msg(&w, M, 3, ME, -1, 0);
	t_start(&t, MAX, 1 << 24);
	for (at = 0; at < w.len; at++)
		t_call(&t, w.p + at, 1, ME, -1, 0);
	t_all(&t, &w);
	assert_int_equal(t.notes, 0);
	t_stop(&t);
	w_free(&w);
}

static void
a_damaged_header_is_shown_and_a_new_start_found(void **state)
{
	struct imsg_hdr bad = { 77, 5, 6, 7 };
	struct wire w = { 0 };
	struct told t;

	(void)state;
	w_msg(&w, M, 1, ME, 3, 100);
	w_msg(&w, M, 2, ME, -1, 100);
	t_start(&t, MAX, 1 << 24);
	send_messages(&t, &w, 0, 0, ME, 3, 1);
	t_call(&t, &bad, sizeof(bad), ME, -1, 0);
	assert_int_equal(t.notes, 1);
	t_noted(&t, "out of range");
	assert_memory_equal(&t.r[1].r.hdr, &bad, sizeof(bad));
	t_call(&t, "lost", 4, ME, -1, 0);
	send_messages(&t, &w, 1, 1, ME, -1, 0);
	t_noted(&t, "20 bytes before this skipped");
	t_all(&t, &w);
	t_stop(&t);
	w_free(&w);
}

static void
a_header_of_the_other_wire_is_called_that(void **state)
{
	struct wire w = { 0 }, o = { 0 };
	struct told t;

	(void)state;
	w_msg(&w, C, 1, ME, 3, 100);
	w_msg(&o, M, 1, ME, 3, 100);
	t_start(&t, MAX, 1 << 24);
	send_messages(&t, &w, 0, 0, ME, 3, 1);
	send_messages(&t, &o, 0, 0, ME, 3, 1);
	t_noted(&t, "other wire generation");
	send_messages(&t, &o, 0, 0, ME, 3, 1);
	assert_int_equal(t.messages, 2);
	assert_true(t_is(&t, 1, &o, 0));
	assert_int_equal(stream_wire(t.s), M);
	t_stop(&t);
	w_free(&w);
	w_free(&o);
}

/* Once one has been cut that names its sender, others may be. */
static void
a_stream_whose_calls_end_anywhere_may_go_on_so(void **state)
{
	struct wire w;
	struct told t;
	size_t at, n;
	int i;

	(void)state;
	memset(&w, 0, sizeof(w));
	for (i = 0; i < 5; i++)
		w_msg(&w, IMSG_WIRE_MODERN, 1, i < 2 ? ME : 0, -1, 40);
	t_start(&t, MAX, 1 << 24);
	t_call(&t, w.p, w.m[1].at, ME, 0, 0);
	for (at = w.m[1].at; at < w.len; at += n) {
		n = w.len - at < 30 ? w.len - at : 30;
		t_call(&t, w.p + at, n, ME, 0, 0);
	}
	t_all(&t, &w);
	t_stop(&t);
	w_free(&w);
}

static void
after_a_gap_a_new_start_is_found(void **state)
{
	struct wire w = { 0 };
	struct told t;

	(void)state;
	w_msg(&w, M, 1, ME, -1, 100);
	w_msg(&w, M, 2, ME, -1, 100);
	t_start(&t, MAX, 1 << 24);
	send_messages(&t, &w, 0, 0, ME, -1, 0);
	t_call(&t, w.p, 50, ME, -1, 0);
	stream_gap(t.s, 3, 66);
	t_noted(&t, "a message is incomplete");
	send_messages(&t, &w, 1, 1, ME, -1, 0);
	t_noted(&t, "116 bytes before this skipped");
	t_all(&t, &w);
	stream_gap(t.s, 4, 0);
	t_noted(&t, "seen; looking");
	stream_end(t.s, 5);
	t_stop(&t);
	w_free(&w);
}

static void
the_end_says_what_is_incomplete(void **state)
{
	struct wire w = { 0 };
	struct told t;

	(void)state;
	w_msg(&w, M, 1, ME, -1, 100);
	w_msg(&w, M, 2, ME, -1, 3000);
	t_start(&t, MAX, 1 << 24);
	t_call(&t, w.p, 116 + 2500, ME, -1, 0);
	stream_end(t.s, 2);
	t_noted(&t, "incomplete message: 2500 of 3016 bytes");
	t_stop(&t);
	t_start(&t, MAX, 1 << 24);
	t_call(&t, w.p, 116, ME, -1, 0);
	t_call(&t, w.p + 116, 7, ME, -1, 0);
	stream_end(t.s, 2);
	t_noted(&t, "incomplete message: 7 of at least 16");
	assert_int_equal(t.messages, 1);
	t_stop(&t);
	w_free(&w);
}

static void
hostile_restarts_and_memory_have_an_end(void **state)
{
	struct imsg_hdr bad = { 77, 5, 6, 7 };
	struct wire w = { 0 };
	struct told t;
	int i;

	(void)state;
	w_msg(&w, M, 1, ME, -1, 3000);
	t_start(&t, MAX, 1 << 24);
	for (i = 0; i < 1000; i++) {
		send_messages(&t, &w, 0, 0, ME, -1, 0);
		t_call(&t, &bad, sizeof(bad), ME, -1, 0);
	}
	assert_true(stream_dead(t.s));
	t_noted(&t, "too many new starts");
	assert_in_range(t.notes, 2, 60);
	t_stop(&t);
	w_free(&w);
	w_msg(&w, M, 1, ME, -1, 9 << 20);
	t_start(&t, 8 << 20, 1 << 24);
	for (i = 0; i < 90; i++)
		t_call(&t, w.p + i * 100000, 100000, ME, -1, 0);
	assert_true(stream_dead(t.s));
	t_noted(&t, "memory for all streams is used up");
	t_stop(&t);
	w_free(&w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_header_alone_in_its_call_is_a_message),
		cmocka_unit_test(
		    one_with_the_pid_of_another_process_waits_for_a_second),
		cmocka_unit_test(
		    the_first_send_of_tmux_is_eight_messages_and_a_descriptor),
		cmocka_unit_test(a_mark_tells_the_wire),
		cmocka_unit_test(
		    a_modern_message_that_looks_classic_is_told_by_its_end),
		cmocka_unit_test(a_message_within_such_a_message_is_not_shown),
		cmocka_unit_test(
		    what_the_other_direction_found_decides_at_once),
		cmocka_unit_test(a_wire_set_inside_a_message_counts_behind_it),
		cmocka_unit_test(a_first_message_may_come_in_many_pieces),
		cmocka_unit_test(single_bytes_take_no_longer_than_they_have_to),
		cmocka_unit_test(
		    a_damaged_header_is_shown_and_a_new_start_found),
		cmocka_unit_test(a_header_of_the_other_wire_is_called_that),
		cmocka_unit_test(
		    a_stream_whose_calls_end_anywhere_may_go_on_so),
		cmocka_unit_test(after_a_gap_a_new_start_is_found),
		cmocka_unit_test(the_end_says_what_is_incomplete),
		cmocka_unit_test(hostile_restarts_and_memory_have_an_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
