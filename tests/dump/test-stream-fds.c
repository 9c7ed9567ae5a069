/* SPDX-License-Identifier: ISC */
/*
 * Descriptors find their message, or are said to have none; and what a real
 * socket makes of real sends.
 */
#define _GNU_SOURCE
#include <sys/mman.h>
#include <sys/socket.h>

#include <fcntl.h>
#include <unistd.h>

#include "stream-lib.h"

#define M   IMSG_WIRE_MODERN
#define C   IMSG_WIRE_CLASSIC
#define MAX ((size_t)64 << 20)

/* Messages from to to, in one call. */
static void
send_messages(struct told *t, const struct wire *w, size_t from, size_t to,
    pid_t pid, int fd, size_t nfds)
{
	size_t at = w->m[from].at;

	t_call(t, w->p + at, w->m[to].at + w->m[to].len - at, pid, fd, nfds);
}

static void
marked_messages_without_descriptor_have_lost_it(void **state)
{
	struct wire w = { 0 };
	struct told t;
	int wire;

	(void)state;
	for (wire = 0; wire < 2; wire++) {
		w_msg(&w, wire, 1, ME, 3, 1);
		w_msg(&w, wire, 2, ME, W_LOST, 1);
		w_msg(&w, wire, 3, ME, 4, 1);
		t_start(&t, MAX, 1 << 24);
		send_messages(&t, &w, 0, 0, ME, 3, 1);
		send_messages(&t, &w, 1, 1, ME, -1, 0);
		send_messages(&t, &w, 2, 2, ME, 4, 1);
		t_all(&t, &w);
		t_stop(&t);
		w_free(&w);
	}
}

static void
surplus_descriptors_stay_with_their_call(void **state)
{
	struct wire w = { 0 };
	struct told t;
	int wire;

	(void)state;
	for (wire = 0; wire < 2; wire++) {
		w_msg(&w, wire, 1, ME, 3, 1);
		w_msg(&w, wire, 2, ME, -1, 1);
		w_msg(&w, wire, 3, ME, 4, 1);
		w_msg(&w, wire, 4, ME, 8, 1);
		t_start(&t, MAX, 1 << 24);
		send_messages(&t, &w, 0, 0, ME, 3, 1);
		send_messages(&t, &w, 1, 1, ME, 20, 1);
		send_messages(&t, &w, 2, 2, ME, 4, 3);
		send_messages(&t, &w, 3, 3, ME, 8, 1);
		t_all(&t, &w);
		assert_int_equal(
		    t_message(&t, 1)->r.fd_state, RECORD_FD_SURPLUS);
		assert_int_equal(t_message(&t, 1)->r.fd, 20);
		assert_int_equal(t.notes, 1);
		t_noted(&t, "2 descriptors behind the first");
		t_stop(&t);
		w_free(&w);
	}
}

/*
 * The same bytes are five messages of the old wire, the first of them marked,
 * or a large one of the modern wire: a descriptor tells.
 */
static void
a_descriptor_tells_the_wire_of_what_could_be_either(void **state)
{
	struct wire old, large;
	struct told t;
	int i;

	(void)state;
	memset(&old, 0, sizeof(old));
	memset(&large, 0, sizeof(large));
	w_msg(&old, IMSG_WIRE_CLASSIC, 1, ME, 7, 64);
	for (i = 0; i < 4; i++)
		w_msg(&old, IMSG_WIRE_CLASSIC, 2, ME, -1, 16368);
	t_start(&t, MAX, 1 << 24);
	t_call(&t, old.p, old.len, ME, 7, 1);
	t_all(&t, &old);
	t_stop(&t);
	w_msg(&large, IMSG_WIRE_MODERN, 1, ME, -1, old.len - 16);
	memcpy(large.p + 16, old.p + 16, old.len - 16);
	t_start(&t, MAX, 1 << 24);
	t_call(&t, large.p, large.len, ME, 0, 0);
	t_all(&t, &large);
	t_stop(&t);
	w_free(&old);
	w_free(&large);
}

static void
too_many_descriptors_are_forgotten(void **state)
{
	struct wire w = { 0 };
	struct told t;
	int i;

	(void)state;
	w_msg(&w, C, 1, ME, 1, 0);
	w_msg(&w, C, 2, ME, -1, 100000 % 60000);
	t_start(&t, MAX, 1 << 24);
	send_messages(&t, &w, 0, 0, ME, 1, 1);
	for (i = 0; i < 2000; i++)
		t_call(&t, w.p + w.m[1].at + i, 1, ME, i, 4);
	assert_int_equal(t.messages, 1);
	assert_in_range(t.notes, 1, 100);
	t_stop(&t);
	w_free(&w);
}

