/* SPDX-License-Identifier: ISC */
/*
 * What goes wrong around a process: it is started by hand, its parent dies or
 * talks nonsense, a peer has been taken over.  It ends with a word, or does
 * without that peer; it never runs on alone.
 */
#define _GNU_SOURCE
#include "child-lib.h"

#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define WORKER 2

/* Executed with arg and that as descriptor 3 (-1: none). */
static void
by_hand(const char *arg, int fd3, const char *words)
{
	char name[] = "test", copy[64], *argv[] = { name, copy, NULL };
	struct born c;
	int err, status;

	memset(&c, 0, sizeof(c));
	c.fd = -1;
	(void)snprintf(copy, sizeof(copy), "%s", arg);
	err = err_pipe(&c.out);
	if ((c.pid = fork()) == 0) {
		(void)dup2(err, 2);
		(void)close(3);
		if (fd3 != -1 && fd3 != 3)
			(void)dup2(fd3, 3);
		(void)execv("/proc/self/exe", argv);
		_exit(99);
	}
	(void)close(err);
	status = reap(&c);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 1);
	assert_string_equal(errors_of(&c), words);
}

/* A socketpair of a process that is not the parent. */
static int
strange_socket(void)
{
	int sv[2], carry[2], status;
	struct imsgbuf ib;
	struct imsg m;
	pid_t pid;
	int fd;

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, carry), 0);
	if ((pid = fork()) == 0) {
		if (socketpair(AF_UNIX, SOCK_STREAM, 0, sv) == -1 ||
		    imsgbuf_init(&ib, carry[1]) == -1)
			_exit(1);
		imsgbuf_allow_fdpass(&ib);
		if (imsg_compose(&ib, 1, 0, 0, sv[0], NULL, 0) != 1)
			_exit(1);
		_exit(imsgbuf_flush(&ib) == -1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(imsgbuf_init(&ib, carry[0]), 0);
	imsgbuf_allow_fdpass(&ib);
	assert_int_equal(imsgbuf_recv(&ib, &m, PATIENCE_MS), 1);
	fd = imsg_get_fd(&m);
	assert_true(fd >= 0);
	imsg_free(&m);
	imsgbuf_clear(&ib);
	(void)close(carry[0]);
	(void)close(carry[1]);
	return fd;
}

#define ALONE ": only the parent starts its processes: "

static void
by_hand_is_refused(void **state)
{
	int p[2], sv[2], dgram[2], fd;

	(void)state;
	assert_int_equal(pipe(p), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, sv), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM, 0, dgram), 0);
	by_hand("--imsgproc=plain.0", -1,
	    "test: parent: --imsgproc=plain.0" ALONE
	    "descriptor 3 is no channel\n");
	by_hand("--imsgproc=plain.0", p[0],
	    "test: parent: --imsgproc=plain.0" ALONE
	    "descriptor 3 is no channel\n");
	by_hand("--imsgproc=plain.0", dgram[0],
	    "test: parent: --imsgproc=plain.0" ALONE
	    "descriptor 3 is no channel\n");
	fd = strange_socket();
	by_hand("--imsgproc=plain.0", fd,
	    "test: parent: --imsgproc=plain.0" ALONE
	    "the channel is not the parent's\n");
	(void)close(fd);
	for (fd = 0; fd < 2; fd++) {
		(void)close(p[fd]);
		(void)close(sv[fd]);
		(void)close(dgram[fd]);
	}
}

static void
names_that_are_none(void **state)
{
	static const char *const names[] = { "", "plain", "plain.", ".0",
		"plain.-1", "plain.0x", "plain. 0", "plain.0000", "parent.0",
		"plain.0.0", "plai.0", "plainx.0" };
	char arg[64], words[192];
	size_t i;
	int sv[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, sv), 0);
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		(void)snprintf(arg, sizeof(arg), "--imsgproc=%s", names[i]);
		(void)snprintf(words, sizeof(words), "test: parent: %s%s%s",
		    arg, ALONE, "there is none of that name\n");
		by_hand(arg, sv[1], words);
	}
	(void)close(sv[0]);
	(void)close(sv[1]);
}

/* Born and ready, with its words to be read. */
static void
bear_heard(struct born *c, const char *who, bool ready)
{
	struct birth b = { .who = who };
	struct imsg m;
	int out;

	b.err = err_pipe(&out);
	bear(c, &b);
	c->out = out;
	(void)close(b.err);
	if (!ready)
		return;
	say(c, IMSGPROC_BEGIN, -1, NULL, 0);
	hear(c, IMSGPROC_READY, &m);
	imsg_free(&m);
}

static void
ends_with(struct born *c, const char *words)
{
	int status = reap(c);

	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 1);
	assert_string_equal(errors_of(c), words);
}

static void
parent_goes(void **state)
{
	struct born c;

	(void)state;
	bear_heard(&c, "quiet.0", false);
	hang_up(&c);
	ends_with(&c, "");
	bear_heard(&c, "quiet.0", true);
	hang_up(&c);
	ends_with(&c, "test: quiet: the parent is gone\n");
}

