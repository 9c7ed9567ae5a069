/* SPDX-License-Identifier: ISC */
/*
 * Counts system calls and memory of the library as users build it.
 *
 * The linker diverts every reference of the program and the static library
 * (--wrap in meson.build); not a byte of the library's code differs.
 */
#include "../src/feature.h"

#include <sys/types.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include <errno.h>
#include <limits.h>
#include <malloc.h>
#include <poll.h>
#include <stdarg.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "hostile-count.h"

#define WRAP(type, name, args)   \
	type __real_##name args; \
	type __wrap_##name args; \
	type __wrap_##name args

struct count counts;
static unsigned char class_of[4096];

void
count_class(int fd, enum class c)
{
	if (fd >= 0 && (size_t)fd < sizeof(class_of))
		class_of[fd] = (unsigned char)c;
}

static struct count_io *
io_of(int fd)
{
	if (fd < 0 || (size_t)fd >= sizeof(class_of))
		return &counts.io[CLASS_OTHER];
	return &counts.io[class_of[fd]];
}

static ssize_t
received(int fd, ssize_t n)
{
	struct count_io *io = io_of(fd);

	io->recvs++;
	if (n > 0)
		io->in += (uint64_t)n;
	else if (n == -1 && errno == EAGAIN)
		io->again++;
	return n;
}

static ssize_t
sent(int fd, ssize_t n)
{
	struct count_io *io = io_of(fd);

	io->sends++;
	if (n > 0)
		io->out += (uint64_t)n;
	else if (n == -1 && errno == EAGAIN)
		io->again++;
	return n;
}

WRAP(ssize_t, read, (int fd, void *p, size_t n))
{
	return received(fd, __real_read(fd, p, n));
}

WRAP(ssize_t, readv, (int fd, const struct iovec *v, int n))
{
	return received(fd, __real_readv(fd, v, n));
}

WRAP(ssize_t, recvmsg, (int fd, struct msghdr *m, int flags))
{
	return received(fd, __real_recvmsg(fd, m, flags));
}

WRAP(ssize_t, writev, (int fd, const struct iovec *v, int n))
{
	return sent(fd, __real_writev(fd, v, n));
}

WRAP(ssize_t, send, (int fd, const void *p, size_t n, int flags))
{
	return sent(fd, __real_send(fd, p, n, flags));
}

WRAP(ssize_t, sendmsg, (int fd, const struct msghdr *m, int flags))
{
	return sent(fd, __real_sendmsg(fd, m, flags));
}

/* The library makes sendmmsg(2) this way, with four arguments. */
long __real_syscall(long, ...);
long __wrap_syscall(long, ...);

long
__wrap_syscall(long nr, ...)
{
	struct mmsghdr *v;
	va_list ap;
	long a[4], n;
	int i;

	va_start(ap, nr);
	a[0] = va_arg(ap, int);
	v = va_arg(ap, void *);
	a[2] = va_arg(ap, int);
	a[3] = va_arg(ap, int);
	va_end(ap);
	n = __real_syscall(nr, a[0], v, a[2], a[3]);
	if (nr == SYS_sendmmsg) {
		sent((int)a[0], n == -1 ? -1 : 0);
		for (i = 0; i < n; i++)
			io_of((int)a[0])->out += v[i].msg_len;
	}
	return n;
}

WRAP(int, poll, (struct pollfd * p, nfds_t n, int ms))
{
	counts.polls++;
	return __real_poll(p, n, ms);
}

WRAP(int, nanosleep, (const struct timespec *t, struct timespec *left))
{
	counts.sleeps++;
	return __real_nanosleep(t, left);
}

WRAP(int, close, (int fd))
{
	int r = __real_close(fd);

	counts.closes++;
	if (r == -1 && errno == EBADF)
		counts.bad_closes++;
	if (fd >= 0 && (size_t)fd < sizeof(class_of))
		class_of[fd] = CLASS_OTHER;
	return r;
}

static void *
grown(void *p)
{
	if (p == NULL)
		return NULL;
	counts.heap += (long)malloc_usable_size(p);
	if (counts.heap > counts.heap_peak)
		counts.heap_peak = counts.heap;
	return p;
}

WRAP(void *, malloc, (size_t n))
{
	return grown(__real_malloc(n));
}

WRAP(void *, calloc, (size_t n, size_t size))
{
	return grown(__real_calloc(n, size));
}

WRAP(int, posix_memalign, (void **p, size_t align, size_t n))
{
	int r = __real_posix_memalign(p, align, n);

	if (r == 0)
		(void)grown(*p);
	return r;
}

WRAP(void, free, (void *p))
{
	if (p != NULL)
		counts.heap -= (long)malloc_usable_size(p);
	__real_free(p);
}

int
count_probe(void)
{
	int fd = dup(STDERR_FILENO);

	if (fd == -1)
		return INT_MAX;
	(void)__real_close(fd);
	return fd;
}
