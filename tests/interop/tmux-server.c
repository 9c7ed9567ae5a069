/* SPDX-License-Identifier: ISC */
/*
 * A server for the real client of tmux:
 *	tmux-server SOCKET CASE
 * starts "tmux -S SOCKET COMMAND", serves it, and compares what it prints and
 * its exit status with what the server sent.
 */
#include "tmux-serve.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

extern char **environ;

static const char *path;
static int lfd;

static char *const list_sessions[] = { "list-sessions", NULL };

/* Starts a client and hears it out, with everything that it has to say. */
static void
welcome(struct real *r, struct visit *v, char *const *argv, char *const *envp)
{
	char cwd[PATH_MAX];
	int i;

	real_start(r, path, argv, envp);
	if (serve_accept(v, lfd, IMSG_WIRE_CLASSIC) != r->pid)
		fail("the kernel says it is another process");
	serve_identify(v);
	same_file(v->in, r->in, "standard input");
	same_file(v->out, r->out, "standard output");
	for (i = T_ID_FLAGS; i <= T_ID_TERMINFO; i++)
		if (i != 103 && i != T_ID_ENVIRON && i != T_ID_TERMINFO &&
		    v->count[i - T_ID_FLAGS] != 1)
			fail("%d messages %d", v->count[i - T_ID_FLAGS], i);
	if (v->pid != r->pid || !(v->flags & FLAG_UTF8) ||
	    !(v->longflags & FLAG_UTF8) || getcwd(cwd, sizeof(cwd)) == NULL ||
	    strcmp(v->cwd, cwd) != 0)
		fail("pid %d, flags %x, directory %s", v->pid,
		    (unsigned int)v->flags, v->cwd);
	for (i = 0; i < v->nenv && envp[i] != NULL; i++)
		if (strcmp(envp[i], v->env[i]) != 0)
			fail("%s instead of %s", v->env[i], envp[i]);
	if (i != v->nenv || envp[i] != NULL)
		fail("%d variables", v->nenv);
	for (i = 0; i < v->argc && argv[i] != NULL; i++)
		if (strcmp(argv[i], v->argv[i]) != 0)
			fail("%s instead of %s", v->argv[i], argv[i]);
	if (i != v->argc || argv[i] != NULL)
		fail("%d arguments", v->argc);
}

static void
prints(int fd, const char *want, size_t len, const char *what)
{
	size_t n;
	char *got = real_text(fd, &n);

	if (n != len || (len > 0 && memcmp(got, want, len) != 0))
		fail("%s: %zu bytes: %.200s", what, n, got);
	free(got);
}

/* The end of a visit, and what the client made of it. */
static void
farewell(struct real *r, const char *out, size_t len, const char *err, int want)
{
	int status = real_status(r);

	prints(r->out, out, len, "standard output");
	prints(r->err, err, strlen(err), "standard error");
	if (status != want)
		fail("exit status %d instead of %d", status, want);
	real_end(r);
}

static void
list(void)
{
	static const char text[] = "ours: 3 windows (served by libimsg)\n";
	struct real r = { -1, -1, -1, -1 };
	struct visit v;

	welcome(&r, &v, list_sessions, environ);
	serve_print(&v, 1, text, strlen(text));
	serve_exit(&v, 0, NULL);
	serve_end(&v);
	farewell(&r, text, strlen(text), "", 0);
}

static void
display(void)
{
	static char *const argv[] = { "display-message", "-p", "#{pid} and $x",
		"", "\303\244", NULL };
	struct real r = { -1, -1, -1, -1 };
	struct visit v;

	welcome(&r, &v, argv, environ);
	serve_print(&v, 1, "4711\n", 5);
	serve_print(&v, 2, "no such thing\n", 14);
	serve_exit(&v, 7, NULL);
	serve_end(&v);
	farewell(&r, "4711\n", 5, "no such thing\n", 7);
}

