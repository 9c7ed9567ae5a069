/* SPDX-License-Identifier: ISC */
/*
 * The parts that channels.h is made of: sockets, the pairs they form, the
 * bytes that flow out of each, and who is there.
 */
#ifndef CHANNEL_H
#define CHANNEL_H

#include <stdint.h>

#include "channels.h"
#include "endpoint.h"
#include "fdtable.h"

/* Most channels that are known at a time; the one used least lately goes. */
#define CHANNELS_MAX 16384
/* Most of those that no descriptor known leads to. */
#define IDLE_MAX 1024
/* Most senders that are remembered after they closed before an accept. */
#define ORPHANS_MAX 16

enum source {
	SOURCE_OPEN,	/* not decided */
	SOURCE_SENDER,	/* bytes are taken where they are sent */
	SOURCE_RECEIVER /* where they are received */
};

struct who {
	pid_t pid; /* 0 not known */
	char name[64];
};

/* The bytes that are sent into a socket. */
struct flow {
	struct end *from;
	enum source source;
	int dead;	       /* of no use: not imsg */
	pid_t mover;	       /* process that last sent, or received */
	struct stream *stream; /* NULL: nothing yet, or ended */
};

/* A socket. */
struct end {
	struct end *next; /* in its bucket */
	struct channel *channel;
	struct flow *flow; /* NULL: no bytes yet */
	uint64_t ino;	   /* 0: not known */
	uint64_t cookie;   /* 0: not known */
	unsigned int refs; /* known descriptors that are this socket */
	int traced;	   /* there has been one */
	pid_t keeper;	   /* process of one of them, or 0 */
	int foreign;	   /* in another network namespace */
	int unseen;	   /* the kernel could not be asked for it */
	pid_t asked;	   /* process through which it was found */

	pid_t mover;	    /* traced, last sent or received here */
	unsigned int moved; /* generation */
	struct who who;	    /* result of the last search */
	int weak;	    /* others could be meant, too */
	unsigned int found; /* generation */
	unsigned int searches;
	unsigned int asks;    /* for the other end */
	unsigned int checked; /* sockets: no traced process held it then */
};

struct queue {
	struct channel *first, *last;
	size_t count;
};

struct channel {
	struct end *end[2]; /* the second may be a place holder */
	uint32_t number;    /* 0: nothing shown yet */
	int wire;
	struct queue *queue;
	struct channel *prev, *next;
};

/* A process that sent, and closed before anyone accepted. */
struct orphan {
	pid_t pid;
	uint32_t number;
};

struct channels {
	struct stream_budget *budget;
	struct sink *sink;
	struct endpoints *kernel;
	struct fdtable *fds;
	struct end **ends; /* by inode */
	size_t nends;
	struct queue live, idle;
	uint32_t numbers;	 /* given so far */
	unsigned int generation; /* of the set of processes */
	unsigned int sockets;	 /* of that, and of who holds which */
	int error;		 /* of the sink */
	int said;		 /* that sock_diag does not answer */
	int quiet;		 /* no searching now */
	int64_t time;		 /* of that call */
	int64_t began, spent; /* nanoseconds: all, and in searches of /proc */
	pid_t pid;	      /* of the call that is being looked at */
	int fd;
	struct end *at;
	struct orphan orphans[ORPHANS_MAX];
	unsigned int norphans;
};

/* channel.c */
int ends_init(struct channels *);
struct end *end_other(const struct end *);
/* Through which process to ask for it, 0: it is in our namespace. */
pid_t end_asked(const struct end *);
/* The socket; *e is what the kernel said.  NULL ENOMEM. */
struct end *end_get(struct channels *, pid_t pid, const struct endpoint *now);
void end_hold(struct channels *, struct end *, pid_t);
void end_let_go(void *channels, void *end, pid_t);
/* The socket at the other end of e, which had none, is that one. */
void end_join(struct channels *, struct end *e, uint64_t ino);
void channel_used(struct channels *, struct channel *);
/* Retires it if its sockets are gone. */
void channel_check(struct channels *, struct channel *);
void channel_sweep(struct channels *, int n);
/* Ends its streams and forgets it. */
void channel_retire(struct channels *, struct channel *);

/* flow.c */
/* NULL ENOMEM. */
struct flow *flow_get(struct end *from);
/* -1: the sink failed. */
int flow_bytes(struct channels *, struct flow *, const struct bytes *);
int flow_gap(struct channels *, struct flow *, int64_t time, size_t);
void flow_end(struct flow *, int64_t time);
void flow_free(struct flow *);
void channels_note(struct channels *, const char *);
int64_t channels_now(void);

/* holdings.c */
/* The number of a descriptor by which it holds a socket, or -1. */
int process_holds(struct process *, uint64_t ino);

/* party.c */
/*
 * The process at a socket: the one that last used it, or else one that holds
 * it, but rather not except.  Never NULL; pid 0 if not known.
 */
const struct who *party_at(struct channels *, struct end *, pid_t except);
/* A process that is or was at that socket, by number. */
const struct who *party_known(struct channels *, struct end *, pid_t);
/* Whether a traced process but that one holds the socket. */
int party_is_traced(struct channels *, struct end *, pid_t except);

#endif
