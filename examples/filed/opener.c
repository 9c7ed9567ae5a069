/* SPDX-License-Identifier: ISC */
/*
 * The opener opens what the front end names, and nothing above the document
 * root.  It believes the front end no more than that believes clients: the
 * kernel keeps the path below the root (openat2(2), RESOLVE_BENEATH), as no
 * look at its dots could.  A symbolic link is followed if all the way that it
 * names lies below the root; an absolute one never.  Whoever takes over this
 * process may read what its user may: give it one of its own.  It has no `paths`
 * in the table: Landlock would keep it in the directory that was the root at its
 * start, and a reload may bring another.
 */
#include "filed.h"

static int root = -1;

/* The descriptor of a regular file, or -1. */
static int
open_name(const char *name, size_t len, struct file *f)
{
	/* A FIFO must not hold us up, a terminal not become ours. */
	struct open_how how = {
		.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS,
	};
	/* A directory's name ends with a slash, or links in it go wrong. */
	bool dir = len == 0 || name[len - 1] == '/';
	char path[NAME_LEN + sizeof("index.html")];
	struct stat st = { 0 };
	int fd, tries = 8;

	(void)snprintf(
	    path, sizeof(path), "%s%s", name, dir ? "index.html" : "");
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
	(void)close(fd);
	errno = S_ISDIR(st.st_mode) && !dir ? EISDIR : EACCES;
	return -1;
}

void
opener_message(struct imsgproc *p, struct imsgproc_peer *from, struct imsg *m)
{
	/* One for each connection; who never fetches them gets no more. */
	static const struct imsg_limits limits = {
		.wfds = 4096, .wbytes = 1 << 20, .rbytes = 1 << 20
	};
	struct imsgloop_chan *chan = imsgproc_peer_chan(from);
	size_t len = imsg_get_len(m);
	char name[NAME_LEN + 1] = "";
	struct file f;
	int fd = -1;

	(void)p;
	if (strcmp(imsgproc_peer_name(from), "parent") == 0) {
		if (root != -1)
			(void)close(root);
		root = imsg_get_fd(m);
		return;
	}
	(void)imsgbuf_set_limits(imsgloop_imsgbuf(chan), &limits);
	errno = EINVAL;
	if (len < NAME_LEN && (len == 0 || imsg_get_data(m, name, len) == 0) &&
	    strlen(name) == len)
		fd = open_name(name, len, &f);
	if (fd != -1 &&
	    imsgcall_answer(chan, m, MSG_OPEN, fd, &f, sizeof(f)) != -1)
		return;
	(void)imsgcall_fail(chan, m, errno, NULL);
	if (fd != -1)
		(void)close(fd);
}
