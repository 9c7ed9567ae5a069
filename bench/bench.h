/* SPDX-License-Identifier: ISC */
/*
 * What a contender has to be able to do: send and receive messages over one
 * end of a connected UNIX stream socket, as its manual recommends.
 */
#ifndef BENCH_H
#define BENCH_H

#include <stddef.h>
#include <stdint.h>

/* What is measured: messages of this payload, flushed in such batches. */
struct cell {
	size_t size;
	int batch;
	int fds; /* a descriptor with each message */
};

struct contender {
	const char *name;
	/* Both ends, in two processes.  NULL: cannot do this cell. */
	void *(*open)(int fd, const struct cell *);
	/* Queues one message; flush says that the batch ends here. */
	void (*send)(void *, const void *data, int fd, int flush);
	/* Receives one message, touches 8 bytes, frees it; their sum. */
	uint64_t (*recv)(void *);
	void (*close)(void *);
};

extern const struct contender floor_a;	/* frames, no allocation */
extern const struct contender floor_a2; /* and what the contract costs */
extern const struct contender floor_b;	/* a descriptor a message */
extern const struct contender with_imsg;

/* Ends the program with a word if the condition does not hold. */
void must(int ok, const char *what);
/* Eight bytes of a payload, as far as it has them. */
uint64_t touch(const void *p, size_t n);

#endif
