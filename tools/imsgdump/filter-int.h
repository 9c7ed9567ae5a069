/* SPDX-License-Identifier: ISC */
/*
 * What the parser of filters makes and the filter runs: tests and connectives
 * in postfix order, so that nothing recurses while messages pass.
 */
#ifndef FILTER_INT_H
#define FILTER_INT_H

#include "filter.h"

/* Most parentheses within each other. */
#define FILTER_NEST 100
/*
 * Most results that wait for a connective: on each level what is left of an
 * "or", and of an "and"; and the last one.
 */
#define FILTER_STACK (2 * (FILTER_NEST + 1) + 1)

enum field {
	FIELD_TYPE,
	FIELD_NAME,
	FIELD_PID, /* either party */
	FIELD_FROM,
	FIELD_TO,
	FIELD_PEERID,
	FIELD_HDRPID,
	FIELD_LENGTH,
	FIELD_CHANNEL,
	FIELD_EVENT,
	FIELD_FD,      /* is there one */
	FIELD_FDNUM,   /* its number */
	FIELD_FDSTATE, /* none, lost, ... */
	FIELD_FDNAME   /* what it refers to */
};

enum compare { CMP_EQ, CMP_NE, CMP_LT, CMP_LE, CMP_GT, CMP_GE, CMP_LIKE };

struct test {
	enum field field;
	enum compare cmp;
	int negate;
	int64_t number;
	char *text; /* NULL: compared with the number */
};

struct step {
	enum { STEP_TEST, STEP_AND, STEP_OR, STEP_NOT } what;
	struct test test;
};

struct filter {
	const struct names *names;
	struct step *steps;
	size_t nsteps;
};

/* filter-lex.c */
enum token_kind {
	TOKEN_END,
	TOKEN_OPEN,
	TOKEN_CLOSE,
	TOKEN_AND,
	TOKEN_OR,
	TOKEN_NOT,
	TOKEN_COMPARE,
	TOKEN_WORD,
	TOKEN_BAD
};

struct token {
	enum token_kind kind;
	const char *at; /* its first character */
	/* TOKEN_COMPARE */
	enum compare cmp;
	int negate;
	/* TOKEN_WORD, without the quotes */
	const char *text;
	size_t len;
	int quoted;
};

/* Reads one at *p, which moves behind it. */
void filter_token(const char **p, struct token *);
/* 0: the word is a number, which may be negative; -1: it is none. */
int filter_number(const struct token *, int64_t *);

/* filter-parse.c: 0, or -1 and why. */
int filter_parse(struct filter *, const char *, char *why, size_t whylen);

#endif
