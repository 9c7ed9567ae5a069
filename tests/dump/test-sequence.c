/* SPDX-License-Identifier: ISC */
/*
 * The diagram: valid XML, one arrow a message, bounded.  xmllint judges where
 * it is installed.
 */
#include "shapes.h"

#include "failing.h"
#include "sequence-int.h"

static struct names *names;

static struct sink *
begin(struct output *o)
{
	struct sink *s = sequence_sink(out_open(o), names);

	assert_non_null(s);
	return s;
}

static void
put(struct sink *s, const struct record *r)
{
	assert_int_equal(s->put(s, r), 0);
}

/* Sanitizers look at all of the text in each call of strstr(3). */
static size_t
count(const char *text, const char *what)
{
	size_t left = strlen(text), len = strlen(what), n = 0;
	const char *p;

	while ((p = memchr(text, what[0], left)) != NULL) {
		left -= (size_t)(p - text) + 1;
		text = p + 1;
		n += left >= len - 1 && memcmp(p, what, len) == 0;
	}
	return n;
}

/* The end; what came out is XML. */
static const char *
finish(struct output *o, struct sink *s)
{
	FILE *f;

	(void)out_end(o, s);
	assert_harmless(o->text, o->len);
	assert_int_equal(count(o->text, "<g>"), count(o->text, "</g>"));
	assert_string_equal(o->text + o->len - 7, "</svg>\n");
	if (system("xmllint --version >/dev/null 2>&1") != 0)
		return o->text;
	assert_non_null(f = popen("xmllint --noout --nonet -", "w"));
	assert_int_equal(fwrite(o->text, 1, o->len, f), o->len);
	assert_int_equal(pclose(f), 0);
	return o->text;
}

/* The x of the lifeline with that number in a head. */
static int
x_of(const char *text, const char *pid)
{
	char end[32];
	const char *p;

	(void)snprintf(end, sizeof(end), "\">%s</text></g>", pid);
	assert_non_null(p = strstr(text, end));
	while (strncmp(p, "x=\"", 3) != 0)
		p--;
	return atoi(p + 3);
}

static void
nothing_is_an_empty_diagram(void **state)
{
	struct output o;
	struct sink *s = begin(&o);

	(void)state;
	assert_non_null(strstr(finish(&o, s), "0 messages between 0 proc"));
	assert_int_equal(count(o.text, "<g>"), 0);
	free(o.text);
}

static void
an_arrow_leads_from_sender_to_receiver(void **state)
{
	struct record r = a_message(), back = an_answer();
	struct output o;
	struct sink *s = begin(&o);
	char path[64];
	int left, right;

	(void)state;
	put(s, &r);
	put(s, &back);
	(void)finish(&o, s);
	left = x_of(o.text, "100");
	right = x_of(o.text, "101");
	assert_true(left < right);
	(void)snprintf(path, sizeof(path), "H%d\"/>", right - 4);
	assert_int_equal(count(o.text, path), 1);
	(void)snprintf(path, sizeof(path), "H%d\"/>", left + 4);
	assert_int_equal(count(o.text, path), 1);
	assert_int_equal(count(o.text, ">MSG_EXIT<"), 1);
	assert_int_equal(count(o.text, ">MSG_EXITED<"), 1);
	assert_int_equal(count(o.text, ">tmux: server</text>"), 1);
	assert_int_equal(count(o.text, ">12:03:04.123456</text>"), 1);
	assert_int_equal(count(o.text, ">12:03:04.373456</text>"), 1);
	free(o.text);
}

static void
the_pointer_shows_all_fields(void **state)
{
	struct record r = a_message();
	struct output o;
	struct sink *s = begin(&o);

	(void)state;
	r.fd_state = IMSG_FD_PRESENT;
	r.fd = 5;
	r.fdname = "/dev/pts/3";
	r.from.name = "tmux\\ \033";
	put(s, &r);
	assert_non_null(strstr(finish(&o, s),
	    "<title>2026-11-26T12:03:04.123456789Z\n"
	    "channel 1 (modern): tmux\\\\ \\x1b[100] &gt; "
	    "tmux: server[101]\n"
	    "type 203 MSG_EXIT\n"
	    "peerid 8, pid -1, length 20, sent\n"
	    "descriptor 5, present /dev/pts/3</title>"));
	assert_int_equal(count(o.text, ">fd 5</tspan>"), 1);
	assert_int_equal(count(o.text, "<circle"), 1);
	free(o.text);
}

