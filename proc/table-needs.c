/* SPDX-License-Identifier: ISC */
/*
 * What can be wrong between the entries of a table: names that are none, needs
 * in a circle, a parent that gives up what it needs for the others.
 */
#include "feature.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "table.h"

static const struct imsgproc_spec *
table_find(const struct imsgproc_daemon *d, const char *name, size_t len)
{
	size_t i;

	for (i = 0; i < d->nprocs; i++)
		if (strlen(d->procs[i].name) == len &&
		    memcmp(d->procs[i].name, name, len) == 0)
			return &d->procs[i];
	return NULL;
}

static int
check_talks(const struct check *c, const struct imsgproc_spec *s)
{
	const struct imsgproc_spec *parent = c->d->procs, *o;
	const char *list = s->talks, *p;
	size_t len, i;

	while ((p = imsgpi_next_name(&list, &len)) != NULL) {
		if ((o = table_find(c->d, p, len)) == NULL)
			return imsgpi_wrong(c, s, ENOENT,
			    "%s talks to %.*s: there is none", s->name,
			    (int)len, p);
		if (o == s)
			return imsgpi_wrong(
			    c, s, EINVAL, "%s talks to itself", s->name);
	}
	for (i = 1; i < c->d->nprocs && s != parent; i++) {
		o = &c->d->procs[i];
		if (!imsgpi_talk(c->d, s, o))
			continue;
		if (s->flags & IMSGPROC_ON_DEMAND)
			return imsgpi_wrong(c, s, EINVAL,
			    "%s is started on demand: it has no channel to %s",
			    s->name, o->name);
		if (s->run != NULL)
			return imsgpi_wrong(c, s, EINVAL,
			    "%s has no loop, but run: no channel to %s",
			    s->name, o->name);
	}
	return 0;
}

static int
check_needs(const struct check *c, const struct imsgproc_spec *s)
{
	const struct imsgproc_spec *o;
	const char *list = s->needs, *p;
	size_t len;

	while ((p = imsgpi_next_name(&list, &len)) != NULL) {
		if ((o = table_find(c->d, p, len)) == NULL)
			return imsgpi_wrong(c, s, ENOENT,
			    "%s needs %.*s: there is none", s->name, (int)len,
			    p);
		if (s == c->d->procs)
			return imsgpi_wrong(c, s, EINVAL,
			    "%s is the parent: all others are ready before it",
			    s->name);
		if (o == c->d->procs)
			return imsgpi_wrong(c, s, EINVAL,
			    "%s needs %s: the parent is always there", s->name,
			    o->name);
		if (s->flags & IMSGPROC_ON_DEMAND)
			return imsgpi_wrong(c, s, EINVAL,
			    "%s is started on demand, alone: it needs nobody",
			    s->name);
		if (o->flags & IMSGPROC_ON_DEMAND)
			return imsgpi_wrong(c, s, EINVAL,
			    "%s needs %s: that is started on demand", s->name,
			    o->name);
	}
	return 0;
}

/* A walk along the needs: where it has been before, and its way so far. */
struct walk {
	const struct check *c;
	unsigned char seen[IMSGPROC_MAX]; /* 1: on the way, 2: done */
	size_t way[IMSGPROC_MAX];
	size_t n;
};

static int
say_circle(const struct walk *w, size_t again)
{
	const struct imsgproc_spec *procs = w->c->d->procs;
	char text[512];
	size_t i, at = 0;
	int r;

	for (i = 0; w->way[i] != again; i++)
		;
	for (; i < w->n && at < sizeof(text); i++) {
		r = snprintf(text + at, sizeof(text) - at, "%s needs ",
		    procs[w->way[i]].name);
		at += r < 0 ? 0 : (size_t)r;
	}
	return imsgpi_wrong(w->c, &procs[again], ELOOP,
	    "needs in a circle: %s%s", text, procs[again].name);
}

