/* SPDX-License-Identifier: ISC */
/*
 * What a message of the soak looks like, as a function of its number alone:
 * both ends draw the same, so that the receiver knows every byte beforehand
 * and nothing in the message has to be believed.
 */
#ifndef SOAK_PLAN_H
#define SOAK_PLAN_H

#include <stddef.h>
#include <stdint.h>

/* The two ends of a channel. */
#define SOAK_PARENT 0
#define SOAK_CHILD  1

struct soak_rng {
	uint64_t state;
};

uint64_t soak_rand64(struct soak_rng *);
/* 0 to n - 1; 0 for n 0. */
uint32_t soak_rand(struct soak_rng *, uint32_t n);

/* How an end behaves. */
struct soak_manner {
	int sndbuf;	    /* SO_SNDBUF, 0 as it is */
	int limits;	    /* non-zero: tight, drawn from this number */
	uint32_t depth;	    /* most messages composed at a time */
	uint32_t pace;	    /* most milliseconds between two such bursts */
	int recv_of_4;	    /* of four reads, so many by imsgbuf_recv() */
	int cloexec;	    /* imsgbuf_set_cloexec() */
	uint32_t ack_every; /* data messages */
};

/* Everything about one life of a channel that both ends have to know. */
struct soak_profile {
	uint64_t key;
	int wire;
	uint32_t payload;  /* largest */
	uint32_t fd_share; /* one message in that many has a descriptor */
	int blocking;	   /* which end's socket blocks; -1 none */
	int room;	   /* free places in the child's table; 0 no limit */
	int drop;	   /* the child gives up being root */
	uint32_t exit_ms;  /* the child leaves in mid-message; 0 it does not */
	struct soak_manner manner[2];
};

void soak_profile_draw(struct soak_profile *, struct soak_rng *);

enum soak_how { SOAK_COMPOSE, SOAK_COMPOSEV, SOAK_CREATE, SOAK_IBUF };

enum soak_kind {
	SOAK_FD_NONE,
	SOAK_FD_PIPE,
	SOAK_FD_FILE,
	SOAK_FD_SOCKET,
	SOAK_FD_MEMFD
};

struct soak_plan {
	uint32_t type; /* lowest two bits 0 */
	size_t len;
	uint64_t seed; /* of the content, and what the descriptor holds */
	enum soak_how how;
	enum soak_kind kind;
};

void soak_plan_draw(
    struct soak_plan *, const struct soak_profile *, int end, uint32_t number);

void soak_fill(void *, size_t, uint64_t seed);
int soak_check(const void *, size_t, uint64_t seed);

/* A descriptor that holds the seed; -1 and errno if there is none to have. */
int soak_fd_make(enum soak_kind, uint64_t seed);
/* Is it of that kind, does it hold that, and is nobody else at it? */
int soak_fd_check(int fd, enum soak_kind, uint64_t seed);

#endif
