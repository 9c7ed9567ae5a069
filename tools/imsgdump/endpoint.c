/* SPDX-License-Identifier: ISC */
/*
 * Which UNIX stream socket a descriptor of another process is, and which one
 * is at its other end.
 *
 * sock_diag(7) knows; where it is missing (a module of the kernel, a system
 * call filter) or the socket's network namespace is closed to us,
 * /proc/PID/net/unix still tells stream sockets from others.
 */
#define _GNU_SOURCE
#include "endpoint.h"
#include "sockdiag.h"

#include <stdlib.h>
#include <string.h>

struct endpoints {
	int nl;	    /* in our network namespace, -1 not yet */
	int tried;  /* 1: whether it answers is known */
	int answer; /* 1: it does */
	uint64_t ns, refused;
	int there; /* in another one, -1 none */
	uint64_t there_ns;
};

#ifdef __linux__
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

/* Most that is read of /proc/PID/net/unix. */
#define LINES_MAX 200000

/* Which network namespace a process is in, 0 not known. */
static uint64_t
namespace_at(const char *pid)
{
	char path[40];
	struct stat st;

	snprintf(path, sizeof(path), "/proc/%s/ns/net", pid);
	return stat(path, &st) == -1 ? 0 : (uint64_t)st.st_ino;
}

/* *pid becomes a thread of it through which that can be told. */
static uint64_t
namespace_of(pid_t *pid)
{
	char name[24];
	uint64_t ns;

	snprintf(name, sizeof(name), "%ld", (long)*pid);
	if ((ns = namespace_at(name)) != 0)
		return ns;
	*pid = process_thread(*pid);
	snprintf(name, sizeof(name), "%ld", (long)*pid);
	return namespace_at(name);
}

static void
begin(struct endpoints *x)
{
	memset(x, 0, sizeof(*x));
	x->nl = x->there = -1;
	x->ns = namespace_at("self");
}

static void
end(struct endpoints *x)
{
	if (x->nl != -1)
		close(x->nl);
	endpoints_let_go(x);
}

static int
own(struct endpoints *x)
{
	if (x->nl == -1)
		x->nl = sockdiag_open();
	return x->nl;
}

/* It is asked about a socket that is surely there. */
static void
try(struct endpoints *x)
{
	struct endpoint e;
	struct stat st;
	int s, type;

	if (x->tried)
		return;
	s = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (s == -1)
		return;
	x->tried = 1;
	x->answer = own(x) != -1 && fstat(s, &st) == 0 &&
	    sockdiag_ask(x->nl, (uint64_t)st.st_ino, &e, &type) == 1;
	close(s);
}

int
endpoints_can_ask(struct endpoints *x)
{
	struct endpoints mine;

	if (x == NULL) {
		begin(&mine);
		try(&mine);
		end(&mine);
		return mine.answer;
	}
	try(x);
	return x->answer;
}

void
endpoints_let_go(struct endpoints *x)
{
	if (x->there != -1)
		close(x->there);
	x->there = -1;
}

/*
 * One netlink socket in another network namespace is kept, but no longer than
 * processes live: it would keep the namespace, and the interfaces in it, from
 * going away.
 */
static int
go(struct endpoints *x, uint64_t ns, pid_t pid)
{
	char path[40];
	int fd;

	if (x->there != -1 && x->there_ns == ns)
		return 0;
	endpoints_let_go(x);
	if (ns == x->refused)
		return -1;
	snprintf(path, sizeof(path), "/proc/%ld/ns/net", (long)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd == -1)
		return -1;
	x->there = sockdiag_open_in(fd);
	x->there_ns = ns;
	if (x->there == -1 && errno == EPERM)
		x->refused = ns;
	close(fd);
	return x->there == -1 ? -1 : 0;
}

/* A socket stays in the namespace it was made in, a process need not. */
static int
ask(struct endpoints *x, pid_t pid, uint64_t ino, struct endpoint *e, int *type)
{
	uint64_t ns = 0;
	int r = 0;

	memset(e, 0, sizeof(*e));
	try(x);
	if (!x->answer)
		return -1;
	if (pid != 0)
		ns = namespace_of(&pid);
	if (ns != 0 && ns != x->ns)
		r = go(x, ns, pid) == -1 ? -1 :
					   sockdiag_ask(x->there, ino, e, type);
	if (r == 1) {
		e->foreign = 1;
		return 1;
	}
	return sockdiag_ask(own(x), ino, e, type) == 1 ? 1 : r;
}

/*
 * A line of /proc/PID/net/unix: address, references, protocol, flags, type and
 * state in hexadecimal, inode, path.
 */
