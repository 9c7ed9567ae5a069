/* SPDX-License-Identifier: ISC */
/*
 * Two processes that send each other random messages and write down which:
 *	converse SEED DIRECTORY
 * writes truth-0 and truth-1 there, a line a message: sender, wire, type,
 * peer ID, pid, length, the file of the descriptor or "-", payload in hex.
 * To be followed by imsgdump, which has to say the same: tests/dump/live.sh.
 *
 * The senders are the library on either wire, with small buffers that cut
 * messages, or one of the old kind, which writes a header of its own and puts
 * several messages into a call, or cuts them anywhere.
 */
#define _GNU_SOURCE
#include <sys/socket.h>
#include <sys/wait.h>

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <imsg.h>

#define MOST	      120
#define LARGE	      300000
#define CLASSIC_LARGE 16368

enum sender { LIBRARY, OLD, OLD_CUT };

struct message {
	uint32_t type, peerid;
	pid_t pid;
	size_t len;
	int has_fd;
	unsigned char *data;
};

/* What the old sender gives to the kernel at once. */
struct call {
	size_t end;
	int fd;
};

struct end {
	struct imsgbuf buf;
	int fd, side, wire;
	enum sender sender;
	struct message m[MOST];
	size_t n, queued, got;
	/* Of the old sender. */
	unsigned char *bytes;
	size_t len, sent;
	struct call calls[2 * MOST];
	size_t ncalls, call;
};

static uint64_t state;
static const char *dir;

static uint32_t
below(uint32_t n)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (uint32_t)((state >> 11) % n);
}

static void
seed(uint64_t n)
{
	int i;

	state = (n + 1) * UINT64_C(0x9e3779b97f4a7c15);
	for (i = 0; i < 20; i++)
		(void)below(2);
}

static void
file_name(char *path, size_t size, const struct end *e, size_t i)
{
	(void)snprintf(path, size, "%s/file-%d-%zu", dir, e->side, i);
}

static int
descriptor(const struct end *e, size_t i)
{
	char path[256];
	int fd;

	if (!e->m[i].has_fd)
		return -1;
	file_name(path, sizeof(path), e, i);
	if ((fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600)) == -1)
		err(1, "%s", path);
	return fd;
}

static size_t
some_length(const struct end *e, int large)
{
	uint32_t most =
	    large && e->wire == IMSG_WIRE_MODERN ? LARGE : CLASSIC_LARGE;

	switch (below(10)) {
	case 0:
		return 0;
	case 1:
	case 2:
		return below(4000);
	case 3:
		return below(most + 1);
	default:
		return below(200);
	}
}

/* Some payloads look like headers. */
static void
fill(struct message *m)
{
	static const unsigned char header[] = { 0x10, 0, 0, 0, 1, 0, 0, 0 };
	uint32_t how = below(3);
	size_t i;

	if ((m->data = malloc(m->len + 1)) == NULL)
		err(1, "malloc");
	for (i = 0; i < m->len; i++)
		m->data[i] = how == 0 ? 0 :
		    how == 1	      ? header[i % sizeof(header)] :
					(unsigned char)below(256);
}

static void
make_messages(struct end *e)
{
	uint32_t fds = below(3) == 0 ? 0 : 2 + below(6), pids = below(3), i;
	int large = below(4) == 0;
	struct message *m;

	e->n = 1 + below(below(3) == 0 ? MOST : 25);
	for (i = 0; i < e->n; i++) {
		m = &e->m[i];
		m->type = below(below(2) == 0 ? 65535 : 300);
		m->peerid = below(2) == 0 ? 0 : below(UINT32_MAX);
		m->pid = getpid();
		/* The library never sends a 0; one that is cut needs its own. */
		if (pids == 0 && e->sender == OLD)
			m->pid = 0;
		else if (pids == 1 && below(2) == 0 && e->sender != OLD_CUT)
			m->pid = -1;
		m->len = some_length(e, large);
		m->has_fd = fds > 0 && below(fds) == 0;
		fill(m);
	}
}

