/* SPDX-License-Identifier: ISC */
/*
 * The loop of the tests, which counts, and the channel with a peer.
 */
#include "looplib.h"

#include <dirent.h>
#include <time.h>

const struct l_adapter *l_adapter;
struct imsgloop *l_loop;
struct l_counts l_counts;
long l_fail_set = -1, l_fail_add = -1;

static struct imsgloop *inner;
static int fds_before;

static int
fails(long *after)
{
	if (*after < 0 || (*after)-- > 0)
		return 0;
	errno = ENOMEM;
	return 1;
}

static int
count_add(struct imsgloop *loop, struct imsgloop_watch *w)
{
	(void)loop;
	if (fails(&l_fail_add) || inner->ops->add(inner, w) == -1)
		return -1;
	l_counts.add++;
	return 0;
}

static int
count_set(struct imsgloop *loop, struct imsgloop_watch *w, short events, int ms)
{
	(void)loop;
	if (fails(&l_fail_set))
		return -1;
	l_counts.set++;
	l_counts.out += (events & POLLOUT) && !(w->events & POLLOUT);
	return inner->ops->set(inner, w, events, ms);
}

static void
count_del(struct imsgloop *loop, struct imsgloop_watch *w)
{
	(void)loop;
	l_counts.del++;
	inner->ops->del(inner, w);
}

static const struct imsgloop_ops count_ops = { count_add, count_set,
	count_del };
static struct imsgloop counting = { &count_ops };

int
l_run_all(const struct CMUnitTest *tests, size_t n)
{
	int failed = 0;
	size_t i;

	for (i = 0; i < l_nadapters; i++) {
		l_adapter = &l_adapters[i];
		/* What a library keeps for good, it has from now on. */
		(void)l_adapter->open();
		l_adapter->shut();
		failed += _cmocka_run_group_tests(
		    l_adapter->name, tests, n, NULL, NULL);
	}
	return failed;
}

int
l_begin(void **state)
{
	(void)state;
	if (l_adapter == NULL)
		l_adapter = &l_adapters[0];
	memset(&l_counts, 0, sizeof(l_counts));
	l_fail_set = l_fail_add = -1;
	fds_before = l_count_fds();
	if ((inner = l_adapter->open()) == NULL)
		return -1;
	l_loop = &counting;
	return 0;
}

int
l_end(void **state)
{
	int fds;

	(void)state;
	l_adapter->shut();
	if (l_counts.add != l_counts.del) {
		print_error("%lu watches added, %lu left\n", l_counts.add,
		    l_counts.del);
		return -1;
	}
	if ((fds = l_count_fds()) != fds_before) {
		print_error("%d descriptors, before %d\n", fds, fds_before);
		return -1;
	}
	return 0;
}

void
l_turn(int ms)
{
	l_counts.turn++;
	l_adapter->turn(ms);
}

void
l_settle(void)
{
	int i;

	/* sd-event calls one source a turn, so there have to be some. */
	for (i = 0; i < 20; i++)
		l_turn(0);
}

int64_t
l_now(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

int
l_count_fds(void)
{
	DIR *d = opendir("/dev/fd");
	int n = 0;

	if (d == NULL)
		return -1;
	while (readdir(d) != NULL)
		n++;
	(void)closedir(d);
	return n;
}

void
l_pair(int s[2])
{
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, s), 0);
}

int
l_fd(void)
{
	int fd = open("/dev/null", O_RDWR | O_CLOEXEC);

	assert_int_not_equal(fd, -1);
	return fd;
}

static void
on_message(struct imsgloop_chan *c, struct imsg *m, void *arg)
{
	struct side *s = arg;

	assert_ptr_equal(s->c, c);
	assert_int_equal(s->ended, 0);
	s->messages++;
	s->disorder += imsg_get_type(m) != s->last + 1;
	s->last = imsg_get_type(m);
	if (s->message != NULL)
		s->message(s, m);
}

static void
on_ended(struct imsgloop_chan *c, int why, int error, void *arg)
{
	struct side *s = arg;

	assert_ptr_equal(s->c, c);
	s->ended++;
	s->why = why;
	s->error = error;
	if (s->over != NULL)
		s->over(s);
	s->c = NULL;
}

static void
on_drained(struct imsgloop_chan *c, void *arg)
{
	struct side *s = arg;

	assert_ptr_equal(s->c, c);
	assert_int_equal(s->ended, 0);
	s->drained++;
	if (s->room != NULL)
		s->room(s);
}

static const struct imsgloop_cb side_cb = { on_message, on_ended, on_drained };

static int
side_sockets(struct side *s)
{
	int pair[2];

	l_pair(pair);
	assert_int_equal(fcntl(pair[1], F_SETFL, O_NONBLOCK), 0);
	assert_int_equal(imsgbuf_init(&s->peer, pair[1]), 0);
	imsgbuf_allow_fdpass(&s->peer);
	return pair[0];
}

void
side_open(struct side *s)
{
	int fd = side_sockets(s);

	s->own.w = NULL;
	s->c = imsgloop_open(l_loop, fd, &side_cb, s);
	assert_non_null(s->c);
}

void
side_attach(struct side *s)
{
	if (s->own.w == NULL) {
		assert_int_equal(imsgbuf_init(&s->own, side_sockets(s)), 0);
		imsgbuf_allow_fdpass(&s->own);
	}
	s->c = imsgloop_attach(l_loop, &s->own, &side_cb, s);
	assert_non_null(s->c);
}

void
side_hang_up(struct side *s)
{
	if (s->peer.w == NULL)
		return;
	imsgbuf_clear(&s->peer);
	(void)close(s->peer.fd);
}

void
side_shut(struct side *s)
{
	imsgloop_detach(s->c);
	s->c = NULL;
	if (s->own.w != NULL) {
		imsgbuf_clear(&s->own);
		(void)close(s->own.fd);
	}
	side_hang_up(s);
}

int
side_push(struct side *s)
{
	size_t before;

	do {
		before = imsgbuf_queuebytes(&s->peer);
		assert_int_equal(imsgbuf_write(&s->peer), 0);
	} while (imsgbuf_queuebytes(&s->peer) < before);
	return before == 0;
}

void
side_send(struct side *s, uint32_t from, uint32_t n)
{
	uint32_t i;

	for (i = 1; i <= n; i++)
		assert_int_equal(
		    imsg_compose(&s->peer, from + i, 7, 0, -1, &i, sizeof(i)),
		    1);
	(void)side_push(s);
}

uint32_t
side_take(struct side *s, uint32_t *last)
{
	uint32_t n = 0;
	struct imsg m;
	struct pollfd p = { .fd = s->peer.fd, .events = POLLIN };

	while (poll(&p, 1, 0) == 1 && imsgbuf_read(&s->peer) == 1) {
		while (imsgbuf_get(&s->peer, &m) == 1) {
			n++;
			if (last != NULL)
				*last = imsg_get_type(&m);
			imsg_free(&m);
		}
	}
	return n;
}

void
side_fill(struct side *s)
{
	static char bytes[8192];
	struct imsgbuf *b = imsgloop_imsgbuf(s->c);

	while (!(imsgbuf_queuelen(b) > 0 && l_counts.out > 0)) {
		if (imsgbuf_queuelen(b) == 0)
			assert_int_equal(imsgloop_compose(s->c, 1, 0, 0, -1,
					     bytes, sizeof(bytes)),
			    1);
		l_turn(0);
	}
}
