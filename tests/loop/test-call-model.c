/* SPDX-License-Identifier: ISC */
/*
 * Thousands of calls in random circumstances, against what the header says of
 * each: it ends once, in a way that it may end, with its own answer.
 *
 * The other end is a process that answers when, how and whether it likes, and
 * dies in the middle of it.  TEST_SEED=n repeats a run.
 */
#define _DEFAULT_SOURCE
#include <sys/wait.h>

#include "call-pair.h"

#define ROUNDS	40
#define CALLS	250
#define WAITING 64

static uint64_t seed;

static uint32_t
rnd(uint32_t n)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (uint32_t)(seed >> 32) % n;
}

/*
 * The peer.  It answers with the number that the caller put into the request,
 * so that an answer that reaches another call is noticed.
 */
struct asked {
	uint32_t peerid, id;
};

static void
say(struct imsgbuf *b, uint32_t type, uint32_t peerid, int fd, const void *data,
    size_t len)
{
	if (imsg_compose(b, type, peerid, 0, fd, data, len) == -1)
		_exit(1);
}

static void
peer_answers(struct imsgbuf *b, const struct asked *a)
{
	int32_t error[2];

	error[0] = (int32_t)(a->id % 100 + 1);
	error[1] = (int32_t)a->id;
	switch (rnd(12)) {
	case 0: /* never */
		return;
	case 1:
		say(b, IMSGCALL_ERROR, a->peerid, -1, error, 8);
		return;
	case 2:
		say(b, IMSGCALL_ERROR, a->peerid, -1, error, rnd(4));
		return;
	case 3:
		say(b, 2, a->peerid, open("/dev/null", O_RDONLY), &a->id, 4);
		return;
	case 4:
		say(b, 2, a->peerid, -1, &a->id, 4);
		say(b, 2, a->peerid, open("/dev/null", O_RDONLY), &a->id, 4);
		return;
	case 5:
		say(b, 3, rnd(1U << 31) | 1U << 30, -1, NULL, 0);
		/* FALLTHROUGH */
	default:
		say(b, 2, a->peerid, -1, &a->id, 4);
		return;
	case 6:
		say(b, 9, rnd(2) << 31, -1, NULL, 0);
		say(b, 2, a->peerid, -1, &a->id, 4);
		return;
	}
}

static void
peer_main(int fd, uint32_t life)
{
	static struct asked asked[WAITING];
	struct imsgbuf b;
	struct imsg m;
	uint32_t n = 0, i;

	if (imsgbuf_init(&b, fd) == -1)
		_exit(1);
	imsgbuf_allow_fdpass(&b);
	for (; life > 0; life--) {
		if (imsgbuf_recv(&b, &m, n == 0 ? -1 : 1) == 1) {
			asked[n].peerid = m.hdr.peerid;
			(void)imsg_get_data(&m, &asked[n].id, 4);
			n++;
			imsg_free(&m);
		} else if (n == 0) {
			break;
		}
		while (n > 0 && (n == WAITING || rnd(3) == 0)) {
			i = rnd(n);
			peer_answers(&b, &asked[i]);
			asked[i] = asked[--n];
		}
		if (imsgbuf_flush_timeout(&b, 10000) == -1)
			break;
	}
	/* In the middle of a word. */
	if (rnd(2) == 0)
		(void)!write(fd, "\1\0\0\0", 4);
	_exit(0);
}

/* A call, as it should be. */
struct want {
	uint32_t number;
	int ms, ended, silent, told;
	int64_t since;
};

static struct want want[CALLS * 4];
static uint32_t nwant;
static struct imsgloop *loop;
static struct imsgloop_chan *chan;
static struct imsgcall *call;
static uint32_t tally[6];
static int over, depth;

static void act(uint32_t);

static void
silence_all(void)
{
	uint32_t i;

	for (i = 0; i < nwant; i++)
		if (!want[i].ended)
			want[i].ended = want[i].silent = 1;
}

static void
check_answer(struct imsg *m, int error, uint32_t id)
{
	uint32_t got = id;
	int fd;

	if (error == 0 && m->hdr.type != IMSGCALL_ERROR) {
		assert_int_equal(imsg_get_data(m, &got, 4), 0);
		tally[0]++;
	} else if (imsg_get_len(m) == 8) {
		assert_int_equal(error, (int)(id % 100 + 1));
		tally[1]++;
	} else {
		assert_int_equal(error, EPROTO);
		tally[2]++;
	}
	assert_int_equal(got, id);
	if (rnd(2) == 0 && (fd = imsg_get_fd(m)) != -1)
		(void)close(fd);
}

static void
done(struct imsgcall *c, struct imsg *m, int error, void *arg)
{
	struct want *w = arg;

	(void)c;
	/* Once, never after a cancellation, never after the end. */
	assert_int_equal(w->ended, 0);
	assert_int_equal(over, 0);
	w->ended = 1;
	w->told++;
	if (m != NULL) {
		check_answer(m, error, (uint32_t)(w - want));
	} else if (error == ETIMEDOUT) {
		assert_true(w->ms >= 0 && now_ms() - w->since >= w->ms - 1);
		tally[3]++;
	} else {
		assert_int_equal(error, EPIPE);
		tally[4]++;
	}
	if (depth++ < 3 && rnd(3) == 0)
		act(rnd(100));
	depth--;
}

