/* SPDX-License-Identifier: ISC */
/*
 * Daemons from the start to the end: who starts when, who has a channel to
 * whom, who is stopped when, and that nothing sent is lost.
 */
#define _GNU_SOURCE
#include "host.h"

#include <sys/stat.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define SAY(p, ...) imsgproc_log(p, 6, __VA_ARGS__)

static int
say_start(struct imsgproc *p)
{
	SAY(p, "start pid %ld", (long)getpid());
	return 0;
}

static void
say_stop(struct imsgproc *p)
{
	SAY(p, "stop");
}

/* order: c and d start together, b after c, a after b. */

static bool
is_there(const void *path)
{
	return access(path, F_OK) == 0;
}

/* Each waits for the other: who starts them one by one waits in vain. */
static int
meet(struct imsgproc *p)
{
	const char *dir = getenv("MEET");
	bool c = strcmp(imsgproc_name(p), "c") == 0;
	char mine[256], other[256];
	int fd;

	(void)snprintf(mine, sizeof(mine), "%s/%s", dir, c ? "c" : "d");
	(void)snprintf(other, sizeof(other), "%s/%s", dir, c ? "d" : "c");
	if ((fd = open(mine, O_CREAT | O_WRONLY, 0600)) == -1)
		return imsgproc_fail(p, "%s: %s", mine, strerror(errno));
	(void)close(fd);
	host_wait(is_there, other);
	if (!is_there(other))
		return imsgproc_fail(p, "alone");
	return 0;
}

static const struct imsgproc_spec order_procs[] = {
	{ IMSGPROC_HERE, .name = "p", .start = say_start, .stop = say_stop },
	{ IMSGPROC_HERE, .name = "a", .needs = "b c", .start = say_start,
	    .stop = say_stop },
	{ IMSGPROC_HERE, .name = "b", .needs = "c", .start = say_start,
	    .stop = say_stop },
	{ IMSGPROC_HERE, .name = "c", .prepare = meet, .start = say_start,
	    .stop = say_stop },
	{ IMSGPROC_HERE, .name = "d", .prepare = meet, .start = say_start,
	    .stop = say_stop },
};
static const struct imsgproc_daemon order = { .name = "order",
	.procs = order_procs,
	.nprocs = 5 };

static void
needs_give_the_order(void **state)
{
	char dir[40], path[64];
	struct host h;

	(void)state;
	(void)snprintf(dir, sizeof(dir), "/tmp/test-proc-%ld", (long)getpid());
	assert_int_equal(mkdir(dir, 0700), 0);
	setenv("MEET", dir, 1);
	host_start(&h, "order");
	host_expect(&h, "p: start");
	assert_true(host_place(&h, " c: start") < host_place(&h, " b: start"));
	assert_true(host_place(&h, " b: start") < host_place(&h, " a: start"));
	assert_true(host_place(&h, " a: start") < host_place(&h, " p: start"));
	assert_true(host_place(&h, " d: start") < host_place(&h, " p: start"));
	assert_int_equal(host_stop(&h), 0);
	assert_true(host_place(&h, " p: stop") < host_place(&h, " a: stop"));
	assert_true(host_place(&h, " a: stop") < host_place(&h, " b: stop"));
	assert_true(host_place(&h, " b: stop") < host_place(&h, " c: stop"));
	assert_int_equal(host_count(&h, "stop\n"), 5);
	(void)snprintf(path, sizeof(path), "%s/c", dir);
	(void)unlink(path);
	(void)snprintf(path, sizeof(path), "%s/d", dir);
	(void)unlink(path);
	assert_int_equal(rmdir(dir), 0);
}

/* channels */

#define T_HELLO 1
#define T_BACK	2

static const char *const all_names[] = { "p", "front", "opener", "lone" };

/* Whom it can send to, and says so; what is open. */
static int
channels_start(struct imsgproc *p)
{
	size_t i;
	char to[128] = "";

	for (i = 0; i < 4; i++) {
		if (imsgproc_send(p, all_names[i], IMSGPROC_ALL, T_HELLO, 0, -1,
			NULL, 0) == 0) {
			strcat(to, " ");
			strcat(to, all_names[i]);
		} else if (errno != ENOENT)
			return imsgproc_fail(p, "%s", strerror(errno));
	}
	SAY(p, "sent to:%s.", to);
	SAY(p, "open %s.", host_open());
	return 0;
}

