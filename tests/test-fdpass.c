/* SPDX-License-Identifier: ISC */
/*
 * Descriptors: each reaches its own message, wherever the kernel cuts the
 * stream, and whatever a peer sends, none stays behind.
 */
#include "testlib.h"

#define LEN 21 /* header and five bytes */

static void
put_header(unsigned char *p, uint32_t type, uint32_t len, int marked)
{
	struct imsg_hdr h = { type, len, 2, 3 };

	if (marked)
		h.len |= 0x80000000U;
	memcpy(p, &h, sizeof(h));
}

static void
make(unsigned char *p, uint32_t type, int marked)
{
	put_header(p, type, LEN, marked);
	t_fill(p + IMSG_HEADER_SIZE, LEN - IMSG_HEADER_SIZE, type);
}

static void
drain_reads(struct imsgbuf *b, int reads)
{
	while (reads-- > 0)
		assert_int_equal(imsgbuf_read(b), 1);
}

/*
 * Three messages, with a descriptor each or in the middle only, written in
 * two pieces cut at every byte; a descriptor rides on its first byte.
 */
static void
send_cut(int s, const unsigned char *p, size_t cut, const int fds[3])
{
	size_t from, to, i, step;

	for (i = 0; i < 3; i++) {
		for (from = i * LEN, to = from + LEN; from < to; from += step) {
			step = to - from;
			if (cut > from && cut < to)
				step = cut - from;
			if (from == i * LEN && fds[i] >= 0)
				t_put_fd(s, p + from, step, fds[i]);
			else
				t_put(s, p + from, step);
		}
	}
}

static void
split_run(size_t cut, int all, int read_between)
{
	struct imsgbuf a, b;
	unsigned char raw[3 * LEN];
	uint64_t id[3];
	int fds[3], i;

	t_chan(&a, &b, 1);
	for (i = 0; i < 3; i++) {
		fds[i] = all || i == 1 ? t_fd(&id[i]) : -1;
		make(raw + i * LEN, (uint32_t)i + 1, fds[i] >= 0);
	}
	if (read_between)
		t_short_recv(cut);
	send_cut(a.fd, raw, cut, fds);
	for (i = 0; i < 3; i++)
		t_expect(&b, (uint32_t)i + 1,
		    fds[i] >= 0 ? IMSG_FD_PRESENT : IMSG_FD_NONE, id[i]);
	for (i = 0; i < 3; i++)
		if (fds[i] >= 0)
			close(fds[i]);
	t_unchan(&a, &b);
}

static void
a_descriptor_reaches_its_message_at_every_split(void **state)
{
	size_t cut;

	(void)state;
	for (cut = 1; cut < 3 * LEN; cut++) {
		split_run(cut, 0, 0);
		split_run(cut, 1, 0);
	}
}

static void
a_descriptor_reaches_its_message_at_every_read_size(void **state)
{
	size_t n;

	(void)state;
	for (n = 1; n <= 3 * LEN; n++) {
		split_run(n, 0, 1);
		split_run(n, 1, 1);
	}
}

static void
an_unmarked_message_never_gets_a_descriptor(void **state)
{
	struct imsgbuf a, b;
	unsigned char raw[LEN];
	uint64_t id;
	int fd = t_fd(&id);

	(void)state;
	t_chan(&a, &b, 1);
	make(raw, 1, 0);
	t_put_fd(a.fd, raw, LEN, fd);
	t_expect(&b, 1, IMSG_FD_NONE, 0);
	/* Nor does it wait for the next one that is marked. */
	make(raw, 2, 1);
	t_put(a.fd, raw, LEN);
	t_expect(&b, 2, IMSG_FD_LOST, 0);
	make(raw, 3, 1);
	t_put_fd(a.fd, raw, LEN, fd);
	t_expect(&b, 3, IMSG_FD_PRESENT, id);
	close(fd);
	t_unchan(&a, &b);
}

/* The descriptor belongs to the first marked header of its receipt. */
static void
the_first_marked_header_of_a_receipt_takes_it(void **state)
{
	struct imsgbuf a, b;
	unsigned char raw[3 * LEN];
	uint64_t id;
	int fd = t_fd(&id);

	(void)state;
	t_chan(&a, &b, 1);
	make(raw, 1, 0);
	make(raw + LEN, 2, 1);
	make(raw + 2 * LEN, 3, 1);
	t_put_fd(a.fd, raw, sizeof(raw), fd);
	t_expect(&b, 1, IMSG_FD_NONE, 0);
	t_expect(&b, 2, IMSG_FD_PRESENT, id);
	t_expect(&b, 3, IMSG_FD_LOST, 0);
	close(fd);
	t_unchan(&a, &b);
}

/* While one waits for a header, a second one for it is closed. */
static void
of_two_descriptors_for_one_header_the_first_is_kept(void **state)
{
	struct imsgbuf a, b;
	unsigned char raw[LEN];
	uint64_t id[3];
	int fds[3], i;

	(void)state;
	t_chan(&a, &b, 1);
	make(raw, 1, 1);
	for (i = 0; i < 3; i++) {
		fds[i] = t_fd(&id[i]);
		t_put_fd(a.fd, raw + i, 1, fds[i]);
		drain_reads(&b, 1);
		close(fds[i]);
	}
	t_put(a.fd, raw + 3, LEN - 3);
	t_expect(&b, 1, IMSG_FD_PRESENT, id[0]);
	make(raw, 2, 1);
	t_put(a.fd, raw, LEN);
	t_expect(&b, 2, IMSG_FD_LOST, 0);
	t_unchan(&a, &b);
}

