/* SPDX-License-Identifier: ISC */
/*
 * Acts that no promise allows: what changes the system, and the calls in which
 * kernels had their holes.
 */
#include "sandbox-acts.h"

#include <sys/mount.h>
#include <sys/syscall.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/filter.h>
#include <linux/perf_event.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <string.h>
#include <unistd.h>

/* <linux/keyctl.h> */
#define KEY_PROCESS_KEYRING (-2)

static int
result(long r)
{
	return r == -1 ? errno : 0;
}

#define ACT(function, expression)           \
	static int function(struct room *r) \
	{                                   \
		(void)r;                    \
		return expression;          \
	}

ACT(change_root, result(syscall(SYS_chroot, ".")))
ACT(open_fs, result(syscall(SYS_fsopen, "tmpfs", 0)))
ACT(clone_tree, result(syscall(SYS_open_tree, AT_FDCWD, ".", 1)))
ACT(unshare_user, result(syscall(SYS_unshare, CLONE_NEWUSER)))
ACT(unshare_mounts, result(syscall(SYS_unshare, CLONE_NEWNS)))
ACT(unshare_files, result(syscall(SYS_unshare, CLONE_FILES)))
ACT(keyring, result(syscall(SYS_keyctl, 0, KEY_PROCESS_KEYRING, 1)))
ACT(add_a_key,
    result(syscall(SYS_add_key, "user", "x", "y", 1, KEY_PROCESS_KEYRING)))
ACT(userfault, result(syscall(SYS_userfaultfd, 1)))
ACT(fan_notify, result(syscall(SYS_fanotify_init, 0x200, 0)))
ACT(inode_notify, result(syscall(SYS_inotify_init1, 0)))
ACT(kernel_log, result(syscall(SYS_syslog, 10, NULL, 0)))
ACT(accounting, result(syscall(SYS_acct, NULL)))
ACT(all_sync, result(syscall(SYS_sync)))
ACT(io_priority, result(syscall(SYS_ioprio_set, 1, 0, (2 << 13) | 4)))
ACT(vm_splice, result(syscall(SYS_vmsplice, r->pair[0], NULL, 0, 0)))
ACT(swap, result(syscall(SYS_swapoff, "file")) == EINVAL ? 0 : errno)
ACT(go_namespace, result(syscall(SYS_setns, r->file, 0)) == EINVAL ? 0 : errno)
ACT(module,
    result(syscall(SYS_finit_module, r->out, "", 0x100)) == EINVAL ? 0 : errno)
ACT(remap_file,
    result(syscall(SYS_remap_file_pages, NULL, 0, 0, 0, 0)) == EINVAL ? 0 :
									errno)
ACT(old_aio, result(syscall(SYS_io_setup, 1, NULL)) == EFAULT ? 0 : errno)
ACT(move_pages_, result(syscall(SYS_move_pages, r->sibling, 0, 0, 0, 0, 0)))
ACT(message_queue, result(syscall(SYS_mq_unlink, "none")) == ENOENT ? 0 : errno)
ACT(semaphore, result(syscall(SYS_semget, 0, 1, 0600)))
/* MADV_SOFT_OFFLINE, of no page; not every kernel has it. */
ACT(page_offline,
    syscall(SYS_madvise, 4096, 0, 101) == -1 && errno != EINVAL ? errno : 0)
ACT(schedule, result(syscall(SYS_sched_setscheduler, 0, 0, &(int){ 0 })))
ACT(schedule_other,
    result(
	syscall(SYS_sched_setaffinity, r->sibling, sizeof(long), &(long){ 1 })))
ACT(host_name, result(syscall(SYS_sethostname, "x", -1)) == EINVAL ? 0 : errno)
#if defined(SYS_iopl)
ACT(io_ports, result(syscall(SYS_iopl, 0)))
ACT(io_port, result(syscall(SYS_ioperm, 0x80, 1, 1)))
ACT(local_table, result(syscall(SYS_modify_ldt, 0, NULL, 0)))
#endif

static int
mount_tmpfs(struct room *r)
{
	(void)r;
	if (syscall(SYS_mount, "none", "empty", "tmpfs", 0, NULL) == -1)
		return errno;
	(void)umount2("empty", MNT_DETACH);
	return 0;
}

static int
io_ring(struct room *r)
{
	char params[120];

	(void)r;
	memset(params, 0, sizeof(params));
	return result(syscall(SYS_io_uring_setup, 1, params));
}

static int
bpf_map(struct room *r)
{
	union bpf_attr attr;

	(void)r;
	memset(&attr, 0, sizeof(attr));
	attr.map_type = BPF_MAP_TYPE_ARRAY;
	attr.key_size = 4;
	attr.value_size = 4;
	attr.max_entries = 1;
	return result(syscall(SYS_bpf, BPF_MAP_CREATE, &attr, sizeof(attr)));
}

