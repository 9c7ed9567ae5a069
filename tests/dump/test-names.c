/* SPDX-License-Identifier: ISC */
/*
 * The table of names, and what it takes from a helper: a good one, and ones
 * that a hostile file has taken over, which are shell scripts here.
 */
#define _GNU_SOURCE
#include <sys/stat.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "names.h"

static char dir[] = "/tmp/imsgdump-names-000000";
static char said[8192]; /* on standard error, by the last load */

static const char *
in_dir(const char *name)
{
	static char path[4][64];
	static unsigned which;
	char *p = path[which++ % 4];

	snprintf(p, sizeof(path[0]), "%s/%s", dir, name);
	return p;
}

static void
write_file(const char *name, mode_t mode, const char *text)
{
	int fd =
	    open(in_dir(name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	size_t len = strlen(text);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, len), (ssize_t)len);
	assert_int_equal(fchmod(fd, mode), 0);
	assert_int_equal(close(fd), 0);
}

static size_t
descriptors(void)
{
	DIR *d = opendir("/proc/self/fd");
	size_t n = 0;

	assert_non_null(d);
	while (readdir(d) != NULL)
		n++;
	assert_int_equal(closedir(d), 0);
	return n;
}

static int
load(struct names *n, const char *helper, const char *spec)
{
	int saved = dup(2), fd, r;
	ssize_t len;

	fd = open(
	    in_dir("stderr"), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	assert_true(fd >= 0 && saved >= 0);
	assert_int_equal(dup2(fd, 2), 2);
	r = names_load_by(n, helper, in_dir(spec));
	assert_int_equal(fflush(stderr), 0);
	assert_int_equal(dup2(saved, 2), 2);
	assert_int_equal(close(saved), 0);
	len = pread(fd, said, sizeof(said) - 1, 0);
	assert_true(len >= 0);
	said[len] = '\0';
	assert_int_equal(close(fd), 0);
	return r;
}

/* What a helper that is this script makes of it. */
static int
script(struct names *n, const char *text)
{
	char *all = NULL;
	size_t before;
	int r;

	assert_true(asprintf(&all, "#!/bin/sh\n%s\n", text) > 0);
	write_file("helper", 0755, all);
	free(all);
	write_file("file.h", 0644, "");
	before = descriptors();
	r = load(n, in_dir("helper"), "file.h");
	assert_int_equal(descriptors(), before);
	return r;
}

static void
a_table_without_names_has_none(void **state)
{
	struct names *n = names_new();

	(void)state;
	assert_non_null(n);
	assert_null(names_get(n, 0));
	assert_null(names_get(NULL, 0));
	assert_int_equal(names_count(n), 0);
	assert_int_equal(names_count(NULL), 0);
	names_free(n);
	names_free(NULL);
}

static void
the_first_name_of_a_number_counts(void **state)
{
	struct names *n = names_new();

	(void)state;
	assert_int_equal(names_add(n, 0, "ZERO"), 0);
	assert_int_equal(names_add(n, UINT32_MAX, "LAST"), 0);
	assert_int_equal(names_add(n, 0, "AGAIN"), 0);
	assert_string_equal(names_get(n, 0), "ZERO");
	assert_string_equal(names_get(n, UINT32_MAX), "LAST");
	assert_null(names_get(n, 1));
	assert_int_equal(names_count(n), 2);
	names_free(n);
}

/* Numbers that differ in high bits only, low bits only, and in all. */
static void
every_number_finds_its_name(void **state)
{
	static const uint32_t steps[] = { 1, 0x10000, 0x9e3779b1, 64 };
	struct names *n;
	char name[32];
	uint32_t i, k;

	(void)state;
	for (k = 0; k < 4; k++) {
		n = names_new();
		for (i = 0; i < 20000; i++) {
			snprintf(name, sizeof(name), "N%u", i * steps[k]);
			assert_int_equal(names_add(n, i * steps[k], name), 0);
		}
		assert_int_equal(names_count(n), 20000);
		for (i = 0; i < 20000; i++) {
			snprintf(name, sizeof(name), "N%u", i * steps[k]);
			assert_string_equal(names_get(n, i * steps[k]), name);
		}
		assert_null(names_get(n, 20000 * steps[k]));
		names_free(n);
	}
}

static void
a_table_has_an_end(void **state)
{
	struct names *n = names_new();
	uint32_t i;

	(void)state;
	for (i = 0; i < 1U << 18; i++)
		assert_int_equal(names_add(n, i, "X"), 0);
	errno = 0;
	assert_int_equal(names_add(n, i, "X"), -1);
	assert_int_equal(errno, ENOMEM);
	assert_int_equal(names_add(n, 7, "Y"), 0);
	names_free(n);
}

static void
a_good_answer_is_taken(void **state)
{
	struct names *n = names_new();

	(void)state;
	assert_int_equal(names_add(n, 5, "FIRST"), 0);
	assert_int_equal(
	    script(n, "printf '1\\tA\\n5\\tB\\n4294967295\\t_c9\\n'"), 0);
	assert_string_equal(said, "");
	assert_int_equal(names_count(n), 3);
	assert_string_equal(names_get(n, 1), "A");
	assert_string_equal(names_get(n, 5), "FIRST");
	assert_string_equal(names_get(n, UINT32_MAX), "_c9");
	names_free(n);
}

static void
what_makes_no_sense_is_refused_and_nothing_of_it_kept(void **state)
{
	static const char *const bad[] = { "printf '1 A\\n'",
		"printf '1\\t\\n'", "printf '1\\tA B\\n'", "printf '1\\n'",
		"printf '4294967296\\tA\\n'", "printf '99999999999999\\tA\\n'",
		"printf '00000000001\\tA\\n'", "printf '0x1\\tA\\n'",
		"printf '1\\t1A\\n'", "printf '1\\tA\\033[31m\\n'",
		"printf '1\\tA\\000B\\n'", "printf '1\\tA'",
		"printf '\\000\\n'", "printf '1\\tA\\r\\n'",
		"printf '1\\t%05000d\\n' 1", "printf '%05000d\\tA\\n' 1",
		"printf '1\\tA-B\\n'", "printf '1\\t\\303\\244\\n'" };
	struct names *n = names_new();
	char text[256];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		snprintf(
		    text, sizeof(text), "printf '7\\tGOOD\\n'; %s", bad[i]);
		assert_int_equal(script(n, text), -1);
		assert_string_equal(said,
		    "imsgdump: the answer of imsgdump-names makes no sense\n");
		assert_int_equal(names_count(n), 0);
	}
	names_free(n);
}

