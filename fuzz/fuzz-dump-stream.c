/* SPDX-License-Identifier: ISC */
/*
 * What imsgdump makes of the bytes of a socket: of genuine imsg, cut into any
 * calls, each message with its descriptor, once and in order; of anything
 * else, nothing but bytes that were there, in their order, within bounds.
 *
 * Input: options; then calls as they are (RAW), or records of three bytes, a
 * message or how to cut or damage it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../tools/imsgdump/stream.h"
#include "kernel.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

/* Options. */
#define CLASSIC	 0x01
#define RAW	 0x02
#define DAMAGED	 0x04
#define STRANGER 0x08 /* the pid field is another's; calls end with messages */
#define SMALL	 0x10 /* little memory for all */

#define ME	 4711
#define STREAM	 (300 << 10)
#define MESSAGES 400
#define NOTES	 200

/* A message of the true list. */
struct model {
	size_t at, len;
	int marked, fd;
};

static uint8_t stream[STREAM];
static size_t streamlen;
static struct model model[MESSAGES];
static size_t models;

static struct {
	size_t messages, notes;
	size_t at; /* in the stream, behind the message shown last */
	int exact; /* compare with the list */
} seen;

/* Could the bytes at p be this message? */
static int
is_at(const uint8_t *p, const struct record *r)
{
	struct imsg_hdr h;
	uint32_t modern;
	uint16_t classic;

	memcpy(&h, p, sizeof(h));
	memcpy(&classic, p + 4, sizeof(classic));
	modern = h.len & 0x7fffffffU;
	return h.type == r->hdr.type && h.peerid == r->hdr.peerid &&
	    h.pid == r->hdr.pid &&
	    (modern == r->hdr.len || classic == r->hdr.len) &&
	    (r->len == 0 || memcmp(p + sizeof(h), r->data, r->len) == 0);
}

static void
is_in_stream(const struct record *r)
{
	for (; seen.at + r->hdr.len <= streamlen; seen.at++)
		if (is_at(stream + seen.at, r)) {
			seen.at += r->hdr.len;
			return;
		}
	check(0, "a message that never was");
}

static void
is_next(const struct record *r)
{
	const struct model *m = &model[seen.messages];

	check(seen.messages < models, "a message too many");
	check(r->hdr.len == m->len && is_at(stream + m->at, r),
	    "another message");
	check((r->fd_state == IMSG_FD_PRESENT) == m->marked,
	    "a descriptor is missing");
	check(!m->marked || r->fd == m->fd, "another descriptor");
}

static void
emit(void *arg, const struct record *r)
{
	(void)arg;
	check(strlen(r->fdname) < 300, "name");
	if (r->kind == RECORD_NOTE) {
		check(r->note != NULL && strchr(r->note, '\n') == NULL, "note");
		seen.notes++;
		return;
	}
	check(r->note == NULL && r->len == r->hdr.len - IMSG_HEADER_SIZE,
	    "lengths");
	if (seen.exact)
		is_next(r);
	else
		is_in_stream(r);
	seen.messages++;
}

/* One call. */
static void
give(struct stream *s, const uint8_t *p, size_t len, int fd, size_t nfds,
    int last)
{
	struct passed passed[4];
	struct bytes b = { .time = 1, .pid = ME, .last = last };
	uint8_t *own = malloc(len + (len == 0));
	size_t i;

	check(own != NULL, "malloc");
	if (len > 0)
		memcpy(own, p, len);
	for (i = 0; i < nfds; i++) {
		passed[i].fd = fd + (int)i;
		passed[i].name = "pipe:[1]";
	}
	b.data = own;
	b.len = len;
	b.fds = passed;
	b.nfds = nfds;
	check(stream_bytes(s, &b) == 0, "stream_bytes");
	free(own);
}

/* Each call: two bytes of length and flags, and its bytes. */
static void
raw(struct stream *s, const uint8_t *p, size_t n)
{
	size_t len;
	unsigned int how;

	while (n >= 2) {
		len = p[0];
		how = p[1];
		p += 2;
		n -= 2;
		len = len < n ? len : n;
		if (how & 0x40) {
			stream_gap(s, 1, len);
			continue;
		}
		if (how & 0x80)
			stream_set_wire(s, (int)(how >> 4 & 1));
		memcpy(stream + streamlen, p, len);
		streamlen += len;
		give(s, p, len, (int)how, how & 3, (how & 4) == 0);
		p += len;
		n -= len;
	}
}

static size_t
payload(unsigned int code, int wire)
{
	static const size_t size[] = { 0, 1, 4, 16, 32, 100, 2031, 2032, 2033,
		16368, 40000, 65519, 65520, 65536, 65551, 70000, 131055,
		131056 };
	size_t n = size[code % (sizeof(size) / sizeof(size[0]))];

	return wire == IMSG_WIRE_CLASSIC && n > 65519 ? n % 1000 : n;
}

