/* SPDX-License-Identifier: ISC */
/*
 * The packet of a capture file, byte by byte.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pseudo.h"
#include "records.h"

static unsigned char buf[PSEUDO_MAX];
static struct pseudo_text text;

/* That of docs/CAPTURE.md. */
static const unsigned char example[] = {
	0x69, 0x6d, 0x73, 0x67, 0x01, 0x01, 0x00, 0x24,	  /* magic to length */
	0x02, 0x00, 0x01, 0x00, 0x00, 0x00, 0x00, 0x03,	  /* event to channel */
	0x00, 0x00, 0x04, 0xd2, 0x00, 0x00, 0x04, 0xd3,	  /* processes */
	0x00, 0x00, 0x00, 0x07, 0x00, 0x06, 0x00, 0x04,	  /* fd, two lengths */
	0x00, 0x09, 0x00, 0x00,				  /* two more */
	'p', 'a', 'r', 'e', 'n', 't', 'p', 'e', 'e', 'k', /* names */
	'/', 't', 'm', 'p', '/', 'a', '.', 'x', 'z',	  /* descriptor */
	0x00, 0x00, 0x00, 0xcb, 0x00, 0x00, 0x00, 0x15,	  /* type, len */
	0x00, 0x00, 0x00, 0x02, 0x00, 0x00, 0x04, 0xd2,	  /* peerid, pid */
	'h', 'e', 'l', 'l', 'o'				  /* payload */
};

static struct record
example_record(void)
{
	struct record r;

	memset(&r, 0, sizeof(r));
	r.kind = RECORD_MESSAGE;
	r.event = RECORD_SENT;
	r.channel = 3;
	r.from.pid = 1234;
	r.from.name = "parent";
	r.to.pid = 1235;
	r.to.name = "peek";
	r.wire = IMSG_WIRE_MODERN;
	r.hdr.type = 203;
	r.hdr.len = 21;
	r.hdr.peerid = 2;
	r.hdr.pid = 1234;
	r.fd_state = IMSG_FD_PRESENT;
	r.fd = 7;
	r.fdname = "/tmp/a.xz";
	r.data = (const unsigned char *)"hello";
	r.len = 5;
	return r;
}

/* Reads the example with one of its bytes replaced. */
static int
with(size_t at, int byte)
{
	struct record r;

	memcpy(buf, example, sizeof(example));
	buf[at] = (unsigned char)byte;
	return pseudo_get(buf, sizeof(example), sizeof(example), &r, &text);
}

static void
the_example_is_written_as_documented(void **state)
{
	struct record r = example_record();
	size_t full;

	(void)state;
	assert_int_equal(pseudo_put(buf, &r, &full), sizeof(example));
	assert_int_equal(full, sizeof(example));
	assert_memory_equal(buf, example, sizeof(example));
}

static void
the_example_is_read_as_documented(void **state)
{
	struct record r, want = example_record();

	(void)state;
	assert_int_equal(
	    pseudo_get(example, sizeof(example), sizeof(example), &r, &text),
	    PSEUDO_RECORD);
	assert_true(record_same(&r, &want));
}

static void
any_record_comes_back(void **state)
{
	static struct records m;
	const struct record *want;
	struct record r;
	size_t i, len, full;

	(void)state;
	records_seed(&m, 41);
	print_message("seed 41\n");
	for (i = 0; i < 20000; i++) {
		want = random_record(&m);
		assert_true(record_sound(want));
		len = pseudo_put(buf, want, &full);
		assert_true(len <= full);
		memset(&r, 0xff, sizeof(r));
		assert_int_equal(
		    pseudo_get(buf, len, full, &r, &text), PSEUDO_RECORD);
		assert_int_equal(r.time, 0);
		r.time = want->time;
		assert_true(record_same(want, &r));
	}
}

static void
a_large_payload_is_cut_to_fit(void **state)
{
	static unsigned char data[PSEUDO_MAX];
	struct record r, want = example_record();
	size_t len, full;

	(void)state;
	memset(data, 'x', sizeof(data));
	want.data = data;
	want.len = sizeof(data);
	want.hdr.len = 16 + (uint32_t)sizeof(data);
	len = pseudo_put(buf, &want, &full);
	assert_int_equal(len, PSEUDO_MAX);
	assert_int_equal(full, 36 + 19 + 16 + sizeof(data));
	assert_int_equal(pseudo_get(buf, len, full, &r, &text), PSEUDO_RECORD);
	assert_int_equal(r.hdr.len, want.hdr.len);
	want.len = PSEUDO_MAX - 36 - 19 - 16;
	assert_true(record_same(&want, &r));
}

