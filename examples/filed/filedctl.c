/* SPDX-License-Identifier: ISC */
/* filedctl: shows what filed does, makes it reload, stops it. */
#define _GNU_SOURCE
#include "filed.h"

#define ANSWER_MS 30000

static void
show(struct imsg *m)
{
	struct counts c;

	printf("%5s %10s %10s %10s %14s\n", "CONNS", "ACCEPTED", "REQUESTS",
	    "ERRORS", "BYTES");
	while (imsg_get_buf(m, &c, sizeof(c)) == 0)
		printf("%5" PRIu64 " %10" PRIu64 " %10" PRIu64 " %10" PRIu64
		       " %14" PRIu64 "\n",
		    c.connections, c.accepted, c.requests, c.errors, c.bytes);
}

int
main(int argc, char **argv)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	const char *path = geteuid() == 0 ? "/run/filed.sock" : "filed.sock";
	const char *what = argv[argc - 1];
	struct imsgbuf ib;
	struct imsg m;
	uint32_t type = strcmp(what, "status") == 0 ? MSG_STATUS :
	    strcmp(what, "reload") == 0		    ? MSG_RELOAD :
	    strcmp(what, "stop") == 0		    ? MSG_STOP :
						      MSG_NO;
	char why[256];

	if (argc == 4 && strcmp(argv[1], "-c") == 0)
		path = argv[2];
	if ((argc != 2 && path != argv[2]) || type == MSG_NO ||
	    strlen(path) >= sizeof(sun.sun_path))
		errx(2, "usage: filedctl [-c socket] status | reload | stop");
	(void)strcpy(sun.sun_path, path);
	if (imsgbuf_init(&ib, socket(AF_UNIX, SOCK_STREAM, 0)) == -1 ||
	    connect(ib.fd, (struct sockaddr *)&sun, sizeof(sun)) == -1)
		err(1, "%s", path);
	/* From here on it reads what another program has written. */
	if (imsgproc_sandbox("stdio", NULL, 0, why, sizeof(why)) == -1)
		errx(1, "sandbox: %s", why);
	/* Who is refused may find the refusal before it could ask. */
	if (imsg_compose(&ib, type, 1, 0, -1, NULL, 0) == -1 ||
	    imsgbuf_flush_timeout(&ib, ANSWER_MS) == -1)
		warn("%s", path);
	if (imsgbuf_recv(&ib, &m, ANSWER_MS) != 1)
		errx(1, "%s: no answer", path);
	if (imsg_get_type(&m) == MSG_NO)
		errx(1, "refused");
	if (type == MSG_STATUS)
		show(&m);
	imsg_free(&m);
	imsgbuf_clear(&ib);
	return 0;
}
