/* SPDX-License-Identifier: ISC */
/* See testlib-trace.h. */
#include "testlib-trace.h"

struct tr_log tr_out, tr_in;
int tr_fds[TR_MOST];
size_t tr_ends[TR_MOST];
static unsigned char data[8192];

void
tr_note(void *arg, int event, const struct imsg_hdr *hdr, const void *payload,
    size_t len, int fd)
{
	struct tr_log *l = arg;

	assert_true(l->n < 2 * TR_MOST);
	assert_int_equal(hdr->len, len + IMSG_HEADER_SIZE);
	assert_int_equal(hdr->peerid, hdr->type + 1);
	assert_int_equal(hdr->pid, 7);
	assert_int_equal(payload == NULL, len == 0);
	if (len > 0)
		assert_true(t_check(payload, len, hdr->type));
	l->e[l->n].event = event;
	l->e[l->n].type = hdr->type;
	l->e[l->n++].fd = fd;
	errno = EDOM;
}

void
tr_expect(struct tr_log *l, int event, size_t first, size_t last)
{
	for (; first < last; first++, l->seen++) {
		assert_true(l->seen < l->n);
		assert_int_equal(l->e[l->seen].event, event);
		assert_int_equal(l->e[l->seen].type, first);
		if (l == &tr_out)
			assert_int_equal(l->e[l->seen].fd, tr_fds[first]);
	}
}

void
tr_expect_end(const struct tr_log *l)
{
	assert_int_equal(l->seen, l->n);
}

static int
by_ibuf(struct imsgbuf *a, uint32_t type, size_t len, int fd)
{
	/* With an unread part that does not begin at its start. */
	struct ibuf *p = ibuf_dynamic(0, len + 3);

	assert_non_null(p);
	assert_int_equal(ibuf_add(p, "xyz", 3), 0);
	assert_int_equal(ibuf_add(p, data, len), 0);
	assert_int_equal(ibuf_skip(p, 3), 0);
	ibuf_fd_set(p, fd);
	return imsg_compose_ibuf(a, type, type + 1, 7, p);
}

static int
by_forward(struct imsgbuf *a, uint32_t type, size_t len)
{
	const struct imsg_hdr hdr = { type, (uint32_t)len + IMSG_HEADER_SIZE,
		type + 1, 7 };
	struct ibufqueue *q = ibufq_new();
	struct ibuf *p = ibuf_open(len + IMSG_HEADER_SIZE);
	struct imsg m;
	int r;

	assert_int_equal(ibuf_add(p, &hdr, sizeof(hdr)), 0);
	assert_int_equal(ibuf_add(p, data, len), 0);
	ibufq_push(q, p);
	assert_int_equal(imsg_ibufq_pop(q, &m), 1);
	r = imsg_forward(a, &m);
	imsg_free(&m);
	ibufq_free(q);
	return r;
}

static int
by_create(struct imsgbuf *a, uint32_t type, size_t len, int fd)
{
	struct ibuf *p = imsg_create(a, type, type + 1, 7, 0);

	assert_non_null(p);
	assert_int_equal(imsg_add(p, data, len), len);
	ibuf_fd_set(p, fd);
	imsg_close(a, p);
	return 1;
}

void
tr_compose(struct imsgbuf *a, uint32_t type, int way, size_t len, int has_fd)
{
	const struct iovec iov[2] = { { data, len / 2 },
		{ data + len / 2, len - len / 2 } };
	int fd = has_fd ? t_fd(NULL) : -1;
	int r;

	tr_fds[type] = fd;
	tr_ends[type] =
	    (type > 0 ? tr_ends[type - 1] : 0) + IMSG_HEADER_SIZE + len;
	t_fill(data, len, type);
	if (way == TR_COMPOSE)
		r = imsg_compose(a, type, type + 1, 7, fd, data, len);
	else if (way == TR_COMPOSEV)
		r = imsg_composev(a, type, type + 1, 7, fd, iov, 2);
	else if (way == TR_IBUF)
		r = by_ibuf(a, type, len, fd);
	else if (way == TR_CREATE)
		r = by_create(a, type, len, fd);
	else
		r = by_forward(a, type, len);
	assert_int_equal(r, 1);
}

void
tr_send(struct imsgbuf *a, size_t n)
{
	size_t sent, all = imsgbuf_queuebytes(a);

	/* A batch may take more than a short send. */
	t_fail_mmsg(1000000, ENOSYS);
	for (sent = 0; sent < n; sent = all - imsgbuf_queuebytes(a)) {
		t_short_send(n - sent);
		assert_int_equal(imsgbuf_write(a), 0);
	}
	t_fail_mmsg(0, 0);
	t_short_send(0);
}

size_t
tr_complete(size_t messages, size_t n)
{
	size_t i;

	for (i = 0; i < messages && tr_ends[i] <= n; i++)
		continue;
	return i;
}

void
tr_channel(struct imsgbuf *a, struct imsgbuf *b, int wire, int pass)
{
	t_chan(a, b, pass);
	assert_int_equal(imsgbuf_set_wire(a, wire), 0);
	assert_int_equal(imsgbuf_set_wire(b, wire), 0);
	tr_out.n = tr_out.seen = tr_in.n = tr_in.seen = 0;
}
