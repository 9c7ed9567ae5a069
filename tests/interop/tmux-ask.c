/* SPDX-License-Identifier: ISC */
/*
 * The client's half: who we are, the command, and the reading and writing of
 * files that the server leaves to its clients.
 */
#include "tmux-ask.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

extern char **environ;

static void
send_string(struct peer *p, uint32_t type, const char *s)
{
	peer_send(p, type, -1, s, strlen(s) + 1);
}

static void
send_fd(struct peer *p, uint32_t type, int fd)
{
	if ((fd = dup(fd)) == -1)
		fail("dup: %s", strerror(errno));
	peer_send(p, type, fd, NULL, 0);
}

/* Queued in one go: the library sends what belongs to no descriptor together.
 */
void
ask_identify(struct peer *p, const struct ident *id)
{
	const int flags = FLAG_UTF8 | id->flags, features = 0;
	const int pid = (int)getpid();
	const uint64_t longflags = (uint64_t)flags;
	const char *const *cap = id->caps;
	char cwd[PATH_MAX];
	char **e;

	if (getcwd(cwd, sizeof(cwd)) == NULL)
		fail("getcwd: %s", strerror(errno));
	peer_send(p, T_ID_FLAGS, -1, &flags, sizeof(flags));
	peer_send(p, T_ID_LONGFLAGS, -1, &longflags, sizeof(longflags));
	send_string(p, T_ID_TERM, id->term);
	peer_send(p, T_ID_FEATURES, -1, &features, sizeof(features));
	send_string(p, T_ID_TTYNAME, id->tty);
	send_string(p, T_ID_CWD, cwd);
	while (cap != NULL && *cap != NULL)
		send_string(p, T_ID_TERMINFO, *cap++);
	send_fd(p, T_ID_STDIN, id->in);
	send_fd(p, T_ID_STDOUT, id->out);
	peer_send(p, T_ID_CLIENTPID, -1, &pid, sizeof(pid));
	for (e = environ; *e != NULL; e++)
		send_string(p, T_ID_ENVIRON, *e);
	peer_send(p, T_ID_DONE, -1, NULL, 0);
}

void
ask_command(struct peer *p, int argc, char *const *argv)
{
	struct ibuf *m =
	    imsg_create(&p->b, T_COMMAND, p->version, (pid_t)-1, sizeof(argc));
	int i;

	if (m == NULL || imsg_add(m, &argc, sizeof(argc)) == -1)
		fail("command: %s", strerror(errno));
	for (i = 0; i < argc; i++)
		if (imsg_add(m, argv[i], strlen(argv[i]) + 1) == -1)
			fail("command: %s", strerror(errno));
	if (p->trace != NULL)
		fprintf(p->trace, "> %d %zu\n", T_COMMAND,
		    ibuf_size(m) - IMSG_HEADER_SIZE);
	imsg_close(&p->b, m);
	p->sent++;
	peer_flush(p);
}

static FILE *
stream_of(const struct answer *a, int id)
{
	int i;

	for (i = 0; i < a->nstreams; i++)
		if (a->stream[i].id == id)
			return a->stream[i].f;
	fail("the server writes to stream %d, which is not open", id);
}

static void
write_open(struct peer *p, struct imsg *m, struct answer *a)
{
	int ready[2] = { take_int(m), 0 };
	int fd = take_int(m);
	char *path = NULL;
	FILE *f = fd == STDERR_FILENO ? a->err : a->out;

	(void)take_int(m);
	if (imsg_get_len(m) != 0)
		path = take_string(m);
	if (fd == -1 && (path == NULL || (f = fopen(path, "wb")) == NULL))
		ready[1] = errno;
	free(path);
	if (a->nstreams == STREAMS)
		fail("too many streams");
	a->stream[a->nstreams].id = ready[0];
	a->stream[a->nstreams++].f = f;
	peer_send(p, T_WRITE_READY, -1, ready, sizeof(ready));
}

static void
write_data(struct imsg *m, const struct answer *a)
{
	FILE *f = stream_of(a, take_int(m));
	struct ibuf v;

	if (imsg_get_ibuf(m, &v) == -1 ||
	    fwrite(ibuf_data(&v), 1, ibuf_size(&v), f) != ibuf_size(&v))
		fail("write: %s", strerror(errno));
}

static void
write_close(struct imsg *m, const struct answer *a)
{
	FILE *f = stream_of(a, take_int(m));

	if (f != a->out && f != a->err && fclose(f) == EOF)
		fail("close: %s", strerror(errno));
}

/* A file to the server, in the largest messages that it takes. */
static void
read_open(struct peer *p, struct imsg *m, const struct answer *a)
{
	int done[2] = { take_int(m), 0 };
	int fd = take_int(m);
	char *path = imsg_get_len(m) != 0 ? take_string(m) : NULL;
	FILE *f = fd == STDIN_FILENO ? a->in : NULL;
	char data[LARGEST - sizeof(int)];
	size_t n;

	if (fd == -1 && path != NULL)
		f = fopen(path, "rb");
	if (f == NULL)
		done[1] = fd == -1 ? errno : EBADF;
	while (f != NULL && (n = fread(data, 1, sizeof(data), f)) > 0)
		peer_sendv(p, T_READ, &done[0], sizeof(int), data, n);
	if (f != NULL && f != a->in)
		fclose(f);
	free(path);
	peer_send(p, T_READ_DONE, -1, done, sizeof(done));
}

static void
ended(struct imsg *m, struct answer *a)
{
	if (imsg_get_len(m) != 0)
		a->status = take_int(m);
	if (imsg_get_len(m) != 0)
		a->message = take_string(m);
}

int
ask_answer(struct peer *p, struct imsg *m, struct answer *a)
{
	uint32_t type = imsg_get_type(m);

	switch (type) {
	case T_WRITE_OPEN:
		write_open(p, m, a);
		break;
	case T_WRITE:
		write_data(m, a);
		break;
	case T_WRITE_CLOSE:
		write_close(m, a);
		break;
	case T_READ_OPEN:
		read_open(p, m, a);
		break;
	case T_EXIT:
		ended(m, a);
		break;
	default:
		fail("message %u is not for a client that waits", type);
	}
	done_with(m);
	return type == T_EXIT;
}

char *
ask_text(const char *path, int argc, char *const *argv)
{
	const struct ident id = { "interop", "", NULL, 0, 1, 0 };
	struct answer a = { .err = stderr };
	struct peer p;
	struct imsg m;
	char *text = NULL;
	size_t len;

	if ((a.out = open_memstream(&text, &len)) == NULL)
		fail("open_memstream: %s", strerror(errno));
	peer_open(&p, connect_to(path), IMSG_WIRE_CLASSIC);
	ask_identify(&p, &id);
	ask_command(&p, argc, argv);
	do {
		if (peer_next(&p, &m, WAIT_MS) != 1)
			fail("the server went away");
	} while (ask_answer(&p, &m, &a) == 0);
	peer_close(&p);
	free(a.message);
	if (a.status != 0 || fclose(a.out) == EOF)
		fail("%s: status %d", argv[0], a.status);
	return text;
}
