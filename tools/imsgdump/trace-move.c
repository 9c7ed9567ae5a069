/* SPDX-License-Identifier: ISC */
/*
 * What a call moved: its bytes and descriptors are fetched from the memory of
 * the thread, which is at the exit of the call.
 *
 * The structures are those of the kernel: the C library of the thread may be
 * another one than ours.
 */
#define _GNU_SOURCE
#include <sys/socket.h>
#include <errno.h>
#include <string.h>
#include <time.h>

#include "trace-int.h"

struct k_msghdr {
	void *name;
	int namelen;
	struct iovec *iov;
	size_t iovlen;
	void *control;
	size_t controllen;
	unsigned flags;
};

struct k_mmsghdr {
	struct k_msghdr hdr;
	unsigned len;
};

struct k_cmsghdr {
	size_t len;
	int level, type;
};

/* One message of a call. */
struct moved {
	pid_t pid;
	int fd, dir;
	int64_t time;
	size_t len;
	struct span span;
	size_t nfds;
};

static int64_t
now(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_REALTIME, &ts);
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

static void
failed(struct tracer *tr)
{
	if (tr->failed == 0)
		tr->failed = errno != 0 ? errno : EIO;
}

static void
gap(struct tracer *tr, const struct moved *m, size_t len)
{
	if (channels_gap(tr->channels, m->pid, m->fd, m->dir, m->time, len) ==
	    -1)
		failed(tr);
}

/* Piece by piece, until all is there or the stream is given up. */
static void
deliver(struct tracer *tr, struct thread *t, struct moved *m)
{
	struct bytes b;
	size_t want, got, done = 0;

	memset(&b, 0, sizeof(b));
	b.time = m->time;
	b.pid = m->dir == CHANNEL_SEND ? m->pid : 0;
	b.data = tr->piece;
	b.fds = tr->passed;
	b.nfds = m->nfds;
	while (done < m->len && tr->failed == 0) {
		if (done > 0 &&
		    !channels_wants(tr->channels, m->pid, m->fd, m->dir))
			return;
		want = m->len - done < PIECE ? m->len - done : PIECE;
		got = memory_gather(tr, t->e.id, &m->span, tr->piece, want);
		if (got > 0) {
			b.len = got;
			b.last = done + got == m->len;
			if (channels_bytes(
				tr->channels, m->pid, m->fd, m->dir, &b) == -1)
				failed(tr);
			b.nfds = 0;
			b.fds = NULL;
		}
		done += got;
		if (got < want) {
			gap(tr, m, m->len - done);
			return;
		}
	}
}

static void
describe(struct tracer *tr, struct moved *m, const unsigned char *p, size_t len)
{
	struct passed *d;
	int fd;

	for (; len >= sizeof(fd) && m->nfds < PASSED; len -= sizeof(fd)) {
		memcpy(&fd, p, sizeof(fd));
		p += sizeof(fd);
		d = &tr->passed[m->nfds];
		d->fd = fd;
		tr->names[m->nfds][0] = '\0';
		channels_describe(m->pid, fd, tr->names[m->nfds], NAMELEN);
		d->name = tr->names[m->nfds++];
	}
}

/* The descriptors of a control message. */
static void
control(struct tracer *tr, struct thread *t, struct moved *m,
    const struct k_msghdr *h)
{
	const size_t align = sizeof(size_t) - 1;
	struct k_cmsghdr c;
	size_t len, off = 0, body = (sizeof(c) + align) & ~align;

	len = h->controllen < PIECE ? h->controllen : PIECE;
	if (h->control == NULL || len < body)
		return;
	len = memory_read(tr, t->e.id, (uintptr_t)h->control, tr->control, len);
	while (len - off >= body) {
		memcpy(&c, tr->control + off, sizeof(c));
		if (c.len < body || c.len > len - off)
			return;
		if (c.level == SOL_SOCKET && c.type == SCM_RIGHTS)
			describe(tr, m, tr->control + off + body, c.len - body);
		if (((c.len + align) & ~align) > len - off)
			return;
		off += (c.len + align) & ~align;
	}
}

/* Is there room for a byte: a result of 0 then means the end. */
static int
has_room(const struct iovec *iov, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		if (iov[i].iov_len > 0)
			return 1;
	}
	return 0;
}

/* len bytes were moved as that vector of the process says. */
static void
vector(struct tracer *tr, struct thread *t, struct moved *m, uint64_t at,
    uint64_t n)
{
	size_t size;

	n = n < IOVS ? n : IOVS;
	size = (size_t)n * sizeof(*tr->iov);
	n = memory_read(tr, t->e.id, at, tr->iov, size) / sizeof(*tr->iov);
	m->span.iov = tr->iov;
	m->span.n = (size_t)n;
	m->span.off = 0;
	if (m->len > 0)
		deliver(tr, t, m);
	else if (m->dir == CHANNEL_RECV && has_room(tr->iov, (size_t)n))
		channels_eof(tr->channels, m->pid, m->fd, m->time);
}

static void
buffer(struct tracer *tr, struct thread *t, struct moved *m)
{
	tr->iov[0].iov_base = (void *)(uintptr_t)t->arg[1];
	tr->iov[0].iov_len = (size_t)t->arg[2];
	m->span.iov = tr->iov;
	m->span.n = 1;
	m->span.off = 0;
	if (m->len > 0)
		deliver(tr, t, m);
	else if (m->dir == CHANNEL_RECV && t->arg[2] > 0)
		channels_eof(tr->channels, m->pid, m->fd, m->time);
}

static void
message(struct tracer *tr, struct thread *t, struct moved *m,
    const struct k_msghdr *h)
{
	m->nfds = 0;
	if (m->len > 0)
		control(tr, t, m, h);
	vector(tr, t, m, (uintptr_t)h->iov, h->iovlen);
}

/* recvmmsg and sendmmsg: each with a length of its own. */
static void
messages(struct tracer *tr, struct thread *t, struct moved *m, size_t n)
{
	struct k_mmsghdr h;
	size_t i;

	for (i = 0; i < n && i < IOVS && tr->failed == 0; i++) {
		if (i > 0 &&
		    !channels_wants(tr->channels, m->pid, m->fd, m->dir))
			return;
		if (memory_read(tr, t->e.id, t->arg[1] + i * sizeof(h), &h,
			sizeof(h)) != sizeof(h)) {
			gap(tr, m, 0);
			return;
		}
		m->len = h.len;
		message(tr, t, m, &h.hdr);
	}
}

void
move_done(struct tracer *tr, struct thread *t, size_t result)
{
	struct moved m = { t->proc->e.id, (int)t->arg[0], t->rule->dir, now(),
		result, { NULL, 0, 0 }, 0 };
	struct k_msghdr h;

	switch (t->rule->kind) {
	case CALL_BUF:
		buffer(tr, t, &m);
		break;
	case CALL_IOV:
		vector(tr, t, &m, t->arg[1], t->arg[2]);
		break;
	case CALL_MSG:
		if (memory_read(tr, t->e.id, t->arg[1], &h, sizeof(h)) ==
		    sizeof(h))
			message(tr, t, &m, &h);
		else if (result > 0)
			gap(tr, &m, result);
		break;
	case CALL_MMSG:
		messages(tr, t, &m, result);
		break;
	case CALL_SENDFILE:
		if (result > 0)
			gap(tr, &m, result);
		break;
	}
}
