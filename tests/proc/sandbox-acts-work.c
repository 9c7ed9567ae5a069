/* SPDX-License-Identifier: ISC */
/*
 * Acts that have to work: what a program does by way of libc all day, and what
 * each promise is for.
 */
#include "sandbox-acts.h"

#include <sys/ioctl.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/select.h>
#include <sys/sendfile.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <sys/wait.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <netdb.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include <imsg.h>

/* errno, if it was said why. */
static int
no(void)
{
	return errno != 0 ? errno : EIO;
}

static int
print(struct room *r)
{
	FILE *f = fdopen(dup(r->out), "w");

	if (f == NULL)
		return errno;
	if (fprintf(f, "%s %d %.3f\n", r->dir, 7, 1.5) < 0 || fclose(f) != 0)
		return no();
	return 0;
}

static int
stat_open(struct room *r)
{
	struct stat st;

	if (fstat(r->file, &st) == -1 || !S_ISREG(st.st_mode))
		return no();
	return fstat(-1, &st) == -1 && errno == EBADF ? 0 : EIO;
}

static int
memory(struct room *r)
{
	char *p = NULL, *q;
	size_t size;

	(void)r;
	for (size = 16; size < 32 << 20; size *= 4) {
		if ((q = realloc(p, size)) == NULL) {
			free(p);
			return errno;
		}
		p = q;
		p[size - 1] = 1;
	}
	free(p);
	return 0;
}

static int
times(struct room *r)
{
	time_t t = time(NULL);
	struct tm *tm = localtime(&t);
	struct timespec ts = { 0, 1000 };
	char buf[64];

	(void)r;
	/* The test runs with TZ=Asia/Tokyo or without it. */
	if (tm == NULL || strftime(buf, sizeof(buf), "%c %Z", tm) == 0)
		return no();
	return nanosleep(&ts, NULL) == -1 ||
		clock_gettime(CLOCK_MONOTONIC, &ts) == -1 ?
	    errno :
	    0;
}

static int
randomness(struct room *r)
{
	char b[16];

	(void)r;
	return getrandom(b, sizeof(b), 0) == sizeof(b) ? 0 : errno;
}

static int
waiting(struct room *r)
{
	struct pollfd pfd = { r->pair[0], POLLOUT, 0 };
	struct epoll_event ev = { EPOLLOUT, { 0 } };
	struct timeval tv = { 0, 0 };
	fd_set set;
	int ep, n;

	FD_ZERO(&set);
	FD_SET(r->pair[0], &set);
	if (poll(&pfd, 1, 100) != 1 ||
	    select(r->pair[0] + 1, NULL, &set, NULL, &tv) != 1)
		return no();
	if ((ep = epoll_create1(EPOLL_CLOEXEC)) == -1 ||
	    epoll_ctl(ep, EPOLL_CTL_ADD, r->pair[0], &ev) == -1)
		return errno;
	n = epoll_wait(ep, &ev, 1, 100);
	(void)close(ep);
	return n == 1 ? 0 : no();
}

static int
event_sources(struct room *r)
{
	struct itimerspec its = { { 0, 0 }, { 10, 0 } };
	sigset_t set;
	int e = eventfd(0, EFD_CLOEXEC), t, s;

	(void)r;
	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGUSR2);
	if (e == -1 || (t = timerfd_create(CLOCK_MONOTONIC, 0)) == -1 ||
	    timerfd_settime(t, 0, &its, NULL) == -1 ||
	    (s = signalfd(-1, &set, SFD_CLOEXEC)) == -1)
		return errno;
	(void)close(e);
	(void)close(t);
	(void)close(s);
	return 0;
}

static int
pipes(struct room *r)
{
	int p[2], s[2];
	char c;

	(void)r;
	if (pipe(p) == -1 || socketpair(AF_UNIX, SOCK_STREAM, 0, s) == -1)
		return errno;
	if (write(p[1], "x", 1) != 1 ||
	    splice(p[0], NULL, s[0], NULL, 1, 0) != 1 ||
	    send(s[0], "y", 1, MSG_NOSIGNAL) != 1 || read(s[1], &c, 1) != 1)
		return no();
	(void)close(p[0]);
	(void)close(p[1]);
	(void)close(s[0]);
	(void)close(s[1]);
	return 0;
}

/* A message there and back over the library's own channel. */
static int
messages(struct room *r)
{
	struct imsgbuf a, b;
	struct imsg imsg;
	int got, fd = dup(r->file);

	if (imsgbuf_init(&a, dup(r->pair[0])) == -1 ||
	    imsgbuf_init(&b, dup(r->pair[1])) == -1)
		return errno;
	imsgbuf_allow_fdpass(&a);
	imsgbuf_allow_fdpass(&b);
	if (imsg_compose(&a, 1, 2, 3, fd, "text", 4) != 1 ||
	    imsgbuf_flush(&a) == -1 || imsgbuf_read(&b) != 1 ||
	    imsg_get(&b, &imsg) <= 0)
		return no();
	got = imsg_get_fd(&imsg);
	imsg_free(&imsg);
	imsgbuf_clear(&a);
	imsgbuf_clear(&b);
	(void)close(a.fd);
	(void)close(b.fd);
	if (got == -1)
		return EIO;
	(void)close(got);
	return 0;
}

static int
send_file(struct room *r)
{
	off_t at = 0;
	char c;

	if (pwrite(r->file, "abcd", 4, 0) != 4)
		return no();
	if (sendfile(r->pair[0], r->file, &at, 1) != 1)
		return no();
	return read(r->pair[1], &c, 1) == 1 ? 0 : no();
}

static volatile sig_atomic_t caught;

static void catch (int signo)
{
	caught = signo;
}

