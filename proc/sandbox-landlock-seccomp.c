/* SPDX-License-Identifier: ISC */
/*
 * The sandbox for Linux: Landlock decides about paths, seccomp about system
 * calls.  Neither can do what the other does; what is left of the promises on a
 * kernel without Landlock is said to the caller.
 */
#include "feature.h"

#include <sys/prctl.h>

#include "sandbox-linux.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(memory_sanitizer) || \
    __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#endif

const char imsgpi_sandbox_kind[] = "landlock and seccomp";

int
imsgpi_sandbox_enter(struct sandbox *sb)
{
	int level;

#if defined(SANITIZED)
	imsgpi_sandbox_missing(sb, "no sandbox",
	    "a sanitizer needs system calls that it would forbid");
	return 0;
#endif
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1)
		return imsgpi_sandbox_fail(sb, "no_new_privs");
	level = imsgpi_landlock_level();
	if (imsgpi_landlock_enter(sb, level) == -1)
		return -1;
	return imsgpi_seccomp_enter(sb, level);
}
