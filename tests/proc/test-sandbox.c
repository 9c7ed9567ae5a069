/* SPDX-License-Identifier: ISC */
/*
 * Each promise allows what it says and nothing else: every act of
 * sandbox-acts.h under every promise, as root and as nobody, with Landlock as
 * this kernel has it and as older kernels have it or not.
 */
#include "sandbox-acts.h"

#include "../../proc/sandbox-linux.h"

#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define NOBODY	 65534
#define MAX_ACTS 256
#define NOT_RUN	 (-1)
#define DIED	 (-2)

int imsgpi_test_level;

/* What a child tells. */
static struct {
	int entered; /* result of imsgproc_sandbox() */
	int result[MAX_ACTS];
} * told;

static const struct act *acts[MAX_ACTS];
static size_t nacts;
static char *code;
static char base[40];
static unsigned int nrooms;
static unsigned long nallowed, ndenied;
static int kernel_level;
/* How it went without a sandbox, for root and for another. */
static int control[2][MAX_ACTS];

/* What one child does. */
struct go {
	const char *promises; /* NULL: no sandbox */
	uid_t uid;
	int level;
	int only; /* the number of an act, or -1: all that leave it alive */
};

static void
add_acts(const struct acts *a)
{
	size_t i;

	for (i = 0; i < a->n; i++)
		acts[nacts++] = &a->v[i];
}

static void
run_acts(struct room *r, const struct go *go, unsigned int last)
{
	size_t i;

	for (i = 0; i < nacts; i++)
		if (go->only == (int)i ||
		    (go->only == -1 && (acts[i]->flags & ACT_ALONE) == 0 &&
			(acts[i]->flags & ACT_LAST) == last)) {
			told->result[i] = DIED;
			told->result[i] = acts[i]->run(r);
		}
}

static void
child(const struct go *go, const char *dir)
{
	static const struct rlimit no_core = { 0, 0 };
	char why[256];
	struct room r;

	(void)setrlimit(RLIMIT_CORE, &no_core);
	if (room_enter(&r, dir, code, go->uid) == -1) {
		perror("room");
		_exit(3);
	}
	imsgpi_test_level = go->level;
	told->entered = 0;
	if (go->promises != NULL) {
		told->entered =
		    imsgproc_sandbox(go->promises, NULL, 0, why, sizeof(why));
		if (told->entered == -1)
			_exit(4);
	}
	run_acts(&r, go, 0);
	if (go->only == -1)
		run_acts(&r, go, ACT_LAST);
	_exit(0);
}

/* As of waitpid(2). */
static int
run(const struct go *go)
{
	char dir[64];
	size_t i;
	pid_t pid;
	int status;

	for (i = 0; i < nacts; i++)
		told->result[i] = NOT_RUN;
	told->entered = -1;
	(void)snprintf(dir, sizeof(dir), "%s/%u", base, nrooms++);
	if ((pid = fork()) == 0)
		child(go, dir);
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	room_leave(dir);
	/* The address of the program that took the child's place. */
	if (go->only != -1 && WIFEXITED(status) && WEXITSTATUS(status) == 0 &&
	    told->result[go->only] == DIED)
		told->result[go->only] = 0;
	return status;
}

static int
may(const struct act *a, uint32_t p, int level)
{
	return (a->all != 0 && (p & a->all) == a->all && level >= a->level) ||
	    (a->all2 != 0 && (p & a->all2) == a->all2) || (p & a->any) != 0 ||
	    ((p & a->low) != 0 && level < a->below);
}

static int
killed(int status)
{
	return WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS;
}

/* 1: other than it should be. */
static int
judge(const struct go *go, size_t i, int status)
{
	const struct act *a = acts[i];
	uint32_t p = 0;
	int done = told->result[i] == 0;

	if (control[go->uid != 0][i] != 0)
		return 0;
	assert_int_equal(imsgpi_promises(go->promises, &p), 0);
	if (may(a, p, go->level)) {
		nallowed++;
		if (done)
			return 0;
	} else {
		if (a->flags & ACT_ONLY)
			return 0;
		ndenied++;
		if (!done &&
		    !(a->flags & ACT_KILLS && p == P_STDIO && !killed(status)))
			return 0;
	}
	print_error("%s%s: \"%s\", user %ld, Landlock %d: result %d (%s)\n",
	    a->name, done ? " was possible" : " failed", go->promises,
	    (long)go->uid, go->level, told->result[i],
	    told->result[i] > 0 ? strerror(told->result[i]) : "");
	return 1;
}

static void
go_error(const char *promises, uid_t uid, int level, int *bad)
{
	char list[256];
	struct go go = { list, uid, level, -1 };
	size_t i;
	int status;

	(void)snprintf(list, sizeof(list), "stdio error %s", promises);
	status = run(&go);
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
		print_error("\"%s\", user %ld, Landlock %d: status %#x\n", list,
		    (long)uid, level, (unsigned int)status);
		(*bad)++;
	}
	for (i = 0; i < nacts; i++)
		if ((acts[i]->flags & ACT_ALONE) == 0)
			*bad += judge(&go, i, status);
}

