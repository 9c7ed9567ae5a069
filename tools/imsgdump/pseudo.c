/* SPDX-License-Identifier: ISC */
/*
 * From a record to the packet of a capture file and back.
 *
 * No memory, no files: the writer, the reader, and the recorder in other
 * people's programs share it.  A packet that is read may have been made by
 * anybody; what is not certain to be right is refused.
 */
#include "pseudo.h"

#include <string.h>

#define MAGIC	   0x696d7367U /* "imsg" */
#define VERSION	   1
#define KIND_NAMES 3
#define FIXED	   36
#define NO_FD	   0xffffffffU
#define LEN_MAX	   0x7fffffffU

static void
put16(unsigned char *p, size_t n)
{
	p[0] = (unsigned char)(n >> 8);
	p[1] = (unsigned char)n;
}

static void
put32(unsigned char *p, uint32_t n)
{
	put16(p, n >> 16);
	put16(p + 2, n & 0xffff);
}

static size_t
get16(const unsigned char *p)
{
	return (size_t)p[0] << 8 | p[1];
}

static uint32_t
get32(const unsigned char *p)
{
	return (uint32_t)get16(p) << 16 | (uint32_t)get16(p + 2);
}

static size_t
text_length(const char *text, size_t max)
{
	size_t n = 0;

	while (text != NULL && n < max && text[n] != '\0')
		n++;
	return n;
}

/* Appends a name of at most max bytes; its length goes to lenp. */
static unsigned char *
put_text(unsigned char *p, unsigned char *lenp, const char *text, size_t max)
{
	size_t n = text_length(text, max);

	put16(lenp, n);
	if (text != NULL)
		memcpy(p, text, n);
	return p + n;
}

static unsigned char *
put_header(unsigned char *p, const struct imsg_hdr *h)
{
	put32(p, h->type);
	put32(p + 4, h->len);
	put32(p + 8, h->peerid);
	put32(p + 12, h->pid);
	return p + 16;
}

static void
put_begin(unsigned char *p, int kind)
{
	memset(p, 0, FIXED);
	put32(p, MAGIC);
	p[4] = VERSION;
	p[5] = (unsigned char)kind;
	put16(p + 6, FIXED);
}

static void
put_fixed(unsigned char *p, const struct record *r)
{
	put_begin(p, (int)r->kind + 1);
	p[8] = (unsigned char)r->event;
	p[9] = (unsigned char)r->wire;
	p[10] = (unsigned char)r->fd_state;
	put32(p + 12, r->channel);
	put32(p + 16, r->from.pid > 0 ? (uint32_t)r->from.pid : 0);
	put32(p + 20, r->to.pid > 0 ? (uint32_t)r->to.pid : 0);
	put32(p + 24, r->fd >= 0 ? (uint32_t)r->fd : NO_FD);
}

/* Payload that the whole message has. */
static size_t
whole(const struct record *r)
{
	if (r->kind == RECORD_NOTE)
		return r->len;
	return r->hdr.len > 16 ? r->hdr.len - 16 : 0;
}

size_t
pseudo_head(
    unsigned char *buf, const struct record *r, size_t *len, size_t *full)
{
	unsigned char *p = buf + FIXED;
	size_t n;

	put_fixed(buf, r);
	p = put_text(p, buf + 28, r->from.name, 255);
	p = put_text(p, buf + 30, r->to.name, 255);
	p = put_text(p, buf + 32, r->fdname, 1023);
	p = put_text(
	    p, buf + 34, r->kind == RECORD_NOTE ? r->note : NULL, 1023);
	p = put_header(p, &r->hdr);
	n = (size_t)(p - buf);
	*full = n + whole(r);
	*len = r->len;
	if (*len > whole(r))
		*len = whole(r);
	if (*len > PSEUDO_MAX - n)
		*len = PSEUDO_MAX - n;
	return n;
}

size_t
pseudo_put(unsigned char *buf, const struct record *r, size_t *full)
{
	size_t len, n;

	n = pseudo_head(buf, r, &len, full);
	if (len > 0)
		memcpy(buf + n, r->data, len);
	return n + len;
}

static int
known_state(int state)
{
	return state == IMSG_FD_NONE || state == IMSG_FD_PRESENT ||
	    state == IMSG_FD_TAKEN || state == IMSG_FD_LOST ||
	    state == RECORD_FD_SURPLUS;
}

static int
get_fixed(const unsigned char *p, struct record *r)
{
	uint32_t fd;

	r->kind = (enum record_kind)(p[5] - 1);
	r->event = (enum record_event)p[8];
	r->wire = p[9];
	r->fd_state = p[10];
	/* Notes are about no event. */
	if ((p[8] == 0 && r->kind != RECORD_NOTE) || p[8] > RECORD_UNREAD ||
	    p[9] > RECORD_WIRE_UNKNOWN || !known_state(p[10]))
		return PSEUDO_OTHER;
	r->channel = get32(p + 12);
	fd = get32(p + 24);
	if (get32(p + 16) > INT32_MAX || get32(p + 20) > INT32_MAX ||
	    (fd > INT32_MAX && fd != NO_FD))
		return PSEUDO_BAD;
	r->from.pid = (pid_t)get32(p + 16);
	r->to.pid = (pid_t)get32(p + 20);
	r->fd = fd == NO_FD ? -1 : (int)fd;
	return PSEUDO_RECORD;
}

