/* SPDX-License-Identifier: ISC */
/*
 * The traced program of the tests of the tracer: every call that moves bytes,
 * passes descriptors or gives a descriptor number another meaning, once each.
 */
#define _GNU_SOURCE
#include <sys/prctl.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "trace-talk.h"

static char big[300000];

static void
want(const char *what, ssize_t is, ssize_t expected)
{
	if (is != expected)
		err(1, "%s: %zd, not %zd", what, is, expected);
}

/* A message of that text in two parts, with those descriptors. */
struct built {
	struct msghdr h;
	struct iovec iov[3];
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(2 * sizeof(int))];
};

static struct msghdr *
build(struct built *b, const char *text, const int *fd, size_t nfd)
{
	size_t half = strlen(text) / 2;
	struct cmsghdr *c;

	memset(b, 0, sizeof(*b));
	b->iov[0].iov_base = (char *)(uintptr_t)text;
	b->iov[0].iov_len = half;
	b->iov[2].iov_base = (char *)(uintptr_t)text + half;
	b->iov[2].iov_len = strlen(text) - half;
	b->h.msg_iov = b->iov;
	b->h.msg_iovlen = 3;
	if (nfd == 0)
		return &b->h;
	b->h.msg_control = b->control;
	b->h.msg_controllen = CMSG_SPACE(nfd * sizeof(int));
	c = CMSG_FIRSTHDR(&b->h);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(nfd * sizeof(int));
	memcpy(CMSG_DATA(c), fd, nfd * sizeof(int));
	return &b->h;
}

static void
send_all(int fd)
{
	struct iovec v[2] = { { (char *)(uintptr_t) "writ", 4 },
		{ (char *)(uintptr_t) "ev", 2 } };
	const struct iovec nowhere = { (void *)8, 5 };
	struct built b[3];
	struct mmsghdr m[3];
	int pass[2] = { 0, 1 };

	want("write", write(fd, "write", 5), 5);
	want("writev", writev(fd, v, 2), 6);
	want("pwritev2", pwritev2(fd, v, 2, -1, 0), 6);
	want("sendto", send(fd, "sendto", 6, 0), 6);
	want("sendmsg", sendmsg(fd, build(&b[0], "sendmsg", pass, 2), 0), 7);
	memset(m, 0, sizeof(m));
	m[0].msg_hdr = *build(&b[0], "first", pass, 1);
	m[1].msg_hdr = *build(&b[1], "second", NULL, 0);
	m[2].msg_hdr = *build(&b[2], "third", pass + 1, 1);
	want("sendmmsg", sendmmsg(fd, m, 3, 0), 3);
	want("refused", writev(fd, &nowhere, 1), -1);
}

/* Only the receiver's calls count: each takes what one of send_all() sent. */
static void
receive_all(int fd)
{
	char room[16], room2[16], control[CMSG_SPACE(8)];
	struct iovec v[2] = { { room, 2 }, { room2, sizeof(room2) } };
	struct msghdr h = { .msg_iov = v,
		.msg_iovlen = 2,
		.msg_control = control,
		.msg_controllen = sizeof(control) };
	struct mmsghdr m[2] = { { .msg_hdr = h }, { .msg_hdr = h } };

	want("peek", recv(fd, room, 5, MSG_PEEK), 5);
	want("read", read(fd, room, 5), 5);
	v[1].iov_len = 4;
	want("readv", readv(fd, v, 2), 6);
	want("preadv2", preadv2(fd, v, 2, -1, 0), 6);
	want("recvfrom", recv(fd, room, 6, 0), 6);
	v[1].iov_len = 5;
	want("recvmsg", recvmsg(fd, &h, 0), 7);
	v[1].iov_len = 3;
	m[1].msg_hdr.msg_control = NULL;
	m[1].msg_hdr.msg_controllen = 0;
	want("recvmmsg", recvmmsg(fd, m, 1, 0, NULL), 1);
	want("recvmmsg", recvmmsg(fd, m + 1, 1, 0, NULL), 1);
	want("read", read(fd, room, 1), 1);
	want("read", read(fd, room, 5), 5);
	want("end", read(fd, room, 5), 0);
	want("end", recv(fd, room, 0, 0), 0);
}

static void
calls(void)
{
	int fd[2];

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, fd) == -1)
		err(1, "socketpair");
	send_all(fd[0]);
	(void)close(fd[0]);
	receive_all(fd[1]);
}

