/* SPDX-License-Identifier: ISC */
/* See testlib-fault.h.  Stands in front of the wrappers of testlib-os.c. */
#include "testlib-fault-int.h"

#include <limits.h>

struct imsgi_os f_under;
struct f_plan f_plan;
struct f_counts f_counts;
int f_cannot;

static long calls[F_CLASSES], fired, met, total;
static int64_t clock_ms;
static struct stream {
	size_t pos;
	size_t cut[F_CUTS];
	int error[F_CUTS];
	int ncuts, next;
} streams[F_CLASSES];

int f_due(enum f_class class)
{
	return f_plan.at != 0 && class == f_plan.class &&
	    calls[class] >= f_plan.at &&
	    calls[class] < f_plan.at + f_plan.times;
}

void
f_fire(void)
{
	fired++;
	total++;
}

/* Does this call meet the planned fault? */
static int hit(enum f_class class)
{
	calls[class]++;
	if (f_cannot || !f_due(class))
		return 0;
	f_fire();
	return 1;
}

static int refused(enum f_class class)
{
	if (!hit(class))
		return 0;
	errno = f_plan.error;
	return 1;
}

static void *
f_alloc(size_t n)
{
	return refused(F_ALLOC) ? NULL : f_under.alloc(n);
}

static void *
f_calloc(size_t n, size_t size)
{
	return refused(F_ALLOC) ? NULL : f_under.calloc(n, size);
}

static int
f_aligned(void **p, size_t align, size_t n)
{
	return refused(F_ALLOC) ? ENOMEM : f_under.aligned(p, align, n);
}

/* Bytes until the next cut; 0 with errno at one that has an error. */
static size_t
allowance(struct stream *s)
{
	int i = s->next;

	if (i == s->ncuts)
		return SIZE_MAX;
	if (s->cut[i] > s->pos)
		return s->cut[i] - s->pos;
	if (f_plan.fatal && i == s->ncuts - 1) {
		fired++;
		total += fired == 1;
		errno = s->error[i];
		return 0;
	}
	s->next++;
	if (s->error[i] == 0)
		return allowance(s);
	errno = s->error[i];
	total++;
	fired++;
	return 0;
}

ssize_t
f_permit(enum f_class class, int *trunc)
{
	size_t max = allowance(&streams[class]);

	*trunc = 0;
	if (max == 0) {
		calls[class]++;
		return errno == 0 ? 0 : -1;
	}
	if (hit(class)) {
		switch (f_plan.effect) {
		case F_ERROR:
			errno = f_plan.error;
			return -1;
		case F_ZERO:
			return 0;
		case F_SHORT:
			max = 1;
			break;
		case F_TRUNC:
			*trunc = 1;
			break;
		}
	}
	return max > SSIZE_MAX ? SSIZE_MAX : (ssize_t)max;
}

ssize_t
f_moved(enum f_class class, ssize_t n, ssize_t max)
{
	struct stream *s = &streams[class];

	if (n <= 0)
		return n;
	s->pos += (size_t)n;
	if (n == max && s->next < s->ncuts && s->cut[s->next] == s->pos &&
	    s->error[s->next] == 0) {
		total++;
		fired++;
	}
	return n;
}

/* Both ends are in this process: what is not ready now never will be. */
static int
f_poll(struct pollfd *p, nfds_t n, int ms)
{
	int r;

	if (hit(F_POLL)) {
		if (f_plan.effect == F_ERROR) {
			errno = f_plan.error;
			return -1;
		}
		clock_ms += ms < 0 ? 0 : ms;
		return 0;
	}
	if ((r = f_under.poll(p, n, 0)) != 0)
		return r;
	if (ms < 0)
		fail_msg("waits for ever");
	clock_ms += ms;
	return 0;
}

/* Whatever it says, the number is free again (close(2), Linux). */
static int
f_close(int fd)
{
	int r = f_under.close(fd);

	if (!hit(F_CLOSE))
		return r;
	errno = f_plan.error;
	return -1;
}

static int
f_now(struct timespec *ts)
{
	ts->tv_sec = (time_t)(clock_ms / 1000);
	ts->tv_nsec = (long)(clock_ms % 1000) * 1000000;
	return 0;
}

static int
f_sleep(const struct timespec *ts)
{
	clock_ms += (int64_t)ts->tv_sec * 1000 + ts->tv_nsec / 1000000;
	return 0;
}

static void
stand_in_front(void)
{
	f_under = imsgi_os;
	imsgi_os.alloc = f_alloc;
	imsgi_os.calloc = f_calloc;
	imsgi_os.aligned = f_aligned;
	f_io();
	imsgi_os.poll = f_poll;
	imsgi_os.close = f_close;
	imsgi_os.now = f_now;
	imsgi_os.sleep = f_sleep;
}

static void
add_cut(const struct f_cut *c)
{
	struct stream *s = &streams[c->class];

	if (c->at == 0)
		return;
	s->cut[s->ncuts] = c->at;
	s->error[s->ncuts++] = c->error;
}

void
f_begin(const struct f_plan *p)
{
	int i;

	if (f_under.alloc == NULL)
		stand_in_front();
	memset(&f_plan, 0, sizeof(f_plan));
	if (p != NULL)
		f_plan = *p;
	memset(calls, 0, sizeof(calls));
	memset(streams, 0, sizeof(streams));
	for (i = 0; i < F_CUTS; i++)
		add_cut(&f_plan.cut[i]);
	fired = met = 0;
	memset(&f_counts, 0, sizeof(f_counts));
	clock_ms = 1000;
}

void
f_lift(void)
{
	f_plan.at = 0;
}

long f_calls(enum f_class class)
{
	return calls[class];
}

long
f_fired(void)
{
	return fired;
}

long
f_dropped(void)
{
	return f_counts.dropped;
}

long
f_total(void)
{
	return total;
}

size_t f_bytes(enum f_class class)
{
	return streams[class].pos;
}

void
f_expect(void)
{
	int save = errno, i, planned = f_plan.at != 0 && save == f_plan.error;
	enum f_class c;

	for (c = F_RECV; c <= F_SEND; c++)
		for (i = 0; i < streams[c].ncuts; i++)
			planned |= save == streams[c].error[i];
	if (fired == 0 || !planned)
		fail_msg("unplanned failure: %s", strerror(save));
	if (++met == 3)
		f_lift();
	errno = save;
}

int
f_told(void)
{
	switch (f_plan.error) {
	case EINTR:
	case EAGAIN:
	/* sendmmsg(2) is left alone from then on. */
	case ENOSYS:
	case EPERM:
		return 1;
	case ENOBUFS:
		return met > 0 || f_plan.class == F_SEND;
	case EMSGSIZE:
		/* Tried again without room for descriptors. */
		return met > 0 || f_counts.hidden > 0 || f_plan.class == F_RECV;
	default:
		return met > 0 || f_counts.hidden > 0 ||
		    f_plan.class == F_ALLOC || f_plan.class == F_CLOSE ||
		    f_plan.effect != F_ERROR;
	}
}

void
f_idle(void)
{
	if (fired == 0)
		fail_msg("nothing goes on, and no fault is why");
	if (++met == 3)
		f_lift();
	if (met > 20)
		fail_msg("nothing goes on any more");
}
