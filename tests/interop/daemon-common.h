/* SPDX-License-Identifier: ISC */
/*
 * What the programs share that talk to unmodified daemons and clients: UNIX
 * sockets by name, child processes, a count of descriptors, and one way to
 * write a message down.  Everything waits with a deadline.
 */
#ifndef DAEMON_COMMON_H
#define DAEMON_COMMON_H

#include <imsg.h>
#include <stdio.h>
#include <sys/types.h>

/* Longest that anything here waits for the other program. */
#define PATIENCE 10000

/* Why a program of ours ends, so that it is not taken for the client's. */
#define EXIT_OURS 99

int dial(const char *);
int serve(const char *);
int take(int);
int fds_open(void);
pid_t spawn(char *const *, int);
int reap(pid_t);
void ready(struct imsgbuf *, int, int);
void note(FILE *, const char *, struct imsg *, size_t);

#endif
