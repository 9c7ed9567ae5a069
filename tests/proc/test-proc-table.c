/* SPDX-License-Identifier: ISC */
/*
 * Everything that can be wrong with a table of processes, each with the line
 * of its entry.  Nothing is started here.
 */
#include <sys/types.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include <imsg_proc.h>

#define AT(n) .file = "t", .line = (n)
#define P                          \
	{                          \
		AT(1), .name = "p" \
	}

struct bad {
	struct imsgproc_spec procs[4];
	size_t n;
	int error;
	const char *why;
	int as; /* 0: whoever; 1: root; 2: not root */
};

static int
nothing(struct imsgproc *p)
{
	(void)p;
	return 0;
}

static const struct imsgproc_path path_letter[] = { { "/etc", "rz" },
	{ NULL, NULL } };
static const struct imsgproc_path path_null[] = { { "/etc", NULL },
	{ NULL, NULL } };
static const struct imsgproc_path path_relative[] = { { "etc", "r" },
	{ NULL, NULL } };
static const struct imsgproc_path path_good[] = { { "/etc", "r" },
	{ "/var", "" }, { NULL, NULL } };
static const struct imsgproc_limit limit_unknown[] = { { 4711, 1 }, { -1, 0 } };
static const struct imsgproc_limit limit_negative[] = { { -7, 1 }, { -1, 0 } };
static const struct imsgproc_limit limit_twice[] = { { RLIMIT_NOFILE, 64 },
	{ RLIMIT_NOFILE, 65 }, { -1, 0 } };
static const struct imsgproc_limit limit_files[] = { { RLIMIT_NOFILE, 5 },
	{ -1, 0 } };
static const struct imsgproc_limit limit_good[] = { { RLIMIT_NOFILE, 6 },
	{ RLIMIT_CORE, 0 }, { -1, 0 } };

