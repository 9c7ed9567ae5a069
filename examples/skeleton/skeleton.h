/* SPDX-License-Identifier: ISC */
/*
 * What the processes of skeleton say to each other, and their callbacks.
 */
#ifndef SKELETON_H
#define SKELETON_H

#include <syslog.h>

#include <imsg_call.h>
#include <imsg_proc.h>

/* Longest line of a client, with its newline, and longest answer. */
#define MAXLINE 512

enum {
	MSG_SOCKET = 1, /* parent to front: a socket to listen on */
	MSG_CONF,	/* parent to engine: the configuration file */
	MSG_WORK,	/* front to engine: a line */
	MSG_DONE,	/* the answer: a line */
};

struct conf {
	const char *socket;
	const char *file;
	int listener;
};

int parent_start(struct imsgproc *);
void parent_peer(struct imsgproc *, struct imsgproc_peer *, int);
void parent_reload(struct imsgproc *);

void front_peer(struct imsgproc *, struct imsgproc_peer *, int);
void front_message(struct imsgproc *, struct imsgproc_peer *, struct imsg *);

void engine_message(struct imsgproc *, struct imsgproc_peer *, struct imsg *);

#endif
