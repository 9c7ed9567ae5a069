/* SPDX-License-Identifier: ISC */
/*
 * The terminal: everything that appears on it is kept until it is found or
 * forgotten.
 */
#include "tmux-tty.h"

#include <sys/ioctl.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct tty tty;

void
tty_size(unsigned short rows, unsigned short cols)
{
	struct winsize ws = { .ws_row = rows, .ws_col = cols };

	if (ioctl(tty.slave, TIOCSWINSZ, &ws) == -1)
		fail("TIOCSWINSZ: %s", strerror(errno));
}

void
tty_open(void)
{
	tty.master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (tty.master == -1 || grantpt(tty.master) == -1 ||
	    unlockpt(tty.master) == -1 ||
	    ptsname_r(tty.master, tty.name, sizeof(tty.name)) != 0 ||
	    (tty.slave = open(tty.name, O_RDWR | O_NOCTTY | O_CLOEXEC)) == -1)
		fail("pseudo-terminal: %s", strerror(errno));
	tty_size(24, 80);
}

/* What has come from the server; 0 when nobody has the slave open. */
static int
tty_read(void)
{
	char buf[4096];
	ssize_t n = read(tty.master, buf, sizeof(buf));

	if (n <= 0)
		return 0;
	tty.seen = realloc(tty.seen, tty.len + (size_t)n + 1);
	if (tty.seen == NULL)
		fail("out of memory");
	memcpy(tty.seen + tty.len, buf, (size_t)n);
	tty.len += (size_t)n;
	tty.seen[tty.len] = '\0';
	return 1;
}

void
tty_expect(const char *text)
{
	while (tty.len == 0 ||
	    memmem(tty.seen, tty.len, text, strlen(text)) == NULL)
		if (!wait_readable(tty.master, WAIT_MS) || !tty_read())
			fail("the terminal does not show \"%s\"", text);
}

/* From here on only what comes later counts. */
void
tty_forget(void)
{
	tty.len = 0;
}

void
tty_type(const char *keys)
{
	if (write(tty.master, keys, strlen(keys)) != (ssize_t)strlen(keys))
		fail("cannot type");
}

/* The server has closed both descriptors that we passed, and so do we. */
void
tty_close(void)
{
	close(tty.slave);
	while (wait_readable(tty.master, WAIT_MS) && tty_read())
		continue;
	if (errno != EIO)
		fail("the terminal is still open: %s", strerror(errno));
	close(tty.master);
	free(tty.seen);
}
