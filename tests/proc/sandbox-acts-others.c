/* SPDX-License-Identifier: ISC */
/*
 * Acts against other processes, and with new ones, new code and new names.
 */
#include "sandbox-acts.h"

#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

static int
result(long r)
{
	return r == -1 ? errno : 0;
}

#define ACT(function, expression)           \
	static int function(struct room *r) \
	{                                   \
		(void)r;                    \
		return expression;          \
	}

ACT(kill_sibling, result(syscall(SYS_kill, r->sibling, 0)))
ACT(kill_parent, result(syscall(SYS_kill, r->parent, 0)))
ACT(kill_all, result(syscall(SYS_kill, -1, 0)))
ACT(kill_group, result(syscall(SYS_kill, 0, 0)))
ACT(tgkill_sibling, result(syscall(SYS_tgkill, r->sibling, r->sibling, 0)))
ACT(tkill_sibling, result(syscall(SYS_tkill, r->sibling, 0)))
ACT(own_sibling, result(fcntl(r->pair[0], F_SETOWN, r->sibling)))
ACT(trace_sibling, result(ptrace(PTRACE_SEIZE, r->sibling, 0, 0)))
ACT(trace_parent, result(ptrace(PTRACE_SEIZE, r->parent, 0, 0)))
ACT(trace_me, result(ptrace(PTRACE_TRACEME, 0, 0, 0)))
ACT(nice_all, result(setpriority(PRIO_USER, getuid(), 0)))
ACT(nice_self, result(setpriority(PRIO_PROCESS, 0, 1)))
ACT(set_group, result(setpgid(0, 0)))
ACT(set_user, result(syscall(SYS_setuid, getuid())))
ACT(set_users, result(setresuid(getuid(), getuid(), getuid())))
ACT(set_gid, result(syscall(SYS_setresgid, getgid(), getgid(), getgid())))
ACT(set_groups, result(syscall(SYS_setgroups, 0, NULL)))
ACT(compare, syscall(SYS_kcmp, getpid(), r->sibling, 1, 0, 0) == -1 ? errno : 0)
ACT(named_memory, result(syscall(SYS_memfd_create, "x", 0)))
ACT(shared_memory, result(shmget(IPC_PRIVATE, 4096, 0600)))
ACT(set_time, result(syscall(SYS_settimeofday, NULL, NULL)))
ACT(personality_, result(syscall(SYS_personality, 0x0400000)))
ACT(dumpable, result(prctl(PR_SET_DUMPABLE, 1, 0, 0, 0)))

static int
new_session(struct room *r)
{
	int e = result(setsid());

	(void)r;
	/* The kernel's answer to the leader of a group. */
	return e == EPERM ? 0 : e;
}

static int
remote_read(struct room *r)
{
	char byte;
	struct iovec here = { &byte, 1 }, there = { r, 1 };

	/* The sibling is a copy: the room is at the same place. */
	return result(
	    syscall(SYS_process_vm_readv, r->sibling, &here, 1, &there, 1, 0));
}

static int
remote_write(struct room *r)
{
	char byte = r->dir[0];
	struct iovec here = { &byte, 1 }, there = { r, 1 };

	return result(
	    syscall(SYS_process_vm_writev, r->sibling, &here, 1, &there, 1, 0));
}

static int
sibling_handle(struct room *r)
{
	return (int)syscall(SYS_pidfd_open, r->sibling, 0);
}

static int
take_descriptor(struct room *r)
{
	int fd = sibling_handle(r);

	if (fd == -1)
		return errno;
	return result(syscall(SYS_pidfd_getfd, fd, r->pair[0], 0));
}

static int
signal_handle(struct room *r)
{
	int fd = sibling_handle(r);

	if (fd == -1)
		return errno;
	return result(syscall(SYS_pidfd_send_signal, fd, 0, NULL, 0));
}

static int
limit_sibling(struct room *r)
{
	struct rlimit rl;

	return result(
	    syscall(SYS_prlimit64, r->sibling, RLIMIT_NOFILE, NULL, &rl));
}

static int
limit_self(struct room *r)
{
	struct rlimit rl;

	(void)r;
	if (getrlimit(RLIMIT_CORE, &rl) == -1)
		return errno;
	return result(syscall(SYS_prlimit64, 0, RLIMIT_CORE, &rl, NULL));
}

static int
new_process(struct room *r)
{
	pid_t pid = (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);

	(void)r;
	if (pid == 0)
		(void)syscall(SYS_exit_group, 0);
	if (pid == -1)
		return errno;
	return result(waitpid(pid, NULL, 0));
}

