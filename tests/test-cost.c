/* SPDX-License-Identifier: ISC */
/*
 * What a message costs in the steady state, in allocations and system calls,
 * and what a channel keeps.  With the sizes of the library as it is installed;
 * the shrunk build has other ones and proves nothing here.
 */
#include "testlib.h"

#define COUNT 64

static void
round_trip(struct imsgbuf *a, struct imsgbuf *b, size_t len)
{
	static unsigned char data[65536];
	struct imsg m;
	int i, got = 0;

	for (i = 0; i < COUNT; i++)
		assert_int_equal(imsg_compose(a, 1, 0, 0, -1, data, len), 1);
	while (got < COUNT) {
		assert_int_equal(imsgbuf_write(a), 0);
		assert_int_equal(imsgbuf_read(b), 1);
		for (; imsgbuf_get(b, &m) == 1; got++)
			imsg_free(&m);
	}
	assert_int_equal(imsgbuf_queuelen(a), 0);
}

static void
begin(struct imsgbuf *a, struct imsgbuf *b)
{
	t_chan(a, b, 0);
	t_nonblock(a->fd);
	t_nonblock(b->fd);
	assert_int_equal(imsgbuf_set_maxpayload(a, 65536), 0);
	assert_int_equal(imsgbuf_set_maxpayload(b, 65536), 0);
}

#ifdef IMSGI_INPUT_SIZE
#define SKIP_IF_SHRUNK() skip()
#else
#define SKIP_IF_SHRUNK() ((void)0)
#endif

static void
a_small_message_costs_one_allocation(void **state)
{
	static const size_t lens[] = { 0, 16, 64, 256, 1008 };
	struct imsgbuf a, b;
	size_t i;

	(void)state;
	SKIP_IF_SHRUNK();
	for (i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
		begin(&a, &b);
		round_trip(&a, &b, lens[i]);
		t_fail_alloc(0, 0);
		round_trip(&a, &b, lens[i]);
		/* The receiver's; the sender's memory is kept. */
		assert_int_equal(t_allocs(), COUNT);
		t_unchan(&a, &b);
	}
}

static void
a_large_message_costs_one_allocation_at_each_end(void **state)
{
	struct imsgbuf a, b;

	(void)state;
	SKIP_IF_SHRUNK();
	begin(&a, &b);
	round_trip(&a, &b, 65536);
	t_fail_alloc(0, 0);
	round_trip(&a, &b, 65536);
	assert_true(t_allocs() <= 2 * COUNT);
	t_unchan(&a, &b);
}

static void
many_small_messages_are_one_system_call_each_way(void **state)
{
	struct imsgbuf a, b;

	(void)state;
	SKIP_IF_SHRUNK();
	begin(&a, &b);
	memset(&t_calls, 0, sizeof(t_calls));
	round_trip(&a, &b, 64);
	assert_int_equal(t_calls.send, 1);
	assert_int_equal(t_calls.recv, 1);
	t_unchan(&a, &b);
}

/* Two channels: their msgbufs stay, everything else is given up. */
static void
clear_gives_up_what_is_kept(void **state)
{
	struct imsgbuf a, b;
	struct imsg m;
	long before = t_live();

	(void)state;
	begin(&a, &b);
	round_trip(&a, &b, 1000);
	msgbuf_clear(a.w);
	msgbuf_clear(b.w);
	assert_int_equal(t_live(), before + 2);
	/* And takes it again when it is needed. */
	round_trip(&a, &b, 1000);
	round_trip(&b, &a, 1000);
	msgbuf_clear(a.w);
	assert_int_equal(imsg_compose(&b, 1, 0, 0, -1, NULL, 0), 1);
	assert_int_equal(imsgbuf_flush(&b), 0);
	t_fail_alloc(1, 0);
	assert_errno(imsgbuf_read(&a), ENOMEM);
	assert_int_equal(imsgbuf_read(&a), 1);
	assert_int_equal(imsgbuf_get(&a, &m), 1);
	imsg_free(&m);
	t_unchan(&a, &b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_small_message_costs_one_allocation),
		T(a_large_message_costs_one_allocation_at_each_end),
		T(many_small_messages_are_one_system_call_each_way),
		T(clear_gives_up_what_is_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
