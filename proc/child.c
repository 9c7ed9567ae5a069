/* SPDX-License-Identifier: ISC */
/*
 * A new process, from main() to its own code: it learns from the parent who it
 * is, gives up all that it does not need, and says so.  Whatever fails is told
 * to the parent, and the process ends; nothing of the program has run then but
 * `prepare'.
 */
#include "feature.h"

#include <sys/types.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "child.h"

#define FLUSH_MS 5000

/* There is one in a process, and it lives as long. */
static struct imsgproc myself;
static struct inherited inherited;

/* What was started by hand has nobody to tell but who reads standard error. */
static void
refuse(const struct imsgproc_daemon *d, const char *arg, const char *why)
{
	imsgpi_log(d, NULL, LOG_ERR,
	    "%s: only the parent starts its processes: %s", arg, why);
	imsgpi_os.exit(1);
	abort();
}

static bool
parse_who(struct imsgproc *proc, const char *who)
{
	const struct imsgproc_daemon *d = proc->daemon;
	const char *dot = strrchr(who, '.');
	unsigned int n = 0;
	size_t i, digits;

	if (dot == NULL)
		return false;
	digits = strspn(dot + 1, "0123456789");
	if (digits < 1 || digits > 3 || dot[1 + digits] != '\0')
		return false;
	for (i = 1; i <= digits; i++)
		n = 10 * n + (unsigned int)(dot[i] - '0');
	for (i = 1; i < d->nprocs; i++)
		if (strncmp(d->procs[i].name, who, (size_t)(dot - who)) == 0 &&
		    d->procs[i].name[dot - who] == '\0')
			break;
	if (i >= d->nprocs)
		return false;
	proc->spec = &d->procs[i];
	proc->instance = n;
	return true;
}

/*
 * Whoever executes a program that changes its user must not become the parent
 * of what runs as that user: the other end has to be made by our parent, and
 * that has to be root or who we are.
 */
static bool
from_parent(const struct imsgbuf *ib)
{
	struct imsg_cred cred;
	uid_t id[3];

	if (imsgpi_os.getuids(id) == -1)
		return false;
	if (imsgbuf_peercred(ib, &cred) == -1)
		return errno == ENOTSUP && id[0] == id[1];
	if (cred.uid != 0 && cred.uid != id[1])
		return false;
	return cred.pid == -1 || cred.pid == imsgpi_os.getppid();
}

static void
identify(struct imsgproc *proc, const char *arg)
{
	const struct imsgproc_daemon *d = proc->daemon;

	if (!parse_who(proc, arg + strlen(IMSGPROC_ARG)))
		refuse(d, arg, "there is none of that name");
	if (imsgpi_os.socktype(IMSGPROC_FD) == -1 ||
	    imsgpi_os.cloexec(IMSGPROC_FD, 1) == -1)
		refuse(d, arg, "descriptor 3 is no channel");
	if (imsgbuf_init(&proc->ib, IMSGPROC_FD) == -1)
		refuse(d, arg, strerror(errno));
	if (!from_parent(&proc->ib))
		refuse(d, arg, "the channel is not the parent's");
	imsgbuf_allow_fdpass(&proc->ib);
	imsgbuf_set_cloexec(&proc->ib);
	imsgpi_limit(&proc->ib);
}

/*
 * Handlers are gone with exec; what was ignored is not, and all is blocked.  A
 * terminal or a service manager sends some to all processes at once: they are
 * for the parent, which ends the others in order.
 */
static int
set_signals(struct imsgproc *proc)
{
	struct sigaction sa;
	int i;

	memset(&sa, 0, sizeof(sa));
	(void)sigemptyset(&sa.sa_mask);
	for (i = 1; i < NSIG; i++) {
		sa.sa_handler = imsgpi_is_ours(i) ? SIG_IGN : SIG_DFL;
		/* Some cannot be changed. */
		if (imsgpi_os.sigaction(i, &sa, NULL) == -1 && errno != EINVAL)
			return imsgproc_fail(
			    proc, "signal %d: %s", i, strerror(errno));
	}
	if (imsgpi_os.sigprocmask(SIG_SETMASK, &sa.sa_mask, NULL) == -1)
		return imsgproc_fail(proc, "signals: %s", strerror(errno));
	return 0;
}

