/* SPDX-License-Identifier: ISC */
/* See soak-storm.h.  What the handlers call is async-signal-safe. */
#include "../src/feature.h"

#include <sys/time.h>

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "soak-share.h"
#include "soak-storm.h"

/* Of the parent's timer; not a divisor of anything. */
#define TICK_US	    1733
#define PATIENCE_MS 60000

static struct {
	volatile sig_atomic_t pid;
	volatile sig_atomic_t kill_in; /* ticks; 0 never */
	volatile sig_atomic_t stopped; /* ticks until it is continued */
} prey[SOAK_SLOTS];

static struct soak_rng rng;
static volatile sig_atomic_t idle, kills, stops;

static void
count(int sig)
{
	(void)sig;
	soak_add(SOAK_SIGNALS, 1);
}

static void
torment(int i)
{
	pid_t pid = (pid_t)prey[i].pid;
	uint32_t r = soak_rand(&rng, 3000);

	if (prey[i].stopped > 0 && --prey[i].stopped == 0)
		(void)kill(pid, SIGCONT);
	if (prey[i].kill_in > 0 && --prey[i].kill_in == 0) {
		(void)kill(pid, SIGKILL);
		kills++;
		return;
	}
	if (r < 100 && atomic_load(&soak_share->slot[i].ready)) {
		(void)kill(pid, SIGUSR1);
	} else if (r == 100 && prey[i].stopped == 0) {
		prey[i].stopped = 5 + (sig_atomic_t)soak_rand(&rng, 200);
		(void)kill(pid, SIGSTOP);
		stops++;
	}
}

static void
tick(int sig)
{
	static const char text[] = "FAILED: soak: stands still\n";
	int i, save = errno;

	count(sig);
	for (i = 0; i < SOAK_SLOTS; i++)
		if (prey[i].pid != 0)
			torment(i);
	if (++idle > PATIENCE_MS * 1000 / TICK_US) {
		(void)!write(STDERR_FILENO, text, sizeof(text) - 1);
		soak_storm_kill_all();
		_exit(1);
	}
	errno = save;
}

static void
handle(int sig, void (*handler)(int))
{
	struct sigaction sa;

	/* Without SA_RESTART. */
	memset(&sa, 0, sizeof(sa));
	sa.sa_handler = handler;
	sigemptyset(&sa.sa_mask);
	sigaddset(&sa.sa_mask, SIGALRM);
	sigaddset(&sa.sa_mask, SIGUSR1);
	if (sigaction(sig, &sa, NULL) == -1)
		soak_fail("sigaction");
}

static void
start_timer(suseconds_t us)
{
	struct itimerval it;

	it.it_interval.tv_sec = 0;
	it.it_interval.tv_usec = us;
	it.it_value = it.it_interval;
	if (setitimer(ITIMER_REAL, &it, NULL) == -1)
		soak_fail("setitimer");
}

void
soak_storm_parent(uint64_t seed)
{
	rng.state = seed;
	handle(SIGUSR1, count);
	handle(SIGALRM, tick);
	start_timer(TICK_US);
}

void
soak_storm_child(struct soak_rng *r)
{
	handle(SIGUSR1, count);
	handle(SIGALRM, count);
	start_timer(1000 + (suseconds_t)soak_rand(r, 7000));
}

void
soak_storm_end(void)
{
	start_timer(0);
}

void
soak_storm_add(int slot, pid_t pid, uint32_t kill_ms)
{
	prey[slot].stopped = 0;
	prey[slot].kill_in = (sig_atomic_t)(kill_ms * 1000ULL / TICK_US);
	prey[slot].pid = (sig_atomic_t)pid;
}

void
soak_storm_remove(int slot)
{
	pid_t pid = (pid_t)prey[slot].pid;

	prey[slot].pid = 0;
	if (prey[slot].stopped > 0)
		(void)kill(pid, SIGCONT);
}

void
soak_storm_spare(int slot)
{
	prey[slot].kill_in = 0;
}

void
soak_storm_hold(int on)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGALRM);
	sigaddset(&set, SIGUSR1);
	if (sigprocmask(on ? SIG_BLOCK : SIG_UNBLOCK, &set, NULL) == -1)
		soak_fail("sigprocmask");
}

void
soak_storm_tick(void)
{
	idle = 0;
}

void
soak_storm_kill_all(void)
{
	int i;

	for (i = 0; i < SOAK_SLOTS; i++)
		if (prey[i].pid != 0)
			(void)kill((pid_t)prey[i].pid, SIGKILL);
}

int
soak_storm_kills(void)
{
	return kills;
}

int
soak_storm_stops(void)
{
	return stops;
}
