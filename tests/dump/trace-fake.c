/* SPDX-License-Identifier: ISC */
/*
 * Channels that only remember what the tracer told them.  Every UNIX stream
 * socket matters; what a descriptor is is asked for once, as the true ones do.
 */
#define _GNU_SOURCE
#include <sys/stat.h>
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "trace-fake.h"

#define KNOWN 65536

struct fake fake;

/* What is known of a descriptor; a place serves the one that came last. */
static struct known {
	pid_t pid;
	int fd, socket;
} known[KNOWN];

static struct known *
place(pid_t pid, int fd)
{
	return &known[((unsigned)pid * 131 + (unsigned)fd) % KNOWN];
}

static int
is_socket(pid_t pid, int fd)
{
	struct known *k = place(pid, fd);
	struct stat st;
	char path[64];

	if (k->pid == pid && k->fd == fd)
		return k->socket;
	(void)snprintf(path, sizeof(path), "/proc/%ld/fd/%d", (long)pid, fd);
	k->pid = pid;
	k->fd = fd;
	k->socket = stat(path, &st) == 0 && S_ISSOCK(st.st_mode);
	return k->socket;
}

static struct heard *
hear(enum heard_kind kind, pid_t pid, int fd, int dir, size_t len)
{
	struct heard *h;

	if (fake.n == fake.max) {
		fake.max = fake.max == 0 ? 1024 : fake.max * 2;
		fake.heard =
		    realloc(fake.heard, fake.max * sizeof(*fake.heard));
		assert(fake.heard != NULL);
	}
	h = &fake.heard[fake.n++];
	memset(h, 0, sizeof(*h));
	h->kind = kind;
	h->pid = pid;
	h->fd = fd;
	h->dir = dir;
	h->len = len;
	return h;
}

static void
told(const struct heard *h)
{
	if (fake.hook != NULL)
		fake.hook(h);
}

void
channels_process(struct channels *c, pid_t pid)
{
	(void)c;
	told(hear(HEARD_PROCESS, pid, -1, 0, 0));
}

void
channels_exit(struct channels *c, pid_t pid)
{
	(void)c;
	told(hear(HEARD_EXIT, pid, -1, 0, 0));
}

void
channels_exec(struct channels *c, pid_t pid)
{
	int i;

	(void)c;
	for (i = 0; i < KNOWN; i++) {
		if (known[i].pid == pid)
			known[i].pid = 0;
	}
	told(hear(HEARD_EXEC, pid, -1, 0, 0));
}

void
channels_renamed(struct channels *c, pid_t pid)
{
	(void)c;
	told(hear(HEARD_RENAMED, pid, -1, 0, 0));
}

int
channels_wants(struct channels *c, pid_t pid, int fd, int dir)
{
	(void)c;
	return (dir == CHANNEL_RECV) == fake.wants_recv && is_socket(pid, fd);
}

int
channels_bytes(
    struct channels *c, pid_t pid, int fd, int dir, const struct bytes *b)
{
	struct heard *h = hear(HEARD_BYTES, pid, fd, dir, b->len);
	size_t i;

	(void)c;
	assert(b->len > 0 && b->len <= 65536);
	assert(b->pid == (dir == CHANNEL_SEND ? pid : 0));
	memcpy(h->start, b->data, b->len < 64 ? b->len : 64);
	h->last = b->last;
	h->nfds = b->nfds;
	for (i = 0; i < b->nfds; i++) {
		assert(b->fds[i].name[0] != '\0');
		if (i < 2)
			h->passed[i] = b->fds[i].fd;
	}
	fake.bytes += b->len;
	told(h);
	return 0;
}

int
channels_gap(
    struct channels *c, pid_t pid, int fd, int dir, int64_t time, size_t len)
{
	(void)c;
	assert(time > 0);
	told(hear(HEARD_GAP, pid, fd, dir, len));
	return 0;
}

void
channels_close(struct channels *c, pid_t pid, int fd)
{
	(void)c;
	place(pid, fd)->pid = 0;
	told(hear(HEARD_CLOSE, pid, fd, 0, 0));
}

void
channels_open(struct channels *c, pid_t pid, int fd)
{
	(void)c;
	place(pid, fd)->pid = 0;
	told(hear(HEARD_OPEN, pid, fd, 0, 0));
}

void
channels_pair(struct channels *c, pid_t pid, int fd1, int fd2)
{
	(void)c;
	place(pid, fd1)->pid = place(pid, fd2)->pid = 0;
	told(hear(HEARD_PAIR, pid, fd1, 0, (size_t)fd2));
}

void
channels_eof(struct channels *c, pid_t pid, int fd, int64_t time)
{
	(void)c;
	assert(time > 0);
	if (is_socket(pid, fd))
		told(hear(HEARD_EOF, pid, fd, CHANNEL_RECV, 0));
}

/* The number, to be recognised. */
void
channels_describe(pid_t pid, int fd, char *out, size_t size)
{
	(void)pid;
	(void)snprintf(out, size, "fd-%d", fd);
}

static int
flush(struct sink *s)
{
	(void)s;
	fake.flushed++;
	return 0;
}

void
fake_begin(void)
{
	memset(&fake, 0, sizeof(fake));
	memset(known, 0, sizeof(known));
	fake.sink.flush = flush;
	fake.channels = (struct channels *)&fake;
}

void
fake_end(void)
{
	free(fake.heard);
	fake.heard = NULL;
	fake.n = fake.max = 0;
}

size_t
fake_count(enum heard_kind kind, pid_t pid)
{
	size_t i, n = 0;

	for (i = 0; i < fake.n; i++)
		n += fake.heard[i].kind == kind &&
		    (pid == 0 || fake.heard[i].pid == pid);
	return n;
}
