/* SPDX-License-Identifier: ISC */
/*
 * Of the table in os.h: how this program is executed anew, by its open file
 * where the system lets one do that, so that neither a new version of it on
 * the disk nor another root directory gets in between.
 */
#include "feature.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/syscall.h>
#endif

#include "os.h"
#include "os-exec.h"

int
imsgpi_os_openself(void)
{
#ifdef __linux__
	return open("/proc/self/exe", O_PATH | O_CLOEXEC);
#else
	errno = ENOTSUP;
	return -1;
#endif
}

int
imsgpi_os_execfd(int fd, char *const argv[], char *const envp[])
{
#if defined(__linux__) && defined(SYS_execveat)
	return (int)syscall(SYS_execveat, fd, "", argv, envp, AT_EMPTY_PATH);
#else
	(void)fd;
	(void)argv;
	(void)envp;
	errno = ENOTSUP;
	return -1;
#endif
}

int
imsgpi_os_pidfd(pid_t pid)
{
#if defined(__linux__) && defined(SYS_pidfd_open)
	return (int)syscall(SYS_pidfd_open, pid, 0);
#else
	(void)pid;
	errno = ENOSYS;
	return -1;
#endif
}
