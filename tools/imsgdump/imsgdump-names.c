/* SPDX-License-Identifier: ISC */
/*
 * imsgdump-names FILE[:ENUM | :PREFIX*]: the message types of a C source, a
 * line "NUMBER<tab>NAME" each, on standard output; what is wrong with it on
 * standard error.
 *
 * A program of its own, since libclang is big and the file may be hostile: it
 * limits itself before it opens anything.  Errors end it, memory is freed for
 * the checkers' sake only.
 */
#define _GNU_SOURCE
#include <sys/resource.h>
#include <sys/stat.h>

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lister.h"
#include "safe.h"

/* Address sanitizers reserve more than any limit. */
#if defined(__SANITIZE_ADDRESS__)
#define RESERVES_MUCH 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define RESERVES_MUCH 1
#endif
#endif

static size_t printed;
static struct constant *seen;
static size_t nseen;

static void
complain(const char *fmt, va_list ap)
{
	char text[1024], safe[1024];

	vsnprintf(text, sizeof(text), fmt, ap);
	safe_text(safe, sizeof(safe), text, strlen(text));
	fprintf(stderr, "imsgdump-names: %s\n", safe);
}

void
say(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	complain(fmt, ap);
	va_end(ap);
}

_Noreturn void
die(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	complain(fmt, ap);
	va_end(ap);
	exit(1);
}

void *
grow(void *v, size_t n, size_t size)
{
	/* A power of two is full. */
	if ((n & (n - 1)) == 0)
		v = reallocarray(v, n == 0 ? 1 : 2 * n, size);
	if (v == NULL)
		die("out of memory");
	return v;
}

char *
text_of(CXString s)
{
	const char *c = clang_getCString(s);
	char *copy = strdup(c == NULL ? "" : c);

	clang_disposeString(s);
	if (copy == NULL)
		die("out of memory");
	return copy;
}

/* What is lower already stays so, if not for root. */
static void
limits(void)
{
	const struct rlimit none = { 0, 0 }, time = { 10, 10 };
#if !defined(RESERVES_MUCH)
	const struct rlimit memory = { (rlim_t)1 << 30, (rlim_t)1 << 30 };

	(void)setrlimit(RLIMIT_AS, &memory);
#endif
	(void)setrlimit(RLIMIT_CORE, &none);
	(void)setrlimit(RLIMIT_CPU, &time);
	(void)alarm(30); /* it may include what never ends */
}

static void
print(const struct constant *c)
{
	if (strlen(c->name) > LISTER_NAME_MAX ||
	    c->name[strspn(c->name,
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
		"0123456789_")] != '\0')
		return;
	if (++printed > LISTER_MAX)
		die("more than %d names", LISTER_MAX);
	printf("%lu\t%s\n", (unsigned long)c->value, c->name);
}

/* As print, for what is not of one enum. */
static void
print_once(const struct constant *c)
{
	size_t i;

	for (i = 0; i < nseen; i++) {
		if (seen[i].value != c->value)
			continue;
		if (strcmp(seen[i].name, c->name) != 0)
			say("%s left out: %s has the same number", c->name,
			    seen[i].name);
		return;
	}
	seen = grow(seen, nseen, sizeof(*seen));
	seen[nseen].value = c->value;
	seen[nseen].name = strdup(c->name);
	if (seen[nseen++].name == NULL)
		die("out of memory");
	print(c);
}

static void
print_group(struct source *s, const struct group *g, const char *prefix,
    bool sentinels, void (*put)(const struct constant *))
{
	char why[512];
	size_t i;

	if (!trusted(s, g->decl, why, sizeof(why)))
		die("%s: the numbers are not certain: %s", s->name, why);
	for (i = 0; i < g->n; i++)
		if (strncmp(g->v[i].name, prefix, strlen(prefix)) == 0 &&
		    (sentinels || !is_sentinel(g, i)))
			put(&g->v[i]);
}

static bool
has_prefix(const struct group *g, const char *prefix)
{
	size_t i;

	for (i = 0; i < g->n; i++)
		if (strncmp(g->v[i].name, prefix, strlen(prefix)) == 0)
			return true;
	return false;
}

/* All constants and macros that begin so. */
static void
print_prefix(struct source *s, const char *prefix)
{
	size_t i;

	for (i = 0; i < s->ngroups; i++)
		if (has_prefix(&s->groups[i], prefix))
			print_group(s, &s->groups[i], prefix, true, print_once);
	macros_print(s, prefix, print_once);
	while (nseen > 0)
		free(seen[--nseen].name);
	free(seen);
	if (printed == 0)
		die("%s: no number is called %s*", s->name, prefix);
}

static void
print_enum(struct source *s, const char *name)
{
	size_t i, n, *set = choose(s, name, &n);

	for (i = 0; i < n; i++)
		print_group(s, &s->groups[set[i]], "", n == 1, print);
	free(set);
	if (printed == 0)
		die("%s: an enum without names", s->name);
}

/* The colon may be part of the file's name. */
static char *
split(char *spec)
{
	char *colon = strrchr(spec, ':');

	if (colon == NULL || access(spec, F_OK) == 0)
		return NULL;
	*colon = '\0';
	return colon + 1;
}

static char *
file_path(const char *file)
{
	char *path = realpath(file, NULL);
	struct stat st;

	if (path == NULL || stat(path, &st) == -1)
		die("%s: %s", file, strerror(errno));
	if (!S_ISREG(st.st_mode))
		die("%s: not a regular file", file);
	if (st.st_size > 16 << 20)
		die("%s: too large", file);
	if (access(path, R_OK) == -1)
		die("%s: %s", file, strerror(errno));
	return path;
}

int
main(int argc, char *argv[])
{
	struct source s;
	char *name, *path;
	size_t n;

	if (argc != 2) {
		fputs("usage: imsgdump-names FILE[:ENUM]\n", stderr);
		return 2;
	}
	limits();
	name = split(argv[1]);
	path = file_path(argv[1]);
	source_read(&s, argv[1], path, NULL);
	n = name == NULL ? 0 : strlen(name);
	if (n > 1 && name[n - 1] == '*') {
		name[n - 1] = '\0';
		print_prefix(&s, name);
	} else {
		print_enum(&s, n == 0 ? NULL : name);
	}
	source_free(&s);
	free(path);
	if (fflush(stdout) != 0)
		die("cannot write the names: %s", strerror(errno));
	return 0;
}
