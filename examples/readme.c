#include <sys/socket.h>
#include <sys/wait.h>
#include <stdio.h>
#include <unistd.h>
#include <imsg.h>

int
main(void)
{
	struct imsgbuf ch;
	struct imsg m;
	int s[2], child, fd, status = 1;

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, s) == -1 ||
	    (child = fork()) == -1 || close(s[child != 0]) == -1 ||
	    imsgbuf_init(&ch, s[child == 0]) == -1)
		return 1;
	imsgbuf_allow_fdpass(&ch);
	if (child) { /* the parent sends a message and its standard output */
		status = imsg_compose(&ch, 7, 0, 0, dup(1), "hello", 5) != 1 ||
		    imsgbuf_flush(&ch) == -1 || wait(&status) == -1 || status;
	} else if (imsgbuf_recv(&ch, &m, -1) == 1) {
		fd = imsg_get_fd(&m);
		status = dprintf(fd, "type %u: %.*s\n", m.hdr.type,
			     (int)imsg_get_len(&m), (char *)m.data) < 0;
		status |= close(fd) == -1;
		imsg_free(&m);
	}
	return imsgbuf_clear(&ch), close(ch.fd) == -1 || status != 0;
}
