/* SPDX-License-Identifier: ISC */
/*
 * The real client on a terminal of ours, attached to a server of ours:
 *	tmux-terminal SOCKET
 * The descriptors that the client passes are its terminal: what the server
 * writes to them appears there, what is typed there can be read from them.
 */
#include "tmux-serve.h"
#include "tmux-tty.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

extern char **environ;

static void
empty(struct visit *v, uint32_t type)
{
	struct imsg m;

	peer_expect(&v->p, &m, type);
	done_with(&m);
}

static void
known(const struct visit *v, const struct real *r)
{
	if (v->pid != r->pid || strcmp(v->tty, tty.name) != 0 ||
	    strcmp(v->term, "xterm") != 0)
		fail("%d on %s, a %s", v->pid, v->tty, v->term);
	if (v->count[T_ID_TERMINFO - T_ID_FLAGS] < 50)
		fail("a terminal that can do nothing");
	same_file(v->in, tty.slave, "standard input");
	same_file(v->out, tty.slave, "standard output");
}

static void
use_terminal(const struct visit *v)
{
	static const char out[] = "written by the server\r\n";
	char in[32] = "";

	if (write(v->out, out, strlen(out)) != (ssize_t)strlen(out))
		fail("cannot write to the descriptor");
	tty_expect("written by the server");
	tty_type("typed\n");
	if (!wait_readable(v->in, WAIT_MS) ||
	    read(v->in, in, sizeof(in) - 1) != 6 || strcmp(in, "typed\n") != 0)
		fail("read \"%s\"", in);
}

int
main(int argc, char **argv)
{
	static char *const attach[] = { "attach-session", NULL };
	struct real r = { -1, -1, -1, -1 };
	struct visit v;
	int before, lfd;

	if (argc != 2)
		fail("usage: tmux-terminal SOCKET");
	limit_time();
	before = open_fds();
	tty_open();
	lfd = serve_listen(argv[1]);
	r.in = dup(tty.slave);
	r.out = dup(tty.slave);
	real_start(&r, argv[1], attach, environ);
	(void)serve_accept(&v, lfd, IMSG_WIRE_CLASSIC);
	serve_identify(&v);
	known(&v, &r);

	peer_send(&v.p, T_READY, -1, NULL, 0);
	empty(&v, T_RESIZE);
	kill(r.pid, SIGWINCH);
	empty(&v, T_RESIZE);
	use_terminal(&v);
	peer_send(&v.p, T_DETACH, -1, "ours", 5);
	empty(&v, T_EXITING);
	peer_send(&v.p, T_EXITED, -1, NULL, 0);
	serve_end(&v);
	if (real_status(&r) != 0)
		fail("exit status");
	tty_expect("[detached (from session ours)]");

	real_end(&r);
	close(lfd);
	unlink(argv[1]);
	tty_close();
	if (open_fds() != before)
		fail("%d descriptors, %d before", open_fds(), before);
	return 0;
}