static const struct bad bads[] = {
	/* names */
	{ { P, { AT(2) } }, 2, EINVAL, .why = "t:2: a process without a name" },
	{ { { AT(1), .name = "" } }, 1, EINVAL,
	    .why = "t:1: a process without a name" },
	{ { P, { AT(2), .name = "abcdefghijklmnopqrstuvwxyz0123456" } }, 2,
	    EINVAL,
	    .why =
		"t:2: \"abcdefghijklmnopqrstuvwxyz01234...\": a name of more than "
		"31 characters" },
	{ { P, { AT(2), .name = "a b" } }, 2, EINVAL,
	    .why =
		"t:2: a name has letters, digits, - and _: no character 32" },
	{ { P, { AT(2), .name = "a\033" } }, 2, EINVAL,
	    .why =
		"t:2: a name has letters, digits, - and _: no character 27" },
	{ { P, { AT(2), .name = "a.0" } }, 2, EINVAL,
	    .why =
		"t:2: a name has letters, digits, - and _: no character 46" },
	{ { P, { AT(2), .name = "a" }, { AT(3), .name = "a" } }, 3, EINVAL,
	    .why = "t:3: a: the name is that of line 2, too" },
	{ { P, { AT(2), .name = "p" } }, 2, EINVAL,
	    .why = "t:2: p: the name is that of line 1, too" },
	/* how many */
	{ { P, { AT(2), .name = "a", .instances = 257 } }, 2, EINVAL,
	    .why = "t:2: a: more than 256 processes" },
	{ { P, { AT(2), .name = "a", .instances = 0xffffffffU },
	      { AT(3), .name = "b" } },
	    3, EINVAL, .why = "t:2: a: more than 256 processes" },
	{ { P, { AT(2), .name = "a", .instances = 200 },
	      { AT(3), .name = "b", .instances = 56 } },
	    3, EINVAL, .why = "t:3: b: more than 256 processes" },
	/* talks */
	{ { { AT(1), .name = "p", .talks = "x" } }, 1, ENOENT,
	    .why = "t:1: p talks to x: there is none" },
	{ { P, { AT(2), .name = "a", .talks = "p  ab" } }, 2, ENOENT,
	    .why = "t:2: a talks to ab: there is none" },
	{ { P, { AT(2), .name = "a", .talks = " a " } }, 2, EINVAL,
	    .why = "t:2: a talks to itself" },
	{ { P, { AT(2), .name = "a", .talks = "b", .run = nothing },
	      { AT(3), .name = "b" } },
	    3, EINVAL, .why = "t:2: a has no loop, but run: no channel to b" },
	{ { P, { AT(2), .name = "a", .run = nothing },
	      { AT(3), .name = "b", .talks = "a p" } },
	    3, EINVAL, .why = "t:2: a has no loop, but run: no channel to b" },
	{ { P, { AT(2), .name = "a", .flags = IMSGPROC_ON_DEMAND },
	      { AT(3), .name = "b", .talks = "a" } },
	    3, EINVAL,
	    .why = "t:2: a is started on demand: it has no channel to b" },
	/* needs */
	{ { P, { AT(2), .name = "a", .needs = "x" } }, 2, ENOENT,
	    .why = "t:2: a needs x: there is none" },
	{ { P, { AT(2), .name = "a", .needs = "p" } }, 2, EINVAL,
	    .why = "t:2: a needs p: the parent is always there" },
	{ { { AT(1), .name = "p", .needs = "a" }, { AT(2), .name = "a" } }, 2,
	    EINVAL,
	    .why = "t:1: p is the parent: all others are ready before it" },
	{ { P, { AT(2), .name = "a", .needs = "a" } }, 2, ELOOP,
	    .why = "t:2: needs in a circle: a needs a" },
	{ { P, { AT(2), .name = "a", .needs = "b" },
	      { AT(3), .name = "b", .needs = "c" },
	      { AT(4), .name = "c", .needs = "b" } },
	    4, ELOOP, .why = "t:3: needs in a circle: b needs c needs b" },
	{ { P, { AT(2), .name = "a", .needs = "c" },
	      { AT(3), .name = "b", .needs = "a" },
	      { AT(4), .name = "c", .needs = "b" } },
	    4, ELOOP,
	    .why = "t:2: needs in a circle: a needs c needs b needs a" },
	{ { P, { AT(2), .name = "a", .flags = IMSGPROC_ON_DEMAND },
	      { AT(3), .name = "b", .needs = "a" } },
	    3, EINVAL, .why = "t:3: b needs a: that is started on demand" },
	{ { P, { AT(2), .name = "a" },
	      { AT(3), .name = "b", .needs = "a",
		  .flags = IMSGPROC_ON_DEMAND } },
	    3, EINVAL,
	    .why = "t:3: b is started on demand, alone: it needs nobody" },
	/* flags */
	{ { P, { AT(2), .name = "a", .flags = 0x100 } }, 2, EINVAL,
	    .why = "t:2: a: unknown flags 0x100" },
	{ { P,
	      { AT(2), .name = "a",
		  .flags = IMSGPROC_ON_DEMAND | IMSGPROC_RESTART } },
	    2, EINVAL,
	    .why = "t:2: a is started on demand: it cannot be restarted" },
	{ { P,
	      { AT(2), .name = "a", .instances = 2,
		  .flags = IMSGPROC_ON_DEMAND } },
	    2, EINVAL,
	    .why = "t:2: a is started on demand, one by one: no instances" },
	{ { P, { AT(2), .name = "a", .flags = IMSGPROC_MUST_SANDBOX } }, 2,
	    EINVAL, .why = "t:2: a must have a sandbox and has no promises" },
	{ { { AT(1), .name = "p", .flags = IMSGPROC_RESTART } }, 1, EINVAL,
	    .why = "t:1: p is the parent: nobody starts it" },
	{ { { AT(1), .name = "p", .instances = 2 } }, 1, EINVAL,
	    .why = "t:1: p is the parent: there is one" },
	/* users and roots */
	{ { P, { AT(2), .name = "a", .user = "no-such-user" } }, 2, ENOENT,
	    .why = "t:2: a: there is no user no-such-user" },
	{ { P, { AT(2), .name = "a", .user = "root" } }, 2, EPERM,
	    .why = "t:2: a: only root can become user root", 2 },
	{ { P, { AT(2), .name = "a", .root = "var/empty" } }, 2, EINVAL,
	    .why = "t:2: a: root var/empty does not begin with /" },
	{ { P, { AT(2), .name = "a", .root = "/var" } }, 2, EPERM,
	    .why = "t:2: a: only root can lock it in /var", 2 },
	{ { P, { AT(2), .name = "a", .root = "/no/such" } }, 2, ENOENT,
	    .why = "t:2: a: root /no/such: No such file or directory", 1 },
	{ { P, { AT(2), .name = "a", .root = "/etc/passwd" } }, 2, ENOTDIR,
	    .why = "t:2: a: root /etc/passwd is not a directory", 1 },
	{ { P, { AT(2), .name = "a", .root = "/tmp" } }, 2, EPERM,
	    .why = "t:2: a: root /tmp can be written by others "
		   "than root",
	    1 },
	/* promises, paths, limits */
	{ { P, { AT(2), .name = "a", .promises = "stdio  fly inet" } }, 2,
	    EINVAL, .why = "t:2: a: there is no promise fly" },
	{ { P, { AT(2), .name = "a", .paths = path_good } }, 2, EINVAL,
	    .why = "t:2: a: paths are for a sandbox, and it has no promises" },
	{ { P, { AT(2), .name = "a", .promises = "", .paths = path_letter } },
	    2, EINVAL, .why = "t:2: a: what /etc may be used for: r, w, x, c" },
	{ { P, { AT(2), .name = "a", .promises = "", .paths = path_null } }, 2,
	    EINVAL, .why = "t:2: a: what /etc may be used for: r, w, x, c" },
	{ { P, { AT(2), .name = "a", .promises = "", .paths = path_relative } },
	    2, EINVAL, .why = "t:2: a: path etc does not begin with /" },
	{ { P, { AT(2), .name = "a", .promises = "recvfd inet" } }, 2, EINVAL,
	    .why = "t:2: a: without the promise stdio it cannot say that it is "
		   "ready" },
	{ { P, { AT(2), .name = "a", .promises = "stdio", .talks = "b" },
	      { AT(3), .name = "b", .flags = IMSGPROC_RESTART } },
	    3, EINVAL,
	    .why = "t:2: a: without the promise recvfd it gets no channel to b "
		   "when that is started again" },
	{ { P, { AT(2), .name = "a", .limits = limit_unknown } }, 2, EINVAL,
	    .why = "t:2: a: there is no limit 4711" },
	{ { P, { AT(2), .name = "a", .limits = limit_negative } }, 2, EINVAL,
	    .why = "t:2: a: there is no limit -7" },
	{ { P, { AT(2), .name = "a", .limits = limit_twice } }, 2, EINVAL,
	    .why = "t:2: a: RLIMIT_NOFILE is there twice" },
	{ { P, { AT(2), .name = "a", .talks = "b", .limits = limit_files },
	      { AT(3), .name = "b" } },
	    3, EINVAL,
	    .why = "t:2: a: RLIMIT_NOFILE 5: with its channels it needs 6" },
	/* what a parent may give up */
	{ { { AT(1), .name = "p", .user = "nobody" }, { AT(2), .name = "a" } },
	    2, EPERM,
	    .why = "t:1: p becomes nobody: it could not end a, another user",
	    1 },
	{ { { AT(1), .name = "p", .root = "/usr" },
	      { AT(2), .name = "a", .flags = IMSGPROC_RESTART } },
	    2, EPERM,
	    .why = "t:1: p is locked in /usr: it could not start a again", 1 },
	{ { { AT(1), .name = "p", .promises = "stdio exec" },
	      { AT(2), .name = "a" } },
	    2, EPERM,
	    .why = "t:1: p could not end a without the promises stdio and "
		   "proc" },
	{ { { AT(1), .name = "p", .promises = "stdio proc sendfd" },
	      { AT(2), .name = "a", .flags = IMSGPROC_RESTART } },
	    2, EPERM,
	    .why = "t:1: p could not start a again without the promise exec" },
	{ { { AT(1), .name = "p", .promises = "stdio proc exec sendfd" },
	      { AT(2), .name = "a", .flags = IMSGPROC_RESTART } },
	    2, EPERM,
	    .why = "t:1: p could not start a again without the promise rpath" },
	{ { { AT(1), .name = "p",
		.promises = "stdio proc exec sendfd rpath wpath" },
	      { AT(2), .name = "a", .root = "/usr",
		  .flags = IMSGPROC_RESTART } },
	    2, EPERM,
	    .why =
		"t:1: p gives up what starts a again, with a root of its own",
	    1 },
	{ { { AT(1), .name = "p", .user = "nobody" },
	      { AT(2), .name = "a", .user = "nobody",
		  .flags = IMSGPROC_RESTART } },
	    2, EPERM,
	    .why =
		"t:1: p gives up what starts a again, with a user of its own",
	    1 },
};

