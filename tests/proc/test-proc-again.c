/* SPDX-License-Identifier: ISC */
/*
 * What takes a long time otherwise: pauses that become longer and are forgotten
 * after a minute of life; a process that never reads while its peers come and
 * go.  Here the clock is the test's, and little may wait.  And, since all is in
 * one file, a daemon of somebody who is not root.
 */
#define _GNU_SOURCE
#include "host.h"

#include <sys/prctl.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "os.h"

/* As this kernel has it. */
int imsgpi_test_level = 99;

#define SAY(p, ...) imsgproc_log(p, 6, __VA_ARGS__)

static time_t clock_ahead;

static int
clock_now(struct timespec *ts)
{
	if (clock_gettime(CLOCK_MONOTONIC, ts) == -1)
		return -1;
	ts->tv_sec += clock_ahead;
	return 0;
}

/* Nobody can read the libraries, perhaps: they are inside of this program. */
static void
before(void)
{
	imsgpi_os.now = clock_now;
	if (getenv("AS_NOBODY") != NULL &&
	    (setgroups(0, NULL) == -1 || setresgid(65534, 65534, 65534) == -1 ||
		setresuid(65534, 65534, 65534) == -1 ||
		prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) == -1))
		_exit(98);
}

static int
say_start(struct imsgproc *p)
{
	SAY(p, "start pid %ld", (long)getpid());
	return 0;
}

/* pauses */

static void
a_minute(struct imsgproc *p, int signo)
{
	clock_ahead += signo == SIGUSR1 ? 61 : 50;
	SAY(p, "time goes by");
}

static int
clock_start(struct imsgproc *p)
{
	if (imsgproc_signal(p, SIGUSR1, a_minute) == -1 ||
	    imsgproc_signal(p, SIGUSR2, a_minute) == -1)
		return -1;
	return say_start(p);
}

static const struct imsgproc_spec pauses_procs[] = {
	{ IMSGPROC_HERE, .name = "p", .start = clock_start },
	{ IMSGPROC_HERE, .name = "a", .start = say_start,
	    .flags = IMSGPROC_RESTART },
};
static const struct imsgproc_daemon pauses = { .name = "pauses",
	.procs = pauses_procs,
	.nprocs = 2 };

static void
die(struct host *h, int after, const char *pause)
{
	pid_t a = (pid_t)host_number(host_expect(h, " a: start"), "pid ");

	/* Ready, or it would not count. */
	if (host_count(h, " p: start") == 0)
		host_expect(h, " p: start");
	if (after != 0) {
		assert_int_equal(kill(h->pid, after), 0);
		host_expect(h, "time goes by");
	}
	assert_int_equal(kill(a, SIGKILL), 0);
	host_expect(h, pause);
}

static void
pauses_grow_and_are_forgotten(void **state)
{
	struct host h;

	(void)state;
	host_start(&h, "pauses");
	die(&h, 0, "again in 100 ms");
	die(&h, 0, "again in 200 ms");
	die(&h, SIGUSR2, "again in 400 ms");
	die(&h, SIGUSR1, "again in 100 ms");
	host_expect(&h, " a: start");
	assert_int_equal(host_stop(&h), 0);
}

/* deaf: what the parent has to tell it waits, until that is too much. */

static void
deaf_message(struct imsgproc *p, struct imsgproc_peer *from, struct imsg *m)
{
	(void)from;
	(void)m;
	SAY(p, "deaf from now on");
	while (getppid() != 0)
		(void)pause();
}

static int
fill_start(struct imsgproc *p)
{
	static char data[16000];
	struct imsgproc_peer *peer = imsgproc_peer(p, "deaf", 0);
	int i;

	/* More than a socket takes. */
	for (i = 0; i < 200; i++)
		if (imsgproc_send_peer(peer, 1, 0, -1, data, sizeof(data)) ==
		    -1)
			return imsgproc_fail(p, "%s", strerror(errno));
	return say_start(p);
}

static void
deaf_died(struct imsgproc *p, const struct imsgproc_death *d)
{
	if (strcmp(d->name, "deaf") == 0)
		imsgproc_stop(p, 0);
}

static const struct imsgproc_spec deaf_procs[] = {
	{ IMSGPROC_HERE, .name = "p", .talks = "deaf", .start = fill_start },
	{ IMSGPROC_HERE, .name = "deaf", .start = say_start,
	    .message = deaf_message, .flags = IMSGPROC_RESTART },
	{ IMSGPROC_HERE, .name = "a", .talks = "deaf", .start = say_start,
	    .flags = IMSGPROC_RESTART },
};
static const struct imsgproc_daemon deaf = { .name = "deaf",
	.procs = deaf_procs,
	.nprocs = 3,
	.died = deaf_died };

static void
who_never_reads_is_ended(void **state)
{
	struct host h;
	pid_t a;
	int i;

	(void)state;
	host_start(&h, "deaf");
	a = (pid_t)host_number(host_expect(&h, " a: start"), "pid ");
	h.at = 0;
	host_expect(&h, "deaf from now on");
	h.at = 0;
	host_expect(&h, " p: start");
	h.at = h.len;
	/* Its channels: one for each time that a is started again. */
	for (i = 0; i < 4; i++) {
		assert_int_equal(kill(a, SIGKILL), 0);
		if (i < 3)
			a = (pid_t)host_number(
			    host_expect(&h, " a: start"), "pid ");
	}
	assert_int_equal(host_end(&h), 0);
	host_place(&h, "does not read its channel: killed by signal 9");
}

