/* SPDX-License-Identifier: ISC */
/*
 * A whole conversation over a channel, repeated with each single call to the
 * allocator and to the system failing in each way it can: once, twice, and
 * until the program has seen it three times.
 */
#include "testlib-talk.h"

static const struct kind {
	enum f_class class;
	enum f_effect effect;
	int error;
} kinds[] = {
	{ F_ALLOC, F_ERROR, ENOMEM },
	{ F_RECV, F_ERROR, EINTR },
	{ F_RECV, F_ERROR, EAGAIN },
	{ F_RECV, F_ERROR, ENOBUFS },
	{ F_RECV, F_ERROR, ENOMEM },
	{ F_RECV, F_ERROR, EMSGSIZE },
	{ F_RECV, F_ERROR, ECONNRESET },
	{ F_RECV, F_ERROR, EIO },
	{ F_RECV, F_ZERO, 0 },
	{ F_RECV, F_SHORT, 0 },
	{ F_RECV, F_TRUNC, 0 },
	{ F_SEND, F_ERROR, EINTR },
	{ F_SEND, F_ERROR, EAGAIN },
	{ F_SEND, F_ERROR, ENOBUFS },
	{ F_SEND, F_ERROR, ENOMEM },
	{ F_SEND, F_ERROR, EMSGSIZE },
	{ F_SEND, F_ERROR, EPIPE },
	{ F_SEND, F_ERROR, ECONNRESET },
	{ F_SEND, F_ERROR, ETOOMANYREFS },
	{ F_SEND, F_ZERO, 0 },
	{ F_SEND, F_SHORT, 0 },
	{ F_POLL, F_ERROR, EINTR },
	{ F_POLL, F_ERROR, ENOMEM },
	{ F_POLL, F_ZERO, 0 },
};

/* Signals for ever are no fault, bytes one by one for ever no other one. */
static long
duration(const struct kind *k, int i)
{
	static const long times[] = { 1, 2, F_FOREVER };

	if (i == 2 && (k->error == EINTR || k->effect == F_SHORT))
		return 100;
	return times[i];
}

/* Each call of the conversation in turn meets the fault; how many there are. */
static long
at_every_call(const struct talk *s, const struct kind *k, long times)
{
	struct f_plan p;

	memset(&p, 0, sizeof(p));
	p.class = k->class;
	p.effect = k->effect;
	p.error = k->error;
	p.times = times;
	do {
		p.at++;
		talk(s, &p);
		/* Nothing in the library tries again without end. */
		assert_true(f_fired() < 1000);
	} while (f_fired() > 0);
	return p.at - 1;
}

static long
each_fault(const struct talk *s)
{
	size_t i;
	long n = 0;
	int t;

	talk(s, NULL);
	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		for (t = 0; t < 3; t++)
			n +=
			    at_every_call(s, &kinds[i], duration(&kinds[i], t));
	assert_true(n > 100);
	print_message("%s: %ld faults\n", s->name, n);
	return n;
}

/*
 * Once a large one that comes in parts, some of one size so that the next is
 * expected, and one that is then larger.
 */
#ifdef IMSGI_INPUT_SIZE
static const size_t modern[TALK_MESSAGES] = { 0, 3, 20, 200, 700, 17, 24, 24,
	24, 1, 70, 0 };
#define classic modern
#else
static const size_t modern[TALK_MESSAGES] = { 0, 3, 100, 20000, TALK_LARGE, 17,
	9000, 9000, 9000, 1, 70000, 0 };
static const size_t classic[TALK_MESSAGES] = { 0, 3, 100, 20000, 65519, 17,
	9000, 9000, 9000, 1, 40000, 0 };
#endif

#define FDS 0x596

static const struct talk setups[] = {
	{ "modern", IMSG_WIRE_MODERN, 1, 0, 0, modern, FDS, 2 },
	{ "modern, waiting", IMSG_WIRE_MODERN, 1, 0, 1, modern, FDS, 2 },
	{ "modern, few descriptors", IMSG_WIRE_MODERN, 1, 0, 0, modern, 0x10,
	    2 },
	{ "modern, not passed", IMSG_WIRE_MODERN, 0, 0, 0, modern, FDS, 2 },
	{ "modern, pipe", IMSG_WIRE_MODERN, 0, 1, 0, modern, 0, 2 },
	{ "modern, pipe, waiting", IMSG_WIRE_MODERN, 0, 1, 1, modern, 0, 2 },
	{ "classic", IMSG_WIRE_CLASSIC, 1, 0, 0, classic, FDS, 2 },
	{ "classic, waiting", IMSG_WIRE_CLASSIC, 1, 0, 1, classic, FDS, 2 },
	{ "classic, not passed", IMSG_WIRE_CLASSIC, 0, 0, 0, classic, FDS, 2 },
	{ "classic, pipe", IMSG_WIRE_CLASSIC, 0, 1, 0, classic, 0, 2 },
};

static void
nothing_is_lost_whatever_call_fails(void **state)
{
	size_t i;
	long n = 0;

	(void)state;
	for (i = 0; i < sizeof(setups) / sizeof(setups[0]); i++)
		n += each_fault(&setups[i]);
	print_message(
	    "faults injected: %ld (calls failed: %ld)\n", n, f_total());
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(nothing_is_lost_whatever_call_fails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
