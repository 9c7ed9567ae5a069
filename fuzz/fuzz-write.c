/* SPDX-License-Identifier: ISC */
/*
 * A channel composes, queues and writes as the input wants, to a kernel that
 * takes what it likes; next to it, the same goes into an array.  What the
 * kernel takes has to be the bytes of the array in order, each descriptor on
 * the first byte of its own ibuf.
 *
 * Input: options; two bytes of maximum size, a quarter of it; how many steps;
 * the steps; operations: a byte that says which, a byte of length, one of
 * options and what the operation wants besides.
 */
#include <errno.h>
#include <poll.h>
#include <string.h>

#include <imsg.h>

#include "kernel.h"
#include "outq.h"
#include "stream.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

/* Options. */
#define CLASSIC	 0x01
#define PASS	 0x02
#define NOT_SOCK 0x04 /* a pipe; not with PASS */
#define NO_STOPS 0x08 /* an old sendmmsg(2) */

#define PIECES 3

static struct imsgbuf b;
static struct imsg_limits limits;
static int is_classic;
static struct input in;
/* Of the operation under way. */
static size_t len;
static const uint8_t *data;
static int fd;
static uint32_t type, id;

static size_t
largest(void)
{
	if (is_classic && b.maxsize > 65535)
		return 65535;
	return b.maxsize;
}

static uint32_t
header_of(uint32_t *w, size_t payload, int marked)
{
	uint16_t half[2];
	uint32_t total = (uint32_t)(payload + IMSG_HEADER_SIZE);

	half[0] = (uint16_t)total;
	half[1] = (uint16_t)(marked ? 1 : 0);
	w[0] = type;
	w[1] = total | (marked ? 0x80000000U : 0);
	if (is_classic)
		memcpy(&w[1], half, sizeof(w[1]));
	w[2] = id;
	w[3] = (uint32_t)b.pid;
	return total;
}

/* Why it must not be queued, or 0. */
static int
refusal(size_t payload, int has_fd)
{
	size_t total = payload + IMSG_HEADER_SIZE;

	if (total > largest())
		return ERANGE;
	if ((limits.wbytes != 0 && outq_bytes() + total > limits.wbytes) ||
	    (limits.wmsgs != 0 && outq_messages() >= limits.wmsgs) ||
	    (limits.wfds != 0 && has_fd && outq_fds() >= limits.wfds))
		return ENOBUFS;
	return 0;
}

/* Did it go as it must?  1: it is queued.  What failed leaves fd to us. */
static int
settled(int r, int error)
{
	if (r == -1 && errno == ENOMEM && error == 0)
		return 0;
	if (error != 0)
		check(r == -1 && errno == error, "another refusal");
	else
		check(r == 1, "refused without a reason");
	return error == 0;
}

static void
queued(int has_fd)
{
	uint32_t w[4];

	(void)header_of(w, len, has_fd);
	outq_put(w, sizeof(w), data, len, fd, 0, 1);
}

static void
give_back(void)
{
	if (fd >= 0)
		kernel_close(fd);
}

static void
op_compose(void)
{
	int error = refusal(len, fd >= 0);

	if (settled(imsg_compose(&b, type, id, 0, fd, data, len), error))
		queued(fd >= 0);
	else
		give_back();
}

static void
op_composev(void)
{
	struct iovec iov[PIECES];
	size_t i, n, at = 0;
	int error = refusal(len, fd >= 0);

	for (i = 0; i < PIECES; i++) {
		n = i + 1 < PIECES ? input_number(&in, 1) : len - at;
		n = n < len - at ? n : len - at;
		iov[i].iov_base = (void *)(uintptr_t)(data + at);
		iov[i].iov_len = n;
		at += n;
	}
	if (settled(imsg_composev(&b, type, id, 0, fd, iov, PIECES), error))
		queued(fd >= 0);
	else
		give_back();
}

/* An ibuf with the payload behind some bytes that were read, or NULL. */
static struct ibuf *
payload_ibuf(void)
{
	size_t before = type % 3;
	struct ibuf *p = ibuf_dynamic(before + len / 2, before + len + 1);

	if (p == NULL)
		return NULL;
	if (ibuf_add_zero(p, before) == -1 || ibuf_add(p, data, len) == -1 ||
	    ibuf_skip(p, before) == -1) {
		check(errno == ENOMEM, "add");
		ibuf_free(p);
		return NULL;
	}
	ibuf_fd_set(p, fd);
	return p;
}

