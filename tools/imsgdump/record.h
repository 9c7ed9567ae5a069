/* SPDX-License-Identifier: ISC */
/*
 * What imsgdump knows of one message, and where it goes.
 *
 * Sources (a traced program, a capture file) make records; sinks (text, JSON,
 * a summary, a diagram, a capture file) take them.  A record and all that it
 * points to belongs to the source and is valid during the call only.
 */
#ifndef RECORD_H
#define RECORD_H

#include <sys/types.h>
#include <stddef.h>
#include <stdint.h>

#include <imsg.h>

/* A process at one end of a channel. */
struct party {
	pid_t pid;	  /* 0: not known */
	const char *name; /* of the program; "" if not known */
};

enum record_kind {
	RECORD_MESSAGE,
	/* A remark about a channel: not imsg, damaged, resynchronised, ... */
	RECORD_NOTE
};

/* The values are those of the capture file and of imsgbuf_set_trace(). */
enum record_event {
	RECORD_QUEUED = 1,
	RECORD_SENT = 2,
	RECORD_RECEIVED = 3,
	RECORD_DROPPED = 4, /* queued, thrown away unsent */
	RECORD_UNREAD = 5   /* received, thrown away before it was fetched */
};

/* record.fd_state, beside IMSG_FD_NONE, _PRESENT and _LOST. */
#define RECORD_FD_SURPLUS 16 /* came with a message that announced none */

/* record.wire */
#define RECORD_WIRE_UNKNOWN 2 /* no header yet that tells the two apart */

struct record {
	enum record_kind kind;
	enum record_event event;
	int64_t time;	  /* nanoseconds since 1970, UTC */
	uint32_t channel; /* from 1, in the order of appearance */
	struct party from, to;
	int wire; /* IMSG_WIRE_*, RECORD_WIRE_UNKNOWN */

	/*
	 * Modern form without mark: len is the total size.  Of a note about
	 * a damaged header the header as it came, else zeros.
	 */
	struct imsg_hdr hdr;
	int fd_state;
	int fd;		    /* number in the process looked at, or -1 */
	const char *fdname; /* what it refers to, "" if not known */

	const unsigned char *data; /* payload, as much of it as was kept */
	size_t len;		   /* of data; at most hdr.len - 16 */

	const char *note; /* text without newline; NULL for a message */
};

struct sink {
	/* 0, or -1 with errno: output failed, which ends the program. */
	int (*put)(struct sink *, const struct record *);
	/* All that is buffered goes out; called before imsgdump waits. */
	int (*flush)(struct sink *);
	/* The last call: writes what is left and frees. */
	int (*end)(struct sink *);
};

#endif
