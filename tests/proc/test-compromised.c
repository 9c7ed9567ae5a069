/* SPDX-License-Identifier: ISC */
/*
 * What a compromised process of a daemon can do to the others: each forbidden
 * act is tried in a process that the table started, by its own code after the
 * start, and fails: open, socket, exec, ptrace, kill of a sibling, sending to a
 * process that it has no channel to, and the ways around these.
 *
 * As root with promises, as another user with promises, in a daemon that nobody
 * started as root; and without promises, where only users, no_new_privs and
 * PR_SET_DUMPABLE protect.  The sibling has to live on, and be told to stop.
 */
#define _GNU_SOURCE
#include "compromised-acts.h"
#include "host.h"

#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define acts	compromised_acts
#define NACTS	compromised_nacts
#define sibling compromised_sibling
#define parent	compromised_parent
#define self	compromised_self

#define SAY(p, ...) imsgproc_log(p, 6, __VA_ARGS__)

int imsgpi_test_level = 99;

/* The parent's other child, while all files can be read. */
static int
find_sibling(struct imsgproc *p)
{
	char path[64];
	long pid;
	FILE *f;

	self = p;
	parent = getppid();
	(void)snprintf(path, sizeof(path), "/proc/%ld/task/%ld/children",
	    (long)parent, (long)parent);
	if ((f = fopen(path, "re")) == NULL)
		return -1;
	while (fscanf(f, "%ld", &pid) == 1)
		if (pid != getpid())
			sibling = (pid_t)pid;
	(void)fclose(f);
	return sibling > 0 ? 0 : imsgproc_fail(p, "no sibling");
}

enum { PROMISES, SAME_USER, OTHER_USER };

static bool
applies(size_t i, int guard)
{
	if (guard == OTHER_USER && strncmp(acts[i].name, "kill", 4) == 0)
		return true;
	return guard == PROMISES || !(acts[i].flags & PROMISED);
}

static size_t
how_many(int guard)
{
	size_t i, n = 0;

	for (i = 0; i < NACTS; i++)
		n += applies(i, guard);
	return n;
}

static int
try_all(struct imsgproc *p, int guard)
{
	size_t i, n = 0;
	int e;

	for (i = 0; i < NACTS; i++) {
		if (!applies(i, guard))
			continue;
		n++;
		if ((e = acts[i].run()) == 0)
			SAY(p, "POSSIBLE: %s", acts[i].name);
		/* Not because of what was asked for. */
		else if (e != EACCES && e != EPERM && e != ENOSYS &&
		    !(acts[i].flags & NEVER && e == ENOENT))
			SAY(p, "UNCLEAR: %s: %s", acts[i].name, strerror(e));
	}
	SAY(p, "tried %zu", n);
	return 0;
}

static int
evil_start(struct imsgproc *p)
{
	return try_all(p, PROMISES);
}

static int
bare_start(struct imsgproc *p)
{
	return try_all(p, SAME_USER);
}

static int
other_start(struct imsgproc *p)
{
	return try_all(p, OTHER_USER);
}

/* Nothing is denied because it is wrong: without protection all is done. */
static int
control_start(struct imsgproc *p)
{
	size_t i, n = 0;
	int e;

	for (i = 0; i < NACTS; i++) {
		if (acts[i].flags & (NEVER | HARMS))
			continue;
		n++;
		if ((e = acts[i].run()) != 0)
			SAY(p, "UNCLEAR: %s: %s", acts[i].name, strerror(e));
	}
	SAY(p, "tried %zu", n);
	return 0;
}

/* It can be reached by an address, if one may. */
static int
good_prepare(struct imsgproc *p)
{
	struct sockaddr_un sun;
	socklen_t len;
	int s = socket(AF_UNIX, SOCK_DGRAM, 0);

	(void)p;
	parent = getppid();
	len = sibling_address(&sun);
	return s == -1 ? -1 : bind(s, (struct sockaddr *)&sun, len);
}