static void
three_equal_messages_stay_apart_and_four_do_not(void **state)
{
	struct record r = a_message();
	struct output o;
	int i, n;

	(void)state;
	for (n = 3; n <= 4; n++) {
		struct sink *s = begin(&o);

		for (i = 0; i < n; i++)
			put(s, &r);
		(void)finish(&o, s);
		assert_int_equal(count(o.text, "<g><title>"), n == 3 ? 3 : 1);
		assert_int_equal(count(o.text,
				     ">\xc3\x97"
				     "4<"),
		    n == 4);
		free(o.text);
	}
}

static void
heads_are_repeated(void **state)
{
	struct record r = a_message(), back = an_answer();
	struct output o;
	struct sink *s = begin(&o);
	int i;

	(void)state;
	for (i = 0; i < 100; i++)
		put(s, i % 2 ? &back : &r);
	(void)finish(&o, s);
	assert_int_equal(count(o.text, ">tmux: server</text>"), 3);
	assert_int_equal(count(o.text, ">MSG_EXIT<"), 50);
	free(o.text);
}

static void
more_than_three_equal_messages_are_one_arrow(void **state)
{
	struct record r = a_message(), back = an_answer();
	struct output o;
	struct sink *s = begin(&o);
	int i;

	(void)state;
	for (i = 0; i < 3; i++)
		put(s, &r);
	put(s, &back);
	for (i = 0; i < 50; i++)
		put(s, &r);
	put(s, &back);
	put(s, &r);
	(void)finish(&o, s);
	assert_int_equal(count(o.text, ">MSG_EXIT<"), 5);
	assert_int_equal(count(o.text, ">MSG_EXITED<"), 2);
	assert_int_equal(count(o.text, ">\xc3\x97"), 1);
	assert_int_equal(count(o.text,
			     ">\xc3\x97"
			     "50</tspan>"),
	    1);
	assert_int_equal(count(o.text, ">1000 B</tspan>"), 1);
	assert_non_null(strstr(o.text, "56 messages between 2 processes"));
	free(o.text);
}

static void
equal_messages_of_other_kind_stay_apart(void **state)
{
	struct record r = a_message();
	struct output o;
	struct sink *s = begin(&o);
	int i;

	(void)state;
	for (i = 0; i < 12; i++) {
		r.channel = (uint32_t)i % 2;
		put(s, &r);
	}
	for (i = 0; i < 12; i++) {
		r.event = i % 2 ? RECORD_QUEUED : RECORD_SENT;
		put(s, &r);
	}
	for (i = 0; i < 12; i++) {
		r.fd_state = i % 2 ? IMSG_FD_LOST : IMSG_FD_NONE;
		put(s, &r);
	}
	(void)finish(&o, s);
	assert_int_equal(count(o.text, ">MSG_EXIT<"), 36);
	assert_int_equal(count(o.text, ">queued<"), 18);
	assert_int_equal(count(o.text, ">fd lost<"), 6);
	free(o.text);
}

static void
a_process_may_talk_to_itself(void **state)
{
	struct record r = a_message();
	struct output o;
	struct sink *s = begin(&o);

	(void)state;
	r.to = r.from;
	put(s, &r);
	(void)finish(&o, s);
	assert_int_equal(count(o.text, "class=\"x\""), 1);
	assert_int_equal(count(o.text, "class=\"w s\""), 1);
	free(o.text);
}

static void
unknown_processes_are_apart_by_channel(void **state)
{
	struct record r = a_message();
	struct output o;
	struct sink *s = begin(&o);
	uint32_t i;

	(void)state;
	r.to.pid = 0;
	r.to.name = "";
	for (i = 0; i < 4; i++) {
		r.channel = i / 2 + 1;
		put(s, &r);
	}
	(void)finish(&o, s);
	assert_int_equal(count(o.text, ">?</text>"), 2);
	assert_int_equal(count(o.text, ">unknown</text>"), 2);
	free(o.text);
}

static void
notes_are_boxes(void **state)
{
	struct record r = a_note("5 < 6 & \"so on\"");
	struct output o;
	struct sink *s = begin(&o);

	(void)state;
	put(s, &r);
	assert_int_equal(count(finish(&o, s), "class=\"n\""), 1);
	assert_int_equal(
	    count(o.text, ">#1 5 &lt; 6 &amp; &quot;so on&quot;</t"), 2);
	/* A note makes no lifeline. */
	assert_int_equal(count(o.text, "class=\"x\""), 0);
	free(o.text);
}

