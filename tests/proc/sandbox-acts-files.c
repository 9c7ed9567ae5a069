/* SPDX-License-Identifier: ISC */
/*
 * Acts with files: reading, writing, making, removing, changing.
 */
#include "sandbox-acts.h"

#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct how {
	uint64_t flags;
	uint64_t mode;
	uint64_t resolve;
};

static int
result(long r)
{
	return r == -1 ? errno : 0;
}

static int
opened(long fd)
{
	if (fd == -1)
		return errno;
	(void)close((int)fd);
	return 0;
}

static int
raw_open(const char *path, int flags)
{
	return opened(syscall(SYS_openat, AT_FDCWD, path, flags, 0644));
}

static int
open2(const char *path, int flags)
{
	struct how how;

	memset(&how, 0, sizeof(how));
	how.flags = (uint64_t)flags;
	how.mode = (flags & O_CREAT) != 0 ? 0644 : 0;
	return opened(syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof(how)));
}

#define ACT(function, expression)           \
	static int function(struct room *r) \
	{                                   \
		(void)r;                    \
		return expression;          \
	}

ACT(open_read, raw_open("file", O_RDONLY))
ACT(open_passwd, raw_open("/etc/passwd", O_RDONLY))
#if defined(SYS_open)
ACT(old_open_read, opened(syscall(SYS_open, "file", O_RDONLY, 0)))
ACT(old_open_write, opened(syscall(SYS_open, "file", O_WRONLY, 0)))
ACT(old_open_create,
    opened(syscall(SYS_open, "made", O_CREAT | O_WRONLY, 0644)))
ACT(old_creat, opened(syscall(SYS_creat, "made", 0644)))
#endif
ACT(open_relative,
    opened(syscall(SYS_openat, r->self, "dir/below", O_RDONLY, 0)))
ACT(open_dir, raw_open("/", O_RDONLY | O_DIRECTORY))
ACT(open_path, raw_open("file", O_PATH))
ACT(open2_read, open2("file", O_RDONLY))
ACT(open2_write, open2("file", O_WRONLY))
ACT(open2_truncate, open2("file", O_RDONLY | O_TRUNC))
ACT(open2_create, open2("made", O_RDWR | O_CREAT))
ACT(read_own_memory, raw_open("/proc/self/mem", O_RDONLY))
ACT(write_own_memory, raw_open("/proc/self/mem", O_WRONLY))
ACT(open_write, raw_open("file", O_WRONLY))
ACT(open_append, raw_open("file", O_WRONLY | O_APPEND))
ACT(open_both, raw_open("file", O_RDWR))
ACT(open_truncate, raw_open("file", O_RDONLY | O_TRUNC))
ACT(open_create_read, raw_open("made", O_RDONLY | O_CREAT))
ACT(open_create_write, raw_open("made", O_WRONLY | O_CREAT | O_TRUNC))
ACT(open_create_both, raw_open("made-new", O_RDWR | O_CREAT | O_EXCL))
ACT(open_temporary, raw_open(".", O_RDWR | O_TMPFILE))
ACT(open_high_bits,
    opened(syscall(
	SYS_openat, AT_FDCWD, "file", INT64_C(0x7700000000) | O_WRONLY, 0)))
ACT(truncate_path, result(truncate("file", 1)))
ACT(make_dir, result(mkdir("newdir", 0755)))
ACT(remove_dir, result(rmdir("empty")))
ACT(remove_file, result(unlink("victim")))
ACT(rename_file, result(rename("moves", "moved")))
ACT(rename_over,
    result(syscall(SYS_renameat2, AT_FDCWD, "swap1", AT_FDCWD, "swap2", 2)))
ACT(link_file, result(link("file", "hard")))
ACT(link_symbolic, result(symlink("/etc/passwd", "soft")))
ACT(make_fifo, result(mkfifo("fifo", 0600)))
ACT(make_node_file, result(mknod("node", S_IFREG | 0600, 0)))
ACT(make_device, result(mknod("null", S_IFCHR | 0600, makedev(1, 3))))
ACT(change_mode, result(chmod("file", 0640)))
ACT(change_mode_open, result(fchmod(r->file, 0640)))
ACT(change_mode_setuid, result(chmod("file", S_ISUID | 0755)))
ACT(change_times, result(utimensat(AT_FDCWD, "file", NULL, 0)))
ACT(change_times_open, result(futimens(r->file, NULL)))
ACT(change_owner, result(chown("file", (uid_t)-1, getgid())))
ACT(change_owner_open, result(fchown(r->file, (uid_t)-1, getgid())))
ACT(change_xattr, result(setxattr("file", "user.x", "y", 1, 0)))
ACT(lock_flock, result(flock(r->file, LOCK_EX | LOCK_NB)))
ACT(go_elsewhere, result(chdir(".")))
ACT(read_link, result(readlink("link", (char[64]){ 0 }, 64)))
ACT(is_there, result(access("file", R_OK)))