static int
make_loop(struct imsgproc *proc)
{
	if (proc->spec->run != NULL)
		return 0;
	proc->how = proc->daemon->loop;
	if (proc->how == NULL)
		proc->how = &imsgproc_poll;
	if ((proc->loop = proc->how->make()) == NULL)
		return imsgproc_fail(proc, "the loop: %s", strerror(errno));
	return 0;
}

/* The parent is gone: nobody to tell. */
static int
hear(struct imsgproc *proc, struct imsg *m)
{
	if (imsgbuf_recv(&proc->ib, m, -1) != 1) {
		imsgpi_os.exit(1);
		abort();
	}
	return m->hdr.type == IMSGPROC_BEGIN ? 0 : 1;
}

/* Until the parent says that it begins. */
static int
greet(struct imsgproc *proc)
{
	struct imsg m;
	int r = 0;

	while (r == 0 && hear(proc, &m)) {
		if (m.hdr.type == IMSGPROC_PEER)
			r = imsgpi_child_peer(proc, &m);
		else {
			errno = EPROTO;
			r = imsgproc_fail(
			    proc, "unknown message of the parent");
		}
		imsg_free(&m);
	}
	if (r == 0)
		imsg_free(&m);
	return r;
}

/* Text in proc->why, unless the program has put one there. */
static int
call(struct imsgproc *proc, int (*what)(struct imsgproc *), const char *name)
{
	proc->why[0] = '\0';
	errno = 0;
	if (what == NULL || what(proc) == 0)
		return 0;
	if (proc->why[0] == '\0')
		(void)imsgproc_fail(proc, "%s failed%s%s", name,
		    errno == 0 ? "" : ": ", errno == 0 ? "" : strerror(errno));
	return -1;
}

static int
not_traced(struct imsgproc *proc)
{
	if (imsgpi_os.nodump() != -1)
		return 0;
	return imsgproc_fail(proc, "not to be traced: %s", strerror(errno));
}

static int
enter_sandbox(struct imsgproc *proc)
{
	if (imsgpi_os.nonewprivs() == -1)
		return imsgproc_fail(
		    proc, "no new privileges: %s", strerror(errno));
	/* Another user ID has changed it. */
	return not_traced(proc) == -1 ? -1 : imsgpi_sandbox(proc);
}

/*
 * Who has a terminal can type into it what the shell there will read.  Who is
 * to use it keeps it.
 */
static int
leave_terminal(struct imsgproc *proc)
{
	if (proc->spec->flags & IMSGPROC_STDIO ||
	    imsgpi_listed(proc->spec->promises, "tty") ||
	    imsgpi_os.setsid() != -1)
		return 0;
	return imsgproc_fail(proc, "a session: %s", strerror(errno));
}

/* What needs nothing of the parent. */
static int
settle(struct imsgproc *proc, struct who *who)
{
	if (set_signals(proc) == -1 || leave_terminal(proc) == -1 ||
	    imsgpi_who_find(proc, who) == -1 || imsgpi_std_null(proc) == -1 ||
	    make_loop(proc) == -1)
		return -1;
	if (proc->loop != NULL && imsgpi_child_open(proc) == -1)
		return imsgproc_fail(proc, "the loop: %s", strerror(errno));
	return 0;
}

/* What the parent's table says of this process and of its peers. */
static int
take_table(struct imsgproc *proc, struct imsg *m)
{
	if (m->hdr.type != IMSGPROC_TABLE) {
		errno = EPROTO;
		return imsgproc_fail(proc, "unknown message of the parent");
	}
	if (imsgpi_table_unpack(&inherited, proc->daemon, proc->spec, m) == -1)
		return imsgproc_fail(
		    proc, "the parent's table: %s", strerror(errno));
	proc->daemon = &inherited.daemon;
	proc->spec = inherited.own;
	if (proc->instance >= imsgpi_instances(proc->spec)) {
		errno = EBADMSG;
		return imsgproc_fail(proc, "the parent's table has no %s %u",
		    proc->spec->name, proc->instance);
	}
	if (imsgpi_peers_make(proc) == -1)
		return imsgproc_fail(proc, "peers: %s", strerror(errno));
	return 0;
}