static void
a_long_note_is_cut_but_whole_below_the_pointer(void **state)
{
	char text[400];
	struct record r = a_note(text);
	struct output o;
	struct sink *s = begin(&o);

	(void)state;
	memset(text, 'n', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	put(s, &r);
	(void)finish(&o, s);
	assert_int_equal(count(o.text, text), 1);
	assert_int_equal(count(o.text, "nn\xe2\x80\xa6</text>"), 1);
	free(o.text);
}

static void
labels_fit_between_their_lifelines(void **state)
{
	struct names *few = names_new();
	struct record r = a_message();
	struct output o;
	struct sink *s;
	int width;

	(void)state;
	assert_non_null(few);
	assert_int_equal(
	    names_add(few, 203, "IMSG_A_NAME_THAT_IS_QUITE_LONG"), 0);
	assert_non_null(s = sequence_sink(out_open(&o), few));
	put(s, &r);
	(void)finish(&o, s);
	width = x_of(o.text, "101") - x_of(o.text, "100");
	assert_true(width >= 35 * CHAR_WIDTH);
	names_free(few);
	free(o.text);
}

static void
beyond_the_bounds_messages_are_counted(void **state)
{
	struct record r = a_message(), back = an_answer();
	struct output o;
	struct sink *s = begin(&o);
	int i;

	(void)state;
	for (i = 0; i < SEQUENCE_ROWS + 11; i++)
		put(s, i % 2 ? &back : &r);
	for (i = 0; i < SEQUENCE_LIVES + 50; i++) {
		r.from.pid = 1000 + i;
		put(s, &r);
	}
	(void)finish(&o, s);
	assert_int_equal(
	    count(o.text, ">MSG_EXIT<") + count(o.text, ">MSG_EXITED<"),
	    SEQUENCE_ROWS);
	assert_non_null(strstr(o.text,
	    ">161 more messages are not drawn (at most 10000 arrows, 100 "
	    "processes)</text>"));
	free(o.text);
}

static void
nothing_hostile_gets_through(void **state)
{
	struct record r = a_horror(), note = a_note(HOSTILE);
	struct output o;
	struct sink *s = begin(&o);

	(void)state;
	put(s, &r);
	r.event = RECORD_SENT;
	r.from = r.to;
	put(s, &r);
	note.from.name = HOSTILE;
	note.channel = UINT32_MAX;
	put(s, &note);
	note.note = NULL;
	put(s, &note);
	(void)finish(&o, s);
	assert_null(strstr(o.text, "<script"));
	assert_null(strstr(o.text, "<&"));
	free(o.text);
}

static struct sink *
make(FILE *f)
{
	return sequence_sink(f, names);
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
	struct record r = a_message();
	struct output o;
	struct sink *s;
	int n;

	(void)state;
	fail_in = 0;
	assert_null(sequence_sink(stdout, names));
	assert_int_equal(errno, ENOMEM);
	s = begin(&o);
	for (n = 0; n < 2; n++) {
		fail_in = n;
		errno = 0;
		assert_int_equal(s->put(s, &r), -1);
		assert_int_equal(errno, ENOMEM);
	}
	fail_in = -1;
	put(s, &r);
	assert_int_equal(count(finish(&o, s), ">MSG_EXIT<"), 1);
	free(o.text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_an_empty_diagram),
		cmocka_unit_test(an_arrow_leads_from_sender_to_receiver),
		cmocka_unit_test(the_pointer_shows_all_fields),
		cmocka_unit_test(
		    three_equal_messages_stay_apart_and_four_do_not),
		cmocka_unit_test(heads_are_repeated),
		cmocka_unit_test(more_than_three_equal_messages_are_one_arrow),
		cmocka_unit_test(equal_messages_of_other_kind_stay_apart),
		cmocka_unit_test(a_process_may_talk_to_itself),
		cmocka_unit_test(unknown_processes_are_apart_by_channel),
		cmocka_unit_test(notes_are_boxes),
		cmocka_unit_test(
		    a_long_note_is_cut_but_whole_below_the_pointer),
		cmocka_unit_test(labels_fit_between_their_lifelines),
		cmocka_unit_test(beyond_the_bounds_messages_are_counted),
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
