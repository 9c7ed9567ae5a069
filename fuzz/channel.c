/* SPDX-License-Identifier: ISC */
/*
 * Reads a stream with a channel and compares with the model what comes out:
 * every message once and in order, with its descriptor; every failure, its
 * errno and its header.  See channel.h.
 */
#include <errno.h>
#include <poll.h>
#include <string.h>

#include <imsg.h>

#include "channel.h"
#include "kernel.h"
#include "model.h"
#include "relay.h"
#include "stream.h"

static struct model model;
static struct imsgbuf b;
static unsigned int how;
static uint32_t maxsize;

static int
valid(uint32_t total)
{
	return total >= IMSG_HEADER_SIZE && total <= maxsize;
}

/* Where the most significant byte comes first, no flag is no length, either. */
static int
big_endian(void)
{
	const uint16_t one = 1;
	uint8_t first;

	memcpy(&first, &one, sizeof(first));
	return first == 0;
}

static int
modern(const uint8_t *p, struct expected *e)
{
	uint16_t half, flags;
	uint32_t len;

	memcpy(&len, p + 4, sizeof(len));
	memcpy(&half, p + 4, sizeof(half));
	memcpy(&flags, p + 6, sizeof(flags));
	e->total = len & ~MODERN_MARK;
	e->takes = (len & MODERN_MARK) != 0;
	if (valid((uint32_t)e->total))
		return 0;
	return (flags == CLASSIC_MARK || (big_endian() && flags == 0)) &&
		half >= IMSG_HEADER_SIZE && half <= MAX_IMSGSIZE ?
	    EPROTO :
	    ERANGE;
}

static int
classic(const uint8_t *p, struct expected *e)
{
	uint16_t half, flags;
	uint32_t len;
	int other;

	memcpy(&len, p + 4, sizeof(len));
	memcpy(&half, p + 4, sizeof(half));
	memcpy(&flags, p + 6, sizeof(flags));
	e->total = half;
	e->takes = flags & CLASSIC_MARK;
	/* A marked header of the other generation, of good length. */
	other = (len & MODERN_MARK) && valid(len & ~MODERN_MARK);
	if (other && ((flags & ~CLASSIC_MARK) || !valid(half)))
		return EPROTO;
	return valid(half) ? 0 : ERANGE;
}

static void
receipt(size_t n, int token)
{
	model_receipt(&model, n, token);
}

static void
same_message(const struct expected *e, struct imsg *m)
{
	const size_t payload = e->total - IMSG_HEADER_SIZE;
	uint32_t w[4];
	int fd;

	memcpy(w, e->p, sizeof(w));
	check(m->hdr.type == w[0] && m->hdr.peerid == w[2] &&
		m->hdr.pid == w[3] && m->hdr.len == e->total,
	    "another header");
	check(imsg_get_len(m) == payload, "another size");
	check((m->data == NULL) == (payload == 0), "data");
	check(payload == 0 ||
		memcmp(m->data, e->p + IMSG_HEADER_SIZE, payload) == 0,
	    "another payload");
	check(imsg_fd_status(m) ==
		(!e->takes	      ? IMSG_FD_NONE :
			e->token >= 0 ? IMSG_FD_PRESENT :
					IMSG_FD_LOST),
	    "another status of the descriptor");
	/* Of those that came, every second one is left to imsg_free(). */
	if (e->token >= 0 && (e->total & 1)) {
		fd = imsg_get_fd(m);
		check(fd == e->token, "another descriptor");
		kernel_close(fd);
		check(imsg_fd_status(m) == IMSG_FD_TAKEN, "not taken");
	}
}

/* One message: 1, 0 none, -1 the allocator failed. */
static int
fetch(void)
{
	struct expected *e;
	struct imsg m;
	int r;

	if (how & CHANNEL_RELAY)
		return relay_one(&b, &model);
	if ((r = imsgbuf_get(&b, &m)) == 1) {
		e = model_next(&model);
		check(e != NULL, "a message too many");
		same_message(e, &m);
		imsg_free(&m);
	}
	check(r != -1 || errno == ENOMEM, "get fails");
	return r;
}

static int
receive(void)
{
	struct expected *e;
	struct imsg m;
	int r;

	if (!(how & CHANNEL_RECV) || (how & CHANNEL_RELAY))
		return imsgbuf_read(&b);
	if ((r = imsgbuf_recv(&b, &m, 0)) == 1) {
		e = model_next(&model);
		check(e != NULL, "a message too many");
		same_message(e, &m);
		imsg_free(&m);
	}
	return r == -1 && errno == ETIMEDOUT ? 1 : r;
}

/* Twice at most does the allocator fail. */
static void
fetch_all(void)
{
	int r, tries = 3;

	while ((r = fetch()) != 0)
		check(r == 1 || --tries > 0, "fails without a reason");
}

/* Errors that say nothing about the stream. */
static int
passes(int error)
{
	return error == ENOMEM || error == EIO;
}

