/* SPDX-License-Identifier: ISC */
/*
 * Measures contenders against floors in the same round.
 *
 * A round runs every contender once, in an order that rotates; a result is
 * the median over the rounds of the ratio to the floor of the same round, so
 * that what else the machine does cancels out.  Floor A also runs a second
 * time under the name A': a cell counts only if A'/A is within 0.97 to 1.03.
 */
#define _GNU_SOURCE
#include <sys/socket.h>
#include <sys/wait.h>

#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "bench.h"

#define MAX_ROUNDS     101
#define MAX_CONTENDERS 8

/* Positions of the contenders in every list. */
enum { FLOOR, AGAIN, OURS, FLOOR2 };

static int short_of_a_bar;
static int rounds = 15;
static int one_core = 1;
static double budget = 32e6; /* bytes a run */

void
must(int ok, const char *what)
{
	if (!ok) {
		perror(what);
		_exit(1);
	}
}

uint64_t
touch(const void *p, size_t n)
{
	uint64_t v = 0;

	if (n >= sizeof(v))
		memcpy(&v, p, sizeof(v));
	return v;
}

static double
now(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void
pin(unsigned int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	must(sched_setaffinity(0, sizeof(set), &set) == 0, "setaffinity");
}

static void
send_many(const struct contender *c, void *end, const struct cell *cell,
    const void *data, int n)
{
	static int null = -1;
	int i, fd = -1;

	if (cell->fds && null == -1)
		must((null = open("/dev/null", O_RDONLY)) != -1, "/dev/null");
	for (i = 1; i <= n; i++) {
		if (cell->fds)
			must((fd = dup(null)) != -1, "dup");
		c->send(end, data, fd, i % cell->batch == 0 || i == n);
	}
}

static void
answer(const struct contender *c, void *end, int n, const void *data, int echo)
{
	while (n-- > 0) {
		(void)c->recv(end);
		if (echo)
			c->send(end, data, -1, 1);
	}
}

/* Seconds for n messages, or for n round trips; negative: cannot. */
static double
run(const struct contender *c, const struct cell *cell, int n, int echo)
{
	unsigned char *data = calloc(1, cell->size + 8);
	double t;
	void *end;
	pid_t pid;
	char ok;
	int s[2], ctl[2], i, warm = 2 * cell->batch;

	must(data != NULL, "calloc");
	must(socketpair(AF_UNIX, SOCK_STREAM, 0, s) == 0, "socketpair");
	must(pipe(ctl) == 0, "pipe");
	must((pid = fork()) != -1, "fork");
	if (pid == 0) {
		pin(one_core ? 0 : 1);
		if ((end = c->open(s[1], cell)) == NULL)
			_exit(0);
		answer(c, end, warm, data, echo);
		must(write(ctl[1], "w", 1) == 1, "write");
		answer(c, end, n, data, echo);
		must(write(ctl[1], "d", 1) == 1, "write");
		c->close(end);
		_exit(0);
	}
	(void)close(ctl[1]);
	t = -1;
	if ((end = c->open(s[0], cell)) != NULL) {
		for (i = 0; i < warm && echo; i++) {
			c->send(end, data, -1, 1);
			(void)c->recv(end);
		}
		if (!echo)
			send_many(c, end, cell, data, warm);
		must(read(ctl[0], &ok, 1) == 1, "warm-up");
		t = now();
		for (i = 0; i < n && echo; i++) {
			c->send(end, data, -1, 1);
			(void)c->recv(end);
		}
		if (!echo)
			send_many(c, end, cell, data, n);
		must(read(ctl[0], &ok, 1) == 1, "end");
		t = now() - t;
		c->close(end);
	}
	(void)close(s[0]);
	(void)close(s[1]);
	(void)close(ctl[0]);
	must(waitpid(pid, NULL, 0) == pid, "waitpid");
	free(data);
	return t;
}

static int
by_value(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static int
count_for(const struct cell *cell, int echo)
{
	double n = budget / (double)(cell->size + 64);

	if (cell->batch == 1)
		n /= 4;
	if (cell->fds || echo)
		n /= 8;
	n = n > 300000 ? 300000 : n < 24 ? 24 : n;
	return (int)n / cell->batch * cell->batch + cell->batch;
}

static double
median(double *v)
{
	qsort(v, (size_t)rounds, sizeof(*v), by_value);
	return v[rounds / 2];
}

/* What libimsg has to reach: a ratio to the floor, and to floor A2. */
struct bar {
	double floor;
	double floor2;
};

static const char *
judge(double null, double ours, double ours2, const struct bar *bar)
{
	if (null < 0.97 || null > 1.03)
		return "undecided";
	if (ours >= bar->floor && ours2 >= bar->floor2)
		return "ok";
	short_of_a_bar = 1;
	return "falls short";
}

/* Every contender once a round; ratio > 1: faster than the floor. */
static void
measure(const char *kind, const struct contender *const *who, int nwho,
    const struct cell *cell, int echo, const struct bar *bar)
{
	static double ratio[MAX_CONTENDERS + 1][MAX_ROUNDS];
	double t[MAX_CONTENDERS], m[MAX_CONTENDERS + 1] = { 0 }, best = 0;
	int r, i, k, n = count_for(cell, echo);

	for (r = 0; r < rounds; r++) {
		for (i = 0; i < nwho; i++) {
			k = (i + r) % nwho;
			t[k] = run(who[k], cell, n, echo);
		}
		for (k = 0; k < nwho; k++)
			ratio[k][r] = t[FLOOR] / t[k];
		ratio[nwho][r] = nwho > FLOOR2 ? t[FLOOR2] / t[OURS] : 1;
		if (n / t[FLOOR] > best)
			best = n / t[FLOOR];
	}
	for (k = 0; k <= nwho; k++)
		m[k] = median(ratio[k]);
	printf("%s %7zu B, batch %2d: floor %8.0f k/s, again %.2f, "
	       "libimsg %.2f (%.2f-%.2f)",
	    kind, cell->size, cell->batch, best / 1000, m[AGAIN], m[OURS],
	    ratio[OURS][0], ratio[OURS][rounds - 1]);
	if (nwho > FLOOR2)
		printf(", of A2 %.2f", m[nwho]);
	printf("  %s\n", judge(m[AGAIN], m[OURS], m[nwho], bar));
	fflush(stdout);
}

static const struct contender *const streams[] = { &floor_a, &floor_a,
	&with_imsg, &floor_a2 };
static const struct contender *const passers[] = { &floor_b, &floor_b,
	&with_imsg };

static void
throughput(void)
{
	static const struct cell cells[] = { { 16, 64, 0 }, { 64, 64, 0 },
		{ 256, 64, 0 }, { 1024, 64, 0 }, { 4096, 64, 0 },
		{ 16368, 64, 0 }, { 65536, 16, 0 }, { 1 << 20, 4, 0 },
		{ 16, 1, 0 }, { 64, 1, 0 }, { 256, 1, 0 }, { 1024, 1, 0 },
		{ 4096, 1, 0 }, { 16368, 1, 0 }, { 65536, 1, 0 },
		{ 1 << 20, 1, 0 } };
	static const struct bar small = { 0.70, 0.97 }, large = { 0.85, 0 },
				single = { 0.95, 0 };
	size_t i;

	for (i = 0; i < sizeof(cells) / sizeof(cells[0]); i++)
		measure("T", streams, 4, &cells[i], 0,
		    cells[i].batch == 1	      ? &single :
			cells[i].size <= 4096 ? &small :
						&large);
}

static void
round_trips(void)
{
	static const struct cell cells[] = { { 16, 1, 0 }, { 1024, 1, 0 },
		{ 16368, 1, 0 } };
	static const struct bar bar = { 1 / 1.05, 0 };
	size_t i;

	for (i = 0; i < 3; i++)
		measure("R", streams, 4, &cells[i], 1, &bar);
}

static void
descriptors(void)
{
	static const struct cell cells[] = { { 16, 64, 1 }, { 16, 1, 1 } };
	static const struct bar bar = { 0.90, 0 };
	size_t i;

	for (i = 0; i < 2; i++)
		measure("F", passers, 3, &cells[i], 0, &bar);
}

int
main(int argc, char *argv[])
{
	int c;

	while ((c = getopt(argc, argv, "2r:b:")) != -1) {
		switch (c) {
		case '2':
			one_core = 0;
			break;
		case 'r':
			rounds = atoi(optarg);
			break;
		case 'b':
			budget = atof(optarg);
			break;
		default:
			fprintf(stderr,
			    "usage: bench [-2] [-r ROUNDS] "
			    "[-b BYTES] [T] [R] [F]\n");
			return 2;
		}
	}
	if (rounds < 1 || rounds > MAX_ROUNDS)
		rounds = 15;
	pin(0);
	if (optind == argc || strchr(argv[optind], 'T') != NULL)
		throughput();
	if (optind == argc || strchr(argv[optind], 'R') != NULL)
		round_trips();
	if (optind == argc || strchr(argv[optind], 'F') != NULL)
		descriptors();
	return short_of_a_bar;
}