static void
good_stop(struct imsgproc *p)
{
	SAY(p, "is well");
}

static int
parent_start(struct imsgproc *p)
{
	SAY(p, "start");
	return 0;
}

/* One act in a process of its own, which may not survive it. */
static int
one_run(struct imsgproc *p)
{
	struct imsgbuf *ib = imsgproc_parent_imsgbuf(p);
	uint32_t which;
	struct imsg m;
	int e;

	self = p;
	if (imsgbuf_recv(ib, &m, -1) != 1 ||
	    imsg_get_data(&m, &which, sizeof(which)) == -1)
		return 2;
	sibling = (pid_t)m.hdr.peerid;
	parent = getppid();
	imsg_free(&m);
	e = acts[which].run();
	if (imsg_compose(ib, 1, 0, 0, -1, &e, sizeof(e)) == -1 ||
	    imsgbuf_flush(ib) == -1)
		return 3;
	return 0;
}

#define PARENT                                                    \
	{                                                         \
		IMSGPROC_HERE, .name = "p", .start = parent_start \
	}
#define GOOD                                                    \
	IMSGPROC_HERE, .name = "good", .prepare = good_prepare, \
		       .stop = good_stop, .start = parent_start
#define EVIL \
	IMSGPROC_HERE, .name = "evil", .needs = "good", .prepare = find_sibling

#define TABLE(n, ...)                                               \
	static const struct imsgproc_spec n##_procs[] = { PARENT,   \
		__VA_ARGS__ };                                      \
	static const struct imsgproc_daemon n = { .name = #n,       \
		.procs = n##_procs,                                 \
		.nprocs = sizeof(n##_procs) / sizeof(n##_procs[0]), \
		.stop_ms = 3000 }

TABLE(root, { GOOD }, { EVIL, .promises = "stdio error", .start = evil_start },
    { IMSGPROC_HERE, .name = "one", .flags = IMSGPROC_ON_DEMAND,
	.promises = "stdio", .run = one_run },
    { IMSGPROC_HERE, .name = "one-user", .flags = IMSGPROC_ON_DEMAND,
	.user = "nobody", .promises = "stdio", .run = one_run });
TABLE(user, { GOOD, .user = "nobody" },
    { EVIL, .user = "nobody", .promises = "stdio error", .start = evil_start });
TABLE(
    whole, { GOOD }, { EVIL, .promises = "stdio error", .start = evil_start });
TABLE(bare, { GOOD, .user = "nobody" },
    { EVIL, .user = "nobody", .start = bare_start });
TABLE(others, { GOOD, .user = "daemon" },
    { EVIL, .user = "nobody", .start = other_start });
TABLE(control, { GOOD }, { EVIL, .start = control_start });
TABLE(allbare, { GOOD }, { EVIL, .start = bare_start });

/* The daemon of an ordinary user, from the start. */
static void
leave_root_for_good(void)
{
	const struct passwd *pw = getpwnam("nobody");

	if (getenv("AS_NOBODY") == NULL || geteuid() != 0)
		return;
	if (pw == NULL || setgroups(0, NULL) == -1 ||
	    setgid(pw->pw_gid) == -1 || setuid(pw->pw_uid) == -1)
		_exit(98);
}

static void
all_fail(const char *table, size_t tried)
{
	struct host h;
	const char *line;

	host_start(&h, table);
	line = host_expect(&h, " evil: tried ");
	assert_int_equal(host_number(line, "tried "), tried);
	host_expect(&h, " p: start");
	assert_int_equal(host_stop(&h), 0);
	if (host_count(&h, "POSSIBLE") + host_count(&h, "UNCLEAR") != 0)
		print_error("%s\n", h.text);
	assert_int_equal(host_count(&h, "POSSIBLE"), 0);
	assert_int_equal(host_count(&h, "UNCLEAR"), 0);
	host_place(&h, " good: is well");
}

static void
as_root_with_promises(void **state)
{
	(void)state;
	if (geteuid() != 0)
		skip();
	all_fail("root", how_many(PROMISES));
}

static void
as_a_user_with_promises(void **state)
{
	(void)state;
	if (geteuid() != 0)
		skip();
	all_fail("user", how_many(PROMISES));
}

static void
in_a_daemon_of_a_user(void **state)
{
	(void)state;
	setenv("AS_NOBODY", "1", 1);
	all_fail("whole", how_many(PROMISES));
	all_fail("allbare", how_many(SAME_USER));
	unsetenv("AS_NOBODY");
}

static void
as_a_user_without_promises(void **state)
{
	(void)state;
	if (geteuid() != 0)
		skip();
	all_fail("bare", how_many(SAME_USER));
	all_fail("others", how_many(OTHER_USER));
}

static void
as_root_without_anything(void **state)
{
	size_t i, n = 0;

	(void)state;
	if (geteuid() != 0)
		skip();
	for (i = 0; i < NACTS; i++)
		n += !(acts[i].flags & (NEVER | HARMS));
	all_fail("control", n);
}

/* Nobody who would notice that it is gone but us. */
static pid_t
victim(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;)
			(void)pause();
	}
	assert_true(pid > 0);
	return pid;
}

