/* SPDX-License-Identifier: ISC */
/*
 * What Eva runs: calls one after another on the same buffer, in every order,
 * and the queue.  See ibuf-eva.c.
 */
#include "feature.h"

#include <stdint.h>
#include <stdlib.h>

#include "__fc_builtin.h"
#include "ibuf-int.h"
#include "ibufq-int.h"
#include "ibuf-eva.h"

#define OPS   6
#define STEPS 3

static void
step(struct ibuf *b, int op)
{
	struct ibuf view;

	if (op == 0)
		ibuf_add(b, eva_bytes, 30);
	else if (op == 1) {
		if (ibuf_get_ibuf(b, 7, &view) == 0) {
			ibuf_set_n16(&view, 1, 0xffff);
			eva_ok(&view);
		}
	} else if (op == 2)
		ibuf_add_ibuf(b, b);
	else if (op == 3)
		ibuf_truncate(b, 9);
	else if (op == 4)
		ibuf_set_maxsize(b, 63);
	else {
		ibuf_skip(b, 5);
		ibuf_fd_set(b, eva_fd());
		ibuf_rewind(b);
	}
	eva_ok(b);
}

/* Every order of so many steps: n read as a number to the base of OPS. */
static void
each_order(void)
{
	struct eva_state s = { EVA_INLINE, 12, 100, 3, 0, 0, 0, 0 };
	struct ibuf *b;
	int i, n, order, all;

	all = OPS * OPS * OPS;
	//@ loop unroll 220;
	for (order = 0; order < all; order++) {
		if ((b = eva_make(&s)) == NULL)
			continue;
		n = order;
		//@ loop unroll 4;
		for (i = 0; i < STEPS; i++) {
			step(b, n % OPS);
			n /= OPS;
		}
		eva_end(b);
	}
}

static void
push(struct ibufqueue *q, size_t wpos)
{
	struct eva_state s = { EVA_GROWN, 8, 20, wpos, 0, 0, 0, 0 };
	struct ibuf *b;

	if ((b = eva_make(&s)) != NULL)
		ibufq_push(q, b);
}

/* So many ibufs there, so many here, one taken, the rest moved or flushed. */
static void
queue(int there, int here, int end)
{
	struct ibufqueue *q, *r;
	struct ibuf *b;
	int i;

	q = ibufq_new();
	r = ibufq_new();
	if (q == NULL || r == NULL)
		return;
	//@ loop unroll 4;
	for (i = 0; i < there; i++)
		push(q, i == 0 ? 0 : 3);
	//@ loop unroll 4;
	for (i = 0; i < here; i++)
		push(r, 5);
	if ((b = ibufq_pop(q)) != NULL)
		eva_end(b);
	if (end == 0)
		ibufq_concat(q, r);
	else if (end == 1)
		ibufq_concat(q, q);
	else
		ibufq_flush(r);
	push(r, 1);
	(void)ibufq_queuelen(q);
	ibufq_free(q);
	ibufq_free(r);
	ibufq_free(NULL);
}

void
eva_sequences(void)
{
	int there, here, end;

	ibuf_free(NULL);
	each_order();
	//@ loop unroll 4;
	for (there = 0; there < 4; there++)
		//@ loop unroll 3;
		for (here = 0; here < 3; here++)
			//@ loop unroll 3;
			for (end = 0; end < 3; end++)
				queue(there, here, end);
}
