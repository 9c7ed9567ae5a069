/* SPDX-License-Identifier: ISC */
/*
 * The processes that are traced, and what their descriptors are known to be,
 * so that /proc is not asked at each system call.
 */
#ifndef FDTABLE_H
#define FDTABLE_H

#include <sys/types.h>
#include <stddef.h>
#include <stdint.h>

/* Most descriptors that are remembered; the one known longest goes first. */
#define FDTABLE_MAX 65536

struct known;

struct process {
	pid_t pid;
	char name[64];
	unsigned int since; /* generation in which it began its program */
	int64_t named;	    /* when its name was looked at */
	struct known *fds;
	struct holdings *holdings; /* its sockets, when last looked through */
	int64_t began, looked;	   /* nanoseconds: since when, how long */
	struct process *next;	   /* in its bucket */
	struct process *older, *newer;
};

/* A descriptor of a process. */
struct known {
	pid_t pid;
	int fd;
	void *what; /* NULL: nothing that matters */
	struct process *process;
	struct known *next;	    /* in its bucket */
	struct known *left, *right; /* of its process */
	struct known *older, *newer;
};

struct fdtable;

/* let_go is told of each what (not NULL) that is forgotten.  NULL: ENOMEM. */
struct fdtable *fdtable_new(
    void (*let_go)(void *arg, void *what, pid_t), void *arg);
void fdtable_free(struct fdtable *);

struct process *fdtable_process(const struct fdtable *, pid_t);
/* The newest one; ->older leads to all. */
struct process *fdtable_processes(const struct fdtable *);
/* NULL ENOMEM. */
struct process *fdtable_add_process(struct fdtable *, pid_t);
/* And its descriptors. */
void fdtable_drop_process(struct fdtable *, struct process *);
void fdtable_drop_fds(struct fdtable *, struct process *);

struct known *fdtable_find(const struct fdtable *, pid_t, int fd);
/* It must not be there yet.  NULL ENOMEM. */
struct known *fdtable_add(
    struct fdtable *, struct process *, int fd, void *what);
void fdtable_drop(struct fdtable *, struct known *);

#endif
