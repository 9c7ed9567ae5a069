/* SPDX-License-Identifier: ISC */
/* Attacks with headers that lie, and with streams that end too early. */
#include "hostile-peer.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static unsigned char junk[65536];

static uint32_t
max_of(const struct peer *p)
{
	return p->a->victim.maxsize != 0 ? p->a->victim.maxsize : MAX_IMSGSIZE;
}

/* Some good messages, a header that must end the stream, and a flood. */
static void
break_off(struct peer *p, uint32_t word)
{
	unsigned char h[IMSG_HEADER_SIZE];
	int i;

	for (i = 0; i < 3; i++)
		if (send_message(p, 0, 50, 0, 0, 0) == -1)
			return;
	p->r->announced = word;
	raw_header(h, 99, word);
	if (send_bytes(p, 0, h, sizeof(h)) == -1)
		return;
	for (i = 0; i < 16; i++)
		if (send_bytes(p, 0, junk, sizeof(junk)) == -1)
			return;
	give_up(p->r->fault, "the victim went on reading");
}

void
bad_length(struct peer *p)
{
	break_off(p, p->a->arg);
}

void
other_generation(struct peer *p)
{
	break_off(p, other_word(p, 60, 1));
}

void
exact_size(struct peer *p)
{
	unsigned char h[IMSG_HEADER_SIZE];
	struct imsg_hdr hdr;
	int i;

	for (i = 0; i < 3; i++)
		if (send_message(p, 0, max_of(p), 0, 0, 0) == -1)
			return;
	put_header(p, h, 99, max_of(p) + 1, 0);
	memcpy(&hdr, h, sizeof(hdr));
	p->r->announced = hdr.len;
	(void)send_bytes(p, 0, h, sizeof(h));
}

/* The largest message is announced, arg bytes of it come, on each channel. */
void
announce(struct peer *p)
{
	unsigned char h[IMSG_HEADER_SIZE];
	size_t n, left;
	int i;

	put_header(p, h, 1, max_of(p), 0);
	for (i = 0; i < p->chans; i++) {
		if (send_bytes(p, i, h, sizeof(h)) == -1)
			return;
		for (left = p->a->arg; left > 0; left -= n) {
			n = left < 5000 ? left : 5000;
			if (send_bytes(p, i, junk, n) == -1)
				return;
		}
	}
	hold(p, A_WHILE);
}

/* Trusted because the one before it was as large, and abused for it. */
void
announce_after_large(struct peer *p)
{
	unsigned char h[IMSG_HEADER_SIZE];
	uint32_t i;

	for (i = 0; i < p->a->count; i++)
		if (send_message(p, 0, p->a->arg, 0, 0, 0) == -1)
			return;
	put_header(p, h, 99, p->a->arg, 0);
	if (send_bytes(p, 0, h, sizeof(h)) == 0)
		hold(p, A_WHILE);
}

/* Numerical Recipes' generator: the bytes are the same in every run. */
static uint32_t
next_random(uint32_t *x)
{
	*x = *x * 1664525U + 1013904223U;
	return *x >> 8;
}

void
garbage(struct peer *p)
{
	unsigned char g[16384];
	uint32_t seed;
	size_t j;
	int i, k;

	for (i = 0; i < p->chans; i++) {
		seed = p->a->arg + (uint32_t)i;
		for (k = 0; k < 16; k++) {
			for (j = 0; j < sizeof(g); j++)
				g[j] = (unsigned char)next_random(&seed);
			if (send_bytes(p, i, g, sizeof(g)) == -1)
				break;
		}
	}
}

/* Channel i is closed after i bytes; a descriptor rides on byte 26. */
void
close_at_every_byte(struct peer *p)
{
	unsigned char m[56];
	struct parcel second = { NULL, 0, NULL, 1, 0, 0 };
	size_t first, i;

	for (i = 0; i < (size_t)p->chans; i++) {
		make_message(p, (int)i, m, 26, 0);
		make_message(p, (int)i, m + 26, 30, 1);
		first = i < 26 ? i : 26;
		second.p = m + first;
		second.n = i - first;
		(void)send_bytes(p, (int)i, m, first);
		(void)send_parcel(p, (int)i, &second);
		p->r->msgs += (uint64_t)(i >= 26) + (uint64_t)(i >= 56);
		close(p->s[i]);
	}
}

/* Whatever a header may say about sender and meaning. */
void
lies(struct peer *p)
{
	const uint32_t odd[] = { 0, 1, 0x7fffffff, 0x80000000, 0xffffffff,
		(uint32_t)getppid() };
	const size_t n = sizeof(odd) / sizeof(odd[0]);
	struct imsg_hdr h;
	unsigned char raw[IMSG_HEADER_SIZE];
	size_t i;

	for (i = 0; i < n * n * n; i++) {
		put_header(p, raw, odd[i % n], sizeof(raw), 0);
		memcpy(&h, raw, sizeof(h));
		h.peerid = odd[i / n % n];
		h.pid = odd[i / n / n];
		if (send_bytes(p, 0, &h, sizeof(h)) == -1)
			return;
		p->r->msgs++;
	}
}
