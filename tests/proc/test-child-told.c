/* SPDX-License-Identifier: ISC */
/*
 * What a child is told of the parent's table: that counts, whatever its own
 * says, however large it is; and one that is not whole ends it with a word.
 */
#define _GNU_SOURCE
#include "child-lib.h"

#include <sys/socket.h>
#include <sys/wait.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "child.h"

#define SEED   20261126U
#define ROUNDS 20000
/* See proc/table.h. */
#define PATHS_MAX 1024

/* A message with these bytes. */
static void
message(struct imsg *m, const void *data, size_t len)
{
	struct imsgbuf ib[2];
	int sv[2], i;

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, sv), 0);
	for (i = 0; i < 2; i++)
		assert_int_equal(imsgbuf_init(&ib[i], sv[i]), 0);
	assert_int_equal(
	    imsg_compose(&ib[0], IMSGPROC_TABLE, 0, 0, -1, data, len), 1);
	assert_int_equal(imsgbuf_flush(&ib[0]), 0);
	assert_int_equal(imsgbuf_recv(&ib[1], m, PATIENCE_MS), 1);
	for (i = 0; i < 2; i++) {
		imsgbuf_clear(&ib[i]);
		(void)close(sv[i]);
	}
}

static const struct imsgproc_path paths[] = { { "/a", "r" }, { "/b/c", "rwxc" },
	{ NULL, NULL } };
static const struct imsgproc_limit limits[] = { { RLIMIT_NOFILE, 77 },
	{ RLIMIT_CPU, RLIM_INFINITY }, { -1, 0 } };
static const struct imsgproc_spec theirs[] = {
	{ .name = "first", .talks = "plain" },
	{ .name = "other",
	    .talks = "plain first",
	    .instances = 9,
	    .flags = IMSGPROC_RESTART },
	{ .name = "plain",
	    .user = "u",
	    .root = "/r",
	    .promises = "stdio",
	    .paths = paths,
	    .limits = limits,
	    .instances = 4,
	    .flags = IMSGPROC_STDIO },
};
static const struct imsgproc_daemon their_daemon = { .name = "theirs",
	.procs = theirs,
	.nprocs = 3,
	.stop_ms = 1234 };

static const struct imsgproc_spec *
ours(const char *name)
{
	const struct imsgproc_spec *s = test_daemon.procs;

	while (strcmp(s->name, name) != 0)
		s++;
	return s;
}

static int
unpack(struct inherited *to, const void *data, size_t len)
{
	struct imsg m;
	int r, error;

	message(&m, data, len);
	r = imsgpi_table_unpack(to, &test_daemon, ours("plain"), &m);
	error = errno;
	imsg_free(&m);
	errno = error;
	return r;
}

static struct ibuf *
pack(void)
{
	struct ibuf *b = imsgpi_table_pack(&their_daemon, &theirs[2]);

	assert_non_null(b);
	return b;
}

static void
comes_over(void **state)
{
	struct ibuf *b = pack();
	const struct imsgproc_spec *s;
	struct inherited in;

	(void)state;
	assert_int_equal(unpack(&in, ibuf_data(b), ibuf_size(b)), 0);
	assert_string_equal(in.daemon.name, "test");
	assert_int_equal(in.daemon.nprocs, 3);
	assert_int_equal(in.daemon.stop_ms, 1234);
	s = in.daemon.procs;
	assert_string_equal(s[0].name, "first");
	assert_null(s[0].user);
	assert_string_equal(s[1].talks, "plain first");
	assert_int_equal(s[1].instances, 9);
	assert_int_equal(s[1].flags, IMSGPROC_RESTART);
	assert_ptr_equal(in.own, &s[2]);
	s = in.own;
	assert_true(s->run == ours("plain")->run && s->run != NULL);
	assert_string_equal(s->name, "plain");
	assert_null(s->talks);
	assert_string_equal(s->user, "u");
	assert_string_equal(s->root, "/r");
	assert_string_equal(s->promises, "stdio");
	assert_int_equal(s->instances, 4);
	assert_int_equal(s->flags, IMSGPROC_STDIO);
	assert_string_equal(s->paths[1].path, "/b/c");
	assert_string_equal(s->paths[1].may, "rwxc");
	assert_null(s->paths[2].path);
	assert_int_equal(s->limits[0].max, 77);
	assert_true(s->limits[1].max == RLIM_INFINITY);
	assert_int_equal(s->limits[2].what, -1);
	imsgpi_table_free(&in);
	ibuf_free(b);
}

