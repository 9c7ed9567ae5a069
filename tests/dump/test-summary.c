/* SPDX-License-Identifier: ISC */
/*
 * Tables of counters, and that they stay tables whatever comes.
 */
#include "shapes.h"

#include "failing.h"
#include "summary-int.h"

static struct names *names;

static struct sink *
begin(struct output *o)
{
	struct sink *s = summary_sink(out_open(o), names);

	assert_non_null(s);
	return s;
}

static void
put(struct sink *s, const struct record *r)
{
	assert_int_equal(s->put(s, r), 0);
}

/* The rest of the line that begins with that. */
static void
assert_line(const char *text, const char *start, const char *rest)
{
	const char *p = strstr(text, start), *end;

	if (p == NULL)
		fail_msg("no line with %s in\n%s", start, text);
	p += strlen(start);
	assert_non_null(end = strchr(p, '\n'));
	if ((size_t)(end - p) != strlen(rest) ||
	    memcmp(p, rest, strlen(rest)) != 0)
		fail_msg("%s: %.*s, not %s", start, (int)(end - p), p, rest);
}

static void
nothing_is_no_table(void **state)
{
	struct output o;
	struct sink *s = begin(&o);

	(void)state;
	assert_string_equal(out_end(&o, s),
	    "total: 0 messages, 0 bytes, 0 descriptors, 0 channels, "
	    "0.000000 s, 0 notes\n");
	free(o.text);
}

static void
rows_are_by_channel_direction_and_count(void **state)
{
	struct record r = a_message(), back = an_answer();
	struct output o;
	struct sink *s = begin(&o);

	(void)state;
	r.channel = back.channel = 2;
	put(s, &r);
	put(s, &back);
	r.channel = back.channel = 1;
	r.hdr.type = 7;
	r.hdr.len = 1016;
	r.fd_state = IMSG_FD_PRESENT;
	r.time = NOON + 1000 * MS;
	put(s, &r);
	r = a_message();
	put(s, &r);
	r.time = NOON + 2000 * MS;
	put(s, &r);
	r = a_note("something");
	put(s, &r);
	assert_string_equal(out_end(&o, s),
	    "#  wire   from              > to                type name       "
	    "messages bytes fds per-s   wait-s answer\n"
	    "#1 modern tmux:_client[100] > tmux:_server[101]  203 MSG_EXIT   "
	    "       2    40   0   1.0        - -\n"
	    "#1 modern tmux:_client[100] > tmux:_server[101]    7 -          "
	    "       1  1016   1   0.5        - -\n"
	    "#2 modern tmux:_client[100] > tmux:_server[101]  203 MSG_EXIT   "
	    "       1    20   0   4.0 0.250000 204 MSG_EXITED peerid=8\n"
	    "#2 modern tmux:_server[101] > tmux:_client[100]  204 MSG_EXITED "
	    "       1    20   0   4.0        - -\n"
	    "\n"
	    "total: 5 messages, 1096 bytes, 1 descriptor, 2 channels, "
	    "2.000000 s, 1 note\n");
	free(o.text);
}

static void
queued_and_dropped_messages_are_not_counted_twice(void **state)
{
	struct record r = a_message();
	struct output o;
	struct sink *s = begin(&o);

	(void)state;
	r.event = RECORD_QUEUED;
	put(s, &r);
	put(s, &r);
	r.event = RECORD_SENT;
	put(s, &r);
	r.event = RECORD_DROPPED;
	put(s, &r);
	r.event = RECORD_RECEIVED;
	r.fd_state = IMSG_FD_LOST;
	put(s, &r);
	(void)out_end(&o, s);
	assert_line(o.text, "total: ",
	    "2 messages, 40 bytes, 0 descriptors (and 1 lost), 1 channel, "
	    "0.000000 s, 0 notes");
	assert_line(o.text, "not counted above: ", "2 queued, 1 dropped");
	assert_line(o.text, "MSG_EXIT        2", "    40   0     -      - -");
	free(o.text);
}

static void
the_longest_wait_of_a_type_counts_by_peerid(void **state)
{
	struct record r = a_message(), back = an_answer();
	struct output o;
	struct sink *s = begin(&o);

	(void)state;
	/* Two that overlap: 8 waits 3 ms, 9 waits 1 ms. */
	put(s, &r);
	r.hdr.peerid = 9;
	r.time = NOON + MS;
	put(s, &r);
	back.hdr.peerid = 9;
	back.time = NOON + 2 * MS;
	put(s, &back);
	back.hdr.peerid = 8;
	back.time = NOON + 3 * MS;
	back.hdr.type = 55;
	put(s, &back);
	/* More of an answer is neither request nor answer. */
	back.time = NOON + 4 * MS;
	put(s, &back);
	r.hdr.peerid = 8;
	r.time = NOON + 900 * MS;
	put(s, &r);
	(void)out_end(&o, s);
	assert_line(o.text, "203 MSG_EXIT          3",
	    "    60   0   3.3 0.003000 55 - peerid=8");
	assert_line(
	    o.text, "204 MSG_EXITED        1", "    20   0   1.1        - -");
	free(o.text);
}

