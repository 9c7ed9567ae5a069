/* SPDX-License-Identifier: ISC */
/*
 * Received messages go to another channel as they are, header and all: what
 * leaves has to be right on that one's wire.
 */
#ifndef FUZZ_RELAY_H
#define FUZZ_RELAY_H

#include <imsg.h>

#include "model.h"

void relay_begin(int classic);
/* 1: one was relayed and sent, 0: there is none, -1: ENOMEM. */
int relay_one(struct imsgbuf *, struct model *);
void relay_end(void);

#endif
