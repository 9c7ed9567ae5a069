/* SPDX-License-Identifier: ISC */
/*
 * The opener: opens what the front end names, and nothing above the document
 * root.  It believes the front end no more than the front end believes clients:
 * the kernel keeps the path below the root (openat2(2), RESOLVE_BENEATH), as no
 * look at its dots could.  A symbolic link is followed if all the way that it
 * names lies below the root; an absolute one never.
 *
 * Whoever takes over this process has the root's descriptor, and with it what
 * the user of this process may read: so that should be a user of its own.
 */
#define _GNU_SOURCE
#include <sys/syscall.h>

#include <linux/openat2.h>

#include "filed.h"

static int root = -1;

/* The descriptor of a regular file, or -1. */
static int
open_file(const char *path, struct file *f)
{
	/* A FIFO must not hold us up, a terminal not become ours. */
	struct open_how how = { .flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK |
		    O_NOCTTY,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS };
	struct stat st;
	int fd, error, tries = 8;

	do /* EAGAIN: something was renamed while the kernel looked */
		fd = (int)syscall(SYS_openat2, root, path, &how, sizeof(how));
	while (fd == -1 && errno == EAGAIN && --tries > 0);
	if (fd == -1)
		return -1;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode)) {
		f->size = st.st_size;
		f->mtime = st.st_mtime;
		return fd;
	}
	error = S_ISDIR(st.st_mode) ? EISDIR : EACCES;
	(void)close(fd);
	errno = error;
	return -1;
}

/* A directory's name ends with a slash, or links from its index go wrong. */
static int
open_name(const char *name, struct file *f)
{
	char path[NAME_LEN + sizeof("index.html")];
	size_t len = strlen(name);
	int fd;

	if (len > 0 && name[len - 1] != '/')
		return open_file(name, f);
	(void)snprintf(path, sizeof(path), "%sindex.html", name);
	if ((fd = open_file(path, f)) == -1 && errno == EISDIR)
		errno = EACCES;
	return fd;
}

static void
serve(struct imsgloop_chan *chan, struct imsg *m)
{
	/* A front end that never fetches its answers gets no more of them. */
	static const struct imsg_limits limits = { .wfds = 1024,
		.wbytes = 1 << 20 };
	char name[NAME_LEN] = "";
	struct file f;
	size_t len = imsg_get_len(m);
	int fd = -1;

	(void)imsgbuf_set_limits(imsgloop_imsgbuf(chan), &limits);
	errno = EINVAL;
	if (len != 0 && len <= sizeof(name) &&
	    imsg_get_data(m, name, len) == 0 && strnlen(name, len) == len - 1)
		fd = open_name(name, &f);
	if (fd == -1)
		(void)imsgcall_fail(chan, m, errno, NULL);
	else if (imsgcall_answer(chan, m, MSG_FILE, fd, &f, sizeof(f)) == -1) {
		(void)imsgcall_fail(chan, m, errno, NULL);
		(void)close(fd);
	}
}

void
opener_message(struct imsgproc *p, struct imsgproc_peer *from, struct imsg *m)
{
	(void)p;
	if (strcmp(imsgproc_peer_name(from), "front") == 0)
		serve(imsgproc_peer_chan(from), m);
	else {
		if (root != -1)
			(void)close(root);
		root = imsg_get_fd(m);
	}
}
