/* SPDX-License-Identifier: ISC */
/*
 * The suite of hostile peers: what its processes share.
 *
 * For each attack three processes are started.  The victim serves a hostile
 * channel and a good one in one loop; the honest peer wants its messages
 * answered on the good one all the time; the hostile peer does with system
 * calls of its own what the library would never do.  Their parent judges from
 * the report that each of them leaves in shared memory.
 */
#ifndef HOSTILE_H
#define HOSTILE_H

#include "../src/feature.h"

#include <sys/types.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <stddef.h>
#include <stdint.h>

#include "imsg.h"

/* Most channels on which one hostile peer speaks to one victim. */
#define CHANS 64
#define KIB   1024
/* Size of the victims' tables where descriptors in flight are limited. */
#define ORDINARY 64

/* A sanitizer's memory and time are not the library's. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

/* peerid of a message whose type and payload the victim checks. */
#define CHECKED 0x1c4ec3edU
/* Type of the last message on the good channel, from the victim. */
#define BYE 0xffffffffU

/* How the victim serves its hostile channels. */
enum how {
	HOW_LOOP,   /* as imsg(3), EVENT LOOP, sockets that do not block */
	HOW_NOWAIT, /* imsgbuf_recv() and imsgbuf_flush_timeout() with 0 ms */
	HOW_RECV,   /* imsgbuf_recv() with a deadline */
	HOW_FLUSH   /* imsgbuf_flush_timeout() with one */
};

/* What the victim fetches in a round. */
#define FETCH_ALL  0
#define FETCH_NONE (-1) /* until the hostile peer is gone */

/* What it answers to each message. */
enum answer {
	ANSWER_NONE,
	ANSWER_MESSAGE,
	ANSWER_DESCRIPTOR,
	ANSWER_BOTH /* in turn one with a descriptor and one without */
};

struct setup {
	enum how how;
	int pass; /* imsgbuf_allow_fdpass() */
	int fetch;
	enum answer answer;
	int chans;	  /* 0: one */
	uint32_t maxsize; /* total; 0: the default */
	struct imsg_limits limits;
	int option; /* socket option that the peer set on our end, 0: none */
	int value;
	int places;  /* free ones in the descriptor table, 0: plenty */
	int shared;  /* the hostile peer has a copy of our end */
	int ms;	     /* deadline of HOW_RECV and HOW_FLUSH */
	int type;    /* of the socket, 0: a stream */
	int as_user; /* not with privileges */
};

enum end {
	END_OPEN,   /* not yet */
	END_EOF,    /* imsgbuf_read() 0, nothing held */
	END_TORN,   /* the same, imsgbuf_partial() 1 */
	END_FAILED, /* imsgbuf_failed() */
	END_ERROR,  /* of the system call */
	/* Expected only: */
	END_RESET, /* unread bytes were dropped: ECONNRESET, here or there */
	END_ANY	   /* the peer spoiled its own stream */
};

struct expect {
	enum end end;
	int error;
	int werror;   /* of a write, 0: none or any */
	int some;     /* not all complete messages arrive */
	int timeouts; /* least number of ETIMEDOUT */
	int dropped;  /* least number of answers refused with ENOBUFS */
	int lost;     /* least number of IMSG_FD_LOST */
	int present;  /* least number of descriptors */
	int toomany;  /* least number of ETOOMANYREFS */
	int answers;  /* the peer counts as many as it asked for */
	int held;     /* most descriptors held at a time */
	int stall_ms; /* a known limit: least time that one answer took */
};

struct peer;

struct attack {
	const char *name;
	void (*run)(struct peer *);
	unsigned int wires; /* MODERN, CLASSIC */
	uint32_t arg;
	uint32_t count;
	struct setup victim;
	struct expect expect;
};

#define MODERN	(1U << IMSG_WIRE_MODERN)
#define CLASSIC (1U << IMSG_WIRE_CLASSIC)

struct chan_report {
	enum end end;
	int error;
	int werror;
	int unsteady; /* a failure or an end was not told again, or cost calls */
	uint32_t len; /* second word of the header at fault */
};

struct victim_report {
	struct chan_report chan[CHANS];
	uint64_t msgs, wrong, lost, present, untouched;
	uint64_t dropped, timeouts, toomany, queue_changed;
	uint64_t rounds, idle, round_calls, late_rounds;
	uint64_t bytes_in, bytes_out, recvs, sends, again, closes, bad_closes;
	uint64_t calls, good_calls;
	long heap, rss; /* KiB */
	long cpu_ms, over_ms;
	int held, left, finished;
};

struct honest_report {
	uint64_t sent, answered, fds;
	long worst_ms;
	int finished;
	char fault[96];
};

struct peer_report {
	uint64_t sends, bytes, msgs, announced, answers, answer_fds, asked;
	uint64_t oob;
	int finished, skipped, full;
	char fault[96];
};

/* In shared memory, one a run. */
struct run {
	const struct attack *a;
	int wire;
	struct victim_report v;
	struct honest_report h;
	struct peer_report p;
};

/* Ends of what connects the processes; the parent closes them all. */
struct ends {
	int hostile[CHANS][2]; /* [0] is the peer's */
	int good[2];	       /* [0] is the honest peer's */
	int beat[2];	       /* a byte for each answer */
	int gone[2];	       /* [1] is open in the hostile peer alone */
};

/* The hostile peer. */
struct peer {
	const struct attack *a;
	struct peer_report *r;
	int s[CHANS];
	int chans;
	int theirs; /* the victim's end, or -1 */
	int beat;
	int wire;
	uint32_t seq[CHANS];
};

/* hostile.c */
int64_t now_ms(void);
void pattern(unsigned char *, size_t, uint32_t);
int pattern_ok(const unsigned char *, size_t, uint32_t);
/* Closes all descriptors but the standard ones and these n, from 3 on now. */
void keep_only(int **fds, int n);
/* RLIMIT_NOFILE of this process; 0: as high as may be. */
void table_limit(rlim_t);
_Noreturn void give_up(char *fault, const char *what);

/* hostile-victim.c, hostile-honest.c, hostile-peer.c: do not return */
_Noreturn void victim(struct run *, struct ends *);
_Noreturn void honest(struct run *, struct ends *);
_Noreturn void hostile_peer(struct run *, struct ends *);

/* hostile-judge.c: number of faults, which it prints. */
const char *result_text(const struct run *);
int judge(const struct run *, const struct run *quiet);
long memory_bound(const struct run *);

/* hostile-table.c */
extern const struct attack attacks[];
extern const size_t nattacks;

#endif
