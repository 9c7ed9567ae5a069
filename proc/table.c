/* SPDX-License-Identifier: ISC */
/*
 * The table of processes: whether it can work, before anything is started, and
 * what its lists of names say.  Every complaint names the line of the entry.
 */
#include "feature.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "table.h"

static const char letters[] = "abcdefghijklmnopqrstuvwxyz"
			      "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";

const char *
imsgpi_next_name(const char **list, size_t *len)
{
	const char *name;

	if (*list == NULL)
		return NULL;
	name = *list + strspn(*list, " ");
	*len = strcspn(name, " ");
	*list = name + *len;
	return *len == 0 ? NULL : name;
}

bool
imsgpi_listed(const char *list, const char *name)
{
	const char *p;
	size_t len, want = strlen(name);

	while ((p = imsgpi_next_name(&list, &len)) != NULL)
		if (len == want && memcmp(p, name, len) == 0)
			return true;
	return false;
}

unsigned int
imsgpi_instances(const struct imsgproc_spec *s)
{
	return s->instances == 0 ? 1 : s->instances;
}

int
imsgpi_start_ms(const struct imsgproc_daemon *d)
{
	return d->start_ms > 0 ? d->start_ms : 10000;
}

int
imsgpi_stop_ms(const struct imsgproc_daemon *d)
{
	return d->stop_ms > 0 ? d->stop_ms : 5000;
}

bool
imsgpi_talk(const struct imsgproc_daemon *d, const struct imsgproc_spec *a,
    const struct imsgproc_spec *b)
{
	if (a == b)
		return false;
	if (imsgpi_listed(a->talks, b->name) ||
	    imsgpi_listed(b->talks, a->name))
		return true;
	return (a == d->procs && b->flags & IMSGPROC_ON_DEMAND) ||
	    (b == d->procs && a->flags & IMSGPROC_ON_DEMAND);
}

int
imsgpi_wrong(const struct check *c, const struct imsgproc_spec *s, int error,
    const char *fmt, ...)
{
	va_list ap;
	size_t n = 0;
	int r;

	if (c->size > 0) {
		if (s != NULL)
			r = snprintf(c->why, c->size,
			    "%s:%d: ", s->file == NULL ? "?" : s->file,
			    s->line);
		else
			r = snprintf(c->why, c->size,
			    "%s: ", c->d->name == NULL ? "?" : c->d->name);
		n = r < 0 ? 0 : (size_t)r;
	}
	if (n < c->size) {
		va_start(ap, fmt);
		(void)vsnprintf(c->why + n, c->size - n, fmt, ap);
		va_end(ap);
	}
	errno = error;
	return -1;
}

static int
check_name(const struct check *c, const struct imsgproc_spec *s)
{
	const struct imsgproc_spec *o;

	if (s->name == NULL || s->name[0] == '\0')
		return imsgpi_wrong(c, s, EINVAL, "a process without a name");
	if (strlen(s->name) > IMSGPROC_NAME)
		return imsgpi_wrong(c, s, EINVAL,
		    "\"%.*s...\": a name of more than %d characters",
		    IMSGPROC_NAME, s->name, IMSGPROC_NAME);
	if (s->name[strspn(s->name, letters)] != '\0')
		return imsgpi_wrong(c, s, EINVAL,
		    "a name has letters, digits, - and _: no character %d",
		    (unsigned char)s->name[strspn(s->name, letters)]);
	for (o = c->d->procs; o < s; o++)
		if (strcmp(o->name, s->name) == 0)
			return imsgpi_wrong(c, s, EINVAL,
			    "%s: the name is that of line %d, too", s->name,
			    o->line);
	return 0;
}

static int
check_numbers(const struct check *c)
{
	const struct imsgproc_spec *s;
	unsigned int all = 0, n;
	size_t i;

	for (i = 0; i < c->d->nprocs; i++) {
		s = &c->d->procs[i];
		if ((n = imsgpi_instances(s)) > IMSGPROC_MAX ||
		    (all += n) > IMSGPROC_MAX)
			return imsgpi_wrong(c, s, EINVAL,
			    "%s: more than %d processes", s->name,
			    IMSGPROC_MAX);
	}
	return 0;
}

static int
check_daemon(const struct check *c)
{
	const struct imsgproc_daemon *d = c->d;
	const struct imsgproc_loop *l = d->loop;

	if (d->name == NULL || d->name[0] == '\0' ||
	    strlen(d->name) > IMSGPROC_NAME ||
	    d->name[strspn(d->name, letters)] != '\0')
		return imsgpi_wrong(c, NULL, EINVAL,
		    "the daemon's name: 1 to %d letters, digits, - and _",
		    IMSGPROC_NAME);
	if (d->procs == NULL || d->nprocs == 0)
		return imsgpi_wrong(c, NULL, EINVAL, "no processes");
	if (d->nprocs > IMSGPROC_MAX)
		return imsgpi_wrong(
		    c, NULL, EINVAL, "more than %d processes", IMSGPROC_MAX);
	if (d->flags & ~(unsigned int)IMSGPROC_AS_ANYBODY)
		return imsgpi_wrong(
		    c, NULL, EINVAL, "unknown flags 0x%x", d->flags);
	if (d->start_ms < 0 || d->stop_ms < 0)
		return imsgpi_wrong(
		    c, NULL, EINVAL, "start_ms or stop_ms below 0");
	if (l != NULL &&
	    (l->make == NULL || l->run == NULL || l->stop == NULL ||
		l->free == NULL))
		return imsgpi_wrong(
		    c, NULL, EINVAL, "the loop lacks a function");
	return 0;
}

int
imsgproc_check(const struct imsgproc_daemon *d, char *why, size_t size)
{
	struct check c = { d, why, size, 0, false };
	uid_t uid[3];
	size_t i;

	if (d == NULL) {
		errno = EINVAL;
		return -1;
	}
	if (imsgpi_os.getuids(uid) == -1)
		return imsgpi_wrong(
		    &c, NULL, errno, "who runs this: %s", strerror(errno));
	c.uid = uid[1];
	c.anybody = imsgpi_anybody(d);
	if (check_daemon(&c) == -1)
		return -1;
	for (i = 0; i < d->nprocs; i++)
		if (check_name(&c, &d->procs[i]) == -1)
			return -1;
	if (check_numbers(&c) == -1 || imsgpi_check_lists(&c) == -1)
		return -1;
	for (i = 0; i < d->nprocs; i++)
		if (imsgpi_check_entry(&c, &d->procs[i]) == -1)
			return -1;
	return imsgpi_check_parent(&c);
}
