/* SPDX-License-Identifier: ISC */
/* Between model-chan.c and model-compose.c. */
#ifndef MODEL_CHAN_H
#define MODEL_CHAN_H

#include "model.h"

#define MANY 128
#define HELD 3

struct msg {
	uint32_t type, id, pid;
	size_t len;
	unsigned char data[M_MAX];
	int master;
	size_t start, end; /* in the stream */
	size_t fd_end;	   /* the descriptor has left when that has */
};

/* One direction: what was composed and not delivered, a ring. */
struct dir {
	struct msg m[MANY];
	size_t head, n;
	size_t composed; /* bytes */
	uint32_t next;	 /* type of the next message */
};

/* A message that was received and not freed. */
struct held {
	struct imsg m;
	int there;
	int master;
	struct msg was;
	size_t read;
};

extern struct imsgbuf m_end[2];
extern struct dir m_dir[2]; /* by the end that sends */
extern struct imsg_limits m_limits[2];
extern struct ibufqueue *m_relay;
extern int m_pass; /* descriptors allowed */

/* The i-th that was composed and not delivered. */
struct msg *m_at(struct dir *, size_t i);
/* Bytes that end e has sent. */
size_t m_sent(int e);
/* A message by one of the ways to make one; of a held one. */
void m_compose(int e, struct m_ibuf *slots);
void m_forward(int e, struct held *);
void m_pass_on(int e, struct held *);

#endif
