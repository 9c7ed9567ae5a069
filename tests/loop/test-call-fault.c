/* SPDX-License-Identifier: ISC */
/*
 * Want of memory at every place of a conversation by calls: what fails says
 * ENOMEM, changes nothing and can be done again.
 *
 * The sources of the library are part of this program, with allocating
 * functions that fail once, at the place that is asked for.
 */
#include "../../loop/feature.h"

#include "call-pair.h"

static size_t live, allocations, fail_at, failed;

static int
must_fail(void)
{
	if (++allocations != fail_at)
		return 0;
	failed++;
	errno = ENOMEM;
	return 1;
}

static void *
test_get(void *old, size_t n, size_t size)
{
	void *p;

	if (must_fail())
		return NULL;
	p = old == NULL ? calloc(n, size) : realloc(old, n * size);
	assert_non_null(p);
	live += old == NULL;
	return p;
}

static void
test_put(void *p)
{
	live -= p != NULL;
	free(p);
}

static struct ibufqueue *
test_ibufq_new(void)
{
	return must_fail() ? NULL : ibufq_new();
}

static int
test_imsgbuf_init(struct imsgbuf *b, int fd)
{
	return must_fail() ? -1 : imsgbuf_init(b, fd);
}

static int
test_compose(struct imsgbuf *b, uint32_t type, uint32_t id, pid_t pid, int fd,
    const void *data, size_t len)
{
	return must_fail() ? -1 : imsg_compose(b, type, id, pid, fd, data, len);
}

static int
test_get_message(struct imsgbuf *b, struct imsg *m)
{
	return must_fail() ? -1 : imsgbuf_get(b, m);
}

static int
test_recv(struct imsgbuf *b, struct imsg *m, int ms)
{
	return must_fail() ? -1 : imsgbuf_recv(b, m, ms);
}

/* So many writes say what the system says when it has no buffers. */
static int write_failures;

static int
test_write(struct imsgbuf *b)
{
	if (write_failures == 0)
		return imsgbuf_write(b);
	write_failures--;
	errno = ENOBUFS;
	return -1;
}

#define imsgbuf_write test_write
#define malloc(n)     test_get(NULL, 1, n)
#define calloc(n, s)  test_get(NULL, n, s)
#define realloc(p, n) test_get(p, 1, n)
#define free(p)	      test_put(p)
#define ibufq_new     test_ibufq_new
#define imsgbuf_init  test_imsgbuf_init
#define imsg_compose  test_compose
#define imsgbuf_get   test_get_message
#define imsgbuf_recv  test_recv
#include "../../loop/call.c"
#include "../../loop/call-answer.c"
#include "../../loop/call-table.c"
#include "../../loop/call-wait.c"
#include "../../loop/chan.c"
#include "../../loop/chan-io.c"
#include "../../loop/chan-queue.c"
#include "../../loop/chan-turn.c"
#include "../../loop/loop.c"
#include "../../loop/poll.c"
#include "../../loop/poll-timers.c"
#undef imsgbuf_write
#undef malloc
#undef calloc
#undef realloc
#undef free
#undef ibufq_new
#undef imsgbuf_init
#undef imsg_compose
#undef imsgbuf_get
#undef imsgbuf_recv

#define CALLS 200

/* Done, at the second time at the latest. */
#define AGAIN(done)                                      \
	do {                                             \
		if (!(done)) {                           \
			assert_int_equal(errno, ENOMEM); \
			assert_true(done);               \
		}                                        \
	} while (0)

/* A loop that cannot always do what it is asked for. */
static size_t asked, refuse_at;

static int
refuse(void)
{
	if (++asked != refuse_at)
		return 0;
	errno = ENOMEM;
	return 1;
}

static int
refusing_add(struct imsgloop *loop, struct imsgloop_watch *w)
{
	return refuse() ? -1 : poll_ops.add(loop, w);
}

static int
refusing_set(
    struct imsgloop *loop, struct imsgloop_watch *w, short events, int ms)
{
	return refuse() ? -1 : poll_ops.set(loop, w, events, ms);
}

static void
refusing_del(struct imsgloop *loop, struct imsgloop_watch *w)
{
	poll_ops.del(loop, w);
}

static const struct imsgloop_ops refusing = { refusing_add, refusing_set,
	refusing_del };

static void
begin(struct pair *p)
{
	int s[2];

	memset(p, 0, sizeof(*p));
	p->fds = open_fds();
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, s), 0);
	AGAIN((p->loop = imsgloop_poll_new()) != NULL);
	if (refuse_at > 0)
		p->loop->ops = &refusing;
	AGAIN((p->chan = imsgloop_open(p->loop, s[0], &pair_cb, p)) != NULL);
	AGAIN((p->call = imsgcall_new(p->chan, IMSGCALL_LOWER)) != NULL);
	assert_int_equal(imsgbuf_init(&p->peer, s[1]), 0);
}

