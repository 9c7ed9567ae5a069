/* SPDX-License-Identifier: ISC */
/*
 * A watch: one descriptor or one timer of the program's in whichever loop it
 * has.  All that the library asks of a loop goes through here.
 */
#include "feature.h"

#include <errno.h>
#include <time.h>

#include "loop-int.h"

#define NS_PER_MS 1000000
#define NS_PER_S  1000000000

int64_t
imsgloopi_now(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * NS_PER_S + ts.tv_nsec;
}

int64_t
imsgloopi_in(int ms)
{
	return imsgloopi_now() + (int64_t)ms * NS_PER_MS;
}

int
imsgloopi_left(int64_t now, int64_t due)
{
	int64_t ms;

	if (due <= now)
		return 0;
	ms = (due - now + NS_PER_MS - 1) / NS_PER_MS;
	return ms > INT32_MAX ? INT32_MAX : (int)ms;
}

int
imsgloop_watch(struct imsgloop *loop, struct imsgloop_watch *w, int fd,
    imsgloop_ready_cb *ready, void *arg)
{
	struct imsgloop_watch before = *w;

	w->loop = loop;
	w->ready = ready;
	w->arg = arg;
	w->fd = fd;
	w->events = 0;
	w->impl = NULL;
	w->due = -1;
	if (loop->ops->add(loop, w) == 0)
		return 0;
	*w = before;
	return -1;
}

int
imsgloop_set(struct imsgloop_watch *w, short events, int ms)
{
	if (w->loop == NULL) {
		errno = EINVAL;
		return -1;
	}
	return w->loop->ops->set(w->loop, w, events, ms);
}

void
imsgloop_unwatch(struct imsgloop_watch *w)
{
	struct imsgloop *loop = w->loop;
	int save = errno;

	if (loop == NULL)
		return;
	w->loop = NULL;
	loop->ops->del(loop, w);
	errno = save;
}

void
imsgloop_ready(struct imsgloop_watch *w, short revents)
{
	w->ready(w, revents);
}
