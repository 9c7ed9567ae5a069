/* SPDX-License-Identifier: ISC */
/*
 * The worker: receives one open archive, sends its entries, ends.
 *
 * This is the only process that lets libarchive see archive bytes, and it
 * does so in the sandbox that table.c describes.
 */
#define _POSIX_C_SOURCE 200809L

#include <sys/types.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <archive.h>
#include <archive_entry.h>

#include "entry.h"
#include "worker.h"

/* Queued bytes, or milliseconds since the last time, that make a flush. */
#define FLUSH_BYTES 32768
#define FLUSH_MS    200
/* Damaged headers that libarchive may step over before we give up. */
#define MAX_RETRIES 1000

struct source {
	int fd;
	int64_t size;
	unsigned char buf[65536];
};

struct report {
	struct imsgbuf *ib;
	int64_t flushed_at;
	uint64_t entries;
	char damage[ERROR_TEXT_MAX]; /* the first, or "" */
};

static struct text
text_of(const char *s, size_t max)
{
	struct text t = { "", 0 };

	if (s != NULL) {
		t.data = s;
		t.len = strnlen(s, max);
	}
	return t;
}

/* Without memory, or without a parent, there is nobody to tell. */
static _Noreturn void
give_up(void)
{
	_exit(1);
}

static struct ibuf *
message(struct imsgbuf *ib, uint32_t type)
{
	struct ibuf *b;

	if ((b = imsg_create(ib, type, 0, 0, 0)) == NULL)
		give_up();
	return b;
}

static _Noreturn void
finish(struct imsgbuf *ib, struct ibuf *last)
{
	imsg_close(ib, last);
	if (imsgbuf_flush(ib) == -1)
		give_up();
	_exit(0);
}

static _Noreturn void
fail(struct imsgbuf *ib, const char *what, const char *why)
{
	char line[ERROR_TEXT_MAX];
	struct ibuf *b = message(ib, PEEK_ERROR);

	(void)snprintf(
	    line, sizeof(line), "%s%s%s", what, *what == '\0' ? "" : ": ", why);
	/* Some texts of libarchive's libraries are lines. */
	line[strcspn(line, "\n")] = '\0';
	if (text_put(b, text_of(line, sizeof(line))) == -1)
		give_up();
	finish(ib, b);
}

/*
 * libarchive's own reader of descriptors skips past the end of a file that was
 * cut off without noticing.
 */
static la_ssize_t
source_read(struct archive *a, void *arg, const void **data)
{
	struct source *src = arg;
	ssize_t n;

	do {
		n = read(src->fd, src->buf, sizeof(src->buf));
	} while (n == -1 && errno == EINTR);
	if (n == -1)
		archive_set_error(a, errno, "cannot read: %s", strerror(errno));
	*data = src->buf;
	return n;
}

static la_int64_t
source_skip(struct archive *a, void *arg, la_int64_t want)
{
	struct source *src = arg;
	off_t at;

	(void)a;
	/* Returning 0 makes libarchive read instead. */
	if ((at = lseek(src->fd, 0, SEEK_CUR)) == -1 || at >= src->size)
		return 0;
	if (want > src->size - at)
		want = src->size - at;
	if (lseek(src->fd, (off_t)want, SEEK_CUR) == -1)
		return 0;
	return want;
}

static la_int64_t
source_seek(struct archive *a, void *arg, la_int64_t offset, int whence)
{
	struct source *src = arg;
	off_t at;

	if ((at = lseek(src->fd, (off_t)offset, whence)) == -1) {
		archive_set_error(a, errno, "cannot seek: %s", strerror(errno));
		return ARCHIVE_FATAL;
	}
	return at;
}

/*
 * A filter that is not compiled in announces that it would start a program
 * and cannot be taken back, so it is asked on an object of its own first.
 */
static void
add_filters(struct archive *a)
{
	static int (*const filters[])(struct archive *) = {
		archive_read_support_filter_gzip,
		archive_read_support_filter_bzip2,
		archive_read_support_filter_compress,
		archive_read_support_filter_lzma,
		archive_read_support_filter_xz,
		archive_read_support_filter_lzip,
		archive_read_support_filter_lz4,
		archive_read_support_filter_zstd,
		archive_read_support_filter_uu,
		archive_read_support_filter_rpm,
	};
	struct archive *probe;
	size_t i;

	for (i = 0; i < sizeof(filters) / sizeof(filters[0]); i++) {
		if ((probe = archive_read_new()) == NULL)
			give_up();
		if (filters[i](probe) == ARCHIVE_OK)
			(void)filters[i](a);
		(void)archive_read_free(probe);
	}
}

static struct archive *
open_archive(struct imsgbuf *ib, struct source *src)
{
	struct archive *a;
	off_t size;

	if ((size = lseek(src->fd, 0, SEEK_END)) == -1 ||
	    lseek(src->fd, 0, SEEK_SET) == -1)
		fail(ib, "cannot seek", strerror(errno));
	src->size = size;
	if ((a = archive_read_new()) == NULL)
		give_up();
	add_filters(a);
	(void)archive_read_support_format_all(a);
	(void)archive_read_set_read_callback(a, source_read);
	(void)archive_read_set_skip_callback(a, source_skip);
	(void)archive_read_set_seek_callback(a, source_seek);
	(void)archive_read_set_callback_data(a, src);
	return a;
}

/* Prefers the bytes as they stand in the archive. */
static struct text
name_of(const char *bytes, const char *utf8, struct entry *e, uint8_t cut)
{
	const char *s = bytes != NULL ? bytes : utf8;
	struct text t = text_of(s, NAME_TEXT_MAX + 1);

	if (t.len > NAME_TEXT_MAX) {
		t.len = NAME_TEXT_MAX;
		e->flags |= cut;
	}
	return t;
}

