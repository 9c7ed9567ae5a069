/* SPDX-License-Identifier: ISC */
/*
 * The worker's cage.
 *
 * Resource limits hold everywhere; on top come seccomp (Linux), pledge
 * (OpenBSD) or Capsicum (FreeBSD).  Nothing here may fail silently: a worker
 * without the cage that its system offers does not start, and a system that
 * offers none is named by sandbox_missing().
 */
#if defined(__linux__)
#define _GNU_SOURCE
#endif

#include <sys/types.h>
#include <sys/resource.h>
#include <sys/time.h>

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <unistd.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(memory_sanitizer) || \
    __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#endif

#if defined(__linux__)
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <signal.h>
#if defined(HAVE_LIBSECCOMP) && !defined(SANITIZED)
#include <seccomp.h>
#define USE_SECCOMP 1
#endif
#elif defined(__FreeBSD__)
#include <sys/capsicum.h>
#endif

#include "sandbox.h"

#define WORKER_MEMORY  ((rlim_t)512 << 20)
#define WORKER_SECONDS 60

#if defined(__GLIBC__)
typedef __rlimit_resource_t resource;
#else
typedef int resource;
#endif

const char *
sandbox_missing(void)
{
#if defined(SANITIZED) && !defined(__OpenBSD__) && !defined(__FreeBSD__)
	return "a sanitizer needs system calls that a sandbox would forbid";
#elif defined(USE_SECCOMP) || defined(__OpenBSD__) || defined(__FreeBSD__)
	return NULL;
#elif defined(__linux__)
	return "built without libseccomp";
#else
	return "none known for this system";
#endif
}

static void
close_from(int low)
{
#if defined(__OpenBSD__) || defined(__FreeBSD__)
	closefrom(low);
#else
	struct rlimit rl;
	rlim_t fd, end = 65536;

#if defined(SYS_close_range)
	/* Linux 5.9 */
	if (syscall(SYS_close_range, (unsigned int)low, ~0U, 0) == 0)
		return;
#endif
	if (getrlimit(RLIMIT_NOFILE, &rl) == 0 && rl.rlim_cur != RLIM_INFINITY)
		end = rl.rlim_cur;
	for (fd = (rlim_t)low; fd < end; fd++)
		(void)close((int)fd);
#endif
}

int
sandbox_descriptors(int sock)
{
	int fd, null, last = STDERR_FILENO;

#if defined(SANITIZED)
	/* Where the sanitizer writes its report. */
	last = STDOUT_FILENO;
#endif
	if ((null = open("/dev/null", O_RDWR)) == -1)
		return -1;
	for (fd = 0; fd <= last; fd++)
		if (dup2(null, fd) == -1)
			return -1;
	/* null is above 2, as the parent sees to it that those are open. */
	if (sock != WORKER_SOCKET && dup2(sock, WORKER_SOCKET) == -1)
		return -1;
	close_from(WORKER_SOCKET + 1);
	return 0;
}

static int
limit(resource what, rlim_t soft, rlim_t hard)
{
	struct rlimit rl;

	if (getrlimit(what, &rl) == -1)
		return -1;
	if (rl.rlim_max != RLIM_INFINITY && hard > rl.rlim_max)
		hard = rl.rlim_max;
	rl.rlim_cur = soft < hard ? soft : hard;
	rl.rlim_max = hard;
	return setrlimit(what, &rl);
}

static int
limit_resources(void)
{
#if !defined(SANITIZED)
#if defined(RLIMIT_AS)
	if (limit(RLIMIT_AS, WORKER_MEMORY, WORKER_MEMORY) == -1)
		return -1;
#endif
	if (limit(RLIMIT_DATA, WORKER_MEMORY, WORKER_MEMORY) == -1)
		return -1;
#endif
#if defined(RLIMIT_NPROC)
	if (limit(RLIMIT_NPROC, 0, 0) == -1)
		return -1;
#endif
	/* The soft limit's signal tells the reason, the hard one's does not. */
	if (limit(RLIMIT_CPU, WORKER_SECONDS, WORKER_SECONDS + 1) == -1 ||
	    limit(RLIMIT_FSIZE, 0, 0) == -1 || limit(RLIMIT_CORE, 0, 0) == -1 ||
	    limit(RLIMIT_NOFILE, WORKER_FDS, WORKER_FDS) == -1)
		return -1;
	return 0;
}

#if defined(USE_SECCOMP)
/*
 * Some of these exist on 32-bit machines only; libseccomp leaves out what the
 * machine does not have.  restart_syscall: poll(2) after SIGSTOP and SIGCONT.
 */
