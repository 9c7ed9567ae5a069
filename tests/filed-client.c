/* SPDX-License-Identifier: ISC */
/*
 * Clients for tests/filed.sh that curl(1) cannot play.
 *
 *	raw PORT		sends standard input, prints what comes back
 *	half PORT		the same, but ends its side first
 *	drip PORT MS		a byte of standard input every MS milliseconds;
 *				prints what came when the server has enough
 *	hold PORT N [PATH]	N connections that say nothing, or ask for PATH
 *				and take nothing, until standard input ends
 *	load PORT PATH FILE N MS
 *				N connections at once that ask for PATH again
 *				and again, for MS milliseconds, 0: once each
 *
 * load prints "ok N busy N bad N lost N": answers that are the file, answers of
 * 503, others, and connections that ended without one; a connection that ended
 * is made anew.  No program here waits for longer than 20 seconds.
 */
#define _GNU_SOURCE /* memmem */

#include <sys/types.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <netinet/in.h>

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define MAX_CONNS 2000

struct client {
	int fd;
	size_t sent, got, want; /* want: of the whole answer, 0 if not known */
	char *in;
};

static struct sockaddr_in server;
static char request[1024], *file;
static size_t request_len, file_len, room;
static int once;
static struct {
	int ok, busy, bad, lost;
} count;

static long long
now_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (long long)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static int
dial(void)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (fd == -1 ||
	    connect(fd, (struct sockaddr *)&server, sizeof(server)) == -1)
		err(1, "connect");
	return fd;
}

static void
write_all(int fd, const char *buf, size_t len)
{
	ssize_t n;

	while (len > 0) {
		n = send(fd, buf, len, MSG_NOSIGNAL);
		if (n == -1)
			break; /* it has heard enough */
		buf += n;
		len -= (size_t)n;
	}
}

/* Until the server ends it. */
static void
print_answer(int fd)
{
	char buf[65536];
	ssize_t n;

	while ((n = recv(fd, buf, sizeof(buf), 0)) > 0)
		if (write(STDOUT_FILENO, buf, (size_t)n) != n)
			err(1, "write");
	if (n == -1)
		printf("(%s)\n", strerror(errno));
}

static void
raw(int half)
{
	static char buf[1 << 20];
	size_t len = fread(buf, 1, sizeof(buf), stdin);
	int fd = dial();

	write_all(fd, buf, len);
	if (half)
		(void)shutdown(fd, SHUT_WR);
	print_answer(fd);
}

static void
drip(int ms)
{
	struct pollfd p = { .fd = dial(), .events = POLLIN };
	int c;

	while ((c = getchar()) != EOF && poll(&p, 1, ms) == 0) {
		char byte = (char)c;

		write_all(p.fd, &byte, 1);
	}
	print_answer(p.fd);
}

static void
hold(int n)
{
	while (n-- > 0)
		write_all(dial(), request, request_len);
	printf("held\n");
	(void)fflush(stdout);
	while (getchar() != EOF)
		continue;
}

static void
ask(struct client *c)
{
	c->sent = c->got = c->want = 0;
}

static void
redial(struct client *c)
{
	(void)close(c->fd);
	c->fd = -1;
	if (!once) {
		c->fd = dial();
		(void)fcntl(c->fd, F_SETFL, O_NONBLOCK);
		ask(c);
	}
}

static void
judge(struct client *c)
{
	size_t head = c->want;
	char *end = memmem(c->in, c->got, "\r\n\r\n", 4);

	head = (size_t)(end - c->in) + 4;
	if (strncmp(c->in, "HTTP/1.1 200 ", 13) == 0 &&
	    c->want - head == file_len &&
	    memcmp(c->in + head, file, file_len) == 0)
		count.ok++;
	else if (strncmp(c->in, "HTTP/1.1 503 ", 13) == 0)
		count.busy++;
	else if (count.bad++ == 0)
		fprintf(stderr, "%.*s\n", (int)head, c->in);
	if (once || memmem(c->in, head, "Connection: close", 17) != NULL)
		redial(c);
	else
		ask(c);
}

