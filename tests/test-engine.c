/* SPDX-License-Identifier: ISC */
/*
 * The short paths of small messages and the long ones of all others give the
 * same result, wherever writes and reads end and whatever fails between.
 */
#include "testlib.h"

#include "../src/ibuf-int.h"

#define KINDS 5

/* Queues message i in one of the ways there are.  Adds to *ibufs. */
static int
queue_one(struct imsgbuf *a, uint32_t i, int kind, size_t len, uint64_t *id,
    uint32_t *ibufs)
{
	unsigned char p[300];
	struct iovec iov[2];
	struct ibuf *b;
	int fd, r;

	t_fill(p, len, i);
	*ibufs += kind == 2 ? 2 : 1;
	switch (kind) {
	case 0:
		return imsg_compose(a, i, 0, 0, -1, p, len);
	case 1:
		fd = t_fd(id);
		if ((r = imsg_compose(a, i, 0, 0, fd, p, len)) == -1)
			close(fd);
		return r;
	case 2:
		assert_non_null(b = ibuf_open(len));
		assert_int_equal(ibuf_add(b, p, len), 0);
		return imsg_compose_ibuf(a, i, 0, 0, b);
	case 3:
		iov[0].iov_base = p;
		iov[0].iov_len = len / 3;
		iov[1].iov_base = p + len / 3;
		iov[1].iov_len = len - len / 3;
		return imsg_composev(a, i, 0, 0, -1, iov, 2);
	default:
		if ((b = imsg_create(a, i, 0, 0, len)) == NULL)
			return -1;
		if (imsg_add(b, p, len) == -1)
			return -1;
		imsg_close(a, b);
		return 1;
	}
}

/* After each short write the queue says what is left, byte for byte. */
static void
short_writes_leave_the_rest_in_order(void **state)
{
	enum { N = 24 };
	struct imsgbuf a, b;
	uint64_t id[N];
	size_t len[N], step, left;
	uint32_t i, ibufs, was;
	int kind[N];

	(void)state;
	t_seed(301);
	for (step = 1; step < 90; step++) {
		t_chan(&a, &b, 1);
		for (i = ibufs = 0, left = 0; i < N; i++) {
			kind[i] = (int)(t_rand() % (KINDS + 3));
			/* Mostly the short path. */
			kind[i] = kind[i] < KINDS ? kind[i] : 0;
			len[i] =
			    t_rand() % 4 == 0 ? t_rand() % 300 : t_rand() % 40;
			assert_int_equal(
			    queue_one(&a, i, kind[i], len[i], &id[i], &ibufs),
			    1);
			assert_int_equal(imsgbuf_queuelen(&a), ibufs);
			left += IMSG_HEADER_SIZE + len[i];
		}
		assert_int_equal(imsgbuf_queuebytes(&a), left);
		t_short_send(step);
		while (imsgbuf_queuebytes(&a) > 0) {
			was = imsgbuf_queuelen(&a);
			assert_int_equal(imsgbuf_write(&a), 0);
			assert_true(imsgbuf_queuebytes(&a) < left);
			assert_true(imsgbuf_queuelen(&a) <= was);
			left = imsgbuf_queuebytes(&a);
			/* Each write takes room in the socket. */
			assert_int_equal(imsgbuf_read(&b), 1);
		}
		assert_int_equal(imsgbuf_queuelen(&a), 0);
		for (i = 0; i < N; i++)
			t_expect(&b, i,
			    kind[i] == 1 ? IMSG_FD_PRESENT : IMSG_FD_NONE,
			    id[i]);
		t_unchan(&a, &b);
	}
}