/* Larger than a piece, larger than what a socket holds. */
static void
large(void)
{
	int fd[2];
	size_t got = 0;
	ssize_t n;
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, fd) == -1)
		err(1, "socketpair");
	memset(big, 'b', sizeof(big));
	if ((pid = fork()) == 0) {
		want("large", write(fd[0], big, sizeof(big)), sizeof(big));
		_exit(0);
	}
	(void)close(fd[0]);
	while ((n = read(fd[1], big, sizeof(big))) > 0)
		got += (size_t)n;
	want("received", (ssize_t)got, sizeof(big));
	(void)waitpid(pid, NULL, 0);
}

/* What goes through no memory of the process. */
static void
unseen(void)
{
	int fd[2], p[2], file;

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, fd) == -1 || pipe(p) == -1)
		err(1, "socketpair");
	if ((file = open("/proc/self/exe", O_RDONLY)) == -1)
		err(1, "open");
	want("sendfile", sendfile(fd[0], file, NULL, 1000), 1000);
	want("splice", splice(fd[1], NULL, p[1], NULL, 600, 0), 600);
	want("splice", splice(p[0], NULL, fd[0], NULL, 500, 0), 500);
}

/* Numbers and what they stand for. */
static void
numbers(void)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	int fd[2], s, c, a;
	socklen_t len = sizeof(un);

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, fd) == -1)
		err(1, "socketpair");
	want("dup2", dup2(fd[0], 40), 40);
	want("dup2", dup2(fd[0], fd[0]), fd[0]);
	want("dup3", dup3(fd[0], 41, O_CLOEXEC), 41);
	want("close_range", syscall(SYS_close_range, 40, ~0U, 0), 0);
	want("cloexec", syscall(SYS_close_range, fd[1], fd[1], 4), 0);
	s = socket(AF_UNIX, SOCK_STREAM, 0);
	c = socket(AF_UNIX, SOCK_STREAM, 0);
	want("bind", bind(s, (void *)&un, sizeof(un.sun_family)), 0);
	want("name", getsockname(s, (void *)&un, &len), 0);
	want("listen", listen(s, 1), 0);
	want("connect", connect(c, (void *)&un, len), 0);
	want("accept", (a = accept(s, NULL, NULL)) > 0, 1);
	want("write", write(a, "accepted", 8), 8);
	want("write", write(c, "connected", 9), 9);
}

/* A child is stopped, which its parent can see, and continued. */
static void
stops(uint32_t n)
{
	struct pollfd p;
	int fd[2], status;
	char c;
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, fd) == -1)
		err(1, "socketpair");
	if ((pid = fork()) == 0) {
		(void)close(fd[0]);
		while (read(fd[1], &c, 1) == 1)
			want("answer", write(fd[1], &c, 1), 1);
		_exit(0);
	}
	(void)close(fd[1]);
	p.fd = fd[0];
	p.events = POLLIN;
	while (n-- > 0) {
		(void)kill(pid, SIGSTOP);
		want("stopped", waitpid(pid, &status, WUNTRACED), pid);
		if (!WIFSTOPPED(status) || WSTOPSIG(status) != SIGSTOP)
			errx(1, "stopped: 0x%x", (unsigned)status);
		want("write", write(fd[0], "x", 1), 1);
		want("silence", poll(&p, 1, 2), 0);
		(void)kill(pid, SIGCONT);
		want("continued", waitpid(pid, &status, WCONTINUED), pid);
		if (!WIFCONTINUED(status))
			errx(1, "continued: 0x%x", (unsigned)status);
		want("read", read(fd[0], &c, 1), 1);
	}
	(void)close(fd[0]);
	want("child", waitpid(pid, &status, 0), pid);
	want("status", status, 0);
}

/* Three processes, each the child of the one before, until input ends. */
static void
relay(int in, int out)
{
	char c[64];
	ssize_t n;

	while ((n = read(in, c, sizeof(c))) > 0)
		want("relay", write(out, c, (size_t)n), n);
	_exit(0);
}

static void
tree(void)
{
	int a[2], b[2];
	char c[64];

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, a) == -1 ||
	    socketpair(AF_UNIX, SOCK_STREAM, 0, b) == -1)
		err(1, "socketpair");
	if (fork() == 0) {
		(void)close(a[0]);
		if (fork() == 0) {
			(void)close(a[1]);
			(void)close(b[0]);
			relay(b[1], b[1]);
		}
		(void)close(b[1]);
		while (read(a[1], c, sizeof(c)) > 0) {
			want("down", write(b[0], c, 64), 64);
			want("up", recv(b[0], c, 64, MSG_WAITALL), 64);
			want("up", write(a[1], c, 64), 64);
		}
		_exit(0);
	}
	(void)close(a[1]);
	(void)close(b[0]);
	(void)close(b[1]);
	(void)fcntl(0, F_SETFL, O_NONBLOCK);
	memset(c, 't', sizeof(c));
	while (read(0, c, 1) == -1 && errno == EAGAIN) {
		want("ask", write(a[0], c, 64), 64);
		want("asked", recv(a[0], c, 64, MSG_WAITALL), 64);
	}
}

