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

static void
check_condition(struct doubt *d, CXFile file, unsigned start, unsigned end)
{
	const struct directive *c = condition(d->s, file, start, end);

	if (c != NULL)
		because(d, file, c->line,
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

/* The macros that are used in it must be known, too. */
static void
check_macros(struct doubt *d)
{
	const struct cursors *list = &d->s->expansions;
	size_t i;

	for (i = 0; i < list->n && !d->failed; i++) {
		CXCursor def;
		CXFile file;
		unsigned line, offset = 0;

		if (!cursor_within(d, list->v[i]))
			continue;
		def = clang_getCursorReferenced(list->v[i]);
		if (clang_Cursor_isNull(def))
			continue;
		file = place(clang_getCursorLocation(def), &line, &offset);
		if (source_owns(d->s, file))
			check_condition(d, file, offset, offset);
	}
}

static void
look_at(struct doubt *d, CXCursor decl)
{
	size_t i;

	for (i = 0; i < d->todo.n; i++)
		if (clang_equalCursors(d->todo.v[i], decl))
			return;
	d->todo.v = grow(d->todo.v, d->todo.n, sizeof(*d->todo.v));
	d->todo.v[d->todo.n++] = decl;
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
			look_at(d, clang_getCursorSemanticParent(to));
			return CXChildVisit_Continue;
		}
	}
	if (d->s->errors == 0)
		return CXChildVisit_Recurse;
	because(d, place(clang_getCursorLocation(c), &line, &offset), line,
	    "depends on declarations, and some could not be read", "");
	return CXChildVisit_Break;
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
	if (clang_isInvalidDeclaration(decl))
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

	look_at(&d, decl);
	for (i = 0; i < d.todo.n && !d.failed; i++)
		check(&d, d.todo.v[i]);
	free(d.todo.v);
	free(d.within);
	return !d.failed;
}
