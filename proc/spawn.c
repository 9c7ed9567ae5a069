/* SPDX-License-Identifier: ISC */
/*
 * One process at a time, for programs that are no daemons: no loop, no signal
 * handler; the program waits, and not longer than it says.
 */
#include "feature.h"

#include <sys/wait.h>
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "launch.h"
#include "words.h"

/* A new process and what is said about it. */
struct spawn {
	const struct imsgproc_daemon *d;
	const struct imsgproc_spec *spec;
	struct imsgproc_child *child;
	char *why;
	size_t size;
};

static IMSGPI_PRINTF(3, 4) int spawn_fail(
    const struct spawn *s, int error, const char *fmt, ...)
{
	va_list ap;
	int n;

	n = snprintf(s->why, s->size,
	    "%s: ", s->spec == NULL ? s->d->name : s->spec->name);
	if (n >= 0 && (size_t)n < s->size) {
		va_start(ap, fmt);
		(void)vsnprintf(s->why + n, s->size - (size_t)n, fmt, ap);
		va_end(ap);
	}
	errno = error;
	return -1;
}

/* The process said nothing more: how it ended tells why. */
static int
spawn_died(const struct spawn *s)
{
	char text[128];
	int status;

	if (imsgproc_wait(s->child, 1000, &status) == -1)
		return spawn_fail(s, errno, "ended: %s", strerror(errno));
	imsgpi_words_status(status, text, sizeof(text));
	return spawn_fail(s, ECONNRESET, "%s before it was ready", text);
}

static int
spawn_answer(const struct spawn *s, struct imsg *m)
{
	char text[256];
	int error, r;

	if (imsg_get_type(m) == IMSGPROC_READY &&
	    imsg_fd_status(m) == IMSG_FD_NONE &&
	    imsgpi_words_text(m, s->why, s->size) == 0)
		r = 0;
	else if (imsg_get_type(m) == IMSGPROC_FAILED &&
	    imsgpi_words_failed(m, text, sizeof(text), &error) == 0)
		r = spawn_fail(s, error, "%s", text);
	else
		r = spawn_fail(s, EPROTO, "sent a message before it was ready");
	imsg_free(m);
	return r;
}

static int
spawn_table(const struct spawn *s)
{
	struct imsgbuf *ib = &s->child->ib;
	struct ibuf *b;
	int r;

	if ((b = imsgpi_table_pack(s->d, s->spec)) == NULL)
		return -1;
	(void)imsgbuf_set_maxsize(ib, IMSGPROC_TABLE_MAX);
	r = imsg_compose(
	    ib, IMSGPROC_TABLE, 0, 0, -1, ibuf_data(b), ibuf_size(b));
	(void)imsgbuf_set_maxsize(ib, MAX_IMSGSIZE);
	ibuf_free(b);
	return r;
}

static int
spawn_talk(const struct spawn *s)
{
	struct imsgbuf *ib = &s->child->ib;
	int ms = imsgpi_start_ms(s->d);
	struct imsg m;

	if (spawn_table(s) == -1 ||
	    imsg_compose(ib, IMSGPROC_BEGIN, 0, 0, -1, NULL, 0) == -1)
		return spawn_fail(s, errno, "%s", strerror(errno));
	/* It may have ended already and said why. */
	(void)imsgbuf_flush_timeout(ib, ms);
	switch (imsgbuf_recv(ib, &m, ms)) {
	case 1:
		return spawn_answer(s, &m);
	case 0:
		return spawn_died(s);
	default:
		if (errno == ECONNRESET)
			return spawn_died(s);
		return spawn_fail(
		    s, errno, "was not ready: %s", strerror(errno));
	}
}

static int
spawn_start(const struct spawn *s)
{
	struct program program;
	int fd = -1, save;

	if (imsgpi_program_open(&program) == -1)
		return spawn_fail(
		    s, errno, "the program's own file: %s", strerror(errno));
	s->child->pid = imsgpi_launch(&program, s->d, s->spec, 0, &fd);
	imsgpi_program_close(&program);
	if (s->child->pid == -1)
		return spawn_fail(
		    s, errno, "cannot start: %s", strerror(errno));
	if (imsgbuf_init(&s->child->ib, fd) == -1) {
		save = errno;
		imsgpi_kill(s->child->pid, NULL);
		imsgpi_close(fd);
		return spawn_fail(s, save, "%s", strerror(save));
	}
	imsgbuf_allow_fdpass(&s->child->ib);
	imsgbuf_set_cloexec(&s->child->ib);
	return 0;
}

int
imsgproc_spawn(const struct imsgproc_daemon *d, const char *name,
    struct imsgproc_child *child, char *why, size_t size)
{
	struct spawn s = { d, NULL, child, why, size };
	size_t i;
	int save;

	memset(child, 0, sizeof(*child));
	child->pid = -1;
	if (imsgproc_check(d, why, size) == -1)
		return -1;
	for (i = 1; i < d->nprocs && name != NULL; i++)
		if (strcmp(d->procs[i].name, name) == 0)
			s.spec = &d->procs[i];
	if (s.spec == NULL)
		return spawn_fail(&s, ENOENT, "there is no process %s",
		    name == NULL ? "" : name);
	if (spawn_start(&s) == -1) {
		child->pid = -1;
		return -1;
	}
	if (spawn_talk(&s) == 0)
		return 0;
	save = errno;
	if (child->pid != -1)
		(void)imsgproc_wait(child, 0, NULL);
	errno = save;
	return -1;
}

/* Waits for at most ms milliseconds until a try to reap it may succeed. */
static void
spawn_pause(int pidfd, int ms, int *step)
{
	struct pollfd p = { .fd = pidfd, .events = POLLIN };

	if (pidfd == -1) {
		*step = *step < 64 ? *step * 2 : *step;
		if (ms < 0 || *step < ms)
			ms = *step;
	}
	(void)imsgpi_os.poll(&p, pidfd == -1 ? 0 : 1, ms);
}

static int
spawn_left(int64_t end)
{
	int64_t left = end - imsgpi_now_ms();

	return left < 0 ? 0 : left > INT_MAX ? INT_MAX : (int)left;
}

/* As imsgproc_wait(), of a process. */
static int
spawn_reap(pid_t pid, int ms, int *status)
{
	int64_t end = imsgpi_now_ms() + (ms < 0 ? 0 : ms);
	int pidfd, left = ms, step = 1;
	pid_t r;

	if (ms == 0) {
		imsgpi_kill(pid, status);
		return 1;
	}
	pidfd = imsgpi_os.pidfd(pid);
	while ((r = imsgpi_os.waitpid(pid, status, WNOHANG)) == 0 ||
	    (r == -1 && errno == EINTR)) {
		if (ms > 0 && (left = spawn_left(end)) == 0)
			break;
		spawn_pause(pidfd, left, &step);
	}
	imsgpi_close(pidfd);
	if (r == pid)
		return 0;
	if (r == -1 && errno != EINTR)
		return -1;
	imsgpi_kill(pid, status);
	return 1;
}

int
imsgproc_wait(struct imsgproc_child *c, int ms, int *status)
{
	int none = 0, fd = c->ib.fd;
	pid_t pid = c->pid;

	if (pid <= 0 || ms < -1) {
		errno = EINVAL;
		return -1;
	}
	imsgbuf_clear(&c->ib);
	imsgpi_close(fd);
	c->ib.fd = -1;
	c->pid = -1;
	return spawn_reap(pid, ms, status == NULL ? &none : status);
}
