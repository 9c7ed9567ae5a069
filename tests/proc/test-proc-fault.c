/* SPDX-License-Identifier: ISC */
/*
 * A daemon, and a single process, with each system call and each allocation
 * failing in turn, between fork and exec, too: either it starts or there is
 * nothing left of it, and never a crash or a wait without end.
 *
 * Not made to fail: what ends processes and frees, putting back signals, and
 * the byte of a signal handler; no kernel does that.
 */
#define _GNU_SOURCE
#include "host.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "os.h"

/* As this kernel has it. */
int imsgpi_test_level = 99;

#define FAIL_AT "IMSGPROC_TEST_FAIL"

/* So many calls there are between fork and exec, at most. */
#define CHILD 12

static struct imsgpi_os real;
static unsigned long fault_calls, fault_at;
static bool fault_on;
static pid_t fault_home;

/* Whether this is the one. */
static bool
now_fails(int error)
{
	if (!fault_on || ++fault_calls != fault_at)
		return false;
	errno = error;
	return true;
}

/* Allocations of this program, its libraries among them; see meson.build. */
void *__real_malloc(size_t);
void *__real_calloc(size_t, size_t);
void *__real_realloc(void *, size_t);
void *__wrap_malloc(size_t);
void *__wrap_calloc(size_t, size_t);
void *__wrap_realloc(void *, size_t);

void *
__wrap_malloc(size_t n)
{
	return now_fails(ENOMEM) ? NULL : __real_malloc(n);
}

void *
__wrap_calloc(size_t n, size_t m)
{
	return now_fails(ENOMEM) ? NULL : __real_calloc(n, m);
}

void *
__wrap_realloc(void *p, size_t n)
{
	return now_fails(ENOMEM) ? NULL : __real_realloc(p, n);
}

#define WRAP(name, error, params, args)                        \
	static int f_##name params                             \
	{                                                      \
		return now_fails(error) ? -1 : real.name args; \
	}

WRAP(open, EMFILE, (const char *p, int f), (p, f))
WRAP(dup, EMFILE, (int fd, int least), (fd, least))
WRAP(dup2, EBADF, (int a, int b), (a, b))
WRAP(cloexec, EBADF, (int fd, int on), (fd, on))
WRAP(stat, EIO, (const char *p, struct stat *st), (p, st))
WRAP(pipe, EMFILE, (int p[2]), (p))
WRAP(socketpair, ENFILE, (int d, int t, int s[2]), (d, t, s))
WRAP(socket, ENOBUFS, (int d, int t), (d, t))
WRAP(connect, ECONNREFUSED, (int s, const struct sockaddr *a, socklen_t l),
    (s, a, l))
WRAP(poll, ENOMEM, (struct pollfd * p, nfds_t n, int ms), (p, n, ms))
WRAP(openself, ENOENT, (void), ())
WRAP(self, EIO, (char *p, size_t n), (p, n))
WRAP(fork, EAGAIN, (void), ())
WRAP(execfd, ENOMEM, (int fd, char *const a[], char *const e[]), (fd, a, e))
WRAP(execve, ENOEXEC, (const char *p, char *const a[], char *const e[]),
    (p, a, e))
WRAP(pidfd, EMFILE, (pid_t pid), (pid))
WRAP(getuids, EIO, (uid_t u[3]), (u))
WRAP(getrlimit, EIO, (int what, struct rlimit *r), (what, r))

static ssize_t
f_sendto(int s, const void *p, size_t n, int flags, const struct sockaddr *a,
    socklen_t l)
{
	return now_fails(EAGAIN) ? -1 : real.sendto(s, p, n, flags, a, l);
}

static ssize_t
f_write(int fd, const void *p, size_t n)
{
	if (real.getpid() != fault_home && now_fails(EPIPE))
		return -1;
	return real.write(fd, p, n);
}

