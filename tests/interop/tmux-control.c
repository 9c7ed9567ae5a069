/* SPDX-License-Identifier: ISC */
/*
 * A session of the real server in control mode:
 *	tmux-control SOCKET SESSION
 * passes the ends of two pipes, from which the server reads commands and to
 * which it writes what they say: each descriptor must have come with its own
 * message.
 */
#include "tmux-ask.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int to, from; /* our ends */
static char seen[8192];
static size_t len;

/* What the server wrote; 0 when it has closed its end. */
static int
more(void)
{
	ssize_t n;

	if (!wait_readable(from, WAIT_MS) || len + 1 == sizeof(seen) ||
	    (n = read(from, seen + len, sizeof(seen) - 1 - len)) == -1)
		fail("after \"%s\": %s", seen, strerror(errno));
	len += (size_t)n;
	return n > 0;
}

static void
say(const char *line)
{
	if (write(to, line, strlen(line)) != (ssize_t)strlen(line))
		fail("cannot write: %s", strerror(errno));
}

static void
attach(struct peer *p, const char *path, const char *session)
{
	struct ident id = {
		.term = "interop", .tty = "", .flags = FLAG_CONTROL
	};
	char *argv[] = { "attach-session", "-t", strdup(session) };
	int a[2], b[2];

	if (argv[2] == NULL || pipe2(a, O_CLOEXEC) == -1 ||
	    pipe2(b, O_CLOEXEC) == -1)
		fail("pipe: %s", strerror(errno));
	id.in = a[0];
	to = a[1];
	from = b[0];
	id.out = b[1];
	peer_open(p, connect_to(path), IMSG_WIRE_CLASSIC);
	ask_identify(p, &id);
	ask_command(p, 3, argv);
	free(argv[2]);
	close(id.in);
	close(id.out);
}

/* An empty line ends it, and the server closes both descriptors. */
static void
leave(struct peer *p)
{
	struct imsg m;
	struct pollfd end = { .fd = to };

	say("\n");
	peer_expect(p, &m, T_EXIT);
	if (take_int(&m) != 0)
		fail("exit status");
	done_with(&m);
	peer_close(p);
	while (more())
		continue;
	if (poll(&end, 1, WAIT_MS) != 1 || !(end.revents & POLLERR))
		fail("the server still reads");
	close(to);
	close(from);
}

int
main(int argc, char **argv)
{
	struct peer p;
	int before;

	if (argc != 3)
		fail("usage: tmux-control SOCKET SESSION");
	limit_time();
	before = open_fds();
	attach(&p, argv[1], argv[2]);
	say("display-message -p 'a line of #{session_name}'\n");
	while (strstr(seen, "\na line of ") == NULL ||
	    strstr(strstr(seen, "\na line of "), "\n%end") == NULL)
		if (!more())
			fail("the server closed after \"%s\"", seen);
	leave(&p);
	if (strstr(seen, argv[2]) == NULL)
		fail("it said \"%s\"", seen);
	if (open_fds() != before)
		fail("%d descriptors, %d before", open_fds(), before);
	return 0;
}