static int
walk_needs(struct walk *w, size_t at)
{
	const struct imsgproc_spec *procs = w->c->d->procs;
	const char *list = procs[at].needs, *p;
	size_t len, to;

	w->seen[at] = 1;
	w->way[w->n++] = at;
	while ((p = imsgpi_next_name(&list, &len)) != NULL) {
		to = (size_t)(table_find(w->c->d, p, len) - procs);
		if (w->seen[to] == 1)
			return say_circle(w, to);
		if (w->seen[to] == 0 && walk_needs(w, to) == -1)
			return -1;
	}
	w->seen[at] = 2;
	w->n--;
	return 0;
}

int
imsgpi_check_lists(const struct check *c)
{
	struct walk w;
	size_t i;

	for (i = 0; i < c->d->nprocs; i++)
		if (check_talks(c, &c->d->procs[i]) == -1 ||
		    check_needs(c, &c->d->procs[i]) == -1)
			return -1;
	memset(&w, 0, sizeof(w));
	w.c = c;
	for (i = 0; i < c->d->nprocs; i++)
		if (w.seen[i] == 0 && walk_needs(&w, i) == -1)
			return -1;
	return 0;
}

static uid_t
uid_of(const struct check *c, const struct imsgproc_spec *s)
{
	const struct passwd *pw;

	if (s->user == NULL || c->anybody ||
	    (pw = imsgpi_os.getpwnam(s->user)) == NULL)
		return c->uid;
	return pw->pw_uid;
}

static int
check_parent_keeps(const struct check *c, const struct imsgproc_spec *s)
{
	static const char *const again[] = { "proc", "exec", "sendfd", "rpath",
		"wpath" };
	const struct imsgproc_spec *parent = c->d->procs;
	uid_t uid = uid_of(c, parent);
	size_t i;

	if (uid != 0 && uid_of(c, s) != uid)
		return imsgpi_wrong(c, parent, EPERM,
		    "%s becomes %s: it could not end %s, another user",
		    parent->name, parent->user == NULL ? "-" : parent->user,
		    s->name);
	if (parent->promises != NULL &&
	    !(imsgpi_listed(parent->promises, "stdio") &&
		imsgpi_listed(parent->promises, "proc")))
		return imsgpi_wrong(c, parent, EPERM,
		    "%s could not end %s without the promises stdio and proc",
		    parent->name, s->name);
	if (!(s->flags & IMSGPROC_RESTART))
		return 0;
	if (parent->root != NULL && !c->anybody)
		return imsgpi_wrong(c, parent, EPERM,
		    "%s is locked in %s: it could not start %s again",
		    parent->name, parent->root, s->name);
	for (i = 0;
	     parent->promises != NULL && i < sizeof(again) / sizeof(again[0]);
	     i++)
		if (!imsgpi_listed(parent->promises, again[i]))
			return imsgpi_wrong(c, parent, EPERM,
			    "%s could not start %s again without the promise "
			    "%s",
			    parent->name, s->name, again[i]);
	if ((parent->promises != NULL || uid != c->uid) && !c->anybody &&
	    (s->root != NULL || s->user != NULL))
		return imsgpi_wrong(c, parent, EPERM,
		    "%s gives up what starts %s again, with a %s of its own",
		    parent->name, s->name, s->root != NULL ? "root" : "user");
	return 0;
}

int
imsgpi_check_parent(const struct check *c)
{
	const struct imsgproc_spec *parent = c->d->procs;
	size_t i;

	if (parent->flags & (IMSGPROC_RESTART | IMSGPROC_ON_DEMAND))
		return imsgpi_wrong(c, parent, EINVAL,
		    "%s is the parent: nobody starts it", parent->name);
	if (imsgpi_instances(parent) != 1)
		return imsgpi_wrong(c, parent, EINVAL,
		    "%s is the parent: there is one", parent->name);
	for (i = 1; i < c->d->nprocs; i++)
		if (!(c->d->procs[i].flags & IMSGPROC_ON_DEMAND) &&
		    check_parent_keeps(c, &c->d->procs[i]) == -1)
			return -1;
	return 0;
}
