/* SPDX-License-Identifier: ISC */
/*
 * The threads and processes that are traced, found by their numbers.
 */
#define _GNU_SOURCE
#include <stdlib.h>

#include "trace-int.h"

static size_t
place(const struct table *t, pid_t id)
{
	return ((uint32_t)id * 2654435761U >> 7) & (t->size - 1);
}

struct entry *
table_get(const struct table *t, pid_t id)
{
	struct entry *e;

	if (t->size == 0)
		return NULL;
	for (e = t->bucket[place(t, id)]; e != NULL; e = e->next) {
		if (e->id == id)
			return e;
	}
	return NULL;
}

static int
grow(struct table *t)
{
	struct table new = { NULL, t->size == 0 ? 64 : t->size * 2, t->count };
	struct entry *e, *next;
	size_t i, p;

	if ((new.bucket = calloc(new.size, sizeof(*new.bucket))) == NULL)
		return -1;
	for (i = 0; i < t->size; i++) {
		for (e = t->bucket[i]; e != NULL; e = next) {
			next = e->next;
			p = place(&new, e->id);
			e->next = new.bucket[p];
			new.bucket[p] = e;
		}
	}
	free(t->bucket);
	*t = new;
	return 0;
}

int
table_add(struct table *t, struct entry *e)
{
	size_t p;

	if (t->count >= t->size && grow(t) == -1)
		return -1;
	p = place(t, e->id);
	e->next = t->bucket[p];
	t->bucket[p] = e;
	t->count++;
	return 0;
}

void
table_remove(struct table *t, struct entry *e)
{
	struct entry **at = &t->bucket[place(t, e->id)];

	while (*at != e)
		at = &(*at)->next;
	*at = e->next;
	t->count--;
}

void
table_free(struct table *t)
{
	struct entry *e, *next;
	size_t i;

	for (i = 0; i < t->size; i++) {
		for (e = t->bucket[i]; e != NULL; e = next) {
			next = e->next;
			free(e);
		}
	}
	free(t->bucket);
	t->bucket = NULL;
	t->size = t->count = 0;
}

static struct process *
process_add(struct tracer *tr, pid_t pid)
{
	struct process *p;

	if ((p = (struct process *)table_get(&tr->processes, pid)) != NULL)
		return p;
	if ((p = calloc(1, sizeof(*p))) == NULL)
		return NULL;
	p->e.id = pid;
	if (table_add(&tr->processes, &p->e) == -1) {
		free(p);
		return NULL;
	}
	channels_process(tr->channels, pid);
	return p;
}

static void
process_release(struct tracer *tr, struct process *p)
{
	if (p->threads > 0)
		return;
	channels_exit(tr->channels, p->e.id);
	table_remove(&tr->processes, &p->e);
	free(p);
}

struct thread *
thread_get(const struct tracer *tr, pid_t tid)
{
	return (struct thread *)table_get(&tr->threads, tid);
}

struct thread *
thread_add(struct tracer *tr, pid_t tid, pid_t pid)
{
	struct thread *t;

	if ((t = thread_get(tr, tid)) != NULL)
		return t;
	if ((t = calloc(1, sizeof(*t))) == NULL)
		return NULL;
	t->e.id = tid;
	if ((t->proc = process_add(tr, pid)) == NULL) {
		free(t);
		return NULL;
	}
	if (table_add(&tr->threads, &t->e) == -1) {
		process_release(tr, t->proc);
		free(t);
		return NULL;
	}
	t->proc->threads++;
	return t;
}

void
thread_remove(struct tracer *tr, struct thread *t)
{
	call_forget(tr, t);
	table_remove(&tr->threads, &t->e);
	t->proc->threads--;
	process_release(tr, t->proc);
	free(t);
}
