/* SPDX-License-Identifier: ISC */
/*
 * The lowest room: what the kernel may answer beyond the usual, and sums
 * with numbers that no test could allocate.
 */
#ifdef __linux__
#define _GNU_SOURCE /* unshare(2) */
#endif
#include "testlib.h"

#include <sys/syscall.h>
#include <sys/wait.h>

#include <limits.h>
#ifdef __linux__
#include <linux/filter.h>
#include <linux/net.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sched.h>
#endif

#include "../src/ibuf-int.h"

/* Signals before each call, then the call. */
static int signals;

static int
interrupted(void)
{
	if (signals-- <= 0)
		return 0;
	errno = EINTR;
	return -1;
}

static struct imsgi_os true_os;

static ssize_t
i_writev(int fd, const struct iovec *v, int n)
{
	return interrupted() ? -1 : true_os.writev(fd, v, n);
}

static ssize_t
i_sendmsg(int fd, const struct msghdr *m, int flags)
{
	return interrupted() ? -1 : true_os.sendmsg(fd, m, flags);
}

static ssize_t
i_send(int fd, const void *p, size_t n, int flags)
{
	return interrupted() ? -1 : true_os.send(fd, p, n, flags);
}

static int
i_sendmmsg(int fd, struct imsgi_mmsg *v, unsigned int n, int flags)
{
	return interrupted() ? -1 : true_os.sendmmsg(fd, v, n, flags);
}

static ssize_t
i_read(int fd, void *p, size_t n)
{
	return interrupted() ? -1 : true_os.read(fd, p, n);
}

static ssize_t
i_recvmsg(int fd, struct msghdr *m, int flags)
{
	return interrupted() ? -1 : true_os.recvmsg(fd, m, flags);
}

static int
i_poll(struct pollfd *p, nfds_t n, int ms)
{
	return interrupted() ? -1 : true_os.poll(p, n, ms);
}

static void
interrupt(int n)
{
	true_os = imsgi_os;
	imsgi_os.writev = i_writev;
	imsgi_os.sendmsg = i_sendmsg;
	imsgi_os.send = i_send;
	imsgi_os.sendmmsg = i_sendmmsg;
	imsgi_os.read = i_read;
	imsgi_os.recvmsg = i_recvmsg;
	imsgi_os.poll = i_poll;
	signals = n;
}

static void
every_call_is_repeated_after_a_signal(void **state)
{
	char c[4] = "abc";
	struct iovec iov = { c, 1 };
	struct msghdr msg;
	struct imsgi_mmsg mm;
	int s[2], p[2], n, passed;

	(void)state;
	t_pair(s);
	assert_int_equal(pipe(p), 0);
	memset(&msg, 0, sizeof(msg));
	msg.msg_iov = &iov;
	msg.msg_iovlen = 1;
	for (n = 1; n < 4; n++) {
		memset(&mm, 0, sizeof(mm));
		mm.hdr = msg;
		interrupt(n);
		assert_int_equal(imsgi_writev(p[1], &iov, 1), 1);
		signals = n;
		assert_int_equal(imsgi_readv(p[0], &iov, 1), 1);
		signals = n;
		assert_int_equal(imsgi_send(s[0], &msg, 0), 1);
		signals = n;
		assert_int_equal(imsgi_send_bytes(s[0], c, 1, 1), 1);
		signals = n;
		assert_int_equal(imsgi_sendmm(s[0], &mm, 1, 0), 1);
		signals = n;
		assert_int_equal(imsgi_wait(s[1], POLLIN, -1), 1);
		signals = n;
		assert_int_equal(imsgi_recv(s[1], &iov, 1, 0, &passed), 1);
		signals = n;
		assert_int_equal(imsgi_readv_nowait(s[1], &iov, 1), 1);
		assert_true(signals < 0);
		assert_int_equal(recv(s[1], c, 3, 0), 1);
		imsgi_os = true_os;
	}
	close(s[0]);
	close(s[1]);
	close(p[0]);
	close(p[1]);
}

static int asked;

static int
p_poll(struct pollfd *p, nfds_t n, int ms)
{
	(void)p;
	(void)n;
	asked = ms;
	return 0;
}

static void
a_deadline_is_never_a_negative_or_endless_wait(void **state)
{
	struct imsgi_os save = imsgi_os;

	(void)state;
	imsgi_os.poll = p_poll;
	assert_int_equal(imsgi_wait(0, POLLIN, 0), 0);
	assert_int_equal(asked, 0);
	assert_int_equal(imsgi_wait(0, POLLIN, INT64_MAX), 0);
	assert_int_equal(asked, INT_MAX);
	assert_int_equal(imsgi_wait(0, POLLIN, -1), 0);
	assert_int_equal(asked, -1);
	assert_errno(imsgi_wait(-1, POLLIN, -1), EBADF);
	imsgi_os = save;
}

