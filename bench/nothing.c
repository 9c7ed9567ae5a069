/* SPDX-License-Identifier: ISC */
/* A contender that does nothing: what is left is the loop around. */
#include "bench.h"

static void *
no_open(const struct place *at, const struct cell *c)
{
	(void)at;
	(void)c;
	return NULL;
}

static void
no_send(void *arg, const void *data, int fd, int flush)
{
	(void)arg;
	(void)data;
	(void)fd;
	(void)flush;
}

static uint64_t
no_recv(void *arg)
{
	(void)arg;
	return 0;
}

static void
no_close(void *arg)
{
	(void)arg;
}

const struct contender nothing = { "none", can_bytes, no_open, no_send, no_recv,
	no_close };
