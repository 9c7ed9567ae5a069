/* SPDX-License-Identifier: ISC */
/*
 * The table of system calls and allocation, with what this system's kernel
 * and libc make of it.  See os.h; descriptor passing is in os-fd.c and the
 * credentials of a peer in os-cred.c.
 */
#include "feature.h"

#include <sys/types.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#endif

#include "imsg.h"
#include "os.h"
#include "os-cred.h"

/*
 * The raw system call: musl's sendmmsg() is a loop over sendmsg() that goes
 * on after a short write and so would leave a gap in the stream.  The kernel
 * stops at the first short message since Linux 4.9 (net/socket.c,
 * __sys_sendmmsg), which os_mmsg_stops() asks for.
 */
#if defined(__linux__) && defined(SYS_sendmmsg)
int
imsgi_mmsg_stops_in(const char *release)
{
	char *end;
	long major = strtol(release, &end, 10);
	long minor = *end == '.' ? strtol(end + 1, NULL, 10) : 0;

	return major > 4 || (major == 4 && minor >= 9);
}

static int
os_mmsg_stops(void)
{
	struct utsname u;

	u.release[0] = '\0';
	(void)uname(&u);
	return imsgi_mmsg_stops_in(u.release);
}

static int
os_sendmmsg(int fd, struct imsgi_mmsg *v, unsigned int n, int flags)
{
	return (int)syscall(SYS_sendmmsg, fd, v, n, flags);
}
#else
static int
os_mmsg_stops(void)
{
	return 0;
}

static int
os_sendmmsg(int fd, struct imsgi_mmsg *v, unsigned int n, int flags)
{
	(void)fd;
	(void)v;
	(void)n;
	(void)flags;
	errno = ENOSYS;
	return -1;
}
#endif

/*
 * Memory that is written once, sent and freed costs a page fault for each
 * 4 KiB, in a virtual machine more than all the rest; a huge page is 2 MiB
 * (x86-64; on other machines the advice fits or does no harm) and costs one.
 * Not asked for where the system has them on request only, it would not come
 * (Documentation/admin-guide/mm/transhuge.rst).
 */
#define HUGE_PAGE ((size_t)2 * 1024 * 1024)

static int
os_hugepages(void *p, size_t n)
{
#ifdef MADV_HUGEPAGE
	return madvise(p, n, MADV_HUGEPAGE);
#else
	(void)p;
	(void)n;
	return 0;
#endif
}

static int
os_now(struct timespec *ts)
{
	return clock_gettime(CLOCK_MONOTONIC, ts);
}

static int
os_sleep(const struct timespec *ts)
{
	return nanosleep(ts, NULL);
}

static int
os_cloexec(int fd)
{
	return fcntl(fd, F_SETFD, FD_CLOEXEC);
}

/*
 * macOS has no MSG_NOSIGNAL; the socket option does the same, for all who
 * write to the socket (getsockopt(2) of macOS).
 */
static int
os_nosigpipe(int fd)
{
#if !defined(MSG_NOSIGNAL) && defined(SO_NOSIGPIPE)
	int on = 1;

	return setsockopt(fd, SOL_SOCKET, SO_NOSIGPIPE, &on, sizeof(on));
#else
	(void)fd;
	return 0;
#endif
}

/*
 * XNU takes what a peer has not read yet off the limit of the sending socket,
 * and tells that limit as SO_SNDBUF (uipc_send() and uipc_rcvd() in
 * bsd/kern/uipc_usrreq.c).
 */
static int
os_sndroom(int fd)
{
#ifdef __APPLE__
	int room;
	socklen_t len = sizeof(room);

	if (getsockopt(fd, SOL_SOCKET, SO_SNDBUF, &room, &len) == 0)
		return room;
#else
	(void)fd;
#endif
	return -1;
}

#ifdef MSG_NOSIGNAL
#define QUIRK_NOSIGPIPE 0
#else
#define QUIRK_NOSIGPIPE IMSGI_Q_NOSIGPIPE
#endif

/*
 * macOS has no MSG_CMSG_CLOEXEC.  FreeBSD took it and did nothing until 13.0
 * and some (libwayland's meson.build names 1300502 and 1400006); a program
 * may run on an older kernel than it was compiled on.
 */
#if defined(MSG_CMSG_CLOEXEC) && !defined(__FreeBSD__)
#define QUIRK_CLOEXEC 0
#else
#define QUIRK_CLOEXEC IMSGI_Q_CLOEXEC
#endif

/*
 * Where unread bytes of the peer are taken off the sender's limit, control
 * data that do not fit into the rest are EMSGSIZE, not EAGAIN: sosend() in
 * XNU's bsd/kern/uipc_socket.c and in NetBSD's sys/kern/uipc_socket.c.
 */
#if defined(__APPLE__) || defined(__NetBSD__)
#define QUIRK_MSGSIZE IMSGI_Q_MSGSIZE
#else
#define QUIRK_MSGSIZE 0
#endif

