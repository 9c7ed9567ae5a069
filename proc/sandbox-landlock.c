/* SPDX-License-Identifier: ISC */
/*
 * Landlock, the half of the sandbox for Linux that knows paths: which files
 * can be opened, made and removed, whatever the call.  It also covers what a
 * filter of system calls cannot see: ports, abstract addresses, and signals to
 * processes outside.
 *
 * The definitions are our own: <linux/landlock.h> may be older than the kernel
 * that this runs on.
 */
#include "feature.h"

#include <sys/syscall.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "sandbox-linux.h"

/* The same number on all machines but alpha. */
#if !defined(SYS_landlock_create_ruleset) && !defined(__alpha__)
#define SYS_landlock_create_ruleset 444
#define SYS_landlock_add_rule	    445
#define SYS_landlock_restrict_self  446
#endif

#define CREATE_VERSION	  0x1U
#define RULE_PATH_BENEATH 1
#define RULE_NET_PORT	  2

#define FS_EXECUTE	0x0001U
#define FS_WRITE_FILE	0x0002U
#define FS_READ_FILE	0x0004U
#define FS_READ_DIR	0x0008U
#define FS_REMOVE_DIR	0x0010U
#define FS_REMOVE_FILE	0x0020U
#define FS_MAKE_DIR	0x0080U
#define FS_MAKE_REG	0x0100U
#define FS_MAKE_SOCK	0x0200U
#define FS_MAKE_FIFO	0x0400U
#define FS_MAKE_SYM	0x1000U
#define FS_LEVEL_1	0x1fffU /* these and MAKE_CHAR, MAKE_BLOCK */
#define FS_REFER	0x2000U /* level 2 */
#define FS_TRUNCATE	0x4000U /* level 3 */
#define FS_IOCTL_DEV	0x8000U /* level 5 */
#define NET_BIND_TCP	0x1U	/* level 4 */
#define NET_CONNECT_TCP 0x2U
#define SCOPE_ABSTRACT	0x1U /* level 6 */
#define SCOPE_SIGNAL	0x2U

/* What can be said of something that is no directory. */
#define FS_FILE \
	(FS_EXECUTE | FS_WRITE_FILE | FS_READ_FILE | FS_TRUNCATE | FS_IOCTL_DEV)

struct ruleset {
	uint64_t fs;
	uint64_t net;
	uint64_t scope;
};

struct rule_path {
	uint64_t allowed;
	int32_t fd;
}
#if defined(__GNUC__)
__attribute__((__packed__))
#endif
;

struct rule_port {
	uint64_t allowed;
	uint64_t port;
};

/* Files that a promise is about although it is none of the paths. */
static const struct {
	uint32_t promises;
	unsigned int may;
	const char *path;
} special[] = {
	{ P_DNS | P_GETPW, MAY_READ, "/etc/nsswitch.conf" },
	{ P_DNS, MAY_READ, "/etc/resolv.conf" },
	{ P_DNS, MAY_READ, "/etc/hosts" },
	{ P_DNS, MAY_READ, "/etc/host.conf" },
	{ P_DNS, MAY_READ, "/etc/gai.conf" },
	{ P_DNS, MAY_READ, "/etc/services" },
	{ P_DNS, MAY_READ, "/etc/protocols" },
	{ P_GETPW, MAY_READ, "/etc/passwd" },
	{ P_GETPW, MAY_READ, "/etc/group" },
	{ P_TTY, MAY_READ | MAY_WRITE, "/dev/tty" },
	{ P_PS | P_VMINFO, MAY_READ, "/proc/meminfo" },
	{ P_PS | P_VMINFO, MAY_READ, "/proc/stat" },
	{ P_PS | P_VMINFO, MAY_READ, "/proc/loadavg" },
	{ P_PS | P_VMINFO, MAY_READ, "/proc/uptime" },
	{ P_PS | P_VMINFO, MAY_READ, "/proc/vmstat" },
	{ P_PS, MAY_READ, "/proc" },
};

int
imsgpi_landlock_level(void)
{
#if defined(SYS_landlock_create_ruleset)
	int saved = errno;
	long level = syscall(
	    SYS_landlock_create_ruleset, NULL, (size_t)0, CREATE_VERSION);

	errno = saved;
	if (level > LANDLOCK_LEVEL)
		level = LANDLOCK_LEVEL;
	if (level > LANDLOCK_AT_MOST)
		level = LANDLOCK_AT_MOST;
	return level > 0 ? (int)level : 0;
#else
	return 0;
#endif
}