static int
perf(struct room *r)
{
	struct perf_event_attr attr;

	(void)r;
	memset(&attr, 0, sizeof(attr));
	attr.type = PERF_TYPE_SOFTWARE;
	attr.size = sizeof(attr);
	attr.exclude_kernel = 1;
	return result(syscall(SYS_perf_event_open, &attr, 0, -1, -1, 0));
}

static int
filter_listener(struct room *r)
{
	struct sock_filter all = { 0x06, 0, 0, SECCOMP_RET_ALLOW };
	struct sock_fprog prog = { 1, &all };

	(void)r;
	return result(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
	    SECCOMP_FILTER_FLAG_NEW_LISTENER, &prog));
}

#if defined(__x86_64__)
/* getpid(2) by numbers of i386 and of x32. */
static int
call_i386(struct room *r)
{
	long pid = 20;

	__asm__ volatile("int $0x80"
			 : "+a"(pid)
			 :
			 : "memory", "r8", "r9", "r10", "r11");
	(void)r;
	return pid > 0 ? 0 : (int)-pid;
}

ACT(call_x32, result(syscall(0x40000000 + 39)))
#endif

#define NEVER(name, function, flags)                      \
	{                                                 \
		name, function, 0, 0, 0, 0, 0, 0, (flags) \
	}

static const struct act kernel[] = {
	NEVER("mount", mount_tmpfs, ACT_MAYBE | ACT_KILLS),
	NEVER("fsopen", open_fs, ACT_MAYBE | ACT_KILLS),
	NEVER("open-tree", clone_tree, ACT_MAYBE | ACT_KILLS),
	NEVER("keyctl", keyring, ACT_MAYBE | ACT_KILLS),
	NEVER("add-key", add_a_key, ACT_MAYBE | ACT_KILLS),
	NEVER("userfaultfd", userfault, ACT_MAYBE | ACT_KILLS),
	NEVER("fanotify", fan_notify, ACT_MAYBE | ACT_KILLS),
	NEVER("inotify", inode_notify, 0),
	NEVER("kernel-log", kernel_log, ACT_MAYBE | ACT_KILLS),
	NEVER("acct", accounting, ACT_MAYBE | ACT_KILLS),
	NEVER("sync", all_sync, ACT_KILLS),
	NEVER("ioprio", io_priority, ACT_KILLS),
	NEVER("vmsplice", vm_splice, ACT_KILLS),
	NEVER("swapoff", swap, ACT_MAYBE | ACT_KILLS),
	NEVER("setns", go_namespace, ACT_KILLS),
	NEVER("finit-module", module, ACT_MAYBE | ACT_KILLS),
	NEVER("remap-file-pages", remap_file, ACT_KILLS),
	NEVER("io-setup", old_aio, ACT_MAYBE | ACT_KILLS),
	NEVER("io-uring", io_ring, ACT_MAYBE | ACT_KILLS),
	NEVER("move-pages", move_pages_, ACT_MAYBE | ACT_KILLS),
	NEVER("mq-unlink", message_queue, ACT_MAYBE | ACT_KILLS),
	NEVER("semget", semaphore, ACT_MAYBE | ACT_KILLS),
	NEVER("madvise-offline", page_offline, ACT_MAYBE | ACT_KILLS),
	NEVER("sched-setscheduler", schedule, ACT_KILLS),
	NEVER("sched-setaffinity", schedule_other, ACT_KILLS),
	NEVER("sethostname", host_name, ACT_MAYBE | ACT_KILLS),
#if defined(SYS_iopl)
	NEVER("iopl", io_ports, ACT_MAYBE | ACT_KILLS),
	NEVER("ioperm", io_port, ACT_MAYBE | ACT_KILLS),
	NEVER("modify-ldt", local_table, ACT_MAYBE | ACT_KILLS),
#endif
	NEVER("bpf", bpf_map, ACT_MAYBE | ACT_KILLS),
	NEVER("perf", perf, ACT_MAYBE | ACT_KILLS),
	NEVER("unshare-files", unshare_files, ACT_KILLS),
	NEVER(
	    "unshare-mounts", unshare_mounts, ACT_MAYBE | ACT_KILLS | ACT_LAST),
	NEVER("chroot", change_root, ACT_MAYBE | ACT_KILLS | ACT_LAST),
	NEVER("unshare-user", unshare_user, ACT_MAYBE | ACT_KILLS | ACT_LAST),
	NEVER("seccomp-listener", filter_listener, ACT_MAYBE | ACT_LAST),
#if defined(__x86_64__)
	NEVER("i386-call", call_i386, ACT_MAYBE | ACT_KILLS | ACT_ALONE),
	NEVER("x32-call", call_x32, ACT_MAYBE | ACT_KILLS | ACT_ALONE),
#endif
};
const struct acts acts_kernel = { kernel, sizeof(kernel) / sizeof(kernel[0]) };
