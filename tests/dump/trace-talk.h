/* SPDX-License-Identifier: ISC */
/* What the traced program of the tests sends. */
#ifndef TRACE_TALK_H
#define TRACE_TALK_H

#include <stdint.h>

#define TALK_MAGIC 0x6b6c6174

struct talk {
	uint32_t magic, from, number, pad[13];
};

/* trace-talk-calls.c: -1, no such mode. */
int talk_calls(const char *mode, uint32_t n);

#endif
