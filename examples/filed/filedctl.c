/* SPDX-License-Identifier: ISC */
/* filedctl: shows what filed does, makes it reload, stops it. */
#include "filed.h"

int
main(int argc, char **argv)
{
	static const char *const names[] = { "status", "reload", "stop" };
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	const char *path = geteuid() == 0 ? "/run/filed/sock" : "filed.sock";
	struct imsgbuf ib;
	struct imsg m;
	struct counts c;
	uint32_t i = 0, n = 0;
	char why[256];

	if (argc == 4 && strcmp(argv[1], "-c") == 0)
		path = argv[2];
	while (i < 3 && strcmp(argv[argc - 1], names[i]) != 0)
		i++;
	if ((argc != 2 && path != argv[2]) || i == 3 ||
	    strlen(path) >= sizeof(sun.sun_path))
		errx(2, "usage: filedctl [-c socket] status | reload | stop");
	(void)strcpy(sun.sun_path, path);
	if (imsgbuf_init(&ib, socket(AF_UNIX, SOCK_STREAM, 0)) == -1 ||
	    connect(ib.fd, (struct sockaddr *)&sun, sizeof(sun)) == -1)
		err(1, "%s", path);
	/* From here on it reads what another program has written. */
	if (imsgproc_sandbox("stdio", NULL, 0, why, sizeof(why)) == -1)
		errx(1, "sandbox: %s", why);
	if (imsg_compose(&ib, MSG_STATUS + i, 0, 0, -1, NULL, 0) == -1 ||
	    imsgbuf_flush(&ib) == -1 || imsgbuf_recv(&ib, &m, 10000) != 1 ||
	    imsg_get_data(&m, &n, sizeof(n)) == -1)
		errx(1, "%s: refused", path);
	imsg_free(&m);
	/* A front end that is just not there does not answer. */
	for (; i == 0 && n > 0 && imsgbuf_recv(&ib, &m, 1000) == 1; n--) {
		if (imsg_get_data(&m, &c, sizeof(c)) == 0)
			printf("connections %llu of %llu, requests %llu, "
			       "errors %llu, bytes %llu\n",
			    c.connections, c.accepted, c.requests, c.errors,
			    c.bytes);
		imsg_free(&m);
	}
	imsgbuf_clear(&ib);
	return 0;
}
