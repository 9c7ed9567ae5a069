/* SPDX-License-Identifier: ISC */
/*
 * A conversation over one channel for the tests with faults: messages made in
 * every way, with and without descriptors.  The program does what the manual
 * says after an error: it tries again.  In the end nothing may be missing,
 * come twice, or be left open.
 */
#ifndef TESTLIB_TALK_H
#define TESTLIB_TALK_H

#include "testlib-fault.h"

#define TALK_MESSAGES 12
#define TALK_LARGE    150000

struct talk {
	const char *name;
	int wire;
	int pass;	     /* descriptors allowed */
	int pipe;	     /* instead of a socket */
	int wait;	     /* flush_timeout and recv, not write and read */
	const size_t *sizes; /* payloads of TALK_MESSAGES messages */
	uint32_t fds;	     /* bit i: message i has a descriptor */
	uint32_t burst;	     /* messages composed before each write */
};

/* Bytes of the whole stream, or of its first messages. */
size_t talk_bytes(const struct talk *, uint32_t messages);
/* Fails the test if anything is not as it must be; the plan may be NULL. */
void talk(const struct talk *, const struct f_plan *);

#endif
