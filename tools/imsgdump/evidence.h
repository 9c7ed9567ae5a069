/* SPDX-License-Identifier: ISC */
/*
 * Is this imsg, and of which generation?
 *
 * Two walks step from header to header through the bytes behind a call's
 * start, one for each wire, until one of them is proven and the other is not
 * possible any more; evidence.c says what counts.  Nothing is kept but where
 * the two are: the time is that of the bytes, however they come.
 */
#ifndef EVIDENCE_H
#define EVIDENCE_H

#include <sys/types.h>
#include <stddef.h>
#include <stdint.h>

#include <imsg.h>

/*
 * Linux never cuts a send short of this: it takes pieces of half a send
 * buffer (unix_stream_sendmsg() in net/unix/af_unix.c), and the smallest
 * buffer is 4608 bytes (SOCK_MIN_SNDBUF).  A call that moved less ended where
 * its sender wanted.
 */
#define EVIDENCE_WHOLE 2048

/* evidence_verdict(), beside the values of record.wire */
#define EVIDENCE_WAIT 16 /* nothing is certain yet */
#define EVIDENCE_NONE 17 /* it is not imsg */

struct header {
	uint32_t total;
	int marked;
};

struct walk {
	int dead;
	unsigned int have; /* of an incomplete header */
	unsigned char hdr[sizeof(struct imsg_hdr)];
	uint32_t total; /* of the last header, and what is missing of it */
	uint32_t left;
	unsigned int told;    /* headers since one differs on the other wire */
	unsigned int matches; /* headers with the pid of their sender */
	unsigned int aligned; /* calls that ended with a message since then */
	unsigned int ends;    /* calls that ended with a message */
	int any, odd;	      /* a header; one that is not plausible */
	int foreign;	      /* one with the pid of another process */
};

struct evidence {
	struct walk walk[2]; /* by wire */
	uint32_t maxsize;
	int presumed; /* imsg for certain: only the wire is in question */
	int untidy;   /* calls end anywhere, which proves nothing */
	int ended;    /* the last byte was the last of its call */
	size_t call;  /* bytes of the present call */
};

/*
 * The header at p on that wire: 1, or 0 if it cannot be one.  strict: without
 * flags that nobody sets, which the library lets pass.
 */
int header_read(
    int wire, const void *p, uint32_t maxsize, int strict, struct header *);
/* 1: the same on both wires, 0: not. */
int header_agrees(const void *p, uint32_t maxsize);

/* wire: the one it has to be, or RECORD_WIRE_UNKNOWN. */
void evidence_begin(struct evidence *, uint32_t maxsize, int wire);
/* pid: the sender's, 0 unknown. */
void evidence_bytes(struct evidence *, const void *, size_t, pid_t pid);
void evidence_call_end(struct evidence *);
/* The other direction has found out. */
void evidence_wire(struct evidence *, int wire);
/* passed: a descriptor waits for a message. */
int evidence_verdict(const struct evidence *, int passed);
/* The same when nothing more will come. */
int evidence_last(const struct evidence *);
/* The last byte was the last of a message on that wire. */
int evidence_between(const struct evidence *, int wire);

#endif
