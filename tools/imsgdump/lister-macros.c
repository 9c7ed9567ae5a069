/* SPDX-License-Identifier: ISC */
/*
 * Values of macros: #define IMSG_X 5.
 *
 * A macro has no value before it is used.  So a second source is made, which
 * includes the first and uses each in an enum of its own, and read as any.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lister.h"

static bool
wanted(const struct source *s, CXCursor macro, const char *name,
    const char *prefix)
{
	CXSourceRange r = clang_getCursorExtent(macro);
	CXToken *v = NULL;
	unsigned n = 0;

	if (strncmp(name, prefix, strlen(prefix)) != 0 ||
	    clang_Cursor_isMacroFunctionLike(macro))
		return false;
	/* One without a value is a switch. */
	clang_tokenize(s->tu, r, &v, &n);
	clang_disposeTokens(s->tu, v, n);
	return n > 1;
}

/* "enum { NUMBER = (NAME) };" on a line for each; the tag tells which. */
static char *
write_source(const struct source *s, const char *prefix)
{
	char *text = NULL;
	size_t size = 0, i;
	FILE *f = open_memstream(&text, &size);

	if (f == NULL)
		die("out of memory");
	if (strpbrk(s->path, "\"\n\\") != NULL)
		die("a file with this name cannot be included");
	fprintf(f, "#include \"%s\"\n", s->path);
	for (i = 0; i < s->macros.n; i++) {
		char *name = text_of(clang_getCursorSpelling(s->macros.v[i]));

		if (wanted(s, s->macros.v[i], name, prefix))
			fprintf(f,
			    "enum imsgdump_tag_%s { imsgdump_%s ="
			    " (%s) };\n",
			    name, name, name);
		free(name);
	}
	if (ferror(f) || fclose(f) != 0)
		die("out of memory");
	return text;
}

void
macros_print(struct source *s, const char *prefix,
    void (*print)(const struct constant *))
{
	static const char mark[] = "imsgdump_";
	char *text = write_source(s, prefix), *path = NULL, why[512];
	struct source made;
	size_t i;

	if (asprintf(&path, "%s.imsgdump-names.c", s->path) == -1)
		die("out of memory");
	source_read(&made, s->name, path, text);
	for (i = 0; i < made.ngroups; i++) {
		struct group *g = &made.groups[i];
		struct constant c;

		if (!g->in_main)
			continue;
		if (!trusted(&made, g->decl, why, sizeof(why))) {
			/* Its line is that of the source made here. */
			char *cause = strstr(why, ": ");

			say("%s left out: %s", g->tag + strlen("imsgdump_tag_"),
			    strstr(why, "imsgdump-names.c:") == NULL ||
				    cause == NULL ?
				why :
				cause + 2);
			continue;
		}
		if (g->n != 1)
			continue;
		c.name = g->v[0].name + sizeof(mark) - 1;
		c.value = g->v[0].value;
		print(&c);
	}
	source_free(&made);
	free(path);
	free(text);
}
