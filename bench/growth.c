/* SPDX-License-Identifier: ISC */
/*
 * Does the cost stay the same as there is more of it?  Messages queued before
 * a flush, and channels in one process.  And floor C: what the same bytes cost
 * in memory alone.
 */
#define _DEFAULT_SOURCE
#include <sys/socket.h>
#include <sys/wait.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <imsg.h>

#include "kinds.h"
#include "report.h"

#define SIZE 64

/* Reads and forgets. */
static pid_t
drain(int s[2])
{
	static char buf[65536];
	pid_t pid;

	must(socketpair(AF_UNIX, SOCK_STREAM, 0, s) == 0, "socketpair");
	fflush(NULL);
	must((pid = fork()) != -1, "fork");
	if (pid == 0) {
		(void)close(s[0]);
		while (read(s[1], buf, sizeof(buf)) > 0)
			continue;
		_exit(0);
	}
	(void)close(s[1]);
	return pid;
}

/* Nanoseconds of one imsg_compose() while so many are queued. */
static double
compose_cost(struct imsgbuf *ch, int queued, size_t size)
{
	static unsigned char data[65536];
	int i, k, fills = 200000 / queued > 0 ? 200000 / queued : 1;
	double t, sum = 0, clock = now();

	for (k = 0; k < 1000; k++)
		t = now();
	clock = (t - clock) / 1000;
	for (k = 0; k < fills; k++) {
		t = now();
		for (i = 0; i < queued; i++)
			(void)imsg_compose(ch, 1, 0, 0, -1, data, size);
		sum += now() - t - clock;
		must(imsgbuf_flush(ch) == 0, "flush");
	}
	return sum / fills / queued * 1e9;
}

static void
composing(void)
{
	static const struct bar bar = { 1 / 1.5, 1 / 1.2 };
	double v[MAX_ROUNDS], cost[7], low, high, sum[7] = { 0 };
	char name[64];
	struct imsgbuf ch;
	int s[2], r, q, n;
	pid_t pid = drain(s);

	must(imsgbuf_init(&ch, s[0]) == 0, "imsgbuf_init");
	for (r = -1; r < setting.rounds; r++) {
		low = 1e9;
		high = 0;
		for (q = 0, n = 10; n <= 1000000; q++, n *= 10) {
			cost[q] = compose_cost(&ch, n, SIZE);
			low = cost[q] < low ? cost[q] : low;
			high = cost[q] > high ? cost[q] : high;
			if (r >= 0)
				sum[q] += cost[q];
		}
		if (r >= 0)
			v[r] = low / high;
	}
	printf("G imsg_compose, ns a message:");
	for (q = 0, n = 10; n <= 1000000; q++, n *= 10) {
		(void)snprintf(name, sizeof(name), "compose ns, %d queued", n);
		report_figure(name, sum[q] / setting.rounds);
		printf(" %d: %.1f", n, sum[q] / setting.rounds);
	}
	low = spread_of(v, setting.rounds).mid;
	report_figure("compose, dearest to cheapest", 1 / low);
	printf("; dearest %.2f of cheapest", 1 / low);
	verdict(judge(low, &bar));
	imsgbuf_clear(&ch);
	(void)close(s[0]);
	must(waitpid(pid, NULL, 0) == pid, "waitpid");
}

static void
sending(void)
{
	static const struct pairing who[] = { { "A2", &floor_a2, &floor_a2 },
		{ "A2'", &floor_a2, &floor_a2 },
		{ "libimsg", &with_imsg, &with_imsg } };
	static const struct bar bar = { 0.7, 1 };
	struct cell cell = { "T", SIZE, 10, 1 };
	struct result r;

	for (; cell.batch <= 1000000; cell.batch *= 10) {
		measure(who, 3, 2, &cell, &r);
		report_cell(who, 3, 2, &r);
		verdict(decided(&r) ? judge(r.ratio[2].mid, &bar) :
				      VERDICT_UNDECIDED);
	}
}

/* The bare socket slows down, too; its figure stands beside ours. */
static void
channels(void)
{
	static const struct pairing who[] = { { "libimsg", &with_imsg,
						  &with_imsg },
		{ "A2", &floor_a2, &floor_a2 } };
	static const struct bar bar = { 0.8, 1 };
	struct cell one = { "T", SIZE, 64, 1 }, many = one;
	double v[3][MAX_ROUNDS], m[3], t[2][2];
	char name[64];
	int r, k, n = 64 * 4000;

	for (many.channels = 10; many.channels <= 1000; many.channels *= 10) {
		for (r = 0; r < setting.rounds; r++) {
			for (k = 0; k < 2; k++) {
				t[k][0] = run_once(&who[k], &one, n).wall;
				t[k][1] = run_once(&who[k], &many, n).wall;
				v[k][r] = t[k][0] / t[k][1];
			}
			v[2][r] = t[1][1] / t[0][1];
		}
		for (k = 0; k < 3; k++)
			m[k] = spread_of(v[k], setting.rounds).mid;
		(void)snprintf(name, sizeof(name), "%d channels, speed of one",
		    many.channels);
		report_figure(name, m[0]);
		printf("G %d channels: %.2f of the speed of one (A2 %.2f), "
		       "%.2f of A2 with as many",
		    many.channels, m[0], m[1], m[2]);
		verdict(judge(m[0], &bar));
	}
}

void
growth(void)
{
	composing();
	sending();
	channels();
}

/* Nanoseconds to copy size bytes, with and without a block for them. */
static double
copy_cost(size_t size, int block)
{
	static unsigned char from[65536], to[65536];
	unsigned char *p = to;
	double t = now();
	int i, n = 100000;

	for (i = 0; i < n; i++) {
		if (block)
			must((p = malloc(size)) != NULL, "malloc");
		memcpy(p, from, size);
		__asm__ __volatile__("" : : "r"(p) : "memory");
		if (block)
			free(p);
	}
	return (now() - t) / n * 1e9;
}

void
copies(void)
{
	static const size_t sizes[] = { 16, 64, 256, 1024, 4096, 16368 };
	double v[3][MAX_ROUNDS], m;
	struct imsgbuf ch;
	char name[64];
	int s[2], r;
	size_t i, k;
	pid_t pid = drain(s);

	must(imsgbuf_init(&ch, s[0]) == 0, "imsgbuf_init");
	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		for (r = 0; r < setting.rounds; r++) {
			v[0][r] = copy_cost(sizes[i], 0);
			v[1][r] = copy_cost(sizes[i], 1);
			v[2][r] = compose_cost(&ch, 64, sizes[i]);
		}
		printf("C %5zu B, ns:", sizes[i]);
		for (k = 0; k < 3; k++) {
			static const char *const what[] = { "memcpy",
				"malloc+memcpy+free", "imsg_compose" };

			m = spread_of(v[k], setting.rounds).mid;
			(void)snprintf(name, sizeof(name), "%s ns, %zu B",
			    what[k], sizes[i]);
			report_figure(name, m);
			printf(" %s %.1f", what[k], m);
		}
		printf("\n");
	}
	imsgbuf_clear(&ch);
	(void)close(s[0]);
	must(waitpid(pid, NULL, 0) == pid, "waitpid");
}
