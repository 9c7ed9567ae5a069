/* SPDX-License-Identifier: ISC */
/*
 * What a contender has to be able to do: send messages from one process to
 * another, as its manual recommends.
 */
#ifndef BENCH_H
#define BENCH_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* What is measured: messages of this payload, flushed in such batches. */
struct cell {
	const char *kind; /* "T" throughput, "R" round trip, "F" descriptors */
	size_t size;	  /* payload, bytes */
	int batch;
	int channels; /* in each process, taken in turn; 1 but for growth */
};

/* One end of what connects the two processes. */
struct place {
	int side; /* 0 the sender (of a round trip: first), 1 the other */
	int fd;	  /* this end of a fresh pair of UNIX stream sockets */
	const char *dir; /* an empty directory that both ends see */
};

struct contender {
	const char *name;
	/* Can it do this cell? */
	int (*can)(const struct cell *);
	/* Connected when it returns, or as soon as the other end is there. */
	void *(*open)(const struct place *, const struct cell *);
	/*
	 * Queues one message of cell->size bytes, with descriptor fd if that is
	 * not -1, which it closes.  flush: the batch ends here, everything has
	 * to be on its way when the call returns.
	 */
	void (*send)(void *, const void *data, int fd, int flush);
	/*
	 * Waits for one message, touches 8 bytes of it, closes its descriptor,
	 * frees it.  The bytes touched are returned.
	 */
	uint64_t (*recv)(void *);
	void (*close)(void *);
};

/* Can every cell without descriptors. */
int can_bytes(const struct cell *);

extern const struct contender floor_a;	/* frames, no allocation */
extern const struct contender floor_a2; /* and what the contract costs */
extern const struct contender floor_b;	/* a descriptor a message */
extern const struct contender textbook; /* as programs are first written */
extern const struct contender nothing;	/* takes none, gives none */
extern const struct contender with_imsg;
extern const struct contender with_loop;  /* in a loop of imsg_loop(3) */
extern const struct contender with_wait;  /* calls of imsg_call(3), blocking */
extern const struct contender with_call;  /* ... in a loop */
extern const struct contender with_trace; /* to a callback without work */

/* Libraries that do a like job, if they were there to build with. */
extern const struct contender peer_zmq;
extern const struct contender peer_nng;
extern const struct contender peer_sdbus;
extern const struct contender peer_qb;	 /* libqb IPC: sockets and memory */
extern const struct contender peer_qbrb; /* libqb ring buffer: memory */
extern const struct contender peer_wayland;

/* Ends the program with a word, and that of errno. */
void die(const char *what);

static inline void
must(int ok, const char *what)
{
	if (!ok)
		die(what);
}

/* Eight bytes of a payload, as far as it has them. */
static inline uint64_t
touch(const void *p, size_t n)
{
	uint64_t v = 0;

	if (n >= sizeof(v))
		memcpy(&v, p, sizeof(v));
	return v;
}

#endif
