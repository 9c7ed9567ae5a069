/* SPDX-License-Identifier: ISC */
/*
 * Options, the processes, and the parent.  That keeps the listening socket, so
 * that clients wait in its backlog while a front end is started anew, and opens
 * the document root.  It reads only what root or its own user wants, by
 * filedctl.
 */
#include "filed.h"

static const char *option[128] = { ['c'] = "/run/filed/sock",
	['d'] = "/var/www/html",
	['e'] = "/var/empty",
	['n'] = "1",
	['o'] = "_filedopen",
	['p'] = "80",
	['t'] = "15",
	['u'] = "_filed" };
static struct imsgloop_watch control;
static int listener;
static struct imsgloop_chan *asker; /* who waits for numbers, */
static uint32_t wanted;		    /* and how many are to come */

static void
give(struct imsgproc *p, struct imsgproc_peer *to, uint32_t type, int fd,
    const void *data, size_t len)
{
	if (fd != -1 && imsgproc_send_peer(to, type, 0, fd, data, len) == 0)
		return;
	imsgproc_log(p, LOG_ERR, "nothing for %s: %s", imsgproc_peer_name(to),
	    strerror(errno));
	(void)close(fd);
}

/* Opened by its name anew; connections and transfers go on. */
static void
give_root(struct imsgproc *p)
{
	give(p, imsgproc_peer(p, "opener", 0), MSG_ROOT,
	    open(option['d'], O_PATH | O_DIRECTORY | O_CLOEXEC), NULL, 0);
}

/* At the start, and when one was started anew. */
static void
parent_peer(struct imsgproc *p, struct imsgproc_peer *peer, int up)
{
	uint32_t seconds = (uint32_t)atoi(option['t']);

	if (up && strcmp(imsgproc_peer_name(peer), "opener") == 0)
		give_root(p);
	else if (up)
		give(p, peer, MSG_LISTEN, fcntl(listener, F_DUPFD_CLOEXEC, 3),
		    &seconds, sizeof(seconds));
}

/* The others tell us nothing but what a front end counts. */
static void
parent_message(struct imsgproc *p, struct imsgproc_peer *from, struct imsg *m)
{
	(void)p;
	(void)from;
	if (asker != NULL && wanted > 0) {
		(void)imsgloop_forward(asker, m);
		wanted--;
	}
}

static void
client_message(struct imsgloop_chan *chan, struct imsg *m, void *arg)
{
	struct imsgproc *p = arg;

	wanted = (uint32_t)atoi(option['n']);
	(void)imsgloop_compose(
	    chan, imsg_get_type(m), 0, 0, -1, &wanted, sizeof(wanted));
	asker = chan;
	if (imsg_get_type(m) == MSG_STATUS)
		(void)imsgproc_send(
		    p, "front", IMSGPROC_ALL, MSG_STATUS, 0, -1, NULL, 0);
	else if (imsg_get_type(m) == MSG_RELOAD)
		(void)imsgproc_reload(p);
	else if (imsg_get_type(m) == MSG_STOP)
		imsgproc_stop(p, 0);
}

static void
client_ended(struct imsgloop_chan *chan, int why, int error, void *arg)
{
	(void)why;
	(void)error;
	(void)arg;
	if (asker == chan)
		asker = NULL;
}

/* The mode of the socket keeps others away; the kernel says who got through. */
static void
control_ready(struct imsgloop_watch *w, short revents)
{
	static const struct imsgloop_cb cb = { .message = client_message,
		.ended = client_ended };
	struct imsgloop_chan *chan;
	struct imsg_cred cred;
	int fd = accept4(w->fd, NULL, NULL, SOCK_CLOEXEC);
	bool pause = fd == -1 && revents != 0;

	/* Without descriptors it stays ready: not at once again. */
	(void)imsgloop_set(w, pause ? 0 : POLLIN, pause ? 100 : -1);
	if (fd == -1)
		return;
	if ((chan = imsgloop_open(w->loop, fd, &cb, w->arg)) == NULL)
		(void)close(fd);
	else if (imsgbuf_peercred(imsgloop_imsgbuf(chan), &cred) == -1 ||
	    (cred.uid != 0 && cred.uid != geteuid()))
		imsgloop_detach(chan);
}

