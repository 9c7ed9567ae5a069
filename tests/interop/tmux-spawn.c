/* SPDX-License-Identifier: ISC */
/*
 * Starts the real client with a standard input, output and error that the test
 * can recognise again, and ends it.
 */
#include "tmux-serve.h"

#include <sys/stat.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int
own_file(void)
{
	FILE *f = tmpfile();
	int fd = f == NULL ? -1 : fcntl(fileno(f), F_DUPFD_CLOEXEC, 3);

	if (fd == -1)
		fail("temporary file: %s", strerror(errno));
	fclose(f);
	return fd;
}

/* r->in, r->out, r->err that are -1 become files. */
void
real_start(
    struct real *r, const char *path, char *const *argv, char *const *envp)
{
	char *args[MOST_STRINGS] = { "tmux", "-u", "-S", strdup(path) };
	int i;

	for (i = 0; argv[i] != NULL; i++)
		args[i + 4] = argv[i];
	r->in = r->in == -1 ? own_file() : r->in;
	r->out = r->out == -1 ? own_file() : r->out;
	r->err = r->err == -1 ? own_file() : r->err;
	if ((r->pid = fork()) == -1)
		fail("fork: %s", strerror(errno));
	if (r->pid == 0) {
		if (dup2(r->in, 0) == -1 || dup2(r->out, 1) == -1 ||
		    dup2(r->err, 2) == -1)
			_exit(126);
		execvpe("tmux", args, envp);
		_exit(127);
	}
	companion = r->pid;
	free(args[3]);
}

int
real_status(struct real *r)
{
	int status;

	if (waitpid(r->pid, &status, 0) != r->pid)
		fail("waitpid: %s", strerror(errno));
	companion = -1;
	if (!WIFEXITED(status))
		fail("the client ended by signal %d", WTERMSIG(status));
	return WEXITSTATUS(status);
}

char *
real_text(int fd, size_t *len)
{
	struct stat st;
	char *s;

	if (fstat(fd, &st) == -1 ||
	    (s = calloc(1, (size_t)st.st_size + 1)) == NULL ||
	    pread(fd, s, (size_t)st.st_size, 0) != st.st_size)
		fail("output of the client: %s", strerror(errno));
	*len = (size_t)st.st_size;
	return s;
}

void
real_end(struct real *r)
{
	close(r->in);
	close(r->out);
	close(r->err);
}

void
same_file(int a, int b, const char *what)
{
	struct stat x, y;

	if (fstat(a, &x) == -1 || fstat(b, &y) == -1 || x.st_dev != y.st_dev ||
	    x.st_ino != y.st_ino)
		fail("%s is not the file that the client was given", what);
}
