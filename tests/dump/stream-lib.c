/* SPDX-License-Identifier: ISC */
/*
 * For the tests of streams: bytes of both wires, and what came of them.
 */
#define _GNU_SOURCE
#include "stream-lib.h"

#include <dirent.h>

static uint64_t state;

void
t_seed(uint64_t seed)
{
	state = seed * 2862933555777941757U + 3037000493U;
}

uint32_t
t_rand(void)
{
	state = state * 6364136223846793005U + 1442695040888963407U;
	return (uint32_t)(state >> 33);
}

static void *
grow(void *p, size_t size)
{
	p = realloc(p, size);
	assert_non_null(p);
	return p;
}

void
w_add(struct wire *w, const void *p, size_t len)
{
	if (w->room - w->len < len)
		w->p = grow(w->p, w->room = 2 * (w->room + len));
	if (len > 0)
		memcpy(w->p + w->len, p, len);
	w->len += len;
}

/* Where the second word has a classic length and flags. */
static uint32_t
classic_word(size_t total, int marked)
{
	uint16_t half[2] = { (uint16_t)total, marked != 0 };
	uint32_t word;

	memcpy(&word, half, sizeof(word));
	return word;
}

void
w_msg(struct wire *w, int wire, uint32_t type, uint32_t pid, int fd,
    size_t payload)
{
	struct imsg_hdr h = { type, 0, 8, pid };
	size_t i, total = sizeof(h) + payload;
	unsigned char *p;
	int marked = fd != -1;

	if (w->n == w->mroom)
		w->m =
		    grow(w->m, (w->mroom = 2 * w->mroom + 16) * sizeof(*w->m));
	w->m[w->n].at = w->len;
	w->m[w->n].len = total;
	w->m[w->n].marked = marked;
	w->m[w->n++].fd = fd == W_LOST ? -1 : fd;
	h.len = (uint32_t)total | (marked ? 0x80000000U : 0);
	if (wire == IMSG_WIRE_CLASSIC)
		h.len = classic_word(total, marked);
	w_add(w, &h, sizeof(h));
	p = grow(NULL, payload + 1);
	for (i = 0; i < payload; i++)
		p[i] = (unsigned char)((type + i) * 2654435761U >> 13);
	w_add(w, p, payload);
	free(p);
}

void
w_free(struct wire *w)
{
	free(w->p);
	free(w->m);
	memset(w, 0, sizeof(*w));
}

static void
tell(void *arg, const struct record *r)
{
	struct told *t = arg;
	struct shown *s;

	if (t->n == t->room)
		t->r = grow(t->r, (t->room = 2 * t->room + 16) * sizeof(*t->r));
	s = &t->r[t->n++];
	memset(s, 0, sizeof(*s));
	s->r = *r;
	s->data = grow(NULL, r->len + 1);
	if (r->len > 0)
		memcpy(s->data, r->data, r->len);
	(void)snprintf(s->name, sizeof(s->name), "%s", r->fdname);
	if (r->kind == RECORD_MESSAGE) {
		t->messages++;
		assert_null(r->note);
		return;
	}
	t->notes++;
	assert_non_null(r->note);
	s->text = strdup(r->note);
	assert_non_null(s->text);
	assert_null(strchr(s->text, '\n'));
}

static int
count_fds(void)
{
	DIR *d = opendir("/proc/self/fd");
	int n = 0;

	assert_non_null(d);
	while (readdir(d) != NULL)
		n++;
	(void)closedir(d);
	return n;
}

static int fds;

void
t_start(struct told *t, size_t max, uint32_t maxsize)
{
	fds = count_fds();
	memset(t, 0, sizeof(*t));
	t->budget.max = max;
	t->budget.maxsize = maxsize;
	t->tell = tell;
	t->s = stream_new(&t->budget, tell, t);
	assert_non_null(t->s);
}

void
t_stop(struct told *t)
{
	size_t i;

	stream_free(t->s);
	assert_int_equal(t->budget.used, 0);
	stream_budget_clear(&t->budget);
	for (i = 0; i < t->n; i++) {
		free(t->r[i].data);
		free(t->r[i].text);
	}
	free(t->r);
	assert_int_equal(count_fds(), fds);
}

void
t_piece(struct told *t, const void *p, size_t len, pid_t pid, int fd,
    size_t nfds, int last)
{
	struct passed passed[4];
	char name[4][32];
	struct bytes b = { .time = 1, .pid = pid, .len = len, .last = last };
	unsigned char *own = grow(NULL, len + 1);
	size_t i;

	assert_true(nfds <= 4);
	for (i = 0; i < nfds; i++) {
		passed[i].fd = fd + (int)i;
		(void)snprintf(name[i], 32, "file:%d", fd + (int)i);
		passed[i].name = name[i];
	}
	/* Of its own size, so that a sanitizer sees what is behind it. */
	own = grow(own, len == 0 ? 1 : len);
	if (len > 0)
		memcpy(own, p, len);
	b.data = own;
	b.fds = passed;
	b.nfds = nfds;
	assert_int_equal(stream_bytes(t->s, &b), 0);
	assert_true(t->budget.used <= t->budget.max);
	free(own);
}

void
t_call(
    struct told *t, const void *p, size_t len, pid_t pid, int fd, size_t nfds)
{
	t_piece(t, p, len, pid, fd, nfds, 1);
}

const struct shown *
t_message(const struct told *t, size_t k)
{
	size_t i;

	for (i = 0; i < t->n; i++)
		if (t->r[i].r.kind == RECORD_MESSAGE && k-- == 0)
			return &t->r[i];
	return NULL;
}

static int
same(const struct shown *s, const struct wire *w, size_t i)
{
	const struct model *m = &w->m[i];
	struct imsg_hdr h;
	char name[32];

	memcpy(&h, w->p + m->at, sizeof(h));
	if (s->r.hdr.type != h.type || s->r.hdr.len != m->len ||
	    s->r.hdr.peerid != h.peerid || s->r.hdr.pid != h.pid ||
	    s->r.len != m->len - sizeof(h) ||
	    memcmp(s->data, w->p + m->at + sizeof(h), s->r.len) != 0)
		return 0;
	if (!m->marked)
		return s->r.fd_state != IMSG_FD_PRESENT &&
		    s->r.fd_state != IMSG_FD_LOST;
	if (m->fd == -1)
		return s->r.fd_state == IMSG_FD_LOST;
	(void)snprintf(name, sizeof(name), "file:%d", m->fd);
	return s->r.fd_state == IMSG_FD_PRESENT && s->r.fd == m->fd &&
	    strcmp(s->name, name) == 0;
}

int
t_is(const struct told *t, size_t k, const struct wire *w, size_t i)
{
	const struct shown *s = t_message(t, k);

	return s != NULL && i < w->n && same(s, w, i);
}

void
t_noted(const struct told *t, const char *what)
{
	size_t i;

	for (i = t->n; i-- > 0;)
		if (t->r[i].text != NULL) {
			if (strstr(t->r[i].text, what) == NULL)
				fail_msg("%s, not %s", t->r[i].text, what);
			return;
		}
	fail_msg("no note, but %s", what);
}

void
t_all(const struct told *t, const struct wire *w)
{
	size_t i, k = 0;

	assert_int_equal(t->messages, w->n);
	for (i = 0; i < t->n; i++)
		if (t->r[i].r.kind == RECORD_MESSAGE && !same(&t->r[i], w, k++))
			fail_msg("message %zu differs", k - 1);
}
