/* SPDX-License-Identifier: ISC */
/*
 * What the files of the child's half share: child.c brings a process up,
 * child-loop.c is its life, the others are the steps in between.  Some of it
 * serves the parent, too.
 */
#ifndef IMSGPROC_CHILD_H
#define IMSGPROC_CHILD_H

#include "proc-int.h"

/* log.c: text in printable ASCII, as much as fits: how long it is. */
IMSGPI_HIDDEN size_t imsgpi_safe(char *, size_t, const char *);
/* "front", or "worker 1" where there are several; valid until the next call. */
IMSGPI_HIDDEN const char *imsgpi_name(
    const struct imsgproc_spec *, unsigned int instance);

/* descriptors.c: /dev/null for those of 0, 1, 2 that are closed; 0 or -1. */
IMSGPI_HIDDEN int imsgpi_std_open(void);
/* Nothing stays open but 0, 1, 2 and the channel, before descriptors come with
 * that; then 0 and 1 are /dev/null, unless the process keeps them.  0, or -1
 * and proc->why. */
IMSGPI_HIDDEN int imsgpi_std_only(struct imsgproc *);
IMSGPI_HIDDEN int imsgpi_std_null(struct imsgproc *);

/*
 * privileges.c: who a process shall be, found while the system's files can
 * be read.  _find: 0, or -1 and proc->why.  _become: chroot, user, limits.
 */
struct who {
	bool anybody; /* stays who and where it is */
	bool change;
	uid_t uid;
	gid_t gid;
	gid_t *groups;
	int n;
};
IMSGPI_HIDDEN int imsgpi_who_find(struct imsgproc *, struct who *);
IMSGPI_HIDDEN int imsgpi_who_become(struct imsgproc *, struct who *);
IMSGPI_HIDDEN void imsgpi_who_free(struct who *);

/*
 * table-message.c: the parent's table as a child has it, with the functions of
 * that daemon and of its own entry there.  0, or -1: nothing is allocated;
 * EBADMSG: it is none, or has no such process.
 */
struct inherited {
	struct imsgproc_daemon daemon;
	struct imsgproc_spec *own; /* of procs */
	struct imsgproc_spec *procs;
	struct imsgproc_limit *limits;
	struct imsgproc_path *paths;
	char *bytes; /* its texts */
};
IMSGPI_HIDDEN int imsgpi_table_unpack(struct inherited *,
    const struct imsgproc_daemon *, const struct imsgproc_spec *own,
    struct imsg *);
IMSGPI_HIDDEN void imsgpi_table_free(struct inherited *);

/* title.c: makes room for titles.  Strings of argv and environ move. */
IMSGPI_HIDDEN void imsgpi_title_room(int argc, char **argv);
/* "filed: front", and behind it text if that is not empty. */
IMSGPI_HIDDEN void imsgpi_title_set(const struct imsgproc *, const char *text);

/* peers.c: that entry of the table, or NULL. */
IMSGPI_HIDDEN struct imsgproc_peer *imsgpi_peer_of(
    struct imsgproc *, const struct imsgproc_spec *, unsigned int instance);
/* What may wait on a channel between two processes. */
IMSGPI_HIDDEN void imsgpi_limit(struct imsgbuf *);

/*
 * child-loop.c.  _open: attaches the parent's channel, 0 or -1.  _peer: takes
 * what an IMSGPROC_PEER brought, and tells nobody; 0, or -1 and proc->why.  The
 * descriptor of the message is used or closed.  _run: until the end; the exit
 * status.
 */
IMSGPI_HIDDEN int imsgpi_child_open(struct imsgproc *);
IMSGPI_HIDDEN int imsgpi_child_peer(struct imsgproc *, struct imsg *);
IMSGPI_HIDDEN int imsgpi_child_run(struct imsgproc *);
IMSGPI_HIDDEN void imsgpi_child_stop(struct imsgproc *, int status);

#endif
