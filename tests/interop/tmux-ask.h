/* SPDX-License-Identifier: ISC */
/*
 * The client's half of the conversation, up to the end of its command or to
 * the moment when the server takes the terminal.
 */
#ifndef TMUX_ASK_H
#define TMUX_ASK_H

#include "tmux-peer.h"

struct ident {
	const char *term;
	const char *tty;
	const char *const *caps; /* of the terminal, ends with NULL; or NULL */
	int in;
	int out;
	int flags; /* besides FLAG_UTF8 */
};

#define STREAMS 8

struct answer {
	FILE *out; /* what the server writes to our standard output */
	FILE *err;
	FILE *in;      /* what it reads when it asks for standard input */
	int status;    /* exit status */
	char *message; /* why, or NULL */
	struct {
		int id;
		FILE *f;
	} stream[STREAMS];
	int nstreams;
};

void ask_identify(struct peer *, const struct ident *);
void ask_command(struct peer *, int, char *const *);
/* Does what a message wants: 1 if the command has ended, otherwise 0. */
int ask_answer(struct peer *, struct imsg *, struct answer *);
/* All of the above: returns what tmux printed, which the caller frees. */
char *ask_text(const char *, int, char *const *);

#endif
