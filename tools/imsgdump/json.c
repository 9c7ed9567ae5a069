/* SPDX-License-Identifier: ISC */
/*
 * One object a line, for programs.  Jansson writes it; what it is given is
 * valid UTF-8 without control characters.
 */
#include "sinks.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>

#include <jansson.h>

#include "safe.h"
#include "shape.h"

struct json {
	struct sink sink;
	FILE *f;
	const struct names *names;
	int flags;
};

/* The functions below return 0, or -1 if memory was short. */
static int
put(json_t *o, const char *key, json_t *value)
{
	return json_object_set_new(o, key, value);
}

/* "" is null. */
static int
put_text(json_t *o, const char *key, const char *s)
{
	char safe[1024];

	shape_safe(safe, sizeof(safe), s);
	return put(o, key, safe[0] == '\0' ? json_null() : json_string(safe));
}

static int
put_party(json_t *o, const char *key, const struct party *p)
{
	json_t *party = json_object();
	int bad;

	bad = put(party, "pid",
	    p->pid == 0 ? json_null() : json_integer((json_int_t)p->pid));
	bad |= put_text(party, "name", p->name);
	return put(o, key, party) | bad;
}

static int
put_header(json_t *o, const struct imsg_hdr *h)
{
	int bad;

	bad = put(o, "peerid", json_integer(h->peerid));
	bad |= put(o, "pid", json_integer((int32_t)h->pid));
	return put(o, "length", json_integer(h->len)) | bad;
}

static int
put_fd(json_t *o, const struct record *r)
{
	json_t *fd;
	int bad;

	if (r->fd_state == IMSG_FD_NONE)
		return put(o, "fd", json_null());
	fd = json_object();
	bad = put(fd, "state", json_string(shape_fd_state(r->fd_state)));
	bad |= put(fd, "number", r->fd < 0 ? json_null() : json_integer(r->fd));
	bad |= put_text(fd, "refers_to", r->fdname);
	return put(o, "fd", fd) | bad;
}

static int
put_hex(json_t *o, const unsigned char *p, size_t len)
{
	static const char digits[] = "0123456789abcdef";
	char *s;
	size_t i;
	int bad;

	if (len > (SIZE_MAX - 1) / 2 || (s = malloc(2 * len + 1)) == NULL)
		return -1;
	for (i = 0; i < len; i++) {
		s[2 * i] = digits[p[i] >> 4];
		s[2 * i + 1] = digits[p[i] & 15];
	}
	bad = put(o, "data", json_stringn_nocheck(s, 2 * len));
	free(s);
	return bad;
}

static int
put_ascii(json_t *o, const unsigned char *p, size_t len)
{
	char *s;
	int bad;

	if (len > (SIZE_MAX - 1) / 4 || (s = malloc(4 * len + 1)) == NULL)
		return -1;
	safe_text(s, 4 * len + 1, p, len);
	bad = put(o, "text", json_string(s));
	free(s);
	return bad;
}

static int
put_message(json_t *o, const struct json *j, const struct record *r)
{
	char s[SHAPE_NAME];
	int bad;

	bad = put(o, "wire",
	    r->wire == IMSG_WIRE_MODERN || r->wire == IMSG_WIRE_CLASSIC ?
		json_string(shape_wire(r->wire)) :
		json_null());
	bad |= put(o, "type", json_integer(r->hdr.type));
	shape_type(s, sizeof(s), j->names, r->hdr.type);
	bad |= put(o, "name", s[0] == '\0' ? json_null() : json_string(s));
	bad |= put_header(o, &r->hdr);
	bad |= put_fd(o, r);
	if (j->flags & (TEXT_HEX | TEXT_ASCII))
		bad |= put(o, "kept", json_integer((json_int_t)r->len));
	if (j->flags & TEXT_HEX)
		bad |= put_hex(o, r->data, r->len);
	if (j->flags & TEXT_ASCII)
		bad |= put_ascii(o, r->data, r->len);
	return bad;
}

static int
put_note(json_t *o, const struct record *r)
{
	json_t *h;
	int bad = put_text(o, "note", r->note);

	if (!shape_has_header(r))
		return put(o, "header", json_null()) | bad;
	h = json_object();
	bad |= put(h, "type", json_integer(r->hdr.type));
	bad |= put_header(h, &r->hdr);
	return put(o, "header", h) | bad;
}

/* NULL: memory was short. */
static json_t *
object(const struct json *j, const struct record *r)
{
	json_t *o = json_object();
	char time[48];
	int bad, note = r->kind == RECORD_NOTE;

	shape_utc(time, sizeof(time), r->time);
	bad = put(o, "kind", json_string(note ? "note" : "message"));
	bad |= put(o, "time", json_string(time));
	bad |= put(o, "ns", json_integer(r->time));
	if (!note)
		bad |= put(o, "event", json_string(shape_event((int)r->event)));
	bad |= put(o, "channel", json_integer(r->channel));
	bad |= put_party(o, "from", &r->from);
	bad |= put_party(o, "to", &r->to);
	bad |= note ? put_note(o, r) : put_message(o, j, r);
	if (bad == 0)
		return o;
	json_decref(o);
	return NULL;
}

static int
write_out(const char *s, size_t len, void *f)
{
	return fwrite(s, 1, len, f) == len ? 0 : -1;
}

static int
json_put(struct sink *sink, const struct record *r)
{
	struct json *j = (struct json *)sink;
	json_t *o = object(j, r);
	int bad;

	if (o == NULL) {
		errno = ENOMEM;
		return -1;
	}
	errno = 0;
	bad = json_dump_callback(o, write_out, j->f, JSON_COMPACT);
	json_decref(o);
	if (bad && !ferror(j->f)) {
		errno = ENOMEM;
		return -1;
	}
	(void)putc('\n', j->f);
	return shape_status(j->f);
}

static int
json_flush(struct sink *sink)
{
	return shape_flush(((struct json *)sink)->f);
}

static int
json_end(struct sink *sink)
{
	FILE *f = ((struct json *)sink)->f;

	free(sink);
	return shape_flush(f);
}

struct sink *
json_sink(FILE *f, const struct names *names, int flags)
{
	struct json *j = calloc(1, sizeof(*j));

	if (j == NULL)
		return NULL;
	j->sink.put = json_put;
	j->sink.flush = json_flush;
	j->sink.end = json_end;
	j->f = f;
	j->names = names;
	j->flags = flags;
	return &j->sink;
}
