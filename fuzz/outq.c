/* SPDX-License-Identifier: ISC */
/*
 * See outq.h.
 */
#include <string.h>

#include "kernel.h"
#include "outq.h"

struct outq q;

void
outq_clear(void)
{
	q.len = q.sent = q.n = q.gone = q.nhollow = q.ridden = 0;
}

int
outq_room(size_t n)
{
	return q.n + 2 <= OUTQ_UNITS && q.nhollow + 1 <= OUTQ_UNITS &&
	    n <= OUTQ_BYTES - q.len;
}

size_t
outq_hollow(void)
{
	return q.nhollow - q.ridden;
}

static void
append(const void *p, size_t n)
{
	if (n > 0)
		memcpy(q.b + q.len, p, n);
	q.len += n;
}

void
outq_put(const void *h, size_t hn, const void *p, size_t n, int fd, int half,
    int rides)
{
	struct unit *u;

	if (rides && fd >= 0 && hn + n == 0) {
		q.hollow[q.nhollow++] = fd;
		return;
	}
	if (rides && fd < 0 && hn + n > 0 && outq_hollow() > 0)
		fd = q.hollow[q.ridden++];
	u = &q.u[q.n++];
	u->start = q.len;
	append(h, hn);
	append(p, n);
	u->end = q.len;
	u->fd = fd;
	u->half = half;
}

/*
 * Where it passes, a descriptor leaves with the first byte; where it does
 * not, it is closed when its last byte is gone.  One whose first byte left
 * alone is never passed.
 */
static void
unit_taken(struct unit *u, size_t from, size_t to, int fd)
{
	int carried = q.passing && u->fd >= 0 && u->start >= from;

	if (u->start >= to && u->end > u->start)
		return;
	if (carried)
		check(u->start == from && fd == u->fd,
		    "a descriptor does not ride on its first byte");
	if (u->fd >= 0 && (q.passing || u->end <= to))
		u->fd = -1;
}

void
outq_taken(const uint8_t *p, size_t n, int fd)
{
	const size_t from = q.sent, to = q.sent + n;
	size_t i;
	int due = -1;

	check(to <= q.len, "sends more than was queued");
	check(memcmp(p, q.b + from, n) == 0, "sends other bytes");
	for (i = q.gone; i < q.n && q.u[i].start <= from; i++)
		if (q.u[i].start == from && q.u[i].end > from && q.passing)
			due = q.u[i].fd;
	check(fd == due, "another descriptor");
	for (i = q.gone; i < q.n && q.u[i].start < to; i++)
		unit_taken(&q.u[i], from, to, fd);
	q.sent = to;
	outq_retire();
}

void
outq_retire(void)
{
	while (q.gone < q.n && q.u[q.gone].end <= q.sent)
		q.gone++;
}

size_t
outq_count(void)
{
	return q.n - q.gone + outq_hollow();
}

size_t
outq_bytes(void)
{
	return q.len - q.sent;
}

size_t
outq_messages(void)
{
	size_t i, n = outq_count();

	for (i = q.gone; i < q.n; i++)
		n -= q.u[i].half != 0;
	return n;
}

size_t
outq_fds(void)
{
	size_t i, n = outq_hollow();

	for (i = q.gone; i < q.n; i++)
		n += q.u[i].fd >= 0;
	return n;
}
