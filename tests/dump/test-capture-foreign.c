/* SPDX-License-Identifier: ISC */
/*
 * Capture files of every make: other byte orders, other programs' files,
 * damaged ones.
 */
#define _GNU_SOURCE

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <pcap/pcap.h>

#include "capture-judge.h"
#include "pseudo.h"

/* Turns n bytes at offset at around. */
static void
turn(int fd, off_t at, size_t n)
{
	unsigned char a[4], b[4];
	size_t i;

	assert_int_equal(pread(fd, a, n, at), n);
	for (i = 0; i < n; i++)
		b[i] = a[n - 1 - i];
	assert_int_equal(pwrite(fd, b, n, at), n);
}

static void
both_byte_orders_are_read(void **state)
{
	static const unsigned char head[] = { 4, 2, 2, 4, 4, 4, 4 };
	int fd = simple_file(1), i;
	off_t at = 0;

	(void)state;
	for (i = 0; i < 7; at += head[i++])
		turn(fd, at, head[i]);
	for (i = 0; i < 4; i++, at += 4)
		turn(fd, at, 4);
	judge_new();
	assert_int_equal(read_it(fd), 0);
	assert_int_equal(judge.messages, 1);
	assert_true(judge.time == simple().time);
	close(fd);
}

static void
files_with_microseconds_are_read(void **state)
{
	uint32_t magic = 0xa1b2c3d4, usec = 123456;
	int fd = simple_file(1);

	(void)state;
	assert_int_equal(pwrite(fd, &magic, 4, 0), 4);
	assert_int_equal(pwrite(fd, &usec, 4, 28), 4);
	judge_new();
	assert_int_equal(read_it(fd), 0);
	assert_int_equal(judge.messages, 1);
	assert_true(judge.time == INT64_C(1790000000123456000));
	close(fd);
}

static void
other_link_types_are_refused(void **state)
{
	uint32_t link = DLT_EN10MB;
	int fd = simple_file(1);

	(void)state;
	assert_int_equal(pwrite(fd, &link, 4, 20), 4);
	judge_new();
	assert_int_equal(read_it(fd), -1);
	assert_string_equal(why,
	    "its link type is 1 (EN10MB), not that of imsg messages, 147 "
	    "(USER0)");
	close(fd);
}

static void
what_is_no_capture_is_refused(void **state)
{
	int fd = memory();

	(void)state;
	judge_new();
	assert_int_equal(read_it(fd), -1);
	assert_string_not_equal(why, "");
	assert_int_equal(pwrite(fd, "#!/bin/sh\nexit 0, please\n", 25, 0), 25);
	judge_new();
	assert_int_equal(read_it(fd), -1);
	assert_string_not_equal(why, "");
	assert_int_equal(judge.messages + (unsigned)judge.nnotes, 0);
	close(fd);
}

/* A file of packets by hand: len of them bytes at p, full when whole. */
static void
add_packet(
    int fd, const void *p, uint32_t len, uint32_t full, int32_t sec, int32_t ns)
{
	uint32_t h[] = { (uint32_t)sec, (uint32_t)ns, len, full };

	assert_true(lseek(fd, 0, SEEK_END) >= 24);
	assert_int_equal(write(fd, h, sizeof(h)), sizeof(h));
	assert_int_equal(write(fd, p, len), len);
}

static void
packets_that_are_none_of_ours_are_left_out_and_said(void **state)
{
	static unsigned char buf[PSEUDO_MAX];
	struct record r = simple();
	int fd = simple_file(1), i;
	uint32_t len;
	size_t full;

	(void)state;
	len = (uint32_t)pseudo_put(buf, &r, &full);
	for (i = 0; i < 3; i++)
		add_packet(fd, "stray", 5, 5, 1, 1);
	add_packet(fd, buf, len, len, 1, 1);
	add_packet(fd, buf, 40, len, 1, 1);
	add_packet(fd, buf, len, len + 1, 1, 1);
	judge_new();
	/* For the third reason, */
	assert_int_equal(read_it(fd), 1);
	assert_int_equal(judge.messages, 2);
	assert_int_equal(judge.nnotes, 4);
	assert_string_equal(judge.notes[0],
	    "packet 2 is none of imsgdump's, or damaged: left out");
	assert_string_equal(judge.notes[1],
	    "packet 6 is cut short before its message: left out");
	assert_string_equal(judge.notes[2],
	    "packet 7 is of another length than its message: left out");
	assert_string_equal(judge.notes[3],
	    "3 packets, of 7, were none of imsgdump's, or damaged: left out");
	close(fd);
	/* ... and the others. */
	fd = simple_file(1);
	add_packet(fd, buf, len, len, 1, 1000000000);
	add_packet(fd, buf, len, len, 1, -1);
	buf[5] = 9;
	add_packet(fd, buf, len, len, 1, 1);
	judge_new();
	assert_int_equal(read_it(fd), 1);
	assert_int_equal(judge.messages, 1);
	assert_string_equal(
	    judge.notes[0], "packet 2 is without a sensible time: left out");
	assert_string_equal(judge.notes[1],
	    "packet 4 is of a kind or version that is not known here: left "
	    "out");
	close(fd);
}

static void
a_packet_too_large_ends_the_reading(void **state)
{
	uint32_t len = 0x7fffffff;
	int fd = simple_file(3);

	(void)state;
	assert_int_equal(pwrite(fd, &len, 4, 24 + 73 + 8), 4);
	judge_new();
	assert_int_equal(read_it(fd), 1);
	assert_int_equal(judge.messages, 1);
	assert_int_equal(judge.nnotes, 1);
	close(fd);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_byte_orders_are_read),
		cmocka_unit_test(files_with_microseconds_are_read),
		cmocka_unit_test(other_link_types_are_refused),
		cmocka_unit_test(what_is_no_capture_is_refused),
		cmocka_unit_test(
		    packets_that_are_none_of_ours_are_left_out_and_said),
		cmocka_unit_test(a_packet_too_large_ends_the_reading),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
