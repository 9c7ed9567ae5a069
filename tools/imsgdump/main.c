/* SPDX-License-Identifier: ISC */
/*
 * imsgdump: shows the messages of any program that speaks imsg.
 *
 * Here the parts are put together: a source (a capture file, or processes that
 * are traced), a chain that filters and counts, and sinks.
 */
#define _GNU_SOURCE /* on Linux; elsewhere all is there */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "capture.h"
#include "chain.h"
#include "files.h"
#include "options.h"
#include "output.h"
#include "sinks.h"
#include "trace.h"

/* What all streams of traced programs may hold together. */
#define BUDGET (256U * 1024 * 1024)

struct dump {
	struct options o;
	struct names *names;
	struct filter *filter;
	struct sink *chain, *capture; /* capture: of -w, or NULL */
	FILE *out;		      /* of a shape */
	int stop;		      /* of the reader of a capture */
};

/* For the signal handler, and for a chain that has had enough. */
static struct tracer *tracer;

static void
on_signal(int sig)
{
	int save = errno;

	(void)sig;
	output_stop = 1;
	if (tracer != NULL)
		trace_stop(tracer);
	errno = save;
}

static void
enough(void *arg)
{
	struct dump *d = arg;

	d->stop = 1;
	if (tracer != NULL)
		trace_stop(tracer);
}

static int
load_names(struct dump *d)
{
	size_t i;

	if ((d->names = names_new()) == NULL)
		return complain("names", strerror(errno));
	for (i = 0; i < d->o.nheaders; i++)
		if (names_load(d->names, d->o.headers[i]) == -1)
			return -1;
	return 0;
}

/* What a capture that is read brings belongs into the one that is written. */
static int
add_name(void *arg, uint32_t type, const char *name)
{
	struct dump *d = arg;
	size_t before = names_count(d->names);

	if (names_add(d->names, type, name) == -1)
		return -1;
	if (d->capture == NULL || names_count(d->names) == before)
		return 0;
	return capture_name(d->capture, type, name);
}

/*
 * A filter may use names that the capture brings: they are looked for first,
 * where it can be read twice.
 */
static int
look_for_names(struct dump *d)
{
	char why[256];
	struct stat st;
	FILE *f;

	if (d->o.readfile == NULL || d->o.filter == NULL ||
	    stat(d->o.readfile, &st) == -1 || !S_ISREG(st.st_mode))
		return 0;
	if ((f = fopen(d->o.readfile, "re")) == NULL)
		return complain(d->o.readfile, strerror(errno));
	if (capture_read_names(f, NULL, add_name, d, NULL, why, sizeof(why)) ==
	    -1)
		return complain(d->o.readfile, why);
	return 0;
}

static int
make_filter(struct dump *d)
{
	char why[256];

	if (d->o.filter == NULL)
		return 0;
	d->filter = filter_new(d->o.filter, d->names, why, sizeof(why));
	if (d->filter != NULL)
		return 0;
	(void)fprintf(stderr, "imsgdump: filter: %s\n", why); /* harmless */
	return -1;
}

static int
flags(const struct options *o, int terminal)
{
	int flags = 0;

	if (o->colour == 1 || (o->colour == -1 && terminal))
		flags |= TEXT_COLOUR;
	if (o->hex)
		flags |= TEXT_HEX;
	if (o->ascii)
		flags |= TEXT_ASCII;
	return flags;
}

static struct sink *
make_shape(struct dump *d, FILE *f, int terminal)
{
	switch (d->o.shape) {
	case SHAPE_JSON:
		return json_sink(f, d->names, flags(&d->o, terminal));
	case SHAPE_SUMMARY:
		return summary_sink(f, d->names);
	case SHAPE_SEQUENCE:
		return sequence_sink(f, d->names);
	default:
		return text_sink(f, d->names, flags(&d->o, terminal));
	}
}

static int
add_shape(struct dump *d)
{
	const char *name;
	int fd, terminal, waits;
	struct stat st;
	struct sink *s;

	if (d->o.writefile != NULL && d->o.shape == SHAPE_DEFAULT &&
	    d->o.output == NULL)
		return 0;
	name = d->o.output != NULL ? d->o.output : "-";
	fd = files_create(name);
	terminal = fd != -1 && isatty(fd) == 1;
	waits = fd == -1 || d->o.readfile != NULL || fstat(fd, &st) == -1 ||
	    S_ISREG(st.st_mode);
	if ((d->out = files_stream(fd, waits)) == NULL)
		return complain(d->o.output != NULL ? name : "standard output",
		    files_why(errno));
	if ((s = make_shape(d, d->out, terminal)) == NULL)
		return complain("output", strerror(errno));
	chain_add(d->chain, s);
	return 0;
}

static int
add_capture(struct dump *d)
{
	char why[256];
	struct sink *s;
	FILE *f;

	if (d->o.writefile == NULL)
		return 0;
	if ((f = files_stream(files_create(d->o.writefile), 1)) == NULL)
		return complain(d->o.writefile, files_why(errno));
	if ((s = capture_sink(f, why, sizeof(why))) == NULL)
		return complain(d->o.writefile, why);
	chain_add(d->chain, s);
	d->capture = s;
	if (names_each(d->names, capture_name, s) == -1)
		return complain(d->o.writefile, strerror(errno));
	return 0;
}