static int
f_sigaction(int signo, const struct sigaction *sa, struct sigaction *old)
{
	/* Between fork and exec all of them are treated alike. */
	if ((real.getpid() == fault_home ? (sa->sa_flags & SA_RESTART) != 0 :
					   signo == SIGHUP) &&
	    now_fails(EINVAL))
		return -1;
	return real.sigaction(signo, sa, old);
}

static int
f_sigprocmask(int how, const sigset_t *set, sigset_t *old)
{
	if ((real.getpid() != fault_home || old != NULL) && now_fails(EINVAL))
		return -1;
	return real.sigprocmask(how, set, old);
}

static struct passwd *
f_getpwnam(const char *name)
{
	return now_fails(EMFILE) ? NULL : real.getpwnam(name);
}

static void
faults(unsigned long at)
{
	if (real.close == NULL)
		real = imsgpi_os;
	fault_home = getpid();
	fault_at = at;
	fault_calls = 0;
	fault_on = true;
#define USE(name) imsgpi_os.name = f_##name
	USE(open), USE(dup), USE(dup2), USE(cloexec), USE(stat), USE(pipe);
	USE(socketpair), USE(socket), USE(connect), USE(poll);
	USE(openself), USE(self), USE(fork), USE(execfd);
	USE(execve), USE(pidfd), USE(getuids), USE(getrlimit), USE(sendto);
	USE(write), USE(sigaction), USE(sigprocmask), USE(getpwnam);
}

/* daemon: two that talk, one after the other, and a service manager. */

static void
before(void)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int s = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	(void)snprintf(sun.sun_path + 1, sizeof(sun.sun_path) - 1,
	    "test-proc-fault-%ld", (long)getpid());
	if (bind(s, (struct sockaddr *)&sun,
		(socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 +
		    strlen(sun.sun_path + 1))) == -1)
		abort();
	sun.sun_path[0] = '@';
	setenv("NOTIFY_SOCKET", sun.sun_path, 1);
	faults(strtoul(getenv(FAIL_AT), NULL, 10));
}

static int
parent_start(struct imsgproc *p)
{
	imsgproc_log(p, 6, "up, %lu calls", fault_calls);
	imsgproc_stop(p, 0);
	return 0;
}

static int
echo_run(struct imsgproc *p)
{
	struct imsg m;

	while (imsgbuf_recv(imsgproc_parent_imsgbuf(p), &m, -1) == 1)
		imsg_free(&m);
	return 0;
}

static void
parent_stop(struct imsgproc *p)
{
	imsgproc_log(p, 6, "stopping, %lu calls", fault_calls);
}

static const struct imsgproc_limit limits[] = { { RLIMIT_NOFILE, 64 },
	{ -1, 0 } };
static const struct imsgproc_spec procs[] = {
	{ IMSGPROC_HERE, .name = "p", .talks = "a", .start = parent_start,
	    .stop = parent_stop },
	{ IMSGPROC_HERE, .name = "a", .talks = "b", .needs = "b" },
	{ IMSGPROC_HERE, .name = "b", .limits = limits },
	{ IMSGPROC_HERE, .name = "echo", .run = echo_run,
	    .flags = IMSGPROC_ON_DEMAND },
};
static const struct imsgproc_daemon fault = { .name = "fault",
	.procs = procs,
	.nprocs = 4,
	.stop_ms = 1000,
	.start_ms = 5000 };
const struct imsgproc_daemon *const host_tables[] = { &fault, NULL };

static int
fault_run(struct host *h, unsigned long at)
{
	char text[32];

	(void)snprintf(text, sizeof(text), "%lu", at);
	setenv(FAIL_AT, text, 1);
	host_start(h, "fault");
	return host_end(h);
}

