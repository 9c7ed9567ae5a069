/* SPDX-License-Identifier: ISC */
/*
 * Runs imsgdump-names and takes its answer.
 *
 * The helper has read a file that may be hostile, and may have been taken over
 * by it: it gets no environment, no descriptor and no terminal, of root's
 * rights as little as the file needs, and its answer is believed only as far
 * as names of message types go.
 */
#define _GNU_SOURCE
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "names.h"
#include "safe.h"

#define HELPER	     "imsgdump-names"
#define NOBODY	     65534
#define NAME_LIMIT   65536 /* in an answer */
#define REMARK_LIMIT 8	   /* are shown */
#define REMARKS_MAX  4096  /* are read */
#define SECONDS	     60

#ifndef IMSGDUMP_LIBEXEC
#define IMSGDUMP_LIBEXEC "/usr/libexec/imsgdump"
#endif

static void
complain(const char *text)
{
	fputs("imsgdump: ", stderr);
	safe_print(stderr, text, strlen(text));
	fputc('\n', stderr);
}

/*
 * The one beside the program is that of a build directory.  In a directory
 * where others may write it could be anyone's, so its owner has to be that of
 * the program.
 */
static const char *
find_helper(char *path, size_t size)
{
	ssize_t n = readlink("/proc/self/exe", path, size - sizeof(HELPER));
	struct stat self, st;
	char *slash;

	if (n > 0 && (size_t)n < size - sizeof(HELPER)) {
		path[n] = '\0';
		slash = strrchr(path, '/');
		if (slash != NULL && stat("/proc/self/exe", &self) == 0) {
			memcpy(slash + 1, HELPER, sizeof(HELPER));
			if (stat(path, &st) == 0 && S_ISREG(st.st_mode) &&
			    st.st_uid == self.st_uid)
				return path;
		}
	}
	return IMSGDUMP_LIBEXEC "/" HELPER;
}

/*
 * If it can read the file and start the helper as nobody it does, for good.
 * spec may have the name of an enum behind its last colon.
 */
static void
become_nobody(const char *helper, const char *spec)
{
	char file[PATH_MAX];
	char *colon;
	int can;

	if (geteuid() != 0 || strlen(spec) >= sizeof(file))
		return;
	memcpy(file, spec, strlen(spec) + 1);
	colon = strrchr(file, ':');
	if (colon != NULL && access(file, F_OK) == -1)
		*colon = '\0';
	if (setgroups(0, NULL) == -1 || setegid(NOBODY) == -1 ||
	    seteuid(NOBODY) == -1)
		return;
	can = faccessat(AT_FDCWD, file, R_OK, AT_EACCESS) == 0 &&
	    faccessat(AT_FDCWD, helper, X_OK, AT_EACCESS) == 0;
	if (seteuid(0) == -1 || setegid(0) == -1)
		_exit(126);
	if (can &&
	    (setresgid(NOBODY, NOBODY, NOBODY) == -1 ||
		setresuid(NOBODY, NOBODY, NOBODY) == -1))
		_exit(126);
}

static void
reset_signals(void)
{
	struct sigaction sa;
	sigset_t none;
	int i;

	memset(&sa, 0, sizeof(sa));
	sa.sa_handler = SIG_DFL;
	for (i = 1; i < NSIG; i++)
		(void)sigaction(i, &sa, NULL);
	/* To be beyond the limit of a file's size is an error, no more. */
	sa.sa_handler = SIG_IGN;
	(void)sigaction(SIGXFSZ, &sa, NULL);
	sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
}

