/* SPDX-License-Identifier: ISC */
/*
 * Records for the tests of filters and shapes, and what a shape makes of them.
 */
#ifndef SHAPES_H
#define SHAPES_H

/* Included first. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "names.h"
#include "record.h"
#include "sinks.h"

/* 2026-11-26 12:03:04.123456789 UTC */
#define NOON (INT64_C(1795694584) * 1000000000 + 123456789)
#define MS   1000000

/* Bytes that no terminal and no parser should get to see. */
#define HOSTILE "\x1b[2J\x07\n\r\t\x7f\xc2\x9b\xe2\x80\xae\xff<&>\"'\\"

struct output {
	char *text;
	size_t len;
	FILE *f;
};

/* A message of tmux: client 100 asks server 101 on channel 1. */
static inline struct record
a_message(void)
{
	struct record r;

	memset(&r, 0, sizeof(r));
	r.kind = RECORD_MESSAGE;
	r.event = RECORD_SENT;
	r.time = NOON;
	r.channel = 1;
	r.from.pid = 100;
	r.from.name = "tmux: client";
	r.to.pid = 101;
	r.to.name = "tmux: server";
	r.wire = IMSG_WIRE_MODERN;
	r.hdr.type = 203;
	r.hdr.len = 20;
	r.hdr.peerid = 8;
	r.hdr.pid = (uint32_t)-1;
	r.fd = -1;
	r.fdname = "";
	r.data = (const unsigned char *)"ab\n\x1b";
	r.len = 4;
	return r;
}

static inline struct record
an_answer(void)
{
	struct record r = a_message();
	struct party p = r.from;

	r.from = r.to;
	r.to = p;
	r.time += 250 * MS;
	r.hdr.type = 204;
	return r;
}

static inline struct record
a_note(const char *text)
{
	struct record r = a_message();

	memset(&r.hdr, 0, sizeof(r.hdr));
	r.kind = RECORD_NOTE;
	r.note = text;
	r.data = NULL;
	r.len = 0;
	return r;
}

/* Everything in it is as bad as it can be. */
static inline struct record
a_horror(void)
{
	struct record r = a_message();

	r.event = (enum record_event)77;
	r.time = INT64_MIN;
	r.channel = UINT32_MAX;
	r.from.name = HOSTILE;
	r.to.name = NULL;
	r.to.pid = -5;
	r.wire = 99;
	memset(&r.hdr, 0xff, sizeof(r.hdr));
	r.fd_state = RECORD_FD_SURPLUS;
	r.fd = INT32_MAX;
	r.fdname = HOSTILE HOSTILE HOSTILE;
	r.data = (const unsigned char *)HOSTILE;
	r.len = sizeof(HOSTILE);
	return r;
}

static inline struct names *
some_names(void)
{
	struct names *n = names_new();

	assert_non_null(n);
	assert_int_equal(names_add(n, 203, "MSG_EXIT"), 0);
	assert_int_equal(names_add(n, 204, "MSG_EXITED"), 0);
	return n;
}

static inline FILE *
out_open(struct output *o)
{
	assert_int_equal(setenv("TZ", "UTC0", 1), 0);
	tzset();
	o->text = NULL;
	o->f = open_memstream(&o->text, &o->len);
	assert_non_null(o->f);
	return o->f;
}

/* What came out; the caller frees o->text. */
static inline const char *
out_end(struct output *o, struct sink *s)
{
	assert_int_equal(s->end(s), 0);
	assert_int_equal(fclose(o->f), 0);
	return o->text;
}

/* No byte but newline and printable ones, in lines. */
static inline void
assert_harmless(const char *s, size_t len)
{
	size_t i;

	assert_int_equal(strlen(s), len);
	for (i = 0; i < len; i++)
		assert_true(s[i] == '\n' || (unsigned char)s[i] >= 0x20);
	assert_null(strchr(s, 0x7f));
	assert_null(strstr(s, "\xc2\x9b"));
	assert_null(strstr(s, "\xe2\x80\xae"));
	assert_null(strchr(s, 0xff));
}

/*
 * A sink on a full disk: put fails at once if nothing is buffered, flush else;
 * one that writes at the end only fails there.
 */
static inline void
assert_says_full(struct sink *make(FILE *), int at_once)
{
	struct record r = a_message();
	FILE *f = fopen("/dev/full", "w");
	struct sink *s;

	assert_non_null(f);
	assert_non_null(s = make(f));
	assert_int_equal(s->put(s, &r), 0);
	errno = 0;
	assert_int_equal(s->flush(s), at_once ? -1 : 0);
	if (at_once)
		assert_int_equal(errno, ENOSPC);
	errno = 0;
	assert_int_equal(s->end(s), -1);
	assert_true(errno != 0);
	(void)fclose(f);
	if (!at_once)
		return;
	assert_non_null(f = fopen("/dev/full", "w"));
	assert_int_equal(setvbuf(f, NULL, _IONBF, 0), 0);
	assert_non_null(s = make(f));
	errno = 0;
	assert_int_equal(s->put(s, &r), -1);
	assert_int_equal(errno, ENOSPC);
	(void)s->end(s);
	(void)fclose(f);
}

#endif