/* It may be larger than any other message. */
static int
learn(struct imsgproc *proc)
{
	struct imsg m;
	int r = not_traced(proc) == -1 ? -1 : imsgpi_std_only(proc);
	int error = errno, more;

	(void)imsgbuf_set_maxsize(&proc->ib, IMSGPROC_TABLE_MAX);
	more = hear(proc, &m);
	(void)imsgbuf_set_maxsize(&proc->ib, MAX_IMSGSIZE);
	if (r == 0) {
		r = take_table(proc, &m);
		error = errno;
	}
	imsg_free(&m);
	/* All is heard before it fails; see come_up(). */
	while (r == -1 && more) {
		more = hear(proc, &m);
		imsg_free(&m);
	}
	errno = error;
	return r;
}

/*
 * The parent is heard in any case: to end with something unread would reset
 * the channel.
 */
static int
come_up(struct imsgproc *proc)
{
	struct who who;
	int r, error;

	memset(&who, 0, sizeof(who));
	r = settle(proc, &who);
	error = errno;
	if (greet(proc) == -1)
		r = -1;
	else if (r == -1)
		errno = error;
	else if ((r = call(proc, proc->spec->prepare, "prepare")) == 0 &&
	    (r = imsgpi_who_become(proc, &who)) == 0)
		r = enter_sandbox(proc);
	imsgpi_who_free(&who);
	return r == 0 ? call(proc, proc->spec->start, "start") : -1;
}

/* The parent's channel is the program's no more. */
static void
give_up(struct imsgproc *proc, int error)
{
	struct ctl_failed failed = { error == 0 ? EIO : error };
	struct iovec iov[2];

	iov[0].iov_base = &failed;
	iov[0].iov_len = sizeof(failed);
	iov[1].iov_base = proc->why;
	iov[1].iov_len = strlen(proc->why);
	if (proc->npeers > 0) {
		imsgloop_detach(proc->peers[0].chan);
		proc->peers[0].chan = NULL;
	}
	if (imsg_composev(&proc->ib, IMSGPROC_FAILED, 0, 0, -1, iov, 2) == -1 ||
	    imsgbuf_flush_timeout(&proc->ib, FLUSH_MS) == -1)
		imsgproc_log(proc, LOG_ERR, "%s", proc->why);
	imsgpi_os.exit(1);
	abort();
}

/* Who starts one process at a time is told what its sandbox lacks. */
static int
live(struct imsgproc *proc)
{
	size_t len = strlen(proc->lacks);

	if (proc->loop != NULL) {
		imsgpi_peers_tell(proc);
		if (imsgloop_compose(proc->peers[0].chan, IMSGPROC_READY, 0, 0,
			-1, proc->lacks, len) == -1)
			return 1;
		return imsgpi_child_run(proc);
	}
	if (imsg_compose(
		&proc->ib, IMSGPROC_READY, 0, 0, -1, proc->lacks, len) == -1 ||
	    imsgbuf_flush(&proc->ib) == -1)
		return 1;
	return proc->spec->run(proc);
}

static void
child_main(const struct imsgproc_daemon *d, const char *arg)
{
	struct imsgproc *proc = &myself;

	proc->daemon = d;
	identify(proc, arg);
	if (learn(proc) == 0) {
		imsgpi_title_set(proc, "");
		if (come_up(proc) == 0)
			exit(live(proc));
	}
	give_up(proc, errno);
}

void
imsgproc_init(int argc, char **argv, const struct imsgproc_daemon *d)
{
	if (imsgpi_std_open() == -1)
		imsgpi_os.exit(1);
	imsgpi_title_room(argc, argv);
	imsgpi_argv0 = argc > 0 ? argv[0] : NULL;
	if (argc == 2 &&
	    strncmp(argv[1], IMSGPROC_ARG, strlen(IMSGPROC_ARG)) == 0)
		child_main(d, argv[1]);
}

struct imsgbuf *
imsgproc_parent_imsgbuf(struct imsgproc *proc)
{
	if (proc->spec->run != NULL && proc->family == NULL)
		return &proc->ib;
	errno = EINVAL;
	return NULL;
}
