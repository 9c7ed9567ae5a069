/* SPDX-License-Identifier: ISC */
/*
 * Capture files: what goes in comes out, and what could not be written or read
 * is said.
 */
#define _GNU_SOURCE

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "capture-judge.h"

static void
what_is_written_is_read(void **state)
{
	static struct records m;
	struct sink *s;
	int i, fd = memory();

	(void)state;
	judge_new();
	print_message("seed 77\n");
	records_seed(&m, 77);
	records_seed(&judge.want, 77);
	s = sink_on(fd);
	for (i = 0; i < 5000; i++)
		assert_int_equal(s->put(s, random_record(&m)), 0);
	assert_int_equal(s->end(s), 0);
	judge.random = 1;
	assert_int_equal(read_it(fd), 0);
	assert_int_equal(judge.messages, 5000);
	close(fd);
}

static void
times_keep_their_nanoseconds(void **state)
{
	static const int64_t times[][2] = {
		{ 0, 0 },
		{ 999999999, 999999999 },
		{ INT64_C(2147483647999999999), INT64_C(2147483647999999999) },
		{ INT64_C(2147483648000000000), INT64_C(2147483648000000000) },
		{ INT64_C(4294967295999999999), INT64_C(4294967295999999999) },
		/* None that the file could say. */
		{ -1, 0 },
		{ INT64_MIN, 0 },
		{ INT64_C(4294967296000000000), INT64_C(4294967295999999999) },
		{ INT64_MAX, INT64_C(4294967295999999999) },
	};
	struct record r = simple();
	struct sink *s;
	size_t i;
	int fd;

	(void)state;
	for (i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		judge_new();
		fd = memory();
		s = sink_on(fd);
		r.time = times[i][0];
		assert_int_equal(s->put(s, &r), 0);
		assert_int_equal(s->end(s), 0);
		assert_int_equal(read_it(fd), 0);
		assert_int_equal(judge.messages, 1);
		assert_true(judge.time == times[i][1]);
		close(fd);
	}
}

static void
flush_brings_it_to_the_file(void **state)
{
	int fd = memory();
	struct sink *s = sink_on(fd);
	struct record r = simple();
	off_t n = lseek(fd, 0, SEEK_END);

	(void)state;
	assert_int_equal(n, 24);
	assert_int_equal(s->put(s, &r), 0);
	assert_int_equal(s->flush(s), 0);
	assert_int_equal(lseek(fd, 0, SEEK_END), 24 + 16 + 36 + 16 + 5);
	assert_int_equal(s->end(s), 0);
	close(fd);
}

static void
a_full_disk_is_told(void **state)
{
	struct record r = simple();
	struct sink *s;
	FILE *f;
	int fd, i;

	(void)state;
	/* As soon as the file is begun, */
	assert_non_null(f = fopen("/dev/full", "w"));
	assert_null(capture_sink(f, why, sizeof(why)));
	assert_string_equal(why, strerror(ENOSPC));
	/* ... by flush, by put when the buffer is full, and by end. */
	for (i = 0; i < 3; i++) {
		fd = memory();
		s = sink_on(fd);
		assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_GROW), 0);
		errno = 0;
		if (i == 0) {
			assert_int_equal(s->put(s, &r), 0);
			assert_int_equal(s->flush(s), -1);
			assert_int_equal(errno, EPERM);
		} else if (i == 1) {
			while (s->put(s, &r) == 0)
				;
			assert_int_equal(errno, EPERM);
			assert_int_equal(s->flush(s), -1);
		} else
			assert_int_equal(s->put(s, &r), 0);
		errno = 0;
		assert_int_equal(s->end(s), -1);
		assert_int_not_equal(errno, 0);
		close(fd);
	}
}

static void
a_cut_file_gives_what_is_whole(void **state)
{
	int cut, fd = simple_file(3), one = 16 + 36 + 16 + 5;

	(void)state;
	for (cut = 24 + 3 * one; cut >= 0; cut--) {
		judge_new();
		assert_int_equal(ftruncate(fd, cut), 0);
		if (cut < 24) {
			assert_int_equal(read_it(fd), -1);
			assert_string_not_equal(why, "");
			continue;
		}
		assert_int_equal(judge.messages, 0);
		assert_int_equal(read_it(fd), (cut - 24) % one != 0);
		assert_int_equal(judge.messages, (cut - 24) / one);
		assert_int_equal(judge.nnotes, (cut - 24) % one != 0);
		if (judge.nnotes > 0)
			assert_non_null(strstr(judge.notes[0], "breaks off"));
	}
	close(fd);
}

