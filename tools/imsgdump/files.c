/* SPDX-License-Identifier: ISC */
/*
 * The files that imsgdump writes: whose they are, and that none of them is the
 * one that it reads.
 */
#define _GNU_SOURCE /* on Linux; elsewhere all is there */
#include <sys/stat.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "files.h"
#include "output.h"
#include "safe.h"

int
complain(const char *what, const char *why)
{
	/* A shell's pattern may have found the name of a stranger's file. */
	(void)fputs("imsgdump: ", stderr);
	safe_print(stderr, what, strlen(what));
	(void)fputs(": ", stderr);
	safe_print(stderr, why, strlen(why));
	(void)putc('\n', stderr);
	return -1;
}

/*
 * Messages are secrets of the programs: a new file is for its owner alone, and
 * no link that somebody has put there is followed.
 */
int
files_create(const char *path)
{
	int fd;

	if (strcmp(path, "-") == 0)
		fd = dup(STDOUT_FILENO);
	else
		fd = open(path,
		    O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC,
		    0600);
	if (fd != -1)
		(void)fcntl(fd, F_SETFD, FD_CLOEXEC);
	return fd;
}

const char *
files_why(int error)
{
	return error == ELOOP ? "is a symbolic link, which is not followed" :
				strerror(error);
}

/* What traced programs may themselves read is not waited for. */
FILE *
files_stream(int fd, int waits)
{
	int save;
	FILE *f;

	if (fd == -1)
		return NULL;
	f = waits ? fdopen(fd, "w") : output_open(fd);
	if (f == NULL) {
		save = errno;
		(void)close(fd);
		errno = save;
	}
	return f;
}

static int
same_file(const char *a, const char *b)
{
	struct stat sa, sb;

	if (strcmp(b, "-") == 0)
		return 0;
	return (strcmp(a, "-") == 0 ? fstat(STDIN_FILENO, &sa) :
				      stat(a, &sa)) == 0 &&
	    stat(b, &sb) == 0 && S_ISREG(sb.st_mode) &&
	    sa.st_dev == sb.st_dev && sa.st_ino == sb.st_ino;
}

/* Before anything is created, which would empty what is to be read. */
int
files_check(const struct options *o)
{
	const char *outs[] = { o->writefile, o->output };
	size_t i;

	for (i = 0; i < 2; i++)
		if (o->readfile != NULL && outs[i] != NULL &&
		    same_file(o->readfile, outs[i]))
			return complain(outs[i], "is the file that is read");
	if (o->writefile != NULL && o->output != NULL &&
	    strcmp(o->output, "-") != 0 &&
	    (strcmp(o->writefile, o->output) == 0 ||
		same_file(o->output, o->writefile)))
		return complain(o->output, "-o and -w want a file each");
	return 0;
}
