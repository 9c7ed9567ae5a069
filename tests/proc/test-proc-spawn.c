/* SPDX-License-Identifier: ISC */
/*
 * One process at a time: started, talked to, waited for; and all the ways in
 * which it does not come up or does not go.  Nothing is left in any case.
 */
#define _GNU_SOURCE
#include "host.h"

#include <sys/stat.h>
#include <sys/wait.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int
echo_run(struct imsgproc *p)
{
	struct imsgbuf *ib = imsgproc_parent_imsgbuf(p);
	struct imsg m;
	int r;

	while ((r = imsgbuf_recv(ib, &m, -1)) == 1) {
		if (imsg_compose(ib, imsg_get_type(&m) + 1, imsg_get_id(&m), 0,
			imsg_get_fd(&m), m.data, imsg_get_len(&m)) == -1 ||
		    imsgbuf_flush(ib) == -1)
			return 3;
		imsg_free(&m);
	}
	return r == 0 ? 42 : 4;
}

static void
loop_message(struct imsgproc *p, struct imsgproc_peer *from, struct imsg *m)
{
	if (imsgproc_forward(from, m) == -1)
		imsgproc_stop(p, 5);
}

static int
open_run(struct imsgproc *p)
{
	const char *list = host_open();
	struct imsgbuf *ib = imsgproc_parent_imsgbuf(p);

	return imsg_compose(ib, 1, 0, 0, -1, list, strlen(list) + 1) == -1 ||
	    imsgbuf_flush(ib) == -1;
}

static int
hang(struct imsgproc *p)
{
	(void)p;
	while (getppid() != 0)
		(void)pause();
	return 0;
}

static int
fails(struct imsgproc *p)
{
	errno = ENOSPC;
	return imsgproc_fail(p, "no luck");
}

static int
early(struct imsgproc *p)
{
	return imsgproc_send(p, "main", 0, 1, 0, -1, NULL, 0) == -1 ? -1 : 0;
}

static int
dies(struct imsgproc *p)
{
	(void)p;
	(void)raise(SIGKILL);
	return 0;
}

static int
exits(struct imsgproc *p)
{
	(void)p;
	_exit(9);
}

#define DEMAND(n, ...)                                                 \
	{                                                              \
		IMSGPROC_HERE, .name = n, .flags = IMSGPROC_ON_DEMAND, \
			       __VA_ARGS__                             \
	}

static const struct imsgproc_spec procs[] = {
	{ IMSGPROC_HERE, .name = "main" },
	DEMAND("echo", .run = echo_run, .promises = "stdio sendfd recvfd"),
	DEMAND("loop", .message = loop_message),
	DEMAND("open", .run = open_run),
	DEMAND("hang", .run = hang),
	DEMAND("slow", .start = hang),
	DEMAND("fails", .start = fails),
	DEMAND("early", .start = early),
	DEMAND("dies", .start = dies),
	DEMAND("exits", .prepare = exits),
};
static const struct imsgproc_daemon d = { .name = "spawn",
	.procs = procs,
	.nprocs = sizeof(procs) / sizeof(procs[0]),
	.start_ms = 300 };
const struct imsgproc_daemon *const host_tables[] = { &d, NULL };

static int files_before;

static int
files(void)
{
	int fd, n = 0;

	for (fd = 0; fd < 1024; fd++)
		n += fcntl(fd, F_GETFD) != -1;
	return n;
}

static int
remember(void **state)
{
	(void)state;
	files_before = files();
	return 0;
}

static int
nothing_left(void **state)
{
	int status;

	(void)state;
	if (files() != files_before || waitpid(-1, &status, WNOHANG) != -1 ||
	    errno != ECHILD)
		return -1;
	return 0;
}

static void
start(struct imsgproc_child *c, const char *name)
{
	char why[256] = "";

	if (imsgproc_spawn(&d, name, c, why, sizeof(why)) == -1)
		fail_msg("%s", why);
	assert_true(c->pid > 0);
	assert_true((fcntl(c->ib.fd, F_GETFL) & O_NONBLOCK) == 0);
	assert_true((fcntl(c->ib.fd, F_GETFD) & FD_CLOEXEC) != 0);
}

