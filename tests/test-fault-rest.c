/* SPDX-License-Identifier: ISC */
/*
 * What the other conversations with faults leave out: flush and imsg_get, the
 * ways to take a message apart, limits, overwriting, and a channel that is
 * cleared and used again.
 */
#include "testlib-fault.h"

#define AGAIN(call)     \
	while (!(call)) \
	f_expect()

static void
queue(struct imsgbuf *a)
{
	static const struct imsg_limits two = { 0, 0, 2, 1, 0, 0 };
	struct ibuf *p;
	int fd = t_fd(NULL);

	assert_int_equal(imsgbuf_set_limits(a, &two), 0);
	for (;;) {
		AGAIN((p = imsg_create(a, 1, 0, 0, 0)) != NULL);
		assert_int_equal(imsg_set_maxsize(p, 60), 0);
		if (ibuf_add_zero(p, 26) == 0)
			break;
		f_expect();
		ibuf_free(p);
	}
	assert_int_equal(ibuf_set_n16(p, 16, 0x102), 0);
	assert_int_equal(ibuf_set_n32(p, 18, 3), 0);
	assert_int_equal(ibuf_set_n64(p, 22, 4), 0);
	assert_int_equal(ibuf_set_h16(p, 30, 5), 0);
	assert_int_equal(ibuf_set_h32(p, 32, 6), 0);
	assert_int_equal(ibuf_set_h64(p, 34, 7), 0);
	imsg_close(a, p);
	AGAIN(imsg_compose(a, 2, 0, 0, fd, "four\0\0\0string\0", 15) == 1);
	assert_errno(imsg_compose(a, 3, 0, 0, -1, NULL, 0), ENOBUFS);
	/* What is refused costs nothing and changes nothing. */
	assert_int_equal(imsgbuf_queuelen(a), 2);
}

static void
first(struct imsg *m)
{
	unsigned char want[26] = { 1, 2, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 4 };
	unsigned char got[26];
	const uint16_t h16 = 5;
	const uint32_t h32 = 6;
	const uint64_t h64 = 7;

	memcpy(want + 14, &h16, sizeof(h16));
	memcpy(want + 16, &h32, sizeof(h32));
	memcpy(want + 18, &h64, sizeof(h64));
	assert_errno(imsg_get_data(m, got, 25), EBADMSG);
	assert_int_equal(imsg_get_data(m, got, 26), 0);
	assert_memory_equal(got, want, 26);
}

static void
second(struct imsg *m)
{
	struct ibuf view;
	char word[8];

	assert_int_equal(imsg_get_buf(m, word, 2), 0);
	assert_memory_equal(word, "fo", 2);
	assert_int_equal(imsg_get_strbuf(m, word, 5), 0);
	assert_string_equal(word, "ur");
	assert_int_equal(imsg_get_ibuf(m, &view), 0);
	assert_int_equal(ibuf_size(&view), 8);
	assert_int_equal(ibuf_set(&view, 0, "S", 1), 0);
	assert_string_equal(ibuf_data(&view), "String");
}

static void
fetch(struct imsgbuf *b, int i)
{
	struct imsg m;
	ssize_t n;
	int r;

	while ((n = imsg_get(b, &m)) != (i == 1 ? 42 : 31)) {
		if (n == -1) {
			f_expect();
			continue;
		}
		assert_int_equal(n, 0);
		if ((r = imsgbuf_read(b)) == -1)
			f_expect();
		else if (r == 0)
			f_idle();
		else if (f_calls(F_RECV) > 100)
			f_idle();
	}
	if (i == 1)
		first(&m);
	else
		second(&m);
	imsg_free(&m);
}

static void
note(void *arg, int event, const struct imsg_hdr *hdr, const void *payload,
    size_t len, int fd)
{
	int *events = arg;

	(void)payload;
	(void)fd;
	assert_int_equal(hdr->len, IMSG_HEADER_SIZE + len);
	events[event]++;
	errno = EDOM;
}

static void
exchange(const struct f_plan *plan, void *arg)
{
	struct imsgbuf a, b;
	struct imsg_cred cred;
	int events[IMSG_TRACE_UNREAD + 1] = { 0 };
	int s[2], round;

	(void)arg;
	f_begin(plan);
	t_pair(s);
	t_nonblock(s[0]);
	t_nonblock(s[1]);
	AGAIN(imsgbuf_init(&a, s[0]) == 0);
	AGAIN(imsgbuf_init(&b, s[1]) == 0);
	assert_int_equal(imsgbuf_set_maxsize(&a, 100), 0);
	imsgbuf_allow_fdpass(&a);
	imsgbuf_allow_fdpass(&b);
	imsgbuf_set_trace(&a, note, events);
	imsgbuf_set_trace(&b, note, events);
	assert_int_equal(imsgbuf_peercred(&a, &cred), 0);
	for (round = 0; round < 2; round++) {
		queue(&a);
		/* EAGAIN and ENOBUFS for ever would make it wait for ever. */
		while (imsgbuf_flush_timeout(&a, 1000) == -1)
			errno == ETIMEDOUT ? f_idle() : f_expect();
		AGAIN(imsgbuf_flush(&a) == 0);
		fetch(&b, 1);
		fetch(&b, 2);
		msgbuf_clear(a.w);
		msgbuf_clear(b.w);
	}
	assert_true(imsg_version() >= 10000);
	t_unchan(&a, &b);
	/* Two messages a round, whatever failed. */
	assert_int_equal(events[IMSG_TRACE_QUEUED], 4);
	assert_int_equal(events[IMSG_TRACE_SENT], 4);
	assert_int_equal(events[IMSG_TRACE_RECEIVED], 4);
	assert_int_equal(
	    events[IMSG_TRACE_DROPPED] + events[IMSG_TRACE_UNREAD], 0);
}

static void
the_rest_survives_whatever_call_fails(void **state)
{
	(void)state;
	assert_true(f_each_fault(exchange, NULL) > 100);
}

/* Once only, or flush would do what it has to: wait for better times. */
static void
flushed(const struct f_plan *plan, void *arg)
{
	struct imsgbuf a, b;

	(void)arg;
	f_begin(plan);
	t_chan(&a, &b, 1);
	queue(&a);
	AGAIN(imsgbuf_flush(&a) == 0);
	assert_int_equal(imsgbuf_queuelen(&a), 0);
	fetch(&b, 1);
	fetch(&b, 2);
	t_unchan(&a, &b);
}

static void
flush_goes_on_after_whatever_fails_in_between(void **state)
{
	static const int errors[] = { EINTR, EAGAIN, ENOBUFS, ENOMEM, EPIPE,
		EMSGSIZE, ECONNRESET };
	struct f_plan p;
	size_t i;
	long n = 0;

	(void)state;
	memset(&p, 0, sizeof(p));
	p.class = F_SEND;
	for (i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
		p.error = errors[i];
		for (p.times = 1; p.times < 30; p.times++)
			n += f_each_call(&p, flushed, NULL);
	}
	assert_true(n > 100);
	print_message("faults injected: %ld\n", n);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(the_rest_survives_whatever_call_fails),
		T(flush_goes_on_after_whatever_fails_in_between),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
