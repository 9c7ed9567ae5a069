/* SPDX-License-Identifier: ISC */
/*
 * Which system calls belong to which promise with some arguments only.
 *
 * An argument is compared as the kernel takes it: an int is 32 bits wide,
 * whatever is above them in the register.
 */
#include "feature.h"

#include <sys/types.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include <fcntl.h>
#include <sched.h>

#include "sandbox-linux.h"

#define ALL UINT64_MAX
#define INT UINT64_C(0xffffffff)
#define IS(n, value)                                \
	{                                           \
		n, INT, (uint64_t)(uint32_t)(value) \
	}
#define NO(n, bits)                              \
	{                                        \
		n, (uint64_t)(uint32_t)(bits), 0 \
	}

/* musl adds O_PATH to O_ACCMODE. */
#define ACC 3
#define TMP (O_TMPFILE & ~O_DIRECTORY)
/* What may be in the flags beside those bits does not matter. */
#define OPEN(promises, unless, bits, value)                                \
	{ promises, unless, REFUSED, "open", { { 1, (bits), (value) } } }, \
	{                                                                  \
		promises, unless, REFUSED, "openat",                       \
		{                                                          \
			{                                                  \
				2, (bits), (value)                         \
			}                                                  \
		}                                                          \
	}
#define FCNTL(promises, command)                       \
	{                                              \
		promises, 0, REFUSED, "fcntl fcntl64", \
		{                                      \
			IS(1, command)                 \
		}                                      \
	}
#define IOCTL(promises, command)               \
	{                                      \
		promises, 0, REFUSED, "ioctl", \
		{                              \
			IS(1, command)         \
		}                              \
	}
#define PRCTL(promises, command)               \
	{                                      \
		promises, 0, REFUSED, "prctl", \
		{                              \
			IS(0, command)         \
		}                              \
	}
#define SETOPT(promises, level, option)             \
	{                                           \
		promises, 0, REFUSED, "setsockopt", \
		{                                   \
			IS(1, level), IS(2, option) \
		}                                   \
	}
#define GETOPT(promises, level)                     \
	{                                           \
		promises, 0, REFUSED, "getsockopt", \
		{                                   \
			IS(1, level), NO(2, ~63U)   \
		}                                   \
	}
/* SOCK_NONBLOCK and SOCK_CLOEXEC are in the type, too. */
#define PAIR(promises, unless, otherwise, type)            \
	{                                                  \
		promises, unless, otherwise, "socketpair", \
		{                                          \
			IS(0, AF_UNIX),                    \
			{                                  \
				1, 0xf, type               \
			}                                  \
		}                                          \
	}
#define SOCKET(promises, domain, type, protocol)                         \
	{                                                                \
		promises, 0, KILLED, "socket",                           \
		{                                                        \
			IS(0, domain), { 1, 0xf, type }, IS(2, protocol) \
		}                                                        \
	}
#define SOCKETS(promises, domain)                               \
	SOCKET(promises, domain, SOCK_STREAM, 0),               \
	    SOCKET(promises, domain, SOCK_STREAM, IPPROTO_TCP), \
	    SOCKET(promises, domain, SOCK_DGRAM, 0),            \
	    SOCKET(promises, domain, SOCK_DGRAM, IPPROTO_UDP)

#define NAMESPACES                                                     \
	(CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | \
	    CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET)
#if defined(__s390__) || defined(__CRIS__)
#define CLONE_FLAGS 1
#else
#define CLONE_FLAGS 0
#endif

