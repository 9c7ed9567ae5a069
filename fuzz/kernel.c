/* SPDX-License-Identifier: ISC */
/*
 * The fake kernel's schedule, memory, descriptors and time.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel.h"

/* So much of a new block is filled with something that is not zero. */
#define STALE 256

struct kernel k;

static struct imsgi_os libc;
/* 1: open. */
static unsigned char is_open[KERNEL_FDS];

_Noreturn void
kernel_panic(const char *what, const char *condition)
{
	fprintf(
	    stderr, "fuzz: %s: not %s (errno %d)\n", what, condition, errno);
	abort();
}

static int
refused(void)
{
	if (k.nomem == 0 || --k.nomem > 0)
		return 0;
	k.failures++;
	errno = ENOMEM;
	return 1;
}

static void *
k_alloc(size_t n)
{
	void *p;

	if (refused() || (p = libc.alloc(n)) == NULL)
		return NULL;
	k.blocks++;
	return memset(p, 0xa5, n < STALE ? n : STALE);
}

static void *
k_calloc(size_t n, size_t size)
{
	void *p;

	if (refused() || (p = libc.calloc(n, size)) == NULL)
		return NULL;
	k.blocks++;
	return p;
}

static int
k_aligned(void **p, size_t align, size_t n)
{
	int error;

	if (refused())
		return ENOMEM;
	if ((error = libc.aligned(p, align, n)) == 0)
		k.blocks++;
	return error;
}

static void
k_free(void *p)
{
	k.blocks -= p != NULL;
	libc.free(p);
}

int
kernel_step(void)
{
	return k.next < k.steps ? k.step[k.next++] : -1;
}

int
kernel_fd(void)
{
	if (k.fresh == KERNEL_FDS)
		return -1;
	is_open[k.fresh] = 1;
	k.open++;
	return KERNEL_FD + k.fresh++;
}

int
kernel_is_open(int fd)
{
	return fd >= KERNEL_FD && fd < KERNEL_FD + k.fresh &&
	    is_open[fd - KERNEL_FD];
}

void
kernel_close(int fd)
{
	check(kernel_is_open(fd), "closes what is not open");
	is_open[fd - KERNEL_FD] = 0;
	k.open--;
}

static int
k_close(int fd)
{
	kernel_close(fd);
	/* errno has to survive the library's cleanup. */
	errno = EINTR;
	return -1;
}

static int
k_poll(struct pollfd *p, nfds_t n, int ms)
{
	(void)ms;
	p->revents = p->events;
	return (int)n;
}

static int
k_now(struct timespec *ts)
{
	ts->tv_sec = 1;
	ts->tv_nsec = 0;
	return 0;
}

static int
k_sleep(const struct timespec *ts)
{
	(void)ts;
	return 0;
}

static pid_t
k_getpid(void)
{
	return 4711;
}

static int
k_cloexec(int fd)
{
	check(kernel_is_open(fd), "cloexec on what is not open");
	return 0;
}

static void
replace(void)
{
	libc = imsgi_os;
	imsgi_os.alloc = k_alloc;
	imsgi_os.calloc = k_calloc;
	imsgi_os.free = k_free;
	imsgi_os.aligned = k_aligned;
	imsgi_os.close = k_close;
	imsgi_os.poll = k_poll;
	imsgi_os.now = k_now;
	imsgi_os.sleep = k_sleep;
	imsgi_os.getpid = k_getpid;
	imsgi_os.cloexec = k_cloexec;
	kernel_receives();
	kernel_sends();
}

void
kernel_begin(const uint8_t *step, size_t steps)
{
	if (libc.alloc == NULL)
		replace();
	memset(&k, 0, sizeof(k));
	k.step = step;
	k.steps = steps;
}

void
kernel_end(void)
{
	check(k.open == 0, "descriptors are left open");
	check(k.blocks == 0, "memory is left allocated");
}
