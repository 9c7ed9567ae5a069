/* SPDX-License-Identifier: ISC */
/*
 * The stream cut at each of its bytes, on its way in and on its way out, with
 * descriptors at each place: a short read or write there, then an error, or
 * the end of everything.
 */
#include "testlib-talk.h"

static const size_t sizes[TALK_MESSAGES] = { 0, 3, 1, 0, 9, 17, 24, 24, 24, 1,
	2, 0 };

static struct talk setup = { NULL, IMSG_WIRE_MODERN, 1, 0, 0, sizes, 0, 2 };

#define ALL ((1U << TALK_MESSAGES) - 1)

/* Cases that were tried. */
static long cases;

static void
cut(const struct f_plan *p)
{
	talk(&setup, p);
	assert_true(f_fired() > 0);
	cases++;
}

/* Short there in both directions, or in one and then an error. */
static void
at_byte(size_t at)
{
	static const struct f_cut kinds[] = {
		{ F_SEND, 0, EAGAIN },
		{ F_SEND, 0, EINTR },
		{ F_SEND, 0, ENOBUFS },
		{ F_SEND, 0, ENOMEM },
		{ F_SEND, 0, ETOOMANYREFS },
		{ F_RECV, 0, EAGAIN },
		{ F_RECV, 0, EINTR },
		{ F_RECV, 0, ENOMEM },
		{ F_RECV, 0, ENOBUFS },
	};
	struct f_plan p;
	size_t i;

	memset(&p, 0, sizeof(p));
	p.cut[0].class = F_SEND;
	p.cut[0].at = at;
	p.cut[1].class = F_RECV;
	p.cut[1].at = at;
	talk(&setup, &p);
	cases++;
	memset(&p, 0, sizeof(p));
	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		p.cut[0] = kinds[i];
		p.cut[0].at = at;
		cut(&p);
	}
}

/* Nothing more after that byte, whoever has died. */
static void
dead_at_byte(size_t at)
{
	static const struct f_cut kinds[] = {
		{ F_SEND, 0, EPIPE },
		{ F_SEND, 0, ECONNRESET },
		{ F_RECV, 0, 0 },
		{ F_RECV, 0, ECONNRESET },
	};
	struct f_plan p;
	size_t i;

	memset(&p, 0, sizeof(p));
	p.fatal = 1;
	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		p.cut[0] = kinds[i];
		p.cut[0].at = at;
		cut(&p);
	}
}

static void
everywhere(void (*fn)(size_t))
{
	const size_t end = talk_bytes(&setup, TALK_MESSAGES);
	size_t at;

	for (at = 1; at < end; at++)
		fn(at);
}

/* No descriptor, one at each place, pairs, all. */
static void
with_descriptors(void (*fn)(size_t))
{
	uint32_t i;

	cases = 0;
	for (setup.burst = 2; setup.burst <= TALK_MESSAGES; setup.burst += 10) {
		setup.fds = 0;
		everywhere(fn);
		for (i = 0; i < TALK_MESSAGES; i++) {
			setup.fds = 1U << i;
			everywhere(fn);
		}
		for (i = 0; i + 1 < TALK_MESSAGES; i++) {
			setup.fds = 3U << i;
			everywhere(fn);
		}
		setup.fds = ALL;
		everywhere(fn);
	}
	print_message("faults injected: %ld\n", cases);
}

static void
a_cut_at_any_byte_loses_nothing(void **state)
{
	(void)state;
	setup.wire = IMSG_WIRE_MODERN;
	with_descriptors(at_byte);
}

static void
a_cut_at_any_byte_loses_nothing_on_the_classic_wire(void **state)
{
	(void)state;
	setup.wire = IMSG_WIRE_CLASSIC;
	with_descriptors(at_byte);
}

static void
what_came_before_the_end_is_delivered(void **state)
{
	(void)state;
	setup.wire = IMSG_WIRE_MODERN;
	with_descriptors(dead_at_byte);
}

static void
what_came_before_the_end_is_delivered_on_the_classic_wire(void **state)
{
	(void)state;
	setup.wire = IMSG_WIRE_CLASSIC;
	with_descriptors(dead_at_byte);
}

/* Every read and every write of the same length, from one byte on. */
static void
pieces_of_any_length_lose_nothing(void **state)
{
	const size_t end = talk_bytes(&setup, TALK_MESSAGES);
	size_t in, out;

	(void)state;
	cases = 0;
	setup.fds = 0x6b7;
	setup.burst = TALK_MESSAGES;
	for (setup.wire = 0; setup.wire <= IMSG_WIRE_CLASSIC; setup.wire++) {
		for (in = 1; in <= end; in += 1 + in / 8) {
			for (out = 1; out <= end; out += 1 + out / 8) {
				t_short_recv(in);
				t_short_send(out);
				talk(&setup, NULL);
				cases++;
			}
		}
	}
	t_short_recv(0);
	t_short_send(0);
	print_message("faults injected: %ld\n", cases);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_cut_at_any_byte_loses_nothing),
		T(a_cut_at_any_byte_loses_nothing_on_the_classic_wire),
		T(what_came_before_the_end_is_delivered),
		T(what_came_before_the_end_is_delivered_on_the_classic_wire),
		T(pieces_of_any_length_lose_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
