/* SPDX-License-Identifier: ISC */
/* Buffers beside arrays; see model.h. */
#include "model.h"

/* Mostly little, now and then far too much. */
static size_t
some(void)
{
	size_t n = m_below(100);

	if (n < 60)
		return m_below(20);
	if (n < 98)
		return m_below(150);
	return n == 98 ? SIZE_MAX : SIZE_MAX - m_below(300);
}

void
m_ibuf_verify(const struct m_ibuf *s)
{
	assert_int_equal(ibuf_size(s->b), s->w - s->r);
	assert_int_equal(ibuf_left(s->b), s->max - s->w);
	if (s->w > s->r)
		assert_memory_equal(
		    ibuf_data(s->b), s->data + s->r, s->w - s->r);
	assert_int_equal(ibuf_fd_avail(s->b) != 0, s->master != -1);
}

void
m_ibuf_free(struct m_ibuf *s)
{
	ibuf_free(s->b);
	memset(s, 0, sizeof(*s));
	s->master = -1;
}

static void
make(struct m_ibuf *s)
{
	size_t len = m_below(100), max = len + m_below(M_MAX - 100);

	if (m_below(2))
		max = len;
	if (max == len && m_below(2))
		s->b = ibuf_open(len);
	else if (max == 0)
		return;
	else
		s->b = ibuf_dynamic(len, max);
	s->w = s->r = 0;
	s->max = max;
	s->master = -1;
	(void)m_ok(s->b == NULL, 0);
}

/* What an append of len bytes must say. */
static int
room(const struct m_ibuf *s, size_t len)
{
	return len > s->max - s->w ? ERANGE : 0;
}

static void
add_bytes(struct m_ibuf *s, struct m_ibuf *from)
{
	unsigned char bytes[256];
	size_t len = some();
	void *p;

	t_fill(bytes, sizeof(bytes), t_rand());
	switch (m_below(4)) {
	case 0:
		if (len <= sizeof(bytes) || room(s, len))
			if (m_ok(ibuf_add(s->b, bytes, len), room(s, len)))
				memcpy(s->data + s->w, bytes, len), s->w += len;
		break;
	case 1:
		if (m_ok(ibuf_add_zero(s->b, len), room(s, len)))
			memset(s->data + s->w, 0, len), s->w += len;
		break;
	case 2:
		p = ibuf_reserve(s->b, len);
		if (m_ok(p == NULL, room(s, len))) {
			t_fill(p, len, (uint32_t)len);
			t_fill(s->data + s->w, len, (uint32_t)len);
			s->w += len;
		}
		break;
	case 3:
		if (from->b == NULL)
			break;
		len = from->w - from->r;
		if (m_ok(ibuf_add_ibuf(s->b, from->b), room(s, len))) {
			memmove(s->data + s->w, from->data + from->r, len);
			s->w += len;
		}
		break;
	}
}

static void
add_string(struct m_ibuf *s)
{
	char word[40];
	size_t n = m_below(sizeof(word)), len = some();
	int want;

	memset(word, 'x', n);
	word[n] = '\0';
	want = room(s, len);
	if (want == 0 && n >= len)
		want = EOVERFLOW;
	if (!m_ok(ibuf_add_strbuf(s->b, word, len), want))
		return;
	memset(s->data + s->w, 0, len);
	memcpy(s->data + s->w, word, n);
	s->w += len;
}

static uint64_t
number(void)
{
	uint64_t v = (uint64_t)t_rand() << 32 | t_rand();

	return v >> m_below(64);
}

/* The bytes of v, w of them: big endian, or as this machine has them. */
static void
bytes_of(unsigned char *p, uint64_t v, size_t w, int host)
{
	const uint16_t one = 1;
	size_t i;

	for (i = 0; i < w; i++)
		p[i] = (unsigned char)(v >> 8 * (w - 1 - i));
	if (host && *(const unsigned char *)&one == 1)
		for (i = 0; i < w; i++)
			p[i] = (unsigned char)(v >> 8 * i);
}

static const struct width {
	size_t width;
	int host;
	int (*add)(struct ibuf *, uint64_t);
	int (*set)(struct ibuf *, size_t, uint64_t);
} widths[] = {
	{ 1, 0, ibuf_add_n8, ibuf_set_n8 },
	{ 2, 0, ibuf_add_n16, ibuf_set_n16 },
	{ 4, 0, ibuf_add_n32, ibuf_set_n32 },
	{ 8, 0, ibuf_add_n64, ibuf_set_n64 },
	{ 2, 1, ibuf_add_h16, ibuf_set_h16 },
	{ 4, 1, ibuf_add_h32, ibuf_set_h32 },
	{ 8, 1, ibuf_add_h64, ibuf_set_h64 },
};

static void
write_number(struct m_ibuf *s)
{
	const struct width *k = &widths[m_below(7)];
	uint64_t v = number();
	size_t pos = some(), have = s->w - s->r;
	int want = k->width < 8 && v >> 8 * k->width ? EINVAL : 0;

	if (m_below(2)) {
		if (want == 0)
			want = room(s, k->width);
		if (m_ok(k->add(s->b, v), want)) {
			bytes_of(s->data + s->w, v, k->width, k->host);
			s->w += k->width;
		}
		return;
	}
	if (want == 0 && (pos > have || have - pos < k->width))
		want = ERANGE;
	if (m_ok(k->set(s->b, pos, v), want))
		bytes_of(s->data + s->r + pos, v, k->width, k->host);
}

