/* SPDX-License-Identifier: ISC */
/*
 * A small program with libimsg-loop, for the tests of what is installed: one end
 * of a channel asks, the other answers, both in one loop.  Prints
 * "answer: hello".
 */
#include <sys/socket.h>
#include <stdio.h>
#include <string.h>

#include <imsg_call.h>

static int status = 1;

static void
question(struct imsgloop_chan *ch, struct imsg *imsg, void *arg)
{
	(void)arg;
	if (imsgcall_answer(ch, imsg, 2, -1, "hello", 5) != 1)
		perror("answer");
}

static void
no_message(struct imsgloop_chan *ch, struct imsg *imsg, void *arg)
{
	(void)ch, (void)imsg, (void)arg;
	puts("a message that is no answer");
}

static void
ended(struct imsgloop_chan *ch, int why, int error, void *arg)
{
	(void)ch, (void)arg;
	if (why == IMSGLOOP_ERROR)
		printf("error: %s\n", strerror(error));
}

static void
answered(struct imsgcall *calls, struct imsg *imsg, int error, void *arg)
{
	struct imsgloop_chan *ch = arg;
	struct ibuf b;

	(void)calls;
	if (error != 0 || imsg_get_ibuf(imsg, &b) == -1) {
		printf("no answer: %s\n", strerror(error));
	} else {
		printf("answer: %.*s\n", (int)ibuf_size(&b),
		    (const char *)ibuf_data(&b));
		status = 0;
	}
	imsgloop_close(ch, 1000);
}

int
main(void)
{
	static const struct imsgloop_cb asks = { no_message, ended, NULL };
	static const struct imsgloop_cb answers = { question, ended, NULL };
	struct imsgloop *loop = imsgloop_poll_new();
	struct imsgloop_chan *ch;
	struct imsgcall *calls;
	int s[2];

	if (loop == NULL || socketpair(AF_UNIX, SOCK_STREAM, 0, s) == -1 ||
	    (ch = imsgloop_open(loop, s[0], &asks, NULL)) == NULL ||
	    imsgloop_open(loop, s[1], &answers, NULL) == NULL ||
	    (calls = imsgcall_new(ch, IMSGCALL_LOWER)) == NULL ||
	    imsgcall_start(calls, 1, -1, NULL, 0, 5000, answered, ch) == 0 ||
	    imsgloop_poll_run(loop) == -1) {
		perror("loop");
		return 1;
	}
	imsgloop_poll_free(loop);
	return status;
}
