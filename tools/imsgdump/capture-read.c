/* SPDX-License-Identifier: ISC */
/*
 * Reads a capture file through libpcap.
 *
 * The file may come from anybody, through tools that cut packets and change
 * the order.  What is wrong with it is said the first time, with the number of
 * the packet, and how often it was, at the end.
 */
#define _GNU_SOURCE

#include "capture.h"

#include <errno.h>
#include <pcap/pcap.h>
#include <stdarg.h>
#include <string.h>

#include "pseudo.h"

#define SECOND 1000000000

/* What can be wrong with a packet. */
enum { OTHER, BAD, CUT, LENGTH, TIME, NTROUBLES };
static const char *const troubles[] = {
	"of a kind or version that is not known here",
	"none of imsgdump's, or damaged",
	"cut short before its message",
	"of another length than its message",
	"without a sensible time",
};

struct reader {
	pcap_t *pcap;
	struct sink *sink;
	capture_name_cb *name;
	void *arg;
	char *why;
	size_t whylen;
	int64_t time; /* of the last packet */
	unsigned long long number, count[NTROUBLES];
};

static int
failed(struct reader *rd, const char *text)
{
	(void)snprintf(rd->why, rd->whylen, "%s", text);
	return -1;
}

static int
put(struct reader *rd, const struct record *r)
{
	if (rd->sink == NULL || rd->sink->put(rd->sink, r) == 0)
		return 0;
	return failed(rd, strerror(errno));
}

/* printf-like: */
static int note(struct reader *, const char *, ...)
    __attribute__((format(printf, 2, 3)));

static int
note(struct reader *rd, const char *fmt, ...)
{
	struct record r;
	char text[512];
	va_list ap;

	memset(&r, 0, sizeof(r));
	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	r.kind = RECORD_NOTE;
	r.time = rd->time;
	r.wire = RECORD_WIRE_UNKNOWN;
	r.from.name = r.to.name = r.fdname = "";
	r.fd = -1;
	r.note = text;
	return put(rd, &r);
}

static int
trouble(struct reader *rd, int what)
{
	if (rd->count[what]++ > 0)
		return 0;
	return note(
	    rd, "packet %llu is %s: left out", rd->number, troubles[what]);
}

/* Time of a packet: 0, or -1 if nobody can have written that. */
static int
when(const struct pcap_pkthdr *h, int64_t *time)
{
	int64_t sec = h->ts.tv_sec, nsec = h->ts.tv_usec;

	/* The file has no sign there, libpcap has. */
	if (sec < 0 && sec >= INT32_MIN)
		sec += INT64_C(1) << 32;
	if (sec < 0 || sec > INT64_MAX / SECOND - 1 || nsec < 0 ||
	    nsec >= SECOND)
		return -1;
	*time = sec * SECOND + nsec;
	return 0;
}

static int
names(struct reader *rd, const unsigned char *p, size_t len, size_t full)
{
	char name[256];
	size_t pos = 0;
	uint32_t type;
	int n;

	while ((n = pseudo_name_get(p, len, &pos, &type, name)) == 1)
		if (rd->name != NULL && name[0] != '\0' &&
		    rd->name(rd->arg, type, name) != 0)
			return failed(rd, strerror(errno));
	if (n == -1 || len < full)
		return trouble(rd, len < full ? CUT : BAD);
	return 0;
}

static int
packet(struct reader *rd, const struct pcap_pkthdr *h, const unsigned char *p)
{
	struct pseudo_text text;
	struct record r;
	int64_t time;

	if (when(h, &time) == -1)
		return trouble(rd, TIME);
	rd->time = time;
	switch (pseudo_get(p, h->caplen, h->len, &r, &text)) {
	case PSEUDO_RECORD:
		r.time = time;
		return put(rd, &r);
	case PSEUDO_NAMES:
		return names(rd, p, h->caplen, h->len);
	case PSEUDO_OTHER:
		return trouble(rd, OTHER);
	case PSEUDO_CUT:
		return trouble(rd, CUT);
	case PSEUDO_LENGTH:
		return trouble(rd, LENGTH);
	default:
		return trouble(rd, BAD);
	}
}

/* All packets: 0, 1 if the file breaks off, -1. */
static int
packets(struct reader *rd, const volatile int *stop)
{
	struct pcap_pkthdr *h;
	const u_char *p;
	int n;

	while (stop == NULL || !*stop) {
		n = pcap_next_ex(rd->pcap, &h, &p);
		if (n == PCAP_ERROR_BREAK)
			return 0;
		if (n != 1) {
			if (ferror(pcap_file(rd->pcap)))
				return failed(rd, pcap_geterr(rd->pcap));
			if (note(rd,
				"the capture breaks off after packet %llu:"
				" %s",
				rd->number, pcap_geterr(rd->pcap)) == -1)
				return -1;
			return 1;
		}
		rd->number++;
		if (packet(rd, h, p) == -1)
			return -1;
	}
	return 0;
}

/* 1 if there were troubles. */
static int
count(struct reader *rd)
{
	int i, any = 0;

	for (i = 0; i < NTROUBLES; i++) {
		any |= rd->count[i] > 0;
		if (rd->count[i] > 1 &&
		    note(rd, "%llu packets, of %llu, were %s: left out",
			rd->count[i], rd->number, troubles[i]) == -1)
			return -1;
	}
	return any;
}

static int
open_capture(struct reader *rd, FILE *f)
{
	char err[PCAP_ERRBUF_SIZE] = "";
	int link;

	if ((rd->pcap = pcap_fopen_offline_with_tstamp_precision(
		 f, PCAP_TSTAMP_PRECISION_NANO, err)) == NULL) {
		(void)fclose(f);
		return failed(rd, err);
	}
	if ((link = pcap_datalink(rd->pcap)) == DLT_USER0)
		return 0;
	(void)snprintf(rd->why, rd->whylen,
	    "its link type is %d (%s), not that of imsg messages, %d (USER0)",
	    link,
	    pcap_datalink_val_to_name(link) == NULL ?
		"unknown" :
		pcap_datalink_val_to_name(link),
	    DLT_USER0);
	pcap_close(rd->pcap);
	return -1;
}

int
capture_read_names(FILE *f, struct sink *sink, capture_name_cb *name, void *arg,
    const int *stop, char *why, size_t whylen)
{
	struct reader rd = { .sink = sink, .name = name, .arg = arg };
	int broken, troubled;

	rd.why = why;
	rd.whylen = whylen;
	if (open_capture(&rd, f) == -1)
		return -1;
	troubled = broken = packets(&rd, stop);
	if (broken != -1)
		troubled = count(&rd);
	pcap_close(rd.pcap);
	if (broken == -1 || troubled == -1)
		return -1;
	return broken || troubled;
}

int
capture_read(
    FILE *f, struct sink *sink, const int *stop, char *why, size_t whylen)
{
	return capture_read_names(f, sink, NULL, NULL, stop, why, whylen);
}
