/* SPDX-License-Identifier: ISC */
/*
 * A control client for daemons that speak imsg: sends requests and writes
 * down each answer.
 *	daemon-ask [-m] [-b MAXSIZE] [-e COMMAND] [-o OFFSET] SOCKET REQUEST...
 * The wire is classic, with -m modern.  -e runs a shell command with the
 * descriptor that an answer brings as its standard input and output.  Strings
 * in answers are looked for from the offset of -o on.
 * A request is TYPE:PEERID:SIZE:UNTIL[:TIMES], its payload SIZE zeros, and
 * UNTIL says what to wait for:
 *	a number	answers up to one of that type, for each time
 *	one		one answer
 *	again		one answer, whose payload is sent as the next request as
 *			long as it begins with a pointer that is not null
 *	nothing		no answer
 *	closed		the end of the connection
 *	refused		an error that the library finds in the answer
 * Last comes a line with the number of answers and of bytes, then it is
 * checked that nothing else came and that no descriptor is left.
 */
#include "daemon-common.h"

#include <err.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *command;
static size_t strings_from;
static unsigned int answers;
static size_t bytes;

struct request {
	uint32_t type;
	uint32_t peerid;
	size_t size;
	char until[16];
	unsigned int times;
};

static const char *
errno_name(int e)
{
	switch (e) {
	case EPROTO:
		return "EPROTO";
	case ERANGE:
		return "ERANGE";
	case ECONNRESET:
		return "ECONNRESET";
	case ETIMEDOUT:
		return "ETIMEDOUT";
	default:
		return strerror(e);
	}
}

static struct request
parse(const char *s)
{
	struct request r = { .times = 1 };
	int n;

	n = sscanf(s, "%u:%u:%zu:%15[a-z0-9]:%u", &r.type, &r.peerid, &r.size,
	    r.until, &r.times);
	if (n < 4)
		errx(EXIT_OURS, "%s: not a request", s);
	return r;
}

static void
converse(struct imsg *m)
{
	char *argv[] = { "sh", "-c", NULL, NULL };
	int fd, status;

	if (command == NULL || (fd = imsg_get_fd(m)) == -1)
		return;
	if ((argv[2] = strdup(command)) == NULL)
		err(EXIT_OURS, NULL);
	status = reap(spawn(argv, fd));
	free(argv[2]);
	close(fd);
	if (status != 0)
		errx(EXIT_OURS, "command: status %d", status);
}

/* Waits for one answer; the caller frees it. */
static void
answer(struct imsgbuf *b, struct imsg *m)
{
	switch (imsgbuf_recv(b, m, PATIENCE)) {
	case 1:
		break;
	case 0:
		errx(EXIT_OURS, "end of file%s",
		    imsgbuf_partial(b) ? " in a message" : "");
	default:
		err(EXIT_OURS, "imsgbuf_recv");
	}
	answers++;
	bytes += IMSG_HEADER_SIZE + imsg_get_len(m);
	note(stdout, "", m, strings_from);
	converse(m);
}

static void
up_to(struct imsgbuf *b, uint32_t last, unsigned int times)
{
	struct imsg m;

	while (times > 0) {
		answer(b, &m);
		times -= imsg_get_type(&m) == last;
		imsg_free(&m);
	}
}

static void
send_one(struct imsgbuf *b, const struct request *r, const void *data)
{
	if (imsg_compose(b, r->type, r->peerid, 0, -1, data, r->size) == -1)
		printf("not sent: %s\n", errno_name(errno));
	if (imsgbuf_flush_timeout(b, PATIENCE) == -1)
		err(EXIT_OURS, "imsgbuf_flush_timeout");
}

static void
again(struct imsgbuf *b, const struct request *r)
{
	struct imsg m;
	void *next;
	int more = 1;

	while (more) {
		answer(b, &m);
		if (imsg_get_len(&m) != r->size)
			errx(EXIT_OURS, "an answer of another size");
		memcpy(&next, m.data, sizeof(next));
		more = next != NULL;
		if (more)
			send_one(b, r, m.data);
		imsg_free(&m);
	}
}

/* The daemon hangs up; bytes of ours that it did not read are a reset. */
static void
closed(struct imsgbuf *b)
{
	struct imsg m;
	int n = imsgbuf_recv(b, &m, PATIENCE);

	if ((n == 0 && !imsgbuf_partial(b)) || (n == -1 && errno == ECONNRESET))
		puts("closed");
	else
		errx(EXIT_OURS, "not closed: %d %s", n, strerror(errno));
}

static void
refused(struct imsgbuf *b)
{
	struct imsg_hdr h;
	struct imsg m;
	int e;

	if (imsgbuf_recv(b, &m, PATIENCE) != -1 || (e = errno) == ETIMEDOUT)
		errx(EXIT_OURS, "not refused");
	if (imsgbuf_failed(b, &h) != e)
		errx(EXIT_OURS, "not the error of the stream");
	printf("refused: %s, type %u, length 0x%08x\n", errno_name(e), h.type,
	    h.len);
}

static void
ask(struct imsgbuf *b, const struct request *r)
{
	unsigned int i;
	struct imsg m;
	void *zeros;

	if ((zeros = calloc(1, r->size + 1)) == NULL)
		err(EXIT_OURS, NULL);
	for (i = 0; i < r->times; i++)
		send_one(b, r, zeros);
	free(zeros);
	if (strcmp(r->until, "one") == 0) {
		answer(b, &m);
		imsg_free(&m);
	} else if (strcmp(r->until, "again") == 0)
		again(b, r);
	else if (strcmp(r->until, "closed") == 0)
		closed(b);
	else if (strcmp(r->until, "refused") == 0)
		refused(b);
	else if (strcmp(r->until, "nothing") != 0)
		up_to(b, (uint32_t)strtoul(r->until, NULL, 10), r->times);
}

static void
finish(struct imsgbuf *b, int fds)
{
	struct imsg m;

	printf("%u answers, %zu bytes\n", answers, bytes);
	if (imsgbuf_failed(b, NULL) == 0 && imsgbuf_recv(b, &m, 0) == 1)
		errx(EXIT_OURS, "an answer too many: type %u", m.hdr.type);
	if (imsgbuf_partial(b))
		errx(EXIT_OURS, "part of an answer is left");
	imsgbuf_clear(b);
	close(b->fd);
	if (fds_open() != fds)
		errx(EXIT_OURS, "%d descriptors before, %d after", fds,
		    fds_open());
}

int
main(int argc, char **argv)
{
	int ch, fds = fds_open(), wire = IMSG_WIRE_CLASSIC;
	unsigned long maxsize = MAX_IMSGSIZE;
	struct request r;
	struct imsgbuf b;

	alarm(60);
	while ((ch = getopt(argc, argv, "b:e:mo:")) != -1) {
		if (ch == 'm')
			wire = IMSG_WIRE_MODERN;
		else if (ch == 'e')
			command = optarg;
		else if (ch == 'b')
			maxsize = strtoul(optarg, NULL, 10);
		else if (ch == 'o')
			strings_from = strtoul(optarg, NULL, 10);
		else
			return EXIT_OURS;
	}
	if (argc - optind < 2)
		errx(
		    EXIT_OURS, "usage: daemon-ask [options] SOCKET REQUEST...");
	ready(&b, dial(argv[optind]), wire);
	if (imsgbuf_set_maxsize(&b, (uint32_t)maxsize) == -1)
		err(EXIT_OURS, "imsgbuf_set_maxsize");
	while (++optind < argc) {
		r = parse(argv[optind]);
		ask(&b, &r);
	}
	finish(&b, fds);
	return 0;
}
