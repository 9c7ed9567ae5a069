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

/*
 * At most a tenth dearer, in CPU time of both ends: on one core it is the time
 * itself, and who else uses the core does not disturb it.  The second way of
 * using it is reported, and so is one message at a time, where waiting in
 * poll(2) is one system call more for each.
 */
static void
cell(const struct pairing *who, const struct cell *c)
{
	static const struct bar bar = { 1 / 1.10, 1 };
	struct result r;

	measure(who, 4, OURS, c, &r);
	report_cell(who, 4, OURS, &r);
	printf(", cpu %.2f (again %.2f), %s %.2f, cpu %.2f", r.thrift[OURS].mid,
	    r.thrift[1].mid, who[3].name, r.ratio[3].mid, r.thrift[3].mid);
	if (c->kind[0] == 'T' && c->batch == 1)
		printf("  reported\n");
	else
		verdict(judge(r.thrift[OURS].mid, &bar));
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