static void
message(void)
{
	struct real r = { -1, -1, -1, -1 };
	struct visit v;

	welcome(&r, &v, list_sessions, environ);
	serve_exit(&v, 3, "not today");
	serve_end(&v);
	farewell(&r, "", 0, "not today\n", 3);
}

static void
version(void)
{
	struct real r = { -1, -1, -1, -1 };
	struct visit v;

	welcome(&r, &v, list_sessions, environ);
	v.p.version = 9;
	peer_send(&v.p, T_VERSION, -1, NULL, 0);
	serve_end(&v);
	farewell(
	    &r, "", 0, "protocol version mismatch (client 8, server 9)\n", 1);
}

static void
lost(void)
{
	struct real r = { -1, -1, -1, -1 };
	struct visit v;

	welcome(&r, &v, list_sessions, environ);
	serve_forget(&v);
	farewell(&r, "", 0, "server exited unexpectedly\n", 1);
}

/* A thousand variables, one of them as large as a message can be. */
static void
many_variables(void)
{
	struct real r = { -1, -1, -1, -1 };
	struct visit v;
	char *envp[1003], path_var[PATH_MAX];
	int i;

	snprintf(path_var, sizeof(path_var), "PATH=%s", getenv("PATH"));
	envp[0] = path_var;
	for (i = 1; i <= 1000; i++)
		if (asprintf(&envp[i], "V%d=%0*d", i, i, i) == -1)
			fail("out of memory");
	if ((envp[i] = malloc(LARGEST)) == NULL)
		fail("out of memory");
	memset(envp[i], 'v', LARGEST);
	memcpy(envp[i], "LARGEST=", 8);
	envp[i++][LARGEST - 1] = '\0';
	envp[i] = NULL;
	welcome(&r, &v, list_sessions, envp);
	while (--i > 0)
		free(envp[i]);
	serve_exit(&v, 0, NULL);
	serve_end(&v);
	farewell(&r, "", 0, "", 0);
}

/* A command that fills the largest message to the last byte. */
static void
long_command(void)
{
	struct real r = { -1, -1, -1, -1 };
	struct visit v;
	char *argv[] = { "display-message", "-p", NULL, NULL };
	size_t len = LARGEST - sizeof(int) - strlen(argv[0]) - 1 - 3;

	if ((argv[2] = malloc(len)) == NULL)
		fail("out of memory");
	memset(argv[2], 'c', len);
	argv[2][len - 1] = '\0';
	welcome(&r, &v, argv, environ);
	free(argv[2]);
	serve_exit(&v, 0, NULL);
	serve_end(&v);
	farewell(&r, "", 0, "", 0);
}

static char *
megabyte(void)
{
	char *s = malloc(1 << 20);
	uint32_t x = 1;
	int i;

	if (s == NULL)
		fail("out of memory");
	for (i = 0; i < 1 << 20; i++) {
		x = x * 1664525 + 1013904223;
		s[i] = (char)(x >> 24);
	}
	return s;
}

static void
much_output(void)
{
	static char *const argv[] = { "show-buffer", NULL };
	struct real r = { -1, -1, -1, -1 };
	struct visit v;
	char *text = megabyte();

	welcome(&r, &v, argv, environ);
	serve_print(&v, 1, text, 1 << 20);
	serve_exit(&v, 0, NULL);
	serve_end(&v);
	farewell(&r, text, 1 << 20, "", 0);
	free(text);
}

static void
much_input(void)
{
	static char *const argv[] = { "load-buffer", "-", NULL };
	struct real r = { -1, -1, -1, -1 };
	struct visit v;
	char *text = megabyte(), *got;
	FILE *f = tmpfile();
	size_t len;

	if (f == NULL || fwrite(text, 1, 1 << 20, f) != 1 << 20 ||
	    fflush(f) == EOF || (r.in = dup(fileno(f))) == -1 ||
	    fclose(f) == EOF || lseek(r.in, 0, SEEK_SET) == -1)
		fail("temporary file: %s", strerror(errno));
	welcome(&r, &v, argv, environ);
	got = serve_input(&v, &len);
	if (len != 1 << 20 || memcmp(got, text, len) != 0)
		fail("%zu bytes came", len);
	free(got);
	free(text);
	serve_exit(&v, 0, NULL);
	serve_end(&v);
	farewell(&r, "", 0, "", 0);
}