static void
write_truth(const struct end *e)
{
	char path[256];
	size_t i, k;
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/truth-%d", dir, e->side);
	if ((f = fopen(path, "w")) == NULL)
		err(1, "%s", path);
	for (i = 0; i < e->n; i++) {
		const struct message *m = &e->m[i];

		file_name(path, sizeof(path), e, i);
		fprintf(f, "%ld\t%s\t%u\t%u\t%ld\t%zu\t%s\t", (long)getpid(),
		    e->wire == IMSG_WIRE_MODERN ? "modern" : "classic", m->type,
		    m->peerid, (long)m->pid, m->len + 16,
		    m->has_fd ? path : "-");
		for (k = 0; k < m->len; k++)
			fprintf(f, "%02x", m->data[k]);
		fputc('\n', f);
	}
	if (fclose(f) == EOF)
		err(1, "truth");
}

/*
 * The stream of the old sender and where its calls end: a descriptor begins a
 * call, which other messages may follow.
 */
static void
make_calls(struct end *e)
{
	struct {
		uint32_t type;
		uint16_t len, flags;
		uint32_t peerid;
		int32_t pid;
	} h;
	struct call *c;
	size_t i, room = 0, start;

	for (i = 0; i < e->n; i++)
		room += sizeof(h) + e->m[i].len;
	if ((e->bytes = malloc(room)) == NULL)
		err(1, "malloc");
	for (i = 0; i < e->n; i++, e->len += e->m[i - 1].len) {
		const struct message *m = &e->m[i];

		start = e->len;
		h.type = m->type;
		h.len = (uint16_t)(m->len + sizeof(h));
		h.flags = (uint16_t)m->has_fd;
		h.peerid = m->peerid;
		h.pid = m->pid;
		memcpy(e->bytes + start, &h, sizeof(h));
		e->len += sizeof(h);
		memcpy(e->bytes + e->len, m->data, m->len);
		if (e->ncalls == 0 || m->has_fd || below(2) == 0) {
			c = &e->calls[e->ncalls++];
			c->fd = descriptor(e, i);
		}
		if (e->sender == OLD_CUT && m->len > 0 && below(3) == 0) {
			e->calls[e->ncalls - 1].end =
			    start + 1 + below((uint32_t)m->len + 15);
			e->calls[e->ncalls++].fd = -1;
		}
		e->calls[e->ncalls - 1].end = e->len + m->len;
	}
}

static void
write_old(struct end *e)
{
	struct call *c = &e->calls[e->call];
	struct iovec iov = { e->bytes + e->sent, c->end - e->sent };
	union {
		struct cmsghdr hdr;
		char room[CMSG_SPACE(sizeof(int))];
	} control;
	struct msghdr mh = { .msg_iov = &iov, .msg_iovlen = 1 };
	ssize_t n;

	if (c->fd != -1) {
		memset(&control, 0, sizeof(control));
		mh.msg_control = &control;
		mh.msg_controllen = sizeof(control);
		control.hdr.cmsg_len = CMSG_LEN(sizeof(int));
		control.hdr.cmsg_level = SOL_SOCKET;
		control.hdr.cmsg_type = SCM_RIGHTS;
		memcpy(CMSG_DATA(&control.hdr), &c->fd, sizeof(int));
	}
	if ((n = sendmsg(e->fd, &mh, 0)) == -1) {
		if (errno != EAGAIN)
			err(1, "sendmsg");
		return;
	}
	if (c->fd != -1)
		(void)close(c->fd);
	c->fd = -1;
	e->sent += (size_t)n;
	if (e->sent == c->end)
		e->call++;
}

/* In one of the ways that there are. */
static void
queue(struct end *e)
{
	const struct message *m = &e->m[e->queued];
	int fd = descriptor(e, e->queued), r = 1;
	size_t half = m->len / 2;
	struct iovec iov[2] = { { m->data, half },
		{ m->data + half, m->len - half } };
	struct ibuf *b;

	switch (below(3)) {
	case 0:
		r = imsg_compose(
		    &e->buf, m->type, m->peerid, m->pid, fd, m->data, m->len);
		break;
	case 1:
		r = imsg_composev(
		    &e->buf, m->type, m->peerid, m->pid, fd, iov, 2);
		break;
	default:
		b = imsg_create(&e->buf, m->type, m->peerid, m->pid, m->len);
		if (b == NULL || imsg_add(b, m->data, m->len) == -1)
			err(1, "imsg_create");
		ibuf_fd_set(b, fd);
		imsg_close(&e->buf, b);
	}
	if (r != 1)
		err(1, "queue");
	e->queued++;
}

