/* SPDX-License-Identifier: ISC */
/*
 * Filter expressions become steps.
 *
 *	or	= and { ("or" | "||") and }
 *	and	= not { ("and" | "&&") not }
 *	not	= { "not" | "!" } ( "(" or ")" | test )
 *	test	= "fd" | field compare value
 *	compare	= "==" | "=" | "!=" | "<" | "<=" | ">" | ">=" | "~" | "!~"
 *	value	= number | word | '"' text '"' | "'" text "'"
 *
 * Numbers are decimal or 0x hexadecimal and may be negative.  A word is
 * anything without blanks, quotes and the characters ( ) ! = < > ~ & |.
 *	type	number, or the name of one
 *	name	text: name of the type
 *	pid	number, or text: process id or name of either party
 *	from to	the same of the sender, of the receiver
 *	peer peerid hdrpid length len channel	number
 *	event	queued sent received dropped unread
 *	fd	number; none present lost surplus; with ~ what it refers to
 * ~ is fnmatch(3).
 */
#define _GNU_SOURCE
#include "filter-int.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "safe.h"
#include "shape.h"

enum value {
	VALUE_NUMBER,
	VALUE_TYPE,
	VALUE_TEXT,
	VALUE_BOTH,
	VALUE_EVENT,
	VALUE_FD
};

static const struct {
	char name[8];
	enum field field;
	enum value value;
} fields[] = {
	{ "type", FIELD_TYPE, VALUE_TYPE },
	{ "name", FIELD_NAME, VALUE_TEXT },
	{ "pid", FIELD_PID, VALUE_BOTH },
	{ "from", FIELD_FROM, VALUE_BOTH },
	{ "to", FIELD_TO, VALUE_BOTH },
	{ "peerid", FIELD_PEERID, VALUE_NUMBER },
	{ "peer", FIELD_PEERID, VALUE_NUMBER },
	{ "hdrpid", FIELD_HDRPID, VALUE_NUMBER },
	{ "length", FIELD_LENGTH, VALUE_NUMBER },
	{ "len", FIELD_LENGTH, VALUE_NUMBER },
	{ "channel", FIELD_CHANNEL, VALUE_NUMBER },
	{ "event", FIELD_EVENT, VALUE_EVENT },
	{ "fd", FIELD_FD, VALUE_FD },
};
#define NFIELDS (sizeof(fields) / sizeof(fields[0]))

struct parser {
	struct filter *f;
	const char *start, *p;
	struct token t; /* the next one */
	int nest;
	char *why;
	size_t whylen;
};

/* Says what is wrong at the token. */
static int __attribute__((format(printf, 3, 4)))
fail(struct parser *ps, const struct token *t, const char *fmt, ...)
{
	char what[128], word[64];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	if (t->kind == TOKEN_BAD && (*t->at == '\'' || *t->at == '"'))
		(void)snprintf(what, sizeof(what), "a quote is missing");
	safe_text(word, sizeof(word), t->at,
	    t->kind == TOKEN_WORD ?
		(size_t)(t->text - t->at) + t->len + (size_t)t->quoted :
		strlen(t->at));
	(void)snprintf(ps->why, ps->whylen, "at character %zu%s%s%s: %s",
	    (size_t)(t->at - ps->start) + 1,
	    t->kind == TOKEN_END ? " (the end)" : ", ", word,
	    t->kind == TOKEN_WORD || t->kind == TOKEN_END ? "" : " ...", what);
	return -1;
}

static int
no_memory(struct parser *ps)
{
	(void)snprintf(ps->why, ps->whylen, "out of memory");
	return -1;
}

static void
next(struct parser *ps)
{
	filter_token(&ps->p, &ps->t);
}

/* Appends a step; takes over the text of a test, also if it fails. */
static int
emit(struct parser *ps, const struct step *s)
{
	struct step *more =
	    reallocarray(ps->f->steps, ps->f->nsteps + 1, sizeof(*more));

	if (more == NULL) {
		free(s->test.text);
		return no_memory(ps);
	}
	ps->f->steps = more;
	more[ps->f->nsteps++] = *s;
	return 0;
}

static int
emit_only(struct parser *ps, int what)
{
	struct step s;

	memset(&s, 0, sizeof(s));
	s.what = (unsigned int)what;
	return emit(ps, &s);
}

/* The word as a test's text. */
static int
take_text(struct parser *ps, const struct token *t, struct test *test)
{
	test->text = strndup(t->text, t->len);
	return test->text == NULL ? no_memory(ps) : 0;
}

static int
number_of_type(struct parser *ps, const struct token *t, struct test *test)
{
	const struct names *names = ps->f->names;
	uint32_t type;
	char *name = strndup(t->text, t->len);
	int found;

	if (name == NULL)
		return no_memory(ps);
	found = names != NULL && names_find(names, name, &type) == 0;
	free(name);
	if (found) {
		test->number = type;
		return 0;
	}
	if (names == NULL || names_count(names) == 0)
		return fail(ps, t, "names of types need a header (-H)");
	return fail(ps, t, "no header has a type of that name");
}

