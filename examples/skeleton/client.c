/* SPDX-License-Identifier: ISC */
/*
 * client SOCKET TEXT: sends a line and prints the answer; for the test.
 */
#include <sys/socket.h>
#include <sys/un.h>

#include <err.h>
#include <stdio.h>
#include <unistd.h>

int
main(int argc, char **argv)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	char c = '\0';
	int fd;

	if (argc != 3)
		errx(2, "usage: client socket text");
	(void)snprintf(sun.sun_path, sizeof(sun.sun_path), "%s", argv[1]);
	if ((fd = socket(AF_UNIX, SOCK_STREAM, 0)) == -1 ||
	    connect(fd, (struct sockaddr *)&sun, sizeof(sun)) == -1)
		err(2, "%s", argv[1]);
	if (dprintf(fd, "%s\n", argv[2]) == -1)
		err(2, "write");
	while (c != '\n' && read(fd, &c, 1) == 1)
		(void)putchar(c);
	return c == '\n' ? 0 : 1;
}
