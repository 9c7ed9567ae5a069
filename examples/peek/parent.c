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
#include <sys/stat.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "answer.h"
#include "entry.h"
#include "parent.h"
#include "worker.h"

struct job {
	const char *path;
	struct imsgproc_child worker;
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
	static bool said;
	char why[ERROR_TEXT_MAX];

	if (imsgproc_spawn(
		&peek_daemon, WORKER, &j->worker, why, sizeof(why)) == -1) {
		answer_fail(&j->a, "%s", why);
		return -1;
	}
	if (why[0] != '\0' && !said)
		complain(j->a.screen, "sandbox", text_of(why));
	said = true;
	return 0;
}

static void
converse(struct job *j, int fd)
{
	if (imsg_compose(&j->worker.ib, PEEK_OPEN, 0, 0, fd, NULL, 0) == -1) {
		answer_fail(&j->a, "cannot send: %s", strerror(errno));
		(void)close(fd);
		return;
	}
	/* From here on fd is the library's. */
	if (imsgbuf_flush_timeout(&j->worker.ib, SILENCE_MS) == -1) {
		answer_failed(&j->a, errno);
		return;
	}
	do {
		progress_show(j->a.screen, j->nth, j->a.entries);
	} while (answer_receive(&j->a, &j->worker.ib));
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

	switch (imsgproc_wait(&j->worker, j->a.gone ? GRACE_MS : 0, &status)) {
	case 0:
		if (j->a.gone)
			judge(j, status);
		break;
	case 1:
		if (j->a.gone)
			answer_fail(
			    &j->a, "worker closed its socket but did not stop");
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
	converse(j, fd);
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
