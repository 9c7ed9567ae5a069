/* SPDX-License-Identifier: ISC */
/*
 * Processes that die, or do not want to: the reason in words, started again
 * with new channels and longer and longer pauses, or the end of all.
 */
#define _GNU_SOURCE
#include "host.h"

#include <sys/wait.h>
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
say_died(struct imsgproc *p, const struct imsgproc_death *d)
{
	SAY(p, "died: %s %u, %d, \"%s\", %d", d->name, d->instance,
	    WIFSIGNALED(d->status) ? -WTERMSIG(d->status) :
				     WEXITSTATUS(d->status),
	    d->why, d->restart_ms);
}

static void
say_peer(struct imsgproc *p, struct imsgproc_peer *peer, int up)
{
	SAY(p, "%s %u is %s", imsgproc_peer_name(peer),
	    imsgproc_peer_instance(peer), up ? "there" : "gone");
	if ((imsgproc_peer_chan(peer) != NULL) != up)
		SAY(p, "is it there?");
}

/* again: one that is started again, its peers are told. */

static int
again_start(struct imsgproc *p)
{
	if (imsgproc_send(p, "back", IMSGPROC_ALL, 2, 0, -1, NULL, 0) == -1)
		return imsgproc_fail(p, "%s", strerror(errno));
	return say_start(p);
}

static void
again_message(struct imsgproc *p, struct imsgproc_peer *from, struct imsg *m)
{
	(void)m;
	SAY(p, "heard of %s", imsgproc_peer_name(from));
}

static const struct imsgproc_spec again_procs[] = {
	{ IMSGPROC_HERE, .name = "p", .talks = "front", .start = say_start,
	    .peer = say_peer },
	{ IMSGPROC_HERE, .name = "front", .talks = "back", .needs = "back",
	    .flags = IMSGPROC_RESTART, .start = again_start, .peer = say_peer },
	{ IMSGPROC_HERE, .name = "back", .instances = 2, .peer = say_peer,
	    .flags = IMSGPROC_RESTART, .start = say_start,
	    .message = again_message },
};
static const struct imsgproc_daemon again = { .name = "again",
	.procs = again_procs,
	.nprocs = 3,
	.died = say_died };

static void
kill_front(struct host *h, pid_t *front, int signo)
{
	assert_int_equal(kill(*front, signo), 0);
	*front = (pid_t)host_number(host_expect(h, " front: start"), "pid ");
	host_expect(h, "heard of front");
	host_expect(h, "heard of front");
}

static void
it_is_started_again(void **state)
{
	struct host h;
	pid_t front;

	(void)state;
	host_start(&h, "again");
	front = (pid_t)host_number(host_expect(&h, " front: start"), "pid ");
	host_expect(&h, "heard of front");
	host_expect(&h, "heard of front");
	h.at = 0;
	host_expect(&h, " p: start");
	h.at = h.len;
	kill_front(&h, &front, SIGKILL);
	kill_front(&h, &front, SIGUSR1);
	assert_int_equal(host_stop(&h), 0);
	host_place(&h, "front 0, -9, \"killed by signal 9 (Killed)\", 100\n");
	host_place(&h,
	    "front 0, -10, \"killed by signal 10 (User defined signal 1)\", 200\n");
	assert_int_equal(host_count(&h, " back 0: front 0 is there"), 3);
	assert_int_equal(host_count(&h, " back 1: front 0 is there"), 3);
	assert_int_equal(host_count(&h, " p: front 0 is there"), 3);
	assert_int_equal(host_count(&h, " back 0: front 0 is gone"), 3);
	assert_int_equal(host_count(&h, " p: front 0 is gone"), 3);
	/* Those that it was killed with it could not see go. */
	assert_int_equal(host_count(&h, " front: p 0 is there"), 3);
	assert_int_equal(host_count(&h, " front: back 1 is there"), 3);
	assert_int_equal(host_count(&h, " front: p 0 is gone"), 1);
	assert_int_equal(host_count(&h, " front: back 1 is gone"), 1);
	assert_int_equal(host_count(&h, "heard of front"), 6);
	assert_int_equal(host_count(&h, "is it there?"), 0);
	assert_int_equal(host_count(&h, "died: "), 2);
}

