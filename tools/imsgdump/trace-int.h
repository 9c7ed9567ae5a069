/* SPDX-License-Identifier: ISC */
/*
 * Between the files of the tracer.  All of it but trace.c runs in one thread,
 * the worker: ptrace(2) ties a traced process to the thread that seized it.
 */
#ifndef TRACE_INT_H
#define TRACE_INT_H

#include <sys/types.h>
#include <sys/uio.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>

#include "trace.h"

/* Bytes of a message are fetched in pieces of at most this size. */
#define PIECE	65536
#define IOVS	1024 /* most that a call takes: UIO_MAXIOV */
#define PASSED	253  /* most descriptors of a message: SCM_MAX_FD */
#define NAMELEN 1024
#define CALLS	512 /* numbers of system calls that are looked at */
#define SIGNALS 65

/* A hash table of things that begin with this; the numbers are pids. */
struct entry {
	pid_t id;
	struct entry *next;
};

struct table {
	struct entry **bucket;
	size_t size; /* a power of two, or 0 */
	size_t count;
};

struct process {
	struct entry e;
	size_t threads;
	unsigned said; /* what has been said of it: SAID_* */
	int shares;    /* its descriptors with another process */
};
#define SAID_ARCH  0x01
#define SAID_URING 0x02

/* How a system call says what it moves. */
enum call_kind {
	CALL_NONE,
	CALL_BUF,  /* (fd, buffer, length, ...) */
	CALL_IOV,  /* (fd, iovec, count, ...) */
	CALL_MSG,  /* (fd, msghdr, flags) */
	CALL_MMSG, /* (fd, mmsghdr, count, flags) */
	CALL_SENDFILE,
	CALL_SPLICE,
	CALL_CLOSE,
	CALL_CLOSE_RANGE,
	CALL_DUP2,
	CALL_SOCKETPAIR,
	CALL_ACCEPT,
	CALL_CONNECT,
	CALL_FORK,
	CALL_PRCTL,
	CALL_URING,
	CALL_ENDS /* may end other threads */
};

struct rule {
	int nr;
	unsigned char kind, dir;
	signed char flags; /* which argument is MSG_* flags, or -1 */
};

struct thread {
	struct entry e;
	struct process *proc;
	const struct rule *rule; /* of the call that it is in, or NULL */
	unsigned char in_call;	 /* the stop at the call's exit comes next */
	unsigned char wanted;	 /* the call's bytes are of interest */
	unsigned char resting;	 /* is in no call, and will not come to one */
	unsigned char arrived;	 /* is at the exit, to be handled */
	size_t event;		 /* the one that says so */
	uint64_t arg[6];
	/* Those in a call that sends something wanted, in order of entry. */
	struct thread *earlier, *later;
};

struct event {
	pid_t tid; /* 0: handled */
	int status;
};

/* Remote memory, as an iovec says it. */
struct span {
	const struct iovec *iov;
	size_t n, off; /* off: of the first that is left */
};

enum request { REQ_NONE, REQ_ATTACH, REQ_COMMAND, REQ_RUN, REQ_QUIT };

struct tracer {
	struct channels *channels;
	struct sink *sink;

	/* Between the caller and the worker. */
	pthread_t worker;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	enum request request; /* REQ_NONE: none, or it is done */
	pid_t pid;	      /* argument of REQ_ATTACH */
	char *const *argv;    /* of REQ_COMMAND */
	int result, error;    /* of the last one */
	int gone;	      /* the worker has ended */

	volatile sig_atomic_t stop;
	int bell[2];   /* a byte in it ends the child that follows */
	pid_t watcher; /* its end is what ends a blocking wait */

	pid_t tid; /* of the worker */
	struct table threads, processes;
	struct thread *first, *last; /* senders */
	struct event *events;
	size_t nevents, maxevents;
	unsigned turn;
	int spins; /* there is more than one processor */
	int luck;  /* how often that was of use, of late */
	unsigned idle;
	int failed; /* errno that ends the run */
	int dirty;  /* the sink may have something to write */

	pid_t command;
	int command_status; /* -1: it runs, or there is none */
	int follow;	    /* what it leaves behind, too */
	size_t left;	    /* processes, at the end */
	int exec_error[2];  /* where the child says why exec failed */
	char *command_name;

	/* As they were in trace_new(): for the command. */
	sigset_t mask;
	unsigned char ignored[SIGNALS];

	uint32_t arch;
	int no_vm; /* process_vm_readv(2) is forbidden: use /proc/PID/mem */
	unsigned char rule[CALLS];
	unsigned char *piece;
	unsigned char *control;
	struct iovec *iov;
	struct passed *passed;
	char (*names)[NAMELEN];
};

/* trace-table.c */
struct entry *table_get(const struct table *, pid_t);
int table_add(struct table *, struct entry *);
void table_remove(struct table *, struct entry *);
void table_free(struct table *);
/* Both take it if it is there already. */
struct thread *thread_add(struct tracer *, pid_t tid, pid_t pid);
struct thread *thread_get(const struct tracer *, pid_t tid);
void thread_remove(struct tracer *, struct thread *);

/* trace-worker.c */
void *trace_worker(void *);

/* trace-loop.c: until there is nothing left to trace. */
int trace_loop(struct tracer *);
/*
 * That thread is about to do what may end others: those that have sent are
 * heard first.  It is at the entry of a call.
 */
void loop_hear_senders(struct tracer *, pid_t);

/* trace-leave.c: lets go of all, so that the end of the worker harms none. */
void leave_all(struct tracer *);

/* trace-event.c */
void event_handle(struct tracer *, pid_t tid, int status);
/* Goes on, with that signal if it is not 0. */
void thread_resume(pid_t tid, int sig);

/* trace-attach.c */
#define TRACE_OPTIONS                                                       \
	(PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE | PTRACE_O_TRACEFORK | \
	    PTRACE_O_TRACEVFORK | PTRACE_O_TRACEEXEC)
int attach_tree(struct tracer *, pid_t pid);

/* trace-command.c */
int command_start(struct tracer *, char *const argv[]);
void command_ended(struct tracer *, int status);

/* trace-call.c: at the stops of a system call. */
void call_setup(struct tracer *);
void call_stop(struct tracer *, struct thread *);
/* Is at the exit of a call that moved something wanted. */
int call_emits(const struct thread *);
/* It does not come to the exit of the call that it was in. */
void call_forget(struct tracer *, struct thread *);

/* trace-change.c: at the end of a call that moved nothing. */
void change_done(struct tracer *, struct thread *, int64_t result);

/* trace-move.c: what a call moved; result is its positive result, or 0. */
void move_done(struct tracer *, struct thread *, size_t result);

/* trace-memory.c: how much could be read. */
size_t memory_read(
    struct tracer *, pid_t tid, uint64_t at, void *buf, size_t len);
size_t memory_gather(
    struct tracer *, pid_t tid, struct span *, void *buf, size_t len);

/* trace-why.c */
struct why {
	pid_t pid, tracer; /* tracer: of it, 0 none */
	int error;
	int self, zombie, kernel, init; /* init: of which we are a part */
	int scope;			/* of yama, 0 if there is none */
	int root, other;		/* we are; the user is another */
};
/* One line, or two, without newline at the end. */
void why_text(const struct why *, char *, size_t);
void why_print(const struct tracer *, pid_t pid, int error);
/* Whether all that is looked up in /proc is of others, or nothing; says so. */
int why_no_proc(void);
/* Number in a line of /proc/PID/status, -1 if it is not there. */
long status_number(pid_t pid, const char *name);
/* The letter of its state, 0 if it is gone. */
int process_state(pid_t tid);

#endif
