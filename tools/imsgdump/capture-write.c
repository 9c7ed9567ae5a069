/* SPDX-License-Identifier: ISC */
/*
 * A sink that writes a capture file through libpcap.
 *
 * Names of types go out with the first record that comes after them, and with
 * its time: a tool that sorts or joins captures leaves them in front of it.
 */
#define _GNU_SOURCE

#include "capture.h"

#include <errno.h>
#include <pcap/pcap.h>
#include <stdlib.h>
#include <string.h>

#include "pseudo.h"

#define SECOND 1000000000

struct name {
	uint32_t type;
	char *name;
};

struct capture {
	struct sink sink; /* first: the two are one */
	pcap_t *pcap;
	pcap_dumper_t *dump;
	struct name *names; /* not written yet */
	size_t nnames, room;
	unsigned char buf[PSEUDO_MAX];
};

/* The file has 32 bits without a sign for the seconds. */
static struct timeval
stamp(int64_t time)
{
	struct timeval tv = { 0, 0 };

	if (time < 0)
		return tv;
	if (time / SECOND > UINT32_MAX)
		time = (int64_t)UINT32_MAX * SECOND + SECOND - 1;
	tv.tv_sec = (time_t)(time / SECOND);
	tv.tv_usec = (suseconds_t)(time % SECOND);
	return tv;
}

static int
put_packet(struct capture *c, int64_t time, size_t len, size_t full)
{
	struct pcap_pkthdr h;

	memset(&h, 0, sizeof(h));
	h.ts = stamp(time);
	h.caplen = (bpf_u_int32)len;
	h.len = (bpf_u_int32)full;
	errno = 0;
	pcap_dump((u_char *)c->dump, &h, c->buf);
	if (!ferror(pcap_dump_file(c->dump)))
		return 0;
	if (errno == 0)
		errno = EIO;
	return -1;
}

static void
drop_names(struct capture *c)
{
	size_t i;

	for (i = 0; i < c->nnames; i++)
		free(c->names[i].name);
	free(c->names);
	c->names = NULL;
	c->nnames = c->room = 0;
}

static int
put_names(struct capture *c, int64_t time)
{
	size_t i = 0, len;

	while (i < c->nnames) {
		for (len = 0; i < c->nnames &&
		     pseudo_name_put(
			 c->buf, &len, c->names[i].type, c->names[i].name) == 0;
		     i++)
			;
		if (put_packet(c, time, len, len) == -1)
			return -1;
	}
	drop_names(c);
	return 0;
}

static int
put(struct sink *sink, const struct record *r)
{
	struct capture *c = (struct capture *)sink;
	size_t len, full;

	if (put_names(c, r->time) == -1)
		return -1;
	len = pseudo_put(c->buf, r, &full);
	return put_packet(c, r->time, len, full);
}

static int
flush(struct sink *sink)
{
	struct capture *c = (struct capture *)sink;

	/* What failed before would not be told again. */
	if (ferror(pcap_dump_file(c->dump))) {
		errno = EIO;
		return -1;
	}
	return pcap_dump_flush(c->dump) == -1 ? -1 : 0;
}

static int
end(struct sink *sink)
{
	struct capture *c = (struct capture *)sink;
	int e, status;

	status = flush(sink);
	e = errno;
	pcap_dump_close(c->dump);
	pcap_close(c->pcap);
	drop_names(c);
	free(c);
	errno = e;
	return status;
}

/* The file's header is written: NULL if not; f is closed then. */
static pcap_dumper_t *
begin(pcap_t *pcap, FILE *f, char *why, size_t whylen)
{
	pcap_dumper_t *dump;

	if ((dump = pcap_dump_fopen(pcap, f)) == NULL) {
		(void)snprintf(why, whylen, "%s", pcap_geterr(pcap));
		return NULL;
	}
	if (pcap_dump_flush(dump) == -1) {
		(void)snprintf(why, whylen, "%s", strerror(errno));
		pcap_dump_close(dump);
		return NULL;
	}
	return dump;
}

struct sink *
capture_sink(FILE *f, char *why, size_t whylen)
{
	struct capture *c = calloc(1, sizeof(*c));

	if (c == NULL ||
	    (c->pcap = pcap_open_dead_with_tstamp_precision(
		 DLT_USER0, PSEUDO_MAX, PCAP_TSTAMP_PRECISION_NANO)) == NULL) {
		(void)snprintf(why, whylen, "%s", strerror(ENOMEM));
		(void)fclose(f);
		free(c);
		return NULL;
	}
	if ((c->dump = begin(c->pcap, f, why, whylen)) == NULL) {
		pcap_close(c->pcap);
		free(c);
		return NULL;
	}
	c->sink.put = put;
	c->sink.flush = flush;
	c->sink.end = end;
	return &c->sink;
}

int
capture_name(void *sink, uint32_t type, const char *name)
{
	struct capture *c = sink;
	struct name *p;
	size_t room;

	if (c->nnames == c->room) {
		room = c->room == 0 ? 64 : 2 * c->room;
		if (room > SIZE_MAX / sizeof(*p) ||
		    (p = realloc(c->names, room * sizeof(*p))) == NULL) {
			errno = ENOMEM;
			return -1;
		}
		c->names = p;
		c->room = room;
	}
	p = &c->names[c->nnames];
	p->type = type;
	if ((p->name = strdup(name)) == NULL)
		return -1;
	c->nnames++;
	return 0;
}
