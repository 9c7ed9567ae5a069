/* SPDX-License-Identifier: ISC */
/*
 * Who a process is from now on, and where: chroot, groups, user, limits, in
 * the one order in which each step is still allowed.  Then the system is asked
 * whether it is so, and whether root can be had again: a process that only
 * believes to have no privileges must not start.
 */
#include "feature.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <syslog.h>

#include "child.h"
#include "sandbox-int.h"
#include "words.h"

/* The most groups of a user; Linux allows 65,536. */
#define GROUPS_FIRST 64
#define GROUPS_MOST  65537

static int
find_groups(struct imsgproc *proc, struct who *w)
{
	const char *user = proc->spec->user;
	int room = GROUPS_FIRST;
	gid_t *p;

	for (;;) {
		p = imsgpi_os.realloc(w->groups, (size_t)room * sizeof(*p));
		if (p == NULL)
			return imsgproc_fail(
			    proc, "user %s: %s", user, strerror(errno));
		w->groups = p;
		w->n = room;
		if (imsgpi_os.grouplist(user, w->gid, p, &w->n) == 0)
			return 0;
		if (room >= GROUPS_MOST) {
			errno = E2BIG;
			return imsgproc_fail(
			    proc, "user %s: too many groups", user);
		}
		/* Not every system says how many there are. */
		room = w->n > 2 * room ? w->n : 2 * room;
		if (room > GROUPS_MOST)
			room = GROUPS_MOST;
	}
}

bool
imsgpi_anybody(const struct imsgproc_daemon *d)
{
	uid_t id[3];

	return d->flags & IMSGPROC_AS_ANYBODY && imsgpi_os.getuids(id) == 0 &&
	    id[0] != 0 && id[1] != 0 && id[2] != 0;
}

/*
 * Only root can become somebody else.  Anyone else stays who it is, with the
 * groups it has, which it could not give up.
 */
int
imsgpi_who_find(struct imsgproc *proc, struct who *w)
{
	const char *user = proc->spec->user;
	const struct passwd *pw;
	uid_t id[3];

	memset(w, 0, sizeof(*w));
	if (user == NULL)
		return 0;
	errno = 0;
	if ((pw = imsgpi_os.getpwnam(user)) == NULL) {
		if (errno == 0)
			errno = ENOENT;
		return imsgproc_fail(proc, "user %s: %s", user,
		    errno == ENOENT ? "there is none" : strerror(errno));
	}
	w->change = true;
	w->uid = pw->pw_uid;
	w->gid = pw->pw_gid;
	if (imsgpi_os.getuids(id) == -1)
		return imsgproc_fail(proc, "who am I: %s", strerror(errno));
	if (id[1] != 0) {
		if (id[1] == w->uid) {
			w->n = -1;
			return 0;
		}
		errno = EPERM;
		return imsgproc_fail(proc, "user %s: I am not root", user);
	}
	return find_groups(proc, w);
}

void
imsgpi_who_free(struct who *w)
{
	imsgpi_free(w->groups);
	w->groups = NULL;
}

static int
change_root(struct imsgproc *proc)
{
	const char *root = proc->spec->root;

	if (root == NULL)
		return 0;
	if (imsgpi_os.chroot(root) == -1)
		return imsgproc_fail(
		    proc, "chroot %s: %s", root, strerror(errno));
	if (imsgpi_os.chdir("/") == -1)
		return imsgproc_fail(
		    proc, "chdir / in %s: %s", root, strerror(errno));
	return 0;
}

static int
change_user(struct imsgproc *proc, const struct who *w)
{
	if (w->n >= 0 && imsgpi_os.setgroups((size_t)w->n, w->groups) == -1)
		return imsgproc_fail(proc, "groups of %s: %s", proc->spec->user,
		    strerror(errno));
	if (w->n >= 0 && imsgpi_os.setgid(w->gid) == -1)
		return imsgproc_fail(
		    proc, "group of %s: %s", proc->spec->user, strerror(errno));
	if (imsgpi_os.setuid(w->uid) == -1)
		return imsgproc_fail(
		    proc, "user %s: %s", proc->spec->user, strerror(errno));
	return 0;
}

static bool
wanted_group(const struct who *w, gid_t gid)
{
	int i;

	for (i = 0; i < w->n; i++)
		if (w->groups[i] == gid)
			return true;
	return gid == w->gid;
}

static int
not_gone(struct imsgproc *proc, const char *what)
{
	errno = EPERM;
	return imsgproc_fail(proc, "user %s: %s", proc->spec->user, what);
}

