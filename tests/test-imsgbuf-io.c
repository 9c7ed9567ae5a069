/* SPDX-License-Identifier: ISC */
/*
 * Reading and writing a channel: full sockets, deadlines, errors that come
 * and go.  Whatever waits does so in poll(2) or in a sleep.
 */
#include "testlib.h"

#include <sys/wait.h>
#include <signal.h>
#include <time.h>

/* Fills a non-blocking socket and leaves n messages queued behind. */
static void
stuff(struct imsgbuf *b, int n)
{
	static char p[8192];
	size_t before;
	int i;

	t_nonblock(b->fd);
	do {
		if (imsgbuf_queuelen(b) == 0)
			assert_int_equal(
			    imsg_compose(b, 1, 0, 0, -1, p, sizeof(p)), 1);
		before = imsgbuf_queuebytes(b);
		assert_int_equal(imsgbuf_write(b), 0);
	} while (imsgbuf_queuebytes(b) < before);
	for (i = 0; i < n; i++)
		assert_int_equal(imsg_compose(b, 2, 0, 0, -1, p, sizeof(p)), 1);
}

static void
a_full_socket_is_no_error_and_loses_nothing(void **state)
{
	struct imsgbuf a, b;
	struct imsg m;
	size_t queued;

	(void)state;
	t_chan(&a, &b, 0);
	t_nonblock(b.fd);
	stuff(&a, 3);
	queued = imsgbuf_queuebytes(&a);
	assert_int_equal(imsgbuf_write(&a), 0);
	assert_int_equal(imsgbuf_queuebytes(&a), queued);
	while (imsgbuf_queuelen(&a) > 0) {
		assert_int_equal(imsgbuf_read(&b), 1);
		while (imsgbuf_get(&b, &m) == 1)
			imsg_free(&m);
		assert_int_equal(imsgbuf_write(&a), 0);
	}
	t_unchan(&a, &b);
}

static int
read_all(struct imsgbuf *b, int n)
{
	struct imsg m;

	while (n > 0 && imsgbuf_recv(b, &m, 60000) == 1) {
		if (imsg_get_type(&m) == 2)
			n--;
		imsg_free(&m);
	}
	return n != 0;
}

/* A stopped process that will read n messages; its status: did they come? */
static pid_t
stopped_reader(struct imsgbuf *b, int n)
{
	pid_t pid;
	int status;

	fflush(NULL);
	assert_int_not_equal(pid = fork(), -1);
	if (pid == 0) {
		(void)raise(SIGSTOP);
		_exit(read_all(b, n));
	}
	assert_int_equal(waitpid(pid, &status, WUNTRACED), pid);
	assert_true(WIFSTOPPED(status));
	return pid;
}

/* The reader starts when the writer waits, and not before. */
static int (*true_poll)(struct pollfd *, nfds_t, int);
static pid_t stopped;

static int
release_poll(struct pollfd *p, nfds_t n, int ms)
{
	(void)kill(stopped, SIGCONT);
	return true_poll(p, n, ms);
}

static void
flush_waits_in_poll_and_does_not_spin(void **state)
{
	struct imsgbuf a, b;
	pid_t pid;
	int status;

	(void)state;
	t_chan(&a, &b, 0);
	stuff(&a, 50);
	memset(&t_calls, 0, sizeof(t_calls));
	stopped = pid = stopped_reader(&b, 50);
	true_poll = imsgi_os.poll;
	imsgi_os.poll = release_poll;
	assert_int_equal(imsgbuf_flush(&a), 0);
	imsgi_os.poll = true_poll;
	assert_int_equal(imsgbuf_queuelen(&a), 0);
	/* Every full socket is waited for once before it is tried again. */
	assert_true(t_calls.poll > 0);
	assert_true(t_calls.send <= 2 * t_calls.poll + 52 * 8192 / 4096);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	t_unchan(&a, &b);
}

