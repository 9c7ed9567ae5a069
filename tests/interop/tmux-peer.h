/* SPDX-License-Identifier: ISC */
/*
 * What the programs that talk to tmux share: a channel on the classic wire
 * that checks what every message of protocol 8 has in common, deadlines, and
 * an account of descriptors.  The numbers were taken from what tmux 3.3a sends
 * and receives.
 */
#ifndef TMUX_PEER_H
#define TMUX_PEER_H

#define _GNU_SOURCE /* before any system header: pseudo-terminals, pipes */
#include <sys/types.h>
#include <stdio.h>
#include <imsg.h>

#define PROTOCOL 8
#define WAIT_MS	 10000

/* The largest payload that a peer with the classic limit accepts. */
#define LARGEST (MAX_IMSGSIZE - IMSG_HEADER_SIZE)

enum type {
	T_VERSION = 12,

	T_ID_FLAGS = 100, /* int */
	T_ID_TERM,	  /* string */
	T_ID_TTYNAME,	  /* string */
	T_ID_STDIN = 104, /* descriptor */
	T_ID_ENVIRON,	  /* string */
	T_ID_DONE,
	T_ID_CLIENTPID, /* int */
	T_ID_CWD,	/* string */
	T_ID_FEATURES,	/* int */
	T_ID_STDOUT,	/* descriptor */
	T_ID_LONGFLAGS, /* 64 bits */
	T_ID_TERMINFO,	/* string */

	T_COMMAND = 200, /* int argc, strings */
	T_DETACH,	 /* string */
	T_EXIT = 203,	 /* nothing, int, int and string */
	T_EXITED,
	T_EXITING,
	T_READY = 207,
	T_RESIZE,
	T_SHUTDOWN = 210,
	T_FLAGS = 218, /* 64 bits */

	T_READ_OPEN = 300, /* int stream, fd; string path or nothing */
	T_READ,		   /* int stream, bytes */
	T_READ_DONE,	   /* int stream, error */
	T_WRITE_OPEN,	   /* int stream, fd, flags; string or nothing */
	T_WRITE,	   /* int stream, bytes */
	T_WRITE_READY,	   /* int stream, error */
	T_WRITE_CLOSE	   /* int stream */
};

/* Flags of a client: it writes UTF-8; it is a program, not a terminal. */
#define FLAG_UTF8    0x10000
#define FLAG_CONTROL 0x2000

struct peer {
	struct imsgbuf b;
	uint32_t version; /* put into what is sent */
	uint32_t expect;  /* version of what is received */
	unsigned long sent;
	unsigned long received;
	int gone;    /* it reads no more; what it sent before can be read */
	FILE *trace; /* "> 100 4", "< 303 12", one line a message */
};

/* Prints to standard error and ends the program. */
_Noreturn void fail(const char *, ...)
    __attribute__((__format__(__printf__, 1, 2)));

/* Ends the program when a whole test takes longer than any deadline adds up. */
void limit_time(void);
/* Kills this process, too, should limit_time() or fail() end the program. */
extern pid_t companion;

int open_fds(void);
int connect_to(const char *);
int wait_readable(int, int);

void peer_open(struct peer *, int, int);
/* Everything sent, nothing half received; closes the socket. */
void peer_close(struct peer *);

void peer_send(struct peer *, uint32_t, int, const void *, size_t);
void peer_sendv(
    struct peer *, uint32_t, const void *, size_t, const void *, size_t);
void peer_flush(struct peer *);
/* A message that has come, 0 if none, at the end of the file -1. */
int peer_next(struct peer *, struct imsg *, int);
/* The next message; the end of the file is a failure. */
void peer_expect(struct peer *, struct imsg *, uint32_t);
void peer_expect_end(struct peer *);

int take_int(struct imsg *);
/* A string to the end of the payload, which the caller frees. */
char *take_string(struct imsg *);
/* Frees a message whose payload must have been read. */
void done_with(struct imsg *);

#endif
