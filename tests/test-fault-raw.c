/* SPDX-License-Identifier: ISC */
/*
 * The buffer layer without a channel, every call failing in turn: records of
 * a protocol of its own through msgbufs, one function of each kind that
 * builds or reads a buffer in each record.
 */
#include "testlib-fault.h"

#define RECORDS 6
#define HEADER	4
/* In the length: a descriptor belongs to this record. */
#define MARK 0x80000000U

/* Again until it works; each failure must be the planned one. */
#define AGAIN(call)         \
	while (!(call)) {   \
		f_expect(); \
	}

struct wire {
	struct msgbuf *w, *r;
	int s[2];
	int fd[RECORDS]; /* whose duplicates are sent, or -1 */
	int pass;
	int got, lost;
};

/* A record: length, number, then one of everything. */
static struct ibuf *
build(uint32_t i, uint32_t mark)
{
	static const unsigned char three[3] = { 1, 2, 3 };
	struct ibuf *b, *view, v;
	void *p;

	AGAIN((b = ibuf_dynamic(0, 4096)) != NULL);
	AGAIN(ibuf_add_n32(b, 0) == 0);
	AGAIN(ibuf_add_n8(b, i) == 0);
	AGAIN(ibuf_add_n16(b, 0x1234) == 0);
	AGAIN(ibuf_add_n64(b, UINT64_C(0x123456789abcdef)) == 0);
	AGAIN(ibuf_add_h16(b, 7) == 0);
	AGAIN(ibuf_add_h32(b, 8) == 0);
	AGAIN(ibuf_add_h64(b, 9) == 0);
	AGAIN(ibuf_add_strbuf(b, "name", 16) == 0);
	AGAIN(ibuf_add_zero(b, 5) == 0);
	AGAIN(ibuf_add(b, three, sizeof(three)) == 0);
	AGAIN((view = ibuf_open(3)) != NULL);
	assert_int_equal(ibuf_add(view, three, 3), 0);
	ibuf_from_ibuf(&v, view);
	AGAIN(ibuf_add_ibuf(b, &v) == 0);
	ibuf_from_buffer(&v, NULL, 0);
	assert_int_equal(ibuf_add_ibuf(b, &v), 0);
	ibuf_free(view);
	AGAIN((p = ibuf_reserve(b, 100 * (size_t)i + 1)) != NULL);
	t_fill(p, 100 * (size_t)i + 1, i);
	AGAIN(ibuf_truncate(b, ibuf_size(b) + 1) == 0);
	assert_int_equal(ibuf_truncate(b, ibuf_size(b) - 1), 0);
	assert_int_equal(ibuf_set_maxsize(b, 4000), 0);
	assert_int_equal(ibuf_left(b), 4000 - ibuf_size(b));
	assert_int_equal(ibuf_set_n32(b, 0, ibuf_size(b) | mark), 0);
	return b;
}

static void
verify_numbers(struct ibuf *b, uint32_t i)
{
	uint8_t n8;
	uint16_t n16, h16;
	uint32_t n32, h32;
	uint64_t n64, h64;

	assert_int_equal(ibuf_get_n32(b, &n32), 0);
	assert_int_equal(n32 & ~MARK, ibuf_size(b) + HEADER);
	assert_int_equal(ibuf_get_n8(b, &n8), 0);
	assert_int_equal(n8, i);
	assert_int_equal(ibuf_get_n16(b, &n16), 0);
	assert_int_equal(n16, 0x1234);
	assert_int_equal(ibuf_get_n64(b, &n64), 0);
	assert_true(n64 == UINT64_C(0x123456789abcdef));
	assert_int_equal(ibuf_get_h16(b, &h16), 0);
	assert_int_equal(ibuf_get_h32(b, &h32), 0);
	assert_int_equal(ibuf_get_h64(b, &h64), 0);
	assert_true(h16 == 7 && h32 == 8 && h64 == 9);
}

static void
verify(struct ibuf *b, uint32_t i)
{
	struct ibuf view;
	char name[16], *s;
	unsigned char three[3];
	size_t had;

	verify_numbers(b, i);
	had = ibuf_size(b);
	AGAIN((s = ibuf_get_string(b, 16)) != NULL);
	assert_string_equal(s, "name");
	t_free(s);
	assert_int_equal(ibuf_size(b), had - 16);
	ibuf_rewind(b);
	assert_int_equal(ibuf_skip(b, HEADER + 25), 0);
	assert_int_equal(ibuf_get_strbuf(b, name, 16), 0);
	assert_string_equal(name, "name");
	assert_int_equal(ibuf_skip(b, 5), 0);
	assert_int_equal(ibuf_get(b, three, 3), 0);
	assert_int_equal(ibuf_get_ibuf(b, 3, &view), 0);
	assert_memory_equal(ibuf_data(&view), three, 3);
	assert_int_equal(ibuf_size(b), 100 * i + 1);
	assert_true(t_check(ibuf_data(b), ibuf_size(b), i));
	assert_int_equal(ibuf_set_n8(b, 0, 1), 0);
	assert_non_null(ibuf_seek(b, 0, 1));
}

