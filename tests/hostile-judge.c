/* SPDX-License-Identifier: ISC */
/*
 * What an attack may cost, and whether it did what was expected and no more.
 *
 * The bounds are those of docs/THREATS.md.  They are made from what the peer
 * has really sent, so that an error of a factor shows in a small attack.
 */
#include "hostile.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "hostile-peer.h"

/* Slower by this much is still the same work, under a sanitizer. */
#define SLOW (SANITIZED ? 20 : 1)
/* Milliseconds that an answer may take on a busy machine. */
#define IN_TIME	      (3000 * (SANITIZED ? 4 : 1))
#define ONE_READ      65535U
#define READ_MSGS     (ONE_READ / IMSG_HEADER_SIZE)
#define DEFAULT_BYTES (64U * 1024 * KIB)
#define DEFAULT_MSGS  1048576U
#define TRUST	      (4U * 1024 * KIB)
/* Answers have six bytes of payload, and four of bookkeeping. */
#define ANSWER (IMSG_HEADER_SIZE + 6 + 4)

static uint64_t
least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t
nonzero(uint64_t v, uint64_t otherwise)
{
	return v != 0 ? v : otherwise;
}

/* Received and not fetched, with what each message costs beside its bytes. */
static uint64_t
waiting_bytes(const struct run *run)
{
	const struct setup *s = &run->a->victim;
	uint64_t bytes = ONE_READ, msgs = READ_MSGS;

	if (s->fetch != FETCH_ALL) {
		bytes += nonzero(s->limits.rbytes, DEFAULT_BYTES);
		msgs += nonzero(s->limits.rmsgs, DEFAULT_MSGS);
	}
	return least(bytes, run->p.bytes) + 160 * least(msgs, run->p.msgs + 1);
}

static uint64_t
queued_bytes(const struct run *run)
{
	const struct setup *s = &run->a->victim;
	uint64_t bytes = run->p.msgs * ANSWER;

	if (s->answer == ANSWER_NONE)
		return 0;
	/* Each chunk holds one: see IMSGI_CHUNK_FIRST. */
	if (s->answer == ANSWER_BOTH)
		return least(run->p.msgs, s->limits.wmsgs) *
		    (160 + (256 + 128) / 2) +
		    2 * ONE_READ;
	if (s->limits.wbytes != 0)
		bytes = least(bytes, s->limits.wbytes * ANSWER / (ANSWER - 4));
	return 4 * bytes + 2 * ONE_READ +
	    (s->answer == ANSWER_DESCRIPTOR ? 160 * run->p.msgs : 0);
}

/* KiB over those of a victim that nobody attacks. */
long
memory_bound(const struct run *run)
{
	const struct setup *s = &run->a->victim;
	uint64_t chans = nonzero((uint64_t)s->chans, 1);
	uint64_t max = nonzero(s->maxsize, MAX_IMSGSIZE);
	uint64_t sum;

	/* The input buffer, what is allocated on trust, a guessed place. */
	sum = (chans - 1) * ONE_READ + chans * 2 * ONE_READ;
	sum += waiting_bytes(run) + queued_bytes(run);
	/* The message under way. */
	sum += 2 * least(chans * max, run->p.bytes);
	if (run->a->run == announce_after_large)
		sum += least(run->a->arg, TRUST);
	return (long)(sum / KIB) + 1;
}

static const char *
error_name(int e)
{
	switch (e) {
	case ERANGE:
		return "ERANGE";
	case EPROTO:
		return "EPROTO";
	case EPIPE:
		return "EPIPE";
	case ECONNRESET:
		return "ECONNRESET";
	default:
		return strerror(e);
	}
}

const char *
result_text(const struct run *run)
{
	static char text[64];
	const struct chan_report *c = &run->v.chan[0];
	const char *end = "open";

	if (run->a->run == close_at_every_byte)
		return "torn or end";
	if (c->end == END_EOF)
		end = "end of file";
	else if (c->end == END_TORN)
		end = "torn";
	else if (c->end != END_OPEN)
		end = error_name(c->error);
	snprintf(text, sizeof(text), "%s%s%s",
	    c->werror != 0 ? error_name(c->werror) : "",
	    c->werror != 0 ? ", " : "",
	    c->werror != 0 && end[0] == 'e' ? "end" : end);
	return text;
}

