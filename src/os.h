/* SPDX-License-Identifier: ISC */
/*
 * The floor of the library: every system call, every allocation and every
 * platform quirk, behind one table.
 *
 * Nothing above this file calls libc for memory, descriptors or time.  A test
 * build (IMSG_OS_REPLACEABLE) can therefore replace any entry and make it
 * fail on purpose; in all other builds the table is constant and so cannot be
 * a target of memory corruption.  The room holds no state.
 */
#ifndef IMSG_OS_H
#define IMSG_OS_H

#include <sys/types.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <errno.h>
#include <poll.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

/*
 * What the library's files share with each other and with nobody else: static
 * where all of them are one file (dist/amalgamate), unless tests look inside.
 * A compiler without visibility has the version script or static linking.
 */
#if defined(IMSGI_AMALGAMATION) && !defined(IMSG_OS_REPLACEABLE)
#define IMSGI_HIDDEN static
#define IMSGI_EXTERN
#elif defined(__GNUC__)
#define IMSGI_HIDDEN __attribute__((__visibility__("hidden")))
#define IMSGI_EXTERN extern
#else
#define IMSGI_HIDDEN
#define IMSGI_EXTERN extern
#endif

/* A function that stays one. */
#ifdef __GNUC__
#define IMSGI_APART __attribute__((__noinline__))
#else
#define IMSGI_APART
#endif

struct imsg_cred;

/* One message of a batch; sendmmsg(2) keeps its own struct out of POSIX. */
struct imsgi_mmsg {
	struct msghdr hdr;
	unsigned int len;
};

struct imsgi_os {
	void *(*alloc)(size_t);
	void *(*calloc)(size_t, size_t);
	void (*free)(void *);
	int (*aligned)(void **, size_t, size_t);
	int (*hugepages)(void *, size_t);
	int (*close)(int);
	ssize_t (*read)(int, void *, size_t);
	ssize_t (*readv)(int, const struct iovec *, int);
	ssize_t (*writev)(int, const struct iovec *, int);
	ssize_t (*recvmsg)(int, struct msghdr *, int);
	ssize_t (*send)(int, const void *, size_t, int);
	ssize_t (*sendmsg)(int, const struct msghdr *, int);
	int (*sendmmsg)(int, struct imsgi_mmsg *, unsigned int, int);
	int (*mmsg_stops)(void);
	int (*poll)(struct pollfd *, nfds_t, int);
	int (*now)(struct timespec *);
	int (*sleep)(const struct timespec *);
	pid_t (*getpid)(void);
	int (*cloexec)(int);
	int (*nosigpipe)(int);
	int (*sndroom)(int);
	int (*peercred)(int, struct imsg_cred *);
	int quirks;
};

/*
 * What a system does otherwise.  Bits of the table, not conditional code, so
 * that tests take these ways on any system.
 */
#define IMSGI_Q_NOSIGPIPE 0x01 /* SIGPIPE is an option of the socket */
#define IMSGI_Q_CLOEXEC	  0x02 /* recvmsg(2) cannot be trusted to set it */
#define IMSGI_Q_MSGSIZE	  0x04 /* no room for a descriptor: EMSGSIZE */
#define IMSGI_Q_INFLIGHT  0x08 /* a descriptor in flight needs another one */

#ifdef IMSG_OS_REPLACEABLE
extern struct imsgi_os imsgi_os;
#else
IMSGI_HIDDEN IMSGI_EXTERN const struct imsgi_os imsgi_os;
#endif

/*
 * Room for control messages of a receipt beside the descriptor, in bytes.
 * Linux lets no descriptor in that does not fit (scm_detach_fds() in
 * net/core/scm.c).  POSIX.1-2008 leaves that open, and a kernel that has put
 * more of them into our table than it tells would let a peer fill it: room for
 * all that fit into one sendmsg(2), an mbuf cluster in FreeBSD and XNU
 * (sockargs() in kern/uipc_syscalls.c).
 */
#ifdef __linux__
#define IMSGI_CONTROL_EXTRA 384
#else
#define IMSGI_CONTROL_EXTRA 2048
#endif

/*
 * Storage for control messages, aligned as CMSG_FIRSTHDR wants it.  No struct
 * cmsghdr for that: glibc's ends in a flexible array, which ISO C does not
 * allow inside an array.
 */
union imsgi_ctl {
	size_t align;
	unsigned char buf[CMSG_SPACE(sizeof(int))];
};