static const int allowed[] = {
	SCMP_SYS(read),
	SCMP_SYS(readv),
	SCMP_SYS(pread64),
	SCMP_SYS(lseek),
	SCMP_SYS(_llseek),
	SCMP_SYS(fstat),
	SCMP_SYS(fstat64),
	SCMP_SYS(write),
	SCMP_SYS(writev),
	SCMP_SYS(recvmsg),
	SCMP_SYS(sendmsg),
	SCMP_SYS(sendto),
	SCMP_SYS(sendmmsg),
	SCMP_SYS(close),
	SCMP_SYS(poll),
	SCMP_SYS(ppoll),
	SCMP_SYS(ppoll_time64),
	SCMP_SYS(restart_syscall),
	SCMP_SYS(clock_gettime),
	SCMP_SYS(clock_gettime64),
	SCMP_SYS(gettimeofday),
	SCMP_SYS(time),
	SCMP_SYS(nanosleep),
	SCMP_SYS(clock_nanosleep),
	SCMP_SYS(clock_nanosleep_time64),
	SCMP_SYS(brk),
	SCMP_SYS(munmap),
	SCMP_SYS(mremap),
	SCMP_SYS(madvise),
	SCMP_SYS(futex),
	SCMP_SYS(futex_time64),
	SCMP_SYS(getpid),
	SCMP_SYS(gettid),
	SCMP_SYS(uname),
	SCMP_SYS(getrandom),
	SCMP_SYS(rt_sigreturn),
	SCMP_SYS(sigreturn),
	SCMP_SYS(rt_sigprocmask),
	SCMP_SYS(rt_sigaction),
	SCMP_SYS(sigaltstack),
	SCMP_SYS(exit),
	SCMP_SYS(exit_group),
};

/*
 * What libc and the libraries of libarchive try now and then (charset tables,
 * time zones, the number of processors) and can do without: refused, where
 * all else kills.
 *
 * newfstatat is here and not above, although it is how recent C libraries do
 * fstat(3): a filter cannot see whether the path is empty.  The worker has no
 * need for fstat(3).
 */
static const int refused[] = {
	SCMP_SYS(open),
	SCMP_SYS(openat),
	SCMP_SYS(stat),
	SCMP_SYS(stat64),
	SCMP_SYS(lstat),
	SCMP_SYS(lstat64),
	SCMP_SYS(newfstatat),
	SCMP_SYS(fstatat64),
	SCMP_SYS(statx),
	SCMP_SYS(access),
	SCMP_SYS(faccessat),
	SCMP_SYS(faccessat2),
	SCMP_SYS(readlink),
	SCMP_SYS(readlinkat),
	SCMP_SYS(getcwd),
	SCMP_SYS(ioctl),
	SCMP_SYS(fcntl),
	SCMP_SYS(fcntl64),
	SCMP_SYS(sysinfo),
	SCMP_SYS(sched_getaffinity),
	SCMP_SYS(getrlimit),
	SCMP_SYS(ugetrlimit),
	SCMP_SYS(prlimit64),
};

/* Calls that are harmless with some arguments only; 0 or a negative errno. */
static int
add_conditional(scmp_filter_ctx ctx)
{
	int r;

	/* Memory, but never new code. */
	if ((r = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1,
		 SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0))) < 0 ||
	    (r = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(mmap2), 1,
		 SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0))) < 0 ||
	    (r = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1,
		 SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0))) < 0)
		return r;
	/* abort(3), of itself. */
	return seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 2,
	    SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)getpid(), 0),
	    SCMP_A2(SCMP_CMP_EQ, SIGABRT, 0));
}

static int
add_rules(scmp_filter_ctx ctx)
{
	size_t i;
	int r;

	for (i = 0; i < sizeof(allowed) / sizeof(allowed[0]); i++)
		if ((r = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, allowed[i], 0)) <
		    0)
			return r;
	for (i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		if ((r = seccomp_rule_add(
			 ctx, SCMP_ACT_ERRNO(EACCES), refused[i], 0)) < 0)
			return r;
	return add_conditional(ctx);
}

static int
filter_calls(void)
{
	scmp_filter_ctx ctx;
	int r;

	if ((ctx = seccomp_init(SCMP_ACT_KILL_PROCESS)) == NULL) {
		errno = ENOMEM;
		return -1;
	}
	if ((r = add_rules(ctx)) == 0)
		r = seccomp_load(ctx);
	seccomp_release(ctx);
	if (r < 0) {
		errno = -r;
		return -1;
	}
	return 0;
}
#endif

int
sandbox_enter(void)
{
	if (limit_resources() == -1)
		return -1;
#if defined(__linux__)
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1)
		return -1;
#endif
#if defined(USE_SECCOMP)
	return filter_calls();
#elif defined(__OpenBSD__)
	return pledge("stdio recvfd", NULL);
#elif defined(__FreeBSD__)
	return cap_enter();
#else
	return 0;
#endif
}

int
sandbox_seal(void)
{
#if defined(__OpenBSD__)
	return pledge("stdio", NULL);
#else
	/* Elsewhere RLIMIT_NOFILE is used up by now. */
	return 0;
#endif
}
