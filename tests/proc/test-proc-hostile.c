/* SPDX-License-Identifier: ISC */
/*
 * A child in the hands of a stranger: whatever it sends, or does not read, the
 * parent stays, its memory and its descriptors have a bound, and a sibling that
 * did nothing wrong is served meanwhile.
 *
 * The stranger writes to descriptor 3 by itself, as the library would not.
 */
#define _GNU_SOURCE
#include "host.h"

#include <sys/socket.h>
#include <sys/uio.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SAY(p, ...) imsgproc_log(p, 6, __VA_ARGS__)

#define CHANNEL 3

/* A message as it is on the wire, len of its bytes, with a descriptor or -1. */
static bool
put(uint32_t type, const void *data, size_t len, int fd)
{
	struct imsg_hdr hdr = { .type = type,
		.len = (uint32_t)(sizeof(hdr) + len) };
	union {
		struct cmsghdr align;
		char buf[CMSG_SPACE(sizeof(int))];
	} ctl;
	struct iovec iov[2] = { { &hdr, sizeof(hdr) },
		{ (void *)(uintptr_t)data, len } };
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = 2 };

	if (fd != -1) {
		hdr.len |= 0x80000000U;
		memset(&ctl, 0, sizeof(ctl));
		msg.msg_control = ctl.buf;
		msg.msg_controllen = sizeof(ctl.buf);
		CMSG_FIRSTHDR(&msg)->cmsg_len = CMSG_LEN(sizeof(int));
		CMSG_FIRSTHDR(&msg)->cmsg_level = SOL_SOCKET;
		CMSG_FIRSTHDR(&msg)->cmsg_type = SCM_RIGHTS;
		memcpy(CMSG_DATA(CMSG_FIRSTHDR(&msg)), &fd, sizeof(fd));
	}
	return sendmsg(CHANNEL, &msg, MSG_NOSIGNAL) ==
	    (ssize_t)(sizeof(hdr) + len);
}

static int
forever(void)
{
	while (getppid() != 0)
		(void)pause();
	return 0;
}

/* A process that is quiet but for the one thing that its name says. */
static int
evil_start(struct imsgproc *p)
{
	const char *what = getenv("EVIL");
	int big = 0;

	(void)fcntl(CHANNEL, F_SETFL, 0);
	if (strcmp(what, "ready twice") == 0) {
		(void)put(IMSGPROC_READY, NULL, 0, -1);
		(void)put(IMSGPROC_READY, NULL, 0, -1);
	} else if (strcmp(what, "ready with more") == 0)
		(void)put(IMSGPROC_READY, "more", 4, -1);
	else if (strcmp(what, "ready with a descriptor") == 0)
		(void)put(IMSGPROC_READY, NULL, 0, 2);
	else if (strcmp(what, "orders") == 0)
		(void)put(IMSGPROC_STOP, NULL, 0, -1);
	else if (strcmp(what, "reloaded") == 0)
		(void)put(IMSGPROC_RELOADED, NULL, 0, -1);
	else if (strcmp(what, "failed short") == 0)
		(void)put(IMSGPROC_FAILED, "x", 1, -1);
	else if (strcmp(what, "failed late") == 0) {
		(void)put(IMSGPROC_READY, NULL, 0, -1);
		(void)put(IMSGPROC_FAILED, "xxxxtext", 8, -1);
	} else if (strcmp(what, "talks") == 0)
		(void)put(1, NULL, 0, -1);
	else if (strcmp(what, "garbage") == 0)
		(void)!write(CHANNEL,
		    "\377\377\377\377\377\377\377\377\377"
		    "\377\377\377\377\377\377\377",
		    16);
	else if (strcmp(what, "unknown") == 0)
		(void)put(IMSGPROC_TYPES + 255, &big, sizeof(big), -1);
	else if (strcmp(what, "torn") == 0) {
		(void)!write(CHANNEL, "\001\000\000\000\020", 5);
		_exit(0);
	} else
		return imsgproc_fail(p, "what?");
	return forever();
}

static int
say_start(struct imsgproc *p)
{
	SAY(p, "start pid %ld", (long)getpid());
	return 0;
}

static const struct imsgproc_spec evil_procs[] = {
	{ IMSGPROC_HERE, .name = "p", .start = say_start },
	{ IMSGPROC_HERE, .name = "evil", .start = evil_start },
	{ IMSGPROC_HERE, .name = "good", .needs = "evil" },
};
static const struct imsgproc_daemon evil = { .name = "evil",
	.procs = evil_procs,
	.nprocs = 3,
	.stop_ms = 2000 };

