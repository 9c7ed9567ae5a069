/* SPDX-License-Identifier: ISC */
/*
 * What passes a chain: everything in order, the filter, the count, the first
 * error.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "chain.h"

struct probe {
	struct sink sink;
	uint32_t types[16];
	size_t n, notes, flushed;
	int *ended;
	int fail;
};

static int
probe_put(struct sink *s, const struct record *r)
{
	struct probe *p = (struct probe *)s;

	if (p->fail) {
		errno = p->fail;
		return -1;
	}
	if (r->kind == RECORD_NOTE)
		p->notes++;
	else
		p->types[p->n++] = r->hdr.type;
	return 0;
}

static int
probe_flush(struct sink *s)
{
	((struct probe *)s)->flushed++;
	return 0;
}

static int
probe_end(struct sink *s)
{
	struct probe *p = (struct probe *)s;

	(*p->ended)++;
	if (p->fail) {
		errno = p->fail;
		return -1;
	}
	return 0;
}

static void
probe_init(struct probe *p, int *ended)
{
	memset(p, 0, sizeof(*p));
	p->sink.put = probe_put;
	p->sink.flush = probe_flush;
	p->sink.end = probe_end;
	p->ended = ended;
}

static int
put(struct sink *s, enum record_kind kind, uint32_t type)
{
	struct record r;

	memset(&r, 0, sizeof(r));
	r.kind = kind;
	r.event = RECORD_SENT;
	r.hdr.type = type;
	r.hdr.len = IMSG_HEADER_SIZE;
	r.from.name = r.to.name = r.fdname = "";
	r.fd = -1;
	r.note = kind == RECORD_NOTE ? "a remark" : NULL;
	return s->put(s, &r);
}

static void
called(void *arg)
{
	++*(int *)arg;
}

static void
all_sinks_get_everything_in_order(void **state)
{
	struct chain_options o = { .count = 0 };
	struct probe a, b;
	struct sink *c;
	int ended = 0;

	(void)state;
	probe_init(&a, &ended);
	probe_init(&b, &ended);
	assert_non_null(c = chain_sink(&o));
	chain_add(c, &a.sink);
	chain_add(c, &b.sink);
	assert_int_equal(put(c, RECORD_MESSAGE, 1), 0);
	assert_int_equal(put(c, RECORD_NOTE, 0), 0);
	assert_int_equal(put(c, RECORD_MESSAGE, 2), 0);
	assert_int_equal(c->flush(c), 0);
	assert_int_equal(chain_passed(c), 2);
	assert_false(chain_failed(c));
	assert_int_equal(c->end(c), 0);
	assert_int_equal(ended, 2);
	assert_int_equal(a.n, 2);
	assert_int_equal(b.n, 2);
	assert_int_equal(a.types[0], 1);
	assert_int_equal(b.types[1], 2);
	assert_int_equal(a.notes, 1);
	assert_int_equal(b.flushed, 1);
}

static void
after_the_count_nothing_more_passes(void **state)
{
	struct chain_options o = { .count = 2 };
	struct probe a;
	struct sink *c;
	int ended = 0, enough = 0;

	(void)state;
	o.enough = called;
	o.arg = &enough;
	o.quiet = 1;
	probe_init(&a, &ended);
	assert_non_null(c = chain_sink(&o));
	chain_add(c, &a.sink);
	assert_int_equal(put(c, RECORD_NOTE, 0), 0);
	assert_int_equal(put(c, RECORD_MESSAGE, 1), 0);
	assert_int_equal(enough, 0);
	assert_int_equal(put(c, RECORD_MESSAGE, 2), 0);
	assert_int_equal(enough, 1);
	assert_int_equal(put(c, RECORD_MESSAGE, 3), 0);
	assert_int_equal(enough, 1);
	assert_int_equal(a.n, 2);
	assert_int_equal(a.notes, 0);
	assert_int_equal(c->end(c), 0);
}

static void
only_what_the_filter_wants_passes_and_counts(void **state)
{
	struct chain_options o = { .count = 0 };
	struct names *names = names_new();
	struct filter *f;
	struct probe a;
	struct sink *c;
	char why[128];
	int ended = 0;

	(void)state;
	assert_non_null(names);
	f = filter_new("type == 2", names, why, sizeof(why));
	assert_non_null(f);
	o.filter = f;
	probe_init(&a, &ended);
	assert_non_null(c = chain_sink(&o));
	chain_add(c, &a.sink);
	assert_int_equal(put(c, RECORD_MESSAGE, 1), 0);
	assert_int_equal(put(c, RECORD_MESSAGE, 2), 0);
	assert_int_equal(put(c, RECORD_NOTE, 0), 0);
	assert_int_equal(a.n, 1);
	assert_int_equal(a.types[0], 2);
	assert_int_equal(a.notes, 1);
	assert_int_equal(chain_passed(c), 1);
	assert_int_equal(c->end(c), 0);
	filter_free(f);
	names_free(names);
}

static void
an_output_that_fails_is_told_and_all_are_ended(void **state)
{
	struct chain_options o = { .count = 0 };
	struct probe a, b;
	struct sink *c;
	int ended = 0;

	(void)state;
	probe_init(&a, &ended);
	probe_init(&b, &ended);
	a.fail = ENOSPC;
	assert_non_null(c = chain_sink(&o));
	chain_add(c, &a.sink);
	chain_add(c, &b.sink);
	errno = 0;
	assert_int_equal(put(c, RECORD_MESSAGE, 1), -1);
	assert_int_equal(errno, ENOSPC);
	assert_int_equal(chain_passed(c), 0);
	assert_true(chain_failed(c));
	b.fail = EIO;
	assert_int_equal(c->end(c), -1);
	assert_int_equal(errno, ENOSPC);
	assert_int_equal(ended, 2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_sinks_get_everything_in_order),
		cmocka_unit_test(after_the_count_nothing_more_passes),
		cmocka_unit_test(only_what_the_filter_wants_passes_and_counts),
		cmocka_unit_test(
		    an_output_that_fails_is_told_and_all_are_ended),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
