/* SPDX-License-Identifier: ISC */
/*
 * What /proc says of processes: their names, and which of them hold a socket.
 *
 * Only links are read, nothing is opened or followed: a descriptor of a
 * process may refer to a file system that does not answer.
 */
#define _GNU_SOURCE
#include "endpoint.h"

#include <stdio.h>
#include <string.h>

#ifdef __linux__
#include <sys/socket.h>
#include <sys/syscall.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

/* A small file of /proc, as a string. */
static void
slurp(const char *path, char *out, size_t size)
{
	ssize_t n = -1;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd != -1) {
		n = read(fd, out, size - 1);
		close(fd);
	}
	out[n > 0 ? n : 0] = '\0';
}

void
process_name(pid_t pid, char *out, size_t size)
{
	char path[40];
	size_t n;

	if (size == 0)
		return;
	snprintf(path, sizeof(path), "/proc/%ld/comm", (long)pid);
	slurp(path, out, size);
	n = strlen(out);
	if (n > 0 && out[n - 1] == '\n')
		out[n - 1] = '\0';
}

pid_t
process_of_thread(pid_t tid)
{
	char path[40], text[512], *p;

	snprintf(path, sizeof(path), "/proc/%ld/status", (long)tid);
	slurp(path, text, sizeof(text));
	/* The name, which comes first, has its newlines escaped there. */
	p = strstr(text, "\nTgid:");
	return p == NULL ? 0 : (pid_t)strtol(p + 6, NULL, 10);
}

static int
has_ended(pid_t tid)
{
	char path[40], text[512];

	snprintf(path, sizeof(path), "/proc/%ld/status", (long)tid);
	slurp(path, text, sizeof(text));
	return text[0] == '\0' || strstr(text, "\nState:\tZ") != NULL ||
	    strstr(text, "\nState:\tX") != NULL;
}

/*
 * Once its first thread has ended, what a process has is found through another
 * one only.
 */
pid_t
process_thread(pid_t pid)
{
	struct dirent *d;
	char path[40];
	pid_t tid = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%ld/task", (long)pid);
	if (!has_ended(pid) || (dir = opendir(path)) == NULL)
		return pid;
	while (tid == 0 && (d = readdir(dir)) != NULL) {
		tid = (pid_t)strtol(d->d_name, NULL, 10);
		if (tid != 0 && has_ended(tid))
			tid = 0;
	}
	closedir(dir);
	return tid == 0 ? pid : tid;
}

/* Number of a socket, from the text of a link; 0 if that is something else. */
static uint64_t
inode(const char *text)
{
	return strncmp(text, "socket:[", 8) == 0 ?
	    strtoull(text + 8, NULL, 10) :
	    0;
}

int
endpoint_is(pid_t pid, int fd, uint64_t ino)
{
	char path[56], got[40];
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%ld/fd/%d", (long)pid, fd);
	n = readlink(path, got, sizeof(got) - 1);
	got[n > 0 ? n : 0] = '\0';
	return ino != 0 && inode(got) == ino;
}

/* Of one thread; how many descriptors there were. */
static size_t
each_of(pid_t tid, int (*f)(void *, int, uint64_t), void *arg)
{
	char path[40], got[40];
	struct dirent *d;
	size_t count = 0;
	uint64_t ino;
	int done = 0;
	ssize_t n;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%ld/fd", (long)tid);
	dir = opendir(path);
	if (dir == NULL)
		return 0;
	while (!done && (d = readdir(dir)) != NULL) {
		if (d->d_name[0] == '.')
			continue;
		count++;
		n = readlinkat(dirfd(dir), d->d_name, got, sizeof(got) - 1);
		got[n > 0 ? n : 0] = '\0';
		if ((ino = inode(got)) != 0)
			done = f(arg, (int)strtol(d->d_name, NULL, 10), ino);
	}
	closedir(dir);
	return count;
}

void
endpoint_each(pid_t pid, int (*f)(void *, int, uint64_t), void *arg)
{
	pid_t tid;

	if (each_of(pid, f, arg) == 0 && (tid = process_thread(pid)) != pid)
		(void)each_of(tid, f, arg);
}

struct sought {
	uint64_t ino;
	int fd;
};

static int
is_sought(void *arg, int fd, uint64_t ino)
{
	struct sought *s = arg;

	if (ino != s->ino)
		return 0;
	s->fd = fd;
	return 1;
}

int
endpoint_holds(pid_t pid, uint64_t ino)
{
	struct sought s = { ino, -1 };

	endpoint_each(pid, is_sought, &s);
	return s.fd;
}

static int
ascending(const void *a, const void *b)
{
	const pid_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

size_t
endpoint_holders(uint64_t ino, pid_t *pids, size_t max)
{
	DIR *dir = opendir("/proc");
	struct dirent *d;
	size_t n = 0;
	pid_t pid;

	if (dir == NULL)
		return 0;
	/* The kernel lists them in ascending order; it need not. */
	while (n < max && (d = readdir(dir)) != NULL) {
		pid = (pid_t)strtol(d->d_name, NULL, 10);
		if (pid > 0 && endpoint_holds(pid, ino) != -1)
			pids[n++] = pid;
	}
	closedir(dir);
	qsort(pids, n, sizeof(*pids), ascending);
	return n;
}

/* A descriptor of ours for what fd of pid is; what may ptrace may do this. */
static int
borrow(pid_t pid, int fd)
{
#if defined(SYS_pidfd_open) && defined(SYS_pidfd_getfd)
	int pidfd = (int)syscall(SYS_pidfd_open, pid, 0), got;

	if (pidfd == -1)
		return -1;
	got = (int)syscall(SYS_pidfd_getfd, pidfd, fd, 0);
	close(pidfd);
	return got;
#else
	(void)pid;
	(void)fd;
	return -1;
#endif
}

pid_t
endpoint_maker(pid_t pid, int fd)
{
	struct ucred cred = { 0, 0, 0 };
	socklen_t len = sizeof(cred);
	int mine = borrow(pid, fd);

	if (mine == -1)
		return 0;
	if (getsockopt(mine, SOL_SOCKET, SO_PEERCRED, &cred, &len) == -1)
		cred.pid = 0;
	close(mine);
	return cred.pid;
}

#else
void
process_name(pid_t pid, char *out, size_t size)
{
	(void)pid;
	if (size > 0)
		out[0] = '\0';
}

pid_t
process_of_thread(pid_t tid)
{
	(void)tid;
	return 0;
}

pid_t
process_thread(pid_t pid)
{
	return pid;
}

int
endpoint_is(pid_t pid, int fd, uint64_t ino)
{
	(void)pid;
	(void)fd;
	(void)ino;
	return 0;
}

void
endpoint_each(pid_t pid, int (*f)(void *, int, uint64_t), void *arg)
{
	(void)pid;
	(void)f;
	(void)arg;
}

int
endpoint_holds(pid_t pid, uint64_t ino)
{
	(void)pid;
	(void)ino;
	return -1;
}

size_t
endpoint_holders(uint64_t ino, pid_t *pids, size_t max)
{
	(void)ino;
	(void)pids;
	(void)max;
	return 0;
}

pid_t
endpoint_maker(pid_t pid, int fd)
{
	(void)pid;
	(void)fd;
	return 0;
}
#endif
