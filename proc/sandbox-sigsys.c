/* SPDX-License-Identifier: ISC */
/*
 * fstat(3) without a look at paths.
 *
 * glibc from 2.33 to 2.38 asks newfstatat(2) with an empty path for it, which a
 * filter cannot tell from stat(3) of any file.  The filter makes a signal of
 * that call, and here it is done as what it is meant to be; everything else is
 * refused.  What a signal handler can do the process can do without it, so
 * nothing depends on this one being honest.
 */
#include "feature.h"

#include <sys/syscall.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <ucontext.h>
#include <unistd.h>

#include "sandbox-linux.h"

#if defined(SYS_newfstatat) && defined(SYS_fstat)
#if defined(__x86_64__) && !defined(__ILP32__)
#define REG_FD(u)     ((u)->uc_mcontext.gregs[REG_RDI])
#define REG_PATH(u)   ((u)->uc_mcontext.gregs[REG_RSI])
#define REG_BUF(u)    ((u)->uc_mcontext.gregs[REG_RDX])
#define REG_FLAGS(u)  ((u)->uc_mcontext.gregs[REG_R10])
#define REG_RESULT(u) ((u)->uc_mcontext.gregs[REG_RAX])
#elif defined(__aarch64__)
#define REG_FD(u)     ((u)->uc_mcontext.regs[0])
#define REG_PATH(u)   ((u)->uc_mcontext.regs[1])
#define REG_BUF(u)    ((u)->uc_mcontext.regs[2])
#define REG_FLAGS(u)  ((u)->uc_mcontext.regs[3])
#define REG_RESULT(u) ((u)->uc_mcontext.regs[0])
#endif
#endif

#if defined(REG_RESULT)
/* SYS_SECCOMP, which old headers lack. */
#define BY_SECCOMP 1

static long
fstat_of(const ucontext_t *u)
{
	const char *path = (const char *)(uintptr_t)REG_PATH(u);

	if ((REG_FLAGS(u) & AT_EMPTY_PATH) == 0 || (int)REG_FD(u) < 0 ||
	    path == NULL || *path != '\0')
		return -EACCES;
	if (syscall(SYS_fstat, (int)REG_FD(u), (void *)(uintptr_t)REG_BUF(u)) ==
	    -1)
		return -errno;
	return 0;
}

static void
sigsys(int signo, siginfo_t *info, void *context)
{
	ucontext_t *u = context;
	int saved = errno;

	(void)signo;
	if (info->si_code == BY_SECCOMP && info->si_syscall == SYS_newfstatat) {
		/* Whatever type a register has. */
		long r = fstat_of(u);

		memcpy(&REG_RESULT(u), &r, sizeof(r));
	}
	errno = saved;
}

int
imsgpi_sigsys_handle(void)
{
	struct sigaction sa;

	memset(&sa, 0, sizeof(sa));
	sa.sa_sigaction = sigsys;
	/* It may happen in a handler that blocks all; blocked it would kill. */
	sa.sa_flags = SA_SIGINFO | SA_RESTART | SA_ONSTACK | SA_NODEFER;
	(void)sigemptyset(&sa.sa_mask);
	return sigaction(SIGSYS, &sa, NULL) == 0;
}
#else
int
imsgpi_sigsys_handle(void)
{
	return 0;
}
#endif