/* Halfway through everything, at every byte, the channel is given up. */
static void
clear_in_the_middle_leaves_nothing(void **state)
{
	struct imsgbuf a, b;
	uint32_t i, ibufs;
	uint64_t id;
	size_t cut;

	(void)state;
	for (cut = 1; cut < 200; cut++) {
		t_chan(&a, &b, 1);
		for (i = ibufs = 0; i < 10; i++)
			assert_int_equal(
			    queue_one(&a, i, (int)(i % KINDS), 5, &id, &ibufs),
			    1);
		t_short_send(cut);
		assert_int_equal(imsgbuf_write(&a), 0);
		if (cut % 2 == 0) {
			msgbuf_clear(a.w);
			assert_int_equal(imsgbuf_queuelen(&a), 0);
			assert_int_equal(imsgbuf_queuebytes(&a), 0);
			assert_int_equal(
			    imsg_compose(&a, 1, 0, 0, -1, "new", 3), 1);
			assert_int_equal(imsgbuf_queuelen(&a), 1);
		}
		t_unchan(&a, &b);
	}
}

/* Any allocation may fail: the queue is as before, the next try succeeds. */
static void
want_of_memory_leaves_the_queue_as_it_was(void **state)
{
	struct imsgbuf a, b;
	uint32_t i, n = 0, ibufs = 0, failed = 0, len;
	uint64_t id[600];
	size_t bytes;
	int kind, r;

	(void)state;
	t_seed(302);
	t_chan(&a, &b, 1);
	while (n < 600) {
		/* No kind whose test would have to allocate for itself. */
		kind = (int)(t_rand() % 3);
		kind = kind == 2 ? 3 : kind;
		len = t_rand() % 200;
		bytes = imsgbuf_queuebytes(&a);
		i = ibufs;
		t_fail_alloc(t_rand() % 2, 0);
		r = queue_one(&a, n, kind, len, &id[n], &ibufs);
		t_fail_alloc(0, 0);
		if (r == -1) {
			failed++;
			ibufs = i;
			assert_int_equal(imsgbuf_queuebytes(&a), bytes);
		} else {
			if (kind != 1)
				id[n] = 0;
			n++;
		}
		assert_int_equal(imsgbuf_queuelen(&a), ibufs);
		if (n % 50 == 0 && r == 1) {
			assert_int_equal(imsgbuf_flush(&a), 0);
			ibufs = 0;
			for (i = n - 50; i < n; i++)
				t_expect(&b, i,
				    id[i] != 0 ? IMSG_FD_PRESENT : IMSG_FD_NONE,
				    id[i]);
		}
	}
	assert_true(failed > 20);
	t_unchan(&a, &b);
}

/* The limit counts the same whichever way a message takes. */
static void
limits_hold_on_every_path(void **state)
{
	const struct imsg_limits msgs = { 0, 0, 7, 0, 0, 0 };
	const struct imsg_limits bytes = { 7 * 21, 0, 0, 0, 0, 0 };
	struct imsgbuf a, b;
	uint32_t ibufs = 0, i;
	uint64_t id;
	int kind, by;

	(void)state;
	for (kind = 0; kind <= KINDS; kind++) {
		for (by = 0; by < 2; by++) {
			t_chan(&a, &b, 1);
			assert_int_equal(
			    imsgbuf_set_limits(&a, by ? &bytes : &msgs), 0);
			/* The last round: all kinds in turn. */
			for (i = 0; i < 7; i++)
				assert_int_equal(
				    queue_one(&a, i,
					kind < KINDS ? kind : (int)i % KINDS, 5,
					&id, &ibufs),
				    1);
			for (i = 0; i < KINDS; i++)
				assert_errno(
				    queue_one(&a, 9, (int)i, 5, &id, &ibufs),
				    ENOBUFS);
			/* One message leaves, also if it has a descriptor. */
			t_fail_mmsg(1, ENOSYS);
			t_short_send(21);
			assert_int_equal(imsgbuf_write(&a), 0);
			t_short_send(0);
			t_fail_mmsg(0, 0);
			assert_int_equal(
			    queue_one(&a, 9, 0, 5, &id, &ibufs), 1);
			assert_errno(
			    queue_one(&a, 9, 0, 5, &id, &ibufs), ENOBUFS);
			assert_int_equal(
			    imsgbuf_set_limits(
				&a, &(struct imsg_limits){ 0, 0, 0, 0, 0, 0 }),
			    0);
			assert_int_equal(
			    queue_one(&a, 9, 0, 5, &id, &ibufs), 1);
			t_unchan(&a, &b);
		}
	}
}

