/* SPDX-License-Identifier: ISC */
/*
 * Makes and shows capture files, for the test scripts:
 *	capture-tool random SEED N FILE	records of all sorts
 *	capture-tool sample FILE	the packets that dissector.sh knows
 *	capture-tool cuts FILE		packets cut at every byte
 *	capture-tool damage SEED N FILE	packets with wrong bytes
 *	capture-tool text FILE		all that it says, a line a record
 */
#include <err.h>
#include <stdlib.h>
#include <string.h>

#include "capture.h"
#include "pseudo.h"
#include "records.h"

#define T0 INT64_C(1790000000000000000)

static char why[512];
static unsigned char packet[PSEUDO_MAX];

static FILE *
file(const char *path, const char *mode)
{
	FILE *f = fopen(path, mode);

	if (f == NULL)
		err(1, "%s", path);
	return f;
}

static struct sink *
sink_of(const char *path)
{
	struct sink *s = capture_sink(file(path, "wb"), why, sizeof(why));

	if (s == NULL)
		errx(1, "%s: %s", path, why);
	return s;
}

static void
put(struct sink *s, const struct record *r)
{
	if (s->put(s, r) == -1)
		err(1, "put");
}

static void
end(struct sink *s)
{
	if (s->end(s) == -1)
		err(1, "end");
}

/* A packet as it is. */
static void
raw(FILE *f, const void *p, size_t len, size_t full)
{
	uint32_t h[] = { (uint32_t)(T0 / 1000000000), 0, (uint32_t)len,
		(uint32_t)full };

	if (fwrite(h, sizeof(h), 1, f) != 1 || fwrite(p, 1, len, f) != len)
		err(1, "fwrite");
}

static void
finish(FILE *f)
{
	if (fclose(f) == EOF)
		err(1, "fclose");
}

static void
make_random(uint64_t seed, unsigned long n, const char *path)
{
	static struct records m;
	struct sink *s = sink_of(path);

	records_seed(&m, seed);
	while (n-- > 0)
		put(s, random_record(&m));
	end(s);
}

/* From the parent, 1234, to its worker, 1235. */
static struct record
request(void)
{
	static struct record r;

	memset(&r, 0, sizeof(r));
	r.time = T0;
	r.event = RECORD_SENT;
	r.channel = 1;
	r.from.pid = 1234;
	r.from.name = "parent";
	r.to.pid = 1235;
	r.to.name = "peek";
	r.hdr.type = 203;
	r.hdr.len = 21;
	r.hdr.peerid = 2;
	r.hdr.pid = 1234;
	r.fd_state = IMSG_FD_PRESENT;
	r.fd = 7;
	r.fdname = "/tmp/a.xz";
	r.data = (const unsigned char *)"hello";
	r.len = 5;
	return r;
}

static struct record
answer(void)
{
	struct record r = request();

	r.time += 250000001;
	r.from.pid = 1235;
	r.from.name = "peek";
	r.to.pid = 1234;
	r.to.name = "parent";
	r.hdr.type = 204;
	r.hdr.len = 16;
	r.hdr.pid = 1235;
	r.fd_state = IMSG_FD_NONE;
	r.fd = -1;
	r.fdname = "";
	r.len = 0;
	return r;
}

/* Packets 4 and 5: descriptors that are not as announced. */
static void
descriptors(struct sink *s)
{
	struct record r = answer();

	r.channel = 2;
	r.event = RECORD_RECEIVED;
	r.wire = IMSG_WIRE_CLASSIC;
	r.hdr.type = 5;
	r.hdr.peerid = 0;
	r.fd_state = IMSG_FD_LOST;
	put(s, &r);
	r.hdr.type = 6;
	r.fd_state = RECORD_FD_SURPLUS;
	r.fd = 9;
	put(s, &r);
}

/* Packets 6 and 7. */
static void
notes(struct sink *s)
{
	struct record r = answer();

	memset(&r.hdr, 0, sizeof(r.hdr));
	r.kind = RECORD_NOTE;
	r.event = (enum record_event)0;
	r.channel = 3;
	r.wire = RECORD_WIRE_UNKNOWN;
	r.note = "speaks another protocol";
	put(s, &r);
	r.hdr.type = 7;
	r.hdr.len = 3;
	r.note = "a header of length 3";
	put(s, &r);
}

/* Packets 8 to 10. */
static void
oddities(struct sink *s)
{
	struct record r = request();

	r.channel = 4;
	r.event = RECORD_QUEUED;
	r.fdname = "";
	r.fd = -1;
	r.fd_state = IMSG_FD_NONE;
	r.hdr.type = 8;
	r.hdr.len = 1000;
	put(s, &r);
	r.event = RECORD_DROPPED;
	r.hdr.type = 9;
	r.hdr.len = 21;
	r.from.pid = 0;
	r.from.name = "\033[31mred\n\xff\xe2\x80\xae";
	r.to.pid = 0;
	r.to.name = "";
	put(s, &r);
	r.hdr.type = r.hdr.pid = r.hdr.peerid = UINT32_MAX;
	r.from.pid = r.to.pid = INT32_MAX;
	r.channel = UINT32_MAX;
	r.fd_state = IMSG_FD_PRESENT;
	r.fd = INT32_MAX;
	put(s, &r);
}

