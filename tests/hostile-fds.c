/* SPDX-License-Identifier: ISC */
/* Attacks with descriptors: none, too many, and the wrong ones. */
#include "hostile-peer.h"

#include <netinet/in.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

/* Every second message claims a descriptor that is not there. */
void
marks_alone(struct peer *p)
{
	uint32_t i;

	for (i = 0; i < p->a->count; i++)
		if (send_message(p, 0, 32, i % 2 == 0, 0, 0) == -1)
			return;
}

void
fds_alone(struct peer *p)
{
	uint32_t i;

	for (i = 0; i < p->a->count; i++)
		if (send_message(p, 0, 32, 0, 1, 0) == -1)
			return;
}

/* count marked messages with arg descriptors each, in 1 to 4 blocks. */
void
fd_flood(struct peer *p)
{
	unsigned char m[40];
	struct parcel b = { m, sizeof(m), NULL, (int)p->a->arg, 0, 0 };
	uint32_t i;

	for (i = 0; i < p->a->count; i++) {
		b.blocks = p->a->arg < 4 ? 1 : (int)(i % 4) + 1;
		make_message(p, 0, m, sizeof(m), 1);
		if (send_parcel(p, 0, &b) == -1)
			return;
		p->r->msgs++;
	}
}

/* As an honest sender, but to a victim that does not fetch. */
void
fd_messages(struct peer *p)
{
	uint32_t i;

	for (i = 0; i < p->a->count; i++)
		if (send_message(p, 0, p->a->arg, 1, 1, MSG_DONTWAIT) == -1)
			return;
}

static int
send_own(struct peer *p, int fd)
{
	unsigned char m[40];
	struct parcel b = { m, sizeof(m), &fd, 1, 0, 0 };

	make_message(p, 0, m, sizeof(m), 1);
	if (send_parcel(p, 0, &b) == -1)
		return -1;
	p->r->msgs++;
	return 0;
}

/* The channel's own ends through the channel: a cycle while in flight. */
void
own_ends(struct peer *p)
{
	uint32_t i;

	for (i = 0; i < p->a->count; i++)
		if (send_own(p, i % 2 == 0 ? p->s[0] : p->theirs) == -1)
			return;
}

static void
pass(struct peer *p, int s, int fd)
{
	union {
		size_t align;
		unsigned char buf[CMSG_SPACE(sizeof(int))];
	} ctl;
	char byte = 0;
	struct iovec iov = { &byte, 1 };
	struct msghdr msg;
	struct cmsghdr *c;

	memset(&ctl, 0, sizeof(ctl));
	memset(&msg, 0, sizeof(msg));
	msg.msg_iov = &iov;
	msg.msg_iovlen = 1;
	msg.msg_control = ctl.buf;
	msg.msg_controllen = sizeof(ctl.buf);
	c = CMSG_FIRSTHDR(&msg);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	if (sendmsg(s, &msg, 0) != 1)
		give_up(p->r->fault, "sendmsg");
}

/*
 * Sockets in whose queues there are sockets: a chain that the victim ends by
 * closing one, and rings that only the kernel's collector can end.
 */
void
cycles(struct peer *p)
{
	int a[2], last = -1;
	uint32_t i;

	for (i = 0; i < p->a->count; i++) {
		if (socketpair(AF_UNIX, SOCK_STREAM, 0, a) == -1)
			give_up(p->r->fault, "socketpair");
		pass(p, a[0], i % 2 == 0 ? a[1] : a[0]);
		if (last >= 0) {
			pass(p, a[0], last);
			close(last);
		}
		last = a[1];
		close(a[0]);
	}
	(void)send_own(p, last);
	close(last);
}

/*
 * A process that accepts a connection, reads nothing, and is there until the
 * others have ended.  It never has the end that is passed.
 */
static void
keep_accepted(struct peer *p, int l)
{
	int *keep[2] = { &l, &p->beat };
	struct pollfd pfd = { -1, POLLIN, 0 };
	pid_t pid = fork();
	char c;

	if (pid == -1)
		give_up(p->r->fault, "fork");
	if (pid > 0)
		return;
	table_limit(0);
	keep_only(keep, 2);
	if (accept(l, NULL, NULL) == -1)
		_exit(1);
	/* hold() makes it not block for a moment, here as well. */
	pfd.fd = p->beat;
	while (poll(&pfd, 1, -1) == 1 &&
	    (read(p->beat, &c, 1) > 0 || errno == EAGAIN))
		continue;
	_exit(0);
}

/* A TCP connection full of bytes, or -1. */
static int
full_tcp(struct peer *p)
{
	static const char bytes[65536];
	struct sockaddr_in sa;
	socklen_t len = sizeof(sa);
	int c, l = socket(AF_INET, SOCK_STREAM, 0);

	memset(&sa, 0, sizeof(sa));
	sa.sin_family = AF_INET;
	sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (l == -1 || bind(l, (struct sockaddr *)&sa, sizeof(sa)) == -1 ||
	    listen(l, 1) == -1 ||
	    getsockname(l, (struct sockaddr *)&sa, &len) == -1)
		return -1;
	/* The backlog takes it; where there is no loopback nobody waits. */
	if ((c = socket(AF_INET, SOCK_STREAM, 0)) == -1 ||
	    connect(c, (struct sockaddr *)&sa, sizeof(sa)) == -1)
		return -1;
	keep_accepted(p, l);
	close(l);
	while (send(c, bytes, sizeof(bytes), MSG_DONTWAIT) > 0)
		continue;
	return c;
}

/*
 * Who closes it last has to wait for arg seconds: the victim, which reads it
 * only when this process is gone.
 */
void
lingering(struct peer *p)
{
	const struct linger on = { 1, (int)p->a->arg };
	int c = full_tcp(p);

	if (c == -1) {
		p->r->skipped = 1;
		_exit(0);
	}
	if (setsockopt(c, SOL_SOCKET, SO_LINGER, &on, sizeof(on)) == -1)
		give_up(p->r->fault, "SO_LINGER");
	if (send_message(p, 0, 50, 0, 0, 0) == -1)
		return;
	hold(p, A_WHILE);
	(void)send_own(p, c);
	close(c);
}

/*
 * Keeps descriptors in flight, more than the others' tables are large, until
 * the victim has met ETOOMANYREFS a few times.
 */
void
in_flight(struct peer *p)
{
	int fds[MOST_FDS], a[2], s = p->s[0], i;
	uint32_t n;
	struct parcel b = { "x", 1, fds, MOST_FDS, 0, MSG_DONTWAIT };

	for (i = 0; i < MOST_FDS; i++)
		fds[i] = STDERR_FILENO;
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, a) == -1)
		give_up(p->r->fault, "socketpair");
	p->s[0] = a[0];
	for (n = 0; n < p->a->arg; n++)
		(void)send_parcel(p, 0, &b);
	p->s[0] = s;
	for (n = 0; n < p->a->count; n++)
		if (send_message(p, 0, 50, 0, 0, 0) == -1)
			return;
	hold(p, A_WHILE / 2);
	close(a[0]);
	close(a[1]);
	read_answers(p, p->a->count, 4096);
}
