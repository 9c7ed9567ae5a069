/* SPDX-License-Identifier: ISC */
/* See soak-watch.h. */
#include "../src/feature.h"

#include <sys/resource.h>

#ifdef __GLIBC__
#include <malloc.h>
#endif
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "soak-share.h"
#include "soak-storm.h"
#include "soak-watch.h"

/* Input and output buffers of an idle channel, and its struct msgbuf. */
#define CHANNEL_KEEPS (264 * 1024)
#define REST_SLACK    256

/* See soak-watch.h. */
#define REST_PERCENT 5
#define REST_KIB     512
#define LIVE_PERCENT 50
#define LIVE_KIB     2048
#define LIVE_FDS     64

struct series {
	long *v;
	long n;
	long most;
};

static struct series rss, fds, rests;
static long first_fds, first_in_use, first_rss;
static long fds_at_rest, in_use_at_rest;
static int64_t began, next;
static FILE *csv;

/* VmRSS.  Without stdio, which would allocate. */
static long
resident(void)
{
	char text[4096], *at;
	ssize_t n;
	int fd = open("/proc/self/status", O_RDONLY | O_CLOEXEC);

	if (fd == -1)
		return -1;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	text[n > 0 ? n : 0] = '\0';
	at = strstr(text, "VmRSS:");
	return at == NULL ? -1 : strtol(at + 6, NULL, 10);
}

#if defined(__GLIBC__) && !defined(SOAK_SANITIZED)
#if __GLIBC_PREREQ(2, 33)
#define HAVE_MALLINFO2 1
#endif
#endif

static long
in_use(void)
{
#ifdef HAVE_MALLINFO2
	struct mallinfo2 mi = mallinfo2();

	return (long)(mi.uordblks + mi.hblkhd);
#else
	return -1;
#endif
}

/*
 * glibc counts the free blocks that it keeps for the next call, at most seven
 * of each of 64 sizes, as used (tcache, malloc/malloc.c).  While all of them
 * are taken, what is in use besides is exact.
 */
static long
in_use_exactly(void)
{
#ifdef HAVE_MALLINFO2
	static void *block[64 * 7];
	size_t i, n = sizeof(block) / sizeof(block[0]), mine = 0;
	long total;

	for (i = 0; i < n; i++)
		if ((block[i] = malloc(24 + i / 7 * 16)) == NULL)
			soak_fail("no memory");
	total = in_use();
	for (i = 0; i < n; i++) {
		mine += malloc_usable_size(block[i]) + sizeof(size_t);
		free(block[i]);
	}
	return total - (long)mine;
#else
	return -1;
#endif
}

/* Its pages count from the start on. */
static void
series_new(struct series *s, long most)
{
	if ((s->v = malloc((size_t)most * sizeof(*s->v))) == NULL)
		soak_fail("no memory for %ld samples", most);
	memset(s->v, 0xff, (size_t)most * sizeof(*s->v));
	s->most = most;
}

static void
series_add(struct series *s, long v)
{
	if (s->n < s->most)
		s->v[s->n++] = v;
}

void
soak_watch_start(long seconds, const char *path)
{
	series_new(&rss, seconds + 600);
	series_new(&fds, seconds + 600);
	series_new(&rests, seconds + 600);
	if (path != NULL && (csv = fopen(path, "w")) == NULL)
		soak_fail("%s", path);
	if (csv != NULL)
		(void)fprintf(csv,
		    "second,rss_kib,allocated,descriptors,messages,kills,"
		    "rest_rss_kib\n");
	(void)in_use_exactly();
	first_in_use = in_use_exactly();
	first_rss = resident();
	first_fds = soak_count_fds();
	began = soak_now_ms();
	next = began + 1000;
}

/* rest: resident memory at a rest, or -1. */
static void
put(long r, long used, long n, long rest)
{
	if (csv == NULL)
		return;
	(void)fprintf(csv, "%.1f,%ld,%ld,%ld,%llu,%d,",
	    (double)(soak_now_ms() - began) / 1000, r, used, n,
	    soak_counted(SOAK_MSGS), soak_storm_kills());
	if (rest != -1)
		(void)fprintf(csv, "%ld", rest);
	(void)fprintf(csv, "\n");
	(void)fflush(csv);
}

void
soak_watch(void)
{
	int64_t now = soak_now_ms();
	long r, n;

	if (now < next)
		return;
	next = now + 1000;
	r = resident();
	n = soak_count_fds();
	series_add(&rss, r);
	series_add(&fds, n);
	put(r, in_use(), n, -1);
}

void
soak_watch_idle(int channels)
{
	int n = soak_count_fds();
	long most = first_in_use + (long)channels * CHANNEL_KEEPS;

	if (n != first_fds + channels)
		soak_fail("%d descriptors with %d idle channels, %ld before", n,
		    channels, first_fds);
	if (in_use_exactly() > most)
		soak_fail("%ld bytes allocated with %d idle channels",
		    in_use_exactly(), channels);
}

void
soak_watch_rest(void)
{
	long r;

	fds_at_rest = soak_count_fds();
	if (fds_at_rest != first_fds)
		soak_fail("%ld descriptors at rest, %ld before", fds_at_rest,
		    first_fds);
	in_use_at_rest = in_use_exactly();
	if (in_use_at_rest > first_in_use + REST_SLACK)
		soak_fail("%ld bytes allocated at rest, %ld before",
		    in_use_at_rest, first_in_use);
#ifdef HAVE_MALLINFO2
	(void)malloc_trim(0);
#endif
	r = resident();
	series_add(&rests, r);
	put(r, in_use_at_rest, fds_at_rest, r);
}

static int
by_number(const void *a, const void *b)
{
	long x = *(const long *)a, y = *(const long *)b;

	return (x > y) - (x < y);
}

/* Of one quarter; sorts it. */
static long
median(struct series *s, int quarter)
{
	long from = s->n * quarter / 4, n = s->n * (quarter + 1) / 4 - from;

	if (n < 1)
		return -1;
	qsort(s->v + from, (size_t)n, sizeof(*s->v), by_number);
	return s->v[from + n / 2];
}

/* Prints the two medians; 0 if the growth is within what is allowed. */
static int
flat(const char *what, struct series *s, long percent, long slack, int judge)
{
	long a = median(s, 1), b = median(s, 3);
	int grown = judge && b > a + a * percent / 100 + slack;

	(void)printf("%-12s second quarter %ld, last quarter %ld%s\n", what, a,
	    b, grown ? ": GROWN" : "");
	return grown ? -1 : 0;
}

int
soak_watch_end(int judge)
{
	struct rusage ru;
	int r = 0;

	if (csv != NULL)
		(void)fclose(csv);
	r |= flat("descriptors", &fds, LIVE_PERCENT, LIVE_FDS, judge);
#ifdef SOAK_SANITIZED
	/* What is freed stays resident there, in quarantine. */
	judge = 0;
#endif
	r |= flat("RSS, KiB", &rss, LIVE_PERCENT, LIVE_KIB, judge);
	r |= flat("RSS at rest", &rests, REST_PERCENT, REST_KIB, judge);
	(void)getrusage(RUSAGE_SELF, &ru);
	(void)printf("RSS peak     %ld KiB, %ld at the start\n", ru.ru_maxrss,
	    first_rss);
	(void)printf("at the end   descriptors %ld, %ld at the start; "
		     "allocated %ld bytes, %ld at the start\n",
	    fds_at_rest, first_fds, in_use_at_rest, first_in_use);
	free(rss.v);
	free(fds.v);
	free(rests.v);
	return r;
}
