/* SPDX-License-Identifier: ISC */
/*
 * The table of the child's tests, and what its processes do: they tell the
 * parent what they see of themselves, and obey.
 */
#define _GNU_SOURCE
#include "child-lib.h"

#include <sys/prctl.h>
#include <sys/stat.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

char test_jail[64] = "/var/empty-that-no-machine-has";

static const struct imsgproc_limit some_limits[] = {
	{ RLIMIT_NOFILE, 40 },
	{ RLIMIT_CPU, 100 },
	{ RLIMIT_MSGQUEUE, RLIM_INFINITY },
	{ -1, 0 },
};

int
make_jail(void **state)
{
	(void)state;
	(void)snprintf(
	    test_jail, sizeof(test_jail), "/tmp/jail.%d", (int)getpid());
	return mkdir(test_jail, 0755);
}

int
remove_jail(void **state)
{
	(void)state;
	return rmdir(test_jail);
}

/* Who it is and what surrounds it, by itself. */
static void
look(char *text, size_t size)
{
	gid_t groups[64];
	uid_t u[3];
	gid_t g[3];
	sigset_t mask;
	char cwd[256] = "?";
	int n, i, at;

	(void)getresuid(&u[0], &u[1], &u[2]);
	(void)getresgid(&g[0], &g[1], &g[2]);
	n = getgroups(64, groups);
	(void)!getcwd(cwd, sizeof(cwd));
	(void)sigprocmask(SIG_SETMASK, NULL, &mask);
	at = snprintf(text, size, "uid %u %u %u gid %u %u %u groups", u[0],
	    u[1], u[2], g[0], g[1], g[2]);
	for (i = 0; i < n; i++)
		at += snprintf(text + at, size - (size_t)at, " %u", groups[i]);
	(void)snprintf(text + at, size - (size_t)at,
	    "; cwd %s dump %d nnp %d hup-blocked %d 2-cloexec %d home %s", cwd,
	    prctl(PR_GET_DUMPABLE, 0, 0, 0, 0),
	    prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), sigismember(&mask, SIGHUP),
	    fcntl(2, F_GETFD),
	    getenv("TEST_HOME") == NULL ? "-" : getenv("TEST_HOME"));
}

static int
report_and_wait(struct imsgproc *proc)
{
	struct imsgbuf *ib = imsgproc_parent_imsgbuf(proc);
	char text[1024];
	struct imsg m;

	look(text, sizeof(text));
	if (imsg_compose(ib, T_REPORT, 0, 0, -1, text, strlen(text)) != 1 ||
	    imsgbuf_flush(ib) == -1)
		return 1;
	while (imsgbuf_recv(ib, &m, -1) == 1) {
		if (m.hdr.type == T_TITLE)
			imsgproc_title(proc, "%.*s", (int)imsg_get_len(&m),
			    (char *)m.data);
		if (m.hdr.type == T_LOG)
			imsgproc_log(proc, LOG_INFO, "%.*s",
			    (int)imsg_get_len(&m), (char *)m.data);
		if (imsg_compose(ib, T_REPORT, 0, 0, -1, text, strlen(text)) !=
			1 ||
		    imsgbuf_flush(ib) == -1)
			return 1;
		imsg_free(&m);
	}
	return 7;
}

static int
fail_with_words(struct imsgproc *proc)
{
	return imsgproc_fail(proc, "no port %d", 80);
}

static int
fail_with_errno(struct imsgproc *proc)
{
	(void)proc;
	errno = EADDRINUSE;
	return -1;
}

/* What only root can do, before it is none. */
static int
read_shadow(struct imsgproc *proc)
{
	int fd = open("/etc/shadow", O_RDONLY | O_CLOEXEC);

	if (fd == -1)
		return -1;
	imsgproc_set_arg(proc, NULL);
	return close(fd);
}

static int
begin(struct imsgproc *proc)
{
	char text[1024];

	look(text, sizeof(text));
	return imsgproc_send(
	    proc, "parent", 0, T_REPORT, 0, -1, text, strlen(text));
}

static void
flood(struct imsgproc *proc, struct imsg *m)
{
	char block[8000];
	uint32_t n = 0, i;

	(void)imsg_get_data(m, &n, sizeof(n));
	memset(block, 'f', sizeof(block));
	for (i = 0; i < n; i++)
		if (imsgproc_send(proc, "worker", 0, T_ECHO, i, -1, block,
			sizeof(block)) == -1)
			imsgproc_log(
			    proc, LOG_ERR, "flood: %s", strerror(errno));
}

