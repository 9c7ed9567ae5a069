/* SPDX-License-Identifier: ISC */
/*
 * What the kernel says of sockets and processes: /proc and sock_diag(7).
 *
 * Nothing is remembered here.  What a process may not see is "not known", not
 * an error.
 */
#ifndef ENDPOINT_H
#define ENDPOINT_H

#include <sys/types.h>
#include <stddef.h>
#include <stdint.h>

struct endpoint {
	uint64_t ino;	/* of this socket */
	uint64_t peer;	/* of the one at the other end, 0 not known */
	char path[128]; /* where it, or the peer, is bound; "" nowhere */
};

/*
 * 1: fd of process pid is a UNIX stream socket, and *e says which; 0: it is
 * something else or not there.  The peer is asked for in the network namespace
 * of pid where that is permitted.
 */
int endpoint_of(pid_t pid, int fd, struct endpoint *e);
/* Inode of the socket at the other end, 0 not known (any more, or yet). */
uint64_t endpoint_peer(pid_t pid, uint64_t ino);

/*
 * Processes that hold a socket, lowest pid first; at most max of them.  Looks
 * through all of /proc.
 */
size_t endpoint_holders(uint64_t ino, pid_t *, size_t max);

/* Name of a process (comm), "" if it is gone. */
void process_name(pid_t pid, char *, size_t);
/* Thread group of a thread, 0 if it is gone. */
pid_t process_of_thread(pid_t tid);

#endif
