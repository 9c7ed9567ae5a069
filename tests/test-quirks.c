/* SPDX-License-Identifier: ISC */
/*
 * What other systems do otherwise, done here: the bits of IMSGI_Q_* are set
 * in the table, and the table's calls behave as those systems' calls do.
 * tests/systems.sh shows which system has which bits.
 */
#include "testlib.h"

#include <signal.h>
#ifdef __linux__
#include <linux/sockios.h>
#include <sys/ioctl.h>
#endif

static struct imsgi_os real;
static int nosigpipe_fd, nosigpipes;

/* From here on the system has these quirks. */
static void
begin(int quirks)
{
	real = imsgi_os;
	imsgi_os.quirks = quirks;
	nosigpipe_fd = -1;
	nosigpipes = 0;
}

static void
end(void)
{
	imsgi_os = real;
}

static int
q_nosigpipe(int fd)
{
	nosigpipe_fd = fd;
	nosigpipes++;
	return 0;
}

/* Of a socket that has the option, and a system without the flag. */
static ssize_t
q_send(int fd, const void *p, size_t n, int flags)
{
	assert_int_equal(nosigpipe_fd, fd);
	nosigpipe_fd = -1;
	return real.send(fd, p, n, flags | MSG_NOSIGNAL);
}

static ssize_t
q_sendmsg(int fd, const struct msghdr *msg, int flags)
{
	assert_int_equal(nosigpipe_fd, fd);
	nosigpipe_fd = -1;
	return real.sendmsg(fd, msg, flags | MSG_NOSIGNAL);
}

static void
the_socket_is_told_before_each_send(void **state)
{
	struct imsgbuf a, b;
	uint64_t id;

	(void)state;
	t_chan(&a, &b, 1);
	begin(IMSGI_Q_NOSIGPIPE);
	imsgi_os.nosigpipe = q_nosigpipe;
	imsgi_os.send = q_send;
	imsgi_os.sendmsg = q_sendmsg;
	assert_int_equal(imsg_compose(&a, 1, 0, 0, -1, NULL, 0), 1);
	assert_int_equal(imsgbuf_write(&a), 0);
	assert_int_equal(nosigpipes, 1);
	assert_int_equal(imsg_compose(&a, 2, 0, 0, t_fd(&id), NULL, 0), 1);
	assert_int_equal(imsgbuf_write(&a), 0);
	assert_int_equal(nosigpipes, 2);
	t_expect(&b, 1, IMSG_FD_NONE, 0);
	t_expect(&b, 2, IMSG_FD_PRESENT, id);
	close(b.fd);
	b.fd = -1;
	assert_int_equal(imsg_compose(&a, 3, 0, 0, -1, NULL, 0), 1);
	assert_errno(imsgbuf_write(&a), EPIPE);
	assert_int_equal(nosigpipes, 3);
	end();
	imsgbuf_clear(&a);
	imsgbuf_clear(&b);
	close(a.fd);
}

/* FreeBSD before 13: takes the flag and does nothing. */
static ssize_t
q_recvmsg(int fd, struct msghdr *msg, int flags)
{
#ifdef MSG_CMSG_CLOEXEC
	flags &= ~MSG_CMSG_CLOEXEC;
#endif
	return real.recvmsg(fd, msg, flags);
}

static void
close_on_exec_is_set_where_the_kernel_does_not(void **state)
{
	struct imsgbuf a, b;
	struct imsg m;
	int i, fd;

	(void)state;
	t_chan(&a, &b, 1);
	begin(IMSGI_Q_CLOEXEC);
	imsgi_os.recvmsg = q_recvmsg;
	for (i = 0; i < 3; i++) {
		if (i == 1)
			imsgbuf_set_cloexec(&b);
		/* The last one has no descriptor to be marked. */
		fd = i < 2 ? t_fd(NULL) : -1;
		assert_int_equal(imsg_compose(&a, 1, 0, 0, fd, NULL, 0), 1);
		assert_int_equal(imsgbuf_flush(&a), 0);
		t_get(&b, &m);
		if ((fd = imsg_get_fd(&m)) != -1) {
			assert_int_equal(fcntl(fd, F_GETFD) & FD_CLOEXEC,
			    i == 0 ? 0 : FD_CLOEXEC);
			close(fd);
		}
		imsg_free(&m);
	}
	end();
	t_unchan(&a, &b);
}

