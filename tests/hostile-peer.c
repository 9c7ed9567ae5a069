/* SPDX-License-Identifier: ISC */
/*
 * The hostile peer's hands.  It uses nothing of the library: what it sends is
 * made of bytes and system calls.
 */
#include "hostile-peer.h"
#include "cmsg.h"

#include <sys/socket.h>
#include <sys/uio.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Tries of a peer that must not block before it takes the socket for full. */
#define TRIES 3

void
hold(struct peer *p, int n)
{
	char c;

	/* Those that were before do not count. */
	if (fcntl(p->beat, F_SETFL, O_NONBLOCK) == -1)
		give_up(p->r->fault, "fcntl");
	while (read(p->beat, &c, 1) == 1)
		continue;
	if (fcntl(p->beat, F_SETFL, 0) == -1)
		give_up(p->r->fault, "fcntl");
	while (n-- > 0 && read(p->beat, &c, 1) == 1)
		continue;
}

union control {
	size_t align;
	unsigned char
	    buf[CMSG_SPACE(MOST_FDS * sizeof(int)) + 4 * CMSG_SPACE(0)];
};

static void
attach(struct msghdr *msg, union control *ctl, const struct parcel *b)
{
	int blocks = b->blocks > 0 ? b->blocks : 1;
	int each = b->nfds / blocks, i, j, fd;
	struct cmsghdr *c;

	memset(ctl, 0, sizeof(*ctl));
	msg->msg_control = ctl->buf;
	msg->msg_controllen = (socklen_t)((size_t)blocks *
	    CMSG_SPACE((size_t)each * sizeof(int)));
	c = CMSG_FIRSTHDR(msg);
	for (i = 0; i < blocks; i++) {
		if (c == NULL)
			abort();
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = (socklen_t)CMSG_LEN((size_t)each * sizeof(int));
		for (j = 0; j < each; j++) {
			fd = b->fds != NULL ? b->fds[i * each + j] :
					      STDERR_FILENO;
			memcpy(CMSG_DATA(c) + (size_t)j * sizeof(fd), &fd,
			    sizeof(fd));
		}
		c = cmsg_next(msg, c);
	}
}

static ssize_t
send_some(struct peer *p, int i, const struct parcel *b, size_t done)
{
	struct iovec iov;
	struct msghdr msg;
	union control ctl;
	ssize_t n;

	memset(&msg, 0, sizeof(msg));
	iov.iov_base = (unsigned char *)(uintptr_t)b->p + done;
	iov.iov_len = b->n - done;
	msg.msg_iov = &iov;
	msg.msg_iovlen = 1;
	if (b->nfds > 0 && done == 0)
		attach(&msg, &ctl, b);
	n = cmsg_send(p->s[i], &msg, b->flags | MSG_NOSIGNAL);
	if (n > 0) {
		p->r->sends++;
		p->r->bytes += (uint64_t)n;
	}
	return n;
}

int
send_parcel(struct peer *p, int i, const struct parcel *b)
{
	size_t done = 0;
	int tries = 0;
	ssize_t n;

	while (done < b->n) {
		n = send_some(p, i, b, done);
		if (n > 0) {
			done += (size_t)n;
			tries = 0;
		} else if (errno == ETOOMANYREFS &&
		    !(b->flags & MSG_DONTWAIT)) {
			/* An ordinary user's own limit; the victim reads. */
			hold(p, 1);
		} else if (errno == EAGAIN && tries++ < TRIES) {
			hold(p, A_WHILE / TRIES);
		} else {
			p->r->full = errno == EAGAIN || errno == ETOOMANYREFS;
			if (!p->r->full && errno != EPIPE &&
			    errno != ECONNRESET)
				give_up(p->r->fault, "sendmsg");
			return -1;
		}
	}
	return 0;
}

int
send_bytes(struct peer *p, int i, const void *data, size_t n)
{
	struct parcel b = { data, n, NULL, 0, 0, 0 };

	return send_parcel(p, i, &b);
}