static void
channels_message(struct imsgproc *p, struct imsgproc_peer *from, struct imsg *m)
{
	int fd = imsg_get_fd(m);

	SAY(p, "got %u from %s %u", imsg_get_type(m), imsgproc_peer_name(from),
	    imsgproc_peer_instance(from));
	if (imsg_get_type(m) == T_HELLO && strcmp(imsgproc_name(p), "p") == 0) {
		/* A descriptor to the one, and from it to the other two. */
		fd = open("/dev/zero", O_RDONLY | O_CLOEXEC);
		if (imsgproc_send_peer(from, T_BACK, 0, fd, NULL, 0) == -1)
			imsgproc_stop(p, 9);
	} else if (imsg_get_type(m) == T_BACK && fd != -1) {
		SAY(p, "took a descriptor");
		if (strcmp(imsgproc_name(p), "front") == 0) {
			if (imsgproc_send(p, "opener", IMSGPROC_ALL, T_BACK, 0,
				fd, NULL, 0) == -1)
				imsgproc_stop(p, 9);
		} else
			(void)close(fd);
	}
}

static const struct imsgproc_spec channels_procs[] = {
	{ IMSGPROC_HERE, .name = "p", .talks = "front", .start = channels_start,
	    .message = channels_message },
	{ IMSGPROC_HERE, .name = "front", .talks = "opener", .needs = "opener",
	    .start = channels_start, .message = channels_message },
	{ IMSGPROC_HERE, .name = "opener", .instances = 2,
	    .start = channels_start, .message = channels_message },
	{ IMSGPROC_HERE, .name = "lone", .start = channels_start,
	    .message = channels_message },
};
static const struct imsgproc_daemon channels = { .name = "channels",
	.procs = channels_procs,
	.nprocs = 4 };

static void
the_channels_are_those_of_the_table(void **state)
{
	struct host h;

	(void)state;
	host_start(&h, "channels");
	host_expect(&h, " p: open");
	h.at = 0;
	host_expect(&h, " opener 1: got 2 from front 0");
	h.at = 0;
	host_expect(&h, " opener 0: got 2 from front 0");
	assert_int_equal(host_stop(&h), 0);
	assert_int_equal(host_count(&h, " p: sent to: front.\n"), 1);
	assert_int_equal(host_count(&h, " front: sent to: p opener.\n"), 1);
	assert_int_equal(host_count(&h, " opener 0: sent to: front.\n"), 1);
	assert_int_equal(host_count(&h, " opener 1: sent to: front.\n"), 1);
	assert_int_equal(host_count(&h, " lone: sent to:.\n"), 1);
	assert_int_equal(
	    host_count(&h, " front: open 0c 1c 2p 3s 4s 5s.\n"), 1);
	assert_int_equal(host_count(&h, "opener 0: open 0c 1c 2p 3s 4s.\n"), 1);
	assert_int_equal(host_count(&h, "opener 1: open 0c 1c 2p 3s 4s.\n"), 1);
	assert_int_equal(host_count(&h, " lone: open 0c 1c 2p 3s.\n"), 1);
	assert_int_equal(host_count(&h, " p: got "), 1);
	assert_int_equal(host_count(&h, " front: got "), 4);
	assert_int_equal(host_count(&h, " opener 0: got "), 2);
	assert_int_equal(host_count(&h, " opener 1: got "), 2);
	assert_int_equal(host_count(&h, " lone: got "), 0);
	assert_int_equal(host_count(&h, "took a descriptor"), 3);
}

/* The parent has a socket for each child, and no end of a channel of others. */
static void
the_parent_keeps_no_end(void **state)
{
	struct host h;
	const char *line;
	unsigned int sockets = 0;

	(void)state;
	host_start(&h, "channels");
	line = strstr(host_expect(&h, " p: open"), "open");
	for (; line != NULL; line = strchr(line + 1, 's'))
		sockets += line[0] == 's';
	assert_int_equal(sockets, 4);
	assert_int_equal(host_stop(&h), 0);
}

/* lost: what is sent in `stop' arrives, at the parent and at a peer. */

#define LOST_MANY 3000
static unsigned int lost_got;

static void
lost_message(struct imsgproc *p, struct imsgproc_peer *from, struct imsg *m)
{
	(void)p;
	(void)from;
	if (imsg_get_len(m) == 100)
		lost_got++;
}

static void
lost_stop(struct imsgproc *p)
{
	char text[100] = "";
	unsigned int i, n = LOST_MANY;

	if (getenv("LOST_MANY") != NULL)
		n = (unsigned int)atoi(getenv("LOST_MANY"));
	if (strcmp(imsgproc_name(p), "front") == 0) {
		for (i = 0; i < n; i++)
			if (imsgproc_send(p, "p", 0, 1, 0, -1, text, 100) ==
				-1 ||
			    imsgproc_send(p, "back", 0, 1, 0, -1, text, 100) ==
				-1)
				SAY(p, "%s", strerror(errno));
		return;
	}
	SAY(p, "stop after %u", lost_got);
	if (strcmp(imsgproc_name(p), "back") == 0)
		for (i = 0; i < lost_got; i++)
			(void)imsgproc_send(p, "p", 0, 1, 0, -1, text, 100);
}

