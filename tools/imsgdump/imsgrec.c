/* SPDX-License-Identifier: ISC */
/*
 * The trace of a program's channels, written to a capture file.
 *
 * It runs within programs that have locked themselves up: no libpcap, no
 * stdio, no memory once a channel is added, errno kept, and whatever fails is
 * the recorder's own affair.
 */
#define _DEFAULT_SOURCE

#include "imsgrec.h"

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "pseudo.h"

#define LINK_USER0 147

struct channel {
	struct channel *next;
	struct imsgrec *rec;
	struct imsgbuf *ibuf;
	uint32_t number;
	struct party self, peer;
	char selfname[256], peername[256];
};

struct imsgrec {
	int fd;
	int flags;
	int error;
	struct channel *channels;
};

/* Of the file, and of a packet; in the byte order of this machine. */
struct file_head {
	uint32_t magic;
	uint16_t major, minor;
	uint32_t zone, accuracy, snaplen, link;
};
struct packet_head {
	uint32_t sec, nsec, len, full;
};

static const struct file_head head = { 0xa1b23c4d, 2, 4, 0, 0, PSEUDO_MAX,
	LINK_USER0 };

/* Moves iov behind n bytes. */
static void
advance(struct iovec **iov, int *cnt, size_t n)
{
	while (*cnt > 0 && n >= (*iov)->iov_len) {
		n -= (*iov)->iov_len;
		(*iov)++;
		(*cnt)--;
	}
	if (n > 0) {
		(*iov)->iov_base = (char *)(*iov)->iov_base + n;
		(*iov)->iov_len -= n;
	}
}

/* All of it, as a rule with one call. */
static void
put(struct imsgrec *rec, struct iovec *iov, int cnt)
{
	ssize_t n;

	while (cnt > 0 && rec->error == 0) {
		n = writev(rec->fd, iov, cnt);
		if (n > 0)
			advance(&iov, &cnt, (size_t)n);
		else if (n == 0 || errno != EINTR)
			rec->error = n == 0 ? ENOSPC : errno;
	}
}

/* A packet of n bytes at buf and len bytes of payload. */
static void
packet(struct imsgrec *rec, int64_t now, void *buf, size_t n, const void *data,
    size_t len, size_t full)
{
	struct packet_head h;
	struct iovec iov[3];
	union {
		const void *in;
		void *out;
	} payload;

	h.sec = (uint32_t)(now / 1000000000);
	h.nsec = (uint32_t)(now % 1000000000);
	h.len = (uint32_t)(n + len);
	h.full = (uint32_t)full;
	iov[0].iov_base = &h;
	iov[0].iov_len = sizeof(h);
	iov[1].iov_base = buf;
	iov[1].iov_len = n;
	payload.in = data;
	iov[2].iov_base = payload.out;
	iov[2].iov_len = len;
	put(rec, iov, len > 0 ? 3 : 2);
}

