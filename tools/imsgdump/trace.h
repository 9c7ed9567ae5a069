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

/* NULL with errno; ENOSYS where there is no such thing. */
struct tracer *trace_new(struct channels *);
/*
 * Seizes a process, its threads, and its children.  -1: it has said on
 * standard error what failed and what can be done about it.
 */
int trace_attach(struct tracer *, pid_t pid);
/* Starts a command that is traced from its first system call on.  -1 as above. */
int trace_command(struct tracer *, char *const argv[]);
/*
 * Until all traced processes have ended, trace_stop() is called (by a signal
 * handler, or by a sink that has had enough), or a sink fails (-1).  flush is
 * called before it waits.
 */
int trace_run(struct tracer *, struct sink *);
void trace_stop(struct tracer *);
/* Wait status of the command of trace_command(), -1 if it has not ended. */
int trace_status(const struct tracer *);
/* Leaves all processes that are still traced to themselves, running. */
void trace_free(struct tracer *);

#endif
