/* SPDX-License-Identifier: ISC */
/*
 * System calls: which of them matter, and what they do to descriptors.
 *
 * Of a call that does not matter only its number is looked at; nothing is
 * fetched at its exit.  A stop is taken for the exit when one at the entry was
 * before it; where that was wrong the next look at an entry shows it.
 */
#define _GNU_SOURCE
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <errno.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>

#include "trace-int.h"

/* AUDIT_ARCH_* of linux/audit.h, which not every C library comes with. */
#if defined(__x86_64__) && !defined(__ILP32__)
#define ARCH 0xc000003e
#elif defined(__i386__)
#define ARCH 0x40000003
#elif defined(__aarch64__) && defined(__AARCH64EL__)
#define ARCH 0xc00000b7
#elif defined(__arm__) && defined(__ARMEL__)
#define ARCH 0x40000028
#elif defined(__s390x__)
#define ARCH 0x80000016
#elif defined(__riscv) && __riscv_xlen == 64
#define ARCH 0xc00000f3
#elif defined(__powerpc64__) && defined(__LITTLE_ENDIAN__)
#define ARCH 0xc0000015
#endif

/* As in linux/ptrace.h, which not every C library has. */
struct call_info {
	uint8_t op, pad[3];
	uint32_t arch;
	uint64_t ip, sp;
	union {
		struct {
			uint64_t nr, arg[6];
		} entry;
		struct {
			int64_t result;
			uint8_t is_error;
		} exit;
		uint64_t room[8];
	} u;
};
#define OP_ENTRY 1
#define OP_EXIT	 2
#define GET_CALL 0x420e

#define CLONE3 435 /* the same on all systems */

static const struct rule rules[] = {
	{ -1, CALL_NONE, 0, -1 },
	{ SYS_read, CALL_BUF, CHANNEL_RECV, -1 },
	{ SYS_readv, CALL_IOV, CHANNEL_RECV, -1 },
	{ SYS_preadv2, CALL_IOV, CHANNEL_RECV, -1 },
	{ SYS_recvfrom, CALL_BUF, CHANNEL_RECV, 3 },
	{ SYS_recvmsg, CALL_MSG, CHANNEL_RECV, 2 },
	{ SYS_recvmmsg, CALL_MMSG, CHANNEL_RECV, 3 },
	{ SYS_write, CALL_BUF, CHANNEL_SEND, -1 },
	{ SYS_writev, CALL_IOV, CHANNEL_SEND, -1 },
	{ SYS_pwritev2, CALL_IOV, CHANNEL_SEND, -1 },
	{ SYS_sendto, CALL_BUF, CHANNEL_SEND, 3 },
	{ SYS_sendmsg, CALL_MSG, CHANNEL_SEND, 2 },
	{ SYS_sendmmsg, CALL_MMSG, CHANNEL_SEND, 3 },
	{ SYS_sendfile, CALL_SENDFILE, CHANNEL_SEND, -1 },
	{ SYS_splice, CALL_SPLICE, 0, -1 },
	{ SYS_close, CALL_CLOSE, 0, -1 },
#ifdef SYS_close_range
	{ SYS_close_range, CALL_CLOSE_RANGE, 0, -1 },
#endif
#ifdef SYS_dup2
	{ SYS_dup2, CALL_DUP2, 0, -1 },
#endif
	{ SYS_dup3, CALL_DUP2, 0, -1 },
	{ SYS_socketpair, CALL_SOCKETPAIR, 0, -1 },
#ifdef SYS_accept
	{ SYS_accept, CALL_ACCEPT, 0, -1 },
#endif
	{ SYS_accept4, CALL_ACCEPT, 0, -1 },
	{ SYS_connect, CALL_CONNECT, 0, -1 },
	{ SYS_clone, CALL_FORK, 0, -1 },
	{ CLONE3, CALL_FORK, 0, -1 },
#ifdef SYS_fork
	{ SYS_fork, CALL_FORK, 0, -1 },
	{ SYS_vfork, CALL_FORK, 0, -1 },
#endif
	{ SYS_prctl, CALL_PRCTL, 0, -1 },
#ifdef SYS_recvmmsg_time64
	{ SYS_recvmmsg_time64, CALL_MMSG, CHANNEL_RECV, 3 },
#endif
#ifdef SYS_sendfile64
	{ SYS_sendfile64, CALL_SENDFILE, CHANNEL_SEND, -1 },
#endif
	{ SYS_kill, CALL_ENDS, 0, -1 },
	{ SYS_tkill, CALL_ENDS, 0, -1 },
	{ SYS_tgkill, CALL_ENDS, 0, -1 },
	{ SYS_rt_sigqueueinfo, CALL_ENDS, 0, -1 },
	{ SYS_rt_tgsigqueueinfo, CALL_ENDS, 0, -1 },
#ifdef SYS_pidfd_send_signal
	{ SYS_pidfd_send_signal, CALL_ENDS, 0, -1 },
#endif
	{ SYS_exit_group, CALL_ENDS, 0, -1 },
	{ SYS_execve, CALL_ENDS, 0, -1 },
	{ SYS_execveat, CALL_ENDS, 0, -1 },
#ifdef SYS_io_uring_setup
	{ SYS_io_uring_setup, CALL_URING, 0, -1 },
#endif
};

