/* SPDX-License-Identifier: ISC */
/*
 * The bytes on the wire, against bytes written by hand, in both generations.
 */
#include "testlib.h"

static int
little_endian(void)
{
	const uint16_t one = 1;
	unsigned char low;

	memcpy(&low, &one, 1);
	return low;
}

/* Each group of word bytes reversed where the machine wants it so. */
static void
to_host(unsigned char *p, const size_t *words, size_t n)
{
	size_t i, k;
	unsigned char c;

	for (i = 0; i < n; p += words[i++]) {
		for (k = 0; !little_endian() && k < words[i] / 2; k++) {
			c = p[k];
			p[k] = p[words[i] - 1 - k];
			p[words[i] - 1 - k] = c;
		}
	}
}

static const size_t modern[] = { 4, 4, 4, 4 };
static const size_t classic[] = { 4, 2, 2, 4, 4 };

/* type 0x01020304, peerid 0x11121314, pid 0x21222324, payload DATA! */
static const unsigned char plain[21] = { 0x04, 0x03, 0x02, 0x01, 0x15, 0x00,
	0x00, 0x00, 0x14, 0x13, 0x12, 0x11, 0x24, 0x23, 0x22, 0x21, 0x44, 0x41,
	0x54, 0x41, 0x21 };
static const unsigned char marked[16] = { 0x04, 0x03, 0x02, 0x01, 0x10, 0x00,
	0x00, 0x80, 0x14, 0x13, 0x12, 0x11, 0x24, 0x23, 0x22, 0x21 };
static const unsigned char flagged[16] = { 0x04, 0x03, 0x02, 0x01, 0x10, 0x00,
	0x01, 0x00, 0x14, 0x13, 0x12, 0x11, 0x24, 0x23, 0x22, 0x21 };

static void
expect_bytes(int s, const unsigned char *golden, size_t len,
    const size_t *words, size_t nwords)
{
	unsigned char want[64], got[64];

	memcpy(want, golden, len);
	to_host(want, words, nwords);
	assert_int_equal(read(s, got, sizeof(got)), (ssize_t)len);
	assert_memory_equal(got, want, len);
}

static void
compose_golden(struct imsgbuf *b, int fd, const char *data, size_t len)
{
	assert_int_equal(
	    imsg_compose(b, 0x01020304, 0x11121314, 0x21222324, fd, data, len),
	    1);
	assert_int_equal(imsgbuf_flush(b), 0);
}

static void
modern_messages_are_these_bytes(void **state)
{
	struct imsgbuf a, b;

	(void)state;
	t_chan(&a, &b, 1);
	compose_golden(&a, -1, "DATA!", 5);
	expect_bytes(b.fd, plain, sizeof(plain), modern, 4);
	compose_golden(&a, t_fd(NULL), NULL, 0);
	expect_bytes(b.fd, marked, sizeof(marked), modern, 4);
	t_unchan(&a, &b);
}

/* However a message is made, the bytes are the same. */
static void
every_way_of_composing_gives_the_same_bytes(void **state)
{
	struct iovec iov[3] = { { (void *)(uintptr_t) "DA", 2 }, { NULL, 0 },
		{ (void *)(uintptr_t) "TA!", 3 } };
	struct imsgbuf a, b;
	struct ibuf *p;

	(void)state;
	t_chan(&a, &b, 1);
	assert_int_equal(
	    imsg_composev(&a, 0x01020304, 0x11121314, 0x21222324, -1, iov, 3),
	    1);
	assert_int_equal(imsgbuf_flush(&a), 0);
	expect_bytes(b.fd, plain, sizeof(plain), modern, 4);
	p = imsg_create(&a, 0x01020304, 0x11121314, 0x21222324, 2);
	assert_int_equal(ibuf_size(p), IMSG_HEADER_SIZE);
	assert_int_equal(imsg_add(p, "DATA", 4), 4);
	assert_int_equal(imsg_add(p, "!", 1), 1);
	imsg_close(&a, p);
	assert_int_equal(imsgbuf_flush(&a), 0);
	expect_bytes(b.fd, plain, sizeof(plain), modern, 4);
	p = ibuf_open(7);
	assert_int_equal(ibuf_add(p, "xxDATA!", 7), 0);
	assert_int_equal(ibuf_skip(p, 2), 0);
	assert_int_equal(
	    imsg_compose_ibuf(&a, 0x01020304, 0x11121314, 0x21222324, p), 1);
	assert_int_equal(imsgbuf_flush(&a), 0);
	expect_bytes(b.fd, plain, sizeof(plain), modern, 4);
	p = imsg_create(&a, 0x01020304, 0x11121314, 0x21222324, 0);
	ibuf_fd_set(p, t_fd(NULL));
	imsg_close(&a, p);
	assert_int_equal(imsgbuf_flush(&a), 0);
	expect_bytes(b.fd, marked, sizeof(marked), modern, 4);
	t_unchan(&a, &b);
}

