/* SPDX-License-Identifier: ISC */
/*
 * The floor of libimsg-proc: every system call and every allocation behind one
 * table, so that a test build (IMSGPROC_OS_REPLACEABLE) can make any of them
 * fail; in all other builds it is constant.  What systems do differently is
 * settled here: descriptors come close-on-exec, IDs are set all three at once.
 *
 * The sandboxes alone have system calls of their own: a file each.
 */
#ifndef IMSGPROC_OS_H
#define IMSGPROC_OS_H

#include <sys/types.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <grp.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

/* What the files share with each other and with nobody else. */
#ifdef __GNUC__
#define IMSGPI_HIDDEN __attribute__((__visibility__("hidden")))
#else
#define IMSGPI_HIDDEN
#endif

/*
 * As the system's of the same name, but:
 *
 * open: close-on-exec.  dup: to a number from least on, close-on-exec.
 * socketpair, socket: close-on-exec, protocol 0.  pipe: non-blocking, too.
 * cloexec: sets it (1) or takes it away (0).
 * socktype: 0 if the descriptor is a connected UNIX stream socket, else -1.
 * self: the path of this program's file, NUL included: 0; ENOTSUP not known
 *	here, ERANGE.
 * openself: the same file, open to be executed; ENOTSUP.
 * execfd: execve(2) of an open file; ENOTSUP, ENOSYS.
 * pidfd: a descriptor that is readable when the process has ended, or -1.
 * exit: _exit(2).
 * setuid, setgid: real, effective and saved.  getuids, getgids: these three;
 *	the saved one is as the effective where there is no way to ask.
 * grouplist: the groups of a user, *n entries at most: 0, or -1 and *n says
 *	how many there are.
 * nocaps: gives up all capabilities.
 * nonewprivs, nodump, nocaps: 1 done, 0 there is no such thing here, -1.
 * secure: 1 if who executed this program gave it another user or group.
 * closefrom: closes everything from that number on: 0, or -1.
 * comm: the short name of the process that the kernel shows, 0 or -1.
 * setrlimit, getrlimit: the resource is one of RLIMIT_*.
 */
struct imsgpi_os {
	void *(*calloc)(size_t, size_t);
	void *(*realloc)(void *, size_t);
	void (*free)(void *);

	int (*open)(const char *, int flags);
	int (*close)(int);
	int (*dup)(int, int least);
	int (*dup2)(int, int);
	int (*cloexec)(int, int on);
	int (*fstat)(int, struct stat *);
	int (*stat)(const char *, struct stat *);
	ssize_t (*read)(int, void *, size_t);
	ssize_t (*write)(int, const void *, size_t);
	int (*pipe)(int[2]);
	int (*socketpair)(int domain, int type, int[2]);
	int (*socket)(int domain, int type);
	int (*socktype)(int);
	ssize_t (*sendto)(
	    int, const void *, size_t, int, const struct sockaddr *, socklen_t);
	int (*poll)(struct pollfd *, nfds_t, int);
	int (*closefrom)(int);
	int (*connect)(int, const struct sockaddr *, socklen_t);
	int (*shutdown)(int, int);

	pid_t (*fork)(void);
	int (*execve)(const char *, char *const[], char *const[]);
	int (*self)(char *, size_t);
	int (*openself)(void);
	int (*execfd)(int, char *const[], char *const[]);
	int (*pidfd)(pid_t);
	pid_t (*waitpid)(pid_t, int *, int);
	int (*kill)(pid_t, int);
	void (*exit)(int);
	pid_t (*getpid)(void);
	pid_t (*getppid)(void);
	int (*sigaction)(int, const struct sigaction *, struct sigaction *);
	int (*sigprocmask)(int, const sigset_t *, sigset_t *);
	int (*now)(struct timespec *);

	struct passwd *(*getpwnam)(const char *);
	int (*grouplist)(const char *, gid_t, gid_t *, int *);
	int (*chroot)(const char *);
	int (*chdir)(const char *);
	int (*setgroups)(size_t, const gid_t *);
	int (*getgroups)(int, gid_t *);
	int (*setgid)(gid_t);
	int (*setuid)(uid_t);
	int (*getgids)(gid_t[3]);
	int (*getuids)(uid_t[3]);
	int (*getrlimit)(int, struct rlimit *);
	int (*setrlimit)(int, const struct rlimit *);
	int (*nonewprivs)(void);
	int (*nodump)(void);
	int (*nocaps)(void);
	int (*secure)(void);
	pid_t (*setsid)(void);
	int (*comm)(const char *);
};

#ifdef IMSGPROC_OS_REPLACEABLE
extern struct imsgpi_os imsgpi_os;
#else
IMSGPI_HIDDEN extern const struct imsgpi_os imsgpi_os;
#endif

/* Preserve errno; a negative descriptor is none. */
IMSGPI_HIDDEN void imsgpi_close(int);
IMSGPI_HIDDEN void imsgpi_free(void *);
/* Milliseconds of a clock that no one sets. */
IMSGPI_HIDDEN int64_t imsgpi_now_ms(void);

#endif