static void
overwrite(struct m_ibuf *s)
{
	unsigned char bytes[256];
	size_t pos = some(), len = some(), have = s->w - s->r;
	int want = pos > have || len > have - pos ? ERANGE : 0;

	t_fill(bytes, sizeof(bytes), (uint32_t)len);
	assert_int_equal(
	    m_ok(ibuf_seek(s->b, pos, len) == NULL, want), want == 0);
	if (len > sizeof(bytes))
		return;
	if (m_ok(ibuf_set(s->b, pos, bytes, len), want))
		memcpy(s->data + s->r + pos, bytes, len);
}

static int
get_number(struct ibuf *b, int i, uint64_t *v)
{
	uint8_t n8;
	uint16_t n16;
	uint32_t n32;
	int r;

	if (i == 3 || i == 6)
		return i == 3 ? ibuf_get_n64(b, v) : ibuf_get_h64(b, v);
	if (i == 0) {
		r = ibuf_get_n8(b, &n8);
		*v = r == 0 ? n8 : 0;
	} else if (i == 1 || i == 4) {
		r = i == 1 ? ibuf_get_n16(b, &n16) : ibuf_get_h16(b, &n16);
		*v = r == 0 ? n16 : 0;
	} else {
		r = i == 2 ? ibuf_get_n32(b, &n32) : ibuf_get_h32(b, &n32);
		*v = r == 0 ? n32 : 0;
	}
	return r;
}

static void
read_number(struct m_ibuf *s)
{
	int i = (int)m_below(7);
	const struct width *k = &widths[i];
	unsigned char p[8];
	uint64_t v;
	int want = s->w - s->r < k->width ? EBADMSG : 0;

	if (!m_ok(get_number(s->b, i, &v), want))
		return;
	bytes_of(p, v, k->width, k->host);
	assert_memory_equal(p, s->data + s->r, k->width);
	s->r += k->width;
}

static void
read_string(struct m_ibuf *s)
{
	char out[256], *word;
	size_t len = some();
	const char *p = (const char *)s->data + s->r;
	int want = len > s->w - s->r ? EBADMSG : 0;

	if (m_below(2)) {
		word = ibuf_get_string(s->b, len);
		(void)m_ok(word == NULL, want);
		if (word == NULL)
			return;
		assert_int_equal(strlen(word), len ? strnlen(p, len) : 0);
		assert_memory_equal(word, p, strlen(word));
		t_free(word);
		s->r += len;
		return;
	}
	if (len > sizeof(out))
		return;
	if (len == 0)
		want = EINVAL;
	else if (want == 0 && p[len - 1] != '\0')
		want = EOVERFLOW;
	(void)m_ok(ibuf_get_strbuf(s->b, out, len), want);
	if (want == 0 || want == EOVERFLOW) {
		assert_int_equal(out[len - 1], 0);
		assert_memory_equal(out, p, strnlen(out, len));
		s->r += len;
	}
}

static void
read_bytes(struct m_ibuf *s)
{
	unsigned char out[256];
	struct ibuf view;
	size_t len = some();
	int want = len > s->w - s->r ? EBADMSG : 0, done;

	switch (m_below(3)) {
	case 0:
		if (len > sizeof(out) && want == 0)
			return;
		if ((done = m_ok(ibuf_get(s->b, out, len), want)))
			assert_memory_equal(out, s->data + s->r, len);
		break;
	case 1:
		if ((done = m_ok(ibuf_get_ibuf(s->b, len, &view), want))) {
			assert_int_equal(ibuf_size(&view), len);
			assert_errno(ibuf_add_n8(&view, 1), EINVAL);
			(void)ibuf_truncate(&view, len / 2);
			assert_int_equal(ibuf_size(&view), len / 2);
		}
		break;
	default:
		done = m_ok(ibuf_skip(s->b, len), want);
		break;
	}
	if (done)
		s->r += len;
}

static void
resize(struct m_ibuf *s)
{
	size_t n = some(), have = s->w - s->r;

	if (m_below(2)) {
		if (m_ok(ibuf_set_maxsize(s->b, n),
			n > s->max || n < s->w ? ERANGE : 0))
			s->max = n;
		return;
	}
	if (!m_ok(ibuf_truncate(s->b, n), n > have ? room(s, n - have) : 0))
		return;
	if (n > have)
		memset(s->data + s->w, 0, n - have);
	s->w = s->r + n;
}

static void
descriptor(struct m_ibuf *s)
{
	int fd;

	if (m_below(2)) {
		s->master = m_random_master();
		ibuf_fd_set(s->b, m_dup(s->master));
		return;
	}
	fd = ibuf_fd_get(s->b);
	assert_int_equal(fd == -1, s->master == -1);
	if (fd != -1)
		m_same_fd(fd, s->master);
	s->master = -1;
}

void
m_ibuf_step(struct m_ibuf *slots)
{
	struct m_ibuf *s = &slots[m_below(M_SLOTS)];

	if (s->b == NULL) {
		make(s);
		if (s->b == NULL)
			return;
	}
	switch (m_below(12)) {
	case 0:
	case 1:
		add_bytes(s, &slots[m_below(M_SLOTS)]);
		break;
	case 2:
		add_string(s);
		break;
	case 3:
	case 4:
		write_number(s);
		break;
	case 5:
		overwrite(s);
		break;
	case 6:
		read_number(s);
		break;
	case 7:
		read_string(s);
		break;
	case 8:
		read_bytes(s);
		break;
	case 9:
		resize(s);
		break;
	case 10:
		descriptor(s);
		break;
	default:
		if (m_below(4) == 0) {
			m_ibuf_free(s);
			return;
		}
		ibuf_rewind(s->b);
		s->r = 0;
		break;
	}
	m_ibuf_verify(s);
}