/* No paths are not the same as none at all. */
static void
what_is_not_there(void **state)
{
	static const struct imsgproc_path none[] = { { NULL, NULL } };
	struct imsgproc_spec s[] = { theirs[0], { .name = "plain" } };
	const struct imsgproc_daemon d = { .procs = s, .nprocs = 2 };
	struct inherited in;
	struct ibuf *b;
	int i;

	(void)state;
	for (i = 0; i < 2; i++) {
		s[1].paths = i == 0 ? NULL : none;
		s[1].user = i == 0 ? NULL : "";
		assert_non_null(b = imsgpi_table_pack(&d, &s[1]));
		assert_int_equal(unpack(&in, ibuf_data(b), ibuf_size(b)), 0);
		assert_int_equal(in.own->paths != NULL, i);
		assert_int_equal(in.own->user != NULL, i);
		assert_int_equal(in.own->limits[0].what, -1);
		imsgpi_table_free(&in);
		ibuf_free(b);
	}
}

static void
is_whole_or_none(void **state)
{
	struct ibuf *b = pack();
	size_t len, all = ibuf_size(b);
	struct inherited in;

	(void)state;
	for (len = 0; len < all; len++) {
		assert_int_equal(unpack(&in, ibuf_data(b), len), -1);
		assert_int_equal(errno, EBADMSG);
		assert_null(in.bytes);
	}
	assert_int_equal(ibuf_add(b, "+", 1), 0);
	assert_int_equal(unpack(&in, ibuf_data(b), ibuf_size(b)), -1);
	assert_int_equal(errno, EBADMSG);
	ibuf_free(b);
}

/* Any bytes at all: a table or none, and never a step outside. */
static void
may_be_anything(void **state)
{
	unsigned int i, k, good = 0, r = SEED;
	struct inherited in;
	struct ibuf *b = pack();
	unsigned char bytes[1024];
	size_t len = ibuf_size(b);
	struct imsg m;

	(void)state;
	print_message("seed %u\n", SEED);
	assert_true(len <= sizeof(bytes));
	for (i = 0; i < ROUNDS; i++) {
		memcpy(bytes, ibuf_data(b), len);
		for (k = 0; k < 1 + i % 3; k++) {
			r = r * 1103515245U + 12345U;
			bytes[(r >> 8) % len] = (unsigned char)(r >> 24);
		}
		message(&m, bytes, len);
		if (imsgpi_table_unpack(&in, &test_daemon, ours("plain"), &m) ==
		    0) {
			good++;
			assert_true(strlen(in.own->name) == 5);
			assert_true(in.own->instances <= IMSGPROC_MAX);
		} else
			assert_int_equal(errno, EBADMSG);
		imsgpi_table_free(&in);
		imsg_free(&m);
	}
	print_message("%u of %u are tables\n", good, ROUNDS);
	assert_true(good > 0 && good < ROUNDS);
	ibuf_free(b);
}

static void
ends_saying(struct born *c, const char *words)
{
	int status;

	assert_string_equal(hear_text(c, IMSGPROC_FAILED), words);
	status = reap(c);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 1);
}

/* Told to the parent, with channels that were on their way. */
static void
says_what_is_wrong(void **state)
{
	static const char *const far[] = { "plain.1", "worker.3",
		"worker.999" };
	struct birth b = { .who = "front.0", .no_table = true };
	struct ibuf *t = imsgpi_table_pack(&test_daemon, ours("front"));
	struct born c;
	char words[80];
	size_t i;

	(void)state;
	bear(&c, &b);
	say(&c, IMSGPROC_TABLE, -1, ibuf_data(t), ibuf_size(t) / 2);
	(void)close(say_peer(&c, 2, 0));
	say(&c, IMSGPROC_BEGIN, -1, NULL, 0);
	ends_saying(&c, "the parent's table: Bad message");
	bear(&c, &b);
	say(&c, IMSGPROC_BEGIN, -1, NULL, 0);
	ends_saying(&c, "unknown message of the parent");
	bear(&c, &b);
	say_table(&c, &their_daemon, "plain.0");
	say(&c, IMSGPROC_BEGIN, -1, NULL, 0);
	ends_saying(&c, "the parent's table: Bad message");
	bear(&c, &b);
	say(&c, IMSGPROC_TABLE, -1, ibuf_data(t), ibuf_size(t));
	say(&c, IMSGPROC_TABLE, -1, ibuf_data(t), ibuf_size(t));
	ends_saying(&c, "unknown message of the parent");
	for (i = 0; i < sizeof(far) / sizeof(far[0]); i++) {
		b.who = far[i];
		b.no_table = false;
		bear(&c, &b);
		say(&c, IMSGPROC_BEGIN, -1, NULL, 0);
		(void)snprintf(words, sizeof(words),
		    "the parent's table has no %s", far[i]);
		*strrchr(words, '.') = ' ';
		ends_saying(&c, words);
	}
	ibuf_free(t);
}

