/* SPDX-License-Identifier: ISC */
/*
 * What the processes have to say.  One line is one write(2), so that lines of
 * several processes do not mix, and holds nothing but printable ASCII: names
 * and texts come from strangers, and a log is read on a terminal.
 */
#include "feature.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "child.h"

#define TEXT_MAX  1024 /* of a line, before what is not printable is shown */
#define LINE_SIZE 2048

/* Appends c in its safe form; false if there is no room. */
static bool
put_safe(char *out, size_t size, size_t *at, unsigned char c)
{
	char form[5];
	size_t len = 1;

	form[0] = (char)c;
	if (c == '\\') {
		form[1] = '\\';
		len = 2;
	} else if (c < ' ' || c > '~') {
		(void)snprintf(form, sizeof(form), "\\%03o", c);
		len = 4;
	}
	if (len >= size - *at)
		return false;
	memcpy(out + *at, form, len);
	*at += len;
	return true;
}

size_t
imsgpi_safe(char *out, size_t size, const char *text)
{
	size_t at = 0;

	while (*text != '\0' && put_safe(out, size, &at, (unsigned char)*text))
		text++;
	out[at] = '\0';
	return at;
}

const char *
imsgpi_name(const struct imsgproc_spec *s, unsigned int instance)
{
	static char name[IMSGPROC_NAME + 16];

	if (imsgpi_instances(s) == 1)
		return s->name;
	(void)snprintf(name, sizeof(name), "%s %u", s->name, instance);
	return name;
}

/* Nothing can be done about a log that cannot be written. */
static void
to_stderr(const char *line, size_t len)
{
	ssize_t r;

	do {
		r = imsgpi_os.write(STDERR_FILENO, line, len);
	} while (r == -1 && errno == EINTR);
}

static const char *
name_of_parent(const struct imsgproc_daemon *d)
{
	if (d->nprocs == 0 || d->procs == NULL || d->procs[0].name == NULL)
		return "parent";
	return d->procs[0].name;
}

/* "daemon: process: text", of which the daemon's own log gets the rest. */
static void
log_line(const struct imsgproc_daemon *d, const struct imsgproc *proc,
    int priority, const char *text)
{
	char line[LINE_SIZE];
	size_t at, len;

	(void)snprintf(line, sizeof(line), "%.*s: ", IMSGPROC_NAME,
	    d->name == NULL ? "-" : d->name);
	at = len = strlen(line);
	(void)snprintf(line + len, sizeof(line) - len,
	    "%.*s: ", IMSGPROC_NAME + 16,
	    proc == NULL ? name_of_parent(d) :
			   imsgpi_name(proc->spec, proc->instance));
	len += strlen(line + len);
	/* One byte for the end of the line. */
	len += imsgpi_safe(line + len, sizeof(line) - 1 - len, text);
	if (d->log != NULL) {
		d->log(priority, line + at);
		return;
	}
	line[len] = '\n';
	to_stderr(line, len + 1);
}

static void
log_args(const struct imsgproc_daemon *d, const struct imsgproc *proc,
    int priority, const char *fmt, va_list ap)
{
	char text[TEXT_MAX];
	int save = errno;

	if (vsnprintf(text, sizeof(text), fmt, ap) >= 0)
		log_line(d, proc, priority, text);
	errno = save;
}

void
imsgpi_log(const struct imsgproc_daemon *d, const struct imsgproc *proc,
    int priority, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_args(d, proc, priority, fmt, ap);
	va_end(ap);
}

void
imsgproc_log(struct imsgproc *proc, int priority, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_args(proc->daemon, proc, priority, fmt, ap);
	va_end(ap);
}

int
imsgproc_fail(struct imsgproc *proc, const char *fmt, ...)
{
	int save = errno;
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(proc->why, sizeof(proc->why), fmt, ap);
	va_end(ap);
	errno = save;
	return -1;
}
