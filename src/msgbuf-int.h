/* SPDX-License-Identifier: ISC */
/*
 * The inside of a msgbuf: a write queue, and for readers the receive side.
 *
 * Invariants.  Write side: wq holds what has bytes to send and hollow what has
 * a descriptor only; count is what msgbuf_queuelen() says, zero if and only if
 * both are empty; every byte in wq belongs after every byte before it.  Receive
 * side: messages are fetched from rq, then from the ready ones; while there are
 * ready ones no token waits, and cur is not set; without them ready is inpos
 * between two steps of the parser.  cur is the message whose header is
 * complete, missing the bytes of it that have not arrived; while cur is set and
 * the last read was parsed to its end, the input buffer is empty; otherwise it
 * holds less than one header.
 */
#ifndef IMSG_MSGBUF_INT_H
#define IMSG_MSGBUF_INT_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "ibuf-int.h"
#include "ibufq-int.h"
#include "imsg.h"
#include "os.h"

/* The knobs shrink in tests, so that every boundary is crossed. */
#ifndef IMSGI_INPUT_SIZE
#define IMSGI_INPUT_SIZE IBUF_READ_SIZE
#endif
/*
 * Output chunks, in bytes: the usual one, the largest (each one behind a full
 * one is four times as large), and one behind another buffer.
 */
#ifndef IMSGI_CHUNK_SIZE
#define IMSGI_CHUNK_SIZE 65536
#endif
#define IMSGI_CHUNK_MAX (512 * (size_t)IMSGI_CHUNK_SIZE)
/* From here on in huge pages: 5 MiB are queued before the first such one. */
#define IMSGI_CHUNK_LARGE (256 * (size_t)IMSGI_CHUNK_SIZE)
/* Largest message that goes into a chunk. */
#define IMSGI_STAGE_MAX (32 * (size_t)IMSGI_CHUNK_SIZE)
#ifndef IMSGI_CHUNK_FIRST
#define IMSGI_CHUNK_FIRST 256
#endif
/* Largest payload for which the announced size is allocated at once. */
#ifndef IMSGI_PLACE_MAX
#define IMSGI_PLACE_MAX 65536
#endif
/* Largest message for which the one before it is reason enough to do so. */
#define IMSGI_TRUST_MAX ((size_t)4 * 1024 * 1024)
/* Smallest and largest total size for which the next's place is guessed. */
#ifndef IMSGI_GUESS_MIN
#define IMSGI_GUESS_MIN 8192
#endif
#define IMSGI_GUESS_MAX ((size_t)IMSGI_PLACE_MAX / 16 * 15)
/* A batch lives on the stack: 2.9 KiB with these. */
#ifndef IMSGI_IOV_MAX
#define IMSGI_IOV_MAX 96
#endif
#ifndef IMSGI_MMSG_MAX
#define IMSGI_MMSG_MAX 16
#endif
/* Chunks kept; with input buffer and guessed place 256 KiB a channel. */
#define MSGBUF_SPARES 2
/* Descriptors that may wait for their header on the classic wire. */
#define MSGBUF_TOKENS 64

/*
 * Several messages composed into one stretch of memory: text from the start,
 * from the end downwards a slot for each message that tells where it ends, so
 * that a chunk sent in part still knows how many of its messages are gone.
 * What is between them is room.
 */
struct chunk {
	struct ibuf ibuf; /* first; its size: bytes to wipe in the end */
	size_t cap;	  /* bytes of text, room and slots */
	size_t room;
	uint32_t done;	 /* slots of messages that are sent */
	uint32_t halves; /* of first halves: the last one, or none */
};

/* Descriptors received whose message is not known yet, oldest first. */
struct tokens {
	int fd[MSGBUF_TOKENS + 2];
	unsigned int n;
	unsigned int old; /* of these, from earlier receipts */
	int fifo;	  /* classic wire: wait for any marked header */
};

typedef struct ibuf *msgbuf_readhdr(struct ibuf *, void *, int *);

/*
 * What a protocol tells about its headers so that complete messages can wait
 * in the input buffer until somebody fetches them.
 */
