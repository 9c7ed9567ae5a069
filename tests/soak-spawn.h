/* SPDX-License-Identifier: ISC */
/*
 * Children: started anew from the same program file, with nothing of the
 * parent's but a socket and the shared memory.
 */
#ifndef SOAK_SPAWN_H
#define SOAK_SPAWN_H

#include <sys/types.h>

#include <stdint.h>

/* Where a child finds its socket and the shared memory. */
#define SOAK_SOCKET   3
#define SOAK_SHARE_AT 4

/* Once, with argv[0]: makes the shared memory and returns its descriptor. */
int soak_spawn_prepare(const char *program);
/* Starts the child of that slot; it is killed after kill_ms, 0 never. */
pid_t soak_spawn(int slot, int s, uint32_t kill_ms);
/* Waits for its end: the status of waitpid(2). */
int soak_reap(int slot, pid_t);

#endif
