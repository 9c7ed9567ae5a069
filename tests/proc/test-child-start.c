/* SPDX-License-Identifier: ISC */
/*
 * A new process before it runs the program's code: who it is, where, what it
 * has open, what it may use.  As root with the users nobody
 * and daemon, which every system has; as anyone else what is left.
 */
#define _GNU_SOURCE
#include "child-lib.h"

#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#endif
#ifdef SANITIZED
static const bool sanitized = true;
#else
static const bool sanitized = false;
#endif

static void
need_root(void)
{
	if (!is_root())
		skip();
}

static const char *
ids_of(const char *user)
{
	static char text[512];
	const struct passwd *pw = getpwnam(user);
	gid_t groups[64];
	int n = 64, i, at;

	assert_non_null(pw);
	assert_true(getgrouplist(user, pw->pw_gid, groups, &n) >= 0);
	at = snprintf(text, sizeof(text), "uid %u %u %u gid %u %u %u groups",
	    pw->pw_uid, pw->pw_uid, pw->pw_uid, pw->pw_gid, pw->pw_gid,
	    pw->pw_gid);
	for (i = 0; i < n; i++)
		at += snprintf(
		    text + at, sizeof(text) - (size_t)at, " %u", groups[i]);
	(void)snprintf(text + at, sizeof(text) - (size_t)at, ";");
	return text;
}

static void
becomes(const char *who, const char *user)
{
	const struct birth b = { .who = who, .groups = true };
	struct born c;

	need_root();
	assert_true(has(bear_report(&c, &b), ids_of(user)));
	ends_well(&c);
}

static void
becomes_nobody(void **state)
{
	(void)state;
	becomes("nobody.0", "nobody");
}

static void
becomes_daemon(void **state)
{
	(void)state;
	becomes("daemon.0", "daemon");
}

/* No user in the table: root stays root, with its groups. */
static void
stays_root(void **state)
{
	const struct birth b = { .who = "plain.0", .groups = true };
	struct born c;

	(void)state;
	need_root();
	assert_true(
	    has(bear_report(&c, &b), "uid 0 0 0 gid 0 0 0 groups 0 4 20;"));
	ends_well(&c);
}

static void
nobody_stays_nobody(void **state)
{
	const struct birth b = { .who = "own.0", .user = "nobody" };
	struct born c;

	(void)state;
	need_root();
	assert_true(has(bear_report(&c, &b), "uid 65534 65534 65534 gid"));
	ends_well(&c);
}

/* Everything that stops it before its own code, in words. */
static void
fails(const char *who, const char *user, const char *words, int error)
{
	const struct birth b = { .who = who, .user = user };
	const char *text;
	struct born c;
	struct imsg m;
	int32_t e;
	int status;

	bear(&c, &b);
	say(&c, IMSGPROC_BEGIN, -1, NULL, 0);
	hear(&c, IMSGPROC_FAILED, &m);
	assert_true(imsg_get_len(&m) > sizeof(e));
	assert_int_equal(imsg_get_buf(&m, &e, sizeof(e)), 0);
	assert_int_equal(e, error);
	text = (const char *)m.data + sizeof(e);
	if (imsg_get_len(&m) != strlen(words) ||
	    memcmp(text, words, strlen(words)) != 0)
		fail_msg("%.*s", (int)imsg_get_len(&m), text);
	imsg_free(&m);
	assert_int_equal(imsgbuf_recv(&c.ib, &m, PATIENCE_MS), 0);
	status = reap(&c);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 1);
}

static void
nobody_becomes_nobody_else(void **state)
{
	char words[128];

	(void)state;
	need_root();
	fails("daemon.0", "nobody", "user daemon: I am not root", EPERM);
	(void)snprintf(words, sizeof(words),
	    "chroot %s: Operation not permitted", test_jail);
	fails("jail.0", "nobody", words, EPERM);
}

static void
what_fails_is_told(void **state)
{
	(void)state;
	fails("ghost.0", NULL, "user no-such-user: there is none", ENOENT);
	fails("words.0", NULL, "no port 80", EIO);
	fails("errno.0", NULL, "start failed: Address already in use",
	    EADDRINUSE);
	if (is_root())
		fails("lost.0", NULL,
		    "chroot /no/such/directory: No such file or directory",
		    ENOENT);
}