const struct call imsgpi_if[] = {
	/* What free(3) does; not what takes pages from the system as broken. */
	{ 0, 0, KILLED, "madvise", { NO(2, ~31) } },
	{ 0, 0, KILLED, "madvise", { { 2, ~UINT64_C(1) & INT, 102 } } },

	/* Memory, but no new code; with exec no code that can be written. */
	{ P_STDIO, 0, REFUSED, "mmap2 mprotect", { NO(2, PROT_EXEC) } },
	{ P_STDIO | P_EXEC, 0, REFUSED, "mmap2 mprotect",
	    { NO(2, PROT_WRITE) } },
#if !defined(__i386__) && !defined(__s390__) && !defined(__arm__)
	/* On the others this is the old call, with its arguments in memory. */
	{ P_STDIO, 0, REFUSED, "mmap", { NO(2, PROT_EXEC) } },
	{ P_STDIO | P_EXEC, 0, REFUSED, "mmap", { NO(2, PROT_WRITE) } },
#endif

	/* Signals for itself.  Threads of others have numbers of their own. */
	{ P_STDIO, P_PROC, KILLED, "kill tkill tgkill",
	    { { 0, INT, OUR_PID } } },

	/* rpath: no O_TRUNC either, which needs no writing on Linux. */
	OPEN(P_RPATH, 0, ACC | O_CREAT | O_TRUNC | TMP, O_RDONLY),
	OPEN(P_GETPW, P_RPATH, ACC | O_CREAT | O_TRUNC | TMP, O_RDONLY),
	OPEN(P_DNS, P_RPATH | P_GETPW, ACC | O_CREAT | O_TRUNC | TMP, O_RDONLY),
	OPEN(P_PS | P_LANDLOCK, P_RPATH, ACC | O_CREAT | O_TRUNC | TMP,
	    O_RDONLY),
	OPEN(P_VMINFO | P_LANDLOCK, P_RPATH, ACC | O_CREAT | O_TRUNC | TMP,
	    O_RDONLY),
	OPEN(P_TTY | P_LANDLOCK, P_RPATH, ACC | O_CREAT | O_TRUNC | TMP,
	    O_RDONLY),
	OPEN(P_TTY | P_LANDLOCK, P_WPATH, ACC | O_CREAT | TMP, O_WRONLY),
	OPEN(
	    P_TTY | P_LANDLOCK, P_RPATH | P_WPATH, ACC | O_CREAT | TMP, O_RDWR),
	/* A handle that reads and writes nothing; all other flags are void. */
	OPEN(P_ANY_FILE, 0, O_PATH, O_PATH),
	{ P_RPATH | P_OPENAT2, 0, REFUSED, "openat2", { { 0, 0, 0 } } },
	OPEN(P_WPATH, 0, ACC | O_CREAT | TMP, O_WRONLY),
	OPEN(P_RPATH | P_WPATH, 0, ACC | O_CREAT | TMP, O_RDWR),
	OPEN(P_RPATH | P_WPATH, 0, ACC | O_CREAT | TMP, O_RDONLY),
	OPEN(P_RPATH | P_CPATH, 0, ACC | O_TRUNC | TMP, O_RDONLY),
	OPEN(P_WPATH | P_CPATH, 0, ACC, O_WRONLY),
	OPEN(P_RPATH | P_WPATH | P_CPATH, 0, ACC, O_RDWR),
	OPEN(P_RPATH | P_WPATH | P_CPATH, 0, ACC | TMP, O_RDONLY),
	{ P_WPATH | P_CPATH, 0, REFUSED, "creat", { { 0, 0, 0 } } },

	FCNTL(P_STDIO, F_DUPFD),
	FCNTL(P_STDIO, F_DUPFD_CLOEXEC),
	FCNTL(P_STDIO, F_GETFD),
	FCNTL(P_STDIO, F_SETFD),
	FCNTL(P_STDIO, F_GETFL),
	FCNTL(P_STDIO, F_SETFL),
	FCNTL(P_STDIO, F_GETPIPE_SZ),
	FCNTL(P_STDIO, F_SETPIPE_SZ),
	FCNTL(P_STDIO, F_GET_SEALS),
	FCNTL(P_FLOCK, F_GETLK),
	FCNTL(P_FLOCK, F_SETLK),
	FCNTL(P_FLOCK, F_SETLKW),
#if F_GETLK64 != F_GETLK
	FCNTL(P_FLOCK, F_GETLK64),
	FCNTL(P_FLOCK, F_SETLK64),
	FCNTL(P_FLOCK, F_SETLKW64),
#endif
	FCNTL(P_FLOCK, F_OFD_GETLK),
	FCNTL(P_FLOCK, F_OFD_SETLK),
	FCNTL(P_FLOCK, F_OFD_SETLKW),

	/* TCGETS: isatty(3). */
	IOCTL(P_STDIO, FIONREAD),
	IOCTL(P_STDIO, FIONBIO),
	IOCTL(P_STDIO, FIOCLEX),
	IOCTL(P_STDIO, FIONCLEX),
	IOCTL(P_STDIO, TIOCOUTQ),
	IOCTL(P_STDIO, TCGETS),
	IOCTL(P_STDIO, TIOCGWINSZ),
	IOCTL(P_TTY, TCSETS),
	IOCTL(P_TTY, TCSETSW),
	IOCTL(P_TTY, TCSETSF),
	IOCTL(P_TTY, TCFLSH),
	IOCTL(P_TTY, TCSBRK),
	IOCTL(P_TTY, TCXONC),
	IOCTL(P_TTY, TIOCGPGRP),
	IOCTL(P_TTY, TIOCSPGRP),
	IOCTL(P_TTY, TIOCSWINSZ),

	PRCTL(P_STDIO, PR_SET_NAME),
	PRCTL(P_STDIO, PR_GET_NAME),
	PRCTL(P_STDIO, PR_SET_PDEATHSIG),
	PRCTL(P_STDIO, PR_GET_DUMPABLE),
	PRCTL(P_STDIO, PR_SET_NO_NEW_PRIVS),
	PRCTL(P_STDIO, PR_GET_NO_NEW_PRIVS),
	{ P_STDIO, 0, REFUSED, "prctl", { IS(0, PR_SET_DUMPABLE), IS(1, 0) } },
	/* Another filter; none that asks a process what to do. */
	{ P_STDIO, 0, REFUSED, "seccomp", { NO(1, 0x8) } },

	{ P_STDIO, P_ID | P_PROC, REFUSED, "prlimit64",
	    { IS(0, 0), { 2, ALL, 0 } } },
	{ P_ID, 0, REFUSED, "prlimit64", { IS(0, 0) } },
	{ P_PROC, 0, REFUSED, "prlimit64", { IS(0, 0) } },
	{ P_ID, P_PROC, REFUSED, "setpriority",
	    { IS(0, PRIO_PROCESS), IS(1, 0) } },
	{ P_PROC, 0, REFUSED, "setpriority",
	    { IS(0, PRIO_PROCESS), IS(1, 0) } },

	/* Setting S_ISUID and S_ISGID is not part of it, as in pledge(2). */
	{ P_FATTR, 0, REFUSED, "chmod fchmod", { NO(1, S_ISUID | S_ISGID) } },
	{ P_FATTR, 0, REFUSED, "fchmodat fchmodat2",
	    { NO(2, S_ISUID | S_ISGID) } },
	{ P_DPATH, 0, KILLED, "mknod", { { 1, S_IFMT, S_IFIFO } } },
	{ P_DPATH, 0, KILLED, "mknodat", { { 2, S_IFMT, S_IFIFO } } },

	/* One for datagrams could send them to any path by sendmsg(2). */
	PAIR(P_STDIO, 0, KILLED, SOCK_STREAM),
	PAIR(P_STDIO, 0, KILLED, SOCK_SEQPACKET),
	PAIR(P_UNIX, 0, KILLED, SOCK_DGRAM),
	PAIR(P_STDIO, P_UNIX, ONLY_FAILS, SOCK_DGRAM),
	/* MSG_FASTOPEN connects, and Landlock does not know. */
	{ P_STDIO, P_INET, REFUSED, "sendmsg", { NO(2, MSG_FASTOPEN) } },
	{ P_STDIO, P_INET, REFUSED, "sendmmsg", { NO(3, MSG_FASTOPEN) } },
	{ P_STDIO, P_UNIX | P_INET | P_DNS, REFUSED, "sendto",
	    { { 4, ALL, 0 }, NO(3, MSG_FASTOPEN) } },
	{ P_UNIX, P_INET, REFUSED, "sendto", { NO(3, MSG_FASTOPEN) } },
	{ P_DNS, P_INET | P_UNIX, REFUSED, "sendto", { NO(3, MSG_FASTOPEN) } },
	{ P_UNIX, 0, KILLED, "socket", { IS(0, AF_UNIX) } },
	SOCKETS(P_INET, AF_INET),
	SOCKETS(P_INET, AF_INET6),
	SOCKETS(P_DNS, AF_INET),
	SOCKETS(P_DNS, AF_INET6),
	/* syslog(3), nscd; addresses of interfaces. */
	{ P_STDIO, P_UNIX, ONLY_FAILS, "socket", { IS(0, AF_UNIX) } },
	{ P_STDIO, 0, ONLY_FAILS, "socket", { IS(0, AF_NETLINK) } },

	GETOPT(P_STDIO, SOL_SOCKET),
	GETOPT(P_INET, IPPROTO_TCP),
	GETOPT(P_INET, IPPROTO_IP),
	GETOPT(P_INET, IPPROTO_IPV6),
	SETOPT(P_STDIO, SOL_SOCKET, SO_SNDBUF),
	SETOPT(P_STDIO, SOL_SOCKET, SO_RCVBUF),
	SETOPT(P_STDIO, SOL_SOCKET, SO_SNDTIMEO),
	SETOPT(P_STDIO, SOL_SOCKET, SO_RCVTIMEO),
	SETOPT(P_STDIO, SOL_SOCKET, SO_RCVLOWAT),
	SETOPT(P_STDIO, SOL_SOCKET, SO_LINGER),
	SETOPT(P_STDIO, SOL_SOCKET, SO_KEEPALIVE),
	SETOPT(P_UNIX, SOL_SOCKET, SO_PASSCRED),
	SETOPT(P_INET, SOL_SOCKET, SO_REUSEADDR),
	SETOPT(P_INET, SOL_SOCKET, SO_REUSEPORT),
	SETOPT(P_INET, SOL_SOCKET, SO_BROADCAST),
	SETOPT(P_INET, SOL_SOCKET, SO_TIMESTAMP),
	SETOPT(P_INET, IPPROTO_TCP, TCP_NODELAY),
	SETOPT(P_INET, IPPROTO_TCP, TCP_MAXSEG),
	SETOPT(P_INET, IPPROTO_TCP, TCP_CORK),
	SETOPT(P_INET, IPPROTO_TCP, TCP_KEEPIDLE),
	SETOPT(P_INET, IPPROTO_TCP, TCP_KEEPINTVL),
	SETOPT(P_INET, IPPROTO_TCP, TCP_KEEPCNT),
	SETOPT(P_INET, IPPROTO_TCP, TCP_DEFER_ACCEPT),
	SETOPT(P_INET, IPPROTO_TCP, TCP_USER_TIMEOUT),
	SETOPT(P_INET, IPPROTO_TCP, TCP_QUICKACK),
	SETOPT(P_INET, IPPROTO_TCP, TCP_FASTOPEN),
	SETOPT(P_INET, IPPROTO_IP, IP_TOS),
	SETOPT(P_INET, IPPROTO_IP, IP_TTL),
	SETOPT(P_INET, IPPROTO_IP, IP_PKTINFO),
	SETOPT(P_INET, IPPROTO_IP, IP_MTU_DISCOVER),
	SETOPT(P_INET, IPPROTO_IP, IP_RECVERR),
	SETOPT(P_INET, IPPROTO_IPV6, IPV6_V6ONLY),
	SETOPT(P_INET, IPPROTO_IPV6, IPV6_UNICAST_HOPS),
	SETOPT(P_INET, IPPROTO_IPV6, IPV6_RECVPKTINFO),
	SETOPT(P_INET, IPPROTO_IPV6, IPV6_MTU_DISCOVER),
	SETOPT(P_INET, IPPROTO_IPV6, IPV6_RECVERR),
	SETOPT(P_INET, IPPROTO_IPV6, IPV6_TCLASS),
	SETOPT(P_DNS, IPPROTO_IP, IP_RECVERR),
	SETOPT(P_DNS, IPPROTO_IPV6, IPV6_RECVERR),
	SETOPT(P_MCAST, IPPROTO_IP, IP_MULTICAST_IF),
	SETOPT(P_MCAST, IPPROTO_IP, IP_MULTICAST_TTL),
	SETOPT(P_MCAST, IPPROTO_IP, IP_MULTICAST_LOOP),
	SETOPT(P_MCAST, IPPROTO_IP, IP_ADD_MEMBERSHIP),
	SETOPT(P_MCAST, IPPROTO_IP, IP_DROP_MEMBERSHIP),
	SETOPT(P_MCAST, IPPROTO_IPV6, IPV6_MULTICAST_IF),
	SETOPT(P_MCAST, IPPROTO_IPV6, IPV6_MULTICAST_HOPS),
	SETOPT(P_MCAST, IPPROTO_IPV6, IPV6_MULTICAST_LOOP),
	SETOPT(P_MCAST, IPPROTO_IPV6, IPV6_JOIN_GROUP),
	SETOPT(P_MCAST, IPPROTO_IPV6, IPV6_LEAVE_GROUP),

	/* A process; not in the parent's name, nothing that hides it. */
	{ P_PROC, 0, KILLED, "clone",
	    { NO(CLONE_FLAGS, NAMESPACES | CLONE_PARENT) } },
#if defined(__x86_64__)
	/* ARCH_SET_FS, of libc as it starts. */
	{ P_EXEC, 0, KILLED, "arch_prctl", { IS(0, 0x1002) } },
#endif
};
const size_t imsgpi_nif = sizeof(imsgpi_if) / sizeof(imsgpi_if[0]);