static uint8_t
kind_of(struct archive_entry *ae)
{
	switch (archive_entry_filetype(ae)) {
	case AE_IFREG:
		return '-';
	case AE_IFDIR:
		return 'd';
	case AE_IFLNK:
		return 'l';
	case AE_IFBLK:
		return 'b';
	case AE_IFCHR:
		return 'c';
	case AE_IFIFO:
		return 'p';
	case AE_IFSOCK:
		return 's';
	default:
		/* Hard links in tar have none. */
		return archive_entry_hardlink(ae) != NULL ? '-' : '?';
	}
}

static void
convert_names(struct entry *e, struct archive_entry *ae)
{
	const char *bytes = archive_entry_pathname(ae);
	const char *utf8 = NULL;

	if (bytes == NULL && (utf8 = archive_entry_pathname_utf8(ae)) == NULL)
		e->flags |= ENTRY_NAMELESS;
	e->name = name_of(bytes, utf8, e, ENTRY_NAME_CUT);
	e->user = text_of(archive_entry_uname(ae), OWNER_TEXT_MAX);
	e->group = text_of(archive_entry_gname(ae), OWNER_TEXT_MAX);
	e->link = text_of(NULL, 0);
	bytes = archive_entry_hardlink(ae);
	utf8 = bytes == NULL ? archive_entry_hardlink_utf8(ae) : NULL;
	if (bytes != NULL || utf8 != NULL)
		e->flags |= ENTRY_HARDLINK;
	else if (e->kind == 'l') {
		bytes = archive_entry_symlink(ae);
		utf8 = bytes == NULL ? archive_entry_symlink_utf8(ae) : NULL;
	}
	e->link = name_of(bytes, utf8, e, ENTRY_LINK_CUT);
}

static void
convert(struct entry *e, struct archive_entry *ae)
{
	memset(e, 0, sizeof(*e));
	e->kind = kind_of(ae);
	e->mode = (uint32_t)archive_entry_perm(ae) & 07777;
	e->uid = archive_entry_uid(ae);
	e->gid = archive_entry_gid(ae);
	if (archive_entry_size_is_set(ae) && archive_entry_size(ae) >= 0) {
		e->flags |= ENTRY_HAS_SIZE;
		e->size = (uint64_t)archive_entry_size(ae);
	}
	if (archive_entry_mtime_is_set(ae)) {
		e->flags |= ENTRY_HAS_MTIME;
		e->mtime = archive_entry_mtime(ae);
	}
	convert_names(e, ae);
}

static int64_t
now_ms(void)
{
	struct timespec ts = { 0, 0 };

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static void
send_entry(struct report *r, struct archive_entry *ae)
{
	struct ibuf *b = message(r->ib, PEEK_ENTRY);
	struct entry e;
	int64_t now;

	convert(&e, ae);
	if (entry_put(b, &e) == -1)
		give_up();
	imsg_close(r->ib, b);
	r->entries++;
	now = now_ms();
	if (imsgbuf_queuebytes(r->ib) < FLUSH_BYTES &&
	    now - r->flushed_at < FLUSH_MS)
		return;
	if (imsgbuf_flush(r->ib) == -1)
		give_up();
	r->flushed_at = now;
}

static const char *
why(struct archive *a)
{
	const char *s = archive_error_string(a);

	return s != NULL ? s : "damaged, libarchive does not say how";
}

static _Noreturn void
send_end(struct report *r)
{
	struct ibuf *b;

	if (r->damage[0] != '\0')
		fail(r->ib, "", r->damage);
	b = message(r->ib, PEEK_END);
	if (ibuf_add_n64(b, r->entries) == -1)
		give_up();
	finish(r->ib, b);
}

static void
note_damage(struct report *r, struct archive *a)
{
	if (r->damage[0] == '\0')
		(void)snprintf(r->damage, sizeof(r->damage), "%s", why(a));
}

static _Noreturn void
list(struct report *r, struct archive *a)
{
	struct archive_entry *ae;
	int retries = 0;

	for (;;) {
		switch (archive_read_next_header(a, &ae)) {
		case ARCHIVE_EOF:
			send_end(r);
		case ARCHIVE_WARN:
			/* An entry, but not as the archive meant it. */
			note_damage(r, a);
			send_entry(r, ae);
			break;
		case ARCHIVE_OK:
			send_entry(r, ae);
			break;
		case ARCHIVE_RETRY:
			/* What follows may be good; the file is not. */
			note_damage(r, a);
			if (++retries > MAX_RETRIES)
				send_end(r);
			break;
		default:
			note_damage(r, a);
			send_end(r);
		}
	}
}

static int
receive_archive(struct imsgbuf *ib)
{
	struct imsg m;
	int fd;

	/* Without a request there is nothing to do, not even to complain. */
	if (imsgbuf_recv(ib, &m, -1) != 1 || imsg_get_type(&m) != PEEK_OPEN)
		give_up();
	if ((fd = imsg_get_fd(&m)) == -1)
		fail(ib, "worker", "no descriptor arrived");
	imsg_free(&m);
	return fd;
}

int
worker_run(struct imsgproc *proc)
{
	static struct source src;
	static struct report report;
	struct imsgbuf *ib = imsgproc_parent_imsgbuf(proc);
	struct archive *a;

	src.fd = receive_archive(ib);
	a = open_archive(ib, &src);
	if (archive_read_open1(a) != ARCHIVE_OK)
		fail(ib, "", why(a));
	report.ib = ib;
	report.flushed_at = now_ms();
	list(&report, a);
}