static void
each_error_has_its_line(void **state)
{
	struct imsgproc_daemon d = { .name = "d" };
	const struct bad *b;
	char why[256];
	int who = geteuid() == 0 ? 1 : 2;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bads) / sizeof(bads[0]); i++) {
		b = &bads[i];
		if (b->as != 0 && b->as != who)
			continue;
		d.procs = b->procs;
		d.nprocs = b->n;
		errno = 0;
		why[0] = '\0';
		assert_int_equal(imsgproc_check(&d, why, sizeof(why)), -1);
		assert_string_equal(why, b->why);
		assert_int_equal(errno, b->error);
	}
}

static void
daemons_without_sense(void **state)
{
	static const struct imsgproc_spec p[] = { P };
	static struct imsgproc_spec many[IMSGPROC_MAX + 1];
	static const struct imsgproc_loop half = { .make = imsgloop_poll_new };
	const struct {
		struct imsgproc_daemon d;
		const char *why;
	} bad[] = {
		{ { .procs = p, .nprocs = 1 },
		    "?: the daemon's name: 1 to 31 letters, digits, - and _" },
		{ { .name = "a/b", .procs = p, .nprocs = 1 },
		    "a/b: the daemon's name: 1 to 31 letters, digits, - and "
		    "_" },
		{ { .name = "d", .procs = p }, "d: no processes" },
		{ { .name = "d", .nprocs = 1 }, "d: no processes" },
		{ { .name = "d", .procs = many, .nprocs = IMSGPROC_MAX + 1 },
		    "d: more than 256 processes" },
		{ { .name = "d", .procs = p, .nprocs = 1, .start_ms = -1 },
		    "d: start_ms or stop_ms below 0" },
		{ { .name = "d", .procs = p, .nprocs = 1, .stop_ms = -1 },
		    "d: start_ms or stop_ms below 0" },
		{ { .name = "d", .procs = p, .nprocs = 1, .flags = 6 },
		    "d: unknown flags 0x6" },
		{ { .name = "d", .procs = p, .nprocs = 1, .loop = &half },
		    "d: the loop lacks a function" },
	};
	char why[256];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		errno = 0;
		assert_int_equal(
		    imsgproc_check(&bad[i].d, why, sizeof(why)), -1);
		assert_string_equal(why, bad[i].why);
		assert_int_equal(errno, EINVAL);
	}
	assert_int_equal(imsgproc_check(NULL, why, sizeof(why)), -1);
	assert_int_equal(errno, EINVAL);
}

