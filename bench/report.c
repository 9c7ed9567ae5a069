/* SPDX-License-Identifier: ISC */
/* See report.h. */
#define _DEFAULT_SOURCE
#include <sys/utsname.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include "report.h"

static const char *const words[] = { "ok", "ok, stretch", "undecided",
	"falls short" };

static json_t *root, *cells, *last;
static const char *placement;
static int counts[4];

enum verdict
judge(double value, const struct bar *bar)
{
	if (value < bar->must)
		return VERDICT_SHORT;
	return value < bar->stretch ? VERDICT_OK : VERDICT_STRETCH;
}

enum verdict
worse(enum verdict a, enum verdict b)
{
	if (a == VERDICT_SHORT || b == VERDICT_SHORT)
		return VERDICT_SHORT;
	return a == VERDICT_STRETCH ? b : a;
}

void
verdict(enum verdict v)
{
	printf("  %s\n", words[v]);
	fflush(stdout);
	counts[v]++;
	if (last != NULL)
		(void)json_object_set_new(
		    last, "verdict", json_string(words[v]));
}

static json_t *
spread_json(const struct spread *s)
{
	return json_pack(
	    "{s:f,s:f,s:f}", "median", s->mid, "min", s->min, "max", s->max);
}

static json_t *
pairing_json(const struct pairing *p, const struct result *r, int k)
{
	return json_pack("{s:s,s:i,s:f,s:f,s:o,s:o,s:o,s:i,s:i}", "name",
	    p->name, "messages", r->n[k], "rate", r->rate[k],
	    "cpu_seconds_per_million", r->cpu[k], "speed_to_floor",
	    spread_json(&r->ratio[k]), "cpu_to_floor",
	    spread_json(&r->thrift[k]), "libimsg_to_this",
	    spread_json(&r->lead[k]), "peak_rss_kib_sender", (int)r->rss[k][0],
	    "peak_rss_kib_receiver", (int)r->rss[k][1]);
}

void
report_cell(
    const struct pairing *who, int count, int ours, const struct result *r)
{
	json_t *list = json_array();
	int k;

	for (k = 0; k < count; k++)
		(void)json_array_append_new(list, pairing_json(&who[k], r, k));
	last = json_pack("{s:s,s:s,s:i,s:i,s:i,s:i,s:o}", "kind", r->cell->kind,
	    "placement", placement, "size", (int)r->cell->size, "batch",
	    r->cell->batch, "rounds", r->rounds, "tries", r->tries,
	    "contenders", list);
	(void)json_array_append_new(cells, last);
	printf("%s %7zu B x %-3d %-3s %9.1f k/s, again %.2f, %s %.2f "
	       "(%.2f-%.2f)",
	    r->cell->kind, r->cell->size, r->cell->batch, who[0].name,
	    r->rate[0] / 1000, r->ratio[1].mid, who[ours].name,
	    r->ratio[ours].mid, r->ratio[ours].min, r->ratio[ours].max);
}

void
report_figure(const char *name, double value)
{
	last = json_pack("{s:s,s:f}", "figure", name, "value", value);
	(void)json_array_append_new(cells, last);
}

void
report_placement(const char *where)
{
	placement = where;
	printf("\n-- %s\n", where);
}

/* The first two words of /proc/loadavg, or nothing. */
static void
load(char *buf, size_t n)
{
	FILE *f = fopen("/proc/loadavg", "r");

	buf[0] = '\0';
	if (f == NULL)
		return;
	if (fgets(buf, (int)n, f) == NULL)
		buf[0] = '\0';
	buf[strcspn(buf, "\n")] = '\0';
	(void)fclose(f);
}

void
report_start(void)
{
	struct utsname u;
	char l[64];
	long cores = sysconf(_SC_NPROCESSORS_ONLN);

	must(uname(&u) == 0, "uname");
	load(l, sizeof(l));
	printf("%s %s %s, %ld cores, load %s, compiler %s, rounds %d\n",
	    u.sysname, u.release, u.machine, cores, l, __VERSION__,
	    setting.rounds);
	cells = json_array();
	root = json_pack("{s:s,s:s,s:i,s:s,s:s,s:O}", "system", u.sysname,
	    "kernel", u.release, "cores", (int)cores, "load", l, "compiler",
	    __VERSION__, "results", cells);
	must(root != NULL, "json");
}

int
report_end(const char *path)
{
	printf("\nbars: %d ok (%d of them with the stretch), %d undecided, "
	       "%d short\n",
	    counts[VERDICT_OK] + counts[VERDICT_STRETCH],
	    counts[VERDICT_STRETCH], counts[VERDICT_UNDECIDED],
	    counts[VERDICT_SHORT]);
	if (path != NULL)
		must(json_dump_file(root, path,
			 JSON_INDENT(1) | JSON_REAL_PRECISION(5)) == 0,
		    path);
	json_decref(cells);
	json_decref(root);
	return counts[VERDICT_SHORT] > 0;
}
