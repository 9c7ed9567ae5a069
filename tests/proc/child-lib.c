/* SPDX-License-Identifier: ISC */
/* See child-lib.h. */
#define _GNU_SOURCE
#include "child-lib.h"

#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <linux/securebits.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "proc-int.h"

bool
is_root(void)
{
	return geteuid() == 0;
}

/* In the new process: nothing here may go wrong silently. */
static void
need(bool good, int what)
{
	if (!good)
		_exit(100 + what);
}

static void
become(const char *user)
{
	struct passwd *pw = getpwnam(user);

	need(pw != NULL, 1);
	need(setgroups(0, NULL) == 0, 2);
	need(setresgid(pw->pw_gid, pw->pw_gid, pw->pw_gid) == 0, 3);
	need(setresuid(pw->pw_uid, pw->pw_uid, pw->pw_uid) == 0, 4);
}

static void
place_descriptors(const struct birth *b, int sock, int err)
{
	int fd;

	need(dup2(err, 2) == 2, 5);
	/* Out of the way first: sock may be 3 itself. */
	need((sock = fcntl(sock, F_DUPFD, 200)) >= 200, 6);
	need(dup2(sock, 3) == 3, 7);
	(void)close(sock);
	for (fd = 4; b->many && fd <= 20; fd++)
		need(dup2(2, fd) == fd, 8);
	need(!b->many || dup2(2, 100) == 100, 9);
	for (fd = 0; b->no_std && fd <= 2; fd++)
		(void)close(fd);
}

/* These system calls fail with ENOSYS from now on. */
static void
pretend_old(int old)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
		    offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_close_range, 1, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K,
		    old == 2 ? SYS_getdents64 : SYS_close_range, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog prog = { sizeof(code) / sizeof(code[0]), code };

	need(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0, 12);
	need(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog) == 0, 13);
}

static void
execute(const struct birth *b, int sock, int err)
{
	const gid_t groups[] = { 0, 4, 20 };
	char name[64], arg[64];
	char *argv[] = { name, arg, NULL };

	(void)snprintf(name, sizeof(name), "test: %s", b->who);
	(void)snprintf(arg, sizeof(arg), "--imsgproc=%s", b->who);
	need(!b->blind || setenv("ASAN_OPTIONS", "detect_leaks=0", 1) == 0, 11);
	need(!b->groups || setgroups(3, groups) == 0, 10);
	if (b->user != NULL)
		become(b->user);
	place_descriptors(b, sock, err);
	need(!b->keeps_caps ||
		prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP, 0, 0, 0) == 0,
	    14);
	if (b->old > 0)
		pretend_old(b->old);
	(void)execv("/proc/self/exe", argv);
	_exit(99);
}

void
say_table(struct born *c, const struct imsgproc_daemon *d, const char *who)
{
	size_t len = strcspn(who, "."), i = 0;
	struct ibuf *b;

	while (i < d->nprocs - 1 &&
	    (strlen(d->procs[i].name) != len ||
		memcmp(d->procs[i].name, who, len) != 0))
		i++;
	assert_non_null(b = imsgpi_table_pack(d, &d->procs[i]));
	(void)imsgbuf_set_maxsize(&c->ib, IMSGPROC_TABLE_MAX);
	say(c, IMSGPROC_TABLE, -1, ibuf_data(b), ibuf_size(b));
	(void)imsgbuf_set_maxsize(&c->ib, MAX_IMSGSIZE);
	ibuf_free(b);
}

void
bear(struct born *c, const struct birth *b)
{
	int sv[2], null;

	memset(c, 0, sizeof(*c));
	c->out = -1;
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	assert_true(null >= 0);
	assert_int_equal(
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv), 0);
	c->pid = fork();
	assert_true(c->pid >= 0);
	if (c->pid == 0)
		execute(b, sv[1], b->err != 0 ? b->err : null);
	(void)close(sv[1]);
	(void)close(null);
	talk_on(c, sv[0]);
	if (!b->no_table)
		say_table(c, &test_daemon, b->who);
}

void
talk_on(struct born *c, int fd)
{
	c->fd = fd;
	assert_int_equal(imsgbuf_init(&c->ib, fd), 0);
	imsgbuf_allow_fdpass(&c->ib);
	imsgbuf_set_cloexec(&c->ib);
}

void
bear_ready(struct born *c, const char *who)
{
	const struct birth b = { .who = who };
	struct imsg m;

	bear(c, &b);
	say(c, IMSGPROC_BEGIN, -1, NULL, 0);
	hear(c, IMSGPROC_READY, &m);
	imsg_free(&m);
}

void
say(struct born *c, uint32_t type, int fd, const void *data, size_t len)
{
	assert_int_equal(imsg_compose(&c->ib, type, 0, 0, fd, data, len), 1);
	assert_int_equal(imsgbuf_flush_timeout(&c->ib, PATIENCE_MS), 0);
}

void
say_text(struct born *c, uint32_t type, const char *text)
{
	say(c, type, -1, text, strlen(text));
}

int
say_peer(struct born *c, uint32_t index, uint32_t instance)
{
	const uint32_t who[2] = { index, instance };
	int sv[2];

	assert_int_equal(
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv), 0);
	say(c, IMSGPROC_PEER, sv[1], who, sizeof(who));
	return sv[0];
}