static void
payload_that_the_capture_left_out_is_known(void **state)
{
	struct record r = simple();
	int fd = memory();
	struct sink *s = sink_on(fd);

	(void)state;
	r.hdr.len = 0x7fffffff;
	assert_int_equal(s->put(s, &r), 0);
	assert_int_equal(s->end(s), 0);
	judge_new();
	assert_int_equal(read_it(fd), 0);
	assert_int_equal(judge.messages, 1);
	close(fd);
}

static void
stop_and_a_failing_sink_end_it(void **state)
{
	int fd = simple_file(5);

	(void)state;
	judge_new();
	judge.stop_after = 2;
	assert_int_equal(read_it(fd), 0);
	assert_int_equal(judge.messages, 2);
	judge_new();
	judge.fail = EPIPE;
	assert_int_equal(read_it(fd), -1);
	assert_string_equal(why, strerror(EPIPE));
	close(fd);
}

static struct told {
	unsigned long n;
	uint32_t type;
	char name[256];
	int fail;
} told;

static int
tell(void *arg, uint32_t type, const char *name)
{
	struct told *t = arg;

	if (t->fail) {
		errno = ENOMEM;
		return -1;
	}
	/* Before the message that is of this type. */
	if (judge.sink.put != NULL)
		assert_int_equal(judge.messages, t->n >= 20000);
	t->n++;
	t->type = type;
	(void)snprintf(t->name, sizeof(t->name), "%s", name);
	return 0;
}

static void
names_of_types_travel_with_the_records(void **state)
{
	struct record r = simple();
	struct sink *s;
	char name[64];
	int fd = memory();
	uint32_t i;

	(void)state;
	s = sink_on(fd);
	for (i = 0; i < 20000; i++) {
		(void)snprintf(name, sizeof(name), "MSG_OF_A_PROGRAM_%u", i);
		assert_int_equal(capture_name(s, i, name), 0);
	}
	assert_int_equal(capture_name(s, 0, ""), 0);
	assert_int_equal(s->put(s, &r), 0);
	assert_int_equal(capture_name(s, UINT32_MAX, "LAST"), 0);
	assert_int_equal(s->put(s, &r), 0);
	/* Too late to be of use. */
	assert_int_equal(capture_name(s, 1, "NEVER"), 0);
	assert_int_equal(s->end(s), 0);
	judge_new();
	memset(&told, 0, sizeof(told));
	assert_int_equal(capture_read_names(file_of(fd), &judge.sink, tell,
			     &told, NULL, why, sizeof(why)),
	    0);
	assert_int_equal(judge.messages, 2);
	assert_int_equal(told.n, 20001);
	assert_int_equal(told.type, UINT32_MAX);
	assert_string_equal(told.name, "LAST");
	/* Without interest in names, */
	judge_new();
	assert_int_equal(read_it(fd), 0);
	assert_int_equal(judge.messages, 2);
	/* ... in nothing else, and with no memory for them. */
	memset(&judge, 0, sizeof(judge));
	memset(&told, 0, sizeof(told));
	assert_int_equal(capture_read_names(file_of(fd), NULL, tell, &told,
			     NULL, why, sizeof(why)),
	    0);
	assert_int_equal(told.n, 20001);
	told.fail = 1;
	assert_int_equal(capture_read_names(file_of(fd), NULL, tell, &told,
			     NULL, why, sizeof(why)),
	    -1);
	assert_string_equal(why, strerror(ENOMEM));
	close(fd);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_written_is_read),
		cmocka_unit_test(times_keep_their_nanoseconds),
		cmocka_unit_test(flush_brings_it_to_the_file),
		cmocka_unit_test(a_full_disk_is_told),
		cmocka_unit_test(a_cut_file_gives_what_is_whole),
		cmocka_unit_test(payload_that_the_capture_left_out_is_known),
		cmocka_unit_test(stop_and_a_failing_sink_end_it),
		cmocka_unit_test(names_of_types_travel_with_the_records),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
