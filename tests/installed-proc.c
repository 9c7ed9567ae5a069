/* SPDX-License-Identifier: ISC */
/*
 * A small program with libimsg-proc, for the tests of what is installed: the
 * parent asks a process that it started, which has no privileges left, and ends
 * with its answer.  Prints "answer: hello".
 */
#include <stdio.h>
#include <string.h>

#include <imsg_proc.h>

static int status = 1;

static int
ask(struct imsgproc *p)
{
	return imsgproc_send(p, "worker", 0, 1, 0, -1, NULL, 0) == -1 ? -1 : 0;
}

static void
answered(struct imsgproc *p, struct imsgproc_peer *from, struct imsg *imsg)
{
	struct ibuf b;

	(void)from;
	if (imsg_get_ibuf(imsg, &b) == 0 && ibuf_size(&b) == 5) {
		printf("answer: %.5s\n", (const char *)ibuf_data(&b));
		status = 0;
	}
	imsgproc_stop(p, status);
}

static void
answer(struct imsgproc *p, struct imsgproc_peer *from, struct imsg *imsg)
{
	(void)imsg;
	if (imsgproc_send_peer(from, 2, 0, -1, "hello", 5) == -1)
		imsgproc_stop(p, 1);
}

int
main(int argc, char **argv)
{
	static const struct imsgproc_spec procs[] = {
		{ IMSGPROC_HERE, .name = "parent", .talks = "worker",
		    .start = ask, .message = answered },
		{ IMSGPROC_HERE, .name = "worker", .promises = "stdio",
		    .message = answer },
	};
	static const struct imsgproc_daemon daemon = {
		.name = "installed-proc", .procs = procs, .nprocs = 2
	};

	imsgproc_init(argc, argv, &daemon);
	return imsgproc_run(&daemon, NULL) | status;
}
