/* SPDX-License-Identifier: ISC */
/*
 * Descriptors that tell which message they belong to.  The writing end of a
 * pipe or socket is closed before it is sent: end of file behind the content
 * shows that no process has kept a copy of it.
 */
#include "../src/feature.h"

#include <sys/types.h>
#include <sys/socket.h>
#include <sys/stat.h>
#ifdef __linux__
#include <sys/mman.h>
#endif

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "soak-plan.h"

static int
close_keeping_errno(int fd)
{
	int save = errno;

	close(fd);
	errno = save;
	return -1;
}

/* Writes to the descriptor to: fd itself, or its other end, then closed. */
static int
stock(int fd, int to, uint64_t seed)
{
	int ok = write(to, &seed, sizeof(seed)) == sizeof(seed) &&
	    fcntl(fd, F_SETFD, FD_CLOEXEC) == 0 &&
	    fcntl(fd, F_SETFL, O_NONBLOCK) == 0;

	if (to != fd)
		close_keeping_errno(to);
	return ok ? fd : close_keeping_errno(fd);
}

/*
 * Without a name from the start, if the file system can: a child may be
 * killed before it has removed the name.
 */
static int
make_file(void)
{
	char name[] = "/tmp/soak.XXXXXXXXXX";
	int fd;

#ifdef O_TMPFILE
	fd = open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (fd != -1 || errno == EMFILE)
		return fd;
#endif
	if ((fd = mkstemp(name)) != -1)
		unlink(name);
	return fd;
}

int
soak_fd_make(enum soak_kind kind, uint64_t seed)
{
	int p[2];

	switch (kind) {
	case SOAK_FD_PIPE:
		if (pipe(p) == -1)
			return -1;
		return stock(p[0], p[1], seed);
	case SOAK_FD_SOCKET:
		if (socketpair(AF_UNIX, SOCK_STREAM, 0, p) == -1)
			return -1;
		return stock(p[0], p[1], seed);
	case SOAK_FD_MEMFD:
#ifdef MFD_CLOEXEC
		p[0] = memfd_create("soak", MFD_CLOEXEC);
		break;
#endif
	case SOAK_FD_FILE:
		p[0] = make_file();
		break;
	case SOAK_FD_NONE:
	default:
		return -1;
	}
	return p[0] == -1 ? -1 : stock(p[0], p[0], seed);
}

int
soak_fd_check(int fd, enum soak_kind kind, uint64_t seed)
{
	struct stat st;
	uint64_t got = 0;

	if (fstat(fd, &st) == -1)
		return 0;
	if (kind == SOAK_FD_FILE || kind == SOAK_FD_MEMFD)
		return S_ISREG(st.st_mode) && st.st_nlink == 0 &&
		    pread(fd, &got, sizeof(got), 0) == sizeof(got) &&
		    got == seed;
	if (!(kind == SOAK_FD_PIPE ? S_ISFIFO(st.st_mode) :
				     S_ISSOCK(st.st_mode)))
		return 0;
	return read(fd, &got, sizeof(got)) == sizeof(got) && got == seed &&
	    read(fd, &got, sizeof(got)) == 0;
}