static int
stat_path(struct room *r)
{
	struct stat st;

	(void)r;
	return result(stat("/etc/passwd", &st));
}

static int
stat_empty(struct room *r)
{
	struct stat st;

	(void)r;
	/* A path, under the flag that is meant for none. */
	return result(fstatat(AT_FDCWD, "/etc/passwd", &st, AT_EMPTY_PATH));
}

static int
statx_path(struct room *r)
{
	struct statx st;

	(void)r;
	return result(statx(
	    AT_FDCWD, "/etc/passwd", AT_EMPTY_PATH, STATX_BASIC_STATS, &st));
}

static int
handle_to_file(struct room *r)
{
	uint32_t handle[4] = { 0, 1, 0, 0 };
	int e =
	    result(syscall(SYS_open_by_handle_at, r->self, handle, O_RDONLY));

	/* It is no handle, but who may not use one is told that first. */
	return e == EINVAL ? 0 : e;
}

static int
where(struct room *r)
{
	char buf[256];

	(void)r;
	return getcwd(buf, sizeof(buf)) == NULL ? errno : 0;
}

static int
lock_fcntl(struct room *r)
{
	struct flock l;

	memset(&l, 0, sizeof(l));
	l.l_type = F_WRLCK;
	l.l_whence = SEEK_SET;
	return result(fcntl(r->file, F_SETLK, &l));
}

static int
memory_of_parent(struct room *r)
{
	char path[64];

	(void)snprintf(path, sizeof(path), "/proc/%ld/mem", (long)r->parent);
	return raw_open(path, O_RDONLY);
}

#define RW  (P_RPATH | P_WPATH)
#define RC  (P_RPATH | P_CPATH)
#define WC  (P_WPATH | P_CPATH)
#define RWC (P_RPATH | P_WPATH | P_CPATH)
#define FILES                                                           \
	(RWC | P_DPATH | P_FATTR | P_CHOWN | P_UNIX | P_GETPW | P_DNS | \
	    P_EXEC | P_PS | P_VMINFO | P_TTY)
#define NAMES (P_GETPW | P_DNS)

