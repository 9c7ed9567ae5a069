/* SPDX-License-Identifier: ISC */
/*
 * The netlink side of sock_diag(7), for UNIX sockets.
 *
 * The kernel answers for one network namespace: that in which the netlink
 * socket was made.  For another one it is made by a thread that enters there
 * and ends, so that this process never leaves its own and need not be allowed
 * to come back.
 */
#define _GNU_SOURCE
#include "sockdiag.h"
#include "safe.h"

#include <errno.h>

void
sockdiag_path(char *out, size_t size, const char *name, size_t len)
{
	out[0] = '\0';
	if (len == 0 || size < 2)
		return;
	if (name[0] != '\0') {
		/* A path; the kernel may count its final NUL. */
		while (len > 0 && name[len - 1] == '\0')
			len--;
		safe_text(out, size, name, len);
		return;
	}
	out[0] = '@';
	safe_text(out + 1, size - 1, name + 1, len - 1);
}

#ifdef __linux__
#include <sys/socket.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

/* Values of udiag_state, which are those of TCP. */
#define STATE_ESTABLISHED 1

int
sockdiag_open(void)
{
	return socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK,
	    NETLINK_SOCK_DIAG);
}

struct visit {
	int ns, nl, error;
};

static void *
visit(void *arg)
{
	struct visit *v = arg;

	v->nl = setns(v->ns, CLONE_NEWNET) == 0 ? sockdiag_open() : -1;
	v->error = errno;
	return NULL;
}

int
sockdiag_open_in(int ns)
{
	struct visit v = { ns, -1, 0 };
	sigset_t all, before;
	pthread_t t;
	int r;

	/* Signals are for the thread that waits for them. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	r = pthread_create(&t, NULL, visit, &v);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (r != 0) {
		errno = r;
		return -1;
	}
	pthread_join(t, NULL);
	errno = v.error;
	return v.nl;
}

static int
send_question(int nl, uint32_t ino)
{
	struct {
		struct nlmsghdr h;
		struct unix_diag_req r;
	} q;

	memset(&q, 0, sizeof(q));
	q.h.nlmsg_len = sizeof(q);
	q.h.nlmsg_type = SOCK_DIAG_BY_FAMILY;
	q.h.nlmsg_flags = NLM_F_REQUEST;
	q.h.nlmsg_seq = ino;
	q.r.sdiag_family = AF_UNIX;
	q.r.udiag_states = ~0U;
	q.r.udiag_ino = ino;
	q.r.udiag_show = UDIAG_SHOW_NAME | UDIAG_SHOW_PEER;
	q.r.udiag_cookie[0] = q.r.udiag_cookie[1] = ~0U;
	return send(nl, &q, sizeof(q), 0) == (ssize_t)sizeof(q) ? 0 : -1;
}

static void
take_attribute(struct endpoint *e, int type, const char *data, size_t len)
{
	uint32_t peer;

	if (type == UNIX_DIAG_PEER && len >= sizeof(peer)) {
		memcpy(&peer, data, sizeof(peer));
		e->peer = peer;
	} else if (type == UNIX_DIAG_SHUTDOWN && len >= 1)
		e->closed = data[0] == 3;
	else if (type == UNIX_DIAG_NAME)
		sockdiag_path(e->path, sizeof(e->path), data, len);
}

static void
take_answer(const struct nlmsghdr *h, struct endpoint *e, int *type)
{
	const struct unix_diag_msg *m = NLMSG_DATA(h);
	const char *p = (const char *)(m + 1);
	size_t left = h->nlmsg_len - NLMSG_LENGTH(sizeof(*m)), step;
	struct rtattr a;

	*type = m->udiag_type;
	e->ino = m->udiag_ino;
	e->cookie = (uint64_t)m->udiag_cookie[1] << 32 | m->udiag_cookie[0];
	e->connected = m->udiag_state == STATE_ESTABLISHED;
	while (left >= sizeof(a)) {
		memcpy(&a, p, sizeof(a));
		if (a.rta_len < sizeof(a) || a.rta_len > left)
			break;
		take_attribute(
		    e, a.rta_type, p + sizeof(a), a.rta_len - sizeof(a));
		step = (a.rta_len + 3UL) & ~3UL;
		if (step > left)
			break;
		p += step;
		left -= step;
	}
	e->closed = e->closed && e->peer == 0;
}

/* errno of an NLMSG_ERROR. */
static int
refused(const struct nlmsghdr *h)
{
	const struct nlmsgerr *err = NLMSG_DATA(h);

	if (h->nlmsg_len < NLMSG_LENGTH(sizeof(*err)) || err->error >= 0)
		return EPROTO;
	return -err->error;
}

int
sockdiag_ask(int nl, uint64_t ino, struct endpoint *e, int *type)
{
	union {
		struct nlmsghdr h;
		char room[2048];
	} u;
	ssize_t n;

	memset(e, 0, sizeof(*e));
	if (ino == 0 || ino > UINT32_MAX)
		return 0;
	if (send_question(nl, (uint32_t)ino) == -1)
		return -1;
	/* The answer is there when send() returns; older ones are skipped. */
	do {
		n = recv(nl, &u, sizeof(u), 0);
		if (n == -1)
			return -1;
	} while (n < (ssize_t)sizeof(u.h) || !NLMSG_OK(&u.h, (size_t)n) ||
	    u.h.nlmsg_seq != (uint32_t)ino);
	if (u.h.nlmsg_type == NLMSG_ERROR) {
		errno = refused(&u.h);
		return errno == ENOENT ? 0 : -1;
	}
	if (u.h.nlmsg_type != SOCK_DIAG_BY_FAMILY ||
	    u.h.nlmsg_len < NLMSG_LENGTH(sizeof(struct unix_diag_msg))) {
		errno = EPROTO;
		return -1;
	}
	take_answer(&u.h, e, type);
	return 1;
}

#else
int
sockdiag_open(void)
{
	errno = ENOSYS;
	return -1;
}

int
sockdiag_open_in(int ns)
{
	(void)ns;
	errno = ENOSYS;
	return -1;
}

int
sockdiag_ask(int nl, uint64_t ino, struct endpoint *e, int *type)
{
	(void)nl;
	(void)ino;
	(void)e;
	(void)type;
	errno = ENOSYS;
	return -1;
}
#endif
