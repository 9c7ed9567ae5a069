/* SPDX-License-Identifier: ISC */
/*
 * The child of the soak: the other end of one channel, in a program started
 * anew, with a tight descriptor table or without.  It may die at any point.
 */
#include "../src/feature.h"

#include <sys/resource.h>
#include <sys/time.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "soak-end.h"
#include "soak-spawn.h"
#include "soak-storm.h"

/*
 * What a user may have in flight is counted over all his processes, so the
 * user shall have no others.
 */
#define USERS 50000

static struct soak_end end;
static char name[80];

static void
give_up(void)
{
	_exit(SOAK_EXIT_FAILED);
}

/* Standard descriptors and the socket are there; room is for others. */
static void
limit_table(int room)
{
	struct rlimit l;

	if (getrlimit(RLIMIT_NOFILE, &l) == -1)
		soak_fail("getrlimit");
	l.rlim_cur = room == 0 ? l.rlim_max : (rlim_t)(SOAK_SOCKET + 1 + room);
	if (setrlimit(RLIMIT_NOFILE, &l) == -1)
		soak_fail("setrlimit");
}

static void
privileges(const struct soak_profile *pr)
{
	if (pr->drop && getuid() == 0 &&
	    setuid((uid_t)(USERS + getppid() % 10000)) == -1)
		soak_fail("setuid");
#ifdef __linux__
	/* LeakSanitizer looks at the process from a thread. */
	(void)prctl(PR_SET_DUMPABLE, 1);
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
#endif
}

/* Keeps the parent waiting for a while. */
static void
nap(void)
{
	struct timespec ts = { 0, 1000000L * (long)soak_rand(&end.rng, 200) };

	(void)nanosleep(&ts, NULL);
}

static void
annoy(void)
{
	uint32_t r = soak_rand(&end.rng, 1000);

	if (r < 20)
		(void)kill(getppid(), SIGUSR1);
	else if (r == 20)
		nap();
}

/* Leaves with more queued than the socket takes: in mid-message. */
static void
leave_torn(void)
{
	int i;

	for (i = 0; i < 200 && imsgbuf_queuebytes(&end.b) < 600000 &&
	     end.ring_in - end.ring_out < SOAK_RING - 8;
	     i++)
		if (!soak_compose_data(&end))
			break;
	(void)imsgbuf_flush_timeout(&end.b, 0);
	soak_written(&end);
	_exit(SOAK_EXIT_TORN);
}

static void
run(void)
{
	int64_t leave = soak_now_ms() + end.pr->exit_ms;
	struct pollfd pfd = { end.b.fd, 0, 0 };
	int ms;

	while (!end.eof) {
		ms = 20;
		pfd.events = soak_end_events(&end, &ms);
		pfd.revents = 0;
		if (poll(&pfd, 1, ms) == -1) {
			if (errno != EINTR)
				soak_fail("poll");
			pfd.revents = 0;
		}
		soak_end_step(&end, pfd.revents);
		if (end.pr->exit_ms != 0 && !end.fin_in &&
		    soak_now_ms() >= leave)
			leave_torn();
		annoy();
	}
}

void
soak_child(int slot)
{
	struct soak_profile *pr = &soak_share->slot[slot].profile;
	int before, after;

	soak_give_up = give_up;
	(void)snprintf(name, sizeof(name), "child %d.%u (%ld)", slot,
	    soak_share->slot[slot].life, (long)getpid());
	soak_who = name;
	before = soak_count_fds();
	privileges(pr);
	limit_table(pr->room);
	soak_end_open(&end, slot, SOAK_CHILD, SOAK_SOCKET, getppid());
	soak_storm_child(&end.rng);
	atomic_store(&soak_share->slot[slot].ready, 1);
	run();
	/* The parent is not killed: its numbers are exact. */
	soak_end_verdict(&end, 1);
	soak_end_close(&end);
	limit_table(0);
	after = soak_count_fds();
	if (after != before - 1)
		soak_fail(
		    "descriptors: %d before, %d after", before - 1, after);
	exit(SOAK_EXIT_DONE);
}
