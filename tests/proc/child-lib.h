/* SPDX-License-Identifier: ISC */
/*
 * The parent's half of the protocol, by hand: the tests of a child need a
 * parent that sends what it likes, in whatever pieces, and dies when it likes.
 * The child is this same program, executed anew.
 */
#ifndef CHILD_LIB_H
#define CHILD_LIB_H

#include <sys/types.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <imsg_proc.h>

/* The program's own messages. */
enum {
	T_REPORT = 1, /* what `run' or `start' has seen: text */
	T_ECHO,	      /* comes back as it is, from a peer or the parent */
	T_FORWARD,    /* goes on to the parent */
	T_ALL,	      /* goes to all workers, descriptor included */
	T_PEER,	      /* a peer came or went: "worker 0 1" */
	T_FLOOD,      /* answered by that many messages to worker 0 */
	T_TITLE,      /* text: a new title; then T_REPORT */
	T_LOG,	      /* text: to be logged */
	T_CALLS,      /* tries what must fail; T_REPORT says what did not */
	T_EXIT	      /* imsgproc_stop(3) */
};

/* How long anything may take. */
#define PATIENCE_MS 20000

/* What a child is born with. */
struct birth {
	const char *who;  /* "plain.0" */
	bool many;	  /* descriptors 4 to 20 and 100 are open */
	bool no_std;	  /* 0, 1, 2 are closed */
	const char *user; /* who starts it; NULL: we */
	bool groups;	  /* root's supplementary groups: 0, 4, 20 */
	bool blind;	  /* in a jail, where no leak checker works */
	bool keeps_caps;  /* a change of user takes no capabilities */
	bool no_table;	  /* that is said later */
	int old;	  /* 1: no close_range(2); 2: nor a list of them */
	int err;	  /* its descriptor 2, 0: /dev/null */
};

struct born {
	pid_t pid;
	int fd;
	struct imsgbuf ib;
	int out; /* where its standard error can be read, or -1 */
};

/* child-table.c */
extern const struct imsgproc_daemon test_daemon;
extern char test_jail[];
int make_jail(void **);
int remove_jail(void **);

/* Started, and told the table. */
void bear(struct born *, const struct birth *);
/* What of that table concerns it. */
void say_table(struct born *, const struct imsgproc_daemon *, const char *who);
/* bear(), IMSGPROC_BEGIN and IMSGPROC_READY. */
void bear_ready(struct born *, const char *who);
/* The same of one that reports, and what that says. */
const char *bear_report(struct born *, const struct birth *);
/* A `run' that sees the end of its channel returns 7. */
void ends_well(struct born *);
/* Complains if not. */
bool has(const char *text, const char *what);
void say(struct born *, uint32_t type, int fd, const void *, size_t);
void say_text(struct born *, uint32_t type, const char *);
/* Gives it a channel to a worker; our end. */
int say_peer(struct born *, uint32_t index, uint32_t instance);
/* A channel of ours on that socket. */
void talk_on(struct born *, int fd);
/* The next message, which has to be of that type; imsg_free() it. */
void hear(struct born *, uint32_t type, struct imsg *);
/* Its payload as a string; valid until the next call. */
const char *hear_text(struct born *, uint32_t type);
/* What a front with so many workers says after IMSGPROC_BEGIN. */
void hear_front(struct born *, int workers);
/* Waits for its end: what waitpid(2) says.  Closes the channel first or not. */
int reap(struct born *);
int hang_up(struct born *);
/* What it wrote to standard error; after its end. */
const char *errors_of(struct born *);
/* A pipe whose end is for struct birth, and whose other goes to born.out. */
int err_pipe(int *out);
/* The contents of /proc/PID/NAME, at most size - 1 bytes, as a string. */
size_t proc_file(pid_t, const char *name, char *, size_t size);
/* All that it has open is, or soon will be, "0 1 2 3". */
void opens(pid_t, const char *);
bool is_root(void);

#endif
