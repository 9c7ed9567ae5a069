/* SPDX-License-Identifier: ISC */
/*
 * Random operation sequences beside a model that is too simple to be wrong:
 * arrays of bytes, and lists of messages with the number of the descriptor
 * that each one carries.  model-ibuf.c has the buffers, model-chan.c the
 * channels, test-model.c what joins them.
 */
#ifndef MODEL_H
#define MODEL_H

#include "testlib-fault.h"

#define M_MAX	  600 /* bytes of a buffer or payload */
#define M_SLOTS	  4
#define M_MASTERS 16

/* A buffer and what must be in it. */
struct m_ibuf {
	struct ibuf *b; /* NULL: no buffer here */
	unsigned char data[M_MAX];
	size_t w, r, max;
	int master; /* descriptor attached, as an index, or -1 */
};

/* Descriptors of which messages carry duplicates. */
extern int m_master[M_MASTERS];

int m_random_master(void);
int m_dup(int master);
/* fd, which is closed, is a duplicate of that one. */
void m_same_fd(int fd, int master);
/* 0 to n - 1 */
size_t m_below(size_t n);
/*
 * What a call returned and errno against what must be: 0, or an errno.  1 if
 * it succeeded; 0 also if memory was short and may have been.
 */
int m_ok(int failed, int want);

/* One random operation on one of the slots. */
void m_ibuf_step(struct m_ibuf *slots);
void m_ibuf_verify(const struct m_ibuf *);
void m_ibuf_free(struct m_ibuf *);

/* The channels: a new pair, an operation, and that everything arrives. */
void m_chan_begin(void);
void m_chan_step(struct m_ibuf *slots);
void m_chan_end(void);
/* Messages that were delivered since the program started, and descriptors. */
extern unsigned long m_delivered, m_passed;

#endif
