/* SPDX-License-Identifier: ISC */
/*
 * What every message passes before it is shown.
 */
#include "chain.h"

#include <errno.h>
#include <stdlib.h>

struct chain {
	struct sink sink;
	struct chain_options o;
	struct sink *to[CHAIN_MAX];
	size_t n;
	uint64_t passed;
	int failed;
};

static int
to_all(struct chain *c, const struct record *r)
{
	size_t i;

	for (i = 0; i < c->n; i++)
		if (c->to[i]->put(c->to[i], r) == -1) {
			c->failed = 1;
			return -1;
		}
	return 0;
}

static int
chain_put(struct sink *s, const struct record *r)
{
	struct chain *c = (struct chain *)s;

	/* What is read already may still come after the last one wanted. */
	if (c->o.count != 0 && c->passed >= c->o.count)
		return 0;
	if (r->kind != RECORD_MESSAGE)
		return c->o.quiet ? 0 : to_all(c, r);
	if (c->o.filter != NULL && !filter_match(c->o.filter, r))
		return 0;
	if (to_all(c, r) == -1)
		return -1;
	if (++c->passed == c->o.count)
		c->o.enough(c->o.arg);
	return 0;
}

static int
chain_flush(struct sink *s)
{
	struct chain *c = (struct chain *)s;
	size_t i;

	for (i = 0; i < c->n; i++)
		if (c->to[i]->flush(c->to[i]) == -1) {
			c->failed = 1;
			return -1;
		}
	return 0;
}

/* All are ended, whatever becomes of one; the first error is the one told. */
static int
chain_end(struct sink *s)
{
	struct chain *c = (struct chain *)s;
	int save = 0, r = 0;
	size_t i;

	for (i = 0; i < c->n; i++)
		if (c->to[i]->end(c->to[i]) == -1 && r == 0) {
			save = errno;
			r = -1;
		}
	free(c);
	if (r == -1)
		errno = save;
	return r;
}

struct sink *
chain_sink(const struct chain_options *o)
{
	struct chain *c;

	if ((c = calloc(1, sizeof(*c))) == NULL)
		return NULL;
	c->sink.put = chain_put;
	c->sink.flush = chain_flush;
	c->sink.end = chain_end;
	c->o = *o;
	return &c->sink;
}

void
chain_add(struct sink *chain, struct sink *to)
{
	struct chain *c = (struct chain *)chain;

	if (c->n == CHAIN_MAX)
		abort();
	c->to[c->n++] = to;
}

uint64_t
chain_passed(const struct sink *chain)
{
	return ((const struct chain *)chain)->passed;
}

int
chain_failed(const struct sink *s)
{
	return ((const struct chain *)s)->failed;
}
