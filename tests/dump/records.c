/* SPDX-License-Identifier: ISC */
/* See records.h. */
#include "records.h"

#include <string.h>

void
records_seed(struct records *m, uint64_t seed)
{
	memset(m, 0, sizeof(*m));
	m->rng = seed;
	m->time = (int64_t)(seed % 1000000) * 1000000007;
}

/* splitmix64 */
uint32_t
records_rand(struct records *m)
{
	uint64_t z = m->rng += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return (uint32_t)(z >> 32 ^ z);
}

/* Often one of the extremes. */
static uint32_t
number(struct records *m, uint32_t max)
{
	switch (records_rand(m) % 4) {
	case 0:
		return 0;
	case 1:
		return max;
	case 2:
		return max == UINT32_MAX ? records_rand(m) :
					   records_rand(m) % (max + 1);
	default:
		return records_rand(m) % 1000 % (max == 0 ? 1 : max);
	}
}

/* Any bytes but NUL. */
static const char *
text(struct records *m, char *out, size_t size)
{
	size_t i, n = number(m, (uint32_t)size - 1);

	for (i = 0; i < n; i++)
		out[i] = (char)(records_rand(m) % 255 + 1);
	out[n] = '\0';
	return out;
}

static void
message(struct records *m, struct record *r)
{
	static const int states[] = { IMSG_FD_NONE, IMSG_FD_PRESENT,
		IMSG_FD_LOST, RECORD_FD_SURPLUS };

	r->event = (enum record_event)(1 + records_rand(m) % 5);
	r->fd_state = states[records_rand(m) % 4];
	if (r->fd_state == IMSG_FD_PRESENT || r->fd_state == RECORD_FD_SURPLUS)
		r->fd = (int)number(m, INT32_MAX);
	r->fdname = text(m, m->fdname, sizeof(m->fdname));
	/* A payload is whole, or cut off somewhere. */
	if (records_rand(m) % 4 == 0) {
		r->hdr.len = 16 + number(m, 0x7fffffff - 16);
		if (r->len > r->hdr.len - 16)
			r->len = r->hdr.len - 16;
	} else
		r->hdr.len = 16 + (uint32_t)r->len;
}

const struct record *
random_record(struct records *m)
{
	struct record *r = &m->r;
	size_t i;

	memset(r, 0, sizeof(*r));
	m->time += (int64_t)number(m, 2000000000);
	r->time = m->time;
	r->channel = number(m, UINT32_MAX);
	r->from.pid = (pid_t)number(m, INT32_MAX);
	r->to.pid = (pid_t)number(m, INT32_MAX);
	r->from.name = text(m, m->from, sizeof(m->from));
	r->to.name = text(m, m->to, sizeof(m->to));
	r->wire = (int)(records_rand(m) % 3);
	r->hdr.type = number(m, UINT32_MAX);
	r->hdr.len = number(m, UINT32_MAX);
	r->hdr.peerid = number(m, UINT32_MAX);
	r->hdr.pid = number(m, UINT32_MAX);
	r->fd = -1;
	r->fdname = "";
	r->data = m->data;
	r->len = number(m, RECORDS_DATA);
	for (i = 0; i < r->len; i++)
		m->data[i] = (unsigned char)records_rand(m);
	if (records_rand(m) % 8 == 0) {
		r->kind = RECORD_NOTE;
		r->note = text(m, m->note, sizeof(m->note));
	} else
		message(m, r);
	return r;
}

static void
hex(FILE *f, const char *name, const void *data, size_t len)
{
	const unsigned char *p = data;

	fprintf(f, " %s=", name);
	while (len-- > 0)
		fprintf(f, "%02x", *p++);
}

void
record_print(FILE *f, const struct record *r)
{
	fprintf(f, "%lld kind=%d event=%d channel=%lu from=%ld to=%ld wire=%d",
	    (long long)r->time, (int)r->kind, (int)r->event,
	    (unsigned long)r->channel, (long)r->from.pid, (long)r->to.pid,
	    r->wire);
	fprintf(f, " type=%lu len=%lu peerid=%lu pid=%lu state=%d fd=%d",
	    (unsigned long)r->hdr.type, (unsigned long)r->hdr.len,
	    (unsigned long)r->hdr.peerid, (unsigned long)r->hdr.pid,
	    r->fd_state, r->fd);
	hex(f, "fromname", r->from.name, strlen(r->from.name));
	hex(f, "toname", r->to.name, strlen(r->to.name));
	hex(f, "fdname", r->fdname, strlen(r->fdname));
	if (r->note != NULL)
		hex(f, "note", r->note, strlen(r->note));
	hex(f, "data", r->data, r->len);
	putc('\n', f);
}

int
record_same(const struct record *a, const struct record *b)
{
	if (a->kind == b->kind && a->event == b->event && a->time == b->time &&
	    a->channel == b->channel && a->from.pid == b->from.pid &&
	    a->to.pid == b->to.pid && a->wire == b->wire &&
	    memcmp(&a->hdr, &b->hdr, sizeof(a->hdr)) == 0 &&
	    a->fd_state == b->fd_state && a->fd == b->fd &&
	    strcmp(a->from.name, b->from.name) == 0 &&
	    strcmp(a->to.name, b->to.name) == 0 &&
	    strcmp(a->fdname, b->fdname) == 0 &&
	    (a->note == NULL) == (b->note == NULL) &&
	    (a->note == NULL || strcmp(a->note, b->note) == 0) &&
	    a->len == b->len &&
	    (a->len == 0 || memcmp(a->data, b->data, a->len) == 0))
		return 1;
	record_print(stderr, a);
	record_print(stderr, b);
	return 0;
}

static int
known_state(int state)
{
	return (state >= IMSG_FD_NONE && state <= IMSG_FD_LOST) ||
	    state == RECORD_FD_SURPLUS;
}

int
record_sound(const struct record *r)
{
	const char *bad = NULL;

	if (r->kind != RECORD_MESSAGE && r->kind != RECORD_NOTE)
		bad = "kind";
	else if ((r->note != NULL) != (r->kind == RECORD_NOTE))
		bad = "note";
	else if (r->event > RECORD_UNREAD ||
	    ((int)r->event == 0 && r->kind == RECORD_MESSAGE))
		bad = "event";
	else if (r->from.pid < 0 || r->to.pid < 0)
		bad = "pid";
	else if (r->wire < 0 || r->wire > RECORD_WIRE_UNKNOWN)
		bad = "wire";
	else if (!known_state(r->fd_state) || r->fd < -1)
		bad = "descriptor";
	else if (r->time < 0)
		bad = "time";
	else if (r->from.name == NULL || r->to.name == NULL ||
	    r->fdname == NULL)
		bad = "name";
	else if (r->kind == RECORD_MESSAGE &&
	    (r->hdr.len < 16 || r->hdr.len > 0x7fffffff ||
		r->len > r->hdr.len - 16))
		bad = "length";
	if (bad != NULL)
		fprintf(stderr, "record.h allows no such %s\n", bad);
	return bad == NULL;
}