static void
breaches_end_it(void **state)
{
	static const char *const of[][2] = {
		{ "ready twice", "broke the protocol: message 2: killed" },
		{ "ready with more",
		    "broke the protocol: message 2 of 4 bytes: killed" },
		{ "ready with a descriptor",
		    "broke the protocol: a descriptor: killed" },
		{ "orders", "broke the protocol: message 6: killed" },
		{ "reloaded", "broke the protocol: message 5: killed" },
		{ "failed short", "broke the protocol: what failed?: killed" },
		{ "failed late", "broke the protocol: message 3 of 8 bytes:" },
		{ "talks",
		    "sent a message, and has no channel to the parent: killed" },
		{ "garbage", "broke its channel: " },
		{ "unknown", "broke the protocol: message 255 of 4 bytes: " },
		{ "torn", "exited with status 0" },
	};
	struct host h;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(of) / sizeof(of[0]); i++) {
		setenv("EVIL", of[i][0], 1);
		host_start(&h, "evil");
		assert_int_equal(host_end(&h), 1);
		host_place(&h, of[i][1]);
		/* What follows READY is read when all are ready. */
		if (strcmp(of[i][0], "ready twice") != 0 &&
		    strcmp(of[i][0], "failed late") != 0)
			assert_int_equal(host_count(&h, " p: start"), 0);
	}
}

/*
 * flood: evil sends as fast as it can; good asks and is answered, then the
 * parent says how much it has and stops.
 */

#define T_PING	1
#define T_FLOOD 2
#define PINGS	200

/* KiB that the parent may need, by far; a sanitizer keeps what was freed. */
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define MEMORY 400000
#endif
#endif
#if !defined(MEMORY) && defined(__SANITIZE_ADDRESS__)
#define MEMORY 400000
#endif
#ifndef MEMORY
#define MEMORY 20000
#endif

static unsigned long flood_got;

static long
memory_peak(void)
{
	char line[128];
	long kb = -1;
	FILE *f = fopen("/proc/self/status", "re");

	while (f != NULL && fgets(line, sizeof(line), f) != NULL)
		if (sscanf(line, "VmHWM: %ld", &kb) == 1)
			break;
	if (f != NULL)
		(void)fclose(f);
	return kb;
}

static int
flood_start(struct imsgproc *p)
{
	return imsgproc_send(p, "p", 0, T_PING, 0, -1, NULL, 0) == -1 ? -1 : 0;
}

static int
flood_run(struct imsgproc *p)
{
	const char *what = getenv("EVIL");
	static char data[8000];

	(void)p;
	/* Its siblings have begun when the first is read. */
	if (strcmp(what, "descriptors") == 0)
		while (put(T_FLOOD, NULL, 0, 2))
			;
	else if (strcmp(what, "large") == 0)
		while (put(T_FLOOD, data, sizeof(data), -1))
			;
	else
		while (put(T_FLOOD, NULL, 0, -1))
			;
	return 0;
}

static void
flood_message(struct imsgproc *p, struct imsgproc_peer *from, struct imsg *m)
{
	static unsigned int pings;

	if (strcmp(imsgproc_name(p), "good") == 0) {
		if (imsgproc_send_peer(from, T_PING, 0, -1, NULL, 0) == -1)
			imsgproc_stop(p, 3);
		return;
	}
	flood_got += imsg_get_type(m) == T_FLOOD;
	if (imsg_get_type(m) != T_PING)
		return;
	/* Who has the processor is not what is tested. */
	if (++pings >= PINGS && flood_got > PINGS) {
		SAY(p, "files %zu", strlen(host_open()));
		SAY(p, "memory %ld flood %lu", memory_peak(), flood_got);
		imsgproc_stop(p, 0);
	} else if (imsgproc_send_peer(from, T_PING, 0, -1, NULL, 0) == -1)
		imsgproc_stop(p, 4);
}

static const struct imsgproc_spec flood_procs[] = {
	{ IMSGPROC_HERE, .name = "p", .talks = "evil good",
	    .message = flood_message },
	{ IMSGPROC_HERE, .name = "evil", .run = flood_run },
	{ IMSGPROC_HERE, .name = "good", .start = flood_start,
	    .message = flood_message },
};
static const struct imsgproc_daemon flood = { .name = "flood",
	.procs = flood_procs,
	.nprocs = 3,
	.stop_ms = 300 };

