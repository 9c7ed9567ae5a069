/* SPDX-License-Identifier: ISC */
/*
 * The sandbox for OpenBSD, with pledge(2) and unveil(2) that only note what
 * they are asked for.
 */
#include "../../proc/feature.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <imsg_proc.h>

#include "systems/pledge.h"

static char asked[512];
static char why[256];
static int fail_pledge, fail_unveil;

static void
note(const char *what, const char *a, const char *b)
{
	size_t len = strlen(asked);

	(void)snprintf(asked + len, sizeof(asked) - len, "%s(%s,%s)", what,
	    a != NULL ? a : "-", b != NULL ? b : "-");
}

int
pledge(const char *promises, const char *exec)
{
	note("pledge", promises, exec);
	errno = fail_pledge;
	return fail_pledge != 0 ? -1 : 0;
}

int
unveil(const char *path, const char *may)
{
	note("unveil", path, may);
	errno = fail_unveil;
	return fail_unveil != 0 ? -1 : 0;
}

static const struct imsgproc_path paths[] = { { "/a", "r" }, { "/b", "rwc" },
	{ NULL, NULL } };

static int
go(const char *promises, const struct imsgproc_path *p, unsigned int flags)
{
	asked[0] = '\0';
	return imsgproc_sandbox(promises, p, flags, why, sizeof(why));
}

/* In this order: what was asked for once is kept in mind. */
static void
test_failures(void **state)
{
	(void)state;
	assert_string_equal(imsgproc_sandbox_name(), "pledge");
	fail_unveil = ENOENT;
	assert_int_equal(go("stdio", paths, 0), -1);
	assert_int_equal(errno, ENOENT);
	assert_int_equal(strncmp(why, "/a: ", 4), 0);
	assert_string_equal(asked, "unveil(/a,r)");
	fail_unveil = 0;
	fail_pledge = EPERM;
	assert_int_equal(go("stdio", NULL, 0), -1);
	assert_int_equal(errno, EPERM);
	assert_string_equal(asked, "pledge(stdio,stdio)");
	fail_pledge = 0;
}

static void
test_first_and_second(void **state)
{
	(void)state;
	assert_int_equal(go("rpath  stdio inet error", paths, 0), 0);
	assert_string_equal(asked,
	    "unveil(/a,r)unveil(/b,rwc)unveil(-,-)"
	    "pledge(stdio rpath inet error,stdio rpath inet error)");
	assert_string_equal(why, "");
	/* What is not held any more is not asked for: it would kill. */
	assert_int_equal(
	    go("stdio rpath proc", NULL, IMSGPROC_MUST_SANDBOX), 0);
	assert_string_equal(asked, "pledge(stdio rpath,stdio rpath)");
	assert_int_equal(go("stdio inet", paths, 0), 1);
	assert_string_equal(asked, "pledge(stdio,stdio)");
	assert_non_null(strstr(why, "paths"));
	assert_int_equal(go("stdio", paths, IMSGPROC_MUST_SANDBOX), -1);
	assert_int_equal(errno, ENOTSUP);
	assert_int_equal(go("", NULL, 0), 0);
	assert_string_equal(asked, "pledge(,)");
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_failures),
		cmocka_unit_test(test_first_and_second),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
