/* SPDX-License-Identifier: ISC */
/*
 * The processes of peek: the parent, and a worker for each archive, which has
 * the archive, nothing else, and bounds on memory and time.
 */
#define _POSIX_C_SOURCE 200809L

#include <fcntl.h>
#include <locale.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include "worker.h"

/* A sanitizer writes its report to 2, and needs memory without end. */
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(memory_sanitizer) || \
    __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#endif

/* Nothing of an archive gets to the terminal but through the parent. */
static int
no_stderr(void)
{
#if !defined(SANITIZED)
	int fd;

	if ((fd = open("/dev/null", O_RDWR)) == -1 || dup2(fd, 2) == -1)
		return -1;
	(void)close(fd);
#endif
	return 0;
}

/* Whatever libc reads from files later has to be read now. */
static void
warm_up(void)
{
	/* Names in UTF-8 are converted according to the locale. */
	if (setlocale(LC_ALL, "C.UTF-8") == NULL &&
	    setlocale(LC_ALL, "en_US.UTF-8") == NULL)
		(void)setlocale(LC_ALL, "");
	/* zip stores local time. */
	tzset();
}

static int
prepare(struct imsgproc *proc)
{
	(void)proc;
	/* Who has enough of us has enough of the worker. */
	(void)signal(SIGINT, SIG_DFL);
	warm_up();
	return no_stderr();
}

#define MEMORY	((rlim_t)512 << 20)
#define SECONDS 60
/* 0, 1, 2, the channel, the archive: no more can be received then. */
#define DESCRIPTORS 5

static const struct imsgproc_limit limits[] = {
#if !defined(SANITIZED)
#if defined(RLIMIT_AS)
	{ RLIMIT_AS, MEMORY },
#endif
	{ RLIMIT_DATA, MEMORY },
#endif
#if defined(RLIMIT_NPROC)
	{ RLIMIT_NPROC, 0 },
#endif
	{ RLIMIT_CPU, SECONDS },
	{ RLIMIT_FSIZE, 0 },
	{ RLIMIT_CORE, 0 },
	{ RLIMIT_NOFILE, DESCRIPTORS },
	{ -1, 0 },
};

static const struct imsgproc_spec procs[] = {
	{ IMSGPROC_HERE, .name = "parent" },
	{ IMSGPROC_HERE, .name = WORKER, .flags = IMSGPROC_ON_DEMAND,
	    .promises = "stdio recvfd", .limits = limits, .prepare = prepare,
	    .run = worker_run },
};

const struct imsgproc_daemon peek_daemon = { .name = "peek",
	.procs = procs,
	.nprocs = sizeof(procs) / sizeof(procs[0]) };
