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
pin(int cpu)
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

/* The floor first; ratio > 1: faster than the floor. */
static void
measure(const char *kind, const struct contender *const *who, int nwho,
    const struct cell *cell, int echo)
{
	static double ratio[MAX_CONTENDERS][MAX_ROUNDS];
	double t[MAX_CONTENDERS], best = 0;
	int r, i, k, n = count_for(cell, echo);

	for (r = 0; r < rounds; r++) {
		for (i = 0; i < nwho; i++) {
			k = (i + r) % nwho;
			t[k] = run(who[k], cell, n, echo);
		}
		for (k = 0; k < nwho; k++)
			ratio[k][r] = t[0] / t[k];
		if (n / t[0] > best)
			best = n / t[0];
	}
	printf("%s %7zu B batch %2d  floor %8.0f k/s ", kind, cell->size,
	    cell->batch, best / 1000);
	for (k = 1; k < nwho; k++) {
		qsort(ratio[k], (size_t)rounds, sizeof(double), by_value);
		printf("  %s %.2f (%.2f-%.2f)", k == 1 ? "null" : who[k]->name,
		    ratio[k][rounds / 2], ratio[k][0], ratio[k][rounds - 1]);
	}
	printf("\n");
	fflush(stdout);
}

static void
throughput(void)
{
	static const struct cell cells[] = { { 16, 64, 0 }, { 64, 64, 0 },
		{ 256, 64, 0 }, { 1024, 64, 0 }, { 4096, 64, 0 },
		{ 16368, 64, 0 }, { 65536, 16, 0 }, { 1 << 20, 4, 0 },
		{ 16, 1, 0 }, { 64, 1, 0 }, { 256, 1, 0 }, { 1024, 1, 0 },
		{ 4096, 1, 0 }, { 16368, 1, 0 }, { 65536, 1, 0 },
		{ 1 << 20, 1, 0 } };
	static const struct contender *const who[] = { &floor_a, &floor_a,
		&floor_a2, &with_imsg };
	size_t i;

	for (i = 0; i < sizeof(cells) / sizeof(cells[0]); i++)
		measure("T", who, 4, &cells[i], 0);
}

static void
round_trips(void)
{
	static const struct cell cells[] = { { 16, 1, 0 }, { 1024, 1, 0 },
		{ 16368, 1, 0 } };
	static const struct contender *const who[] = { &floor_a, &floor_a,
		&floor_a2, &with_imsg };
	size_t i;

	for (i = 0; i < 3; i++)
		measure("R", who, 4, &cells[i], 1);
}

static void
descriptors(void)
{
	static const struct cell cells[] = { { 16, 64, 1 }, { 16, 1, 1 } };
	static const struct contender *const who[] = { &floor_b, &floor_b,
		&with_imsg };
	size_t i;

	for (i = 0; i < 2; i++)
		measure("F", who, 3, &cells[i], 0);
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
	return 0;
}
