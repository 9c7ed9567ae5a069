/* SPDX-License-Identifier: ISC */
/*
 * What ps(1) shows.  The BSDs have a call for it.  Linux shows the bytes where
 * the arguments of the program were, and if the last of them is no NUL those of
 * the environment behind it, up to the first NUL (get_mm_cmdline() in
 * fs/proc/base.c): both are moved away once, at the start of the program.
 */
#include "feature.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "child.h"

#define TITLE_MAX 1024

#ifdef __linux__
extern char **environ;

static struct {
	char *at;
	size_t args; /* bytes of the arguments */
	size_t all;  /* and the environment behind them */
	char *copy;  /* of these */
	char **env;
} title_room;

static size_t
string_area(char **v, size_t n, char *end)
{
	size_t len = 0, i;

	for (i = 0; i < n && v[i] == end + len; i++)
		len += strlen(v[i]) + 1;
	return len;
}

static char *
title_moved(char *s)
{
	size_t at;

	if (s < title_room.at || s >= title_room.at + title_room.all)
		return s;
	at = (size_t)(s - title_room.at);
	return title_room.copy + at;
}

void
imsgpi_title_room(int argc, char **argv)
{
	size_t nenv = 0, i;

	if (title_room.at != NULL || argc < 1 || argv[0] == NULL)
		return;
	while (environ != NULL && environ[nenv] != NULL)
		nenv++;
	title_room.args = string_area(argv, (size_t)argc, argv[0]);
	title_room.all = title_room.args;
	title_room.all += string_area(environ, nenv, argv[0] + title_room.args);
	title_room.copy = imsgpi_os.calloc(title_room.all, 1);
	title_room.env = imsgpi_os.calloc(nenv + 1, sizeof(*title_room.env));
	if (title_room.copy == NULL || title_room.env == NULL) {
		imsgpi_free(title_room.copy);
		imsgpi_free(title_room.env);
		return;
	}
	title_room.at = argv[0];
	memcpy(title_room.copy, title_room.at, title_room.all);
	for (i = 0; i < (size_t)argc; i++)
		argv[i] = title_moved(argv[i]);
	for (i = 0; i < nenv; i++)
		title_room.env[i] = title_moved(environ[i]);
	environ = title_room.env;
	program_invocation_name = title_moved(program_invocation_name);
	program_invocation_short_name =
	    title_moved(program_invocation_short_name);
}

static void
title_show(const char *title, size_t behind)
{
	size_t len = strlen(title);

	(void)behind;
	if (title_room.at == NULL)
		return;
	if (len >= title_room.all)
		len = title_room.all - 1;
	memset(title_room.at, 0, title_room.all);
	memcpy(title_room.at, title, len);
	if (len + 1 < title_room.args)
		title_room.at[title_room.args - 1] = '.';
}
#elif defined(__FreeBSD__) || defined(__OpenBSD__) || defined(__NetBSD__) || \
    defined(__DragonFly__)
void
imsgpi_title_room(int argc, char **argv)
{
	(void)argc;
	(void)argv;
}

/* They put the name of the program, argv[0], before it. */
static void
title_show(const char *title, size_t behind)
{
	if (title[behind] == '\0')
		setproctitle(NULL);
	else
		setproctitle("%s", title + behind);
}
#else
void
imsgpi_title_room(int argc, char **argv)
{
	(void)argc;
	(void)argv;
}

static void
title_show(const char *title, size_t behind)
{
	(void)title;
	(void)behind;
}
#endif

/* The kernel's short name has 15 characters. */
void
imsgpi_title_set(const struct imsgproc *proc, const char *text)
{
	char title[TITLE_MAX], comm[16];
	int save = errno, n;

	n = snprintf(title, sizeof(title), "%.*s: %s", IMSGPROC_NAME,
	    proc->daemon->name, imsgpi_name(proc->spec, proc->instance));
	(void)snprintf(comm, sizeof(comm), "%.15s", title);
	(void)imsgpi_os.comm(comm);
	if (*text != '\0') {
		n += snprintf(title + n, sizeof(title) - (size_t)n, ": ");
		(void)imsgpi_safe(title + n, sizeof(title) - (size_t)n, text);
	}
	title_show(title, (size_t)n);
	errno = save;
}

void
imsgproc_title(struct imsgproc *proc, const char *fmt, ...)
{
	char text[TITLE_MAX];
	va_list ap;
	int r;

	va_start(ap, fmt);
	r = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (r >= 0)
		imsgpi_title_set(proc, text);
}