static struct ibuf *
header(struct ibuf *hdr, void *arg, int *fd)
{
	struct ibuf *b;
	uint32_t len;

	(void)arg;
	if (ibuf_get_n32(hdr, &len) == -1 ||
	    (b = ibuf_dynamic(len & ~MARK, len & ~MARK)) == NULL)
		return NULL;
	if (len & MARK) {
		ibuf_fd_set(b, *fd);
		*fd = -1;
	}
	return b;
}

/* Descriptors: on the record itself, or before it on an ibuf of its own. */
static void
queue(struct wire *t)
{
	struct ibufqueue *q, *more;
	struct ibuf *b, *rider;
	uint32_t i;

	AGAIN((q = ibufq_new()) != NULL);
	AGAIN((more = ibufq_new()) != NULL);
	for (i = 0; i < RECORDS; i++) {
		b = build(i, t->fd[i] != -1 ? MARK : 0);
		if (i < 3 && t->fd[i] != -1) {
			AGAIN((rider = ibuf_open(0)) != NULL);
			ibuf_fd_set(rider, dup(t->fd[i]));
			ibuf_close(t->w, rider);
		} else if (t->fd[i] != -1) {
			ibuf_fd_set(b, dup(t->fd[i]));
			assert_true(ibuf_fd_avail(b));
		}
		if (i < 3)
			ibuf_close(t->w, b);
		else
			ibufq_push(i < 5 ? q : more, b);
	}
	ibufq_concat(q, more);
	assert_null(ibufq_pop(more));
	assert_int_equal(ibufq_queuelen(q), RECORDS - 3);
	msgbuf_concat(t->w, q);
	assert_int_equal(msgbuf_queuelen(t->w), RECORDS);
	ibufq_flush(q);
	ibufq_free(q);
	ibufq_free(more);
}

static void
fetch(struct wire *t)
{
	struct ibuf *b;
	int fd;

	while ((b = msgbuf_get(t->r)) != NULL) {
		fd = ibuf_fd_get(b);
		if (fd != -1) {
			assert_int_equal(t_fd_id(fd), t_fd_id(t->fd[t->got]));
			close(fd);
		} else if (t->fd[t->got] != -1) {
			t->lost++;
		}
		verify(b, (uint32_t)t->got++);
		ibuf_free(b);
	}
}

static void
move(struct wire *t)
{
	uint32_t len = msgbuf_queuelen(t->w);
	int r;

	if ((t->pass ? msgbuf_write : ibuf_write)(t->s[0], t->w) == -1) {
		f_expect();
		assert_int_equal(msgbuf_queuelen(t->w), len);
	}
	if ((r = (t->pass ? msgbuf_read : ibuf_read)(t->s[1], t->r)) == -1)
		f_expect();
	else if (r == 0)
		f_idle();
	fetch(t);
}

static void
begin(struct wire *t, int pass)
{
	int i;

	memset(t, 0, sizeof(*t));
	t->pass = pass;
	if (pass) {
		t_pair(t->s);
	} else {
		assert_int_equal(pipe(t->s), 0);
		i = t->s[0];
		t->s[0] = t->s[1];
		t->s[1] = i;
	}
	t_nonblock(t->s[0]);
	t_nonblock(t->s[1]);
	for (i = 0; i < RECORDS; i++)
		t->fd[i] = pass && i != 4 ? t_fd(NULL) : -1;
	AGAIN((t->w = msgbuf_new()) != NULL);
	AGAIN((t->r = msgbuf_new_reader(HEADER, header, NULL)) != NULL);
}

static void
exchange(const struct f_plan *plan, void *arg)
{
	const int pass = *(const int *)arg;
	const long live = t_live();
	const int fds = dup(STDERR_FILENO);
	struct wire t;
	size_t moved;
	int i;

	f_begin(plan);
	begin(&t, pass);
	queue(&t);
	while (t.got < RECORDS) {
		moved = f_bytes(F_SEND) + f_bytes(F_RECV);
		move(&t);
		if (f_bytes(F_SEND) + f_bytes(F_RECV) == moved)
			f_idle();
	}
	f_lift();
	assert_int_equal(msgbuf_queuelen(t.w), 0);
	assert_int_equal(t.lost, f_dropped());
	msgbuf_clear(t.r);
	msgbuf_clear(t.w);
	msgbuf_free(t.r);
	msgbuf_free(t.w);
	for (i = 0; i < RECORDS; i++)
		if (t.fd[i] != -1)
			close(t.fd[i]);
	close(t.s[0]);
	close(t.s[1]);
	assert_int_equal(t_live(), live);
	i = dup(STDERR_FILENO);
	assert_int_equal(i, fds + 1);
	close(i);
	close(fds);
}

static void
records_survive_whatever_call_fails(void **state)
{
	int pass;

	(void)state;
	for (pass = 0; pass < 2; pass++)
		assert_true(f_each_fault(exchange, &pass) > 100);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(records_survive_whatever_call_fails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
