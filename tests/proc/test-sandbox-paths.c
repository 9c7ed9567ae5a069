/* SPDX-License-Identifier: ISC */
/*
 * What is the same under all promises: names and errors, paths and the ways
 * around them, a second sandbox, what is said of that which is missing.
 */
#include "sandbox-acts.h"

#include "../../proc/sandbox-linux.h"

#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <seccomp.h>

#include <cmocka.h>

int imsgpi_test_level = LANDLOCK_LEVEL;
static int kernel_level;
static char *code;
static char base[40];
static unsigned int nrooms;
static char why[256];

/* fn in a room of its own; its result. */
static int
in_room(int (*fn)(struct room *), uid_t uid, int level)
{
	struct room r;
	char dir[64];
	int status;
	pid_t pid;

	(void)snprintf(dir, sizeof(dir), "%s/%u", base, nrooms++);
	if ((pid = fork()) == 0) {
		if (room_enter(&r, dir, code, uid) == -1)
			_exit(100);
		if (mkdir("in", 0777) == -1 || mkdir("in/sub", 0777) == -1 ||
		    mkdir("out", 0777) == -1 ||
		    close(creat("in/a", 0666)) == -1 ||
		    close(creat("out/secret", 0666)) == -1 ||
		    symlink("../out/secret", "in/soft") == -1 ||
		    symlink("../out", "in/softdir") == -1)
			_exit(101);
		imsgpi_test_level = level;
		_exit(fn(&r));
	}
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	room_leave(dir);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void
everyone(int (*fn)(struct room *), int level)
{
	assert_int_equal(in_room(fn, 0, level), 0);
	assert_int_equal(in_room(fn, 65534, level), 0);
}

/* In the child: a line number says which it was. */
#define OK(condition)                                                    \
	do {                                                             \
		if (!(condition)) {                                      \
			(void)fprintf(stderr, "line %d: %s: %s (%s)\n",  \
			    __LINE__, #condition, strerror(errno), why); \
			return 1;                                        \
		}                                                        \
	} while (0)

static int
may_open(const char *path, int flags)
{
	int fd = open(path, flags, 0644);

	if (fd != -1)
		(void)close(fd);
	return fd != -1;
}

#define DENIED(path, flags) (!may_open(path, flags) && errno == EACCES)

static int
sandbox(const char *promises, const struct imsgproc_path *paths)
{
	return imsgproc_sandbox(promises, paths, 0, why, sizeof(why));
}

static int
ways_around(struct room *r)
{
	static const struct imsgproc_path paths[] = { { "in", "r" },
		{ NULL, NULL } };
	int out = open("out", O_RDONLY | O_DIRECTORY);
	char path[128];

	OK(sandbox("stdio rpath", paths) == 0);
	OK(why[0] == '\0');
	OK(may_open("in/a", O_RDONLY));
	OK(may_open("in/sub", O_RDONLY));
	OK(DENIED("out/secret", O_RDONLY));
	OK(DENIED("in/../out/secret", O_RDONLY));
	OK(DENIED("in/soft", O_RDONLY));
	OK(DENIED("in/softdir/secret", O_RDONLY));
	OK(DENIED("in/softdir", O_RDONLY));
	OK(DENIED("/", O_RDONLY));
	OK(openat(out, "secret", O_RDONLY) == -1 && errno == EACCES);
	(void)snprintf(
	    path, sizeof(path), "/proc/self/root%s/out/secret", r->dir);
	OK(DENIED(path, O_RDONLY));
	OK(DENIED("/proc/self/cwd/out/secret", O_RDONLY));
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d/secret", out);
	OK(DENIED(path, O_RDONLY));
	(void)snprintf(path, sizeof(path), "/proc/%ld/mem", (long)r->sibling);
	OK(DENIED(path, O_RDONLY));
	OK(DENIED("/proc/self/mem", O_RDONLY));
	OK(chdir("in") == 0 && DENIED("../out/secret", O_RDONLY));
	OK(DENIED("a", O_RDWR));
	OK(DENIED("a", O_RDONLY | O_TRUNC));
	OK(DENIED("b", O_RDONLY | O_CREAT));
	return 0;
}

static int
moving(struct room *r)
{
	static const struct imsgproc_path paths[] = { { "in", "rwc" },
		{ "static", "r" }, { NULL, NULL } };

	(void)r;
	OK(sandbox("stdio rpath wpath cpath", paths) ==
	    (imsgpi_test_level < 3 ? 1 : 0));
	OK(may_open("in/new", O_WRONLY | O_CREAT));
	OK(rename("in/new", "in/new2") == 0);
	/* Neither in nor out, by whatever name. */
	OK(rename("out/secret", "in/secret") == -1);
	OK(rename("out", "in/out") == -1);
	OK(rename("in/sub", "out/sub") == -1);
	OK(rename("in", "there") == -1);
	OK(link("out/secret", "in/secret") == -1);
	OK(link("in/a", "out/a") == -1);
	OK(symlink("../out/secret", "in/soft2") == 0);
	OK(DENIED("in/soft2", O_RDONLY));
	OK(unlink("out/secret") == -1 && errno == EACCES);
	OK(mkdir("out/d", 0755) == -1 && mkdir("in/d", 0755) == 0);
	OK(may_open("static", O_RDONLY) && DENIED("static", O_WRONLY));
	OK(unlink("static") == -1);
	/* Older kernels' Landlock cannot, which was said. */
	OK(imsgpi_test_level < 3 || truncate("static", 0) == -1);
	OK(unlink("in/new2") == 0 && rmdir("in/d") == 0);
	return 0;
}

static int
letters(struct room *r)
{
	static const struct imsgproc_path paths[] = { { "in", "w" },
		{ "out", "c" }, { "static", "x" }, { NULL, NULL } };
	char *argv[] = { (char *)(uintptr_t) "true", NULL };

	(void)r;
	OK(sandbox("stdio rpath wpath cpath exec", paths) ==
	    (imsgpi_test_level < 3 ? 1 : 0));
	OK(may_open("in/a", O_WRONLY) && DENIED("in/a", O_RDONLY));
	OK(DENIED("in/a", O_RDWR) && unlink("in/a") == -1);
	OK(DENIED("out/secret", O_WRONLY) && DENIED("out/secret", O_RDONLY));
	OK(mkdir("out/d", 0755) == 0 && unlink("out/secret") == 0);
	(void)execv("in/a", argv);
	OK(errno == EACCES);
	(void)execv("static", argv);
	return 2;
}

/* The filter does not see its flags. */
static int
may_openat2(const char *path, int flags)
{
	uint64_t how[3] = { (uint64_t)flags, (flags & O_CREAT) != 0 ? 0600 : 0,
		0 };
	long fd = syscall(SYS_openat2, AT_FDCWD, path, how, sizeof(how));

	if (fd != -1)
		(void)close((int)fd);
	return fd != -1;
}

/* A promise is not widened by a path, and none of the paths is everything. */
static int
promises_and_paths(struct room *r)
{
	static const struct imsgproc_path paths[] = { { "in", "rwxc" },
		{ NULL, NULL } },
					  none[] = { { NULL, NULL } };

	(void)r;
	OK(sandbox("stdio rpath", paths) == 0);
	OK(may_open("in/a", O_RDONLY) && DENIED("in/a", O_WRONLY));
	OK(imsgpi_test_level < 3 || may_openat2("in/a", O_RDONLY));
	OK(!may_openat2("in/a", O_WRONLY));
	OK(!may_openat2("in/a", O_RDONLY | O_TRUNC));
	OK(!may_openat2("in/b", O_RDONLY | O_CREAT));
	OK(sandbox("stdio rpath", none) == 0);
	OK(DENIED("in/a", O_RDONLY));
	return 0;
}

static int
missing_path(struct room *r)
{
	static const struct imsgproc_path paths[] = { { "nowhere", "r" },
		{ NULL, NULL } };

	(void)r;
	errno = 0;
	OK(sandbox("stdio rpath", paths) == -1 && errno == ENOENT);
	OK(strncmp(why, "nowhere: ", 9) == 0);
	return 0;
}

static int
second_sandbox(struct room *r)
{
	static const struct imsgproc_path paths[] = { { "in", "r" },
		{ NULL, NULL } };
	int i;

	(void)r;
	OK(sandbox("stdio rpath wpath error", NULL) == 0);
	OK(may_open("in/a", O_RDWR) && may_open("out/secret", O_RDONLY));
	OK(sandbox("stdio rpath error", paths) == 0);
	OK(may_open("in/a", O_RDONLY) && DENIED("in/a", O_WRONLY) &&
	    DENIED("out/secret", O_RDONLY));
	/* Nothing comes back. */
	OK(sandbox("stdio rpath wpath cpath inet proc error", NULL) == 0);
	OK(DENIED("in/a", O_WRONLY) && DENIED("out/secret", O_RDONLY));
	OK(fork() == -1);
	OK(sandbox("stdio error", NULL) == 0);
	OK(DENIED("in/a", O_RDONLY));
	for (i = 0; i < 5; i++)
		OK(sandbox("stdio error", NULL) == 0);
	return 0;
}

static int
without_landlock(struct room *r)
{
	static const struct imsgproc_path paths[] = { { "in", "r" },
		{ NULL, NULL } };

	(void)r;
	OK(imsgproc_sandbox("stdio rpath error", paths, 0, why, sizeof(why)) ==
	    1);
	OK(strstr(why, "paths: no Landlock in this kernel") != NULL);
	OK(imsgproc_sandbox("stdio rpath error", paths, IMSGPROC_MUST_SANDBOX,
	       why, sizeof(why)) == -1 &&
	    errno == ENOTSUP);
	/* What needs no paths is not missed. */
	OK(imsgproc_sandbox("stdio rpath error", NULL, IMSGPROC_MUST_SANDBOX,
	       why, sizeof(why)) == 0);
	OK(imsgproc_sandbox("stdio dns error", NULL, IMSGPROC_MUST_SANDBOX, why,
	       sizeof(why)) == -1);
	OK(imsgproc_sandbox(
	       "stdio error", NULL, IMSGPROC_MUST_SANDBOX, NULL, 0) == 0);
	return 0;
}

static int
no_descriptors(struct room *r)
{
	int before = dup(r->file), after;

	(void)close(before);
	OK(sandbox("stdio rpath getpw dns tty", NULL) == 0);
	after = dup(r->file);
	OK(before == after);
	return 0;
}

static void
test_paths(void **state)
{
	(void)state;
	if (kernel_level == 0)
		skip();
	everyone(ways_around, kernel_level);
	everyone(promises_and_paths, kernel_level);
	everyone(missing_path, kernel_level);
	everyone(second_sandbox, kernel_level);
	everyone(no_descriptors, kernel_level);
}

static void
test_levels(void **state)
{
	int level;

	(void)state;
	for (level = 1; level <= kernel_level; level++) {
		everyone(ways_around, level);
		everyone(moving, level);
		everyone(letters, level);
	}
}

static void
test_no_landlock(void **state)
{
	(void)state;
	everyone(without_landlock, 0);
}

static void
test_names(void **state)
{
	static const char *const bad[] = { "stdi", "stdioo", "stdio,rpath",
		"stdio\trpath", "Stdio", "prot_exec", "stdio nothing" };
	static const struct imsgproc_path paths[] = { { "/", "rz" },
		{ NULL, NULL } };
	size_t i;
	char tiny[1] = { 'x' };

	(void)state;
	assert_int_equal(imsgproc_sandbox_check(""), 0);
	assert_int_equal(imsgproc_sandbox_check("  stdio   rpath stdio "), 0);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		errno = 0;
		assert_int_equal(imsgproc_sandbox_check(bad[i]), -1);
		assert_int_equal(errno, EINVAL);
		assert_int_equal(
		    imsgproc_sandbox(bad[i], NULL, 0, NULL, 0), -1);
		assert_int_equal(errno, EINVAL);
	}
	assert_int_equal(imsgproc_sandbox_check(NULL), -1);
	assert_int_equal(imsgproc_sandbox("stdio", paths, 0, tiny, 1), -1);
	assert_int_equal(errno, EINVAL);
	assert_int_equal(tiny[0], '\0');
	assert_string_equal(imsgproc_sandbox_name(), "landlock and seccomp");
}

/* A wrong name would silently be left out. */
static void
count_unknown(const char *names, int *unknown)
{
	char name[64];
	size_t len;

	for (; *names != '\0'; names += len) {
		names += strspn(names, " ");
		len = strcspn(names, " ");
		(void)snprintf(name, sizeof(name), "%.*s", (int)len, names);
		if (seccomp_syscall_resolve_name(name) == __NR_SCMP_ERROR) {
			print_message("# not known here: %s\n", name);
			(*unknown)++;
		}
	}
}

static void
test_calls(void **state)
{
	int unknown = 0;
	size_t i;

	(void)state;
	for (i = 0; i < imsgpi_nallowed; i++)
		count_unknown(imsgpi_allowed[i].names, &unknown);
	for (i = 0; i < imsgpi_nif; i++)
		count_unknown(imsgpi_if[i].names, &unknown);
	count_unknown(imsgpi_refused, &unknown);
	count_unknown(imsgpi_unknown, &unknown);
	/* What this version of libseccomp may be too old for. */
	assert_in_range(unknown, 0, 4);
}

static int
begin(void **state)
{
	(void)state;
	kernel_level = imsgpi_landlock_level();
	(void)snprintf(base, sizeof(base), "/tmp/sandbox-%ld", (long)getpid());
	return mkdir(base, 0755);
}

static int
end(void **state)
{
	(void)state;
	room_leave(base);
	return 0;
}

int
main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_calls),
		cmocka_unit_test(test_paths),
		cmocka_unit_test(test_levels),
		cmocka_unit_test(test_no_landlock),
	};

	if (geteuid() != 0) {
		(void)printf("skipped: only root can be two users\n");
		return 77;
	}
	/* It is copied from other directories. */
	if (argc != 2 || (code = realpath(argv[1], NULL)) == NULL)
		return 2;
	return cmocka_run_group_tests(tests, begin, end);
}