void
raw_header(unsigned char *h, uint32_t type, uint32_t word)
{
	struct imsg_hdr hdr = { type, word, CHECKED, 4711 };

	memcpy(h, &hdr, sizeof(hdr));
}

static uint32_t
word_of(int wire, size_t total, int marked)
{
	uint16_t half[2] = { (uint16_t)total, marked ? 1 : 0 };
	uint32_t word;

	if (wire == IMSG_WIRE_MODERN)
		return (uint32_t)total | (marked ? 0x80000000U : 0);
	memcpy(&word, half, sizeof(word));
	return word;
}

uint32_t
other_word(const struct peer *p, size_t total, int marked)
{
	return word_of(
	    p->wire == IMSG_WIRE_MODERN ? IMSG_WIRE_CLASSIC : IMSG_WIRE_MODERN,
	    total, marked);
}

void
put_header(const struct peer *p, unsigned char *h, uint32_t type, size_t total,
    int marked)
{
	raw_header(h, type, word_of(p->wire, total, marked));
}

size_t
make_message(struct peer *p, int i, unsigned char *out, size_t len, int marked)
{
	uint32_t type = ++p->seq[i];

	put_header(p, out, type, len, marked);
	pattern(out + IMSG_HEADER_SIZE, len - IMSG_HEADER_SIZE, type);
	return len;
}

int
send_message(struct peer *p, int i, size_t len, int marked, int nfds, int flags)
{
	struct parcel b = { NULL, len, NULL, nfds, 0, flags };
	unsigned char *data = malloc(len);
	int r;

	if (data == NULL)
		give_up(p->r->fault, "malloc");
	make_message(p, i, data, len, marked);
	b.p = data;
	r = send_parcel(p, i, &b);
	free(data);
	p->r->msgs += r == 0;
	return r;
}

static void
count_fds(struct peer *p, struct msghdr *msg)
{
	struct cmsghdr *c;
	int fd;

	for (c = CMSG_FIRSTHDR(msg); c != NULL; c = cmsg_next(msg, c)) {
		if (c->cmsg_type != SCM_RIGHTS)
			continue;
		memcpy(&fd, CMSG_DATA(c), sizeof(fd));
		close(fd);
		p->r->answer_fds++;
	}
}

void
read_answers(struct peer *p, uint64_t n, size_t size)
{
	const size_t one = IMSG_HEADER_SIZE + 6;
	unsigned char buf[65536];
	union control ctl;
	struct iovec iov = { buf, size };
	struct msghdr msg;
	uint64_t bytes = 0;
	ssize_t r;

	p->r->asked += n;
	while (bytes < n * one) {
		memset(&msg, 0, sizeof(msg));
		msg.msg_iov = &iov;
		msg.msg_iovlen = 1;
		msg.msg_control = ctl.buf;
		msg.msg_controllen = sizeof(ctl.buf);
		if ((r = recvmsg(p->s[0], &msg, 0)) <= 0)
			break;
		bytes += (uint64_t)r;
		count_fds(p, &msg);
	}
	p->r->answers += bytes / one;
}

_Noreturn void
hostile_peer(struct run *run, struct ends *e)
{
	static struct peer p;
	int *keep[CHANS + 3];
	int i, n = 0;

	p.a = run->a;
	p.r = &run->p;
	p.wire = run->wire;
	p.chans = run->a->victim.chans > 0 ? run->a->victim.chans : 1;
	keep[n++] = &e->beat[0];
	keep[n++] = &e->gone[1];
	for (i = 0; i < p.chans; i++)
		keep[n++] = &e->hostile[i][0];
	if (run->a->victim.shared)
		keep[n++] = &e->hostile[0][1];
	keep_only(keep, n);
	for (i = 0; i < p.chans; i++)
		p.s[i] = e->hostile[i][0];
	p.theirs = run->a->victim.shared ? e->hostile[0][1] : -1;
	p.beat = e->beat[0];
	/*
	 * An ordinary user's descriptors in flight are limited by the table
	 * of the one who sends: the others must be able to send more.
	 */
	table_limit(ORDINARY * 8);
	p.a->run(&p);
	p.r->finished = 1;
	_exit(0);
}