/* Returns 0 when the connection is there no more. */
static int
get(struct client *c)
{
	ssize_t n = recv(c->fd, c->in + c->got, room - 1 - c->got, 0);
	char *end, *len;

	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return 1;
	if (n <= 0)
		return 0;
	c->got += (size_t)n;
	c->in[c->got] = '\0';
	end = memmem(c->in, c->got, "\r\n\r\n", 4);
	if (c->want == 0 && end != NULL &&
	    (len = strstr(c->in, "Content-Length: ")) != NULL && len < end)
		c->want =
		    (size_t)(end - c->in) + 4 + strtoul(len + 16, NULL, 10);
	if (c->want != 0 && c->got >= c->want)
		judge(c);
	return 1;
}

static void
turn(struct client *c, short revents)
{
	ssize_t n = 0;

	if (c->sent < request_len) {
		n = send(c->fd, request + c->sent, request_len - c->sent,
		    MSG_NOSIGNAL);
		if (n > 0)
			c->sent += (size_t)n;
	}
	if ((n == -1 && errno != EAGAIN) || (revents && !get(c))) {
		count.lost++;
		redial(c);
	}
}

static void
load(int n, int ms)
{
	static struct client clients[MAX_CONNS];
	static struct pollfd p[MAX_CONNS];
	long long end = now_ms() + (once ? 20000 : ms);
	int i, left = 1;

	for (i = 0; i < n; i++) {
		clients[i].fd = dial();
		(void)fcntl(clients[i].fd, F_SETFL, O_NONBLOCK);
		if ((clients[i].in = malloc(room)) == NULL)
			err(1, NULL);
	}
	while (now_ms() < end && left > 0) {
		for (left = i = 0; i < n; i++) {
			p[i].fd = clients[i].fd;
			p[i].events = POLLIN;
			if (clients[i].sent < request_len)
				p[i].events = POLLOUT;
			left += clients[i].fd != -1;
		}
		if (poll(p, (nfds_t)n, 100) == -1)
			err(1, "poll");
		for (i = 0; i < n; i++)
			if (p[i].revents != 0)
				turn(&clients[i], p[i].revents & ~POLLOUT);
	}
	printf("ok %d busy %d bad %d lost %d\n", count.ok, count.busy,
	    count.bad, count.lost);
}

static void
make_request(const char *path)
{
	request_len = (size_t)snprintf(request, sizeof(request),
	    "GET %s HTTP/1.1\r\nHost: x\r\n\r\n", path);
}

static void
read_file(const char *name)
{
	FILE *f = fopen(name, "r");

	if (f == NULL || (file = malloc(1 << 24)) == NULL)
		err(1, "%s", name);
	file_len = fread(file, 1, 1 << 24, f);
	room = file_len + 8192;
	(void)fclose(f);
}

int
main(int argc, char **argv)
{
	struct rlimit r;

	if (argc < 3)
		return 2;
	(void)alarm(20);
	if (getrlimit(RLIMIT_NOFILE, &r) == 0) {
		r.rlim_cur = r.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &r);
	}
	server.sin_family = AF_INET;
	server.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	server.sin_port = htons((uint16_t)atoi(argv[2]));
	if (strcmp(argv[1], "raw") == 0 || strcmp(argv[1], "half") == 0)
		raw(argv[1][0] == 'h');
	else if (strcmp(argv[1], "drip") == 0 && argc == 4)
		drip(atoi(argv[3]));
	else if (strcmp(argv[1], "hold") == 0 && argc >= 4) {
		if (argc == 5)
			make_request(argv[4]);
		hold(atoi(argv[3]));
	} else if (strcmp(argv[1], "load") == 0 && argc == 7 &&
	    atoi(argv[5]) <= MAX_CONNS) {
		read_file(argv[4]);
		once = atoi(argv[6]) == 0;
		make_request(argv[3]);
		load(atoi(argv[5]), atoi(argv[6]));
	} else
		return 2;
	return 0;
}