/* See os-inflight.c. */
#ifdef __APPLE__
#define QUIRK_INFLIGHT IMSGI_Q_INFLIGHT
#else
#define QUIRK_INFLIGHT 0
#endif

#ifndef IMSG_OS_REPLACEABLE
IMSGI_HIDDEN const
#endif
    struct imsgi_os imsgi_os = {
	    malloc,
	    calloc,
	    free,
	    posix_memalign,
	    os_hugepages,
	    close,
	    read,
	    readv,
	    writev,
	    recvmsg,
	    send,
	    sendmsg,
	    os_sendmmsg,
	    os_mmsg_stops,
	    poll,
	    os_now,
	    os_sleep,
	    getpid,
	    os_cloexec,
	    os_nosigpipe,
	    os_sndroom,
	    imsgi_os_peercred,
	    QUIRK_NOSIGPIPE | QUIRK_CLOEXEC | QUIRK_MSGSIZE | QUIRK_INFLIGHT,
    };

void
imsgi_close(int fd)
{
	int save;

	if (fd < 0)
		return;
	save = errno;
	/*
	 * Never repeated on EINTR: Linux has released the number by then
	 * (close(2)), and another thread may own it already.
	 */
	(void)imsgi_os.close(fd);
	errno = save;
}

/* free(3) has to keep errno since POSIX.1-2024; glibc does since 2.33. */
#if defined(__GLIBC__) && \
    (__GLIBC__ > 2 || (__GLIBC__ == 2 && __GLIBC_MINOR__ >= 33))
#define FREE_KEEPS_ERRNO 1
#endif

void *
imsgi_alloc_large(size_t n)
{
	void *p;
	int error;

	if (n < HUGE_PAGE || n % HUGE_PAGE != 0)
		return imsgi_os.alloc(n);
	if ((error = imsgi_os.aligned(&p, HUGE_PAGE, n)) != 0) {
		errno = error;
		return NULL;
	}
	error = errno;
	(void)imsgi_os.hugepages(p, n);
	errno = error;
	return p;
}

void
imsgi_free(void *p)
{
#ifdef FREE_KEEPS_ERRNO
	imsgi_os.free(p);
#else
	int save = errno;

	imsgi_os.free(p);
	errno = save;
#endif
}

#define WIPE_PIECE 1920
#define WIPE_WHOLE 65536

void
imsgi_wipe(void *p, size_t len)
{
#if defined(__GNUC__)
	unsigned char *c = p;
	size_t n;

	/*
	 * From 2 KiB on glibc's memset uses string instructions, which pay
	 * above some 64 KiB; between these, in pieces, it takes 4/5 of the
	 * time (AMD Zen, glibc 2.36).
	 */
	for (; len > 0; c += n, len -= n) {
		n = len < WIPE_PIECE || len > WIPE_WHOLE ? len : WIPE_PIECE;
		memset(c, 0, n);
		/* The asm may read *c, so the stores above are not dead. */
		__asm__ __volatile__("" : : "r"(c) : "memory");
	}
#else
	volatile unsigned char *c = p;

	while (len-- > 0)
		*c++ = 0;
#endif
}

int64_t
imsgi_now_ms(void)
{
	struct timespec ts = { 0, 0 };

	(void)imsgi_os.now(&ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

void
imsgi_sleep_ms(int ms)
{
	struct timespec ts;

	/* Cut short by a signal: the caller tries again earlier, no harm. */
	ts.tv_sec = ms / 1000;
	ts.tv_nsec = (long)(ms % 1000) * 1000000;
	(void)imsgi_os.sleep(&ts);
}

int
imsgi_wait(int fd, short events, int64_t deadline)
{
	struct pollfd pfd;
	int64_t left;
	int n;

	/* poll(2) takes a negative number for one to be left out. */
	if (fd < 0) {
		errno = EBADF;
		return -1;
	}
	do {
		left = -1;
		if (deadline >= 0) {
			left = deadline - imsgi_now_ms();
			if (left < 0)
				left = 0;
			if (left > INT_MAX)
				left = INT_MAX;
		}
		pfd.fd = fd;
		pfd.events = events;
		pfd.revents = 0;
		n = imsgi_os.poll(&pfd, 1, (int)left);
	} while (n == -1 && errno == EINTR);
	return n;
}

ssize_t
imsgi_readv(int fd, struct iovec *iov, int iovcnt)
{
	ssize_t n;

	do {
		/* A vector of one costs the kernel more than none. */
		if (iovcnt == 1)
			n = imsgi_os.read(fd, iov->iov_base, iov->iov_len);
		else
			n = imsgi_os.readv(fd, iov, iovcnt);
	} while (n == -1 && errno == EINTR);
	return n;
}

ssize_t
imsgi_writev(int fd, struct iovec *iov, int iovcnt)
{
	ssize_t n;

	do {
		n = imsgi_os.writev(fd, iov, iovcnt);
	} while (n == -1 && errno == EINTR);
	return n;
}