static void
compose(const uint8_t *r, int wire, uint32_t pid, int nested)
{
	struct imsg_hdr h = { r[0], 0, r[2], pid };
	size_t n = payload(r[1] & 0x1f, wire), i;
	int marked = (r[1] & 0x60) == 0x20;
	uint16_t half[2];

	if (models == MESSAGES || STREAM - streamlen < n + sizeof(h))
		return;
	model[models].at = streamlen;
	model[models].len = n + sizeof(h);
	model[models].marked = marked;
	model[models].fd = 100 + (int)models;
	models++;
	h.len = (uint32_t)(n + sizeof(h)) | (marked ? 0x80000000U : 0);
	if (wire == IMSG_WIRE_CLASSIC) {
		half[0] = (uint16_t)(n + sizeof(h));
		half[1] = (uint16_t)marked;
		memcpy(&h.len, half, sizeof(half));
	}
	memcpy(stream + streamlen, &h, sizeof(h));
	streamlen += sizeof(h);
	for (i = 0; i < n; i++)
		stream[streamlen + i] = nested && (r[1] & 0x80) ?
		    ((const uint8_t *)&h)[i % sizeof(h)] :
		    (uint8_t)((i + r[2]) * 31);
	streamlen += n;
}

/* Where the call that begins at that byte ends; which descriptor it passes. */
static size_t
cut(size_t at, size_t *next, unsigned int code, int whole, int *fd)
{
	size_t end = at + (code < 0xf0 ? code / 2 + 1 : 40000 * (code & 15));
	size_t i;

	*fd = -1;
	end = end > streamlen || end == at ? streamlen : end;
	for (i = *next; i < models && model[i].at < end; i++) {
		if (whole && end < model[i].at + model[i].len)
			end = model[i].at + model[i].len;
		if (!model[i].marked)
			continue;
		if (*fd != -1) {
			end = model[i].at;
			break;
		}
		*fd = model[i].fd;
	}
	*next = i;
	return end;
}

/* Changes what was composed; it is no longer the list that comes. */
static void
damage(const uint8_t *r)
{
	size_t at;

	if (streamlen == 0)
		return;
	at = ((size_t)r[0] << 8 | r[1]) * 7 % streamlen;
	if (r[2] & 1)
		stream[at] ^= (uint8_t)(r[2] >> 1 | 0x80);
	else if (models > 0)
		stream[model[r[0] % models].at + 4 + r[1] % 4] ^=
		    (uint8_t)(r[2] >> 1);
}

static void
play(struct stream *s, const uint8_t *cuts, size_t n, int whole)
{
	size_t at = 0, end, next = 0, i = 0;
	int fd;

	while (at < streamlen) {
		end = cut(at, &next, n > 0 ? cuts[i++ % n] : 0xff, whole, &fd);
		/* So many calls would take too long. */
		if (i > 600)
			n = 0;
		give(s, stream + at, end - at, fd, fd != -1, 1);
		at = end;
	}
}

static void
records(struct stream *s, unsigned int options, const uint8_t *p, size_t n)
{
	int nested, wire = (int)(options & CLASSIC);
	size_t i, most = n < 2 ? 0 : p[0], ncuts;

	if (n < 2)
		return;
	ncuts = p[1] % 16 < n - 2 ? p[1] % 16 : n - 2;
	p += 2;
	n -= 2;
	/*
	 * Messages within messages: not if small calls end just there, which
	 * no kernel does and no reader could tell.
	 */
	nested = (options & (STRANGER | DAMAGED)) != 0;
	for (i = ncuts; i + 3 <= n && models < most; i += 3)
		compose(p + i, wire, options & STRANGER ? 0 : ME, nested);
	if (options & DAMAGED)
		for (; i + 3 <= n; i += 3)
			damage(p + i);
	seen.exact = (options & (DAMAGED | SMALL)) == 0;
	play(s, p, ncuts, (options & STRANGER) != 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct stream_budget budget = { .max = 1 << 26, .maxsize = 1 << 24 };
	struct stream *s;
	int exact;

	if (n == 0)
		return 0;
	streamlen = models = 0;
	memset(&seen, 0, sizeof(seen));
	if (p[0] & SMALL)
		budget.max = 1 << 18;
	check((s = stream_new(&budget, emit, NULL)) != NULL, "stream_new");
	if (p[0] & RAW)
		raw(s, p + 1, n - 1);
	else
		records(s, p[0], p + 1, n - 1);
	exact = seen.exact;
	check(budget.used <= budget.max, "memory");
	stream_end(s, 2);
	check(stream_dead(s), "ended");
	check(!exact || seen.messages == models, "messages are missing");
	check(!exact || seen.notes == 0, "notes of what is right");
	check(seen.notes <= NOTES + seen.messages / 8, "too many notes");
	stream_free(s);
	check(budget.used == 0, "memory is left");
	stream_budget_clear(&budget);
	return 0;
}
