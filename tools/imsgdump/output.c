/* SPDX-License-Identifier: ISC */
/*
 * Output that does not wait for its reader.
 *
 * Who reads what imsgdump writes may be traced by it: the pager that the traced
 * shell started, the terminal multiplexer in which all this happens.  Such a
 * reader stands still while imsgdump is busy with one of its calls, and so
 * would imsgdump, for ever, if it waited for it then.  Therefore a thread of
 * its own writes, and some megabytes may wait for it.
 */
#define _GNU_SOURCE
#include "output.h"

#include <errno.h>
#include <unistd.h>

volatile sig_atomic_t output_stop;

#ifdef __linux__
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ROOM	(32U * 1024 * 1024)
#define PART	65536
#define LOOK_NS 200000000

struct output {
	int fd;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	size_t first, used;
	int closing, error;
	char room[ROOM];
};

static void
written(struct output *o, ssize_t n, int error)
{
	if (n >= 0) {
		o->used -= (size_t)n;
		o->first = o->used == 0 ? 0 : (o->first + (size_t)n) % ROOM;
	} else if (error != EINTR)
		o->error = error;
	(void)pthread_cond_broadcast(&o->changed);
}

static void *
writer(void *arg)
{
	struct output *o = arg;
	size_t first, len;
	ssize_t n;
	int e;

	(void)pthread_mutex_lock(&o->lock);
	while (o->error == 0 && (o->used > 0 || !o->closing)) {
		if (o->used == 0) {
			(void)pthread_cond_wait(&o->changed, &o->lock);
			continue;
		}
		first = o->first;
		len = o->used < PART ? o->used : PART;
		if (len > ROOM - first)
			len = ROOM - first;
		(void)pthread_mutex_unlock(&o->lock);
		n = write(o->fd, o->room + first, len);
		e = errno;
		(void)pthread_mutex_lock(&o->lock);
		written(o, n, e);
	}
	(void)pthread_mutex_unlock(&o->lock);
	return NULL;
}

/* Until there is room, or there will not be. */
static void
wait_room(struct output *o)
{
	struct timespec end;

	while (o->used == ROOM && o->error == 0) {
		(void)clock_gettime(CLOCK_REALTIME, &end);
		end.tv_nsec += LOOK_NS;
		end.tv_sec += end.tv_nsec / 1000000000;
		end.tv_nsec %= 1000000000;
		if (pthread_cond_timedwait(&o->changed, &o->lock, &end) ==
			ETIMEDOUT &&
		    output_stop)
			o->error = EINTR;
	}
}

static ssize_t
put(void *cookie, const char *data, size_t len)
{
	struct output *o = cookie;
	size_t at, n, done = 0;
	int e;

	(void)pthread_mutex_lock(&o->lock);
	while (done < len) {
		wait_room(o);
		if (o->error != 0)
			break;
		at = (o->first + o->used) % ROOM;
		n = ROOM - o->used;
		if (n > len - done)
			n = len - done;
		if (n > ROOM - at)
			n = ROOM - at;
		memcpy(o->room + at, data + done, n);
		o->used += n;
		done += n;
		(void)pthread_cond_broadcast(&o->changed);
	}
	e = o->error;
	(void)pthread_mutex_unlock(&o->lock);
	if (e != 0)
		errno = e;
	return e == 0 ? (ssize_t)done : 0;
}

static int
finish(void *cookie)
{
	struct output *o = cookie;
	int e;

	(void)pthread_mutex_lock(&o->lock);
	o->closing = 1;
	(void)pthread_cond_broadcast(&o->changed);
	(void)pthread_mutex_unlock(&o->lock);
	(void)pthread_join(o->thread, NULL);
	e = o->error;
	if (close(o->fd) == -1 && e == 0)
		e = errno;
	(void)pthread_cond_destroy(&o->changed);
	(void)pthread_mutex_destroy(&o->lock);
	free(o);
	if (e != 0)
		errno = e;
	return e == 0 ? 0 : EOF;
}

/* No signal is for it: a pipe without reader is an error, no more. */
static int
start(struct output *o)
{
	sigset_t all, before;
	int e;

	if ((e = pthread_mutex_init(&o->lock, NULL)) != 0)
		return e;
	if ((e = pthread_cond_init(&o->changed, NULL)) == 0) {
		(void)sigfillset(&all);
		(void)pthread_sigmask(SIG_SETMASK, &all, &before);
		e = pthread_create(&o->thread, NULL, writer, o);
		(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
		if (e == 0)
			return 0;
		(void)pthread_cond_destroy(&o->changed);
	}
	(void)pthread_mutex_destroy(&o->lock);
	return e;
}

FILE *
output_open(int fd)
{
	const cookie_io_functions_t io = { NULL, put, NULL, finish };
	struct output *o = malloc(sizeof(*o));
	FILE *f;
	int e;

	if (o == NULL)
		return NULL;
	o->fd = fd;
	o->first = o->used = 0;
	o->closing = o->error = 0;
	if ((e = start(o)) != 0) {
		free(o);
		errno = e;
		return NULL;
	}
	if ((f = fopencookie(o, "w", io)) == NULL) {
		e = errno;
		(void)finish(o);
		errno = e;
	}
	return f;
}

#else
FILE *
output_open(int fd)
{
	return fdopen(fd, "w");
}
#endif
