/* SPDX-License-Identifier: ISC */
/*
 * The soak: for a given time several processes send each other messages and
 * descriptors, both ways at once, while they are killed at random moments,
 * leave in mid-message, are cut off, stopped and disturbed by signals, with
 * small sockets, tight limits and tight descriptor tables.
 *
 * Whatever happens: what was acknowledged, and what a dead process had sent,
 * has arrived once, in order, right to the last byte, with its own descriptor;
 * no torn message is delivered; memory and descriptors stay flat.
 *
 *	soak [-c CSV] [SECONDS]		TEST_SEED=n chooses another run
 *
 * soak-plan.h	what each message looks like
 * soak-end.h	one end of a channel, used by parent and children
 * soak-spawn.h	child processes
 * soak-storm.h	signals
 * soak-watch.h	memory and descriptors
 */
#include "../src/feature.h"

#include <sys/types.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "soak-end.h"
#include "soak-spawn.h"
#include "soak-storm.h"
#include "soak-watch.h"

#define DEFAULT_SECONDS 60
#define DEFAULT_SEED	20261124
/* How often at least all children come to an end; see soak-watch.h. */
#define RESTS 12
/* Seconds between two such, at most. */
#define REST_SECONDS 120
/* How long that may take, in milliseconds. */
#define END_MS 60000

enum fate { KILLED, TORN, CUT, DONE, FATES };

static struct chan {
	struct soak_end end;
	pid_t pid; /* 0: there is none */
	enum fate fate;
	int64_t until;
	int shut;
	int waits; /* for the others, at its end */
} chans[SOAK_SLOTS];

static const char *program;
static struct soak_rng rng;
static int ending;
static unsigned long ended[FATES];

#ifdef SOAK_SANITIZED
/* Or what is freed would fill the memory of small machines. */
const char *__asan_default_options(void);
const char *
__asan_default_options(void)
{
	return "quarantine_size_mb=8";
}
#endif

static void
give_up(void)
{
	soak_storm_kill_all();
	_exit(1);
}

/* Most lives are a few seconds, some ten times as long. */
static uint32_t
draw_life_ms(void)
{
	uint32_t ms = 20 + soak_rand(&rng, 1 + soak_rand(&rng, 5000));

	return soak_rand(&rng, 20) == 0 ? ms * 10 : ms;
}

static enum fate
draw_fate(void)
{
	uint32_t r = soak_rand(&rng, 16);

	return r < 9 ? KILLED : r < 11 ? TORN : r < 13 ? CUT : DONE;
}

static void
start(int slot)
{
	struct soak_slot *s = &soak_share->slot[slot];
	struct chan *c = &chans[slot];
	uint32_t ms = draw_life_ms();
	int p[2];

	soak_profile_draw(&s->profile, &rng);
	/* One of them lives until the next rest. */
	c->fate = slot == 0 ? DONE : draw_fate();
	c->until = slot == 0 ? INT64_MAX : soak_now_ms() + ms;
	c->shut = c->waits = 0;
	if (c->fate == TORN)
		s->profile.exit_ms = ms;
	memset(s->tally, 0, sizeof(s->tally));
	atomic_store(&s->ready, 0);
	s->life++;
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, p) == -1 ||
	    fcntl(p[0], F_SETFD, FD_CLOEXEC) == -1 ||
	    fcntl(p[1], F_SETFD, FD_CLOEXEC) == -1)
		soak_fail("socketpair");
	c->pid = soak_spawn(slot, p[1], c->fate == KILLED ? ms : 0);
	close(p[1]);
	soak_end_open(&c->end, slot, SOAK_PARENT, p[0], c->pid);
}

/* How the child ended, which must be the way it was to. */
static enum fate
judge_status(const struct chan *c, int status)
{
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL &&
	    c->fate == KILLED)
		return KILLED;
	if (WIFEXITED(status) && WEXITSTATUS(status) == SOAK_EXIT_TORN &&
	    c->fate == TORN)
		return TORN;
	if (WIFEXITED(status) && WEXITSTATUS(status) == SOAK_EXIT_DONE) {
		if (c->fate == CUT && !c->end.fin_in)
			return CUT;
		if (c->end.fin_in && (c->fate == DONE || ending))
			return DONE;
	}
	soak_fail("a child to be %d ended with status %#x", (int)c->fate,
	    (unsigned int)status);
}

