/* SPDX-License-Identifier: ISC */
/*
 * The command line.
 *
 * Everything comes from here: no environment variable and no file of settings
 * changes what a program does that is often run as root.
 */
#include "options.h"

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <imsg.h>

#include "safe.h"

#define USAGE                                    \
	"usage: imsgdump [options] -p pid ...\n" \
	"       imsgdump [options] -r file\n"    \
	"       imsgdump [options] -- command [argument ...]\n"

static const char help[] =
    USAGE "\n"
	  "Shows the imsg messages that processes send each other.\n"
	  "\n"
	  "  -p pid             this process, its threads and its children\n"
	  "  -r file            messages of a capture file, - standard input\n"
	  "  -- command         start this command and show its messages\n"
	  "  -F                 and those of what it leaves running\n"
	  "\n"
	  "  -H header[:enum]   names of message types from a C header\n"
	  "  -f expression      only messages like these, as type == 203\n"
	  "  -c count           end after so many\n"
	  "  -m bytes           largest message that is believed, 64 MiB\n"
	  "\n"
	  "  -x                 payload in hexadecimal\n"
	  "  -A                 payload as text\n"
	  "  -q                 no remarks about channels\n"
	  "  --text             one line a message (the default)\n"
	  "  --json             one JSON object a line\n"
	  "  --summary          tables, at the end\n"
	  "  --sequence         a sequence diagram in SVG, at the end\n"
	  "  --color=when       auto (the default), always, never\n"
	  "  -o file            write to a file instead of standard output\n"
	  "  -w file            write a capture file, - standard output\n"
	  "  -h, -V             this text; the version\n"
	  "\n"
	  "imsgdump(1) has examples.\n";

enum { OPT_TEXT = 256, OPT_JSON, OPT_SUMMARY, OPT_SEQUENCE, OPT_COLOUR };

static const struct option longs[] = {
	{ "text", no_argument, NULL, OPT_TEXT },
	{ "json", no_argument, NULL, OPT_JSON },
	{ "summary", no_argument, NULL, OPT_SUMMARY },
	{ "sequence", no_argument, NULL, OPT_SEQUENCE },
	{ "color", required_argument, NULL, OPT_COLOUR },
	{ "colour", required_argument, NULL, OPT_COLOUR },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },
	{ NULL, 0, NULL, 0 },
};

static int
wrong(const char *what, const char *value)
{
	(void)fprintf(stderr, "imsgdump: %s: ", what);
	safe_print(stderr, value, strlen(value));
	(void)putc('\n', stderr);
	return -1;
}

static int
number(const char *s, unsigned long long min, unsigned long long max,
    uint64_t *out)
{
	unsigned long long v;
	char *end;

	errno = 0;
	v = strtoull(s, &end, 10);
	if (s[0] < '0' || s[0] > '9' || *end != '\0' || errno != 0 || v < min ||
	    v > max)
		return -1;
	*out = v;
	return 0;
}

static int
set_shape(struct options *o, enum shape shape)
{
	if (o->shape != SHAPE_DEFAULT && o->shape != shape)
		return wrong(
		    "only one of", "--text --json --summary --sequence");
	o->shape = shape;
	return 0;
}

static int
set_colour(struct options *o, const char *when)
{
	if (strcmp(when, "auto") == 0)
		o->colour = -1;
	else if (strcmp(when, "always") == 0)
		o->colour = 1;
	else if (strcmp(when, "never") == 0)
		o->colour = 0;
	else
		return wrong("--color wants auto, always or never, not", when);
	return 0;
}

static int
add_pid(struct options *o, const char *s)
{
	uint64_t v;

	if (number(s, 1, INT_MAX, &v) == -1)
		return wrong("not a process id", s);
	o->pids[o->npids++] = (pid_t)v;
	return 0;
}

