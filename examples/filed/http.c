/* SPDX-License-Identifier: ISC */
/* HTTP/1.1, as much as a server of files needs: neither sockets nor files. */
#include "filed.h"

#define HTTP_DATE "%a, %d %b %Y %H:%M:%S GMT"

static const char *const types[][2] = { { ".css", "text/css" },
	{ ".gif", "image/gif" }, { ".html", "text/html; charset=utf-8" },
	{ ".jpg", "image/jpeg" }, { ".js", "text/javascript" },
	{ ".json", "application/json" }, { ".pdf", "application/pdf" },
	{ ".png", "image/png" }, { ".svg", "image/svg+xml" },
	{ ".txt", "text/plain; charset=utf-8" },
	{ NULL, "application/octet-stream" } };

/* The URL comes first, then the names of headers. */
static int
on_name(http_parser *p, const char *at, size_t len)
{
	struct request *r = p->data;
	int i = r->value[URL] == NULL ? URL : NAME;

	r->value[i] = r->buf + (at - r->buf);
	r->len[i] = len;
	return 0;
}

static int
on_value(http_parser *p, const char *at, size_t len)
{
	static const char *const names[] = { "", "host", "range",
		"if-modified-since" };
	struct request *r = p->data;
	size_t i;

	for (i = HOST; i < NAME; i++)
		if (strlen(names[i]) == r->len[NAME] &&
		    strncasecmp(names[i], r->value[NAME], r->len[NAME]) == 0) {
			r->value[i] = r->buf + (at - r->buf);
			r->len[i] = len;
		}
	return 0;
}

/* Bodies are none of our business: who sends one is answered and left. */
static int
on_headers(http_parser *p)
{
	struct request *r = p->data;

	r->keep = http_should_keep_alive(p) != 0;
	if (p->method != HTTP_GET && p->method != HTTP_HEAD)
		r->status = 405;
	else if (p->http_major != 1 || p->uses_transfer_encoding ||
	    (p->content_length != 0 && p->content_length != UINT64_MAX) ||
	    (p->http_minor > 0 && r->value[HOST] == NULL))
		r->status = 400;
	return 1;
}

/* What follows is the next request, which waits until this is answered. */
static int
on_complete(http_parser *p)
{
	struct request *r = p->data;

	r->done = true;
	http_parser_pause(p, 1);
	return 0;
}

/* Dots are not looked at: the opener's kernel judges where they lead. */
static int
decode(struct request *r)
{
	struct http_parser_url u = { 0 };
	char hex[3] = "", *s = r->value[URL];
	size_t i, n = 0;

	if (r->len[URL] >= NAME_LEN)
		return 414;
	if (http_parser_parse_url(s, r->len[URL], 0, &u) != 0)
		return 400;
	s += u.field_data[UF_PATH].off;
	for (i = 0; i < u.field_data[UF_PATH].len; i++) {
		r->path[n] = s[i];
		if (s[i] == '%') {
			/* Behind the URL there is a line's rest at least. */
			memcpy(hex, s + i + 1, 2);
			r->path[n] = (char)strtol(hex, NULL, 16);
			if (r->path[n] == '\0' ||
			    strspn(hex, "0123456789abcdefABCDEF") != 2)
				return 400;
			i += 2;
		}
		/* Relative to the root: without slashes in front. */
		if (n > 0 || r->path[n] != '/')
			n++;
	}
	r->path[n] = '\0';
	return 0;
}

/* Looks at what has come from its start each time: so all is in one piece. */
void
request_parse(struct request *r, char *buf, size_t len, size_t size)
{
	static const http_parser_settings settings = { .on_url = on_name,
		.on_header_field = on_name,
		.on_header_value = on_value,
		.on_headers_complete = on_headers,
		.on_message_complete = on_complete };
	size_t i;

	memset(r, 0, offsetof(struct request, path));
	http_parser_init(&r->parser, HTTP_REQUEST);
	r->parser.data = r;
	r->buf = buf;
	r->used = http_parser_execute(&r->parser, &settings, buf, len);
	if (r->done && r->status == 0)
		r->status = decode(r);
	else if (!r->done && r->parser.http_errno != HPE_OK)
		r->status = 400;
	else if (!r->done && len == size)
		r->status = r->value[NAME] == NULL ? 414 : 431;
	/* It is complete: behind each there is the end of its line. */
	for (i = 0; i < NVALUES && r->done && r->status == 0; i++)
		if (r->value[i] != NULL)
			r->value[i][r->len[i]] = '\0';
	if (r->status != 0) {
		r->done = true;
		r->keep = false;
	}
}

