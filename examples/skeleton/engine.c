/* SPDX-License-Identifier: ISC */
/*
 * The engine: does the work, here: makes capital letters of a line.  It has no
 * files, no sockets, and no idea who asks.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "skeleton.h"

static char prefix[64];

/* One line of the file counts: what comes before each answer. */
static void
configure(struct imsgproc *proc, int fd)
{
	FILE *f;

	if ((f = fdopen(fd, "r")) == NULL) {
		(void)close(fd);
		return;
	}
	if (fscanf(f, "prefix %63s", prefix) != 1)
		prefix[0] = '\0';
	(void)fclose(f);
	imsgproc_log(proc, LOG_INFO, "configured: \"%s\"", prefix);
}

static void
work(struct imsgproc_peer *peer, struct imsg *m)
{
	struct imsgloop_chan *chan = imsgproc_peer_chan(peer);
	char line[MAXLINE], out[sizeof(prefix) + MAXLINE];
	size_t i, len = imsg_get_len(m);
	int n;

	if (len >= sizeof(line) || imsg_get_buf(m, line, len) == -1) {
		(void)imsgcall_fail(chan, m, EINVAL, "too long");
		return;
	}
	for (i = 0; i < len; i++)
		line[i] = (char)toupper((unsigned char)line[i]);
	n = snprintf(out, sizeof(out), "%s%.*s", prefix, (int)len, line);
	(void)imsgcall_answer(chan, m, MSG_DONE, -1, out, (size_t)n);
}

/* Who may say what: the front cannot configure. */
void
engine_message(
    struct imsgproc *proc, struct imsgproc_peer *peer, struct imsg *m)
{
	int parent = strcmp(imsgproc_peer_name(peer), "parent") == 0, fd;

	if (parent && imsg_get_type(m) == MSG_CONF &&
	    (fd = imsg_get_fd(m)) != -1)
		configure(proc, fd);
	else if (!parent && imsg_get_type(m) == MSG_WORK)
		work(peer, m);
	else
		imsgproc_log(proc, LOG_WARNING, "%s sends nonsense: type %u",
		    imsgproc_peer_name(peer), imsg_get_type(m));
}
