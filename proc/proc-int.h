/* SPDX-License-Identifier: ISC */
/*
 * What the files of libimsg-proc share: the process itself, its peers, and what
 * the parent and a child say to each other.
 *
 * A child is executed as { "DAEMON: NAME", "--imsgproc=NAME.INSTANCE", NULL }
 * with descriptor 3 as its channel to the parent.  Then
 *
 *	parent	PEER ...	a descriptor each: a channel to that process
 *	parent	BEGIN
 *	child			prepare, chroot, privileges, limits, sandbox, start
 *	child	READY		or FAILED, and it exits
 *
 * and from then on, at any time: PEER (started anew), RELOAD, which is answered
 * with RELOADED, STOP; between them the program's own messages, if the table
 * lets the two talk.  Any other message of these types, and any of a child that
 * does not talk to the parent, ends that child.
 */
#ifndef IMSGPROC_INT_H
#define IMSGPROC_INT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <imsg_proc.h>

#define IMSGPROC_FD  3
#define IMSGPROC_ARG "--imsgproc="

#define CTL_PEER     (IMSGPROC_TYPES + 0)
#define CTL_BEGIN    (IMSGPROC_TYPES + 1)
#define CTL_READY    (IMSGPROC_TYPES + 2)
#define CTL_FAILED   (IMSGPROC_TYPES + 3)
#define CTL_RELOAD   (IMSGPROC_TYPES + 4)
#define CTL_RELOADED (IMSGPROC_TYPES + 5)
#define CTL_STOP     (IMSGPROC_TYPES + 6)

/* CTL_PEER, with a descriptor. */
struct ctl_peer {
	uint32_t index; /* in the table */
	uint32_t instance;
};

/* CTL_FAILED: this, then a text without NUL. */
struct ctl_failed {
	int32_t error;
};

struct imsgproc_peer {
	struct imsgproc *proc;
	const struct imsgproc_spec *spec;
	unsigned int instance;
	struct imsgloop_chan *chan; /* NULL: not there */
	bool talks; /* the table has a channel; else only control */
};

struct family;	/* the parent's: see parent.c */
struct signals; /* signals.c */

struct imsgproc {
	const struct imsgproc_daemon *daemon;
	const struct imsgproc_spec *spec;
	unsigned int instance;
	void *arg;
	const struct imsgproc_loop *how;
	struct imsgloop *loop; /* NULL with spec->run */
	struct imsgproc_peer *peers;
	size_t npeers;
	struct family *family; /* NULL: not the parent */
	struct signals *signals;
	struct imsgbuf ib; /* with spec->run: to the parent */
	int status;	   /* what it exits with */
	bool stopping;
	char why[256]; /* imsgproc_fail() */
};

#endif
