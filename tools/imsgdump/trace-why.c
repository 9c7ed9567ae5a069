/* SPDX-License-Identifier: ISC */
/*
 * Why a process could not be traced, and what can be done about it.
 */
#define _GNU_SOURCE
#include <sys/stat.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "trace-int.h"

#define KTHREAD 0x200000 /* PF_KTHREAD in /proc/PID/stat */

static ssize_t
read_proc(pid_t pid, const char *name, char *buf, size_t size)
{
	char path[64];
	ssize_t n;
	int fd;

	(void)snprintf(path, sizeof(path), "/proc/%ld/%s", (long)pid, name);
	if ((fd = open(path, O_RDONLY | O_CLOEXEC)) == -1)
		return -1;
	n = read(fd, buf, size - 1);
	(void)close(fd);
	buf[n > 0 ? n : 0] = '\0';
	return n;
}

long
status_number(pid_t pid, const char *name)
{
	char buf[4096];
	const char *p;
	size_t len = strlen(name);

	if (read_proc(pid, "status", buf, sizeof(buf)) <= 0)
		return -1;
	for (p = buf; p != NULL; p = strchr(p, '\n')) {
		p += *p == '\n';
		if (strncmp(p, name, len) == 0)
			return strtol(p + len, NULL, 10);
	}
	return -1;
}

/* Behind the name, which may contain anything: state, ppid, ... */
static const char *
stat_fields(pid_t tid, char *buf, size_t size)
{
	const char *p;

	if (read_proc(tid, "stat", buf, size) <= 0 ||
	    (p = strrchr(buf, ')')) == NULL || p[1] != ' ')
		return NULL;
	return p + 2;
}

int
process_state(pid_t tid)
{
	char buf[1024];
	const char *p = stat_fields(tid, buf, sizeof(buf));

	return p != NULL ? *p : 0;
}

static int
is_kernel(pid_t pid)
{
	char buf[1024];
	const char *p = stat_fields(pid, buf, sizeof(buf));
	unsigned long flags = 0;

	if (p == NULL || sscanf(p, "%*c %*d %*d %*d %*d %*d %lu", &flags) != 1)
		return 0;
	return (flags & KTHREAD) != 0;
}

static int
yama(void)
{
	FILE *f = fopen("/proc/sys/kernel/yama/ptrace_scope", "re");
	int scope = 0;

	if (f == NULL)
		return 0;
	if (fscanf(f, "%d", &scope) != 1)
		scope = 0;
	(void)fclose(f);
	return scope;
}

/* EPERM for reasons of permission. */
static const char *
permission(const struct why *w)
{
	if (w->scope >= 3)
		return "this system forbids all tracing until it is booted "
		       "anew\n(kernel.yama.ptrace_scope is 3)";
	if (w->root)
		return "not permitted, though we are root: a sandbox or "
		       "container without CAP_SYS_PTRACE\n(with docker or "
		       "podman: --cap-add=SYS_PTRACE)";
	if (w->scope == 2)
		return "only the administrator may trace "
		       "(kernel.yama.ptrace_scope is 2)\nrun imsgdump as root, "
		       "or: setcap cap_sys_ptrace+ep PATH-OF-IMSGDUMP";
	if (w->other)
		return "it runs as another user\nrun imsgdump as root, or: "
		       "setcap cap_sys_ptrace+ep PATH-OF-IMSGDUMP";
	if (w->scope == 1)
		return "only what imsgdump has started may be traced "
		       "(kernel.yama.ptrace_scope is 1)\nstart it as imsgdump "
		       "-- COMMAND, run imsgdump as root, or: sysctl "
		       "kernel.yama.ptrace_scope=0";
	return "not permitted: it has, or had, other privileges than you\n"
	       "run imsgdump as root, or: setcap cap_sys_ptrace+ep "
	       "PATH-OF-IMSGDUMP";
}

int
why_no_proc(void)
{
	char self[24];
	ssize_t n = readlink("/proc/self", self, sizeof(self) - 1);

	self[n > 0 ? n : 0] = '\0';
	if (strtol(self, NULL, 10) == getpid())
		return 0;
	(void)fprintf(stderr,
	    n > 0 ? "imsgdump: /proc is that of another PID namespace\n"
		    "imsgdump: mount that of this one (unshare: "
		    "--mount-proc)\n" :
		    "imsgdump: /proc is needed, and not mounted here\n");
	errno = ENOENT;
	return -1;
}

void
why_text(const struct why *w, char *out, size_t size)
{
	char tracer[128];
	const char *s;

	(void)snprintf(tracer, sizeof(tracer),
	    "it is traced by process %ld already, a debugger or the like\n"
	    "end that one first",
	    (long)w->tracer);
	if (w->self)
		s = "that is imsgdump itself";
	else if (w->init)
		s = "all processes descend from it, imsgdump, too\nname the "
		    "process that is of interest";
	else if (w->error == ESRCH)
		s = "no such process";
	else if (w->kernel)
		s = "it is a part of the kernel, which cannot be traced";
	else if (w->zombie)
		s = "it has ended already";
	else if (w->tracer > 0)
		s = tracer;
	else if (w->error == EPERM || w->error == EACCES)
		s = permission(w);
	else
		s = strerror(w->error);
	(void)snprintf(out, size, "process %ld: %s", (long)w->pid, s);
}

void
why_print(const struct tracer *tr, pid_t pid, int error)
{
	struct why w;
	struct stat st;
	char path[64], text[512], *line, *rest = text;

	memset(&w, 0, sizeof(w));
	w.pid = pid;
	w.error = error;
	w.self = pid == getpid();
	w.init = pid == 1;
	w.zombie = process_state(pid) == 'Z';
	w.kernel = is_kernel(pid);
	w.tracer = (pid_t)status_number(pid, "TracerPid:");
	if (w.tracer == tr->tid)
		w.tracer = 0;
	w.scope = yama();
	w.root = geteuid() == 0;
	(void)snprintf(path, sizeof(path), "/proc/%ld", (long)pid);
	w.other = stat(path, &st) == 0 && st.st_uid != geteuid();
	why_text(&w, text, sizeof(text));
	while ((line = strsep(&rest, "\n")) != NULL)
		(void)fprintf(stderr, "imsgdump: %s\n", line);
	errno = error;
}
