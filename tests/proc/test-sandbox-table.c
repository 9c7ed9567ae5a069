/* SPDX-License-Identifier: ISC */
/*
 * A sandbox that the kernel cannot give, through a table: it is said, and the
 * process does not start if it must have all of it; what the kernel refuses is
 * an error in any case.  The kernel is one without Landlock, or without
 * seccomp(2).
 */
#define _GNU_SOURCE
#include "host.h"

#include <sys/prctl.h>
#include <sys/syscall.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SAY(p, ...) imsgproc_log(p, 6, __VA_ARGS__)
#define LEVEL	    "IMSGPROC_TEST_LEVEL"
#define NO_FILTER   "IMSGPROC_TEST_NO_FILTER"
#define LACKS	    "sandbox: paths: no Landlock in this kernel"

int imsgpi_test_level = 99;

static const struct imsgproc_path paths[] = { { "/usr", "r" }, { NULL, NULL } };

static int
say_start(struct imsgproc *p)
{
	SAY(p, "start");
	return 0;
}

static int
until_end(struct imsgproc *p)
{
	struct imsg m;

	while (imsgbuf_recv(imsgproc_parent_imsgbuf(p), &m, -1) == 1)
		imsg_free(&m);
	return 0;
}

#define TABLE(n, parent, child)                                     \
	static const struct imsgproc_spec n##_procs[] = {           \
		{ IMSGPROC_HERE, .name = "p", .start = say_start,   \
		    .promises = "stdio rpath proc", .paths = paths, \
		    .flags = parent },                              \
		{ IMSGPROC_HERE, .name = "a", .start = say_start,   \
		    .promises = "stdio rpath", .paths = paths,      \
		    .flags = child },                               \
		{ IMSGPROC_HERE, .name = "one", .run = until_end,   \
		    .promises = "stdio rpath", .paths = paths,      \
		    .flags = (child) | IMSGPROC_ON_DEMAND },        \
	};                                                          \
	static const struct imsgproc_daemon n = {                   \
		.name = #n, .procs = n##_procs, .nprocs = 3         \
	}

TABLE(may, 0, 0);
TABLE(must, 0, IMSGPROC_MUST_SANDBOX);
TABLE(parent, IMSGPROC_MUST_SANDBOX, 0);

/* seccomp(2) and prctl(PR_SET_SECCOMP) fail from now on. */
static void
no_filters(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
		    offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_seccomp, 3, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_prctl, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
		    offsetof(struct seccomp_data, args[0])),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, PR_SET_SECCOMP, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EINVAL),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog prog = { sizeof(code) / sizeof(code[0]), code };

	if (getenv(NO_FILTER) != NULL &&
	    (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1 ||
		prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog) == -1))
		_exit(97);
}

static void
all_is_there(void **state)
{
	struct host h;

	(void)state;
	host_start(&h, "must");
	host_expect(&h, " p: start");
	assert_int_equal(host_stop(&h), 0);
	assert_int_equal(host_count(&h, "sandbox: "), 0);
}

static void
what_is_missing_is_said(void **state)
{
	struct host h;

	(void)state;
	setenv(LEVEL, "0", 1);
	host_start(&h, "may");
	host_expect(&h, " p: start");
	assert_int_equal(host_stop(&h), 0);
	host_place(&h, " a: " LACKS "\n");
	host_place(&h, " p: " LACKS "\n");
	unsetenv(LEVEL);
}

static void
what_must_be_is_refused(void **state)
{
	struct host h;

	(void)state;
	setenv(LEVEL, "0", 1);
	host_start(&h, "must");
	assert_int_equal(host_end(&h), 1);
	host_place(&h, "could not start: " LACKS ": exited with status 1");
	assert_int_equal(host_count(&h, ": start"), 0);
	host_start(&h, "parent");
	assert_int_equal(host_end(&h), 1);
	host_place(&h, " p: cannot start: " LACKS "\n");
	assert_int_equal(host_count(&h, " p: start"), 0);
	unsetenv(LEVEL);
}

static void
what_fails_is_refused(void **state)
{
	struct host h;

	(void)state;
	setenv(NO_FILTER, "1", 1);
	host_start(&h, "may");
	assert_int_equal(host_end(&h), 1);
	host_place(&h, "could not start: sandbox: seccomp: ");
	assert_int_equal(host_count(&h, ": start"), 0);
	unsetenv(NO_FILTER);
}

static void
one_process_says_it_to_who_started_it(void **state)
{
	struct imsgproc_child c;
	char why[256];

	(void)state;
	setenv(LEVEL, "0", 1);
	setenv("IMSGPROC_TEST_TABLE", "may", 1);
	assert_int_equal(imsgproc_spawn(&may, "one", &c, why, sizeof(why)), 0);
	assert_non_null(strstr(LACKS, why));
	assert_true(why[0] != '\0');
	assert_int_equal(imsgproc_wait(&c, PATIENCE, NULL), 0);
	setenv("IMSGPROC_TEST_TABLE", "must", 1);
	assert_int_equal(
	    imsgproc_spawn(&must, "one", &c, why, sizeof(why)), -1);
	assert_string_equal(why, "one: " LACKS);
	unsetenv("IMSGPROC_TEST_TABLE");
	unsetenv(LEVEL);
}

const struct imsgproc_daemon *const host_tables[] = { &may, &must, &parent,
	NULL };

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_is_there),
		cmocka_unit_test(what_is_missing_is_said),
		cmocka_unit_test(what_must_be_is_refused),
		cmocka_unit_test(what_fails_is_refused),
		cmocka_unit_test(one_process_says_it_to_who_started_it),
	};

	if (getenv(LEVEL) != NULL)
		imsgpi_test_level = atoi(getenv(LEVEL));
	host_before = no_filters;
	host_init(argc, argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