static void
the_first_of_several_requests_waits(void **state)
{
	struct record r = a_message(), back = an_answer();
	struct output o;
	struct sink *s = begin(&o);

	(void)state;
	put(s, &r);
	r.time = NOON + 100 * MS;
	r.hdr.type = 5;
	put(s, &r);
	put(s, &back);
	(void)out_end(&o, s);
	assert_line(o.text, "203 MSG_EXIT          1",
	    "    20   0   4.0 0.250000 204 MSG_EXITED peerid=8");
	free(o.text);
}

/* After fork(2) the same end is another process's. */
static void
the_sides_are_known_by_either_process(void **state)
{
	struct record r = a_message(), back = an_answer();
	struct output o;
	struct sink *s = begin(&o);

	(void)state;
	r.to.pid = 0;
	put(s, &r);
	back.from.pid = 555;
	put(s, &back);
	(void)out_end(&o, s);
	assert_non_null(strstr(o.text, "0.250000 204 MSG_EXITED"));
	free(o.text);
}

static void
an_answer_before_its_request_took_no_time(void **state)
{
	struct record r = a_message(), back = an_answer();
	struct output o;
	struct sink *s = begin(&o);

	(void)state;
	r.time = INT64_MAX;
	back.time = INT64_MIN;
	put(s, &r);
	put(s, &back);
	(void)out_end(&o, s);
	assert_non_null(strstr(o.text, " 0.000000 204 MSG_EXITED"));
	assert_line(o.text, "total: 2 messages, 40 bytes, ",
	    "0 descriptors, 1 channel, 18446744073.709551 s, 0 notes");
	free(o.text);
}

static void
too_many_types_are_others(void **state)
{
	struct record r = a_message();
	struct output o;
	struct sink *s = begin(&o);
	uint32_t i;

	(void)state;
	for (i = 0; i < SUMMARY_ROWS + 100; i++) {
		r.hdr.type = i * 65537;
		put(s, &r);
	}
	/* Those that have a row go on being counted. */
	r.hdr.type = 0;
	put(s, &r);
	(void)out_end(&o, s);
	assert_line(o.text, "others, ",
	    "beyond 4096 kinds on 1024 channels, only in the total: "
	    "100 messages, 2000 bytes");
	assert_line(o.text, "total: ",
	    "4197 messages, 83940 bytes, 0 descriptors, 1 channel, "
	    "0.000000 s, 0 notes");
	assert_line(o.text, " 0 -           2", "    40   0     -      - -");
	free(o.text);
}

static void
too_many_channels_are_others(void **state)
{
	struct record r = a_message();
	struct output o;
	struct sink *s = begin(&o);
	uint32_t i;

	(void)state;
	for (i = 0; i < SUMMARY_CHANNELS + 7; i++) {
		r.channel = ~i;
		put(s, &r);
	}
	(void)out_end(&o, s);
	assert_line(o.text, "others, ",
	    "beyond 4096 kinds on 1024 channels, only in the total: "
	    "7 messages, 140 bytes");
	free(o.text);
}

static void
too_many_requests_are_forgotten_the_oldest_first(void **state)
{
	struct record r = a_message(), back = an_answer();
	struct output o;
	struct sink *s = begin(&o);
	uint32_t i;

	(void)state;
	for (i = 0; i < 16 * SUMMARY_WAITS; i++) {
		r.hdr.peerid = i;
		put(s, &r);
	}
	/* The last one still waits. */
	back.hdr.peerid = i - 1;
	put(s, &back);
	(void)out_end(&o, s);
	assert_non_null(strstr(o.text, " 0.250000 204 MSG_EXITED"));
	assert_line(o.text,
	    "requests forgotten, too many waited at a time: ", "122880");
	free(o.text);
}

static void
nothing_hostile_gets_through(void **state)
{
	struct record r = a_horror();
	struct output o;
	struct sink *s = begin(&o);

	(void)state;
	put(s, &r);
	r.event = RECORD_SENT;
	r.from.name = NULL;
	r.to.name = HOSTILE "\xe6\xbc\xa2";
	put(s, &r);
	(void)out_end(&o, s);
	assert_harmless(o.text, o.len);
	free(o.text);
}

static struct sink *
make(FILE *f)
{
	return summary_sink(f, names);
}

static void
a_full_disk_is_said(void **state)
{
	(void)state;
	assert_says_full(make, 0);
}

static void
want_of_memory_is_said(void **state)
{
	int n;

	(void)state;
	for (n = 0; n < 6; n++) {
		fail_in = n;
		errno = 0;
		assert_null(summary_sink(stdout, names));
		assert_int_equal(errno, ENOMEM);
	}
	fail_in = -1;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_no_table),
		cmocka_unit_test(rows_are_by_channel_direction_and_count),
		cmocka_unit_test(
		    queued_and_dropped_messages_are_not_counted_twice),
		cmocka_unit_test(the_longest_wait_of_a_type_counts_by_peerid),
		cmocka_unit_test(the_first_of_several_requests_waits),
		cmocka_unit_test(the_sides_are_known_by_either_process),
		cmocka_unit_test(an_answer_before_its_request_took_no_time),
		cmocka_unit_test(too_many_types_are_others),
		cmocka_unit_test(too_many_channels_are_others),
		cmocka_unit_test(
		    too_many_requests_are_forgotten_the_oldest_first),
		cmocka_unit_test(nothing_hostile_gets_through),
		cmocka_unit_test(a_full_disk_is_said),
		cmocka_unit_test(want_of_memory_is_said),
	};
	int failed;

	names = some_names();
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	names_free(names);
	return failed;
}
