/* SPDX-License-Identifier: ISC */
/*
 * Filters: each field and comparison, and each error with its place.
 */
#include "shapes.h"

#include "failing.h"
#include "filter.h"
#include "filter-int.h"

static struct names *names;

static struct filter *
compile(const char *text)
{
	char why[256] = "";
	struct filter *f = filter_new(text, names, why, sizeof(why));

	if (f == NULL)
		fail_msg("%s: %s", text, why);
	return f;
}

static void
expect(const struct record *r, const char *text, int want)
{
	struct filter *f = compile(text);
	int got = filter_match(f, r);

	filter_free(f);
	if (got != want)
		fail_msg("%s: %d", text, got);
}

static void
all_true(const struct record *r, const char *const *texts)
{
	for (; *texts != NULL; texts++)
		expect(r, *texts, 1);
}

static void
all_false(const struct record *r, const char *const *texts)
{
	for (; *texts != NULL; texts++)
		expect(r, *texts, 0);
}

static void
every_field_can_be_compared(void **state)
{
	/* clang-format off */
	static const char *const yes[] = {
		"type == 203", "type = 0xcb", "type==MSG_EXIT",
		"type < MSG_EXITED", "name == MSG_EXIT", "name ~ 'MSG_*'",
		"pid == 100", "pid == 101", "pid > 100", "pid ~ '*server'",
		"from == 100", "to == 101", "from == 'tmux: client'",
		"to ~ *server", "to ~ \"tmux: [rs]*\"", "peer == 8",
		"peerid == 8", "hdrpid == -1", "length == 20", "len >= 20",
		"len <= 20", "channel == 1", "event == sent",
		"event != dropped", "not fd", "fd != 5", "fd == none",
		"fd !~ *", "type != 1", "name != MSG_EXITED",
		"name !~ *EXITED", "from != 101", "from != tmux",
		"pid != 102", "pid !~ bgpd*", NULL
	};
	static const char *const no[] = {
		"type == 204", "type != MSG_EXIT", "type > 203",
		"name == 203", "name ~ MSG", "pid == 99", "pid != 100",
		"pid != 101", "pid !~ *server", "from == 101", "to == 100",
		"from ~ *server", "peer != 8", "hdrpid == 1",
		"hdrpid == 4294967295", "length < 20", "len > 20",
		"channel != 1", "event == received", "event != sent", "fd",
		"fd == 5", "fd < 5", "fd ~ *", "fd == lost", "fd != none",
		NULL
	};
	/* clang-format on */
	struct record r = a_message();

	(void)state;
	all_true(&r, yes);
	all_false(&r, no);
}

static void
a_descriptor_whose_number_is_not_known_has_none(void **state)
{
	/* clang-format off */
	static const char *const yes[] = {
		"fd", "fd == present", "fd != 5", "fd != -1", NULL
	};
	static const char *const no[] = {
		"fd < 5", "fd <= 5", "fd == -1", "fd > 5", NULL
	};
	/* clang-format on */
	struct record r = a_message();

	(void)state;
	r.fd_state = IMSG_FD_PRESENT;
	r.fd = -1;
	all_true(&r, yes);
	all_false(&r, no);
}

static void
descriptors_can_be_asked_for(void **state)
{
	/* clang-format off */
	static const char *const yes[] = {
		"fd", "fd == 5", "fd != 6", "fd < 6", "fd ~ '/dev/*'",
		"fd == present", "fd != lost", "(fd)", "fd and fd", NULL
	};
	static const char *const no[] = {
		"not fd", "!fd", "fd == 6", "fd != 5", "fd !~ /dev/*",
		"fd == none", "fd == surplus", NULL
	};
	/* clang-format on */
	struct record r = a_message();

	(void)state;
	r.fd_state = IMSG_FD_PRESENT;
	r.fd = 5;
	r.fdname = "/dev/pts/3";
	all_true(&r, yes);
	all_false(&r, no);
	r.fd_state = IMSG_FD_LOST;
	r.fd = -1;
	expect(&r, "fd == lost", 1);
	expect(&r, "fd", 0);
	expect(&r, "fd == -1", 0);
	r.fd_state = RECORD_FD_SURPLUS;
	expect(&r, "fd and fd == surplus", 1);
}

static void
what_is_not_known_matches_only_negations(void **state)
{
	struct record r = a_message();

	(void)state;
	r.hdr.type = 5;
	r.from.name = r.to.name = r.fdname = NULL;
	expect(&r, "name ~ *", 0);
	expect(&r, "name == x", 0);
	expect(&r, "name != x and name !~ *", 1);
	expect(&r, "from == x or to ~ * or fd ~ *", 0);
	expect(&r, "pid != x and pid !~ *", 1);
}

static void
notes_always_match(void **state)
{
	struct record r = a_note("x");

	(void)state;
	expect(&r, "type == 99 and not type == 99", 1);
}

static void
connectives_bind_as_usual(void **state)
{
	struct record r = a_message();

	(void)state;
	/* T or (F and F), not (T or F) and F. */
	expect(&r, "type == 203 or type == 1 and type == 1", 1);
	expect(&r, "(type == 203 or type == 1) and type == 1", 0);
	expect(&r, "type == 1 && type == 1 || type == 203", 1);
	expect(&r, "not type == 1 and type == 1", 0);
	expect(&r, "not (type == 1 and type == 1)", 1);
	expect(&r, "!!!type == 1", 1);
	expect(&r, "not not type==1||fd==none&&!fd", 1);
}

