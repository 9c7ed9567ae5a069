/* SPDX-License-Identifier: ISC */
/*
 * Control messages that a peer may cause to arrive: more descriptors than
 * one, credentials, a pidfd.  One descriptor is kept, nothing else stays.
 */
#include "testlib.h"
#include "cmsg.h"

#include <sys/wait.h>

#define LEN  16
#define MANY 253 /* SCM_MAX_FD of Linux */

static void
header(unsigned char *p, uint32_t type, int marked)
{
	struct imsg_hdr h = { type, LEN, 0, 0 };

	if (marked)
		h.len |= 0x80000000U;
	memcpy(p, &h, sizeof(h));
}

/* One message with n descriptors in each of several SCM_RIGHTS blocks. */
static int
send_many(
    int s, const unsigned char *p, const int *fds, size_t n, size_t blocks)
{
	static union {
		size_t align;
		unsigned char buf[4 * CMSG_SPACE(MANY * sizeof(int))];
	} ctl;
	struct iovec iov = { (void *)(uintptr_t)p, LEN };
	struct msghdr msg;
	struct cmsghdr *c;

	/* The size of ctl; gcc -O3 wants to know, too. */
	if (n > MANY || blocks > 4)
		return -1;
	memset(&ctl, 0, sizeof(ctl));
	memset(&msg, 0, sizeof(msg));
	msg.msg_iov = &iov;
	msg.msg_iovlen = 1;
	msg.msg_control = ctl.buf;
	msg.msg_controllen = (socklen_t)(blocks * CMSG_SPACE(n * sizeof(int)));
	for (c = CMSG_FIRSTHDR(&msg); c != NULL; c = cmsg_next(&msg, c)) {
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = (socklen_t)CMSG_LEN(n * sizeof(int));
		memcpy(CMSG_DATA(c), fds, n * sizeof(int));
	}
	return cmsg_send(s, &msg, 0) == LEN ? 0 : -1;
}

/*
 * An emulator of system calls may ask for more descriptors than the program
 * has room for, and keep those that it cannot tell it of (qemu-user 7.2 gives
 * the kernel twice the room).
 */
static int
descriptors_without_room_stay_open(const int s[2])
{
	union {
		size_t align;
		unsigned char buf[CMSG_SPACE(sizeof(int) * 2)];
	} ctl;
	const int fds[8] = { s[0], s[0], s[0], s[0], s[0], s[0], s[0], s[0] };
	unsigned char raw[LEN];
	struct iovec iov = { raw, LEN };
	struct msghdr msg;
	int before = t_count_fds();

	header(raw, 1, 0);
	memset(&msg, 0, sizeof(msg));
	msg.msg_iov = &iov;
	msg.msg_iovlen = 1;
	msg.msg_control = ctl.buf;
	msg.msg_controllen = sizeof(ctl.buf);
	return send_many(s[0], raw, fds, 8, 1) == 0 &&
	    recvmsg(s[1], &msg, 0) == LEN && t_count_fds() > before + 2;
}

/* That asked in a child, whose end closes them. */
static int
emulator_keeps_descriptors(void)
{
	int s[2], status;
	pid_t pid;

	t_pair(s);
	fflush(NULL);
	assert_int_not_equal(pid = fork(), -1);
	if (pid == 0)
		t_exit(descriptors_without_room_stay_open(s));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	close(s[0]);
	close(s[1]);
	return WEXITSTATUS(status);
}

static void
many(const size_t *counts, size_t n)
{
	struct imsgbuf a, b;
	unsigned char raw[LEN];
	uint64_t id;
	int fds[MANY], before;
	size_t i;

	fds[0] = t_fd(&id);
	for (i = 1; i < MANY; i++)
		fds[i] = i == 1 ? t_fd(NULL) : fds[1];
	for (i = 0; i < n; i++) {
		t_chan(&a, &b, 1);
		before = t_count_fds();
		header(raw, 1, 1);
		assert_int_equal(send_many(a.fd, raw, fds, counts[i], 1), 0);
		t_expect(&b, 1, IMSG_FD_PRESENT, id);
		header(raw, 2, 0);
		assert_int_equal(send_many(a.fd, raw, fds, counts[i], 1), 0);
		t_expect(&b, 2, IMSG_FD_NONE, 0);
		header(raw, 3, 1);
		t_put(a.fd, raw, LEN);
		t_expect(&b, 3, IMSG_FD_LOST, 0);
		assert_int_equal(t_count_fds(), before);
		t_unchan(&a, &b);
	}
	close(fds[0]);
	close(fds[1]);
}

static void
of_many_descriptors_the_first_is_kept(void **state)
{
	static const size_t counts[] = { 1, 2, 3, 4, 90 };

	(void)state;
	many(counts, sizeof(counts) / sizeof(counts[0]));
}

