/* SPDX-License-Identifier: ISC */
/*
 * The benchmark's cells and the bars that libimsg has to reach in them.
 *
 * A ratio above 1 is faster than the floor.  Bars are those of
 * docs/PERFORMANCE.md.
 */
#define _DEFAULT_SOURCE
#include <sys/resource.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kinds.h"
#include "report.h"

static const struct pairing streams[] = {
	{ "A", &floor_a, &floor_a },
	{ "A'", &floor_a, &floor_a },
	{ "libimsg", &with_imsg, &with_imsg },
	{ "A2", &floor_a2, &floor_a2 },
};
static const struct pairing passers[] = {
	{ "B", &floor_b, &floor_b },
	{ "B'", &floor_b, &floor_b },
	{ "libimsg", &with_imsg, &with_imsg },
};
/* Peers that use a socket come first. */
static const struct pairing others[] = {
	{ "A", &floor_a, &floor_a },
	{ "A'", &floor_a, &floor_a },
	{ "libimsg", &with_imsg, &with_imsg },
#ifdef HAVE_ZMQ
	{ "ZeroMQ", &peer_zmq, &peer_zmq },
#endif
#ifdef HAVE_NNG
	{ "nng", &peer_nng, &peer_nng },
#endif
#ifdef HAVE_SDBUS
	{ "sd-bus", &peer_sdbus, &peer_sdbus },
#endif
#ifdef HAVE_WAYLAND
	{ "libwayland", &peer_wayland, &peer_wayland },
#endif
#ifdef HAVE_QB
	{ "libqb IPC (shm)", &peer_qb, &peer_qb },
	{ "libqb ring (shm)", &peer_qbrb, &peer_qbrb },
#endif
};
static const struct pairing books[] = {
	{ "textbook", &textbook, &textbook },
	{ "textbook'", &textbook, &textbook },
	{ "libimsg sends", &with_imsg, &textbook },
	{ "libimsg receives", &textbook, &with_imsg },
};

static const struct pairing idle = { "none", &nothing, &nothing };
static const struct pairing traced = { "traced", &with_trace, &with_trace };

#define COUNT(a) ((int)(sizeof(a) / sizeof((a)[0])))
#define OURS	 2

#ifdef HAVE_LOOP
#define KINDS "TRFXGCPL2"
#else
#define KINDS "TRFXGCP2"
#endif

/* Peak memory of either end: floor A, what is queued, and 1 MiB. */
static enum verdict
memory(const struct result *r, int ours)
{
	long queued = (long)((size_t)r->cell->batch * (r->cell->size + 16));
	long more, most = 0;
	int e;

	for (e = 0; e < 2; e++) {
		more = r->rss[ours][e] - r->rss[0][e];
		most = more > most ? more : most;
	}
	printf(", rss +%ld K", most);
	return most <= queued / 1024 + 1024 ? VERDICT_STRETCH : VERDICT_SHORT;
}

static void
stream(const char *kind, size_t size, int batch, const struct bar *a,
    const struct bar *a2)
{
	const struct cell cell = { kind, size, batch, 1 };
	struct result r;
	enum verdict v;

	measure(streams, COUNT(streams), OURS, &cell, &r);
	report_cell(streams, COUNT(streams), OURS, &r);
	printf(", of A2 %.2f, cpu %.2f", r.lead[3].mid, r.thrift[OURS].mid);
	v = judge(r.ratio[OURS].mid, a);
	if (a2 != NULL)
		v = worse(v, judge(r.lead[3].mid, a2));
	if (kind[0] == 'T')
		v = worse(v, memory(&r, OURS));
	if (v == VERDICT_STRETCH && a2 == NULL)
		v = judge(r.ratio[OURS].mid, a);
	verdict(decided(&r) ? v : VERDICT_UNDECIDED);
}

