/* SPDX-License-Identifier: ISC */
/*
 * A client of tmux that owes nothing to tmux but the protocol:
 *	tmux-client [-m] [-v VERSION] [-t TRACE] SOCKET COMMAND [ARGUMENT ...]
 * prints what the server wants printed and exits with the status that it
 * says, so that both can be compared with those of the real client.
 *	-m	the modern wire
 *	-v	another version of the protocol
 *	-t	one line for each message to this file
 */
#include "tmux-ask.h"

#include <stdlib.h>
#include <unistd.h>

static int wire = IMSG_WIRE_CLASSIC;
static uint32_t version = PROTOCOL;
static const char *trace;

static void
options(int argc, char **argv)
{
	int c;

	while ((c = getopt(argc, argv, "+mt:v:")) != -1)
		switch (c) {
		case 'm':
			wire = IMSG_WIRE_MODERN;
			break;
		case 't':
			trace = optarg;
			break;
		case 'v':
			version = (uint32_t)strtoul(optarg, NULL, 10);
			break;
		default:
			fail("unknown option");
		}
	if (argc - optind < 2)
		fail("usage: tmux-client [-m] [-v N] [-t FILE] SOCKET COMMAND");
}

/* Until the command has ended; a server may also refuse our version. */
static void
converse(struct peer *p, struct answer *a)
{
	struct imsg m;

	for (;;) {
		if (peer_next(p, &m, WAIT_MS) != 1)
			fail("the server went away");
		if (imsg_get_type(&m) == T_VERSION) {
			fprintf(stderr,
			    "protocol version mismatch (client %u, server "
			    "%u)\n",
			    version, imsg_get_id(&m) & 0xff);
			done_with(&m);
			peer_expect_end(p);
			a->status = 1;
			return;
		}
		if (ask_answer(p, &m, a))
			return;
	}
}

int
main(int argc, char **argv)
{
	const struct ident id = { "interop", "", NULL, STDIN_FILENO,
		STDOUT_FILENO, 0 };
	struct answer a = { .out = stdout, .err = stderr, .in = stdin };
	struct peer p;
	FILE *t = NULL;
	int before;

	limit_time();
	options(argc, argv);
	before = open_fds();
	peer_open(&p, connect_to(argv[optind]), wire);
	p.version = version;
	if (trace != NULL && (t = p.trace = fopen(trace, "w")) == NULL)
		fail("cannot write %s", trace);
	ask_identify(&p, &id);
	ask_command(&p, argc - optind - 1, argv + optind + 1);
	converse(&p, &a);
	peer_close(&p);
	if (t != NULL && fclose(t) == EOF)
		fail("cannot write %s", trace);
	if (open_fds() != before)
		fail("%d descriptors, %d before", open_fds(), before);
	if (a.message != NULL)
		fprintf(stderr, "%s\n", a.message);
	free(a.message);
	return a.status;
}
