/* SPDX-License-Identifier: ISC */
/*
 * Harmless text: every form of UTF-8 there is, against two judges that share
 * nothing with it, Jansson's decoder and a list of characters.
 */
#include "shapes.h"

#include <wchar.h>

#include <jansson.h>

#include "safe.h"
#include "shape.h"

/* Is it one whole character in UTF-8?  Jansson says. */
static int
is_utf8(const unsigned char *p, size_t len)
{
	json_t *s = json_stringn((const char *)p, len);

	json_decref(s);
	return s != NULL;
}

static unsigned long
decode(const unsigned char *p, size_t len)
{
	static const unsigned char mask[] = { 0, 0x7f, 0x1f, 0x0f, 0x07 };
	unsigned long c = p[0] & mask[len];
	size_t i;

	for (i = 1; i < len; i++)
		c = c * 64 + (p[i] & 0x3fUL);
	return c;
}

/* Characters that do something instead of being seen. */
static int
is_trouble(unsigned long c)
{
	static const struct {
		unsigned long first, last;
	} list[] = {
		{ 0, 0x1f },
		{ '\\', '\\' },
		{ 0x7f, 0x9f },
		{ 0x61c, 0x61c },
		{ 0x200b, 0x200f },
		{ 0x2028, 0x202e },
		{ 0x2060, 0x206f },
		{ 0xfeff, 0xfeff },
		{ 0xe0000, 0x10ffff },
	};
	size_t i;

	for (i = 0; i < sizeof(list) / sizeof(list[0]); i++)
		if (c >= list[i].first && c <= list[i].last)
			return 1;
	return (c & 0xffff) >= 0xfffe;
}

static void
escape(char *out, const unsigned char *p, size_t len)
{
	for (; len > 0; p++, len--)
		out += *p == '\\' ? sprintf(out, "\\\\") :
				    sprintf(out, "\\x%02x", *p);
}

/* One character's worth: as it is, or all of it escaped. */
static void
judge(const unsigned char *p, size_t len)
{
	char out[64], want[64];

	safe_text(out, sizeof(out), p, len);
	if (is_utf8(p, len) && !is_trouble(decode(p, len))) {
		memcpy(want, p, len);
		want[len] = '\0';
	} else {
		escape(want, p, len);
	}
	if (strcmp(out, want) != 0)
		fail_msg("%02x %02x %02x %02x (%zu): %s, not %s", p[0],
		    len > 1 ? p[1] : 0, len > 2 ? p[2] : 0, len > 3 ? p[3] : 0,
		    len, out, want);
}

static void
every_byte_is_itself_or_escaped(void **state)
{
	unsigned char p[1];
	int i;

	(void)state;
	for (i = 0; i < 256; i++) {
		p[0] = (unsigned char)i;
		judge(p, 1);
	}
}

/* Those whose second byte begins a character itself are judged elsewhere. */
static void
every_pair_that_begins_with_no_ascii_is_judged_rightly(void **state)
{
	unsigned char p[2];
	int i, k;

	(void)state;
	for (i = 0x80; i < 256; i++)
		for (k = 0x80; k < 256; k++) {
			p[0] = (unsigned char)i;
			p[1] = (unsigned char)k;
			judge(p, 2);
		}
}

/* Overlong forms and surrogates among them. */
static void
every_sequence_of_three_is_judged_rightly(void **state)
{
	unsigned char p[3];
	int i, k, m;

	(void)state;
	for (i = 0xe0; i < 0xf0; i++)
		for (k = 0x80; k < 0xc0; k++)
			for (m = 0x80; m < 0xc0; m++) {
				p[0] = (unsigned char)i;
				p[1] = (unsigned char)k;
				p[2] = (unsigned char)m;
				judge(p, 3);
			}
}

