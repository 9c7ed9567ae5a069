/* SPDX-License-Identifier: ISC */
/*
 * A reader with a protocol of the target's own reads bytes and descriptors
 * through ibuf_read() or msgbuf_read(), and the model does the same.
 *
 * A message's first byte says in its low bits what the header callback does
 * with it, in the others how large it is; the next bytes, if the header has
 * them, make it larger.
 *
 * Input: options; size of the header; how many steps; the steps; records.
 */
#include <errno.h>
#include <string.h>

#include <imsg.h>

#include "kernel.h"
#include "model.h"
#include "stream.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

/* Options. */
#define PASS   0x01
#define SLOWLY 0x02 /* one message is fetched after a read */
#define HEAL   0x04 /* the reader is cleared once after a failure */
#define LONG   0x18 /* both: the stream may be long */

/* What the callback returns, and what it does with a descriptor. */
enum {
	OPEN,	/* an ibuf of the right size; leaves it */
	TAKE,	/* attaches it */
	STEAL,	/* keeps it */
	EMPTY,	/* no storage yet; attaches it */
	HALF,	/* half of the storage; attaches it */
	PREFIX, /* with content before the message; attaches it */
	AGAIN,	/* fails with ENOMEM the first time, then as TAKE */
	BAD	/* one of the following */
};
enum {
	FAILS,	/* with EMSGSIZE */
	SILENT, /* with an errno of 0 */
	TAKES,	/* with EACCES, and keeps the descriptor */
	VIEW,	/* is a view */
	LITTLE, /* has no room for the header */
	FULL,	/* has no room at all, but a descriptor */
	BADS
};

static struct model model;
static struct msgbuf *m;
static unsigned int how;
static size_t calls; /* headers the callback has accepted */
static int refused;  /* the present one once */

static unsigned int
size_code(const uint8_t *p)
{
	return (unsigned int)p[0] >> 3;
}

static size_t
total_of(const uint8_t *p)
{
	size_t n = model.hdrsz + size_code(p);

	if (model.hdrsz > 1)
		n += (size_t)p[1] * 4;
	if (model.hdrsz > 2)
		n += (size_t)p[2] * 512;
	return n;
}

static int
header(const uint8_t *p, struct expected *e)
{
	unsigned int what = p[0] & 7;

	e->total = total_of(p);
	e->takes = what != OPEN;
	if (what != BAD)
		return 0;
	switch (size_code(p) % BADS) {
	case FAILS:
		return EMSGSIZE;
	case TAKES:
		return EACCES;
	default:
		return EINVAL;
	}
}

static void
receipt(size_t n, int token)
{
	model_receipt(&model, n, token);
}

static void
steal(int *fd)
{
	if (*fd == -1)
		return;
	kernel_close(*fd);
	*fd = -1;
}

static struct ibuf *
no_good(unsigned int which, int *fd)
{
	static struct ibuf view;
	static uint8_t bytes[4];
	struct ibuf *b;

	switch (which % BADS) {
	case FAILS:
		errno = EMSGSIZE;
		return NULL;
	case SILENT:
		errno = 0;
		return NULL;
	case TAKES:
		steal(fd);
		errno = EACCES;
		return NULL;
	case VIEW:
		ibuf_from_buffer(&view, bytes, sizeof(bytes));
		return &view;
	case LITTLE:
		return ibuf_open(model.hdrsz - 1);
	default:
		if ((b = ibuf_open(0)) != NULL && *fd != -1) {
			ibuf_fd_set(b, *fd);
			*fd = -1;
		}
		return b;
	}
}

static const char prefix[] = "before";

static struct ibuf *
with_prefix(size_t total)
{
	struct ibuf *b = ibuf_dynamic(0, sizeof(prefix) + total);

	if (b != NULL && ibuf_add(b, prefix, sizeof(prefix)) == -1) {
		ibuf_free(b);
		return NULL;
	}
	return b;
}

static struct ibuf *
make(unsigned int what, size_t total)
{
	switch (what) {
	case EMPTY:
		return ibuf_dynamic(0, total);
	case HALF:
		return ibuf_dynamic(total / 2, total);
	case PREFIX:
		return with_prefix(total);
	default:
		return ibuf_open(total);
	}
}

