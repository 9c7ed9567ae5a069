/* SPDX-License-Identifier: ISC */
/*
 * The wire on machines of both byte orders, against bytes written down for
 * each: nothing here is computed from the order but which of them to expect.
 */
#include "testlib.h"

/* The position of the byte that comes first. */
static size_t
order(void)
{
	const uint16_t one = 1;
	unsigned char first;

	memcpy(&first, &one, 1);
	return first == 0;
}

/*
 * By order, wire, descriptor.  Type 0x01020304, peerid 0x11121314, pid
 * 0x21222324; the payload DATA! in those without descriptor.
 */
static const unsigned char golden[2][2][2][21] = {
	{
	    /* the least significant byte first: only marks differ */
	    {
		{ 0x04, 0x03, 0x02, 0x01, 0x15, 0x00, 0x00, 0x00, 0x14, 0x13,
		    0x12, 0x11, 0x24, 0x23, 0x22, 0x21, 'D', 'A', 'T', 'A',
		    '!' },
		{ 0x04, 0x03, 0x02, 0x01, 0x10, 0x00, 0x00, 0x80, 0x14, 0x13,
		    0x12, 0x11, 0x24, 0x23, 0x22, 0x21 },
	    },
	    {
		{ 0x04, 0x03, 0x02, 0x01, 0x15, 0x00, 0x00, 0x00, 0x14, 0x13,
		    0x12, 0x11, 0x24, 0x23, 0x22, 0x21, 'D', 'A', 'T', 'A',
		    '!' },
		{ 0x04, 0x03, 0x02, 0x01, 0x10, 0x00, 0x01, 0x00, 0x14, 0x13,
		    0x12, 0x11, 0x24, 0x23, 0x22, 0x21 },
	    },
	},
	{
	    /* the most significant byte first: all lengths differ */
	    {
		{ 0x01, 0x02, 0x03, 0x04, 0x00, 0x00, 0x00, 0x15, 0x11, 0x12,
		    0x13, 0x14, 0x21, 0x22, 0x23, 0x24, 'D', 'A', 'T', 'A',
		    '!' },
		{ 0x01, 0x02, 0x03, 0x04, 0x80, 0x00, 0x00, 0x10, 0x11, 0x12,
		    0x13, 0x14, 0x21, 0x22, 0x23, 0x24 },
	    },
	    {
		{ 0x01, 0x02, 0x03, 0x04, 0x00, 0x15, 0x00, 0x00, 0x11, 0x12,
		    0x13, 0x14, 0x21, 0x22, 0x23, 0x24, 'D', 'A', 'T', 'A',
		    '!' },
		{ 0x01, 0x02, 0x03, 0x04, 0x00, 0x10, 0x00, 0x01, 0x11, 0x12,
		    0x13, 0x14, 0x21, 0x22, 0x23, 0x24 },
	    },
	},
};

static size_t
length(int with_fd)
{
	return with_fd ? IMSG_HEADER_SIZE : IMSG_HEADER_SIZE + 5;
}

static void
channels(struct imsgbuf *a, int sends, struct imsgbuf *b, int reads)
{
	t_chan(a, b, 1);
	assert_int_equal(imsgbuf_set_wire(a, sends), 0);
	assert_int_equal(imsgbuf_set_wire(b, reads), 0);
}

static void
send_golden(struct imsgbuf *a, int with_fd)
{
	assert_int_equal(imsg_compose(a, 0x01020304, 0x11121314, 0x21222324,
			     with_fd ? t_fd(NULL) : -1, "DATA!",
			     length(with_fd) - IMSG_HEADER_SIZE),
	    1);
	assert_int_equal(imsgbuf_flush(a), 0);
}

static void
is_golden(struct imsgbuf *b, int with_fd)
{
	struct imsg m;

	t_get(b, &m);
	assert_int_equal(m.hdr.type, 0x01020304);
	assert_int_equal(m.hdr.len, length(with_fd));
	assert_int_equal(m.hdr.peerid, 0x11121314);
	assert_int_equal(m.hdr.pid, 0x21222324);
	assert_int_equal(imsg_get_len(&m), length(with_fd) - IMSG_HEADER_SIZE);
	if (!with_fd)
		assert_memory_equal(m.data, "DATA!", 5);
	assert_int_equal(
	    imsg_fd_status(&m), with_fd ? IMSG_FD_PRESENT : IMSG_FD_NONE);
	imsg_free(&m);
}