/* The other end of a link of /proc. */
static const char *
link_of(pid_t pid, const char *name)
{
	static char to[512];
	char path[64];
	ssize_t n;

	(void)snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
	n = readlink(path, to, sizeof(to) - 1);
	assert_true(n > 0);
	to[n] = '\0';
	return to;
}

static void
is_in_its_jail(void **state)
{
	const struct birth b = { .who = "jail.0", .blind = true };
	struct born c;
	const char *text;

	(void)state;
	need_root();
	text = bear_report(&c, &b);
	assert_true(has(text, ids_of("nobody")));
	assert_true(has(text, "cwd / "));
	assert_string_equal(link_of(c.pid, "root"), test_jail);
	assert_string_equal(link_of(c.pid, "cwd"), test_jail);
	opens(c.pid, "0 1 2 3");
	ends_well(&c);
}

static void
has_no_other_descriptors(void **state)
{
	struct birth b = { .who = "plain.0", .many = true };
	struct born c;
	int i;

	(void)state;
	/* Of a process that cannot be traced only root sees them. */
	need_root();
	for (i = 0; i < 4; i++) {
		assert_true(has(bear_report(&c, &b), "2-cloexec 0"));
		opens(c.pid, "0 1 2 3");
		assert_string_equal(link_of(c.pid, "fd/0"), "/dev/null");
		assert_string_equal(link_of(c.pid, "fd/1"), "/dev/null");
		assert_string_equal(link_of(c.pid, "fd/2"), "/dev/null");
		assert_int_equal(
		    strncmp(link_of(c.pid, "fd/3"), "socket:", 7), 0);
		ends_well(&c);
		b.no_std = i == 0;
		b.old = i;
	}
}

/* Unless it is to keep them. */
static void
keeps_its_own(void **state)
{
	struct birth b = { .who = "stdio.0", .no_std = false };
	char ours[512];
	struct born c;

	(void)state;
	need_root();
	b.err = err_pipe(&c.out);
	(void)snprintf(ours, sizeof(ours), "%s", link_of(getpid(), "fd/0"));
	(void)close(c.out);
	(void)bear_report(&c, &b);
	opens(c.pid, "0 1 2 3");
	assert_string_equal(link_of(c.pid, "fd/0"), ours);
	assert_int_equal(strncmp(link_of(c.pid, "fd/2"), "pipe:", 5), 0);
	ends_well(&c);
	(void)close(b.err);
}

static void
has_its_limits(void **state)
{
	const struct birth b = { .who = "limits.0" };
	struct rlimit before;
	char text[4096], line[128];
	struct born c;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_MSGQUEUE, &before), 0);
	(void)bear_report(&c, &b);
	(void)proc_file(c.pid, "limits", text, sizeof(text));
	assert_true(has(text,
	    "Max open files            40                   "
	    "40 "));
	assert_true(has(text,
	    "Max cpu time              100                  "
	    "101 "));
	/* The hard limit was not raised, the soft one goes with it. */
	if (before.rlim_max == RLIM_INFINITY)
		(void)snprintf(line, sizeof(line),
		    "Max msgqueue size         unlimited            unlimited");
	else
		(void)snprintf(line, sizeof(line),
		    "Max msgqueue size         %-20llu %-20llu",
		    (unsigned long long)before.rlim_max,
		    (unsigned long long)before.rlim_max);
	assert_true(has(text, line));
	ends_well(&c);
}

static void
cannot_gain_or_be_traced(void **state)
{
	const struct birth b = { .who = "plain.0" };
	struct born c;

	(void)state;
	assert_true(has(bear_report(&c, &b), "dump 0 nnp 1 hup-blocked 0"));
	ends_well(&c);
}

/* What is typed into the starter's terminal (TIOCSTI) is not in its hands. */
static void
has_a_session_of_its_own(void **state)
{
	const struct birth b = { .who = "plain.0" };
	struct born c;

	(void)state;
	(void)bear_report(&c, &b);
	assert_int_equal(getsid(c.pid), c.pid);
	ends_well(&c);
}

static void
no_directory_as_standard_error(void **state)
{
	const struct birth b = { .who = "plain.0",
		.err = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC) };
	struct born c;
	struct stat st;
	char path[64];

	(void)state;
	assert_true(b.err > 2);
	(void)bear_report(&c, &b);
	(void)snprintf(path, sizeof(path), "/proc/%d/fd/2", (int)c.pid);
	assert_int_equal(stat(path, &st), 0);
	assert_true(S_ISCHR(st.st_mode));
	ends_well(&c);
	(void)close(b.err);
}

