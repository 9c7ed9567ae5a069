/* SPDX-License-Identifier: ISC */
/*
 * What can be wrong with an entry of a table by itself: who, where, what it
 * may, how much.
 */
#include "feature.h"

#include <sys/stat.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "table.h"
#include "words.h"

static int
entry_flags(const struct check *c, const struct imsgproc_spec *s)
{
	const unsigned int known = IMSGPROC_RESTART | IMSGPROC_MUST_SANDBOX |
	    IMSGPROC_STDIO | IMSGPROC_ON_DEMAND;

	if (s->flags & ~known)
		return imsgpi_wrong(c, s, EINVAL, "%s: unknown flags 0x%x",
		    s->name, s->flags & ~known);
	if (s->flags & IMSGPROC_ON_DEMAND && s->flags & IMSGPROC_RESTART)
		return imsgpi_wrong(c, s, EINVAL,
		    "%s is started on demand: it cannot be restarted", s->name);
	if (s->flags & IMSGPROC_ON_DEMAND && imsgpi_instances(s) != 1)
		return imsgpi_wrong(c, s, EINVAL,
		    "%s is started on demand, one by one: no instances",
		    s->name);
	if (s->flags & IMSGPROC_MUST_SANDBOX && s->promises == NULL)
		return imsgpi_wrong(c, s, EINVAL,
		    "%s must have a sandbox and has no promises", s->name);
	return 0;
}

static int
entry_user(const struct check *c, const struct imsgproc_spec *s)
{
	const struct passwd *pw;

	if (s->user == NULL || c->anybody)
		return 0;
	errno = 0;
	if ((pw = imsgpi_os.getpwnam(s->user)) == NULL) {
		if (errno == ENOMEM || errno == EMFILE || errno == ENFILE)
			return imsgpi_wrong(c, s, errno, "%s: user %s: %s",
			    s->name, s->user, strerror(errno));
		return imsgpi_wrong(
		    c, s, ENOENT, "%s: there is no user %s", s->name, s->user);
	}
	if (c->uid != 0 && pw->pw_uid != c->uid)
		return imsgpi_wrong(c, s, EPERM,
		    "%s: only root can become user %s", s->name, s->user);
	return 0;
}

static int
entry_root(const struct check *c, const struct imsgproc_spec *s)
{
	struct stat st;

	if (s->root == NULL)
		return 0;
	if (s->root[0] != '/')
		return imsgpi_wrong(c, s, EINVAL,
		    "%s: root %s does not begin with /", s->name, s->root);
	if (c->anybody)
		return 0;
	if (c->uid != 0)
		return imsgpi_wrong(c, s, EPERM,
		    "%s: only root can lock it in %s", s->name, s->root);
	if (imsgpi_os.stat(s->root, &st) == -1)
		return imsgpi_wrong(c, s, errno, "%s: root %s: %s", s->name,
		    s->root, strerror(errno));
	if (!S_ISDIR(st.st_mode))
		return imsgpi_wrong(c, s, ENOTDIR,
		    "%s: root %s is not a directory", s->name, s->root);
	if (st.st_uid != 0 || st.st_mode & S_IWOTH ||
	    (st.st_mode & S_IWGRP && st.st_gid != 0))
		return imsgpi_wrong(c, s, EPERM,
		    "%s: root %s can be written by others than root", s->name,
		    s->root);
	return 0;
}

static int
entry_promises(const struct check *c, const struct imsgproc_spec *s)
{
	const char *list = s->promises, *p;
	char one[IMSGPROC_NAME + 1];
	size_t len;

	while ((p = imsgpi_next_name(&list, &len)) != NULL) {
		(void)snprintf(one, sizeof(one), "%.*s", (int)len, p);
		if (len >= sizeof(one) || imsgproc_sandbox_check(one) == -1)
			return imsgpi_wrong(c, s, EINVAL,
			    "%s: there is no promise %.*s", s->name, (int)len,
			    p);
	}
	if (s->promises != NULL && imsgproc_sandbox_check(s->promises) == -1)
		return imsgpi_wrong(
		    c, s, EINVAL, "%s: promises \"%s\"", s->name, s->promises);
	return 0;
}

