/* SPDX-License-Identifier: ISC */
/* SIGHUP and other signals, and what the service manager hears of it all. */
#define _GNU_SOURCE
#include "host.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SAY(p, ...) imsgproc_log(p, 6, __VA_ARGS__)

static int
say_start(struct imsgproc *p)
{
	const char *notify = getenv("NOTIFY_SOCKET");

	SAY(p, "start pid %ld, socket %s", (long)getpid(),
	    notify == NULL ? "none" : notify);
	return 0;
}

static void
say_reload(struct imsgproc *p)
{
	SAY(p, "reload");
}

/* once more: a reload that is asked for while another is under way. */
static void
again_reload(struct imsgproc *p)
{
	static int n;

	SAY(p, "reload");
	if (n++ == 0 && imsgproc_reload(p) == -1)
		SAY(p, "cannot reload: %s", strerror(errno));
}

static void
child_reload(struct imsgproc *p)
{
	SAY(p, "reload");
	if (imsgproc_reload(p) != -1 || errno != EPERM)
		SAY(p, "a child may reload all?");
}

static const struct imsgproc_spec plain_procs[] = {
	{ IMSGPROC_HERE, .name = "p", .start = say_start,
	    .reload = again_reload },
	{ IMSGPROC_HERE, .name = "a", .start = say_start,
	    .reload = child_reload },
	{ IMSGPROC_HERE, .name = "b", .instances = 2, .needs = "a",
	    .reload = say_reload },
	{ IMSGPROC_HERE, .name = "c", .start = say_start },
};
static const struct imsgproc_daemon plain = { .name = "plain",
	.procs = plain_procs,
	.nprocs = 4 };

static void
all_reload(void **state)
{
	struct host h;

	(void)state;
	host_start(&h, "plain");
	host_expect(&h, " p: start");
	assert_int_equal(kill(h.pid, SIGHUP), 0);
	host_expect(&h, " p: reload");
	host_expect(&h, " p: reload");
	h.at = 0;
	host_expect(&h, " b 0: reload");
	host_expect(&h, " b 0: reload");
	h.at = 0;
	host_expect(&h, " b 1: reload");
	host_expect(&h, " b 1: reload");
	h.at = 0;
	host_expect(&h, " a: reload");
	host_expect(&h, " a: reload");
	assert_int_equal(host_stop(&h), 0);
	assert_int_equal(host_count(&h, "reload\n"), 8);
	assert_int_equal(host_count(&h, "may reload"), 0);
	assert_true(host_place(&h, " p: reload") < host_place(&h, "a: reload"));
}

/* A child is sent no signal of a terminal's, and ends with its parent. */
static void
children_are_left_alone(void **state)
{
	struct host h;
	pid_t a;

	(void)state;
	host_start(&h, "plain");
	a = (pid_t)host_number(host_expect(&h, " a: start"), "pid ");
	host_expect(&h, " p: start");
	assert_int_equal(kill(a, SIGHUP), 0);
	assert_int_equal(kill(a, SIGINT), 0);
	assert_int_equal(kill(a, SIGPIPE), 0);
	assert_int_equal(kill(h.pid, SIGPIPE), 0);
	assert_int_equal(kill(h.pid, SIGHUP), 0);
	host_expect(&h, " a: reload");
	assert_int_equal(kill(h.pid, SIGINT), 0);
	assert_int_equal(host_end(&h), 0);
}

/* signals: of the program's own. */

static int handled;

static void
on_usr1(struct imsgproc *p, int signo)
{
	SAY(p, "signal %d", signo);
	if (++handled == 2 && imsgproc_signal(p, SIGUSR1, NULL) == -1)
		SAY(p, "cannot ignore");
	if (handled == 2 && kill(getpid(), SIGUSR1) == 0)
		SAY(p, "ignored");
}

static int
signals_start(struct imsgproc *p)
{
	static const int ours[] = { SIGHUP, SIGINT, SIGPIPE, SIGTERM, SIGCHLD,
		SIGKILL, SIGSTOP, 0, -1, 1000 };
	bool child = strcmp(imsgproc_name(p), "p") != 0;
	size_t i;

	for (i = 0; i < sizeof(ours) / sizeof(ours[0]); i++) {
		if (child && ours[i] == SIGCHLD)
			continue;
		if (imsgproc_signal(p, ours[i], on_usr1) != -1 ||
		    errno != EINVAL)
			return imsgproc_fail(p, "signal %d?", ours[i]);
	}
	if (imsgproc_signal(p, SIGUSR1, on_usr1) == -1 ||
	    imsgproc_signal(p, SIGUSR2, NULL) == -1)
		return imsgproc_fail(p, "%s", strerror(errno));
	return say_start(p);
}