static _Noreturn void
child(const char *helper, const char *spec, int out)
{
	char path[] = "PATH=/usr/bin:/bin", locale[] = "LC_ALL=C";
	char name[] = HELPER;
	char *env[] = { path, locale, NULL };
	char *argv[] = { name, NULL, NULL };
	struct rlimit nothing = { 0, 0 };
	int null = open("/dev/null", O_RDWR);

	argv[1] = strdup(spec);
	if (argv[1] == NULL || null == -1 || out <= 2 || dup2(null, 0) == -1 ||
	    dup2(out, 1) == -1 || dup2(out, 2) == -1)
		_exit(126);
#ifdef SYS_close_range
	(void)syscall(SYS_close_range, 3U, ~0U, 0U);
#endif
	(void)setsid();
	(void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	reset_signals();
	(void)alarm(SECONDS);
	(void)setrlimit(RLIMIT_FSIZE, &nothing);
	(void)setrlimit(RLIMIT_CORE, &nothing);
	become_nobody(helper, spec);
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	execve(helper, argv, env);
	_exit(errno == ENOENT ? 127 : 126);
}

/* Its number and name; anything else is not an answer. */
static int
parse(char *line, uint32_t *type, const char **name)
{
	unsigned long value;
	char *end;

	errno = 0;
	value = strtoul(line, &end, 10);
	if (end == line || end - line > 10 || errno != 0 ||
	    value > UINT32_MAX || *end != '\t')
		return -1;
	end++;
	if (*end == '\0' || (*end >= '0' && *end <= '9') ||
	    end[strspn(end,
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
		"0123456789_")] != '\0')
		return -1;
	*type = (uint32_t)value;
	*name = end;
	return 0;
}

/*
 * Lines that do not begin with a digit are what it has to say, or libclang, at
 * length, which helps no one.
 */
static void
remark(const char *line, size_t *remarks)
{
	const char *prefix = HELPER ": ";
	size_t len = strlen(prefix);

	if (strncmp(line, prefix, len) == 0 && (*remarks)++ < REMARK_LIMIT)
		complain(line + len);
}

/* 0: all of it was read; -1: it makes no sense; -2: no memory. */
static int
answer(struct names *names, FILE *f, size_t *remarks)
{
	char line[2048];
	const char *name;
	size_t count = 0, other = 0;
	uint32_t type;

	while (fgets(line, sizeof(line), f) != NULL) {
		size_t len = strlen(line);

		if (len == 0 || line[len - 1] != '\n')
			return -1;
		line[len - 1] = '\0';
		if (line[0] < '0' || line[0] > '9') {
			remark(line, remarks);
			if (++other > REMARKS_MAX)
				return -1;
			continue;
		}
		if (parse(line, &type, &name) == -1 || ++count > NAME_LIMIT)
			return -1;
		if (names_add(names, type, name) == -1)
			return -2;
	}
	return ferror(f) ? -1 : 0;
}

/* What it means that it ended so; 0 if all is well. */
static int
verdict(int result, int status, size_t remarks)
{
	char text[80];

	if (result == -2) {
		complain(strerror(ENOMEM));
	} else if (WIFEXITED(status) && WEXITSTATUS(status) == 127) {
		complain("names need imsgdump-names (built with libclang)");
	} else if (WIFEXITED(status) && WEXITSTATUS(status) == 126) {
		complain("imsgdump-names cannot be run");
	} else if (WIFSIGNALED(status) && WTERMSIG(status) != SIGPIPE) {
		snprintf(text, sizeof(text), "imsgdump-names: %s%s",
		    strsignal(WTERMSIG(status)),
		    WTERMSIG(status) == SIGXCPU ||
			    WTERMSIG(status) == SIGKILL ||
			    WTERMSIG(status) == SIGALRM ?
			" (it took too long)" :
			"");
		complain(text);
	} else if (result == -1) {
		complain("the answer of imsgdump-names makes no sense");
	} else if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
		if (remarks == 0)
			complain("imsgdump-names failed and said not why");
	} else {
		return 0;
	}
	return -1;
}

static pid_t
start(const char *helper, const char *spec, FILE **f)
{
	int p[2];
	pid_t pid;

	if (pipe2(p, O_CLOEXEC) == -1)
		return -1;
	/* Beyond those that the child replaces. */
	if (p[1] <= 2) {
		int high = fcntl(p[1], F_DUPFD_CLOEXEC, 3);

		(void)close(p[1]);
		p[1] = high;
	}
	*f = fdopen(p[0], "r");
	pid = *f == NULL || p[1] == -1 ? -1 : fork();
	if (pid == 0)
		child(helper, spec, p[1]);
	if (p[1] != -1)
		(void)close(p[1]);
	if (pid == -1) {
		if (*f != NULL)
			(void)fclose(*f);
		else
			(void)close(p[0]);
	}
	return pid;
}

static int
wait_for(pid_t pid, int *status)
{
	pid_t r;

	do
		r = waitpid(pid, status, 0);
	while (r == -1 && errno == EINTR);
	return r == -1 ? -1 : 0;
}

int
names_load_by(struct names *names, const char *helper, const char *spec)
{
	struct names *fresh = names_new();
	size_t remarks = 0;
	int result, status = 0;
	pid_t pid = -1;
	FILE *f;

	if (fresh != NULL)
		pid = start(helper, spec, &f);
	if (pid == -1) {
		complain(strerror(errno));
		names_free(fresh);
		return -1;
	}
	result = answer(fresh, f, &remarks);
	/* If there is more, it gets a SIGPIPE. */
	(void)fclose(f);
	if (wait_for(pid, &status) == -1) {
		complain(strerror(errno));
		result = -1;
	} else {
		result = verdict(result, status, remarks);
	}
	/* Its names count only when all was well. */
	if (result == 0 && names_merge(names, fresh) == -1) {
		complain(strerror(errno));
		result = -1;
	}
	names_free(fresh);
	return result;
}

int
names_load(struct names *names, const char *spec)
{
	char path[PATH_MAX];

	return names_load_by(names, find_helper(path, sizeof(path)), spec);
}