static int
fd_value(struct parser *ps, const struct token *t, struct test *test)
{
	static const struct {
		char word[8];
		int state;
	} states[] = {
		{ "none", IMSG_FD_NONE },
		{ "present", IMSG_FD_PRESENT },
		{ "lost", IMSG_FD_LOST },
		{ "surplus", RECORD_FD_SURPLUS },
	};
	size_t i;

	if (test->cmp == CMP_LIKE) {
		test->field = FIELD_FDNAME;
		return take_text(ps, t, test);
	}
	test->field = FIELD_FDNUM;
	if (filter_number(t, &test->number) == 0)
		return 0;
	test->field = FIELD_FDSTATE;
	for (i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
		if (strlen(states[i].word) != t->len ||
		    memcmp(states[i].word, t->text, t->len) != 0)
			continue;
		test->number = states[i].state;
		if (test->cmp == CMP_EQ || test->cmp == CMP_NE)
			return 0;
		return fail(ps, t, "words are compared with == and !=");
	}
	return fail(ps, t,
	    "fd is compared with a number, none, present, lost or surplus");
}

static int
event_value(struct parser *ps, const struct token *t, struct test *test)
{
	int event;

	if (test->cmp != CMP_EQ && test->cmp != CMP_NE)
		return fail(ps, t, "event is compared with == and !=");
	for (event = RECORD_QUEUED; event <= RECORD_UNREAD; event++) {
		const char *word = shape_event(event);

		if (strlen(word) == t->len &&
		    memcmp(word, t->text, t->len) == 0) {
			test->number = event;
			return 0;
		}
	}
	return fail(
	    ps, t, "event is queued, sent, received, dropped or unread");
}

static int
text_value(struct parser *ps, const struct token *t, struct test *test)
{
	if (test->cmp == CMP_EQ || test->cmp == CMP_NE || test->cmp == CMP_LIKE)
		return take_text(ps, t, test);
	return fail(ps, t, "text is compared with ==, !=, ~ and !~");
}

static int
value(struct parser *ps, const struct token *t, enum value kind,
    struct test *test)
{
	if (kind == VALUE_FD)
		return fd_value(ps, t, test);
	if (kind == VALUE_EVENT)
		return event_value(ps, t, test);
	if (kind == VALUE_TEXT || (kind == VALUE_BOTH && test->cmp == CMP_LIKE))
		return text_value(ps, t, test);
	if (test->cmp == CMP_LIKE)
		return fail(ps, t, "~ and !~ are for text");
	if (filter_number(t, &test->number) == 0)
		return 0;
	if (kind == VALUE_BOTH)
		return text_value(ps, t, test);
	if (kind == VALUE_TYPE)
		return number_of_type(ps, t, test);
	return fail(ps, t, "a number was expected");
}

static int
test(struct parser *ps)
{
	struct token field = ps->t;
	struct step s;
	size_t i;

	memset(&s, 0, sizeof(s));
	if (field.kind != TOKEN_WORD)
		return fail(ps, &field, "a test was expected");
	for (i = 0; i < NFIELDS; i++)
		if (strlen(fields[i].name) == field.len &&
		    memcmp(fields[i].name, field.text, field.len) == 0)
			break;
	if (i == NFIELDS || field.quoted)
		return fail(ps, &field, "no such field");
	next(ps);
	s.what = STEP_TEST;
	s.test.field = fields[i].field;
	if (ps->t.kind != TOKEN_COMPARE) {
		if (fields[i].field == FIELD_FD)
			return emit(ps, &s);
		return fail(ps, &ps->t, "a comparison was expected");
	}
	s.test.cmp = ps->t.cmp;
	s.test.negate = ps->t.negate;
	next(ps);
	if (ps->t.kind != TOKEN_WORD)
		return fail(ps, &ps->t, "a value was expected");
	if (value(ps, &ps->t, fields[i].value, &s.test) == -1)
		return -1;
	next(ps);
	return emit(ps, &s);
}

static int expression(struct parser *);

static int
primary(struct parser *ps)
{
	if (ps->t.kind != TOKEN_OPEN)
		return test(ps);
	if (++ps->nest > FILTER_NEST)
		return fail(ps, &ps->t, "nested too deeply");
	next(ps);
	if (expression(ps) == -1)
		return -1;
	if (ps->t.kind != TOKEN_CLOSE)
		return fail(ps, &ps->t, "and, or, or ) was expected");
	ps->nest--;
	next(ps);
	return 0;
}

static int
negation(struct parser *ps)
{
	int odd = 0;

	for (; ps->t.kind == TOKEN_NOT; next(ps))
		odd = !odd;
	if (primary(ps) == -1)
		return -1;
	return odd ? emit_only(ps, STEP_NOT) : 0;
}

static int
conjunction(struct parser *ps)
{
	if (negation(ps) == -1)
		return -1;
	while (ps->t.kind == TOKEN_AND) {
		next(ps);
		if (negation(ps) == -1 || emit_only(ps, STEP_AND) == -1)
			return -1;
	}
	return 0;
}

static int
expression(struct parser *ps)
{
	if (conjunction(ps) == -1)
		return -1;
	while (ps->t.kind == TOKEN_OR) {
		next(ps);
		if (conjunction(ps) == -1 || emit_only(ps, STEP_OR) == -1)
			return -1;
	}
	return 0;
}

int
filter_parse(struct filter *f, const char *s, char *why, size_t whylen)
{
	struct parser ps;

	memset(&ps, 0, sizeof(ps));
	ps.f = f;
	ps.start = ps.p = s;
	ps.why = why;
	ps.whylen = whylen;
	next(&ps);
	if (expression(&ps) == -1)
		return -1;
	if (ps.t.kind != TOKEN_END)
		return fail(&ps, &ps.t, "and, or, or the end was expected");
	return 0;
}
