/* SPDX-License-Identifier: ISC */
/*
 * For the tests of streams: bytes of both wires, and what came of them.
 */
#ifndef STREAM_LIB_H
#define STREAM_LIB_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "stream.h"

#define ME    4711  /* the sender's pid */
#define MODEL 65536 /* most messages of a model */

/* Bytes, and the messages that they are. */
struct wire {
	unsigned char *p;
	size_t len, room;
	struct model {
		size_t at, len; /* the whole message */
		int marked, fd; /* fd -1: none came */
	} * m;
	size_t n, mroom;
};

void w_add(struct wire *, const void *, size_t);
/* A message of that payload size, filled by its type; fd: none, -1, or lost. */
#define W_LOST -2
void w_msg(struct wire *, int wire, uint32_t type, uint32_t pid, int fd,
    size_t payload);
void w_free(struct wire *);

/* What a stream has told, and the stream. */
struct told {
	struct stream_budget budget;
	struct stream *s;
	stream_emit *tell; /* of further streams */
	struct shown {
		struct record r;
		char *data, *text;
		char name[32];
	} * r;
	size_t n, room;
	size_t messages, notes;
};

void t_start(struct told *, size_t max, uint32_t maxsize);
/* Frees all and checks that nothing is left, no descriptor either. */
void t_stop(struct told *);
/* One call; fds: so many descriptors, from that number on. */
void t_call(
    struct told *, const void *, size_t, pid_t pid, int fd, size_t nfds);
void t_piece(struct told *, const void *, size_t, pid_t pid, int fd,
    size_t nfds, int last);

/* The k-th message told is message i of the wire, with its descriptor. */
int t_is(const struct told *, size_t k, const struct wire *, size_t i);
const struct shown *t_message(const struct told *, size_t k);
/* The last note contains that. */
void t_noted(const struct told *, const char *);
/* All messages of the wire were told, and only they. */
void t_all(const struct told *, const struct wire *);

void t_seed(uint64_t);
uint32_t t_rand(void);

#endif
