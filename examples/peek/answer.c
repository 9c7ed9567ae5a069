/* SPDX-License-Identifier: ISC */
/*
 * The worker's answer, message by message.
 *
 * The worker has parsed a hostile archive and may be under its control: what
 * it sends is checked before it is counted or printed, and the first thing
 * that is wrong ends the conversation.  Nothing here knows of processes.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <imsg.h>

#include "answer.h"

uint64_t
answer_sum(uint64_t a, uint64_t b)
{
	return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

/* The first failure is the one that explains the others. */
void
answer_fail(struct answer *a, const char *fmt, ...)
{
	va_list ap;

	if (a->failed)
		return;
	a->failed = true;
	va_start(ap, fmt);
	(void)vsnprintf(a->why, sizeof(a->why), fmt, ap);
	va_end(ap);
}

static void
fail_text(struct answer *a, struct text t)
{
	answer_fail(a, "%.*s", (int)t.len, t.data);
}

static void
handle_entry(struct answer *a, struct imsg *m)
{
	struct ibuf payload;
	struct entry e;

	if (imsg_get_ibuf(m, &payload) == -1 ||
	    entry_take(&payload, &e) == -1) {
		answer_fail(a, "worker sent a malformed entry");
		return;
	}
	a->entries++;
	a->bytes = answer_sum(a->bytes, e.size);
	print_entry(a->screen, &e);
}

static void
handle_end(struct answer *a, struct imsg *m)
{
	struct ibuf b;
	uint64_t entries;

	if (imsg_get_ibuf(m, &b) == -1 || ibuf_get_n64(&b, &entries) == -1 ||
	    ibuf_size(&b) > 0)
		answer_fail(a, "worker sent a malformed end");
	else if (entries != a->entries)
		answer_fail(a,
		    "worker sent %" PRIu64 " entries but counts %" PRIu64,
		    a->entries, entries);
	else
		a->ended = true;
}

static void
handle_error(struct answer *a, struct imsg *m)
{
	struct ibuf b;
	struct text t;

	if (imsg_get_ibuf(m, &b) == -1 ||
	    text_take(&b, &t, ERROR_TEXT_MAX) == -1 || ibuf_size(&b) > 0) {
		answer_fail(a, "worker sent a malformed error");
		return;
	}
	a->ended = true;
	fail_text(a, t);
}

static void
handle(struct answer *a, struct imsg *m)
{
	if (a->ended) {
		answer_fail(a, "worker went on after its end");
		return;
	}
	if (imsg_fd_status(m) != IMSG_FD_NONE) {
		answer_fail(a, "worker sent a descriptor");
		return;
	}
	switch (imsg_get_type(m)) {
	case PEEK_ENTRY:
		handle_entry(a, m);
		break;
	case PEEK_END:
		handle_end(a, m);
		break;
	case PEEK_ERROR:
		handle_error(a, m);
		break;
	default:
		answer_fail(a, "worker sent a message of unknown type %" PRIu32,
		    imsg_get_type(m));
	}
}

void
answer_failed(struct answer *a, int error)
{
	switch (error) {
	case ECONNRESET:
	case EPIPE:
		/* It died before it read the request. */
		a->gone = true;
		break;
	case ETIMEDOUT:
		if (a->ended)
			answer_fail(a, "worker did not stop after its end");
		else
			answer_fail(a, "worker was silent for %d seconds",
			    SILENCE_MS / 1000);
		break;
	case ERANGE:
	case EPROTO:
		answer_fail(a, "worker sent something that is no message");
		break;
	default:
		answer_fail(a, "worker: %s", strerror(error));
	}
}

bool
answer_receive(struct answer *a, struct imsgbuf *ib)
{
	struct imsg m;
	bool was_ended = a->ended;

	switch (imsgbuf_recv(ib, &m, a->ended ? GRACE_MS : SILENCE_MS)) {
	case 1:
		handle(a, &m);
		imsg_free(&m);
		if (ferror(stdout))
			return false;
		return a->ended ? !was_ended : !a->failed;
	case 0:
		a->gone = true;
		if (a->ended && imsgbuf_partial(ib))
			answer_fail(a, "worker went on after its end");
		return false;
	default:
		answer_failed(a, errno);
		return false;
	}
}