/* Where the next message is received is guessed from the last ones. */
static void
a_wrong_guess_changes_nothing(void **state)
{
	static unsigned char p[70000];
	static const size_t sizes[] = { 8, 9, 24, 25, 40, 8176, 8177, 9000,
		16368, 65520, 65521, 70000 };
	struct imsgbuf a, b;
	uint32_t i, k, n, type;
	uint64_t id[8];
	size_t len = 0;

	(void)state;
	t_seed(303);
	for (i = 0; i < 150; i++) {
		t_chan(&a, &b, (int)(i % 2));
		assert_int_equal(imsgbuf_set_maxpayload(&a, 70000), 0);
		assert_int_equal(imsgbuf_set_maxpayload(&b, 70000), 0);
		t_short_recv(i % 3 == 0 ? 1 + t_rand() % 9000 : 0);
		for (type = 0; type < 60; type += n) {
			/* Runs of one size, each broken by another. */
			n = 1 + t_rand() % 4;
			for (k = 0; k < n; k++) {
				if (t_rand() % 4 == 0 || len == 0)
					len = sizes[t_rand() % 12];
				t_fill(p, len, type + k);
				id[k] = 0;
				assert_int_equal(
				    imsg_compose(&a, type + k, 0, 0,
					i % 2 && t_rand() % 5 == 0 ?
					    t_fd(&id[k]) :
					    -1,
					p, len),
				    1);
			}
			/* Not more than the socket takes without a reader. */
			if (imsgbuf_queuebytes(&a) > 100000)
				t_nonblock(a.fd);
			while (imsgbuf_queuelen(&a) > 0) {
				assert_int_equal(imsgbuf_write(&a), 0);
				if (imsgbuf_queuelen(&a) > 0)
					assert_int_equal(imsgbuf_read(&b), 1);
			}
			for (k = 0; k < n; k++)
				t_expect(&b, type + k,
				    id[k] != 0 ? IMSG_FD_PRESENT : IMSG_FD_NONE,
				    id[k]);
		}
		t_unchan(&a, &b);
	}
}

/* A channel that is cleared or ends while a place waits for a message. */
static void
a_guessed_place_is_given_up_with_its_channel(void **state)
{
	static unsigned char p[9000];
	struct imsgbuf a, b;
	struct imsg m, kept;
	int i, end;

	(void)state;
	for (end = 0; end < 3; end++) {
		t_chan(&a, &b, 0);
		t_nonblock(b.fd);
		for (i = 0; i < 3; i++) {
			assert_int_equal(
			    imsg_compose(&a, 1, 0, 0, -1, p, sizeof(p)), 1);
			assert_int_equal(imsgbuf_flush(&a), 0);
			t_get(&b, &m);
			if (i < 2)
				imsg_free(&m);
		}
		kept = m;
		/* Nothing there: the place is kept for the next time. */
		assert_int_equal(imsgbuf_read(&b), 1);
		if (end == 1)
			t_put(a.fd, "torn", 4);
		if (end == 2)
			shutdown(a.fd, SHUT_WR);
		assert_int_equal(imsgbuf_read(&b), end == 2 ? 0 : 1);
		assert_int_equal(imsgbuf_partial(&b), end == 1);
		t_unchan(&a, &b);
		/* The program's message outlives its channel. */
		assert_int_equal(imsg_get_len(&kept), sizeof(p));
		imsg_free(&kept);
	}
}

