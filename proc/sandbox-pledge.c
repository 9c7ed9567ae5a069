/* SPDX-License-Identifier: ISC */
/*
 * The sandbox for OpenBSD, whose promises these are: pledge(2) and unveil(2).
 *
 * Both end a process, or fail, that asks for more a second time, where the
 * other systems quietly go on with less; so what has been given up is kept in
 * mind here, and a second call asks for what is left.
 */
#include "feature.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "sandbox-int.h"

const char imsgpi_sandbox_kind[] = "pledge";

/* All names of promises with a space each. */
#define LIST_SIZE 256

static struct {
	bool entered;
	uint32_t promises;
} held;

static void
list_promises(char list[LIST_SIZE], uint32_t promises)
{
	const char *name;
	size_t len = 0;
	int n;

	list[0] = '\0';
	while ((name = imsgpi_promise(&promises)) != NULL) {
		n = snprintf(list + len, LIST_SIZE - len, "%s%s",
		    len > 0 ? " " : "", name);
		if (n < 0 || (size_t)n >= LIST_SIZE - len)
			return;
		len += (size_t)n;
	}
}

static int
unveil_paths(struct sandbox *sb)
{
	const struct imsgproc_path *p;

	if (sb->paths == NULL)
		return 0;
	if (held.entered) {
		/* That promise is never among them. */
		imsgpi_sandbox_missing(
		    sb, "paths", "only the first sandbox can have them");
		return 0;
	}
	for (p = sb->paths; p->path != NULL; p++)
		if (unveil(p->path, p->may) == -1)
			return imsgpi_sandbox_fail(sb, p->path);
	if (unveil(NULL, NULL) == -1)
		return imsgpi_sandbox_fail(sb, "unveil");
	return 0;
}

int
imsgpi_sandbox_enter(struct sandbox *sb)
{
	uint32_t promises = sb->promises;
	char list[LIST_SIZE];

	if (held.entered)
		promises &= held.promises;
	if (unveil_paths(sb) == -1)
		return -1;
	list_promises(list, promises);
	/* What is executed is held to them, too. */
	if (pledge(list, list) == -1)
		return imsgpi_sandbox_fail(sb, "pledge");
	held.entered = true;
	held.promises = promises;
	return 0;
}
