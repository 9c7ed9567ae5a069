/* SPDX-License-Identifier: ISC */
/*
 * The parent: opens a file, has a worker of its own read it, prints what the
 * worker says.
 *
 * It must never read a byte of the archive, and treats the worker as taken
 * over by whoever made the archive: every message is checked, waiting has an
 * end, and the worker is gone when list_file() returns.
 */
#define _POSIX_C_SOURCE 200809L

#include <sys/types.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <imsg.h>

#include "entry.h"
#include "parent.h"
#include "worker.h"

/* The longest silence, and how long to die after the last message. */
#define SILENCE_MS 120000
#define GRACE_MS   5000

struct job {
	struct screen *screen;
	const char *path;
	struct imsgbuf ib;
	pid_t pid;
	int sock;
	size_t nth;
	uint64_t entries;
	uint64_t bytes;
	bool ended;		  /* PEEK_END or PEEK_ERROR came */
	bool gone;		  /* end of file, the worker's doing */
	bool failed;		  /* why says why */
	char why[ERROR_TEXT_MAX]; /* not fit for a terminal yet */
};

static uint64_t
sum(uint64_t a, uint64_t b)
{
	return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

/* The first failure is the one that explains the others. */
static void __attribute__((__format__(__printf__, 2, 3)))
fail(struct job *j, const char *fmt, ...)
{
	va_list ap;

	if (j->failed)
		return;
	j->failed = true;
	va_start(ap, fmt);
	(void)vsnprintf(j->why, sizeof(j->why), fmt, ap);
	va_end(ap);
}

static void
fail_text(struct job *j, struct text t)
{
	fail(j, "%.*s", (int)t.len, t.data);
}

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
		fail(j, "%s",
		    errno == ENXIO ? "not a regular file" : strerror(errno));
		return -1;
	}
	if (fstat(fd, &st) == -1)
		fail(j, "%s", strerror(errno));
	else if (S_ISDIR(st.st_mode))
		fail(j, "is a directory");
	else if (!S_ISREG(st.st_mode))
		fail(j, "not a regular file");
	else if (st.st_size == 0)
		fail(j, "is empty");
	if (!j->failed)
		return fd;
	(void)close(fd);
	return -1;
}