void
call_setup(struct tracer *tr)
{
	size_t i;

	_Static_assert(sizeof(rules) / sizeof(rules[0]) <= UCHAR_MAX + 1,
	    "a number of a rule is a byte");
	for (i = 1; i < sizeof(rules) / sizeof(rules[0]); i++) {
		if (rules[i].nr >= 0 && rules[i].nr < CALLS)
			tr->rule[rules[i].nr] = (unsigned char)i;
	}
}

/* Our numbers of calls mean something else there. */
static int
foreign(struct thread *t, const struct call_info *info)
{
#ifdef ARCH
	int other = info->arch != ARCH;
#else
	int other = 0;
#endif

#ifdef __x86_64__
	/* x32 */
	if (info->u.entry.nr != UINT64_MAX && (info->u.entry.nr & 0x40000000))
		other = 1;
#endif
	if (other && !(t->proc->said & SAID_ARCH)) {
		t->proc->said |= SAID_ARCH;
		(void)fprintf(stderr,
		    "imsgdump: process %ld makes calls of another "
		    "architecture: those cannot be seen\n",
		    (long)t->proc->e.id);
	}
	return other;
}

static void
sender_add(struct tracer *tr, struct thread *t)
{
	t->earlier = tr->last;
	t->later = NULL;
	if (tr->last != NULL)
		tr->last->later = t;
	else
		tr->first = t;
	tr->last = t;
}

static void
sender_remove(struct tracer *tr, struct thread *t)
{
	if (t->earlier != NULL)
		t->earlier->later = t->later;
	else
		tr->first = t->later;
	if (t->later != NULL)
		t->later->earlier = t->earlier;
	else
		tr->last = t->earlier;
}

static int
moves(const struct rule *r)
{
	return r != NULL && r->kind >= CALL_BUF && r->kind <= CALL_SENDFILE;
}

void
call_forget(struct tracer *tr, struct thread *t)
{
	if (t->wanted && moves(t->rule) && t->rule->dir == CHANNEL_SEND)
		sender_remove(tr, t);
	t->in_call = t->wanted = t->arrived = 0;
	t->rule = NULL;
}

int
call_emits(const struct thread *t)
{
	return t->in_call && t->wanted && moves(t->rule);
}

#ifdef SYS_socketcall
/*
 * Calls of sockets that share a number, as the C library of some systems still
 * makes them: the arguments are in memory.
 */
static uint64_t
unfold(struct tracer *tr, struct thread *t, uint64_t arg[6])
{
	static const struct {
		int nr, args;
	} call[] = { { 0, 0 }, { 0, 0 }, { 0, 0 }, { SYS_connect, 3 }, { 0, 0 },
		{ SYS_accept4, 3 }, { 0, 0 }, { 0, 0 }, { SYS_socketpair, 4 },
		{ SYS_sendto, 4 }, { SYS_recvfrom, 4 }, { SYS_sendto, 6 },
		{ SYS_recvfrom, 6 }, { 0, 0 }, { 0, 0 }, { 0, 0 },
		{ SYS_sendmsg, 3 }, { SYS_recvmsg, 3 }, { SYS_accept4, 4 },
		{ SYS_recvmmsg, 5 }, { SYS_sendmmsg, 4 } };
	unsigned long value[6];
	uint64_t which = arg[0];
	size_t i, size;

	if (which >= sizeof(call) / sizeof(call[0]) || call[which].args == 0)
		return UINT64_MAX;
	size = (size_t)call[which].args * sizeof(value[0]);
	if (memory_read(tr, t->e.id, arg[1], value, size) != size)
		return UINT64_MAX;
	for (i = 0; i < size / sizeof(value[0]); i++)
		arg[i] = value[i];
	return (uint64_t)call[which].nr;
}
#endif

