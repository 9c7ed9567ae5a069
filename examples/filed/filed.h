/* SPDX-License-Identifier: ISC */
/*
 * filed, a static file server of three processes: the parent supervises, front
 * speaks HTTP with the world and has no file system, and the opener opens files
 * below the document root and has no network.
 */
#ifndef FILED_H
#define FILED_H
#define _GNU_SOURCE

#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <http_parser.h>
#include <linux/openat2.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include <imsg_call.h>
#include <imsg_proc.h>

enum {
	MSG_LISTEN, /* parent to front: a socket, and seconds for clients */
	MSG_ROOT,   /* parent to opener: a directory */
	MSG_OPEN,   /* front to opener: a path; back: struct file and it */
	MSG_STATUS, /* filedctl to parent to front; back: struct counts */
	MSG_RELOAD, /* filedctl to parent, which answers all three first */
	MSG_STOP,   /* with the number of front ends */
};

#define NAME_LEN 1024

struct file {
	long long size, mtime;
};
struct counts {
	unsigned long long connections, accepted, requests, errors, bytes;
};

/* One request, found in a buffer, and the head of its answer. */
enum { URL, HOST, RANGE, SINCE, NAME, NVALUES };
struct request {
	http_parser parser;
	bool done;   /* complete, or so bad that it ends here */
	bool keep;   /* the connection outlives the answer */
	int status;  /* what is wrong with it, or 0 */
	size_t used; /* how much of the buffer it is */
	char *buf, *value[NVALUES];
	size_t len[NVALUES];
	char path[NAME_LEN]; /* decoded, relative to the root */
};
struct answer {
	long long from, to; /* the part of the file that follows */
	size_t len;
	char head[NAME_LEN + 512];
};
void request_parse(struct request *, char *, size_t len, size_t size);
int answer_init(
    struct answer *, const struct request *, int status, const struct file *);

void opener_message(struct imsgproc *, struct imsgproc_peer *, struct imsg *);
int front_start(struct imsgproc *);
void front_message(struct imsgproc *, struct imsgproc_peer *, struct imsg *);
void front_peer(struct imsgproc *, struct imsgproc_peer *, int);

#endif