/* After end of file. */
static void
bury(int slot)
{
	struct chan *c = &chans[slot];
	enum fate how = judge_status(c, soak_reap(slot, c->pid));

	soak_end_verdict(&c->end, how != KILLED);
	soak_end_close(&c->end);
	c->pid = 0;
	ended[how]++;
}

/* Without a word; the child sees what was sent and the end of it. */
static void
cut(int slot)
{
	struct chan *c = &chans[slot];

	soak_end_close(&c->end);
	ended[judge_status(c, soak_reap(slot, c->pid))]++;
	c->pid = 0;
}

static void
tend(int slot, short revents)
{
	struct chan *c = &chans[slot];
	struct soak_end *e = &c->end;
	int due = soak_now_ms() >= c->until;

	soak_end_step(e, revents);
	if (e->eof) {
		c->waits = ending && e->fin_in;
		if (!c->waits)
			bury(slot);
		return;
	}
	if (c->fate == CUT && due && !ending) {
		cut(slot);
		return;
	}
	if (ending || (c->fate == DONE && due)) {
		soak_storm_spare(slot);
		e->fin_wanted = 1;
	}
	if (e->fin_in && e->told == e->in.msgs && !e->broken && !c->shut &&
	    imsgbuf_queuelen(&e->b) == 0) {
		if (shutdown(e->b.fd, SHUT_WR) == -1)
			soak_fail("shutdown");
		c->shut = 1;
	}
}

/* What to poll for; the number of channels that live. */
static int
prepare(struct pollfd *pfd, int *ms)
{
	int i, alive = 0;

	for (i = 0; i < SOAK_SLOTS; i++) {
		if (chans[i].pid == 0 && !ending)
			start(i);
		memset(&pfd[i], 0, sizeof(pfd[i]));
		pfd[i].fd = -1;
		if (chans[i].pid == 0 || chans[i].waits)
			continue;
		alive++;
		pfd[i].fd = chans[i].end.b.fd;
		pfd[i].events = soak_end_events(&chans[i].end, ms);
	}
	return alive;
}

/* 0: none is left but those that wait. */
static int
turn(void)
{
	struct pollfd pfd[SOAK_SLOTS];
	int i, ms = 20, alive = prepare(pfd, &ms);

	if (alive == 0)
		return 0;
	if (poll(pfd, SOAK_SLOTS, ms) == -1) {
		if (errno != EINTR)
			soak_fail("poll");
		for (i = 0; i < SOAK_SLOTS; i++)
			pfd[i].revents = 0;
	}
	for (i = 0; i < SOAK_SLOTS; i++)
		if (pfd[i].fd != -1)
			tend(i, pfd[i].revents);
	return alive;
}

static void
rest(void)
{
	int i, n = 0;

	for (i = 0; i < SOAK_SLOTS; i++)
		n += chans[i].pid != 0;
	soak_watch_idle(n);
	for (i = 0; i < SOAK_SLOTS; i++)
		if (chans[i].pid != 0)
			bury(i);
	soak_watch_rest();
}

/* A channel that stands still does not come to an end either. */
static void
report_late(void)
{
	const struct soak_end *e;
	int i;

	for (i = 0; i < SOAK_SLOTS; i++) {
		e = &chans[i].end;
		if (chans[i].pid != 0 && !chans[i].waits)
			soak_fail("channel %d does not end: %zu bytes queued, "
				  "partial %d, told %llu of %llu, end sent %d, "
				  "received %d",
			    i, imsgbuf_queuebytes(&e->b),
			    imsgbuf_partial(&e->b), (unsigned long long)e->told,
			    (unsigned long long)e->in.msgs, e->fin_out,
			    e->fin_in);
	}
}

/* Until that time, and to the end of all channels. */
static void
run_until(int64_t end)
{
	int64_t now;

	ending = 0;
	while (turn() > 0) {
		soak_storm_tick();
		soak_watch();
		if ((now = soak_now_ms()) >= end)
			ending = 1;
		if (now >= end + END_MS)
			report_late();
		if (atomic_load(&soak_share->failures) != 0)
			give_up();
	}
}

