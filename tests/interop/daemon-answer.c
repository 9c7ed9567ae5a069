/* SPDX-License-Identifier: ISC */
/*
 * A daemon for an unmodified client: its answers are written down in a file.
 *	daemon-answer [-m] [-b MAXSIZE] [-e COMMAND] ANSWERS LOG SOCKET
 *	    CLIENT...
 * listens at SOCKET, runs the client and ends with its status.  ANSWERS has,
 * after a line "on TYPE", a line for each message of the answer to it:
 *	TYPE PEERID SIZE [xTIMES] [fd] [OFFSET=KIND:VALUE]...
 * where KIND is u8, u16, u32, u64 in the order of the machine, s a string
 * ("%" in it becomes the number of the repetition) or a an address.  fd is a
 * descriptor: a socket at whose other end the shell command of -e sits.
 * LOG gets the requests, as daemon-common.c writes messages down.
 */
#include "daemon-common.h"

#include <sys/socket.h>

#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char *command;
static pid_t helper;

struct line {
	uint32_t type;
	uint32_t peerid;
	size_t size;
	unsigned int times;
	int fd;
	char *fields;
};

/* Starts the command and returns our end of its socket. */
static int
converser(void)
{
	char *argv[] = { "sh", "-c", command, NULL };
	int s[2];

	if (command == NULL)
		errx(EXIT_OURS, "a descriptor, but no -e");
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, s) == -1)
		err(EXIT_OURS, "socketpair");
	helper = spawn(argv, s[1]);
	close(s[1]);
	return s[0];
}

static size_t
text(char *to, size_t room, const char *from, unsigned int number)
{
	const char *mark = strchr(from, '%');
	int n;

	if (mark == NULL)
		n = snprintf(to, room, "%s", from);
	else
		n = snprintf(to, room, "%.*s%u%s", (int)(mark - from), from,
		    number, mark + 1);
	return (size_t)n;
}

/* Writes OFFSET=KIND:VALUE into a payload. */
static void
put(unsigned char *data, size_t size, const char *field, unsigned int number)
{
	char kind[4], value[64];
	unsigned char raw[64];
	unsigned long long v;
	size_t at, n = 0;

	if (sscanf(field, "%zu=%3[a-z0-9]:%63s", &at, kind, value) != 3)
		errx(EXIT_OURS, "%s: not a field", field);
	v = strtoull(value, NULL, 0);
	memset(raw, 0, sizeof(raw));
	if (kind[0] == 's')
		n = text((char *)raw, sizeof(raw), value, number);
	else if (kind[0] == 'a' && inet_pton(AF_INET, value, raw) == 1)
		n = 4;
	else if (kind[0] == 'u' && (n = strtoul(kind + 1, NULL, 10) / 8) == 1)
		memcpy(raw, &(uint8_t){ (uint8_t)v }, n);
	else if (n == 2)
		memcpy(raw, &(uint16_t){ (uint16_t)v }, n);
	else if (n == 4)
		memcpy(raw, &(uint32_t){ (uint32_t)v }, n);
	else if (n == 8)
		memcpy(raw, &(uint64_t){ v }, n);
	if (n == 0 || at > size || n > size - at)
		errx(EXIT_OURS, "%s: does not fit", field);
	memcpy(data + at, raw, n);
}

static void
compose(struct imsgbuf *b, const struct line *l, unsigned int number)
{
	char *fields, *f, *rest;
	struct ibuf *msg;
	void *data;

	msg = imsg_create(b, l->type, l->peerid, 0, l->size);
	if (msg == NULL || (fields = strdup(l->fields)) == NULL)
		err(EXIT_OURS, "imsg_create");
	if (ibuf_add_zero(msg, l->size) == -1 ||
	    (data = ibuf_seek(msg, IMSG_HEADER_SIZE, l->size)) == NULL)
		err(EXIT_OURS, "ibuf_add_zero");
	for (f = strtok_r(fields, " \n", &rest); f != NULL;
	     f = strtok_r(NULL, " \n", &rest))
		if (strcmp(f, "fd") == 0)
			ibuf_fd_set(msg, converser());
		else if (f[0] != 'x')
			put(data, l->size, f, number);
	free(fields);
	imsg_close(b, msg);
}