static void
start_many(struct pair *p)
{
	uint32_t n;
	size_t i;

	for (i = 0; i < CALLS; i++) {
		AGAIN((n = pair_start(p, i % 2 == 0 ? 1 : 60000)) != 0);
		assert_int_equal(imsgcall_pending(p->call), i + 1);
	}
}

/* Number of the next call; one more if a try has used it up. */
static void
wait_once(struct pair *p)
{
	uint32_t next = p->call->table.last_number + 1;
	struct imsg m;
	int r;

	peer_send(p, 50, 0, -1, NULL, 0);
	peer_answer(p, next);
	peer_send(p, 51, 0, -1, NULL, 0);
	errno = 0;
	r = imsgcall_wait(p->call, 1, -1, NULL, 0, 10000, &m);
	if (r == -1) {
		assert_int_equal(errno, ENOMEM);
		return;
	}
	assert_int_equal(m.hdr.peerid, next);
	imsg_free(&m);
}

/* Half of them ran out of time, the others are told of the end. */
static void
conversation(void)
{
	struct pair p;
	int i, times = 0, handled = 0, ends = 0;

	begin(&p);
	start_many(&p);
	wait_once(&p);
	pair_until(&p, CALLS / 2 + 2);
	pair_hang_up(&p);
	pair_until(&p, CALLS + 3);
	for (i = 0; i < p.log.n; i++) {
		times += p.log.what[i] == 't';
		handled += p.log.what[i] == 'm';
		ends += p.log.what[i] == 'p';
	}
	assert_int_equal(times, CALLS / 2);
	assert_int_equal(handled, 2);
	assert_int_equal(ends, CALLS / 2);
	assert_int_equal(p.log.what[p.log.n - 1], 'e');
	pair_close(&p);
	assert_int_equal(live, 0);
}

static void
every_want_of_memory_is_survived(void **state)
{
	size_t i;

	(void)state;
	for (i = 1;; i++) {
		allocations = failed = 0;
		fail_at = i;
		conversation();
		if (failed == 0)
			break;
	}
	printf("# %zu places\n", i - 1);
	assert_true(i > CALLS * 2);
}

/*
 * Wherever the loop refuses: each call ends once, and then the channel.  A
 * channel that the loop cannot serve ends with the loop's error.
 */
static void
every_refusal_of_the_loop_is_survived(void **state)
{
	int i, started, told;
	struct pair p;
	uint32_t n;

	(void)state;
	fail_at = 0;
	for (refuse_at = 1;; refuse_at++) {
		asked = 0;
		begin(&p);
		for (i = started = 0; i < 6; i++) {
			if ((n = pair_start(&p, 12 - 2 * i)) == 0)
				assert_int_equal(errno, ENOMEM);
			else
				started++;
			if (i == 3)
				peer_answer(&p, n);
			pair_turn(&p);
			if (p.chan == NULL)
				break;
		}
		if (p.chan != NULL)
			wait_once(&p);
		for (i = 0; i < 10; i++)
			(void)imsgloop_poll_turn(p.loop, 2);
		pair_hang_up(&p);
		for (i = 0; i < 1000 && p.chan != NULL; i++)
			(void)imsgloop_poll_turn(p.loop, 2);
		assert_null(p.chan);
		for (i = told = 0; i < p.log.n; i++)
			told += strchr("atpx", p.log.what[i]) != NULL;
		assert_int_equal(told, started);
		assert_int_equal(p.log.what[p.log.n - 1], 'e');
		pair_close(&p);
		assert_int_equal(live, 0);
		if (asked < refuse_at)
			break;
	}
	printf("# %zu refusals\n", refuse_at - 1);
	assert_true(refuse_at > 10);
	refuse_at = 0;
}

static void
a_system_without_buffers_is_waited_for_without_spinning(void **state)
{
	struct pair p;
	struct imsg m;

	(void)state;
	begin(&p);
	peer_answer(&p, 1);
	write_failures = 5;
	assert_int_equal(imsgcall_wait(p.call, 1, -1, NULL, 0, 10000, &m), 1);
	imsg_free(&m);
	/* Nothing is left to do that would let the loop turn. */
	write_failures = 0;
	peer_get(&p, &m);
	imsg_free(&m);
	assert_int_equal(imsgloop_poll_turn(p.loop, 0), 0);
	write_failures = 100000;
	assert_int_equal(imsgcall_wait(p.call, 1, -1, NULL, 0, 100, &m), -1);
	assert_int_equal(errno, ETIMEDOUT);
	/* A try a millisecond, not as many as go. */
	assert_true(write_failures > 100000 - 200);
	write_failures = 0;
	/* The loop sends it then. */
	peer_get(&p, &m);
	assert_int_equal(m.hdr.peerid, 2);
	imsg_free(&m);
	pair_close(&p);
	assert_int_equal(live, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_want_of_memory_is_survived),
		cmocka_unit_test(every_refusal_of_the_loop_is_survived),
		cmocka_unit_test(
		    a_system_without_buffers_is_waited_for_without_spinning),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
