/* SPDX-License-Identifier: ISC */
/*
 * Parts of the sequence diagram: what is kept of the messages, where things
 * are, and how they are drawn.  All text in here is harmless, but for what XML
 * makes of it.
 */
#ifndef SEQUENCE_INT_H
#define SEQUENCE_INT_H

#include <stdio.h>

#include "names.h"
#include "record.h"
#include "shape.h"

/* Lines of the diagram, and processes in it; the rest is only counted. */
#define SEQUENCE_ROWS  10000
#define SEQUENCE_LIVES 100
/* So many equal messages in a row stay apart; more are one arrow. */
#define SEQUENCE_RUN 3

struct life {
	pid_t pid;
	uint32_t channel; /* of a process that is not known, else 0 */
	char name[64];
	int x;
	int gap; /* to the next one, or to the right edge */
};

struct arrow {
	int is_note;
	int from, to; /* of lives; -1: a note about neither */
	uint32_t channel;
	int event, wire, fd_state, fd;
	struct imsg_hdr hdr;
	int64_t time, last;
	uint64_t count, bytes; /* of all that are one arrow */
	char *text;	       /* what fd refers to, or the note; never NULL */
};

struct sequence {
	struct sink sink;
	FILE *f;
	const struct names *names;
	struct life lives[SEQUENCE_LIVES];
	int nlives;
	struct arrow *arrows;
	size_t narrows, room;
	size_t run; /* arrows at the end that are equal */
	uint64_t messages, missed;
	int64_t first, last;
	/* Set when it is laid out. */
	int width, height;
};

/* What stands at an arrow. */
struct label {
	char name[SHAPE_NAME]; /* of the type, or its number */
	char size[32];
	char fd[32];
	char event[16]; /* unless it went the usual way */
	char times[32];
	int bad_fd, bad_event; /* attract attention */
	int columns;	       /* all of it */
};

/* Pixels; the typewriter face is never wider than 0.63 of its height. */
#define CHAR_WIDTH  7 /* of labels */
#define HEAD_EVERY  40
#define HEAD_HEIGHT 60
#define ROW_HEIGHT  24
#define TOP	    44
#define GUTTER	    124

/* sequence-layout.c */
void sequence_label(
    const struct sequence *, const struct arrow *, struct label *);
int sequence_head_width(const struct life *);
void sequence_layout(struct sequence *);
/* sequence-draw.c */
void sequence_draw(struct sequence *);

#endif