static void
run(long seconds)
{
	int64_t end, began = soak_now_ms();
	long i, n = seconds / REST_SECONDS;

	if (n < RESTS)
		n = RESTS;
	for (i = 1; i <= n; i++) {
		/* The one before may have come to its end late. */
		end = began + seconds * INT64_C(1000) * i / n;
		if (end <= soak_now_ms())
			continue;
		run_until(end);
		rest();
	}
}

static void
print_figures(void)
{
	(void)printf("messages     %llu right, of %llu bytes\n"
		     "descriptors  %llu arrived, %llu lost to full tables\n"
		     "refused      %llu ENOBUFS, %llu ETOOMANYREFS, "
		     "%llu EMFILE; %llu times at a read limit\n"
		     "children     %lu killed, %lu left in mid-message, "
		     "%lu cut off, %lu done; %d stopped for a while\n"
		     "streams      %llu torn, %llu reset\n"
		     "signals      %llu\n",
	    soak_counted(SOAK_MSGS), soak_counted(SOAK_BYTES),
	    soak_counted(SOAK_FDS), soak_counted(SOAK_LOST),
	    soak_counted(SOAK_ENOBUFS), soak_counted(SOAK_REFS),
	    soak_counted(SOAK_EMFILE), soak_counted(SOAK_AT_LIMIT),
	    ended[KILLED], ended[TORN], ended[CUT], ended[DONE],
	    soak_storm_stops(), soak_counted(SOAK_TORN),
	    soak_counted(SOAK_RESETS), soak_counted(SOAK_SIGNALS));
}

/* A soak in which the worst did not happen has shown nothing. */
static int
worth_it(void)
{
	static const enum soak_counter must[] = { SOAK_MSGS, SOAK_FDS,
		SOAK_LOST, SOAK_ENOBUFS, SOAK_AT_LIMIT, SOAK_SIGNALS,
		SOAK_TORN };
	size_t i;

	for (i = 0; i < sizeof(must) / sizeof(must[0]); i++)
		if (soak_counted(must[i]) == 0)
			return 0;
	return ended[KILLED] > 0 && ended[TORN] > 0 && ended[CUT] > 0 &&
	    ended[DONE] > 0 && soak_storm_stops() > 0;
}

static void
parent(long seconds, const char *csv)
{
	const char *s = getenv("TEST_SEED");
	uint64_t seed = s != NULL ? strtoull(s, NULL, 0) : DEFAULT_SEED;
	int whole = seconds >= DEFAULT_SECONDS, failed = 0;

	(void)printf("seed %" PRIu64 ", %ld seconds, %d channels\n", seed,
	    seconds, SOAK_SLOTS);
	(void)fflush(stdout);
	soak_give_up = give_up;
	/* Its pages shall count from the start on. */
	memset(soak_scratch, 0xee, sizeof(soak_scratch));
	soak_share_map(soak_spawn_prepare(program));
	rng.state = seed;
	soak_watch_start(seconds, csv);
	soak_storm_parent(soak_rand64(&rng));
	run(seconds);
	soak_storm_end();
	print_figures();
	if (soak_watch_end(whole) == -1) {
		(void)printf("FAILED: not flat\n");
		failed = 1;
	}
	if (whole && !worth_it()) {
		(void)printf("FAILED: not all that was to happen did\n");
		failed = 1;
	}
	exit(failed);
}

/* -1: it is none. */
static long
number(const char *s)
{
	char *end;
	long n;

	errno = 0;
	n = strtol(s, &end, 10);
	return errno != 0 || end == s || *end != '\0' ? -1 : n;
}

int
main(int argc, char **argv)
{
	const char *csv = NULL;
	long slot, seconds = DEFAULT_SECONDS;
	int ch;

	if (argc == 3 && strcmp(argv[1], "--child") == 0) {
		slot = number(argv[2]);
		if (slot < 0 || slot >= SOAK_SLOTS)
			return 2;
		soak_share_map(SOAK_SHARE_AT);
		close(SOAK_SHARE_AT);
		soak_child((int)slot);
	}
	program = argv[0];
	while ((ch = getopt(argc, argv, "c:")) != -1) {
		if (ch != 'c')
			return 2;
		csv = optarg;
	}
	if (optind < argc && (seconds = number(argv[optind])) < 1) {
		(void)fprintf(stderr, "usage: soak [-c CSV] [SECONDS]\n");
		return 2;
	}
	parent(seconds, csv);
}
