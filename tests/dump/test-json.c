/* SPDX-License-Identifier: ISC */
/*
 * One object a line, read by the parser of the same library and, where it is
 * installed, by jq.
 */
#include "shapes.h"

#include <jansson.h>

#include "failing.h"

static struct names *names;

/* What json_sink() makes of a record; the caller frees. */
static char *
line(const struct record *r, int flags)
{
	struct output o;
	struct sink *s = json_sink(out_open(&o), names, flags);

	assert_non_null(s);
	assert_int_equal(s->put(s, r), 0);
	(void)out_end(&o, s);
	assert_harmless(o.text, o.len);
	/* One line. */
	assert_ptr_equal(strchr(o.text, '\n'), o.text + o.len - 1);
	return o.text;
}

static void
expect(int flags, const struct record *r, const char *want)
{
	char *got = line(r, flags);

	assert_string_equal(got, want);
	free(got);
}

static void
a_message_has_all_keys(void **state)
{
	struct record r = a_message();

	(void)state;
	expect(0, &r,
	    "{\"kind\":\"message\",\"time\":\"2026-11-26T12:03:04.123456789Z\","
	    "\"ns\":1795694584123456789,\"event\":\"sent\",\"channel\":1,"
	    "\"from\":{\"pid\":100,\"name\":\"tmux: client\"},"
	    "\"to\":{\"pid\":101,\"name\":\"tmux: server\"},"
	    "\"wire\":\"modern\",\"type\":203,\"name\":\"MSG_EXIT\","
	    "\"peerid\":8,\"pid\":-1,\"length\":20,\"fd\":null}\n");
}

static void
what_is_not_known_is_null(void **state)
{
	struct record r = a_message();

	(void)state;
	r.from.pid = 0;
	r.from.name = "";
	r.to.name = NULL;
	r.wire = RECORD_WIRE_UNKNOWN;
	r.event = RECORD_DROPPED;
	r.hdr.type = UINT32_MAX;
	expect(0, &r,
	    "{\"kind\":\"message\",\"time\":\"2026-11-26T12:03:04.123456789Z\","
	    "\"ns\":1795694584123456789,\"event\":\"dropped\",\"channel\":1,"
	    "\"from\":{\"pid\":null,\"name\":null},"
	    "\"to\":{\"pid\":101,\"name\":null},"
	    "\"wire\":null,\"type\":4294967295,\"name\":null,"
	    "\"peerid\":8,\"pid\":-1,\"length\":20,\"fd\":null}\n");
}

static void
descriptors_are_objects(void **state)
{
	struct record r = a_message();
	char *s;

	(void)state;
	r.fd_state = IMSG_FD_PRESENT;
	r.fd = 5;
	r.fdname = "/dev/pts/3";
	s = line(&r, 0);
	assert_non_null(strstr(s,
	    "\"fd\":{\"state\":\"present\",\"number\":5,"
	    "\"refers_to\":\"/dev/pts/3\"}}\n"));
	free(s);
	r.fd_state = IMSG_FD_LOST;
	r.fd = -1;
	r.fdname = NULL;
	s = line(&r, 0);
	assert_non_null(strstr(s,
	    "\"fd\":{\"state\":\"lost\",\"number\":null,"
	    "\"refers_to\":null}}\n"));
	free(s);
}

static void
payload_is_there_when_it_is_wanted(void **state)
{
	struct record r = a_message();
	char *s = line(&r, TEXT_HEX | TEXT_ASCII);

	(void)state;
	assert_non_null(strstr(s,
	    "\"fd\":null,\"kept\":4,\"data\":\"61620a1b\","
	    "\"text\":\"ab\\\\x0a\\\\x1b\"}\n"));
	free(s);
	r.len = 0;
	r.data = NULL;
	s = line(&r, TEXT_HEX);
	assert_non_null(strstr(s, "\"kept\":0,\"data\":\"\"}\n"));
	free(s);
}