static void
every_sequence_of_four_at_a_boundary_is_judged_rightly(void **state)
{
	static const unsigned char ends[] = { 0x80, 0x81, 0x9f, 0xa0, 0xbe,
		0xbf };
	unsigned char p[4];
	size_t m, n;
	int i, k;

	(void)state;
	for (i = 0xf0; i < 0x100; i++)
		for (k = 0x80; k < 0xc0; k++)
			for (m = 0; m < sizeof(ends); m++)
				for (n = 0; n < sizeof(ends); n++) {
					p[0] = (unsigned char)i;
					p[1] = (unsigned char)k;
					p[2] = ends[m];
					p[3] = ends[n];
					judge(p, 4);
				}
}

static void
a_sequence_that_is_cut_or_interrupted_is_escaped(void **state)
{
	static const struct {
		const char *in, *out;
	} cases[] = {
		{ "\xc3", "\\xc3" },
		{ "\xc3(", "\\xc3(" },
		{ "\xe2\x82", "\\xe2\\x82" },
		{ "\xe2\x82x", "\\xe2\\x82x" },
		{ "\xf0\x9f\x98", "\\xf0\\x9f\\x98" },
		{ "\xf0\x9f\xc3\xa4", "\\xf0\\x9f\xc3\xa4" },
		{ "\xe2\xe2\x82\xac", "\\xe2\xe2\x82\xac" },
		/* Overlong '/', NUL and ESC; a surrogate; beyond the end. */
		{ "\xc0\xaf", "\\xc0\\xaf" },
		{ "\xe0\x80\x80", "\\xe0\\x80\\x80" },
		{ "\xf0\x80\x80\x9b", "\\xf0\\x80\\x80\\x9b" },
		{ "\xed\xa0\x80", "\\xed\\xa0\\x80" },
		{ "\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80" },
		/* CSI as one character; a turn of direction; a mark. */
		{ "\xc2\x9b", "\\xc2\\x9b" },
		{ "\xe2\x80\xae", "\\xe2\\x80\\xae" },
		{ "\xef\xbb\xbf", "\\xef\\xbb\\xbf" },
		/* Wide and combining ones are as they are. */
		{ "\xe6\xbc\xa2", "\xe6\xbc\xa2" },
		{ "e\xcc\x81", "e\xcc\x81" },
		{ "\xf0\x9f\x98\x80", "\xf0\x9f\x98\x80" },
	};
	char out[64];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		safe_text(out, sizeof(out), cases[i].in, strlen(cases[i].in));
		assert_string_equal(out, cases[i].out);
	}
}

static void
text_that_does_not_fit_ends_between_characters(void **state)
{
	static const char in[] = "a\xc3\xa4\x1b\xf0\x9f\x98\x80\\z";
	static const char whole[] = "a\xc3\xa4\\x1b\xf0\x9f\x98\x80\\\\z";
	/* What fits into a buffer of that size. */
	static const size_t fits[] = { 0, 0, 1, 1, 3, 3, 3, 3, 7, 7, 7, 7, 11,
		11, 13, 14, 14 };
	size_t size;

	(void)state;
	safe_text(NULL, 0, in, sizeof(in) - 1);
	for (size = 1; size < sizeof(fits) / sizeof(fits[0]); size++) {
		/* Exactly as large, so that a sanitizer sees more. */
		char *out = malloc(size);

		assert_non_null(out);
		safe_text(out, size, in, sizeof(in) - 1);
		assert_int_equal(strlen(out), fits[size]);
		assert_memory_equal(out, whole, fits[size]);
		free(out);
	}
}

static void
nothing_is_read_beyond_the_end(void **state)
{
	static const char starts[] = "\xc3\xe2\xf0\xf4";
	char out[8], *in;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(starts) - 1; i++) {
		assert_non_null(in = malloc(1));
		*in = starts[i];
		safe_text(out, sizeof(out), in, 1);
		assert_int_equal(strlen(out), 4);
		free(in);
	}
	safe_text(out, sizeof(out), NULL, 0);
	assert_string_equal(out, "");
}

