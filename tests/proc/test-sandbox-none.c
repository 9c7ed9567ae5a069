/* SPDX-License-Identifier: ISC */
/*
 * Without any sandbox: that is said, and refused where it must not be.
 */
#include "../../proc/feature.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <imsg_proc.h>

static void
test_none(void **state)
{
	char why[64], tiny[8];

	(void)state;
	assert_string_equal(imsgproc_sandbox_name(), "none");
	assert_int_equal(
	    imsgproc_sandbox("stdio", NULL, 0, why, sizeof(why)), 1);
	assert_int_equal(strncmp(why, "no sandbox: ", 12), 0);
	assert_int_equal(imsgproc_sandbox("stdio", NULL, 0, tiny, 8), 1);
	assert_string_equal(tiny, "no sand");
	assert_int_equal(
	    imsgproc_sandbox("stdio", NULL, IMSGPROC_MUST_SANDBOX, NULL, 0),
	    -1);
	assert_int_equal(errno, ENOTSUP);
	assert_int_equal(imsgproc_sandbox("nothing", NULL, 0, NULL, 0), -1);
	assert_int_equal(errno, EINVAL);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
