/* SPDX-License-Identifier: ISC */
/* See soak-share.h. */
#include "../src/feature.h"

#include <sys/mman.h>

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "soak-share.h"

struct soak_share *soak_share;
unsigned char soak_scratch[SOAK_SCRATCH];
const char *soak_who = "soak";
void (*soak_give_up)(void);

int
soak_share_new(void)
{
	char name[] = "/tmp/soak.XXXXXXXXXX";
	int fd = mkstemp(name);

	if (fd == -1 || ftruncate(fd, sizeof(struct soak_share)) == -1) {
		perror("soak: shared memory");
		exit(1);
	}
	unlink(name);
	return fd;
}

void
soak_share_map(int fd)
{
	void *p = mmap(NULL, sizeof(struct soak_share), PROT_READ | PROT_WRITE,
	    MAP_SHARED, fd, 0);

	if (p == MAP_FAILED) {
		perror("soak: mmap");
		exit(SOAK_EXIT_FAILED);
	}
	soak_share = p;
}

void
soak_add(enum soak_counter c, unsigned long long n)
{
	atomic_fetch_add_explicit(
	    &soak_share->counter[c], n, memory_order_relaxed);
}

unsigned long long
soak_counted(enum soak_counter c)
{
	return atomic_load(&soak_share->counter[c]);
}

void
soak_fail(const char *fmt, ...)
{
	char text[512];
	va_list ap;
	int n, save = errno;
	size_t len;

	atomic_fetch_add(&soak_share->failures, 1);
	n = snprintf(text, sizeof(text), "FAILED: %s: ", soak_who);
	va_start(ap, fmt);
	n += vsnprintf(text + n, sizeof(text) - (size_t)n, fmt, ap);
	va_end(ap);
	if ((size_t)n < sizeof(text))
		n += snprintf(text + n, sizeof(text) - (size_t)n,
		    " (last errno %d, %s)\n", save, strerror(save));
	len = (size_t)n < sizeof(text) ? (size_t)n : sizeof(text) - 1;
	if (write(STDERR_FILENO, text, len) == -1)
		abort();
	soak_give_up();
	abort();
}

int64_t
soak_now_ms(void)
{
	struct timespec ts = { 0, 0 };

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

int
soak_count_fds(void)
{
	int i, n = 0, max = (int)sysconf(_SC_OPEN_MAX);

	/* The tables here are smaller than that. */
	if (max < 0 || max > 2048)
		max = 2048;
	for (i = 0; i < max; i++)
		n += fcntl(i, F_GETFD) != -1;
	return n;
}