/* Also of those for which there is no room, and which the kernel drops. */
static void
of_too_many_descriptors_the_first_is_kept(void **state)
{
	static const size_t counts[] = { 100, 200, MANY };

	(void)state;
	if (emulator_keeps_descriptors())
		skip();
	many(counts, sizeof(counts) / sizeof(counts[0]));
}

static void
of_many_blocks_the_first_descriptor_is_kept(void **state)
{
	struct imsgbuf a, b;
	unsigned char raw[LEN];
	uint64_t id;
	int fds[2], before;
	size_t blocks;

	(void)state;
	fds[0] = t_fd(&id);
	fds[1] = t_fd(NULL);
	for (blocks = 1; blocks <= 4; blocks++) {
		t_chan(&a, &b, 1);
		before = t_count_fds();
		header(raw, 1, 1);
		assert_int_equal(send_many(a.fd, raw, fds, 2, blocks), 0);
		t_expect(&b, 1, IMSG_FD_PRESENT, id);
		assert_int_equal(t_count_fds(), before);
		t_unchan(&a, &b);
	}
	close(fds[0]);
	close(fds[1]);
}

/*
 * A peer can set such options before it hands the socket over; 0 where the
 * system has none of that number.
 */
static int
with_option(int option)
{
	struct imsgbuf a, b;
	unsigned char raw[LEN];
	uint64_t id;
	int fds[3], i, on = 1, before;

	t_chan(&a, &b, 1);
	if (setsockopt(b.fd, SOL_SOCKET, option, &on, sizeof(on)) == -1) {
		t_unchan(&a, &b);
		return 0;
	}
	fds[0] = t_fd(&id);
	fds[1] = fds[2] = fds[0];
	before = t_count_fds();
	for (i = 1; i <= 3; i++) {
		header(raw, (uint32_t)i, i != 2);
		if (i == 2)
			t_put(a.fd, raw, LEN);
		else
			assert_int_equal(
			    send_many(a.fd, raw, fds, (size_t)i, 1), 0);
		t_expect(&b, (uint32_t)i,
		    i == 2 ? IMSG_FD_NONE : IMSG_FD_PRESENT, id);
		assert_int_equal(t_count_fds(), before);
	}
	close(fds[0]);
	t_unchan(&a, &b);
	return 1;
}

static void
credentials_beside_a_descriptor_do_no_harm(void **state)
{
	(void)state;
#ifdef SO_PASSCRED
	assert_true(with_option(SO_PASSCRED));
#endif
#ifdef SO_PASSSEC
	(void)with_option(SO_PASSSEC);
#endif
#ifdef SO_TIMESTAMP
	assert_true(with_option(SO_TIMESTAMP));
#endif
}

/* Linux 6.5: SO_PASSPIDFD, which glibc of that time has no name for. */
static void
a_pidfd_that_nobody_asked_for_is_closed(void **state)
{
	(void)state;
#if defined(__linux__) && !defined(__sparc__) && !defined(__hppa__)
	if (!with_option(76))
		skip();
#endif
}

/* The control message is made by hand: the kernel here may not send one. */
static ssize_t (*true_recvmsg)(int, struct msghdr *, int);
static int fake_pidfd;

static ssize_t
with_pidfd(int s, struct msghdr *msg, int flags)
{
	struct cmsghdr *c;
	size_t room = (size_t)msg->msg_controllen;
	ssize_t n = true_recvmsg(s, msg, flags);

	assert_true(room >= CMSG_SPACE(sizeof(int)));
	msg->msg_controllen = CMSG_SPACE(sizeof(int));
	c = CMSG_FIRSTHDR(msg);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = 0x04;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	fake_pidfd = t_fd(NULL);
	memcpy(CMSG_DATA(c), &fake_pidfd, sizeof(int));
	return n;
}

static void
a_pidfd_in_a_control_message_is_closed(void **state)
{
	struct imsgbuf a, b;
	unsigned char raw[LEN];

	(void)state;
#ifdef __linux__
	t_chan(&a, &b, 1);
	header(raw, 1, 1);
	t_put(a.fd, raw, LEN);
	true_recvmsg = imsgi_os.recvmsg;
	imsgi_os.recvmsg = with_pidfd;
	assert_int_equal(imsgbuf_read(&b), 1);
	imsgi_os.recvmsg = true_recvmsg;
	assert_int_equal(fcntl(fake_pidfd, F_GETFD), -1);
	t_expect(&b, 1, IMSG_FD_LOST, 0);
	t_unchan(&a, &b);
#else
	(void)a;
	(void)b;
	(void)raw;
	(void)with_pidfd;
	skip();
#endif
}

/*
 * A kernel that says in cmsg_len what was sent, though less of it arrived:
 * behind the end lie numbers that are not ours.
 */
static int victim, lying_type;