union imsgi_ctl_in {
	size_t align;
	unsigned char buf[CMSG_SPACE(sizeof(int)) + IMSGI_CONTROL_EXTRA];
};

/* Descriptors sent that stay open for a while, oldest first. */
#define IMSGI_INFLIGHT 16
struct imsgi_inflight {
	int fd[IMSGI_INFLIGHT];
	unsigned int n;
	unsigned int old; /* of these, on other sockets than sock */
	int sock;	  /* -1: none yet */
	int room;	  /* the most that it was seen to have, -1 not known */
};

/* What a receipt brought besides bytes: a descriptor, or one of these. */
#define IMSGI_FD_NONE (-1)
#define IMSGI_FD_LOST (-2)

/* EAGAIN has two names, on some systems two numbers. */
#if EAGAIN == EWOULDBLOCK
#define IMSGI_IS_AGAIN(e) ((e) == EAGAIN)
#else
#define IMSGI_IS_AGAIN(e) ((e) == EAGAIN || (e) == EWOULDBLOCK)
#endif

#ifdef __linux__
/* Does sendmmsg(2) of the kernel with that uname(2) release stop there? */
IMSGI_HIDDEN int imsgi_mmsg_stops_in(const char *);
#endif
/* Preserves errno.  A negative fd is none. */
IMSGI_HIDDEN void imsgi_close(int);
/* Overwrites with zeros in a way the compiler must not remove. */
IMSGI_HIDDEN void imsgi_wipe(void *, size_t);
/* Preserves errno. */
IMSGI_HIDDEN void imsgi_free(void *);
/*
 * Memory of some megabytes for one pass through it, with as few page faults
 * as the system can; freed as any other.
 */
IMSGI_HIDDEN void *imsgi_alloc_large(size_t);
/* Milliseconds of a clock that no one sets. */
IMSGI_HIDDEN int64_t imsgi_now_ms(void);
IMSGI_HIDDEN void imsgi_sleep_ms(int);
/* As poll(2) on one descriptor, repeated on EINTR until the deadline. */
IMSGI_HIDDEN int imsgi_wait(int, short, int64_t);

/* Points msg's control buffer at ctl and puts fd there as SCM_RIGHTS. */
IMSGI_HIDDEN void imsgi_attach(struct msghdr *, union imsgi_ctl *, int);
/* How to receive. */
#define IMSGI_RECV_PASS	   0x01 /* take a descriptor */
#define IMSGI_RECV_CLOEXEC 0x02 /* that is close-on-exec */
#define IMSGI_RECV_NOWAIT  0x04 /* do not block */

/*
 * recvmsg(2) that keeps one descriptor, closes all others and says in *fd
 * which, or IMSGI_FD_LOST, or IMSGI_FD_NONE.  Repeats on EINTR.  The second
 * int are flags, IMSGI_RECV_CLOEXEC and IMSGI_RECV_NOWAIT.
 */
IMSGI_HIDDEN ssize_t imsgi_recv(int, struct iovec *, int, int, int *);
/* readv(2), repeated on EINTR. */
IMSGI_HIDDEN ssize_t imsgi_readv(int, struct iovec *, int);
/* The same, but on a socket it does not block. */
IMSGI_HIDDEN ssize_t imsgi_readv_nowait(int, struct iovec *, int);
/* send(2) that never raises SIGPIPE, repeated on EINTR.  1: do not block. */
IMSGI_HIDDEN ssize_t imsgi_send_bytes(int, const void *, size_t, int);
/* The same with sendmsg(2). */
IMSGI_HIDDEN ssize_t imsgi_send(int, struct msghdr *, int);
/* The same for a batch; ENOSYS where the system cannot. */
IMSGI_HIDDEN int imsgi_sendmm(int, struct imsgi_mmsg *, unsigned int, int);
IMSGI_HIDDEN ssize_t imsgi_writev(int, struct iovec *, int);

/* os-inflight.c */
/* Before a system call on that socket: what has arrived is closed. */
IMSGI_HIDDEN void imsgi_inflight_look(struct imsgi_inflight *, int);
/* That descriptor was sent: closes it, if need be later. */
IMSGI_HIDDEN void imsgi_inflight_sent(struct imsgi_inflight *, int);
IMSGI_HIDDEN void imsgi_inflight_clear(struct imsgi_inflight *);

#endif