static struct ibuf *
readhdr(struct ibuf *hdr, void *arg, int *fd)
{
	/* One that fails is behind those that the model knows. */
	const uint8_t *want =
	    calls < model.n ? model.e[calls].p : model.start + model.at;
	const uint8_t *p = ibuf_data(hdr);
	struct ibuf *b;

	check(arg == &model && *fd >= -1, "other arguments");
	check(
	    ibuf_size(hdr) == model.hdrsz && memcmp(p, want, model.hdrsz) == 0,
	    "another header");
	if ((p[0] & 7) == BAD)
		return no_good(size_code(p), fd);
	if ((p[0] & 7) == AGAIN && !refused) {
		refused = 1;
		errno = ENOMEM;
		return NULL;
	}
	if ((b = make(p[0] & 7, total_of(p))) == NULL)
		return NULL;
	refused = 0;
	calls++;
	if ((p[0] & 7) == STEAL)
		steal(fd);
	else if ((p[0] & 7) != OPEN && *fd != -1) {
		ibuf_fd_set(b, *fd);
		*fd = -1;
	}
	return b;
}

static void
same_message(const struct expected *e, struct ibuf *b)
{
	unsigned int what = e->p[0] & 7;
	const uint8_t *p = ibuf_data(b);
	size_t before = what == PREFIX ? sizeof(prefix) : 0;
	int fd = ibuf_fd_get(b);

	check(ibuf_size(b) == before + e->total, "another size");
	check(before == 0 || memcmp(p, prefix, before) == 0, "another prefix");
	check(memcmp(p + before, e->p, e->total) == 0, "another message");
	check(ibuf_left(b) == 0, "room behind the message");
	if (what == STEAL)
		check(fd == -1, "a descriptor that is gone");
	else {
		check(fd == (e->token >= 0 ? e->token : -1),
		    "another descriptor");
		if (fd != -1)
			kernel_close(fd);
	}
	ibuf_free(b);
}

static int
fetch(void)
{
	struct expected *e;
	struct ibuf *b;

	if ((b = msgbuf_get(m)) == NULL)
		return 0;
	e = model_next(&model);
	check(e != NULL, "a message too many");
	same_message(e, b);
	return 1;
}

static int
receive(void)
{
	if (how & PASS)
		return msgbuf_read(KERNEL_SOCKET, m);
	return ibuf_read(KERNEL_SOCKET, m);
}

/* 1: it works again. */
static int
failed(int again)
{
	int error = errno;

	check(model.error != 0 && error == model.error, "another error");
	check(receive() == -1 && errno == error, "heals");
	if (!again)
		return 0;
	while (fetch())
		continue;
	check(model_next(&model) == NULL, "a message is missing");
	msgbuf_clear(m);
	model_clear(&model);
	calls = 0;
	refused = 0;
	return 1;
}

static void
converse(void)
{
	int r, again = how & HEAL;

	do {
		r = receive();
		if (r == -1 && (errno == ENOMEM || errno == EIO))
			r = 1;
		while (fetch() && !(how & SLOWLY))
			continue;
		if (r == -1)
			r = failed(again), again = 0;
	} while (r == 1);
	while (fetch())
		continue;
	check(model_next(&model) == NULL, "a message is missing");
	if (r == 0)
		check(k.left == 0 || model.error != 0, "an early end");
}

/* Number: what; the bytes behind it are size code and size. */
static size_t
write_header(
    struct input *in, unsigned int number, uint8_t *out, size_t *payload)
{
	memset(out, 0x77, model.hdrsz);
	out[0] = (uint8_t)((number & 7) | input_number(in, 1) << 3);
	if (model.hdrsz > 1)
		out[1] = (uint8_t)(number & 8 ? input_number(in, 1) : 0);
	if (model.hdrsz > 2)
		out[2] = (uint8_t)(number & 16 ? input_number(in, 1) : 0);
	*payload = total_of(out) - model.hdrsz;
	return model.hdrsz;
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct input in;
	const uint8_t *stream;

	if (n < 3 || n < 3 + (size_t)p[2])
		return 0;
	how = p[0];
	model.hdrsz = 1 + p[1] % 64;
	kernel_begin(p + 3, p[2]);
	in.p = p + 3 + p[2];
	in.left = n - 3 - p[2];
	k.left =
	    stream_expand(&in, (how & LONG) == LONG ? STREAM_MAX : STREAM_SMALL,
		write_header, &stream);
	k.p = stream;
	k.receipt = receipt;
	model.header = header;
	model_begin(&model, stream);
	calls = 0;
	refused = 0;
	m = msgbuf_new_reader(model.hdrsz, readhdr, &model);
	check(m != NULL, "new");
	converse();
	msgbuf_free(m);
	kernel_end();
	return 0;
}