static int
clone_with(unsigned long flags)
{
	pid_t pid = (pid_t)syscall(SYS_clone, flags | SIGCHLD, 0, 0, 0, 0);

	if (pid == 0)
		(void)syscall(SYS_exit_group, 0);
	if (pid == -1)
		return errno;
	(void)waitpid(pid, NULL, __WALL);
	return 0;
}

ACT(clone_pid_space, clone_with(CLONE_NEWPID))
ACT(clone_user_space, clone_with(CLONE_NEWUSER))
ACT(clone_for_parent, clone_with(CLONE_PARENT))

static int
clone_by_struct(struct room *r)
{
	uint64_t args[8] = { 0, 0, 0, 0, SIGCHLD, 0, 0, 0 };
	pid_t pid = (pid_t)syscall(SYS_clone3, args, sizeof(args));

	(void)r;
	if (pid == 0)
		(void)syscall(SYS_exit_group, 0);
	if (pid == -1)
		return errno;
	(void)waitpid(pid, NULL, 0);
	return 0;
}

static int
map(int prot, int flags, int fd)
{
	void *p = mmap(NULL, 4096, prot, flags, fd, 0);

	if (p == MAP_FAILED)
		return errno;
	(void)munmap(p, 4096);
	return 0;
}

ACT(code_anonymous, map(PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1))
ACT(code_writable,
    map(PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1))
ACT(code_of_file, map(PROT_READ | PROT_EXEC, MAP_PRIVATE, r->code))

static int
protect(long nr, int prot)
{
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int r;

	if (p == MAP_FAILED)
		return errno;
	r = result(syscall(nr, p, 4096, prot, -1));
	(void)munmap(p, 4096);
	return r;
}

ACT(code_protect, protect(SYS_mprotect, PROT_READ | PROT_EXEC))
ACT(code_protect_all, protect(SYS_mprotect, PROT_READ | PROT_WRITE | PROT_EXEC))
ACT(code_key, protect(SYS_pkey_mprotect, PROT_READ | PROT_EXEC))

/* Both end this process, with 0. */
static int
exec_path(struct room *r)
{
	char *argv[] = { (char *)(uintptr_t) "true", NULL };

	(void)r;
	(void)syscall(SYS_execve, "static", argv, argv + 1);
	return errno;
}

static int
exec_handle(struct room *r)
{
	char *argv[] = { (char *)(uintptr_t) "true", NULL };

	(void)syscall(SYS_execveat, r->code, "", argv, argv + 1, AT_EMPTY_PATH);
	return errno;
}

static int
tty_set(struct room *r)
{
	struct termios t;

	if (tcgetattr(r->tty, &t) == -1)
		return errno;
	return result(ioctl(r->tty, TCSETS, &t));
}

ACT(tty_type, result(ioctl(r->tty, TIOCSTI, "x")))
ACT(tty_type_bits,
    result(syscall(SYS_ioctl, r->tty, INT64_C(0x500000000) | TIOCSTI, "x")))
ACT(tty_console, result(ioctl(r->tty, TIOCCONS)))
ACT(tty_take, result(ioctl(r->tty, TIOCSETD, &(int){ 0 })))

