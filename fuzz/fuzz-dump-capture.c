/* SPDX-License-Identifier: ISC */
/*
 * Any bytes as a capture file: what is read obeys record.h, and what was read
 * and written again reads the same, all of it, with nothing to complain about.
 *
 * Input: the file.
 */
#define _GNU_SOURCE

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../tests/dump/records.h"
#include "capture.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

/* What came of a file. */
struct reading {
	struct sink sink;
	struct sink *copy;   /* where all of it is written again */
	uint64_t all, names; /* digests; names: since the last record */
	unsigned long count;
	int told; /* any name since then */
};

static char why[512];

static void
check(int good, const char *what)
{
	if (good)
		return;
	fprintf(stderr, "fuzz: %s\n", what);
	abort();
}

/* FNV-1a */
static uint64_t
digest(uint64_t h, const void *data, size_t len)
{
	const unsigned char *p = data;

	while (len-- > 0)
		h = (h ^ *p++) * UINT64_C(0x100000001b3);
	return h;
}

static uint64_t
number(uint64_t h, uint64_t n)
{
	return digest(h, &n, sizeof(n));
}

static uint64_t
text(uint64_t h, const char *s)
{
	return s == NULL ? number(h, 1) : digest(h, s, strlen(s) + 1);
}

/* A file cannot say a later time. */
static int64_t
sayable(int64_t time)
{
	const int64_t last = INT64_C(4294967295999999999);

	return time > last ? last : time;
}

static int
put(struct sink *sink, const struct record *r)
{
	struct reading *rd = (struct reading *)sink;
	uint64_t h = rd->all;

	check(record_sound(r), "an impossible record");
	h = number(h, rd->names);
	rd->names = 0;
	rd->told = 0;
	h = number(h, (uint64_t)r->kind << 32 | (uint64_t)r->event);
	h = number(h, (uint64_t)sayable(r->time));
	h = number(h, r->channel);
	h = number(h, (uint64_t)r->from.pid << 32 | (uint64_t)r->to.pid);
	h = text(text(text(h, r->from.name), r->to.name), r->fdname);
	h = number(h, (uint64_t)r->wire << 32 | (uint64_t)r->fd_state);
	h = digest(h, &r->hdr, sizeof(r->hdr));
	h = number(h, (uint64_t)r->fd);
	h = number(digest(h, r->data, r->len), r->len);
	rd->all = text(h, r->note);
	rd->count++;
	check(rd->copy->put(rd->copy, r) == 0, "writing");
	return 0;
}

static int
name(void *arg, uint32_t type, const char *s)
{
	struct reading *rd = arg;

	check(s[0] != '\0' && strlen(s) < 256, "an impossible name");
	rd->names = text(number(rd->names, type), s);
	rd->told = 1;
	check(capture_name(rd->copy, type, s) == 0, "keeping a name");
	return 0;
}

/* Reads a file and writes it again, to *out. */
static int
again(struct reading *rd, const void *data, size_t len, char **out, size_t *n)
{
	union {
		const void *in;
		void *out;
	} bytes = { data };
	FILE *f = fmemopen(bytes.out, len, "r"), *copy = open_memstream(out, n);
	int result;

	memset(rd, 0, sizeof(*rd));
	rd->sink.put = put;
	check(f != NULL && copy != NULL, "memory");
	check((rd->copy = capture_sink(copy, why, sizeof(why))) != NULL,
	    "a new capture");
	why[0] = '\0';
	result =
	    capture_read_names(f, &rd->sink, name, rd, NULL, why, sizeof(why));
	check((result == -1) == (why[0] != '\0'), "fails without a reason");
	check(rd->copy->end(rd->copy) == 0, "end");
	return result;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct reading first, second;
	char *one = NULL, *two = NULL;
	size_t onelen = 0, twolen = 0;

	if (len == 0)
		return 0;
	(void)again(&first, data, len, &one, &onelen);
	check(again(&second, one, onelen, &two, &twolen) == 0,
	    "complains about what was written");
	check(first.count == second.count, "another number of records");
	check(first.all == second.all, "another record");
	check(!second.told, "names without a record");
	check(
	    onelen == twolen && memcmp(one, two, onelen) == 0, "another file");
	free(one);
	free(two);
	return 0;
}
