/* SPDX-License-Identifier: ISC */
/*
 * The parent's table on its way to a child: it alone has read options and a
 * configuration, so its table is what counts; the child's own, compiled into
 * the same program, has the functions.
 *
 * A struct ctl_table; of each entry a struct ctl_entry; of the child's entry
 * its limits, a struct ctl_limit each; then texts: name and talks of each
 * entry, of the child's user, root, promises, and path and may of each path.  A
 * text is '+', its characters and NUL; one that is not there is '-' alone.
 */
#include "feature.h"

#include <errno.h>
#include <string.h>

#include "child.h"
#include "table.h"

struct ctl_table {
	uint32_t nprocs;
	uint32_t npaths; /* NO_PATHS: NULL */
	uint32_t nlimits;
	int32_t stop_ms;
};
#define NO_PATHS UINT32_MAX

struct ctl_entry {
	uint32_t instances;
	uint32_t flags;
};

struct ctl_limit {
	int64_t what;
	uint64_t max;
};

static int
pack_text(struct ibuf *b, const char *text)
{
	if (text == NULL)
		return ibuf_add(b, "-", 1);
	if (ibuf_add(b, "+", 1) == -1)
		return -1;
	return ibuf_add(b, text, strlen(text) + 1);
}

static int
pack_numbers(struct ibuf *b, const struct imsgproc_daemon *d,
    const struct imsgproc_spec *s, const struct ctl_table *t)
{
	struct ctl_entry e;
	struct ctl_limit l;
	size_t i;

	if (ibuf_add(b, t, sizeof(*t)) == -1)
		return -1;
	for (i = 0; i < t->nprocs; i++) {
		e.instances = imsgpi_instances(&d->procs[i]);
		e.flags = d->procs[i].flags;
		if (ibuf_add(b, &e, sizeof(e)) == -1)
			return -1;
	}
	for (i = 0; i < t->nlimits; i++) {
		l.what = s->limits[i].what;
		l.max = s->limits[i].max;
		if (ibuf_add(b, &l, sizeof(l)) == -1)
			return -1;
	}
	return 0;
}

static int
pack_texts(struct ibuf *b, const struct imsgproc_daemon *d,
    const struct imsgproc_spec *s)
{
	const struct imsgproc_path *p;
	size_t i;

	for (i = 0; i < d->nprocs; i++)
		if (pack_text(b, d->procs[i].name) == -1 ||
		    pack_text(b, d->procs[i].talks) == -1)
			return -1;
	if (pack_text(b, s->user) == -1 || pack_text(b, s->root) == -1 ||
	    pack_text(b, s->promises) == -1)
		return -1;
	for (p = s->paths; p != NULL && p->path != NULL; p++)
		if (pack_text(b, p->path) == -1 || pack_text(b, p->may) == -1)
			return -1;
	return 0;
}

struct ibuf *
imsgpi_table_pack(
    const struct imsgproc_daemon *d, const struct imsgproc_spec *s)
{
	struct ctl_table t;
	struct ibuf *b;

	memset(&t, 0, sizeof(t));
	t.nprocs = (uint32_t)d->nprocs;
	t.npaths = s->paths == NULL ? NO_PATHS : 0;
	while (s->paths != NULL && s->paths[t.npaths].path != NULL)
		t.npaths++;
	while (s->limits != NULL && s->limits[t.nlimits].what != -1)
		t.nlimits++;
	t.stop_ms = d->stop_ms;
	b = ibuf_dynamic(256, IMSGPROC_TABLE_MAX - IMSG_HEADER_SIZE);
	if (b == NULL)
		return NULL;
	if (pack_numbers(b, d, s, &t) == 0 && pack_texts(b, d, s) == 0)
		return b;
	if (errno == ERANGE)
		errno = EMSGSIZE;
	ibuf_free(b);
	return NULL;
}

/* What was received: its bytes stay, since the table points to its texts. */
struct unpack {
	struct inherited *to;
	const char *at;
	size_t left;
};

static bool
take(struct unpack *u, void *to, size_t len)
{
	if (u->left < len)
		return false;
	memcpy(to, u->at, len);
	u->at += len;
	u->left -= len;
	return true;
}

static bool
take_text(struct unpack *u, const char **text)
{
	const char *end;
	char mark;

	*text = NULL;
	if (!take(u, &mark, 1) || (mark != '+' && mark != '-'))
		return false;
	if (mark == '-')
		return true;
	if ((end = memchr(u->at, '\0', u->left)) == NULL)
		return false;
	*text = u->at;
	u->left -= (size_t)(end + 1 - u->at);
	u->at = end + 1;
	return true;
}

