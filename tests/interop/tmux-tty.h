/* SPDX-License-Identifier: ISC */
/*
 * A pseudo-terminal of which one side goes to tmux while the other is watched
 * and typed into.
 */
#ifndef TMUX_TTY_H
#define TMUX_TTY_H

#include "tmux-peer.h"

struct tty {
	int master;
	int slave;
	char name[64];
	char *seen; /* everything that was written */
	size_t len;
};

extern struct tty tty;

void tty_open(void);
void tty_size(unsigned short, unsigned short);
void tty_expect(const char *);
void tty_forget(void);
void tty_type(const char *);
/* Fails if anybody else still holds the terminal. */
void tty_close(void);

#endif