static int
set_number(struct options *o, int c, const char *s)
{
	uint64_t v;

	if (c == 'c') {
		if (number(s, 1, UINT64_MAX, &o->count) == -1)
			return wrong("not a count of messages", s);
		return 0;
	}
	if (number(s, MAX_IMSGSIZE, INT32_MAX, &v) == -1)
		return wrong("not a size of messages, 16384 to 2147483647", s);
	o->maxsize = (uint32_t)v;
	return 0;
}

static int
set_flag(struct options *o, int c)
{
	switch (c) {
	case 'A':
		o->ascii = 1;
		return 0;
	case 'F':
		o->follow = 1;
		return 0;
	case 'q':
		o->quiet = 1;
		return 0;
	case 'x':
		o->hex = 1;
		return 0;
	case OPT_TEXT:
		return set_shape(o, SHAPE_TEXT);
	case OPT_JSON:
		return set_shape(o, SHAPE_JSON);
	case OPT_SUMMARY:
		return set_shape(o, SHAPE_SUMMARY);
	case OPT_SEQUENCE:
		return set_shape(o, SHAPE_SEQUENCE);
	case 'h':
		(void)fputs(help, stdout);
		exit(fflush(stdout) == 0 ? 0 : 1);
	case 'V':
		(void)printf("imsgdump %d.%d.%d\n", imsg_version() / 10000,
		    imsg_version() / 100 % 100, imsg_version() % 100);
		exit(fflush(stdout) == 0 ? 0 : 1);
	default: /* getopt has said what is wrong */
		(void)fputs(USAGE, stderr);
		return -1;
	}
}

/* Of two the first would silently be none. */
static int
set_once(const char **to, const char *name, const char *arg)
{
	if (*to != NULL)
		return wrong("given twice", name);
	*to = arg;
	return 0;
}

static int
set_option(struct options *o, int c, const char *arg)
{
	switch (c) {
	case 'c':
	case 'm':
		return set_number(o, c, arg);
	case 'f':
		return set_once(&o->filter, "-f", arg);
	case 'H':
		o->headers[o->nheaders++] = arg;
		return 0;
	case 'o':
		return set_once(&o->output, "-o", arg);
	case 'p':
		return add_pid(o, arg);
	case 'r':
		return set_once(&o->readfile, "-r", arg);
	case 'w':
		return set_once(&o->writefile, "-w", arg);
	case OPT_COLOUR:
		return set_colour(o, arg);
	default:
		return set_flag(o, c);
	}
}

static int
consistent(const struct options *o)
{
	int sources =
	    (o->npids > 0) + (o->readfile != NULL) + (o->command != NULL);

	if (o->follow && o->command == NULL)
		return wrong("-F", "follows what a command leaves behind");
	if (sources != 1) {
		(void)fputs(sources == 0 ?
			USAGE :
			"imsgdump: only one of -p, -r and a command\n",
		    stderr);
		return -1;
	}
	if (o->writefile != NULL && strcmp(o->writefile, "-") == 0 &&
	    o->shape != SHAPE_DEFAULT && o->output == NULL)
		return wrong("standard output is taken", "use -o or -w FILE");
	return 0;
}

int
options_parse(struct options *o, int argc, char *argv[])
{
	int c;

	memset(o, 0, sizeof(*o));
	o->colour = -1;
	o->maxsize = OPTIONS_MAXSIZE;
	o->headers = calloc((size_t)argc + 1, sizeof(*o->headers));
	o->pids = calloc((size_t)argc + 1, sizeof(*o->pids));
	if (o->headers == NULL || o->pids == NULL)
		return wrong("cannot begin", strerror(ENOMEM));
	/* The + stops GNU at the command: its options are not ours. */
	while ((c = getopt_long(
		    argc, argv, "+AFH:Vc:f:hm:o:p:qr:w:x", longs, NULL)) != -1)
		if (set_option(o, c, optarg) == -1)
			return -1;
	if (optind < argc)
		o->command = argv + optind;
	return consistent(o);
}

void
options_free(struct options *o)
{
	free(o->headers);
	free(o->pids);
	o->headers = NULL;
	o->pids = NULL;
}