static void
printing_is_the_same_as_text(void **state)
{
	unsigned char in[256];
	char want[1100], *got = NULL;
	size_t len = 0, i;
	FILE *f = open_memstream(&got, &len);

	(void)state;
	assert_non_null(f);
	for (i = 0; i < sizeof(in); i++)
		in[i] = (unsigned char)(i * 167 + 13);
	safe_text(want, sizeof(want), in, sizeof(in));
	safe_print(f, in, sizeof(in));
	safe_print(f, NULL, 0);
	assert_int_equal(fclose(f), 0);
	assert_string_equal(got, want);
	free(got);
}

static void
words_have_no_blanks_and_parties_say_what_is_known(void **state)
{
	struct party p = { 7, "a b\x1b" };
	char s[SHAPE_PARTY], small[8];

	(void)state;
	shape_word(s, sizeof(s), " a  b ");
	assert_string_equal(s, "_a__b_");
	shape_word(s, sizeof(s), NULL);
	assert_string_equal(s, "");
	shape_party(s, sizeof(s), &p);
	assert_string_equal(s, "a_b\\x1b[7]");
	shape_party(small, sizeof(small), &p);
	assert_string_equal(small, "a_b\\x1b");
	p.pid = 0;
	shape_party(s, sizeof(s), &p);
	assert_string_equal(s, "a_b\\x1b[?]");
	p.name = NULL;
	shape_party(s, sizeof(s), &p);
	assert_string_equal(s, "?");
	p.pid = 9;
	shape_party(s, sizeof(s), &p);
	assert_string_equal(s, "?[9]");
}

static void
times_of_all_ages_are_written(void **state)
{
	char s[48];

	(void)state;
	assert_int_equal(setenv("TZ", "UTC0", 1), 0);
	tzset();
	shape_utc(s, sizeof(s), NOON);
	assert_string_equal(s, "2026-11-26T12:03:04.123456789Z");
	shape_clock(s, sizeof(s), NOON);
	assert_string_equal(s, "12:03:04.123456");
	shape_utc(s, sizeof(s), -1);
	assert_string_equal(s, "1969-12-31T23:59:59.999999999Z");
	shape_utc(s, sizeof(s), INT64_MIN);
	assert_string_equal(s, "1677-09-21T00:12:43.145224192Z");
	shape_utc(s, sizeof(s), INT64_MAX);
	assert_string_equal(s, "2262-04-11T23:47:16.854775807Z");
}

static void
text_is_cut_to_columns(void **state)
{
	char s[16] = "abcdef";
	char wide[16] = "\xe6\xbc\xa2\xe6\xbc\xa2\xe6\xbc\xa2";
	char *tight = strdup("abcd");

	(void)state;
	assert_non_null(tight);
	assert_int_equal(shape_width(wide), 6);
	shape_cut(s, sizeof(s), 6);
	assert_string_equal(s, "abcdef");
	shape_cut(s, sizeof(s), 4);
	assert_string_equal(s, "abc\xe2\x80\xa6");
	shape_cut(wide, sizeof(wide), 4);
	assert_string_equal(wide, "\xe6\xbc\xa2\xe2\x80\xa6");
	/* The mark must have room, too. */
	shape_cut(tight, 5, 3);
	assert_string_equal(tight, "a\xe2\x80\xa6");
	free(tight);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_byte_is_itself_or_escaped),
		cmocka_unit_test(
		    every_pair_that_begins_with_no_ascii_is_judged_rightly),
		cmocka_unit_test(every_sequence_of_three_is_judged_rightly),
		cmocka_unit_test(
		    every_sequence_of_four_at_a_boundary_is_judged_rightly),
		cmocka_unit_test(
		    a_sequence_that_is_cut_or_interrupted_is_escaped),
		cmocka_unit_test(
		    text_that_does_not_fit_ends_between_characters),
		cmocka_unit_test(nothing_is_read_beyond_the_end),
		cmocka_unit_test(printing_is_the_same_as_text),
		cmocka_unit_test(
		    words_have_no_blanks_and_parties_say_what_is_known),
		cmocka_unit_test(times_of_all_ages_are_written),
		cmocka_unit_test(text_is_cut_to_columns),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