/* A child that will have the same descriptors, not copies of them. */
static void
note_sharing(struct tracer *tr, struct thread *t)
{
#ifdef __s390x__
	uint64_t flags = t->arg[1];
#else
	uint64_t flags = t->arg[0];
#endif

	if (t->rule->nr == CLONE3 &&
	    memory_read(tr, t->e.id, t->arg[0], &flags, sizeof(flags)) !=
		sizeof(flags))
		return;
	if ((flags & (CLONE_FILES | CLONE_THREAD)) == CLONE_FILES)
		t->proc->shares = 1;
}

static void
enter(struct tracer *tr, struct thread *t, struct call_info *info)
{
	const struct rule *r;
	uint64_t nr = info->u.entry.nr;

	t->in_call = 1;
	if (foreign(t, info))
		return;
#ifdef SYS_socketcall
	if (nr == SYS_socketcall)
		nr = unfold(tr, t, info->u.entry.arg);
#endif
	if (nr >= CALLS || tr->rule[nr] == 0)
		return;
	r = &rules[tr->rule[nr]];
	if (r->kind == CALL_ENDS) {
		loop_hear_senders(tr, t->e.id);
		return;
	}
	if (r->flags != -1 &&
	    (info->u.entry.arg[r->flags] & (MSG_PEEK | MSG_OOB)))
		return;
	t->rule = r;
	memcpy(t->arg, info->u.entry.arg, sizeof(t->arg));
	if (r->nr == SYS_clone || r->nr == CLONE3)
		note_sharing(tr, t);
	if (!moves(r))
		return;
	/* Others may have given the number another meaning. */
	if (t->proc->shares)
		channels_close(tr->channels, t->proc->e.id, (int)t->arg[0]);
	t->wanted = channels_wants(tr->channels, t->proc->e.id, (int)t->arg[0],
			r->dir) != 0;
	if (t->wanted && r->dir == CHANNEL_SEND)
		sender_add(tr, t);
	else if (r->dir == CHANNEL_SEND)
		t->rule = NULL;
}

static void
leave(struct tracer *tr, struct thread *t, int64_t result)
{
	tr->dirty = 1;
	if (moves(t->rule))
		move_done(tr, t, (size_t)result);
	else
		change_done(tr, t, result);
}

/*
 * Is what the call did of interest?  Most receives are not, for their messages
 * were taken where they were sent: then the kernel need not be asked.  While
 * it waited the sender may have become one that is traced, or the only one
 * that was may have gone.
 */
static int
matters(struct tracer *tr, const struct thread *t)
{
	if (!moves(t->rule))
		return 1;
	if (t->rule->dir == CHANNEL_RECV)
		return channels_wants(
		    tr->channels, t->proc->e.id, (int)t->arg[0], CHANNEL_RECV);
	return t->wanted;
}

static int
look(struct tracer *tr, pid_t tid, struct call_info *info)
{
	info->op = 0;
	info->u.entry.nr = UINT64_MAX;
	if (ptrace(GET_CALL, tid, (void *)sizeof(*info), info) > 0)
		return 0;
	if (errno != ESRCH && tr->failed == 0) {
		(void)fprintf(stderr,
		    "imsgdump: this system's ptrace(2) does "
		    "not describe calls: Linux 5.3 has it\n");
		tr->failed = ENOSYS;
	}
	return -1;
}

static void
at_exit(struct tracer *tr, struct thread *t, struct call_info *info)
{
	if (t->rule == NULL || t->rule->kind == CALL_FORK)
		return;
	/* Whatever it returns, the number is free. */
	if (t->rule->kind == CALL_CLOSE) {
		tr->dirty = 1;
		channels_close(tr->channels, t->proc->e.id, (int)t->arg[0]);
		return;
	}
	if (matters(tr, t) && look(tr, t->e.id, info) == 0 &&
	    info->op == OP_EXIT && !info->u.exit.is_error)
		leave(tr, t, info->u.exit.result);
}

void
call_stop(struct tracer *tr, struct thread *t)
{
	struct call_info info;

	info.op = 0;
	if (t->in_call) {
		at_exit(tr, t, &info);
		call_forget(tr, t);
		if (info.op != OP_ENTRY)
			return;
	} else if (look(tr, t->e.id, &info) == -1)
		return;
	if (info.op == OP_ENTRY)
		enter(tr, t, &info);
}
