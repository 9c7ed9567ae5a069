/* SPDX-License-Identifier: ISC */
/*
 * The library's os table, wrapped once: the wrappers count, and fail only
 * where a test asked for it.
 */
#include "testlib.h"
#include "testlib-os.h"

#if defined(__has_feature)
#if __has_feature(memory_sanitizer)
#include <sanitizer/msan_interface.h>
#define FORGET(p, n) __msan_allocated_memory((p), (n))
#endif
#endif
#if !defined(FORGET) && defined(__has_include)
#if __has_include(<valgrind/memcheck.h>)
#include <valgrind/memcheck.h>
#define FORGET(p, n) (void)VALGRIND_MAKE_MEM_UNDEFINED((p), (n))
#endif
#endif
#if !defined(FORGET)
#define FORGET(p, n) (void)(n)
#endif

struct t_calls t_calls;
int t_bad_closes;

static struct imsgi_os real;
static int wrapped;
static long live, allocs, fail_at;
static int fail_forever;
static size_t short_send, short_recv;
static struct fault {
	int left;
	int error;
} fail_send, fail_recv, fail_mmsg;

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
	/*
	 * Whoever reads what was not written shall notice; to MSan and
	 * valgrind, which would, the filling must not count as a write.
	 */
	memset(p, 0xa5, n);
	FORGET(p, n);
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

static int
w_aligned(void **p, size_t align, size_t n)
{
	int r;

	if (refuse())
		return ENOMEM;
	if ((r = real.aligned(p, align, n)) == 0)
		live++;
	return r;
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
	int r = real.close(fd);

	t_calls.close++;
	if (r == -1 && errno == EBADF)
		t_bad_closes++;
	return r;
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
w_read(int fd, void *p, size_t n)
{
	t_calls.recv++;
	if (fault(&fail_recv))
		return -1;
	if (short_recv > 0 && n > short_recv)
		n = short_recv;
	return real.read(fd, p, n);
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
		return fail_send.error == 0 ? 0 : -1;
	if (short_send == 0)
		return real.writev(fd, iov, n);
	return real.writev(fd, v, cut(v, iov, n, short_send));
}

static ssize_t
w_recvmsg(int fd, struct msghdr *msg, int flags)
{
	const struct msghdr was = *msg;
	struct iovec v[8];
	ssize_t r;

	t_calls.recv++;
	if (fault(&fail_recv))
		return -1;
	if (short_recv > 0) {
		msg->msg_iovlen = (unsigned short)cut(
		    v, was.msg_iov, (int)was.msg_iovlen, short_recv);
		msg->msg_iov = v;
	}
	r = real.recvmsg(fd, msg, flags);
	msg->msg_iov = was.msg_iov;
	msg->msg_iovlen = was.msg_iovlen;
	return r;
}

static ssize_t
w_send(int fd, const void *p, size_t n, int flags)
{
	t_calls.send++;
	if (fault(&fail_send))
		return fail_send.error == 0 ? 0 : -1;
	if (short_send > 0 && n > short_send)
		n = short_send;
	return real.send(fd, p, n, flags);
}

static ssize_t
w_sendmsg(int fd, const struct msghdr *msg, int flags)
{
	struct msghdr m = *msg;
	struct iovec v[1024];

	t_calls.send++;
	if (fault(&fail_send))
		return fail_send.error == 0 ? 0 : -1;
	if (short_send > 0) {
		m.msg_iovlen = (unsigned short)cut(
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
	imsgi_os.aligned = w_aligned;
	imsgi_os.close = w_close;
	imsgi_os.read = w_read;
	imsgi_os.readv = w_readv;
	imsgi_os.send = w_send;
	imsgi_os.writev = w_writev;
	imsgi_os.recvmsg = w_recvmsg;
	imsgi_os.sendmsg = w_sendmsg;
	imsgi_os.sendmmsg = w_sendmmsg;
	imsgi_os.poll = w_poll;
	imsgi_os.sleep = w_sleep;
	wrapped = 1;
}

void
t_os_begin(void)
{
	if (!wrapped)
		wrap();
	t_fail_alloc(0, 0);
	short_send = short_recv = 0;
	fail_send.left = fail_recv.left = fail_mmsg.left = 0;
	memset(&t_calls, 0, sizeof(t_calls));
	t_bad_closes = 0;
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
