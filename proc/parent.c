/* SPDX-License-Identifier: ISC */
/*
 * The parent: imsgproc_run() from the check of the table to the last process.
 *
 * All that happens between is events of the loop: signals, messages of the
 * children, timers.  However the loop ends, what is left then is killed, so
 * that nothing outlives the call.
 */
#include "feature.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <syslog.h>

#include "notify.h"
#include "parent.h"

/* The one of this process, and whether it is in use. */
static struct imsgproc parent_self;
static bool parent_busy;

const char *
imsgpi_member_name(const struct member *m)
{
	return imsgpi_name(m->peer->spec, m->peer->instance);
}

/* Without its timers the family could wait for ever. */
int
imsgpi_family_time(struct family *f, struct imsgloop_watch *w, int ms)
{
	if (imsgloop_set(w, 0, ms) == 0)
		return 0;
	imsgproc_log(f->proc, LOG_CRIT, "timer: %s", strerror(errno));
	f->proc->status = 1;
	f->proc->how->stop(f->proc->loop);
	return -1;
}

int
imsgpi_member_time(struct member *m, int ms)
{
	return imsgpi_family_time(m->family, &m->timer, ms);
}

void
imsgpi_tick(struct family *f)
{
	(void)imsgpi_family_time(f, &f->tick, 0);
}

static void
parent_advance(struct imsgloop_watch *w, short revents)
{
	struct family *f = w->arg;

	(void)revents;
	if (f->proc->stopping) {
		imsgpi_stop_next(f);
		return;
	}
	if (!f->running)
		imsgpi_start_next(f);
	if (f->running && f->reload && !f->proc->stopping)
		imsgpi_reload_begin(f);
}

void
imsgpi_family_stop(struct imsgproc *p, int status)
{
	if (!p->stopping) {
		p->stopping = true;
		p->status = status;
	}
	imsgpi_tick(p->family);
}

void
imsgpi_family_reload(struct imsgproc *p)
{
	p->family->reload = true;
	imsgpi_tick(p->family);
}

static void
parent_signal(struct imsgproc *p, int signo)
{
	switch (signo) {
	case SIGCHLD:
		imsgpi_reap(p->family);
		break;
	case SIGHUP:
		imsgpi_family_reload(p);
		break;
	default:
		imsgproc_log(p, LOG_INFO, "signal %d: stopping", signo);
		imsgpi_family_stop(p, 0);
	}
}

static int
parent_signals(struct imsgproc *p, sigset_t *before)
{
	static const int list[] = { SIGCHLD, SIGHUP, SIGINT, SIGTERM };
	sigset_t set;
	size_t i;

	if (imsgpi_signal(p, SIGPIPE, NULL) == -1)
		return -1;
	sigemptyset(&set);
	for (i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
		if (imsgpi_signal(p, list[i], parent_signal) == -1)
			return -1;
		sigaddset(&set, list[i]);
	}
	return imsgpi_os.sigprocmask(SIG_UNBLOCK, &set, before);
}

static void
parent_timer(struct imsgloop_watch *w, short revents)
{
	struct member *m = w->arg;

	(void)revents;
	switch (m->state) {
	case STARTING:
	case READY:
		imsgpi_condemn(m,
		    m->peer->chan == NULL ? "closed its channel" :
					    "was not ready in time");
		break;
	case STOPPING:
		imsgpi_stop_next(m->family);
		break;
	case DEAD:
		imsgpi_linger(m);
		break;
	case AGAIN:
		if (imsgpi_start_member(m) == -1)
			(void)imsgpi_again(m);
		break;
	case OUT:
		break;
	}
}

static void
parent_deadline(struct imsgloop_watch *w, short revents)
{
	struct family *f = w->arg;
	size_t i;

	(void)revents;
	for (i = 0; i < f->n; i++)
		if (f->members[i].pid > 0)
			imsgpi_condemn(&f->members[i], "did not stop in time");
}

static int
parent_members(struct family *f)
{
	struct imsgproc *p = f->proc;
	struct member *m;
	size_t i;

	f->n = p->npeers;
	if ((f->members = imsgpi_os.calloc(f->n + 1, sizeof(*m))) == NULL ||
	    (f->kept = imsgpi_os.calloc(f->n * f->n + 1, sizeof(int))) == NULL)
		return -1;
	for (i = 0; i < f->n * f->n; i++)
		f->kept[i] = -1;
	for (i = 0; i < f->n; i++) {
		m = &f->members[i];
		m->family = f;
		m->peer = &p->peers[i];
		if ((m->held = ibufq_new()) == NULL ||
		    imsgloop_watch(p->loop, &m->timer, -1, parent_timer, m) ==
			-1)
			return -1;
	}
	return 0;
}

