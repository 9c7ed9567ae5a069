/* SPDX-License-Identifier: ISC */
/*
 * What the files of libimsg-proc share: the process itself, its peers, and what
 * the parent and a child say to each other.
 *
 * A child is executed as { "DAEMON: NAME", "--imsgproc=NAME.INSTANCE", NULL }
 * with descriptor 3 as its channel to the parent.  Then
 *
 *	parent	TABLE		what of its table concerns the child
 *	parent	PEER ...	a descriptor each: a channel to that process
 *	parent	BEGIN
 *	child			prepare, chroot, privileges, limits, sandbox, start
 *	child	READY		or FAILED, and it exits
 *				(started on demand: what its sandbox lacks)
 *
 * and from then on, at any time: PEER (started anew), RELOAD, which is answered
 * with RELOADED, STOP; between them the program's own messages, if the table
 * lets the two talk.  Any other message of these types, and any of a child that
 * does not talk to the parent, ends that child.
 */
#ifndef IMSGPROC_INT_H
#define IMSGPROC_INT_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <imsg_proc.h>

#include "os.h"

#ifdef __GNUC__
#define IMSGPI_PRINTF(f, a) __attribute__((__format__(printf, f, a)))
#else
#define IMSGPI_PRINTF(f, a)
#endif

#define IMSGPROC_FD  3
#define IMSGPROC_ARG "--imsgproc="

/* The largest IMSGPROC_TABLE with its header; see table-message.c. */
#define IMSGPROC_TABLE_MAX (16U << 20)

/* IMSGPROC_PEER, with a descriptor. */
struct ctl_peer {
	uint32_t index; /* in the parent's table */
	uint32_t instance;
};

/* IMSGPROC_FAILED: this, then a text without NUL. */
struct ctl_failed {
	int32_t error;
};

struct imsgproc_peer {
	struct imsgproc *proc;
	const struct imsgproc_spec *spec;
	unsigned int instance;
	struct imsgloop_chan *chan; /* NULL: not there */
	bool talks; /* the table has a channel; else only control */
	bool up;    /* the program was told that it is there */
	/* In a child, once it is started anew while its old channel has messages: */
	int next; /* the new one's socket, else -1 */
	struct imsgloop_watch late;
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
	struct imsgbuf ib;	   /* with spec->run: to the parent */
	int status;		   /* what it exits with */
	bool missed[IMSGPROC_MAX]; /* said that there is no channel */
	bool stopping;
	int64_t stop_by;	    /* a child's, to read what its peers left */
	bool closing;		    /* in a child: its channels are */
	struct imsgloop_watch wake; /* in a child: to stop */
	char why[256];		    /* imsgproc_fail() */
	char lacks[256]; /* its sandbox, if it was started on demand */
};

/* table.c: lists of names, and who has a channel to whom.  Who is started by
 * imsgproc_spawn() alone always has one to who started it. */
IMSGPI_HIDDEN bool imsgpi_listed(const char *list, const char *name);
/* The next name of *list and its length, which moves behind it; or NULL. */
IMSGPI_HIDDEN const char *imsgpi_next_name(const char **list, size_t *len);
IMSGPI_HIDDEN unsigned int imsgpi_instances(const struct imsgproc_spec *);
IMSGPI_HIDDEN int imsgpi_start_ms(const struct imsgproc_daemon *);
IMSGPI_HIDDEN int imsgpi_stop_ms(const struct imsgproc_daemon *);
IMSGPI_HIDDEN bool imsgpi_talk(const struct imsgproc_daemon *,
    const struct imsgproc_spec *, const struct imsgproc_spec *);

/*
 * table-message.c: the payload of IMSGPROC_TABLE for a process of that entry,
 * or NULL; EMSGSIZE: it is too large.
 */
IMSGPI_HIDDEN struct ibuf *imsgpi_table_pack(
    const struct imsgproc_daemon *, const struct imsgproc_spec *);

/*
 * peers.c: proc->peers.  In the parent all instances of all others but those of
 * IMSGPROC_ON_DEMAND, in the order of the table; in a child the parent first,
 * then those it talks to.  0 or -1.  imsgproc_stop() and imsgproc_reload() are
 * there, too, and in the parent (proc->family) call the two below.
 */
IMSGPI_HIDDEN int imsgpi_peers_make(struct imsgproc *);
IMSGPI_HIDDEN void imsgpi_peers_free(struct imsgproc *);
/* Calls `peer' of the process, if the program does not know it yet; for all
 * that have a channel. */
IMSGPI_HIDDEN void imsgpi_peer_tell(struct imsgproc_peer *, bool up);
IMSGPI_HIDDEN void imsgpi_peers_tell(struct imsgproc *);

/* parent.c */
IMSGPI_HIDDEN void imsgpi_family_stop(struct imsgproc *, int status);
IMSGPI_HIDDEN void imsgpi_family_reload(struct imsgproc *);

/* For those that do not say how many signals there are. */
#ifndef NSIG
#define NSIG 128
#endif

/* signals.c: whether the library handles it in the parent (SIGPIPE: ignores it),
 * and ignores it in the others. */
IMSGPI_HIDDEN bool imsgpi_is_ours(int signo);
/*
 * signals.c: imsgproc_signal() without the question whether it is one of the
 * library's; the first makes a pipe and watches it in proc->loop.  _close puts
 * back what the handlers of the signals were, from the parent's end.
 */
IMSGPI_HIDDEN int imsgpi_signal(
    struct imsgproc *, int signo, void (*)(struct imsgproc *, int));
IMSGPI_HIDDEN void imsgpi_signals_close(struct imsgproc *);

/* spawn.c: argv[0] of imsgproc_init(), where the system does not tell the
 * program's own file. */
IMSGPI_HIDDEN extern const char *imsgpi_argv0;

/*
 * log.c: one line to the daemon's log or standard error; proc may be NULL.
 * privileges.c: chroot, limits, user of proc->spec, verified: 0, or -1 and
 * proc->why.  The parent uses it on itself.  _sandbox: that of proc->spec,
 * likewise.  _anybody: whether users and roots are ignored, since they could
 * not be had.
 */
IMSGPI_HIDDEN IMSGPI_PRINTF(4, 5) void imsgpi_log(
    const struct imsgproc_daemon *, const struct imsgproc *, int priority,
    const char *, ...);
IMSGPI_HIDDEN int imsgpi_privileges(struct imsgproc *);
IMSGPI_HIDDEN int imsgpi_sandbox(struct imsgproc *);
IMSGPI_HIDDEN bool imsgpi_anybody(const struct imsgproc_daemon *);

#endif
