/* SPDX-License-Identifier: ISC */
/*
 * A daemon under test: this program executed anew with "--host=TABLE", which
 * calls imsgproc_run() on that table and then tells what it left behind.  All
 * its processes write their log to one pipe, which the test reads.
 */
#ifndef HOST_H
#define HOST_H

#include <sys/types.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <imsg_proc.h>

/* How long anything may take, in ms. */
#define PATIENCE 20000

/* The tables of a test program, in the order of their names or not; NULL. */
extern const struct imsgproc_daemon *const host_tables[];

struct host {
	pid_t pid;
	int out;
	size_t len; /* of text */
	size_t at;  /* seen so far */
	char text[1 << 18];
};

/*
 * In main(), first: in a process of the daemon or in its parent it does not
 * return.
 */
void host_init(int argc, char **argv);
/* Called in the parent before imsgproc_run(); may be NULL. */
extern void (*host_before)(void);

void host_start(struct host *, const char *table);
/* The next line that contains this; it is behind what was expected before. */
const char *host_expect(struct host *, const char *);
/* How often that was said, up to now. */
unsigned int host_count(const struct host *, const char *);
/* The position of the first line with this, which must be there. */
size_t host_place(const struct host *, const char *);
/* The number behind a word of a line: " pid 12". */
long host_number(const char *line, const char *word);
/*
 * Reads to the end: what imsgproc_run() returned.  Nothing may be left: no
 * process, no descriptor, no handler, no memory (under a sanitizer).
 */
int host_end(struct host *);
/* SIGTERM, and host_end(). */
int host_stop(struct host *);

/* For the processes: waits for a condition, at most PATIENCE. */
void host_wait(bool (*)(const void *), const void *);
/* What is open here: "0c 1c 2p 3s": its number and its kind. */
const char *host_open(void);

#endif
