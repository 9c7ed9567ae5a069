/* SPDX-License-Identifier: ISC */
/*
 * A daemon in small: three processes, and descriptors both ways.
 *
 * The store may open files; the counter reads what it is given and may open
 * nothing; the parent knows both and lets them work together.  It asks the
 * store for a file, passes the descriptor on to the counter, and gets back a
 * descriptor from which the counter's report can be read.  The parent runs an
 * event loop over non-blocking sockets; the children serve one request after
 * the other and end when the parent closes its side.
 */
#define _POSIX_C_SOURCE 200809L

#include <sys/types.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <err.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <imsg.h>

/* Types of messages; the id of a request comes back in its answer. */
enum {
	MSG_OPEN,   /* parent to store: a field of NAME_LEN bytes */
	MSG_FILE,   /* store to parent: an open file, or no descriptor */
	MSG_COUNT,  /* parent to counter: an open file */
	MSG_REPORT, /* counter to parent: lines and bytes, and a text to read */
};

#define NAME_LEN 64
#define FILES	 5

struct child {
	const char *name;
	int (*serve)(struct imsgbuf *, struct imsg *);
	struct imsgbuf ch;
	pid_t pid;
};

static char dir[] = "/tmp/three.XXXXXX";

/* A file of n lines, "line\n" each; unlinked, so that it lives in messages. */
static int
make_file(const char *name, int n)
{
	int dfd, fd;

	if ((dfd = open(dir, O_RDONLY | O_DIRECTORY)) == -1)
		return -1;
	fd = openat(dfd, name, O_RDWR | O_CREAT | O_EXCL, 0600);
	if (fd != -1) {
		(void)unlinkat(dfd, name, 0);
		while (n-- > 0)
			if (dprintf(fd, "line\n") == -1)
				break;
		(void)lseek(fd, 0, SEEK_SET);
	}
	(void)close(dfd);
	return fd;
}

/* Answers one request of the parent: the file it names, or none. */
static int
store(struct imsgbuf *ch, struct imsg *m)
{
	char name[NAME_LEN];
	uint32_t id = imsg_get_id(m);
	int fd;

	if (imsg_get_type(m) != MSG_OPEN || imsg_get_len(m) != NAME_LEN ||
	    imsg_get_strbuf(m, name, sizeof(name)) == -1)
		return -1;
	/* The last one is missing, to show how that is said. */
	fd = id == FILES - 1 ? -1 : make_file(name, (int)id * 100);
	if (imsg_compose(ch, MSG_FILE, id, 0, fd, NULL, 0) == -1) {
		if (fd != -1)
			(void)close(fd);
		return -1;
	}
	return 0;
}

static int
count(int fd, uint64_t *lines, uint64_t *bytes)
{
	char buf[512];
	ssize_t i, n;

	while ((n = read(fd, buf, sizeof(buf))) > 0) {
		*bytes += (uint64_t)n;
		for (i = 0; i < n; i++)
			*lines += buf[i] == '\n';
	}
	return n == -1 ? -1 : 0;
}

/* The numbers as a message that is built field by field. */
static int
report(struct imsgbuf *ch, uint32_t id, uint64_t lines, uint64_t bytes)
{
	struct ibuf *b;
	int p[2];

	if ((b = imsg_create(ch, MSG_REPORT, id, 0, 16)) == NULL)
		return -1;
	if (ibuf_add_n64(b, lines) == -1 || ibuf_add_n64(b, bytes) == -1 ||
	    pipe(p) == -1) {
		ibuf_free(b);
		return -1;
	}
	ibuf_fd_set(b, p[0]);
	if (dprintf(p[1], "file %u has %llu lines", id,
		(unsigned long long)lines) == -1)
		warn("report");
	(void)close(p[1]);
	imsg_close(ch, b);
	return 0;
}

static int
counter(struct imsgbuf *ch, struct imsg *m)
{
	uint64_t lines = 0, bytes = 0;
	int fd, r;

	if (imsg_get_type(m) != MSG_COUNT || (fd = imsg_get_fd(m)) == -1)
		return -1;
	r = count(fd, &lines, &bytes);
	(void)close(fd);
	if (r == -1)
		return -1;
	return report(ch, imsg_get_id(m), lines, bytes);
}

static int
serve_all(struct child *c)
{
	struct imsg m;
	int r;

	while ((r = imsgbuf_recv(&c->ch, &m, -1)) == 1) {
		r = c->serve(&c->ch, &m);
		imsg_free(&m);
		if (r == -1 || imsgbuf_flush(&c->ch) == -1)
			break;
	}
	imsgbuf_clear(&c->ch);
	return r == 0 ? 0 : 1;
}