/* What a complaint has no room for is cut off, and no room is no crash. */
static void
a_complaint_fits_its_room(void **state)
{
	static const struct imsgproc_spec p[] = { { AT(1), .name = "p",
	    .talks = "x" } };
	const struct imsgproc_daemon d = {
		.name = "d", .procs = p, .nprocs = 1
	};
	char why[16];

	(void)state;
	memset(why, '#', sizeof(why));
	assert_int_equal(imsgproc_check(&d, why, 8), -1);
	assert_string_equal(why, "t:1: p ");
	assert_int_equal(why[8], '#');
	assert_int_equal(imsgproc_check(&d, why, 3), -1);
	assert_string_equal(why, "t:");
	assert_int_equal(imsgproc_check(&d, why, 1), -1);
	assert_string_equal(why, "");
	assert_int_equal(imsgproc_check(&d, NULL, 0), -1);
	assert_int_equal(errno, ENOENT);
}

static void
a_good_table_is_good(void **state)
{
	const struct imsgproc_spec p[] = { { AT(1), .name = "p",
					       .talks = "a b-2",
					       .promises = "stdio proc" },
		{ AT(2), .name = "a", .talks = "p b-2", .needs = "b-2 c",
		    .limits = limit_good, .promises = "stdio rpath",
		    .paths = path_good },
		{ AT(3), .name = "b-2", .talks = "", .needs = "c" },
		{ AT(4), .name = "c", .instances = 253, .needs = " " } };
	const struct imsgproc_daemon d = {
		.name = "d", .procs = p, .nprocs = 4
	};
	char why[256] = "";

	(void)state;
	if (imsgproc_check(&d, why, sizeof(why)) == -1)
		fail_msg("%s", why);
}