/* anybody: users and roots are ignored where they cannot be had. */

static int
anybody_start(struct imsgproc *p)
{
	SAY(p, "uid %ld, %s", (long)getuid(),
	    access("/proc/self", F_OK) == 0 ? "no other root" : "another root");
	return 0;
}

static const struct imsgproc_spec anybody_procs[] = {
	{ IMSGPROC_HERE, .name = "p", .user = "no-such-user",
	    .start = anybody_start },
	{ IMSGPROC_HERE, .name = "a", .user = "no-such-user",
	    .root = "/no/such/directory", .flags = IMSGPROC_RESTART,
	    .start = anybody_start },
};
static const struct imsgproc_daemon anybody = { .name = "anybody",
	.procs = anybody_procs,
	.nprocs = 2,
	.flags = IMSGPROC_AS_ANYBODY };

static void
who_is_not_root_stays_who_he_is(void **state)
{
	char line[80];
	struct host h;

	(void)state;
	if (geteuid() == 0)
		setenv("AS_NOBODY", "1", 1);
	(void)snprintf(line, sizeof(line), ": uid %ld, no other root\n",
	    geteuid() == 0 ? 65534L : (long)geteuid());
	host_start(&h, "anybody");
	unsetenv("AS_NOBODY");
	host_expect(&h, " p: uid");
	assert_int_equal(host_stop(&h), 0);
	assert_int_equal(host_count(&h, line), 2);
	assert_int_equal(host_count(&h, " p: not started by root: "), 1);
}

/* kept: one dies again and again before its peer has been started. */

static bool
gate_is_open(const void *path)
{
	return access(path, F_OK) == 0;
}

static int
gate_prepare(struct imsgproc *p)
{
	SAY(p, "at the gate");
	host_wait(gate_is_open, getenv("GATE"));
	return 0;
}

static int
kept_start(struct imsgproc *p)
{
	if (imsgproc_send(p, "a", 0, 2, 0, -1, NULL, 0) == -1)
		return imsgproc_fail(p, "%s", strerror(errno));
	return say_start(p);
}

static void
kept_message(struct imsgproc *p, struct imsgproc_peer *from, struct imsg *m)
{
	(void)m;
	SAY(p, "heard of %s", imsgproc_peer_name(from));
}

static void
kept_peer(struct imsgproc *p, struct imsgproc_peer *peer, int up)
{
	SAY(p, "%s is %s", imsgproc_peer_name(peer), up ? "there" : "gone");
}

static const struct imsgproc_spec kept_procs[] = {
	{ IMSGPROC_HERE, .name = "p", .start = say_start },
	{ IMSGPROC_HERE, .name = "a", .talks = "b", .start = say_start,
	    .message = kept_message, .peer = kept_peer,
	    .flags = IMSGPROC_RESTART },
	{ IMSGPROC_HERE, .name = "b", .needs = "gate", .start = kept_start,
	    .peer = kept_peer },
	{ IMSGPROC_HERE, .name = "gate", .needs = "a",
	    .prepare = gate_prepare },
};
static const struct imsgproc_daemon kept = { .name = "kept",
	.procs = kept_procs,
	.nprocs = 4 };

static void
a_channel_to_the_dead_is_not_kept(void **state)
{
	char gate[40];
	struct host h;
	pid_t a;
	int i;

	(void)state;
	(void)snprintf(
	    gate, sizeof(gate), "/tmp/test-proc-gate-%ld", (long)getpid());
	setenv("GATE", gate, 1);
	host_start(&h, "kept");
	a = (pid_t)host_number(host_expect(&h, " a: start"), "pid ");
	/* It is ready. */
	host_expect(&h, " gate: at the gate");
	for (i = 0; i < 2; i++) {
		assert_int_equal(kill(a, SIGKILL), 0);
		a = (pid_t)host_number(host_expect(&h, " a: start"), "pid ");
	}
	(void)close(open(gate, O_CREAT | O_WRONLY, 0600));
	host_expect(&h, " a: heard of b");
	assert_int_equal(host_stop(&h), 0);
	(void)unlink(gate);
	assert_int_equal(host_count(&h, " b: a is there"), 1);
	assert_true(host_place(&h, " b: start") < host_place(&h, " b: a is "));
	assert_int_equal(host_count(&h, "killed by signal 9"), 2);
}

const struct imsgproc_daemon *const host_tables[] = { &pauses, &deaf, &kept,
	&anybody, NULL };

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pauses_grow_and_are_forgotten),
		cmocka_unit_test(who_never_reads_is_ended),
		cmocka_unit_test(a_channel_to_the_dead_is_not_kept),
		cmocka_unit_test(who_is_not_root_stays_who_he_is),
	};

	host_before = before;
	host_init(argc, argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
