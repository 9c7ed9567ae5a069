/* SPDX-License-Identifier: ISC */
/*
 * The message under way: it is received in its own storage, whatever came
 * before it, and whatever storage a raw reader's callback gives it.
 */
#include "testlib.h"

#define HDR   4
#define LARGE 200000

static size_t first_size; /* what the callback allocates at once */

static struct ibuf *
growing(struct ibuf *hdr, void *arg, int *fd)
{
	uint32_t len;

	(void)arg;
	if (ibuf_get_h32(hdr, &len) == -1)
		return NULL;
	if (*fd != -1)
		abort();
	return ibuf_dynamic(first_size < len ? first_size : len, len);
}

static void
a_callback_may_return_a_buffer_that_grows(void **state)
{
	static const uint32_t sizes[] = { 4, 5, 40, 47, 48, 49, 100, 5000,
		65536, 65600, LARGE };
	static const size_t first[] = { 0, 1, 4, 30, 100, 70000, LARGE };
	static unsigned char out[LARGE];
	struct msgbuf *m;
	struct ibuf *b;
	size_t i, k;
	ssize_t n;
	uint32_t left;
	int p[2];

	(void)state;
	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		for (k = 0; k < sizeof(first) / sizeof(first[0]); k++) {
			first_size = first[k];
			t_fill(out, sizes[i], sizes[i]);
			memcpy(out, &sizes[i], HDR);
			t_pair(p);
			t_nonblock(p[0]);
			assert_non_null(
			    m = msgbuf_new_reader(HDR, growing, NULL));
			for (left = sizes[i]; left > 0;) {
				n = write(p[0], out + sizes[i] - left,
				    left < 30000 ? left : 30000);
				if (n > 0)
					left -= (uint32_t)n;
				assert_int_equal(ibuf_read(p[1], m), 1);
			}
			while ((b = msgbuf_get(m)) == NULL)
				assert_int_equal(ibuf_read(p[1], m), 1);
			assert_int_equal(ibuf_size(b), sizes[i]);
			assert_int_equal(ibuf_left(b), 0);
			assert_memory_equal(ibuf_data(b), out, sizes[i]);
			ibuf_free(b);
			msgbuf_free(m);
			close(p[0]);
			close(p[1]);
		}
	}
}

static ssize_t (*true_readv)(int, const struct iovec *, int);
static size_t in_place;

static ssize_t
watch_readv(int fd, const struct iovec *iov, int n)
{
	in_place = iov[0].iov_len;
	return true_readv(fd, iov, n);
}

/* A read brings one message and the start of the next, which begins then. */
static void
it_begins_behind_the_only_complete_one(void **state)
{
	static unsigned char p[60000];
	struct imsgbuf a, b;
	struct imsg_hdr h = { 2, sizeof(h) + sizeof(p), 0, 0 };

	(void)state;
	t_chan(&a, &b, 0);
	assert_int_equal(imsgbuf_set_maxpayload(&b, sizeof(p)), 0);
	t_fill(p, 1, 1);
	assert_int_equal(imsg_compose(&a, 1, 0, 0, -1, p, 1), 1);
	assert_int_equal(imsgbuf_flush(&a), 0);
	t_fill(p, sizeof(p), 2);
	t_put(a.fd, &h, sizeof(h));
	t_put(a.fd, p, 10);
	t_nonblock(b.fd);
	do
		assert_int_equal(imsgbuf_read(&b), 1);
	while (poll(&(struct pollfd){ b.fd, POLLIN, 0 }, 1, 0) == 1);
	t_expect(&b, 1, IMSG_FD_NONE, 0);
	t_put(a.fd, p + 10, sizeof(p) - 10);
	true_readv = imsgi_os.readv;
	imsgi_os.readv = watch_readv;
	in_place = 0;
	assert_int_equal(imsgbuf_read(&b), 1);
	imsgi_os.readv = true_readv;
#ifndef IMSGI_INPUT_SIZE
	assert_int_equal(in_place, sizeof(p) - 10);
#endif
	t_expect(&b, 2, IMSG_FD_NONE, 0);
	t_unchan(&a, &b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_callback_may_return_a_buffer_that_grows),
		T(it_begins_behind_the_only_complete_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
