/* SPDX-License-Identifier: ISC */
/*
 * A parent that has given up privileges still does all that the table needs of
 * it: it ends who does not want to end, and starts again who died.
 */
#define _GNU_SOURCE
#include "host.h"

#include <sys/prctl.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#define SAY(p, ...) imsgproc_log(p, 6, __VA_ARGS__)

static int
say_start(struct imsgproc *p)
{
	SAY(p, "start pid %ld dump %d", (long)getpid(),
	    prctl(PR_GET_DUMPABLE, 0, 0, 0, 0));
	return 0;
}

/* deaf: does not end by itself. */

static int
deaf_run(struct imsgproc *p)
{
	(void)say_start(p);
	while (getppid() != 0)
		(void)pause();
	return 0;
}

static const struct imsgproc_spec deaf_procs[] = {
	{ IMSGPROC_HERE, .name = "p", .promises = "stdio proc",
	    .start = say_start },
	{ IMSGPROC_HERE, .name = "a", .run = deaf_run, .promises = "stdio" },
	{ IMSGPROC_HERE, .name = "b", .run = deaf_run },
};
static const struct imsgproc_daemon deaf = { .name = "deaf",
	.procs = deaf_procs,
	.nprocs = 3,
	.stop_ms = 200 };

static void
a_sandboxed_parent_can_kill(void **state)
{
	struct host h;

	(void)state;
	host_start(&h, "deaf");
	host_expect(&h, " p: start");
	assert_int_equal(host_stop(&h), 0);
	assert_int_equal(host_count(&h, "did not stop in time: killed"), 2);
}

/* again: it dies and is started again within the parent's sandbox. */

static const struct imsgproc_spec again_procs[] = {
	{ IMSGPROC_HERE, .name = "p",
	    .promises = "stdio rpath wpath proc exec sendfd",
	    .start = say_start },
	{ IMSGPROC_HERE, .name = "a", .flags = IMSGPROC_RESTART,
	    .promises = "stdio", .start = say_start },
};
static const struct imsgproc_daemon again = { .name = "again",
	.procs = again_procs,
	.nprocs = 2 };

static void
a_sandboxed_parent_can_restart(void **state)
{
	struct host h;
	pid_t it;

	(void)state;
	host_start(&h, "again");
	it = (pid_t)host_number(host_expect(&h, " a: start"), "pid ");
	host_expect(&h, " p: start");
	assert_int_equal(kill(it, SIGKILL), 0);
	host_expect(&h, "started again in 100 ms");
	host_expect(&h, " a: start");
	assert_int_equal(host_stop(&h), 0);
}

const struct imsgproc_daemon *const host_tables[] = { &deaf, &again, NULL };

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_sandboxed_parent_can_kill),
		cmocka_unit_test(a_sandboxed_parent_can_restart),
	};

	host_init(argc, argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