static void
a_deadline_ends_the_flush_and_keeps_the_queue(void **state)
{
	struct imsgbuf a, b;
	size_t queued;
	unsigned long polls;

	(void)state;
	t_chan(&a, &b, 0);
	stuff(&a, 2);
	queued = imsgbuf_queuebytes(&a);
	polls = t_calls.poll;
	assert_errno(imsgbuf_flush_timeout(&a, 0), ETIMEDOUT);
	assert_int_equal(t_calls.poll, polls);
	assert_errno(imsgbuf_flush_timeout(&a, 20), ETIMEDOUT);
	assert_true(t_calls.poll - polls <= 3);
	assert_int_equal(imsgbuf_queuebytes(&a), queued);
	t_unchan(&a, &b);
}

/* The socket of the program blocks; the flush does not. */
static void
a_deadline_holds_on_a_blocking_socket(void **state)
{
	struct imsgbuf a, b;

	(void)state;
	t_chan(&a, &b, 0);
	stuff(&a, 2);
	assert_int_equal(fcntl(a.fd, F_SETFL, 0), 0);
	assert_errno(imsgbuf_flush_timeout(&a, 0), ETIMEDOUT);
	assert_errno(imsgbuf_flush_timeout(&a, 10), ETIMEDOUT);
	t_unchan(&a, &b);
}

static void
ignore(int sig)
{
	(void)sig;
}

/* A process that sends us a signal every millisecond, for a minute at most. */
static pid_t
pester(pid_t parent)
{
	const struct timespec ms = { 0, 1000000 };
	pid_t pid;
	int i;

	fflush(NULL);
	assert_int_not_equal(pid = fork(), -1);
	if (pid > 0)
		return pid;
	for (i = 0; i < 60000 && kill(parent, SIGUSR1) == 0; i++)
		(void)nanosleep(&ms, NULL);
	_exit(0);
}

/* If each signal began the wait anew, it would last as long as they come. */
static void
signals_do_not_lengthen_a_deadline(void **state)
{
	struct sigaction sa, old;
	struct imsgbuf a, b;
	struct imsg m;
	pid_t pid;

	(void)state;
	memset(&sa, 0, sizeof(sa));
	sa.sa_handler = ignore;
	assert_int_equal(sigaction(SIGUSR1, &sa, &old), 0);
	t_chan(&a, &b, 0);
	stuff(&a, 2);
	pid = pester(getpid());
	assert_errno(imsgbuf_flush_timeout(&a, 200), ETIMEDOUT);
	assert_errno(imsgbuf_recv(&a, &m, 200), ETIMEDOUT);
	/* The process that pesters is still at it: we left before it did. */
	assert_int_equal(waitpid(pid, NULL, WNOHANG), 0);
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_int_equal(sigaction(SIGUSR1, &old, NULL), 0);
	t_unchan(&a, &b);
}

static void
flush_timeout_sends_what_it_can(void **state)
{
	struct imsgbuf a, b;
	static const int limits[] = { -1, 0, 60000 };
	int i, ms;

	(void)state;
	for (i = 0; i < 3; i++) {
		ms = limits[i];
		t_chan(&a, &b, 1);
		assert_int_equal(imsg_compose(&a, 1, 0, 0, -1, "x", 1), 1);
		assert_int_equal(
		    imsg_compose(&a, 1, 0, 0, t_fd(NULL), "", 0), 1);
		assert_int_equal(imsgbuf_flush_timeout(&a, ms), 0);
		assert_int_equal(imsgbuf_queuelen(&a), 0);
		assert_int_equal(imsgbuf_flush_timeout(&a, ms), 0);
		t_unchan(&a, &b);
	}
}

