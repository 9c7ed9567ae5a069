/* SPDX-License-Identifier: ISC */
/*
 * Where there is no ptrace(2) as Linux has it.
 */
#include <errno.h>

#include "trace.h"

struct tracer *
trace_new(struct channels *channels)
{
	(void)channels;
	errno = ENOSYS;
	return NULL;
}

int
trace_attach(struct tracer *tr, pid_t pid)
{
	(void)tr;
	(void)pid;
	errno = ENOSYS;
	return -1;
}

int
trace_command(struct tracer *tr, char *const argv[])
{
	(void)tr;
	(void)argv;
	errno = ENOSYS;
	return -1;
}

int
trace_run(struct tracer *tr, struct sink *sink)
{
	(void)tr;
	(void)sink;
	errno = ENOSYS;
	return -1;
}

void
trace_stop(struct tracer *tr)
{
	(void)tr;
}

void
trace_follow(struct tracer *tr)
{
	(void)tr;
}

size_t
trace_left(const struct tracer *tr)
{
	(void)tr;
	return 0;
}

int
trace_status(const struct tracer *tr)
{
	(void)tr;
	return -1;
}

void
trace_free(struct tracer *tr)
{
	(void)tr;
}
