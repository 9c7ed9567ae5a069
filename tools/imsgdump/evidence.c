/* SPDX-License-Identifier: ISC */
/*
 * What proves that bytes are imsg, and what tells its generation.
 *
 * Proof is a chain of possible headers from a call's first byte, and
 * - it ends with a call, no call shorter than EVIDENCE_WHOLE ended inside a
 *   message, and all its headers are plausible: a type below 65536 and a pid
 *   that is the sender's, 0 or -1, or, if the next call ends with a message,
 *   too, one that another process can have; or
 * - a header has the pid of the very process that sent it, and the chain ends
 *   with a call, or the call is long enough to have been cut short, or a
 *   second header has it, too: a sender that is cut into pieces by others.
 *
 * An unmarked message below 64 KiB is the same on both wires.  A header that
 * differs can mostly be only one of the two.  0x0001llll is either a marked
 * classic message or an unmarked modern one of 64 KiB and more: then both
 * walks go on, until one meets an impossible header, or calls end with a
 * message of one of them, where a descriptor that waits speaks for the classic
 * wire and none for the modern one.
 */
#include <string.h>

#include "evidence.h"
#include "record.h"

#define MARK	    0x80000000U
#define HASFD	    1U
#define TYPE_LARGE  0x10000U
#define PID_LARGEST 4194304U /* PID_MAX_LIMIT of Linux */
#define PID_NONE    0xffffffffU
/* Calls that have to end with a message if a descriptor says otherwise. */
#define AGAINST 3U
/* Calls that have to end with a message if a pid is another process's. */
#define FOREIGN 2U

static int
fits(uint32_t total, uint32_t maxsize)
{
	return total >= IMSG_HEADER_SIZE && total <= maxsize;
}

int
header_read(
    int wire, const void *p, uint32_t maxsize, int strict, struct header *h)
{
	const unsigned char *len =
	    (const unsigned char *)p + offsetof(struct imsg_hdr, len);
	uint16_t half[2];
	uint32_t word;
	int modern;

	memcpy(&word, len, sizeof(word));
	memcpy(half, len, sizeof(half));
	modern = fits(word & ~MARK, maxsize);
	if (wire != IMSG_WIRE_CLASSIC) {
		h->total = word & ~MARK;
		h->marked = (word & MARK) != 0;
		return modern;
	}
	h->total = half[0];
	h->marked = (half[1] & HASFD) != 0;
	if ((half[1] & ~HASFD) && (strict || ((word & MARK) && modern)))
		return 0;
	return fits(h->total, maxsize);
}

int
header_agrees(const void *p, uint32_t maxsize)
{
	struct header m, c;

	return header_read(IMSG_WIRE_MODERN, p, maxsize, 1, &m) &&
	    header_read(IMSG_WIRE_CLASSIC, p, maxsize, 1, &c) &&
	    m.total == c.total && m.marked == c.marked;
}

/* A header is complete. */
static void
step(struct walk *w, int wire, uint32_t maxsize, pid_t pid)
{
	struct imsg_hdr hdr;
	struct header h;

	w->have = 0;
	if (!header_read(wire, w->hdr, maxsize, 1, &h)) {
		w->dead = 1;
		return;
	}
	w->any = 1;
	w->total = h.total;
	w->left = h.total - (uint32_t)IMSG_HEADER_SIZE;
	if (w->told < AGAINST && (w->told || !header_agrees(w->hdr, maxsize)))
		w->told++;
	memcpy(&hdr, w->hdr, sizeof(hdr));
	if (pid > 0 && hdr.pid == (uint32_t)pid) {
		if (w->matches < 2)
			w->matches++;
		return;
	}
	if (hdr.type >= TYPE_LARGE ||
	    (hdr.pid > PID_LARGEST && hdr.pid != PID_NONE))
		w->odd = 1;
	if (pid > 0 && hdr.pid != 0 && hdr.pid != PID_NONE)
		w->foreign = 1;
}

static void
advance(struct walk *w, int wire, uint32_t maxsize, pid_t pid,
    const unsigned char *p, size_t len)
{
	size_t n;

	while (len > 0 && !w->dead) {
		if (w->left > 0) {
			n = len < w->left ? len : w->left;
			w->left -= (uint32_t)n;
		} else {
			n = sizeof(w->hdr) - w->have;
			n = len < n ? len : n;
			memcpy(w->hdr + w->have, p, n);
			w->have += (unsigned int)n;
			if (w->have == sizeof(w->hdr))
				step(w, wire, maxsize, pid);
		}
		p += n;
		len -= n;
	}
}

/* Between two messages. */
static int
between(const struct walk *w)
{
	return !w->dead && w->any && w->left == 0 && w->have == 0;
}

void
evidence_begin(struct evidence *e, uint32_t maxsize, int wire)
{
	memset(e, 0, sizeof(*e));
	e->maxsize = maxsize;
	evidence_wire(e, wire);
}

