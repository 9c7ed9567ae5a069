/* SPDX-License-Identifier: ISC */
/*
 * Conditions of the preprocessor around and within a piece of text.
 *
 * A program's config.h is not here.  Whether "#ifdef HAVE_X" holds is not
 * known then, and if that decides whether a constant is there, neither are the
 * numbers of those that follow.  So each name in a condition must be defined,
 * by whatever is here, or be the compiler's (__linux__), which is.  An #undef
 * is a way to say: it is not defined, and I know.
 */
#include <stdlib.h>
#include <string.h>

#include "lister.h"

struct scan {
	struct source *s;
	struct conditions *c;
	const char *text;
	size_t size;
	CXToken *v;
	unsigned n;
	unsigned depth;
};

/* Where the line ends that offset is in; a backslash joins the next one. */
static size_t
line_end(const struct scan *x, size_t offset)
{
	size_t i;

	for (i = offset; i < x->size; i++) {
		if (x->text[i] != '\n')
			continue;
		if (i > 0 && x->text[i - 1] == '\\')
			continue;
		if (i > 1 && x->text[i - 1] == '\r' && x->text[i - 2] == '\\')
			continue;
		break;
	}
	return i;
}

static unsigned
token_at(const struct scan *x, unsigned i, unsigned *line, unsigned *end)
{
	CXSourceRange r = clang_getTokenExtent(x->s->tu, x->v[i]);
	unsigned offset = 0;

	(void)place(clang_getRangeStart(r), line, &offset);
	(void)place(clang_getRangeEnd(r), NULL, end);
	return offset;
}

/* # begins a directive where nothing but blanks is before it on its line. */
static bool
begins_line(const struct scan *x, size_t offset)
{
	while (offset > 0 &&
	    (x->text[offset - 1] == ' ' || x->text[offset - 1] == '\t'))
		offset--;
	return offset == 0 || x->text[offset - 1] == '\n';
}

static bool
is_unknown(const struct source *s, const char *word)
{
	return strcmp(word, "defined") != 0 && strncmp(word, "__", 2) != 0 &&
	    !source_defines(s, word);
}

/*
 * Looks at the words after the name of the directive, token i; returns the
 * token behind it.
 */
static unsigned
words(struct scan *x, unsigned i, struct directive *d, bool undef)
{
	unsigned line, end = 0;
	size_t until;

	(void)token_at(x, i, &line, &end);
	until = line_end(x, end);
	for (i++; i < x->n && token_at(x, i, &line, &end) < until; i++) {
		struct words *u = &x->s->undefined;
		CXTokenKind kind = clang_getTokenKind(x->v[i]);
		char *word;

		/* A comment may go on on other lines. */
		if (end > until)
			until = line_end(x, end);
		if (kind != CXToken_Identifier && kind != CXToken_Keyword)
			continue;
		word = text_of(clang_getTokenSpelling(x->s->tu, x->v[i]));
		if (undef) {
			u->v = grow(u->v, u->n, sizeof(*u->v));
			u->v[u->n++] = word;
		} else if (d != NULL && d->unknown == NULL &&
		    is_unknown(x->s, word)) {
			d->unknown = word;
		} else {
			free(word);
		}
	}
	return i;
}

static int
kind_of(const char *name)
{
	if (strcmp(name, "if") == 0 || strcmp(name, "ifdef") == 0 ||
	    strcmp(name, "ifndef") == 0)
		return COND_IF;
	if (strncmp(name, "el", 2) == 0) /* else, elif, elifdef, elifndef */
		return COND_ELSE;
	return strcmp(name, "endif") == 0 ? COND_END : -1;
}