static int
parent_start(struct imsgproc *p)
{
	int r = imsgloop_watch(
	    imsgproc_loop(p), &control, control.fd, control_ready, p);

	return r == -1 ? -1 : imsgloop_set(&control, POLLIN, -1);
}

static const struct imsgproc_limit limits[] = { { RLIMIT_NOFILE, 8192 },
	{ -1, 0 } };

enum { PARENT, OPENER, FRONT, NPROCS };

/* Users, a root and the number of front ends come from the options. */
static struct imsgproc_spec procs[NPROCS] = {
	[PARENT] = { IMSGPROC_HERE, .name = "parent", .talks = "opener front",
	    .start = parent_start, .message = parent_message,
	    .peer = parent_peer, .reload = give_root },
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
	.nprocs = NPROCS,
	.flags = IMSGPROC_AS_ANYBODY };

/* What the table has of them, the others are told. */
static void
use_options(void)
{
	procs[FRONT].instances = (unsigned)atoi(option['n']);
	procs[FRONT].user = *option['u'] != '\0' ? option['u'] : NULL;
	procs[FRONT].root = *option['e'] != '\0' ? option['e'] : NULL;
	procs[OPENER].user = *option['o'] != '\0' ? option['o'] : NULL;
}

static int
listen_on(int domain, void *address, socklen_t len, const char *name)
{
	struct sockaddr *sa = address;
	int on = 1, off = 0, type = SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC;
	int r, fd = socket(domain, type, 0);
	mode_t mask = umask(0177); /* for a UNIX socket: not for others */

	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	(void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
	/* What is accepted inherits this: a call less for each. */
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	r = bind(fd, sa, len);
	/* Of a daemon that was killed a socket is left: nobody answers. */
	if (r == -1 && errno == EADDRINUSE && domain == AF_UNIX &&
	    connect(fd, sa, len) == -1 && errno == ECONNREFUSED &&
	    unlink(name) == 0)
		r = bind(fd, sa, len);
	if (r == -1 || listen(fd, SOMAXCONN) == -1 ||
	    getsockname(fd, sa, &len) == -1)
		err(1, "%s", name);
	(void)umask(mask);
	return fd;
}

int
main(int argc, char **argv)
{
	struct sockaddr_in6 sin6 = { .sin6_family = AF_INET6 };
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int ch, status;

	imsgproc_init(argc, argv, &filed);
	if (geteuid() != 0) {
		option['c'] = "filed.sock";
		option['p'] = "8080";
	}
	while ((ch = getopt(argc, argv, "c:d:e:n:o:p:t:u:")) != -1 && ch != '?')
		option[ch] = optarg;
	if (ch != -1 || argc != optind || atoi(option['n']) < 1 ||
	    atoi(option['t']) < 1 || strlen(option['c']) > 100)
		errx(2,
		    "usage: filed [-c control] [-d docroot] [-e empty] "
		    "[-n fronts] [-o user]\n\t[-p port] [-t seconds] "
		    "[-u user]");
	if (access(option['d'], X_OK) == -1)
		err(1, "%s", option['d']);
	use_options();
	sin6.sin6_port = htons((uint16_t)atoi(option['p']));
	listener = listen_on(AF_INET6, &sin6, sizeof(sin6), option['p']);
	(void)strcpy(sun.sun_path, option['c']);
	control.fd = listen_on(AF_UNIX, &sun, sizeof(sun), option['c']);
	warnx("port %u", ntohs(sin6.sin6_port));
	status = imsgproc_run(&filed, NULL);
	(void)unlink(option['c']);
	return status;
}
