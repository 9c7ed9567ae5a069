/* SPDX-License-Identifier: ISC */
/*
 * Which descriptor belongs to which message, by where the two are.
 *
 * A descriptor is never handed to a message that may not be its own because
 * another one is missing: that message has lost its descriptor.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "evidence.h"
#include "passed.h"

void
passed_clear(struct passed_queue *q)
{
	free(q->q);
	q->q = NULL;
	q->n = q->room = 0;
}

size_t
passed_size(const struct passed_queue *q)
{
	return q->room * sizeof(*q->q);
}

static int
grow(struct passed_queue *q)
{
	unsigned int room = q->room == 0 ? 1 : 4 * q->room;
	struct passed_fd *p;

	if ((p = realloc(q->q, room * sizeof(*p))) == NULL)
		return -1;
	q->q = p;
	q->room = room;
	return 0;
}

int
passed_add(struct passed_queue *q, uint64_t start, int fd, const char *name)
{
	struct passed_fd *p;
	int r = 0;

	if (q->n > 0 && q->q[q->n - 1].start == start) {
		q->q[q->n - 1].more++;
		return 0;
	}
	if (q->n == PASSED_MAX) {
		q->n = 0;
		r = 1;
	}
	if (q->n == q->room && grow(q) == -1)
		return -1;
	p = &q->q[q->n++];
	p->start = start;
	p->end = UINT64_MAX;
	p->fd = fd;
	p->more = 0;
	(void)snprintf(
	    p->name, sizeof(p->name), "%s", name == NULL ? "" : name);
	return r;
}

void
passed_call_end(struct passed_queue *q, uint64_t end)
{
	if (q->n > 0 && q->q[q->n - 1].end == UINT64_MAX)
		q->q[q->n - 1].end = end;
}

static int
take(struct passed_queue *q, unsigned int i, struct passed_fd *p)
{
	*p = q->q[i];
	q->n--;
	memmove(&q->q[i], &q->q[i + 1], (q->n - i) * sizeof(*q->q));
	return 1;
}

int
passed_claim(struct passed_queue *q, int wire, uint64_t start, uint64_t end,
    struct passed_fd *p)
{
	unsigned int i;

	if (wire == IMSG_WIRE_CLASSIC)
		return q->n > 0 && q->q[0].start < end ? take(q, 0, p) : 0;
	for (i = 0; i < q->n; i++)
		if (q->q[i].start <= start && start < q->q[i].end)
			return take(q, i, p);
	return 0;
}

/*
 * Can a message behind the end of its call want it?  On the classic wire, if
 * the call may have been cut short of it.
 */
static int
is_closed(const struct passed_fd *p, int wire)
{
	return p->end != UINT64_MAX &&
	    (wire == IMSG_WIRE_MODERN || p->end - p->start < EVIDENCE_WHOLE);
}

int
passed_surplus(
    struct passed_queue *q, int wire, uint64_t end, struct passed_fd *p)
{
	unsigned int i;

	for (i = 0; i < q->n; i++)
		if (q->q[i].end == end && is_closed(&q->q[i], wire))
			return take(q, i, p);
	return 0;
}

int
passed_stale(struct passed_queue *q, int wire, uint64_t at, struct passed_fd *p)
{
	unsigned int i;

	for (i = 0; i < q->n; i++) {
		if (!is_closed(&q->q[i], wire))
			continue;
		if (q->q[i].end == at ||
		    (wire == IMSG_WIRE_MODERN && q->q[i].end < at))
			return take(q, i, p);
	}
	return 0;
}

unsigned int
passed_skip(struct passed_queue *q, uint64_t to)
{
	unsigned int i = 0, n = 0;

	while (i < q->n && q->q[i].start < to)
		n += 1 + q->q[i++].more;
	q->n -= i;
	if (i > 0 && q->n > 0)
		memmove(q->q, q->q + i, q->n * sizeof(*q->q));
	return n;
}