/* Both ends of a channel at once: they meet again, whoever is first. */
static void
both_are_started_again(void **state)
{
	struct host h;
	pid_t front, back;

	(void)state;
	host_start(&h, "again");
	back = (pid_t)host_number(host_expect(&h, " back 1: start"), "pid ");
	h.at = 0;
	front = (pid_t)host_number(host_expect(&h, " front: start"), "pid ");
	host_expect(&h, " back 1: heard of front");
	h.at = 0;
	host_expect(&h, " p: start");
	h.at = h.len;
	assert_int_equal(kill(back, SIGSTOP), 0);
	assert_int_equal(kill(front, SIGKILL), 0);
	assert_int_equal(kill(back, SIGKILL), 0);
	host_expect(&h, " back 1: heard of front");
	assert_int_equal(host_stop(&h), 0);
	assert_int_equal(host_count(&h, "died: "), 2);
	assert_int_equal(host_count(&h, ", 100\n"), 2);
}

/* once: one that is not to be started again is the end of all. */

static int
once_start(struct imsgproc *p)
{
	imsgproc_stop(p, 7);
	return say_start(p);
}

static const struct imsgproc_spec once_procs[] = {
	{ IMSGPROC_HERE, .name = "p", .start = say_start },
	{ IMSGPROC_HERE, .name = "other", .flags = IMSGPROC_RESTART },
	{ IMSGPROC_HERE, .name = "a", .needs = "other", .start = once_start },
};
static const struct imsgproc_daemon once = { .name = "once",
	.procs = once_procs,
	.nprocs = 3,
	.died = say_died };

static void
it_is_the_end_of_all(void **state)
{
	struct host h;

	(void)state;
	host_start(&h, "once");
	assert_int_equal(host_end(&h), 1);
	host_place(&h, " p: died: a 0, 7, \"exited with status 7\", -1\n");
	assert_int_equal(host_count(&h, "died: "), 1);
}

/* fails: what a process says for itself. */

static int
fails_start(struct imsgproc *p)
{
	return imsgproc_fail(p, "no luck: %s", "\033[31mred\n");
}

static const struct imsgproc_spec fails_procs[] = {
	{ IMSGPROC_HERE, .name = "p", .start = say_start },
	{ IMSGPROC_HERE, .name = "b", .start = say_start },
	{ IMSGPROC_HERE, .name = "a", .needs = "b", .start = fails_start,
	    .flags = IMSGPROC_RESTART },
};
static const struct imsgproc_daemon fails = { .name = "fails",
	.procs = fails_procs,
	.nprocs = 3,
	.died = say_died };

static void
what_it_says_for_itself(void **state)
{
	struct host h;

	(void)state;
	host_start(&h, "fails");
	assert_int_equal(host_end(&h), 1);
	host_place(&h,
	    " p: died: a 0, 1, \"could not start: no luck: ?[31mred?: exited "
	    "with status 1\", -1\n");
	assert_int_equal(host_count(&h, " p: start"), 0);
}

/* parent: its own start fails when all others are there. */

static const struct imsgproc_spec parent_procs[] = {
	{ IMSGPROC_HERE, .name = "p", .start = fails_start },
	{ IMSGPROC_HERE, .name = "a", .start = say_start },
};
static const struct imsgproc_daemon parent = { .name = "parent",
	.procs = parent_procs,
	.nprocs = 2,
	.died = say_died };

static void
the_parent_fails(void **state)
{
	struct host h;

	(void)state;
	host_start(&h, "parent");
	assert_int_equal(host_end(&h), 1);
	host_place(&h, " p: cannot start: no luck: \\033[31mred\\012\n");
	host_place(&h, " a: start");
	assert_int_equal(host_count(&h, "died: "), 0);
}

/* late: not ready in time; gone: closes its channel and stays; sys: SIGSYS;
 * stays: does not stop. */

static int
sleep_start(struct imsgproc *p)
{
	(void)say_start(p);
	while (getppid() != 0)
		(void)pause();
	return 0;
}

static int
gone_start(struct imsgproc *p)
{
	(void)close(3);
	return sleep_start(p);
}

static int
sys_start(struct imsgproc *p)
{
	(void)p;
	(void)raise(SIGSYS);
	return 0;
}