/* Users and roots are for root; for anybody else, if so wanted, nothing. */
static void
anybody_may_start_it(void **state)
{
	const struct imsgproc_spec p[] = { { AT(1), .name = "p",
					       .promises = "stdio proc exec "
							   "sendfd" },
		{ AT(2), .name = "a", .user = "no-such-user",
		    .root = "/no/such/directory", .flags = IMSGPROC_RESTART } };
	struct imsgproc_daemon d = { .name = "d", .procs = p, .nprocs = 2 };
	char why[256] = "";

	(void)state;
	assert_int_equal(imsgproc_check(&d, why, sizeof(why)), -1);
	assert_string_equal(why, "t:2: a: there is no user no-such-user");
	d.flags = IMSGPROC_AS_ANYBODY;
	why[0] = '\0';
	assert_int_equal(
	    imsgproc_check(&d, why, sizeof(why)), geteuid() == 0 ? -1 : 0);
	assert_string_equal(
	    why, geteuid() == 0 ? "t:2: a: there is no user no-such-user" : "");
}

/* Two of them may need the same; a long way is no circle. */
static void
a_diamond_is_no_circle(void **state)
{
	const struct imsgproc_spec p[] = { P,
		{ AT(2), .name = "a", .needs = "b c" },
		{ AT(3), .name = "b", .needs = "d" },
		{ AT(4), .name = "c", .needs = "d b" },
		{ AT(5), .name = "d" } };
	const struct imsgproc_daemon d = {
		.name = "d", .procs = p, .nprocs = 5
	};
	char why[256] = "";

	(void)state;
	if (imsgproc_check(&d, why, sizeof(why)) == -1)
		fail_msg("%s", why);
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_error_has_its_line),
		cmocka_unit_test(daemons_without_sense),
		cmocka_unit_test(a_complaint_fits_its_room),
		cmocka_unit_test(a_good_table_is_good),
		cmocka_unit_test(anybody_may_start_it),
		cmocka_unit_test(a_diamond_is_no_circle),
	};
	static const struct imsgproc_daemon none = { .name = "d" };

	imsgproc_init(argc, argv, &none);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
