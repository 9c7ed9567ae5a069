/* SPDX-License-Identifier: ISC */
/*
 * Payload bytes never stay behind in memory that the library gives up:
 * every block is searched for them when it is freed.
 */
#include "testlib.h"

#define BLOCKS 4096

static const char needle[] = "correct horse battery staple";
static const struct imsgi_os *const os = &imsgi_os;
static void *(*true_alloc)(size_t);
static void *(*true_calloc)(size_t, size_t);
static void (*true_free)(void *);
static struct block {
	void *p;
	size_t size;
} blocks[BLOCKS];
static int found, looked;

static void *
note(void *p, size_t size)
{
	size_t i;

	for (i = 0; p != NULL && i < BLOCKS; i++) {
		if (blocks[i].p == NULL) {
			blocks[i].p = p;
			blocks[i].size = size;
			return p;
		}
	}
	return p;
}

static void *
noting_alloc(size_t size)
{
	void *p = true_alloc(size);

	/* The search reads all of it, MSan and valgrind watching. */
	if (p != NULL)
		memset(p, 0xa5, size);
	return note(p, size);
}

static void *
noting_calloc(size_t n, size_t size)
{
	return note(true_calloc(n, size), n * size);
}

static void
searching_free(void *p)
{
	const char *c = p;
	size_t i, k, len = sizeof(needle) - 1;

	for (i = 0; p != NULL && i < BLOCKS; i++) {
		if (blocks[i].p != p)
			continue;
		looked++;
		for (k = 0; k + len <= blocks[i].size; k++)
			found += memcmp(c + k, needle, len) == 0;
		blocks[i].p = NULL;
	}
	true_free(p);
}

static int
begin(void **state)
{
	if (t_begin(state) != 0)
		return -1;
	true_alloc = os->alloc;
	true_calloc = os->calloc;
	true_free = os->free;
	memset(blocks, 0, sizeof(blocks));
	found = looked = 0;
	imsgi_os.alloc = noting_alloc;
	imsgi_os.calloc = noting_calloc;
	imsgi_os.free = searching_free;
	return 0;
}

static int
end(void **state)
{
	imsgi_os.alloc = true_alloc;
	imsgi_os.calloc = true_calloc;
	imsgi_os.free = true_free;
	return t_end(state);
}

/* A payload that has the needle at its start, its end, and in between. */
static unsigned char *
payload(size_t len)
{
	static unsigned char p[200000];
	size_t i, n = sizeof(needle) - 1;

	memset(p, '.', len);
	for (i = 0; i + n <= len; i += n + 3)
		memcpy(p + i, needle, n);
	if (len >= n)
		memcpy(p + len - n, needle, n);
	return p;
}

static void
exchange(size_t len, int count, int pass)
{
	struct imsgbuf a, b;
	struct imsg m;
	struct ibuf *p;
	int i;

	t_chan(&a, &b, pass);
	t_nonblock(a.fd);
	t_nonblock(b.fd);
	assert_int_equal(imsgbuf_set_maxpayload(&a, 200000), 0);
	assert_int_equal(imsgbuf_set_maxpayload(&b, 200000), 0);
	for (i = 0; i < count; i++) {
		if (i % 3 == 2) {
			p = ibuf_open(len);
			assert_int_equal(ibuf_add(p, payload(len), len), 0);
			assert_int_equal(imsg_compose_ibuf(&a, 1, 0, 0, p), 1);
		} else
			assert_int_equal(imsg_compose(&a, 1, 0, 0,
					     pass && i % 3 ? t_fd(NULL) : -1,
					     payload(len), len),
			    1);
	}
	for (i = 0; i < count;) {
		assert_int_equal(imsgbuf_write(&a), 0);
		assert_int_equal(imsgbuf_read(&b), 1);
		for (; imsgbuf_get(&b, &m) == 1; i++) {
			assert_memory_equal(m.data, payload(len), len);
			imsg_free(&m);
		}
	}
	t_unchan(&a, &b);
}

static void
sent_and_received_payload_is_wiped(void **state)
{
	static const size_t lens[] = { 28, 100, 5000, 40000, 70000, 199999 };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
		exchange(lens[i], 7, 0);
		exchange(lens[i], 7, 1);
	}
	assert_true(looked > 100);
	assert_int_equal(found, 0);
}

/* Thrown away in every state: queued, half sent, half received, unfetched. */
static void
dropped_payload_is_wiped(void **state)
{
	struct imsgbuf a, b;
	struct imsg m;
	size_t cut;

	(void)state;
	for (cut = 1; cut < 400; cut += 13) {
		t_chan(&a, &b, 0);
		assert_int_equal(
		    imsg_compose(&a, 1, 0, 0, -1, payload(90), 90), 1);
		assert_int_equal(
		    imsg_compose(&a, 1, 0, 0, -1, payload(90), 90), 1);
		assert_int_equal(
		    imsg_compose(&a, 1, 0, 0, -1, payload(90), 90), 1);
		t_short_send(cut);
		assert_int_equal(imsgbuf_write(&a), 0);
		assert_int_equal(imsgbuf_read(&b), 1);
		if (cut % 2 && imsgbuf_get(&b, &m) == 1)
			imsg_free(&m);
		t_unchan(&a, &b);
		t_short_send(0);
	}
	assert_true(looked > 100);
	assert_int_equal(found, 0);
}

/* What comes behind a bad header is nobody's, and wiped at once. */
static void
a_failed_stream_keeps_no_payload(void **state)
{
	struct imsg_hdr h = { 1, 3, 0, 0 };
	struct imsgbuf a, b;

	(void)state;
	t_chan(&a, &b, 0);
	t_put(a.fd, &h, sizeof(h));
	t_put(a.fd, payload(300), 300);
	assert_errno(imsgbuf_read(&b), ERANGE);
	t_unchan(&a, &b);
	assert_int_equal(found, 0);
}

static void
growing_and_freeing_wipe(void **state)
{
	struct ibuf *b = ibuf_dynamic(0, 100000);
	int i;

	(void)state;
	for (i = 0; i < 1000; i++)
		assert_int_equal(ibuf_add(b, payload(90), 90), 0);
	ibuf_free(b);
	assert_true(looked > 5);
	assert_int_equal(found, 0);
}

/* The search itself works. */
static void
an_unwiped_block_would_be_found(void **state)
{
	char *p = os->alloc(100);

	(void)state;
	memcpy(p + 7, needle, sizeof(needle));
	os->free(p);
	assert_int_equal(found, 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		    sent_and_received_payload_is_wiped, begin, end),
		cmocka_unit_test_setup_teardown(
		    dropped_payload_is_wiped, begin, end),
		cmocka_unit_test_setup_teardown(
		    a_failed_stream_keeps_no_payload, begin, end),
		cmocka_unit_test_setup_teardown(
		    growing_and_freeing_wipe, begin, end),
		cmocka_unit_test_setup_teardown(
		    an_unwiped_block_would_be_found, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
