/* SPDX-License-Identifier: ISC */
/*
 * The sandbox for FreeBSD: capability mode.
 *
 * In it there is nothing but the descriptors that a process has: no paths, no
 * addresses, no other process.  So it is for promises that need none of these;
 * for any other the process stays outside and the caller is told.  Calls that
 * are not permitted fail with ECAPMODE.
 */
#include "feature.h"

#include <sys/types.h>
#include <sys/capsicum.h>
#include <sys/resource.h>
#include <sys/time.h>

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "sandbox-int.h"

const char imsgpi_sandbox_kind[] = "capsicum";

/* What capability mode leaves possible. */
#define P_CAPABLE \
	(P_STDIO | P_FLOCK | P_RECVFD | P_SENDFD | P_TTY | P_PROC | P_ERROR)

/* Terminals and logs: to be read and written, no more unless promised. */
static int
limit_stdio(const struct sandbox *sb)
{
	cap_rights_t rights;
	int fd;

	(void)cap_rights_init(&rights, CAP_READ, CAP_WRITE, CAP_SEEK, CAP_FSTAT,
	    CAP_FCNTL, CAP_EVENT);
	if (sb->promises & P_TTY)
		(void)cap_rights_set(&rights, CAP_IOCTL);
	if (sb->promises & P_FLOCK)
		(void)cap_rights_set(&rights, CAP_FLOCK);
	for (fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		/* ENOTCAPABLE: it has fewer.  EBADF: is not there. */
		if (cap_rights_limit(fd, &rights) == -1 &&
		    errno != ENOTCAPABLE && errno != EBADF && errno != ENOSYS)
			return -1;
	return 0;
}

/* fork(2) is possible in capability mode; only a limit prevents it. */
static int
limit_proc(struct sandbox *sb)
{
	static const struct rlimit none = { 0, 0 };

	if (sb->promises & P_PROC)
		return 0;
	if (geteuid() == 0) {
		imsgpi_sandbox_missing(
		    sb, "proc is not prevented", "root may always fork");
		return 0;
	}
	return setrlimit(RLIMIT_NPROC, &none);
}

static void
say_missing(struct sandbox *sb, uint32_t promises)
{
	char what[64];
	const char *name;

	while ((name = imsgpi_promise(&promises)) != NULL) {
		(void)snprintf(what, sizeof(what), "no sandbox with %s", name);
		imsgpi_sandbox_missing(
		    sb, what, "Capsicum cannot allow it alone");
	}
}

int
imsgpi_sandbox_enter(struct sandbox *sb)
{
	uint32_t too_much = sb->promises & ~(uint32_t)P_CAPABLE;

	if (too_much != 0) {
		say_missing(sb, too_much);
		return 0;
	}
	if (limit_proc(sb) == -1)
		return imsgpi_sandbox_fail(sb, "limits");
	if (limit_stdio(sb) == -1)
		return imsgpi_sandbox_fail(sb, "rights");
	if (cap_enter() == -1)
		return imsgpi_sandbox_fail(sb, "capability mode");
	return 0;
}
