/* SPDX-License-Identifier: ISC */
/*
 * See testlib.h.  The os table is wrapped once, in the first t_begin(); the
 * wrappers count, and fail only where a test asked for it.
 */
#include "testlib.h"

#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <inttypes.h>
#include <signal.h>

struct t_calls t_calls;

static struct imsgi_os real;
static int wrapped;
static long live, allocs, fail_at;
static int fail_forever;
static size_t short_send, short_recv;
static struct fault {
	int left;
	int error;
} fail_send, fail_recv, fail_mmsg;
static int fds_before;
static long live_before;
static uint64_t rng;

static int
refuse(void)
{
	allocs++;
	if (fail_at == 0 ||
	    (fail_forever ? allocs < fail_at : allocs != fail_at))
		return 0;
	errno = ENOMEM;
	return 1;
}

static void *
w_alloc(size_t n)
{
	void *p;

	if (refuse() || (p = real.alloc(n)) == NULL)
		return NULL;
	/* Whoever reads what was not written shall notice. */
	memset(p, 0xa5, n);
	live++;
	return p;
}

static void *
w_calloc(size_t n, size_t size)
{
	void *p;

	if (refuse() || (p = real.calloc(n, size)) == NULL)
		return NULL;
	live++;
	return p;
}

static void
w_free(void *p)
{
	if (p != NULL)
		live--;
	real.free(p);
}

static int
w_close(int fd)
{
	t_calls.close++;
	return real.close(fd);
}

static int
fault(struct fault *f)
{
	if (f->left <= 0)
		return 0;
	f->left--;
	errno = f->error;
	return 1;
}

/* A copy of iov cut off after max bytes; its length. */
static int
cut(struct iovec *out, const struct iovec *iov, int n, size_t max)
{
	int i;

	for (i = 0; i < n && max > 0; i++) {
		out[i] = iov[i];
		if (out[i].iov_len > max)
			out[i].iov_len = max;
		max -= out[i].iov_len;
	}
	return i;
}

static ssize_t
w_readv(int fd, const struct iovec *iov, int n)
{
	struct iovec v[8];

	t_calls.recv++;
	if (fault(&fail_recv))
		return -1;
	if (short_recv == 0)
		return real.readv(fd, iov, n);
	return real.readv(fd, v, cut(v, iov, n, short_recv));
}

static ssize_t
w_writev(int fd, const struct iovec *iov, int n)
{
	struct iovec v[1024];

	t_calls.send++;
	if (fault(&fail_send))
		return -1;
	if (short_send == 0)
		return real.writev(fd, iov, n);
	return real.writev(fd, v, cut(v, iov, n, short_send));
}

static ssize_t
w_recvmsg(int fd, struct msghdr *msg, int flags)
{
	struct iovec v[8], *save = msg->msg_iov;
	size_t n = (size_t)msg->msg_iovlen;
	ssize_t r;

	t_calls.recv++;
	if (fault(&fail_recv))
		return -1;
	if (short_recv > 0) {
		msg->msg_iovlen = (unsigned)cut(v, save, (int)n, short_recv);
		msg->msg_iov = v;
	}
	r = real.recvmsg(fd, msg, flags);
	msg->msg_iov = save;
	msg->msg_iovlen = n;
	return r;
}

static ssize_t
w_sendmsg(int fd, const struct msghdr *msg, int flags)
{
	struct msghdr m = *msg;
	struct iovec v[1024];

	t_calls.send++;
	if (fault(&fail_send))
		return -1;
	if (short_send > 0) {
		m.msg_iovlen = (unsigned)cut(
		    v, msg->msg_iov, (int)msg->msg_iovlen, short_send);
		m.msg_iov = v;
	}
	return real.sendmsg(fd, &m, flags);
}