static void
stays_stop(struct imsgproc *p)
{
	(void)sleep_start(p);
}

#define ONE(n, ...)                                                 \
	static const struct imsgproc_spec n##_procs[] = {           \
		{ IMSGPROC_HERE, .name = "p", .start = say_start }, \
		{ IMSGPROC_HERE, .name = "a", __VA_ARGS__ },        \
	};                                                          \
	static const struct imsgproc_daemon n = { .name = #n,       \
		.procs = n##_procs,                                 \
		.nprocs = 2,                                        \
		.died = say_died,                                   \
		.start_ms = 200,                                    \
		.stop_ms = 200 }

ONE(late, .start = sleep_start, .flags = IMSGPROC_RESTART);
ONE(gone, .start = gone_start);
ONE(sys, .start = sys_start);
ONE(stays, .stop = stays_stop);

static void
reasons(void **state)
{
	const struct {
		const char *name, *why;
	} of[] = {
		{ "late",
		    "\"was not ready in time: killed by signal 9 (Killed)\"" },
		{ "gone",
		    "\"closed its channel: killed by signal 9 (Killed)\"" },
		{ "sys",
		    "\"killed by signal 31 (Bad system call): not allowed "
		    "by its promises, see SANDBOX.md\"" },
	};
	struct host h;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(of) / sizeof(of[0]); i++) {
		host_start(&h, of[i].name);
		assert_int_equal(host_end(&h), 1);
		host_place(&h, of[i].why);
		assert_int_equal(host_count(&h, "died: "), 1);
	}
}

static void
who_does_not_stop_is_killed(void **state)
{
	struct host h;

	(void)state;
	host_start(&h, "stays");
	host_expect(&h, " p: start");
	assert_int_equal(host_stop(&h), 0);
	host_place(
	    &h, "\"did not stop in time: killed by signal 9 (Killed)\", -1\n");
}

/* status: what the parent says itself. */

static int
status_start(struct imsgproc *p)
{
	imsgproc_stop(p, 5);
	imsgproc_stop(p, 6);
	return 0;
}

static const struct imsgproc_spec status_procs[] = { { IMSGPROC_HERE,
    .name = "p", .start = status_start } };
static const struct imsgproc_daemon status = { .name = "status",
	.procs = status_procs,
	.nprocs = 1 };

static void
the_status_is_the_parents(void **state)
{
	struct host h;

	(void)state;
	host_start(&h, "status");
	assert_int_equal(host_end(&h), 5);
}

/* bad: not even started. */
static const struct imsgproc_spec bad_procs[] = {
	{ .file = "table", .line = 1, .name = "p" },
	{ .file = "table", .line = 2, .name = "a", .needs = "a" },
};
static const struct imsgproc_daemon bad = { .name = "bad",
	.procs = bad_procs,
	.nprocs = 2 };

static void
a_bad_table_is_refused(void **state)
{
	struct host h;

	(void)state;
	host_start(&h, "bad");
	assert_int_equal(host_end(&h), 1);
	host_place(&h, "table:2: needs in a circle: a needs a\n");
}

/* While it starts, too: nothing is left, whoever got how far. */
static void
a_signal_while_it_starts(void **state)
{
	struct host h;

	(void)state;
	host_start(&h, "late");
	host_expect(&h, " a: start");
	assert_int_equal(host_stop(&h), 0);
	assert_int_equal(host_count(&h, " p: start"), 0);
}

const struct imsgproc_daemon *const host_tables[] = { &again, &once, &fails,
	&parent, &late, &gone, &sys, &stays, &status, &bad, NULL };

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_is_started_again),
		cmocka_unit_test(both_are_started_again),
		cmocka_unit_test(it_is_the_end_of_all),
		cmocka_unit_test(what_it_says_for_itself),
		cmocka_unit_test(the_parent_fails),
		cmocka_unit_test(reasons),
		cmocka_unit_test(who_does_not_stop_is_killed),
		cmocka_unit_test(the_status_is_the_parents),
		cmocka_unit_test(a_bad_table_is_refused),
		cmocka_unit_test(a_signal_while_it_starts),
	};

	host_init(argc, argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
