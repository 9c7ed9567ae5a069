/* SPDX-License-Identifier: ISC */
/*
 * A program that records its own messages: what is in the file is what
 * happened on the channel, and errors are no concern of the channel.
 */
#define _GNU_SOURCE

#include <sys/resource.h>
#include <sys/socket.h>

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "capture-judge.h"
#include "imsgrec.h"

#define assert_errno(call, e)                 \
	do {                                  \
		errno = 0;                    \
		assert_int_equal((call), -1); \
		assert_int_equal(errno, (e)); \
	} while (0)
#define assert_null_errno(call, e)            \
	do {                                  \
		errno = 0;                    \
		assert_null((call));          \
		assert_int_equal(errno, (e)); \
	} while (0)

/* What is in the file; the names are copied. */
static struct record got[16];
static struct {
	char from[16], to[16];
	size_t len;
	unsigned char first;
} more[16];
static unsigned int ngot;
static char named[64];

static int
keep(struct sink *s, const struct record *r)
{
	(void)s;
	assert_true(record_sound(r));
	assert_true(ngot < 16);
	got[ngot] = *r;
	(void)snprintf(more[ngot].from, 16, "%s", r->from.name);
	(void)snprintf(more[ngot].to, 16, "%s", r->to.name);
	more[ngot].len = r->len;
	more[ngot].first = r->len > 0 ? r->data[0] : 0;
	ngot++;
	return 0;
}

static int
name(void *arg, uint32_t type, const char *text)
{
	(void)arg;
	(void)snprintf(
	    named, sizeof(named), "%lu %s", (unsigned long)type, text);
	return 0;
}

static int
read_back(int fd)
{
	struct sink s = { .put = keep };

	ngot = 0;
	named[0] = '\0';
	return capture_read_names(
	    file_of(fd), &s, name, NULL, NULL, why, sizeof(why));
}

static struct imsgbuf a, b;

static void
channel(void)
{
	int s[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, s), 0);
	assert_int_equal(imsgbuf_init(&a, s[0]), 0);
	assert_int_equal(imsgbuf_init(&b, s[1]), 0);
	imsgbuf_allow_fdpass(&a);
	imsgbuf_allow_fdpass(&b);
}

static void
unchannel(void)
{
	imsgbuf_clear(&a);
	imsgbuf_clear(&b);
	close(a.fd);
	close(b.fd);
}

static void
send_one(uint32_t type, int fd, const void *data, size_t len)
{
	assert_int_equal(imsg_compose(&a, type, 2, 3, fd, data, len), 1);
	assert_int_equal(imsgbuf_flush(&a), 0);
}

static void
receive(uint32_t type)
{
	struct imsg m;

	assert_int_equal(imsgbuf_recv(&b, &m, 5000), 1);
	assert_int_equal(imsg_get_type(&m), type);
	imsg_free(&m);
}

static struct imsgrec *
record_to(int fd, int flags)
{
	struct imsgrec *rec = imsgrec_open(fd, flags);

	assert_non_null(rec);
	return rec;
}

static void
expect(unsigned int i, int event, uint32_t type, size_t len)
{
	assert_true(i < ngot);
	assert_int_equal(got[i].kind, RECORD_MESSAGE);
	assert_int_equal(got[i].event, event);
	assert_int_equal(got[i].hdr.type, type);
	assert_int_equal(got[i].hdr.len, len + 16);
}

static void
both_ends_are_recorded(void **state)
{
	int file = memory();
	struct imsgrec *rec = record_to(file, 0);

	(void)state;
	channel();
	assert_int_equal(imsgrec_channel(rec, &a, 1, "one", 77, "two"), 0);
	assert_int_equal(imsgrec_channel(rec, &b, 2, NULL, 0, NULL), 0);
	send_one(5, dup(0), "hello", 5);
	receive(5);
	unchannel();
	assert_int_equal(imsgrec_error(rec), 0);
	assert_int_equal(imsgrec_close(rec), 0);
	assert_int_equal(read_back(file), 0);
	assert_int_equal(ngot, 2);
	expect(0, RECORD_SENT, 5, 5);
	expect(1, RECORD_RECEIVED, 5, 5);
	assert_int_equal(got[0].channel, 1);
	assert_int_equal(got[0].from.pid, getpid());
	assert_int_equal(got[0].to.pid, 77);
	assert_string_equal(more[0].from, "one");
	assert_string_equal(more[0].to, "two");
	assert_int_equal(got[0].hdr.peerid, 2);
	assert_int_equal(got[0].hdr.pid, 3);
	assert_int_equal(got[0].wire, RECORD_WIRE_UNKNOWN);
	assert_int_equal(got[0].fd_state, IMSG_FD_PRESENT);
	assert_true(got[0].fd > 2 && got[1].fd > 2);
	assert_int_equal(more[0].len, 5);
	assert_int_equal(more[0].first, 'h');
	assert_int_equal(got[1].channel, 2);
	assert_int_equal(got[1].from.pid, 0);
	assert_int_equal(got[1].to.pid, getpid());
	assert_string_equal(more[1].to, "");
	assert_true(got[0].time > INT64_C(1600000000000000000));
	assert_true(got[1].time >= got[0].time);
	close(file);
}

