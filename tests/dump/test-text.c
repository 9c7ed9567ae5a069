/* SPDX-License-Identifier: ISC */
/*
 * One line a message, to the byte.
 */
#include "shapes.h"

#include "failing.h"

static struct names *names;

static void
expect(int flags, const struct record *r, const char *want)
{
	struct output o;
	struct sink *s = text_sink(out_open(&o), names, flags);

	assert_non_null(s);
	assert_int_equal(s->put(s, r), 0);
	assert_int_equal(s->flush(s), 0);
	assert_string_equal(o.text, want);
	(void)out_end(&o, s);
	free(o.text);
}

static void
a_message_is_one_line_of_columns(void **state)
{
	struct record r = a_message();

	(void)state;
	expect(0, &r,
	    "12:03:04.123456 #1 tmux:_client[100] > tmux:_server[101] "
	    "203 MSG_EXIT peerid=8 pid=-1 len=20\n");
	r.hdr.type = 5;
	r.hdr.pid = 77;
	expect(0, &r,
	    "12:03:04.123456 #1 tmux:_client[100] > tmux:_server[101] "
	    "5 - peerid=8 pid=77 len=20\n");
}

static void
what_is_not_known_is_a_question_mark(void **state)
{
	struct record r = a_message();

	(void)state;
	r.from.pid = 0;
	r.from.name = "";
	r.to.pid = 0;
	expect(0, &r,
	    "12:03:04.123456 #1 ? > tmux:_server[?] "
	    "203 MSG_EXIT peerid=8 pid=-1 len=20\n");
}

static void
descriptors_say_what_became_of_them(void **state)
{
	static const struct {
		int state, fd;
		const char *name, *want;
	} cases[] = {
		{ IMSG_FD_PRESENT, 5, "/dev/pts/3", "fd=5</dev/pts/3>" },
		{ IMSG_FD_PRESENT, 5, NULL, "fd=5" },
		{ IMSG_FD_PRESENT, -1, "a b", "fd=?<a_b>" },
		{ IMSG_FD_LOST, -1, "", "fd=lost" },
		{ RECORD_FD_SURPLUS, 9, "pipe", "fd=9<pipe> surplus" },
	};
	struct record r = a_message();
	char want[256];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		r.fd_state = cases[i].state;
		r.fd = cases[i].fd;
		r.fdname = cases[i].name;
		(void)snprintf(want, sizeof(want),
		    "12:03:04.123456 #1 tmux:_client[100] > "
		    "tmux:_server[101] 203 MSG_EXIT peerid=8 pid=-1 len=20 "
		    "%s\n",
		    cases[i].want);
		expect(0, &r, want);
	}
}

static void
messages_that_did_not_travel_say_so(void **state)
{
	struct record r = a_message();

	(void)state;
	r.event = RECORD_RECEIVED;
	r.from.name = r.to.name = "x";
	expect(0, &r,
	    "12:03:04.123456 #1 x[100] > x[101] 203 MSG_EXIT peerid=8 pid=-1 "
	    "len=20\n");
	r.event = RECORD_QUEUED;
	expect(0, &r,
	    "12:03:04.123456 #1 x[100] > x[101] 203 MSG_EXIT peerid=8 pid=-1 "
	    "len=20 queued\n");
	r.event = RECORD_DROPPED;
	expect(0, &r,
	    "12:03:04.123456 #1 x[100] > x[101] 203 MSG_EXIT peerid=8 pid=-1 "
	    "len=20 dropped\n");
}

static void
a_note_is_one_line_with_the_header_it_is_about(void **state)
{
	struct record r = a_note("no imsg \x1b[0m");

	(void)state;
	expect(TEXT_HEX | TEXT_ASCII, &r,
	    "12:03:04.123456 #1 tmux:_client[100] > tmux:_server[101] "
	    "-- no imsg \\x1b[0m\n");
	r.hdr.len = 3;
	r.hdr.pid = (uint32_t)-2;
	expect(0, &r,
	    "12:03:04.123456 #1 tmux:_client[100] > tmux:_server[101] "
	    "-- no imsg \\x1b[0m (type=0 peerid=0 pid=-2 len=3)\n");
	r = a_note(NULL);
	r.channel = 0;
	r.from.pid = r.to.pid = 0;
	r.from.name = r.to.name = "";
	expect(0, &r, "12:03:04.123456 #0 ? > ? -- \n");
}

