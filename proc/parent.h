/* SPDX-License-Identifier: ISC */
/*
 * What the files of the parent share: its family.
 *
 * A member is a process of the table, whether it runs at the moment or not:
 *
 *	OUT -> STARTING -> READY -> STOPPING -> OUT
 *	           |         |          |
 *	           +---------+----------+--> DEAD -> AGAIN -> STARTING
 *	                                            or OUT
 *
 * DEAD has been killed by us and not been reaped yet, or has been reaped while
 * what it sent is still read.  Nothing is done
 * about the others where something happens to one of them: imsgpi_tick() has
 * the loop call imsgpi_advance(), which looks what is to be done next.
 */
#ifndef IMSGPROC_PARENT_H
#define IMSGPROC_PARENT_H

#include "child.h"
#include "launch.h"

enum state { OUT, STARTING, READY, STOPPING, DEAD, AGAIN };

struct member {
	struct family *family;
	struct imsgproc_peer *peer;
	struct imsgloop_watch timer; /* of its state */
	struct ibufqueue *held;	     /* messages until both are ready */
	size_t held_bytes;
	unsigned int held_fds;
	enum state state;
	pid_t pid; /* 0: none */
	int status;
	int64_t born;
	int64_t lived;	      /* ms, the last time */
	int backoff;	      /* ms; 0: it did not die lately */
	unsigned int lingers; /* how often it was given more time */
	bool heard;	      /* something came since then */
	unsigned int control; /* ours in its queue, at most */
	bool once;	      /* has been ready */
	bool ready;	      /* ... this time */
	bool reaped;	      /* pid has ended; status */
	bool expected;	      /* it was told to stop */
	bool reloading;	      /* RELOADED is owed */
	bool reload_again;
	bool half;     /* nothing more can be sent to it */
	char why[256]; /* that it ended, or will, if we know better */
};

struct family {
	struct imsgproc *proc;
	struct member *members; /* of proc->peers */
	size_t n;
	int *kept; /* [of * n + to]: that end of a channel, until `of' starts */
	struct program program;
	struct imsgloop_watch tick;
	struct imsgloop_watch deadline; /* of stopping */
	int notify;
	bool running;	/* all have been ready once, and the parent is */
	bool reload;	/* asked for */
	bool reloading; /* the service manager waits for READY=1 */
	bool ending;	/* stopping has begun */
};

/* parent.c */
IMSGPI_HIDDEN void imsgpi_tick(struct family *);
IMSGPI_HIDDEN const char *imsgpi_member_name(const struct member *);
/* As imsgloop_set() of a timer, of m->timer; -1: the loop stops. */
IMSGPI_HIDDEN int imsgpi_family_time(
    struct family *, struct imsgloop_watch *, int ms);
IMSGPI_HIDDEN int imsgpi_member_time(struct member *, int ms);

/* parent-start.c: those whose needs are there; then the parent itself. */
IMSGPI_HIDDEN void imsgpi_start_next(struct family *);
/* One more time; -1: it could not be started. */
IMSGPI_HIDDEN int imsgpi_start_member(struct member *);

/* parent-channels.c: all channels of a member that starts: 0 or -1. */
IMSGPI_HIDDEN int imsgpi_channels_give(struct member *);
/* Ends that were kept for others of channels to one that is gone. */
IMSGPI_HIDDEN void imsgpi_channels_drop(struct member *);
/*
 * A message of ours, beyond the limits that the program's have: 0; or -1, fd is
 * closed, and the member is condemned if it is what is wrong.
 */
IMSGPI_HIDDEN int imsgpi_control(
    struct member *, uint32_t type, int fd, const void *, size_t);

/* parent-talk.c */
IMSGPI_HIDDEN extern const struct imsgloop_cb imsgpi_member_cb;
/* Hands over what came before it was ready and the parent was running. */
IMSGPI_HIDDEN void imsgpi_release(struct member *);
IMSGPI_HIDDEN void imsgpi_held_free(struct member *);

/* parent-death.c */
IMSGPI_HIDDEN void imsgpi_reap(struct family *);
/* The channel is gone or goes. */
IMSGPI_HIDDEN void imsgpi_channel_lose(struct member *);
/* A reaped member has nothing more to say. */
IMSGPI_HIDDEN void imsgpi_buried(struct member *);
/* One is still read, or not any longer. */
IMSGPI_HIDDEN void imsgpi_linger(struct member *);
/* Kills it and forgets its channel, with the reason. */
IMSGPI_HIDDEN IMSGPI_PRINTF(2, 3) void imsgpi_condemn(
    struct member *, const char *, ...);
/* Started again later, or the end of all. */
IMSGPI_HIDDEN int imsgpi_again(struct member *);

/* parent-stop.c: those that nobody needs any more. */
IMSGPI_HIDDEN void imsgpi_stop_next(struct family *);

/* parent-reload.c */
IMSGPI_HIDDEN void imsgpi_reload_begin(struct family *);
/* It has answered, or is gone. */
IMSGPI_HIDDEN void imsgpi_reload_done(struct member *);

#endif