static int
is_line_of(char *line, uint64_t ino, struct endpoint *e, int *type)
{
	unsigned long flags, kind, state;
	unsigned long long got;
	int at = 0;

	if (sscanf(line, "%*[^:]: %*x %*x %lx %lx %lx %llu%n", &flags, &kind,
		&state, &got, &at) < 4 ||
	    at == 0 || got != ino)
		return 0;
	line[strcspn(line, "\n")] = '\0';
	memset(e, 0, sizeof(*e));
	e->ino = ino;
	e->connected = state == 3;
	*type = (int)kind;
	if (line[at] == ' ')
		sockdiag_path(e->path, sizeof(e->path), line + at + 1,
		    strlen(line + at + 1));
	return 1;
}

static int
find_line(pid_t pid, uint64_t ino, struct endpoint *e, int *type)
{
	char path[40], line[512];
	long left = LINES_MAX;
	int found = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%ld/net/unix", (long)pid);
	f = fopen(path, "re");
	if (f == NULL)
		return 0;
	while (!found && left-- > 0 && fgets(line, sizeof(line), f) != NULL)
		found = is_line_of(line, ino, e, type);
	fclose(f);
	return found;
}

/* In a namespace that no one can show us.  Kernels from 5.15 on tell. */
static int
is_stream_by_name(const char *link)
{
	char name[32];
	ssize_t n = getxattr(link, "system.sockprotoname", name, sizeof(name));

	return n >= 11 && memcmp(name, "UNIX-STREAM", 11) == 0;
}

static int
look(struct endpoints *x, pid_t pid, int fd, struct endpoint *e)
{
	char link[56], text[64];
	unsigned long long ino;
	int type = 0;
	ssize_t n;
	pid_t tid;

	memset(e, 0, sizeof(*e));
	snprintf(link, sizeof(link), "/proc/%ld/fd/%d", (long)pid, fd);
	n = readlink(link, text, sizeof(text) - 1);
	if (n <= 0)
		return (tid = process_thread(pid)) == pid ? -1 :
							    look(x, tid, fd, e);
	text[n] = '\0';
	if (sscanf(text, "socket:[%llu]", &ino) != 1)
		return 0;
	if (ask(x, pid, ino, e, &type) == 1 || find_line(pid, ino, e, &type))
		return type == SOCK_STREAM;
	memset(e, 0, sizeof(*e));
	e->ino = ino;
	e->connected = 1;
	return is_stream_by_name(link);
}

int
endpoint_of(struct endpoints *x, pid_t pid, int fd, struct endpoint *e)
{
	struct endpoints mine;
	int r;

	if (x != NULL)
		return look(x, pid, fd, e);
	begin(&mine);
	r = look(&mine, pid, fd, e);
	end(&mine);
	return r;
}

int
endpoint_ask(struct endpoints *x, pid_t pid, uint64_t ino, struct endpoint *e)
{
	struct endpoints mine;
	int r, type;

	if (x != NULL)
		return ask(x, pid, ino, e, &type);
	begin(&mine);
	r = ask(&mine, pid, ino, e, &type);
	end(&mine);
	return r;
}

struct endpoints *
endpoints_new(void)
{
	struct endpoints *x = malloc(sizeof(*x));

	if (x != NULL)
		begin(x);
	return x;
}

void
endpoints_free(struct endpoints *x)
{
	if (x != NULL)
		end(x);
	free(x);
}

#else
void
endpoints_let_go(struct endpoints *x)
{
	(void)x;
}

struct endpoints *
endpoints_new(void)
{
	return calloc(1, sizeof(struct endpoints));
}

void
endpoints_free(struct endpoints *x)
{
	free(x);
}

int
endpoints_can_ask(struct endpoints *x)
{
	(void)x;
	return 0;
}

int
endpoint_of(struct endpoints *x, pid_t pid, int fd, struct endpoint *e)
{
	(void)x;
	(void)pid;
	(void)fd;
	(void)e;
	return 0;
}

int
endpoint_ask(struct endpoints *x, pid_t pid, uint64_t ino, struct endpoint *e)
{
	(void)x;
	(void)pid;
	(void)ino;
	(void)e;
	return -1;
}
#endif

void
endpoint_peer_path(struct endpoints *x, pid_t pid, struct endpoint *e)
{
	struct endpoint other;

	if (e->path[0] == '\0' && e->peer != 0 &&
	    endpoint_ask(x, pid, e->peer, &other) == 1)
		memcpy(e->path, other.path, sizeof(e->path));
}
