/* SPDX-License-Identifier: ISC */
/* Composing beside the model; see model.h. */
#include "model-chan.h"

/* What composing must say: 0, ERANGE or ENOBUFS. */
static int
admitted(int e, size_t len, int has_fd)
{
	const struct imsg_limits *l = &m_limits[e];
	const size_t out = m_sent(e);
	size_t i, msgs = 0, fds = 0;
	struct msg *m;

	if (len + IMSG_HEADER_SIZE > m_end[e].maxsize)
		return ERANGE;
	for (i = 0; i < m_dir[e].n; i++) {
		m = m_at(&m_dir[e], i);
		msgs += m->end > out;
		fds += m->master != -1 &&
		    (m_pass ? m->start >= out : m->fd_end > out);
	}
	if (l->wbytes &&
	    m_dir[e].composed - out + len + IMSG_HEADER_SIZE > l->wbytes)
		return ENOBUFS;
	if ((l->wmsgs && msgs >= l->wmsgs) ||
	    (l->wfds && has_fd && fds >= l->wfds))
		return ENOBUFS;
	return 0;
}

/* Into the list, as composed just now. */
static struct msg *
note(int e, const void *data, size_t len, int master)
{
	struct dir *d = &m_dir[e];
	struct msg *m = m_at(d, d->n++);

	m->type = d->next++;
	m->id = m->type ^ 0x5555;
	m->pid = 4242;
	m->len = len;
	if (len > 0)
		memcpy(m->data, data, len);
	m->master = master;
	m->start = d->composed;
	d->composed += len + IMSG_HEADER_SIZE;
	m->end = m->fd_end = d->composed;
	return m;
}

static void
by_copy(int e, const unsigned char *data, size_t len)
{
	const uint32_t type = m_dir[e].next;
	int master = m_below(3) == 0 ? m_random_master() : -1;
	int fd = m_dup(master), want = admitted(e, len, fd != -1), r;
	size_t queued = imsgbuf_queuebytes(&m_end[e]), cut = m_below(len + 1);
	struct iovec iov[2] = { { (void *)(uintptr_t)data, cut },
		{ (void *)(uintptr_t)(data + cut), len - cut } };

	if (m_below(2))
		r = imsg_compose(
		    &m_end[e], type, type ^ 0x5555, 4242, fd, data, len);
	else
		r = imsg_composev(
		    &m_end[e], type, type ^ 0x5555, 4242, fd, iov, 2);
	if (m_ok(r == -1, want)) {
		note(e, data, len, master);
		queued += len + IMSG_HEADER_SIZE;
	} else if (fd != -1) {
		m_same_fd(fd, master);
	}
	assert_int_equal(imsgbuf_queuebytes(&m_end[e]), queued);
}

/* Consumes the buffer and its descriptor in any case. */
static void
by_ibuf(int e, struct m_ibuf *s)
{
	const uint32_t type = m_dir[e].next;
	size_t len = s->w - s->r;
	int want = admitted(e, len, s->master != -1);
	struct msg *m;

	if (m_ok(imsg_compose_ibuf(
		     &m_end[e], type, type ^ 0x5555, 4242, s->b) == -1,
		want)) {
		m = note(e, s->data + s->r, len, s->master);
		m->fd_end = m->start + IMSG_HEADER_SIZE;
	}
	s->b = NULL;
	s->master = -1;
}

static void
by_create(int e, const unsigned char *data, size_t len)
{
	const uint32_t type = m_dir[e].next;
	int master = m_below(3) == 0 ? m_random_master() : -1;
	size_t half = len / 2;
	struct ibuf *p;

	p = imsg_create(&m_end[e], type, type ^ 0x5555, 4242, half);
	if (!m_ok(p == NULL, admitted(e, half, 0)))
		return;
	ibuf_fd_set(p, m_dup(master));
	if (half > 0 && !m_ok(imsg_add(p, data, half) != (int)half, 0))
		return;
	if (len > half &&
	    !m_ok(imsg_add(p, data + half, len - half) == -1,
		len + IMSG_HEADER_SIZE > m_end[e].maxsize ? ERANGE : 0))
		return;
	imsg_close(&m_end[e], p);
	note(e, data, len, master);
}

void
m_compose(int e, struct m_ibuf *slots)
{
	struct m_ibuf *s = &slots[m_below(M_SLOTS)];
	unsigned char data[M_MAX];
	size_t len = m_below(m_below(4) ? 40 : M_MAX - 20);

	t_fill(data, len, t_rand());
	if (m_dir[e].n == MANY)
		return;
	switch (m_below(4)) {
	case 0:
	case 1:
		by_copy(e, data, len);
		break;
	case 2:
		by_create(e, data, len);
		break;
	default:
		if (s->b != NULL)
			by_ibuf(e, s);
		break;
	}
}

void
m_forward(int e, struct held *h)
{
	struct msg *m;
	int want = admitted(e, h->was.len, 0);

	if (m_dir[e].n == MANY)
		return;
	if (m_ok(imsg_forward(&m_end[e], &h->m) == -1, want)) {
		m = note(e, h->was.data, h->was.len, -1);
		m->type = h->was.type;
		m->id = h->was.id;
	}
	h->read = 0;
}

/* As it came, descriptor included, through a queue.  Never refused. */
void
m_pass_on(int e, struct held *h)
{
	struct msg *m;
	struct ibuf *b;

	/* Without its descriptor its mark would lie. */
	if (m_dir[e].n == MANY || (h->was.master != -1 && h->master == -1))
		return;
	imsg_ibufq_push(m_relay, &h->m);
	h->there = 0;
	assert_int_equal(ibufq_queuelen(m_relay), 1);
	if (m_below(3) == 0) {
		assert_int_equal(imsg_ibufq_pop(m_relay, &h->m), 1);
		h->there = 1;
		h->read = 0;
		return;
	}
	if (m_below(2)) {
		msgbuf_concat(m_end[e].w, m_relay);
	} else {
		assert_non_null(b = ibufq_pop(m_relay));
		ibuf_close(m_end[e].w, b);
	}
	m = note(e, h->was.data, h->was.len, h->master);
	m->type = h->was.type;
	m->id = h->was.id;
}
