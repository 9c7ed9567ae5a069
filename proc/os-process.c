/* SPDX-License-Identifier: ISC */
/*
 * Of the table in os.h: who the process is, what it may use, what it has open.
 */
#include "feature.h"

#include <sys/types.h>
#include <sys/resource.h>
#include <dirent.h>
#include <errno.h>
#include <grp.h>
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#endif
#ifdef __FreeBSD__
#include <sys/procctl.h>
#endif

#include "os.h"
#include "os-process.h"

#if defined(__linux__) || defined(__FreeBSD__) || defined(__OpenBSD__) || \
    defined(__DragonFly__)
#define HAVE_SETRES 1
#endif

int
imsgpi_os_grouplist(const char *user, gid_t gid, gid_t *list, int *n)
{
#ifdef __APPLE__
	/* Where they are int, of the same size. */
	return getgrouplist(user, (int)gid, (int *)list, n) == -1 ? -1 : 0;
#else
	return getgrouplist(user, gid, list, n) == -1 ? -1 : 0;
#endif
}

int
imsgpi_os_setgroups(size_t n, const gid_t *list)
{
#ifdef __linux__
	return setgroups(n, list);
#else
	if (n > INT_MAX) {
		errno = EINVAL;
		return -1;
	}
	return setgroups((int)n, list);
#endif
}

/* As root, setgid(2) and setuid(2) set all three where there is no other. */
int
imsgpi_os_setgid(gid_t gid)
{
#ifdef HAVE_SETRES
	return setresgid(gid, gid, gid);
#else
	return setgid(gid);
#endif
}

int
imsgpi_os_setuid(uid_t uid)
{
#ifdef HAVE_SETRES
	return setresuid(uid, uid, uid);
#else
	return setuid(uid);
#endif
}

int
imsgpi_os_getgids(gid_t id[3])
{
#ifdef HAVE_SETRES
	return getresgid(&id[0], &id[1], &id[2]);
#else
	id[0] = getgid();
	id[1] = id[2] = getegid();
	return 0;
#endif
}

int
imsgpi_os_getuids(uid_t id[3])
{
#ifdef HAVE_SETRES
	return getresuid(&id[0], &id[1], &id[2]);
#else
	id[0] = getuid();
	id[1] = id[2] = geteuid();
	return 0;
#endif
}

/* glibc's first parameter is an enumeration under _GNU_SOURCE. */
#if defined(__GLIBC__)
#define RESOURCE(what) ((__rlimit_resource_t)(what))
#else
#define RESOURCE(what) (what)
#endif

int
imsgpi_os_getrlimit(int what, struct rlimit *r)
{
	return getrlimit(RESOURCE(what), r);
}

int
imsgpi_os_setrlimit(int what, const struct rlimit *r)
{
	return setrlimit(RESOURCE(what), r);
}

int
imsgpi_os_nonewprivs(void)
{
#if defined(__linux__)
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1 ? -1 : 1;
#elif defined(PROC_NO_NEW_PRIVS_CTL)
	int on = PROC_NO_NEW_PRIVS_ENABLE;

	return procctl(P_PID, getpid(), PROC_NO_NEW_PRIVS_CTL, &on) == -1 ? -1 :
									    1;
#else
	return 0;
#endif
}

int
imsgpi_os_nodump(void)
{
#if defined(__linux__)
	return prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == -1 ? -1 : 1;
#elif defined(PROC_TRACE_CTL)
	int off = PROC_TRACE_CTL_DISABLE;

	return procctl(P_PID, getpid(), PROC_TRACE_CTL, &off) == -1 ? -1 : 1;
#else
	return 0;
#endif
}

/*
 * Another user ID takes them away, but not if securebits say so, and not from
 * who was no root to begin with: by ambient ones and those of the file.
 */
int
imsgpi_os_nocaps(void)
{
#if defined(__linux__) && defined(SYS_capset)
	/* _LINUX_CAPABILITY_VERSION_3, this process, 64 bits each. */
	struct {
		uint32_t version;
		int pid;
	} head = { 0x20080522U, 0 };
	struct {
		uint32_t effective, permitted, inheritable;
	} none[2] = { { 0, 0, 0 }, { 0, 0, 0 } }, left[2];

	if (syscall(SYS_capset, &head, none) == -1 ||
	    syscall(SYS_capget, &head, left) == -1)
		return -1;
	if (left[0].permitted == 0 && left[1].permitted == 0)
		return 1;
	errno = EPERM;
	return -1;
#else
	return 0;
#endif
}

int
imsgpi_os_secure(void)
{
#if defined(__linux__)
	return getauxval(AT_SECURE) != 0;
#elif defined(__FreeBSD__) || defined(__OpenBSD__) || defined(__NetBSD__) || \
    defined(__DragonFly__) || defined(__APPLE__)
	return issetugid();
#else
	return getuid() != geteuid() || getgid() != getegid();
#endif
}

int
imsgpi_os_comm(const char *name)
{
#ifdef __linux__
	return prctl(PR_SET_NAME, name, 0, 0, 0);
#else
	(void)name;
	return 0;
#endif
}

/* All numbers that there can be; those above a lowered limit stay open. */
static int
close_each(int from)
{
	struct rlimit r;
	long n = sysconf(_SC_OPEN_MAX);
	int fd;

	if (getrlimit(RLIMIT_NOFILE, &r) == 0 && r.rlim_max != RLIM_INFINITY &&
	    r.rlim_max < INT_MAX && (long)r.rlim_max > n)
		n = (long)r.rlim_max;
	if (n < 0 || n > 1048576)
		n = 1048576;
	for (fd = from; fd < n; fd++)
		(void)close(fd);
	return 0;
}

#if defined(__linux__) || defined(__APPLE__)
/* The directory is open while it is read; the list may change by closing. */
static int
close_listed(const char *list, int from)
{
	struct dirent *e;
	DIR *d = opendir(list);
	long fd;
	char *end;
	int more;

	if (d == NULL)
		return -1;
	do {
		more = 0;
		rewinddir(d);
		errno = 0;
		while ((e = readdir(d)) != NULL) {
			fd = strtol(e->d_name, &end, 10);
			if (*end != '\0' || end == e->d_name || fd < from ||
			    fd > INT_MAX || fd == dirfd(d))
				continue;
			if (close((int)fd) == 0)
				more = 1;
			errno = 0;
		}
	} while (more);
	more = errno;
	(void)closedir(d);
	errno = more;
	return more == 0 ? 0 : -1;
}
#endif

int
imsgpi_os_closefrom(int from)
{
#if defined(__FreeBSD__) || defined(__OpenBSD__) || defined(__DragonFly__)
	closefrom(from);
	return 0;
#elif defined(__NetBSD__)
	return closefrom(from);
#else
#ifdef SYS_close_range
	if (syscall(SYS_close_range, (unsigned int)from, ~0U, 0U) == 0)
		return 0;
#endif
#ifdef __linux__
	if (close_listed("/proc/self/fd", from) == 0)
		return 0;
#else
	if (close_listed("/dev/fd", from) == 0)
		return 0;
#endif
	return close_each(from);
#endif
}