/* Forks; c->ch is this process's end of a fresh socketpair afterwards. */
static void
start(struct child *c, struct child *older)
{
	int s[2], end;

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, s) == -1)
		err(1, "socketpair");
	if ((c->pid = fork()) == -1)
		err(1, "fork");
	end = c->pid == 0 ? s[1] : s[0];
	(void)close(c->pid == 0 ? s[0] : s[1]);
	if (c->pid == 0 && older != NULL) {
		/* Or the older one would never see the end of the file. */
		(void)close(older->ch.fd);
		imsgbuf_clear(&older->ch);
	}
	if (imsgbuf_init(&c->ch, end) == -1)
		err(1, "imsgbuf_init");
	imsgbuf_allow_fdpass(&c->ch);
	imsgbuf_set_cloexec(&c->ch);
	if (c->pid == 0)
		_exit(serve_all(c));
	if (fcntl(end, F_SETFL, O_NONBLOCK) == -1)
		err(1, "fcntl");
}

static void
request(struct imsgbuf *ch, uint32_t id)
{
	struct ibuf *b;
	char name[NAME_LEN];

	(void)snprintf(name, sizeof(name), "file-%u", id);
	if ((b = imsg_create(ch, MSG_OPEN, id, 0, NAME_LEN)) == NULL ||
	    ibuf_add_strbuf(b, name, NAME_LEN) == -1)
		err(1, "request");
	imsg_close(ch, b);
}

/* From the store: goes to the counter, or is done with. */
static int
got_file(struct imsg *m, struct imsgbuf *to)
{
	uint32_t id = imsg_get_id(m);

	switch (imsg_fd_status(m)) {
	case IMSG_FD_NONE:
		printf("file %u is not there\n", id);
		return id == FILES - 1 ? 1 : -1;
	case IMSG_FD_PRESENT:
		if (imsg_compose(
			to, MSG_COUNT, id, 0, imsg_get_fd(m), NULL, 0) == -1)
			err(1, "imsg_compose");
		return 0;
	default:
		warnx("the descriptor of file %u was lost", id);
		return -1;
	}
}

/* From the counter: numbers in the message, words behind the descriptor. */
static int
got_report(struct imsg *m)
{
	char words[80] = "";
	struct ibuf b;
	uint64_t lines, bytes;
	int fd = imsg_get_fd(m);

	if (fd == -1 || imsg_get_ibuf(m, &b) == -1 ||
	    ibuf_get_n64(&b, &lines) == -1 || ibuf_get_n64(&b, &bytes) == -1 ||
	    ibuf_size(&b) != 0 || read(fd, words, sizeof(words) - 1) < 0) {
		warnx("bad report");
		if (fd != -1)
			(void)close(fd);
		return -1;
	}
	(void)close(fd);
	printf("%s and %llu bytes\n", words, (unsigned long long)bytes);
	return lines == (uint64_t)imsg_get_id(m) * 100 && bytes == 5 * lines ?
	    1 :
	    -1;
}

/* One turn for one channel: write, read, handle.  Answers counted in *done. */
static int
turn(struct child *c, short revents, struct imsgbuf *counter_ch, int *done)
{
	struct imsg m;
	int n = 1, r = 0;

	if ((revents & POLLOUT) && imsgbuf_write(&c->ch) == -1)
		return -1;
	if (revents & ~POLLOUT)
		n = imsgbuf_read(&c->ch);
	while (r != -1 && imsgbuf_get(&c->ch, &m) == 1) {
		if (imsg_get_type(&m) == MSG_FILE && &c->ch != counter_ch)
			r = got_file(&m, counter_ch);
		else if (imsg_get_type(&m) == MSG_REPORT)
			r = got_report(&m);
		else
			r = -1;
		imsg_free(&m);
		*done += r == 1;
	}
	return n == 1 && r != -1 ? 0 : -1;
}

static int
stop(struct child *c)
{
	int status;

	imsgbuf_clear(&c->ch);
	(void)close(c->ch.fd);
	if (waitpid(c->pid, &status, 0) == -1 || status != 0) {
		warnx("%s failed", c->name);
		return 1;
	}
	return 0;
}

int
main(void)
{
	struct child c[2] = { { "store", store, { 0 }, 0 },
		{ "counter", counter, { 0 }, 0 } };
	struct pollfd p[2];
	uint32_t id;
	int i, done = 0, failed = 0;

	if (mkdtemp(dir) == NULL)
		err(1, "mkdtemp");
	start(&c[0], NULL);
	start(&c[1], &c[0]);
	for (id = 0; id < FILES; id++)
		request(&c[0].ch, id);
	while (done < FILES && !failed) {
		for (i = 0; i < 2; i++) {
			p[i].fd = c[i].ch.fd;
			p[i].events = imsgbuf_events(&c[i].ch);
		}
		if (poll(p, 2, -1) == -1)
			err(1, "poll");
		for (i = 0; i < 2 && !failed; i++)
			failed = turn(&c[i], p[i].revents, &c[1].ch, &done);
	}
	failed |= stop(&c[0]) | stop(&c[1]);
	(void)rmdir(dir);
	printf("%d of %d answered\n", done, FILES);
	return failed != 0;
}
