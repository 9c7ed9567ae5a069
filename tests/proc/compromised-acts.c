/* SPDX-License-Identifier: ISC */
/* See compromised-acts.h. */
#define _GNU_SOURCE
#include "compromised-acts.h"

#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Found before the sandbox. */
pid_t compromised_sibling, compromised_parent;
struct imsgproc *compromised_self;
#define sibling compromised_sibling
#define parent	compromised_parent
#define self	compromised_self

static int
result(long r)
{
	return r == -1 ? errno : 0;
}

static int
opened(long fd)
{
	if (fd != -1)
		(void)close((int)fd);
	return result(fd);
}

static int
open_of(pid_t pid, const char *what, int flags)
{
	char path[64];

	(void)snprintf(path, sizeof(path), "/proc/%ld/%s", (long)pid, what);
	return opened(open(path, flags | O_CLOEXEC));
}

socklen_t
sibling_address(struct sockaddr_un *sun)
{
	memset(sun, 0, sizeof(*sun));
	sun->sun_family = AF_UNIX;
	(void)snprintf(sun->sun_path + 1, sizeof(sun->sun_path) - 1,
	    "compromised-%ld", (long)parent);
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 +
	    strlen(sun->sun_path + 1));
}

static int
send_abstract(void)
{
	struct iovec iov = { (void *)(uintptr_t) "x", 1 };
	struct sockaddr_un sun;
	struct msghdr msg = {
		.msg_name = &sun, .msg_iov = &iov, .msg_iovlen = 1
	};
	int e, s[2];

	msg.msg_namelen = sibling_address(&sun);
	if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, s) == -1)
		return errno;
	e = result(sendmsg(s[0], &msg, MSG_NOSIGNAL));
	(void)close(s[0]);
	(void)close(s[1]);
	return e;
}

static int
read_memory(void)
{
	char byte;
	struct iovec here = { &byte, 1 }, there = { &sibling, 1 };

	/* Whether that is mapped there comes later. */
	if (syscall(SYS_process_vm_readv, sibling, &here, 1, &there, 1, 0) ==
	    -1)
		return errno == EFAULT ? 0 : errno;
	return 0;
}

static int
take_descriptor(void)
{
	int fd = (int)syscall(SYS_pidfd_open, sibling, 0), e;

	if (fd == -1)
		return errno;
	e = opened(syscall(SYS_pidfd_getfd, fd, 3, 0));
	(void)close(fd);
	return e;
}

static int
execute(void)
{
	char *argv[] = { (char *)(uintptr_t) "x", NULL };

	(void)execve("/proc/self/exe", argv, argv + 1);
	return errno;
}

static int
fork_one(void)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	return result(pid);
}

#define ACT(name, call)       \
	static int name(void) \
	{                     \
		return call;  \
	}
ACT(open_read, opened(open("/etc/passwd", O_RDONLY | O_CLOEXEC)))
ACT(open_write, opened(open("/dev/null", O_WRONLY | O_CLOEXEC)))
ACT(open_roots, open("/etc/shadow", O_RDONLY) == -1 ? errno : 0)
ACT(socket_unix, opened(socket(AF_UNIX, SOCK_STREAM, 0)))
ACT(socket_inet, opened(socket(AF_INET, SOCK_STREAM, 0)))
ACT(socket_raw, opened(socket(AF_PACKET, SOCK_RAW, 0)))
ACT(trace_sibling, result(ptrace(PTRACE_SEIZE, sibling, 0, 0)))
ACT(trace_parent, result(ptrace(PTRACE_SEIZE, parent, 0, 0)))
ACT(kill_sibling, result(kill(sibling, SIGKILL)))
ACT(kill_parent, result(kill(parent, SIGKILL)))
ACT(kill_thread, result(syscall(SYS_tgkill, sibling, sibling, SIGKILL)))
ACT(sibling_memory, open_of(sibling, "mem", O_RDWR))
ACT(sibling_environ, open_of(sibling, "environ", O_RDONLY))
ACT(sibling_channel, open_of(sibling, "fd/3", O_RDWR))
ACT(parent_memory, open_of(parent, "mem", O_RDWR))
ACT(send_by_name,
    imsgproc_send(self, "good", 0, 1, 0, -1, "x", 1) == -1 ? errno : 0)
ACT(be_root, result(setuid(0)))
ACT(be_group, result(setgid(0)))
ACT(leave_root, result(chroot(".")))
ACT(be_traced, result(prctl(PR_SET_DUMPABLE, 1, 0, 0, 0)))

const struct compromised compromised_acts[] = {
	{ "open to read", open_read, PROMISED },
	{ "open to write", open_write, PROMISED },
	{ "open of root's", open_roots, 0 },
	{ "socket, unix", socket_unix, PROMISED },
	{ "socket, inet", socket_inet, PROMISED },
	{ "socket, packet", socket_raw, 0 },
	{ "exec", execute, PROMISED | HARMS },
	{ "fork", fork_one, PROMISED },
	{ "ptrace of a sibling", trace_sibling, 0 },
	{ "ptrace of the parent", trace_parent, HARMS },
	{ "kill of a sibling", kill_sibling, PROMISED | HARMS },
	{ "kill of a sibling's thread", kill_thread, PROMISED | HARMS },
	{ "kill of the parent", kill_parent, PROMISED | HARMS },
	{ "memory of a sibling", read_memory, 0 },
	{ "memory file of a sibling", sibling_memory, 0 },
	{ "environment of a sibling", sibling_environ, 0 },
	{ "memory file of the parent", parent_memory, 0 },
	{ "channel of a sibling, by its file", sibling_channel, NEVER },
	{ "channel of a sibling, by pidfd", take_descriptor, 0 },
	{ "send to whom it has no channel to", send_by_name, NEVER },
	{ "send to an address", send_abstract, PROMISED },
	{ "setuid", be_root, 0 },
	{ "setgid", be_group, 0 },
	{ "chroot", leave_root, 0 },
	{ "dumpable", be_traced, PROMISED },
};
const size_t compromised_nacts =
    sizeof(compromised_acts) / sizeof(compromised_acts[0]);