static void
long_names_are_cut_to_fit(void **state)
{
	static char name[3000];
	struct record r, want = example_record();
	size_t len, full;

	(void)state;
	memset(name, 'n', sizeof(name) - 1);
	want.from.name = want.to.name = want.fdname = want.note = name;
	want.kind = RECORD_NOTE;
	want.len = 0;
	len = pseudo_put(buf, &want, &full);
	assert_int_equal(len, PSEUDO_HEAD);
	assert_int_equal(pseudo_get(buf, len, full, &r, &text), PSEUDO_RECORD);
	assert_int_equal(strlen(r.from.name), 255);
	assert_int_equal(strlen(r.to.name), 255);
	assert_int_equal(strlen(r.fdname), 1023);
	assert_int_equal(strlen(r.note), 1023);
}

static void
missing_names_are_empty(void **state)
{
	struct record r, want = example_record();
	size_t len, full;

	(void)state;
	want.from.name = want.to.name = want.fdname = NULL;
	want.from.pid = -1;
	want.fd = -5;
	len = pseudo_put(buf, &want, &full);
	assert_int_equal(pseudo_get(buf, len, full, &r, &text), PSEUDO_RECORD);
	assert_string_equal(r.from.name, "");
	assert_string_equal(r.to.name, "");
	assert_string_equal(r.fdname, "");
	assert_int_equal(r.from.pid, 0);
	assert_int_equal(r.fd, -1);
}

/* Cut anywhere: by who captures (full is known), or for good. */
static void
a_packet_cut_before_its_payload_is_none(void **state)
{
	size_t len, head = sizeof(example) - 5;
	struct record r;
	unsigned char *p;

	(void)state;
	for (len = 0; len <= sizeof(example); len++) {
		/* Of its own size, for the sanitizer. */
		p = malloc(len + (len == 0));
		assert_non_null(p);
		memcpy(p, example, len);
		assert_int_equal(pseudo_get(p, len, sizeof(example), &r, &text),
		    len >= head	 ? PSEUDO_RECORD :
			len >= 8 ? PSEUDO_CUT :
				   PSEUDO_BAD);
		if (len >= head)
			assert_int_equal(r.len, len - head);
		assert_int_equal(pseudo_get(p, len, len, &r, &text),
		    len == sizeof(example) ? PSEUDO_RECORD :
			len >= head	   ? PSEUDO_LENGTH :
					     PSEUDO_BAD);
		free(p);
	}
}

static void
a_length_that_disagrees_is_refused(void **state)
{
	struct record r;
	size_t full;

	(void)state;
	for (full = 0; full < 4 * sizeof(example); full++)
		assert_int_equal(
		    pseudo_get(example, sizeof(example), full, &r, &text),
		    full < sizeof(example)	? PSEUDO_BAD :
			full == sizeof(example) ? PSEUDO_RECORD :
						  PSEUDO_LENGTH);
	/* The header's: 20, 22, with the mark, 15, and all ones. */
	assert_int_equal(with(62, 20), PSEUDO_LENGTH);
	assert_int_equal(with(62, 22), PSEUDO_LENGTH);
	assert_int_equal(with(59, 0x80), PSEUDO_LENGTH);
	assert_int_equal(with(62, 15), PSEUDO_LENGTH);
	assert_int_equal(with(59, 0xff), PSEUDO_LENGTH);
}

static void
what_is_not_known_here_is_told_apart(void **state)
{
	(void)state;
	assert_int_equal(with(4, 0), PSEUDO_OTHER); /* version */
	assert_int_equal(with(4, 2), PSEUDO_OTHER);
	assert_int_equal(with(5, 0), PSEUDO_OTHER); /* kind */
	assert_int_equal(with(5, 4), PSEUDO_OTHER);
	assert_int_equal(with(5, 255), PSEUDO_OTHER);
	assert_int_equal(with(8, 0), PSEUDO_OTHER); /* event */
	assert_int_equal(with(8, 6), PSEUDO_OTHER);
	assert_int_equal(with(9, 3), PSEUDO_OTHER);  /* wire */
	assert_int_equal(with(10, 4), PSEUDO_OTHER); /* fd state */
	assert_int_equal(with(10, 15), PSEUDO_OTHER);
	assert_int_equal(with(10, 17), PSEUDO_OTHER);
	assert_int_equal(with(10, 16), PSEUDO_RECORD);
}