/* Like the kernel: stops at the first message that goes out short. */
static int
w_sendmmsg(int fd, struct imsgi_mmsg *v, unsigned int n, int flags)
{
	struct iovec *iov = v[0].hdr.msg_iov;
	size_t i, len = 0;
	ssize_t r;

	if (fault(&fail_mmsg))
		return -1;
	t_calls.mmsg++;
	if (short_send == 0) {
		t_calls.send++;
		if (fault(&fail_send))
			return -1;
		return real.sendmmsg(fd, v, n, flags);
	}
	for (i = 0; i < (size_t)v[0].hdr.msg_iovlen; i++)
		len += iov[i].iov_len;
	if ((r = w_sendmsg(fd, &v[0].hdr, flags)) == -1)
		return -1;
	v[0].len = (unsigned int)r;
	if ((size_t)r < len || n == 1)
		return 1;
	r = w_sendmsg(fd, &v[1].hdr, flags);
	if (r == -1)
		return 1;
	v[1].len = (unsigned int)r;
	return 2;
}

static int
w_poll(struct pollfd *p, nfds_t n, int ms)
{
	t_calls.poll++;
	return real.poll(p, n, ms);
}

static int
w_sleep(const struct timespec *ts)
{
	t_calls.sleep++;
	return real.sleep(ts);
}

static void
wrap(void)
{
	real = imsgi_os;
	imsgi_os.alloc = w_alloc;
	imsgi_os.calloc = w_calloc;
	imsgi_os.free = w_free;
	imsgi_os.close = w_close;
	imsgi_os.readv = w_readv;
	imsgi_os.writev = w_writev;
	imsgi_os.recvmsg = w_recvmsg;
	imsgi_os.sendmsg = w_sendmsg;
	imsgi_os.sendmmsg = w_sendmmsg;
	imsgi_os.poll = w_poll;
	imsgi_os.sleep = w_sleep;
	wrapped = 1;
}

int
t_begin(void **state)
{
	(void)state;
	if (!wrapped)
		wrap();
	/* A test that hangs has failed; valgrind needs its time. */
	alarm(120);
	t_fail_alloc(0, 0);
	short_send = short_recv = 0;
	fail_send.left = fail_recv.left = fail_mmsg.left = 0;
	memset(&t_calls, 0, sizeof(t_calls));
	fds_before = t_count_fds();
	live_before = live;
	return 0;
}

int
t_end(void **state)
{
	int fds = t_count_fds();

	(void)state;
	if (fds != fds_before)
		print_error(
		    "descriptors: %d before, %d after\n", fds_before, fds);
	if (live != live_before)
		print_error(
		    "allocations: %ld before, %ld after\n", live_before, live);
	return fds == fds_before && live == live_before ? 0 : -1;
}

int
t_count_fds(void)
{
	int i, n = 0, max = (int)sysconf(_SC_OPEN_MAX);

	if (max < 0 || max > 4096)
		max = 4096;
	for (i = 0; i < max; i++)
		n += fcntl(i, F_GETFD) != -1;
	return n;
}

long
t_live(void)
{
	return live;
}

void
t_free(void *p)
{
	w_free(p);
}

void
t_fail_alloc(long n, int forever)
{
	allocs = 0;
	fail_at = n;
	fail_forever = forever;
}

long
t_allocs(void)
{
	return allocs;
}

void
t_short_send(size_t n)
{
	short_send = n;
}

void
t_short_recv(size_t n)
{
	short_recv = n;
}

void
t_fail_send(int n, int error)
{
	fail_send.left = n;
	fail_send.error = error;
}

void
t_fail_recv(int n, int error)
{
	fail_recv.left = n;
	fail_recv.error = error;
}

void
t_fail_mmsg(int n, int error)
{
	fail_mmsg.left = n;
	fail_mmsg.error = error;
}

void
t_pair(int s[2])
{
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, s), 0);
}

void
t_nonblock(int fd)
{
	int fl = fcntl(fd, F_GETFL);

	assert_int_not_equal(fl, -1);
	assert_int_equal(fcntl(fd, F_SETFL, fl | O_NONBLOCK), 0);
}

