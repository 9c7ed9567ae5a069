/* SPDX-License-Identifier: ISC */
/*
 * What imsg_loop and imsg_call cost beside the bare library.
 *
 * Here the floor is libimsg itself, read and written in a loop of two lines.
 */
#include <stdio.h>
#include <string.h>

#include "kinds.h"
#include "report.h"

#define BARE "libimsg", &with_imsg, &with_imsg
#define OURS 2

static const struct pairing messages[] = {
	{ BARE },
	{ "libimsg'", &with_imsg, &with_imsg },
	{ "loop", &with_imsg, &with_loop },
	{ "loop, both", &with_loop, &with_loop },
};
static const struct pairing calls[] = {
	{ BARE },
	{ "libimsg'", &with_imsg, &with_imsg },
	{ "call", &with_wait, &with_wait },
	{ "call, loop", &with_call, &with_call },
};

/* At most a tenth dearer; the second way of using it is reported. */
static void
cell(const struct pairing *who, const struct cell *c)
{
	static const struct bar bar = { 1 / 1.10, 1 };
	struct result r;

	measure(who, 4, OURS, c, &r);
	report_cell(who, 4, OURS, &r);
	printf(", %s %.2f", who[3].name, r.ratio[3].mid);
	verdict(
	    decided(&r) ? judge(r.ratio[OURS].mid, &bar) : VERDICT_UNDECIDED);
}

void
loops(void)
{
	static const struct cell t[] = { { "T", 64, 64, 1 },
		{ "T", 1024, 64, 1 }, { "T", 64, 1, 1 } };
	static const struct cell c[] = { { "R", 16, 1, 1 },
		{ "R", 1024, 1, 1 } };
	int i;

	for (i = 0; i < 3; i++)
		cell(messages, &t[i]);
	for (i = 0; i < 2; i++)
		cell(calls, &c[i]);
}

const struct pairing *
loops_find(const char *name)
{
	int i;

	for (i = OURS; i < 4; i++) {
		if (strcmp(messages[i].name, name) == 0)
			return &messages[i];
		if (strcmp(calls[i].name, name) == 0)
			return &calls[i];
	}
	return NULL;
}