/* What one receipt from the socket brings goes to the stream: 0 at the end. */
static int
receive(struct told *t, int s)
{
	static char buf[IBUF_READ_SIZE];
	char control[CMSG_SPACE(2 * sizeof(int))];
	struct iovec iov = { buf, sizeof(buf) };
	struct msghdr h = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct cmsghdr *c;
	ssize_t n;
	int fd = -1, id = -1;

	h.msg_control = control;
	h.msg_controllen = sizeof(control);
	n = recvmsg(s, &h, 0);
	assert_true(n >= 0);
	if ((c = CMSG_FIRSTHDR(&h)) != NULL) {
		memcpy(&fd, CMSG_DATA(c), sizeof(fd));
		id = (int)lseek(fd, 0, SEEK_CUR);
		assert_int_equal(close(fd), 0);
	}
	if (n > 0)
		t_call(t, buf, (size_t)n, getpid(), id, id != -1);
	return n > 0;
}

/* A file whose position says which one it is; -1 if there is to be none. */
static int
file(int id)
{
	int fd;

	if (id == -1)
		return -1;
	fd = memfd_create("passed", MFD_CLOEXEC);
	assert_int_not_equal(fd, -1);
	assert_int_equal(lseek(fd, id, SEEK_SET), id);
	return fd;
}

static void
compose(struct imsgbuf *b, const struct wire *w, size_t i)
{
	const unsigned char *p = w->p + w->m[i].at;
	struct imsg_hdr h;

	memcpy(&h, p, sizeof(h));
	assert_int_equal(
	    imsg_compose(b, h.type, h.peerid, (pid_t)h.pid, file(w->m[i].fd),
		p + sizeof(h), w->m[i].len - sizeof(h)),
	    1);
}

/* The library's own sender fills a socket, and it is emptied, in turns. */
static void
converse(struct told *t, const struct wire *w, int wire)
{
	struct imsgbuf b;
	int s[2];
	size_t i;

	assert_int_equal(
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, s), 0);
	assert_int_equal(fcntl(s[0], F_SETFL, O_NONBLOCK), 0);
	assert_int_equal(imsgbuf_init(&b, s[0]), 0);
	assert_int_equal(imsgbuf_set_wire(&b, wire), 0);
	assert_int_equal(imsgbuf_set_maxsize(&b, 1 << 24), 0);
	imsgbuf_allow_fdpass(&b);
	for (i = 0; i < w->n; i++) {
		compose(&b, w, i);
		if (t_rand() % 4 == 0) {
			assert_int_equal(imsgbuf_write(&b), 0);
			(void)receive(t, s[1]);
		}
	}
	while (imsgbuf_queuelen(&b) > 0) {
		assert_int_equal(imsgbuf_write(&b), 0);
		(void)receive(t, s[1]);
	}
	imsgbuf_clear(&b);
	assert_int_equal(close(s[0]), 0);
	while (receive(t, s[1]))
		continue;
	assert_int_equal(close(s[1]), 0);
}

static void
real_messages_through_a_real_socket(void **state)
{
	struct wire w = { 0 };
	struct told t;
	uint64_t seed;
	size_t n, size;
	int wire;

	(void)state;
	print_message("seeds 1 to 100\n");
	for (seed = 1; seed <= 100; seed++) {
		t_seed(seed);
		wire = (int)(seed & 1);
		w_msg(&w, wire, 1, (uint32_t)getpid(), -1, 5);
		for (n = 0; n < 60; n++) {
			size = t_rand() % (t_rand() % 8 ? 100 : 60000);
			if (wire == M && t_rand() % 16 == 0)
				size = t_rand() % 400000;
			w_msg(&w, wire, t_rand() % 300, (uint32_t)getpid(),
			    t_rand() % 4 ? -1 : 100 + (int)n, size);
		}
		t_start(&t, MAX, 1 << 24);
		converse(&t, &w, wire);
		stream_end(t.s, 2);
		if (t.notes > 0)
			t_noted(&t, "nothing");
		t_all(&t, &w);
		t_stop(&t);
		w_free(&w);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    marked_messages_without_descriptor_have_lost_it),
		cmocka_unit_test(surplus_descriptors_stay_with_their_call),
		cmocka_unit_test(
		    a_descriptor_tells_the_wire_of_what_could_be_either),
		cmocka_unit_test(too_many_descriptors_are_forgotten),
		cmocka_unit_test(real_messages_through_a_real_socket),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