static void
queued_and_dropped_messages_are_told_apart(void **state)
{
	int file = memory();
	struct imsgrec *rec = record_to(file, IMSGREC_QUEUED);

	(void)state;
	channel();
	assert_int_equal(imsgrec_channel(rec, &a, 1, "a", 0, "b"), 0);
	send_one(5, -1, "", 0);
	assert_int_equal(imsg_compose(&a, 6, 0, 0, -1, "x", 1), 1);
	unchannel();
	assert_int_equal(imsgrec_close(rec), 0);
	assert_int_equal(read_back(file), 0);
	assert_int_equal(ngot, 4);
	expect(0, RECORD_QUEUED, 5, 0);
	expect(1, RECORD_SENT, 5, 0);
	expect(2, RECORD_QUEUED, 6, 1);
	expect(3, RECORD_DROPPED, 6, 1);
	assert_string_equal(more[3].from, "a");
	close(file);
}

static void
unread_messages_and_lost_descriptors_are_told(void **state)
{
	struct imsg_hdr h = { 8, 0x80000010U, 0, 0 };
	int file = memory();
	struct imsgrec *rec = record_to(file, 0);

	(void)state;
	channel();
	assert_int_equal(imsgrec_channel(rec, &b, 1, "b", 0, "a"), 0);
	assert_int_equal(write(a.fd, &h, sizeof(h)), sizeof(h));
	receive(8);
	send_one(9, -1, "x", 1);
	assert_int_equal(imsgbuf_read(&b), 1);
	unchannel();
	assert_int_equal(imsgrec_close(rec), 0);
	assert_int_equal(read_back(file), 0);
	assert_int_equal(ngot, 2);
	expect(0, RECORD_RECEIVED, 8, 0);
	assert_int_equal(got[0].fd_state, IMSG_FD_LOST);
	assert_int_equal(got[0].fd, -1);
	expect(1, RECORD_UNREAD, 9, 1);
	assert_string_equal(more[1].from, "a");
	close(file);
}

static void
a_large_payload_is_cut_in_the_file_only(void **state)
{
	static char large[300000];
	int file = memory();
	struct imsgrec *rec = record_to(file, 0);
	struct imsg m;

	(void)state;
	channel();
	assert_int_equal(imsgbuf_set_maxsize(&a, 1 << 20), 0);
	assert_int_equal(imsgbuf_set_maxsize(&b, 1 << 20), 0);
	memset(large, 'L', sizeof(large));
	assert_int_equal(imsgrec_channel(rec, &a, 1, "a", 0, "b"), 0);
	assert_int_equal(
	    imsg_compose(&a, 7, 0, 0, -1, large, sizeof(large)), 1);
	while (imsgbuf_flush_timeout(&a, 0) == -1 || imsgbuf_partial(&b))
		assert_int_equal(imsgbuf_read(&b), 1);
	assert_int_equal(imsgbuf_recv(&b, &m, 5000), 1);
	assert_int_equal(imsg_get_len(&m), sizeof(large));
	imsg_free(&m);
	unchannel();
	assert_int_equal(imsgrec_close(rec), 0);
	assert_int_equal(read_back(file), 0);
	assert_int_equal(ngot, 1);
	expect(0, RECORD_SENT, 7, sizeof(large));
	assert_int_equal(more[0].len, 262144 - 36 - 2 - 16);
	assert_int_equal(more[0].first, 'L');
	close(file);
}

static void
recording_ends_when_asked(void **state)
{
	int file = memory();
	struct imsgrec *rec = record_to(file, 0);

	(void)state;
	channel();
	assert_int_equal(imsgrec_channel(rec, &a, 1, "a", 0, "b"), 0);
	send_one(1, -1, "", 0);
	/* Another number, then no more. */
	assert_int_equal(imsgrec_channel(rec, &a, 9, "a", 0, "b"), 0);
	send_one(2, -1, "", 0);
	imsgrec_end(rec, &a);
	imsgrec_end(rec, &a);
	imsgrec_end(rec, &b);
	send_one(3, -1, "", 0);
	/* Still there when the channel is gone. */
	assert_int_equal(imsgrec_channel(rec, &a, 1, "a", 0, "b"), 0);
	unchannel();
	imsgrec_end(rec, &a);
	assert_errno(imsgrec_channel(rec, &a, 1, "a", 0, "b"), EINVAL);
	assert_int_equal(imsgrec_close(rec), 0);
	assert_int_equal(imsgrec_close(NULL), 0);
	assert_int_equal(read_back(file), 0);
	assert_int_equal(ngot, 2);
	assert_int_equal(got[0].channel, 1);
	assert_int_equal(got[1].channel, 9);
	close(file);
}