static void
one_act(const char *who, uint32_t i, pid_t other)
{
	struct imsgproc_child c;
	char why[256];
	int status, e = 0, r;
	struct imsg m;

	if (imsgproc_spawn(&root, who, &c, why, sizeof(why)) == -1)
		print_error("%s\n", why);
	assert_true(c.pid > 0);
	assert_int_equal(
	    imsg_compose(&c.ib, 1, (uint32_t)other, 0, -1, &i, sizeof(i)) == -1,
	    0);
	assert_int_equal(imsgbuf_flush(&c.ib), 0);
	if ((r = imsgbuf_recv(&c.ib, &m, PATIENCE)) == 1) {
		assert_int_equal(imsg_get_data(&m, &e, sizeof(e)), 0);
		imsg_free(&m);
	}
	assert_int_equal(imsgproc_wait(&c, PATIENCE, &status), 0);
	if (r == 1 ? e == 0 :
		     !WIFSIGNALED(status) || WTERMSIG(status) != SIGSYS)
		print_error("%s, %s: status %x, error %d\n", who, acts[i].name,
		    (unsigned int)status, e);
	if (r == 1)
		assert_int_not_equal(e, 0);
	else
		assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS);
	/* Those that no library tries by itself. */
	if (strstr(acts[i].name, "ptrace") != NULL ||
	    strncmp(acts[i].name, "kill", 4) == 0 ||
	    strcmp(acts[i].name, "exec") == 0)
		assert_int_not_equal(r, 1);
}

static void
the_sandbox_kills(void **state)
{
	pid_t other;
	uint32_t i;
	int status;

	(void)state;
	if (geteuid() != 0)
		skip();
	other = victim();
	for (i = 0; i < NACTS; i++) {
		one_act("one", i, other);
		one_act("one-user", i, other);
	}
	assert_int_equal(waitpid(other, &status, WNOHANG), 0);
	assert_int_equal(kill(other, SIGKILL), 0);
	assert_int_equal(waitpid(other, &status, 0), other);
}

const struct imsgproc_daemon *const host_tables[] = { &root, &user, &whole,
	&bare, &others, &allbare, &control, NULL };

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(as_root_without_anything),
		cmocka_unit_test(as_root_with_promises),
		cmocka_unit_test(as_a_user_with_promises),
		cmocka_unit_test(in_a_daemon_of_a_user),
		cmocka_unit_test(as_a_user_without_promises),
		cmocka_unit_test(the_sandbox_kills),
	};

	host_before = leave_root_for_good;
	host_init(argc, argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