static void
throughput(void)
{
	static const size_t sizes[] = { 16, 64, 256, 1024, 4096, 16368, 65536,
		1 << 20 };
	static const struct bar a = { 0.70, 0 }, a2 = { 0.97, 1.05 },
				large = { 0.85, 0.95 }, one = { 0.95, 1 };
	size_t i;

	for (i = 0; i < 5; i++)
		stream("T", sizes[i], 64, &a, &a2);
	stream("T", 16368, 64, &large, NULL);
	stream("T", 65536, 16, &large, NULL);
	stream("T", 1 << 20, 4, &large, NULL);
	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		stream("T", sizes[i], 1, &one, NULL);
}

static void
round_trips(void)
{
	static const struct bar bar = { 1 / 1.05, 1 };

	stream("R", 16, 1, &bar, NULL);
	stream("R", 1024, 1, &bar, NULL);
	stream("R", 16368, 1, &bar, NULL);
}

static void
descriptors(void)
{
	static const struct bar bar = { 0.90, 1 };
	struct cell cell = { "F", 16, 64, 1 };
	struct result r;

	for (;; cell.batch = 1) {
		measure(passers, COUNT(passers), OURS, &cell, &r);
		report_cell(passers, COUNT(passers), OURS, &r);
		verdict(decided(&r) ? judge(r.ratio[OURS].mid, &bar) :
				      VERDICT_UNDECIDED);
		if (cell.batch == 1)
			return;
	}
}

/* Two cores: wake-ups decide; reported, only CPU time of R has a bar. */
static void
two_cores(void)
{
	static const struct cell cells[] = { { "T", 64, 64, 1 },
		{ "T", 4096, 64, 1 }, { "T", 64, 1, 1 }, { "R", 16, 1, 1 },
		{ "R", 1024, 1, 1 }, { "R", 16368, 1, 1 } };
	static const struct bar bar = { 1 / 1.05, 1 };
	struct result r;
	int i;

	for (i = 0; i < COUNT(cells); i++) {
		measure(streams, COUNT(streams), OURS, &cells[i], &r);
		report_cell(streams, COUNT(streams), OURS, &r);
		printf(", cpu %.2f (again %.2f)", r.thrift[OURS].mid,
		    r.thrift[1].mid);
		if (cells[i].kind[0] == 'R')
			verdict(judge(r.thrift[OURS].mid, &bar));
		else
			printf("  reported\n");
	}
}

static void
peers(void)
{
	static const struct cell cells[] = { { "T", 16, 64, 1 },
		{ "T", 64, 64, 1 }, { "T", 256, 64, 1 }, { "T", 1024, 64, 1 },
		{ "T", 4000, 64, 1 }, { "T", 64, 1, 1 }, { "R", 16, 1, 1 },
		{ "R", 1024, 1, 1 }, { "R", 4000, 1, 1 } };
	struct pairing who[MAX_PAIRINGS];
	struct result r;
	enum verdict v;
	int i, k, n;

	for (i = 0; i < COUNT(cells); i++) {
		for (k = n = 0; k < COUNT(others); k++)
			if (others[k].tx->can(&cells[i]))
				who[n++] = others[k];
		measure(who, n, OURS, &cells[i], &r);
		report_cell(who, n, OURS, &r);
		v = VERDICT_STRETCH;
		for (k = OURS + 1; k < n; k++) {
			const struct bar bar = { 1,
				cells[i].kind[0] == 'T' ? 3 : 1 };

			printf("\n\tof %s %.2f", who[k].name, r.lead[k].mid);
			if (strstr(who[k].name, "shm") != NULL ||
			    (cells[i].kind[0] == 'T' && cells[i].batch == 1))
				printf(" (reported)");
			else
				v = worse(v, judge(r.lead[k].mid, &bar));
		}
		verdict(v);
	}
}