/* Prints what is wrong, if it is. */
static int
fault(int wrong, const char *what, uint64_t is, uint64_t limit)
{
	if (!wrong)
		return 0;
	printf("    FAILED: %s: %llu, expected %llu\n", what,
	    (unsigned long long)is, (unsigned long long)limit);
	return 1;
}

static int
most(const char *what, uint64_t is, uint64_t limit)
{
	return fault(is > limit, what, is, limit);
}

static int
at_least(const char *what, uint64_t is, uint64_t limit)
{
	return fault(is < limit, what, is, limit);
}

static int
equal(const char *what, uint64_t is, uint64_t wanted)
{
	return fault(is != wanted, what, is, wanted);
}

static int
end_fits(const struct run *run, int i)
{
	const struct chan_report *c = &run->v.chan[i];
	const struct expect *e = &run->a->expect;
	enum end end = e->end;

	if (run->a->run == close_at_every_byte)
		end = i == 0 || i == 26 || i == 56 ? END_EOF : END_TORN;
	if (end == END_ANY)
		return c->end != END_OPEN;
	if (end == END_RESET)
		return (c->end == END_ERROR && c->error == ECONNRESET) ||
		    (c->end == END_EOF && c->werror != 0);
	/* It gave up somewhere in the flood, which need not be a boundary. */
	if (end == END_EOF && run->p.full)
		return c->end == END_EOF || c->end == END_TORN;
	return c->end == end && (e->error == 0 || c->error == e->error) &&
	    (e->werror == 0 || c->werror == e->werror);
}

static int
judge_ends(const struct run *run)
{
	const struct chan_report *c = run->v.chan;
	int i, bad = 0, chans = run->a->victim.chans;

	for (i = 0; i < (chans > 0 ? chans : 1); i++) {
		bad += fault(!end_fits(run, i), "end of channel",
		    (uint64_t)c[i].end, (uint64_t)run->a->expect.end);
		/* An empty packet looks like an end, and is none. */
		if (run->a->victim.type == 0)
			bad += most("ends told differently",
			    (uint64_t)c[i].unsteady, 0);
	}
	if (c[0].end == END_FAILED && run->p.announced != 0)
		bad += equal("header at fault", c[0].len, run->p.announced);
	return bad;
}

/* Nobody crashed or saw anything that the library does not promise. */
static int
judge_promises(const struct run *run)
{
	const struct victim_report *v = &run->v;
	int finished = v->finished + run->h.finished + run->p.finished;
	int bad = 0;

	if (run->p.fault[0] != '\0' || run->h.fault[0] != '\0') {
		printf("    FAILED: %s; honest peer: %s\n", run->p.fault,
		    run->h.fault);
		bad++;
	}
	bad += equal("processes finished", (uint64_t)finished, 3);
	bad += equal("honest messages answered", run->h.answered, run->h.sent);
	bad += at_least("honest messages", run->h.answered, 16);
	/* The good channel's messages are judged by the honest peer, too. */
	if (run->a->expect.end != END_ANY)
		bad += most("wrong messages", v->wrong, 0);
	bad += most("queues that a failed write changed", v->queue_changed, 0);
	bad += most("closed what was not open", v->bad_closes, 0);
	bad += most("descriptors left", (uint64_t)v->left, 0);
	return bad;
}

