/* SPDX-License-Identifier: ISC */
/*
 * A new process of this program, with a channel to it and nothing else of ours:
 * no memory, no handler, no descriptor but 0, 1, 2 and that of the channel.
 *
 * All that needs memory is made before fork(2).  Between fork and exec there are
 * only functions that a signal handler may call, since the program may have
 * threads; what fails there is said on the channel, byte by byte.
 */
#include "feature.h"

#include <sys/socket.h>
#include <sys/wait.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "launch.h"

#if !defined(__GLIBC__) || !defined(_GNU_SOURCE)
extern char **environ;
#endif

const char *imsgpi_argv0;

struct launch {
	const struct program *program;
	char title[2 * IMSGPROC_NAME + 8];
	char who[sizeof(IMSGPROC_ARG) + IMSGPROC_NAME + 16];
	char *argv[3];
	char **envp;
	int sock[2]; /* ours, the child's */
};

/* By its name where the system does not let one execute an open file. */
static int
program_name(struct program *p)
{
	if (imsgpi_os.self(p->path, sizeof(p->path)) == 0)
		return 0;
	p->path[0] = '\0';
	/* What a stranger says is not executed with privileges. */
	if (imsgpi_argv0 == NULL || strchr(imsgpi_argv0, '/') == NULL ||
	    imsgpi_os.secure())
		return -1;
	if (strlen(imsgpi_argv0) >= sizeof(p->path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(p->path, imsgpi_argv0, strlen(imsgpi_argv0) + 1);
	return 0;
}

int
imsgpi_program_open(struct program *p)
{
	int fd, named = program_name(p);

	fd = imsgpi_os.openself();
	p->fd = fd;
	/* Out of the way of the numbers that a child has. */
	if (fd >= 0 && fd <= IMSGPROC_FD) {
		p->fd = imsgpi_os.dup(fd, IMSGPROC_FD + 1);
		imsgpi_close(fd);
	}
	return p->fd >= 0 ? 0 : named;
}

void
imsgpi_program_close(struct program *p)
{
	imsgpi_close(p->fd);
	p->fd = -1;
}

/* Ours but for what is between us and who started us. */
static char **
launch_environ(void)
{
	static const char notify[] = "NOTIFY_SOCKET=";
	size_t i, n = 0;
	char **envp;

	while (environ != NULL && environ[n] != NULL)
		n++;
	if ((envp = imsgpi_os.calloc(n + 1, sizeof(*envp))) == NULL)
		return NULL;
	for (i = n = 0; environ != NULL && environ[i] != NULL; i++)
		if (strncmp(environ[i], notify, sizeof(notify) - 1) != 0)
			envp[n++] = environ[i];
	return envp;
}

/* The child closes all others, before it looks at anything: descriptors.c. */
static int
launch_descriptors(const struct launch *l)
{
	int fd = l->sock[1];

	if (fd != IMSGPROC_FD && imsgpi_os.dup2(fd, IMSGPROC_FD) == -1)
		return -1;
	return imsgpi_os.cloexec(IMSGPROC_FD, 0);
}

static void
launch_failed(const struct launch *l, int error)
{
	struct {
		struct imsg_hdr hdr;
		struct ctl_failed failed;
	} m;

	memset(&m, 0, sizeof(m));
	m.hdr.type = IMSGPROC_FAILED;
	m.hdr.len = (uint32_t)sizeof(m);
	m.hdr.pid = (uint32_t)imsgpi_os.getpid();
	m.failed.error = error;
	(void)!imsgpi_os.write(l->sock[1], &m, sizeof(m));
}

static void
launch_child(const struct launch *l)
{
	const struct program *p = l->program;

	if (launch_descriptors(l) == 0) {
		if (p->fd >= 0)
			(void)imsgpi_os.execfd(p->fd, l->argv, l->envp);
		if (p->fd < 0 || (errno == ENOSYS && p->path[0] != '\0'))
			(void)imsgpi_os.execve(p->path, l->argv, l->envp);
	}
	launch_failed(l, errno);
	imsgpi_os.exit(127);
}

static pid_t
launch_fork(const struct launch *l)
{
	sigset_t all, before;
	pid_t pid;
	int save;

	/* No handler of ours may run in the child, which lets them through
	 * again when it has said what it ignores: child.c. */
	sigfillset(&all);
	if (imsgpi_os.sigprocmask(SIG_SETMASK, &all, &before) == -1)
		return -1;
	if ((pid = imsgpi_os.fork()) == 0)
		launch_child(l);
	save = errno;
	(void)imsgpi_os.sigprocmask(SIG_SETMASK, &before, NULL);
	errno = save;
	return pid;
}

pid_t
imsgpi_launch(const struct program *p, const struct imsgproc_daemon *d,
    const struct imsgproc_spec *s, unsigned int instance, int *fd)
{
	struct launch l = { .program = p };
	pid_t pid;

	(void)snprintf(l.title, sizeof(l.title), "%s: %s", d->name, s->name);
	(void)snprintf(
	    l.who, sizeof(l.who), IMSGPROC_ARG "%s.%u", s->name, instance);
	l.argv[0] = l.title;
	l.argv[1] = l.who;
	if ((l.envp = launch_environ()) == NULL)
		return -1;
	if (imsgpi_os.socketpair(AF_UNIX, SOCK_STREAM, l.sock) == -1) {
		imsgpi_free(l.envp);
		return -1;
	}
	pid = launch_fork(&l);
	imsgpi_free(l.envp);
	imsgpi_close(l.sock[1]);
	if (pid == -1)
		imsgpi_close(l.sock[0]);
	else
		*fd = l.sock[0];
	return pid;
}

void
imsgpi_kill(pid_t pid, int *status)
{
	int save = errno, none;
	pid_t r;

	if (status == NULL)
		status = &none;
	/* Where the program waits for all, its number may be another's. */
	do
		r = imsgpi_os.waitpid(pid, status, WNOHANG);
	while (r == -1 && errno == EINTR);
	if (r == 0) {
		(void)imsgpi_os.kill(pid, SIGKILL);
		do
			r = imsgpi_os.waitpid(pid, status, 0);
		while (r == -1 && errno == EINTR);
	}
	errno = save;
}
