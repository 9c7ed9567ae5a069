/* SPDX-License-Identifier: ISC */
/*
 * What the tests of the tracer have in common.
 */
#define _GNU_SOURCE
#include <sys/mman.h>
#include <sys/wait.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "trace-lib.h"

static int fds_before, saved_stderr, capture;

static int
count_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int n = 0;

	assert_non_null(dir);
	while (readdir(dir) != NULL)
		n++;
	(void)closedir(dir);
	return n;
}

int
t_count(void **state)
{
	(void)state;
	fds_before = count_fds();
	return 0;
}

int
t_counted(void **state)
{
	(void)state;
	assert_int_equal(waitpid(-1, NULL, __WALL | WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
	assert_int_equal(count_fds(), fds_before);
	return 0;
}

const char *
t_talker(void)
{
	const char *s = getenv("TRACE_TALK");

	if (s == NULL)
		fail_msg("TRACE_TALK is not the path of trace-talk");
	return s;
}

int
t_run_argv(char *const argv[])
{
	struct tracer *tr;
	int status;

	assert_non_null(tr = trace_new(fake.channels));
	assert_int_equal(trace_command(tr, argv), 0);
	assert_int_equal(trace_run(tr, &fake.sink), 0);
	status = trace_status(tr);
	trace_free(tr);
	return status;
}

static void
arguments(char *argv[4], const char *mode, const char *arg)
{
	argv[0] = (char *)(uintptr_t)t_talker();
	argv[1] = (char *)(uintptr_t)mode;
	argv[2] = (char *)(uintptr_t)arg;
	argv[3] = NULL;
}

int
t_run(const char *mode, const char *arg)
{
	char *argv[4];

	arguments(argv, mode, arg);
	return t_run_argv(argv);
}

void
t_talk(const char *mode, const char *arg, int wants_recv)
{
	fake_begin();
	fake.wants_recv = wants_recv;
	assert_int_equal(t_run(mode, arg), 0);
	assert_true(fake.flushed > 0);
}

size_t
t_nth(size_t n)
{
	static size_t at, nth;

	if (n == 0 || n < nth)
		at = nth = 0;
	for (; at < fake.n; at++) {
		if (fake.heard[at].kind != HEARD_BYTES)
			continue;
		if (nth == n)
			return at;
		nth++;
	}
	fail_msg("no such message");
	return 0;
}

pid_t
t_start(const char *mode, const char *arg, int *input)
{
	char *argv[4];
	int p[2];
	pid_t pid;

	arguments(argv, mode, arg);
	assert_int_equal(pipe2(p, O_CLOEXEC), 0);
	assert_true((pid = fork()) != -1);
	if (pid == 0) {
		(void)dup2(p[0], 0);
		(void)execv(argv[0], argv);
		_exit(127);
	}
	(void)close(p[0]);
	*input = p[1];
	return pid;
}

int
t_reap(pid_t pid)
{
	static const struct timespec pause = { 0, 1000000 };
	int i, status;
	pid_t r;

	for (i = 0; i < 60000; i++) {
		r = waitpid(pid, &status, __WALL | WNOHANG);
		if (r > 0)
			return status;
		assert_int_equal(r, 0);
		(void)nanosleep(&pause, NULL);
	}
	fail_msg("process %ld does not end", (long)pid);
	return -1;
}

void
t_status(pid_t pid, const char *name, char *out, size_t size)
{
	char path[64], line[256];
	FILE *f;

	out[0] = '\0';
	(void)snprintf(path, sizeof(path), "/proc/%ld/status", (long)pid);
	if ((f = fopen(path, "re")) == NULL)
		return;
	while (out[0] == '\0' && fgets(line, sizeof(line), f) != NULL) {
		if (strncmp(line, name, strlen(name)) == 0)
			(void)snprintf(out, size, "%s", line + strlen(name));
	}
	(void)fclose(f);
}

int
t_is_traced(pid_t pid)
{
	char tracer[64];

	t_status(pid, "TracerPid:", tracer, sizeof(tracer));
	return atoi(tracer) != 0;
}

void
t_wait_zombie(pid_t pid)
{
	static const struct timespec pause = { 0, 1000000 };
	char state[64];
	int i;

	for (i = 0; i < 60000; i++) {
		t_status(pid, "State:\t", state, sizeof(state));
		if (state[0] == 'Z')
			return;
		(void)nanosleep(&pause, NULL);
	}
	fail_msg("process %ld does not end: %s", (long)pid, state);
}

void
t_capture_begin(void)
{
	(void)fflush(stderr);
	saved_stderr = dup(2);
	capture = memfd_create("stderr", MFD_CLOEXEC);
	assert_true(saved_stderr != -1 && capture != -1);
	assert_int_equal(dup2(capture, 2), 2);
}

void
t_capture_end(char *text, size_t size)
{
	ssize_t n;

	(void)fflush(stderr);
	assert_int_equal(dup2(saved_stderr, 2), 2);
	(void)close(saved_stderr);
	n = pread(capture, text, size - 1, 0);
	(void)close(capture);
	assert_true(n >= 0);
	text[n] = '\0';
}

int
t_occurs(const char *text, const char *word)
{
	int n = 0;

	while ((text = strstr(text, word)) != NULL) {
		text += strlen(word);
		n++;
	}
	return n;
}
