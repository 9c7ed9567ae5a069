/* SPDX-License-Identifier: ISC */
/*
 * The server's half of the conversation, one client at a time, and the real
 * client that it is held with.
 */
#ifndef TMUX_SERVE_H
#define TMUX_SERVE_H

#include "tmux-peer.h"

#define MOST_STRINGS 2048

/* The real client: what the test gave it. */
struct real {
	pid_t pid;
	int in;
	int out;
	int err;
};

/* What a client told us about itself. */
struct visit {
	struct peer p;
	int flags;
	int pid;
	int in;
	int out;
	int rank;      /* of the last message in the usual order */
	int count[13]; /* of each identify type, from T_ID_FLAGS */
	uint64_t longflags;
	char *term;
	char *tty;
	char *cwd;
	char *env[MOST_STRINGS];
	char *argv[MOST_STRINGS];
	int nenv;
	int argc;
};

/* tmux-spawn.c: everything is closed and the process waited for. */
void real_start(struct real *, const char *, char *const *, char *const *);
int real_status(struct real *);
/* Its standard output or error, when it has ended; freed by the caller. */
char *real_text(int, size_t *);
void real_end(struct real *);
void same_file(int, int, const char *);

int serve_listen(const char *);
/* Checks with the kernel that it is a process of ours. */
pid_t serve_accept(struct visit *, int, int);
void serve_identify(struct visit *);
void serve_print(struct visit *, int, const void *, size_t);
/* Everything that the client reads from its standard input. */
char *serve_input(struct visit *, size_t *);
void serve_exit(struct visit *, int, const char *);
/* The client closes; the visit is over. */
void serve_end(struct visit *);
void serve_forget(struct visit *);

#endif