struct msgbuf_lazy {
	/*
	 * Steps over messages, at most max where places are guessed, each
	 * with a good header, complete within len bytes and not to be asked
	 * about descriptors; gives their headers the form in which they are
	 * fetched.  Counts them in *n and returns their bytes.  *more: what
	 * stopped it is a good header that can wait, but there is no more of
	 * it than that.
	 */
	size_t (*scan)(void *arg, unsigned char *p, size_t len, uint32_t max,
	    uint32_t *n, int *more);
	/* Where that form has the size, 32 bits in host order. */
	size_t size_at;
	/* Back from that form when a received message is queued as it is. */
	void (*unscan)(struct ibuf *);
};

/*
 * What is put into the write queue at once, and what is fetched at once: a
 * message, or a half of one.
 */
enum msgbuf_part { MSGBUF_WHOLE, MSGBUF_FIRST, MSGBUF_REST };

struct msgbuf_unit {
	int event; /* IMSG_TRACE_* */
	enum msgbuf_part part;
	const unsigned char *p;
	size_t len;
	int fd; /* that it has or had, or -1 */
};

/* Who is told what becomes of each unit, while its bytes are there. */
struct msgbuf_watch {
	/* The first argument is that of readhdr.  NULL: nobody. */
	void (*fn)(void *, const struct msgbuf_unit *);
	int skip; /* the oldest unit was begun before: not a word about it */
	/* Of an ibuf sent in part, the queue's head, where it began. */
	size_t start;
	int fd; /* and the descriptor that it had */
};

/* The header of a message whose payload is another unit. */
struct msgbuf_half {
	struct imsg_hdr hdr;
	int fd;
	int known;
};

/* The imsg room's own; a struct imsgbuf has no room for it. */
struct msgbuf_trace {
	imsg_trace_cb *cb;
	void *arg;
	struct msgbuf_half tail; /* being queued */
	struct msgbuf_half head; /* sent or dropped */
};

struct msgbuf {
	/* write side */
	struct ibufqueue wq;
	struct ibufqueue hollow;
	struct chunk *spare[MSGBUF_SPARES];
	uint32_t count;
	uint32_t halves; /* of these, first halves of messages */
	int slow;	 /* a limit of the write side is set, or watch.fn */
	int no_mmsg;	 /* -1 not known yet, 0 usable, 1 not, or: */
#define MSGBUF_TORN 2	 /* it has left a gap in the stream */
	struct imsgi_inflight inflight;
	/* receive side */
	struct ibufqueue rq;
	struct ibufqueue parts; /* continuation of cur's storage */
	struct ibuf *cur;
	size_t missing;
	struct ibuf *place; /* guessed: the next message may have this size */
	size_t seen;	    /* size of the last one large enough to guess */
	size_t guess;	    /* and of the one before it, if they agree, or 0 */
	size_t proven;	    /* size of the last one that came in parts */
	unsigned char *in;  /* [ready, inend) is not parsed yet */
	size_t insize;
	size_t inpos;
	size_t inend;
	size_t ready; /* [inpos, ready) are complete messages that wait */
	uint32_t nready;
	struct tokens tokens;
	msgbuf_readhdr *readhdr;
	const struct msgbuf_lazy *lazy; /* NULL: messages are made at once */
	void *arg;
	size_t hdrsz;
	int failed;  /* errno of a framing failure, 0 none */
	int badhdr;  /* the header that failed is at in[0] */
	int stalled; /* parsing stopped for want of memory */
	int eof;
	/* both */
	int knows_lost; /* readhdr understands IMSGI_FD_LOST */
	int touched;	/* bytes were queued, sent or received */
	struct imsg_limits limits;
	struct msgbuf_watch watch;
	struct msgbuf_trace trace;
};

/* What a send did. */
enum msgbuf_sent {
	MSGBUF_FAIL = -1, /* errno */
	MSGBUF_IDLE,	  /* nothing to send */
	MSGBUF_SENT,	  /* at least one byte */
	MSGBUF_FULL,	  /* EAGAIN */
	MSGBUF_NOBUFS
};

/* What a receive did, beside -1, 0 and 1 of msgbuf_read(). */
#define MSGBUF_WOULDBLOCK 2

