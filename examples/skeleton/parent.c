/* SPDX-License-Identifier: ISC */
/*
 * The parent: opens what needs privileges, and hands it out.  It reads nothing
 * that strangers wrote.
 */
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "skeleton.h"

static int
listen_at(const char *path)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd;

	if (strlen(path) >= sizeof(sun.sun_path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(sun.sun_path, path, strlen(path));
	(void)unlink(path);
	if ((fd = socket(AF_UNIX, SOCK_STREAM, 0)) == -1)
		return -1;
	if (bind(fd, (struct sockaddr *)&sun, sizeof(sun)) == -1 ||
	    chmod(path, 0666) == -1 || listen(fd, 64) == -1 ||
	    fcntl(fd, F_SETFL, O_NONBLOCK) == -1) {
		(void)close(fd);
		return -1;
	}
	return fd;
}

/* Sends a descriptor, which goes with the message. */
static int
give(struct imsgproc *proc, const char *to, uint32_t type, int fd)
{
	if (fd != -1 && imsgproc_send(proc, to, 0, type, 0, fd, NULL, 0) == 0)
		return 0;
	imsgproc_log(proc, LOG_ERR, "nothing for %s: %s", to, strerror(errno));
	if (fd != -1)
		(void)close(fd);
	return -1;
}

static int
give_conf(struct imsgproc *proc)
{
	const struct conf *conf = imsgproc_arg(proc);

	return give(proc, "engine", MSG_CONF, open(conf->file, O_RDONLY));
}

int
parent_start(struct imsgproc *proc)
{
	struct conf *conf = imsgproc_arg(proc);

	if ((conf->listener = listen_at(conf->socket)) == -1)
		return imsgproc_fail(
		    proc, "%s: %s", conf->socket, strerror(errno));
	return 0;
}

/* At the start, and when one was started anew. */
void
parent_peer(struct imsgproc *proc, struct imsgproc_peer *peer, int up)
{
	const struct conf *conf = imsgproc_arg(proc);
	int r = 0;

	if (up && strcmp(imsgproc_peer_name(peer), "front") == 0)
		r = give(proc, "front", MSG_SOCKET, dup(conf->listener));
	else if (up)
		r = give_conf(proc);
	if (r == -1) /* without that it is of no use */
		imsgproc_stop(proc, 1);
}

void
parent_reload(struct imsgproc *proc)
{
	(void)give_conf(proc);
}
