/* SPDX-License-Identifier: ISC */
/*
 * What somebody who has taken over a process of a daemon tries; see
 * test-compromised.c.
 */
#ifndef COMPROMISED_ACTS_H
#define COMPROMISED_ACTS_H

#include <sys/types.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <stddef.h>

#include <imsg_proc.h>

#define PROMISED 0x1 /* only promises prevent it */
#define NEVER	 0x2 /* nobody can, not even root without a sandbox */
#define HARMS	 0x4 /* ends the test if it is possible */

struct compromised {
	const char *name;
	int (*run)(void); /* 0: done; else errno */
	unsigned int flags;
};
extern const struct compromised compromised_acts[];
extern const size_t compromised_nacts;

/* To be set before. */
extern pid_t compromised_sibling, compromised_parent;
extern struct imsgproc *compromised_self;

/* An abstract one, where that sibling listens. */
socklen_t sibling_address(struct sockaddr_un *);

#endif
