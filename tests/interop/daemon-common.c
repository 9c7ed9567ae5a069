/* SPDX-License-Identifier: ISC */
/*
 * See daemon-common.h.  A failure that is not the subject of a test ends the
 * program with EXIT_OURS and a message.
 */
#include "daemon-common.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <ctype.h>
#include <err.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct sockaddr_un
name(const char *path)
{
	struct sockaddr_un sun;

	memset(&sun, 0, sizeof(sun));
	sun.sun_family = AF_UNIX;
	if (strlen(path) >= sizeof(sun.sun_path))
		errx(EXIT_OURS, "%s: too long", path);
	memcpy(sun.sun_path, path, strlen(path));
	return sun;
}

static int
unix_socket(void)
{
	int s;

	if ((s = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) == -1)
		err(EXIT_OURS, "socket");
	return s;
}

/* A connection to the socket of that name. */
int
dial(const char *path)
{
	struct sockaddr_un sun = name(path);
	int s = unix_socket();

	if (connect(s, (struct sockaddr *)&sun, sizeof(sun)) == -1)
		err(EXIT_OURS, "connect %s", path);
	return s;
}

/* A listening socket of that name, for whoever may reach it. */
int
serve(const char *path)
{
	struct sockaddr_un sun = name(path);
	int s = unix_socket();

	unlink(path);
	if (bind(s, (struct sockaddr *)&sun, sizeof(sun)) == -1 ||
	    chmod(path, 0666) == -1 || listen(s, 1) == -1)
		err(EXIT_OURS, "%s", path);
	return s;
}

/* The one client that comes; the listening socket is closed. */
int
take(int s)
{
	struct pollfd p = { .fd = s, .events = POLLIN };
	int c;

	if (poll(&p, 1, PATIENCE) != 1)
		errx(EXIT_OURS, "nobody connected");
	if ((c = accept4(s, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK)) == -1)
		err(EXIT_OURS, "accept");
	close(s);
	return c;
}

int
fds_open(void)
{
	int fd, n = 0;

	for (fd = 0; fd < 1024; fd++)
		n += fcntl(fd, F_GETFD) != -1;
	return n;
}

/* Starts a program; io is its standard input and output unless it is -1. */
pid_t
spawn(char *const *argv, int io)
{
	pid_t pid;

	fflush(NULL);
	if ((pid = fork()) == -1)
		err(EXIT_OURS, "fork");
	if (pid != 0)
		return pid;
	if (io != -1 && (dup2(io, 0) == -1 || dup2(io, 1) == -1))
		err(EXIT_OURS, "dup2");
	execvp(argv[0], argv);
	err(EXIT_OURS, "%s", argv[0]);
}

/* How it ended: its exit status, or 128 and more for a signal. */
int
reap(pid_t pid)
{
	int status;

	if (waitpid(pid, &status, 0) != pid)
		err(EXIT_OURS, "waitpid");
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* A channel of the given wire that passes descriptors. */
void
ready(struct imsgbuf *b, int s, int wire)
{
	if (imsgbuf_init(b, s) == -1 || imsgbuf_set_wire(b, wire) == -1)
		err(EXIT_OURS, "imsgbuf");
	imsgbuf_allow_fdpass(b);
	imsgbuf_set_cloexec(b);
}

/* Runs of three printable characters or more. */
static void
strings(FILE *f, const unsigned char *p, size_t n)
{
	size_t i, j;

	for (i = 0; i < n; i = j + 1) {
		for (j = i; j < n && isprint(p[j]); j++)
			;
		if (j - i >= 3)
			fprintf(f, " %.*s", (int)(j - i), (const char *)p + i);
	}
}

/*
 * A message as a line: type, peerid, length of the payload, whether there is
 * a descriptor, the first 32 bits in decimal, strings from an offset on.
 */
void
note(FILE *f, const char *mark, struct imsg *m, size_t from)
{
	static const char *const fd[] = { "-", "fd", "taken", "lost" };
	size_t n = imsg_get_len(m);
	uint32_t first;

	fprintf(f, "%s%u %u %zu %s", mark, imsg_get_type(m), imsg_get_id(m), n,
	    fd[imsg_fd_status(m)]);
	if (n >= sizeof(first)) {
		memcpy(&first, m->data, sizeof(first));
		fprintf(f, " %u", first);
		if (n > from)
			strings(f, (unsigned char *)m->data + from, n - from);
	}
	fputc('\n', f);
	fflush(f);
}
