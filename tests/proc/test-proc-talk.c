/* SPDX-License-Identifier: ISC */
/*
 * The parent and its children: what is said before the parent has begun, a
 * process without a loop, a parent that gives up its own privileges.
 */
#define _GNU_SOURCE
#include "host.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SAY(p, ...) imsgproc_log(p, 6, __VA_ARGS__)

static int
say_start(struct imsgproc *p)
{
	SAY(p, "start pid %ld", (long)getpid());
	return 0;
}

static void
say_reload(struct imsgproc *p)
{
	SAY(p, "reload");
}

/* early: what a child says before the parent has started waits for it. */

static int
early_start(struct imsgproc *p)
{
	char text[1000] = "";
	int i;

	SAY(p, "at pid %ld", (long)getpid());
	for (i = 0; i < 100; i++)
		if (imsgproc_send(p, "p", 0, 1, 0, -1, text, sizeof(text)) ==
		    -1)
			return -1;
	return 0;
}

static void
early_message(struct imsgproc *p, struct imsgproc_peer *from, struct imsg *m)
{
	(void)from;
	SAY(p, "early of %zu", imsg_get_len(m));
}

/* The first of all to a peer: said again before it is ready. */
static void
early_peer(struct imsgproc *p, struct imsgproc_peer *peer, int up)
{
	SAY(p, "%s is %s", imsgproc_peer_name(peer), up ? "there" : "gone");
	if (up && imsgproc_send_peer(peer, 2, 0, -1, NULL, 0) == -1)
		SAY(p, "cannot be sent");
}

static const struct imsgproc_spec early_procs[] = {
	{ IMSGPROC_HERE, .name = "p", .talks = "a", .start = say_start,
	    .message = early_message, .peer = early_peer },
	{ IMSGPROC_HERE, .name = "a", .start = early_start, .peer = early_peer,
	    .message = early_message, .flags = IMSGPROC_RESTART },
	{ IMSGPROC_HERE, .name = "b", .needs = "a" },
};
static const struct imsgproc_daemon early = { .name = "early",
	.procs = early_procs,
	.nprocs = 3 };

/* And again, when it was started anew. */
static void
early_messages_wait_for_the_parent(void **state)
{
	struct host h;
	size_t at;
	pid_t a;
	int i, turn;

	(void)state;
	host_start(&h, "early");
	a = (pid_t)host_number(host_expect(&h, " a: at"), "pid ");
	h.at = 0;
	host_expect(&h, " p: start");
	for (turn = 0; turn < 2; turn++) {
		host_expect(&h, " p: a is there");
		at = h.at;
		for (i = 0; i < 100; i++)
			host_expect(&h, " p: early of 1000");
		host_expect(&h, " p: early of 0");
		h.at = at;
		host_expect(&h, " a: early of 0");
		if (turn > 0)
			break;
		assert_int_equal(kill(a, SIGKILL), 0);
		host_expect(&h, " p: a is gone");
	}
	assert_int_equal(host_stop(&h), 0);
	assert_int_equal(host_count(&h, "early of 1000"), 200);
	assert_int_equal(host_count(&h, " a: p is there"), 2);
	assert_int_equal(host_count(&h, " a: early of 0"), 2);
	assert_int_equal(host_count(&h, " p: a is there"), 2);
	assert_int_equal(host_count(&h, " p: a is gone"), 2);
	assert_int_equal(host_count(&h, "cannot be sent"), 0);
	assert_true(host_place(&h, " p: start") < host_place(&h, " p: a is"));
	assert_true(host_place(&h, " p: a is") < host_place(&h, "p: early of"));
}

static void
run_message(struct imsgproc *p, struct imsgproc_peer *from, struct imsg *m)
{
	SAY(p, "got %u from %s %u", imsg_get_type(m), imsgproc_peer_name(from),
	    imsgproc_peer_instance(from));
}

/* run: a process without a loop. */

static int
run_run(struct imsgproc *p)
{
	struct imsgbuf *ib = imsgproc_parent_imsgbuf(p);
	struct imsg m;
	int r;

	while ((r = imsgbuf_recv(ib, &m, -1)) == 1) {
		SAY(p, "got %u", imsg_get_type(&m));
		if (imsg_compose(
			ib, imsg_get_type(&m) + 1, 0, 0, -1, NULL, 0) == -1 ||
		    imsgbuf_flush(ib) == -1)
			return 3;
		imsg_free(&m);
	}
	SAY(p, "the end: %d", r);
	return 0;
}

static int
run_start(struct imsgproc *p)
{
	return imsgproc_send(p, "r", 0, 5, 0, -1, NULL, 0) == -1 ? -1 : 0;
}

static const struct imsgproc_spec run_procs[] = {
	{ IMSGPROC_HERE, .name = "p", .talks = "r", .start = run_start,
	    .message = run_message, .reload = say_reload },
	{ IMSGPROC_HERE, .name = "r", .run = run_run },
};
static const struct imsgproc_daemon run = { .name = "run",
	.procs = run_procs,
	.nprocs = 2 };

static void
a_process_without_a_loop(void **state)
{
	struct host h;

	(void)state;
	host_start(&h, "run");
	host_expect(&h, " p: got 6 from r 0");
	(void)kill(h.pid, SIGHUP);
	host_expect(&h, " p: reload");
	assert_int_equal(host_stop(&h), 0);
	host_place(&h, " r: the end: 0");
}

/* lower: the parent gives up root and most of the rest. */

static int
lower_start(struct imsgproc *p)
{
	uid_t r, e, saved;

	if (getresuid(&r, &e, &saved) == -1)
		return -1;
	SAY(p, "user %ld %ld %ld", (long)r, (long)e, (long)saved);
	return 0;
}

static const struct imsgproc_spec lower_procs[] = {
	{ IMSGPROC_HERE, .name = "p", .user = "nobody",
	    .promises = "stdio proc", .talks = "a", .start = lower_start,
	    .reload = say_reload },
	{ IMSGPROC_HERE, .name = "a", .user = "nobody", .promises = "stdio",
	    .reload = say_reload, .start = lower_start },
};
static const struct imsgproc_daemon lower = { .name = "lower",
	.procs = lower_procs,
	.nprocs = 2 };

static void
a_parent_without_privileges(void **state)
{
	struct host h;
	const char *line;
	unsigned int id[3];

	(void)state;
	if (geteuid() != 0)
		skip();
	host_start(&h, "lower");
	line = host_expect(&h, " p: user");
	assert_int_equal(
	    sscanf(line, "lower: p: user %u %u %u", &id[0], &id[1], &id[2]), 3);
	assert_true(id[0] != 0 && id[1] == id[0] && id[2] == id[0]);
	assert_int_equal(kill(h.pid, SIGHUP), 0);
	host_expect(&h, " a: reload");
	assert_int_equal(host_stop(&h), 0);
}

const struct imsgproc_daemon *const host_tables[] = { &early, &run, &lower,
	NULL };

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(early_messages_wait_for_the_parent),
		cmocka_unit_test(a_process_without_a_loop),
		cmocka_unit_test(a_parent_without_privileges),
	};

	host_init(argc, argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