static ssize_t
with_lying_length(int s, struct msghdr *msg, int flags)
{
	ssize_t n = true_recvmsg(s, msg, flags);
	struct cmsghdr *c;

	msg->msg_controllen =
	    CMSG_LEN(lying_type == SCM_RIGHTS ? sizeof(int) : 0);
	c = (struct cmsghdr *)msg->msg_control;
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = lying_type;
	c->cmsg_len = CMSG_LEN(16 * sizeof(int));
	memcpy(CMSG_DATA(c), &fake_pidfd, sizeof(int));
	memcpy(CMSG_DATA(c) + sizeof(int), &victim, sizeof(int));
	if (lying_type != SCM_RIGHTS)
		memcpy(CMSG_DATA(c), &victim, sizeof(int));
	return n;
}

static void
what_lies_behind_the_control_data_is_not_closed(void **state)
{
	struct imsgbuf a, b;
	unsigned char raw[LEN];
	uint64_t id = 0;

	(void)state;
	victim = t_fd(NULL);
	for (lying_type = SCM_RIGHTS;; lying_type = 0x04) {
		t_chan(&a, &b, 1);
		if (lying_type == SCM_RIGHTS)
			fake_pidfd = t_fd(&id);
		header(raw, 1, 1);
		t_put(a.fd, raw, LEN);
		true_recvmsg = imsgi_os.recvmsg;
		imsgi_os.recvmsg = with_lying_length;
		assert_int_equal(imsgbuf_read(&b), 1);
		imsgi_os.recvmsg = true_recvmsg;
		assert_int_not_equal(fcntl(victim, F_GETFD), -1);
		t_expect(&b, 1,
		    lying_type == SCM_RIGHTS ? IMSG_FD_PRESENT : IMSG_FD_LOST,
		    id);
		t_unchan(&a, &b);
		if (lying_type != SCM_RIGHTS)
			break;
	}
	close(victim);
}

static int full;
static struct imsgi_os system_calls;

/* OpenBSD with a full table: first a refusal, then no word of what is gone. */
static ssize_t
o_recvmsg(int fd, struct msghdr *msg, int flags)
{
	ssize_t n;

	if (full && msg->msg_control != NULL) {
		errno = EMSGSIZE;
		return -1;
	}
	n = system_calls.recvmsg(fd, msg, flags);
	if (full)
		msg->msg_flags &= ~MSG_CTRUNC;
	return n;
}

static void
classic(unsigned char *p, uint32_t type, uint16_t marked)
{
	const uint16_t len = IMSG_HEADER_SIZE;

	memset(p, 0, IMSG_HEADER_SIZE);
	memcpy(p, &type, sizeof(type));
	memcpy(p + 4, &len, sizeof(len));
	memcpy(p + 6, &marked, sizeof(marked));
}

/*
 * A sender of old puts the descriptor of message 2 on the first byte of a
 * write that begins with message 1, and the write ends in there.
 */
static void
a_refused_descriptor_is_missing_where_it_belongs(void **state)
{
	unsigned char raw[3 * IMSG_HEADER_SIZE];
	struct imsgbuf a, b;
	uint64_t id;
	uint32_t i;
	int fd = t_fd(NULL), own = t_fd(&id);

	(void)state;
	t_chan(&a, &b, 1);
	assert_int_equal(imsgbuf_set_wire(&b, IMSG_WIRE_CLASSIC), 0);
	for (i = 0; i < 3; i++)
		classic(raw + i * IMSG_HEADER_SIZE, i + 1, i > 0);
	system_calls = imsgi_os;
	imsgi_os.recvmsg = o_recvmsg;
	full = 1;
	t_put_fd(a.fd, raw, 5, fd);
	assert_int_equal(imsgbuf_read(&b), 1);
	full = 0;
	t_put(a.fd, raw + 5, 2 * IMSG_HEADER_SIZE - 5);
	t_put_fd(a.fd, raw + 2 * IMSG_HEADER_SIZE, IMSG_HEADER_SIZE, own);
	t_expect(&b, 1, IMSG_FD_NONE, 0);
	t_expect(&b, 2, IMSG_FD_LOST, 0);
	t_expect(&b, 3, IMSG_FD_PRESENT, id);
	imsgi_os = system_calls;
	t_unchan(&a, &b);
	close(fd);
	close(own);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(of_many_descriptors_the_first_is_kept),
		T(of_too_many_descriptors_the_first_is_kept),
		T(of_many_blocks_the_first_descriptor_is_kept),
		T(credentials_beside_a_descriptor_do_no_harm),
		T(a_pidfd_that_nobody_asked_for_is_closed),
		T(a_pidfd_in_a_control_message_is_closed),
		T(what_lies_behind_the_control_data_is_not_closed),
		T(a_refused_descriptor_is_missing_where_it_belongs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
