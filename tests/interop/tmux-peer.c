/* SPDX-License-Identifier: ISC */
/*
 * A channel to tmux.  Every message is accounted for: its version and pid, the
 * descriptor that its type calls for and no other, and that nothing of it is
 * left when it is freed.
 */
#include "tmux-peer.h"

#include <sys/socket.h>
#include <sys/un.h>

#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What tmux puts into every header. */
#define NO_PID ((pid_t)-1)

pid_t companion = -1;

void
fail(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fputs("failed: ", stderr);
	vfprintf(stderr, fmt, ap);
	fputc('\n', stderr);
	va_end(ap);
	if (companion > 0)
		kill(companion, SIGKILL);
	exit(97);
}

static void
too_late(int sig)
{
	static const char why[] = "failed: out of time\n";
	ssize_t n = write(STDERR_FILENO, why, sizeof(why) - 1);

	(void)sig;
	(void)n;
	if (companion > 0)
		kill(companion, SIGKILL);
	_exit(98);
}

void
limit_time(void)
{
	signal(SIGALRM, too_late);
	alarm(60);
}

int
open_fds(void)
{
	DIR *d = opendir("/proc/self/fd");
	int n = 0;

	if (d == NULL)
		fail("/proc/self/fd: %s", strerror(errno));
	while (readdir(d) != NULL)
		n++;
	closedir(d);
	return n;
}

int
connect_to(const char *path)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	if (strlen(path) >= sizeof(sa.sun_path))
		fail("%s: too long for a socket", path);
	strcpy(sa.sun_path, path);
	if (fd == -1 || connect(fd, (struct sockaddr *)&sa, sizeof(sa)) == -1)
		fail("%s: %s", path, strerror(errno));
	return fd;
}

int
wait_readable(int fd, int ms)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, ms) == 1;
}

void
peer_open(struct peer *p, int fd, int wire)
{
	memset(p, 0, sizeof(*p));
	p->version = p->expect = PROTOCOL;
	if (imsgbuf_init(&p->b, fd) == -1 ||
	    imsgbuf_set_wire(&p->b, wire) == -1)
		fail("channel: %s", strerror(errno));
	imsgbuf_allow_fdpass(&p->b);
	imsgbuf_set_cloexec(&p->b);
}

/* For the sum over all programs. */
static void
count(const struct peer *p)
{
	const char *name = getenv("INTEROP_COUNT");
	FILE *f;

	if (name == NULL || (f = fopen(name, "a")) == NULL)
		return;
	fprintf(f, "%lu %lu\n", p->sent, p->received);
	fclose(f);
}

void
peer_close(struct peer *p)
{
	int fd = p->b.fd;

	peer_flush(p);
	if (imsgbuf_partial(&p->b))
		fail("part of a message was left");
	if (!p->gone &&
	    (imsgbuf_queuelen(&p->b) != 0 || imsgbuf_queuebytes(&p->b) != 0))
		fail("not all was sent");
	imsgbuf_clear(&p->b);
	close(fd);
	count(p);
}

static void
trace(struct peer *p, char way, uint32_t type, size_t len, int fd)
{
	if (p->trace != NULL)
		fprintf(
		    p->trace, "%c %u %zu%s\n", way, type, len, fd ? " fd" : "");
}

void
peer_send(struct peer *p, uint32_t type, int fd, const void *data, size_t len)
{
	trace(p, '>', type, len, fd != -1);
	if (imsg_compose(&p->b, type, p->version, NO_PID, fd, data, len) != 1)
		fail("message %u: %s", type, strerror(errno));
	p->sent++;
}

void
peer_sendv(struct peer *p, uint32_t type, const void *head, size_t hlen,
    const void *data, size_t len)
{
	struct iovec iov[2] = { { (void *)head, hlen }, { (void *)data, len } };

	trace(p, '>', type, hlen + len, 0);
	if (imsg_composev(&p->b, type, p->version, NO_PID, -1, iov, 2) != 1)
		fail("message %u: %s", type, strerror(errno));
	p->sent++;
}

void
peer_flush(struct peer *p)
{
	if (p->gone || imsgbuf_flush_timeout(&p->b, WAIT_MS) == 0)
		return;
	p->gone = errno == EPIPE;
	if (!p->gone)
		fail("flush: %s", strerror(errno));
}

static void
check_message(struct peer *p, struct imsg *m)
{
	uint32_t type = imsg_get_type(m);
	int want = type == T_ID_STDIN || type == T_ID_STDOUT ? IMSG_FD_PRESENT :
							       IMSG_FD_NONE;

	p->received++;
	trace(p, '<', type, imsg_get_len(m), want == IMSG_FD_PRESENT);
	if (imsg_get_id(m) != p->expect)
		fail("message %u has version %u", type, imsg_get_id(m));
	if (imsg_get_pid(m) != NO_PID)
		fail("message %u has pid %d", type, (int)imsg_get_pid(m));
	if (imsg_fd_status(m) != want)
		fail("message %u: descriptor %d", type, imsg_fd_status(m));
	if (m->hdr.len != IMSG_HEADER_SIZE + imsg_get_len(m))
		fail("message %u: length %u", type, m->hdr.len);
}

int
peer_next(struct peer *p, struct imsg *m, int ms)
{
	int n;

	peer_flush(p);
	if ((n = imsgbuf_recv(&p->b, m, ms)) == 1) {
		check_message(p, m);
		return 1;
	}
	if (n == -1 && errno == ETIMEDOUT && ms < WAIT_MS)
		return 0;
	/* tmux closes with our last message unread. */
	if (n == -1 && errno != ECONNRESET)
		fail("receive: %s", strerror(errno));
	return -1;
}

void
peer_expect(struct peer *p, struct imsg *m, uint32_t type)
{
	if (peer_next(p, m, WAIT_MS) != 1)
		fail("end of file instead of message %u", type);
	if (imsg_get_type(m) != type)
		fail("message %u instead of %u", imsg_get_type(m), type);
}

void
peer_expect_end(struct peer *p)
{
	struct imsg m;

	if (peer_next(p, &m, WAIT_MS) != -1)
		fail("message %u instead of the end", imsg_get_type(&m));
	if (imsgbuf_partial(&p->b) || imsgbuf_failed(&p->b, NULL))
		fail("the stream is torn");
}

int
take_int(struct imsg *m)
{
	int v;

	if (imsg_get_buf(m, &v, sizeof(v)) == -1)
		fail("message %u is short", imsg_get_type(m));
	return v;
}

char *
take_string(struct imsg *m)
{
	size_t len = imsg_get_len(m);
	struct ibuf v;
	char *s = NULL;

	if (imsg_get_ibuf(m, &v) == 0)
		s = ibuf_get_string(&v, len);
	if (s == NULL || strlen(s) + 1 != len)
		fail("message %u: no string", imsg_get_type(m));
	return s;
}

void
done_with(struct imsg *m)
{
	if (imsg_get_len(m) != 0)
		fail("message %u: %zu bytes too many", imsg_get_type(m),
		    imsg_get_len(m));
	imsg_free(m);
}