static void
op_compose_ibuf(void)
{
	int error = refusal(len, fd >= 0);
	struct ibuf *p = payload_ibuf();
	uint32_t w[4];

	if (p == NULL) {
		give_back();
		return;
	}
	if (!settled(imsg_compose_ibuf(&b, type, id, 0, p), error))
		return;
	(void)header_of(w, len, fd >= 0);
	outq_put(w, sizeof(w), NULL, 0, fd, 1, 1);
	outq_put(NULL, 0, data, len, -1, 0, 0);
}

/* Adds in pieces; the descriptor is attached before or after. */
static void
op_create(void)
{
	size_t piece = 1 + input_number(&in, 1) * 64, at, n;
	size_t expect = input_number(&in, 1);
	int error = refusal(expect, 0);
	struct ibuf *msg = imsg_create(&b, type, id, 0, expect);

	if (!settled(msg == NULL ? -1 : 1, error)) {
		give_back();
		return;
	}
	ibuf_fd_set(msg, fd);
	for (at = 0; at < len; at += n) {
		n = piece < len - at ? piece : len - at;
		if (imsg_add(msg, data + at, n) == -1) {
			check(errno == ENOMEM ||
				(errno == ERANGE &&
				    IMSG_HEADER_SIZE + at + n > largest()),
			    "add");
			return;
		}
	}
	imsg_close(&b, msg);
	queued(fd >= 0);
}

/* Ibufs of the program's own. */
static void
op_close(void)
{
	struct ibuf *p = payload_ibuf();

	if (p == NULL) {
		give_back();
		return;
	}
	ibuf_close(b.w, p);
	outq_put(NULL, 0, data, len, fd, 0, 1);
}

static void
op_concat(void)
{
	struct ibufqueue *from = ibufq_new();
	struct ibuf *p = from == NULL ? NULL : payload_ibuf();
	struct ibuf *end = p == NULL ? NULL : ibuf_open(1);

	if (end == NULL || ibuf_add_n8(end, 'e') == -1) {
		if (p == NULL)
			give_back();
		ibuf_free(p);
		ibufq_free(from);
		return;
	}
	ibufq_push(from, p);
	ibufq_push(from, end);
	msgbuf_concat(b.w, from);
	check(ibufq_queuelen(from) == 0, "concat leaves some");
	ibufq_free(from);
	outq_put(NULL, 0, data, len, fd, 0, 1);
	outq_put(NULL, 0, "e", 1, -1, 0, 1);
}

/* A received message, which keeps its descriptor. */
static void
op_forward(void)
{
	struct ibufqueue *from = ibufq_new();
	struct ibuf *msg = NULL;
	uint32_t w[4] = { type, 0, id, (uint32_t)b.pid };
	struct imsg m;
	int r, error = refusal(len, 0);

	if (from != NULL)
		msg = ibuf_dynamic(sizeof(w) + len, sizeof(w) + len);
	if (msg == NULL) {
		give_back();
		ibufq_free(from);
		return;
	}
	check(ibuf_add(msg, w, sizeof(w)) == 0, "add");
	check(ibuf_add(msg, data, len) == 0, "add");
	ibuf_fd_set(msg, fd);
	ibufq_push(from, msg);
	check(imsg_ibufq_pop(from, &m) == 1, "pop");
	ibufq_free(from);
	(void)ibuf_skip(m.buf, len / 2);
	r = imsg_forward(&b, &m);
	imsg_free(&m);
	fd = -1;
	if (settled(r, error))
		queued(0);
}

static void
op_limits(void)
{
	memset(&limits, 0, sizeof(limits));
	limits.wbytes = input_number(&in, 1) * 64;
	limits.wmsgs = input_number(&in, 1) % 16;
	limits.wfds = input_number(&in, 1) % 8;
	check(imsgbuf_set_limits(&b, &limits) == 0, "limits");
	give_back();
}

static void
op_clear(void)
{
	msgbuf_clear(b.w);
	outq_clear();
	give_back();
}