#define EVERYTHING                                                       \
	"rpath wpath cpath dpath fattr chown flock unix inet mcast dns " \
	"getpw recvfd sendfd tty proc exec id ps vminfo settime"

static const char *const sets[] = { "", "rpath", "wpath", "cpath", "dpath",
	"fattr", "chown", "flock", "unix", "inet", "mcast", "dns", "getpw",
	"recvfd sendfd", "tty", "proc", "exec", "id", "ps", "vminfo", "settime",
	"rpath wpath", "rpath cpath", "wpath cpath", "rpath wpath cpath",
	"rpath inet recvfd sendfd", "unix inet dns", "proc exec rpath",
	EVERYTHING };
#define NSETS (sizeof(sets) / sizeof(sets[0]))

static void
all_acts_fail_softly(void **state)
{
	static const int levels[] = { 0, 1, 3, 5, 99 };
	size_t i, l;
	int bad = 0, level;

	(void)state;
	for (l = 0; l < sizeof(levels) / sizeof(levels[0]); l++) {
		level = levels[l] == 99 ? kernel_level : levels[l];
		if (level > kernel_level ||
		    (levels[l] != 99 && level > 0 && level == kernel_level))
			continue;
		for (i = 0; i < NSETS; i++) {
			go_error(sets[i], 0, level, &bad);
			/* The middle ones differ by the kernel, not by user. */
			if (level == 0 || level == kernel_level)
				go_error(sets[i], NOBODY, level, &bad);
		}
	}
	assert_int_equal(bad, 0);
	assert_true(nallowed > 1000 && ndenied > nallowed);
}

static void
each_act_alone(void **state)
{
	static const char *const lists[] = { "stdio",
		"stdio rpath wpath cpath unix inet proc exec",
		"stdio error exec" };
	struct go go;
	size_t i, s;
	int bad = 0, status, u;

	(void)state;
	for (s = 0; s < sizeof(lists) / sizeof(lists[0]); s++)
		for (u = 0; u < 2; u++)
			for (i = 0; i < nacts; i++) {
				if (control[u][i] != 0 || (s == 1 && u == 1) ||
				    (s == 2 &&
					(acts[i]->flags & ACT_ALONE) == 0))
					continue;
				go.promises = lists[s];
				go.uid = u == 0 ? 0 : NOBODY;
				go.level = kernel_level;
				go.only = (int)i;
				status = run(&go);
				bad += judge(&go, i, status);
			}
	assert_int_equal(bad, 0);
}

/* All that has no excuse is possible where nothing forbids it. */
static void
without_a_sandbox(void **state)
{
	struct go go = { NULL, 0, 0, 0 };
	size_t i;
	int bad = 0, u;

	(void)state;
	for (u = 0; u < 2; u++)
		for (i = 0; i < nacts; i++) {
			go.uid = u == 0 ? 0 : NOBODY;
			go.only = (int)i;
			(void)run(&go);
			control[u][i] = told->result[i];
			if (told->result[i] == 0)
				continue;
			if ((acts[i]->flags & ACT_MAYBE) == 0)
				bad++;
			print_message("# %s, user %ld: cannot be shown: %s\n",
			    acts[i]->name, (long)go.uid,
			    strerror(told->result[i]));
		}
	assert_int_equal(bad, 0);
}

static int
begin(void **state)
{
	(void)state;
	told = mmap(NULL, sizeof(*told), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (told == MAP_FAILED)
		return -1;
	imsgpi_test_level = LANDLOCK_LEVEL;
	kernel_level = imsgpi_landlock_level();
	(void)snprintf(base, sizeof(base), "/tmp/sandbox-%ld", (long)getpid());
	return mkdir(base, 0755);
}

static int
end(void **state)
{
	(void)state;
	print_message(
	    "# %lu acts that have to work, %lu that must not; Landlock %d\n",
	    nallowed, ndenied, kernel_level);
	room_leave(base);
	return 0;
}

int
main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_a_sandbox),
		cmocka_unit_test(all_acts_fail_softly),
		cmocka_unit_test(each_act_alone),
	};

	if (geteuid() != 0) {
		(void)printf("skipped: only root can be two users\n");
		return 77;
	}
	/* It is copied from other directories. */
	if (argc != 2 || (code = realpath(argv[1], NULL)) == NULL)
		return 2;
	add_acts(&acts_files);
	add_acts(&acts_sockets);
	add_acts(&acts_others);
	add_acts(&acts_kernel);
	add_acts(&acts_work);
	return cmocka_run_group_tests(tests, begin, end);
}
