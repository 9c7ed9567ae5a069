/* SPDX-License-Identifier: ISC */
/*
 * The traced program of the tests of the tracer: processes and threads that
 * send each other numbered messages in all manners there are.  Its exit status
 * is 0 only if every call did what it does in a program that is not traced: a
 * call that was interrupted is as much a failure as one that lost a byte.
 *
 * A message is 64 bytes: a magic number, who sends it, and its number.
 */
#define _GNU_SOURCE
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "trace-talk.h"

extern char **environ;

static const char *self;

static void
send_one(int fd, uint32_t from, uint32_t number)
{
	struct talk m;

	memset(&m, 0, sizeof(m));
	m.magic = TALK_MAGIC;
	m.from = from;
	m.number = number;
	if (write(fd, &m, sizeof(m)) != sizeof(m))
		err(1, "write of %u", number);
}

static void
receive_one(int fd, uint32_t number)
{
	struct talk m;

	if (recv(fd, &m, sizeof(m), MSG_WAITALL) != sizeof(m))
		err(1, "recv of %u", number);
	if (m.magic != TALK_MAGIC || m.number != number)
		errx(1, "message %u came, not %u", m.number, number);
}

/*
 * epoll_wait is never begun anew by the kernel: it shows what interrupts.  One
 * interruption in each thread is forgiven in a program that is stopped, or
 * whose tracer is killed: see trace-leave.c.
 */
static void
wait_readable(int ep)
{
	static _Thread_local int patience = -1;
	struct epoll_event ev;

	if (patience == -1)
		patience = getenv("TALK_PATIENCE") != NULL;
	while (epoll_wait(ep, &ev, 1, -1) != 1) {
		if (errno != EINTR || patience-- <= 0)
			err(1, "epoll_wait");
	}
}

static int
make_epoll(int fd)
{
	struct epoll_event ev = { .events = EPOLLIN };
	int ep = epoll_create1(EPOLL_CLOEXEC);

	if (ep == -1 || epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev) == -1)
		err(1, "epoll");
	return ep;
}

static void
ask(int fd, uint32_t id, uint32_t n)
{
	uint32_t i;

	for (i = 0; i < n; i++) {
		send_one(fd, id, i);
		receive_one(fd, i);
	}
}

static void
answer(int fd, uint32_t id, uint32_t n)
{
	int ep = make_epoll(fd);
	uint32_t i;

	for (i = 0; i < n; i++) {
		wait_readable(ep);
		receive_one(fd, i);
		send_one(fd, id, i);
	}
	(void)close(ep);
}

static void
pair(int fd[2])
{
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd) == -1)
		err(1, "socketpair");
}

static void
reap(pid_t pid)
{
	int status;

	if (waitpid(pid, &status, 0) != pid)
		err(1, "waitpid");
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		errx(1, "child ended with 0x%x", (unsigned)status);
}

/* Questions and answers between two processes. */
static void
talk_pair(uint32_t n)
{
	int fd[2];
	pid_t pid;

	pair(fd);
	if ((pid = fork()) == 0) {
		(void)close(fd[0]);
		answer(fd[1], 2, n);
		exit(0);
	}
	(void)close(fd[1]);
	ask(fd[0], 1, n);
	reap(pid);
}

/* The same, in pairs of threads. */
struct part {
	pthread_t thread;
	int fd;
	uint32_t id, n;
};

static void *
part_main(void *arg)
{
	struct part *p = arg;

	if (p->id % 2 != 0)
		ask(p->fd, p->id, p->n);
	else
		answer(p->fd, p->id, p->n);
	return NULL;
}

static void
talk_threads(uint32_t n)
{
	struct part p[8];
	int fd[2];
	uint32_t i;

	for (i = 0; i < 8; i += 2) {
		pair(fd);
		p[i] = (struct part){ .fd = fd[0], .id = i + 1, .n = n };
		p[i + 1] = (struct part){ .fd = fd[1], .id = i + 2, .n = n };
	}
	for (i = 0; i < 8; i++) {
		if (pthread_create(&p[i].thread, NULL, part_main, &p[i]) != 0)
			errx(1, "pthread_create");
	}
	for (i = 0; i < 8; i++)
		(void)pthread_join(p[i].thread, NULL);
}

static void
run(const char *mode, const char *arg, int fd)
{
	char number[16];

	(void)snprintf(number, sizeof(number), "%d", fd);
	(void)execl(self, self, mode, arg, number, (char *)NULL);
	err(1, "%s", self);
}

/* Three programs, one after the other in one process, and a child of each. */
static void
talk_chain(uint32_t left, int fd)
{
	char arg[16];
	pid_t pid;

	send_one(fd, 1, left);
	if ((pid = fork()) == 0) {
		send_one(fd, 2, left);
		exit(0);
	}
	reap(pid);
	if (left == 0)
		return;
	(void)snprintf(arg, sizeof(arg), "%u", left - 1);
	run("chain", arg, fd);
}

static pid_t
forked(char *const argv[])
{
	pid_t pid = vfork();

	if (pid == 0) {
		(void)execv(self, argv);
		_exit(1);
	}
	return pid;
}

static void
talk_spawn(uint32_t n, int fd)
{
	char number[16], left[16];
	char *argv[] = { (char *)(uintptr_t)self, (char *)(uintptr_t) "say",
		left, number, NULL };
	uint32_t i;
	pid_t pid;

	(void)snprintf(number, sizeof(number), "%d", fd);
	for (i = 0; i < n; i++) {
		(void)snprintf(left, sizeof(left), "%u", i);
		if (posix_spawn(&pid, self, NULL, NULL, argv, environ) != 0)
			errx(1, "posix_spawn");
		reap(pid);
		reap(forked(argv));
	}
}

