/* SPDX-License-Identifier: ISC */
/*
 * peek - list what is inside archives that you do not trust.
 *
 * An example of privilege separation with imsg: this process opens files and
 * prints, a worker in a sandbox parses.  The exit status is 0 if all files
 * could be listed, 1 if one could not or the output was lost, 2 for a wrong
 * command line.
 */
#define _POSIX_C_SOURCE 200809L

#include <errno.h>
#include <inttypes.h>
#include <locale.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "parent.h"
#include "print.h"
#include "worker.h"

static _Noreturn void
usage(void)
{
	fputs("usage: peek [-q] FILE...\n", stderr);
	exit(2);
}

static void
print_summary(const struct totals *t)
{
	printf("%" PRIu64 " %s, %" PRIu64 " %s, %" PRIu64 " bytes%s, %" PRIu64
	       " failed\n",
	    t->files, t->files == 1 ? "file" : "files", t->entries,
	    t->entries == 1 ? "entry" : "entries", t->bytes,
	    t->bytes == UINT64_MAX ? " or more" : "", t->failed);
}

/* Whether everything printed has left; says so if not. */
static bool
output_arrived(void)
{
	bool lost = ferror(stdout) != 0;

	errno = 0;
	if (fflush(stdout) == 0 && !lost)
		return true;
	fprintf(stderr, "peek: cannot write the list%s%s\n",
	    errno == 0 ? "" : ": ", errno == 0 ? "" : strerror(errno));
	return false;
}

int
main(int argc, char **argv)
{
	struct screen screen;
	struct totals totals = { 0, 0, 0, 0 };
	bool quiet = false;
	int c, i;

	imsgproc_init(argc, argv, &peek_daemon);
	(void)setlocale(LC_CTYPE, "");
	while ((c = getopt(argc, argv, "q")) != -1) {
		if (c != 'q')
			usage();
		quiet = true;
	}
	if (optind >= argc)
		usage();
	screen_init(&screen, quiet, (size_t)(argc - optind));
	for (i = optind; i < argc && !ferror(stdout); i++)
		list_file(&screen, argv[i], &totals);
	if (!quiet)
		print_summary(&totals);
	if (!output_arrived())
		return 1;
	return totals.failed > 0 ? 1 : 0;
}
