/* SPDX-License-Identifier: ISC */
/*
 * Which descriptors a process has.  Whoever started the daemon may have left
 * any number of its own open, or closed the first three: then the next file
 * that is opened would get what is written to standard error.
 */
#include "feature.h"

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

int
imsgpi_std_null(struct imsgproc *proc)
{
	int fd, r;

	if (proc->spec->flags & IMSGPROC_STDIO)
		return 0;
	if ((fd = imsgpi_os.open("/dev/null", O_RDWR)) == -1)
		return imsgproc_fail(proc, "/dev/null: %s", strerror(errno));
	r = imsgpi_os.dup2(fd, STDIN_FILENO) == -1 ||
	    imsgpi_os.dup2(fd, STDOUT_FILENO) == -1;
	imsgpi_close(fd);
	if (r)
		return imsgproc_fail(
		    proc, "/dev/null as 0 and 1: %s", strerror(errno));
	return 0;
}
