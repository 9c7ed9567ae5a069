/* SPDX-License-Identifier: ISC */
/*
 * The sandbox for FreeBSD, with calls of Capsicum that only note what they are
 * asked for.
 */
#include "../../proc/feature.h"

#include <sys/capsicum.h>
#include <sys/resource.h>

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <imsg_proc.h>

static char why[1024];
static int entered, limited, fail_limit, fail_enter;
static uint64_t bits;

cap_rights_t *
stub_rights(cap_rights_t *rights, int fresh, ...)
{
	va_list ap;
	uint64_t one;

	if (fresh)
		rights->bits = 0;
	va_start(ap, fresh);
	while ((one = va_arg(ap, uint64_t)) != 0)
		rights->bits |= one;
	va_end(ap);
	return rights;
}

int
cap_rights_limit(int fd, const cap_rights_t *rights)
{
	assert_in_range(fd, 0, 2);
	assert_int_equal(entered, 0);
	limited++;
	bits = rights->bits;
	errno = fail_limit;
	return fail_limit != 0 ? -1 : 0;
}

int
cap_enter(void)
{
	errno = fail_enter;
	if (fail_enter != 0)
		return -1;
	entered++;
	return 0;
}

static int
go(const char *promises, unsigned int flags)
{
	entered = limited = 0;
	return imsgproc_sandbox(promises, NULL, flags, why, sizeof(why));
}

static void
test_enters(void **state)
{
	int expected = geteuid() == 0 ? 1 : 0;

	(void)state;
	assert_string_equal(imsgproc_sandbox_name(), "capsicum");
	assert_int_equal(
	    go("stdio recvfd sendfd proc", IMSGPROC_MUST_SANDBOX), 0);
	assert_int_equal(entered, 1);
	assert_int_equal(limited, 3);
	assert_int_equal(bits & (CAP_FLOCK | CAP_IOCTL), 0);
	assert_int_not_equal(bits & CAP_WRITE, 0);
	assert_int_equal(go("stdio proc flock tty", 0), 0);
	assert_int_equal(bits & (CAP_FLOCK | CAP_IOCTL), CAP_FLOCK | CAP_IOCTL);
	/* Descriptors that cannot have rights are no reason to stay outside. */
	fail_limit = ENOTCAPABLE;
	assert_int_equal(go("stdio proc", 0), 0);
	assert_int_equal(entered, 1);
	fail_limit = EINVAL;
	assert_int_equal(go("stdio proc", 0), -1);
	assert_int_equal(errno, EINVAL);
	assert_int_equal(entered, 0);
	fail_limit = 0;
	fail_enter = ENOSYS;
	assert_int_equal(go("stdio proc", 0), -1);
	assert_int_equal(errno, ENOSYS);
	fail_enter = 0;
	/* Forking: root always can. */
	assert_int_equal(go("stdio", 0), expected);
	assert_int_equal(entered, 1);
	assert_int_equal(strstr(why, "fork") != NULL, expected);
}

static void
test_stays_outside(void **state)
{
	(void)state;
	assert_int_equal(go("stdio rpath inet", 0), 1);
	assert_int_equal(entered, 0);
	assert_int_equal(limited, 0);
	assert_non_null(strstr(why, "rpath"));
	assert_non_null(strstr(why, "inet"));
	assert_null(strstr(why, "stdio"));
	assert_int_equal(go("stdio exec", IMSGPROC_MUST_SANDBOX), -1);
	assert_int_equal(errno, ENOTSUP);
	assert_int_equal(entered, 0);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_enters),
		cmocka_unit_test(test_stays_outside),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
