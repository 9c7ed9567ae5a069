/* SPDX-License-Identifier: ISC */
/*
 * Each system call of a process's start fails in turn, or lies: it says that
 * it has worked.  The process must say what failed and end; that it is ready
 * must never be said by one that still has its privileges.
 */
#define _GNU_SOURCE
#include "child-lib.h"

#include <sys/wait.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "os.h"

static struct imsgpi_os real;
static int fault_at; /* that call fails, counted from 1 */

static bool
now(void)
{
	if (--fault_at != 0)
		return false;
	errno = EIO;
	return true;
}

#define FAULT(name, type, bad, params, args)         \
	static type fault_##name params              \
	{                                            \
		return now() ? bad : real.name args; \
	}
FAULT(calloc, void *, NULL, (size_t n, size_t size), (n, size))
FAULT(realloc, void *, NULL, (void *p, size_t size), (p, size))
FAULT(dup, int, -1, (int fd, int least), (fd, least))
FAULT(open, int, -1, (const char *path, int flags), (path, flags))
FAULT(dup2, int, -1, (int from, int to), (from, to))
FAULT(cloexec, int, -1, (int fd, int on), (fd, on))
FAULT(socktype, int, -1, (int fd), (fd))
FAULT(closefrom, int, -1, (int fd), (fd))
FAULT(sigaction, int, -1,
    (int n, const struct sigaction *a, struct sigaction *old), (n, a, old))
FAULT(sigprocmask, int, -1, (int how, const sigset_t *a, sigset_t *old),
    (how, a, old))
FAULT(getpwnam, struct passwd *, NULL, (const char *user), (user))
FAULT(chroot, int, -1, (const char *path), (path))
FAULT(chdir, int, -1, (const char *path), (path))
FAULT(setgroups, int, -1, (size_t n, const gid_t *g), (n, g))
FAULT(getgroups, int, -1, (int n, gid_t *g), (n, g))
FAULT(setgid, int, -1, (gid_t id), (id))
FAULT(getuids, int, -1, (uid_t id[3]), (id))
FAULT(getgids, int, -1, (gid_t id[3]), (id))
FAULT(getrlimit, int, -1, (int what, struct rlimit *r), (what, r))
FAULT(setrlimit, int, -1, (int what, const struct rlimit *r), (what, r))
FAULT(nonewprivs, int, -1, (void), ())
FAULT(nodump, int, -1, (void), ())
FAULT(nocaps, int, -1, (void), ())
FAULT(setsid, pid_t, -1, (void), ())

/* To fail is what is wanted of the last of these calls. */
static int
fault_setuid(uid_t id)
{
	return id != 0 && now() ? -1 : real.setuid(id);
}

static int
lie_setuid(uid_t id)
{
	(void)id;
	return 0;
}

static int
lie_setgid(gid_t id)
{
	(void)id;
	return 0;
}

static int
lie_setgroups(size_t n, const gid_t *g)
{
	(void)n;
	(void)g;
	return 0;
}

static int
back_setuid(uid_t id)
{
	return id == 0 ? 0 : real.setuid(id);
}

static int
back_setgid(gid_t id)
{
	return id == 0 ? 0 : real.setgid(id);
}

/* A list that grows while it is asked for, or has no end. */
static int
long_grouplist(const char *user, gid_t gid, gid_t *g, int *n)
{
	int room = *n;

	if (room < 1000) {
		*n = room; /* as where nobody says how many */
		return -1;
	}
	return real.grouplist(user, gid, g, n);
}

static int
endless_grouplist(const char *user, gid_t gid, gid_t *g, int *n)
{
	(void)user;
	(void)gid;
	(void)g;
	*n = *n + 1;
	return -1;
}

#define CASE(name)                                       \
	{                                                \
#name, offsetof(struct imsgpi_os, name), \
		    (void (*)(void))fault_##name, NULL   \
	}
#define LIE(how, name, words)                                     \
	{                                                         \
#how " " #name, offsetof(struct imsgpi_os, name), \
		    (void (*)(void))how##_##name, words           \
	}
static const struct fault {
	const char *name;
	size_t at;
	void (*with)(void);
	const char *words;
} faults[] = {
	CASE(calloc),
	CASE(realloc),
	CASE(open),
	CASE(dup2),
	/* of those that are up */
	CASE(dup),
	CASE(cloexec),
	CASE(socktype),
	CASE(closefrom),
	CASE(sigaction),
	CASE(sigprocmask),
	CASE(getpwnam),
	CASE(chroot),
	CASE(chdir),
	CASE(setgroups),
	CASE(getgroups),
	CASE(setgid),
	CASE(setuid),
	CASE(getuids),
	CASE(getgids),
	CASE(getrlimit),
	CASE(setrlimit),
	CASE(nonewprivs),
	CASE(nodump),
	CASE(nocaps),
	CASE(setsid),
	LIE(lie, setuid, "user nobody: the old user is not gone"),
	LIE(lie, setgid, "user nobody: the old group is not gone"),
	LIE(lie, setgroups, "user nobody: a group is not gone"),
	LIE(back, setuid, "user nobody: could become root again"),
	LIE(back, setgid, "user nobody: could become group 0 again"),
	LIE(endless, grouplist, "user nobody: too many groups"),
	LIE(long, grouplist, NULL),
};
#define NFAULTS (sizeof(faults) / sizeof(faults[0]))

