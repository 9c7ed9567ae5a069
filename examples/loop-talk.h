/* SPDX-License-Identifier: ISC */
/*
 * A small conversation over a channel, the same in every loop: a process is
 * asked to add numbers, a few at a time, and answers with the sums.
 */
#ifndef EXAMPLES_LOOP_TALK_H
#define EXAMPLES_LOOP_TALK_H

#include <imsg_loop.h>

/* Starts the process and asks the first question: 0 or -1. */
int talk_start(struct imsgloop *);
int talk_over(void);
/* 0: all answers were right and the process has ended, as it should. */
int talk_result(void);

#endif
