/* SPDX-License-Identifier: ISC */
/*
 * Which system calls belong to which promise, as far as their arguments do not
 * matter.  Names that a machine or a version of libseccomp does not have are
 * left out.  sandbox-seccomp-args.c has the others.
 */
#include "feature.h"

#include "sandbox-linux.h"

const struct calls imsgpi_allowed[] = {
	/* To end, and what free(3) does on the way there. */
	{ 0,
	    "exit exit_group rt_sigreturn sigreturn restart_syscall munmap "
	    "brk" },
	{ P_STDIO,
	    "read readv pread64 preadv preadv2 write writev pwrite64 pwritev "
	    "pwritev2 lseek _llseek close close_range dup dup2 dup3 pipe pipe2 "
	    "fstat fstat64 fsync fdatasync ftruncate ftruncate64 fchdir "
	    "getdents getdents64 umask" },
	{ P_STDIO,
	    "recvfrom recvmsg recvmmsg recvmmsg_time64 "
	    "shutdown getsockname getpeername sendfile sendfile64 splice "
	    "copy_file_range" },
	{ P_STDIO,
	    "poll ppoll ppoll_time64 select _newselect pselect6 "
	    "pselect6_time64 epoll_create epoll_create1 epoll_ctl "
	    "epoll_ctl_old epoll_wait epoll_wait_old epoll_pwait epoll_pwait2 "
	    "eventfd eventfd2 signalfd signalfd4 timerfd_create "
	    "timerfd_settime timerfd_settime64 timerfd_gettime "
	    "timerfd_gettime64" },
	{ P_STDIO,
	    "clock_gettime clock_gettime64 clock_getres clock_getres_time64 "
	    "gettimeofday time times nanosleep clock_nanosleep "
	    "clock_nanosleep_time64 getitimer setitimer alarm pause" },
	{ P_STDIO,
	    "mremap msync futex futex_time64 set_robust_list "
	    "set_tid_address rseq getrandom sched_yield getcpu "
	    "sched_getaffinity sysinfo uname membarrier" },
	{ P_STDIO,
	    "rt_sigaction sigaction rt_sigprocmask sigprocmask rt_sigpending "
	    "rt_sigsuspend rt_sigtimedwait rt_sigtimedwait_time64 sigaltstack "
	    "signal" },
	{ P_STDIO,
	    "getpid gettid getppid getuid getuid32 geteuid geteuid32 getgid "
	    "getgid32 getegid getegid32 getresuid getresuid32 getresgid "
	    "getresgid32 getgroups getgroups32 getpgid getpgrp getsid "
	    "getrlimit ugetrlimit getrusage getpriority wait4 waitid waitpid" },
	/* A second sandbox on top of this one. */
	{ P_STDIO,
	    "landlock_create_ruleset landlock_add_rule "
	    "landlock_restrict_self" },

	{ P_FILES,
	    "stat stat64 lstat lstat64 newfstatat fstatat64 statx access "
	    "faccessat faccessat2 readlink readlinkat" },
	{ P_RPATH | P_WPATH | P_CPATH,
	    "getcwd chdir statfs statfs64 fstatfs fstatfs64" },
	{ P_RPATH, "readahead fadvise64 fadvise64_64 arm_fadvise64_64" },
	{ P_WPATH, "truncate truncate64 fallocate" },
	{ P_CPATH,
	    "mkdir mkdirat rmdir unlink unlinkat rename renameat renameat2 "
	    "link linkat symlink symlinkat" },
	{ P_FATTR, "utime utimes futimesat utimensat utimensat_time64" },
	{ P_CHOWN, "chown chown32 lchown lchown32 fchown fchown32 fchownat" },
	{ P_FLOCK, "flock" },

	{ P_UNIX | P_INET, "accept accept4 listen" },
	{ P_UNIX | P_INET | P_DNS, "bind connect" },
	{ P_INET, "sendto sendmsg sendmmsg" },

	{ P_PROC,
	    "fork vfork kill tkill tgkill setpgid setsid pidfd_open "
	    "pidfd_send_signal" },
	{ P_EXEC, "execve execveat" },
	/* What a program does before its main(). */
	{ P_EXEC, "set_thread_area get_thread_area" },
	{ P_ID,
	    "setuid setuid32 setgid setgid32 setreuid setreuid32 setregid "
	    "setregid32 setresuid setresuid32 setresgid setresgid32 setfsuid "
	    "setfsuid32 setfsgid setfsgid32 setgroups setgroups32" },
	{ P_ID | P_PROC, "setrlimit" },
	{ P_SETTIME,
	    "clock_settime clock_settime64 settimeofday stime adjtimex "
	    "clock_adjtime clock_adjtime64" },
};
const size_t imsgpi_nallowed =
    sizeof(imsgpi_allowed) / sizeof(imsgpi_allowed[0]);

/*
 * What libc and common libraries try by themselves and can do without, and
 * what sandbox-seccomp-args.c allows in part: fails, where all else kills.
 */
const char imsgpi_refused[] =
    "open openat creat stat stat64 lstat lstat64 newfstatat fstatat64 statx "
    "access faccessat faccessat2 readlink readlinkat getcwd chdir "
    "statfs statfs64 fstatfs fstatfs64 ioctl fcntl fcntl64 mmap mmap2 "
    "mprotect pkey_mprotect prctl prlimit64 sendto sendmsg sendmmsg getsockopt setsockopt "
    "readahead fadvise64 fadvise64_64 arm_fadvise64_64 fallocate "
    "getxattr lgetxattr fgetxattr listxattr llistxattr flistxattr "
    "chmod fchmod fchmodat fchmodat2 seccomp mlock mlock2 memfd_create "
    "inotify_init inotify_init1 sched_getparam sched_getscheduler "
    "setpriority";

/* As if the kernel were too old for them: libc then does it in another way. */
const char imsgpi_unknown[] = "clone3";
