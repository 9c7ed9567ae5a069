/* SPDX-License-Identifier: ISC */
/*
 * Signals as events of the loop.  A handler does nothing but note the number
 * and write a byte into a pipe that the loop watches, so that all else runs
 * where everything may be called.
 *
 * Handlers get no argument of ours: the pipe and what is pending are static,
 * one for a process, as is its struct imsgproc.
 */
#include "feature.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>

#include "proc-int.h"

struct signals {
	struct imsgproc *proc;
	struct imsgloop_watch watch;
	int pipe[2];
	struct {
		bool set;
		void (*handler)(struct imsgproc *, int);
		struct sigaction old;
	} of[NSIG];
};

static volatile sig_atomic_t signals_pending[NSIG];
static volatile sig_atomic_t signals_fd = -1;

static void
signals_note(int signo)
{
	int save = errno;

	signals_pending[signo] = 1;
	if (signals_fd != -1)
		(void)!imsgpi_os.write((int)signals_fd, "", 1);
	errno = save;
}

static void
signals_ready(struct imsgloop_watch *w, short revents)
{
	struct signals *s = w->arg;
	char buf[64];
	int i;

	(void)revents;
	while (imsgpi_os.read(s->pipe[0], buf, sizeof(buf)) > 0)
		;
	for (i = 1; i < NSIG; i++) {
		if (!signals_pending[i])
			continue;
		signals_pending[i] = 0;
		if (s->of[i].handler != NULL)
			s->of[i].handler(s->proc, i);
	}
}

static struct signals *
signals_open(struct imsgproc *p)
{
	struct signals *s = p->signals;

	if (s == NULL) {
		if ((s = imsgpi_os.calloc(1, sizeof(*s))) == NULL)
			return NULL;
		s->proc = p;
		s->pipe[0] = s->pipe[1] = -1;
		p->signals = s;
	}
	return s;
}

static int
signals_watch(struct signals *s)
{
	if (s->pipe[0] != -1)
		return 0;
	if (s->proc->loop == NULL) {
		errno = ENOTSUP;
		return -1;
	}
	if (imsgpi_os.pipe(s->pipe) == -1) {
		s->pipe[0] = s->pipe[1] = -1;
		return -1;
	}
	if (imsgloop_watch(
		s->proc->loop, &s->watch, s->pipe[0], signals_ready, s) == -1)
		goto fail;
	if (imsgloop_set(&s->watch, POLLIN, -1) == -1) {
		imsgloop_unwatch(&s->watch);
		goto fail;
	}
	signals_fd = s->pipe[1];
	return 0;
fail:
	imsgpi_close(s->pipe[0]);
	imsgpi_close(s->pipe[1]);
	s->pipe[0] = s->pipe[1] = -1;
	return -1;
}

int
imsgpi_signal(
    struct imsgproc *p, int signo, void (*handler)(struct imsgproc *, int))
{
	void (*before)(struct imsgproc *, int);
	struct sigaction sa = { 0 }, old;
	struct signals *s;

	if (signo < 1 || signo >= NSIG) {
		errno = EINVAL;
		return -1;
	}
	if ((s = signals_open(p)) == NULL ||
	    (handler != NULL && signals_watch(s) == -1))
		return -1;
	sa.sa_handler = handler == NULL ? SIG_IGN : signals_note;
	sa.sa_flags = SA_RESTART | (signo == SIGCHLD ? SA_NOCLDSTOP : 0);
	sigfillset(&sa.sa_mask);
	before = s->of[signo].handler;
	s->of[signo].handler = handler;
	if (imsgpi_os.sigaction(signo, &sa, &old) == -1) {
		s->of[signo].handler = before;
		return -1;
	}
	if (!s->of[signo].set) {
		s->of[signo].set = true;
		s->of[signo].old = old;
	}
	return 0;
}

bool
imsgpi_is_ours(int signo)
{
	return signo == SIGHUP || signo == SIGINT || signo == SIGPIPE ||
	    signo == SIGTERM;
}

int
imsgproc_signal(
    struct imsgproc *p, int signo, void (*handler)(struct imsgproc *, int))
{
	if (imsgpi_is_ours(signo) || (p->family != NULL && signo == SIGCHLD)) {
		errno = EINVAL;
		return -1;
	}
	return imsgpi_signal(p, signo, handler);
}

void
imsgpi_signals_close(struct imsgproc *p)
{
	struct signals *s = p->signals;
	int i, save = errno;

	if (s == NULL)
		return;
	for (i = 1; i < NSIG; i++) {
		if (s->of[i].set)
			(void)imsgpi_os.sigaction(i, &s->of[i].old, NULL);
		signals_pending[i] = 0;
	}
	signals_fd = -1;
	imsgloop_unwatch(&s->watch);
	imsgpi_close(s->pipe[0]);
	imsgpi_close(s->pipe[1]);
	imsgpi_os.free(s);
	p->signals = NULL;
	errno = save;
}
