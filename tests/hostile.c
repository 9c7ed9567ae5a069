/* SPDX-License-Identifier: ISC */
/*
 * Runs every attack of hostile-table.c, or those whose name contains the
 * argument, and ends with "N attacks, N failed"; see hostile.h.
 */
#include "hostile.h"

#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* Seconds after which a process that has not ended has failed. */
#define PATIENCE (SANITIZED ? 120 : 30)
#define NOBODY	 65534
/* Beyond the user IDs that systems assign, and as many. */
#define UNUSED (1U << 30)
/* Answers that the honest peer gets while the hostile one is stopped. */
#define STOPPED_FOR 64

int64_t
now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static unsigned char
pattern_at(size_t i, uint32_t seed)
{
	return (unsigned char)(i * 131 + seed * 7 + (i >> 8));
}

void
pattern(unsigned char *p, size_t n, uint32_t seed)
{
	size_t i;

	for (i = 0; i < n; i++)
		p[i] = pattern_at(i, seed);
}

int
pattern_ok(const unsigned char *p, size_t n, uint32_t seed)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (p[i] != pattern_at(i, seed))
			return 0;
	return 1;
}

_Noreturn void
give_up(char *fault, const char *what)
{
	snprintf(fault, 96, "%s (%s)", what, strerror(errno));
	_exit(1);
}

/* Up beyond all of them first, so that none is overwritten on its way. */
void
keep_only(int **fds, int n)
{
	int i, fd;

	for (i = 0; i < n; i++)
		if ((*fds[i] = fcntl(*fds[i], F_DUPFD, 512)) == -1)
			_exit(1);
	for (fd = STDERR_FILENO + 1; fd < 512; fd++)
		close(fd);
	for (i = 0; i < n; i++) {
		fd = *fds[i];
		if (dup2(fd, STDERR_FILENO + 1 + i) == -1)
			_exit(1);
		*fds[i] = STDERR_FILENO + 1 + i;
		close(fd);
	}
}

void
table_limit(rlim_t n)
{
	struct rlimit l;

	if (getrlimit(RLIMIT_NOFILE, &l) == -1)
		_exit(1);
	l.rlim_cur = n == 0 || n > l.rlim_max ? l.rlim_max : n;
	if (setrlimit(RLIMIT_NOFILE, &l) == -1)
		_exit(1);
}

/*
 * A user that nobody else is: what others have in flight would count, too.
 * Where there is none, as in a small user namespace, nobody.
 */
static int
become_ordinary(void)
{
	uid_t ours = UNUSED + (uid_t)getppid() % UNUSED;

	if (getuid() != 0)
		return 0;
	if (setgroups(0, NULL) == -1 || setgid(NOBODY) == -1)
		return -1;
	return setuid(ours) == 0 ? 0 : setuid(NOBODY);
}

static int
can_be_ordinary(void)
{
	pid_t pid = fork();
	int status = 1;

	if (pid == 0)
		_exit(become_ordinary() != 0);
	return pid != -1 && waitpid(pid, &status, 0) == pid && status == 0;
}

static pid_t
start(void (*fn)(struct run *, struct ends *), struct run *run, struct ends *e)
{
	pid_t pid;

	fflush(NULL);
	if ((pid = fork()) == -1) {
		perror("fork");
		exit(1);
	}
	if (pid > 0)
		return pid;
	alarm(PATIENCE);
	table_limit(0);
	if (run->a->victim.as_user && become_ordinary() == -1)
		_exit(1);
	fn(run, e);
	_exit(1);
}

static int
make_ends(const struct attack *a, struct ends *e)
{
	int i, v = a->victim.value;
	int type = a->victim.type != 0 ? a->victim.type : SOCK_STREAM;

	for (i = 0; i < (a->victim.chans > 0 ? a->victim.chans : 1); i++)
		if (socketpair(AF_UNIX, type, 0, e->hostile[i]) == -1)
			return -1;
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, e->good) == -1 ||
	    pipe(e->beat) == -1 || pipe(e->gone) == -1 ||
	    fcntl(e->beat[1], F_SETFL, O_NONBLOCK) == -1)
		return -1;
	if (a->victim.option != 0 &&
	    setsockopt(e->hostile[0][1], SOL_SOCKET, a->victim.option, &v,
		sizeof(v)) == -1)
		return 1;
	return 0;
}

static void
close_ends(void)
{
	int fd;

	for (fd = STDERR_FILENO + 1; fd < 512; fd++)
		close(fd);
}