static void
what_cannot_be_is_refused(void **state)
{
	(void)state;
	assert_int_equal(with(0, 'j'), PSEUDO_BAD);   /* magic */
	assert_int_equal(with(7, 35), PSEUDO_BAD);    /* fixed part */
	assert_int_equal(with(6, 0x10), PSEUDO_BAD);  /* longer than all */
	assert_int_equal(with(16, 0x80), PSEUDO_BAD); /* pids */
	assert_int_equal(with(20, 0xff), PSEUDO_BAD);
	assert_int_equal(with(24, 0x80), PSEUDO_BAD); /* descriptor */
	assert_int_equal(with(28, 0x01), PSEUDO_BAD); /* name lengths */
	assert_int_equal(with(35, 1), PSEUDO_BAD);    /* a message's note */
	assert_int_equal(with(37, 0), PSEUDO_BAD);    /* NUL in a name */
	assert_int_equal(with(37, '\n'), PSEUDO_RECORD);
}

static void
names_that_do_not_fit_are_refused(void **state)
{
	struct record r, want = example_record();
	static char name[400];
	size_t full, len;

	(void)state;
	/* 300 bytes of the descriptor's name become the sender's. */
	memset(name, 'n', 300);
	want.from.name = want.to.name = "";
	want.fdname = name;
	len = pseudo_put(buf, &want, &full);
	memcpy(buf + 28, buf + 32, 2);
	memset(buf + 32, 0, 2);
	assert_int_equal(pseudo_get(buf, len, full, &r, &text), PSEUDO_BAD);
}

/* A later program says more in the fixed part. */
static void
a_longer_fixed_part_is_skipped(void **state)
{
	struct record r, want = example_record();
	size_t len = sizeof(example) + 9;

	(void)state;
	memcpy(buf, example, 36);
	memset(buf + 36, 0xee, 9);
	memcpy(buf + 45, example + 36, sizeof(example) - 36);
	buf[7] = 45;
	assert_int_equal(pseudo_get(buf, len, len, &r, &text), PSEUDO_RECORD);
	assert_true(record_same(&want, &r));
}

static void
names_of_types_come_back(void **state)
{
	static char longest[300];
	char name[256];
	uint32_t type, n = 0;
	size_t len = 0, pos = 0;
	struct record r;

	(void)state;
	memset(longest, 'x', sizeof(longest) - 1);
	while (pseudo_name_put(buf, &len, n, n % 2 ? longest : "MSG_A") == 0)
		n++;
	assert_true(len <= PSEUDO_MAX && len > PSEUDO_MAX - 261);
	assert_int_equal(pseudo_get(buf, len, len, &r, &text), PSEUDO_NAMES);
	for (uint32_t i = 0; i < n; i++) {
		assert_int_equal(
		    pseudo_name_get(buf, len, &pos, &type, name), 1);
		assert_int_equal(type, i);
		assert_int_equal(strlen(name), i % 2 ? 255 : 5);
	}
	assert_int_equal(pseudo_name_get(buf, len, &pos, &type, name), 0);
}

static void
damaged_names_of_types_are_refused(void **state)
{
	char name[256];
	uint32_t type;
	size_t len = 0, cut, pos;
	unsigned char *p;

	(void)state;
	assert_int_equal(pseudo_name_put(buf, &len, 1, "MSG_A"), 0);
	for (cut = 36; cut <= len; cut++) {
		p = malloc(cut);
		assert_non_null(p);
		memcpy(p, buf, cut);
		pos = 0;
		assert_int_equal(pseudo_name_get(p, cut, &pos, &type, name),
		    cut == 36	   ? 0 :
			cut == len ? 1 :
				     -1);
		free(p);
	}
	buf[43] = '\0';
	pos = 0;
	assert_int_equal(pseudo_name_get(buf, len, &pos, &type, name), -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_example_is_written_as_documented),
		cmocka_unit_test(the_example_is_read_as_documented),
		cmocka_unit_test(any_record_comes_back),
		cmocka_unit_test(a_large_payload_is_cut_to_fit),
		cmocka_unit_test(long_names_are_cut_to_fit),
		cmocka_unit_test(missing_names_are_empty),
		cmocka_unit_test(a_packet_cut_before_its_payload_is_none),
		cmocka_unit_test(a_length_that_disagrees_is_refused),
		cmocka_unit_test(what_is_not_known_here_is_told_apart),
		cmocka_unit_test(what_cannot_be_is_refused),
		cmocka_unit_test(names_that_do_not_fit_are_refused),
		cmocka_unit_test(a_longer_fixed_part_is_skipped),
		cmocka_unit_test(names_of_types_come_back),
		cmocka_unit_test(damaged_names_of_types_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
