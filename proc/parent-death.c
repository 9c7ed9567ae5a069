/* SPDX-License-Identifier: ISC */
/*
 * Deaths: who, why, and what then: again, a while later, or the end of all.
 *
 * A process that has ended may have left messages, which are read first; but
 * its channel may be in other hands, so that is not waited for without end.
 */
#include "feature.h"

#include <sys/wait.h>
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>

#include "parent.h"
#include "words.h"

/* The channel of a dead process is read for so long, in ms, and so often again
 * if something came. */
#define DEATH_LINGER  1000
#define DEATH_LINGERS 5

#define AGAIN_FIRST 100
#define AGAIN_LAST  30000
/* Who lived longer begins anew. */
#define AGAIN_FORGET 60000

void
imsgpi_channel_lose(struct member *m)
{
	struct imsgloop_chan *chan = m->peer->chan;

	if (chan == NULL)
		return;
	m->peer->chan = NULL;
	imsgpi_peer_tell(m->peer, false);
	imsgloop_detach(chan);
}

void
imsgpi_condemn(struct member *m, const char *fmt, ...)
{
	va_list ap;

	if (m->why[0] == '\0') {
		va_start(ap, fmt);
		(void)vsnprintf(m->why, sizeof(m->why), fmt, ap);
		va_end(ap);
	}
	/* Once it is reaped its number may be another's. */
	if (!m->reaped)
		(void)imsgpi_os.kill(m->pid, SIGKILL);
	m->state = DEAD;
	(void)imsgpi_member_time(m, -1);
	imsgpi_channel_lose(m);
	if (m->reaped)
		imsgpi_buried(m);
}

/* How long until it is started again. */
static int
death_pause(struct member *m)
{
	if (m->backoff == 0 || m->lived >= AGAIN_FORGET)
		m->backoff = AGAIN_FIRST;
	else if ((m->backoff *= 2) > AGAIN_LAST)
		m->backoff = AGAIN_LAST;
	return m->backoff;
}

int
imsgpi_again(struct member *m)
{
	struct family *f = m->family;
	int ms;

	if (f->proc->stopping || !m->once ||
	    !(m->peer->spec->flags & IMSGPROC_RESTART)) {
		m->state = OUT;
		return -1;
	}
	ms = death_pause(m);
	m->state = AGAIN;
	return imsgpi_member_time(m, ms) == -1 ? -1 : ms;
}

static void
death_report(struct member *m, int ms)
{
	struct family *f = m->family;
	struct imsgproc *p = f->proc;
	struct imsgproc_death d;
	char how[128], text[sizeof(m->why) + sizeof(how) + 4], then[48];

	imsgpi_words_status(m->status, how, sizeof(how));
	if (m->why[0] != '\0')
		(void)snprintf(text, sizeof(text), "%s: %s", m->why, how);
	else
		(void)snprintf(text, sizeof(text), "%s", how);
	then[0] = '\0';
	if (ms >= 0)
		(void)snprintf(
		    then, sizeof(then), "; started again in %d ms", ms);
	imsgproc_log(p, ms >= 0 ? LOG_WARNING : LOG_CRIT,
	    "%s (process %ld) %s%s", imsgpi_member_name(m), (long)m->pid, text,
	    then);
	if (p->daemon->died == NULL)
		return;
	d.name = m->peer->spec->name;
	d.instance = m->peer->instance;
	d.pid = m->pid;
	d.status = m->status;
	d.why = text;
	d.restart_ms = ms;
	p->daemon->died(p, &d);
}

void
imsgpi_buried(struct member *m)
{
	struct family *f = m->family;
	bool clean = m->expected && m->why[0] == '\0' && WIFEXITED(m->status) &&
	    WEXITSTATUS(m->status) == 0;
	int ms;

	imsgpi_channel_lose(m);
	imsgpi_channels_drop(m);
	imsgpi_held_free(m);
	imsgpi_reload_done(m);
	if (imsgpi_member_time(m, -1) == -1)
		return;
	ms = imsgpi_again(m);
	if (!clean)
		death_report(m, ms);
	m->pid = 0;
	if (ms == -1 && !f->proc->stopping)
		imsgpi_family_stop(f->proc, 1);
	imsgpi_tick(f);
}

static void
death_reaped(struct member *m, int status)
{
	m->status = status;
	m->reaped = true;
	m->lived = imsgpi_now_ms() - m->born;
	m->expected = m->state == STOPPING;
	m->state = DEAD;
	if (m->peer->chan == NULL) {
		imsgpi_buried(m);
		return;
	}
	/* Paused until all are ready, it would not come to its end. */
	if (!m->family->running)
		imsgloop_resume(m->peer->chan);
	m->lingers = 0;
	m->heard = true;
	imsgpi_linger(m);
}

void
imsgpi_linger(struct member *m)
{
	bool more = m->heard && m->lingers < DEATH_LINGERS;

	m->heard = false;
	m->lingers++;
	if (more)
		(void)imsgpi_member_time(m, DEATH_LINGER);
	else
		imsgpi_buried(m);
}

void
imsgpi_reap(struct family *f)
{
	struct member *m;
	int status;
	pid_t pid;
	size_t i;

	for (i = 0; i < f->n; i++) {
		m = &f->members[i];
		if (m->pid == 0 || m->reaped)
			continue;
		pid = imsgpi_os.waitpid(m->pid, &status, WNOHANG);
		/* The program may wait for any process, and took ours. */
		if (pid == -1 && errno == ECHILD)
			status = -1;
		else if (pid != m->pid)
			continue;
		death_reaped(m, status);
	}
}
