/* SPDX-License-Identifier: ISC */
/*
 * The header on the wire, in both generations.
 *
 * Modern: type, length with the descriptor mark in bit 31, peerid, pid, four
 * 32-bit words in host order.  Classic (OpenBSD up to 7.6): the second word
 * is a 16-bit length and 16-bit flags.  The wire carries no version, so a
 * header that makes no sense here, but would for the other generation, is
 * reported as EPROTO: the cause can then be named.
 */
#include "feature.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "imsg-int.h"

#define CLASSIC_HASFD 1U

/* The second word of a header, read in both ways. */
struct len_word {
	uint32_t modern;  /* length and mark */
	uint16_t classic; /* length */
	uint16_t flags;
};

static void
split(struct len_word *w, uint32_t len)
{
	unsigned char b[sizeof(len)];

	memcpy(b, &len, sizeof(b));
	w->modern = len;
	memcpy(&w->classic, b, sizeof(w->classic));
	memcpy(&w->flags, b + sizeof(w->classic), sizeof(w->flags));
}

static int
valid(const struct imsgbuf *b, uint32_t len)
{
	return len >= IMSG_HEADER_SIZE && len <= b->maxsize;
}

/* Would a classic peer with its fixed limit have sent this? */
static int
looks_classic(const struct len_word *w)
{
	const uint16_t one = 1;
	unsigned char low;
	int known = w->flags == CLASSIC_HASFD;

	/* On big-endian machines even unmarked headers differ. */
	memcpy(&low, &one, sizeof(low));
	if (low == 0 && w->flags == 0)
		known = 1;
	return known && w->classic >= IMSG_HEADER_SIZE &&
	    w->classic <= MAX_IMSGSIZE;
}

static int
parse_modern(const struct imsgbuf *b, const struct len_word *w, uint32_t *total,
    int *marked)
{
	*total = w->modern & ~IMSG_FD_MARK;
	*marked = (w->modern & IMSG_FD_MARK) != 0;
	if (valid(b, *total))
		return 0;
	errno = looks_classic(w) ? EPROTO : ERANGE;
	return -1;
}

static int
parse_classic(const struct imsgbuf *b, const struct len_word *w,
    uint32_t *total, int *marked)
{
	int modern =
	    (w->modern & IMSG_FD_MARK) && valid(b, w->modern & ~IMSG_FD_MARK);

	*total = w->classic;
	*marked = (w->flags & CLASSIC_HASFD) != 0;
	if (modern && (w->flags & ~CLASSIC_HASFD)) {
		errno = EPROTO;
		return -1;
	}
	if (valid(b, *total))
		return 0;
	errno = ERANGE;
	return -1;
}

static int
parse_header(
    const struct imsgbuf *b, uint32_t len, uint32_t *total, int *marked)
{
	struct len_word w;

	split(&w, len);
	if (b->flags & IMSG_FLAG_CLASSIC)
		return parse_classic(b, &w, total, marked);
	return parse_modern(b, &w, total, marked);
}

static uint32_t
len_of(const void *hdr)
{
	uint32_t len;

	memcpy(&len,
	    (const unsigned char *)hdr + offsetof(struct imsg_hdr, len),
	    sizeof(len));
	return len;
}

/*
 * The modern wire needs no other form: its marked lengths are beyond every
 * maximum, so one comparison tells a plain good header from all others.
 */
static size_t
scan_modern(const struct imsgbuf *b, const unsigned char *p, size_t len,
    uint32_t max, uint32_t *n, int *more)
{
	const size_t span = imsgi_wire_max(b) - IMSG_HEADER_SIZE;
	size_t total, done = 0;
	uint32_t cnt = 0;

	*more = 0;
	*n = 0;
	if (imsgi_wire_max(b) < IMSG_HEADER_SIZE)
		return 0;
	while (cnt < max && len - done >= IMSG_HEADER_SIZE) {
		total = len_of(p + done);
		if (total - IMSG_HEADER_SIZE > span)
			break;
		if (total > len - done) {
			*more = 1;
			break;
		}
		done += total;
		cnt++;
	}
	*n = cnt;
	return done;
}

