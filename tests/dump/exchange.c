/* SPDX-License-Identifier: ISC */
/*
 * So many imsg messages between two processes: questions and answers, or
 * (`burst`) all in one direction as fast as the socket takes them, or the same
 * with a mebibyte in each (`large`).  To be timed by tests/dump/slowdown.
 */
#define _POSIX_C_SOURCE 200809L
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <imsg.h>

static void
fail(const char *what)
{
	perror(what);
	exit(1);
}

#define LARGE (1024 * 1024)
static char payload[LARGE] = "as much as a small request has";
static size_t size = 64;

static void
say(struct imsgbuf *b, uint32_t type, uint32_t n)
{
	if (imsg_compose(b, type, n, 0, -1, payload, size) == -1 ||
	    imsgbuf_flush(b) == -1)
		fail("send");
}

static void
hear(struct imsgbuf *b, uint32_t type, uint32_t n)
{
	struct imsg m;
	int r;

	while ((r = imsgbuf_get(b, &m)) == 0) {
		if (imsgbuf_read(b) != 1)
			fail("receive");
	}
	if (r == -1)
		fail("imsgbuf_get");
	if (m.hdr.type != type || m.hdr.peerid != n) {
		fprintf(stderr, "not the message that was expected\n");
		exit(1);
	}
	imsg_free(&m);
}

int
main(int argc, char *argv[])
{
	uint32_t i, n = argc > 1 ? (uint32_t)atol(argv[1]) : 100000;
	int large = argc > 2 && strcmp(argv[2], "large") == 0;
	int burst = large || (argc > 2 && strcmp(argv[2], "burst") == 0);
	int fd[2], status;
	struct imsgbuf b;
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, fd) == -1)
		fail("socketpair");
	if ((pid = fork()) == -1)
		fail("fork");
	(void)close(fd[pid == 0]);
	if (imsgbuf_init(&b, fd[pid != 0]) == -1)
		fail("imsgbuf_init");
	if (large) {
		size = LARGE;
		imsgbuf_set_maxsize(&b, LARGE + IMSG_HEADER_SIZE);
	}
	for (i = 0; i < (burst ? n : n / 2); i++) {
		if (pid != 0)
			say(&b, 1, i);
		else
			hear(&b, 1, i);
		if (!burst && pid == 0)
			say(&b, 2, i);
		else if (!burst)
			hear(&b, 2, i);
	}
	imsgbuf_clear(&b);
	if (pid == 0)
		return 0;
	if (waitpid(pid, &status, 0) != pid || status != 0)
		fail("child");
	return 0;
}
