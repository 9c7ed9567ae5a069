/* SPDX-License-Identifier: ISC */
/*
 * Promises: their names, their bits, and what all systems do alike when a
 * process is locked in.
 */
#include "feature.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "sandbox-int.h"

/* In the order of the bits. */
static const char promise_names[][8] = {
	"stdio",
	"rpath",
	"wpath",
	"cpath",
	"dpath",
	"fattr",
	"chown",
	"flock",
	"unix",
	"inet",
	"mcast",
	"dns",
	"getpw",
	"recvfd",
	"sendfd",
	"tty",
	"proc",
	"exec",
	"id",
	"ps",
	"vminfo",
	"settime",
	"error",
};
#define NPROMISES (sizeof(promise_names) / sizeof(promise_names[0]))

static uint32_t
promise_bit(const char *name, size_t len)
{
	size_t i;

	for (i = 0; i < NPROMISES; i++)
		if (strlen(promise_names[i]) == len &&
		    memcmp(promise_names[i], name, len) == 0)
			return (uint32_t)1 << i;
	return 0;
}

int
imsgpi_promises(const char *list, uint32_t *promises)
{
	uint32_t bit, bits = 0;
	size_t len;

	if (list == NULL) {
		errno = EINVAL;
		return -1;
	}
	for (list += strspn(list, " "); *list != '\0';
	     list += strspn(list, " ")) {
		len = strcspn(list, " ");
		if ((bit = promise_bit(list, len)) == 0) {
			errno = EINVAL;
			return -1;
		}
		bits |= bit;
		list += len;
	}
	*promises = bits;
	return 0;
}

const char *
imsgpi_promise(uint32_t *promises)
{
	size_t i;

	for (i = 0; i < NPROMISES; i++)
		if (*promises & (uint32_t)1 << i) {
			*promises &= ~((uint32_t)1 << i);
			return promise_names[i];
		}
	return NULL;
}

int
imsgpi_may(const char *letters, unsigned int *may)
{
	unsigned int bits = 0;

	if (letters == NULL) {
		errno = EINVAL;
		return -1;
	}
	for (; *letters != '\0'; letters++)
		switch (*letters) {
		case 'r':
			bits |= MAY_READ;
			break;
		case 'w':
			bits |= MAY_WRITE;
			break;
		case 'x':
			bits |= MAY_EXEC;
			break;
		case 'c':
			bits |= MAY_CREATE;
			break;
		default:
			errno = EINVAL;
			return -1;
		}
	*may = bits;
	return 0;
}

static void
say(struct sandbox *sb, const char *before, const char *a, const char *b)
{
	int n;

	if (sb->size - sb->len <= 1)
		return;
	n = snprintf(sb->why + sb->len, sb->size - sb->len, "%s%s: %s",
	    sb->len > 0 ? before : "", a, b);
	if (n > 0)
		sb->len += (size_t)n < sb->size - sb->len ?
		    (size_t)n :
		    sb->size - sb->len - 1;
}

void
imsgpi_sandbox_missing(
    struct sandbox *sb, const char *what, const char *because)
{
	sb->missing++;
	say(sb, "; ", what, because);
}

int
imsgpi_sandbox_fail(struct sandbox *sb, const char *what)
{
	int saved = errno;

	/* The one thing that is of interest now. */
	sb->len = 0;
	say(sb, "", what, strerror(saved));
	errno = saved;
	return -1;
}

static int
sandbox_paths_check(struct sandbox *sb)
{
	const struct imsgproc_path *p;
	unsigned int may;

	for (p = sb->paths; p != NULL && p->path != NULL; p++)
		if (imsgpi_may(p->may, &may) == -1)
			return imsgpi_sandbox_fail(sb, p->path);
	return 0;
}

int
imsgproc_sandbox_check(const char *promises)
{
	uint32_t bits;

	return imsgpi_promises(promises, &bits);
}

int
imsgpi_lock_in(const char *promises, const struct imsgproc_path *paths,
    unsigned int flags, char *why, size_t size)
{
	struct sandbox sb;

	memset(&sb, 0, sizeof(sb));
	sb.paths = paths;
	sb.flags = flags;
	sb.why = why;
	sb.size = why != NULL ? size : 0;
	if (sb.size > 0)
		why[0] = '\0';
	if (imsgpi_promises(promises, &sb.promises) == -1)
		return imsgpi_sandbox_fail(&sb, "promises");
	if (sandbox_paths_check(&sb) == -1)
		return -1;
	/* localtime(3) then has no file to open. */
	tzset();
	if (imsgpi_sandbox_enter(&sb) == -1)
		return -1;
	if (sb.missing == 0)
		return 0;
	if (flags & IMSGPROC_MUST_SANDBOX) {
		errno = ENOTSUP;
		return -1;
	}
	return 1;
}

int
imsgproc_sandbox(const char *promises, const struct imsgproc_path *paths,
    unsigned int flags, char *why, size_t size)
{
	return imsgpi_lock_in(
	    promises, paths, flags & IMSGPROC_MUST_SANDBOX, why, size);
}

const char *
imsgproc_sandbox_name(void)
{
	return imsgpi_sandbox_kind;
}
