/* SPDX-License-Identifier: ISC */
/*
 * Framing and descriptors of libimsg as a model for spin: a program that
 * composes, the sender, a stream socket of a few bytes, the receiver and a
 * program that fetches.  proofs/spin checks every interleaving of them, with
 * every split of the bytes into writes, segments and reads.
 *
 * The stream is endless: the sender may stop after any message, or never.
 * At most K messages are on their way at a time; that is the only bound in
 * length.  They are numbered from the oldest, see forget().
 *
 * What is to hold is said in deliver(), invariants() and the end of the
 * receiver.  Each inline bears the name of the C function that it stands for.
 *
 * Parameters (spin -DNAME=VALUE):
 *	H, P, K		bytes of a header, most of a payload, messages on
 *			their way
 *	RING		bytes of the socket's buffer
 *	KERNEL		LINUX, BSD or ANY
 *	SENDER		OURS, OLD (imsg up to OpenBSD 7.6) or HOSTILE
 *	CLASSIC, RAW	the classic wire; a reader of msgbuf_new_reader()
 *	IOV, MMSG	most pieces of a batch, most messages of a batch
 *	TOKENS		MSGBUF_TOKENS
 *	LOSE, NOMEM	a full descriptor table, want of memory, at any time
 *	SPURIOUS	MSG_CTRUNC where no descriptor was lost
 *	MIX		some writes are ibuf_write() instead of msgbuf_write()
 *	BARES, BADS	hostile: marks without descriptors, bad headers
 *	M_...		a mutant: one rule broken, which must be found
 */
#define LINUX 1 /* a read ends behind the segment that carried a descriptor */
#define BSD 2   /* a read begins, not ends, with that segment */
#define ANY 3   /* whatever keeps to one such segment a read: both and more */

#define OURS 1
#define OLD 2
#define HOSTILE 3

#ifndef H
#define H 2
#endif
#ifndef P
#define P 1
#endif
#ifndef K
#define K 4
#endif
#ifndef RING
#define RING 4
#endif
#ifndef KERNEL
#define KERNEL LINUX
#endif
#ifndef SENDER
#define SENDER OURS
#endif
#ifndef IOV
#define IOV K
#endif
#ifndef MMSG
#define MMSG 3
#endif
#ifdef CLASSIC
#define FIFO 1
#else
#define FIFO 0
#endif
#ifndef TOKENS
#define TOKENS K
#endif
#ifdef RAW
#define LAZY 0
#else
#define LAZY 1
#endif

/* Descriptors: that of message m is m + 1. */
#define NONE 0
#define STRAY (K + 1)
#define LOST 15
#define EXTRA 16 /* beside a descriptor in the socket: another one */

/* A byte of the stream: message and offset; in the socket also these. */
#define BYTE(m, o) ((m) * 8 + (o))
#define MSG(b) (((b) & 63) / 8)
#define OFF(b) ((b) & 7)
#define SEGMENT 64 /* the first of a segment */
#if H + P > 8 || K > 8 || P > 2 || RING > 6
#error "these parameters do not fit"
#endif

/* What there is to know of a message. */
byte shape[K];
#define PLEN 3
#define BAD 3	  /* as length: a header that makes no sense */
#define MARK 4	  /* its header has the mark */
#define QUEUED 8  /* its ibuf in the write queue has the descriptor */
#define GONE 16	  /* the kernel dropped its descriptor */
#define BARE 32	  /* marked, but sent without a descriptor */
#define CLEAN 64  /* nobody broke the rules in a way that concerns it */
#define TOTAL(m) (H + (shape[m] & PLEN))

byte tail;   /* messages on their way, and number of the next one */
byte queued; /* messages in the write queue, the oldest perhaps in part */
byte coming; /* messages composed and not yet complete at the receiver */
byte alive;  /* open descriptors, those in the socket included */
byte taint;  /* somebody broke the rules */
bit closed;  /* the sender has closed the socket */
#define HEAD (tail - queued)
#define NEXT (tail - coming)

#ifdef NP
bit moved; /* something was delivered */
#endif

/* Scratch of a single d_step: not part of the state. */
hidden byte i, j, m, f, s, t, u, total, take, more, marked, used, hid, r;

#define RENUMBER(fd) \
	((fd) == NONE || (fd) == LOST || (fd) == STRAY -> (fd) : \
	((fd) == 1 -> STRAY : (fd) - 1))

#include "framing-kernel.pml"
#include "framing-token.pml"
#include "framing-parse.pml"
#if SENDER == HOSTILE
#include "framing-forget.pml"
#include "framing-hostile.pml"
#else
#include "framing-write.pml"
#include "framing-forget.pml"
#include "framing-sender.pml"
#endif
#include "framing-receiver.pml"
