/* SPDX-License-Identifier: ISC */
/*
 * A program of two processes that records its messages, for record.sh:
 *	record-program own N FILE1 FILE2	each process to a file
 *	record-program shared N FILE		both to the same
 *	record-program killed N FILE		one is killed after N messages
 * The parent asks, the child answers.
 */
#define _DEFAULT_SOURCE

#include <sys/socket.h>
#include <sys/wait.h>

#include <err.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "imsgrec.h"

#define ASK    1
#define ANSWER 100

static unsigned char data[5000];

static struct imsgrec *
open_record(const char *path)
{
	struct imsgrec *rec;
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);

	if (fd == -1 || (rec = imsgrec_open(fd, 0)) == NULL)
		err(1, "%s", path);
	return rec;
}

static void
begin(struct imsgbuf *ch, int fd, struct imsgrec *rec, const char *self,
    pid_t peerpid, const char *peer)
{
	if (imsgbuf_init(ch, fd) == -1 ||
	    imsgrec_channel(rec, ch, 1, self, peerpid, peer) == -1)
		err(1, "%s", self);
	imsgbuf_allow_fdpass(ch);
}

static void
finish(struct imsgbuf *ch, struct imsgrec *rec)
{
	imsgbuf_clear(ch);
	if (close(ch->fd) == -1 || imsgrec_close(rec) == -1)
		err(1, "record");
}

static void
send_one(struct imsgbuf *ch, uint32_t type, uint32_t id, size_t len)
{
	int fd = id % 10 == 0 ? dup(0) : -1;

	if (imsg_compose(ch, type, id, 0, fd, data, len) == -1 ||
	    imsgbuf_flush(ch) == -1)
		err(1, "send");
}

static void
child(int s, struct imsgrec *rec)
{
	struct imsgbuf ch;
	struct imsg m;
	int n;

	begin(&ch, s, rec, "child", getppid(), "parent");
	while ((n = imsgbuf_recv(&ch, &m, -1)) == 1) {
		send_one(&ch, ANSWER, imsg_get_id(&m), imsg_get_len(&m) / 2);
		imsg_free(&m);
	}
	if (n == -1)
		err(1, "receive");
	finish(&ch, rec);
	exit(0);
}

static void
parent(int s, struct imsgrec *rec, pid_t pid, uint32_t n, int kills)
{
	struct imsgbuf ch;
	struct imsg m;
	uint32_t i;
	int status;

	begin(&ch, s, rec, "parent", pid, "child");
	imsgrec_name(rec, ASK, "MSG_ASK");
	imsgrec_name(rec, ANSWER, "MSG_ANSWER");
	for (i = 1; i <= n; i++) {
		send_one(&ch, ASK, i, i * 37 % sizeof(data));
		if (imsgbuf_recv(&ch, &m, 60000) != 1)
			err(1, "answer");
		imsg_free(&m);
	}
	if (kills && kill(pid, SIGKILL) == -1)
		err(1, "kill");
	finish(&ch, rec);
	if (wait(&status) == -1 || (status != 0 && !kills))
		errx(1, "the child failed");
}

int
main(int argc, char *argv[])
{
	struct imsgrec *rec[2];
	uint32_t n;
	int own, s[2];
	pid_t pid;

	own = argc > 1 && strcmp(argv[1], "own") == 0;
	if (argc != (own ? 5 : 4))
		errx(2, "usage: see the source");
	n = (uint32_t)strtoul(argv[2], NULL, 10);
	rec[0] = rec[1] = open_record(argv[3]);
	if (own)
		rec[1] = open_record(argv[4]);
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, s) == -1 ||
	    (pid = fork()) == -1)
		err(1, "fork");
	(void)close(s[pid != 0]);
	if (own)
		(void)imsgrec_close(rec[pid != 0]);
	if (pid == 0)
		child(s[1], rec[1]);
	parent(s[0], rec[0], pid, n, strcmp(argv[1], "killed") == 0);
	return 0;
}
