/* SPDX-License-Identifier: ISC */
/*
 * What test-loop-model.c knows of each channel, its peer, and the callbacks that
 * compare what comes with it.
 */
#ifndef LOOP_MODEL_H
#define LOOP_MODEL_H

#include "looplib.h"

#include <imsg_call.h>

#define SLOTS	 5
#define MESSAGES 4000
#define CALLS	 64

struct call {
	struct chan *of;
	uint32_t number;
	int pending;
};

/* One channel, and what the peer has sent: a message of number 0, or answers. */
struct chan {
	struct chan *next; /* all of this round */
	struct side s;	   /* s.own: attached; s.peer */
	struct imsgcall *call;
	struct call calls[CALLS];
	int ncalls;
	uint32_t answers[MESSAGES];
	char invented[MESSAGES]; /* before there was such a call */
	uint32_t sent, seen, last_number;
	/* To the peer: the last type; how many are queued, or may be. */
	uint32_t composed, queued, perhaps;
	uint32_t arrived, last;
	int paused, closed, gone, hung_up, torn;
	unsigned int budget, this_turn, allowed; /* from the next turn on */
};

extern uint64_t seed;
extern struct chan *all, *slots[SLOTS];
extern unsigned long ends[5], told, answered, messages;
extern const struct imsgloop_cb callbacks;

uint32_t rnd(uint32_t n);
/* Random things, from within a callback: test-loop-model.c. */
void some_ops(uint32_t most);
/* It is gone: nothing of it may be told any more. */
void out(struct chan *);
imsgcall_cb on_answer;
imsgloop_ready_cb on_watch;
void peer_sends(struct chan *, uint32_t number);
void peer_takes(struct chan *);
void peer_hangs_up(struct chan *);

#endif
