/* SPDX-License-Identifier: ISC */
/*
 * What people see of a process: its title, and the lines that it logs.
 */
#define _GNU_SOURCE
#include "child-lib.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void
title_is(pid_t pid, const char *title, const char *comm)
{
	char text[4096];
	size_t n = proc_file(pid, "cmdline", text, sizeof(text));

	assert_string_equal(text, title);
	assert_int_equal(n, strlen(title) + 1);
	(void)proc_file(pid, "comm", text, sizeof(text));
	assert_string_equal(text, comm);
}

/* Sets a title, waits until it did. */
static void
retitle(struct born *c, const char *title)
{
	say_text(c, T_TITLE, title);
	(void)hear_text(c, T_REPORT);
}

static void
has_a_title(void **state)
{
	const struct birth b = { .who = "plain.0" };
	char longer[201], want[256];
	struct born c;

	(void)state;
	memset(longer, 'x', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	(void)snprintf(want, sizeof(want), "test: plain: %s", longer);
	assert_int_equal(setenv("TEST_HOME", "/some/where", 1), 0);
	assert_true(has(bear_report(&c, &b), "home /some/where"));
	title_is(c.pid, "test: plain", "test: plain\n");
	retitle(&c, "3 clients");
	title_is(c.pid, "test: plain: 3 clients", "test: plain\n");
	retitle(&c, longer);
	title_is(c.pid, want, "test: plain\n");
	retitle(&c, "a\033[1m");
	title_is(c.pid, "test: plain: a\\033[1m", "test: plain\n");
	retitle(&c, "");
	title_is(c.pid, "test: plain", "test: plain\n");
	ends_well(&c);
}

static void
logs_one_line(void **state)
{
	struct birth b = { .who = "plain.0" };
	struct born c;
	int out;

	(void)state;
	b.err = err_pipe(&out);
	(void)bear_report(&c, &b);
	c.out = out;
	say_text(&c, T_LOG, "a\nb\033[31m \\ \303\274 end");
	(void)hear_text(&c, T_REPORT);
	ends_well(&c);
	(void)close(b.err);
	assert_string_equal(errors_of(&c),
	    "test: plain: a\\012b\\033[31m \\\\ \\303\\274 end\n");
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(has_a_title),
		cmocka_unit_test(logs_one_line),
	};

	imsgproc_init(argc, argv, &test_daemon);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