static void
names_are_in_the_file(void **state)
{
	int file = memory();
	struct imsgrec *rec = record_to(file, 0);

	(void)state;
	imsgrec_name(rec, 4000000000U, "MSG_HELLO");
	assert_int_equal(imsgrec_close(rec), 0);
	assert_int_equal(read_back(file), 0);
	assert_string_equal(named, "4000000000 MSG_HELLO");
	close(file);
}

static void
a_capture_is_gone_on_with(void **state)
{
	int file = memory(), i;
	struct imsgrec *rec;

	(void)state;
	for (i = 0; i < 3; i++) {
		/* Wherever the descriptor stands. */
		assert_int_equal(lseek(file, 0, SEEK_SET), 0);
		rec = record_to(file, 0);
		channel();
		assert_int_equal(imsgrec_channel(rec, &a, 1, "a", 0, "b"), 0);
		send_one((uint32_t)i, -1, "", 0);
		unchannel();
		assert_int_equal(imsgrec_close(rec), 0);
	}
	assert_int_equal(read_back(file), 0);
	assert_int_equal(ngot, 3);
	expect(2, RECORD_SENT, 2, 0);
	close(file);
}

static void
what_is_no_place_for_a_capture_is_refused(void **state)
{
	char path[] = "/proc/self/fd/1234567890";
	int file = memory(), p[2], fd;

	(void)state;
	assert_null_errno(imsgrec_open(-1, 0), EBADF);
	assert_null_errno(imsgrec_open(file, 2), EINVAL);
	assert_int_equal(pipe(p), 0);
	assert_null_errno(imsgrec_open(p[1], 0), EINVAL);
	close(p[0]);
	close(p[1]);
	assert_null_errno(
	    imsgrec_open(fd = open("/dev/full", O_WRONLY), 0), ENOSPC);
	close(fd);
	assert_int_equal(
	    write(file, "something else, longer than a header", 36), 36);
	assert_null_errno(imsgrec_open(file, 0), EINVAL);
	assert_int_equal(ftruncate(file, 5), 0);
	assert_null_errno(imsgrec_open(file, 0), EINVAL);
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", file);
	assert_true((fd = open(path, O_WRONLY)) >= 0);
	assert_null_errno(imsgrec_open(fd, 0), EBADF);
	close(fd);
	close(file);
}

static void
a_full_disk_ends_the_recording_and_nothing_else(void **state)
{
	int file = memory();
	struct imsgrec *rec = record_to(file, 0);

	(void)state;
	channel();
	assert_int_equal(imsgrec_channel(rec, &a, 1, "a", 0, "b"), 0);
	send_one(1, -1, "", 0);
	receive(1);
	assert_int_equal(fcntl(file, F_ADD_SEALS, F_SEAL_GROW), 0);
	errno = EXDEV;
	send_one(2, -1, "hello", 5);
	assert_int_equal(errno, EXDEV);
	receive(2);
	send_one(3, -1, "hello", 5);
	receive(3);
	unchannel();
	assert_int_equal(imsgrec_error(rec), EPERM);
	assert_errno(imsgrec_close(rec), EPERM);
	assert_int_equal(read_back(file), 0);
	assert_int_equal(ngot, 1);
	close(file);
}

/* The limit is in the middle of a packet. */
static void
a_file_size_limit_leaves_what_is_whole(void **state)
{
	FILE *f = tmpfile();
	struct rlimit was, limit;
	struct imsgrec *rec;
	int file;

	(void)state;
	assert_non_null(f);
	file = fileno(f);
	rec = record_to(file, 0);
	channel();
	assert_int_equal(imsgrec_channel(rec, &a, 1, "a", 0, "b"), 0);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &was), 0);
	limit = was;
	limit.rlim_cur = 24 + 16 + 36 + 2 + 16 + 30;
	(void)signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	send_one(1, -1, "", 0);
	send_one(2, -1, "", 0);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &was), 0);
	(void)signal(SIGXFSZ, SIG_DFL);
	receive(1);
	receive(2);
	unchannel();
	assert_errno(imsgrec_close(rec), EFBIG);
	assert_int_equal(read_back(file), 1);
	assert_int_equal(ngot, 2);
	expect(0, RECORD_SENT, 1, 0);
	assert_int_equal(got[1].kind, RECORD_NOTE);
	fclose(f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_ends_are_recorded),
		cmocka_unit_test(queued_and_dropped_messages_are_told_apart),
		cmocka_unit_test(unread_messages_and_lost_descriptors_are_told),
		cmocka_unit_test(a_large_payload_is_cut_in_the_file_only),
		cmocka_unit_test(recording_ends_when_asked),
		cmocka_unit_test(names_are_in_the_file),
		cmocka_unit_test(a_capture_is_gone_on_with),
		cmocka_unit_test(what_is_no_place_for_a_capture_is_refused),
		cmocka_unit_test(
		    a_full_disk_ends_the_recording_and_nothing_else),
		cmocka_unit_test(a_file_size_limit_leaves_what_is_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