static const struct imsgproc_spec signals_procs[] = {
	{ IMSGPROC_HERE, .name = "p", .start = signals_start },
	{ IMSGPROC_HERE, .name = "a", .start = signals_start },
};
static const struct imsgproc_daemon signals = { .name = "signals",
	.procs = signals_procs,
	.nprocs = 2 };

static void
signals_of_the_program(void **state)
{
	struct host h;
	pid_t pid[2];
	int i;

	(void)state;
	host_start(&h, "signals");
	pid[1] = (pid_t)host_number(host_expect(&h, " a: start"), "pid ");
	host_expect(&h, " p: start");
	pid[0] = h.pid;
	for (i = 0; i < 2; i++) {
		assert_int_equal(kill(pid[i], SIGUSR2), 0);
		assert_int_equal(kill(pid[i], SIGUSR1), 0);
		host_expect(&h, "signal 10");
		assert_int_equal(kill(pid[i], SIGUSR1), 0);
		host_expect(&h, "signal 10");
		host_expect(&h, "ignored");
	}
	assert_int_equal(host_stop(&h), 0);
}

/* The socket of a service manager: its name is in the environment. */
static int
manager(const char *name)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	size_t len = strlen(name);
	int s = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	assert_true(s != -1 && len < sizeof(sun.sun_path));
	memcpy(sun.sun_path, name, len);
	if (name[0] == '@')
		sun.sun_path[0] = '\0';
	else
		(void)unlink(name);
	assert_int_equal(
	    bind(s, (struct sockaddr *)&sun,
		(socklen_t)(offsetof(struct sockaddr_un, sun_path) + len)),
	    0);
	return s;
}

static const char *
told(int s)
{
	struct pollfd p = { .fd = s, .events = POLLIN };
	static char text[512];
	ssize_t n;

	assert_int_equal(poll(&p, 1, PATIENCE), 1);
	n = recv(s, text, sizeof(text) - 1, 0);
	assert_true(n > 0);
	text[n] = '\0';
	return text;
}

static void
tells_a_manager(const char *name)
{
	int s = manager(name);
	struct host h;
	unsigned long long us;
	char end;

	setenv("NOTIFY_SOCKET", name, 1);
	host_start(&h, "plain");
	unsetenv("NOTIFY_SOCKET");
	assert_string_equal(told(s), "READY=1\nSTATUS=5 processes\n");
	host_expect(&h, " c: start");
	assert_int_equal(kill(h.pid, SIGHUP), 0);
	assert_int_equal(
	    sscanf(told(s), "RELOADING=1\nMONOTONIC_USEC=%llu%c", &us, &end),
	    2);
	assert_int_equal(end, '\n');
	assert_true(us > 0);
	/* Asked for again meanwhile: one more, and one READY=1 or two. */
	assert_non_null(strstr(told(s), "=1\n"));
	host_expect(&h, " p: reload");
	assert_int_equal(kill(h.pid, SIGTERM), 0);
	while (strcmp(told(s), "STOPPING=1\n") != 0)
		;
	assert_int_equal(host_end(&h), 0);
	/* The parent alone knows it. */
	assert_int_equal(host_count(&h, "socket none"), 2);
	assert_int_equal(recv(s, &end, 1, MSG_DONTWAIT), -1);
	(void)close(s);
	(void)unlink(name);
}

static void
a_manager_is_told(void **state)
{
	char name[64];

	(void)state;
	(void)snprintf(
	    name, sizeof(name), "/tmp/test-proc-notify-%ld", (long)getpid());
	tells_a_manager(name);
	(void)snprintf(
	    name, sizeof(name), "@test-proc-notify-%ld", (long)getpid());
	tells_a_manager(name);
}

static void
a_manager_that_is_not_there(void **state)
{
	static const char *const names[] = { "", "/", "/no/such/socket",
		"@no-such-socket", "relative", "vsock:2:1" };
	static char longest[200];
	struct host h;
	size_t i;

	(void)state;
	memset(longest, 'a', sizeof(longest) - 1);
	longest[0] = '/';
	for (i = 0; i <= sizeof(names) / sizeof(names[0]); i++) {
		setenv("NOTIFY_SOCKET",
		    i < sizeof(names) / sizeof(names[0]) ? names[i] : longest,
		    1);
		host_start(&h, "plain");
		host_expect(&h, " p: start");
		assert_int_equal(host_stop(&h), 0);
	}
	unsetenv("NOTIFY_SOCKET");
}

const struct imsgproc_daemon *const host_tables[] = { &plain, &signals, NULL };

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_reload),
		cmocka_unit_test(children_are_left_alone),
		cmocka_unit_test(signals_of_the_program),
		cmocka_unit_test(a_manager_is_told),
		cmocka_unit_test(a_manager_that_is_not_there),
	};

	host_init(argc, argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