static bool
take_entries(struct unpack *u, size_t n)
{
	struct ctl_entry e;
	size_t i;

	for (i = 0; i < n; i++) {
		if (!take(u, &e, sizeof(e)) || e.instances < 1 ||
		    e.instances > IMSGPROC_MAX)
			return false;
		u->to->procs[i].instances = e.instances;
		u->to->procs[i].flags = e.flags;
	}
	return true;
}

static bool
take_limits(struct unpack *u, size_t n)
{
	struct ctl_limit l;
	size_t i;

	for (i = 0; i < n; i++) {
		if (!take(u, &l, sizeof(l)) || l.what < 0 || l.what > INT32_MAX)
			return false;
		u->to->limits[i].what = (int)l.what;
		u->to->limits[i].max = (rlim_t)l.max;
	}
	u->to->limits[n].what = -1;
	return true;
}

static bool
take_names(struct unpack *u, size_t n)
{
	struct imsgproc_spec *s = u->to->procs;
	size_t i;

	for (i = 0; i < n; i++, s++)
		if (!take_text(u, &s->name) || s->name == NULL ||
		    !take_text(u, &s->talks))
			return false;
	return true;
}

static bool
take_paths(struct unpack *u, size_t n)
{
	struct imsgproc_path *p = u->to->paths;
	size_t i;

	for (i = 0; i < n; i++, p++)
		if (!take_text(u, &p->path) || p->path == NULL ||
		    !take_text(u, &p->may) || p->may == NULL)
			return false;
	return true;
}

/* own, of the program's table, has the functions of the entry of its name. */
static bool
take_own(struct unpack *u, const struct ctl_table *t,
    const struct imsgproc_spec *own)
{
	struct imsgproc_spec *s = u->to->procs, mine = *own;
	size_t i = 0;

	while (i < t->nprocs && strcmp(s[i].name, own->name) != 0)
		i++;
	/* The first is the parent. */
	if (i == 0 || i == t->nprocs)
		return false;
	s = u->to->own = &s[i];
	mine.name = s->name;
	mine.talks = s->talks;
	mine.instances = s->instances;
	mine.flags = s->flags;
	*s = mine;
	s->limits = u->to->limits;
	s->paths = t->npaths == NO_PATHS ? NULL : u->to->paths;
	return take_text(u, &s->user) && take_text(u, &s->root) &&
	    take_text(u, &s->promises);
}

static int
unpack_room(struct inherited *to, const struct ctl_table *t, size_t npaths)
{
	to->procs = imsgpi_os.calloc(t->nprocs, sizeof(*to->procs));
	to->limits = imsgpi_os.calloc(t->nlimits + 1, sizeof(*to->limits));
	to->paths = imsgpi_os.calloc(npaths + 1, sizeof(*to->paths));
	return to->procs == NULL || to->limits == NULL || to->paths == NULL ?
	    -1 :
	    0;
}

static int
unpack_all(struct unpack *u, const struct imsgproc_daemon *d,
    const struct imsgproc_spec *own)
{
	struct ctl_table t;
	size_t npaths;

	errno = EBADMSG;
	if (!take(u, &t, sizeof(t)))
		return -1;
	npaths = t.npaths == NO_PATHS ? 0 : t.npaths;
	if (t.nprocs < 1 || t.nprocs > IMSGPROC_MAX || npaths > LIST_MAX ||
	    t.nlimits > LIST_MAX || t.stop_ms < 0)
		return -1;
	if (unpack_room(u->to, &t, npaths) == -1)
		return -1;
	errno = EBADMSG;
	if (!take_entries(u, t.nprocs) || !take_limits(u, t.nlimits) ||
	    !take_names(u, t.nprocs) || !take_own(u, &t, own) ||
	    !take_paths(u, npaths) || u->left != 0)
		return -1;
	u->to->daemon = *d;
	u->to->daemon.procs = u->to->procs;
	u->to->daemon.nprocs = t.nprocs;
	u->to->daemon.stop_ms = t.stop_ms;
	return 0;
}

int
imsgpi_table_unpack(struct inherited *to, const struct imsgproc_daemon *d,
    const struct imsgproc_spec *own, struct imsg *m)
{
	size_t len = imsg_get_len(m);
	struct unpack u = { .to = to, .left = len };

	memset(to, 0, sizeof(*to));
	if ((to->bytes = imsgpi_os.calloc(1, len + 1)) == NULL)
		return -1;
	u.at = to->bytes;
	if ((len == 0 || imsg_get_buf(m, to->bytes, len) == 0) &&
	    unpack_all(&u, d, own) == 0)
		return 0;
	imsgpi_table_free(to);
	return -1;
}

void
imsgpi_table_free(struct inherited *to)
{
	imsgpi_free(to->bytes);
	imsgpi_free(to->procs);
	imsgpi_free(to->limits);
	imsgpi_free(to->paths);
	memset(to, 0, sizeof(*to));
}