/* What is left of the processes when the loop has ended, by force. */
static void
parent_bury(struct family *f)
{
	struct member *m;
	size_t i;

	for (i = 0; f->members != NULL && i < f->n; i++) {
		m = &f->members[i];
		if (m->pid > 0 && !m->reaped)
			imsgpi_kill(m->pid, NULL);
		m->pid = 0;
		if (m->peer != NULL && m->peer->chan != NULL) {
			imsgloop_detach(m->peer->chan);
			m->peer->chan = NULL;
		}
		imsgpi_held_free(m);
		ibufq_free(m->held);
		imsgloop_unwatch(&m->timer);
	}
	for (i = 0; f->kept != NULL && i < f->n * f->n; i++)
		imsgpi_close(f->kept[i]);
}

static void
parent_free(struct family *f)
{
	struct imsgproc *p = f->proc;

	parent_bury(f);
	imsgpi_free(f->members);
	imsgpi_free(f->kept);
	imsgpi_signals_close(p);
	imsgpi_peers_free(p);
	imsgloop_unwatch(&f->tick);
	imsgloop_unwatch(&f->deadline);
	imsgpi_program_close(&f->program);
	imsgpi_close(f->notify);
	if (p->loop != NULL)
		p->how->free(p->loop);
	p->loop = NULL;
	p->family = NULL;
}

static int
parent_make(struct family *f, sigset_t *mask)
{
	struct imsgproc *p = f->proc;

	if ((p->loop = p->how->make()) == NULL ||
	    imsgpi_program_open(&f->program) == -1 ||
	    imsgpi_peers_make(p) == -1 || parent_members(f) == -1 ||
	    imsgloop_watch(p->loop, &f->tick, -1, parent_advance, f) == -1 ||
	    imsgloop_watch(p->loop, &f->deadline, -1, parent_deadline, f) ==
		-1 ||
	    imsgloop_set(&f->tick, 0, 0) == -1 || parent_signals(p, mask) == -1)
		return -1;
	f->notify = imsgpi_notify_open();
	return 0;
}

static int
parent_run(struct imsgproc *p)
{
	struct family f;
	sigset_t mask;

	memset(&f, 0, sizeof(f));
	f.proc = p;
	f.notify = f.program.fd = -1;
	p->status = 1;
	if (imsgpi_os.sigprocmask(SIG_SETMASK, NULL, &mask) == -1)
		return 1;
	p->family = &f;
	if (parent_make(&f, &mask) == -1) {
		imsgproc_log(p, LOG_CRIT, "cannot start: %s", strerror(errno));
		p->status = 1;
	} else if (p->how->run(p->loop) == -1) {
		imsgproc_log(p, LOG_CRIT, "loop: %s", strerror(errno));
		p->status = 1;
	}
	parent_free(&f);
	(void)imsgpi_os.sigprocmask(SIG_SETMASK, &mask, NULL);
	return p->status;
}

static void
say_anybody(const struct imsgproc_daemon *d)
{
	bool some = false;
	size_t i;

	for (i = 0; i < d->nprocs; i++)
		some = some || d->procs[i].user != NULL ||
		    d->procs[i].root != NULL;
	if (some && imsgpi_anybody(d))
		imsgpi_log(d, NULL, LOG_NOTICE,
		    "not started by root: no other users, no roots");
}

int
imsgproc_run(const struct imsgproc_daemon *d, void *arg)
{
	struct imsgproc *p = &parent_self;
	char why[512];
	int status;

	why[0] = '\0';
	if (parent_busy)
		return 1;
	if (imsgproc_check(d, why, sizeof(why)) == -1) {
		if (d != NULL)
			imsgpi_log(d, NULL, LOG_CRIT, "%s", why);
		return 1;
	}
	say_anybody(d);
	parent_busy = true;
	memset(p, 0, sizeof(*p));
	p->daemon = d;
	p->spec = d->procs;
	p->arg = arg;
	p->how = d->loop == NULL ? &imsgproc_poll : d->loop;
	status = parent_run(p);
	parent_busy = false;
	return status;
}
