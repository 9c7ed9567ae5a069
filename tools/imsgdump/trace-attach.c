/* SPDX-License-Identifier: ISC */
/*
 * Seizing what runs already: a process, its threads, and its descendants.
 *
 * Threads and children may be born meanwhile; those of a thread that is seized
 * come to us by themselves, for the others all is looked through until nothing
 * new appears.  Each thread is interrupted once, without which its calls could
 * not be followed: see imsgdump(1) on what that does to a call that waits.
 */
#define _GNU_SOURCE
#include <sys/ptrace.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "trace-int.h"

/* Processes found, in the order in which they are looked through. */
struct found {
	pid_t *pid;
	size_t n, max;
	int added; /* threads in this round */
};

static int
remember(struct found *f, pid_t pid)
{
	size_t i, max = f->max == 0 ? 64 : f->max * 2;
	pid_t *new;

	for (i = 0; i < f->n; i++) {
		if (f->pid[i] == pid)
			return 0;
	}
	if (f->n == f->max) {
		if ((new = realloc(f->pid, max * sizeof(*new))) == NULL)
			return -1;
		f->pid = new;
		f->max = max;
	}
	f->pid[f->n++] = pid;
	return 0;
}

/* -1 with errno; ESRCH and a zombie's EPERM are for the caller to judge. */
static int
seize(struct tracer *tr, pid_t pid, pid_t tid)
{
	int e;

	if (thread_get(tr, tid) != NULL)
		return 0;
	if (ptrace(PTRACE_SEIZE, tid, NULL, (void *)TRACE_OPTIONS) == -1) {
		e = errno;
		/* Born of one that is ours, so it is, too. */
		if (e == EPERM && status_number(tid, "TracerPid:") == tr->tid)
			return thread_add(tr, tid, pid) != NULL ? 0 : -1;
		errno = e;
		return -1;
	}
	(void)ptrace(PTRACE_INTERRUPT, tid, NULL, NULL);
	return thread_add(tr, tid, pid) != NULL ? 1 : -1;
}

/* 1: done; 0: no numbers were there. */
static int
add_children(struct found *f, pid_t pid, pid_t tid)
{
	char path[64];
	FILE *in;
	long child;
	int r = 0;

	(void)snprintf(path, sizeof(path), "/proc/%ld/task/%ld/children",
	    (long)pid, (long)tid);
	if ((in = fopen(path, "re")) == NULL)
		return 0;
	while (r == 0 && fscanf(in, "%ld", &child) == 1) {
		if (child != getpid())
			r = remember(f, (pid_t)child);
	}
	(void)fclose(in);
	return r;
}

/* All threads of a process that are not ours yet; the first error is kept. */
static int
attach_process(struct tracer *tr, struct found *f, pid_t pid, int *error)
{
	char path[64];
	DIR *dir;
	struct dirent *d;
	long tid;
	int r = 0;

	(void)snprintf(path, sizeof(path), "/proc/%ld/task", (long)pid);
	if ((dir = opendir(path)) == NULL) {
		*error = errno == ENOENT ? ESRCH : errno;
		return errno == ENOMEM ? -1 : 0;
	}
	while (r != -1 && (d = readdir(dir)) != NULL) {
		if ((tid = strtol(d->d_name, NULL, 10)) <= 0)
			continue;
		r = seize(tr, pid, (pid_t)tid);
		if (r == 1)
			f->added++;
		if (r == -1 && errno != ENOMEM) {
			if (*error == 0)
				*error = errno;
			r = 0;
		}
		if (r != -1)
			r = add_children(f, pid, (pid_t)tid);
	}
	(void)closedir(dir);
	return r == -1 ? -1 : 0;
}

/* Ours, at least one thread of it. */
static int
has_process(const struct tracer *tr, pid_t pid)
{
	return table_get(&tr->processes, pid) != NULL;
}

static int
attach_round(struct tracer *tr, struct found *f, int first)
{
	size_t i;
	int error;

	for (i = 0; i < f->n; i++) {
		error = 0;
		if (attach_process(tr, f, f->pid[i], &error) == -1)
			return -1;
		if (i == 0 && !has_process(tr, f->pid[0])) {
			error = error != 0 ? error : ESRCH;
			if (first)
				why_print(tr, f->pid[0], error);
			errno = error;
			return first ? 1 : 0;
		}
		/* Descendants that have ended, or are of other users. */
		if (first && error != 0 && !has_process(tr, f->pid[i]) &&
		    process_state(f->pid[i]) != 'Z' && error != ESRCH)
			why_print(tr, f->pid[i], error);
	}
	return 0;
}

/* Everything descends from 1, we too: it cannot be told from the rest. */
static int
is_refused(pid_t pid)
{
	long parent = getppid();

	if (pid == getpid() || process_state(pid) == 0)
		return pid == getpid() ? EPERM : ESRCH;
	if (pid != 1)
		return 0;
	while (parent > 1)
		parent = status_number((pid_t)parent, "PPid:");
	return parent == 1 ? EPERM : 0;
}

int
attach_tree(struct tracer *tr, pid_t pid)
{
	struct found f = { NULL, 0, 0, 0 };
	long group = pid > 0 ? status_number(pid, "Tgid:") : -1;
	size_t before;
	int r, e, rounds = 0;

	if (group > 0)
		pid = (pid_t)group;
	if (pid <= 0 || (e = is_refused(pid)) != 0) {
		e = pid <= 0 ? ESRCH : e;
		why_print(tr, pid, e);
		errno = e;
		return -1;
	}
	if ((r = remember(&f, pid)) == 0) {
		do {
			f.added = 0;
			before = f.n;
			r = attach_round(tr, &f, rounds++ == 0);
		} while (r == 0 && (f.added > 0 || f.n > before));
	}
	if (r == -1) {
		e = errno;
		(void)fprintf(stderr, "imsgdump: out of memory\n");
		errno = e;
	}
	e = errno;
	free(f.pid);
	errno = e;
	return r == 0 ? 0 : -1;
}
