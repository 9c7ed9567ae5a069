/* SPDX-License-Identifier: ISC */
/*
 * What a process in a sandbox may try: acts, each with the promises that allow
 * it.  An act is forbidden by all others.  Every act is also done without any
 * sandbox, and must succeed there: so none is "denied" because it is wrong.
 */
#ifndef SANDBOX_ACTS_H
#define SANDBOX_ACTS_H

#include "../../proc/feature.h"

#include <sys/types.h>

#include <stddef.h>
#include <stdint.h>

#include "../../proc/sandbox-int.h"

/* What the process has before it goes into the sandbox. */
struct room {
	char dir[64]; /* the working directory, its own */
	pid_t parent;
	pid_t sibling;
	int file;    /* "file", open to be read and written */
	int out;     /* /dev/null, to be written */
	int pair[2]; /* UNIX stream sockets, connected */
	int listen;  /* a UNIX socket "listen" that listens */
	int tcp;     /* an unconnected TCP socket */
	int udp;
	int server; /* a TCP socket that listens on 127.0.0.1 */
	uint16_t port;
	int self; /* the working directory */
	int code; /* an executable */
	int tty;  /* a terminal, not the controlling one */
};

#define ACT_LAST  0x1U	/* leaves the process changed */
#define ACT_ALONE 0x2U	/* may kill whatever the promises: one a process */
#define ACT_MAYBE 0x4U	/* this machine or user may have no such thing */
#define ACT_ONLY  0x8U	/* parts of it may be allowed by others: not denied */
#define ACT_KILLS 0x10U /* if it is not allowed it kills */

struct act {
	const char *name;
	int (*run)(struct room *); /* 0: done; else errno */
	uint32_t all;		   /* all of these allow it, */
	int level;		   /* from this level of Landlock on; */
	uint32_t all2;		   /* or all of these */
	uint32_t any;		   /* or any of these */
	uint32_t low;		   /* or any of these */
	int below;		   /* below that level */
	unsigned int flags;
};

struct acts {
	const struct act *v;
	size_t n;
};
extern const struct acts acts_files, acts_sockets, acts_others, acts_kernel,
    acts_work;

/*
 * room_enter: makes the room, becomes that user and starts the sibling, which
 * ends with this process.  To be called in a child; 0 or -1.
 * room_leave: in the parent, afterwards: removes the directory.
 */
int room_enter(struct room *, const char *dir, const char *code, uid_t uid);
void room_leave(const char *dir);

#endif