/* One end is a program that has never heard of batches. */
static void
textbook_ends(void)
{
	static const struct cell cells[] = { { "T", 64, 64, 1 },
		{ "T", 1024, 64, 1 }, { "T", 16368, 64, 1 }, { "T", 64, 1, 1 },
		{ "T", 16368, 1, 1 } };
	static const struct bar bar = { 0.97, 1 };
	struct result r;
	enum verdict v;
	int i;

	for (i = 0; i < COUNT(cells); i++) {
		measure(books, COUNT(books), OURS, &cells[i], &r);
		report_cell(books, COUNT(books), OURS, &r);
		printf(", receives %.2f", r.ratio[3].mid);
		v = worse(
		    judge(r.ratio[2].mid, &bar), judge(r.ratio[3].mid, &bar));
		verdict(decided(&r) ? v : VERDICT_UNDECIDED);
	}
}

static const struct pairing *
find(const char *name)
{
	int k;

	for (k = 0; k < COUNT(others); k++)
		if (strcmp(others[k].name, name) == 0)
			return &others[k];
	for (k = 0; k < COUNT(streams); k++)
		if (strcmp(streams[k].name, name) == 0)
			return &streams[k];
	for (k = 0; k < COUNT(books); k++)
		if (strcmp(books[k].name, name) == 0)
			return &books[k];
	if (strcmp(name, idle.name) == 0)
		return &idle;
	if (strcmp(name, traced.name) == 0)
		return &traced;
#ifdef HAVE_LOOP
	if (loops_find(name) != NULL)
		return loops_find(name);
#endif
	return strcmp(name, "B") == 0 ? &passers[0] : NULL;
}

/* For profilers: bench -1 NAME KIND SIZE BATCH MESSAGES [CHANNELS] */
static int
once(char *argv[])
{
	const struct cell cell = { argv[1], strtoul(argv[2], NULL, 0),
		atoi(argv[3]), argv[5] == NULL ? 1 : atoi(argv[5]) };
	const struct pairing *who = find(argv[0]);
	int n = atoi(argv[4]);
	struct run run;

	if (who == NULL || !who->tx->can(&cell)) {
		fprintf(stderr, "%s: no such contender for this\n", argv[0]);
		return 2;
	}
	run = run_once(who, &cell, n);
	printf("%.4f us a message, cpu %.4f us, peak rss %ld and %ld K\n",
	    run.wall / n * 1e6, run.cpu / n * 1e6, run.rss[0], run.rss[1]);
	return 0;
}

static void
run_kind(char kind)
{
	switch (kind) {
	case 'T':
		throughput();
		break;
	case 'R':
		round_trips();
		break;
	case 'F':
		descriptors();
		break;
	case 'P':
		peers();
		break;
	case 'X':
		textbook_ends();
		break;
	case 'G':
		growth();
		break;
	case 'C':
		copies();
		break;
#ifdef HAVE_LOOP
	case 'L':
		loops();
		break;
#endif
	case '2':
		report_placement("two cores");
		setting.cpu[1] = 1;
		two_cores();
		setting.cpu[1] = 0;
		break;
	default:
		fprintf(stderr, "no kind %c\n", kind);
		exit(2);
	}
}

int
main(int argc, char *argv[])
{
	const char *kinds = KINDS, *json = NULL;
	const struct rlimit files = { 4096, 4096 };
	int c;

	(void)setrlimit(RLIMIT_NOFILE, &files);
	while ((c = getopt(argc, argv, "1r:b:j:k:")) != -1) {
		switch (c) {
		case '1':
			return argc - optind >= 5 ? once(argv + optind) : 2;
		case 'r':
			setting.rounds = atoi(optarg);
			break;
		case 'b':
			setting.budget = atof(optarg);
			break;
		case 'j':
			json = optarg;
			break;
		case 'k':
			kinds = optarg;
			break;
		default:
			fprintf(stderr,
			    "usage: bench [-r ROUNDS] [-b SECONDS] [-j FILE] "
			    "[-k " KINDS "]\n");
			return 2;
		}
	}
	if (setting.rounds < 1 || setting.rounds > MAX_ROUNDS)
		setting.rounds = 15;
	report_start();
	report_placement("one core");
	for (; *kinds != '\0'; kinds++)
		run_kind(*kinds);
	return report_end(json);
}