static size_t
scan_classic(const struct imsgbuf *b, unsigned char *p, size_t len, uint32_t *n,
    int *more)
{
	size_t done = 0;
	uint32_t total;
	int marked;

	*more = 0;
	for (*n = 0; len - done >= IMSG_HEADER_SIZE; (*n)++) {
		if (parse_header(b, len_of(p + done), &total, &marked) == -1 ||
		    marked)
			break;
		if (total > len - done) {
			*more = 1;
			break;
		}
		memcpy(p + done + offsetof(struct imsg_hdr, len), &total,
		    sizeof(total));
		done += total;
	}
	return done;
}

/*
 * A received message that is relayed as it is, from its first byte, to a
 * channel on the classic wire.  One too large for that is left as it is: the
 * far end will name the cause, EPROTO.
 */
static void
to_classic(struct ibuf *b)
{
	uint32_t len;
	size_t total;

	if (!(b->state & IBUF_RECEIVED) || b->rpos != 0 ||
	    b->wpos < IMSG_HEADER_SIZE)
		return;
	b->state &= ~(unsigned int)IBUF_RECEIVED;
	len = len_of(b->buf);
	total = len & ~IMSG_FD_MARK;
	/* Not if the program has put something else into it. */
	if (total != b->wpos || total > IMSG_CLASSIC_MAX)
		return;
	len = imsgi_wire_classic_len(total, (len & IMSG_FD_MARK) != 0);
	memcpy(b->buf + offsetof(struct imsg_hdr, len), &len, sizeof(len));
}

static size_t
wire_scan(void *arg, unsigned char *p, size_t len, uint32_t max, uint32_t *n,
    int *more)
{
	const struct imsgbuf *b = arg;

	if (b->flags & IMSG_FLAG_CLASSIC)
		return scan_classic(b, p, len, n, more);
	return scan_modern(b, p, len, max, n, more);
}

IMSGI_HIDDEN const struct msgbuf_lazy imsgi_wire_lazy = {
	wire_scan,
	offsetof(struct imsg_hdr, len),
	to_classic,
};

/*
 * Memory follows the bytes that arrive: a message that announces more than
 * IMSGI_PLACE_MAX of payload starts with that much storage, unless the peer
 * has just sent as much in a message before: it can pin no memory that way
 * that it could not pin by keeping back the end of that one.
 */
struct ibuf *
imsgi_wire_header(struct ibuf *hdr, void *arg, int *fd)
{
	const struct imsgbuf *b = arg;
	struct ibuf *msg;
	size_t now;
	uint32_t total;
	int marked;

	if (parse_header(b, len_of(ibuf_data(hdr)), &total, &marked) == -1)
		return NULL;
	now = total;
	if (now > IMSGI_PLACE_MAX + IMSG_HEADER_SIZE && now > b->w->proven)
		now = IMSGI_PLACE_MAX + IMSG_HEADER_SIZE;
	if ((msg = imsgi_ibuf_new(now, total)) == NULL)
		return NULL;
	/* The reader copies the header from here: modern from now on. */
	(void)ibuf_set_h32(hdr, offsetof(struct imsg_hdr, len),
	    total | (marked ? IMSG_FD_MARK : 0));
	if (marked) {
		ibuf_fd_set(msg, *fd);
		*fd = -1;
	}
	return msg;
}

uint32_t
imsgi_wire_total(const struct imsgbuf *b, uint32_t len)
{
	struct len_word w;

	split(&w, len);
	return b->flags & IMSG_FLAG_CLASSIC ? w.classic :
					      w.modern & ~IMSG_FD_MARK;
}

uint32_t
imsgi_wire_classic_len(size_t total, int marked)
{
	unsigned char word[sizeof(uint32_t)];
	uint16_t len = (uint16_t)total;
	uint16_t flags = marked ? CLASSIC_HASFD : 0;
	uint32_t v;

	memcpy(word, &len, sizeof(len));
	memcpy(word + sizeof(len), &flags, sizeof(flags));
	memcpy(&v, word, sizeof(v));
	return v;
}