static const struct {
	const char *text, *why;
} errors[] = {
	{ "", "at character 1 (the end): a test was expected" },
	{ "typ == 1", "at character 1, typ: no such field" },
	{ "'type' == 1", "at character 1, 'type': no such field" },
	{ "type", "at character 5 (the end): a comparison was expected" },
	{ "type ==", "at character 8 (the end): a value was expected" },
	{ "type == == 1", "at character 9, == 1 ...: a value was expected" },
	{ "type == MSG_EXTI",
	    "at character 9, MSG_EXTI: no header has a type of that "
	    "name" },
	{ "type ~ MSG*", "at character 8, MSG*: ~ and !~ are for text" },
	{ "type == 1 2",
	    "at character 11, 2: and, or, or the end was expected" },
	{ "(type == 1",
	    "at character 11 (the end): and, or, or ) was expected" },
	{ "type == 1)",
	    "at character 10, ) ...: and, or, or the end was "
	    "expected" },
	{ "length == long", "at character 11, long: a number was expected" },
	{ "length == '5'", "at character 11, '5': a number was expected" },
	{ "length == 0x", "at character 11, 0x: a number was expected" },
	{ "length == 99999999999999999999",
	    "at character 11, 99999999999999999999: a number was "
	    "expected" },
	{ "from < tmux",
	    "at character 8, tmux: text is compared with ==, !=, ~ "
	    "and !~" },
	{ "event == gone",
	    "at character 10, gone: event is queued, sent, received, "
	    "dropped or unread" },
	{ "event > sent",
	    "at character 9, sent: event is compared with == and "
	    "!=" },
	{ "fd == x",
	    "at character 7, x: fd is compared with a number, none, "
	    "present, lost or surplus" },
	{ "fd < lost",
	    "at character 6, lost: words are compared with == and "
	    "!=" },
	{ "name == 'x", "at character 9, 'x ...: a quote is missing" },
	{ "fd & fd",
	    "at character 4, & fd ...: and, or, or the end "
	    "was expected" },
	{ "fd and\x1b",
	    "at character 4, and\\x1b: and, or, or the end was "
	    "expected" },
};

static void
errors_say_where_and_what(void **state)
{
	char why[256];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
		why[0] = '\0';
		assert_null(
		    filter_new(errors[i].text, names, why, sizeof(why)));
		assert_string_equal(why, errors[i].why);
	}
	assert_null(filter_new("type == X", NULL, why, sizeof(why)));
	assert_string_equal(
	    why, "at character 9, X: names of types need a header (-H)");
	assert_null(filter_new("fd or", names, why, 8));
	assert_string_equal(why, "at char");
}

static void
depth_is_bounded_and_length_is_not(void **state)
{
	struct record r = a_message();
	char why[256], *text = calloc(1, 10000);
	size_t i;

	(void)state;
	assert_non_null(text);
	memset(text, '(', FILTER_NEST);
	strcat(text, "fd == none");
	memset(text + strlen(text), ')', FILTER_NEST);
	expect(&r, text, 1);
	memset(text, '(', 9999);
	assert_null(filter_new(text, names, why, sizeof(why)));
	assert_non_null(strstr(why, "at character 101, ((("));
	assert_non_null(strstr(why, ": nested too deeply"));
	/* Two results wait at each level. */
	memset(text, 0, 10000);
	for (i = 0; i < FILTER_NEST; i++)
		strcat(text, "fd or !fd and (");
	strcat(text, "fd or !fd and fd");
	memset(text + strlen(text), ')', FILTER_NEST);
	expect(&r, text, 0);
	memset(text, 0, 10000);
	memset(text, '!', 9001);
	strcat(text, "fd");
	expect(&r, text, 1);
	for (i = 0; i < 900; i++)
		memcpy(text + i * 10, "fd == 1 ||", 10);
	memcpy(text + 9000, "len > 1", 8);
	expect(&r, text, 1);
	free(text);
}

static void
want_of_memory_is_said_wherever_it_comes(void **state)
{
	char why[64];
	struct filter *f = NULL;
	int n;

	(void)state;
	for (n = 0; f == NULL; n++) {
		fail_in = n;
		why[0] = '\0';
		f = filter_new("type == MSG_EXIT or name ~ 'x*' and fd ~ y",
		    names, why, sizeof(why));
		if (f == NULL)
			assert_string_equal(why, "out of memory");
	}
	fail_in = -1;
	assert_int_equal(n, 10);
	filter_free(f);
	filter_free(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_field_can_be_compared),
		cmocka_unit_test(descriptors_can_be_asked_for),
		cmocka_unit_test(
		    a_descriptor_whose_number_is_not_known_has_none),
		cmocka_unit_test(what_is_not_known_matches_only_negations),
		cmocka_unit_test(notes_always_match),
		cmocka_unit_test(connectives_bind_as_usual),
		cmocka_unit_test(errors_say_where_and_what),
		cmocka_unit_test(depth_is_bounded_and_length_is_not),
		cmocka_unit_test(want_of_memory_is_said_wherever_it_comes),
	};
	int failed;

	names = some_names();
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	names_free(names);
	return failed;
}
