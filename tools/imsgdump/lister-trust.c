/* SPDX-License-Identifier: ISC */
/*
 * Whether the values of an enum are those the program has.
 *
 * libclang goes on after an error: a constant whose value it could not read
 * gets the next number, one that it takes for a second definition is left out,
 * and all that follow have wrong numbers.  So an enum is trusted if there is no
 * error in it, no condition that is not known decides what is in it, and the
 * same holds for all that its values are made of.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lister.h"

struct doubt {
	struct source *s;
	char *why;
	size_t size;
	struct cursors todo; /* enums to look at, the first done of them */
	CXFile file;	     /* of the one being looked at */
	unsigned start, end;
	CXFile *within; /* what is included in it */
	size_t nwithin;
	bool failed;
};

static void
because(struct doubt *d, CXFile file, unsigned line, const char *what,
    const char *word)
{
	char *path, *base;

	if (d->failed)
		return;
	d->failed = true;
	path = text_of(clang_getFileName(file));
	base = strrchr(path, '/');
	snprintf(d->why, d->size, "%s:%u: %s%s", base == NULL ? path : base + 1,
	    line, what, word);
	free(path);
}

static bool
is_within(const struct doubt *d, CXFile file, unsigned offset)
{
	size_t i;

	if (file == NULL)
		return false;
	if (clang_File_isEqual(file, d->file) && offset >= d->start &&
	    offset <= d->end)
		return true;
	for (i = 0; i < d->nwithin; i++)
		if (clang_File_isEqual(file, d->within[i]))
			return true;
	return false;
}

static bool
cursor_within(const struct doubt *d, CXCursor c)
{
	unsigned line, offset = 0;
	CXFile file = place(clang_getCursorLocation(c), &line, &offset);

	return is_within(d, file, offset);
}

/* Files included within it, and what those include. */
static void
find_included(struct doubt *d)
{
	const struct cursors *list = &d->s->inclusions;
	size_t i, before;

	do {
		before = d->nwithin;
		for (i = 0; i < list->n; i++) {
			CXFile file = clang_getIncludedFile(list->v[i]);

			if (file == NULL || !cursor_within(d, list->v[i]) ||
			    is_within(d, file, UINT32_MAX))
				continue;
			d->within =
			    grow(d->within, d->nwithin, sizeof(*d->within));
			d->within[d->nwithin++] = file;
		}
	} while (d->nwithin > before);
}

static void
check_diagnostics(struct doubt *d)
{
	unsigned i, n = clang_getNumDiagnostics(d->s->tu);

	for (i = 0; i < n && !d->failed; i++) {
		CXDiagnostic e = clang_getDiagnostic(d->s->tu, i);
		unsigned line = 0, offset = 0;
		CXFile file =
		    place(clang_getDiagnosticLocation(e), &line, &offset);
		enum CXDiagnosticSeverity severity =
		    clang_getDiagnosticSeverity(e);

		/* After one without a place nothing was read. */
		if (severity >= CXDiagnostic_Error &&
		    (file == NULL || is_within(d, file, offset))) {
			char *text = text_of(clang_getDiagnosticSpelling(e));

			because(
			    d, file == NULL ? d->file : file, line, text, "");
			free(text);
		}
		clang_disposeDiagnostic(e);
	}
}

/*
 * What decided that this file was included: nothing that is not known, if one
 * of the ways from the main file to it is free of that.
 */
static const struct directive *
way(struct doubt *d, CXFile file, unsigned depth, CXFile *where)
{
	const struct cursors *list = &d->s->inclusions;
	const struct directive *c, *found = NULL;
	size_t i;

	if (depth > 16 || clang_File_isEqual(file, d->s->main))
		return NULL;
	for (i = 0; i < list->n; i++) {
		unsigned line, offset = 0;
		CXFile to = clang_getIncludedFile(list->v[i]), from;

		if (to == NULL || !clang_File_isEqual(to, file))
			continue;
		from =
		    place(clang_getCursorLocation(list->v[i]), &line, &offset);
		c = condition(d->s, from, offset, offset);
		if (c != NULL)
			*where = from;
		else
			c = way(d, from, depth + 1, where);
		if (c == NULL)
			return NULL;
		found = c;
	}
	return found;
}

static void
check_condition(struct doubt *d, CXFile file, unsigned start, unsigned end)
{
	CXFile where = file;
	const struct directive *c = condition(d->s, file, start, end);

	if (c == NULL)
		c = way(d, file, 0, &where);
	if (c != NULL)
		because(d, where, c->line,
		    "depends on a macro that nothing here defines: ",
		    c->unknown);
}

static void
check_conditions(struct doubt *d)
{
	size_t i;

	check_condition(d, d->file, d->start, d->end);
	for (i = 0; i < d->nwithin; i++)
		check_condition(d, d->within[i], 0, UINT32_MAX);
}

