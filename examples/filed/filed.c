/* SPDX-License-Identifier: ISC */
/* filed: options, the table of its processes, and the sockets. */
#define _GNU_SOURCE
#include <netinet/in.h>
#include <netinet/tcp.h>

#include "filed.h"

static const struct imsgproc_limit limits[] = { { RLIMIT_NOFILE, 8192 },
	{ -1, 0 } };

enum { PARENT, OPENER, FRONT, NPROCS };

/* Users, roots and the number of front ends are filled in by complete(). */
static struct imsgproc_spec procs[NPROCS] = {
	[PARENT] = { IMSGPROC_HERE, .name = "parent", .talks = "opener front",
	    .start = parent_start, .peer = parent_peer,
	    .reload = parent_reload },
	[OPENER] = { IMSGPROC_HERE, .name = "opener", .talks = "front",
	    .promises = "stdio rpath recvfd sendfd", .limits = limits,
	    .flags = IMSGPROC_RESTART, .message = opener_message },
	[FRONT] = { IMSGPROC_HERE, .name = "front", .needs = "opener",
	    .promises = "stdio inet recvfd", .limits = limits,
	    .flags = IMSGPROC_RESTART, .start = front_start, .peer = front_peer,
	    .message = front_message },
};
static const struct imsgproc_daemon filed = { .name = "filed",
	.procs = procs,
	.nprocs = NPROCS };

/*
 * Options, by letter.  The others are this program executed anew, without any:
 * so the parent leaves them in the environment.
 */
const char *
option(int letter)
{
	char name[] = { 'F', 'I', 'L', 'E', 'D', '_', (char)letter, '\0' };

	return getenv(name);
}

static void
set_option(int letter, const char *value)
{
	char name[] = { 'F', 'I', 'L', 'E', 'D', '_', (char)letter, '\0' };

	if (value == NULL ? unsetenv(name) : setenv(name, value, 1))
		err(1, "%s", name);
}

/* Copied: the environment makes room for the title of the process. */
static const char *
copy(const char *s)
{
	if (s != NULL && (s = strdup(s)) == NULL)
		err(1, NULL);
	return s;
}

/* The table has to be the same in all processes. */
static void
complete(void)
{
	procs[FRONT].instances = option('n') ? (unsigned)atoi(option('n')) : 1;
	procs[FRONT].user = copy(option('u'));
	procs[OPENER].user = copy(option('o'));
	procs[FRONT].root = copy(option('e'));
}

/* For a listening socket that is ready. */
int
accept_on(struct imsgloop_watch *w)
{
	int fd = accept4(w->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	/* Without descriptors it would stay ready, and we spin. */
	if (fd == -1 &&
	    (errno == EMFILE || errno == ENFILE || errno == ENOBUFS ||
		errno == ENOMEM))
		(void)imsgloop_set(w, 0, 100);
	return fd;
}

static int
listen_tcp(const char *port)
{
	struct sockaddr_in6 sin6 = { .sin6_family = AF_INET6,
		.sin6_port = htons((uint16_t)atoi(port)),
		.sin6_addr = in6addr_any };
	struct sockaddr *sa = (struct sockaddr *)&sin6;
	socklen_t len = sizeof(sin6);
	int fd, on = 1, off = 0;

	fd = socket(AF_INET6, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	/* Accepted sockets inherit TCP_NODELAY: a call less for each. */
	if (fd == -1 ||
	    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == -1 ||
	    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) == -1 ||
	    setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off)) ==
		-1 ||
	    bind(fd, sa, len) == -1 || listen(fd, SOMAXCONN) == -1 ||
	    getsockname(fd, sa, &len) == -1)
		err(1, "port %s", port);
	warnx("port %u", ntohs(sin6.sin6_port));
	return fd;
}

static int
listen_control(const char *path)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	const struct sockaddr *sa = (const struct sockaddr *)&sun;
	mode_t mask = umask(0177);
	int r, fd;

	if (strlen(path) >= sizeof(sun.sun_path))
		errx(1, "%s: too long", path);
	(void)strcpy(sun.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	r = bind(fd, sa, sizeof(sun));
	/* One that was killed has left it: nobody answers there. */
	if (r == -1 && errno == EADDRINUSE &&
	    connect(fd, sa, sizeof(sun)) == -1 && errno == ECONNREFUSED &&
	    unlink(path) == 0)
		r = bind(fd, sa, sizeof(sun));
	if (r == -1 || listen(fd, 16) == -1)
		err(1, "%s", path);
	(void)umask(mask);
	return fd;
}

int
main(int argc, char **argv)
{
	bool root = geteuid() == 0;
	int ch, status;

	complete();
	imsgproc_init(argc, argv, &filed);
	set_option('c', root ? "/run/filed.sock" : "filed.sock");
	set_option('d', "/var/www/html");
	set_option('e', root ? "/var/empty" : NULL);
	set_option('n', "1");
	set_option('o', root ? "_filedopen" : NULL);
	set_option('p', root ? "80" : "8080");
	set_option('t', "15");
	set_option('u', root ? "_filed" : NULL);
	while ((ch = getopt(argc, argv, "c:d:e:n:o:p:t:u:")) != -1 && ch != '?')
		if (root || strchr("eou", ch) == NULL)
			set_option(ch, optarg);
	if (ch == '?' || argc != optind || atoi(option('n')) < 1 ||
	    atoi(option('n')) > MAX_FRONTS || atoi(option('t')) < 1)
		errx(2,
		    "usage: filed [-c control] [-d docroot] [-e emptydir] "
		    "[-n fronts]\n             [-o user] [-p port] "
		    "[-t seconds] [-u user]");
	if (!root)
		warnx("not root: all as this user, no chroot");
	complete();
	parent_fd[0] = listen_tcp(option('p'));
	parent_fd[1] = listen_control(option('c'));
	status = imsgproc_run(&filed, NULL);
	(void)unlink(option('c'));
	return status;
}