void
hear(struct born *c, uint32_t type, struct imsg *m)
{
	int r = imsgbuf_recv(&c->ib, m, PATIENCE_MS);

	if (r != 1)
		print_error("waiting for %#x: %d, %s\n", (unsigned int)type, r,
		    strerror(errno));
	assert_int_equal(r, 1);
	if (m->hdr.type == IMSGPROC_FAILED && type != IMSGPROC_FAILED)
		print_error("failed: %.*s\n", (int)imsg_get_len(m) - 4,
		    (char *)m->data + 4);
	assert_int_equal(m->hdr.type, type);
}

const char *
hear_text(struct born *c, uint32_t type)
{
	static char text[4096];
	struct imsg m;
	size_t len, skip = type == IMSGPROC_FAILED ? 4 : 0;

	hear(c, type, &m);
	len = imsg_get_len(&m);
	assert_true(len >= skip && len - skip < sizeof(text));
	if (len > skip)
		memcpy(text, (char *)m.data + skip, len - skip);
	text[len - skip] = '\0';
	imsg_free(&m);
	return text;
}

void
hear_front(struct born *c, int workers)
{
	char text[32];
	struct imsg m;
	int i;

	/* What `start' sends, then each peer in the order of the table. */
	(void)hear_text(c, T_REPORT);
	assert_string_equal(hear_text(c, T_PEER), "parent 0 1");
	for (i = 0; i < workers; i++) {
		(void)snprintf(text, sizeof(text), "worker %d 1", i);
		assert_string_equal(hear_text(c, T_PEER), text);
	}
	hear(c, IMSGPROC_READY, &m);
	imsg_free(&m);
}

int
reap(struct born *c)
{
	int status, ms;
	pid_t r = 0;

	for (ms = 0; ms < PATIENCE_MS; ms++) {
		r = waitpid(c->pid, &status, WNOHANG);
		if (r != 0)
			break;
		(void)usleep(1000);
	}
	if (r == 0) {
		(void)kill(c->pid, SIGKILL);
		(void)waitpid(c->pid, &status, 0);
	}
	assert_int_equal(r, c->pid);
	if (c->fd >= 0)
		(void)hang_up(c);
	return status;
}

int
hang_up(struct born *c)
{
	imsgbuf_clear(&c->ib);
	(void)close(c->fd);
	c->fd = -1;
	return 0;
}

int
err_pipe(int *out)
{
	int p[2];

	assert_int_equal(pipe2(p, O_CLOEXEC), 0);
	*out = p[0];
	return p[1];
}

const char *
errors_of(struct born *c)
{
	static char text[8192];
	size_t len = 0;
	ssize_t n;

	while (len < sizeof(text) - 1 &&
	    (n = read(c->out, text + len, sizeof(text) - 1 - len)) > 0)
		len += (size_t)n;
	text[len] = '\0';
	(void)close(c->out);
	c->out = -1;
	return text;
}

size_t
proc_file(pid_t pid, const char *name, char *buf, size_t size)
{
	char path[64];
	size_t n;
	FILE *f;

	(void)snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
	f = fopen(path, "re");
	if (f == NULL)
		print_error("%s: %s\n", path, strerror(errno));
	assert_non_null(f);
	n = fread(buf, 1, size - 1, f);
	(void)fclose(f);
	buf[n] = '\0';
	return n;
}

static const char *
open_in(pid_t pid)
{
	static char list[256];
	bool is[256] = { false };
	char path[64];
	struct dirent *e;
	size_t at = 0;
	int fd;
	DIR *d;

	(void)snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	d = opendir(path);
	assert_non_null(d);
	while ((e = readdir(d)) != NULL) {
		fd = atoi(e->d_name);
		if (e->d_name[0] != '.' && fd >= 0 && fd < 256)
			is[fd] = true;
	}
	(void)closedir(d);
	list[0] = '\0';
	for (fd = 0; fd < 256 && at < sizeof(list) - 8; fd++)
		if (is[fd])
			at += (size_t)snprintf(list + at, sizeof(list) - at,
			    "%s%d", at > 0 ? " " : "", fd);
	return list;
}

/* What has been sent is closed a moment later. */
void
opens(pid_t pid, const char *list)
{
	int ms;

	for (ms = 0; ms < PATIENCE_MS && strcmp(open_in(pid), list) != 0; ms++)
		(void)usleep(1000);
	assert_string_equal(open_in(pid), list);
}

bool
has(const char *text, const char *what)
{
	if (strstr(text, what) != NULL)
		return true;
	print_error("\"%s\" is not in \"%s\"\n", what, text);
	return false;
}

const char *
bear_report(struct born *c, const struct birth *b)
{
	struct imsg m;

	bear(c, b);
	say(c, IMSGPROC_BEGIN, -1, NULL, 0);
	hear(c, IMSGPROC_READY, &m);
	imsg_free(&m);
	return hear_text(c, T_REPORT);
}

void
ends_well(struct born *c)
{
	int status;

	hang_up(c);
	status = reap(c);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 7);
}