static void
look_at(struct cursors *todo, CXCursor decl)
{
	size_t i;

	for (i = 0; i < todo->n; i++)
		if (clang_equalCursors(todo->v[i], decl))
			return;
	todo->v = grow(todo->v, todo->n, sizeof(*todo->v));
	todo->v[todo->n++] = decl;
}

/*
 * Of those used within other macros libclang keeps no record: all whose name
 * is in the text of this one.
 */
static void
look_into(const struct source *s, struct cursors *todo, CXCursor macro)
{
	CXToken *v = NULL;
	unsigned i, n = 0;
	size_t k;

	clang_tokenize(s->tu, clang_getCursorExtent(macro), &v, &n);
	for (i = 1; i < n; i++) {
		char *word;

		if (clang_getTokenKind(v[i]) != CXToken_Identifier)
			continue;
		word = text_of(clang_getTokenSpelling(s->tu, v[i]));
		for (k = 0; k < s->macros.n; k++) {
			char *name =
			    text_of(clang_getCursorSpelling(s->macros.v[k]));

			if (strcmp(name, word) == 0)
				look_at(todo, s->macros.v[k]);
			free(name);
		}
		free(word);
	}
	clang_disposeTokens(s->tu, v, n);
}

/* The macros that are used in it must be known, too. */
static void
check_macros(struct doubt *d)
{
	const struct cursors *list = &d->s->expansions;
	struct cursors todo = { 0 };
	size_t i;

	for (i = 0; i < list->n; i++) {
		CXCursor def = clang_getCursorReferenced(list->v[i]);

		if (cursor_within(d, list->v[i]) && !clang_Cursor_isNull(def))
			look_at(&todo, def);
	}
	for (i = 0; i < todo.n && !d->failed; i++) {
		unsigned line, offset = 0;
		CXFile file =
		    place(clang_getCursorLocation(todo.v[i]), &line, &offset);

		if (!source_owns(d->s, file))
			continue;
		check_condition(d, file, offset, offset);
		look_into(d->s, &todo, todo.v[i]);
	}
	free(todo.v);
}

/*
 * Numbers and other constants; all else, as sizeof, may rest on an error far
 * away, if there is one.
 */
static enum CXChildVisitResult
expression(CXCursor c, CXCursor parent, CXClientData arg)
{
	struct doubt *d = arg;
	unsigned line = 0, offset = 0;
	CXCursor to;
	CXFile file;

	(void)parent;
	switch ((int)clang_getCursorKind(c)) {
	case CXCursor_EnumConstantDecl:
	case CXCursor_IntegerLiteral:
	case CXCursor_CharacterLiteral:
	case CXCursor_UnaryOperator:
	case CXCursor_BinaryOperator:
	case CXCursor_ConditionalOperator:
	case CXCursor_ParenExpr:
	case CXCursor_CStyleCastExpr:
	case CXCursor_UnexposedExpr:
	case CXCursor_UnexposedAttr:
	case CXCursor_AnnotateAttr:
		return CXChildVisit_Recurse;
	case CXCursor_DeclRefExpr:
		to = clang_getCursorReferenced(c);
		if (clang_getCursorKind(to) == CXCursor_EnumConstantDecl) {
			look_at(&d->todo, clang_getCursorSemanticParent(to));
			return CXChildVisit_Continue;
		}
	}
	if (d->s->errors == 0)
		return CXChildVisit_Recurse;
	file = place(clang_getCursorLocation(c), &line, &offset);
	because(d, file, line,
	    "depends on declarations, and some could not be read", "");
	return CXChildVisit_Break;
}

/* One that is cut off ends with its last constant. */
static bool
ends_with_brace(const struct doubt *d)
{
	size_t size = 0;
	const char *text = clang_getFileContents(d->s->tu, d->file, &size);

	return text != NULL && d->end > 0 && d->end <= size &&
	    text[d->end - 1] == '}';
}

static void
check(struct doubt *d, CXCursor decl)
{
	CXSourceRange r = clang_getCursorExtent(decl);
	unsigned line;

	d->nwithin = 0;
	d->file = place(clang_getRangeStart(r), &line, &d->start);
	(void)place(clang_getRangeEnd(r), &line, &d->end);
	find_included(d);
	check_diagnostics(d);
	if (clang_isInvalidDeclaration(decl) ||
	    (d->s->errors > 0 && !ends_with_brace(d)))
		because(d, d->file, line, "the enum is not valid C", "");
	check_conditions(d);
	check_macros(d);
	if (!d->failed)
		clang_visitChildren(decl, expression, d);
}

bool
trusted(struct source *s, CXCursor decl, char *why, size_t size)
{
	struct doubt d = { .s = s, .why = why, .size = size };
	size_t i;

	look_at(&d.todo, decl);
	for (i = 0; i < d.todo.n && !d.failed; i++)
		check(&d, d.todo.v[i]);
	free(d.todo.v);
	free(d.within);
	return !d.failed;
}