/* 1: there is more to send. */
static int
has_more(struct end *e)
{
	if (e->sender != LIBRARY)
		return e->call < e->ncalls;
	while (e->queued < e->n && imsgbuf_queuelen(&e->buf) < 1 + below(6))
		queue(e);
	return imsgbuf_queuelen(&e->buf) > 0;
}

/* 0: the other side has ended. */
static int
receive(struct end *e)
{
	struct imsg m;
	int r, n;

	if ((r = imsgbuf_read(&e->buf)) == -1 && errno != EAGAIN)
		err(1, "imsgbuf_read");
	while ((n = imsgbuf_get(&e->buf, &m)) == 1) {
		e->got++;
		imsg_free(&m);
	}
	if (n == -1)
		err(1, "imsgbuf_get");
	return r != 0;
}

static void
talk(struct end *e)
{
	int sending = 1, receiving = 1, more;
	struct pollfd p = { .fd = e->fd };

	while (sending || receiving) {
		more = sending && has_more(e);
		if (sending && !more) {
			(void)shutdown(e->fd, SHUT_WR);
			sending = 0;
			continue;
		}
		p.events =
		    (short)((receiving ? POLLIN : 0) | (more ? POLLOUT : 0));
		if (poll(&p, 1, 60000) != 1)
			errx(1, "the other side is silent");
		if (more && (p.revents & POLLOUT)) {
			if (e->sender != LIBRARY)
				write_old(e);
			else if (imsgbuf_write(&e->buf) == -1 &&
			    errno != EAGAIN)
				err(1, "imsgbuf_write");
		}
		if (receiving && (p.revents & (POLLIN | POLLHUP)) &&
		    below(3) > 0)
			receiving = receive(e);
	}
}

static void
begin(struct end *e)
{
	e->sender = LIBRARY;
	if (e->wire == IMSG_WIRE_CLASSIC)
		e->sender = (enum sender)below(3);
	if (fcntl(e->fd, F_SETFL, O_NONBLOCK) == -1 ||
	    imsgbuf_init(&e->buf, e->fd) == -1 ||
	    imsgbuf_set_wire(&e->buf, e->wire) == -1)
		err(1, "imsgbuf_init");
	imsgbuf_allow_fdpass(&e->buf);
	if (imsgbuf_set_maxsize(&e->buf, 1U << 20) == -1)
		err(1, "imsgbuf_set_maxsize");
	make_messages(e);
	write_truth(e);
	if (e->sender != LIBRARY)
		make_calls(e);
}

int
main(int argc, char *argv[])
{
	static struct end e;
	int sv[2], i, small, status;
	uint64_t n;
	pid_t pid;

	if (argc != 3)
		errx(2, "usage: converse SEED DIRECTORY");
	n = strtoull(argv[1], NULL, 10);
	dir = argv[2];
	seed(n);
	e.wire = below(2) ? IMSG_WIRE_CLASSIC : IMSG_WIRE_MODERN;
	small = below(2) == 0 ? 4608 + (int)below(20000) : 0;
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, sv) == -1)
		err(1, "socketpair");
	for (i = 0; i < 2 && small > 0; i++)
		(void)setsockopt(
		    sv[i], SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
	if ((pid = fork()) == -1)
		err(1, "fork");
	e.side = pid == 0;
	e.fd = sv[e.side];
	(void)close(sv[!e.side]);
	seed(2 * n + (uint64_t)e.side + 1000000);
	begin(&e);
	talk(&e);
	imsgbuf_clear(&e.buf);
	free(e.bytes);
	while (e.n > 0)
		free(e.m[--e.n].data);
	if (pid != 0 && (waitpid(pid, &status, 0) != pid || status != 0))
		errx(1, "the other side failed");
	return 0;
}
