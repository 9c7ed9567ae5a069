/* SPDX-License-Identifier: ISC */
/*
 * The orderly end: each is told to stop when all that need it are gone, and
 * ends when it has written what it had to; after a time all that are left are
 * killed.
 */
#include "feature.h"

#include <sys/socket.h>
#include <errno.h>
#include <string.h>
#include <syslog.h>

#include "notify.h"
#include "parent.h"

/* How often it is asked whether all is written to who has no loop, in ms. */
#define STOP_LOOK 5

static void
stop_begin(struct family *f)
{
	struct imsgproc *p = f->proc;
	struct member *m;
	size_t i;

	f->ending = true;
	imsgpi_notify(f->notify, "STOPPING=1\n");
	for (i = 0; i < f->n; i++) {
		m = &f->members[i];
		if (m->state == AGAIN) {
			m->state = OUT;
			(void)imsgpi_member_time(m, -1);
		}
	}
	if (f->running && p->spec->stop != NULL)
		p->spec->stop(p);
	(void)imsgpi_family_time(f, &f->deadline, imsgpi_stop_ms(p->daemon));
}

/* A process without a loop reads until there is nothing more. */
static void
stop_half(struct member *m)
{
	struct imsgbuf *ib = imsgloop_imsgbuf(m->peer->chan);

	if (imsgbuf_queuelen(ib) > 0) {
		(void)imsgpi_member_time(m, STOP_LOOK);
		return;
	}
	m->half = true;
	if (imsgpi_os.shutdown(ib->fd, SHUT_WR) == -1)
		imsgpi_condemn(
		    m, "cannot be told to stop: %s", strerror(errno));
}

static void
stop_member(struct member *m)
{
	if (m->state == STARTING || m->state == READY) {
		m->state = STOPPING;
		if (imsgpi_member_time(m, -1) == -1 || m->peer->chan == NULL)
			return;
		/* Held up since the parent never came to run. */
		if (!m->family->running)
			imsgloop_resume(m->peer->chan);
		if (m->peer->spec->run == NULL) {
			if (imsgpi_control(m, IMSGPROC_STOP, -1, NULL, 0) ==
				-1 &&
			    m->state != DEAD)
				imsgpi_condemn(m, "cannot be told to stop: %s",
				    strerror(errno));
			return;
		}
	}
	if (m->state == STOPPING && m->peer->spec->run != NULL && !m->half &&
	    m->peer->chan != NULL)
		stop_half(m);
}

static bool
stop_is_needed(const struct member *m)
{
	const struct family *f = m->family;
	size_t i;

	for (i = 0; i < f->n; i++)
		if (f->members[i].pid != 0 &&
		    imsgpi_listed(
			f->members[i].peer->spec->needs, m->peer->spec->name))
			return true;
	return false;
}

void
imsgpi_stop_next(struct family *f)
{
	struct member *m;
	bool all = true;
	size_t i;

	if (!f->ending)
		stop_begin(f);
	for (i = 0; i < f->n; i++) {
		m = &f->members[i];
		if (m->pid != 0 && !stop_is_needed(m))
			stop_member(m);
	}
	for (i = 0; i < f->n; i++)
		all = all && f->members[i].pid == 0;
	if (all)
		f->proc->how->stop(f->proc->loop);
}