static int
own_signals(struct room *r)
{
	struct sigaction sa;

	(void)r;
	memset(&sa, 0, sizeof(sa));
	sa.sa_handler = catch;
	caught = 0;
	if (sigaction(SIGUSR1, &sa, NULL) == -1 || raise(SIGUSR1) != 0 ||
	    caught != SIGUSR1)
		return no();
	caught = 0;
	return kill(getpid(), SIGUSR1) == 0 && caught == SIGUSR1 ? 0 : no();
}

static int
descriptors(struct room *r)
{
	int a = dup(r->file), b, on = 1, n;

	if (a == -1 || (b = fcntl(a, F_DUPFD_CLOEXEC, 10)) == -1)
		return errno;
	if (fcntl(r->pair[0], F_SETFL, O_NONBLOCK) == -1 ||
	    fcntl(r->pair[0], F_SETFL, 0) == -1 ||
	    ioctl(r->pair[0], FIONREAD, &n) == -1 ||
	    setsockopt(r->pair[0], SOL_SOCKET, SO_SNDBUF, &on, sizeof(on)) ==
		-1 ||
	    ftruncate(r->file, 100) == -1 || lseek(r->file, 0, SEEK_SET) != 0)
		return errno;
	(void)close(a);
	(void)close(b);
	return 0;
}

static int
credentials(struct room *r)
{
	struct ucred u;
	socklen_t len = sizeof(u);

	if (isatty(r->file) || !isatty(r->tty))
		return EIO;
	if (prctl(PR_SET_NAME, "title", 0, 0, 0) == -1 || getppid() <= 0 ||
	    sysconf(_SC_NPROCESSORS_ONLN) < 1 || sysconf(_SC_OPEN_MAX) < 8)
		return no();
	return getsockopt(r->pair[0], SOL_SOCKET, SO_PEERCRED, &u, &len) == -1 ?
	    errno :
	    0;
}

static int
look_up(struct room *r)
{
	struct addrinfo hints, *ai;
	int e;

	(void)r;
	memset(&hints, 0, sizeof(hints));
	hints.ai_socktype = SOCK_STREAM;
	errno = 0;
	if ((e = getaddrinfo("localhost", "80", &hints, &ai)) != 0)
		return errno != 0 ? errno : 1000 - e;
	freeaddrinfo(ai);
	return 0;
}

static int
users(struct room *r)
{
	struct passwd *pw = getpwnam("daemon");
	struct group *gr = getgrgid(0);

	(void)r;
	return pw != NULL && pw->pw_uid == 1 && gr != NULL ? 0 : no();
}

/* true(1), statically linked: fork, exec, wait. */
static int
run_program(struct room *r)
{
	pid_t pid = fork();
	int status;

	(void)r;
	if (pid == -1)
		return errno;
	if (pid == 0) {
		(void)execl("static", "true", (char *)NULL);
		_exit(errno);
	}
	if (waitpid(pid, &status, 0) != pid)
		return no();
	return WIFEXITED(status) ? WEXITSTATUS(status) : EIO;
}

static int
run_shell(struct room *r)
{
	int status = system("exec true");

	(void)r;
	return status == 0 ? 0 : EIO;
}

static int
processes(struct room *r)
{
	DIR *d = opendir("/proc");
	struct dirent *e;
	int n = 0;

	(void)r;
	if (d == NULL)
		return errno;
	while ((e = readdir(d)) != NULL)
		n++;
	(void)closedir(d);
	return n > 3 ? 0 : no();
}

static int
memory_info(struct room *r)
{
	FILE *f = fopen("/proc/meminfo", "r");
	char line[80];

	(void)r;
	if (f == NULL)
		return errno;
	if (fgets(line, sizeof(line), f) == NULL) {
		(void)fclose(f);
		return no();
	}
	(void)fclose(f);
	return 0;
}

/* Of a kernel that is newer than libseccomp: libc does without. */
static int
future_call(struct room *r)
{
	(void)r;
	errno = 0;
	return syscall(500) == -1 && errno == ENOSYS ? 0 : no();
}

#define STDIO(name, function)                             \
	{                                                 \
		name, function, P_STDIO, 0, 0, 0, 0, 0, 0 \
	}

static const struct act work[] = {
	STDIO("printf", print),
	STDIO("fstat", stat_open),
	STDIO("malloc", memory),
	STDIO("localtime", times),
	STDIO("getrandom", randomness),
	STDIO("poll-select-epoll", waiting),
	STDIO("eventfd-timerfd-signalfd", event_sources),
	STDIO("pipe-socketpair-splice", pipes),
	STDIO("imsg", messages),
	STDIO("sendfile", send_file),
	STDIO("raise-kill-self", own_signals),
	STDIO("dup-fcntl-ioctl", descriptors),
	STDIO("future-call", future_call),
	STDIO("isatty-peercred-sysconf", credentials),
	{ "getaddrinfo", look_up, P_DNS, 0, 0, 0, 0, 0, ACT_ONLY },
	{ "getpwnam", users, P_GETPW, 0, 0, 0, 0, 0, ACT_ONLY },
	{ "fork-exec-wait", run_program, P_PROC | P_EXEC, 0, 0, 0, 0, 0,
	    ACT_ONLY },
	{ "system", run_shell, P_PROC | P_EXEC | P_RPATH, 0, 0, 0, 0, 0,
	    ACT_ONLY },
	{ "ps", processes, P_PS, 1, 0, 0, 0, 0, ACT_ONLY },
	{ "vminfo", memory_info, P_VMINFO, 1, 0, 0, 0, 0, ACT_ONLY },
};
const struct acts acts_work = { work, sizeof(work) / sizeof(work[0]) };
