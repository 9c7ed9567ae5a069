/* SPDX-License-Identifier: ISC */
/*
 * A program that carries imsg.c and imsg.h and nothing else of the library:
 * tests/amalgamate.sh compiles it as C and as C++, for 64 and for 32 bits, for
 * both versions of the API.  A parent sends a descriptor with a message, many
 * small messages and a large one; the child checks them and answers through the
 * descriptor.  Prints what is wrong and exits 1.
 */
#include <sys/types.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "imsg.h"

#define LARGE	     300000
#define EXPECT(what) expect((what) != 0, #what, __LINE__)

#define SMALL 200

enum { MSG_HELLO = 7, MSG_SMALL, MSG_LARGE };

static void
expect(int good, const char *what, int line)
{
	if (good)
		return;
	(void)fprintf(stderr, "line %d: not true: %s\n", line, what);
	exit(1);
}

static unsigned char
pattern(size_t i)
{
	return (unsigned char)(i * 7 + i / 251);
}

static void
open_channel(struct imsgbuf *ch, int fd)
{
	EXPECT(imsgbuf_init(ch, fd) == 0);
	imsgbuf_allow_fdpass(ch);
	EXPECT(imsgbuf_set_maxsize(ch, LARGE + 100) == 0);
#if IMSG_API_VERSION == 78
	EXPECT(ch->maxsize == LARGE + 100 + IMSG_HEADER_SIZE);
#else
	EXPECT(ch->maxsize == LARGE + 100);
#endif
}

/* The next message has so many bytes of the pattern. */
static void
take(struct imsgbuf *ch, uint32_t type, size_t len)
{
	struct imsg m;
	const unsigned char *p;
	size_t i;

	EXPECT(imsgbuf_recv(ch, &m, -1) == 1);
	EXPECT(imsg_get_type(&m) == type && imsg_get_len(&m) == len);
	EXPECT(imsg_fd_status(&m) == IMSG_FD_NONE);
	p = (const unsigned char *)m.data;
	EXPECT((uintptr_t)p % sizeof(uint64_t) == 0);
	for (i = 0; i < len; i++)
		EXPECT(p[i] == pattern(i));
	imsg_free(&m);
}

static void
child(int s)
{
	struct imsgbuf ch;
	struct imsg m;
	size_t i;
	int fd;

	open_channel(&ch, s);
	EXPECT(imsgbuf_recv(&ch, &m, -1) == 1);
	EXPECT(imsg_get_type(&m) == MSG_HELLO && imsg_get_len(&m) == 5);
	EXPECT(memcmp(m.data, "hello", 5) == 0);
	EXPECT((fd = imsg_get_fd(&m)) != -1);
	imsg_free(&m);

	for (i = 0; i < SMALL; i++)
		take(&ch, MSG_SMALL, i);
	take(&ch, MSG_LARGE, LARGE);

	EXPECT(imsgbuf_recv(&ch, &m, -1) == 0);
	EXPECT(write(fd, "seen", 4) == 4 && close(fd) == 0);
	imsgbuf_clear(&ch);
	exit(0);
}

static void
parent(int s)
{
	static unsigned char large[LARGE];
	struct imsgbuf ch;
	char answer[8];
	size_t i;
	int p[2];

	for (i = 0; i < LARGE; i++)
		large[i] = pattern(i);
	open_channel(&ch, s);
	EXPECT(pipe(p) == 0);
	EXPECT(imsg_compose(&ch, MSG_HELLO, 0, 0, p[1], "hello", 5) == 1);
	for (i = 0; i < SMALL; i++)
		EXPECT(imsg_compose(&ch, MSG_SMALL, 0, 0, -1, large, i) == 1);
	EXPECT(imsg_compose(&ch, MSG_LARGE, 0, 0, -1, large, LARGE) == 1);
	EXPECT(imsgbuf_flush(&ch) == 0 && imsgbuf_queuelen(&ch) == 0);
	imsgbuf_clear(&ch);
	EXPECT(close(s) == 0);
	/* The library has closed the pipe's other end here: this one ends. */
	EXPECT(read(p[0], answer, sizeof(answer)) == 4);
	EXPECT(memcmp(answer, "seen", 4) == 0);
	EXPECT(read(p[0], answer, sizeof(answer)) == 0);
}

int
main(void)
{
	pid_t pid;
	int s[2], status;

	EXPECT(imsg_version() == IMSG_VERSION);
	EXPECT(socketpair(AF_UNIX, SOCK_STREAM, 0, s) == 0);
	EXPECT((pid = fork()) != -1);
	if (pid == 0) {
		EXPECT(close(s[0]) == 0);
		child(s[1]);
	}
	EXPECT(close(s[1]) == 0);
	parent(s[0]);
	EXPECT(waitpid(pid, &status, 0) == pid && status == 0);
	puts("seen");
	return 0;
}
