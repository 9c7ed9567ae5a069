/* SPDX-License-Identifier: ISC */
/*
 * Which descriptors a process has.  Whoever started the daemon may have left
 * any number of its own open, or closed the first three: then the next file
 * that is opened would get what is written to standard error.
 */
#include "feature.h"

#include <sys/stat.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "child.h"

/* Read-only: what is written to one that was closed fails, as it did. */
int
imsgpi_std_open(void)
{
	int fd;

	for (;;) {
		if ((fd = imsgpi_os.open("/dev/null", O_RDONLY)) == -1)
			return -1;
		if (fd > STDERR_FILENO)
			break;
		if (imsgpi_os.cloexec(fd, 0) == -1) {
			imsgpi_close(fd);
			return -1;
		}
	}
	imsgpi_close(fd);
	return 0;
}

int
imsgpi_std_only(struct imsgproc *proc)
{
	if (imsgpi_os.closefrom(IMSGPROC_FD + 1) == -1)
		return imsgproc_fail(
		    proc, "cannot close descriptors: %s", strerror(errno));
	return 0;
}

/* A directory would be a way out of a root. */
static bool
std_unwanted(const struct imsgproc *proc, int fd)
{
	struct stat st;

	if (fd != STDERR_FILENO && !(proc->spec->flags & IMSGPROC_STDIO))
		return true;
	return imsgpi_os.fstat(fd, &st) == -1 || S_ISDIR(st.st_mode);
}

int
imsgpi_std_null(struct imsgproc *proc)
{
	int fd, null, r = 0;

	if ((null = imsgpi_os.open("/dev/null", O_RDWR)) == -1)
		return imsgproc_fail(proc, "/dev/null: %s", strerror(errno));
	for (fd = STDIN_FILENO; fd <= STDERR_FILENO && r != -1; fd++)
		if (std_unwanted(proc, fd))
			r = imsgpi_os.dup2(null, fd);
	imsgpi_close(null);
	if (r == -1)
		return imsgproc_fail(
		    proc, "/dev/null as 0 and 1: %s", strerror(errno));
	return 0;
}
