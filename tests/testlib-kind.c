/* SPDX-License-Identifier: ISC */
/* The ways in which a call can fail; see testlib-fault.h. */
#include "testlib-fault.h"

static const struct kind {
	enum f_class class;
	enum f_effect effect;
	int error;
} kinds[] = {
	{ F_ALLOC, F_ERROR, ENOMEM },
	{ F_RECV, F_ERROR, EINTR },
	{ F_RECV, F_ERROR, EAGAIN },
	{ F_RECV, F_ERROR, ENOBUFS },
	{ F_RECV, F_ERROR, ENOMEM },
	{ F_RECV, F_ERROR, EMSGSIZE },
	{ F_RECV, F_ERROR, ECONNRESET },
	{ F_RECV, F_ERROR, EIO },
	{ F_RECV, F_ZERO, 0 },
	{ F_RECV, F_SHORT, 0 },
	{ F_RECV, F_TRUNC, 0 },
	{ F_SEND, F_ERROR, EINTR },
	{ F_SEND, F_ERROR, EAGAIN },
	{ F_SEND, F_ERROR, ENOBUFS },
	{ F_SEND, F_ERROR, ENOMEM },
	{ F_SEND, F_ERROR, EMSGSIZE },
	{ F_SEND, F_ERROR, EPIPE },
	{ F_SEND, F_ERROR, ECONNRESET },
	{ F_SEND, F_ERROR, ETOOMANYREFS },
	{ F_SEND, F_ERROR, ENOSYS },
	{ F_SEND, F_ERROR, EPERM },
	{ F_SEND, F_ZERO, 0 },
	{ F_SEND, F_SHORT, 0 },
	{ F_POLL, F_ERROR, EINTR },
	{ F_POLL, F_ERROR, ENOMEM },
	{ F_POLL, F_ZERO, 0 },
	{ F_CLOSE, F_ERROR, EINTR },
	{ F_CLOSE, F_ERROR, EIO },
};

#define KINDS ((int)(sizeof(kinds) / sizeof(kinds[0])))

const char *
f_name(const struct f_plan *p)
{
	static const char *const class[] = { "alloc", "recv", "send", "poll",
		"close" };
	static char text[128];

	snprintf(text, sizeof(text), "%s %ld, effect %d, %s, %ld times",
	    class[p->class], p -> at, (int)p -> effect, strerror(p->error),
	    p -> times);
	return text;
}

int
f_kind(int i, struct f_plan *p)
{
	static const long times[] = { 1, 2, F_FOREVER };

	if (i >= KINDS * 3)
		return 0;
	memset(p, 0, sizeof(*p));
	p->class = kinds[i / 3].class;
	p->effect = kinds[i / 3].effect;
	p->error = kinds[i / 3].error;
	p->times = times[i % 3];
	/* Signals for ever are no fault, single bytes for ever no other one. */
	if (p->times == F_FOREVER &&
	    (p->error == EINTR || p->effect == F_SHORT))
		p->times = 100;
	return 1;
}

long
f_each_call(const struct f_plan *kind,
    void (*fn)(const struct f_plan *, void *), void *arg)
{
	struct f_plan p = *kind;
	long n = 0;

	for (p.at = 1;; p.at++) {
		if (getenv("TEST_TRACE") != NULL)
			print_message("%s\n", f_name(&p));
		fn(&p, arg);
		/* Nothing in the library tries again without end. */
		assert_true(f_fired() < 1000);
		if (f_calls(p.class) < p.at)
			return n;
		if (f_fired() > 0) {
			assert_true(f_told());
			n++;
		}
	}
}

long
f_each_fault(void (*fn)(const struct f_plan *, void *), void *arg)
{
	struct f_plan p;
	long n = 0;
	int i;

	fn(NULL, arg);
	for (i = 0; f_kind(i, &p); i++)
		n += f_each_call(&p, fn, arg);
	print_message("faults injected: %ld\n", n);
	return n;
}