/* Chunks grow, the largest ones lie in huge pages; any may not be had. */
static void
megabytes_queued_arrive(void **state)
{
	enum { N = 14000 };
	static unsigned char p[1800];
	struct imsgbuf a, b;
	struct imsg m;
	uint32_t i, got = 0;
	int r;

	(void)state;
	t_seed(304);
	t_chan(&a, &b, 0);
	t_nonblock(a.fd);
	for (i = 0; i < N; i++) {
		t_fill(p, sizeof(p), i);
		t_fail_alloc(t_rand() % 2, 0);
		r = imsg_compose(&a, i, 0, 0, -1, p, sizeof(p));
		t_fail_alloc(0, 0);
		if (r == -1) {
			assert_int_equal(errno, ENOMEM);
			i--;
		}
		assert_int_equal(imsgbuf_queuelen(&a), i + 1);
	}
	assert_int_equal(
	    imsgbuf_queuebytes(&a), N * (sizeof(p) + IMSG_HEADER_SIZE));
	while (got < N) {
		assert_int_equal(imsgbuf_write(&a), 0);
		assert_int_equal(imsgbuf_read(&b), 1);
		while (imsgbuf_get(&b, &m) == 1) {
			assert_int_equal(m.hdr.type, got);
			assert_int_equal(imsg_get_len(&m), sizeof(p));
			if (got % 100 == 0)
				assert_true(t_check(m.data, sizeof(p), got));
			imsg_free(&m);
			got++;
		}
	}
	assert_int_equal(imsgbuf_queuelen(&a), 0);
	t_unchan(&a, &b);
}

static void *(*true_alloc)(size_t);
static size_t largest;

static void *
watch_alloc(size_t n)
{
	largest = n > largest ? n : largest;
	return true_alloc(n);
}

/* The largest block allocated for a message of which only this much came. */
static size_t
announced(struct imsgbuf *a, struct imsgbuf *b, uint32_t payload)
{
	struct imsg_hdr h = { 1, 0, 0, 0 };

	h.len = payload + (uint32_t)sizeof(h);
	largest = 0;
	t_put(a->fd, &h, sizeof(h));
	t_put(a->fd, "some", 4);
	/* Twice: the next read may have to prepare for more. */
	assert_int_equal(imsgbuf_read(b), 1);
	t_nonblock(b->fd);
	assert_int_equal(imsgbuf_read(b), 1);
	return largest;
}

static void
memory_is_trusted_as_far_as_it_was_filled_before(void **state)
{
	static unsigned char large[300000];
	static const uint32_t next[] = { 299999, 300000, 300001, 1 << 24 };
	struct imsgbuf a, b;
	struct imsg m;
	size_t i, room = 65536 + 16 + IBUF_HEAD;
	int proven;

	(void)state;
	true_alloc = imsgi_os.alloc;
	imsgi_os.alloc = watch_alloc;
	for (i = 0; i < 4; i++) {
		for (proven = 0; proven < 2; proven++) {
			t_chan(&a, &b, 0);
			assert_int_equal(
			    imsgbuf_set_maxpayload(&a, 1 << 24), 0);
			assert_int_equal(
			    imsgbuf_set_maxpayload(&b, 1 << 24), 0);
			assert_int_equal(
			    imsg_compose(&a, 1, 0, 0, -1, large, sizeof(large)),
			    1);
			while (proven && imsgbuf_queuelen(&a) > 0) {
				t_nonblock(a.fd);
				assert_int_equal(imsgbuf_write(&a), 0);
				assert_int_equal(imsgbuf_read(&b), 1);
			}
			if (proven) {
				t_get(&b, &m);
				imsg_free(&m);
			}
			if (proven && i < 2)
				assert_int_equal(announced(&a, &b, next[i]),
				    next[i] + 16 + IBUF_HEAD);
			else
				assert_true(announced(&a, &b, next[i]) <= room);
			t_unchan(&a, &b);
		}
	}
	imsgi_os.alloc = true_alloc;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(short_writes_leave_the_rest_in_order),
		T(clear_in_the_middle_leaves_nothing),
		T(want_of_memory_leaves_the_queue_as_it_was),
		T(limits_hold_on_every_path),
		T(a_wrong_guess_changes_nothing),
		T(a_guessed_place_is_given_up_with_its_channel),
		T(megabytes_queued_arrive),
		T(memory_is_trusted_as_far_as_it_was_filled_before),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
