/* SPDX-License-Identifier: ISC */
/*
 * Starting: those whose needs are ready, all at once; when all are, the parent
 * gives up what its own entry says and begins.
 */
#include "feature.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>

#include "notify.h"
#include "parent.h"

/* Undoes what imsgpi_start_member() did so far. */
static int
start_undo(struct member *m, int fd)
{
	int save = errno;

	imsgpi_channel_lose(m);
	imsgpi_close(fd);
	imsgpi_kill(m->pid, NULL);
	m->pid = 0;
	m->state = OUT;
	imsgpi_channels_drop(m);
	errno = save;
	return -1;
}

static int
start_table(struct member *m)
{
	struct ibuf *b;
	int r;

	b = imsgpi_table_pack(m->family->proc->daemon, m->peer->spec);
	if (b == NULL)
		return -1;
	r = imsgpi_control(m, IMSGPROC_TABLE, -1, ibuf_data(b), ibuf_size(b));
	ibuf_free(b);
	return r;
}

static int
start_begin(struct member *m, int fd)
{
	struct imsgproc *p = m->family->proc;

	m->peer->chan = imsgloop_open(p->loop, fd, &imsgpi_member_cb, m);
	if (m->peer->chan == NULL)
		return start_undo(m, fd);
	imsgpi_limit(imsgloop_imsgbuf(m->peer->chan));
	if (start_table(m) == -1 || imsgpi_channels_give(m) == -1 ||
	    imsgpi_control(m, IMSGPROC_BEGIN, -1, NULL, 0) == -1 ||
	    imsgpi_member_time(m, imsgpi_start_ms(p->daemon)) == -1)
		return start_undo(m, -1);
	return 0;
}

int
imsgpi_start_member(struct member *m)
{
	struct family *f = m->family;
	pid_t pid;
	int fd, r = -1;

	m->lived = 0;
	pid = imsgpi_launch(&f->program, f->proc->daemon, m->peer->spec,
	    m->peer->instance, &fd);
	if (pid != -1) {
		m->pid = pid;
		m->state = STARTING;
		m->born = imsgpi_now_ms();
		m->why[0] = '\0';
		m->control = 0;
		m->half = m->reloading = m->reload_again = false;
		m->ready = m->reaped = m->expected = false;
		r = start_begin(m, fd);
	}
	if (r == -1)
		imsgproc_log(f->proc, LOG_ERR, "%s: cannot start it: %s",
		    imsgpi_member_name(m), strerror(errno));
	return r;
}

/* Whether all that m needs have been ready. */
static bool
start_has_needs(const struct member *m)
{
	const struct family *f = m->family;
	const char *needs = m->peer->spec->needs;
	size_t i;

	for (i = 0; i < f->n; i++)
		if (imsgpi_listed(needs, f->members[i].peer->spec->name) &&
		    f->members[i].state != READY)
			return false;
	return true;
}

/* Who gives up something is no better from now on than others of that user. */
static int
start_untraced(struct imsgproc *p)
{
	if ((p->spec->user == NULL && p->spec->promises == NULL) ||
	    imsgpi_os.nodump() != -1)
		return 0;
	return imsgproc_fail(p, "not to be traced: %s", strerror(errno));
}

static int
start_parent(struct family *f)
{
	struct imsgproc *p = f->proc;

	p->why[0] = '\0';
	if (imsgpi_privileges(p) == 0 && start_untraced(p) == 0 &&
	    imsgpi_sandbox(p) == 0 &&
	    (p->spec->start == NULL || p->spec->start(p) == 0))
		return 0;
	imsgproc_log(p, LOG_CRIT, "cannot start%s%s",
	    p->why[0] == '\0' ? "" : ": ", p->why);
	imsgpi_family_stop(p, 1);
	return -1;
}

static void
start_running(struct family *f)
{
	char text[64];
	size_t i;

	if (start_parent(f) == -1)
		return;
	f->running = true;
	for (i = 0; i < f->n; i++)
		if (f->members[i].peer->chan != NULL)
			imsgloop_resume(f->members[i].peer->chan);
	imsgpi_peers_tell(f->proc);
	for (i = 0; i < f->n; i++)
		imsgpi_release(&f->members[i]);
	if (f->proc->stopping)
		return;
	(void)snprintf(
	    text, sizeof(text), "READY=1\nSTATUS=%zu processes\n", f->n + 1);
	imsgpi_notify(f->notify, text);
}

void
imsgpi_start_next(struct family *f)
{
	struct member *m;
	bool all = true;
	size_t i;

	for (i = 0; i < f->n && !f->proc->stopping; i++) {
		m = &f->members[i];
		if (m->state != OUT || !start_has_needs(m))
			continue;
		if (imsgpi_start_member(m) == -1)
			imsgpi_family_stop(f->proc, 1);
	}
	for (i = 0; i < f->n; i++)
		all = all && f->members[i].state == READY;
	if (all && !f->proc->stopping)
		start_running(f);
}