static int
start_worker(struct job *j)
{
	int sv[2];

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, sv) == -1) {
		fail(j, "socketpair: %s", strerror(errno));
		return -1;
	}
	(void)fcntl(sv[0], F_SETFD, FD_CLOEXEC);
	if ((j->pid = fork()) == -1) {
		fail(j, "fork: %s", strerror(errno));
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
handle_entry(struct job *j, struct imsg *m)
{
	struct ibuf payload;
	struct entry e;

	if (imsg_get_ibuf(m, &payload) == -1 ||
	    entry_take(&payload, &e) == -1) {
		fail(j, "worker sent a malformed entry");
		return;
	}
	j->entries++;
	j->bytes = sum(j->bytes, e.size);
	print_entry(j->screen, &e);
}

static void
handle_end(struct job *j, struct imsg *m)
{
	struct ibuf b;
	uint64_t entries;

	if (imsg_get_ibuf(m, &b) == -1 || ibuf_get_n64(&b, &entries) == -1 ||
	    ibuf_size(&b) > 0)
		fail(j, "worker sent a malformed end");
	else if (entries != j->entries)
		fail(j, "worker sent %" PRIu64 " entries but counts %" PRIu64,
		    j->entries, entries);
	else
		j->ended = true;
}

static void
handle_error(struct job *j, struct imsg *m)
{
	struct ibuf b;
	struct text t;

	if (imsg_get_ibuf(m, &b) == -1 ||
	    text_take(&b, &t, ERROR_TEXT_MAX) == -1 || ibuf_size(&b) > 0) {
		fail(j, "worker sent a malformed error");
		return;
	}
	j->ended = true;
	fail_text(j, t);
}

static void
handle(struct job *j, struct imsg *m)
{
	if (j->ended) {
		fail(j, "worker went on after its end");
		return;
	}
	if (imsg_fd_status(m) != IMSG_FD_NONE) {
		fail(j, "worker sent a descriptor");
		return;
	}
	switch (imsg_get_type(m)) {
	case PEEK_ENTRY:
		handle_entry(j, m);
		break;
	case PEEK_END:
		handle_end(j, m);
		break;
	case PEEK_ERROR:
		handle_error(j, m);
		break;
	default:
		fail(j, "worker sent a message of unknown type %" PRIu32,
		    imsg_get_type(m));
	}
}

static void
handle_failure(struct job *j, int error)
{
	switch (error) {
	case ECONNRESET:
	case EPIPE:
		/* It died before it read the request. */
		j->gone = true;
		break;
	case ETIMEDOUT:
		if (j->ended)
			fail(j, "worker did not stop after its end");
		else
			fail(j, "worker was silent for %d seconds",
			    SILENCE_MS / 1000);
		break;
	case ERANGE:
	case EPROTO:
		fail(j, "worker sent something that is no message");
		break;
	default:
		fail(j, "worker: %s", strerror(error));
	}
}

/* True while more shall be received: up to the end, and the end of file. */
static bool
receive(struct job *j)
{
	struct imsg m;
	bool was_ended = j->ended;

	switch (imsgbuf_recv(&j->ib, &m, j->ended ? GRACE_MS : SILENCE_MS)) {
	case 1:
		handle(j, &m);
		imsg_free(&m);
		if (ferror(stdout))
			return false;
		return j->ended ? !was_ended : !j->failed;
	case 0:
		j->gone = true;
		if (j->ended && imsgbuf_partial(&j->ib))
			fail(j, "worker went on after its end");
		return false;
	default:
		handle_failure(j, errno);
		return false;
	}
}

static void
converse(struct job *j, int fd)
{
	imsgbuf_allow_fdpass(&j->ib);
	imsgbuf_set_cloexec(&j->ib);
	if (imsg_compose(&j->ib, PEEK_OPEN, 0, 0, fd, NULL, 0) == -1) {
		fail(j, "cannot send: %s", strerror(errno));
		(void)close(fd);
		return;
	}
	/* From here on fd is the library's. */
	if (imsgbuf_flush_timeout(&j->ib, SILENCE_MS) == -1) {
		handle_failure(j, errno);
		return;
	}
	do {
		progress_show(j->screen, j->nth, j->entries);
	} while (receive(j));
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
		fail(j, "worker killed by signal %d (%s)", WTERMSIG(status),
		    strsignal(WTERMSIG(status)));
	else if (!j->ended)
		fail(j, "worker stopped early");
	else if (WEXITSTATUS(status) != 0)
		fail(j, "worker stopped with status %d", WEXITSTATUS(status));
}

/*
 * A worker that went by itself gets a moment to become a zombie, and its
 * status counts.  Any other is of no more use.
 */
static void
reap(struct job *j)
{
	int status;

	if (!j->gone)
		(void)kill(j->pid, SIGKILL);
	switch (wait_for(j->pid, &status, j->gone ? GRACE_MS : 0)) {
	case 0:
		if (j->gone)
			judge(j, status);
		break;
	case 1:
		fail(j, "worker closed its socket but did not stop");
		break;
	default:
		fail(j, "waitpid: %s", strerror(errno));
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
	print_heading(j->screen, j->path);
	if (imsgbuf_init(&j->ib, j->sock) == -1) {
		fail(j, "%s", strerror(errno));
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
	j.screen = s;
	j.path = path;
	j.nth = (size_t)t->files + 1;
	run(&j);
	progress_clear(s);
	if (j.failed)
		complain(s, path, text_of(j.why));
	t->files++;
	t->failed += j.failed;
	t->entries = sum(t->entries, j.entries);
	t->bytes = sum(t->bytes, j.bytes);
}
