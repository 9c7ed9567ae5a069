/* SPDX-License-Identifier: ISC */
/*
 * Two channels over one socket pair beside two lists of messages; see
 * model.h.  How much of a list has left is known from the queue's bytes.
 */
#include "model-chan.h"

#include <poll.h>

unsigned long m_delivered, m_passed;

struct imsgbuf m_end[2];
struct dir m_dir[2];
struct imsg_limits m_limits[2];
struct ibufqueue *m_relay;
int m_pass;

static struct held held[HELD];
static int wire;

struct msg *
m_at(struct dir *d, size_t i)
{
	return &d->m[(d->head + i) % MANY];
}

size_t
m_sent(int e)
{
	return m_dir[e].composed - imsgbuf_queuebytes(&m_end[e]);
}

static void
drop_held(struct held *h)
{
	if (!h->there)
		return;
	imsg_free(&h->m);
	assert_int_equal(imsg_get_fd(&h->m), -1);
	h->there = 0;
}

/* A message was fetched at that end: it is the next one of the other. */
static void
delivered(int e, struct imsg *got)
{
	struct dir *d = &m_dir[!e];
	struct msg *m = m_at(d, 0);
	struct held *h = &held[m_below(HELD)];

	assert_true(d->n > 0);
	assert_true(m->end <= m_sent(!e));
	assert_int_equal(imsg_get_type(got), m->type);
	assert_int_equal(imsg_get_id(got), m->id);
	assert_int_equal(imsg_get_pid(got), m->pid);
	assert_int_equal(imsg_get_len(got), m->len);
	assert_int_equal(got->hdr.len, m->len + IMSG_HEADER_SIZE);
	if (m->len > 0)
		assert_memory_equal(got->data, m->data, m->len);
	assert_int_equal(imsg_fd_status(got),
	    m->master == -1 ? IMSG_FD_NONE :
		m_pass	    ? IMSG_FD_PRESENT :
			      IMSG_FD_LOST);
	if (m->master != -1 && m_pass)
		assert_int_equal(
		    t_fd_id(got->buf->fd), t_fd_id(m_master[m->master]));
	m_passed += m->master != -1 && m_pass;
	m_delivered++;
	drop_held(h);
	h->m = *got;
	h->there = 1;
	h->read = 0;
	h->was = *m;
	h->master = m_pass ? m->master : -1;
	d->head = (d->head + 1) % MANY;
	d->n--;
}

static void
fetch(int e)
{
	struct imsg m;
	ssize_t r;

	if (m_below(2))
		r = imsgbuf_get(&m_end[e], &m);
	else if ((r = imsg_get(&m_end[e], &m)) > 0)
		r = r == (ssize_t)m.hdr.len ? 1 : 2;
	if (r == -1)
		(void)m_ok(1, 0);
	else if (r != 0)
		assert_int_equal(r, 1);
	if (r == 1)
		delivered(e, &m);
}

/* Takes a held message apart, or passes it on. */
static void
use(struct held *h)
{
	unsigned char out[M_MAX];
	size_t len = h->was.len, left = len - h->read, n = m_below(left + 2);
	struct ibuf view;
	int fd;

	switch (m_below(5)) {
	case 0:
		if ((fd = imsg_get_fd(&h->m)) != -1) {
			m_same_fd(fd, h->master);
			h->master = -1;
			assert_int_equal(imsg_fd_status(&h->m), IMSG_FD_TAKEN);
		} else {
			assert_int_equal(h->master, -1);
		}
		break;
	case 1:
		if (m_ok(imsg_get_buf(&h->m, out, n) == -1,
			n > left ? EBADMSG : 0)) {
			assert_memory_equal(out, h->was.data + h->read, n);
			h->read += n;
		}
		break;
	case 2:
		if (m_ok(imsg_get_data(&h->m, out, n) == -1,
			n == 0	      ? EINVAL :
			    n != left ? EBADMSG :
					0)) {
			assert_memory_equal(out, h->was.data + h->read, n);
			h->read = len;
		}
		break;
	case 3:
		if (m_ok(imsg_get_ibuf(&h->m, &view) == -1,
			left == 0 ? EBADMSG : 0)) {
			assert_int_equal(ibuf_size(&view), left);
			h->read = len;
		}
		break;
	default:
		drop_held(h);
		break;
	}
}