static void
classic_messages_are_these_bytes(void **state)
{
	struct imsgbuf a, b;

	(void)state;
	t_chan(&a, &b, 1);
	assert_int_equal(imsgbuf_set_wire(&a, IMSG_WIRE_CLASSIC), 0);
	compose_golden(&a, -1, "DATA!", 5);
	expect_bytes(b.fd, plain, sizeof(plain), classic, 5);
	compose_golden(&a, t_fd(NULL), NULL, 0);
	expect_bytes(b.fd, flagged, sizeof(flagged), classic, 5);
	t_unchan(&a, &b);
}

static void
golden_bytes_are_understood(void **state)
{
	unsigned char raw[21];
	struct imsgbuf a, b;
	struct imsg m;
	int wire;

	(void)state;
	for (wire = IMSG_WIRE_MODERN; wire <= IMSG_WIRE_CLASSIC; wire++) {
		t_chan(&a, &b, 1);
		assert_int_equal(imsgbuf_set_wire(&b, wire), 0);
		memcpy(raw, plain, sizeof(raw));
		if (wire == IMSG_WIRE_MODERN)
			to_host(raw, modern, 4);
		else
			to_host(raw, classic, 5);
		t_put(a.fd, raw, sizeof(raw));
		t_get(&b, &m);
		assert_int_equal(m.hdr.type, 0x01020304);
		assert_int_equal(m.hdr.len, 21);
		assert_int_equal(m.hdr.peerid, 0x11121314);
		assert_int_equal(m.hdr.pid, 0x21222324);
		assert_memory_equal(m.data, "DATA!", 5);
		imsg_free(&m);
		t_unchan(&a, &b);
	}
}

static void
classic_channels_talk_with_descriptors(void **state)
{
	struct imsgbuf a, b;
	struct imsg m;
	uint64_t id[20];
	uint32_t i;
	int fd;

	(void)state;
	t_chan(&a, &b, 1);
	assert_int_equal(imsgbuf_set_wire(&a, IMSG_WIRE_CLASSIC), 0);
	assert_int_equal(imsgbuf_set_wire(&b, IMSG_WIRE_CLASSIC), 0);
	for (i = 0; i < 20; i++)
		assert_int_equal(imsg_compose(&a, i, 0, 0,
				     i % 2 ? t_fd(&id[i]) : -1, &i, sizeof(i)),
		    1);
	assert_int_equal(imsgbuf_flush(&a), 0);
	for (i = 0; i < 20; i++) {
		t_get(&b, &m);
		assert_int_equal(imsg_get_type(&m), i);
		/* In memory the mark is where modern messages have it: gone */
		assert_int_equal(m.hdr.len, 20);
		fd = imsg_get_fd(&m);
		assert_int_equal(fd >= 0, i % 2);
		if (fd >= 0) {
			assert_int_equal(t_fd_id(fd), id[i]);
			close(fd);
		}
		imsg_free(&m);
	}
	t_unchan(&a, &b);
}

/* A classic peer's descriptor rides on a write whose last message wants it. */
static void
a_classic_descriptor_waits_for_the_marked_header(void **state)
{
	unsigned char raw[5 * 16];
	struct imsgbuf a, b;
	struct imsg m;
	uint64_t id;
	size_t cut, i;
	int fd = t_fd(&id), got;

	(void)state;
	for (i = 0; i < 5; i++) {
		memcpy(raw + i * 16, flagged, 16);
		if (i < 4)
			raw[i * 16 + 6] = 0;
		to_host(raw + i * 16, classic, 5);
	}
	for (cut = 1; cut < sizeof(raw); cut++) {
		t_chan(&a, &b, 1);
		assert_int_equal(imsgbuf_set_wire(&b, IMSG_WIRE_CLASSIC), 0);
		t_short_recv(cut);
		t_put_fd(a.fd, raw, sizeof(raw), fd);
		for (i = 0; i < 5; i++) {
			t_get(&b, &m);
			got = imsg_get_fd(&m);
			assert_int_equal(got >= 0, i == 4);
			if (got >= 0) {
				assert_int_equal(t_fd_id(got), id);
				close(got);
			}
			imsg_free(&m);
		}
		t_unchan(&a, &b);
	}
	close(fd);
}

