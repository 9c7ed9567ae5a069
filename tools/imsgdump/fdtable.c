/* SPDX-License-Identifier: ISC */
/*
 * Processes and descriptors by number.
 *
 * It does not know what the descriptors are: it says which of them it has
 * forgotten, never of whom that was the last one.
 */
#include "fdtable.h"

#include <stdlib.h>

#define FD_BUCKETS	16384
#define PROCESS_BUCKETS 1024

struct fdtable {
	void (*let_go)(void *, void *, pid_t);
	void *arg;
	size_t count;
	struct known *oldest, *newest;
	struct process *last;
	struct known *fds[FD_BUCKETS];
	struct process *processes[PROCESS_BUCKETS];
};

static size_t
fd_bucket(pid_t pid, int fd)
{
	uint32_t h = (uint32_t)pid * 2654435761U + (uint32_t)fd * 40503U;

	return (h ^ h >> 15) % FD_BUCKETS;
}

struct fdtable *
fdtable_new(void (*let_go)(void *, void *, pid_t), void *arg)
{
	struct fdtable *t = calloc(1, sizeof(*t));

	if (t != NULL) {
		t->let_go = let_go;
		t->arg = arg;
	}
	return t;
}

void
fdtable_free(struct fdtable *t)
{
	if (t == NULL)
		return;
	while (t->last != NULL)
		fdtable_drop_process(t, t->last);
	free(t);
}

struct process *
fdtable_process(const struct fdtable *t, pid_t pid)
{
	struct process *p = t->processes[(uint32_t)pid % PROCESS_BUCKETS];

	while (p != NULL && p->pid != pid)
		p = p->next;
	return p;
}

struct process *
fdtable_processes(const struct fdtable *t)
{
	return t->last;
}

struct process *
fdtable_add_process(struct fdtable *t, pid_t pid)
{
	struct process **b = &t->processes[(uint32_t)pid % PROCESS_BUCKETS];
	struct process *p = calloc(1, sizeof(*p));

	if (p == NULL)
		return NULL;
	p->pid = pid;
	p->next = *b;
	*b = p;
	p->older = t->last;
	if (t->last != NULL)
		t->last->newer = p;
	t->last = p;
	return p;
}

void
fdtable_drop_fds(struct fdtable *t, struct process *p)
{
	while (p->fds != NULL)
		fdtable_drop(t, p->fds);
}

void
fdtable_drop_process(struct fdtable *t, struct process *p)
{
	struct process **b = &t->processes[(uint32_t)p->pid % PROCESS_BUCKETS];

	fdtable_drop_fds(t, p);
	while (*b != p)
		b = &(*b)->next;
	*b = p->next;
	if (p->newer != NULL)
		p->newer->older = p->older;
	else
		t->last = p->older;
	if (p->older != NULL)
		p->older->newer = p->newer;
	free(p->holdings);
	free(p);
}

struct known *
fdtable_find(const struct fdtable *t, pid_t pid, int fd)
{
	struct known *k = t->fds[fd_bucket(pid, fd)];

	while (k != NULL && (k->pid != pid || k->fd != fd))
		k = k->next;
	return k;
}

static void
link_known(struct fdtable *t, struct process *p, struct known *k)
{
	struct known **b = &t->fds[fd_bucket(k->pid, k->fd)];

	k->next = *b;
	*b = k;
	k->right = p->fds;
	if (p->fds != NULL)
		p->fds->left = k;
	p->fds = k;
	k->older = t->newest;
	if (t->newest != NULL)
		t->newest->newer = k;
	else
		t->oldest = k;
	t->newest = k;
	t->count++;
}

struct known *
fdtable_add(struct fdtable *t, struct process *p, int fd, void *what)
{
	struct known *k = calloc(1, sizeof(*k));

	if (k == NULL)
		return NULL;
	k->pid = p->pid;
	k->fd = fd;
	k->what = what;
	k->process = p;
	if (t->count >= FDTABLE_MAX)
		fdtable_drop(t, t->oldest);
	link_known(t, p, k);
	return k;
}

void
fdtable_drop(struct fdtable *t, struct known *k)
{
	struct known **b = &t->fds[fd_bucket(k->pid, k->fd)];
	void *what = k->what;
	pid_t pid = k->pid;

	while (*b != k)
		b = &(*b)->next;
	*b = k->next;
	if (k->left != NULL)
		k->left->right = k->right;
	else
		k->process->fds = k->right;
	if (k->right != NULL)
		k->right->left = k->left;
	if (k->older != NULL)
		k->older->newer = k->newer;
	else
		t->oldest = k->newer;
	if (k->newer != NULL)
		k->newer->older = k->older;
	else
		t->newest = k->older;
	t->count--;
	free(k);
	if (what != NULL)
		t->let_go(t->arg, what, pid);
}