static int
make_chain(struct dump *d)
{
	struct chain_options co = { .enough = enough, .arg = d };

	co.filter = d->filter;
	co.count = d->o.count;
	co.quiet = d->o.quiet;
	if ((d->chain = chain_sink(&co)) == NULL)
		return complain("output", strerror(errno));
	if (add_shape(d) == -1)
		return -1;
	return add_capture(d);
}

/* 0, 1 if the file was cut or strange, -1 if it failed. */
static int
read_capture(struct dump *d)
{
	char why[256];
	FILE *f = stdin;
	int r;

	if (strcmp(d->o.readfile, "-") != 0 &&
	    (f = fopen(d->o.readfile, "re")) == NULL)
		return complain(d->o.readfile, strerror(errno));
	r = capture_read_names(
	    f, d->chain, add_name, d, &d->stop, why, sizeof(why));
	if (r == -1)
		return complain(
		    chain_failed(d->chain) ? "output" : d->o.readfile, why);
	return r;
}

/* The first one ends tracing; another one the wait for a slow reader. */
static void
catch_signals(void (*handler)(int))
{
	static const int sigs[] = { SIGINT, SIGTERM, SIGHUP };
	struct sigaction sa, old;
	size_t i;

	memset(&sa, 0, sizeof(sa));
	sa.sa_handler = handler;
	(void)sigemptyset(&sa.sa_mask);
	for (i = 0; i < sizeof(sigs) / sizeof(sigs[0]); i++)
		if (sigaction(sigs[i], NULL, &old) == 0 &&
		    old.sa_handler != SIG_IGN)
			(void)sigaction(sigs[i], &sa, NULL);
}

static int
attach(struct dump *d)
{
	size_t i;

	if (d->o.follow)
		trace_follow(tracer);
	if (d->o.command != NULL)
		return trace_command(tracer, d->o.command);
	for (i = 0; i < d->o.npids; i++)
		if (trace_attach(tracer, d->o.pids[i]) == -1)
			return -1;
	return 0;
}

/* As a shell has it. */
static int
status_of(int status)
{
	if (status == -1)
		return 0;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* A daemon goes into the background: its messages are no longer seen. */
static void
tell_left(size_t n, int status)
{
	if (n > 0 && status != -1)
		(void)fprintf(stderr,
		    "imsgdump: the command has ended; %zu of its processes "
		    "go%s on unwatched (-F stays)\n",
		    n, n == 1 ? "es" : "");
}

static int
follow(struct dump *d, struct channels *ch)
{
	int r;

	if ((tracer = trace_new(ch)) == NULL)
		return complain("trace",
		    errno == ENOSYS ? "this is for Linux; elsewhere a program "
				      "can record itself: imsgrec.h" :
				      strerror(errno));
	catch_signals(on_signal);
	if ((r = attach(d)) == 0 && (r = trace_run(tracer, d->chain)) == -1)
		(void)complain("output", strerror(errno));
	if (r == 0 && d->o.command != NULL && !d->o.quiet)
		tell_left(trace_left(tracer), trace_status(tracer));
	catch_signals(SIG_DFL);
	return r == -1 ? -1 : status_of(trace_status(tracer));
}

static int
live(struct dump *d)
{
	struct stream_budget budget = { .max = BUDGET };
	struct channels *ch;
	struct tracer *t;
	int r;

	budget.maxsize = d->o.maxsize;
	if ((ch = channels_new(&budget, d->chain)) == NULL)
		return complain("channels", strerror(errno));
	r = follow(d, ch);
	channels_free(ch);
	t = tracer;
	tracer = NULL;
	if (t != NULL)
		trace_free(t);
	stream_budget_clear(&budget);
	return r;
}

static int
run(struct dump *d)
{
	if (files_check(&d->o) == -1 || load_names(d) == -1 ||
	    look_for_names(d) == -1 || make_filter(d) == -1 ||
	    make_chain(d) == -1)
		return -1;
	return d->o.readfile != NULL ? read_capture(d) : live(d);
}

static int
end_output(struct dump *d)
{
	int save = 0;

	if (d->chain != NULL && d->chain->end(d->chain) == -1)
		save = errno;
	if (d->out != NULL && fclose(d->out) == EOF && save == 0)
		save = errno;
	errno = save;
	return save == 0 ? 0 : -1;
}

int
main(int argc, char *argv[])
{
	struct dump d;
	int r;

	memset(&d, 0, sizeof(d));
	if (options_parse(&d.o, argc, argv) == -1) {
		options_free(&d.o);
		return 2;
	}
	r = run(&d);
	if (end_output(&d) == -1 && r != -1)
		r = complain("output", strerror(errno));
	filter_free(d.filter);
	names_free(d.names);
	options_free(&d.o);
	return r == -1 ? 2 : r;
}