static void
no_buffers_is_slept_over(void **state)
{
	struct imsgbuf a, b;

	(void)state;
	t_chan(&a, &b, 0);
	assert_int_equal(imsg_compose(&a, 1, 0, 0, -1, "x", 1), 1);
	t_fail_send(1, ENOBUFS);
	assert_int_equal(imsgbuf_write(&a), 0);
	assert_int_equal(imsgbuf_queuelen(&a), 1);
	t_fail_send(4, ENOBUFS);
	assert_int_equal(imsgbuf_flush(&a), 0);
	assert_int_equal(t_calls.sleep, 4);
	assert_int_equal(imsg_compose(&a, 1, 0, 0, -1, "x", 1), 1);
	t_fail_send(1000, ENOBUFS);
	assert_errno(imsgbuf_flush_timeout(&a, 30), ETIMEDOUT);
	t_fail_send(0, 0);
	assert_int_equal(imsgbuf_flush(&a), 0);
	t_unchan(&a, &b);
}

/* A device that takes nothing and reports nothing is not asked in a spin. */
static void
no_progress_is_slept_over(void **state)
{
	struct imsgbuf a, b;

	(void)state;
	t_chan(&a, &b, 0);
	assert_int_equal(imsg_compose(&a, 1, 0, 0, -1, "x", 1), 1);
	t_fail_send(3, 0);
	assert_int_equal(imsgbuf_flush(&a), 0);
	assert_int_equal(t_calls.sleep, 3);
	t_unchan(&a, &b);
}

static void
interrupted_calls_are_repeated(void **state)
{
	struct imsgbuf a, b;
	struct imsg m;
	int pass;

	(void)state;
	for (pass = 0; pass < 2; pass++) {
		t_chan(&a, &b, pass);
		assert_int_equal(imsg_compose(&a, 1, 0, 0, -1, "x", 1), 1);
		t_fail_send(3, EINTR);
		assert_int_equal(imsgbuf_write(&a), 0);
		assert_int_equal(imsgbuf_queuelen(&a), 0);
		t_fail_recv(3, EINTR);
		assert_int_equal(imsgbuf_read(&b), 1);
		assert_int_equal(imsgbuf_get(&b, &m), 1);
		imsg_free(&m);
		t_unchan(&a, &b);
	}
}

/* The error of a system call is not the stream's: the next read may work. */
static void
errors_of_system_calls_are_not_sticky(void **state)
{
	struct imsgbuf a, b;
	struct imsg m;
	int pass;

	(void)state;
	for (pass = 0; pass < 2; pass++) {
		t_chan(&a, &b, pass);
		assert_int_equal(imsg_compose(&a, 1, 0, 0, -1, "x", 1), 1);
		t_fail_send(1, EACCES);
		assert_errno(imsgbuf_write(&a), EACCES);
		assert_int_equal(imsgbuf_queuebytes(&a), 17);
		assert_int_equal(imsgbuf_flush(&a), 0);
		t_fail_recv(1, ECONNRESET);
		assert_errno(imsgbuf_read(&b), ECONNRESET);
		assert_int_equal(imsgbuf_failed(&b, NULL), 0);
		t_get(&b, &m);
		imsg_free(&m);
		t_unchan(&a, &b);
	}
}

static void
nothing_to_read_is_1(void **state)
{
	struct imsgbuf a, b;
	struct imsg m;
	int pass;

	(void)state;
	for (pass = 0; pass < 2; pass++) {
		t_chan(&a, &b, pass);
		t_nonblock(b.fd);
		assert_int_equal(imsgbuf_read(&b), 1);
		assert_int_equal(imsgbuf_get(&b, &m), 0);
		t_unchan(&a, &b);
	}
}

static void
a_bad_descriptor_is_ebadf(void **state)
{
	struct imsgbuf b;
	struct imsg m;

	(void)state;
	assert_int_equal(imsgbuf_init(&b, 12345), 0);
	/* Nothing queued: no system call, no error. */
	assert_int_equal(imsgbuf_write(&b), 0);
	assert_int_equal(imsgbuf_flush(&b), 0);
	assert_int_equal(imsg_compose(&b, 1, 0, 0, -1, "x", 1), 1);
	assert_errno(imsgbuf_write(&b), EBADF);
	assert_errno(imsgbuf_flush(&b), EBADF);
	assert_errno(imsgbuf_read(&b), EBADF);
	assert_errno(imsgbuf_recv(&b, &m, -1), EBADF);
	imsgbuf_clear(&b);
}

