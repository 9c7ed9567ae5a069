/* SPDX-License-Identifier: ISC */
/*
 * What the kernel says of sockets and processes: /proc and sock_diag(7).
 *
 * Nothing is remembered here but how to ask.  What a process may not see is
 * "not known", not an error.
 */
#ifndef ENDPOINT_H
#define ENDPOINT_H

#include <sys/types.h>
#include <stddef.h>
#include <stdint.h>

struct endpoint {
	uint64_t ino;	 /* of this socket */
	uint64_t peer;	 /* of the one at the other end, 0 not known */
	uint64_t cookie; /* never that of another socket, 0 not known */
	int connected;	 /* 1 it is or was, 0 not yet, or it listens */
	int closed;	 /* the other end has gone */
	int foreign;	 /* it is in another network namespace than ours */
	char path[128];	 /* where it is bound, or "", or "@..." */
};

/* A netlink socket; all that follow also take NULL, and then open their own. */
struct endpoints;

/* NULL ENOMEM. */
struct endpoints *endpoints_new(void);
void endpoints_free(struct endpoints *);
/*
 * A process has gone: no network namespace may be kept from going with it.
 */
void endpoints_let_go(struct endpoints *);
/* Whether sock_diag answers at all; if not, peers are never known. */
int endpoints_can_ask(struct endpoints *);

/*
 * 1: fd of process pid is a UNIX stream socket, and *e says which; 0: it is
 * something else; -1: it is not there.  The peer is asked for in the network
 * namespace of pid where that is permitted, else in ours.
 */
int endpoint_of(struct endpoints *, pid_t pid, int fd, struct endpoint *e);
/*
 * The same for a socket whose inode is known.  0: it is gone; -1: not known.
 * pid 0: in our own network namespace.
 */
int endpoint_ask(
    struct endpoints *, pid_t pid, uint64_t ino, struct endpoint *e);
/* Where the other end of e is bound, if e is not. */
void endpoint_peer_path(struct endpoints *, pid_t pid, struct endpoint *e);

/* The number of a descriptor by which process pid holds a socket, or -1. */
int endpoint_holds(pid_t pid, uint64_t ino);
/* Whether that one is it. */
int endpoint_is(pid_t pid, int fd, uint64_t ino);
/* All sockets of a process, until the function returns another than 0. */
void endpoint_each(
    pid_t pid, int (*)(void *arg, int fd, uint64_t ino), void *arg);
/*
 * Processes that hold a socket, lowest pid first; at most max of them.  Looks
 * through all of /proc.
 */
size_t endpoint_holders(uint64_t ino, pid_t *, size_t max);
/*
 * The process that connected, listened at, or made the other end of a socket
 * (SO_PEERCRED); 0 not known.
 */
pid_t endpoint_maker(pid_t pid, int fd);

/* Name of a process (comm), "" if it is gone. */
void process_name(pid_t pid, char *, size_t);
/*
 * A thread through which /proc shows what a process has: its first one, if that
 * has not ended.
 */
pid_t process_thread(pid_t pid);
/* Thread group of a thread, 0 if it is gone. */
pid_t process_of_thread(pid_t tid);

#endif