/* msgbuf.c */
/* As ibuf_close() for the second half of a message: takes no waiting fd. */
IMSGI_HIDDEN void imsgi_msgbuf_follow(struct msgbuf *, struct ibuf *);

/* msgbuf-chunk.c */
/*
 * Room for a message of len bytes behind all that is queued, already counted
 * as queued; the caller must fill it.  part: first half of a message.  NULL:
 * better queued as an ibuf of its own; nothing has changed.
 */
IMSGI_HIDDEN unsigned char *imsgi_msgbuf_stage(struct msgbuf *, size_t, int);
/* Where the message of that slot lies; 0: there is no such slot. */
IMSGI_HIDDEN int imsgi_chunk_slot(
    const struct chunk *, uint32_t, size_t *start, size_t *end);
/*
 * Slots that became complete at rpos; in *halves how many first halves.  Such
 * a half is the last in its chunk: an ibuf follows it.
 */
IMSGI_HIDDEN uint32_t imsgi_chunk_advance(struct chunk *, uint32_t *);
IMSGI_HIDDEN void imsgi_chunk_retire(struct msgbuf *, struct chunk *);
/* All that was queued was in this chunk, and has been sent. */
IMSGI_HIDDEN void imsgi_chunk_sent(struct msgbuf *, struct chunk *);
/* Wipes every byte that was ever written to it; it must not be linked in. */
IMSGI_HIDDEN void imsgi_chunk_free(struct chunk *);
IMSGI_HIDDEN void imsgi_chunk_drop_spares(struct msgbuf *);

/* msgbuf-watch.c: to be called only while somebody watches. */
/* Begins to watch. */
IMSGI_HIDDEN void imsgi_watch_start(
    struct msgbuf *, void (*)(void *, const struct msgbuf_unit *));
/* An ibuf, or len bytes in a chunk, are in the write queue. */
IMSGI_HIDDEN void imsgi_watch_queued(struct msgbuf *, const struct ibuf *);
IMSGI_HIDDEN void imsgi_watch_staged(
    struct msgbuf *, const unsigned char *, size_t len, enum msgbuf_part);
/* So many bytes of the queue's head, which are still there, were sent. */
IMSGI_HIDDEN void imsgi_watch_taken(struct msgbuf *, struct ibuf *, size_t);
/* An ibuf was sent to its end. */
IMSGI_HIDDEN void imsgi_watch_sent(struct msgbuf *, const struct ibuf *);
/* A message goes to the program. */
IMSGI_HIDDEN void imsgi_watch_fetched(struct msgbuf *, const struct ibuf *);
/* All that is queued and received is about to be dropped. */
IMSGI_HIDDEN void imsgi_watch_clear(struct msgbuf *);

/* msgbuf-write.c */
IMSGI_HIDDEN enum msgbuf_sent imsgi_msgbuf_send(struct msgbuf *, int, int);
IMSGI_HIDDEN enum msgbuf_sent imsgi_msgbuf_sendfd(struct msgbuf *, int, int);

/* msgbuf-read.c */
/* msgbuf_new_reader() whose callback understands IMSGI_FD_LOST. */
IMSGI_HIDDEN struct msgbuf *imsgi_msgbuf_new_reader(
    size_t, msgbuf_readhdr *, const struct msgbuf_lazy *, void *);
/* After the last ready message: parses on, and wipes what was consumed. */
IMSGI_HIDDEN void imsgi_msgbuf_settle(struct msgbuf *);
/*
 * ibuf_read() or, with IMSGI_RECV_PASS, msgbuf_read(); MSGBUF_WOULDBLOCK on
 * EAGAIN.  The second int are flags of os.h.
 */
IMSGI_HIDDEN int imsgi_msgbuf_receive(struct msgbuf *, int, int);
IMSGI_HIDDEN void imsgi_msgbuf_clear_read(struct msgbuf *);