static void
an_answer_without_end_is_not_read_to_its_end(void **state)
{
	struct names *n = names_new();

	(void)state;
	assert_int_equal(script(n, "exec yes '1	A'"), -1);
	assert_string_equal(
	    said, "imsgdump: the answer of imsgdump-names makes no sense\n");
	assert_int_equal(script(n, "exec yes"), -1);
	assert_true(strlen(said) < 400);
	assert_int_equal(script(n, "exec tr '\\0' x </dev/zero"), -1);
	assert_true(strlen(said) < 400);
	assert_int_equal(names_count(n), 0);
	names_free(n);
}

static void
what_it_says_is_shown_harmless_and_short(void **state)
{
	struct names *n = names_new();

	(void)state;
	assert_int_equal(
	    script(n, "echo 'imsgdump-names: careful' >&2; printf '1\\tA\\n'"),
	    0);
	assert_string_equal(said, "imsgdump: careful\n");
	assert_string_equal(names_get(n, 1), "A");
	assert_int_equal(
	    script(n, "printf 'imsgdump-names: a\\033[31m\\n' >&2; exit 1"),
	    -1);
	assert_string_equal(said, "imsgdump: a\\x1b[31m\n");
	assert_int_equal(
	    script(n, "yes 'imsgdump-names: y' | head -n 100 >&2; exit 1"), -1);
	assert_int_equal(strlen(said), 8 * strlen("imsgdump: y\n"));
	assert_int_equal(script(n, "echo 'LLVM: ...' >&2; exit 1"), -1);
	assert_string_equal(
	    said, "imsgdump: imsgdump-names failed and said not why\n");
	names_free(n);
}

static void
a_helper_that_fails_gives_no_names(void **state)
{
	struct names *n = names_new();

	(void)state;
	assert_int_equal(script(n, "printf '1\\tA\\n'; exit 3"), -1);
	assert_string_equal(
	    said, "imsgdump: imsgdump-names failed and said not why\n");
	assert_int_equal(script(n, "printf '1\\tA\\n'; kill -SEGV $$"), -1);
	assert_string_equal(
	    said, "imsgdump: imsgdump-names: Segmentation fault\n");
	assert_int_equal(script(n, "kill -XCPU $$"), -1);
	assert_non_null(strstr(said, "(it took too long)"));
	assert_int_equal(names_count(n), 0);
	names_free(n);
}

static void
a_helper_that_is_not_there_is_named(void **state)
{
	struct names *n = names_new();

	(void)state;
	assert_int_equal(load(n, in_dir("nothing"), "file.h"), -1);
	assert_string_equal(said,
	    "imsgdump: names need imsgdump-names (built with libclang)\n");
	write_file("helper", 0644, "#!/bin/sh\n");
	assert_int_equal(load(n, in_dir("helper"), "file.h"), -1);
	assert_string_equal(said, "imsgdump: imsgdump-names cannot be run\n");
	names_free(n);
}

