/* SPDX-License-Identifier: ISC */
/*
 * The process that parses, and its table.
 */
#ifndef PEEK_WORKER_H
#define PEEK_WORKER_H

#include <imsg_proc.h>

#define WORKER "worker"

/* Serves the parent; the sandbox is closed by then. */
int worker_run(struct imsgproc *);

extern const struct imsgproc_daemon peek_daemon; /* table.c */

#endif
