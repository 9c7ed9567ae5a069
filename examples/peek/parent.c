/* SPDX-License-Identifier: ISC */
/*
 * The parent: opens a file, has a worker of its own read it, prints what the
 * worker says.
 *
 * It must never read a byte of the archive, and treats the worker as taken
 * over by whoever made the archive: every message is checked in answer.c,
 * waiting has an end, and the worker is gone when list_file() returns.
 */
#define _POSIX_C_SOURCE 200809L

#include <sys/types.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <imsg.h>

#include "answer.h"
#include "entry.h"
#include "parent.h"
#include "worker.h"

struct job {
	const char *path;
	struct imsgbuf ib;
	pid_t pid;
	int sock;
	size_t nth;
	struct answer a;
};

static struct text
text_of(const char *s)
{
	struct text t = { s, strlen(s) };

	return t;
}

/* O_NONBLOCK: a FIFO without a writer must not hold us. */
static int
open_file(struct job *j)
{
	struct stat st;
	int fd;

	fd = open(j->path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
	if (fd == -1) {
		/* ENXIO is open(2)'s word for a socket. */
		answer_fail(&j->a, "%s",
		    errno == ENXIO ? "not a regular file" : strerror(errno));
		return -1;
	}
	if (fstat(fd, &st) == -1)
		answer_fail(&j->a, "%s", strerror(errno));
	else if (S_ISDIR(st.st_mode))
		answer_fail(&j->a, "is a directory");
	else if (!S_ISREG(st.st_mode))
		answer_fail(&j->a, "not a regular file");
	else if (st.st_size == 0)
		answer_fail(&j->a, "is empty");
	if (!j->a.failed)
		return fd;
	(void)close(fd);
	return -1;
}

static int
start_worker(struct job *j)
{
	int sv[2];

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, sv) == -1) {
		answer_fail(&j->a, "socketpair: %s", strerror(errno));
		return -1;
	}
	(void)fcntl(sv[0], F_SETFD, FD_CLOEXEC);
	if ((j->pid = fork()) == -1) {
		answer_fail(&j->a, "fork: %s", strerror(errno));
		(void)close(sv[0]);
		(void)close(sv[1]);
		return -1;
	}
	if (j->pid == 0) {
		(void)close(sv[0]);
		worker_main(sv[1]);
	}
	(void)close(sv[1]);
	j->sock = sv[0];
	return 0;
}

static void
converse(struct job *j, int fd)
{
	imsgbuf_allow_fdpass(&j->ib);
	imsgbuf_set_cloexec(&j->ib);
	if (imsg_compose(&j->ib, PEEK_OPEN, 0, 0, fd, NULL, 0) == -1) {
		answer_fail(&j->a, "cannot send: %s", strerror(errno));
		(void)close(fd);
		return;
	}
	/* From here on fd is the library's. */
	if (imsgbuf_flush_timeout(&j->ib, SILENCE_MS) == -1) {
		answer_failed(&j->a, errno);
		return;
	}
	do {
		progress_show(j->a.screen, j->nth, j->a.entries);
	} while (answer_receive(&j->a, &j->ib));
}

/*
 * POSIX has no wait with a deadline, and a worker may live on without its
 * socket.  0; 1 if it had to be killed; -1 with errno.
 */
static int
wait_for(pid_t pid, int *status, int ms)
{
	struct timespec pause = { 0, 1000000 };
	pid_t r;
	int killed = 0;

	for (;;) {
		r = waitpid(pid, status, ms > 0 ? WNOHANG : 0);
		if (r == pid)
			return killed;
		if (r == -1 && errno != EINTR)
			return -1;
		(void)nanosleep(&pause, NULL);
		if (ms > 0 && --ms == 0) {
			(void)kill(pid, SIGKILL);
			killed = 1;
		}
	}
}

static void
judge(struct job *j, int status)
{
	if (WIFSIGNALED(status))
		answer_fail(&j->a, "worker killed by signal %d (%s)",
		    WTERMSIG(status), strsignal(WTERMSIG(status)));
	else if (!j->a.ended)
		answer_fail(&j->a, "worker stopped early");
	else if (WEXITSTATUS(status) != 0)
		answer_fail(&j->a, "worker stopped with status %d",
		    WEXITSTATUS(status));
}

/*
 * A worker that went by itself gets a moment to become a zombie, and its
 * status counts.  Any other is of no more use.
 */
static void
reap(struct job *j)
{
	int status;

	if (!j->a.gone)
		(void)kill(j->pid, SIGKILL);
	switch (wait_for(j->pid, &status, j->a.gone ? GRACE_MS : 0)) {
	case 0:
		if (j->a.gone)
			judge(j, status);
		break;
	case 1:
		answer_fail(&j->a, "worker closed its socket but did not stop");
		break;
	default:
		answer_fail(&j->a, "waitpid: %s", strerror(errno));
	}
}

static void
run(struct job *j)
{
	int fd;

	if ((fd = open_file(j)) == -1)
		return;
	if (start_worker(j) == -1) {
		(void)close(fd);
		return;
	}
	print_heading(j->a.screen, j->path);
	if (imsgbuf_init(&j->ib, j->sock) == -1) {
		answer_fail(&j->a, "%s", strerror(errno));
		(void)close(fd);
	} else {
		converse(j, fd);
		imsgbuf_clear(&j->ib);
	}
	(void)close(j->sock);
	reap(j);
}

void
list_file(struct screen *s, const char *path, struct totals *t)
{
	struct job j;

	memset(&j, 0, sizeof(j));
	j.a.screen = s;
	j.path = path;
	j.nth = (size_t)t->files + 1;
	run(&j);
	progress_clear(s);
	if (j.a.failed)
		complain(s, path, text_of(j.a.why));
	t->files++;
	t->failed += j.a.failed;
	t->entries = answer_sum(t->entries, j.a.entries);
	t->bytes = answer_sum(t->bytes, j.a.bytes);
}
