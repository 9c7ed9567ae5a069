/* SPDX-License-Identifier: ISC */
/*
 * What Eva runs: every function of the ibuf and ibufq rooms on buffers in
 * every kind of state.
 *
 * The loops give concrete sizes, positions and lengths, chosen around each
 * boundary that the code knows; descriptors, contents, values and the
 * success of every allocation are left open.  Only the libc is a model.  This
 * file is compiled by nothing but Frama-C.
 */
#include "feature.h"

#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "__fc_builtin.h"
#include "ibuf-int.h"
#include "ibufq-int.h"
#include "ibuf-eva.h"

/* The model of close(2) knows so many descriptors. */
#define FD_LAST 1023

unsigned char eva_bytes[EVA_BYTES];
unsigned char eva_out[EVA_BYTES];
static unsigned char shown[EVA_BYTES];

void
eva_fill(unsigned char *p, size_t n, size_t nul)
{
	if (n > 0)
		memset(p, 'x', n);
	if (nul < n)
		p[nul] = 0;
}

uint64_t
eva_wide(int width)
{
	const uint64_t top[] = { 0xff, 0xffff, 0xffffffff, UINT64_MAX };

	if (width > 3)
		width = 3;
	return Frama_C_unsigned_long_interval(
	    width == 0 ? 0 : top[width - 1] + 1, top[width]);
}

int
eva_fd(void)
{
	return Frama_C_interval(-1, FD_LAST);
}

void
eva_ok(const struct ibuf *b)
{
	/*@ assert order: b->rpos <= b->wpos <= b->size; */
	/*@ assert bound: b->fd == -2 || b->size <= b->max; */
	/*@ assert none: b->buf == \null ==> b->size == 0; */
	/*@ assert storage: b->buf != \null && b->size > 0 ==>
	      \valid(b->buf + (0 .. b->size - 1)); */
}

/* Anything may have been written up to wpos, and read up to rpos. */
static struct ibuf *
fill(struct ibuf *b, size_t wpos, size_t rpos)
{
	if (b == NULL)
		return NULL;
	b->wpos = wpos;
	b->rpos = rpos;
	if (wpos > 0)
		Frama_C_make_unknown((char *)b->buf, wpos);
	return b;
}

/*
 * Which of the next allocations fail: bit 0 is the next one.  Chosen by the
 * loops, so that Eva keeps apart what happens after success and failure.
 */
static unsigned int fails;

static int
fails_now(void)
{
	int now = fails & 1;

	fails >>= 1;
	return now;
}

static void *
eva_alloc(size_t n)
{
	return fails_now() ? NULL : malloc(n);
}

static void *
eva_calloc(size_t n, size_t size)
{
	return fails_now() ? NULL : calloc(n, size);
}

static struct ibuf *
make_grown(size_t size, size_t max)
{
	struct ibuf *b;

	if ((b = ibuf_dynamic(0, max)) == NULL)
		return NULL;
	if (size > 0 && (b->buf = calloc(1, size)) == NULL) {
		ibuf_free(b);
		return NULL;
	}
	b->size = size;
	return b;
}

/* A view is the caller's, here on the heap so that eva_end() fits all. */
static struct ibuf *
make_view(size_t size)
{
	struct ibuf *b;

	if ((b = malloc(sizeof(*b))) == NULL)
		return NULL;
	Frama_C_make_unknown((char *)shown, sizeof(shown));
	ibuf_from_buffer(b, size == 0 ? NULL : shown, size);
	return b;
}

struct ibuf *
eva_make(const struct eva_state *s)
{
	struct ibuf *b;

	fails = 0;
	if (s->kind == EVA_VIEW)
		b = make_view(s->size);
	else if (s->kind == EVA_GROWN)
		b = make_grown(s->size, s->max);
	else if (s->kind == EVA_RAW)
		b = imsgi_ibuf_new(s->size, s->max);
	else if (s->kind == EVA_FIXED)
		b = ibuf_open(s->size);
	else
		b = ibuf_dynamic(s->size, s->max);
	if (b != NULL && s->kind != EVA_VIEW)
		b->fd = eva_fd();
	fails = s->fails;
	return fill(b, s->wpos, s->rpos);
}

