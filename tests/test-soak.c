/* SPDX-License-Identifier: ISC */
/*
 * 200,000 random messages from one process to another over a non-blocking
 * socket, some with descriptors: each arrives whole, in order, once, with its
 * own descriptor.  SOAK_MESSAGES sets another number.
 */
#include "testlib.h"

#include <sys/wait.h>

#define MOST (MAX_IMSGSIZE - IMSG_HEADER_SIZE)

struct plan {
	size_t len;
	uint32_t seed;
	int how;
	int with_fd;
};

/* Both processes draw the same numbers. */
static void
draw(struct plan *p)
{
	uint32_t r = t_rand();

	p->seed = t_rand();
	p->how = (int)(r >> 8 & 3);
	p->with_fd = (r & 15) == 0;
	if ((r >> 4 & 15) == 0)
		p->len = t_rand() % (MOST + 1);
	else
		p->len = t_rand() % 200;
}

/* FNV-1a */
static uint32_t
checksum(const unsigned char *p, size_t n)
{
	uint32_t h = 2166136261U;

	while (n-- > 0)
		h = (h ^ *p++) * 16777619U;
	return h;
}

/* A pipe that holds the number of its message. */
static int
numbered_fd(uint32_t i)
{
	int p[2];

	if (pipe(p) == -1 || write(p[1], &i, sizeof(i)) != sizeof(i))
		return -1;
	close(p[1]);
	return p[0];
}

static int
compose(struct imsgbuf *b, uint32_t i, const struct plan *p)
{
	static unsigned char data[MOST];
	struct iovec iov[2] = { { data, p->len / 3 },
		{ data + p->len / 3, p->len - p->len / 3 } };
	struct ibuf *ibuf;
	uint32_t sum;
	int fd = -1;

	t_fill(data, p->len, p->seed);
	sum = checksum(data, p->len);
	if (p->with_fd && (fd = numbered_fd(i)) == -1)
		return -1;
	switch (p->how) {
	case 0:
		return imsg_composev(b, i, sum, 0, fd, iov, 2);
	case 1:
		if ((ibuf = imsg_create(b, i, sum, 0, 0)) == NULL ||
		    imsg_add(ibuf, data, p->len) == -1)
			return -1;
		ibuf_fd_set(ibuf, fd);
		imsg_close(b, ibuf);
		return 1;
	case 2:
		if ((ibuf = ibuf_open(p->len)) == NULL ||
		    ibuf_add(ibuf, data, p->len) == -1)
			return -1;
		ibuf_fd_set(ibuf, fd);
		return imsg_compose_ibuf(b, i, sum, 0, ibuf);
	default:
		return imsg_compose(b, i, sum, 0, fd, data, p->len);
	}
}

static int
sender(struct imsgbuf *b, uint32_t n)
{
	struct pollfd pfd = { b->fd, POLLOUT, 0 };
	struct plan p;
	uint32_t i;

	for (i = 0; i < n; i++) {
		draw(&p);
		if (compose(b, i, &p) != 1)
			return 1;
		/* Sometimes many wait, sometimes one. */
		if (i % 97 < 60)
			continue;
		if (imsgbuf_write(b) == -1)
			return 2;
		while (imsgbuf_queuelen(b) > 200) {
			if (poll(&pfd, 1, -1) == -1 || imsgbuf_write(b) == -1)
				return 3;
		}
	}
	return imsgbuf_flush(b) == 0 ? 0 : 4;
}

static void
verify(struct imsg *m, uint32_t i, const struct plan *p)
{
	uint32_t number;
	int fd = imsg_get_fd(m);

	assert_int_equal(imsg_get_type(m), i);
	assert_int_equal(imsg_get_len(m), p->len);
	assert_int_equal(imsg_get_id(m), checksum(m->data, p->len));
	assert_true(t_check(m->data, p->len, p->seed));
	assert_int_equal(fd != -1, p->with_fd);
	if (fd == -1)
		return;
	assert_int_equal(read(fd, &number, sizeof(number)), sizeof(number));
	assert_int_equal(number, i);
	close(fd);
}

static void
nothing_is_lost_in_200000_random_messages(void **state)
{
	const char *env = getenv("SOAK_MESSAGES");
	uint32_t n = env != NULL ? (uint32_t)strtoul(env, NULL, 10) : 200000;
	struct imsgbuf a, b;
	struct plan p;
	struct imsg m;
	uint32_t i;
	pid_t pid;
	int status;

	(void)state;
	t_seed(20261124);
	t_chan(&a, &b, 1);
	t_nonblock(a.fd);
	t_nonblock(b.fd);
	fflush(NULL);
	assert_int_not_equal(pid = fork(), -1);
	if (pid == 0) {
		/* Whoever holds both ends never sees that one is gone. */
		close(b.fd);
		_exit(sender(&a, n));
	}
	close(a.fd);
	imsgbuf_clear(&a);
	for (i = 0; i < n; i++) {
		draw(&p);
		assert_int_equal(imsgbuf_recv(&b, &m, 120000), 1);
		verify(&m, i, &p);
		imsg_free(&m);
	}
	assert_int_equal(imsgbuf_recv(&b, &m, 120000), 0);
	assert_int_equal(imsgbuf_partial(&b), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	imsgbuf_clear(&b);
	close(b.fd);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(nothing_is_lost_in_200000_random_messages),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
