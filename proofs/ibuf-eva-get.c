/* SPDX-License-Identifier: ISC */
/*
 * What Eva runs: one call of each function that reads a buffer.  See
 * ibuf-eva.c.
 */
#include "feature.h"

#include <stdint.h>
#include <stdlib.h>

#include "__fc_builtin.h"
#include "ibuf-int.h"
#include "ibuf-eva.h"

static void
get_number(struct ibuf *b, int f)
{
	uint8_t n8;
	uint16_t n16;
	uint32_t n32;
	uint64_t n64;

	if (f == 0)
		ibuf_get_n8(b, &n8);
	else if (f == 1)
		ibuf_get_n16(b, &n16);
	else if (f == 2)
		ibuf_get_n32(b, &n32);
	else if (f == 3)
		ibuf_get_n64(b, &n64);
	else if (f == 4)
		ibuf_get_h16(b, &n16);
	else if (f == 5)
		ibuf_get_h32(b, &n32);
	else
		ibuf_get_h64(b, &n64);
}

static void
views(struct ibuf *b, size_t len)
{
	struct ibuf all, some;

	ibuf_from_ibuf(&all, b);
	eva_ok(&all);
	if (ibuf_get_ibuf(b, len, &some) == -1)
		return;
	eva_ok(&some);
	ibuf_get_n8(&some, eva_out);
	ibuf_truncate(&all, len);
	ibuf_rewind(&some);
	eva_ok(&all);
	eva_ok(&some);
}

static void
look(struct ibuf *b)
{
	unsigned char *p = ibuf_data(b);
	size_t have = ibuf_size(b);

	(void)ibuf_left(b);
	if (ibuf_fd_avail(b))
		imsgi_close(ibuf_fd_get(b));
	(void)ibuf_fd_get(b);
	ibuf_rewind(b);
	if (p == NULL || have == 0)
		return;
	/*@ assert data: \valid(p + (0 .. have - 1)); */
}

static void
overwrite(struct ibuf *b, size_t pos, size_t len)
{
	unsigned char *p;

	ibuf_set(b, pos, eva_bytes, len);
	p = ibuf_seek(b, pos, len);
	if (p == NULL || len == 0)
		return;
	/*@ assert found: \valid(p + (0 .. len - 1)); */
}

void
eva_get(const struct eva_state *s, int f)
{
	struct ibuf *b;

	if ((b = eva_make(s)) == NULL)
		return;
	if (f < 7)
		get_number(b, f);
	else if (f == 7)
		views(b, s->hi);
	else if (f == 8)
		look(b);
	else if (f == 9)
		ibuf_get(b, eva_out, eva_len(s));
	else if (f == 10)
		ibuf_skip(b, eva_len(s));
	else if (f == 11)
		overwrite(b, 0, eva_len(s));
	else if (f == 12)
		overwrite(b, 2, s->hi);
	else if (f == 13)
		overwrite(b, eva_len(s), 1);
	else if (f == 14)
		ibuf_set_maxsize(b, s->hi);
	else
		ibuf_truncate(b, s->hi);
	eva_end(b);
}

/* Texts that end at once, in the middle, at the end of the field, nowhere. */
void
eva_text(const struct eva_state *s, int f)
{
	const size_t len = s->hi;
	const size_t nul[] = { 0, len / 2, len == 0 ? 0 : len - 1, len };
	struct eva_state again = *s;
	struct ibuf *b;
	char *out;

	again.fails = f >= 8;
	if ((b = eva_make(&again)) == NULL)
		return;
	eva_fill(eva_bytes, sizeof(eva_bytes), nul[f % 4]);
	if (b->buf != NULL)
		eva_fill(b->buf, b->wpos, b->rpos + nul[f % 4]);
	if (f < 4)
		ibuf_add_strbuf(b, (char *)eva_bytes, len);
	else if (f < 8)
		ibuf_get_strbuf(b, (char *)eva_out, len);
	else if ((out = ibuf_get_string(b, len)) != NULL)
		free(out);
	if ((out = ibuf_get_string(b, len)) != NULL) {
		/*@ assert text: \valid(out) && \initialized(out); */
		free(out);
	}
	eva_end(b);
}
