/* SPDX-License-Identifier: ISC */
/*
 * What all tests share: nothing may leak, faults on demand, and a few ways
 * to make sockets, descriptors and numbers.
 *
 * Use T(test_name) in the list of tests: its setup and teardown count
 * descriptors and, through the library's os table, live allocations.
 */
#ifndef TESTLIB_H
#define TESTLIB_H

#include "../src/feature.h"

#include <sys/types.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "imsg.h"
#include "../src/os.h"

#define T(name) cmocka_unit_test_setup_teardown(name, t_begin, t_end)

/* The call fails with that errno and its failure value -1, or NULL. */
#define assert_errno(call, e)                 \
	do {                                  \
		errno = 0;                    \
		assert_int_equal((call), -1); \
		assert_int_equal(errno, (e)); \
	} while (0)
#define assert_null_errno(call, e)            \
	do {                                  \
		errno = 0;                    \
		assert_null((call));          \
		assert_int_equal(errno, (e)); \
	} while (0)

int t_begin(void **);
int t_end(void **);

/* Open descriptors of this process. */
int t_count_fds(void);
/* Blocks that the library has allocated and not freed. */
long t_live(void);
/* What ibuf_get_string() returned: free(3) that keeps t_live() right. */
void t_free(void *);

/*
 * Faults, all off at the start of a test.  t_fail_alloc: the n-th allocation
 * from now on (1: the next) fails; with forever all after it, too.
 */
void t_fail_alloc(long n, int forever);
long t_allocs(void); /* allocations since t_begin() or t_fail_alloc() */
/* At most this many bytes a send or receive; 0: no limit. */
void t_short_send(size_t);
void t_short_recv(size_t);
/* The next n calls of that kind fail with this errno; 0: send nothing. */
void t_fail_send(int n, int error);
void t_fail_recv(int n, int error);
void t_fail_mmsg(int n, int error);
/* System calls of each kind since t_begin(). */
struct t_calls {
	unsigned long send; /* writev, send, sendmsg, sendmmsg */
	unsigned long mmsg; /* of these, sendmmsg */
	unsigned long recv; /* read, readv, recvmsg */
	unsigned long poll;
	unsigned long sleep;
	unsigned long close;
};
extern struct t_calls t_calls;
/*
 * How often the library closed a descriptor that was not open.  A test fails
 * if that is not 0 at its end.
 */
extern int t_bad_closes;

/* A connected pair of UNIX stream sockets. */
void t_pair(int s[2]);
void t_nonblock(int fd);
/* Two channels over a pair, descriptors allowed if pass; t_unchan ends them. */
void t_chan(struct imsgbuf *a, struct imsgbuf *b, int pass);
void t_unchan(struct imsgbuf *a, struct imsgbuf *b);
/* Receives one message, which must come. */
void t_get(struct imsgbuf *, struct imsg *);
/*
 * The next message is of that type, its payload that of t_fill(type), and has
 * that fd status; if PRESENT, its descriptor has that identity.
 */
void t_expect(struct imsgbuf *, uint32_t type, int status, uint64_t id);
/* Writes all of it to a blocking descriptor. */
void t_put(int fd, const void *, size_t);
/* The same with a descriptor on the first byte; fd stays open. */
void t_put_fd(int s, const void *, size_t, int fd);

/* A fresh descriptor and the identity of what it refers to. */
int t_fd(uint64_t *id);
uint64_t t_fd_id(int fd);

/* Leaves no room for another descriptor; 0 where that cannot be had. */
int t_full_table(void);
void t_normal_table(void);

/* fn(arg) in a child process ends by abort(3). */
void t_assert_aborts(void (*fn)(void *), void *arg);

/*
 * Ends a child that is not to do what comes at exit(3): look for leaks, for
 * instance, which is not possible in a sandbox.
 */
_Noreturn void t_exit(int);

/* Reproducible numbers; the seed is printed.  TEST_SEED replaces it. */
void t_seed(uint64_t);
/* The same without words: for one of many runs. */
void t_reseed(uint64_t);
uint32_t t_rand(void);
/* Bytes that depend on seed alone. */
void t_fill(void *, size_t, uint32_t seed);
int t_check(const void *, size_t, uint32_t seed);

#endif