#ifdef __linux__
static void
sendmmsg_is_used_from_linux_4_9_on(void **state)
{
	static const char *const no[] = { "", "x", "2.6.32-754.el6", "3.10.0",
		"4", "4.8.17", "4.x" };
	static const char *const yes[] = { "4.9", "4.9.337-cip", "4.19", "5.0",
		"5", "6.1.0-18-amd64", "10.2" };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(no) / sizeof(no[0]); i++)
		assert_false(imsgi_mmsg_stops_in(no[i]));
	for (i = 0; i < sizeof(yes) / sizeof(yes[0]); i++)
		assert_true(imsgi_mmsg_stops_in(yes[i]));
	assert_true(imsgi_os.mmsg_stops() == 0 || imsgi_os.mmsg_stops() == 1);
}
#endif

static void
sizes_that_would_wrap_are_refused(void **state)
{
	struct ibuf *b;
	struct ibuf huge;
	unsigned char byte = 1;

	(void)state;
	assert_null_errno(imsgi_ibuf_new(SIZE_MAX, SIZE_MAX), ENOMEM);
	assert_null_errno(ibuf_open(SIZE_MAX), ENOMEM);
	assert_null_errno(ibuf_dynamic(SIZE_MAX - 8, SIZE_MAX), ENOMEM);
	/* One that is so large already that twice as much would wrap. */
	memset(&huge, 0, sizeof(huge));
	huge.buf = &byte;
	huge.fd = -1;
	huge.size = huge.wpos = SIZE_MAX / 2 + 2;
	huge.max = SIZE_MAX;
	t_fail_alloc(1, 1);
	assert_null_errno(ibuf_reserve(&huge, 1), ENOMEM);
	t_fail_alloc(0, 0);
	assert_true(huge.size == SIZE_MAX / 2 + 2 && huge.buf == &byte);
	assert_non_null(b = ibuf_dynamic(1, SIZE_MAX));
	t_fail_alloc(1, 1);
	assert_errno(ibuf_add_zero(b, SIZE_MAX), ENOMEM);
	t_fail_alloc(0, 0);
	assert_int_equal(ibuf_add_zero(b, 2), 0);
	assert_errno(ibuf_add_zero(b, SIZE_MAX), ERANGE);
	ibuf_free(b);
}

static void
no_large_block_is_enomem(void **state)
{
	const size_t mega = (size_t)2 * 1024 * 1024;
	void *p;

	(void)state;
	t_fail_alloc(1, 1);
	assert_null_errno(imsgi_alloc_large(mega), ENOMEM);
	assert_null_errno(imsgi_alloc_large(mega + 1), ENOMEM);
	t_fail_alloc(0, 0);
	assert_non_null(p = imsgi_alloc_large(mega));
	imsgi_free(p);
}

/* What arrives beside the bytes, as a kernel could put it. */
static unsigned char control[256];
static size_t control_len;

static ssize_t
c_recvmsg(int fd, struct msghdr *msg, int flags)
{
	(void)fd;
	(void)flags;
	memcpy(msg->msg_control, control, control_len);
	msg->msg_controllen = (socklen_t)control_len;
	msg->msg_flags = 0;
	return 1;
}

static void
put(int level, size_t len, int fd)
{
	struct cmsghdr h;

	memset(&h, 0, sizeof(h));
	h.cmsg_level = level;
	h.cmsg_type = SCM_RIGHTS;
	h.cmsg_len = (socklen_t)len;
	memcpy(control + control_len, &h, sizeof(h));
	memcpy(control + control_len + CMSG_LEN(0), &fd, sizeof(fd));
	control_len += CMSG_SPACE(sizeof(int));
}