#if defined(SYS_landlock_create_ruleset)
static uint64_t
rights_of_level(int level)
{
	uint64_t fs = FS_LEVEL_1;

	if (level >= 2)
		fs |= FS_REFER;
	if (level >= 3)
		fs |= FS_TRUNCATE;
	if (level >= 5)
		fs |= FS_IOCTL_DEV;
	return fs;
}

static uint64_t
rights_of_letters(unsigned int may)
{
	uint64_t fs = 0;

	if (may & MAY_READ)
		fs |= FS_READ_FILE | FS_READ_DIR | FS_IOCTL_DEV;
	if (may & MAY_WRITE)
		fs |= FS_WRITE_FILE | FS_TRUNCATE | FS_IOCTL_DEV;
	/* The kernel has to read what it executes. */
	if (may & MAY_EXEC)
		fs |= FS_EXECUTE | FS_READ_FILE;
	if (may & MAY_CREATE)
		fs |= FS_REMOVE_DIR | FS_REMOVE_FILE | FS_MAKE_DIR |
		    FS_MAKE_REG | FS_MAKE_SOCK | FS_MAKE_FIFO | FS_MAKE_SYM |
		    FS_REFER;
	return fs;
}

static uint64_t
rights_of_promises(uint32_t p)
{
	uint64_t fs = 0;

	if (p & P_RPATH)
		fs |= FS_READ_FILE | FS_READ_DIR;
	if (p & P_WPATH)
		fs |= FS_WRITE_FILE | FS_TRUNCATE;
	if (p & P_CPATH)
		fs |= FS_REMOVE_DIR | FS_REMOVE_FILE | FS_MAKE_DIR |
		    FS_MAKE_REG | FS_MAKE_SYM | FS_REFER;
	if (p & P_DPATH)
		fs |= FS_MAKE_FIFO;
	if (p & P_UNIX)
		fs |= FS_MAKE_SOCK;
	if (p & P_EXEC)
		fs |= FS_EXECUTE | FS_READ_FILE;
	if (fs != 0 && p & P_TTY)
		fs |= FS_IOCTL_DEV;
	return fs;
}

static int
add_path_fd(int ruleset, int fd, uint64_t rights)
{
	struct rule_path rule;

	rule.fd = fd;
	rule.allowed = rights;
	if (syscall(SYS_landlock_add_rule, ruleset, RULE_PATH_BENEATH, &rule,
		0U) == 0)
		return 0;
	/* It may be no directory. */
	rule.allowed = rights & FS_FILE;
	if (errno != EINVAL || rule.allowed == rights)
		return -1;
	if (rule.allowed == 0)
		return 0;
	return syscall(SYS_landlock_add_rule, ruleset, RULE_PATH_BENEATH, &rule,
		   0U) == 0 ?
	    0 :
	    -1;
}

static int
add_path(int ruleset, const char *path, uint64_t rights)
{
	int fd, r, saved;

	if (rights == 0)
		return 0;
	if ((fd = open(path, O_PATH | O_CLOEXEC)) == -1)
		return -1;
	r = add_path_fd(ruleset, fd, rights);
	saved = errno;
	(void)close(fd);
	errno = saved;
	return r;
}

static int
add_special(const struct sandbox *sb, int ruleset, uint64_t level)
{
	uint64_t fs;
	size_t i;

	for (i = 0; i < sizeof(special) / sizeof(special[0]); i++) {
		if ((sb->promises & special[i].promises) == 0)
			continue;
		fs = rights_of_letters(special[i].may) & level;
		if ((sb->promises & P_TTY) == 0)
			fs &= ~(uint64_t)FS_IOCTL_DEV;
		/* Not every system has all of them. */
		if (add_path(ruleset, special[i].path, fs) == -1 &&
		    errno != ENOENT && errno != EACCES && errno != ENOTDIR &&
		    errno != ENXIO)
			return -1;
	}
	return 0;
}

