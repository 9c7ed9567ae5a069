/* SPDX-License-Identifier: ISC */
/*
 * Stands between an unmodified client and an unmodified daemon: every message
 * goes through the library twice, with its descriptor.
 *	daemon-relay LOG SOCKET DAEMON COMMAND...
 * listens at SOCKET, runs the client, connects to the daemon for it, and ends
 * with the client's status.  LOG gets a line for each message, "> " from the
 * client and "< " from the daemon, and then the descriptors left open.
 */
#include "daemon-common.h"

#include <sys/socket.h>

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

struct side {
	struct imsgbuf b;
	const char *mark;
	int open;
};

static FILE *out;

/* A descriptor is taken from one message and given to the other. */
static void
forward(struct imsgbuf *to, struct imsg *m)
{
	int fd = imsg_get_fd(m), n;

	if (fd == -1)
		n = imsg_forward(to, m);
	else
		n = imsg_compose(to, imsg_get_type(m), imsg_get_id(m),
		    imsg_get_pid(m), fd, m->data, imsg_get_len(m));
	if (n != 1)
		err(EXIT_OURS, "forward");
}

/* What one side says goes to the other; its end becomes the other's. */
static void
pump(struct side *from, struct side *to)
{
	struct imsg m;
	int n;

	if ((n = imsgbuf_read(&from->b)) == -1 && errno != ECONNRESET)
		err(EXIT_OURS, "imsgbuf_read");
	while (imsgbuf_get(&from->b, &m) == 1) {
		note(out, from->mark, &m, 0);
		forward(&to->b, &m);
		imsg_free(&m);
	}
	if (n == 1)
		return;
	if (imsgbuf_partial(&from->b))
		errx(EXIT_OURS, "%storn", from->mark);
	from->open = 0;
	if (imsgbuf_flush_timeout(&to->b, PATIENCE) == -1 && errno != EPIPE)
		err(EXIT_OURS, "imsgbuf_flush_timeout");
	shutdown(to->b.fd, SHUT_WR);
}

static void
relay(struct side *s)
{
	struct pollfd p[2];
	int i;

	while (s[0].open || s[1].open) {
		for (i = 0; i < 2; i++) {
			p[i].fd = s[i].open ? s[i].b.fd : -1;
			p[i].events = imsgbuf_events(&s[i].b);
		}
		if (poll(p, 2, PATIENCE) < 1)
			errx(EXIT_OURS, "nobody says anything");
		for (i = 0; i < 2; i++) {
			if ((p[i].revents & POLLOUT) &&
			    imsgbuf_write(&s[i].b) == -1)
				err(EXIT_OURS, "imsgbuf_write");
			if (p[i].revents & (POLLIN | POLLHUP))
				pump(&s[i], &s[!i]);
		}
	}
}

int
main(int argc, char **argv)
{
	struct side s[2] = { { .mark = "> ", .open = 1 },
		{ .mark = "< ", .open = 1 } };
	int fds, i, listener, status;
	pid_t pid;

	alarm(60);
	if (argc < 5 || (out = fopen(argv[1], "we")) == NULL)
		err(EXIT_OURS, "usage: daemon-relay LOG SOCKET DAEMON COMMAND");
	fds = fds_open();
	listener = serve(argv[2]);
	pid = spawn(argv + 4, -1);
	ready(&s[0].b, take(listener), IMSG_WIRE_CLASSIC);
	ready(&s[1].b, dial(argv[3]), IMSG_WIRE_CLASSIC);
	if (fcntl(s[1].b.fd, F_SETFL, O_NONBLOCK) == -1)
		err(EXIT_OURS, "fcntl");
	relay(s);
	for (i = 0; i < 2; i++) {
		imsgbuf_clear(&s[i].b);
		close(s[i].b.fd);
	}
	status = reap(pid);
	unlink(argv[2]);
	fprintf(out, "%d descriptors left\n", fds_open() - fds);
	return fclose(out) == 0 ? status : EXIT_OURS;
}