/*
 * The answer is sent when the first byte of the question has come, while its
 * sender still has much to copy; there is room for all of it.
 */
static void
late(uint32_t n)
{
	const size_t len = 150000;
	int fd[2], room = 200000;
	size_t left;
	pid_t other;

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, fd) == -1 ||
	    setsockopt(fd[0], SOL_SOCKET, SO_SNDBUF, &room, sizeof(room)) == -1)
		err(1, "socketpair");
	memset(big, 'q', len);
	if ((other = fork()) == 0) {
		(void)close(fd[0]);
		while (read(fd[1], big, 1) == 1) {
			want("answer", write(fd[1], "a", 1), 1);
			left = len - 1;
			want("rest", recv(fd[1], big, left, MSG_WAITALL),
			    (ssize_t)left);
		}
		_exit(0);
	}
	(void)close(fd[1]);
	while (n-- > 0) {
		want("question", write(fd[0], big, len), (ssize_t)len);
		want("answered", read(fd[0], big + len, 1), 1);
	}
	(void)close(fd[0]);
	(void)waitpid(other, NULL, 0);
}

/* Calls by the rules of another architecture, and of io_uring. */
static void
strange(void)
{
	int fd[2], i;
	char params[120];

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, fd) == -1)
		err(1, "socketpair");
	for (i = 0; i < 2; i++) {
#ifdef __x86_64__
		long r;

		__asm__ volatile("int $0x80" : "=a"(r) : "a"(20L) : "memory");
		want("getpid", (int)r, getpid());
#endif
		memset(params, 0, sizeof(params));
		(void)syscall(SYS_io_uring_setup, 1, params);
	}
	want("write", write(fd[0], "seen", 4), 4);
}

/* Twice another name, once that of a process, and once none. */
static void *
rename_thread(void *arg)
{
	want("name of a thread", prctl(PR_SET_NAME, "thread"), 0);
	return arg;
}

static void
names(void)
{
	pthread_t t;
	char name[16];

	want("name", prctl(PR_SET_NAME, "process"), 0);
	want("old name", prctl(PR_GET_NAME, name), 0);
	if (pthread_create(&t, NULL, rename_thread, NULL) != 0 ||
	    pthread_join(t, NULL) != 0)
		errx(1, "thread");
}

/* Children that send, and are killed as soon as that has come. */
static void
victims(uint32_t n)
{
	int fd[2];
	char c[4];
	pid_t pid;

	while (n-- > 0) {
		if (socketpair(AF_UNIX, SOCK_STREAM, 0, fd) == -1)
			err(1, "socketpair");
		if ((pid = fork()) == 0) {
			want("last", write(fd[1], "last", 4), 4);
			(void)pause();
		}
		while (recv(fd[0], c, 4, MSG_DONTWAIT) != 4)
			continue;
		(void)kill(pid, SIGKILL);
		want("killed", waitpid(pid, NULL, 0), pid);
		(void)close(fd[0]);
		(void)close(fd[1]);
	}
}

/* With the descriptors of its parent it gives a number another meaning. */
static int
shares(void *arg)
{
	int *fd = arg;

	return socketpair(AF_UNIX, SOCK_STREAM, 0, fd + 2) == -1 ||
	    dup2(fd[2], fd[0]) != fd[0];
}

static void
shared(void)
{
	static char stack[65536];
	int fd[4], status;

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, fd) == -1)
		err(1, "socketpair");
	want("before", write(fd[0], "before", 6), 6);
	want("clone",
	    clone(shares, stack + sizeof(stack),
		CLONE_FILES | CLONE_VM | SIGCHLD, fd) > 0,
	    1);
	want("wait", wait(&status) > 0, 1);
	want("status", status, 0);
	want("after", write(fd[0], "after", 5), 5);
}

int
talk_calls(const char *mode, uint32_t n)
{
	if (strcmp(mode, "calls") == 0)
		calls();
	else if (strcmp(mode, "large") == 0)
		large();
	else if (strcmp(mode, "unseen") == 0)
		unseen();
	else if (strcmp(mode, "numbers") == 0)
		numbers();
	else if (strcmp(mode, "victims") == 0)
		victims(n);
	else if (strcmp(mode, "shared") == 0)
		shared();
	else if (strcmp(mode, "stops") == 0)
		stops(n);
	else if (strcmp(mode, "late") == 0)
		late(n);
	else if (strcmp(mode, "tree") == 0)
		tree();
	else if (strcmp(mode, "names") == 0)
		names();
	else if (strcmp(mode, "strange") == 0)
		strange();
	else
		return -1;
	return 0;
}
