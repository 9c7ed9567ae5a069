/* SPDX-License-Identifier: ISC */
/*
 * Filters: random expressions whose value is known, and rubbish.
 *
 * TEST_SEED=n repeats a random run.
 */
#include "shapes.h"

#include "filter.h"

static struct names *names;
static unsigned long seed;

static unsigned int
any(unsigned int n)
{
	seed = seed * 6364136223846793005U + 1442695040888963407U;
	return (unsigned int)(seed >> 33) % n;
}

struct text {
	char s[4096];
	size_t len;
};

static void
add(struct text *t, const char *s)
{
	size_t n = strlen(s);

	assert_true(t->len + n < sizeof(t->s));
	memcpy(t->s + t->len, s, n + 1);
	t->len += n;
}

static int make_or(struct text *, unsigned int depth);

/* Each appends an expression and returns its value for a_message(). */
static int
make_test(struct text *t, unsigned int depth)
{
	static const char *const yes[] = { "type==203", "fd == none",
		"from ~ tmux*", "len<=20", "name == 'MSG_EXIT'" };
	static const char *const no[] = { "type==204", "fd", "to == 100",
		"len > 20", "event == queued" };
	unsigned int i = any(5);
	int value;

	if (depth > 0 && any(4) == 0) {
		add(t, any(2) ? "not " : "! ");
		return !make_test(t, depth - 1);
	}
	if (depth > 0 && any(3) == 0) {
		add(t, "(");
		value = make_or(t, depth - 1);
		add(t, ")");
		return value;
	}
	value = any(2) != 0;
	add(t, value ? yes[i] : no[i]);
	return value;
}

static int
make_and(struct text *t, unsigned int depth)
{
	int value = make_test(t, depth);

	while (any(3) == 0) {
		add(t, any(2) ? " and " : "&&");
		value &= make_test(t, depth);
	}
	return value;
}

static int
make_or(struct text *t, unsigned int depth)
{
	int value = make_and(t, depth);

	while (any(3) == 0) {
		add(t, any(2) ? " or " : "||");
		value |= make_and(t, depth);
	}
	return value;
}

static void
random_expressions_have_their_value(void **state)
{
	struct record r = a_message();
	struct text t;
	struct filter *f;
	char why[200];
	int i, value;

	(void)state;
	for (i = 0; i < 2000; i++) {
		t.len = 0;
		value = make_or(&t, 4);
		f = filter_new(t.s, names, why, sizeof(why));
		if (f == NULL || filter_match(f, &r) != value)
			fail_msg("%s is not %d", t.s, value);
		filter_free(f);
	}
}

/* Words of the grammar in any order, and bytes. */
static void
make_soup(struct text *t)
{
	static const char *const words[] = { "type", "name", "pid", "from",
		"to", "peer", "fd", "event", "len", "==", "!=", "<", "~", "!~",
		"and", "or", "not", "(", ")", "!", "&&", "||", "203", "-1",
		"0x", "MSG_EXIT", "'a b'", "\"", "'", "sent", "lost", "*[",
		"[!-]", "\\", "=", "&", "|" };
	unsigned int n = any(24);
	char byte[2] = "";

	t->len = 0;
	t->s[0] = '\0';
	while (n-- > 0) {
		if (any(8) == 0) {
			byte[0] = (char)(1 + any(255));
			add(t, byte);
		} else {
			add(t, words[any(sizeof(words) / sizeof(words[0]))]);
		}
		if (any(3) > 0)
			add(t, " ");
	}
}

/* That, or a good expression with some bytes changed. */
static void
make_rubbish(struct text *t)
{
	unsigned int n = any(4);

	t->len = 0;
	if (any(2) == 0) {
		make_soup(t);
		return;
	}
	(void)make_or(t, 3);
	while (n-- > 0)
		t->s[any((unsigned int)t->len)] = (char)(1 + any(255));
}

static void
rubbish_is_an_error_or_a_filter(void **state)
{
	struct record good = a_message(), bad = a_horror();
	struct text t;
	struct filter *f;
	char why[200];
	int i, result, filters = 0;

	(void)state;
	for (i = 0; i < 20000; i++) {
		make_rubbish(&t);
		why[0] = '\0';
		f = filter_new(t.s, names, why, sizeof(why));
		if (f == NULL) {
			assert_true(strlen(why) > 10);
			assert_harmless(why, strlen(why));
			continue;
		}
		filters++;
		result = filter_match(f, &good);
		assert_true(result == 0 || result == 1);
		result = filter_match(f, &bad);
		assert_true(result == 0 || result == 1);
		filter_free(f);
	}
	assert_true(filters > 100);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_expressions_have_their_value),
		cmocka_unit_test(rubbish_is_an_error_or_a_filter),
	};
	const char *given = getenv("TEST_SEED");
	int failed;

	seed = given == NULL ? 20261126 : strtoul(given, NULL, 10);
	printf("TEST_SEED=%lu\n", seed);
	names = some_names();
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	names_free(names);
	return failed;
}
