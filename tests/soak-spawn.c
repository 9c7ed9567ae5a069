/* SPDX-License-Identifier: ISC */
/* See soak-spawn.h. */
#include "../src/feature.h"

#include <sys/types.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "soak-share.h"
#include "soak-spawn.h"
#include "soak-storm.h"

static const char *file;
static int share_fd;

int
soak_spawn_prepare(const char *program)
{
	int i;

	file = program;
	share_fd = soak_share_new();
	/* What this program was started with is not for children either. */
	for (i = 3; i < 1024; i++)
		(void)fcntl(i, F_SETFD, FD_CLOEXEC);
	return share_fd;
}

static _Noreturn void
become_child(int slot, int s)
{
	char number[16];

	(void)snprintf(number, sizeof(number), "%d", slot);
	/* Out of the way of both numbers first. */
	s = fcntl(s, F_DUPFD_CLOEXEC, 16);
	share_fd = fcntl(share_fd, F_DUPFD_CLOEXEC, 16);
	if (dup2(s, SOAK_SOCKET) != -1 && dup2(share_fd, SOAK_SHARE_AT) != -1) {
		soak_storm_hold(0);
		execl(file, file, "--child", number, (char *)NULL);
	}
	perror(file);
	_exit(SOAK_EXIT_FAILED);
}

pid_t
soak_spawn(int slot, int s, uint32_t kill_ms)
{
	pid_t pid;

	/* The timer is so quick that fork(2) might never come to its end. */
	soak_storm_hold(1);
	if ((pid = fork()) == -1)
		soak_fail("fork");
	if (pid == 0)
		become_child(slot, s);
	soak_storm_add(slot, pid, kill_ms);
	soak_storm_hold(0);
	return pid;
}

/* Not reaped before the handlers have forgotten its number. */
int
soak_reap(int slot, pid_t pid)
{
	siginfo_t si;
	int status;

	while (waitid(P_PID, (id_t)pid, &si, WEXITED | WNOWAIT) == -1)
		if (errno != EINTR)
			soak_fail("waitid");
	soak_storm_remove(slot);
	while (waitpid(pid, &status, 0) == -1)
		if (errno != EINTR)
			soak_fail("waitpid");
	return status;
}
