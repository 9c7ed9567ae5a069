/* SPDX-License-Identifier: ISC */
/*
 * The table of system calls and allocations, with what this system's kernel
 * and libc make of it.  See os.h; who the process is, is in os-ids.c.
 */
#include "feature.h"

#include <sys/types.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/auxv.h>
#endif
#ifdef __APPLE__
#include <mach-o/dyld.h>
#endif
#ifdef __FreeBSD__
#include <sys/sysctl.h>
#endif

#include "os.h"
#include "os-exec.h"
#include "os-process.h"

static int
os_cloexec(int fd, int on)
{
	return fcntl(fd, F_SETFD, on ? FD_CLOEXEC : 0);
}

static int
os_open(const char *path, int flags)
{
	return open(path, flags | O_CLOEXEC);
}

static int
os_dup(int fd, int least)
{
	return fcntl(fd, F_DUPFD_CLOEXEC, least);
}

/* Where there are no flags for it, the program has one thread. */
static int
os_mark(int fd, int nonblock)
{
	int flags;

	if (os_cloexec(fd, 1) == -1)
		return -1;
	if (!nonblock)
		return 0;
	if ((flags = fcntl(fd, F_GETFL)) == -1)
		return -1;
	return fcntl(fd, F_SETFL, flags | O_NONBLOCK);
}

static int
os_mark_both(int fd[2], int nonblock)
{
	if (os_mark(fd[0], nonblock) == 0 && os_mark(fd[1], nonblock) == 0)
		return 0;
	imsgpi_close(fd[0]);
	imsgpi_close(fd[1]);
	return -1;
}

static int
os_pipe(int fd[2])
{
	if (pipe(fd) == -1)
		return -1;
	return os_mark_both(fd, 1);
}

static int
os_socketpair(int domain, int type, int fd[2])
{
#ifdef SOCK_CLOEXEC
	return socketpair(domain, type | SOCK_CLOEXEC, 0, fd);
#else
	if (socketpair(domain, type, 0, fd) == -1)
		return -1;
	return os_mark_both(fd, 0);
#endif
}

static int
os_socket(int domain, int type)
{
#ifdef SOCK_CLOEXEC
	return socket(domain, type | SOCK_CLOEXEC, 0);
#else
	int fd = socket(domain, type, 0);

	if (fd != -1 && os_mark(fd, 0) == -1) {
		imsgpi_close(fd);
		return -1;
	}
	return fd;
#endif
}

static int
os_socktype(int fd)
{
	struct sockaddr_storage peer;
	socklen_t len = sizeof(int);
	int type;

	if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) == -1)
		return -1;
	len = sizeof(peer);
	memset(&peer, 0, sizeof(peer));
	if (getpeername(fd, (struct sockaddr *)&peer, &len) == -1)
		return -1;
	if (type != SOCK_STREAM || peer.ss_family != AF_UNIX) {
		errno = EPROTOTYPE;
		return -1;
	}
	return 0;
}

static int
os_self(char *path, size_t size)
{
#if defined(__linux__)
	ssize_t n = readlink("/proc/self/exe", path, size);
	const char *name;

	if (n == -1) {
		/* There is no /proc; who executed us said what. */
		name = (const char *)getauxval(AT_EXECFN);
		if (name == NULL || name[0] != '/' || imsgpi_os_secure())
			return -1;
		n = (ssize_t)strlen(name);
		memcpy(path, name, (size_t)n < size ? (size_t)n : size);
	}
	if ((size_t)n >= size) {
		errno = ERANGE;
		return -1;
	}
	path[n] = '\0';
	return 0;
#elif defined(__FreeBSD__)
	int mib[4] = { CTL_KERN, KERN_PROC, KERN_PROC_PATHNAME, -1 };

	return sysctl(mib, 4, path, &size, NULL, 0);
#elif defined(__APPLE__)
	uint32_t n = size > UINT32_MAX ? UINT32_MAX : (uint32_t)size;

	if (_NSGetExecutablePath(path, &n) == 0)
		return 0;
	errno = ERANGE;
	return -1;
#else
	(void)path;
	(void)size;
	errno = ENOTSUP;
	return -1;
#endif
}

static int
os_now(struct timespec *ts)
{
	return clock_gettime(CLOCK_MONOTONIC, ts);
}

#ifndef IMSGPROC_OS_REPLACEABLE
IMSGPI_HIDDEN const
#endif
    struct imsgpi_os imsgpi_os = {
	    .calloc = calloc,
	    .realloc = realloc,
	    .free = free,

	    .open = os_open,
	    .close = close,
	    .dup = os_dup,
	    .dup2 = dup2,
	    .cloexec = os_cloexec,
	    .fstat = fstat,
	    .stat = stat,
	    .read = read,
	    .write = write,
	    .pipe = os_pipe,
	    .socketpair = os_socketpair,
	    .socket = os_socket,
	    .socktype = os_socktype,
	    .sendto = sendto,
	    .poll = poll,
	    .closefrom = imsgpi_os_closefrom,
	    .connect = connect,
	    .shutdown = shutdown,

	    .fork = fork,
	    .execve = execve,
	    .self = os_self,
	    .openself = imsgpi_os_openself,
	    .execfd = imsgpi_os_execfd,
	    .pidfd = imsgpi_os_pidfd,
	    .waitpid = waitpid,
	    .kill = kill,
	    .exit = _exit,
	    .getpid = getpid,
	    .getppid = getppid,
	    .sigaction = sigaction,
	    .sigprocmask = sigprocmask,
	    .now = os_now,

	    .getpwnam = getpwnam,
	    .grouplist = imsgpi_os_grouplist,
	    .chroot = chroot,
	    .chdir = chdir,
	    .setgroups = imsgpi_os_setgroups,
	    .getgroups = getgroups,
	    .setgid = imsgpi_os_setgid,
	    .setuid = imsgpi_os_setuid,
	    .getgids = imsgpi_os_getgids,
	    .getuids = imsgpi_os_getuids,
	    .getrlimit = imsgpi_os_getrlimit,
	    .setrlimit = imsgpi_os_setrlimit,
	    .nonewprivs = imsgpi_os_nonewprivs,
	    .nodump = imsgpi_os_nodump,
	    .nocaps = imsgpi_os_nocaps,
	    .secure = imsgpi_os_secure,
	    .setsid = setsid,
	    .comm = imsgpi_os_comm,
    };

void
imsgpi_close(int fd)
{
	int save;

	if (fd < 0)
		return;
	save = errno;
	(void)imsgpi_os.close(fd);
	errno = save;
}

void
imsgpi_free(void *p)
{
	int save = errno;

	imsgpi_os.free(p);
	errno = save;
}

int64_t
imsgpi_now_ms(void)
{
	struct timespec ts = { 0, 0 };

	(void)imsgpi_os.now(&ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}
