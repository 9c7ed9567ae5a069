/* SPDX-License-Identifier: ISC */
/* See capture-judge.h. */
#define _GNU_SOURCE

#include "capture-judge.h"

#include <sys/mman.h>

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static int
judge_put(struct sink *sink, const struct record *r)
{
	struct judge *j = (struct judge *)sink;

	assert_true(record_sound(r));
	if (j->fail != 0) {
		errno = j->fail;
		return -1;
	}
	if (r->kind == RECORD_NOTE && r->channel == 0 && !j->random) {
		assert_true(j->nnotes < 4);
		(void)snprintf(
		    j->notes[j->nnotes++], sizeof(j->notes[0]), "%s", r->note);
		return 0;
	}
	j->time = r->time;
	if (j->random)
		assert_true(record_same(random_record(&j->want), r));
	j->messages++;
	if (j->stop_after != 0 && --j->stop_after == 0)
		j->stop = 1;
	return 0;
}

struct judge judge;
char why[512];

void
judge_new(void)
{
	memset(&judge, 0, sizeof(judge));
	judge.sink.put = judge_put;
	why[0] = '\0';
}

FILE *
file_of(int fd)
{
	FILE *f;
	int copy = dup(fd);

	assert_true(copy >= 0 && lseek(copy, 0, SEEK_SET) == 0);
	assert_non_null(f = fdopen(copy, "r+"));
	return f;
}

int
memory(void)
{
	int fd = memfd_create("capture", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	assert_true(fd >= 0);
	return fd;
}

int
read_it(int fd)
{
	int before = dup(fd), after, n;

	close(before);
	n = capture_read(
	    file_of(fd), &judge.sink, &judge.stop, why, sizeof(why));
	after = dup(fd);
	close(after);
	return before == after ? n : -2;
}

struct record
simple(void)
{
	struct record r;

	memset(&r, 0, sizeof(r));
	r.event = RECORD_SENT;
	r.time = INT64_C(1790000000123456789);
	r.channel = 1;
	r.from.name = r.to.name = r.fdname = "";
	r.hdr.type = 5;
	r.hdr.len = 21;
	r.fd = -1;
	r.data = (const unsigned char *)"hello";
	r.len = 5;
	return r;
}

struct sink *
sink_on(int fd)
{
	struct sink *s = capture_sink(file_of(fd), why, sizeof(why));

	assert_non_null(s);
	return s;
}

int
simple_file(int n)
{
	int fd = memory();
	struct sink *s = sink_on(fd);
	struct record r = simple();

	while (n-- > 0)
		assert_int_equal(s->put(s, &r), 0);
	assert_int_equal(s->end(s), 0);
	return fd;
}
