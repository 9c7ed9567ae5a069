/* SPDX-License-Identifier: ISC */
/*
 * Attacks through the socket itself: urgent bytes, halves that are shut, and
 * a copy of the victim's own end in the peer's hands.
 */
#include "hostile-peer.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

/* One byte out of band, with a descriptor if nfds is 1. */
static void
send_urgent(struct peer *p, int nfds)
{
	struct parcel b = { "!", 1, NULL, nfds, 0, MSG_OOB };

	if (send(p->s[0], "!", 1, MSG_OOB | MSG_NOSIGNAL) == -1) {
		if (errno == EOPNOTSUPP) {
			p->r->skipped = 1;
			_exit(0);
		}
		return;
	}
	p->r->sends++;
	p->r->oob++;
	if (nfds > 0 && send_parcel(p, 0, &b) == 0)
		p->r->oob++;
}

/*
 * Before a message and within one, never two at a time: the first of two
 * would become an ordinary byte.
 */
void
urgent(struct peer *p)
{
	unsigned char m[200];
	uint32_t i;

	for (i = 0; i < p->a->count; i++) {
		send_urgent(p, 0);
		hold(p, A_WHILE);
		make_message(p, 0, m, sizeof(m), 0);
		if (send_bytes(p, 0, m, 100) == -1)
			return;
		send_urgent(p, 0);
		if (send_bytes(p, 0, m + 100, 100) == -1)
			return;
		p->r->msgs++;
		hold(p, A_WHILE);
	}
}

void
urgent_alone(struct peer *p)
{
	uint32_t i;

	for (i = 0; i < p->a->count; i++)
		send_urgent(p, i % 2 == 0);
	hold(p, A_WHILE);
}

/* arg: SHUT_WR or SHUT_RD. */
void
half_closed(struct peer *p)
{
	uint32_t i;

	if (p->a->arg == SHUT_RD && shutdown(p->s[0], SHUT_RD) == -1)
		give_up(p->r->fault, "shutdown");
	for (i = 0; i < p->a->count; i++)
		if (send_message(p, 0, 50, 0, 0, 0) == -1)
			return;
	hold(p, A_WHILE);
	if (p->a->arg == SHUT_WR) {
		if (shutdown(p->s[0], SHUT_WR) == -1)
			give_up(p->r->fault, "shutdown");
		read_answers(p, p->a->count, 1000);
	}
}

void
our_end_shut(struct peer *p)
{
	int i;

	for (i = 0; i < 10; i++)
		if (send_message(p, 0, 50, 0, 0, 0) == -1)
			return;
	if (shutdown(p->theirs, SHUT_RDWR) == -1)
		give_up(p->r->fault, "shutdown");
	hold(p, A_WHILE);
}

/*
 * O_NONBLOCK belongs to the open file, of which both have a descriptor; and
 * with SO_RCVLOWAT a read would wait for more than ever comes.
 */
void
our_end_blocks(struct peer *p)
{
	const int much = 1 << 20;
	uint32_t i;

	hold(p, 1);
	for (i = 0; i < p->a->count; i++) {
		if (fcntl(p->theirs, F_SETFL, 0) == -1 ||
		    setsockopt(p->theirs, SOL_SOCKET, SO_RCVLOWAT, &much,
			sizeof(much)) == -1)
			give_up(p->r->fault, "setsockopt");
		if (send_message(p, 0, 50, 0, 0, 0) == -1)
			return;
	}
	hold(p, A_WHILE);
	read_answers(p, p->a->count, 4096);
}

/* Reads what is meant for the victim: its own stream is torn by that. */
void
bytes_stolen(struct peer *p)
{
	char buf[7];
	uint32_t i;

	for (i = 0; i < p->a->count; i++) {
		if (send_message(p, 0, 50, 0, 0, 0) == -1)
			return;
		if (recv(p->theirs, buf, sizeof(buf), MSG_DONTWAIT) == -1 &&
		    errno != EAGAIN)
			return;
	}
	hold(p, A_WHILE);
}

/* Linux 6.16; a libc may not have the name yet. */
#ifndef SO_PASSRIGHTS
#define SO_PASSRIGHTS 83
#endif

/* Who sends a descriptor to this end gets EPERM. */
void
refuses(struct peer *p)
{
	const int off = 0;
	uint32_t i;

	if (setsockopt(p->s[0], SOL_SOCKET, SO_PASSRIGHTS, &off, sizeof(off)) ==
	    -1) {
		p->r->skipped = 1;
		_exit(0);
	}
	for (i = 0; i < p->a->count; i++)
		if (send_message(p, 0, 50, 0, 0, 0) == -1)
			return;
	hold(p, A_WHILE);
}

/* A descriptor with each; a packet without bytes looks like the end. */
void
packets(struct peer *p)
{
	uint32_t i;

	for (i = 0; i < p->a->count; i++)
		if (send_message(p, 0, 50, 1, 1, 0) == -1)
			return;
	hold(p, A_WHILE);
	(void)send(p->s[0], "", 0, MSG_NOSIGNAL);
	hold(p, A_WHILE);
}
