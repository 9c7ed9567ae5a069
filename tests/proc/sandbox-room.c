/* SPDX-License-Identifier: ISC */
/*
 * The room in which acts are tried: a directory with all that they need, open
 * descriptors, another process of the same user.
 */
#include "sandbox-acts.h"

#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <arpa/inet.h>
#include <netinet/in.h>

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int
make_file(const char *name)
{
	int fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0666);

	if (fd != -1 && write(fd, "content", 7) != 7)
		return -1;
	return fd;
}

static int
copy_code(const char *code)
{
	char buf[65536];
	ssize_t n;
	int from = open(code, O_RDONLY | O_CLOEXEC);
	int to = open("static", O_WRONLY | O_CREAT | O_CLOEXEC, 0755);

	if (from == -1 || to == -1)
		return -1;
	while ((n = read(from, buf, sizeof(buf))) > 0)
		if (write(to, buf, (size_t)n) != n)
			return -1;
	(void)close(from);
	(void)close(to);
	return open("static", O_RDONLY | O_CLOEXEC);
}

static int
make_files(struct room *r, const char *code)
{
	static const char *const names[] = { "victim", "moves", "swap1",
		"swap2", "dir/below" };
	size_t i;

	if (mkdir("dir", 0777) == -1 || mkdir("empty", 0777) == -1 ||
	    symlink("file", "link") == -1)
		return -1;
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		(void)close(make_file(names[i]));
	r->file = make_file("file");
	r->code = copy_code(code);
	r->out = open("/dev/null", O_WRONLY | O_CLOEXEC);
	r->self = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return r->file == -1 || r->code == -1 || r->self == -1 ? -1 : 0;
}

static int
listen_unix(const char *name, int abstract)
{
	struct sockaddr_un sun;
	int s = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	socklen_t len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) +
	    strlen(name) + 1);

	memset(&sun, 0, sizeof(sun));
	sun.sun_family = AF_UNIX;
	(void)snprintf(sun.sun_path + abstract,
	    sizeof(sun.sun_path) - (size_t)abstract, "%s", name);
	if (s == -1 || bind(s, (struct sockaddr *)&sun, len) == -1 ||
	    listen(s, 16) == -1)
		return -1;
	if (!abstract &&
	    connect(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0),
		(struct sockaddr *)&sun, len) == -1)
		return -1;
	return s;
}

static int
make_sockets(struct room *r)
{
	struct sockaddr_in sin;
	socklen_t len = sizeof(sin);
	char name[80];

	(void)snprintf(name, sizeof(name), "%s/abstract", r->dir);
	if ((r->listen = listen_unix("listen", 0)) == -1 ||
	    listen_unix(name, 1) == -1 ||
	    socketpair(AF_UNIX, SOCK_STREAM, 0, r->pair) == -1)
		return -1;
	memset(&sin, 0, sizeof(sin));
	sin.sin_family = AF_INET;
	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	r->tcp = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	r->udp = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	r->server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (r->tcp == -1 || r->udp == -1 || r->server == -1 ||
	    bind(r->server, (struct sockaddr *)&sin, sizeof(sin)) == -1 ||
	    listen(r->server, 16) == -1 ||
	    getsockname(r->server, (struct sockaddr *)&sin, &len) == -1)
		return -1;
	r->port = ntohs(sin.sin_port);
	return chmod("listen", 0777);
}

static int
make_tty(struct room *r)
{
	int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	const char *name;

	if (master == -1 || grantpt(master) == -1 || unlockpt(master) == -1 ||
	    (name = ptsname(master)) == NULL)
		return -1;
	r->tty = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
	return r->tty == -1 ? -1 : 0;
}

static int
own_all(uid_t uid)
{
	static const char *const names[] = { ".", "file", "victim", "moves",
		"swap1", "swap2", "dir", "empty", "static" };
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (chown(names[i], uid, (gid_t)uid) == -1)
			return -1;
	return 0;
}

static int
become(uid_t uid)
{
	if (uid == getuid())
		return 0;
	if (setgroups(0, NULL) == -1 || setgid((gid_t)uid) == -1 ||
	    setuid(uid) == -1)
		return -1;
	/* As after an exec: its own kind may trace it. */
	return prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
}

/* Lives as long as this process holds the other end of the pipe. */
static pid_t
start_sibling(void)
{
	char c;
	pid_t pid;
	int p[2];

	if (pipe2(p, O_CLOEXEC) == -1)
		return -1;
	if ((pid = fork()) == 0) {
		(void)close(p[1]);
		while (read(p[0], &c, 1) == -1 && errno == EINTR)
			continue;
		_exit(0);
	}
	(void)close(p[0]);
	return pid;
}

int
room_enter(struct room *r, const char *dir, const char *code, uid_t uid)
{
	memset(r, 0, sizeof(*r));
	(void)snprintf(r->dir, sizeof(r->dir), "%s", dir);
	r->parent = getppid();
	(void)umask(0);
	if (mkdir(dir, 0777) == -1 || chdir(dir) == -1 ||
	    make_files(r, code) == -1 || make_sockets(r) == -1 ||
	    make_tty(r) == -1)
		return -1;
	if (getuid() == 0 && own_all(uid) == -1)
		return -1;
	if (become(uid) == -1)
		return -1;
	return (r->sibling = start_sibling()) == -1 ? -1 : 0;
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

void
room_leave(const char *dir)
{
	(void)nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}