static void
capabilities_go_with_the_user(void **state)
{
	const struct birth b = { .who = "nobody.0", .keeps_caps = true };
	char text[4096];
	struct born c;

	(void)state;
	need_root();
	(void)bear_report(&c, &b);
	assert_true(proc_file(c.pid, "status", text, sizeof(text)) > 0);
	assert_true(has(text, "CapPrm:	0000000000000000\n"));
	assert_true(has(text, "CapEff:	0000000000000000\n"));
	ends_well(&c);
}

/* One of the same user, which might be taken over, is no danger to another. */
static void
sibling_cannot_trace(void **state)
{
	const struct birth b = { .who = "nobody.0" };
	char path[64];
	struct born c;
	int status;
	pid_t pid;

	(void)state;
	need_root();
	(void)bear_report(&c, &b);
	(void)snprintf(path, sizeof(path), "/proc/%d/mem", (int)c.pid);
	if ((pid = fork()) == 0) {
		if (setgroups(0, NULL) || setresgid(65534, 65534, 65534) ||
		    setresuid(65534, 65534, 65534))
			_exit(1);
		if (ptrace(PTRACE_ATTACH, c.pid, NULL, NULL) != -1)
			_exit(2);
		if (errno != EPERM)
			_exit(3);
		_exit(open(path, O_RDONLY) == -1 && errno == EACCES ? 0 : 4);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	ends_well(&c);
}

/* Signals of a terminal or a service manager are the parent's. */
static void
ignores_signals(void **state)
{
	const struct birth b = { .who = "plain.0" };
	void (*usual)(int);
	sigset_t blocked, before;
	struct born c;
	int status;

	(void)state;
	assert_int_equal(sigfillset(&blocked), 0);
	assert_int_equal(sigprocmask(SIG_SETMASK, &blocked, &before), 0);
	usual = signal(SIGUSR1, SIG_IGN);
	(void)bear_report(&c, &b);
	(void)signal(SIGUSR1, usual);
	assert_int_equal(sigprocmask(SIG_SETMASK, &before, NULL), 0);
	assert_int_equal(kill(c.pid, SIGHUP), 0);
	assert_int_equal(kill(c.pid, SIGINT), 0);
	assert_int_equal(kill(c.pid, SIGPIPE), 0);
	assert_int_equal(kill(c.pid, SIGTERM), 0);
	say_text(&c, T_TITLE, "still here");
	(void)hear_text(&c, T_REPORT);
	assert_int_equal(kill(c.pid, SIGUSR1), 0);
	status = reap(&c);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGUSR1);
}

static void
is_locked(void **state)
{
	const struct birth b = { .who = "locked.0" };
	char text[4096];
	struct born c;

	(void)state;
	(void)bear_report(&c, &b);
	say_text(&c, T_TITLE, "within");
	(void)hear_text(&c, T_REPORT);
	(void)proc_file(c.pid, "status", text, sizeof(text));
	if (strcmp(imsgproc_sandbox_name(), "landlock and seccomp") == 0 &&
	    !sanitized)
		assert_true(has(text, "Seccomp:\t2\n"));
	assert_true(has(text, "NoNewPrivs:\t1\n"));
	ends_well(&c);
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(becomes_nobody),
		cmocka_unit_test(becomes_daemon),
		cmocka_unit_test(stays_root),
		cmocka_unit_test(nobody_stays_nobody),
		cmocka_unit_test(nobody_becomes_nobody_else),
		cmocka_unit_test(what_fails_is_told),
		cmocka_unit_test(is_in_its_jail),
		cmocka_unit_test(has_no_other_descriptors),
		cmocka_unit_test(keeps_its_own),
		cmocka_unit_test(has_its_limits),
		cmocka_unit_test(cannot_gain_or_be_traced),
		cmocka_unit_test(has_a_session_of_its_own),
		cmocka_unit_test(no_directory_as_standard_error),
		cmocka_unit_test(capabilities_go_with_the_user),
		cmocka_unit_test(sibling_cannot_trace),
		cmocka_unit_test(ignores_signals),
		cmocka_unit_test(is_locked),
	};

	imsgproc_init(argc, argv, &test_daemon);
	return cmocka_run_group_tests(tests, make_jail, remove_jail);
}