void
eva_end(struct ibuf *b)
{
	eva_ok(b);
	if (IBUF_IS_VIEW(b))
		free(b);
	else
		ibuf_free(b);
}

size_t
eva_len(const struct eva_state *s)
{
	return Frama_C_unsigned_long_interval(s->lo, s->hi);
}

/* Numbers that just fit, and that do not. */
static void
each_value(const struct eva_state *s)
{
	int f;

	//@ loop unroll 20;
	for (f = 0; f < EVA_VALUES; f++) {
		eva_value(s, f, 0);
		eva_value(s, f, 1);
	}
}

/* Any length from lo to hi, which must all have the same outcome. */
static void
each_add(struct eva_state *s, size_t lo, size_t hi)
{
	int f;

	if (lo > hi)
		return;
	s->lo = lo;
	s->hi = hi;
	//@ loop unroll 20;
	for (f = 0; f < EVA_ADDS; f++)
		eva_add(s, f);
}

/* One that makes the buffer grow, at the first attempt, the second, never. */
static void
each_growth(struct eva_state *s, size_t len)
{
	if (len <= s->size - s->wpos || len > s->max - s->wpos)
		return;
	s->fails = 0;
	each_add(s, len, len);
	s->fails = 1;
	each_add(s, len, len);
	s->fails = 3;
	each_add(s, len, len);
	s->fails = 0;
}

static void
each_room(struct eva_state *s)
{
	const size_t left = s->size - s->wpos, room = s->max - s->wpos;

	each_value(s);
	each_add(s, 0, left);
	each_growth(s, left + 1);
	each_growth(s, left + 64);
	if (room != left + 1 && room != left + 64)
		each_growth(s, room);
	each_add(s, room + 1, SIZE_MAX);
}

/* The same for reading and overwriting. */
static void
each_get(struct eva_state *s, size_t lo, size_t hi)
{
	int f;

	s->lo = lo;
	s->hi = hi;
	//@ loop unroll 30;
	for (f = 0; f < EVA_GETS; f++)
		eva_get(s, f);
}

static void
each_text(struct eva_state *s)
{
	const size_t have = s->wpos - s->rpos, left = s->size - s->wpos;
	const size_t len[] = { 0, 4, have, left + 1 };
	size_t i;
	int f;

	//@ loop unroll 7;
	for (i = 0; i < sizeof(len) / sizeof(len[0]); i++) {
		s->lo = s->hi = len[i];
		//@ loop unroll 20;
		for (f = 0; f < EVA_TEXTS; f++)
			eva_text(s, f);
	}
}

/* Written up to wpos, read up to every position that matters. */
static void
each_state(int kind, size_t size, size_t max, size_t wpos)
{
	struct eva_state s = { kind, size, max, wpos, 0, 0, 0, 0 };
	const size_t rpos[] = { 0, wpos / 2, wpos };
	size_t i;

	s.rpos = wpos / 2;
	each_room(&s);
	each_text(&s);
	//@ loop unroll 4;
	for (i = 0; i < 3; i++) {
		s.rpos = rpos[i];
		each_get(&s, 0, wpos - s.rpos);
		each_get(&s, wpos - s.rpos + 1, SIZE_MAX);
	}
}

static void
replace_allocator(void)
{
	imsgi_os.alloc = eva_alloc;
	imsgi_os.calloc = eva_calloc;
}

int
main(void)
{
	replace_allocator();
	each_state(EVA_INLINE, 0, 100, 0);
	each_state(EVA_INLINE, 5, 200, 0);
	each_state(EVA_INLINE, 9, 200, 9);
	each_state(EVA_FIXED, 0, 0, 0);
	each_state(EVA_FIXED, 9, 9, 7);
	each_state(EVA_RAW, 9, 30, 4);
	each_state(EVA_GROWN, 64, 65, 60);
	each_state(EVA_GROWN, 70, 300, 70);
	each_state(EVA_VIEW, 0, 0, 0);
	each_state(EVA_VIEW, 9, 0, 9);
	eva_sequences();
	return 0;
}

/* Enough to find a bug that was put in on purpose. */
int
eva_short(void)
{
	replace_allocator();
	each_state(EVA_INLINE, 9, 100, 5);
	each_state(EVA_GROWN, 9, 100, 5);
	return 0;
}