/* An instance, and peers, that its own table does not have. */
static void
is_as_many_as_told(void **state)
{
	const struct birth b = { .who = "front.6", .no_table = true };
	const struct imsgproc_spec s[] = {
		{ .name = "parent", .talks = "front" },
		{ .name = "new" },
		{ .name = "worker", .instances = 200 },
		{ .name = "front", .talks = "worker new", .instances = 7 },
	};
	const struct imsgproc_daemon d = { .procs = s, .nprocs = 4 };
	struct born c, w;
	struct imsg m;

	(void)state;
	bear(&c, &b);
	say_table(&c, &d, "front.6");
	talk_on(&w, say_peer(&c, 2, 199));
	say(&c, IMSGPROC_BEGIN, -1, NULL, 0);
	(void)hear_text(&c, T_REPORT);
	assert_string_equal(hear_text(&c, T_PEER), "parent 0 1");
	assert_string_equal(hear_text(&c, T_PEER), "worker 199 1");
	hear(&c, IMSGPROC_READY, &m);
	imsg_free(&m);
	say_text(&w, T_ECHO, "from afar");
	assert_string_equal(hear_text(&w, T_ECHO), "from afar");
	hang_up(&w);
	assert_string_equal(hear_text(&c, T_PEER), "worker 199 0");
	talk_on(&w, say_peer(&c, 1, 0));
	assert_string_equal(hear_text(&c, T_PEER), "new 0 1");
	hang_up(&w);
	hang_up(&c);
	assert_true(WIFEXITED(reap(&c)));
}

/* Larger than any other message may be. */
static void
may_be_large(void **state)
{
	const struct birth b = { .who = "locked.0", .no_table = true };
	static struct imsgproc_path many[PATHS_MAX + 1];
	struct imsgproc_spec s[] = { { .name = "parent" },
		{ .name = "locked", .promises = "stdio rpath" } };
	const struct imsgproc_daemon d = { .procs = s, .nprocs = 2 };
	char name[2000];
	struct born c;
	struct imsg m;
	size_t i;

	(void)state;
	memset(name, '/', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	for (i = 0; i < PATHS_MAX; i++) {
		many[i].path = name;
		many[i].may = "r";
	}
	s[1].paths = many;
	bear(&c, &b);
	say_table(&c, &d, "locked.0");
	say(&c, IMSGPROC_BEGIN, -1, NULL, 0);
	hear(&c, IMSGPROC_READY, &m);
	imsg_free(&m);
	(void)hear_text(&c, T_REPORT);
	/* From now on others have the usual size. */
	(void)imsgbuf_set_maxsize(&c.ib, 2 * MAX_IMSGSIZE);
	say(&c, T_LOG, -1, many, MAX_IMSGSIZE);
	assert_int_equal(reap(&c), 7 << 8);
}

static void
has_a_bound(void **state)
{
	const size_t len = IMSGPROC_TABLE_MAX;
	char *talks = malloc(len + 1);
	struct imsgproc_spec s[] = { { .name = "p" }, { .name = "plain" } };
	const struct imsgproc_daemon d = { .procs = s, .nprocs = 2 };

	(void)state;
	assert_non_null(talks);
	memset(talks, ' ', len);
	talks[len] = '\0';
	s[0].talks = talks;
	errno = 0;
	assert_null(imsgpi_table_pack(&d, &s[1]));
	assert_int_equal(errno, EMSGSIZE);
	free(talks);
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(comes_over),
		cmocka_unit_test(what_is_not_there),
		cmocka_unit_test(is_whole_or_none),
		cmocka_unit_test(may_be_anything),
		cmocka_unit_test(says_what_is_wrong),
		cmocka_unit_test(is_as_many_as_told),
		cmocka_unit_test(may_be_large),
		cmocka_unit_test(has_a_bound),
	};

	imsgproc_init(argc, argv, &test_daemon);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