/* msgbuf-current.c */
IMSGI_HIDDEN void imsgi_current_drop(struct msgbuf *);
/* Where its next bytes go, and how many fit there, one at least; or NULL. */
IMSGI_HIDDEN struct ibuf *imsgi_current_room(struct msgbuf *, size_t *);
/* So many bytes were put there. */
IMSGI_HIDDEN void imsgi_current_advance(struct msgbuf *, struct ibuf *, size_t);
/* Moves input that was parsed into it.  -1 ENOMEM. */
IMSGI_HIDDEN int imsgi_current_absorb(struct msgbuf *);
/* Nothing is missing any more: it can be fetched. */
IMSGI_HIDDEN void imsgi_current_deliver(struct msgbuf *);

/* msgbuf-lazy.c */
/* Leaves messages to wait.  1: the next one may wait, too, but is incomplete */
IMSGI_HIDDEN int imsgi_lazy_scan(struct msgbuf *);
/* It has been fetched: is due when it was large or the last of them. */
IMSGI_HIDDEN void imsgi_lazy_after(struct msgbuf *, size_t);
/* Makes the next, or all, of the ready messages.  -1 ENOMEM. */
IMSGI_HIDDEN int imsgi_lazy_make(struct msgbuf *);
IMSGI_HIDDEN int imsgi_lazy_make_all(struct msgbuf *);

/* msgbuf-place.c */
/* Takes note of the size of a message received, GUESS_MIN at least. */
IMSGI_HIDDEN void imsgi_place_note(struct msgbuf *, size_t);
/* Where the next message may be received, or NULL. */
IMSGI_HIDDEN struct ibuf *imsgi_place_get(struct msgbuf *);
/* n bytes came, first into the place, then into the input buffer. */
IMSGI_HIDDEN void imsgi_place_arrived(struct msgbuf *, size_t);
IMSGI_HIDDEN void imsgi_place_drop(struct msgbuf *);

/* msgbuf-token.c */
IMSGI_HIDDEN void imsgi_token_arrive(struct tokens *, int);
IMSGI_HIDDEN int imsgi_token_offer(const struct tokens *);
IMSGI_HIDDEN void imsgi_token_header(struct tokens *, int);
IMSGI_HIDDEN int imsgi_token_receipt_end(struct tokens *, int);
IMSGI_HIDDEN void imsgi_token_clear(struct tokens *);

/*
 * The two steps that every small message takes, inline: called as functions
 * they would cost it a tenth of its time.
 */

/* Bytes of a slot. */
#define MSGBUF_SLOT sizeof(uint32_t)

/* len bytes of text and their slot, for which there is room. */
static inline unsigned char *
imsgi_chunk_put(struct msgbuf *m, struct chunk *c, size_t len, int half)
{
	unsigned char *p = c->ibuf.buf + c->ibuf.wpos;
	uint32_t end;

	c->ibuf.wpos += len;
	c->room -= len + MSGBUF_SLOT;
	end = (uint32_t)c->ibuf.wpos;
	if (half) {
		c->halves++;
		m->halves++;
	}
	memcpy(p + len + c->room, &end, sizeof(end));
	m->wq.bytes += len;
	m->count++;
	m->touched = 1;
	return p;
}

/*
 * The chunk at the end of the write queue, where a kept one is put if nothing
 * is queued, if it has room for that much; or NULL.
 */
static inline struct chunk *
imsgi_chunk_at_end(struct msgbuf *m, size_t len)
{
	struct ibuf *last = m->wq.last;
	struct chunk *c = (struct chunk *)(void *)last;

	if (last == NULL) {
		if ((c = m->spare[0]) == NULL)
			return NULL;
		if (len > c->room || c->room - len < MSGBUF_SLOT)
			return NULL;
		m->spare[0] = NULL;
		m->wq.first = m->wq.last = &c->ibuf;
		m->wq.len = 1;
		return c;
	}
	if (!(last->state & IBUF_CHUNK) || len > c->room ||
	    c->room - len < MSGBUF_SLOT)
		return NULL;
	return c;
}

/* The oldest of the ready messages is going into b. */
static inline void
imsgi_lazy_taken(struct msgbuf *m, struct ibuf *b, size_t total)
{
	b->wpos = total;
	b->state |= IBUF_RECEIVED;
	m->inpos += total;
	m->nready--;
}

#endif