static void
a_note_has_its_text_and_the_header_it_is_about(void **state)
{
	struct record r = a_note("not imsg");
	char *s = line(&r, TEXT_HEX);

	(void)state;
	assert_non_null(strstr(s, "{\"kind\":\"note\",\"time\":"));
	assert_non_null(strstr(s, ",\"note\":\"not imsg\",\"header\":null}\n"));
	free(s);
	r.hdr.type = 1;
	r.hdr.len = 4;
	s = line(&r, 0);
	assert_non_null(strstr(
	    s, "\"header\":{\"type\":1,\"peerid\":0,\"pid\":0,\"length\":4}"));
	free(s);
}

static void
the_worst_record_is_valid_json(void **state)
{
	struct record r = a_horror();
	char *s = line(&r, TEXT_HEX | TEXT_ASCII);
	json_error_t e;
	json_t *o = json_loads(s, JSON_REJECT_DUPLICATES, &e);

	(void)state;
	assert_non_null(o);
	assert_int_equal(
	    json_integer_value(json_object_get(o, "channel")), UINT32_MAX);
	assert_int_equal(json_integer_value(json_object_get(o, "ns")),
	    (json_int_t)INT64_MIN);
	assert_string_equal(json_string_value(json_object_get(o, "time")),
	    "1677-09-21T00:12:43.145224192Z");
	assert_string_equal(json_string_value(json_object_get(
				json_object_get(o, "from"), "name")),
	    "\\x1b[2J\\x07\\x0a\\x0d\\x09\\x7f\\xc2\\x9b\\xe2\\x80\\xae"
	    "\\xff<&>\"'\\\\");
	json_decref(o);
	free(s);
}

static void
jq_reads_it(void **state)
{
	struct record r = a_horror();
	struct sink *s;
	FILE *f;

	(void)state;
	if (system("jq --version >/dev/null 2>&1") != 0)
		skip();
	assert_non_null(f = popen("jq -es 'length == 2' >/dev/null", "w"));
	assert_non_null(s = json_sink(f, names, TEXT_HEX | TEXT_ASCII));
	assert_int_equal(s->put(s, &r), 0);
	r = a_note(HOSTILE);
	assert_int_equal(s->put(s, &r), 0);
	assert_int_equal(s->end(s), 0);
	assert_int_equal(pclose(f), 0);
}

static struct sink *
make(FILE *f)
{
	return json_sink(f, names, 0);
}

static void
a_full_disk_is_said(void **state)
{
	(void)state;
	assert_says_full(make, 1);
}

static void *
failing_malloc(size_t size)
{
	return fails() ? NULL : malloc(size);
}

/* Nothing, or a whole line; a leak would be seen by the sanitizer. */
static void
want_of_memory_is_said_wherever_it_comes(void **state)
{
	struct record r = a_horror();
	struct output o;
	struct sink *s;
	int n, result = -1;

	(void)state;
	fail_in = 0;
	assert_null(json_sink(stdout, names, 0));
	json_set_alloc_funcs(failing_malloc, free);
	s = json_sink(out_open(&o), names, TEXT_HEX | TEXT_ASCII);
	assert_non_null(s);
	for (n = 0; result == -1; n++) {
		fail_in = n;
		errno = 0;
		result = s->put(s, &r);
		if (result == -1)
			assert_int_equal(errno, ENOMEM);
		else
			assert_true(n > 30);
	}
	fail_in = -1;
	(void)out_end(&o, s);
	json_set_alloc_funcs(malloc, free);
	free(o.text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_message_has_all_keys),
		cmocka_unit_test(what_is_not_known_is_null),
		cmocka_unit_test(descriptors_are_objects),
		cmocka_unit_test(payload_is_there_when_it_is_wanted),
		cmocka_unit_test(
		    a_note_has_its_text_and_the_header_it_is_about),
		cmocka_unit_test(the_worst_record_is_valid_json),
		cmocka_unit_test(jq_reads_it),
		cmocka_unit_test(a_full_disk_is_said),
		cmocka_unit_test(want_of_memory_is_said_wherever_it_comes),
	};
	int failed;

	names = some_names();
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	names_free(names);
	return failed;
}
