/* SPDX-License-Identifier: ISC */
/*
 * Which enum of a file is that of the message types.
 *
 * Programs call it imsg_type, msgtype, gotd_imsg_type, or nothing at all, and
 * its constants IMSG_X, MSG_X or GOT_IMSG_X.  If the numbers of two that fit
 * collide, the one that fits better is taken, and if none does, none.
 */
#define _GNU_SOURCE
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lister.h"

enum { TAG_NONE, TAG_ODD, TAG_MSG, TAG_IMSG };
enum { ARE_NONE, ARE_MSG = 2, ARE_IMSG = 4 };

static bool
ends(const char *s, const char *end)
{
	size_t n = strlen(s), m = strlen(end);

	return n >= m && strcasecmp(s + n - m, end) == 0;
}

static bool
is_typelike(const char *s)
{
	return strcasestr(s, "type") != NULL || ends(s, "msg") ||
	    ends(s, "msgs") || ends(s, "msg_t") || ends(s, "message") ||
	    ends(s, "messages") || ends(s, "kind") || ends(s, "cmd") ||
	    ends(s, "op") || ends(s, "ops");
}

static int
rate_name(const char *s)
{
	if (strcasestr(s, "imsg") != NULL)
		return is_typelike(s) ? TAG_IMSG : TAG_ODD;
	if (strcasestr(s, "msg") != NULL || strcasestr(s, "message") != NULL)
		return is_typelike(s) ? TAG_MSG : TAG_NONE;
	return TAG_NONE;
}

static int
rate_tag(const struct group *g)
{
	int a = rate_name(g->tag), b = rate_name(g->type);

	return a > b ? a : b;
}

/* What most of them are. */
static int
rate_constants(const struct group *g)
{
	size_t i, imsg = 0, msg = 0;

	for (i = 0; i < g->n; i++) {
		const char *s = g->v[i].name;

		if (strncmp(s, "IMSG_", 5) == 0 || strstr(s, "_IMSG_") != NULL)
			imsg++;
		else if (strncmp(s, "MSG_", 4) == 0 ||
		    strstr(s, "_MSG_") != NULL)
			msg++;
	}
	if (imsg > g->n / 2)
		return ARE_IMSG;
	return imsg + msg > g->n / 2 ? ARE_MSG : ARE_NONE;
}

static int
rate(const struct group *g)
{
	return g->n == 0 ? 0 : rate_tag(g) + rate_constants(g);
}

static bool
is_strong(const struct group *g)
{
	return g->n > 0 &&
	    (rate_tag(g) == TAG_IMSG || rate_constants(g) == ARE_IMSG);
}

bool
is_sentinel(const struct group *g, size_t i)
{
	const char *s = g->v[i].name;

	return i + 1 == g->n &&
	    (ends(s, "_MAX") || ends(s, "_LAST") || ends(s, "_COUNT"));
}

struct number {
	uint32_t value;
	size_t group;
};

static int
by_number(const void *va, const void *vb)
{
	const struct number *a = va, *b = vb;

	if (a->value != b->value)
		return a->value < b->value ? -1 : 1;
	return a->group < b->group ? -1 : a->group > b->group;
}

static bool
collide(const struct source *s, const size_t *set, size_t n)
{
	struct number *v = NULL;
	size_t i, k, total = 0;
	bool yes = false;

	for (i = 0; i < n; i++) {
		const struct group *g = &s->groups[set[i]];

		for (k = 0; k < g->n; k++) {
			if (is_sentinel(g, k))
				continue;
			v = grow(v, total, sizeof(*v));
			v[total].value = g->v[k].value;
			v[total++].group = set[i];
		}
	}
	if (total > 0)
		qsort(v, total, sizeof(*v), by_number);
	for (i = 1; i < total && !yes; i++)
		yes = v[i].value == v[i - 1].value &&
		    v[i].group != v[i - 1].group;
	free(v);
	return yes;
}