/* Packets 11 to 13, which no sink makes. */
static void
foreign(const char *path)
{
	struct record r = request();
	FILE *f = file(path, "ab");
	size_t len, full;

	len = pseudo_put(packet, &r, &full);
	raw(f, packet, len - 1, full - 1);
	raw(f, "stray bytes of somebody", 23, 23);
	packet[4] = 9;
	raw(f, packet, len, full);
	finish(f);
}

static void
make_sample(const char *path)
{
	struct record r = request();
	struct sink *s = sink_of(path);

	if (capture_name(s, 203, "MSG_OPEN") == -1 ||
	    capture_name(s, 204, "MSG_DONE") == -1)
		err(1, "capture_name");
	put(s, &r);
	r = answer();
	put(s, &r);
	descriptors(s);
	notes(s);
	oddities(s);
	end(s);
	foreign(path);
}

/* All three kinds; the length of the packet. */
static size_t
some_packet(int kind, size_t *full)
{
	struct record r = request();
	size_t len = 0;

	if (kind == 0)
		return pseudo_put(packet, &r, full);
	if (kind == 1) {
		r.kind = RECORD_NOTE;
		r.note = "a note";
		return pseudo_put(packet, &r, full);
	}
	(void)pseudo_name_put(packet, &len, 203, "MSG_OPEN");
	(void)pseudo_name_put(packet, &len, 204, "MSG_DONE");
	return *full = len;
}

static FILE *
raw_file(const char *path)
{
	end(sink_of(path));
	return file(path, "ab");
}

static void
make_cuts(const char *path)
{
	FILE *f = raw_file(path);
	size_t len, full, i;
	int kind;

	for (kind = 0; kind < 3; kind++) {
		len = some_packet(kind, &full);
		for (i = 0; i <= len; i++) {
			raw(f, packet, i, full);
			raw(f, packet, i, i);
		}
	}
	finish(f);
}

static void
make_damage(uint64_t seed, unsigned long n, const char *path)
{
	static const int values[] = { 0, 1, 0x7f, 0x80, 0xff };
	static struct records m;
	FILE *f = raw_file(path);
	size_t len, full, at;

	records_seed(&m, seed);
	while (n-- > 0) {
		len = some_packet((int)(records_rand(&m) % 3), &full);
		do {
			at = records_rand(&m) % len;
			if (at < 4 && records_rand(&m) % 8)
				continue;
			packet[at] = records_rand(&m) % 2 ?
			    (unsigned char)values[records_rand(&m) % 5] :
			    (unsigned char)records_rand(&m);
		} while (records_rand(&m) % 3);
		raw(f, packet, len, full);
	}
	finish(f);
}

static int
print(struct sink *s, const struct record *r)
{
	(void)s;
	if (!record_sound(r))
		exit(1);
	record_print(stdout, r);
	return 0;
}

static int
print_name(void *arg, uint32_t type, const char *name)
{
	(void)arg;
	return printf("name %lu %s\n", (unsigned long)type, name) < 0;
}

static int
show(const char *path)
{
	struct sink s = { .put = print };
	int n = capture_read_names(
	    file(path, "rb"), &s, print_name, NULL, NULL, why, sizeof(why));

	if (n == -1)
		warnx("%s: %s", path, why);
	return n == -1 ? 2 : n;
}

/*
 * Twice a request and its answer: on channel 1 as the first process sees it,
 * on channel 2 as both do.
 */
static void
make_answers(const char *path)
{
	struct sink *s = sink_of(path);
	struct record q = request(), a = answer();
	int i;

	a.event = RECORD_RECEIVED;
	for (i = 0; i < 2; i++) {
		put(s, &q);
		put(s, &a);
	}
	q.channel = a.channel = 2;
	for (i = 0; i < 2; i++) {
		q.event = RECORD_SENT;
		put(s, &q);
		q.event = RECORD_RECEIVED;
		put(s, &q);
		a.event = RECORD_SENT;
		put(s, &a);
		a.event = RECORD_RECEIVED;
		put(s, &a);
	}
	/* Who asks notes it after the other end has answered. */
	q.channel = a.channel = 3;
	q.event = RECORD_RECEIVED;
	put(s, &q);
	a.event = RECORD_SENT;
	put(s, &a);
	q.event = RECORD_SENT;
	put(s, &q);
	a.event = RECORD_RECEIVED;
	put(s, &a);
	/* Each where it is sent. */
	q.channel = a.channel = 4;
	q.event = a.event = RECORD_SENT;
	put(s, &q);
	put(s, &a);
	end(s);
}

int
main(int argc, char *argv[])
{
	const char *what = argc > 1 ? argv[1] : "";

	if (argc == 5 && strcmp(what, "random") == 0)
		make_random(strtoull(argv[2], NULL, 10),
		    strtoul(argv[3], NULL, 10), argv[4]);
	else if (argc == 5 && strcmp(what, "damage") == 0)
		make_damage(strtoull(argv[2], NULL, 10),
		    strtoul(argv[3], NULL, 10), argv[4]);
	else if (argc == 3 && strcmp(what, "sample") == 0)
		make_sample(argv[2]);
	else if (argc == 3 && strcmp(what, "answers") == 0)
		make_answers(argv[2]);
	else if (argc == 3 && strcmp(what, "cuts") == 0)
		make_cuts(argv[2]);
	else if (argc == 3 && strcmp(what, "text") == 0)
		return show(argv[2]);
	else
		errx(2, "usage: see the source");
	return 0;
}
