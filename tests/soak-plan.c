/* SPDX-License-Identifier: ISC */
/* See soak-plan.h; the descriptors are in soak-fd.c. */
#include "../src/feature.h"

#include <string.h>

#include "imsg.h"
#include "soak-plan.h"

#define BIG_PAYLOAD	(1024 * 1024)
#define CLASSIC_PAYLOAD (65535 - (uint32_t)IMSG_HEADER_SIZE)
#define PAYLOAD		(MAX_IMSGSIZE - (uint32_t)IMSG_HEADER_SIZE)

/* SplitMix64 (Steele, Lea, Flood 2014) */
static uint64_t
mix(uint64_t z)
{
	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

uint64_t
soak_rand64(struct soak_rng *r)
{
	r->state += UINT64_C(0x9e3779b97f4a7c15);
	return mix(r->state);
}

uint32_t
soak_rand(struct soak_rng *r, uint32_t n)
{
	return n == 0 ? 0 : (uint32_t)((soak_rand64(r) >> 32) * n >> 32);
}

static void
draw_manner(struct soak_manner *m, struct soak_rng *r)
{
	/* Most of them small, so that messages are cut. */
	m->sndbuf = soak_rand(r, 3) == 0 ? 0 : 2048 << soak_rand(r, 5);
	m->limits = soak_rand(r, 2) ? 1 + (int)soak_rand(r, 1000000) : 0;
	m->depth = 1U << soak_rand(r, 9);
	m->pace = soak_rand(r, 4) == 0 ? 0 : 1U << soak_rand(r, 6);
	m->recv_of_4 = (int)soak_rand(r, 4);
	m->cloexec = (int)soak_rand(r, 2);
	m->ack_every = 1 + soak_rand(r, 64);
}

void
soak_profile_draw(struct soak_profile *p, struct soak_rng *r)
{
	memset(p, 0, sizeof(*p));
	p->key = soak_rand64(r);
	p->wire = soak_rand(r, 2) ? IMSG_WIRE_MODERN : IMSG_WIRE_CLASSIC;
	p->payload = PAYLOAD;
	if (soak_rand(r, 4) == 0)
		p->payload = p->wire == IMSG_WIRE_CLASSIC ? CLASSIC_PAYLOAD :
							    BIG_PAYLOAD;
	p->fd_share = 1U << soak_rand(r, 6);
	p->blocking = (int)soak_rand(r, 3) - 1;
	p->room = soak_rand(r, 3) == 0 ? 3 + (int)soak_rand(r, 10) : 0;
	p->drop = (int)soak_rand(r, 2);
	draw_manner(&p->manner[SOAK_PARENT], r);
	draw_manner(&p->manner[SOAK_CHILD], r);
	/* Its descriptors are not for the programs it starts. */
	p->manner[SOAK_PARENT].cloexec = 1;
}

static size_t
draw_len(struct soak_rng *r, uint32_t payload)
{
	if (payload > PAYLOAD && soak_rand(r, 128) == 0)
		return payload - soak_rand(r, payload - PAYLOAD);
	switch (soak_rand(r, 16)) {
	case 0:
		return 0;
	case 1:
		return PAYLOAD - soak_rand(r, 3);
	case 2:
	case 3:
		return soak_rand(r, PAYLOAD + 1);
	case 4:
	case 5:
	case 6:
		return soak_rand(r, 2000);
	default:
		return soak_rand(r, 200);
	}
}

void
soak_plan_draw(struct soak_plan *p, const struct soak_profile *pr, int end,
    uint32_t number)
{
	struct soak_rng r;

	r.state = mix(pr->key + (uint64_t)(end + 1) * 0x10001) ^ number;
	p->seed = soak_rand64(&r);
	p->type = (uint32_t)p->seed & ~3U;
	p->len = draw_len(&r, pr->payload);
	p->how = (enum soak_how)soak_rand(&r, 4);
	p->kind = SOAK_FD_NONE;
	if (soak_rand(&r, pr->fd_share) == 0)
		p->kind = (enum soak_kind)(1 + soak_rand(&r, 4));
}

/* Depends on the place, so that no byte can be taken for another. */
static uint64_t
word(size_t i, uint64_t seed)
{
	uint64_t w = (seed + i) * UINT64_C(0x9e3779b97f4a7c15);

	return w ^ (w >> 29);
}

void
soak_fill(void *p, size_t n, uint64_t seed)
{
	unsigned char *c = p;
	uint64_t w;
	size_t i;

	for (i = 0; n >= sizeof(w); i++, c += sizeof(w), n -= sizeof(w)) {
		w = word(i, seed);
		memcpy(c, &w, sizeof(w));
	}
	w = word(i, seed);
	if (n > 0)
		memcpy(c, &w, n);
}

int
soak_check(const void *p, size_t n, uint64_t seed)
{
	const unsigned char *c = p;
	uint64_t w, diff = 0;
	size_t i;

	for (i = 0; n >= sizeof(w); i++, c += sizeof(w), n -= sizeof(w)) {
		memcpy(&w, c, sizeof(w));
		diff |= w ^ word(i, seed);
	}
	w = word(i, seed);
	return diff == 0 && (n == 0 || memcmp(c, &w, n) == 0);
}
