/* SPDX-License-Identifier: ISC */
/*
 * skeleton: the table of its processes, and the command line.  All of main()
 * after imsgproc_init() is the parent's alone.
 */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "skeleton.h"

static const struct imsgproc_limit limits[] = {
	{ RLIMIT_NOFILE, 1024 },
	{ RLIMIT_CORE, 0 },
	{ RLIMIT_NPROC, 0 },
	{ -1, 0 },
};

/* clang-format off */
static const struct imsgproc_spec procs[] = {
	{ IMSGPROC_HERE, .name = "parent", .talks = "front engine",
	    .start = parent_start, .peer = parent_peer,
	    .reload = parent_reload },
	{ IMSGPROC_HERE, .name = "front", .talks = "engine",
	    .user = USER, .root = EMPTY, .limits = limits,
	    .promises = "stdio unix recvfd", .flags = IMSGPROC_RESTART,
	    .message = front_message, .peer = front_peer },
	{ IMSGPROC_HERE, .name = "engine",
	    .user = USER, .root = EMPTY, .limits = limits,
	    .promises = "stdio recvfd", .flags = IMSGPROC_RESTART,
	    .message = engine_message },
};
/* clang-format on */

static const struct imsgproc_daemon skeleton = {
	.name = "skeleton",
	.procs = procs,
	.nprocs = sizeof(procs) / sizeof(procs[0]),
	.flags = IMSGPROC_AS_ANYBODY, /* who is not root can only try it */
};

static void
usage(void)
{
	fprintf(stderr, "usage: skeleton [-n] [-f file] [-s socket]\n");
	exit(2);
}

int
main(int argc, char **argv)
{
	struct conf conf = { SOCKET, CONF, -1 };
	char why[256];
	int ch, check = 0;

	imsgproc_init(argc, argv, &skeleton);

	while ((ch = getopt(argc, argv, "f:ns:")) != -1)
		switch (ch) {
		case 'f':
			conf.file = optarg;
			break;
		case 'n':
			check = 1;
			break;
		case 's':
			conf.socket = optarg;
			break;
		default:
			usage();
		}
	if (optind != argc)
		usage();
	if (check) {
		if (imsgproc_check(&skeleton, why, sizeof(why)) == -1)
			errx(1, "%s", why);
		return 0;
	}
	return imsgproc_run(&skeleton, &conf);
}