static const struct act others[] = {
	{ "kill-sibling", kill_sibling, 0, 0, 0, 0, P_PROC, 6, ACT_KILLS },
	{ "kill-parent", kill_parent, 0, 0, 0, 0, P_PROC, 6,
	    ACT_MAYBE | ACT_KILLS },
	/* Says 0 whomever it reached: kill-sibling shows that. */
	{ "kill-all", kill_all, P_PROC, 0, 0, 0, 0, 0, ACT_KILLS },
	{ "kill-group", kill_group, 0, 0, 0, P_PROC, 0, 0, ACT_KILLS },
	{ "tgkill-sibling", tgkill_sibling, 0, 0, 0, 0, P_PROC, 6, ACT_KILLS },
	{ "tkill-sibling", tkill_sibling, 0, 0, 0, 0, P_PROC, 6, ACT_KILLS },
	{ "pidfd-signal", signal_handle, 0, 0, 0, 0, P_PROC, 6, ACT_KILLS },
	{ "setown-sibling", own_sibling, 0, 0, 0, 0, 0, 0, 0 },
	{ "ptrace-sibling", trace_sibling, 0, 0, 0, 0, 0, 0,
	    ACT_KILLS | ACT_LAST },
	{ "ptrace-parent", trace_parent, 0, 0, 0, 0, 0, 0,
	    ACT_MAYBE | ACT_KILLS | ACT_LAST },
	{ "ptrace-me", trace_me, 0, 0, 0, 0, 0, 0, ACT_KILLS | ACT_LAST },
	{ "process-vm-readv", remote_read, 0, 0, 0, 0, 0, 0, ACT_KILLS },
	{ "process-vm-writev", remote_write, 0, 0, 0, 0, 0, 0, ACT_KILLS },
	{ "pidfd-getfd", take_descriptor, 0, 0, 0, 0, 0, 0, ACT_KILLS },
	{ "kcmp", compare, 0, 0, 0, 0, 0, 0, ACT_MAYBE | ACT_KILLS },
	{ "prlimit-sibling", limit_sibling, 0, 0, 0, 0, 0, 0, 0 },
	{ "prlimit-self", limit_self, 0, 0, 0, P_ID | P_PROC, 0, 0, 0 },
	{ "setpriority-user", nice_all, 0, 0, 0, 0, 0, 0, 0 },
	{ "setpriority-self", nice_self, 0, 0, 0, P_ID | P_PROC, 0, 0, 0 },
	{ "fork", new_process, P_PROC, 0, 0, 0, 0, 0, ACT_KILLS },
	{ "clone-newpid", clone_pid_space, 0, 0, 0, 0, 0, 0,
	    ACT_MAYBE | ACT_KILLS },
	{ "clone-newuser", clone_user_space, 0, 0, 0, 0, 0, 0,
	    ACT_MAYBE | ACT_KILLS },
	{ "clone-parent", clone_for_parent, 0, 0, 0, 0, 0, 0, ACT_KILLS },
	{ "clone3", clone_by_struct, 0, 0, 0, 0, 0, 0, 0 },
	{ "code-anonymous", code_anonymous, P_EXEC, 0, 0, 0, 0, 0, 0 },
	{ "code-writable", code_writable, 0, 0, 0, 0, 0, 0, 0 },
	{ "code-of-file", code_of_file, P_EXEC, 0, 0, 0, 0, 0, 0 },
	{ "code-mprotect", code_protect, P_EXEC, 0, 0, 0, 0, 0, 0 },
	{ "code-mprotect-all", code_protect_all, 0, 0, 0, 0, 0, 0, 0 },
	{ "code-pkey", code_key, 0, 0, 0, 0, 0, 0, 0 },
	{ "memfd", named_memory, 0, 0, 0, 0, 0, 0, 0 },
	{ "shmget", shared_memory, 0, 0, 0, 0, 0, 0, ACT_KILLS },
	{ "personality", personality_, 0, 0, 0, 0, 0, 0, ACT_KILLS | ACT_LAST },
	{ "prctl-dumpable", dumpable, 0, 0, 0, 0, 0, 0, 0 },
	{ "settimeofday", set_time, P_SETTIME, 0, 0, 0, 0, 0,
	    ACT_MAYBE | ACT_KILLS },
	{ "tty-set", tty_set, P_TTY, 0, 0, 0, 0, 0, 0 },
	{ "tty-sti", tty_type, 0, 0, 0, 0, 0, 0, ACT_MAYBE },
	{ "tty-sti-high-bits", tty_type_bits, 0, 0, 0, 0, 0, 0, ACT_MAYBE },
	{ "tty-console", tty_console, 0, 0, 0, 0, 0, 0, ACT_MAYBE },
	{ "tty-discipline", tty_take, 0, 0, 0, 0, 0, 0, 0 },
	{ "setpgid", set_group, P_PROC, 0, 0, 0, 0, 0, ACT_KILLS | ACT_LAST },
	{ "setsid", new_session, P_PROC, 0, 0, 0, 0, 0, ACT_KILLS | ACT_LAST },
	{ "setgroups", set_groups, P_ID, 0, 0, 0, 0, 0,
	    ACT_MAYBE | ACT_KILLS | ACT_LAST },
	{ "setresgid", set_gid, P_ID, 0, 0, 0, 0, 0, ACT_KILLS | ACT_LAST },
	{ "setresuid", set_users, P_ID, 0, 0, 0, 0, 0, ACT_KILLS | ACT_LAST },
	{ "setuid", set_user, P_ID, 0, 0, 0, 0, 0, ACT_KILLS | ACT_LAST },
	{ "exec", exec_path, P_EXEC, 0, 0, 0, 0, 0, ACT_KILLS | ACT_ALONE },
	{ "exec-handle", exec_handle, P_EXEC, 0, 0, 0, 0, 0,
	    ACT_KILLS | ACT_ALONE },
};
const struct acts acts_others = { others, sizeof(others) / sizeof(others[0]) };