static void
what_is_sent_are_these_bytes(void **state)
{
	struct imsgbuf a, b;
	unsigned char got[64];
	int wire, with_fd;

	(void)state;
	for (wire = 0; wire < 2; wire++) {
		for (with_fd = 0; with_fd < 2; with_fd++) {
			channels(&a, wire, &b, wire);
			send_golden(&a, with_fd);
			assert_int_equal(read(b.fd, got, sizeof(got)),
			    (ssize_t)length(with_fd));
			assert_memory_equal(got, golden[order()][wire][with_fd],
			    length(with_fd));
			t_unchan(&a, &b);
		}
	}
}

static void
these_bytes_are_understood(void **state)
{
	struct imsgbuf a, b;
	int wire, with_fd, fd = t_fd(NULL);

	(void)state;
	for (wire = 0; wire < 2; wire++) {
		for (with_fd = 0; with_fd < 2; with_fd++) {
			channels(&a, wire, &b, wire);
			if (with_fd)
				t_put_fd(a.fd, golden[order()][wire][1],
				    length(1), fd);
			else
				t_put(
				    a.fd, golden[order()][wire][0], length(0));
			is_golden(&b, with_fd);
			t_unchan(&a, &b);
		}
	}
	close(fd);
}

/*
 * Without a mark the generations differ only where the most significant byte
 * comes first.  A modern reader there names the cause; to a classic one the
 * length is 0, which could be anything.
 */
static void
an_unmarked_message_of_the_other_generation(void **state)
{
	static const int error[] = { ERANGE, EPROTO };
	struct imsgbuf a, b;
	struct imsg_hdr h;
	int wire;

	(void)state;
	for (wire = 0; wire < 2; wire++) {
		channels(&a, wire, &b, !wire);
		send_golden(&a, 0);
		if (order() == 0) {
			is_golden(&b, 0);
		} else {
			assert_errno(imsgbuf_read(&b), error[wire]);
			assert_int_equal(imsgbuf_failed(&b, &h), error[wire]);
			assert_memory_equal(&h, golden[1][wire][0], sizeof(h));
		}
		t_unchan(&a, &b);
	}
}

static void
a_marked_message_of_the_other_generation(void **state)
{
	struct imsgbuf a, b;
	struct imsg_hdr h;
	int wire;

	(void)state;
	for (wire = 0; wire < 2; wire++) {
		channels(&a, wire, &b, !wire);
		send_golden(&a, 1);
		assert_errno(imsgbuf_read(&b), EPROTO);
		assert_int_equal(imsgbuf_failed(&b, &h), EPROTO);
		assert_memory_equal(&h, golden[order()][wire][1], sizeof(h));
		t_unchan(&a, &b);
	}
}

/*
 * A marked modern header on a classic channel is the channel's own if it reads
 * as one: flags 0 or 1 and a length that maxsize allows.  That takes one above
 * 32 KiB where the most significant byte comes first; where it comes last the
 * mark is a flag that no classic peer has.
 */
static void
a_header_of_both_generations_is_the_channels_own(void **state)
{
	static const unsigned char both[2][16] = {
		{ 1, 0, 0, 0, 0x11, 0x80, 0x01, 0x80 },
		{ 0, 0, 0, 1, 0x80, 0x11, 0x00, 0x00 },
	};
	const size_t len = 0x8011 - IMSG_HEADER_SIZE;
	struct imsgbuf a, b;
	unsigned char *rest;
	struct imsg m;

	(void)state;
	channels(&a, IMSG_WIRE_CLASSIC, &b, IMSG_WIRE_CLASSIC);
	/* As the modern generation reads it: 0x18011 or 0x110000 bytes. */
	assert_int_equal(imsgbuf_set_maxpayload(&b, 0x120000), 0);
	t_put(a.fd, both[order()], IMSG_HEADER_SIZE);
	if (order() == 0) {
		assert_errno(imsgbuf_read(&b), EPROTO);
		t_unchan(&a, &b);
		return;
	}
	assert_non_null(rest = calloc(1, len));
	t_put(a.fd, rest, len);
	free(rest);
	t_get(&b, &m);
	assert_int_equal(m.hdr.type, 1);
	assert_int_equal(m.hdr.len, 0x8011);
	assert_int_equal(imsg_fd_status(&m), IMSG_FD_NONE);
	imsg_free(&m);
	t_unchan(&a, &b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(what_is_sent_are_these_bytes),
		T(these_bytes_are_understood),
		T(an_unmarked_message_of_the_other_generation),
		T(a_marked_message_of_the_other_generation),
		T(a_header_of_both_generations_is_the_channels_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