static void
only_descriptors_of_the_socket_level_are_taken(void **state)
{
	struct imsgi_os save = imsgi_os;
	char c;
	struct iovec iov = { &c, 1 };
	int passed, fd = t_fd(NULL);

	(void)state;
	control_len = 0;
	/* Another protocol's number 1 is no descriptor; one cut off is none. */
	put(SOL_SOCKET + 1, CMSG_LEN(sizeof(int)), 12345);
	put(SOL_SOCKET, CMSG_LEN(sizeof(int)), fd);
	put(SOL_SOCKET, CMSG_LEN(0), 12345);
	imsgi_os.recvmsg = c_recvmsg;
	assert_int_equal(imsgi_recv(3, &iov, 1, IMSGI_RECV_PASS, &passed), 1);
	assert_int_equal(passed, fd);
	/* Shorter than its own header, at the end of all. */
	control_len = 0;
	put(SOL_SOCKET, sizeof(struct cmsghdr) - 1, 12345);
	control_len = CMSG_LEN(0);
	assert_int_equal(imsgi_recv(3, &iov, 1, IMSGI_RECV_PASS, &passed), 1);
	assert_int_equal(passed, IMSGI_FD_NONE);
	imsgi_os = save;
	close(fd);
}

#ifdef __linux__
/*
 * Where glibc makes all calls of sockets through this one, on x86 of 32 bits
 * and s390x, its first argument says which.
 */
#ifdef SYS_socketcall
#define VIA SYS_socketcall
#else
#define VIA 0xffffffff
#endif
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
#define FIRST_ARG (offsetof(struct seccomp_data, args[0]) + 4)
#else
#define FIRST_ARG offsetof(struct seccomp_data, args[0])
#endif

#define NO_SANDBOX 77

/* In a child: that system call fails so from now on. */
static int
forbid(unsigned int nr, unsigned int call, unsigned int error)
{
	struct sock_filter f[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
		    offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, nr, 3, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, VIA, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, FIRST_ARG),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog prog = { sizeof(f) / sizeof(f[0]), f };

	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog) == 0;
}

static void
peercred_in_sandbox(
    unsigned int nr, unsigned int call, unsigned int error, int want)
{
	struct imsg_cred cred = { 1, 2, 3 };
	struct imsgbuf a, b;
	int status, ok;
	pid_t pid;

	t_chan(&a, &b, 0);
	fflush(NULL);
	assert_int_not_equal(pid = fork(), -1);
	if (pid == 0) {
		if (!forbid(nr, call, error))
			t_exit(NO_SANDBOX);
		ok = imsgbuf_peercred(&a, &cred) == -1 && errno == want &&
		    cred.uid == 1 && cred.gid == 2 && cred.pid == 3;
		t_exit(!ok);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	t_unchan(&a, &b);
	assert_true(WIFEXITED(status));
	/* An emulator of system calls may know of no filters. */
	if (WEXITSTATUS(status) == NO_SANDBOX)
		skip();
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void
what_a_sandbox_says_is_told(void **state)
{
	(void)state;
	peercred_in_sandbox(SYS_getsockopt, SYS_GETSOCKOPT, EPERM, EPERM);
	peercred_in_sandbox(SYS_getsockname, SYS_GETSOCKNAME, EACCES, EACCES);
	/* What Linux says of a socket without names (crypto/af_alg.c). */
	peercred_in_sandbox(
	    SYS_getsockname, SYS_GETSOCKNAME, EOPNOTSUPP, ENOTSUP);
}

/* In a child that sees none of the processes outside: its peer has no number. */
static void
peer_without_number(struct imsgbuf *b)
{
	struct imsg_cred cred = { 1, 2, 3 };
	int status;
	pid_t pid;

	if (unshare(CLONE_NEWPID) == -1 &&
	    unshare(CLONE_NEWUSER | CLONE_NEWPID) == -1)
		t_exit(NO_SANDBOX);
	if ((pid = fork()) == 0)
		t_exit(
		    imsgbuf_peercred(b, &cred) == 0 && cred.pid == -1 ? 0 : 1);
	if (pid == -1 || waitpid(pid, &status, 0) != pid)
		t_exit(2);
	t_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 3);
}

static void
a_peer_outside_the_pid_namespace_has_no_number(void **state)
{
	struct imsgbuf a, b;
	int status;
	pid_t pid;

	(void)state;
	t_chan(&a, &b, 0);
	fflush(NULL);
	assert_int_not_equal(pid = fork(), -1);
	if (pid == 0)
		peer_without_number(&a);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	t_unchan(&a, &b);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == NO_SANDBOX)
		skip();
	assert_int_equal(WEXITSTATUS(status), 0);
}
#endif

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(every_call_is_repeated_after_a_signal),
		T(a_deadline_is_never_a_negative_or_endless_wait),
#ifdef __linux__
		T(sendmmsg_is_used_from_linux_4_9_on),
		T(what_a_sandbox_says_is_told),
		T(a_peer_outside_the_pid_namespace_has_no_number),
#endif
		T(sizes_that_would_wrap_are_refused),
		T(no_large_block_is_enomem),
		T(only_descriptors_of_the_socket_level_are_taken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
