/* SPDX-License-Identifier: ISC */
/*
 * From (process, descriptor) to a channel between two processes.
 *
 * The tracer says what each process did with its descriptors; this finds out
 * which of them are UNIX stream sockets, which socket is at the other end,
 * which processes hold the two, and feeds the bytes to the stream of that
 * direction.  A direction is known by the socket that sends into it.  If that
 * socket is in a traced process, its bytes are taken where they are sent, else
 * where they are received: never from both.
 */
#ifndef CHANNELS_H
#define CHANNELS_H

#include "stream.h"

#define CHANNEL_SEND 0
#define CHANNEL_RECV 1

struct channels;

/* NULL ENOMEM.  budget and sink outlive it. */
struct channels *channels_new(struct stream_budget *, struct sink *);
/* Streams that hold part of a message say so. */
void channels_free(struct channels *);

/* Process (thread group) pid is traced from now on, or no longer. */
void channels_process(struct channels *, pid_t pid);
void channels_exit(struct channels *, pid_t pid);
/* It executed another program: its name, its close-on-exec descriptors. */
void channels_exec(struct channels *, pid_t pid);
/* It has given itself another name.  Else that is noticed in 10 ms. */
void channels_renamed(struct channels *, pid_t pid);

/*
 * Does it matter what process pid sends or receives (dir) through fd?  0: no
 * UNIX stream socket, a dead stream, or taken from the other end.
 */
int channels_wants(struct channels *, pid_t pid, int fd, int dir);
/*
 * What it sent or received; only after channels_wants() said yes.  Returns -1
 * if the sink failed.
 */
int channels_bytes(
    struct channels *, pid_t pid, int fd, int dir, const struct bytes *);
/* The same for bytes that could not be looked at. */
int channels_gap(
    struct channels *, pid_t pid, int fd, int dir, int64_t time, size_t);
/* The descriptor number stands for nothing, or something new. */
void channels_close(struct channels *, pid_t pid, int fd);
/* It has just become a connected socket (socketpair, connect, accept). */
void channels_open(struct channels *, pid_t pid, int fd);
/*
 * It has just made two sockets that are the ends of one channel; in place of
 * channels_open().  Needed where the kernel does not tell which belong
 * together.
 */
void channels_pair(struct channels *, pid_t pid, int fd1, int fd2);
/* A receive returned 0: the other end has closed. */
void channels_eof(struct channels *, pid_t pid, int fd, int64_t time);

/* What descriptor fd of process pid refers to, as one printable word. */
void channels_describe(pid_t pid, int fd, char *, size_t);

#endif