/* What the library itself needs of them in a process that it starts. */
static int
entry_life(const struct check *c, const struct imsgproc_spec *s)
{
	const struct imsgproc_spec *o;
	size_t i;

	if (s->promises == NULL || s == c->d->procs)
		return 0;
	if (!imsgpi_listed(s->promises, "stdio"))
		return imsgpi_wrong(c, s, EINVAL,
		    "%s: without the promise stdio it cannot say that it is "
		    "ready",
		    s->name);
	for (i = 1; i < c->d->nprocs; i++) {
		o = &c->d->procs[i];
		if (o->flags & IMSGPROC_RESTART && imsgpi_talk(c->d, s, o) &&
		    !imsgpi_listed(s->promises, "recvfd"))
			return imsgpi_wrong(c, s, EINVAL,
			    "%s: without the promise recvfd it gets no channel "
			    "to %s when that is started again",
			    s->name, o->name);
	}
	return 0;
}

static int
entry_paths(const struct check *c, const struct imsgproc_spec *s)
{
	const struct imsgproc_path *p = s->paths;

	if (p != NULL && s->promises == NULL)
		return imsgpi_wrong(c, s, EINVAL,
		    "%s: paths are for a sandbox, and it has no promises",
		    s->name);
	for (; p != NULL && p->path != NULL; p++) {
		if (p - s->paths >= LIST_MAX)
			return imsgpi_wrong(
			    c, s, EINVAL, "%s: the paths have no end", s->name);
		if (p->path[0] != '/')
			return imsgpi_wrong(c, s, EINVAL,
			    "%s: path %s does not begin with /", s->name,
			    p->path);
		if (p->may == NULL || p->may[strspn(p->may, "rwxc")] != '\0')
			return imsgpi_wrong(c, s, EINVAL,
			    "%s: what %s may be used for: r, w, x, c", s->name,
			    p->path);
	}
	return 0;
}

/* What a process has open besides its channels: 0 to 3, and one to work. */
#define FILES_LEAST 5

static rlim_t
files_needed(const struct check *c, const struct imsgproc_spec *s)
{
	rlim_t n = FILES_LEAST;
	size_t i;

	for (i = 1; i < c->d->nprocs; i++)
		if (s == c->d->procs || imsgpi_talk(c->d, s, &c->d->procs[i]))
			n += imsgpi_instances(&c->d->procs[i]);
	return n;
}

static int
entry_limits(const struct check *c, const struct imsgproc_spec *s)
{
	const struct imsgproc_limit *l, *o;
	struct rlimit r;

	for (l = s->limits; l != NULL && l->what != -1; l++) {
		if (l - s->limits >= LIST_MAX)
			return imsgpi_wrong(c, s, EINVAL,
			    "%s: the limits have no end", s->name);
		if (l->what < 0 || imsgpi_os.getrlimit(l->what, &r) == -1)
			return imsgpi_wrong(c, s, EINVAL,
			    "%s: there is no limit %d", s->name, l->what);
		for (o = s->limits; o < l; o++)
			if (o->what == l->what)
				return imsgpi_wrong(c, s, EINVAL,
				    "%s: %s is there twice", s->name,
				    imsgpi_words_limit(l->what));
		if (l->what == RLIMIT_NOFILE && l->max < files_needed(c, s))
			return imsgpi_wrong(c, s, EINVAL,
			    "%s: RLIMIT_NOFILE %llu: with its channels it needs "
			    "%llu",
			    s->name, (unsigned long long)l->max,
			    (unsigned long long)files_needed(c, s));
	}
	return 0;
}

int
imsgpi_check_entry(const struct check *c, const struct imsgproc_spec *s)
{
	if (entry_flags(c, s) == -1 || entry_user(c, s) == -1 ||
	    entry_root(c, s) == -1 || entry_promises(c, s) == -1 ||
	    entry_paths(c, s) == -1 || entry_limits(c, s) == -1 ||
	    entry_life(c, s) == -1)
		return -1;
	return 0;
}
