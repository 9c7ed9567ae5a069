/* SPDX-License-Identifier: ISC */
/*
 * What Eva runs: one call of each function that writes to a buffer.  See
 * ibuf-eva.c.
 */
#include "feature.h"

#include <stdint.h>
#include <stdlib.h>

#include "__fc_builtin.h"
#include "ibuf-int.h"
#include "ibuf-eva.h"

static void
add_value(struct ibuf *b, int f, uint64_t v)
{
	if (f == 0)
		ibuf_add_n8(b, v);
	else if (f == 1)
		ibuf_add_n16(b, v);
	else if (f == 2)
		ibuf_add_n32(b, v);
	else if (f == 3)
		ibuf_add_n64(b, v);
	else if (f == 4)
		ibuf_add_h16(b, v);
	else if (f == 5)
		ibuf_add_h32(b, v);
	else
		ibuf_add_h64(b, v);
}

static void
set_value(struct ibuf *b, int f, size_t pos, uint64_t v)
{
	if (f == 0)
		ibuf_set_n8(b, pos, v);
	else if (f == 1)
		ibuf_set_n16(b, pos, v);
	else if (f == 2)
		ibuf_set_n32(b, pos, v);
	else if (f == 3)
		ibuf_set_n64(b, pos, v);
	else if (f == 4)
		ibuf_set_h16(b, pos, v);
	else if (f == 5)
		ibuf_set_h32(b, pos, v);
	else
		ibuf_set_h64(b, pos, v);
}

void
eva_value(const struct eva_state *s, int f, int wider)
{
	const int widths[] = { 0, 1, 2, 3, 1, 2, 3 };
	const size_t have = s->wpos - s->rpos;
	struct ibuf *b;
	uint64_t v;

	if ((b = eva_make(s)) == NULL)
		return;
	v = f < 14 ? eva_wide(widths[f % 7] + wider) : 0;
	if (f < 7)
		add_value(b, f, v);
	else if (f < 14) {
		set_value(b, f - 7, 0, v);
		set_value(b, f - 7, have, v);
		set_value(
		    b, f - 7, Frama_C_unsigned_long_interval(0, SIZE_MAX), v);
	} else if (wider)
		ibuf_add_ibuf(b, b);
	else if (!IBUF_IS_VIEW(b))
		ibuf_fd_set(b, eva_fd());
	eva_end(b);
}

/* All of reserved storage may be written. */
static void
reserve(struct ibuf *b, size_t len)
{
	unsigned char *p;

	p = ibuf_reserve(b, len);
	if (p == NULL || len == 0)
		return;
	/*@ assert reserved: \valid(p + (0 .. len - 1)); */
}

static void
add_view(struct ibuf *b, size_t len)
{
	struct ibuf view;

	if (len > EVA_BYTES)
		return;
	ibuf_from_buffer(&view, eva_bytes, len);
	ibuf_add_ibuf(b, &view);
}

void
eva_add(const struct eva_state *s, int f)
{
	struct ibuf *b;

	if ((b = eva_make(s)) == NULL)
		return;
	if (f == 0)
		reserve(b, eva_len(s));
	else if (f == 1)
		ibuf_add(b, eva_bytes, eva_len(s));
	else if (f == 2)
		add_view(b, eva_len(s));
	else
		ibuf_add_zero(b, eva_len(s));
	eva_end(b);
}
