/* SPDX-License-Identifier: ISC */
/*
 * What a worker gives up before it sees the first byte of an archive.
 */
#ifndef PEEK_SANDBOX_H
#define PEEK_SANDBOX_H

/* What sandbox_descriptors() leaves of them. */
#define WORKER_SOCKET 3
#define WORKER_FDS    5 /* 0, 1, 2, the socket, the archive */

/* Why there are limits only, or NULL if the system can do better. */
const char *sandbox_missing(void);
/*
 * Moves the socket to WORKER_SOCKET, makes 0, 1, 2 /dev/null, and closes all
 * else.  0, or -1 with errno.
 */
int sandbox_descriptors(int);
/*
 * No files, no network, no processes, no descriptors but those that come
 * through the socket; bounds on memory and time.  0, or -1 with errno.
 */
int sandbox_enter(void);
/* Nothing more will be received. */
int sandbox_seal(void);

#endif