static const struct act files[] = {
	{ "open-read", open_read, P_RPATH, 0, 0, 0, NAMES, 1, 0 },
	{ "open-passwd", open_passwd, P_RPATH, 0, 0, P_GETPW, P_DNS, 1, 0 },
#if defined(SYS_open)
	{ "old-open-read", old_open_read, P_RPATH, 0, 0, 0, NAMES, 1, 0 },
	{ "old-open-write", old_open_write, P_WPATH, 0, 0, 0, 0, 0, 0 },
	{ "old-open-create", old_open_create, WC, 0, 0, 0, 0, 0, 0 },
	{ "old-creat", old_creat, WC, 0, 0, 0, 0, 0, 0 },
#endif
	{ "open-relative", open_relative, P_RPATH, 0, 0, 0, NAMES, 1, 0 },
	{ "open-directory", open_dir, P_RPATH, 0, 0, 0, NAMES, 1, 0 },
	{ "open-handle", open_path, 0, 0, 0, FILES, 0, 0, 0 },
	{ "openat2-read", open2_read, P_RPATH, 3, RWC, 0, 0, 0, 0 },
	{ "openat2-write", open2_write, RW, 3, RWC, 0, 0, 0, 0 },
	{ "openat2-truncate", open2_truncate, RW, 3, RWC, 0, 0, 0, 0 },
	{ "openat2-create", open2_create, RWC, 0, 0, 0, 0, 0, 0 },
	{ "read-own-memory", read_own_memory, P_PS, 1, P_RPATH, 0, NAMES, 1,
	    0 },
	{ "write-own-memory", write_own_memory, P_WPATH, 0, 0, 0, 0, 0, 0 },
	{ "memory-of-parent", memory_of_parent, 0, 0, 0, 0, P_RPATH | NAMES, 1,
	    ACT_MAYBE },
	{ "open-write", open_write, P_WPATH, 0, 0, 0, 0, 0, 0 },
	{ "open-append", open_append, P_WPATH, 0, 0, 0, 0, 0, 0 },
	{ "open-both", open_both, RW, 0, 0, 0, 0, 0, 0 },
	{ "open-truncate", open_truncate, RW, 0, 0, 0, 0, 0, 0 },
	{ "open-create-read", open_create_read, RC, 0, 0, 0, 0, 0, 0 },
	{ "open-create-write", open_create_write, WC, 0, 0, 0, 0, 0, 0 },
	{ "open-create-both", open_create_both, RWC, 0, 0, 0, 0, 0, 0 },
	{ "open-temporary", open_temporary, RWC, 0, 0, 0, 0, 0, 0 },
	{ "open-high-bits", open_high_bits, P_WPATH, 0, 0, 0, 0, 0, 0 },
	{ "truncate", truncate_path, P_WPATH, 0, 0, 0, 0, 0, 0 },
	{ "mkdir", make_dir, P_CPATH, 0, 0, 0, 0, 0, 0 },
	{ "rmdir", remove_dir, P_CPATH, 0, 0, 0, 0, 0, 0 },
	{ "unlink", remove_file, P_CPATH, 0, 0, 0, 0, 0, 0 },
	{ "rename", rename_file, P_CPATH, 0, 0, 0, 0, 0, 0 },
	{ "rename-exchange", rename_over, P_CPATH, 0, 0, 0, 0, 0, 0 },
	{ "link", link_file, P_CPATH, 0, 0, 0, 0, 0, 0 },
	{ "symlink", link_symbolic, P_CPATH, 0, 0, 0, 0, 0, 0 },
	{ "mkfifo", make_fifo, P_DPATH, 0, 0, 0, 0, 0, 0 },
	{ "mknod-file", make_node_file, 0, 0, 0, 0, 0, 0, ACT_KILLS },
	{ "mknod-device", make_device, 0, 0, 0, 0, 0, 0,
	    ACT_MAYBE | ACT_KILLS },
	{ "chmod", change_mode, P_FATTR, 0, 0, 0, 0, 0, 0 },
	{ "fchmod", change_mode_open, P_FATTR, 0, 0, 0, 0, 0, 0 },
	{ "chmod-setuid", change_mode_setuid, 0, 0, 0, 0, 0, 0, 0 },
	{ "utimes", change_times, P_FATTR, 0, 0, 0, 0, 0, 0 },
	{ "futimes", change_times_open, P_FATTR, 0, 0, 0, 0, 0, 0 },
	{ "chown", change_owner, P_CHOWN, 0, 0, 0, 0, 0, 0 },
	{ "fchown", change_owner_open, P_CHOWN, 0, 0, 0, 0, 0, 0 },
	{ "setxattr", change_xattr, 0, 0, 0, 0, 0, 0, ACT_MAYBE | ACT_KILLS },
	{ "flock", lock_flock, P_FLOCK, 0, 0, 0, 0, 0, 0 },
	{ "fcntl-lock", lock_fcntl, P_FLOCK, 0, 0, 0, 0, 0, 0 },
	{ "stat", stat_path, 0, 0, 0, FILES, 0, 0, 0 },
	{ "stat-empty", stat_empty, 0, 0, 0, FILES, 0, 0, 0 },
	{ "statx", statx_path, 0, 0, 0, FILES, 0, 0, 0 },
	{ "access", is_there, 0, 0, 0, FILES, 0, 0, 0 },
	{ "readlink", read_link, 0, 0, 0, FILES, 0, 0, 0 },
	{ "chdir", go_elsewhere, 0, 0, 0, RWC, 0, 0, 0 },
	{ "getcwd", where, 0, 0, 0, RWC, 0, 0, 0 },
	{ "open-by-handle", handle_to_file, 0, 0, 0, 0, 0, 0,
	    ACT_MAYBE | ACT_KILLS },
};
const struct acts acts_files = { files, sizeof(files) / sizeof(files[0]) };
