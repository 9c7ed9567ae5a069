/* SPDX-License-Identifier: ISC */
/* Attacks by what is said too often, too slowly, or never listened to. */
#include "hostile-peer.h"

#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

/* A victim that does not fetch stops reading; do not wait for it. */
static int
flags_of(const struct peer *p)
{
	return p->a->victim.fetch == FETCH_NONE ? MSG_DONTWAIT : 0;
}

void
quiet(struct peer *p)
{
	hold(p, 10 * A_WHILE);
}

/* count messages of 16 bytes, as many in a system call as go. */
void
empties(struct peer *p)
{
	static unsigned char buf[4096 * IMSG_HEADER_SIZE];
	struct parcel b = { buf, 0, NULL, 0, 0, flags_of(p) };
	uint32_t left, n, i;

	for (left = p->a->count; left > 0; left -= n) {
		n = left < 4096 ? left : 4096;
		for (i = 0; i < n; i++)
			make_message(p, 0, buf + i * IMSG_HEADER_SIZE,
			    IMSG_HEADER_SIZE, 0);
		b.n = n * IMSG_HEADER_SIZE;
		if (send_parcel(p, 0, &b) == -1)
			break;
	}
	p->r->msgs = p->r->bytes / IMSG_HEADER_SIZE;
}

/* count messages of arg bytes. */
void
messages(struct peer *p)
{
	uint32_t i;

	for (i = 0; i < p->a->count; i++)
		if (send_message(p, 0, p->a->arg, 0, 0, flags_of(p)) == -1)
			return;
}

/*
 * Messages byte by byte.  arg 0: bytes only; 1: with each byte a descriptor;
 * 2: one with the last byte of the header; 3: one with the first byte, of a
 * message that does not claim it.
 */
void
drip(struct peer *p)
{
	unsigned char m[300];
	struct parcel b = { NULL, 1, NULL, 0, 0, 0 };
	uint32_t k;
	size_t i;

	for (k = 0; k < p->a->count; k++) {
		make_message(
		    p, 0, m, sizeof(m), p->a->arg == 1 || p->a->arg == 2);
		for (i = 0; i < sizeof(m); i++) {
			b.p = m + i;
			b.nfds = p->a->arg == 1 ||
			    (p->a->arg == 2 && i == IMSG_HEADER_SIZE - 1) ||
			    (p->a->arg == 3 && i == 0);
			if (send_parcel(p, 0, &b) == -1)
				return;
			if (p->a->victim.how == HOW_RECV && i % 50 == 0)
				hold(p, A_WHILE);
		}
		p->r->msgs++;
	}
}

/*
 * One message of count bytes, each in a system call of its own and without a
 * pause: something arrives all the time, and nothing is complete.
 */
void
long_drip(struct peer *p)
{
	unsigned char *m = malloc(p->a->count);
	uint32_t i;

	if (m == NULL)
		give_up(p->r->fault, "malloc");
	make_message(p, 0, m, p->a->count, 0);
	for (i = 0; i < p->a->count; i++)
		if (send_bytes(p, 0, m + i, 1) == -1)
			break;
	p->r->msgs += i == p->a->count;
	free(m);
}

/*
 * One message of count bytes, with each piece of arg bytes a descriptor; with
 * single bytes 253, so that the victim is slower than the peer and something
 * is always there to be read.
 */
void
pieces(struct peer *p)
{
	unsigned char *m = malloc(p->a->count);
	struct parcel b = { NULL, 0, NULL, p->a->arg == 1 ? MOST_FDS : 1, 0,
		0 };
	size_t done, n = p->a->count;

	if (m == NULL)
		give_up(p->r->fault, "malloc");
	make_message(p, 0, m, n, 0);
	for (done = 0; done < n; done += b.n) {
		b.p = m + done;
		b.n = n - done < p->a->arg ? n - done : p->a->arg;
		if (send_parcel(p, 0, &b) == -1)
			break;
	}
	p->r->msgs += done == n;
	free(m);
}

/*
 * Pairs of equal sizes, after which the receiver guesses a third, and then
 * something else: shorter, longer, or with a descriptor.
 */
void
sizes(struct peer *p)
{
	static const size_t after[] = { 16, 8192, 9001, 15000 };
	uint32_t i;
	size_t n;

	for (i = 0; i < p->a->count; i++) {
		n = 8192 + i * 997 % 8000;
		if (send_message(p, 0, n, 0, 0, 0) == -1 ||
		    send_message(p, 0, n, 0, 0, 0) == -1 ||
		    send_message(p, 0, n, 1, 1, 0) == -1 ||
		    send_message(p, 0, n, 0, 0, 0) == -1 ||
		    send_message(p, 0, after[i % 4], 0, 0, 0) == -1)
			return;
	}
}

void
never_reads(struct peer *p)
{
	uint32_t i;

	for (i = 0; i < p->a->count; i++)
		if (send_message(p, 0, p->a->arg, 0, 0, 0) == -1)
			return;
	hold(p, 4 * A_WHILE);
}

void
slow_reader(struct peer *p)
{
	uint32_t i;

	for (i = 0; i < p->a->count; i++)
		if (send_message(p, 0, 50, 0, 0, 0) == -1)
			return;
	hold(p, A_WHILE);
	read_answers(p, p->a->count, p->a->arg);
}

/* What it has not read makes the kernel tell the victim ECONNRESET. */
void
close_unread(struct peer *p)
{
	struct pollfd pfd = { p->s[0], POLLIN, 0 };
	int i;

	for (i = 0; i < 5; i++)
		if (send_message(p, 0, 50, 0, 0, 0) == -1)
			return;
	if (poll(&pfd, 1, -1) != 1)
		give_up(p->r->fault, "poll");
	for (i = 0; i < 5; i++)
		if (send_message(p, 0, 50, 0, 0, 0) == -1)
			return;
}

/* Stops in the middle of a message, and reads nothing before it goes on. */
void
stopped(struct peer *p)
{
	unsigned char m[200];
	uint32_t i;

	for (i = 0; i < p->a->count; i++)
		if (send_message(p, 0, 50, 0, 0, 0) == -1)
			return;
	make_message(p, 0, m, sizeof(m), 0);
	if (send_bytes(p, 0, m, 100) == -1 || raise(SIGSTOP) != 0 ||
	    send_bytes(p, 0, m + 100, 100) == -1)
		return;
	p->r->msgs++;
	read_answers(p, p->a->count + 1, 4096);
}