static void
floods(void **state)
{
	static const char *const of[] = { "messages", "descriptors", "large" };
	const char *line;
	struct host h;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(of) / sizeof(of[0]); i++) {
		setenv("EVIL", of[i], 1);
		host_start(&h, "flood");
		/* 64 open files of four characters and more. */
		line = host_expect(&h, "files ");
		assert_in_range(host_number(line, "files "), 10, 300);
		line = host_expect(&h, "memory ");
		assert_in_range(host_number(line, "memory "), 1000, MEMORY);
		assert_int_equal(host_end(&h), 0);
	}
}

/* deaf: reads nothing; the parent sends until it may not. */

static int
deaf_run(struct imsgproc *p)
{
	(void)p;
	return forever();
}

static int
deaf_start(struct imsgproc *p)
{
	static char data[16000];
	unsigned int n = 0;

	while (imsgproc_send(p, "evil", 0, 1, 0, -1, data, sizeof(data)) != -1)
		n++;
	SAY(p, "%u messages, %s", n, errno == ENOBUFS ? "full" : "?");
	imsgproc_stop(p, 0);
	return 0;
}

static const struct imsgproc_spec deaf_procs[] = {
	{ IMSGPROC_HERE, .name = "p", .talks = "evil", .start = deaf_start },
	{ IMSGPROC_HERE, .name = "evil", .run = deaf_run },
};
static const struct imsgproc_daemon deaf = { .name = "deaf",
	.procs = deaf_procs,
	.nprocs = 2,
	.stop_ms = 200 };

static void
who_does_not_read(void **state)
{
	struct host h;

	(void)state;
	host_start(&h, "deaf");
	assert_int_equal(host_end(&h), 0);
	host_place(&h, "messages, full");
	host_place(&h, "did not stop in time: killed by signal 9 (Killed)");
}

/* early: more than can be held before the parent has started. */

static int
early_start(struct imsgproc *p)
{
	static char data[8000];

	(void)p;
	(void)fcntl(CHANNEL, F_SETFL, 0);
	while (put(1, data,
	    strcmp(getenv("EVIL"), "files") == 0 ? 0 : sizeof(data),
	    strcmp(getenv("EVIL"), "files") == 0 ? 2 : -1))
		;
	return forever();
}

static const struct imsgproc_spec early_procs[] = {
	{ IMSGPROC_HERE, .name = "p", .talks = "evil", .start = say_start },
	{ IMSGPROC_HERE, .name = "evil", .start = early_start },
};
static const struct imsgproc_daemon early = { .name = "early",
	.procs = early_procs,
	.nprocs = 2,
	.stop_ms = 300 };

static void
too_much_too_early(void **state)
{
	static const char *const of[] = { "files", "bytes" };
	struct host h;
	size_t i;

	(void)state;
	for (i = 0; i < 2; i++) {
		setenv("EVIL", of[i], 1);
		host_start(&h, "early");
		assert_int_equal(host_end(&h), 1);
		host_place(&h, "sent too much before the daemon was there: ");
		assert_int_equal(host_count(&h, " p: start"), 0);
	}
}

/* heir: it dies, and another process keeps its channel open. */

static int
heir_start(struct imsgproc *p)
{
	if (fork() == 0) {
		SAY(p, "heir pid %ld", (long)getpid());
		(void)close(2);
		while (sleep(60) == 0)
			;
	}
	return say_start(p);
}

static const struct imsgproc_spec heir_procs[] = {
	{ IMSGPROC_HERE, .name = "p", .start = say_start },
	{ IMSGPROC_HERE, .name = "evil", .start = heir_start },
};
static const struct imsgproc_daemon heir = { .name = "heir",
	.procs = heir_procs,
	.nprocs = 2,
	.stop_ms = 5000 };

static void
who_leaves_an_heir(void **state)
{
	struct host h;
	pid_t left, it;

	(void)state;
	host_start(&h, "heir");
	left = (pid_t)host_number(host_expect(&h, "heir pid"), "pid ");
	h.at = 0;
	it = (pid_t)host_number(host_expect(&h, " evil: start"), "pid ");
	h.at = 0;
	host_expect(&h, " p: start");
	assert_int_equal(kill(it, SIGKILL), 0);
	assert_int_equal(host_end(&h), 1);
	host_place(&h, "killed by signal 9 (Killed)\n");
	(void)kill(left, SIGKILL);
}

const struct imsgproc_daemon *const host_tables[] = { &evil, &flood, &deaf,
	&early, &heir, NULL };

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(breaches_end_it),
		cmocka_unit_test(floods),
		cmocka_unit_test(who_does_not_read),
		cmocka_unit_test(too_much_too_early),
		cmocka_unit_test(who_leaves_an_heir),
	};

	host_init(argc, argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
