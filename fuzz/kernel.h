/* SPDX-License-Identifier: ISC */
/*
 * A kernel of some hundred lines in the library's table of system calls: what
 * the targets read from, write to and get memory and descriptors from.
 *
 * It follows a schedule from the input: each call takes one step, which says
 * how much goes through, what comes with it and what fails.  It opens no
 * descriptor: they are numbers, each of which has to be closed just once.
 */
#ifndef FUZZ_KERNEL_H
#define FUZZ_KERNEL_H

#include <sys/socket.h>
#include <sys/uio.h>
#include <stddef.h>
#include <stdint.h>

#include <imsg.h>

#include "../src/os.h"

/* The number of the socket, and the first of the descriptors that travel. */
#define KERNEL_SOCKET 3
#define KERNEL_FD     1000
#define KERNEL_FDS    2048

/* The library is built with small constants: small inputs reach all of it. */
#ifdef IMSGI_INPUT_SIZE
#define FUZZ_SHRUNK 1
#else
#define FUZZ_SHRUNK 0
#endif

/*
 * A step: a kind in the low bits, what variant of it in the next one, and how
 * much, as a power of two, in the others.
 */
#define STEP_KIND(s)	((s)&7)
#define STEP_VARIANT(s) (((s) >> 3) & 1)
#define STEP_MUCH(s)	((size_t)1 << ((s) >> 4))

/* Kinds of steps of a receipt, with their variant. */
enum {
	IN_AGAIN, /* or EIO */
	IN_INTR,  /* or EMSGSIZE for who asks for control messages */
	IN_NOMEM, /* and bytes; the first or the fourth allocation fails */
	IN_FD,	  /* or one between things that nobody asked for */
	IN_TWO,	  /* or two, each in a control message of its own */
	IN_LOST,  /* or one that came, of several that did not */
	IN_JUNK,  /* credentials, a pidfd */
	IN_PLAIN
};

/* Kinds of steps of a send, with their variant. */
enum {
	OUT_AGAIN,  /* or EPIPE */
	OUT_INTR,   /* or nothing taken, and no error */
	OUT_NOMEM,  /* as IN_NOMEM */
	OUT_NOBUFS, /* or ECONNRESET */
	OUT_NOSYS,  /* of sendmmsg(2), or EPERM */
	OUT_SHORT,  /* much bytes */
	OUT_MORE,   /* 16 times as much */
	OUT_ALL
};

struct kernel {
	const uint8_t *step;
	size_t steps, next;
	int refused; /* EMSGSIZE, and so the descriptor is gone */
	int nomem;   /* which allocation from now fails, 0 none */
	/* What there is to read, and who is told of a receipt. */
	const uint8_t *p;
	size_t left;
	void (*receipt)(size_t n, int token);
	/* Who is told of bytes taken, and of the descriptor on the first. */
	void (*taken)(const uint8_t *p, size_t n, int fd);
	int generous; /* sends take all, whatever the schedule says */
	int not_sock; /* what is written to is a pipe */
	int no_mmsg;  /* sendmmsg(2) has been refused for good */
	int no_stops; /* it is that of an old system */
	/* Accounts. */
	int fresh; /* descriptors there have been */
	int open;  /* of which so many are open */
	long blocks;
	int failures; /* EIO of a receipt, ENOMEM */
};

extern struct kernel k;

/* Says what is wrong and aborts, unless ok. */
#define check(ok, what)                          \
	do {                                     \
		if (!(ok))                       \
			kernel_panic(what, #ok); \
	} while (0)
_Noreturn void kernel_panic(const char *, const char *);

/* Takes n bytes of steps from the input; all accounts are at zero. */
void kernel_begin(const uint8_t *, size_t);
/* Checks that all that was opened and allocated is gone. */
void kernel_end(void);
/* -1: the schedule is at its end. */
int kernel_step(void);
/* A new descriptor, which somebody has to close; -1: too many. */
int kernel_fd(void);
/* Closes one of them, as a program does. */
void kernel_close(int);
int kernel_is_open(int);

/* For kernel.c: the two halves put their calls into the table. */
void kernel_receives(void);
void kernel_sends(void);

#endif