static int msgsizes;

/* Full for a descriptor, with or without room for bytes. */
static ssize_t
q_msgsize(int fd, const struct msghdr *msg, int flags)
{
	if (msgsizes > 0) {
		msgsizes--;
		errno = EMSGSIZE;
		return -1;
	}
	return real.sendmsg(fd, msg, flags);
}

static void
a_socket_too_full_for_a_descriptor_is_waited_for(void **state)
{
	struct imsgbuf a, b;
	uint64_t id[2];

	(void)state;
	t_chan(&a, &b, 1);
	begin(IMSGI_Q_MSGSIZE);
	imsgi_os.sendmsg = q_msgsize;
	assert_int_equal(imsg_compose(&a, 1, 0, 0, t_fd(&id[0]), NULL, 0), 1);
	msgsizes = 1;
	assert_int_equal(imsgbuf_write(&a), 0);
	assert_int_equal(imsgbuf_queuelen(&a), 1);
	assert_int_equal(imsgbuf_write(&a), 0);
	assert_int_equal(imsgbuf_queuelen(&a), 0);
	assert_int_equal(imsg_compose(&a, 2, 0, 0, t_fd(&id[1]), NULL, 0), 1);
	msgsizes = 3;
	t_calls.sleep = 0;
	assert_int_equal(imsgbuf_flush(&a), 0);
	assert_int_equal(t_calls.sleep, 3);
	t_expect(&b, 1, IMSG_FD_PRESENT, id[0]);
	t_expect(&b, 2, IMSG_FD_PRESENT, id[1]);
	end();
	t_unchan(&a, &b);
}

static void
emsgsize_without_a_descriptor_or_elsewhere_is_an_error(void **state)
{
	char big[70000] = "";
	struct imsgbuf a, b;
	int quirk;

	(void)state;
	for (quirk = 0; quirk < 2; quirk++) {
		t_chan(&a, &b, 1);
		begin(quirk ? IMSGI_Q_MSGSIZE : 0);
		imsgi_os.sendmsg = q_msgsize;
		a.maxsize = 1 << 20;
		assert_int_equal(imsg_compose(&a, 1, 0, 0,
				     quirk ? -1 : t_fd(NULL), big, sizeof(big)),
		    1);
		/* Something behind it, so that it takes a vector. */
		assert_int_equal(
		    imsg_compose_ibuf(&a, 2, 0, 0, ibuf_dynamic(0, 1)), 1);
		msgsizes = 1;
		assert_errno(imsgbuf_write(&a), EMSGSIZE);
		assert_int_equal(msgsizes, 0);
		end();
		t_unchan(&a, &b);
	}
}

/*
 * The room of a socket whose limit shrinks by what the peer has not read, as
 * XNU's does; here the kernel tells the latter.
 */
static int room_fails, rooms;

static int
q_sndroom(int fd)
{
	int unread = 0;

	rooms++;
	if (room_fails) {
		errno = EINVAL;
		return -1;
	}
#ifdef __linux__
	assert_int_equal(ioctl(fd, SIOCOUTQ, &unread), 0);
#endif
	return 1000000 - unread;
}

/* A channel on a system that may lose what is in flight. */
static void
begin_inflight(struct imsgbuf *a, struct imsgbuf *b, int pass)
{
	t_chan(a, b, pass);
	begin(IMSGI_Q_INFLIGHT);
	imsgi_os.sndroom = q_sndroom;
	room_fails = rooms = 0;
}

