/* SPDX-License-Identifier: ISC */
/* See host.h. */
#define _GNU_SOURCE
#include "host.h"

#include <sys/stat.h>
#include <sys/wait.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define HOST_ARG "--host="
#define HOST_ENV "IMSGPROC_TEST_TABLE"

void (*host_before)(void);

static const struct imsgproc_daemon *
table(const char *name)
{
	const struct imsgproc_daemon *const *d;

	for (d = host_tables; *d != NULL; d++)
		if (name != NULL && strcmp((*d)->name, name) == 0)
			return *d;
	return host_tables[0];
}

static int
open_files(void)
{
	int fd, n = 0;

	for (fd = 0; fd < 1024; fd++)
		n += fcntl(fd, F_GETFD) != -1;
	return n;
}

struct before {
	int files;
	sigset_t mask;
	struct sigaction sa[32];
};

static void
look(struct before *b)
{
	int i;

	memset(b, 0, sizeof(*b));
	b->files = open_files();
	sigprocmask(SIG_SETMASK, NULL, &b->mask);
	for (i = 1; i < 32; i++)
		sigaction(i, NULL, &b->sa[i]);
}

static bool
same_signals(const struct before *a, const struct before *b)
{
	int i;

	/* SIGSYS is for good, as is the sandbox of who has one. */
	for (i = 1; i < 32; i++)
		if ((i != SIGSYS &&
			a->sa[i].sa_handler != b->sa[i].sa_handler) ||
		    sigismember(&a->mask, i) != sigismember(&b->mask, i))
			return false;
	return true;
}

static int
host_main(const struct imsgproc_daemon *d)
{
	struct before a, b;
	char line[160];
	int r, status;
	pid_t left;

	setenv(HOST_ENV, d->name, 1);
	if (host_before != NULL)
		host_before();
	look(&a);
	r = imsgproc_run(d, NULL);
	left = waitpid(-1, &status, WNOHANG);
	if (left == -1 && errno == ECHILD)
		left = 0;
	look(&b);
	(void)snprintf(line, sizeof(line),
	    "\nRETURNED %d; files %d; child %ld; signals %d\n", r,
	    b.files - a.files, (long)left, same_signals(&a, &b));
	(void)!write(STDERR_FILENO, line, strlen(line));
	return 0;
}

void
host_init(int argc, char **argv)
{
	size_t len = strlen(HOST_ARG);

	imsgproc_init(argc, argv, table(getenv(HOST_ENV)));
	if (argc == 2 && strncmp(argv[1], HOST_ARG, len) == 0)
		exit(host_main(table(argv[1] + len)));
}

void
host_start(struct host *h, const char *name)
{
	char arg[64];
	int p[2];

	memset(h, 0, sizeof(*h));
	(void)snprintf(arg, sizeof(arg), HOST_ARG "%s", name);
	assert_int_equal(pipe2(p, O_CLOEXEC), 0);
	assert_true((h->pid = fork()) != -1);
	if (h->pid == 0) {
		(void)dup2(p[1], STDERR_FILENO);
		(void)execl("/proc/self/exe", "test", arg, (char *)NULL);
		_exit(99);
	}
	(void)close(p[1]);
	h->out = p[0];
}

static int64_t
now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* More of it: 1; 0 at the end. */
static int
more(struct host *h, int64_t end)
{
	struct pollfd p = { .fd = h->out, .events = POLLIN };
	int64_t left = end - now_ms();
	ssize_t n;

	if (left <= 0 || poll(&p, 1, (int)left) != 1) {
		print_error("too late; so far:\n%s\n", h->text);
		(void)kill(h->pid, SIGKILL);
		fail();
	}
	assert_true(h->len < sizeof(h->text) - 1);
	n = read(h->out, h->text + h->len, sizeof(h->text) - 1 - h->len);
	assert_true(n >= 0);
	h->len += (size_t)n;
	h->text[h->len] = '\0';
	return n > 0;
}

const char *
host_expect(struct host *h, const char *what)
{
	int64_t end = now_ms() + PATIENCE;
	static char line[1024];
	const char *p, *nl;

	while ((p = strstr(h->text + h->at, what)) == NULL ||
	    (nl = strchr(p, '\n')) == NULL)
		if (!more(h, end)) {
			print_error("no \"%s\" in:\n%s\n", what, h->text);
			fail();
		}
	h->at = (size_t)(nl + 1 - h->text);
	while (p > h->text && p[-1] != '\n')
		p--;
	(void)snprintf(line, sizeof(line), "%.*s", (int)(nl - p), p);
	return line;
}

unsigned int
host_count(const struct host *h, const char *what)
{
	const char *p = h->text;
	unsigned int n = 0;

	while ((p = strstr(p, what)) != NULL) {
		p += strlen(what);
		n++;
	}
	return n;
}

size_t
host_place(const struct host *h, const char *what)
{
	const char *p = strstr(h->text, what);

	if (p == NULL)
		print_error("no \"%s\" in:\n%s\n", what, h->text);
	assert_non_null(p);
	return (size_t)(p - h->text);
}

long
host_number(const char *line, const char *word)
{
	const char *p = strstr(line, word);

	assert_non_null(p);
	return strtol(p + strlen(word), NULL, 10);
}

int
host_end(struct host *h)
{
	int64_t end = now_ms() + PATIENCE;
	const char *p;
	int status;

	while (more(h, end))
		;
	(void)close(h->out);
	assert_int_equal(waitpid(h->pid, &status, 0), h->pid);
	p = strstr(h->text, "RETURNED ");
	if (status != 0 || p == NULL ||
	    strstr(p, "; files 0; child 0; signals 1\n") == NULL) {
		print_error("status 0x%x, and\n%s\n", status, h->text);
		fail();
	}
	return (int)host_number(p, "RETURNED ");
}

int
host_stop(struct host *h)
{
	assert_int_equal(kill(h->pid, SIGTERM), 0);
	return host_end(h);
}

void
host_wait(bool (*what)(const void *), const void *arg)
{
	int64_t end = now_ms() + PATIENCE;

	while (!what(arg) && now_ms() < end)
		(void)poll(NULL, 0, 1);
}

const char *
host_open(void)
{
	static char list[1024];
	struct stat st;
	size_t at = 0;
	int fd;

	list[0] = '\0';
	for (fd = 0; fd < 1024 && at < sizeof(list) - 16; fd++) {
		if (fstat(fd, &st) == -1)
			continue;
		at += (size_t)snprintf(list + at, sizeof(list) - at, "%s%d%c",
		    at > 0 ? " " : "", fd,
		    S_ISSOCK(st.st_mode)     ? 's' :
			S_ISFIFO(st.st_mode) ? 'p' :
			S_ISCHR(st.st_mode)  ? 'c' :
					       '?');
	}
	return list;
}