/* A thread that is not the first executes another program. */
static void *
exec_main(void *arg)
{
	run("say", "7", *(int *)arg);
	return NULL;
}

static void *
pause_main(void *arg)
{
	(void)arg;
	for (;;)
		(void)pause();
	return NULL;
}

static void
talk_thread_exec(int fd)
{
	pthread_t t;

	if (pthread_create(&t, NULL, pause_main, NULL) != 0 ||
	    pthread_create(&t, NULL, exec_main, &fd) != 0)
		errx(1, "pthread_create");
	(void)pthread_join(t, NULL);
}

static void
nothing(int sig)
{
	(void)sig;
}

static void
handle(int sig, int flags)
{
	struct sigaction sa;

	memset(&sa, 0, sizeof(sa));
	sa.sa_handler = nothing;
	sa.sa_flags = flags;
	if (sigaction(sig, &sa, NULL) == -1)
		err(1, "sigaction");
}

/* A reader that gets signals with SA_RESTART, then one without. */
static void
signals_child(int fd, uint32_t n)
{
	uint32_t i;
	struct talk m;
	ssize_t r;

	handle(SIGUSR1, SA_RESTART);
	handle(SIGUSR2, 0);
	send_one(fd, 2, 0);
	for (i = 0; i < n; i++)
		receive_one(fd, i);
	send_one(fd, 2, 1);
	r = read(fd, &m, sizeof(m));
	if (r != -1 || errno != EINTR)
		errx(1, "SIGUSR2 did not interrupt: %zd", r);
	send_one(fd, 2, 2);
	exit(0);
}

static void
talk_signals(uint32_t n)
{
	struct timespec ts = { 0, 1000000 };
	struct timeval tv = { 0, 1000 };
	struct talk m;
	int fd[2];
	uint32_t i;
	pid_t pid;

	pair(fd);
	if ((pid = fork()) == 0)
		signals_child(fd[1], n);
	(void)close(fd[1]);
	receive_one(fd[0], 0);
	for (i = 0; i < n; i++) {
		(void)kill(pid, SIGUSR1);
		if (i % 8 == 0)
			(void)nanosleep(&ts, NULL);
		send_one(fd[0], 1, i);
	}
	receive_one(fd[0], 1);
	(void)setsockopt(fd[0], SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	do
		(void)kill(pid, SIGUSR2);
	while (
	    recv(fd[0], &m, sizeof(m), MSG_WAITALL) == -1 && errno == EAGAIN);
	reap(pid);
}

static void
say(int fd, uint32_t number)
{
	send_one(fd, 3, number);
}

/* Sends until it is told by a byte in the standard input to end. */
static void
talk_endless(void)
{
	int fd[2];
	uint32_t i;
	pid_t pid;

	pair(fd);
	if ((pid = fork()) == 0) {
		(void)close(fd[0]);
		for (i = 0;; i++) {
			receive_one(fd[1], i);
			send_one(fd[1], 2, i);
		}
	}
	(void)close(fd[1]);
	(void)fcntl(0, F_SETFL, O_NONBLOCK);
	for (i = 0;; i++) {
		char c;

		if (read(0, &c, 1) != -1 || errno != EAGAIN)
			break;
		send_one(fd[0], 1, i);
		receive_one(fd[0], i);
	}
	(void)kill(pid, SIGKILL);
	(void)waitpid(pid, NULL, 0);
}

/* Until it ends each message is sent by a new thread, or a new process. */
static void *
born(void *arg)
{
	const struct part *p = arg;

	send_one(p->fd, 1, p->n);
	return NULL;
}

static void
talk_births(void)
{
	struct part p;
	int fd[2];
	pid_t pid;

	pair(fd);
	p.fd = fd[0];
	(void)fcntl(0, F_SETFL, O_NONBLOCK);
	for (p.n = 0; read(0, &pid, 1) == -1 && errno == EAGAIN; p.n++) {
		if (p.n % 2 == 0 && (pid = fork()) == 0) {
			(void)born(&p);
			_exit(0);
		} else if (p.n % 2 == 0) {
			reap(pid);
		} else if (pthread_create(&p.thread, NULL, born, &p) != 0) {
			errx(1, "pthread_create");
		} else
			(void)pthread_join(p.thread, NULL);
		receive_one(fd[1], p.n);
	}
}

int
main(int argc, char *argv[])
{
	const char *mode = argc > 1 ? argv[1] : "";
	uint32_t n = argc > 2 ? (uint32_t)atoi(argv[2]) : 0;
	int fd[2] = { -1, -1 };

	self = argv[0];
	if (argc > 3)
		fd[0] = atoi(argv[3]);
	else if (socketpair(AF_UNIX, SOCK_STREAM, 0, fd) == -1)
		err(1, "socketpair");
	if (strcmp(mode, "pair") == 0)
		talk_pair(n);
	else if (strcmp(mode, "threads") == 0)
		talk_threads(n);
	else if (strcmp(mode, "chain") == 0)
		talk_chain(n, fd[0]);
	else if (strcmp(mode, "spawn") == 0)
		talk_spawn(n, fd[0]);
	else if (strcmp(mode, "thread-exec") == 0)
		talk_thread_exec(fd[0]);
	else if (strcmp(mode, "signals") == 0)
		talk_signals(n);
	else if (strcmp(mode, "say") == 0)
		say(fd[0], n);
	else if (strcmp(mode, "endless") == 0)
		talk_endless();
	else if (strcmp(mode, "births") == 0)
		talk_births();
	else if (talk_calls(mode, n) == -1)
		errx(1, "unknown mode: %s", mode);
	return 0;
}
