/* SPDX-License-Identifier: ISC */
/*
 * The server's half: who the client is, what it wants, and the answer.
 */
#include "tmux-serve.h"

#include <sys/socket.h>
#include <sys/un.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int
serve_listen(const char *path)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (strlen(path) >= sizeof(sa.sun_path))
		fail("%s: too long for a socket", path);
	strcpy(sa.sun_path, path);
	if (fd == -1 || bind(fd, (struct sockaddr *)&sa, sizeof(sa)) == -1 ||
	    listen(fd, 64) == -1)
		fail("%s: %s", path, strerror(errno));
	return fd;
}

pid_t
serve_accept(struct visit *v, int lfd, int wire)
{
	struct imsg_cred cred;
	int fd;

	memset(v, 0, sizeof(*v));
	v->in = v->out = -1;
	if (!wait_readable(lfd, WAIT_MS) ||
	    (fd = accept4(lfd, NULL, NULL, SOCK_CLOEXEC)) == -1)
		fail("no client came");
	peer_open(&v->p, fd, wire);
	if (imsgbuf_peercred(&v->p.b, &cred) == -1 || cred.uid != geteuid())
		fail("the client is not ours");
	return cred.pid;
}

/* The order in which a client tells its things. */
static int
rank_of(uint32_t type)
{
	static const uint32_t order[] = { T_ID_FLAGS, T_ID_LONGFLAGS, T_ID_TERM,
		T_ID_FEATURES, T_ID_TTYNAME, T_ID_CWD, T_ID_TERMINFO,
		T_ID_STDIN, T_ID_STDOUT, T_ID_CLIENTPID, T_ID_ENVIRON,
		T_ID_DONE };
	size_t i;

	for (i = 0; i < sizeof(order) / sizeof(order[0]); i++)
		if (order[i] == type)
			return (int)i;
	fail("message %u is none to identify with", type);
}

static void
take_word(struct visit *v, struct imsg *m)
{
	switch (imsg_get_type(m)) {
	case T_ID_FLAGS:
		v->flags = take_int(m);
		break;
	case T_ID_LONGFLAGS:
		if (imsg_get_data(m, &v->longflags, sizeof(v->longflags)) == -1)
			fail("flags: %s", strerror(errno));
		break;
	case T_ID_FEATURES:
		(void)take_int(m);
		break;
	case T_ID_CLIENTPID:
		v->pid = take_int(m);
		break;
	case T_ID_STDIN:
		v->in = imsg_get_fd(m);
		break;
	case T_ID_STDOUT:
		v->out = imsg_get_fd(m);
		break;
	default:
		break;
	}
}

static void
take_words(struct visit *v, struct imsg *m)
{
	switch (imsg_get_type(m)) {
	case T_ID_TERM:
		v->term = take_string(m);
		break;
	case T_ID_TTYNAME:
		v->tty = take_string(m);
		break;
	case T_ID_CWD:
		v->cwd = take_string(m);
		break;
	case T_ID_TERMINFO:
		free(take_string(m));
		break;
	case T_ID_ENVIRON:
		if (v->nenv == MOST_STRINGS)
			fail("too large an environment");
		v->env[v->nenv++] = take_string(m);
		break;
	default:
		take_word(v, m);
		break;
	}
}

/* argc, and as many strings. */
static void
take_command(struct visit *v, struct imsg *m)
{
	struct ibuf b;
	const char *s, *end;
	int i;

	v->argc = take_int(m);
	if (v->argc < 1 || v->argc > MOST_STRINGS || imsg_get_ibuf(m, &b) == -1)
		fail("%d arguments", v->argc);
	for (i = 0; i < v->argc; i++) {
		s = ibuf_data(&b);
		if ((end = memchr(s, '\0', ibuf_size(&b))) == NULL)
			fail("argument %d of %d has no end", i, v->argc);
		v->argv[i] = ibuf_get_string(&b, (size_t)(end - s) + 1);
		if (v->argv[i] == NULL)
			fail("argument: %s", strerror(errno));
	}
	if (ibuf_size(&b) != 0)
		fail("more than %d arguments", v->argc);
}

void
serve_identify(struct visit *v)
{
	struct imsg m;
	uint32_t type = 0;
	int rank;

	while (type != T_ID_DONE) {
		if (peer_next(&v->p, &m, WAIT_MS) != 1)
			fail("the client went away");
		type = imsg_get_type(&m);
		if ((rank = rank_of(type)) < v->rank)
			fail("message %u out of order", type);
		v->rank = rank;
		v->count[type - T_ID_FLAGS]++;
		take_words(v, &m);
		done_with(&m);
	}
	peer_expect(&v->p, &m, T_COMMAND);
	take_command(v, &m);
	done_with(&m);
}

static void
expect_pair(struct visit *v, uint32_t type, int stream)
{
	struct imsg m;
	int got;

	peer_expect(&v->p, &m, type);
	if ((got = take_int(&m)) != stream)
		fail("message %u for stream %d", type, got);
	if ((got = take_int(&m)) != 0)
		fail("message %u says: %s", type, strerror(got));
	done_with(&m);
}

void
serve_print(struct visit *v, int stream, const void *text, size_t len)
{
	const int open[3] = { stream, stream, 0 };
	const char *s = text;
	size_t n;

	peer_send(&v->p, T_WRITE_OPEN, -1, open, sizeof(open));
	expect_pair(v, T_WRITE_READY, stream);
	for (; len > 0; s += n, len -= n) {
		n = len;
		if (n > LARGEST - sizeof(int))
			n = LARGEST - sizeof(int);
		peer_sendv(&v->p, T_WRITE, &stream, sizeof(stream), s, n);
	}
	peer_flush(&v->p);
}

char *
serve_input(struct visit *v, size_t *len)
{
	const int open[2] = { 3, STDIN_FILENO };
	struct imsg m;
	struct ibuf b;
	FILE *f;
	char *text;

	if ((f = open_memstream(&text, len)) == NULL)
		fail("open_memstream: %s", strerror(errno));
	peer_send(&v->p, T_READ_OPEN, -1, open, sizeof(open));
	for (;;) {
		if (peer_next(&v->p, &m, WAIT_MS) != 1)
			fail("the client went away");
		if (imsg_get_type(&m) == T_READ_DONE)
			break;
		if (imsg_get_type(&m) != T_READ || take_int(&m) != open[0] ||
		    imsg_get_ibuf(&m, &b) == -1 ||
		    fwrite(ibuf_data(&b), 1, ibuf_size(&b), f) != ibuf_size(&b))
			fail("message %u instead of input", imsg_get_type(&m));
		done_with(&m);
	}
	if (take_int(&m) != open[0] || take_int(&m) != 0 || fclose(f) == EOF)
		fail("the client could not read");
	done_with(&m);
	return text;
}

void
serve_exit(struct visit *v, int status, const char *message)
{
	if (message == NULL)
		peer_send(&v->p, T_EXIT, -1, &status, sizeof(status));
	else
		peer_sendv(&v->p, T_EXIT, &status, sizeof(status), message,
		    strlen(message) + 1);
	peer_flush(&v->p);
}

void
serve_end(struct visit *v)
{
	peer_expect_end(&v->p);
	serve_forget(v);
}

void
serve_forget(struct visit *v)
{
	int i;

	peer_close(&v->p);
	if (v->in != -1)
		close(v->in);
	if (v->out != -1)
		close(v->out);
	free(v->term);
	free(v->tty);
	free(v->cwd);
	for (i = 0; i < v->nenv; i++)
		free(v->env[i]);
	for (i = 0; i < v->argc; i++)
		free(v->argv[i]);
}