static void
one_by_one(void)
{
	int i;

	for (i = 0; i < 50; i++)
		list();
}

/* Six at a time, of whom the last to come is the first to be served. */
static void
together(void)
{
	struct real r[6];
	struct visit v[6];
	pid_t pid[6];
	char text[32];
	int i, j, n;

	for (i = 0; i < 6; i++) {
		r[i] = (struct real){ -1, -1, -1, -1 };
		real_start(&r[i], path, list_sessions, environ);
	}
	for (i = 0; i < 6; i++)
		pid[i] = serve_accept(&v[i], lfd, IMSG_WIRE_CLASSIC);
	while (i-- > 0) {
		serve_identify(&v[i]);
		for (j = 0; j < 6 && r[j].pid != pid[i]; j++)
			continue;
		if (j == 6 || v[i].pid != pid[i])
			fail("unknown client %d", (int)pid[i]);
		same_file(v[i].in, r[j].in, "standard input");
		same_file(v[i].out, r[j].out, "standard output");
		n = snprintf(text, sizeof(text), "client %d\n", j);
		serve_print(&v[i], 1, text, (size_t)n);
		serve_exit(&v[i], j, NULL);
		serve_end(&v[i]);
		farewell(&r[j], text, (size_t)n, "", j);
	}
}

/* Six messages are the same on both wires; the seventh has the mark. */
static void
modern(void)
{
	struct real r = { -1, -1, -1, -1 };
	struct visit v;
	struct imsg_hdr hdr;
	struct imsg m;
	int n;

	real_start(&r, path, list_sessions, environ);
	(void)serve_accept(&v, lfd, IMSG_WIRE_MODERN);
	for (n = 0; imsgbuf_recv(&v.p.b, &m, WAIT_MS) == 1; n++)
		imsg_free(&m);
	if (errno != EPROTO || n != 6)
		fail("%s after %d messages", strerror(errno), n);
	if (imsgbuf_failed(&v.p.b, &hdr) != EPROTO || hdr.type != T_ID_STDIN ||
	    hdr.len != (0x10000 | IMSG_HEADER_SIZE) || hdr.peerid != PROTOCOL)
		fail("header %u %x %u", hdr.type, hdr.len, hdr.peerid);
	errno = 0;
	if (imsgbuf_read(&v.p.b) != -1 || errno != EPROTO ||
	    imsgbuf_get(&v.p.b, &m) != 0 || imsgbuf_events(&v.p.b) & POLLIN)
		fail("the stream goes on after EPROTO");
	serve_forget(&v);
	farewell(&r, "", 0, "server exited unexpectedly\n", 1);
}

static const struct {
	const char *name;
	void (*run)(void);
} cases[] = { { "list", list }, { "display", display }, { "message", message },
	{ "version", version }, { "lost", lost },
	{ "many-variables", many_variables }, { "long-command", long_command },
	{ "much-output", much_output }, { "much-input", much_input },
	{ "one-by-one", one_by_one }, { "together", together },
	{ "modern", modern } };

int
main(int argc, char **argv)
{
	size_t i;
	int before;

	if (argc != 3)
		fail("usage: tmux-server SOCKET CASE");
	limit_time();
	before = open_fds();
	path = argv[1];
	lfd = serve_listen(path);
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (strcmp(cases[i].name, argv[2]) == 0) {
			cases[i].run();
			close(lfd);
			unlink(path);
			if (open_fds() != before)
				fail("%d descriptors, %d before", open_fds(),
				    before);
			return 0;
		}
	fail("no such case as %s", argv[2]);
}