static void
answer_line(struct imsgbuf *b, char *s)
{
	struct line l = { .times = 1 };
	unsigned int i;
	int n = 0;

	if (sscanf(s, "%u %u %zu%n", &l.type, &l.peerid, &l.size, &n) != 3)
		errx(EXIT_OURS, "%s: not an answer", s);
	l.fields = s + n;
	sscanf(l.fields, " x%u", &l.times);
	for (i = 1; i <= l.times; i++)
		compose(b, &l, i);
}

static void
answer(struct imsgbuf *b, FILE *script, uint32_t request)
{
	char *s = NULL;
	size_t room = 0;
	unsigned int on = 0, known = 0;

	rewind(script);
	while (getline(&s, &room, script) != -1) {
		if (sscanf(s, "on %u", &on) == 1)
			known |= on == request;
		else if (on == request)
			answer_line(b, s);
	}
	free(s);
	if (!known)
		errx(EXIT_OURS, "unexpected request %u", request);
	if (imsgbuf_flush_timeout(b, PATIENCE) == -1 && errno != EPIPE)
		err(EXIT_OURS, "imsgbuf_flush_timeout");
}

/* Until the client hangs up. */
static void
converse(struct imsgbuf *b, FILE *script, FILE *out)
{
	struct imsg m;
	int n;

	while ((n = imsgbuf_recv(b, &m, PATIENCE)) == 1) {
		note(out, "", &m, 0);
		answer(b, script, imsg_get_type(&m));
		imsg_free(&m);
	}
	if (n == -1 && errno != ECONNRESET)
		err(EXIT_OURS, "imsgbuf_recv");
	if (imsgbuf_partial(b))
		errx(EXIT_OURS, "the client's request is torn");
	imsgbuf_clear(b);
	close(b->fd);
}

static int
run(char **argv, int wire, uint32_t maxsize)
{
	int fds, listener, status;
	FILE *script, *out;
	struct imsgbuf b;
	pid_t pid;

	if ((script = fopen(argv[0], "re")) == NULL ||
	    (out = fopen(argv[1], "we")) == NULL)
		err(EXIT_OURS, "%s, %s", argv[0], argv[1]);
	fds = fds_open();
	listener = serve(argv[2]);
	pid = spawn(argv + 3, -1);
	ready(&b, take(listener), wire);
	if (imsgbuf_set_maxsize(&b, maxsize) == -1)
		err(EXIT_OURS, "imsgbuf_set_maxsize");
	converse(&b, script, out);
	status = reap(pid);
	if (helper != 0 && reap(helper) != 0)
		errx(EXIT_OURS, "the command failed");
	unlink(argv[2]);
	if (fds_open() != fds)
		errx(EXIT_OURS, "%d descriptors left", fds_open() - fds);
	fclose(script);
	return fclose(out) == 0 ? status : EXIT_OURS;
}

int
main(int argc, char **argv)
{
	unsigned long maxsize = MAX_IMSGSIZE;
	int ch, wire = IMSG_WIRE_CLASSIC;

	alarm(60);
	/* The options of the client are its own. */
	while ((ch = getopt(argc, argv, "+b:e:m")) != -1) {
		if (ch == 'm')
			wire = IMSG_WIRE_MODERN;
		else if (ch == 'e')
			command = optarg;
		else if (ch == 'b')
			maxsize = strtoul(optarg, NULL, 10);
		else
			return EXIT_OURS;
	}
	if (argc - optind < 4)
		errx(EXIT_OURS,
		    "usage: daemon-answer [options] ANSWERS LOG SOCKET CLIENT");
	return run(argv + optind, wire, (uint32_t)maxsize);
}