/* It waited for its header, which does not want it: the next has no claim. */
static void
a_descriptor_for_an_unmarked_header_is_closed(void **state)
{
	struct imsgbuf a, b;
	unsigned char raw[2 * LEN];
	int fd = t_fd(NULL);

	(void)state;
	t_chan(&a, &b, 1);
	make(raw, 1, 0);
	make(raw + LEN, 2, 1);
	t_put_fd(a.fd, raw, 3, fd);
	drain_reads(&b, 1);
	t_put(a.fd, raw + 3, sizeof(raw) - 3);
	t_expect(&b, 1, IMSG_FD_NONE, 0);
	t_expect(&b, 2, IMSG_FD_LOST, 0);
	close(fd);
	t_unchan(&a, &b);
}

static void
a_descriptor_in_mid_payload_is_closed(void **state)
{
	struct imsgbuf a, b;
	unsigned char raw[2 * LEN];
	int fd = t_fd(NULL);

	(void)state;
	t_chan(&a, &b, 1);
	make(raw, 1, 1);
	make(raw + LEN, 2, 1);
	t_put(a.fd, raw, IMSG_HEADER_SIZE + 1);
	drain_reads(&b, 1);
	t_put_fd(a.fd, raw + IMSG_HEADER_SIZE + 1, 2, fd);
	drain_reads(&b, 1);
	t_put(a.fd, raw + IMSG_HEADER_SIZE + 3,
	    sizeof(raw) - IMSG_HEADER_SIZE - 3);
	t_expect(&b, 1, IMSG_FD_LOST, 0);
	t_expect(&b, 2, IMSG_FD_LOST, 0);
	close(fd);
	t_unchan(&a, &b);
}

static void
passing_off_at_the_receiver_leaks_nothing(void **state)
{
	struct imsgbuf a, b;

	(void)state;
	t_chan(&a, &b, 0);
	imsgbuf_allow_fdpass(&a);
	assert_int_equal(imsg_compose(&a, 1, 0, 0, t_fd(NULL), NULL, 0), 1);
	assert_int_equal(imsgbuf_flush(&a), 0);
	t_expect(&b, 1, IMSG_FD_LOST, 0);
	t_unchan(&a, &b);
}

static void
close_on_exec_only_if_asked_for(void **state)
{
	struct imsgbuf a, b;
	struct imsg m;
	int i, fd;

	(void)state;
	t_chan(&a, &b, 1);
	for (i = 0; i < 2; i++) {
		assert_int_equal(
		    imsg_compose(&a, 1, 0, 0, t_fd(NULL), NULL, 0), 1);
		assert_int_equal(imsgbuf_flush(&a), 0);
		t_get(&b, &m);
		fd = imsg_get_fd(&m);
		assert_int_equal(
		    fcntl(fd, F_GETFD) & FD_CLOEXEC, i == 0 ? 0 : FD_CLOEXEC);
		close(fd);
		imsg_free(&m);
		imsgbuf_set_cloexec(&b);
	}
	t_unchan(&a, &b);
}

static void
a_full_table_loses_the_descriptor_and_says_so(void **state)
{
	struct imsgbuf a, b;
	uint64_t id;

	(void)state;
	t_chan(&a, &b, 1);
	assert_int_equal(imsg_compose(&a, 1, 0, 0, t_fd(&id), NULL, 0), 1);
	assert_int_equal(imsg_compose(&a, 2, 0, 0, t_fd(&id), NULL, 0), 1);
	assert_int_equal(imsgbuf_flush(&a), 0);
	if (!t_full_table()) {
		t_unchan(&a, &b);
		skip();
	}
	drain_reads(&b, 1);
	t_normal_table();
	t_expect(&b, 1, IMSG_FD_LOST, 0);
	t_expect(&b, 2, IMSG_FD_PRESENT, id);
	t_unchan(&a, &b);
}

/*
 * The first message lost its descriptor and its header is not complete; the
 * rest comes in one receipt with the descriptor of the second.
 */
static void
a_lost_descriptor_is_not_replaced_by_the_next(void **state)
{
	struct imsgbuf a, b;
	unsigned char raw[2 * LEN];
	uint64_t id;
	int fd = t_fd(&id);

	(void)state;
	t_chan(&a, &b, 1);
	make(raw, 1, 1);
	make(raw + LEN, 2, 1);
	t_put_fd(a.fd, raw, 5, fd);
	if (!t_full_table()) {
		close(fd);
		t_unchan(&a, &b);
		skip();
	}
	drain_reads(&b, 1);
	t_normal_table();
	t_put(a.fd, raw + 5, LEN - 5);
	t_put_fd(a.fd, raw + LEN, LEN, fd);
	t_expect(&b, 1, IMSG_FD_LOST, 0);
	t_expect(&b, 2, IMSG_FD_PRESENT, id);
	close(fd);
	t_unchan(&a, &b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_descriptor_reaches_its_message_at_every_split),
		T(a_descriptor_reaches_its_message_at_every_read_size),
		T(an_unmarked_message_never_gets_a_descriptor),
		T(the_first_marked_header_of_a_receipt_takes_it),
		T(of_two_descriptors_for_one_header_the_first_is_kept),
		T(a_descriptor_for_an_unmarked_header_is_closed),
		T(a_descriptor_in_mid_payload_is_closed),
		T(passing_off_at_the_receiver_leaks_nothing),
		T(close_on_exec_only_if_asked_for),
		T(a_full_table_loses_the_descriptor_and_says_so),
		T(a_lost_descriptor_is_not_replaced_by_the_next),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