static int
verify_groups(struct imsgproc *proc, const struct who *w)
{
	int i, n, room;
	gid_t *have;

	if ((room = imsgpi_os.getgroups(0, NULL)) == -1)
		return imsgproc_fail(proc, "getgroups: %s", strerror(errno));
	have = imsgpi_os.calloc((size_t)room + 1, sizeof(*have));
	if (have == NULL)
		return imsgproc_fail(proc, "groups: %s", strerror(errno));
	n = imsgpi_os.getgroups(room, have);
	for (i = 0; i < n && wanted_group(w, have[i]); i++)
		;
	imsgpi_free(have);
	if (n == -1)
		return imsgproc_fail(proc, "getgroups: %s", strerror(errno));
	if (i < n)
		return not_gone(proc, "a group is not gone");
	return 0;
}

static int
verify_ids(struct imsgproc *proc, const struct who *w)
{
	uid_t u[3];
	gid_t g[3];

	if (imsgpi_os.getuids(u) == -1 || imsgpi_os.getgids(g) == -1)
		return imsgproc_fail(proc, "who am I: %s", strerror(errno));
	if (u[0] != w->uid || u[1] != w->uid || u[2] != w->uid)
		return not_gone(proc, "the old user is not gone");
	if (w->n < 0)
		return 0;
	if (g[0] != w->gid || g[1] != w->gid || g[2] != w->gid)
		return not_gone(proc, "the old group is not gone");
	return verify_groups(proc, w);
}

static int
drop_capabilities(struct imsgproc *proc, const struct who *w)
{
	if (w->uid == 0 || imsgpi_os.nocaps() != -1)
		return 0;
	return imsgproc_fail(proc, "capabilities: %s", strerror(errno));
}

/* Whatever the system says of them. */
static int
verify_no_return(struct imsgproc *proc, const struct who *w)
{
	if (w->uid == 0)
		return 0;
	if (imsgpi_os.setuid(0) == 0)
		return not_gone(proc, "could become root again");
	if (w->gid != 0 && w->n >= 0 && imsgpi_os.setgid(0) == 0)
		return not_gone(proc, "could become group 0 again");
	return 0;
}

/*
 * Of the processor's time the kernel tells, by SIGXCPU, who has used up the
 * soft limit, and kills without a word at the hard one.
 */
static void
lower_limit(struct rlimit *r, const struct imsgproc_limit *l)
{
	rlim_t hard = l->max;

	if (l->what == RLIMIT_CPU && hard != RLIM_INFINITY)
		hard++;
	if (r->rlim_max == RLIM_INFINITY || hard < r->rlim_max)
		r->rlim_max = hard;
	r->rlim_cur = l->max;
	if (r->rlim_max != RLIM_INFINITY && r->rlim_cur > r->rlim_max)
		r->rlim_cur = r->rlim_max;
}

static int
set_limits(struct imsgproc *proc)
{
	const struct imsgproc_limit *l = proc->spec->limits;
	struct rlimit r;

	for (; l != NULL && l->what != -1; l++) {
		if (imsgpi_os.getrlimit(l->what, &r) == -1)
			return imsgproc_fail(proc, "%s: %s",
			    imsgpi_words_limit(l->what), strerror(errno));
		lower_limit(&r, l);
		if (imsgpi_os.setrlimit(l->what, &r) == -1)
			return imsgproc_fail(proc, "%s: %s",
			    imsgpi_words_limit(l->what), strerror(errno));
	}
	return 0;
}

int
imsgpi_who_become(struct imsgproc *proc, struct who *w)
{
	if (change_root(proc) == -1)
		return -1;
	if (w->change &&
	    (change_user(proc, w) == -1 || verify_ids(proc, w) == -1 ||
		drop_capabilities(proc, w) == -1 ||
		verify_no_return(proc, w) == -1))
		return -1;
	return set_limits(proc);
}

int
imsgpi_privileges(struct imsgproc *proc)
{
	struct who w;
	int r;

	if (imsgpi_anybody(proc->daemon))
		return set_limits(proc);
	if ((r = imsgpi_who_find(proc, &w)) == 0)
		r = imsgpi_who_become(proc, &w);
	imsgpi_who_free(&w);
	return r;
}

int
imsgpi_sandbox(struct imsgproc *proc)
{
	const struct imsgproc_spec *s = proc->spec;
	unsigned int flags = s->flags & IMSGPROC_MUST_SANDBOX;
	char why[256] = "";
	int r;

	proc->lacks[0] = '\0';
	if (s->promises == NULL)
		return 0;
	/* The parent has started the others already. */
	if (proc->family != NULL)
		flags |= SANDBOX_ENDS_OTHERS;
	r = imsgpi_lock_in(s->promises, s->paths, flags, why, sizeof(why));
	if (r == -1)
		return imsgproc_fail(proc, "sandbox: %s",
		    why[0] != '\0' ? why : strerror(errno));
	if (r == 1 && s->flags & IMSGPROC_ON_DEMAND)
		(void)imsgpi_safe(proc->lacks, sizeof(proc->lacks), why);
	else if (r == 1)
		imsgproc_log(proc, LOG_NOTICE, "sandbox: %s", why);
	return 0;
}