static void
pipes_work_without_descriptor_passing(void **state)
{
	struct imsgbuf a, b;
	struct imsg m;
	int p[2];

	(void)state;
	assert_int_equal(pipe(p), 0);
	assert_int_equal(imsgbuf_init(&a, p[1]), 0);
	assert_int_equal(imsgbuf_init(&b, p[0]), 0);
	assert_int_equal(imsg_compose(&a, 1, 0, 0, -1, "pipe", 4), 1);
	assert_int_equal(imsgbuf_flush(&a), 0);
	t_get(&b, &m);
	assert_memory_equal(m.data, "pipe", 4);
	imsg_free(&m);
	imsgbuf_allow_fdpass(&a);
	imsgbuf_allow_fdpass(&b);
	assert_int_equal(imsg_compose(&a, 1, 0, 0, -1, "pipe", 4), 1);
	assert_errno(imsgbuf_write(&a), ENOTSOCK);
	assert_errno(imsgbuf_read(&b), ENOTSOCK);
	t_unchan(&a, &b);
}

static void
a_descriptor_without_a_byte_cannot_be_flushed(void **state)
{
	struct imsgbuf a, b;
	struct ibuf *p;
	uint64_t id;

	(void)state;
	t_chan(&a, &b, 1);
	p = ibuf_open(0);
	ibuf_fd_set(p, t_fd(&id));
	ibuf_close(a.w, p);
	assert_int_equal(imsgbuf_queuelen(&a), 1);
	assert_int_equal(imsgbuf_write(&a), 0);
	assert_errno(imsgbuf_flush(&a), EINVAL);
	assert_errno(imsgbuf_flush_timeout(&a, 10), EINVAL);
	assert_int_equal(imsgbuf_events(&a) & POLLOUT, 0);
	assert_int_equal(imsgbuf_queuelen(&a), 1);
	t_unchan(&a, &b);
}

/* Every short write continues where it stopped. */
static void
partial_writes_lose_nothing_at_any_size(void **state)
{
	struct imsgbuf a, b;
	struct imsg m;
	unsigned char p[23];
	size_t n;
	uint32_t i;

	(void)state;
	for (n = 1; n < 90; n++) {
		t_chan(&a, &b, (int)n % 2);
		t_short_send(n);
		for (i = 0; i < 4; i++) {
			t_fill(p, sizeof(p), i);
			assert_int_equal(
			    imsg_compose(&a, i, 0, 0, -1, p, sizeof(p)), 1);
		}
		while (imsgbuf_queuelen(&a) > 0)
			assert_int_equal(imsgbuf_write(&a), 0);
		for (i = 0; i < 4; i++) {
			t_get(&b, &m);
			assert_int_equal(imsg_get_type(&m), i);
			assert_int_equal(imsg_get_len(&m), sizeof(p));
			assert_true(t_check(m.data, sizeof(p), i));
			imsg_free(&m);
		}
		t_unchan(&a, &b);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_full_socket_is_no_error_and_loses_nothing),
		T(flush_waits_in_poll_and_does_not_spin),
		T(a_deadline_ends_the_flush_and_keeps_the_queue),
		T(a_deadline_holds_on_a_blocking_socket),
		T(signals_do_not_lengthen_a_deadline),
		T(flush_timeout_sends_what_it_can),
		T(no_buffers_is_slept_over),
		T(no_progress_is_slept_over),
		T(interrupted_calls_are_repeated),
		T(errors_of_system_calls_are_not_sticky),
		T(nothing_to_read_is_1),
		T(a_bad_descriptor_is_ebadf),
		T(pipes_work_without_descriptor_passing),
		T(a_descriptor_without_a_byte_cannot_be_flushed),
		T(partial_writes_lose_nothing_at_any_size),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
