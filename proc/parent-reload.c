/* SPDX-License-Identifier: ISC */
/*
 * Reload: the parent first, since it reads the configuration for the others;
 * then each of them, which says when it is done.  A process owes one answer at
 * most: who is slow is asked again only then.
 */
#include "feature.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>

#include "notify.h"
#include "parent.h"

static void
reload_ask(struct member *m)
{
	if (m->reloading) {
		m->reload_again = true;
		return;
	}
	m->reload_again = false;
	m->reloading = true;
	if (imsgpi_control(m, IMSGPROC_RELOAD, -1, NULL, 0) == 0)
		return;
	m->reloading = false;
	imsgproc_log(m->family->proc, LOG_ERR,
	    "%s: cannot be told to reload: %s", imsgpi_member_name(m),
	    strerror(errno));
}

static void
reload_finish(struct family *f)
{
	size_t i;

	for (i = 0; i < f->n; i++)
		if (f->members[i].reloading)
			return;
	if (f->reloading && !f->ending)
		imsgpi_notify(f->notify, "READY=1\n");
	f->reloading = false;
}

void
imsgpi_reload_begin(struct family *f)
{
	struct imsgproc *p = f->proc;
	struct timespec now = { 0, 0 };
	struct member *m;
	char text[80];
	size_t i;

	f->reload = false;
	f->reloading = true;
	(void)imsgpi_os.now(&now);
	(void)snprintf(text, sizeof(text), "RELOADING=1\nMONOTONIC_USEC=%lld\n",
	    (long long)now.tv_sec * 1000000 + now.tv_nsec / 1000);
	imsgpi_notify(f->notify, text);
	if (p->spec->reload != NULL)
		p->spec->reload(p);
	for (i = 0; i < f->n; i++) {
		m = &f->members[i];
		if (m->state == READY && m->peer->chan != NULL &&
		    m->peer->spec->run == NULL)
			reload_ask(m);
	}
	reload_finish(f);
}

void
imsgpi_reload_done(struct member *m)
{
	if (!m->reloading)
		return;
	m->reloading = false;
	if (m->reload_again && m->state == READY && m->peer->chan != NULL)
		reload_ask(m);
	reload_finish(m->family);
}