/* Moves *pos behind a name of n bytes, for which out has room for size. */
static int
get_text(const unsigned char *p, size_t len, size_t *pos, size_t n, char *out,
    size_t size)
{
	if (n > len - *pos)
		return PSEUDO_CUT;
	/* A NUL would hide what is behind it. */
	if (n >= size || memchr(p + *pos, '\0', n) != NULL)
		return PSEUDO_BAD;
	memcpy(out, p + *pos, n);
	out[n] = '\0';
	*pos += n;
	return PSEUDO_RECORD;
}

static int
get_texts(const unsigned char *p, size_t len, size_t *pos, struct record *r,
    struct pseudo_text *t)
{
	int e;

	if ((e = get_text(p, len, pos, get16(p + 28), t->from,
		 sizeof(t->from))) != PSEUDO_RECORD ||
	    (e = get_text(p, len, pos, get16(p + 30), t->to, sizeof(t->to))) !=
		PSEUDO_RECORD ||
	    (e = get_text(p, len, pos, get16(p + 32), t->fdname,
		 sizeof(t->fdname))) != PSEUDO_RECORD ||
	    (e = get_text(p, len, pos, get16(p + 34), t->note,
		 sizeof(t->note))) != PSEUDO_RECORD)
		return e;
	r->from.name = t->from;
	r->to.name = t->to;
	r->fdname = t->fdname;
	r->note = r->kind == RECORD_NOTE ? t->note : NULL;
	return r->note == NULL && t->note[0] != '\0' ? PSEUDO_BAD :
						       PSEUDO_RECORD;
}

/* The header at *pos, and the payload behind it. */
static int
get_message(const unsigned char *p, size_t len, size_t full, size_t pos,
    struct record *r)
{
	if (len - pos < 16)
		return PSEUDO_CUT;
	r->hdr.type = get32(p + pos);
	r->hdr.len = get32(p + pos + 4);
	r->hdr.peerid = get32(p + pos + 8);
	r->hdr.pid = get32(p + pos + 12);
	if (r->kind == RECORD_MESSAGE &&
	    (r->hdr.len < 16 || r->hdr.len > LEN_MAX ||
		full - pos != r->hdr.len))
		return PSEUDO_LENGTH;
	r->data = p + pos + 16;
	r->len = len - pos - 16;
	return PSEUDO_RECORD;
}

/* What kind of packet it is. */
static int
get_kind(const unsigned char *p, size_t len, size_t full)
{
	if (full < len || len < 8 || get32(p) != MAGIC)
		return PSEUDO_BAD;
	if (p[4] != VERSION || p[5] == 0 || p[5] > KIND_NAMES)
		return PSEUDO_OTHER;
	if (get16(p + 6) < FIXED)
		return PSEUDO_BAD;
	if (len < get16(p + 6))
		return PSEUDO_CUT;
	return p[5] == KIND_NAMES ? PSEUDO_NAMES : PSEUDO_RECORD;
}

static int
get_record(const unsigned char *p, size_t len, size_t full, struct record *r,
    struct pseudo_text *t)
{
	size_t pos;
	int e;

	if ((e = get_kind(p, len, full)) != PSEUDO_RECORD)
		return e;
	pos = get16(p + 6);
	if ((e = get_fixed(p, r)) != PSEUDO_RECORD ||
	    (e = get_texts(p, len, &pos, r, t)) != PSEUDO_RECORD)
		return e;
	return get_message(p, len, full, pos, r);
}

int
pseudo_get(const unsigned char *p, size_t len, size_t full, struct record *r,
    struct pseudo_text *t)
{
	int e;

	memset(r, 0, sizeof(*r));
	e = get_record(p, len, full, r, t);
	/* It was never longer. */
	return e == PSEUDO_CUT && len == full ? PSEUDO_BAD : e;
}

int
pseudo_name_put(
    unsigned char *buf, size_t *len, uint32_t type, const char *name)
{
	size_t n = *len == 0 ? FIXED : *len;

	if (n + 6 + text_length(name, 255) > PSEUDO_MAX)
		return -1;
	if (*len == 0)
		put_begin(buf, KIND_NAMES);
	put32(buf + n, type);
	*len = (size_t)(put_text(buf + n + 6, buf + n + 4, name, 255) - buf);
	return 0;
}

int
pseudo_name_get(const unsigned char *p, size_t len, size_t *pos, uint32_t *type,
    char name[256])
{
	size_t n;

	if (*pos == 0)
		*pos = get16(p + 6);
	if (*pos == len)
		return 0;
	if (len - *pos < 6)
		return -1;
	*type = get32(p + *pos);
	n = get16(p + *pos + 4);
	*pos += 6;
	return get_text(p, len, pos, n, name, 256) == PSEUDO_RECORD ? 1 : -1;
}