/* What did not fail as it has to. */
static void
try_calls(struct imsgproc *proc, struct imsgproc_peer *peer, struct imsg *m)
{
	char text[256] = "";

#define TRY(call, error)                                                    \
	do {                                                                \
		errno = 0;                                                  \
		if ((call) || errno != (error))                             \
			(void)snprintf(text, sizeof(text), "%s: %s", #call, \
			    strerror(errno));                               \
	} while (0)
	TRY(imsgproc_send(proc, "nobody", 0, 1, 0, -1, NULL, 0) != -1, ENOENT);
	TRY(imsgproc_send(proc, "no-such", 0, 1, 0, -1, NULL, 0) != -1, ENOENT);
	TRY(imsgproc_send(proc, "worker", 9, 1, 0, -1, NULL, 0) != -1, ENOENT);
	TRY(imsgproc_peer(proc, "plain", 0) != NULL, ENOENT);
	TRY(imsgproc_peer_chan(NULL) != NULL, ENOTCONN);
	TRY(imsgproc_send_peer(NULL, 1, 0, -1, NULL, 0) != -1, ENOTCONN);
	TRY(imsgproc_forward(NULL, m) != -1, ENOTCONN);
	TRY(strcmp(imsgproc_peer_name(NULL), "?") != 0, 0);
	TRY(imsgproc_peer_instance(NULL) != 0, 0);
	TRY(imsgproc_send(proc, "plain", 0, 1, 0, -1, NULL, 0) != -1, ENOENT);
	TRY(imsgproc_send(proc, "nobody", IMSGPROC_ALL, 1, 0, -1, NULL, 0) !=
		-1,
	    ENOENT);
	TRY(imsgproc_send(proc, "parent", 0, IMSGPROC_TYPES, 0, -1, NULL, 0) !=
		-1,
	    EINVAL);
	TRY(imsgproc_send_peer(peer, 0xffffffffU, 0, -1, NULL, 0) != -1,
	    EINVAL);
	TRY(imsgproc_send(proc, "worker", 2, 1, 0, -1, NULL, 0) != -1,
	    ENOTCONN);
	TRY(imsgproc_peer_chan(imsgproc_peer(proc, "worker", 2)) != NULL,
	    ENOTCONN);
	TRY(imsgproc_reload(proc) != -1, EPERM);
	TRY(imsgproc_parent_imsgbuf(proc) != NULL, EINVAL);
	TRY(imsgproc_signal(proc, SIGHUP, NULL) != -1, EINVAL);
	(void)imsgproc_send(
	    proc, "parent", 0, T_REPORT, 0, -1, text, strlen(text));
}

static void
tell_parent(struct imsgproc *proc, const char *text)
{
	(void)imsgproc_send(
	    proc, "parent", 0, T_REPORT, 0, -1, text, strlen(text));
}

static void
to_all(struct imsgproc *proc, struct imsg *m)
{
	int fd = imsg_get_fd(m);

	if (imsgproc_send(
		proc, "worker", IMSGPROC_ALL, T_ALL, 5, fd, "all", 3) == 0)
		return;
	tell_parent(proc, strerror(errno));
	(void)close(fd);
}

static void
obey(struct imsgproc *proc, struct imsgproc_peer *peer, struct imsg *m)
{
	struct imsgproc_peer *parent = imsgproc_peer(proc, "parent", 0);

	switch (m->hdr.type) {
	case T_ECHO:
		(void)imsgproc_forward(peer, m);
		break;
	case T_FORWARD:
		if (imsgproc_forward(parent, m) == -1)
			tell_parent(proc, strerror(errno));
		break;
	case T_ALL:
		to_all(proc, m);
		break;
	case T_FLOOD:
		flood(proc, m);
		break;
	case T_CALLS:
		try_calls(proc, peer, m);
		break;
	case T_EXIT:
		imsgproc_stop(proc, 3);
		break;
	}
}

static void
peer_changed(struct imsgproc *proc, struct imsgproc_peer *peer, int up)
{
	char text[64];

	(void)snprintf(text, sizeof(text), "%s %u %d", imsgproc_peer_name(peer),
	    imsgproc_peer_instance(peer), up);
	(void)imsgproc_send(
	    proc, "parent", 0, T_PEER, 0, -1, text, strlen(text));
}

static void
reloaded(struct imsgproc *proc)
{
	tell_parent(proc, "reload");
}

static void
stopped(struct imsgproc *proc)
{
	tell_parent(proc, "stop");
	/* It is stopping already, with another status. */
	imsgproc_stop(proc, 9);
}

static const struct imsgproc_spec procs[] = {
	{ IMSGPROC_HERE, .name = "parent", .talks = "front" },
	{ IMSGPROC_HERE, .name = "front", .talks = "worker", .start = begin,
	    .message = obey, .peer = peer_changed, .reload = reloaded,
	    .stop = stopped },
	{ IMSGPROC_HERE, .name = "worker", .instances = 3, .message = obey },
	{ IMSGPROC_HERE, .name = "plain", .run = report_and_wait },
	{ IMSGPROC_HERE, .name = "nobody", .user = "nobody",
	    .prepare = read_shadow, .run = report_and_wait },
	{ IMSGPROC_HERE, .name = "daemon", .user = "daemon",
	    .run = report_and_wait },
	{ IMSGPROC_HERE, .name = "own", .user = "nobody",
	    .run = report_and_wait },
	{ IMSGPROC_HERE, .name = "ghost", .user = "no-such-user",
	    .run = report_and_wait },
	{ IMSGPROC_HERE, .name = "jail", .user = "nobody", .root = test_jail,
	    .run = report_and_wait },
	{ IMSGPROC_HERE, .name = "whole", .user = "nobody", .root = test_jail,
	    .limits = some_limits, .promises = "stdio recvfd",
	    .run = report_and_wait },
	{ IMSGPROC_HERE, .name = "lost", .root = "/no/such/directory",
	    .run = report_and_wait },
	{ IMSGPROC_HERE, .name = "limits", .limits = some_limits,
	    .run = report_and_wait },
	{ IMSGPROC_HERE, .name = "stdio", .flags = IMSGPROC_STDIO,
	    .run = report_and_wait },
	{ IMSGPROC_HERE, .name = "words", .prepare = fail_with_words,
	    .run = report_and_wait },
	{ IMSGPROC_HERE, .name = "errno", .start = fail_with_errno,
	    .message = obey },
	{ IMSGPROC_HERE, .name = "locked", .promises = "stdio recvfd",
	    .run = report_and_wait },
	{ IMSGPROC_HERE, .name = "busy", .promises = "stdio recvfd sendfd",
	    .talks = "parent", .message = obey },
	{ IMSGPROC_HERE, .name = "quiet" },
};

const struct imsgproc_daemon test_daemon = {
	.name = "test",
	.procs = procs,
	.nprocs = sizeof(procs) / sizeof(procs[0]),
};
