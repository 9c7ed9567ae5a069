/* SPDX-License-Identifier: ISC */
/*
 * Starting the command: seized before it executes anything, with the signals
 * as imsgdump found them.
 */
#define _GNU_SOURCE
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "safe.h"
#include "trace-int.h"

static void
child(struct tracer *tr, char *const argv[], int go)
{
	struct sigaction sa;
	ssize_t n;
	char c;
	int i, e;

	memset(&sa, 0, sizeof(sa));
	for (i = 1; i < SIGNALS; i++) {
		sa.sa_handler = tr->ignored[i] ? SIG_IGN : SIG_DFL;
		(void)sigaction(i, &sa, NULL);
	}
	(void)sigprocmask(SIG_SETMASK, &tr->mask, NULL);
	while ((n = read(go, &c, 1)) == -1 && errno == EINTR)
		continue;
	if (n == 1)
		(void)execvp(argv[0], argv);
	e = errno;
	(void)!write(tr->exec_error[1], &e, sizeof(e));
	_exit(e == ENOENT ? 127 : 126);
}

/* Seized, and at its first stop: from there on all calls are seen. */
static int
take(struct tracer *tr, pid_t pid)
{
	int status;

	if (ptrace(PTRACE_SEIZE, pid, NULL, (void *)TRACE_OPTIONS) == -1) {
		why_print(tr, pid, errno);
		return -1;
	}
	if (ptrace(PTRACE_INTERRUPT, pid, NULL, NULL) == -1 ||
	    waitpid(pid, &status, __WALL) == -1 || !WIFSTOPPED(status)) {
		(void)fprintf(stderr, "imsgdump: the command was killed\n");
		return -1;
	}
	if (thread_add(tr, pid, pid) == NULL) {
		(void)fprintf(stderr, "imsgdump: out of memory\n");
		return -1;
	}
	thread_resume(pid, 0);
	return 0;
}

static int
start(struct tracer *tr, char *const argv[], int go[2])
{
	pid_t pid;

	if ((pid = fork()) == -1) {
		(void)fprintf(stderr, "imsgdump: fork: %s\n", strerror(errno));
		return -1;
	}
	if (pid == 0) {
		(void)close(go[1]);
		child(tr, argv, go[0]);
	}
	if (take(tr, pid) == -1) {
		(void)kill(pid, SIGKILL);
		(void)waitpid(pid, NULL, __WALL);
		return -1;
	}
	tr->command = pid;
	return write(go[1], "", 1) == 1 ? 0 : -1;
}

int
command_start(struct tracer *tr, char *const argv[])
{
	int r, e, go[2];

	tr->command_name = strdup(argv[0]);
	if (tr->command_name == NULL ||
	    pipe2(tr->exec_error, O_CLOEXEC) == -1 ||
	    pipe2(go, O_CLOEXEC) == -1) {
		(void)fprintf(stderr, "imsgdump: %s\n", strerror(errno));
		return -1;
	}
	r = start(tr, argv, go);
	e = errno;
	(void)close(go[0]);
	(void)close(go[1]);
	(void)close(tr->exec_error[1]);
	tr->exec_error[1] = -1;
	errno = e;
	return r;
}

void
command_ended(struct tracer *tr, int status)
{
	char name[256];
	int e;

	tr->command_status = status;
	tr->command = -1;
	if (read(tr->exec_error[0], &e, sizeof(e)) != sizeof(e))
		return;
	safe_text(
	    name, sizeof(name), tr->command_name, strlen(tr->command_name));
	(void)fprintf(stderr, "imsgdump: %s: %s\n", name, strerror(e));
}