static int
write_once(unsigned int which)
{
	q.passing = (b.flags & 1) && !k.not_sock;
	outq_retire();
	switch (which % 4) {
	case 0:
		q.passing = 0;
		return ibuf_write(KERNEL_SOCKET, b.w);
	case 1:
		q.passing = 1;
		return msgbuf_write(KERNEL_SOCKET, b.w);
	case 2:
		return imsgbuf_flush_timeout(&b, 0);
	default:
		return imsgbuf_write(&b);
	}
}

static void
op_write(void)
{
	size_t before = outq_bytes();
	int r = write_once(type);

	if (r == -1 && errno == ETIMEDOUT)
		check(outq_bytes() > 0 || outq_hollow() > 0,
		    "nothing to wait for");
	else if (r == -1 && errno == EINVAL)
		check(outq_bytes() == 0 && outq_hollow() > 0, "flush");
	else if (r == -1 && errno == ENOTSOCK)
		check(k.not_sock && type % 4 == 1 && before > 0, "no socket");
	else if (r == -1)
		check((errno == EPIPE || errno == ECONNRESET) && before > 0,
		    "another error");
	give_back();
}

static void (*const op[])(void) = { op_compose, op_compose, op_compose,
	op_composev, op_compose_ibuf, op_create, op_close, op_concat,
	op_forward, op_limits, op_clear, op_write, op_write, op_write, op_write,
	op_write };

static size_t
length(unsigned int code)
{
	static const size_t some[] = { 48, 176, 4064, 4080, 8192, 65535 };
	size_t max = largest() - IMSG_HEADER_SIZE;

	if (code < 200)
		return code;
	if (code < 224)
		return max + 8 - (code - 200);
	if (code < 240)
		return 16 * (code - 224);
	return some[code % (sizeof(some) / sizeof(some[0]))];
}

static void
operate(void)
{
	unsigned int which = input_number(&in, 1);

	len = length(input_number(&in, 1));
	type = input_number(&in, 1);
	id = (uint32_t)in.left;
	data = stream_filler(which ^ type);
	if (len > STREAM_MAX || !outq_room(len + 1 + IMSG_HEADER_SIZE))
		return;
	fd = which & 0x10 ? kernel_fd() : -1;
	if ((which & 0xe0) == 0xe0)
		k.nomem = 1 + type % 4;
	op[which % 16]();
	k.nomem = 0;
	check(imsgbuf_queuelen(&b) == outq_count(), "queuelen");
	check(imsgbuf_queuebytes(&b) == outq_bytes(), "queuebytes");
	check((size_t)k.open == outq_fds(), "descriptors");
	check(outq_bytes() == 0 || (imsgbuf_events(&b) & POLLOUT), "events");
}

/* What is left leaves. */
static void
finish(void)
{
	k.generous = 1;
	while (outq_bytes() > 0) {
		size_t before = outq_bytes();

		q.passing = (b.flags & 1) && !k.not_sock;
		check(imsgbuf_write(&b) == 0, "the last write");
		check(outq_bytes() < before, "gets nowhere");
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	uint32_t max;

	if (n < 4 || n < 4 + (size_t)p[3])
		return 0;
	kernel_begin(p + 4, p[3]);
	k.taken = outq_taken;
	k.not_sock = (p[0] & NOT_SOCK) && !(p[0] & PASS);
	k.no_stops = p[0] & NO_STOPS;
	outq_clear();
	memset(&limits, 0, sizeof(limits));
	check(imsgbuf_init(&b, KERNEL_SOCKET) == 0, "init");
	is_classic = p[0] & CLASSIC;
	if (is_classic)
		check(imsgbuf_set_wire(&b, IMSG_WIRE_CLASSIC) == 0, "wire");
	max = ((uint32_t)p[1] << 8 | p[2]) * 4;
	if (max >= IMSG_HEADER_SIZE && max <= STREAM_MAX)
		check(imsgbuf_set_maxsize(&b, max) == 0, "maxsize");
	if (p[0] & PASS)
		imsgbuf_allow_fdpass(&b);
	in.p = p + 4 + p[3];
	in.left = n - 4 - p[3];
	while (in.left > 0)
		operate();
	finish();
	imsgbuf_clear(&b);
	kernel_end();
	return 0;
}