/* A peer that stops itself is woken after some answers to the honest one. */
static int
wait_peer(pid_t pid, int beat)
{
	char c;
	int i, status;

	while (waitpid(pid, &status, WUNTRACED) == pid && WIFSTOPPED(status)) {
		fcntl(beat, F_SETFL, O_NONBLOCK);
		while (read(beat, &c, 1) == 1)
			continue;
		fcntl(beat, F_SETFL, 0);
		for (i = 0; i < STOPPED_FOR; i++)
			if (read(beat, &c, 1) != 1)
				break;
		kill(pid, SIGCONT);
	}
	return status;
}

static void
died(const char *who, int status, char *fault)
{
	if (WIFSIGNALED(status))
		snprintf(
		    fault, 96, "the %s: %s", who, strsignal(WTERMSIG(status)));
	else if (status != 0 && fault[0] == '\0')
		snprintf(fault, 96, "the %s: exit status %d", who,
		    WEXITSTATUS(status));
}

/* 0, or 1 if the attack cannot be made here. */
static int
run_attack(struct run *run)
{
	struct ends e;
	pid_t v, h, p;
	int sv = 0, sh = 0, sp;
	char fault[96] = "";

	if (make_ends(run->a, &e) != 0) {
		close_ends();
		return 1;
	}
	v = start(victim, run, &e);
	h = start(honest, run, &e);
	p = start(hostile_peer, run, &e);
	/* Only the beat's reading end stays here. */
	{
		int *keep[1] = { &e.beat[0] };

		keep_only(keep, 1);
	}
	sp = wait_peer(p, e.beat[0]);
	waitpid(v, &sv, 0);
	waitpid(h, &sh, 0);
	close_ends();
	died("hostile peer", sp, run->p.fault);
	died("honest peer", sh, run->h.fault);
	died("victim", sv, fault);
	if (fault[0] != '\0')
		memcpy(run->p.fault, fault, sizeof(fault));
	return run->p.skipped;
}

static struct run *
new_run(const struct attack *a, int wire)
{
	struct run *run = mmap(NULL, sizeof(*run), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (run == MAP_FAILED) {
		perror("mmap");
		exit(1);
	}
	run->a = a;
	run->wire = wire;
	return run;
}

static long
above(long is, long base)
{
	return is > base ? is - base : 0;
}

static void
line(const struct run *run, const struct run *q)
{
	printf("%-34s %-7s %-16s %9llu %7llu %7llu %6ld %6ld %6ld %6ld %3d "
	       "%5llu %5ld\n",
	    run->a->name, run->wire == IMSG_WIRE_MODERN ? "modern" : "classic",
	    result_text(run), (unsigned long long)run->v.bytes_in,
	    (unsigned long long)run->v.msgs, (unsigned long long)run->v.calls,
	    run->v.cpu_ms, above(run->v.heap, q->v.heap),
	    above(run->v.rss, q->v.rss), memory_bound(run), run->v.left,
	    (unsigned long long)run->h.answered, run->h.worst_ms);
}

/* Number of runs in which something was wrong. */
static int
one_attack(const struct attack *a, const struct run *quiet, int *nruns)
{
	struct run *run;
	int wire, bad = 0;

	for (wire = IMSG_WIRE_MODERN; wire <= IMSG_WIRE_CLASSIC; wire++) {
		if (!(a->wires & (1U << wire)))
			continue;
		run = new_run(a, wire);
		if (a->victim.as_user && !can_be_ordinary()) {
			printf("%-34s skipped: cannot become an ordinary user"
			       "\n",
			    a->name);
		} else if (run_attack(run) != 0) {
			printf("%-34s skipped: not on this system\n", a->name);
		} else {
			++*nruns;
			line(run, quiet);
			bad += judge(run, quiet) > 0;
		}
		munmap(run, sizeof(*run));
	}
	return bad;
}

int
main(int argc, char **argv)
{
	struct run *quiet = new_run(&attacks[0], IMSG_WIRE_MODERN);
	int runs = 0, bad = 0;
	size_t i;

	signal(SIGPIPE, SIG_IGN);
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (run_attack(quiet) != 0)
		return 1;
	printf("%-34s %-7s %-16s %9s %7s %7s %6s %6s %6s %6s %3s %5s %5s\n",
	    "attack", "wire", "result", "bytes", "msgs", "calls", "cpu ms",
	    "heap K", "rss K", "bound", "fds", "good", "worst");
	for (i = 0; i < nattacks; i++)
		if (argc < 2 || strstr(attacks[i].name, argv[1]) != NULL)
			bad += one_attack(&attacks[i], quiet, &runs);
	printf("%d attacks, %d failed\n", runs, bad);
	return bad != 0 || runs == 0;
}
