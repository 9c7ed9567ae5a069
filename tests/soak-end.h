/* SPDX-License-Identifier: ISC */
/*
 * One end of a channel of the soak: composes by the plan, writes, reads, and
 * holds what comes against the plan.  The parent has one for each child, a
 * child has one; both use the same code.
 */
#ifndef SOAK_END_H
#define SOAK_END_H

#include "imsg.h"
#include "soak-share.h"

#define SOAK_DATA 0
#define SOAK_ACK  1
#define SOAK_FIN  2

#define SOAK_RING  2048
#define SOAK_HOARD 16

/* What an acknowledgement says; also what it is compared with. */
struct soak_ack {
	uint64_t msgs;
	uint64_t bytes;
	uint64_t fds; /* arrived */
	uint64_t lost;
};

/* A queued message, in bytes since the start. */
struct soak_queued {
	uint64_t start;
	uint64_t end;
	int fd;
};

struct soak_end {
	struct imsgbuf b;
	const struct soak_profile *pr;
	const struct soak_manner *manner;
	struct soak_tally *mine;
	struct soak_tally *theirs;
	struct soak_rng rng;
	struct imsg_limits limits;
	int me;
	pid_t peer;
	/* out */
	uint32_t data; /* data messages composed */
	uint64_t composed;
	uint64_t sent; /* bytes, as is the one above */
	struct soak_queued ring[SOAK_RING];
	uint64_t ring_in;  /* messages composed */
	uint64_t ring_out; /* messages wholly sent */
	uint64_t ring_fd;  /* first one whose start is not sent */
	uint32_t queued_fds;
	struct soak_ack acked; /* confirmed by the peer; fds: arrived or not */
	int64_t quiet_until;
	int64_t write_after; /* ETOOMANYREFS: not before this time */
	int broken;	     /* the peer is gone */
	int fin_wanted;
	int fin_out;
	/* in */
	struct soak_ack in; /* data verified */
	uint64_t told;	    /* of these, acknowledged */
	uint64_t in_msgs;   /* of all kinds, as is the next */
	uint64_t in_bytes;
	int fin_in;
	int eof;
	int more;	/* complete messages may not have been fetched */
	int maybe_lost; /* the table had no room to spare of late */
	int hoard[SOAK_HOARD];
	int hoarded;
};

/* soak-end.c */
void soak_end_open(struct soak_end *, int slot, int me, int fd, pid_t peer);
/* Clears the channel and closes all that belongs to it. */
void soak_end_close(struct soak_end *);
/* What to poll for, and how long at most. */
short soak_end_events(struct soak_end *, int *ms);
/* Reads, writes, composes, as far as poll said that it can. */
void soak_end_step(struct soak_end *, short revents);
/* After end of file: is there what must be?  exact: the peer kept its tally. */
void soak_end_verdict(struct soak_end *, int exact);

/* soak-out.c */
void soak_compose(struct soak_end *);
void soak_write(struct soak_end *);
/* Takes note of what has left the queue. */
void soak_written(struct soak_end *);
/* 1 queued, 0 refused by a limit, as it had to be. */
int soak_compose_data(struct soak_end *);
void soak_check_ack(struct soak_end *, const struct soak_ack *);

/* soak-in.c */
void soak_read(struct soak_end *);
/* Fetches all there is; now and then it leaves some for later. */
void soak_fetch(struct soak_end *);
void soak_drop_hoard(struct soak_end *);

#endif
