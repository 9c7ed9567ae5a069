/* SPDX-License-Identifier: ISC */
/*
 * What the command line of imsgdump asks for.
 */
#ifndef OPTIONS_H
#define OPTIONS_H

#include <sys/types.h>
#include <stddef.h>
#include <stdint.h>

/* Largest message that is believed unless -m says otherwise. */
#define OPTIONS_MAXSIZE (64U * 1024 * 1024)

enum shape {
	SHAPE_DEFAULT, /* text, or nothing with -w */
	SHAPE_TEXT,
	SHAPE_JSON,
	SHAPE_SUMMARY,
	SHAPE_SEQUENCE
};

struct options {
	enum shape shape;
	int colour; /* 1 always, 0 never, -1 on a terminal */
	int follow, hex, ascii, quiet;
	uint32_t maxsize;
	uint64_t count; /* 0: no limit */
	const char *filter, *output, *readfile, *writefile;
	const char **headers; /* headers, of -H */
	size_t nheaders;
	pid_t *pids; /* of -p */
	size_t npids;
	char **command; /* NULL: none */
};

/*
 * Returns 0, or -1 after a word on standard error; does not return for --help
 * and --version.
 */
int options_parse(struct options *, int argc, char *argv[]);
void options_free(struct options *);

#endif