/* The environment, descriptors and standard input of this process. */
static void
a_helper_gets_nothing_but_the_name_of_the_file(void **state)
{
	struct names *n = names_new();
	int fd = dup2(2, 77);

	(void)state;
	assert_int_equal(fd, 77);
	assert_int_equal(setenv("CPATH", "/evil", 1), 0);
	assert_int_equal(setenv("LD_PRELOAD_X", "/evil", 1), 0);
	assert_int_equal(
	    script(n,
		"[ \"$(env | grep -cv '^\\(PATH\\|LC_ALL\\|PWD\\|_\\)=')\" = 0 ] &&\n"
		"printf '1\\tENVIRONMENT\\n'\n"
		"[ ! -e /proc/$$/fd/77 ] && printf '2\\tDESCRIPTORS\\n'\n"
		"[ -z \"$(cat)\" ] && printf '3\\tINPUT\\n'\n"
		"case $1 in /*/file.h) printf '4\\tARGUMENT\\n';; esac\n"
		"[ $# = 1 ] && printf '5\\tNUMBER\\n'\n"
		"! (: 2>/dev/null >/dev/tty) 2>/dev/null && printf '6\\tTTY\\n'\n"
		"[ \"$(ulimit -f)\" = 0 ] && printf '7\\tNO_FILES\\n'\n"
		"exit 0"),
	    0);
	assert_string_equal(said, "");
	assert_int_equal(names_count(n), 7);
	assert_int_equal(close(fd), 0);
	names_free(n);
}

static void
root_reads_as_nobody_what_nobody_can_read(void **state)
{
	static const char *const who = "printf '%d\\tU\\n' $(id -u)\n"
				       "printf '%d\\tG\\n' $(($(id -g) + 1))";
	struct names *n = names_new();

	(void)state;
	if (geteuid() != 0) {
		names_free(n);
		skip();
	}
	assert_int_equal(script(n, who), 0);
	assert_string_equal(names_get(n, 65534), "U");
	assert_string_equal(names_get(n, 65535), "G");
	write_file("secret.h", 0600, "");
	assert_int_equal(load(n, in_dir("helper"), "secret.h"), 0);
	assert_string_equal(names_get(n, 0), "U");
	assert_int_equal(geteuid(), 0);
	names_free(n);
}

/* The one of the build directory: ../../tools/imsgdump. */
static void
the_real_helper_is_understood(void **state)
{
	struct names *n = names_new();
	char path[PATH_MAX];
	ssize_t len = readlink("/proc/self/exe", path, sizeof(path) - 64);
	int i;

	(void)state;
	assert_true(len > 0);
	path[len] = '\0';
	for (i = 0; i < 3; i++)
		*strrchr(path, '/') = '\0';
	strcat(path, "/tools/imsgdump/imsgdump-names");
	if (access(path, X_OK) == -1) {
		names_free(n);
		skip();
	}
	write_file("real.h", 0644,
	    "#include <nowhere.h>\n"
	    "enum imsg_type { IMSG_NONE, IMSG_A = 100, IMSG_B, IMSG_C = -1 };\n"
	    "enum other { X };\n");
	assert_int_equal(load(n, path, "real.h"), 0);
	assert_string_equal(said, "");
	assert_int_equal(names_count(n), 4);
	assert_string_equal(names_get(n, 101), "IMSG_B");
	assert_string_equal(names_get(n, UINT32_MAX), "IMSG_C");
	assert_int_equal(load(n, path, "real.h:nothing"), -1);
	assert_non_null(strstr(said, "real.h: no enum nothing"));
	names_free(n);
}

static int
begin(void **state)
{
	unsigned i;

	(void)state;
	for (i = 0; i < 1000000; i++) {
		snprintf(dir + sizeof(dir) - 7, 7, "%06u",
		    ((unsigned)getpid() + i) % 1000000);
		if (mkdir(dir, 0755) == 0)
			return chmod(dir, 0755);
	}
	return -1;
}

static int
end(void **state)
{
	static const char *const names[] = { "helper", "file.h", "secret.h",
		"real.h", "stderr" };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		(void)unlink(in_dir(names[i]));
	return rmdir(dir);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_table_without_names_has_none),
		cmocka_unit_test(the_first_name_of_a_number_counts),
		cmocka_unit_test(every_number_finds_its_name),
		cmocka_unit_test(a_table_has_an_end),
		cmocka_unit_test(a_good_answer_is_taken),
		cmocka_unit_test(
		    what_makes_no_sense_is_refused_and_nothing_of_it_kept),
		cmocka_unit_test(an_answer_without_end_is_not_read_to_its_end),
		cmocka_unit_test(what_it_says_is_shown_harmless_and_short),
		cmocka_unit_test(a_helper_that_fails_gives_no_names),
		cmocka_unit_test(a_helper_that_is_not_there_is_named),
		cmocka_unit_test(
		    a_helper_gets_nothing_but_the_name_of_the_file),
		cmocka_unit_test(root_reads_as_nobody_what_nobody_can_read),
		cmocka_unit_test(the_real_helper_is_understood),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