static void
too_many_waiting_descriptors_fail_the_classic_wire(void **state)
{
	unsigned char raw[16];
	struct imsgbuf a, b;
	struct imsg_hdr h;
	int fd = t_fd(NULL), i;

	(void)state;
	memcpy(raw, flagged, sizeof(raw));
	raw[6] = 0;
	to_host(raw, classic, 5);
	t_chan(&a, &b, 1);
	assert_int_equal(imsgbuf_set_wire(&b, IMSG_WIRE_CLASSIC), 0);
	for (i = 0; i < 64; i++) {
		t_put_fd(a.fd, raw, sizeof(raw), fd);
		assert_int_equal(imsgbuf_read(&b), 1);
	}
	t_put_fd(a.fd, raw, sizeof(raw), fd);
	assert_errno(imsgbuf_read(&b), EPROTO);
	assert_errno(imsgbuf_read(&b), EPROTO);
	memset(&h, 1, sizeof(h));
	assert_int_equal(imsgbuf_failed(&b, &h), EPROTO);
	assert_int_equal(h.type, 0);
	close(fd);
	t_unchan(&a, &b);
}

static void
the_other_generation_is_named(void **state)
{
	struct imsgbuf a, b;
	int w;

	(void)state;
	for (w = 0; w < 2; w++) {
		t_chan(&a, &b, 1);
		assert_int_equal(imsgbuf_set_wire(&a, w), 0);
		assert_int_equal(imsgbuf_set_wire(&b, !w), 0);
		compose_golden(&a, t_fd(NULL), "x", 1);
		assert_errno(imsgbuf_read(&b), EPROTO);
		assert_errno(imsgbuf_read(&b), EPROTO);
		assert_int_equal(imsgbuf_failed(&b, NULL), EPROTO);
		t_unchan(&a, &b);
	}
}

/* Not every invalid header is the other generation's. */
static void
nonsense_stays_erange(void **state)
{
	/* Length and flags of the classic generation. */
	static const uint16_t halves[][2] = { { 0x10, 2 }, { 0x0f, 1 },
		{ 0x4001, 1 }, { 0x10, 3 }, { 0x0f, 0 }, { 0x4001, 0 } };
	struct imsgbuf a, b;
	struct imsg_hdr h = { 1, 0, 0, 0 };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(halves) / sizeof(halves[0]); i++) {
		t_chan(&a, &b, 1);
		memcpy(&h.len, halves[i], sizeof(h.len));
		t_put(a.fd, &h, sizeof(h));
		assert_errno(imsgbuf_read(&b), ERANGE);
		t_unchan(&a, &b);
	}
}

static void
the_wire_is_chosen_before_traffic(void **state)
{
	struct imsgbuf a, b;
	struct imsg m;

	(void)state;
	t_chan(&a, &b, 0);
	/* A message under construction has the limit of its wire. */
	ibuf_free(imsg_create(&b, 1, 0, 0, 0));
	assert_errno(imsgbuf_set_wire(&b, IMSG_WIRE_CLASSIC), EBUSY);
	t_unchan(&a, &b);
	t_chan(&a, &b, 0);
	assert_errno(imsgbuf_set_wire(&a, 2), EINVAL);
	assert_errno(imsgbuf_set_wire(&a, -1), EINVAL);
	assert_int_equal(imsgbuf_set_wire(&a, IMSG_WIRE_CLASSIC), 0);
	assert_int_equal(imsgbuf_set_wire(&a, IMSG_WIRE_MODERN), 0);
	assert_int_equal(imsg_compose(&a, 1, 0, 0, -1, NULL, 0), 1);
	assert_errno(imsgbuf_set_wire(&a, IMSG_WIRE_CLASSIC), EBUSY);
	assert_int_equal(imsgbuf_flush(&a), 0);
	assert_errno(imsgbuf_set_wire(&a, IMSG_WIRE_CLASSIC), EBUSY);
	t_get(&b, &m);
	imsg_free(&m);
	assert_errno(imsgbuf_set_wire(&b, IMSG_WIRE_CLASSIC), EBUSY);
	t_unchan(&a, &b);
}

