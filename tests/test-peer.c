/* SPDX-License-Identifier: ISC */
/*
 * Two real processes: requests and answers with descriptors both ways, and a
 * peer that dies.
 */
#include "testlib.h"

#include <sys/wait.h>
#include <signal.h>

#define ROUNDS 200

/* The other process: fn, with its end of the pair. */
static pid_t
start(struct imsgbuf *b, int (*fn)(struct imsgbuf *))
{
	pid_t pid;
	int s[2];

	t_pair(s);
	fflush(NULL);
	assert_int_not_equal(pid = fork(), -1);
	if (pid == 0) {
		close(s[0]);
		if (imsgbuf_init(b, s[1]) == -1)
			_exit(100);
		imsgbuf_allow_fdpass(b);
		_exit(fn(b));
	}
	close(s[1]);
	assert_int_equal(imsgbuf_init(b, s[0]), 0);
	imsgbuf_allow_fdpass(b);
	return pid;
}

static void
end(struct imsgbuf *b, pid_t pid, int want)
{
	int status;

	imsgbuf_clear(b);
	close(b->fd);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, want);
}

/* Answers every request with its text, turned round, and its descriptor. */
static int
echo(struct imsgbuf *b)
{
	struct imsg m;
	char text[64];
	size_t len, i;
	int r;

	while ((r = imsgbuf_recv(b, &m, 60000)) == 1) {
		len = imsg_get_len(&m);
		if (len > sizeof(text))
			return 1;
		for (i = 0; i < len; i++)
			text[len - 1 - i] = ((char *)m.data)[i];
		if (imsg_compose(b, imsg_get_type(&m) + 1, imsg_get_id(&m), 0,
			imsg_get_fd(&m), text, len) == -1 ||
		    imsgbuf_flush(b) == -1)
			return 2;
		imsg_free(&m);
	}
	return r == 0 && !imsgbuf_partial(b) ? 0 : 3;
}

static void
requests_and_answers_carry_descriptors_both_ways(void **state)
{
	struct imsgbuf b;
	struct imsg m;
	uint64_t id = 0;
	uint32_t i;
	pid_t pid = start(&b, echo);
	int fd;

	(void)state;
	for (i = 0; i < ROUNDS; i++) {
		assert_int_equal(imsg_compose(&b, 10, i, 0,
				     i % 2 ? t_fd(&id) : -1, "stressed", 8),
		    1);
		assert_int_equal(imsgbuf_flush(&b), 0);
		assert_int_equal(imsgbuf_recv(&b, &m, 60000), 1);
		assert_int_equal(imsg_get_type(&m), 11);
		assert_int_equal(imsg_get_id(&m), i);
		assert_int_equal(imsg_get_pid(&m), pid);
		assert_memory_equal(m.data, "desserts", 8);
		fd = imsg_get_fd(&m);
		assert_int_equal(fd >= 0, i % 2);
		if (fd >= 0) {
			assert_int_equal(t_fd_id(fd), id);
			close(fd);
		}
		imsg_free(&m);
	}
	end(&b, pid, 0);
}

/* Sends a message and a half, then waits to be killed. */
static int
half(struct imsgbuf *b)
{
	struct imsg_hdr h = { 1, 20, 0, 0 };

	if (imsg_compose(b, 1, 0, 0, -1, "whole", 5) == -1 ||
	    imsgbuf_flush(b) == -1 || write(b->fd, &h, sizeof(h)) == -1)
		return 1;
	for (;;)
		pause();
}

static void
a_killed_peer_leaves_a_torn_stream(void **state)
{
	struct imsgbuf b;
	struct imsg m;
	pid_t pid = start(&b, half);

	(void)state;
	assert_int_equal(imsgbuf_recv(&b, &m, 60000), 1);
	imsg_free(&m);
	while (imsgbuf_partial(&b) == 0)
		assert_int_equal(imsgbuf_read(&b), 1);
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(imsgbuf_recv(&b, &m, 60000), 0);
	assert_int_equal(imsgbuf_partial(&b), 1);
	assert_int_equal(imsg_compose(&b, 1, 0, 0, -1, "x", 1), 1);
	assert_errno(imsgbuf_flush(&b), EPIPE);
	end(&b, pid, SIGKILL);
}

/* Leaves without reading what it was sent. */
static int
leave(struct imsgbuf *b)
{
	struct imsg m;

	if (imsgbuf_recv(b, &m, 60000) != 1)
		return 1;
	imsg_free(&m);
	imsgbuf_clear(b);
	return 0;
}

static void
descriptors_sent_to_a_dead_peer_are_closed(void **state)
{
	struct imsgbuf b;
	struct imsg m;
	int i, r;
	pid_t pid = start(&b, leave);

	(void)state;
	for (i = 0; i < 20; i++)
		assert_int_equal(
		    imsg_compose(&b, 1, 0, 0, t_fd(NULL), "x", 1), 1);
	while (imsgbuf_queuelen(&b) > 0 && imsgbuf_write(&b) == 0)
		;
	r = imsgbuf_recv(&b, &m, 60000);
	assert_true(r == 0 || (r == -1 && errno == ECONNRESET));
	end(&b, pid, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(requests_and_answers_carry_descriptors_both_ways),
		T(a_killed_peer_leaves_a_torn_stream),
		T(descriptors_sent_to_a_dead_peer_are_closed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
