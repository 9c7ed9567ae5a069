/* SPDX-License-Identifier: ISC */
/*
 * A system that has no sandbox that we know, or a build without libseccomp:
 * nothing of what was promised is enforced, and that is said.
 */
#include "feature.h"

#include "sandbox-int.h"

const char imsgpi_sandbox_kind[] = "none";

int
imsgpi_sandbox_enter(struct sandbox *sb)
{
#if defined(__linux__)
	imsgpi_sandbox_missing(sb, "no sandbox", "built without libseccomp");
#else
	imsgpi_sandbox_missing(sb, "no sandbox", "none known for this system");
#endif
	return 0;
}
