/* SPDX-License-Identifier: ISC */
/*
 * A whole conversation over a channel, repeated with each single call to the
 * allocator and to the system failing in each way it can: once, twice, and
 * until the program has seen it three times.
 */
#include "testlib-talk.h"

static void
converse(const struct f_plan *plan, void *arg)
{
	talk(arg, plan);
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

static struct talk setups[] = {
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

	(void)state;
	for (i = 0; i < sizeof(setups) / sizeof(setups[0]); i++) {
		print_message("%s\n", setups[i].name);
		assert_true(f_each_fault(converse, &setups[i]) > 100);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(nothing_is_lost_whatever_call_fails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