/* The steps in which a choice among those that fit is made. */
enum step { STRONG, ALIKE, BEST, BEST_IN_MAIN };

static bool
passes(const struct group *g, enum step step, int best)
{
	switch (step) {
	case STRONG:
		return is_strong(g);
	case ALIKE:
		return is_strong(g) && rate_tag(g) != TAG_ODD;
	case BEST:
		return rate(g) == best;
	case BEST_IN_MAIN:
		return rate(g) == best && g->in_main;
	}
	return false;
}

static size_t
take(const struct source *s, size_t *set, enum step step, int best)
{
	size_t i, n = 0;

	for (i = 0; i < s->ngroups; i++)
		if (passes(&s->groups[i], step, best))
			set[n++] = i;
	return n;
}

static _Noreturn void
none(const struct source *s)
{
	size_t i;

	for (i = 0; i < s->macros.n; i++) {
		char *name = text_of(clang_getCursorSpelling(s->macros.v[i]));
		const char *end = strstr(name, "MSG_");

		if (end != NULL)
			die("%s: no enum looks like message types; for macros"
			    " use '%s:%.*s*'",
			    s->name, s->name, (int)(end + 4 - name), name);
		free(name);
	}
	die("%s: no enum looks like message types%s; use FILE:ENUM", s->name,
	    s->errors > 0 ? ", of what could be read" : "");
}

static _Noreturn void
several(const struct source *s, const size_t *set, size_t n)
{
	char list[400] = "";
	size_t i, used = 0;

	for (i = 0; i < n && used < sizeof(list) - 80; i++) {
		const struct group *g = &s->groups[set[i]];
		const char *name = g->tag[0] != '\0' ? g->tag : g->type;

		used += (size_t)snprintf(list + used, sizeof(list) - used,
		    "%s%.40s (line %u)", i > 0 ? ", " : "",
		    name[0] == '\0' ? "without a name" : name, g->line);
	}
	die("%s: several enums with the same numbers: %s%s; use FILE:ENUM or"
	    " FILE:PREFIX*",
	    s->name, list, i < n ? ", ..." : "");
}

static size_t
guess(const struct source *s, size_t *set)
{
	size_t i, n;
	int best = 0;

	for (i = 0; i < s->ngroups; i++)
		if (rate(&s->groups[i]) > best)
			best = rate(&s->groups[i]);
	if (best == 0)
		none(s);
	n = take(s, set, STRONG, best);
	if (n > 0)
		n = take(s, set, ALIKE, best);
	if (n > 0 && !collide(s, set, n))
		return n;
	n = take(s, set, BEST, best);
	if (collide(s, set, n) && take(s, set, BEST_IN_MAIN, best) > 0)
		n = take(s, set, BEST_IN_MAIN, best);
	else
		n = take(s, set, BEST, best);
	if (collide(s, set, n))
		several(s, set, n);
	if (best < ARE_MSG + TAG_MSG && !is_strong(&s->groups[set[0]]))
		say("%s: taking %s at line %u for the message types", s->name,
		    s->groups[set[0]].tag[0] != '\0' ? s->groups[set[0]].tag :
						       "the enum",
		    s->groups[set[0]].line);
	return n;
}

size_t *
choose(const struct source *s, const char *name, size_t *n)
{
	size_t i, *set = calloc(s->ngroups + 1, sizeof(*set));

	if (set == NULL)
		die("out of memory");
	*n = 0;
	if (name == NULL) {
		*n = guess(s, set);
		return set;
	}
	for (i = 0; i < s->ngroups; i++)
		if (strcmp(s->groups[i].tag, name) == 0 ||
		    strcmp(s->groups[i].type, name) == 0)
			set[(*n)++] = i;
	if (*n == 0)
		die("%s: no enum %s%s", s->name, name,
		    s->errors > 0 ? " in what could be read" : "");
	if (*n > 1)
		several(s, set, *n);
	return set;
}