/* The head has room for one name and all that is ever put around it. */
static void __attribute__((__format__(printf, 2, 3)))
put(struct answer *a, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(a->head + a->len, sizeof(a->head) - a->len, fmt, ap);
	va_end(ap);
	if (n < 0 || (a->len += (size_t)n) >= sizeof(a->head))
		abort();
}

static void
put_date(struct answer *a, const char *name, time_t t)
{
	struct tm *tm = gmtime(&t);
	char date[64];

	if (tm != NULL && strftime(date, sizeof(date), HTTP_DATE, tm) > 0)
		put(a, "%s: %s\r\n", name, date);
}

/* One range; what makes no sense, or more than one, is as good as none. */
static int
range(const char *s, struct answer *a, long long size)
{
	long long from, to = INT64_MAX;
	char more;
	int n;

	if (s == NULL || strncmp(s, "bytes=", 6) != 0 ||
	    strchr(s += 6, '-') == NULL || s[strspn(s, "0123456789-")] != '\0')
		return 200;
	n = sscanf(s, "%lld-%lld%c", &from, &to, &more);
	if (n != 1 && (n != 2 || from < 0 || to < from))
		return 200;
	if (*s == '-') /* the last ones */
		from = from == 0 ? size : from < -size ? 0 : size + from;
	if (from >= size)
		return 416;
	a->from = from;
	a->to = to < size ? to + 1 : size;
	return 206;
}

static const char *
type_of(const char *path)
{
	const char *dot = strrchr(path, '.');
	size_t i = 0, len = strlen(path);

	if (len == 0 || path[len - 1] == '/')
		return "text/html; charset=utf-8";
	while (types[i][0] != NULL && (!dot || strcmp(dot, types[i][0]) != 0))
		i++;
	return types[i][1];
}

/* Without a file, if status is not 200.  Returns what it became. */
int
answer_init(
    struct answer *a, const struct request *r, int status, const struct file *f)
{
	const char *words, *since = r->value[SINCE], *url = r->value[URL];
	bool found = status == 200, head = r->parser.method == HTTP_HEAD;
	struct tm tm = { 0 };

	memset(a, 0, offsetof(struct answer, head));
	a->to = found ? f->size : 0;
	if (found)
		status = range(r->value[RANGE], a, f->size);
	if (found && since != NULL && strptime(since, HTTP_DATE, &tm) != NULL &&
	    f->mtime <= timegm(&tm))
		status = 304;
	words = http_status_str((enum http_status)status);
	put(a, "HTTP/1.1 %d %s\r\n", status, words);
	put_date(a, "Date", time(NULL));
	put(a, "Connection: %s\r\n", r->keep ? "keep-alive" : "close");
	if (found)
		put_date(a, "Last-Modified", f->mtime);
	if (status == 206)
		put(a, "Content-Range: bytes %lld-%lld/%lld\r\n", a->from,
		    a->to - 1, f->size);
	if (status == 416)
		put(a, "Content-Range: bytes */%lld\r\n", f->size);
	if (status == 405)
		put(a, "Allow: GET, HEAD\r\n");
	if (status == 301) {
		/* Two slashes in front would be the name of another host. */
		url += *url == '/' ? strspn(url, "/") - 1 : 0;
		put(a, "Location: %.*s/\r\n", (int)strcspn(url, "?#"), url);
	}
	if (status == 200 || status == 206)
		put(a,
		    "Accept-Ranges: bytes\r\nContent-Type: %s\r\n"
		    "Content-Length: %lld\r\n",
		    type_of(r->path), a->to - a->from);
	else if (status != 304)
		put(a, "Content-Type: text/plain\r\nContent-Length: %zu\r\n",
		    strlen(words) + 1);
	put(a, "\r\n");
	if (status != 200 && status != 206 && status != 304 && !head)
		put(a, "%s\n", words);
	if (head || (status != 200 && status != 206))
		a->to = a->from;
	return status;
}
