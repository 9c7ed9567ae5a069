/* SPDX-License-Identifier: ISC */
/*
 * What a descriptor of a process refers to, in one printable word: messages
 * that carry descriptors are shown with it.
 */
#define _GNU_SOURCE
#include "channels.h"
#include "endpoint.h"
#include "safe.h"

#include <stdlib.h>
#include <string.h>

/* Like safe_text(), but a space is escaped, too. */
static void
word(char *out, size_t size, const char *in, size_t len)
{
	size_t n, used = 0;

	if (size > 0)
		out[0] = '\0';
	while (len > 0 && size - used > 4) {
		for (n = 0; n < len && in[n] != ' '; n++)
			;
		safe_text(out + used, size - used, in, n);
		used += strlen(out + used);
		in += n;
		len -= n;
		if (len == 0 || size - used <= 4)
			break;
		memcpy(out + used, "\\x20", 5);
		used += 4;
		in++;
		len--;
	}
}

#ifdef __linux__
#include <sys/xattr.h>
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <unistd.h>

#define DELETED " (deleted)"

/* Most lines that are read of a table of sockets. */
#define LINES_MAX 20000

/* An address as /proc/net/tcp has it: words of the machine's byte order. */
static int
address(char *out, size_t size, const char *hex, unsigned int port)
{
	char part[9] = "", text[INET6_ADDRSTRLEN];
	size_t i, n = strlen(hex) / 8;
	uint32_t w[4];

	if (n != 1 && n != 4)
		return -1;
	for (i = 0; i < n; i++) {
		memcpy(part, hex + 8 * i, 8);
		w[i] = (uint32_t)strtoul(part, NULL, 16);
	}
	if (inet_ntop(n == 1 ? AF_INET : AF_INET6, w, text, sizeof(text)) ==
	    NULL)
		return -1;
	snprintf(out, size, n == 1 ? "%s:%u" : "[%s]:%u", text, port);
	return 0;
}

static int
is_line_of(const char *line, unsigned long long ino, char *out, size_t size)
{
	char local[33], remote[33], a[64], b[64];
	unsigned int lport, rport;
	unsigned long long got;

	if (sscanf(line,
		"%*d: %32[0-9A-F]:%x %32[0-9A-F]:%x %*x %*x:%*x %*x:%*x %*x "
		"%*u %*u %llu",
		local, &lport, remote, &rport, &got) != 5 ||
	    got != ino)
		return 0;
	if (address(a, sizeof(a), local, lport) == -1 ||
	    address(b, sizeof(b), remote, rport) == -1)
		return 0;
	if (rport == 0)
		snprintf(out, size, "%s", a);
	else
		snprintf(out, size, "%s-%s", a, b);
	return 1;
}

/* "LOCAL" or "LOCAL-REMOTE", "" if it is not found. */
static void
addresses(pid_t pid, const char *table, unsigned long long ino, char *out,
    size_t size)
{
	char path[64], line[512];
	long left = LINES_MAX;
	FILE *f;

	out[0] = '\0';
	snprintf(path, sizeof(path), "/proc/%ld/net/%s", (long)pid, table);
	f = fopen(path, "re");
	if (f == NULL)
		return;
	while (left-- > 0 && fgets(line, sizeof(line), f) != NULL)
		if (is_line_of(line, ino, out, size))
			break;
	fclose(f);
}

/* Lower case name of the protocol, "" if the kernel does not tell. */
static void
protocol(const char *link, char *out, size_t size)
{
	char name[32];
	ssize_t i, n;

	n = getxattr(link, "system.sockprotoname", name, sizeof(name) - 1);
	if (n < 0)
		n = 0;
	for (i = 0; i < n && (size_t)i + 1 < size && name[i] != '\0'; i++)
		out[i] = (char)(name[i] >= 'A' && name[i] <= 'Z' ?
			name[i] - 'A' + 'a' :
			name[i]);
	out[i] = '\0';
}

static void
inet(pid_t pid, const char *proto, unsigned long long ino, char *out,
    size_t size)
{
	static const char *const tables[] = { "tcp", "tcp6", "udp", "udp6",
		NULL };
	char where[160] = "", table[8] = "";
	size_t i;

	for (i = 0; tables[i] != NULL && where[0] == '\0'; i++)
		if (proto[0] == '\0' || strncasecmp(tables[i], proto, 3) == 0) {
			snprintf(table, sizeof(table), "%.3s", tables[i]);
			addresses(pid, tables[i], ino, where, sizeof(where));
		}
	if (where[0] != '\0')
		snprintf(out, size, "socket:%s:%s", table, where);
	else
		snprintf(out, size, "socket%s%s", proto[0] == '\0' ? "" : ":",
		    proto);
}

static void
sock(pid_t pid, int fd, const char *link, unsigned long long ino, char *out,
    size_t size)
{
	char proto[32], path[160], *p;
	struct endpoint e;

	protocol(link, proto, sizeof(proto));
	if (proto[0] != '\0' && strncmp(proto, "unix", 4) != 0) {
		inet(pid, proto, ino, out, size);
		return;
	}
	if (endpoint_of(NULL, pid, fd, &e) != 1 && proto[0] == '\0') {
		inet(pid, proto, ino, out, size);
		return;
	}
	if (e.path[0] == '\0')
		endpoint_peer_path(NULL, pid, &e);
	/* All but spaces is escaped already. */
	snprintf(
	    path, sizeof(path), "%s%s", e.path[0] == '\0' ? "" : ":", e.path);
	for (p = path; *p != '\0'; p++)
		if (*p == ' ')
			*p = '_';
	snprintf(out, size, "socket:unix%s", path);
}

/* "anon_inode:[eventfd]" is "eventfd", "pipe:[17]" "pipe". */
static void
kind(const char *text, char *out, size_t size)
{
	size_t n;

	if (strncmp(text, "anon_inode:", 11) == 0) {
		text += 11;
		text += *text == '[';
		n = strcspn(text, "]");
	} else
		n = strcspn(text, ":");
	word(out, size, text, n);
}

static void
file(const char *text, size_t len, char *out, size_t size)
{
	size_t mark = strlen(DELETED);
	int deleted;

	deleted = len > mark && memcmp(text + len - mark, DELETED, mark) == 0;
	if (deleted)
		len -= mark;
	if (deleted && len > 7 && memcmp(text, "/memfd:", 7) == 0) {
		word(out, size, text + 1, len - 1);
		return;
	}
	word(out, size, text, len);
	len = strlen(out);
	if (deleted && len + mark <= size)
		memcpy(out + len, &DELETED[1], mark);
}

void
channels_describe(pid_t pid, int fd, char *out, size_t size)
{
	char link[56], text[4096];
	unsigned long long ino;
	ssize_t n;
	pid_t tid;

	if (size == 0)
		return;
	out[0] = '\0';
	snprintf(link, sizeof(link), "/proc/%ld/fd/%d", (long)pid, fd);
	n = readlink(link, text, sizeof(text) - 1);
	if (n <= 0) {
		if ((tid = process_thread(pid)) != pid)
			channels_describe(tid, fd, out, size);
		return;
	}
	text[n] = '\0';
	if (sscanf(text, "socket:[%llu]", &ino) == 1)
		sock(pid, fd, link, ino, out, size);
	else if (text[0] != '/' && text[0] != '(')
		kind(text, out, size);
	else
		file(text, (size_t)n, out, size);
}

#else
void
channels_describe(pid_t pid, int fd, char *out, size_t size)
{
	(void)pid;
	(void)fd;
	word(out, size, "", 0);
}
#endif