static void
a_classic_message_has_at_most_65535_bytes(void **state)
{
	static unsigned char p[65536];
	struct imsgbuf a, b;
	const size_t most = 65535 - IMSG_HEADER_SIZE;

	(void)state;
	t_chan(&a, &b, 0);
	assert_int_equal(imsgbuf_set_wire(&a, IMSG_WIRE_CLASSIC), 0);
	assert_errno(imsg_compose(&a, 1, 0, 0, -1, p, 16369), ERANGE);
	assert_int_equal(imsgbuf_set_maxpayload(&a, 1 << 20), 0);
	assert_int_equal(imsg_compose(&a, 1, 0, 0, -1, p, most), 1);
	assert_errno(imsg_compose(&a, 1, 0, 0, -1, p, most + 1), ERANGE);
	assert_null_errno(imsg_create(&a, 1, 0, 0, most + 1), ERANGE);
	t_unchan(&a, &b);
}

/* As it is fetched a message is modern; the next hop may be classic. */
static void
a_received_message_can_be_relayed_on_every_wire(void **state)
{
	struct imsgbuf a, b, c, d;
	struct ibufqueue *q;
	struct imsg m;
	uint64_t id;
	unsigned char p[40];
	int from, to, i;

	(void)state;
	for (from = 0; from < 2; from++) {
		for (to = 0; to < 2; to++) {
			t_chan(&a, &b, 1);
			t_chan(&c, &d, 1);
			assert_int_equal(imsgbuf_set_wire(&a, from), 0);
			assert_int_equal(imsgbuf_set_wire(&b, from), 0);
			assert_int_equal(imsgbuf_set_wire(&c, to), 0);
			assert_int_equal(imsgbuf_set_wire(&d, to), 0);
			assert_non_null(q = ibufq_new());
			for (i = 0; i < 4; i++) {
				t_fill(p, sizeof(p), (uint32_t)i);
				assert_int_equal(
				    imsg_compose(&a, (uint32_t)i, 0, 0,
					i == 2 ? t_fd(&id) : -1, p, sizeof(p)),
				    1);
			}
			assert_int_equal(imsgbuf_flush(&a), 0);
			for (i = 0; i < 4; i++) {
				t_get(&b, &m);
				imsg_ibufq_push(q, &m);
			}
			msgbuf_concat(c.w, q);
			ibufq_free(q);
			assert_int_equal(imsgbuf_flush(&c), 0);
			for (i = 0; i < 4; i++)
				t_expect(&d, (uint32_t)i,
				    i == 2 ? IMSG_FD_PRESENT : IMSG_FD_NONE,
				    id);
			t_unchan(&a, &b);
			t_unchan(&c, &d);
		}
	}
}

static void
close_too_large(void *arg)
{
	struct imsgbuf *ch = arg;
	struct ibuf *msg = imsg_create(&ch[0], 1, 0, 0, 0);

	(void)ibuf_add_zero(msg, 70000);
	imsg_close(&ch[1], msg);
}

static void
a_length_that_the_wire_cannot_say_aborts(void **state)
{
	struct imsgbuf ch[2];

	(void)state;
	t_chan(&ch[0], &ch[1], 0);
	assert_int_equal(imsgbuf_set_maxpayload(&ch[0], 100000), 0);
	assert_int_equal(imsgbuf_set_maxpayload(&ch[1], 100000), 0);
	assert_int_equal(imsgbuf_set_wire(&ch[1], IMSG_WIRE_CLASSIC), 0);
	t_assert_aborts(close_too_large, ch);
	t_unchan(&ch[0], &ch[1]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(modern_messages_are_these_bytes),
		T(every_way_of_composing_gives_the_same_bytes),
		T(classic_messages_are_these_bytes),
		T(golden_bytes_are_understood),
		T(classic_channels_talk_with_descriptors),
		T(a_classic_descriptor_waits_for_the_marked_header),
		T(too_many_waiting_descriptors_fail_the_classic_wire),
		T(the_other_generation_is_named),
		T(nonsense_stays_erange),
		T(the_wire_is_chosen_before_traffic),
		T(a_classic_message_has_at_most_65535_bytes),
		T(a_received_message_can_be_relayed_on_every_wire),
		T(a_length_that_the_wire_cannot_say_aborts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
