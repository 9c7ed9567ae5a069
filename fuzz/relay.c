/* SPDX-License-Identifier: ISC */
/*
 * See relay.h.
 */
#include <errno.h>
#include <string.h>

#include "channel.h"
#include "kernel.h"
#include "relay.h"

#define CLASSIC_MAX 65535

static struct imsgbuf to;
static int to_classic;
/* What leaves: a header, then the payload as it came. */
static uint8_t head[IMSG_HEADER_SIZE];
static const struct expected *sends;
static size_t sent;

static void
taken(const uint8_t *p, size_t n, int fd)
{
	const uint8_t *want = sends->p + sent;

	check(sent + n <= sends->total, "sends more than came");
	check(sent == 0 || fd == -1, "a descriptor in the middle");
	if (sent == 0) {
		check(n >= sizeof(head), "a header in pieces");
		check(memcmp(p, head, sizeof(head)) == 0, "another header");
		check(fd == (sends->token >= 0 ? sends->token : -1),
		    "another descriptor");
		p += sizeof(head);
		want += sizeof(head);
		sent += sizeof(head);
		n -= sizeof(head);
	}
	check(memcmp(p, want, n) == 0, "another payload");
	sent += n;
}

void
relay_begin(int classic)
{
	check(imsgbuf_init(&to, KERNEL_SOCKET) == 0, "init");
	imsgbuf_allow_fdpass(&to);
	to_classic = classic != 0;
	if (to_classic)
		check(imsgbuf_set_wire(&to, IMSG_WIRE_CLASSIC) == 0, "wire");
	k.taken = taken;
	k.generous = 1;
}

/* The header as it was received, and as it has to leave. */
static void
expect(const struct expected *e, struct ibuf *msg)
{
	uint16_t half[2] = { (uint16_t)e->total, e->takes ? CLASSIC_MARK : 0 };
	uint32_t len = (uint32_t)e->total | (e->takes ? MODERN_MARK : 0);

	memcpy(head, e->p, sizeof(head));
	memcpy(head + 4, &len, sizeof(len));
	check(ibuf_size(msg) == e->total, "another size");
	check(memcmp(ibuf_data(msg), head, sizeof(head)) == 0,
	    "another header in memory");
	if (to_classic && e->total <= CLASSIC_MAX)
		memcpy(head + 4, half, sizeof(half));
	sends = e;
	sent = 0;
}

int
relay_one(struct imsgbuf *from, struct model *m)
{
	const struct expected *e;
	struct ibuf *msg;
	int nomem = k.nomem;

	if ((msg = msgbuf_get(from->w)) == NULL)
		return nomem > 0 && k.nomem == 0 ? -1 : 0;
	e = model_next(m);
	check(e != NULL, "a message too many");
	expect(e, msg);
	ibuf_close(to.w, msg);
	check(imsgbuf_write(&to) == 0, "write");
	check(sent == e->total && imsgbuf_queuelen(&to) == 0, "not all left");
	return 1;
}

void
relay_end(void)
{
	imsgbuf_clear(&to);
}
