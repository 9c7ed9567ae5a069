/* SPDX-License-Identifier: ISC */
/*
 * imsgdump: shows the messages of any program that speaks imsg.
 *
 * Here the parts are put together: a source (a capture file, or processes that
 * are traced), a chain that filters and counts, and sinks.
 */
#define _GNU_SOURCE /* on Linux; elsewhere all is there */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "capture.h"
#include "chain.h"
#include "options.h"
#include "sinks.h"
#include "trace.h"

/* What all streams of traced programs may hold together. */
#define BUDGET (256U * 1024 * 1024)

struct dump {
	struct options o;
	struct names *names;
	struct filter *filter;
	struct sink *chain;
	FILE *out; /* of a shape */
	int stop;  /* of the reader of a capture */
};

/* For the signal handler, and for a chain that has had enough. */
static struct tracer *tracer;

static void
on_signal(int sig)
{
	int save = errno;

	(void)sig;
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
complain(const char *what, const char *why)
{
	(void)fprintf(stderr, "imsgdump: %s: %s\n", what, why);
	return -1;
}

/*
 * Messages are secrets of the programs: a new file is for its owner alone, and
 * no link that somebody has put there is followed.
 */
static FILE *
create(const char *path)
{
	int fd, save;
	FILE *f;

	if (strcmp(path, "-") == 0)
		fd = dup(STDOUT_FILENO);
	else
		fd = open(path,
		    O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC,
		    0600);
	if (fd == -1)
		return NULL;
	(void)fcntl(fd, F_SETFD, FD_CLOEXEC);
	if ((f = fdopen(fd, "w")) == NULL) {
		save = errno;
		(void)close(fd);
		errno = save;
	}
	return f;
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

static int
add_name(void *arg, uint32_t type, const char *name)
{
	return names_add(arg, type, name);
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
	if (capture_read_names(
		f, NULL, add_name, d->names, NULL, why, sizeof(why)) == -1)
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
	return d->filter == NULL ? complain("filter", why) : 0;
}

static int
flags(const struct options *o, FILE *f)
{
	int flags = 0;

	if (o->colour == 1 || (o->colour == -1 && isatty(fileno(f)) == 1))
		flags |= TEXT_COLOUR;
	if (o->hex)
		flags |= TEXT_HEX;
	if (o->ascii)
		flags |= TEXT_ASCII;
	return flags;
}

static struct sink *
make_shape(struct dump *d, FILE *f)
{
	switch (d->o.shape) {
	case SHAPE_JSON:
		return json_sink(f, d->names, flags(&d->o, f));
	case SHAPE_SUMMARY:
		return summary_sink(f, d->names);
	case SHAPE_SEQUENCE:
		return sequence_sink(f, d->names);
	default:
		return text_sink(f, d->names, flags(&d->o, f));
	}
}

static int
add_shape(struct dump *d)
{
	struct sink *s;

	if (d->o.writefile != NULL && d->o.shape == SHAPE_DEFAULT)
		return 0;
	if ((d->out = create(d->o.output != NULL ? d->o.output : "-")) == NULL)
		return complain(
		    d->o.output != NULL ? d->o.output : "standard output",
		    strerror(errno));
	if ((s = make_shape(d, d->out)) == NULL)
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
	if ((f = create(d->o.writefile)) == NULL)
		return complain(d->o.writefile, strerror(errno));
	if ((s = capture_sink(f, why, sizeof(why))) == NULL)
		return complain(d->o.writefile, why);
	chain_add(d->chain, s);
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
	    f, d->chain, add_name, d->names, &d->stop, why, sizeof(why));
	if (r == -1)
		return complain(d->o.readfile, why);
	return r;
}

static void
catch_signals(void)
{
	static const int sigs[] = { SIGINT, SIGTERM, SIGHUP };
	struct sigaction sa, old;
	size_t i;

	memset(&sa, 0, sizeof(sa));
	sa.sa_handler = on_signal;
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
	catch_signals();
	if ((r = attach(d)) == 0 && (r = trace_run(tracer, d->chain)) == -1)
		(void)complain("output", strerror(errno));
	if (r == 0 && d->o.command != NULL && !d->o.quiet)
		tell_left(trace_left(tracer), trace_status(tracer));
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

/* Output would truncate what is still to be read, or was just written. */
static int
same_file(const char *a, const char *b)
{
	struct stat sa, sb;

	if (a == NULL || b == NULL || strcmp(a, "-") == 0 ||
	    strcmp(b, "-") == 0)
		return 0;
	if (stat(a, &sa) == -1 || stat(b, &sb) == -1)
		return strcmp(a, b) == 0;
	return S_ISREG(sa.st_mode) && sa.st_dev == sb.st_dev &&
	    sa.st_ino == sb.st_ino;
}

static int
distinct(const struct options *o)
{
	if (same_file(o->readfile, o->output) ||
	    same_file(o->readfile, o->writefile))
		return complain(o->readfile, "is the output, too");
	if (same_file(o->output, o->writefile))
		return complain(o->output, "only one of -o and -w");
	return 0;
}

static int
run(struct dump *d)
{
	if (distinct(&d->o) == -1 || load_names(d) == -1 ||
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
