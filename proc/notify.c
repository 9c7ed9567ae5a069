/* SPDX-License-Identifier: ISC */
/*
 * What the service manager asked to be told: sd_notify(3)'s protocol, which is
 * datagrams of lines to the socket that $NOTIFY_SOCKET names, in the file
 * system (/...) or, on Linux, in the abstract name space (@...).
 *
 * The socket is connected at the start, while it can still be reached.  A
 * manager that does not listen is none of the daemon's troubles.
 */
#include "feature.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <errno.h>
#include <poll.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "notify.h"

/* So long a manager may take to make room. */
#define NOTIFY_MS 1000

int
imsgpi_notify_open(void)
{
	const char *name = getenv("NOTIFY_SOCKET");
	struct sockaddr_un sun;
	size_t len;
	int fd;

	if (name == NULL || (name[0] != '/' && name[0] != '@') ||
	    name[1] == '\0')
		return -1;
	memset(&sun, 0, sizeof(sun));
	sun.sun_family = AF_UNIX;
	if ((len = strlen(name)) >= sizeof(sun.sun_path))
		return -1;
	memcpy(sun.sun_path, name, len);
	/* An abstract name is as long as it is said to be. */
	if (name[0] == '@')
		sun.sun_path[0] = '\0';
	else
		len++;
	len += offsetof(struct sockaddr_un, sun_path);
	if ((fd = imsgpi_os.socket(AF_UNIX, SOCK_DGRAM)) == -1)
		return -1;
	if (imsgpi_os.connect(fd, (struct sockaddr *)&sun, (socklen_t)len) ==
	    -1) {
		imsgpi_close(fd);
		return -1;
	}
	return fd;
}

void
imsgpi_notify(int fd, const char *text)
{
	struct pollfd p = { .fd = fd, .events = POLLOUT };
	const int flags = MSG_DONTWAIT;
	int save = errno;

	if (fd != -1 &&
	    imsgpi_os.sendto(fd, text, strlen(text), flags, NULL, 0) == -1 &&
	    errno == EAGAIN && imsgpi_os.poll(&p, 1, NOTIFY_MS) == 1)
		(void)imsgpi_os.sendto(fd, text, strlen(text), flags, NULL, 0);
	errno = save;
}