static void
lost_peer(struct imsgproc *p, struct imsgproc_peer *peer, int up)
{
	SAY(p, "%s is %s after %u", imsgproc_peer_name(peer),
	    up ? "there" : "gone", lost_got);
}

static const struct imsgproc_spec lost_procs[] = {
	{ IMSGPROC_HERE, .name = "p", .talks = "front back", .start = say_start,
	    .message = lost_message, .peer = lost_peer },
	{ IMSGPROC_HERE, .name = "front", .talks = "back", .needs = "back",
	    .start = say_start, .message = lost_message, .stop = lost_stop },
	{ IMSGPROC_HERE, .name = "back", .start = say_start,
	    .message = lost_message, .stop = lost_stop },
};
static const struct imsgproc_daemon lost = { .name = "lost",
	.procs = lost_procs,
	.nprocs = 3 };

/* However it is told, as by a service manager: all of them at once. */
static void
nothing_is_lost_at_the_end(void **state)
{
	struct host h;
	pid_t pid[2];

	(void)state;
	host_start(&h, "lost");
	pid[0] = (pid_t)host_number(host_expect(&h, " back: start"), "pid ");
	pid[1] = (pid_t)host_number(host_expect(&h, " front: start"), "pid ");
	host_expect(&h, "p: start");
	assert_int_equal(kill(pid[0], SIGTERM), 0);
	assert_int_equal(kill(pid[1], SIGTERM), 0);
	assert_int_equal(host_stop(&h), 0);
	host_place(&h, " p: front is gone after 3000\n");
	host_place(&h, " back: stop after 3000\n");
	host_place(&h, " p: back is gone after 6000\n");
}

/* What waits to be read when the parent says that it is the end. */
static void
nothing_is_lost_unread(void **state)
{
	struct host h;
	pid_t back;

	(void)state;
	setenv("LOST_MANY", "800", 1);
	host_start(&h, "lost");
	unsetenv("LOST_MANY");
	back = (pid_t)host_number(host_expect(&h, " back: start"), "pid ");
	host_expect(&h, "p: start");
	assert_int_equal(kill(back, SIGSTOP), 0);
	assert_int_equal(kill(h.pid, SIGTERM), 0);
	host_expect(&h, " p: front is gone after 800\n");
	(void)poll(NULL, 0, 50);
	assert_int_equal(kill(back, SIGCONT), 0);
	assert_int_equal(host_end(&h), 0);
	host_place(&h, " back: stop after 800\n");
	host_place(&h, " p: back is gone after 1600\n");
}

/* four: how long it takes, which no test judges. */

static const struct imsgproc_spec four_procs[] = {
	{ IMSGPROC_HERE, .name = "p", .talks = "a b c", .start = say_start },
	{ IMSGPROC_HERE, .name = "a", .talks = "b c", .promises = "stdio" },
	{ IMSGPROC_HERE, .name = "b", .talks = "c", .promises = "stdio" },
	{ IMSGPROC_HERE, .name = "c", .promises = "stdio" },
};
static const struct imsgproc_daemon four = { .name = "four",
	.procs = four_procs,
	.nprocs = 4 };

static void
four_processes(void **state)
{
	struct timespec a, b;
	struct host h;

	(void)state;
	(void)clock_gettime(CLOCK_MONOTONIC, &a);
	host_start(&h, "four");
	host_expect(&h, " p: start");
	(void)clock_gettime(CLOCK_MONOTONIC, &b);
	assert_int_equal(host_stop(&h), 0);
	print_message("a daemon of four processes: %.1f ms\n",
	    (double)(b.tv_sec - a.tv_sec) * 1e3 +
		(double)(b.tv_nsec - a.tv_nsec) / 1e6);
}

const struct imsgproc_daemon *const host_tables[] = { &order, &channels, &lost,
	&four, NULL };

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(needs_give_the_order),
		cmocka_unit_test(the_channels_are_those_of_the_table),
		cmocka_unit_test(the_parent_keeps_no_end),
		cmocka_unit_test(nothing_is_lost_at_the_end),
		cmocka_unit_test(nothing_is_lost_unread),
		cmocka_unit_test(four_processes),
	};

	host_init(argc, argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