static void
failed(void)
{
	uint8_t none[IMSG_HEADER_SIZE] = { 0 };
	struct imsg_hdr hdr;
	int error = errno;

	check(model.error != 0, "a failure without a reason");
	check(error == model.error, "another error");
	check(imsgbuf_failed(&b, &hdr) == error, "another failure");
	check(memcmp(&hdr, model.is_header ? model.start + model.at : none,
		  sizeof(hdr)) == 0,
	    "another header at fault");
	check(imsgbuf_read(&b) == -1 && errno == error, "heals");
	check(!imsgbuf_partial(&b), "holds a part");
	check(!(imsgbuf_events(&b) & POLLIN), "waits for more");
}

/* After a read in which nothing failed. */
static void
looks_right(void)
{
	check(imsgbuf_partial(&b) == (model_partial(&model) > 0), "partial");
	check(imsgbuf_failed(&b, NULL) == 0, "fails in silence");
}

static void
converse(void)
{
	int r, healed = !(how & CHANNEL_HEAL);

	for (;;) {
		r = receive();
		if (r == -1 && !passes(errno)) {
			failed();
			if (healed++)
				break;
			fetch_all();
			msgbuf_clear(b.w);
			model_clear(&model);
			continue;
		}
		if (how & CHANNEL_SLOWLY)
			(void)fetch();
		else
			fetch_all();
		if (r == 0)
			break;
	}
	k.nomem = 0;
	fetch_all();
	check(model_next(&model) == NULL, "a message is missing");
	if (r == 0) {
		check(model.error == 0, "does not fail");
		check(k.left == 0, "the end before it came");
		looks_right();
	}
}

/* The kind of length is in the low bits of the number. */
static uint32_t
length_of(struct input *in, unsigned int kind)
{
	switch (kind & 7) {
	case 0:
		return IMSG_HEADER_SIZE;
	case 1:
		return IMSG_HEADER_SIZE + input_number(in, 1);
	case 2:
		return maxsize;
	case 3:
		return maxsize - input_number(in, 1);
	case 4:
		return maxsize + 1 + input_number(in, 1);
	case 5:
		return 8192 + 64 * input_number(in, 1);
	case 6:
		return 65536 - 128 + input_number(in, 1);
	default:
		return input_number(in, 2);
	}
}

#define NUMBER_MARKED 0x08
#define NUMBER_OTHER  0x10 /* of the other generation */
#define NUMBER_SHORT  0x20 /* its last byte is missing */

static size_t
header(struct input *in, unsigned int number, uint8_t *out, size_t *payload)
{
	uint32_t total = length_of(in, number);
	uint32_t w[4] = { number, total, (uint32_t)in->left, total };
	uint16_t half[2] = { (uint16_t)total, 0 };
	int marked = (number & NUMBER_MARKED) != 0;

	if (((number & NUMBER_OTHER) != 0) != (model.fifo != 0)) {
		half[1] = marked ? CLASSIC_MARK : 0;
		memcpy(&w[1], half, sizeof(w[1]));
		total = half[0];
	} else if (marked)
		w[1] |= MODERN_MARK;
	memcpy(out, w, sizeof(w));
	*payload = total < sizeof(w) ? 0 : total - sizeof(w);
	if ((number & NUMBER_SHORT) && *payload > 0)
		--*payload;
	return sizeof(w);
}

static void
set_up(uint16_t max)
{
	struct imsg_limits limits;

	check(imsgbuf_init(&b, KERNEL_SOCKET) == 0, "init");
	maxsize = how & CHANNEL_RECORDS ? (uint32_t)max * 4 : max;
	if (maxsize >= IMSG_HEADER_SIZE)
		check(imsgbuf_set_maxsize(&b, maxsize) == 0, "maxsize");
	maxsize = b.maxsize;
	check(imsgbuf_set_wire(&b, channel_wire) == 0, "wire");
	if (how & CHANNEL_PASS)
		imsgbuf_allow_fdpass(&b);
	if (how & CHANNEL_LIMITED) {
		memset(&limits, 0, sizeof(limits));
		limits.rbytes = maxsize;
		limits.rmsgs = 3;
		limits.rfds = 1;
		check(imsgbuf_set_limits(&b, &limits) == 0, "limits");
	}
	model.hdrsz = IMSG_HEADER_SIZE;
	model.header = channel_wire == IMSG_WIRE_CLASSIC ? classic : modern;
	model.knows_lost = 1;
	model.fifo = channel_wire == IMSG_WIRE_CLASSIC;
}

void
channel_run(const uint8_t *p, size_t n)
{
	struct input in;
	const uint8_t *stream;
	uint16_t max;

	if (n < 4 || n < 4 + (size_t)p[3])
		return;
	how = p[0];
	memcpy(&max, p + 1, sizeof(max));
	kernel_begin(p + 4, p[3]);
	set_up(max);
	in.p = stream = p + 4 + p[3];
	in.left = k.left = n - 4 - p[3];
	if (how & CHANNEL_RECORDS)
		k.left = stream_expand(&in,
		    (max & 3) == 3 ? STREAM_MAX : STREAM_SMALL, header,
		    &stream);
	else if (k.left > STREAM_MAX)
		k.left = STREAM_MAX;
	k.p = stream;
	k.receipt = receipt;
	model_begin(&model, stream);
	if (how & CHANNEL_RELAY)
		relay_begin(how & CHANNEL_CLASSIC);
	converse();
	imsgbuf_clear(&b);
	if (how & CHANNEL_RELAY)
		relay_end();
	kernel_end();
}
