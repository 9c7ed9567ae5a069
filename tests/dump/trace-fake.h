/* SPDX-License-Identifier: ISC */
/*
 * Channels that only remember what the tracer told them.
 */
#ifndef TRACE_FAKE_H
#define TRACE_FAKE_H

#include <sys/types.h>
#include <stddef.h>
#include <stdint.h>

#include "channels.h"

enum heard_kind {
	HEARD_BYTES,
	HEARD_GAP,
	HEARD_EOF,
	HEARD_CLOSE,
	HEARD_OPEN,
	HEARD_PAIR, /* len: the second number */
	HEARD_PROCESS,
	HEARD_EXEC,
	HEARD_RENAMED,
	HEARD_EXIT
};

struct heard {
	enum heard_kind kind;
	pid_t pid;
	int fd, dir;
	size_t len, nfds;
	int last;
	int passed[2];		 /* numbers of the first two descriptors */
	unsigned char start[64]; /* of the bytes */
};

struct fake {
	struct heard *heard;
	size_t n, max;
	size_t bytes;	/* in all */
	int wants_recv; /* take bytes where they are received */
	/* Called for everything heard, in the thread that traces. */
	void (*hook)(const struct heard *);
	struct channels *channels;
	struct sink sink;
	int flushed;
};

extern struct fake fake;

void fake_begin(void);
void fake_end(void);
/* How many of a kind, of process pid or of all (0). */
size_t fake_count(enum heard_kind, pid_t pid);

#endif