static int
add_paths(struct sandbox *sb, int ruleset, uint64_t level)
{
	uint64_t rights = rights_of_promises(sb->promises) & level;
	const struct imsgproc_path *p;
	unsigned int may = 0;

	if (sb->paths == NULL) {
		if (add_path(ruleset, "/", rights) == -1)
			return imsgpi_sandbox_fail(sb, "/");
		return 0;
	}
	for (p = sb->paths; p->path != NULL; p++) {
		(void)imsgpi_may(p->may, &may);
		if (add_path(ruleset, p->path,
			rights_of_letters(may) & rights) == -1)
			return imsgpi_sandbox_fail(sb, p->path);
	}
	return 0;
}

/* All of TCP for inet; for dns what a resolver needs when UDP is too small. */
static int
add_ports(const struct sandbox *sb, int ruleset)
{
	struct rule_port rule = { NET_CONNECT_TCP, 53 };

	if ((sb->promises & (P_DNS | P_INET)) != P_DNS)
		return 0;
	return syscall(SYS_landlock_add_rule, ruleset, RULE_NET_PORT, &rule,
		   0U) == 0 ?
	    0 :
	    -1;
}

static int
make_ruleset(const struct sandbox *sb, int level)
{
	struct ruleset r;
	size_t size = sizeof(r.fs);

	memset(&r, 0, sizeof(r));
	r.fs = rights_of_level(level);
	if (level >= 4) {
		size += sizeof(r.net);
		if ((sb->promises & P_INET) == 0)
			r.net = NET_BIND_TCP | NET_CONNECT_TCP;
	}
	if (level >= 6) {
		size += sizeof(r.scope);
		if ((sb->promises & P_PROC) == 0 ||
		    (sb->flags & SANDBOX_ENDS_OTHERS) == 0)
			r.scope = SCOPE_SIGNAL;
		/* No path limits an abstract address, but they may be meant. */
		if ((sb->promises & P_UNIX) == 0 || sb->paths != NULL)
			r.scope |= SCOPE_ABSTRACT;
	}
	return (int)syscall(SYS_landlock_create_ruleset, &r, size, 0U);
}

static int
restrict_self(struct sandbox *sb, int ruleset, int level)
{
	uint64_t fs = rights_of_level(level);

	if (add_paths(sb, ruleset, fs) == -1)
		return -1;
	if (add_special(sb, ruleset, fs) == -1)
		return imsgpi_sandbox_fail(sb, "landlock");
	if (level >= 4 && add_ports(sb, ruleset) == -1)
		return imsgpi_sandbox_fail(sb, "landlock");
	if (syscall(SYS_landlock_restrict_self, ruleset, 0U) == -1)
		return imsgpi_sandbox_fail(sb, "landlock");
	return 0;
}
#endif

/* What this kernel's level cannot do and a filter of calls does not replace. */
static void
say_missing(struct sandbox *sb, int level)
{
	const char *none = "no Landlock in this kernel";

	if (level == 0 && sb->paths != NULL)
		imsgpi_sandbox_missing(sb, "paths", none);
	if (level == 0 && sb->promises & (P_DNS | P_GETPW) &&
	    (sb->promises & P_RPATH) == 0)
		imsgpi_sandbox_missing(sb, "dns and getpw read any file", none);
	if (level < 4 && (sb->promises & (P_DNS | P_INET)) == P_DNS)
		imsgpi_sandbox_missing(sb, "dns connects to any port",
		    level == 0 ? none : "Landlock of this kernel is below 4");
	if (level > 0 && level < 3 && sb->paths != NULL &&
	    sb->promises & P_WPATH)
		imsgpi_sandbox_missing(sb, "truncate outside of the paths",
		    "Landlock of this kernel is below 3");
	if (sb->paths != NULL && level > 0 &&
	    sb->promises & (P_FATTR | P_CHOWN | P_UNIX))
		imsgpi_sandbox_missing(sb,
		    "fattr, chown and unix outside of the paths",
		    "Landlock cannot");
}

int
imsgpi_landlock_enter(struct sandbox *sb, int level)
{
	int r = 0;
#if defined(SYS_landlock_create_ruleset)
	int ruleset, saved;

	if (level > 0) {
		if ((ruleset = make_ruleset(sb, level)) == -1)
			return imsgpi_sandbox_fail(sb, "landlock");
		r = restrict_self(sb, ruleset, level);
		saved = errno;
		(void)close(ruleset);
		errno = saved;
	}
#endif
	if (r == 0)
		say_missing(sb, level);
	return r;
}
