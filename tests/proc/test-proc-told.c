/* SPDX-License-Identifier: ISC */
/*
 * A table that main() changes when imsgproc_init() has returned, as for
 * options: how many there are, who, where, what they may and how much.  The
 * processes say what they really are; as it is compiled in, it does not work.
 */
#define _GNU_SOURCE
#include "host.h"

#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char room[64], room_in[80];

static const char *
try_open(const char *path)
{
	int fd = open(path, O_RDONLY);

	if (fd == -1)
		return strerror(errno);
	(void)close(fd);
	return "ok";
}

/* It is in the room, which is its root or not. */
static const char *
look(void)
{
	static char text[200];
	struct rlimit r = { 0, 0 };
	struct stat st;
	size_t n;

	(void)getrlimit(RLIMIT_NOFILE, &r);
	n = (size_t)snprintf(text, sizeof(text), "uid %ld files %ld root %d ",
	    (long)geteuid(), (long)r.rlim_cur, stat("/in/file", &st) == 0);
	n += (size_t)snprintf(
	    text + n, sizeof(text) - n, "in %s ", try_open("in/file"));
	(void)snprintf(text + n, sizeof(text) - n, "out %s", try_open("out"));
	return text;
}

static int
worker_start(struct imsgproc *p)
{
	unsigned int i, n = 0;

	for (i = 0; i < 9; i++)
		n += imsgproc_peer(p, "other", i) != NULL;
	imsgproc_log(p, 6, "%s others %u", look(), n);
	return imsgproc_send(p, "p", 0, 1, 0, -1, NULL, 0);
}

static int
helper_run(struct imsgproc *p)
{
	struct imsgbuf *ib = imsgproc_parent_imsgbuf(p);
	const char *text = look();

	if (imsg_compose(ib, 1, 0, 0, -1, text, strlen(text) + 1) == -1 ||
	    imsgbuf_flush(ib) == -1)
		return 1;
	return 7;
}

static struct imsgproc_path paths[] = { { "/no/such/path", "r" },
	{ NULL, NULL } };
static struct imsgproc_limit limits[] = { { RLIMIT_NOFILE, 1 }, { -1, 0 } };

/* All that a table has but names and functions. */
#define WRONG                                            \
	.user = "no-such-user", .root = "/no/such/root", \
	.promises = "no-such-promise", .paths = paths, .limits = limits
static struct imsgproc_spec procs[] = {
	{ IMSGPROC_HERE, .name = "p" },
	{ IMSGPROC_HERE, .name = "worker", .start = worker_start, WRONG },
	{ IMSGPROC_HERE, .name = "other" },
	{ IMSGPROC_HERE, .name = "helper", .run = helper_run, WRONG },
};
static struct imsgproc_daemon told = { .name = "told",
	.procs = procs,
	.nprocs = 4 };
const struct imsgproc_daemon *const host_tables[] = { &told, NULL };

static void
options(void)
{
	bool root = geteuid() == 0;
	size_t i;

	/* In the room, without /proc, no leak checker works. */
	if (chdir(room) == -1 ||
	    setenv("ASAN_OPTIONS", "detect_leaks=0", 1) == -1)
		abort();
	for (i = 1; i < 4; i += 2) {
		procs[i].user = root ? "nobody" : NULL;
		procs[i].root = root ? room : NULL;
		procs[i].promises = "stdio rpath recvfd";
	}
	paths[0].path = root ? "/in" : room_in;
	limits[0].max = 50;
	procs[1].instances = 3;
	procs[1].talks = "p other";
	procs[2].instances = 2;
	procs[3].flags = IMSGPROC_ON_DEMAND;
}

static void
before(void)
{
	(void)snprintf(room, sizeof(room), "%s", getenv("ROOM"));
	(void)snprintf(room_in, sizeof(room_in), "%s/in", room);
	options();
	/* So that only what is sent can tell. */
	(void)unsetenv("ROOM");
}

/* Whether paths can be enforced here at all; no sanitizer lives with that. */
static bool
is_enforced(void)
{
	const struct imsgproc_path in[] = { { room_in, "r" }, { NULL, NULL } };
	char why[256];
	int status;
	pid_t pid;

	assert_true((pid = fork()) != -1);
	if (pid == 0) {
		(void)imsgproc_sandbox("stdio rpath", in, 0, why, sizeof(why));
		_exit(open("out", O_RDONLY) == -1 && errno == EACCES);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status != 0;
}

static const char *
expected(void)
{
	static char text[128];
	bool root = geteuid() == 0;

	(void)snprintf(text, sizeof(text),
	    "uid %ld files 50 root %d in ok out %s",
	    root ? 65534L : (long)geteuid(), root,
	    is_enforced() ? strerror(EACCES) : "ok");
	return text;
}

static void
a_daemon(void **state)
{
	char line[256];
	struct host h;
	int i;

	(void)state;
	host_start(&h, "told");
	for (i = 0; i < 3; i++)
		(void)host_expect(&h, " others 2");
	for (i = 0; i < 3; i++) {
		(void)snprintf(line, sizeof(line), "told: worker %d: %s others",
		    i, expected());
		(void)host_place(&h, line);
	}
	assert_int_equal(host_stop(&h), 0);
}

static void
one_process(void **state)
{
	struct imsgproc_child c;
	struct imsg m;
	char why[256];
	int status;

	(void)state;
	options();
	if (imsgproc_spawn(&told, "helper", &c, why, sizeof(why)) == -1)
		fail_msg("%s", why);
	assert_int_equal(imsgbuf_recv(&c.ib, &m, PATIENCE), 1);
	assert_string_equal(m.data, expected());
	imsg_free(&m);
	assert_int_equal(imsgproc_wait(&c, PATIENCE, &status), 0);
	assert_int_equal(status, 7 << 8);
}

static void
touch(const char *name)
{
	int fd = open(name, O_CREAT | O_EXCL | O_WRONLY, 0644);

	assert_true(fd != -1);
	(void)close(fd);
}

static int
make_room(void **state)
{
	(void)state;
	(void)umask(022);
	(void)snprintf(room, sizeof(room), "/tmp/told.%ld", (long)getpid());
	(void)snprintf(room_in, sizeof(room_in), "%s/in", room);
	if (mkdir(room, 0755) == -1 || mkdir(room_in, 0755) == -1 ||
	    setenv("ROOM", room, 1) == -1 || chdir(room) == -1)
		return -1;
	touch("in/file");
	touch("out");
	return 0;
}

static int
remove_room(void **state)
{
	(void)state;
	if (unlink("in/file") == -1 || unlink("out") == -1 || chdir("/") == -1)
		return -1;
	return rmdir(room_in) == -1 || rmdir(room) == -1 ? -1 : 0;
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_daemon),
		cmocka_unit_test(one_process),
	};

	host_before = before;
	host_init(argc, argv);
	return cmocka_run_group_tests(tests, make_room, remove_room);
}
