/* SPDX-License-Identifier: ISC */
/*
 * The conversation of the examples of event loops.  The process that adds has
 * no loop: it waits for a question in imsgbuf_recv().  The one that asks is
 * called by its loop, and knows nothing else of it.
 */
#include <sys/socket.h>
#include <sys/wait.h>

#include <stdio.h>
#include <unistd.h>

#include "loop-talk.h"

#define ADD	  1
#define SUM	  2
#define QUESTIONS 3

struct talk {
	pid_t pid;
	int asked, right, over, closed;
};

static struct talk talk;

static int
add_up(int fd)
{
	struct imsgbuf ch;
	struct imsg m;
	uint32_t n, sum;
	int r;

	if (imsgbuf_init(&ch, fd) == -1)
		return 1;
	while ((r = imsgbuf_recv(&ch, &m, -1)) == 1) {
		for (sum = 0; imsg_get_buf(&m, &n, sizeof(n)) == 0; sum += n)
			continue;
		imsg_free(&m);
		if (imsg_compose(&ch, SUM, 0, 0, -1, &sum, sizeof(sum)) != 1 ||
		    imsgbuf_flush(&ch) == -1)
			return 1;
	}
	imsgbuf_clear(&ch);
	return r == 0 ? 0 : 1;
}

static void
ask(struct imsgloop_chan *c)
{
	uint32_t n[2] = { 20, (uint32_t)++talk.asked };

	if (imsgloop_compose(c, ADD, 0, 0, -1, n, sizeof(n)) == -1)
		perror("compose");
}

static void
on_message(struct imsgloop_chan *c, struct imsg *m, void *arg)
{
	uint32_t sum;

	(void)arg;
	if (imsg_get_type(m) != SUM ||
	    imsg_get_data(m, &sum, sizeof(sum)) == -1) {
		(void)imsgloop_close(c, 0);
		return;
	}
	printf("20 and %d is %u\n", talk.asked, sum);
	talk.right += sum == 20 + (uint32_t)talk.asked;
	if (talk.asked < QUESTIONS)
		ask(c);
	else if (imsgloop_close(c, 1000) == -1)
		perror("close");
}

static void
on_ended(struct imsgloop_chan *c, int why, int error, void *arg)
{
	(void)c;
	(void)arg;
	talk.over = 1;
	talk.closed = why == IMSGLOOP_CLOSED && error == 0;
}

int
talk_start(struct imsgloop *loop)
{
	static const struct imsgloop_cb cb = { on_message, on_ended, NULL };
	struct imsgloop_chan *c;
	int s[2];

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, s) == -1)
		return -1;
	if ((talk.pid = fork()) == 0) {
		(void)close(s[0]);
		_exit(add_up(s[1]));
	}
	(void)close(s[1]);
	if (talk.pid == -1 ||
	    (c = imsgloop_open(loop, s[0], &cb, NULL)) == NULL) {
		(void)close(s[0]);
		return -1;
	}
	ask(c);
	return 0;
}

int
talk_over(void)
{
	return talk.over;
}

int
talk_result(void)
{
	int status;

	if (waitpid(talk.pid, &status, 0) != talk.pid || status != 0)
		return 1;
	return talk.closed && talk.right == QUESTIONS ? 0 : 1;
}
