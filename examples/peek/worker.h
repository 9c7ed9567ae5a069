/* SPDX-License-Identifier: ISC */
/*
 * The process that parses.
 */
#ifndef PEEK_WORKER_H
#define PEEK_WORKER_H

/* In a new process: serves the parent at the other end of the socket. */
_Noreturn void worker_main(int);

#endif