static void
send_one(struct imsgbuf *a, uint32_t type, uint64_t *id)
{
	assert_int_equal(imsg_compose(a, type, 0, 0, t_fd(id), NULL, 0), 1);
	assert_int_equal(imsgbuf_write(a), 0);
	assert_int_equal(imsgbuf_queuelen(a), 0);
}

static void
what_is_sent_stays_open_until_it_was_read(void **state)
{
	struct imsgbuf a, b;
	int fds = t_count_fds();
	uint64_t id[4];

	(void)state;
#ifndef __linux__
	skip();
#endif
	begin_inflight(&a, &b, 1);
	send_one(&a, 1, &id[0]);
	send_one(&a, 2, &id[1]);
	assert_int_equal(t_count_fds(), fds + 2 + 2);
	t_expect(&b, 1, IMSG_FD_PRESENT, id[0]);
	/* The second has not been read: nothing is closed. */
	assert_int_equal(imsgbuf_write(&a), 0);
	assert_int_equal(t_count_fds(), fds + 2 + 2);
	t_expect(&b, 2, IMSG_FD_PRESENT, id[1]);
	/* Looked at by a write, */
	assert_int_equal(imsgbuf_write(&a), 0);
	assert_int_equal(t_count_fds(), fds + 2);
	/* by a read, */
	send_one(&a, 3, &id[2]);
	t_expect(&b, 3, IMSG_FD_PRESENT, id[2]);
	assert_int_equal(t_count_fds(), fds + 2 + 1);
	assert_int_equal(imsg_compose(&b, 4, 0, 0, -1, NULL, 0), 1);
	assert_int_equal(imsgbuf_flush(&b), 0);
	t_expect(&a, 4, IMSG_FD_NONE, 0);
	assert_int_equal(t_count_fds(), fds + 2);
	/* and a channel that is cleared keeps nothing. */
	send_one(&a, 5, &id[3]);
	assert_int_equal(t_count_fds(), fds + 2 + 1);
	end();
	t_unchan(&a, &b);
	assert_int_equal(t_count_fds(), fds);
}

static void
no_more_stay_open_than_a_few_whatever_the_system_says(void **state)
{
	struct imsgbuf a, b;
	uint64_t id[3 * IMSGI_INFLIGHT];
	int fds = t_count_fds();
	unsigned int i;

	(void)state;
	begin_inflight(&a, &b, 1);
	room_fails = 1;
	for (i = 0; i < 3 * IMSGI_INFLIGHT; i++) {
		send_one(&a, i, &id[i]);
		t_expect(&b, i, IMSG_FD_PRESENT, id[i]);
		assert_true(t_count_fds() <= fds + 2 + IMSGI_INFLIGHT);
	}
	assert_int_equal(t_count_fds(), fds + 2 + IMSGI_INFLIGHT);
	end();
	t_unchan(&a, &b);
}

static void
what_was_sent_before_descriptors_were_allowed_counts(void **state)
{
	struct imsgbuf a, b;
	int fds = t_count_fds();
	char big[8000];
	uint64_t id;

	(void)state;
#ifndef __linux__
	skip();
#endif
	begin_inflight(&a, &b, 0);
	t_fill(big, sizeof(big), 1);
	assert_int_equal(imsg_compose(&a, 1, 0, 0, -1, big, sizeof(big)), 1);
	assert_int_equal(imsgbuf_write(&a), 0);
	imsgbuf_allow_fdpass(&a);
	imsgbuf_allow_fdpass(&b);
	send_one(&a, 2, &id);
	/* The first message makes room, but not for all. */
	t_expect(&b, 1, IMSG_FD_NONE, 0);
	assert_int_equal(imsgbuf_write(&a), 0);
	assert_int_equal(t_count_fds(), fds + 2 + 1);
	t_expect(&b, 2, IMSG_FD_PRESENT, id);
	assert_int_equal(imsgbuf_write(&a), 0);
	assert_int_equal(t_count_fds(), fds + 2);
	end();
	t_unchan(&a, &b);
}