static void
message(struct imsgloop_chan *ch, struct imsg *m, void *arg)
{
	(void)ch;
	(void)arg;
	assert_int_equal(m->hdr.type, 9);
	assert_int_equal(m->hdr.peerid & 0x7fffffff, 0);
	if (depth++ < 3 && rnd(3) == 0)
		act(rnd(100));
	depth--;
}

static void
ended(struct imsgloop_chan *ch, int why, int error, void *arg)
{
	uint32_t i;

	(void)why;
	(void)error;
	(void)arg;
	assert_ptr_equal(ch, chan);
	/* All of them were told before. */
	for (i = 0; i < nwant; i++)
		assert_int_equal(want[i].ended, 1);
	over = 1;
}

static const struct imsgloop_cb cb = { message, ended, NULL };

static void
act_start(void)
{
	struct want *w = &want[nwant];
	int fd;

	if (nwant == sizeof(want) / sizeof(want[0]))
		return;
	memset(w, 0, sizeof(*w));
	w->ms = rnd(2) == 0 ? -1 : (int)rnd(20);
	w->since = now_ms();
	fd = rnd(8) == 0 ? open("/dev/null", O_RDONLY) : -1;
	w->number = imsgcall_start(call, 1, fd, &nwant, 4, w->ms, done, w);
	if (w->number == 0) {
		assert_int_equal(errno, EPIPE);
		if (fd != -1)
			(void)close(fd);
	} else {
		nwant++;
	}
}

static void
act_cancel(void)
{
	struct want *w;
	int r;

	if (nwant == 0)
		return;
	w = &want[rnd(nwant)];
	r = imsgcall_cancel(call, w->number);
	/* A new object may have given out the number anew. */
	if (r == -1)
		assert_int_equal(w->ended, 1);
	else if (!w->ended)
		w->ended = w->silent = 1;
}

static void
act_wait(void)
{
	uint32_t id = 1U << 20 | rnd(1U << 20);
	struct imsg m;
	int r;

	r = imsgcall_wait(call, 1, -1, &id, 4, (int)rnd(4), &m);
	tally[5]++;
	if (r == -1) {
		assert_true(errno == ETIMEDOUT || errno == EPIPE);
		return;
	}
	check_answer(&m, imsgcall_error(&m), id);
	imsg_free(&m);
}

/* Rarely the whole, or the peer's numbers would start anew too often. */
static void
act(uint32_t what)
{
	if (over || call == NULL)
		return;
	if (what < 45)
		act_start();
	else if (what < 60)
		act_cancel();
	else if (what < 70)
		act_wait();
	else if (what == 99 && rnd(20) == 0)
		(void)imsgloop_close(chan, (int)rnd(5));
}

static void
last_act(pid_t pid)
{
	switch (rnd(5)) {
	case 0:
		silence_all();
		imsgloop_detach(chan);
		over = 1;
		break;
	case 1:
		silence_all();
		imsgcall_free(call);
		call = NULL;
		break;
	case 2:
		(void)imsgloop_close(chan, 10);
		break;
	default:
		assert_int_equal(kill(pid, SIGKILL), 0);
		break;
	}
}

static void
one_round(void)
{
	int s[2], fds = open_fds();
	uint32_t i, life = 50 + rnd(2 * CALLS), steps = CALLS;
	int64_t until = now_ms() + 20000;
	pid_t pid;

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, s), 0);
	assert_int_not_equal(pid = fork(), -1);
	if (pid == 0) {
		(void)close(s[0]);
		peer_main(s[1], life);
	}
	(void)close(s[1]);
	nwant = 0;
	over = depth = 0;
	assert_non_null(loop = imsgloop_poll_new());
	assert_non_null(chan = imsgloop_open(loop, s[0], &cb, NULL));
	assert_non_null(call = imsgcall_new(chan, IMSGCALL_LOWER));
	for (; steps > 0 && !over; steps--) {
		act(rnd(100));
		if (rnd(4) == 0)
			assert_int_not_equal(
			    imsgloop_poll_turn(loop, (int)rnd(3)), -1);
	}
	if (!over)
		last_act(pid);
	if (call == NULL) {
		imsgloop_detach(chan);
		over = 1;
	}
	while (!over) {
		assert_true(now_ms() < until);
		assert_int_not_equal(imsgloop_poll_turn(loop, 100), -1);
	}
	for (i = 0; i < nwant; i++)
		assert_int_equal(want[i].told + want[i].silent, 1);
	imsgloop_poll_free(loop);
	(void)kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_int_equal(open_fds(), fds);
}

static void
every_call_ends_once_in_a_way_that_it_may(void **state)
{
	const char *given = getenv("TEST_SEED");
	int i;

	(void)state;
	seed = given != NULL ? strtoull(given, NULL, 0) : 20261126;
	printf("# seed %llu\n", (unsigned long long)seed);
	for (i = 0; i < ROUNDS; i++) {
		fflush(NULL);
		one_round();
	}
	printf("# %u answers, %u errors, %u of nonsense, %u out of time, "
	       "%u at the end, %u waits\n",
	    tally[0], tally[1], tally[2], tally[3], tally[4], tally[5]);
	for (i = 0; i < 6; i++)
		assert_true(tally[i] > 20);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_call_ends_once_in_a_way_that_it_may),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
