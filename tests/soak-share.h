/* SPDX-License-Identifier: ISC */
/*
 * Memory that all processes of the soak share.  What a child wrote there
 * outlives kill -9, so the parent knows by another way than the channel what
 * the dead had composed, sent and verified.
 *
 * Whoever writes a number does so in the order that makes it a safe bound:
 * composed before the message can leave, sent after the system call.
 */
#ifndef SOAK_SHARE_H
#define SOAK_SHARE_H

#include <sys/types.h>

#include <stdatomic.h>
#include <stdint.h>

#include "soak-plan.h"

#if defined(__SANITIZE_ADDRESS__)
#define SOAK_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SOAK_SANITIZED 1
#endif
#endif

#define SOAK_SLOTS 6

/* Exit statuses of a child. */
#define SOAK_EXIT_DONE	 0
#define SOAK_EXIT_TORN	 7
#define SOAK_EXIT_FAILED 8

/* Of one end of one life of a channel.  Data: without acknowledgements. */
struct soak_tally {
	atomic_ullong composed;	  /* data messages */
	atomic_ullong sent_msgs;  /* all messages, wholly in the socket */
	atomic_ullong sent_bytes; /* in the socket */
	atomic_ullong verified;	  /* data messages received and found right */
};

struct soak_slot {
	struct soak_profile profile;
	struct soak_tally tally[2];
	atomic_int ready; /* the child has its signal handlers */
	unsigned int life;
};

enum soak_counter {
	SOAK_MSGS,
	SOAK_BYTES,
	SOAK_FDS,
	SOAK_LOST,
	SOAK_ENOBUFS,
	SOAK_REFS,
	SOAK_EMFILE,
	SOAK_AT_LIMIT,
	SOAK_SIGNALS,
	SOAK_TORN,
	SOAK_RESETS,
	SOAK_COUNTERS
};

struct soak_share {
	struct soak_slot slot[SOAK_SLOTS];
	atomic_ullong counter[SOAK_COUNTERS];
	atomic_int failures;
};

extern struct soak_share *soak_share;

/* For the content of one message. */
#define SOAK_SCRATCH (1024 * 1024)
extern unsigned char soak_scratch[SOAK_SCRATCH];

/* Makes the memory: its descriptor. */
int soak_share_new(void);
void soak_share_map(int fd);
void soak_add(enum soak_counter, unsigned long long n);
unsigned long long soak_counted(enum soak_counter);

/* The name with which this process reports. */
extern const char *soak_who;
/* What to do after a failure was reported: does not return. */
extern void (*soak_give_up)(void);
/* Reports and gives up. */
_Noreturn void soak_fail(const char *fmt, ...)
    __attribute__((format(printf, 1, 2)));

int64_t soak_now_ms(void);
int soak_count_fds(void);

/* soak-child.c: the program of a child; does not return. */
_Noreturn void soak_child(int slot);

#endif