static void
limit(int e)
{
	struct imsg_limits *l = &m_limits[e];

	memset(l, 0, sizeof(*l));
	if (m_below(2)) {
		l->wbytes = m_below(2) ? m_below(2000) : 0;
		l->wmsgs = m_below(2) ? (uint32_t)m_below(8) : 0;
		l->wfds = m_below(2) ? (uint32_t)m_below(4) : 0;
		l->rmsgs = m_below(2) ? (uint32_t)m_below(4) : 0;
		l->rfds = m_below(2) ? (uint32_t)m_below(3) : 0;
	}
	assert_int_equal(imsgbuf_set_limits(&m_end[e], l), 0);
}

static void
send_some(int e)
{
	size_t queued = imsgbuf_queuebytes(&m_end[e]);
	int r;

	if (m_below(3))
		r = imsgbuf_write(&m_end[e]);
	else if ((r = imsgbuf_flush_timeout(&m_end[e], 0)) == 0)
		assert_int_equal(imsgbuf_queuebytes(&m_end[e]), 0);
	if (r == -1)
		assert_true(errno == ETIMEDOUT || errno == ENOMEM ||
		    errno == EPIPE || errno == ETOOMANYREFS);
	assert_true(imsgbuf_queuebytes(&m_end[e]) <= queued);
	assert_int_equal(imsgbuf_queuelen(&m_end[e]) == 0,
	    imsgbuf_queuebytes(&m_end[e]) == 0);
}

static void
receive(int e)
{
	struct imsg m;
	int r;

	if (m_below(3)) {
		r = imsgbuf_read(&m_end[e]);
	} else {
		r = imsgbuf_recv(&m_end[e], &m, 0);
		if (r == 1)
			delivered(e, &m);
	}
	if (r == -1)
		assert_true(errno == ETIMEDOUT || errno == ENOMEM ||
		    errno == ECONNRESET);
	else
		assert_int_equal(r, 1);
	assert_int_equal(imsgbuf_failed(&m_end[e], NULL), 0);
}

void
m_chan_step(struct m_ibuf *slots)
{
	int e = (int)m_below(2);
	struct held *h = &held[m_below(HELD)];

	switch (m_below(16)) {
	case 0:
	case 1:
	case 2:
	case 3:
		m_compose(e, slots);
		break;
	case 4:
	case 5:
	case 6:
		send_some(e);
		break;
	case 7:
	case 8:
	case 9:
		receive(e);
		break;
	case 10:
	case 11:
		fetch(e);
		break;
	case 12:
		limit(e);
		break;
	case 13:
	case 14:
		if (h->there)
			use(h);
		break;
	default:
		if (h->there)
			(m_below(2) ? m_forward : m_pass_on)(e, h);
		break;
	}
	assert_int_equal(!!(imsgbuf_events(&m_end[e]) & POLLOUT),
	    imsgbuf_queuebytes(&m_end[e]) > 0);
}

void
m_chan_begin(void)
{
	int s[2], e;
	uint32_t max = (uint32_t)(m_below(2) ? 1000 : 100 + m_below(500));

	t_pair(s);
	wire = m_below(3) == 0 ? IMSG_WIRE_CLASSIC : IMSG_WIRE_MODERN;
	m_pass = m_below(4) != 0;
	memset(m_limits, 0, sizeof(m_limits));
	for (e = 0; e < 2; e++) {
		t_nonblock(s[e]);
		assert_int_equal(imsgbuf_init(&m_end[e], s[e]), 0);
		assert_int_equal(imsgbuf_set_wire(&m_end[e], wire), 0);
		assert_int_equal(imsgbuf_set_maxsize(&m_end[e], max), 0);
		if (m_pass)
			imsgbuf_allow_fdpass(&m_end[e]);
		m_dir[e].n = m_dir[e].head = m_dir[e].composed = 0;
		m_dir[e].next = t_rand();
	}
	assert_non_null(m_relay = ibufq_new());
}

/* Everything has to arrive; or all of it is dropped, at some point. */
void
m_chan_end(void)
{
	static const struct imsg_limits none;
	int e, i;

	for (e = 0; e < 2; e++)
		assert_int_equal(imsgbuf_set_limits(&m_end[e], &none), 0);
	for (i = 0; m_below(8) && m_dir[0].n + m_dir[1].n > 0; i++) {
		assert_true(i < 10000);
		e = (int)m_below(2);
		send_some(e);
		receive(!e);
		fetch(!e);
	}
	for (i = 0; i < HELD; i++)
		drop_held(&held[i]);
	ibufq_free(m_relay);
	t_unchan(&m_end[0], &m_end[1]);
}