void
t_chan(struct imsgbuf *a, struct imsgbuf *b, int pass)
{
	int s[2];

	t_pair(s);
	assert_int_equal(imsgbuf_init(a, s[0]), 0);
	assert_int_equal(imsgbuf_init(b, s[1]), 0);
	if (pass) {
		imsgbuf_allow_fdpass(a);
		imsgbuf_allow_fdpass(b);
	}
}

void
t_unchan(struct imsgbuf *a, struct imsgbuf *b)
{
	imsgbuf_clear(a);
	imsgbuf_clear(b);
	close(a->fd);
	close(b->fd);
}

void
t_get(struct imsgbuf *b, struct imsg *m)
{
	ssize_t n;

	while ((n = imsg_get(b, m)) == 0)
		assert_int_equal(imsgbuf_read(b), 1);
	assert_true(n >= (ssize_t)IMSG_HEADER_SIZE);
}

void
t_put(int fd, const void *p, size_t n)
{
	assert_int_equal(write(fd, p, n), (ssize_t)n);
}

void
t_put_fd(int s, const void *p, size_t n, int fd)
{
	struct msghdr msg;
	struct iovec iov;
	union imsgi_ctl ctl;

	memset(&msg, 0, sizeof(msg));
	iov.iov_base = (void *)(uintptr_t)p;
	iov.iov_len = n;
	msg.msg_iov = &iov;
	msg.msg_iovlen = 1;
	imsgi_attach(&msg, &ctl, fd);
	assert_int_equal(sendmsg(s, &msg, 0), (ssize_t)n);
}

uint64_t
t_fd_id(int fd)
{
	struct stat st;

	assert_int_equal(fstat(fd, &st), 0);
	return (uint64_t)st.st_ino ^ (uint64_t)st.st_dev << 48;
}

/* One end of a pipe: cheap, and no other open file has its identity. */
int
t_fd(uint64_t *id)
{
	int p[2];

	assert_int_equal(pipe(p), 0);
	close(p[0]);
	if (id != NULL)
		*id = t_fd_id(p[1]);
	return p[1];
}

static struct rlimit table;

/* valgrind keeps the limit from the kernel, which is the one that matters. */
int
t_full_table(void)
{
	const char *preload = getenv("LD_PRELOAD");
	struct rlimit low;

	if (preload != NULL && strstr(preload, "vgpreload") != NULL)
		return 0;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &table), 0);
	low = table;
	low.rlim_cur = 3;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
	return 1;
}

void
t_normal_table(void)
{
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &table), 0);
}

void
t_assert_aborts(void (*fn)(void *), void *arg)
{
	pid_t pid;
	int status;

	fflush(NULL);
	assert_int_not_equal(pid = fork(), -1);
	if (pid == 0) {
		/* cmocka catches it, to go on with the next test. */
		signal(SIGABRT, SIG_DFL);
		fn(arg);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGABRT);
}

void
t_seed(uint64_t seed)
{
	const char *s = getenv("TEST_SEED");

	if (s != NULL)
		seed = strtoull(s, NULL, 0);
	print_message("seed %" PRIu64 "\n", seed);
	rng = seed * 2 + 1;
}

/* xorshift64* (Marsaglia 2003, Vigna 2016) */
uint32_t
t_rand(void)
{
	rng ^= rng >> 12;
	rng ^= rng << 25;
	rng ^= rng >> 27;
	return (uint32_t)((rng * UINT64_C(2685821657736338717)) >> 32);
}

static unsigned char
pattern(size_t i, uint32_t seed)
{
	return (unsigned char)((i * 131 + seed * 7 + (i >> 8)) & 0xff);
}

void
t_fill(void *p, size_t n, uint32_t seed)
{
	unsigned char *c = p;
	size_t i;

	for (i = 0; i < n; i++)
		c[i] = pattern(i, seed);
}

int
t_check(const void *p, size_t n, uint32_t seed)
{
	const unsigned char *c = p;
	size_t i;

	for (i = 0; i < n; i++)
		if (c[i] != pattern(i, seed))
			return 0;
	return 1;
}
