/* SPDX-License-Identifier: ISC */
/*
 * An archive entry as bytes of a message, and back.
 *
 * The writing half runs in the worker, the reading half in the parent.  The
 * worker has parsed a hostile archive and may be under its control: the
 * reading half therefore believes nothing, and must never look past the bytes
 * it was given.
 */
#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "entry.h"

static int
bad(void)
{
	errno = EBADMSG;
	return -1;
}

int
text_put(struct ibuf *b, struct text t)
{
	if (ibuf_add_n32(b, t.len) == -1)
		return -1;
	return ibuf_add(b, t.data, t.len);
}

int
text_take(struct ibuf *b, struct text *t, size_t max)
{
	struct ibuf bytes;
	uint32_t len;

	if (ibuf_get_n32(b, &len) == -1)
		return -1;
	if (len > max || ibuf_get_ibuf(b, len, &bytes) == -1)
		return bad();
	t->len = len;
	t->data = len == 0 ? "" : ibuf_data(&bytes);
	/* The worker has them from C strings. */
	if (memchr(t->data, '\0', len) != NULL)
		return bad();
	return 0;
}

/* A conversion from uint64_t would be up to the compiler. */
static int64_t
to_signed(uint64_t u)
{
	if (u <= INT64_MAX)
		return (int64_t)u;
	return -(int64_t)(UINT64_MAX - u) - 1;
}

static int
take_signed(struct ibuf *b, int64_t *v)
{
	uint64_t u;

	if (ibuf_get_n64(b, &u) == -1)
		return -1;
	*v = to_signed(u);
	return 0;
}

int
entry_put(struct ibuf *b, const struct entry *e)
{
	if (ibuf_add_n8(b, e->flags) == -1 || ibuf_add_n8(b, e->kind) == -1 ||
	    ibuf_add_n32(b, e->mode) == -1 || ibuf_add_n64(b, e->size) == -1 ||
	    ibuf_add_n64(b, (uint64_t)e->mtime) == -1 ||
	    ibuf_add_n64(b, (uint64_t)e->uid) == -1 ||
	    ibuf_add_n64(b, (uint64_t)e->gid) == -1)
		return -1;
	if (text_put(b, e->user) == -1 || text_put(b, e->group) == -1 ||
	    text_put(b, e->name) == -1 || text_put(b, e->link) == -1)
		return -1;
	return 0;
}

static int
take_numbers(struct ibuf *b, struct entry *e)
{
	if (ibuf_get_n8(b, &e->flags) == -1 || ibuf_get_n8(b, &e->kind) == -1 ||
	    ibuf_get_n32(b, &e->mode) == -1 ||
	    ibuf_get_n64(b, &e->size) == -1 ||
	    take_signed(b, &e->mtime) == -1 || take_signed(b, &e->uid) == -1 ||
	    take_signed(b, &e->gid) == -1)
		return -1;
	return 0;
}

static int
take_texts(struct ibuf *b, struct entry *e)
{
	if (text_take(b, &e->user, OWNER_TEXT_MAX) == -1 ||
	    text_take(b, &e->group, OWNER_TEXT_MAX) == -1 ||
	    text_take(b, &e->name, NAME_TEXT_MAX) == -1 ||
	    text_take(b, &e->link, NAME_TEXT_MAX) == -1)
		return -1;
	return 0;
}

/* Whether the fields go together. */
static int
makes_sense(const struct entry *e)
{
	int linked = e->kind == 'l' || (e->flags & ENTRY_HARDLINK) != 0;

	if ((e->flags & ~ENTRY_FLAGS) != 0 || e->mode > 07777)
		return 0;
	if (e->kind == '\0' || strchr("-dlbcps?", e->kind) == NULL)
		return 0;
	if (e->size > ((e->flags & ENTRY_HAS_SIZE) ? INT64_MAX : 0))
		return 0;
	if (!(e->flags & ENTRY_HAS_MTIME) && e->mtime != 0)
		return 0;
	if ((e->flags & ENTRY_NAMELESS) && e->name.len > 0)
		return 0;
	if ((e->flags & ENTRY_NAME_CUT) && e->name.len != NAME_TEXT_MAX)
		return 0;
	if ((e->flags & ENTRY_LINK_CUT) && e->link.len != NAME_TEXT_MAX)
		return 0;
	return linked || e->link.len == 0;
}

int
entry_take(struct ibuf *b, struct entry *e)
{
	memset(e, 0, sizeof(*e));
	if (take_numbers(b, e) == -1 || take_texts(b, e) == -1)
		return -1;
	if (ibuf_size(b) != 0 || !makes_sense(e))
		return bad();
	return 0;
}