/* Two children, one in `run', one in its loop, of a parent that is killed. */
static void
parent_is_killed(void **state)
{
	struct born run, loop;
	pid_t parent, pids[2];
	int p[2], i, status;

	(void)state;
	assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0), 0);
	assert_int_equal(pipe2(p, O_CLOEXEC), 0);
	if ((parent = fork()) == 0) {
		bear_ready(&run, "plain.0");
		(void)hear_text(&run, T_REPORT);
		bear_ready(&loop, "quiet.0");
		pids[0] = run.pid;
		pids[1] = loop.pid;
		(void)!write(p[1], pids, sizeof(pids));
		(void)pause();
		_exit(1);
	}
	assert_int_equal(read(p[0], pids, sizeof(pids)), sizeof(pids));
	assert_int_equal(kill(parent, SIGKILL), 0);
	assert_int_equal(waitpid(parent, &status, 0), parent);
	for (i = 0; i < 2; i++) {
		memset(&run, 0, sizeof(run));
		run.fd = -1;
		run.pid = pids[i];
		status = reap(&run);
		assert_true(WIFEXITED(status));
		assert_int_equal(WEXITSTATUS(status), i == 0 ? 7 : 1);
	}
	(void)close(p[0]);
	(void)close(p[1]);
}

static void
nonsense_before_begin(void **state)
{
	const uint32_t none[2] = { 99, 0 }, self[2] = { 0, 0 },
		       far[2] = { WORKER, 3 };
	const uint32_t *who[] = { none, self, far };
	struct born c;
	size_t i;
	int fd;

	(void)state;
	for (i = 0; i < sizeof(who) / sizeof(who[0]); i++) {
		fd = open("/dev/null", O_RDWR);
		bear_heard(&c, "front.0", false);
		say(&c, IMSGPROC_PEER, fd, who[i], 8);
		assert_string_equal(
		    hear_text(&c, IMSGPROC_FAILED), "a channel to nobody");
		ends_with(&c, "");
	}
	bear_heard(&c, "front.0", false);
	say(&c, IMSGPROC_PEER, -1, far, 8);
	assert_string_equal(
	    hear_text(&c, IMSGPROC_FAILED), "a channel to nobody");
	ends_with(&c, "");
	bear_heard(&c, "front.0", false);
	say(&c, IMSGPROC_RELOAD, -1, NULL, 0);
	assert_string_equal(
	    hear_text(&c, IMSGPROC_FAILED), "unknown message of the parent");
	ends_with(&c, "");
}

static void
nonsense_later(void **state)
{
	static const unsigned char torn[5] = { 1, 2, 3, 4, 5 };
	static const unsigned char bad[16] = { 1, 0, 0, 0, 2 };
	struct born c;

	(void)state;
	bear_heard(&c, "quiet.0", true);
	say(&c, IMSGPROC_TYPES + 99, -1, NULL, 0);
	ends_with(&c, "test: quiet: unknown message of the parent\n");
	bear_heard(&c, "quiet.0", true);
	say(&c, 1, -1, NULL, 0);
	ends_with(&c,
	    "test: quiet: the parent talks, and the table has no "
	    "channel to it\n");
	bear_heard(&c, "quiet.0", true);
	assert_int_equal(write(c.fd, torn, sizeof(torn)), sizeof(torn));
	hang_up(&c);
	ends_with(&c,
	    "test: quiet: channel to parent: ends within a "
	    "message\n");
	bear_heard(&c, "quiet.0", true);
	assert_int_equal(write(c.fd, bad, sizeof(bad)), sizeof(bad));
	ends_with(&c,
	    "test: quiet: channel to parent: Numerical result "
	    "out of range\n");
}

/* A peer can lose its own channel, no more. */
static void
hostile_peer(void **state)
{
	static const unsigned char bad[16] = { 1, 0, 0, 0, 2 };
	struct born c, w;
	struct birth b = { .who = "front.0" };
	int i;

	(void)state;
	b.err = err_pipe(&i);
	bear(&c, &b);
	c.out = i;
	(void)close(b.err);
	talk_on(&w, say_peer(&c, WORKER, 0));
	say(&c, IMSGPROC_BEGIN, -1, NULL, 0);
	hear_front(&c, 1);
	for (i = 0; i < 3; i++) {
		if (i == 0)
			say(&w, IMSGPROC_STOP, -1, NULL, 0);
		else
			assert_int_equal(
			    write(w.fd, bad, i == 1 ? 16 : 7), i == 1 ? 16 : 7);
		if (i == 2)
			hang_up(&w);
		assert_string_equal(hear_text(&c, T_PEER), "worker 0 0");
		if (i < 2)
			hang_up(&w);
		talk_on(&w, say_peer(&c, WORKER, 0));
		assert_string_equal(hear_text(&c, T_PEER), "worker 0 1");
	}
	say(&c, IMSGPROC_STOP, -1, NULL, 0);
	assert_string_equal(hear_text(&c, T_REPORT), "stop");
	hang_up(&w);
	assert_int_equal(reap(&c), 0);
	assert_string_equal(errors_of(&c),
	    "test: front: worker sent a message of type 0x7fffff06: its "
	    "channel is closed\n"
	    "test: front: channel to worker: Numerical result out of range\n"
	    "test: front: channel to worker: ends within a message\n");
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(by_hand_is_refused),
		cmocka_unit_test(names_that_are_none),
		cmocka_unit_test(parent_goes),
		cmocka_unit_test(parent_is_killed),
		cmocka_unit_test(nonsense_before_begin),
		cmocka_unit_test(nonsense_later),
		cmocka_unit_test(hostile_peer),
	};

	imsgproc_init(argc, argv, &test_daemon);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
