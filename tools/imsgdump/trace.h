/* SPDX-License-Identifier: ISC */
/*
 * Follows the system calls of running processes with ptrace(2): Linux only.
 *
 * Traced processes are seized, never stopped by a signal, and go on whatever
 * becomes of imsgdump.  Nothing in them is changed.
 */
#ifndef TRACE_H
#define TRACE_H

#include "channels.h"

struct tracer;

/*
 * NULL with errno; ENOSYS where there is no such thing.  Signals that are
 * ignored or blocked at this time are so in the command, others are not: to be
 * called before any is ignored or blocked for imsgdump's own sake.
 */
struct tracer *trace_new(struct channels *);
/*
 * Seizes a process, its threads, and its children.  -1: it has said on
 * standard error what failed and what can be done about it.
 */
int trace_attach(struct tracer *, pid_t pid);
/* Starts a command, traced from its first system call on.  -1 as above. */
int trace_command(struct tracer *, char *const argv[]);
/* Whatever the command leaves behind is followed, too, to its end. */
void trace_follow(struct tracer *);
/*
 * Until the command has ended, or else all traced processes, trace_stop() is
 * called (by a signal handler, or by a sink that has had enough), or a sink
 * fails (-1).  flush is called before it waits.  When it returns all that is
 * still traced is left to itself, running; it can be called once.  The channels
 * and the sink are used by another thread while it runs.
 */
int trace_run(struct tracer *, struct sink *);
void trace_stop(struct tracer *);
/* How many processes were left when trace_run() returned. */
size_t trace_left(const struct tracer *);
/* Wait status of the command of trace_command(), -1 if it has not ended. */
int trace_status(const struct tracer *);
/* The same, if trace_run() was not called. */
void trace_free(struct tracer *);

#endif
