/* SPDX-License-Identifier: ISC */
/*
 * Runs a filter over a record.
 *
 * != and !~ are the negations of == and ~, also where there is nothing to
 * compare: "fd != 5" is true of a message without descriptor.  The other
 * comparisons are false then.
 */
#include "filter-int.h"

#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shape.h"

static int
numbers(int64_t a, const struct test *t)
{
	switch (t->cmp) {
	case CMP_EQ:
		return a == t->number;
	case CMP_NE:
		return a != t->number;
	case CMP_LT:
		return a < t->number;
	case CMP_LE:
		return a <= t->number;
	case CMP_GT:
		return a > t->number;
	case CMP_GE:
		return a >= t->number;
	case CMP_LIKE:
		break;
	}
	return 0;
}

/* There is no text: NULL. */
static int
texts(const char *s, const struct test *t)
{
	if (t->cmp == CMP_LIKE)
		return (s != NULL && fnmatch(t->text, s, 0) == 0) != t->negate;
	return (s != NULL && strcmp(s, t->text) == 0) == (t->cmp == CMP_EQ);
}

static int
party(const struct party *p, const struct test *t)
{
	return t->text != NULL ? texts(p->name, t) : numbers(p->pid, t);
}

/* Of "not this one" both must not be. */
static int
either(const struct record *r, const struct test *t)
{
	int from = party(&r->from, t), to = party(&r->to, t);

	return t->cmp == CMP_NE || t->negate ? from && to : from || to;
}

static int
descriptor(const struct record *r, const struct test *t)
{
	int there = shape_has_fd(r);

	switch (t->field) {
	case FIELD_FDNUM:
		/* One whose number is not known has none to compare. */
		return there && r->fd >= 0 ? numbers(r->fd, t) :
					     t->cmp == CMP_NE;
	case FIELD_FDNAME:
		return texts(there ? r->fdname : NULL, t);
	case FIELD_FDSTATE:
		return numbers(r->fd_state == IMSG_FD_TAKEN ? IMSG_FD_PRESENT :
							      r->fd_state,
		    t);
	default:
		return there;
	}
}

static int
matches(const struct filter *f, const struct test *t, const struct record *r)
{
	switch (t->field) {
	case FIELD_TYPE:
		return numbers(r->hdr.type, t);
	case FIELD_NAME:
		return texts(
		    f->names == NULL ? NULL : names_get(f->names, r->hdr.type),
		    t);
	case FIELD_PID:
		return either(r, t);
	case FIELD_FROM:
		return party(&r->from, t);
	case FIELD_TO:
		return party(&r->to, t);
	case FIELD_PEERID:
		return numbers(r->hdr.peerid, t);
	case FIELD_HDRPID:
		return numbers((int32_t)r->hdr.pid, t);
	case FIELD_LENGTH:
		return numbers(r->hdr.len, t);
	case FIELD_CHANNEL:
		return numbers(r->channel, t);
	case FIELD_EVENT:
		return numbers((int64_t)r->event, t);
	default:
		return descriptor(r, t);
	}
}

int
filter_match(const struct filter *f, const struct record *r)
{
	unsigned char stack[FILTER_STACK] = { 0 };
	size_t i, n = 0;

	if (r->kind == RECORD_NOTE)
		return 1;
	for (i = 0; i < f->nsteps; i++) {
		const struct step *s = &f->steps[i];

		switch (s->what) {
		case STEP_TEST:
			stack[n++] = matches(f, &s->test, r) != 0;
			break;
		case STEP_AND:
			n--;
			stack[n - 1] &= stack[n];
			break;
		case STEP_OR:
			n--;
			stack[n - 1] |= stack[n];
			break;
		case STEP_NOT:
			stack[n - 1] ^= 1;
			break;
		}
	}
	return stack[0];
}

struct filter *
filter_new(const char *s, const struct names *names, char *why, size_t whylen)
{
	struct filter *f = calloc(1, sizeof(*f));

	if (f == NULL) {
		(void)snprintf(why, whylen, "out of memory");
		return NULL;
	}
	f->names = names;
	if (filter_parse(f, s, why, whylen) == 0)
		return f;
	filter_free(f);
	return NULL;
}

void
filter_free(struct filter *f)
{
	size_t i;

	if (f == NULL)
		return;
	for (i = 0; i < f->nsteps; i++)
		free(f->steps[i].test.text);
	free(f->steps);
	free(f);
}
