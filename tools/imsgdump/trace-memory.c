/* SPDX-License-Identifier: ISC */
/*
 * Memory of a traced process: by process_vm_readv(2), and where a sandbox
 * forbids that, through /proc/PID/mem.
 */
#define _GNU_SOURCE
#include <sys/uio.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "trace-int.h"

#define SLICES 64 /* of an iovec that are read at a time */

static size_t
read_mem(pid_t tid, const struct iovec *from, size_t n, unsigned char *to)
{
	char path[64];
	size_t i, done = 0;
	ssize_t r;
	int fd;

	(void)snprintf(path, sizeof(path), "/proc/%ld/mem", (long)tid);
	if ((fd = open(path, O_RDONLY | O_CLOEXEC)) == -1)
		return 0;
	for (i = 0; i < n; i++) {
		r = pread(fd, to + done, from[i].iov_len,
		    (off_t)(uintptr_t)from[i].iov_base);
		if (r > 0)
			done += (size_t)r;
		if (r < 0 || (size_t)r < from[i].iov_len)
			break;
	}
	(void)close(fd);
	return done;
}

static size_t
read_slices(struct tracer *tr, pid_t tid, const struct iovec *from, size_t n,
    void *to, size_t len)
{
	struct iovec local = { to, len };
	ssize_t r;

	if (!tr->no_vm) {
		r = process_vm_readv(tid, &local, 1, from, n, 0);
		if (r >= 0)
			return (size_t)r;
		if (errno == ENOSYS)
			tr->no_vm = 1;
		else if (errno != EPERM)
			return 0;
	}
	return read_mem(tid, from, n, to);
}

size_t
memory_read(struct tracer *tr, pid_t tid, uint64_t at, void *buf, size_t len)
{
	struct iovec from = { (void *)(uintptr_t)at, len };

	return read_slices(tr, tid, &from, 1, buf, len);
}

/* The next slices, of at most len bytes in all. */
static size_t
take(struct span *s, size_t len, struct iovec slice[SLICES], size_t *total)
{
	size_t n = 0, part;

	*total = 0;
	while (s->n > 0 && n < SLICES && *total < len) {
		part = s->iov->iov_len - s->off;
		if (part > len - *total)
			part = len - *total;
		if (part > 0) {
			slice[n].iov_base =
			    (void *)((uintptr_t)s->iov->iov_base + s->off);
			slice[n++].iov_len = part;
		}
		*total += part;
		s->off += part;
		if (s->off == s->iov->iov_len) {
			s->iov++;
			s->n--;
			s->off = 0;
		}
	}
	return n;
}

size_t
memory_gather(
    struct tracer *tr, pid_t tid, struct span *s, void *buf, size_t len)
{
	struct iovec slice[SLICES];
	size_t n, got, want, done = 0;

	while (done < len) {
		n = take(s, len - done, slice, &want);
		if (n == 0)
			break;
		got = read_slices(
		    tr, tid, slice, n, (unsigned char *)buf + done, want);
		done += got;
		if (got < want)
			break;
	}
	return done;
}