static int64_t
clock_now(void)
{
	struct timespec ts;

	if (clock_gettime(CLOCK_REALTIME, &ts) == -1)
		return 0;
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

static void
traced(void *arg, int event, const struct imsg_hdr *hdr, const void *payload,
    size_t len, int fd)
{
	struct channel *c = arg;
	unsigned char buf[PSEUDO_HEAD];
	struct record r;
	size_t n, full;
	int e = errno;

	if (event == IMSG_TRACE_QUEUED && !(c->rec->flags & IMSGREC_QUEUED))
		return;
	memset(&r, 0, sizeof(r));
	r.kind = RECORD_MESSAGE;
	r.event = (enum record_event)event;
	r.channel = c->number;
	r.from = c->self;
	r.to = c->peer;
	if (event == IMSG_TRACE_RECEIVED || event == IMSG_TRACE_UNREAD) {
		r.from = c->peer;
		r.to = c->self;
	}
	r.wire = RECORD_WIRE_UNKNOWN;
	r.hdr = *hdr;
	/* Where it is as on the wire, it has a mark or half the width. */
	r.hdr.len = (uint32_t)(IMSG_HEADER_SIZE + len);
	r.fd_state = fd >= 0	     ? IMSG_FD_PRESENT :
	    fd == IMSG_TRACE_FD_LOST ? IMSG_FD_LOST :
				       IMSG_FD_NONE;
	r.fd = fd >= 0 ? fd : -1;
	r.data = payload;
	r.len = len;
	n = pseudo_head(buf, &r, &len, &full);
	packet(c->rec, clock_now(), buf, n, payload, len, full);
	errno = e;
}

/* The file is a capture already: 1, 0 it is empty, -1 with errno. */
static int
begun(int fd, const struct stat *st)
{
	struct file_head h;

	if (st->st_size == 0 || !S_ISREG(st->st_mode))
		return 0;
	switch (pread(fd, &h, sizeof(h), 0)) {
	case -1:
		return -1;
	case sizeof(h):
		if (memcmp(&h, &head, sizeof(h)) == 0)
			return 1;
	}
	errno = EINVAL;
	return -1;
}

static int
begin(struct imsgrec *rec)
{
	struct file_head h = head;
	struct iovec iov = { &h, sizeof(h) };
	struct stat st;
	int flags, there;

	if (fstat(rec->fd, &st) == -1)
		return -1;
	if (!S_ISREG(st.st_mode) && !S_ISCHR(st.st_mode)) {
		errno = EINVAL;
		return -1;
	}
	if ((there = begun(rec->fd, &st)) == -1)
		return -1;
	if ((flags = fcntl(rec->fd, F_GETFL)) == -1 ||
	    fcntl(rec->fd, F_SETFL, flags | O_APPEND) == -1)
		return -1;
	if (!there)
		put(rec, &iov, 1);
	errno = rec->error;
	return rec->error == 0 ? 0 : -1;
}

struct imsgrec *
imsgrec_open(int fd, int flags)
{
	struct imsgrec *rec;
	int e;

	if (flags & ~IMSGREC_QUEUED) {
		errno = EINVAL;
		return NULL;
	}
	if ((rec = calloc(1, sizeof(*rec))) == NULL)
		return NULL;
	rec->fd = fd;
	rec->flags = flags;
	if (begin(rec) == -1) {
		e = errno;
		free(rec);
		errno = e;
		return NULL;
	}
	return rec;
}

static const char *
copied(char *out, size_t size, const char *name)
{
	if (name != NULL)
		(void)strncpy(out, name, size - 1);
	return out;
}

int
imsgrec_channel(struct imsgrec *rec, struct imsgbuf *ibuf, uint32_t number,
    const char *self, pid_t peerpid, const char *peer)
{
	struct channel *c;

	if (ibuf->w == NULL) {
		errno = EINVAL;
		return -1;
	}
	if ((c = calloc(1, sizeof(*c))) == NULL)
		return -1;
	imsgrec_end(rec, ibuf);
	c->rec = rec;
	c->ibuf = ibuf;
	c->number = number;
	c->self.pid = getpid();
	c->self.name = copied(c->selfname, sizeof(c->selfname), self);
	c->peer.pid = peerpid;
	c->peer.name = copied(c->peername, sizeof(c->peername), peer);
	c->next = rec->channels;
	rec->channels = c;
	imsgbuf_set_trace(ibuf, traced, c);
	return 0;
}

void
imsgrec_end(struct imsgrec *rec, struct imsgbuf *ibuf)
{
	struct channel **p, *c;

	for (p = &rec->channels; (c = *p) != NULL; p = &c->next)
		if (c->ibuf == ibuf) {
			/* There is nothing to end after imsgbuf_clear(). */
			if (ibuf->w != NULL)
				imsgbuf_set_trace(ibuf, NULL, NULL);
			*p = c->next;
			free(c);
			return;
		}
}

void
imsgrec_name(struct imsgrec *rec, uint32_t type, const char *name)
{
	unsigned char buf[PSEUDO_HEAD];
	size_t len = 0;
	int e = errno;

	if (pseudo_name_put(buf, &len, type, name) == 0)
		packet(rec, clock_now(), buf, len, NULL, 0, len);
	errno = e;
}

int
imsgrec_error(const struct imsgrec *rec)
{
	return rec->error;
}

int
imsgrec_close(struct imsgrec *rec)
{
	struct channel *c;
	int e;

	if (rec == NULL)
		return 0;
	while ((c = rec->channels) != NULL) {
		rec->channels = c->next;
		free(c);
	}
	e = rec->error;
	free(rec);
	if (e == 0)
		return 0;
	errno = e;
	return -1;
}