static void
another_socket_tells_nothing_about_the_first(void **state)
{
	struct imsgbuf a, b, c, d;
	int fds = t_count_fds();
	uint64_t id[2 + IMSGI_INFLIGHT];
	uint32_t i;
	int fd;

	(void)state;
#ifndef __linux__
	skip();
#endif
	t_chan(&c, &d, 1);
	begin_inflight(&a, &b, 1);
	send_one(&a, 1, &id[0]);
	fd = a.fd;
	a.fd = c.fd;
	assert_int_equal(imsgbuf_write(&a), 0);
	assert_int_equal(t_count_fds(), fds + 4 + 1);
	send_one(&a, 2, &id[1]);
	assert_int_equal(t_count_fds(), fds + 4 + 2);
	t_expect(&d, 2, IMSG_FD_PRESENT, id[1]);
	assert_int_equal(imsgbuf_write(&a), 0);
	assert_int_equal(t_count_fds(), fds + 4 + 1);
	t_expect(&b, 1, IMSG_FD_PRESENT, id[0]);
	/* It stays, the oldest, until there are too many. */
	for (i = 2; i < 2 + IMSGI_INFLIGHT; i++)
		send_one(&a, i, &id[i]);
	assert_int_equal(t_count_fds(), fds + 4 + IMSGI_INFLIGHT);
	for (i = 2; i < 2 + IMSGI_INFLIGHT; i++)
		t_expect(&d, i, IMSG_FD_PRESENT, id[i]);
	assert_int_equal(imsgbuf_write(&a), 0);
	assert_int_equal(t_count_fds(), fds + 4);
	a.fd = fd;
	end();
	t_unchan(&a, &b);
	t_unchan(&c, &d);
}

static void
the_socket_is_asked_only_while_something_is_in_flight(void **state)
{
	struct imsgbuf a, b;
	uint64_t id;
	int i;

	(void)state;
#ifndef __linux__
	skip();
#endif
	begin_inflight(&a, &b, 1);
	for (i = 0; i < 10; i++) {
		assert_int_equal(imsg_compose(&a, 1, 0, 0, -1, NULL, 0), 1);
		assert_int_equal(imsgbuf_write(&a), 0);
		t_expect(&b, 1, IMSG_FD_NONE, 0);
	}
	assert_int_equal(rooms, 1);
	send_one(&a, 2, &id);
	t_expect(&b, 2, IMSG_FD_PRESENT, id);
	assert_int_equal(rooms, 1);
	assert_int_equal(imsgbuf_write(&a), 0);
	assert_int_equal(imsgbuf_write(&a), 0);
	assert_int_equal(rooms, 2);
	end();
	t_unchan(&a, &b);
}

static void
where_passing_is_off_nothing_stays_open(void **state)
{
	struct imsgbuf a, b;
	int fds = t_count_fds();

	(void)state;
	begin_inflight(&a, &b, 0);
	room_fails = 1;
	send_one(&a, 1, NULL);
	assert_int_equal(t_count_fds(), fds + 2);
	t_expect(&b, 1, IMSG_FD_LOST, 0);
	end();
	t_unchan(&a, &b);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		T(the_socket_is_told_before_each_send),
		T(close_on_exec_is_set_where_the_kernel_does_not),
		T(a_socket_too_full_for_a_descriptor_is_waited_for),
		T(emsgsize_without_a_descriptor_or_elsewhere_is_an_error),
		T(what_is_sent_stays_open_until_it_was_read),
		T(no_more_stay_open_than_a_few_whatever_the_system_says),
		T(what_was_sent_before_descriptors_were_allowed_counts),
		T(another_socket_tells_nothing_about_the_first),
		T(the_socket_is_asked_only_while_something_is_in_flight),
		T(where_passing_is_off_nothing_stays_open),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
