/* SPDX-License-Identifier: ISC */
/*
 * Between the parts of imsgdump-names, which reads C with libclang.
 *
 * The program has one job and one file; what it cannot do ends it: die().
 * A number that may be another one in the program itself is never printed.
 */
#ifndef LISTER_H
#define LISTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <clang-c/Index.h>

#define LISTER_MAX	65536 /* names in an answer */
#define LISTER_NAME_MAX 255

struct constant {
	char *name;
	uint32_t value;
};

struct group {
	CXCursor decl;
	char *tag;  /* "" without */
	char *type; /* the name of a typedef, "" without */
	unsigned line;
	bool in_main; /* in FILE itself */
	struct constant *v;
	size_t n;
};

/* #if, #elif, #else, #endif; the first name in it that nothing defines. */
struct directive {
	unsigned offset, line;
	enum { COND_IF, COND_ELSE, COND_END } kind;
	char *unknown;
};

struct conditions {
	CXFile file;
	struct directive *v;
	size_t n;
};

struct words {
	char **v;
	size_t n;
};

struct cursors {
	CXCursor *v;
	size_t n;
};

struct source {
	const char *name; /* as it was given */
	const char *path; /* absolute */
	CXIndex index;
	CXTranslationUnit tu;
	CXFile main;
	CXFile *own; /* main and what belongs to it */
	size_t nown;
	unsigned errors;
	struct group *groups;
	size_t ngroups;
	struct cursors inclusions, expansions, macros; /* in own files */
	struct words defined;			       /* everywhere, sorted */
	struct words undefined; /* by an #undef of main, outside of any #if */
	struct conditions *conditions;
	size_t nconditions;
};

/* imsgdump-names.c */
_Noreturn void die(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* Room for one more of size at the end of v, which has n. */
void *grow(void *v, size_t n, size_t size);
char *text_of(CXString);

/*
 * lister-source.c: text, if not NULL, stands for the content of path, and what
 * is beside path belongs to it.
 */
void source_read(
    struct source *, const char *name, const char *path, const char *text);
void source_free(struct source *);
bool source_owns(const struct source *, CXFile);
bool source_defines(const struct source *, const char *macro);
/* File, line and offset; of what a macro made those of its use. */
CXFile place(CXSourceLocation, unsigned *line, unsigned *offset);

/* lister-conditions.c: what decided that this text is there, if unknown. */
const struct directive *condition(
    struct source *, CXFile, unsigned start, unsigned end);
void conditions_free(struct source *);
void conditions_undefined(struct source *);

/* lister-trust.c: false, with a reason: its values may be others. */
bool trusted(struct source *, CXCursor decl, char *why, size_t size);

/* lister-choose.c: indices of the groups with the message types. */
size_t *choose(const struct source *, const char *name, size_t *n);
/* Made to be the last, for its number: not a message. */
bool is_sentinel(const struct group *, size_t i);

/* lister-macros.c */
void macros_print(
    struct source *, const char *prefix, void (*)(const struct constant *));

#endif
