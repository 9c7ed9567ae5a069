/* SPDX-License-Identifier: ISC */
/*
 * A session of the real server on a terminal that this program owns:
 *	tmux-attach HOW SOCKET SESSION
 * passes the slave of a pseudo-terminal and looks at the master.  The shell
 * command of the session prints "this is SESSION" and answers each line of
 * input with "got <LINE>".
 *	detach		types, resizes, detaches with the keys
 *	shutdown	stays until the server is killed
 *	modern		on the modern wire, whose marks tmux does not see
 */
#include "tmux-ask.h"
#include "tmux-tty.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const char *path;

static void
attach(struct peer *p, const char *session, int wire)
{
	static const char *const caps[] = { "clear=\033[H\033[2J",
		"cup=\033[%i%p1%d;%p2%dH", "rmcup=bye", NULL };
	struct ident id = { "interop", tty.name, caps, tty.slave, tty.slave,
		0 };
	char *argv[] = { "attach-session", "-t", NULL };

	argv[2] = strdup(session);
	peer_open(p, connect_to(path), wire);
	ask_identify(p, &id);
	ask_command(p, 3, argv);
	free(argv[2]);
}

static void
empty(struct peer *p, uint32_t type)
{
	struct imsg m;

	peer_expect(p, &m, type);
	done_with(&m);
}

/* The server takes the terminal, and what is on it is the session. */
static void
see_session(struct peer *p, const char *session)
{
	char text[128];

	empty(p, T_READY);
	peer_send(p, T_RESIZE, -1, NULL, 0);
	peer_flush(p);
	snprintf(text, sizeof(text), "this is %s", session);
	tty_expect(text);
	snprintf(text, sizeof(text), "[%s]", session);
	tty_expect(text);
}

/* Another client asks until the server says that ours is like this. */
static void
expect_client(const char *session, const char *size)
{
	char format[] = "#{client_tty} #{client_pid} #{client_termname} "
			"#{client_session} #{client_width}x#{client_height}";
	char *argv[] = { "list-clients", "-F", format };
	time_t end = time(NULL) + WAIT_MS / 1000;
	char want[256], *got;

	snprintf(want, sizeof(want), "%s %d interop %s %s\n", tty.name,
	    (int)getpid(), session, size);
	got = ask_text(path, 3, argv);
	while (strcmp(got, want) != 0 && time(NULL) <= end) {
		free(got);
		got = ask_text(path, 3, argv);
	}
	if (strcmp(got, want) != 0)
		fail("list-clients: %s instead of %s", got, want);
	free(got);
}

static void
leave(struct peer *p)
{
	peer_send(p, T_EXITING, -1, NULL, 0);
	empty(p, T_EXITED);
	tty_expect("bye");
	peer_close(p);
}

static void
detach(const char *session)
{
	struct peer p;
	struct imsg m;
	char *s;

	attach(&p, session, IMSG_WIRE_CLASSIC);
	see_session(&p, session);
	expect_client(session, "80x24");
	tty_type("hello\r");
	tty_expect("got <hello>");

	tty_forget();
	tty_size(30, 100);
	peer_send(&p, T_RESIZE, -1, NULL, 0);
	peer_flush(&p);
	expect_client(session, "100x30");
	tty_expect("\033[30;"); /* the status line is down there now */

	tty_type("\002d");
	peer_expect(&p, &m, T_DETACH);
	s = take_string(&m);
	done_with(&m);
	if (strcmp(s, session) != 0)
		fail("detached from \"%s\"", s);
	free(s);
	leave(&p);
}

static void
stay(const char *session)
{
	char *argv[] = { "kill-server" };
	struct peer p;

	attach(&p, session, IMSG_WIRE_CLASSIC);
	see_session(&p, session);
	free(ask_text(path, 1, argv));
	empty(&p, T_SHUTDOWN);
	leave(&p);
}

/* Its reader sees two messages without descriptor, hence no terminal. */
static void
unseen(const char *session)
{
	struct answer a = { .out = stdout };
	char *text;
	size_t len;
	struct peer p;
	struct imsg m;

	a.err = open_memstream(&text, &len);
	attach(&p, session, IMSG_WIRE_MODERN);
	do {
		if (peer_next(&p, &m, WAIT_MS) != 1)
			fail("the server went away");
	} while (!ask_answer(&p, &m, &a));
	peer_close(&p);
	fclose(a.err);
	if (a.status != 1 ||
	    strcmp(text, "open terminal failed: not a terminal\n") != 0)
		fail("status %d: %s", a.status, text);
	free(text);
}

int
main(int argc, char **argv)
{
	int before;

	if (argc != 4)
		fail("usage: tmux-attach HOW SOCKET SESSION");
	limit_time();
	path = argv[2];
	before = open_fds();
	tty_open();
	if (strcmp(argv[1], "detach") == 0)
		detach(argv[3]);
	else if (strcmp(argv[1], "shutdown") == 0)
		stay(argv[3]);
	else if (strcmp(argv[1], "modern") == 0)
		unseen(argv[3]);
	else
		fail("no such thing as %s", argv[1]);
	tty_close();
	if (open_fds() != before)
		fail("%d descriptors, %d before", open_fds(), before);
	return 0;
}