static void
a_daemon(void **state)
{
	unsigned long at, last, none = 0, stopped = 0, step = 1;
	struct host h;

	(void)state;
	assert_int_equal(fault_run(&h, 0), 0);
	last = (unsigned long)host_number(strstr(h.text, "stopping"), ", ");
	assert_true(last > 40);
	if (getenv("IMSGPROC_TEST_STEP") != NULL)
		step = strtoul(getenv("IMSGPROC_TEST_STEP"), NULL, 10);
	for (at = 1; at <= last + CHILD; at += step) {
		switch (fault_run(&h, at)) {
		case 0:
			assert_int_equal(host_count(&h, " p: stopping"), 1);
			break;
		case 1:
			if (host_count(&h, " p: up") == 0)
				none++;
			else
				stopped++;
			break;
		default:
			fail_msg("%s", h.text);
		}
	}
	print_message("%lu calls: not started %lu times, ended early %lu\n",
	    last, none, stopped);
	assert_true(none > 20);
}

/* spawn */

static int
files(void)
{
	int fd, n = 0;

	for (fd = 0; fd < 256; fd++)
		n += fcntl(fd, F_GETFD) != -1;
	return n;
}

static void
one_process(void **state)
{
	int before_files = files(), r, status;
	struct imsgproc_child c;
	unsigned long at, failed = 0;
	sigset_t mask;
	char why[256];

	(void)state;
	for (at = 1;; at++) {
		faults(at);
		r = imsgproc_spawn(&fault, "echo", &c, why, sizeof(why));
		failed += r == -1;
		if (r == 0)
			assert_true(imsgproc_wait(&c, PATIENCE, &status) >= 0);
		fault_on = false;
		assert_int_equal(files(), before_files);
		assert_int_equal(waitpid(-1, &status, WNOHANG), -1);
		assert_int_equal(errno, ECHILD);
		assert_int_equal(sigprocmask(SIG_SETMASK, NULL, &mask), 0);
		assert_false(sigismember(&mask, SIGTERM));
		if (r == 0 && fault_calls + CHILD < at)
			break;
	}
	print_message("%lu calls: not started %lu times\n", at - 1, failed);
	assert_true(failed > 7);
}

/* Systems that lack some of it. */

static int
no_execfd(int fd, char *const argv[], char *const envp[])
{
	(void)fd;
	(void)argv;
	(void)envp;
	errno = ENOSYS;
	return -1;
}

static int
no_openself(void)
{
	errno = ENOENT;
	return -1;
}

static int
no_self(char *path, size_t size)
{
	(void)path;
	(void)size;
	errno = ENOTSUP;
	return -1;
}

static int
no_number(int n)
{
	(void)n;
	errno = ENOSYS;
	return -1;
}

static void
comes_up(void)
{
	struct imsgproc_child c;
	char why[256];
	int status;

	if (imsgproc_spawn(&fault, "echo", &c, why, sizeof(why)) == -1)
		fail_msg("%s", why);
	assert_int_equal(imsgproc_wait(&c, PATIENCE, &status), 0);
	assert_int_equal(status, 0);
}

static void
poor_systems(void **state)
{
	(void)state;
	faults(0);
	fault_on = false;
	imsgpi_os.execfd = no_execfd;
	comes_up();
	imsgpi_os.openself = no_openself;
	comes_up();
	imsgpi_os.pidfd = no_number;
	comes_up();
	/* What main() was called with. */
	imsgpi_os.self = no_self;
	comes_up();
}

static int
set_id(void)
{
	return 1;
}

/* A program that has changed its user does not do what its caller says. */
static void
a_set_id_program(void **state)
{
	struct imsgproc_child c;
	char why[256];

	(void)state;
	faults(0);
	fault_on = false;
	imsgpi_os.openself = no_openself;
	imsgpi_os.self = no_self;
	imsgpi_os.secure = set_id;
	assert_int_equal(
	    imsgproc_spawn(&fault, "echo", &c, why, sizeof(why)), -1);
	assert_non_null(strstr(why, "the program's own file: "));
	imsgpi_os = real;
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_process),
		cmocka_unit_test(poor_systems),
		cmocka_unit_test(a_set_id_program),
		cmocka_unit_test(a_daemon),
	};

	host_before = before;
	host_init(argc, argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
