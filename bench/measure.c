/* SPDX-License-Identifier: ISC */
/*
 * Measures contenders in the same round.
 *
 * A run is two fresh processes, pinned, over a fresh socket pair; so nothing
 * that one contender did to the heap or to the socket touches the next.  What
 * else the machine does cancels out in ratios of the same round, whose median
 * counts; what does not cancel out shows in the floor measured twice.
 */
#define _GNU_SOURCE
#include <sys/types.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "measure.h"

/* Descriptors of the ends; with many channels the numbers are consecutive. */
#define FIRST_FD  100
#define NULL_ROOM 0.03
#define TRIES	  3

struct setting setting = { 15, { 0, 0 }, 0.04 };

/* What the ends tell the coordinator, by the clock that all share. */
struct report {
	double start, end, cpu;
};

void
die(const char *what)
{
	perror(what);
	exit(1);
}

double
now(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static double
cpu_time(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void
pin(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET((unsigned)cpu, &set);
	must(sched_setaffinity(0, sizeof(set), &set) == 0, "setaffinity");
}

/* A descriptor for a message. */
static int
fresh_fd(void)
{
	static int null = -1;
	int fd;

	if (null == -1)
		must((null = open("/dev/null", O_RDONLY)) != -1, "/dev/null");
	must((fd = dup(null)) != -1, "dup");
	return fd;
}

static void
send_all(const struct contender *c, void *end, const struct cell *cell,
    const void *data, int n)
{
	int passing = cell->kind[0] == 'F', left = cell->batch;

	while (n-- > 0) {
		if (n > 0 && --left > 0) {
			c->send(end, data, passing ? fresh_fd() : -1, 0);
			continue;
		}
		c->send(end, data, passing ? fresh_fd() : -1, 1);
		left = cell->batch;
	}
}

static void
work(const struct contender *c, void *end, const struct cell *cell, int side,
    int n)
{
	static unsigned char *data;

	if (data == NULL)
		must((data = calloc(1, cell->size + 8)) != NULL, "calloc");
	if (cell->kind[0] == 'R') {
		while (n-- > 0) {
			if (side == 0)
				c->send(end, data, -1, 1);
			(void)c->recv(end);
			if (side == 1)
				c->send(end, data, -1, 1);
		}
	} else if (side == 0) {
		send_all(c, end, cell, data, n);
	} else {
		while (n-- > 0)
			(void)c->recv(end);
	}
}

/* Both ends; sync is a pair of sockets between them beside the channel. */
static void
one_end(const struct contender *c, const struct cell *cell,
    const struct place *at, int n, int sync, int out)
{
	int unit = cell->batch * cell->channels;
	int warm = n / 4 / unit * unit + (unit > 1000 ? 1 : 4) * unit;
	struct report r;
	double cpu;
	char byte;
	void *end;

	pin(setting.cpu[at->side]);
	alarm(120);
	end = c->open(at, cell);
	work(c, end, cell, at->side, warm);
	must(write(sync, "w", 1) == 1 && read(sync, &byte, 1) == 1, "warm-up");
	r.start = now();
	cpu = cpu_time();
	work(c, end, cell, at->side, n);
	r.end = now();
	r.cpu = cpu_time() - cpu;
	must(write(sync, "d", 1) == 1 && read(sync, &byte, 1) == 1, "end");
	must(write(out, &r, sizeof(r)) == sizeof(r), "report");
	c->close(end);
	exit(0);
}

static void
make_pairs(int channels, int first[2])
{
	int i, k, s[2];

	first[0] = FIRST_FD;
	first[1] = FIRST_FD + channels;
	for (i = 0; i < channels; i++) {
		must(socketpair(AF_UNIX, SOCK_STREAM, 0, s) == 0, "socketpair");
		for (k = 0; k < 2; k++) {
			must(dup2(s[k], first[k] + i) != -1, "dup2");
			(void)close(s[k]);
		}
	}
}

struct run
run_once(const struct pairing *who, const struct cell *cell, int n)
{
	char dir[] = "/tmp/imsg-bench-XXXXXX";
	int first[2], sync[2], out[2], k, i, status;
	struct run run = { 0, 0, { 0, 0 } };
	double start = 0, end = 0;
	struct rusage ru;
	struct report r;
	pid_t pid[2];

	must(mkdtemp(dir) != NULL, "mkdtemp");
	make_pairs(cell->channels, first);
	must(socketpair(AF_UNIX, SOCK_STREAM, 0, sync) == 0 && pipe(out) == 0,
	    "socketpair");
	fflush(NULL);
	for (k = 0; k < 2; k++) {
		must((pid[k] = fork()) != -1, "fork");
		if (pid[k] == 0) {
			const struct place at = { k, first[k], dir };

			(void)close(sync[!k]);
			for (i = 0; i < cell->channels; i++)
				(void)close(first[!k] + i);
			one_end(k == 0 ? who->tx : who->rx, cell, &at, n,
			    sync[k], out[1]);
		}
	}
	for (k = 0; k < 2; k++) {
		(void)close(sync[k]);
		for (i = 0; i < cell->channels; i++)
			(void)close(first[k] + i);
	}
	(void)close(out[1]);
	for (k = 0; k < 2; k++) {
		must(read(out[0], &r, sizeof(r)) == sizeof(r), who->name);
		start = k == 0 || r.start < start ? r.start : start;
		end = r.end > end ? r.end : end;
		run.cpu += r.cpu;
	}
	for (k = 0; k < 2; k++) {
		must(wait4(pid[k], &status, 0, &ru) == pid[k], "wait4");
		run.rss[k] = ru.ru_maxrss;
	}
	run.wall = end - start;
	(void)close(out[0]);
	(void)rmdir(dir);
	return run;
}

static int
by_value(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

struct spread
spread_of(double *v, int n)
{
	struct spread s;

	qsort(v, (size_t)n, sizeof(*v), by_value);
	s.min = v[0];
	s.mid = v[n / 2];
	s.max = v[n - 1];
	return s;
}

/*
 * So many that a run takes about setting.budget.  Fresh processes take their
 * first steps slowly, so a short run tells little about a long one.
 */
static int
count_for(const struct pairing *who, const struct cell *cell)
{
	int unit = cell->batch * cell->channels, n = unit;
	double t, again;

	while ((t = run_once(who, cell, n).wall) < setting.budget / 2 &&
	    n < 1 << 22)
		n *= 2;
	/* Once more: a run that was disturbed would make all others short. */
	again = run_once(who, cell, n).wall;
	t = n * setting.budget / (again < t ? again : t);
	n = t > 4e6 ? 4000000 : (int)t;
	return n / unit * unit + unit;
}

/* Seconds a message, of every contender in every round. */
static double wall[MAX_PAIRINGS][MAX_ROUNDS];
static double cpu[MAX_PAIRINGS][MAX_ROUNDS];

static struct spread
ratio(const double *over, const double *under, int n)
{
	double v[MAX_ROUNDS];
	int r;

	for (r = 0; r < n; r++)
		v[r] = over[r] / under[r];
	return spread_of(v, n);
}

static void
rounds(const struct pairing *who, int count, int ours, struct result *res)
{
	int r, i, k, e;

	for (r = 0; r < res->rounds; r++) {
		for (i = 0; i < count; i++) {
			struct run run;

			k = (i + r) % count;
			run = run_once(&who[k], res->cell, res->n[k]);
			wall[k][r] = run.wall / res->n[k];
			cpu[k][r] = run.cpu / res->n[k];
			for (e = 0; e < 2; e++)
				if (run.rss[e] > res->rss[k][e])
					res->rss[k][e] = run.rss[e];
		}
	}
	for (k = 0; k < count; k++) {
		res->ratio[k] = ratio(wall[0], wall[k], res->rounds);
		res->thrift[k] = ratio(cpu[0], cpu[k], res->rounds);
		res->lead[k] = ratio(wall[k], wall[ours], res->rounds);
	}
	/* Last: sorting these rows ends their order by rounds. */
	for (k = 0; k < count; k++) {
		res->rate[k] = 1 / spread_of(wall[k], res->rounds).mid;
		res->cpu[k] = spread_of(cpu[k], res->rounds).mid * 1e6;
	}
}

int
decided(const struct result *res)
{
	return res->ratio[1].mid >= 1 - NULL_ROOM &&
	    res->ratio[1].mid <= 1 + NULL_ROOM;
}

void
measure(const struct pairing *who, int count, int ours, const struct cell *cell,
    struct result *res)
{
	int k;

	memset(res, 0, sizeof(*res));
	res->cell = cell;
	for (k = 0; k < count; k++)
		res->n[k] = k == 1 ? res->n[0] : count_for(&who[k], cell);
	do {
		res->rounds = setting.rounds;
		/* A second try looks longer. */
		if (res->tries > 0 && res->rounds < 15)
			res->rounds = 15;
		rounds(who, count, ours, res);
	} while (++res->tries < TRIES && !decided(res));
}
