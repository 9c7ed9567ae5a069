/* SPDX-License-Identifier: ISC */
/*
 * A C source through libclang: its enums, macros and includes.
 *
 * Headers of programs include much that is not on this machine, so nearly
 * every file has errors; where they are is looked at later.
 */
#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>

#include "lister.h"

CXFile
place(CXSourceLocation loc, unsigned *line, unsigned *offset)
{
	CXFile file = NULL;

	clang_getExpansionLocation(loc, &file, line, NULL, offset);
	return file;
}

static CXFile
file_of(CXCursor c)
{
	unsigned offset;

	return place(clang_getCursorLocation(c), NULL, &offset);
}

bool
source_owns(const struct source *s, CXFile file)
{
	size_t i;

	for (i = 0; file != NULL && i < s->nown; i++)
		if (clang_File_isEqual(s->own[i], file))
			return true;
	return false;
}

static int
by_word(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

bool
source_defines(const struct source *s, const char *macro)
{
	size_t i;

	for (i = 0; i < s->undefined.n; i++)
		if (strcmp(s->undefined.v[i], macro) == 0)
			return true;
	return s->defined.n > 0 &&
	    bsearch(&macro, s->defined.v, s->defined.n, sizeof(char *),
		by_word) != NULL;
}

static bool
same_directory(const char *a, const char *b)
{
	char *real = realpath(b, NULL);
	const char *end = strrchr(a, '/');
	bool same;

	if (real == NULL || end == NULL) {
		free(real);
		return false;
	}
	same = strncmp(real, a, (size_t)(end - a) + 1) == 0;
	free(real);
	return same;
}

/* What the file itself names, and what is in its directory or below. */
static void
included(CXFile file, CXSourceLocation *stack, unsigned depth, void *arg)
{
	struct source *s = arg;
	CXSourceLocation begin = clang_getLocationForOffset(s->tu, file, 0);
	char *name;

	(void)stack;
	if (depth > 0 && clang_Location_isInSystemHeader(begin))
		return;
	if (depth > 1) {
		bool same;

		name = text_of(clang_getFileName(file));
		same = same_directory(s->path, name);
		free(name);
		if (!same)
			return;
	}
	if (source_owns(s, file))
		return;
	s->own = grow(s->own, s->nown, sizeof(*s->own));
	s->own[s->nown++] = file;
}

static enum CXChildVisitResult
constant(CXCursor c, CXCursor parent, CXClientData arg)
{
	struct group *g = arg;
	long long value;

	(void)parent;
	if (clang_getCursorKind(c) != CXCursor_EnumConstantDecl)
		return CXChildVisit_Continue;
	if (g->n >= LISTER_MAX)
		die("an enum with more than %d constants", LISTER_MAX);
	/*
	 * What does not fit in 32 bits is no type of a message, a negative
	 * number is what the cast of imsg_compose() makes of it.
	 */
	value = clang_getEnumConstantDeclValue(c);
	if (value < INT32_MIN || value > (long long)UINT32_MAX)
		return CXChildVisit_Continue;
	g->v = grow(g->v, g->n, sizeof(*g->v));
	g->v[g->n].value = (uint32_t)value;
	g->v[g->n++].name = text_of(clang_getCursorSpelling(c));
	return CXChildVisit_Continue;
}

static void
add_enum(struct source *s, CXCursor c)
{
	struct group *g;
	unsigned offset;
	size_t i;

	/* That of a member is a child of the structure and of the member. */
	for (i = 0; i < s->ngroups; i++)
		if (clang_equalCursors(s->groups[i].decl, c))
			return;
	s->groups = grow(s->groups, s->ngroups, sizeof(*s->groups));
	g = &s->groups[s->ngroups++];
	memset(g, 0, sizeof(*g));
	g->decl = c;
	g->tag = text_of(clang_getCursorSpelling(c));
	/* Some versions describe what has no name. */
	if (strchr(g->tag, ' ') != NULL || strchr(g->tag, '(') != NULL)
		g->tag[0] = '\0';
	g->type = calloc(1, 1);
	if (g->type == NULL)
		die("out of memory");
	g->in_main = clang_File_isEqual(
	    place(clang_getCursorLocation(c), &g->line, &offset), s->main);
	clang_visitChildren(c, constant, g);
}

static void
add_type(struct source *s, CXCursor c)
{
	CXCursor decl = clang_getTypeDeclaration(
	    clang_getCanonicalType(clang_getTypedefDeclUnderlyingType(c)));
	size_t i;

	for (i = 0; i < s->ngroups; i++) {
		if (!clang_equalCursors(s->groups[i].decl, decl))
			continue;
		free(s->groups[i].type);
		s->groups[i].type = text_of(clang_getCursorSpelling(c));
	}
}

static void
add_cursor(struct cursors *list, CXCursor c)
{
	list->v = grow(list->v, list->n, sizeof(*list->v));
	list->v[list->n++] = c;
}

static enum CXChildVisitResult
entity(CXCursor c, CXCursor parent, CXClientData arg)
{
	struct source *s = arg;
	enum CXCursorKind kind = clang_getCursorKind(c);

	(void)parent;
	if (kind == CXCursor_MacroDefinition) {
		s->defined.v = grow(s->defined.v, s->defined.n, sizeof(char *));
		s->defined.v[s->defined.n++] =
		    text_of(clang_getCursorSpelling(c));
	}
	if (!source_owns(s, file_of(c)))
		return CXChildVisit_Continue;
	if (kind == CXCursor_MacroDefinition)
		add_cursor(&s->macros, c);
	else if (kind == CXCursor_MacroExpansion)
		add_cursor(&s->expansions, c);
	else if (kind == CXCursor_InclusionDirective)
		add_cursor(&s->inclusions, c);
	else if (kind == CXCursor_TypedefDecl)
		add_type(s, c);
	else if (kind == CXCursor_EnumDecl && clang_isCursorDefinition(c))
		add_enum(s, c);
	return CXChildVisit_Recurse;
}

static void
count_errors(struct source *s)
{
	unsigned i, n = clang_getNumDiagnostics(s->tu);

	for (i = 0; i < n; i++) {
		CXDiagnostic d = clang_getDiagnostic(s->tu, i);

		if (clang_getDiagnosticSeverity(d) >= CXDiagnostic_Error)
			s->errors++;
		clang_disposeDiagnostic(d);
	}
}

void
source_read(
    struct source *s, const char *name, const char *path, const char *text)
{
	/*
	 * All errors are wanted, and no guess at what was meant; the macros
	 * are those of OpenBSD's <sys/cdefs.h> that stand where they hurt.
	 */
	static const char *const args[] = { "-xc", "-std=gnu17", "-w",
		"-ferror-limit=0", "-fno-spell-checking",
		"-D__packed=", "-D__dead=" };
	struct CXUnsavedFile content = { path, text,
		text == NULL ? 0 : (unsigned long)strlen(text) };
	unsigned flags = CXTranslationUnit_KeepGoing |
	    CXTranslationUnit_SkipFunctionBodies |
	    CXTranslationUnit_DetailedPreprocessingRecord;
	enum CXErrorCode e;

	memset(s, 0, sizeof(*s));
	s->name = name;
	s->path = path;
	s->index = clang_createIndex(0, 0);
	if (s->index == NULL)
		die("libclang does not start");
	e = clang_parseTranslationUnit2(s->index, path, args,
	    (int)(sizeof(args) / sizeof(args[0])), &content, text != NULL,
	    flags, &s->tu);
	if (e != CXError_Success || s->tu == NULL)
		die("%s: libclang cannot read it", name);
	s->main = clang_getFile(s->tu, path);
	clang_getInclusions(s->tu, included, s);
	count_errors(s);
	clang_visitChildren(clang_getTranslationUnitCursor(s->tu), entity, s);
	if (s->defined.n > 0)
		qsort(s->defined.v, s->defined.n, sizeof(char *), by_word);
	conditions_undefined(s);
}

static void
words_free(struct words *w)
{
	while (w->n > 0)
		free(w->v[--w->n]);
	free(w->v);
}

void
source_free(struct source *s)
{
	while (s->ngroups > 0) {
		struct group *g = &s->groups[--s->ngroups];

		while (g->n > 0)
			free(g->v[--g->n].name);
		free(g->v);
		free(g->tag);
		free(g->type);
	}
	free(s->groups);
	free(s->own);
	free(s->inclusions.v);
	free(s->expansions.v);
	free(s->macros.v);
	words_free(&s->defined);
	words_free(&s->undefined);
	conditions_free(s);
	clang_disposeTranslationUnit(s->tu);
	clang_disposeIndex(s->index);
}
