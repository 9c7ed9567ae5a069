/* SPDX-License-Identifier: ISC */
/*
 * What the tests of libimsg-loop share.  Each test runs in every loop that
 * there is: it asks l_loop for what it wants and turns it with l_turn().
 *
 * l_loop counts what it is asked for and hands it on to the adapter.  At the
 * end of a test no watch and no descriptor may be left.
 */
#ifndef LOOPLIB_H
#define LOOPLIB_H

#include <sys/types.h>
#include <sys/socket.h>

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

#include <imsg_loop.h>

#define L(name) cmocka_unit_test_setup_teardown(name, l_begin, l_end)

/* In each loop; the number of failures. */
#define L_RUN(tests) l_run_all(tests, sizeof(tests) / sizeof((tests)[0]))

/* Turns until it is true; fails after a minute. */
#define L_UNTIL(cond)                                  \
	do {                                           \
		int64_t until_ = l_now() + 60000;      \
		while (!(cond)) {                      \
			assert_true(l_now() < until_); \
			l_turn(100);                   \
		}                                      \
	} while (0)

#define assert_errno(call, e)                 \
	do {                                  \
		errno = 0;                    \
		assert_int_equal((call), -1); \
		assert_int_equal(errno, (e)); \
	} while (0)

struct l_adapter {
	const char *name;
	int exact; /* times to the millisecond, in order */
	struct imsgloop *(*open)(void);
	void (*turn)(int ms);
	void (*shut)(void);
};
extern const struct l_adapter l_adapters[];
extern const size_t l_nadapters;

/* Of the present test. */
extern const struct l_adapter *l_adapter;
extern struct imsgloop *l_loop;

/* What the loop was asked for since l_begin(). */
struct l_counts {
	unsigned long add, set, del;
	unsigned long out; /* times that POLLOUT was newly asked for */
	unsigned long turn;
};
extern struct l_counts l_counts;
/* The next set or add fails with ENOMEM after so many; -1: none. */
extern long l_fail_set, l_fail_add;

int l_run_all(const struct CMUnitTest *, size_t);
int l_begin(void **);
int l_end(void **);
/* One turn, for at most ms milliseconds. */
void l_turn(int ms);
/* Turns while something comes of it. */
void l_settle(void);

int64_t l_now(void); /* milliseconds */
int l_count_fds(void);
void l_pair(int s[2]);
int l_fd(void); /* a fresh descriptor */

/*
 * A channel in the loop, and its other end, which is not: peer.fd does not
 * block.  Counts what happens.  message, over and room are called if not NULL.
 */
struct side {
	struct imsgloop_chan *c; /* NULL: ended or detached */
	struct imsgbuf own;	 /* attached; peer of side_attach() */
	struct imsgbuf peer;
	unsigned long messages, drained;
	uint32_t last;		/* type of the last message */
	unsigned long disorder; /* types that were not the one before and 1 */
	int ended, why, error;
	void (*message)(struct side *, struct imsg *);
	void (*over)(struct side *);
	void (*room)(struct side *);
	struct side *other;
	long n;
};
void side_open(struct side *);
void side_attach(struct side *);
/* What is left: of the channel, if it has not ended, and of the peer. */
void side_shut(struct side *);
void side_hang_up(struct side *); /* the peer only */

/* Messages of types from+1 ... from+n from the peer, flushed as far as room. */
void side_send(struct side *, uint32_t from, uint32_t n);
/* Writes what the peer has queued; 1: all of it. */
int side_push(struct side *);
/* All that has come to the peer: messages, and the type of the last. */
uint32_t side_take(struct side *, uint32_t *last);
/* Fills the channel's socket: the peer does not read. */
void side_fill(struct side *);

#endif
