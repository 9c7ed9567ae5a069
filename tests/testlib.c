/* SPDX-License-Identifier: ISC */
/* See testlib.h; what concerns the os table is in testlib-os.c. */
#include "testlib.h"
#include "testlib-os.h"

#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <inttypes.h>
#include <signal.h>

static int fds_before;
static long live_before;
static uint64_t rng;

int
t_begin(void **state)
{
	(void)state;
	t_os_begin();
	/* A test that hangs has failed; valgrind needs its time. */
	alarm(300);
	fds_before = t_count_fds();
	live_before = t_live();
	return 0;
}

int
t_end(void **state)
{
	int fds = t_count_fds();
	long live = t_live();

	(void)state;
	if (fds != fds_before)
		print_error(
		    "descriptors: %d before, %d after\n", fds_before, fds);
	if (live != live_before)
		print_error(
		    "allocations: %ld before, %ld after\n", live_before, live);
	if (t_bad_closes != 0)
		print_error("closed what was not open: %d\n", t_bad_closes);
	return fds == fds_before && live == live_before && t_bad_closes == 0 ?
	    0 :
	    -1;
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
t_expect(struct imsgbuf *b, uint32_t type, int status, uint64_t id)
{
	struct imsg m;
	int fd;

	t_get(b, &m);
	assert_int_equal(imsg_get_type(&m), type);
	assert_int_equal(m.hdr.len & 0x80000000U, 0);
	assert_true(t_check(m.data, imsg_get_len(&m), type));
	assert_int_equal(imsg_fd_status(&m), status);
	fd = imsg_get_fd(&m);
	if (status == IMSG_FD_PRESENT) {
		assert_true(fd >= 0);
		assert_int_equal(t_fd_id(fd), id);
		assert_int_equal(imsg_fd_status(&m), IMSG_FD_TAKEN);
		close(fd);
	} else {
		assert_int_equal(fd, -1);
	}
	assert_int_equal(imsg_get_fd(&m), -1);
	imsg_free(&m);
	assert_int_equal(imsg_fd_status(&m), IMSG_FD_NONE);
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

	/* For MSan: that of clang 14 does not know fstat64(2). */
	memset(&st, 0, sizeof(st));
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

#if defined(__GNUC__)
/* clang's coverage runtime, if that is linked: it writes at exit only. */
int __llvm_profile_write_file(void) __attribute__((__weak__));

static void
save_profile(int sig)
{
	(void)sig;
	/*
	 * Not asynchronous: abort() raises this in a child that does nothing
	 * else, never in the middle of stdio or malloc.
	 */
	if (__llvm_profile_write_file != NULL)
		/* NOLINTNEXTLINE(bugprone-signal-handler,cert-sig30-c) */
		(void)__llvm_profile_write_file();
}

void
t_exit(int status)
{
	save_profile(0);
	_exit(status);
}
#else
#define save_profile SIG_DFL

void
t_exit(int status)
{
	_exit(status);
}
#endif

void
t_assert_aborts(void (*fn)(void *), void *arg)
{
	pid_t pid;
	int status;

	fflush(NULL);
	assert_int_not_equal(pid = fork(), -1);
	if (pid == 0) {
		/* cmocka catches it, to go on with the next test. */
		signal(SIGABRT, save_profile);
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

/* Neighbours shall not begin alike. */
void
t_reseed(uint64_t seed)
{
	rng = (seed + 1) * UINT64_C(0x9e3779b97f4a7c15) | 1;
	rng ^= rng >> 31;
	rng |= UINT64_C(1) << 63;
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