static void
ask(struct imsgproc_child *c, uint32_t want)
{
	struct imsg m;
	int fd = open("/dev/zero", O_RDONLY | O_CLOEXEC);

	assert_int_equal(imsg_compose(&c->ib, 10, 7, 0, fd, "hello", 6), 1);
	assert_int_equal(imsgbuf_flush(&c->ib), 0);
	assert_int_equal(imsgbuf_recv(&c->ib, &m, PATIENCE), 1);
	assert_int_equal(imsg_get_type(&m), want);
	assert_int_equal(imsg_get_id(&m), 7);
	assert_string_equal(m.data, "hello");
	assert_true((fd = imsg_get_fd(&m)) != -1);
	assert_true((fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
	(void)close(fd);
	imsg_free(&m);
}

static void
one_that_runs(void **state)
{
	struct imsgproc_child c, e;
	int status;

	(void)state;
	start(&c, "echo");
	start(&e, "echo");
	ask(&c, 11);
	ask(&e, 11);
	assert_int_equal(imsgproc_wait(&c, PATIENCE, &status), 0);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 42);
	ask(&e, 11);
	assert_int_equal(imsgproc_wait(&e, -1, NULL), 0);
	assert_int_equal(imsgproc_wait(&e, -1, &status), -1);
	assert_int_equal(errno, EINVAL);
}

static void
one_with_a_loop(void **state)
{
	struct imsgproc_child c;
	int status;

	(void)state;
	start(&c, "loop");
	ask(&c, 10);
	ask(&c, 10);
	assert_int_equal(imsgproc_wait(&c, PATIENCE, &status), 0);
	assert_int_equal(status, 0);
}

/* It gets its channel, whatever is open here. */
static void
its_channel_alone(void **state)
{
	struct imsgproc_child c, other;
	struct imsg m;
	int fd[3], i, status;

	(void)state;
	for (i = 0; i < 3; i++)
		assert_true((fd[i] = dup(2)) != -1);
	start(&other, "echo");
	start(&c, "open");
	assert_int_equal(imsgbuf_recv(&c.ib, &m, PATIENCE), 1);
	((char *)m.data)[7] = '?';
	assert_string_equal(m.data, "0c 1c 2? 3s");
	imsg_free(&m);
	assert_int_equal(imsgproc_wait(&c, PATIENCE, &status), 0);
	assert_int_equal(status, 0);
	assert_int_equal(imsgproc_wait(&other, PATIENCE, &status), 0);
	for (i = 0; i < 3; i++)
		(void)close(fd[i]);
}

static void
one_that_does_not_end(void **state)
{
	static const int ms[] = { 0, 1, 100 };
	struct imsgproc_child c;
	size_t i;
	int status;

	(void)state;
	for (i = 0; i < sizeof(ms) / sizeof(ms[0]); i++) {
		start(&c, "hang");
		assert_int_equal(imsgproc_wait(&c, ms[i], &status), 1);
		assert_true(WIFSIGNALED(status));
		assert_int_equal(WTERMSIG(status), SIGKILL);
	}
}

static void
one_that_does_not_come_up(void **state)
{
	const struct {
		const char *name;
		int error;
		const char *why;
	} bad[] = {
		{ "nobody", ENOENT, "spawn: there is no process nobody" },
		{ "main", ENOENT, "spawn: there is no process main" },
		{ NULL, ENOENT, "spawn: there is no process " },
		{ "slow", ETIMEDOUT,
		    "slow: was not ready: Connection timed out" },
		{ "fails", ENOSPC, "fails: no luck" },
		{ "early", EPROTO,
		    "early: sent a message before it was ready" },
		{ "dies", ECONNRESET,
		    "dies: killed by signal 9 (Killed) before it was ready" },
		{ "exits", ECONNRESET,
		    "exits: exited with status 9 before it was ready" },
	};
	struct imsgproc_child c;
	char why[256];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		errno = 0;
		assert_int_equal(
		    imsgproc_spawn(&d, bad[i].name, &c, why, sizeof(why)), -1);
		assert_int_equal(errno, bad[i].error);
		assert_string_equal(why, bad[i].why);
		assert_int_equal(imsgproc_wait(&c, 0, NULL), -1);
		assert_int_equal(
		    imsgproc_spawn(&d, bad[i].name, &c, NULL, 0), -1);
	}
}

static void
a_bad_table(void **state)
{
	static const struct imsgproc_spec bad_procs[] = {
		{ .file = "t", .line = 1, .name = "main" },
		{ .file = "t", .line = 2, .name = "a", .talks = "b" },
	};
	static const struct imsgproc_daemon bad = {
		.name = "bad", .procs = bad_procs, .nprocs = 2
	};
	struct imsgproc_child c;
	char why[64];

	(void)state;
	assert_int_equal(imsgproc_spawn(&bad, "a", &c, why, sizeof(why)), -1);
	assert_int_equal(errno, ENOENT);
	assert_string_equal(why, "t:2: a talks to b: there is none");
}

/* A program that does not want to know how its children end. */
static void
somebody_else_reaps(void **state)
{
	struct sigaction sa = { .sa_handler = SIG_IGN }, old;
	struct imsgproc_child c;
	int status;

	(void)state;
	assert_int_equal(sigaction(SIGCHLD, &sa, &old), 0);
	start(&c, "echo");
	ask(&c, 11);
	assert_int_equal(imsgproc_wait(&c, PATIENCE, &status), -1);
	assert_int_equal(errno, ECHILD);
	assert_int_equal(sigaction(SIGCHLD, &old, NULL), 0);
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, remember, nothing_left)

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		TEST(one_that_runs),
		TEST(one_with_a_loop),
		TEST(its_channel_alone),
		TEST(one_that_does_not_end),
		TEST(one_that_does_not_come_up),
		TEST(a_bad_table),
		TEST(somebody_else_reaps),
	};

	host_init(argc, argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
