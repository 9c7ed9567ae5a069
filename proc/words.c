/* SPDX-License-Identifier: ISC */
/*
 * How a process ended, in words for people; among them those that the process
 * itself sent, which may be hostile.
 */
#include "feature.h"

#include <sys/resource.h>
#include <sys/wait.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "words.h"

void
imsgpi_words_status(int status, char *buf, size_t size)
{
	const char *name;
	int signo;

	if (WIFEXITED(status)) {
		(void)snprintf(
		    buf, size, "exited with status %d", WEXITSTATUS(status));
		return;
	}
	if (!WIFSIGNALED(status)) {
		(void)snprintf(buf, size, "ended, nobody knows how");
		return;
	}
	signo = WTERMSIG(status);
	if ((name = strsignal(signo)) == NULL)
		name = "?";
	(void)snprintf(buf, size, "killed by signal %d (%s)%s", signo, name,
	    signo == SIGSYS ? ": not allowed by its promises, see SANDBOX.md" :
			      "");
}

const char *
imsgpi_words_limit(int what)
{
#define LIMIT(name)                            \
	{                                      \
		RLIMIT_##name, "RLIMIT_" #name \
	}
	static const struct {
		int what;
		const char *name;
	} limits[] = {
		LIMIT(AS),
		LIMIT(CORE),
		LIMIT(CPU),
		LIMIT(DATA),
		LIMIT(FSIZE),
		LIMIT(NOFILE),
		LIMIT(STACK),
#ifdef RLIMIT_MEMLOCK
		LIMIT(MEMLOCK),
#endif
#ifdef RLIMIT_NPROC
		LIMIT(NPROC),
#endif
	};
	static char number[32];
	size_t i;

	for (i = 0; i < sizeof(limits) / sizeof(limits[0]); i++)
		if (limits[i].what == what)
			return limits[i].name;
	(void)snprintf(number, sizeof(number), "RLIMIT %d", what);
	return number;
}

int
imsgpi_words_text(struct imsg *m, char *buf, size_t size)
{
	size_t i, len = imsg_get_len(m);

	if (size == 0)
		return 0;
	if (len > size - 1)
		len = size - 1;
	if (len > 0 && imsg_get_buf(m, buf, len) == -1)
		return -1;
	for (i = 0; i < len; i++)
		if (buf[i] < ' ' || buf[i] > '~')
			buf[i] = '?';
	buf[len] = '\0';
	return 0;
}

int
imsgpi_words_failed(struct imsg *m, char *buf, size_t size, int *error)
{
	struct ctl_failed f;

	if (imsg_get_buf(m, &f, sizeof(f)) == -1)
		return -1;
	*error = f.error > 0 && f.error < 4096 ? f.error : EIO;
	if (imsg_get_len(m) == 0) {
		/* From between fork and exec, where nothing else is known. */
		(void)snprintf(buf, size, "cannot execute this program: %s",
		    strerror(*error));
		return 0;
	}
	return imsgpi_words_text(m, buf, size);
}