static void
payload_follows_as_bytes_and_as_text(void **state)
{
	struct record r = a_message();
	const char *want = "12:03:04.123456 #1 x[100] > x[101] 203 MSG_EXIT "
			   "peerid=8 pid=-1 len=34\n"
			   "    00000000  30 31 32 33 34 35 36 37  38 39 1b 5b "
			   "32 4a 0a ff  |0123456789.[2J..|\n"
			   "    00000010  41 5c                             "
			   "                |A\\|\n"
			   "    0123456789\\x1b[2J\n"
			   "    \\xffA\\\\\n";

	(void)state;
	r.from.name = r.to.name = "x";
	r.data = (const unsigned char *)"0123456789\x1b[2J\n\xff"
					"A\\";
	r.len = 18;
	r.hdr.len = 34;
	expect(TEXT_HEX | TEXT_ASCII, &r, want);
}

static void
payload_says_when_not_all_of_it_was_kept(void **state)
{
	struct record r = a_message();

	(void)state;
	r.from.name = r.to.name = "x";
	r.hdr.len = UINT32_MAX;
	expect(TEXT_ASCII, &r,
	    "12:03:04.123456 #1 x[100] > x[101] 203 MSG_EXIT peerid=8 pid=-1 "
	    "len=4294967295\n"
	    "    ab\n"
	    "    \\x1b\n"
	    "    (4 of 4294967279 bytes were kept)\n");
	r.data = NULL;
	r.len = 0;
	r.hdr.len = 3;
	expect(TEXT_ASCII | TEXT_HEX, &r,
	    "12:03:04.123456 #1 x[100] > x[101] 203 MSG_EXIT peerid=8 pid=-1 "
	    "len=3\n");
}

static void
colours_stand_around_words_and_are_reset(void **state)
{
	struct record r = a_message();
	const char *plain = "12:03:04.123456 #1 tmux:_client[100] > "
			    "tmux:_server[101] 203 MSG_EXIT peerid=8 pid=-1 "
			    "len=20 fd=lost dropped\n";
	struct output o;
	struct sink *s = text_sink(out_open(&o), names, TEXT_COLOUR);
	char bare[512], *to = bare;
	const char *p;
	int on = 0;

	(void)state;
	r.fd_state = IMSG_FD_LOST;
	r.event = RECORD_DROPPED;
	assert_int_equal(s->put(s, &r), 0);
	p = out_end(&o, s);
	assert_non_null(strchr(p, '\033'));
	while (*p != '\0') {
		if (*p != '\033') {
			assert_true(*p != '\n' || !on);
			*to++ = *p++;
			continue;
		}
		on = strncmp(p, "\033[0m", 4) != 0;
		assert_non_null(p = strchr(p, 'm'));
		p++;
	}
	*to = '\0';
	assert_string_equal(bare, plain);
	free(o.text);
}

static void
a_process_keeps_its_colour(void **state)
{
	struct record r = a_message(), back = an_answer();
	struct output o;
	struct sink *s = text_sink(out_open(&o), names, TEXT_COLOUR);
	const char *p, *q;
	size_t n;

	(void)state;
	assert_int_equal(s->put(s, &r), 0);
	assert_int_equal(s->put(s, &back), 0);
	p = strchr(out_end(&o, s), '\033');
	assert_non_null(p);
	n = strcspn(p, "]");
	assert_non_null(q = strchr(p, '\n'));
	assert_non_null(q = strstr(q, "> "));
	assert_memory_equal(p, q + 2, n);
	free(o.text);
}

static void
nothing_hostile_gets_through(void **state)
{
	struct record r = a_horror(), note = a_note(HOSTILE);
	struct output o;
	struct sink *s = text_sink(out_open(&o), names, TEXT_HEX | TEXT_ASCII);

	(void)state;
	note.from.name = HOSTILE;
	assert_int_equal(s->put(s, &r), 0);
	assert_int_equal(s->put(s, &note), 0);
	(void)out_end(&o, s);
	assert_harmless(o.text, o.len);
	free(o.text);
}

static struct sink *
make(FILE *f)
{
	return text_sink(f, names, 0);
}

static void
a_full_disk_is_said(void **state)
{
	(void)state;
	assert_says_full(make, 1);
}

static void
want_of_memory_is_said(void **state)
{
	(void)state;
	fail_in = 0;
	assert_null(text_sink(stdout, names, 0));
	assert_int_equal(errno, ENOMEM);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_message_is_one_line_of_columns),
		cmocka_unit_test(what_is_not_known_is_a_question_mark),
		cmocka_unit_test(descriptors_say_what_became_of_them),
		cmocka_unit_test(messages_that_did_not_travel_say_so),
		cmocka_unit_test(
		    a_note_is_one_line_with_the_header_it_is_about),
		cmocka_unit_test(payload_follows_as_bytes_and_as_text),
		cmocka_unit_test(payload_says_when_not_all_of_it_was_kept),
		cmocka_unit_test(colours_stand_around_words_and_are_reset),
		cmocka_unit_test(a_process_keeps_its_colour),
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