/* In the child, before anything else: TEST_FAULT is "which nth". */
static void
take_fault(void)
{
	const char *s = getenv("TEST_FAULT");
	unsigned int i;

	real = imsgpi_os;
	if (s == NULL || sscanf(s, "%u %d", &i, &fault_at) != 2 || i >= NFAULTS)
		return;
	memcpy((char *)&imsgpi_os + faults[i].at, &faults[i].with,
	    sizeof(faults[i].with));
}

/*
 * True if it came to be ready.  If not it has ended with 1, and, unless it
 * could not have known to whom, has said why.
 */
static bool
comes_up(size_t i, int nth, const char *words)
{
	const struct birth b = {
		.who = "whole.0", .groups = true, .blind = true
	};
	char what[32];
	struct born c;
	struct imsg m;
	int r, status;
	bool ready;

	(void)snprintf(what, sizeof(what), "%zu %d", i, nth);
	assert_int_equal(setenv("TEST_FAULT", what, 1), 0);
	bear(&c, &b);
	assert_int_equal(
	    imsg_compose(&c.ib, IMSGPROC_BEGIN, 0, 0, -1, NULL, 0), 1);
	(void)imsgbuf_flush_timeout(&c.ib, PATIENCE_MS);
	r = imsgbuf_recv(&c.ib, &m, PATIENCE_MS);
	ready = r == 1 && m.hdr.type == IMSGPROC_READY;
	if (r == 1 && !ready) {
		assert_int_equal(m.hdr.type, IMSGPROC_FAILED);
		assert_true(imsg_get_len(&m) > 4);
		if (words != NULL &&
		    (imsg_get_len(&m) - 4 != strlen(words) ||
			memcmp((char *)m.data + 4, words, strlen(words)) != 0))
			fail_msg("%s: %.*s", faults[i].name,
			    (int)imsg_get_len(&m) - 4, (char *)m.data + 4);
	} else
		assert_true(ready || words == NULL);
	if (r == 1)
		imsg_free(&m);
	if (ready) {
		(void)hear_text(&c, T_REPORT);
		hang_up(&c);
	}
	status = reap(&c);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), ready ? 7 : 1);
	return ready;
}

static void
each_call_fails(void **state)
{
	size_t i;
	int nth, first;

	(void)state;
	if (!is_root())
		skip();
	for (i = 0; i < NFAULTS; i++) {
		if (strchr(faults[i].name, ' ') != NULL ||
		    strcmp(faults[i].name, "dup") == 0)
			continue;
		/* Without room for titles it is the same process. */
		first = strcmp(faults[i].name, "calloc") == 0 ? 3 : 1;
		for (nth = first; !comes_up(i, nth, NULL); nth++)
			assert_true(nth < 150);
		if (nth == first)
			fail_msg("%s is never called", faults[i].name);
	}
}

static void
lies_are_noticed(void **state)
{
	size_t i;

	(void)state;
	if (!is_root())
		skip();
	for (i = 0; i < NFAULTS; i++)
		if (strchr(faults[i].name, ' ') != NULL)
			assert_int_equal(comes_up(i, 0, faults[i].words),
			    faults[i].words == NULL);
}

/* One does not get its copy; the others do, and nothing is left open. */
static void
a_copy_fails(void **state)
{
	const struct birth b = { .who = "front.0" };
	struct born c, w[2];
	char what[32];
	struct imsg m;
	size_t i;

	(void)state;
	for (i = 0; strcmp(faults[i].name, "dup") != 0; i++)
		;
	(void)snprintf(what, sizeof(what), "%zu 1", i);
	assert_int_equal(setenv("TEST_FAULT", what, 1), 0);
	bear(&c, &b);
	for (i = 0; i < 2; i++)
		talk_on(&w[i], say_peer(&c, 2, (uint32_t)i));
	say(&c, IMSGPROC_BEGIN, -1, NULL, 0);
	hear_front(&c, 2);
	say(&c, T_ALL, open("/dev/null", O_RDONLY), NULL, 0);
	assert_string_equal(hear_text(&c, T_REPORT), strerror(EIO));
	hear(&w[1], T_ALL, &m);
	assert_int_equal(imsg_fd_status(&m), IMSG_FD_PRESENT);
	imsg_free(&m);
	say_text(&w[0], T_ECHO, "first");
	assert_string_equal(hear_text(&w[0], T_ECHO), "first");
	if (is_root())
		opens(c.pid, "0 1 2 3 4 5");
	hang_up(&c);
	for (i = 0; i < 2; i++) {
		assert_int_equal(imsgbuf_recv(&w[i].ib, &m, PATIENCE_MS), 0);
		hang_up(&w[i]);
	}
	c.fd = -1;
	assert_true(WIFEXITED(reap(&c)));
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_call_fails),
		cmocka_unit_test(lies_are_noticed),
		cmocka_unit_test(a_copy_fails),
	};

	take_fault();
	imsgproc_init(argc, argv, &test_daemon);
	return cmocka_run_group_tests(tests, make_jail, remove_jail);
}