/* Tokens hash and hash + 1; returns the one behind the directive. */
static unsigned
directive(struct scan *x, unsigned hash)
{
	char *name = text_of(clang_getTokenSpelling(x->s->tu, x->v[hash + 1]));
	int kind = kind_of(name);
	bool undef = strcmp(name, "undef") == 0;
	unsigned line = 0, end = 0, offset = token_at(x, hash, &line, &end);
	struct directive *d;

	free(name);
	if (x->c == NULL) { /* only the #undef are wanted */
		x->depth += kind == COND_IF;
		x->depth -= kind == COND_END && x->depth > 0;
		return words(x, hash + 1, NULL, undef && x->depth == 0);
	}
	if (kind < 0)
		return words(x, hash + 1, NULL, false);
	x->c->v = grow(x->c->v, x->c->n, sizeof(*x->c->v));
	d = &x->c->v[x->c->n++];
	memset(d, 0, sizeof(*d));
	d->offset = offset;
	d->line = line;
	d->kind = (unsigned)kind;
	return words(x, hash + 1, d, false);
}

static bool
is_hash(const struct scan *x, unsigned i)
{
	unsigned line, end = 0, offset = token_at(x, i, &line, &end);

	if (end != offset + 1 || offset >= x->size || x->text[offset] != '#')
		return false;
	/* A comment before it on its line is as good as a blank. */
	while (!begins_line(x, offset)) {
		if (i == 0 || clang_getTokenKind(x->v[--i]) != CXToken_Comment)
			return false;
		offset = token_at(x, i, &line, &end);
	}
	return true;
}

static void
scan(struct source *s, CXFile file, struct conditions *c)
{
	struct scan x = { .s = s, .c = c };
	unsigned i;

	x.text = clang_getFileContents(s->tu, file, &x.size);
	if (x.text == NULL || x.size > (1U << 30))
		return;
	clang_tokenize(s->tu,
	    clang_getRange(clang_getLocationForOffset(s->tu, file, 0),
		clang_getLocationForOffset(s->tu, file, (unsigned)x.size)),
	    &x.v, &x.n);
	for (i = 0; i < x.n;) {
		if (i + 1 < x.n && is_hash(&x, i))
			i = directive(&x, i);
		else
			i++;
	}
	clang_disposeTokens(s->tu, x.v, x.n);
}

void
conditions_undefined(struct source *s)
{
	scan(s, s->main, NULL);
}

static struct conditions *
conditions_of(struct source *s, CXFile file)
{
	struct conditions *c;
	size_t i;

	for (i = 0; i < s->nconditions; i++)
		if (clang_File_isEqual(s->conditions[i].file, file))
			return &s->conditions[i];
	s->conditions =
	    grow(s->conditions, s->nconditions, sizeof(*s->conditions));
	c = &s->conditions[s->nconditions++];
	memset(c, 0, sizeof(*c));
	c->file = file;
	scan(s, file, c);
	return c;
}

/* Those still open at the start, and all between start and end. */
const struct directive *
condition(struct source *s, CXFile file, unsigned start, unsigned end)
{
	const struct conditions *c = conditions_of(s, file);
	const struct directive *d, *found = NULL;
	size_t *open = NULL, n = 0, used = 0, i;
	size_t *line = calloc(c->n + 1, sizeof(*line));

	open = calloc(c->n + 1, sizeof(*open));
	if (open == NULL || line == NULL)
		die("out of memory");
	/* line: the directives of open groups; open: where each begins. */
	for (i = 0; i < c->n && c->v[i].offset < start; i++) {
		if (c->v[i].kind == COND_IF)
			open[n++] = used;
		if (c->v[i].kind != COND_END)
			line[used++] = i;
		else if (n > 0)
			used = open[--n];
	}
	while (i < c->n && c->v[i].offset < end)
		line[used++] = i++;
	for (i = 0; i < used && found == NULL; i++) {
		d = &c->v[line[i]];
		if (d->unknown != NULL)
			found = d;
	}
	free(open);
	free(line);
	return found;
}

void
conditions_free(struct source *s)
{
	while (s->nconditions > 0) {
		struct conditions *c = &s->conditions[--s->nconditions];

		while (c->n > 0)
			free(c->v[--c->n].unknown);
		free(c->v);
	}
	free(s->conditions);
}