static int
judge_expected(const struct run *run)
{
	const struct victim_report *v = &run->v;
	const struct expect *e = &run->a->expect;
	int bad = 0;

	if (e->end != END_ANY && !e->some)
		bad += equal("messages", v->msgs, run->p.msgs);
	bad += at_least("ETIMEDOUT", v->timeouts, (uint64_t)e->timeouts);
	bad += at_least("ENOBUFS", v->dropped, (uint64_t)e->dropped);
	bad += at_least("lost", v->lost, (uint64_t)e->lost);
	bad += at_least("present", v->present, (uint64_t)e->present);
	bad += at_least("ETOOMANYREFS", v->toomany, (uint64_t)e->toomany);
	if (e->toomany == 0 && getuid() == 0)
		bad += most("ETOOMANYREFS", v->toomany, 0);
	bad += equal("answers", run->p.answers, run->p.asked);
	if (run->a->victim.answer == ANSWER_DESCRIPTOR)
		bad += equal(
		    "answers' descriptors", run->p.answer_fds, run->p.asked);
	if (e->held >= 0)
		bad += most("descriptors held", (uint64_t)v->held,
		    nonzero((uint64_t)e->held, 8));
	return bad;
}

/* A system call needs a reason: bytes, a message, or an end. */
static int
judge_calls(const struct run *run)
{
	const struct victim_report *v = &run->v;
	const struct setup *s = &run->a->victim;
	uint64_t chans = nonzero((uint64_t)s->chans, 1);
	uint64_t urgent = run->p.oob, few = 8 * chans + 8;
	int bad = 0;

	bad += most("reads", v->recvs,
	    run->p.sends + v->msgs + v->bytes_in / 8192 + urgent + few);
	bad += most("writes", v->sends, 3 * v->msgs + 2 * v->timeouts + few);
	bad += most("EAGAIN", v->again,
	    few + urgent + (s->how == HOW_LOOP ? 0 : v->sends));
	bad += most("rounds for nothing", v->idle, few + urgent + v->toomany);
	if (s->how == HOW_LOOP)
		/* One more to learn that sendmmsg(2) is not what it was. */
		bad += most("calls in a round", v->round_calls,
		    2 * chans + (run->a->expect.werror == EPERM));
	if (s->how <= HOW_NOWAIT && v->toomany == 0)
		bad += most("rounds until an answer left", v->late_rounds, 2);
	/* 98 is what the room for control messages holds; see os.h. */
	bad += most("closes", v->closes,
	    98 * v->recvs + v->msgs + run->h.answered + few);
	bad += most("CPU ms", (uint64_t)v->cpu_ms,
	    SLOW *
		(300 + v->calls * 30 / 1000 + v->msgs * 2 / 1000 +
		    run->p.bytes / 100000));
	return bad;
}

static int
judge_time(const struct run *run)
{
	uint64_t stall = (uint64_t)run->a->expect.stall_ms;
	int bad = 0;

	bad += most("ms beyond a deadline", (uint64_t)run->v.over_ms, IN_TIME);
	bad +=
	    at_least("ms of the known limit", (uint64_t)run->h.worst_ms, stall);
	bad += most(
	    "ms for an answer", (uint64_t)run->h.worst_ms, stall + IN_TIME);
	return bad;
}

/*
 * The peak of resident memory is a sum that the kernel keeps for each
 * processor and rounds: by 32 pages at least, and twice as many as there are
 * processors (include/linux/percpu_counter.h).
 */
static int
judge_memory(const struct run *run, const struct run *quiet)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	long bound = memory_bound(run), heap, rss, rough;
	int bad = 0;

	if (SANITIZED)
		return 0;
	heap = run->v.heap - quiet->v.heap;
	rss = run->v.rss - quiet->v.rss;
	rough = 1024 + 2 * (cpus > 16 ? 2 * cpus : 32) * 4;
	if (heap > bound)
		bad += most("KiB allocated", (uint64_t)heap, (uint64_t)bound);
	if (rss > bound + rough)
		bad += most(
		    "KiB resident", (uint64_t)rss, (uint64_t)(bound + rough));
	return bad;
}

int
judge(const struct run *run, const struct run *quiet)
{
	return judge_promises(run) + judge_ends(run) + judge_expected(run) +
	    judge_calls(run) + judge_time(run) + judge_memory(run, quiet);
}