void
evidence_wire(struct evidence *e, int wire)
{
	if (wire == IMSG_WIRE_MODERN)
		e->walk[IMSG_WIRE_CLASSIC].dead = 1;
	else if (wire == IMSG_WIRE_CLASSIC)
		e->walk[IMSG_WIRE_MODERN].dead = 1;
}

void
evidence_bytes(struct evidence *e, const void *p, size_t len, pid_t pid)
{
	int i;

	for (i = 0; i < 2; i++)
		advance(&e->walk[i], i, e->maxsize, pid, p, len);
	if (e->ended)
		e->call = 0;
	e->call += len;
	e->ended = 0;
}

void
evidence_call_end(struct evidence *e)
{
	struct walk *w;
	int i, inside = 0, alive = 0;

	for (i = 0; i < 2; i++) {
		w = &e->walk[i];
		if (w->dead)
			continue;
		alive++;
		if (between(w)) {
			if (w->ends < FOREIGN)
				w->ends++;
			if (w->told && w->aligned < AGAINST)
				w->aligned++;
		} else if (e->call < EVIDENCE_WHOLE) {
			inside++;
			w->dead = !e->presumed && w->any && w->matches == 0;
		}
		if (!e->presumed && w->odd && w->matches == 0)
			w->dead = 1;
	}
	if (alive > 0 && inside == alive)
		e->untidy = 1;
	e->ended = 1;
}

static int
proven(const struct evidence *e, const struct walk *w)
{
	int whole = e->ended && between(w);

	if (w->matches > 0)
		return whole || w->matches > 1 || e->call >= EVIDENCE_WHOLE;
	if (w->odd || e->untidy)
		return 0;
	return whole && w->ends >= (w->foreign ? FOREIGN : 1);
}

/* Both walks are possible, and differ. */
static int
choose(const struct evidence *e, int passed)
{
	const struct walk *m = &e->walk[IMSG_WIRE_MODERN];
	const struct walk *c = &e->walk[IMSG_WIRE_CLASSIC];

	/*
	 * On a big-endian machine each classic header could be a modern one
	 * of 1 MiB and more; hardly ever is it.
	 */
	if (!header_agrees(&(struct imsg_hdr){ 0, 16, 0, 0 }, 16) &&
	    c->matches > 1 && m->told == 1)
		return IMSG_WIRE_CLASSIC;
	if (e->untidy)
		return passed && c->told > 1 && m->told == 1 ?
		    IMSG_WIRE_CLASSIC :
		    EVIDENCE_WAIT;
	if (!e->ended)
		return EVIDENCE_WAIT;
	if (between(m) && between(c))
		return passed ? IMSG_WIRE_CLASSIC : IMSG_WIRE_MODERN;
	if (between(c) && c->aligned >= (passed ? 1 : AGAINST))
		return IMSG_WIRE_CLASSIC;
	if (between(m) && m->aligned >= (passed ? AGAINST : 1))
		return IMSG_WIRE_MODERN;
	return EVIDENCE_WAIT;
}

int
evidence_verdict(const struct evidence *e, int passed)
{
	const struct walk *m = &e->walk[IMSG_WIRE_MODERN];
	const struct walk *c = &e->walk[IMSG_WIRE_CLASSIC];
	const struct walk *w;
	int wire;

	if (m->dead && c->dead)
		return EVIDENCE_NONE;
	if (m->dead || c->dead)
		wire = m->dead ? IMSG_WIRE_CLASSIC : IMSG_WIRE_MODERN;
	else if (m->told || c->told)
		wire = choose(e, passed);
	else
		wire = RECORD_WIRE_UNKNOWN;
	/* What comes before the first header that differs can be shown. */
	if (wire == EVIDENCE_WAIT)
		return !e->presumed && proven(e, m) && proven(e, c) ?
		    RECORD_WIRE_UNKNOWN :
		    EVIDENCE_WAIT;
	w = wire == IMSG_WIRE_CLASSIC ? c : m;
	return e->presumed || proven(e, w) ? wire : EVIDENCE_WAIT;
}

int
evidence_between(const struct evidence *e, int wire)
{
	return between(&e->walk[wire == IMSG_WIRE_CLASSIC]);
}

int
evidence_last(const struct evidence *e)
{
	const struct walk *w = e->walk;
	int m = between(&w[IMSG_WIRE_MODERN]);
	int c = between(&w[IMSG_WIRE_CLASSIC]);
	int wire = m ? IMSG_WIRE_MODERN : IMSG_WIRE_CLASSIC;

	if (!m && !c)
		return EVIDENCE_WAIT;
	if (!e->presumed && w[wire].matches == 0 && (w[wire].odd || e->untidy))
		return EVIDENCE_WAIT;
	if (m && c)
		return w->told ? EVIDENCE_WAIT : RECORD_WIRE_UNKNOWN;
	return wire;
}
