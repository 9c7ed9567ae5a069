/* SPDX-License-Identifier: ISC */
/*
 * imsg_proc - the processes of a privilege-separated daemon.
 *
 * You declare the processes in a table: who they are, who talks to whom, as
 * which user they run, what they may do.  The parent, the first of the table,
 * starts the others: each is forked and executes the program anew, so that
 * nothing of the parent's memory is in it; it gets the channels that the table
 * gives it and no other descriptor; it goes into its chroot, gives up its
 * privileges for good, is locked into a sandbox; and only then runs your code.
 *
 *	static const struct imsgproc_spec procs[] = {
 *		{ IMSGPROC_HERE, .name = "parent", .talks = "front" },
 *		{ IMSGPROC_HERE, .name = "front", .user = "_filed",
 *		    .root = "/var/empty", .promises = "stdio inet recvfd",
 *		    .message = front_message },
 *	};
 *	static const struct imsgproc_daemon filed = {
 *		.name = "filed", .procs = procs, .nprocs = 2 };
 *
 *	int
 *	main(int argc, char **argv)
 *	{
 *		imsgproc_init(argc, argv, &filed);
 *		... options, configuration: only in the parent ...
 *		return imsgproc_run(&filed, &config);
 *	}
 *
 * Rules that hold for every function unless its own entry says otherwise:
 *
 * - A failing call returns -1 or NULL, sets errno and changes nothing.
 * - Callbacks run in the loop of their own process, see imsg_loop.h.
 * - A process of the table trusts the parent and nobody else.
 * - The library handles SIGCHLD, SIGHUP, SIGINT and SIGTERM in the parent,
 *   ignores the last three in the others, and SIGPIPE in all: who sends SIGTERM
 *   to all of them at once still gets an orderly end.  What a process executes
 *   ignores them, too, unless it sets them back.  There can be one struct
 *   imsgproc in a process.
 * - What the parent starts can gain no privileges by exec (no_new_privs), is
 *   not traced and leaves no core dump (PR_SET_DUMPABLE), where the system has
 *   such a thing.  If the parent is gone, it ends.  It has a session of its
 *   own, without the terminal, but for IMSGPROC_STDIO and the promise tty.
 *
 * Link with libimsg-proc.
 */
/* clang-format off */
#ifndef LIBIMSG_IMSG_PROC_H
#define LIBIMSG_IMSG_PROC_H

#include <sys/resource.h>

#include <imsg_loop.h>

#ifdef __cplusplus
extern "C" {
#endif

struct imsgproc;		/* this process */
struct imsgproc_peer;		/* another one, which it talks to */

/* Message types from here on are the library's; a program's own are below
 * IMSGCALL_ERROR of imsg_call.h, the last one before. */
#define IMSGPROC_TYPES		0x7fffff00U
/* Between the parent and the others; for imsgdump -H imsg_proc.h:imsgproc_type
 * to name them. */
enum imsgproc_type {
	IMSGPROC_PEER = 0x7fffff00,
	IMSGPROC_BEGIN,
	IMSGPROC_READY,
	IMSGPROC_FAILED,
	IMSGPROC_RELOAD,
	IMSGPROC_RELOADED,
	IMSGPROC_STOP,
	IMSGPROC_TABLE
};
/* Longest name of a process, without the NUL; most processes of a daemon. */
#define IMSGPROC_NAME		31
#define IMSGPROC_MAX		256

/* Lines for imsgproc_spec.flags. */
#define IMSGPROC_RESTART	0x01	/* started again when it dies */
#define IMSGPROC_MUST_SANDBOX	0x02	/* all promises enforced, or no start */
#define IMSGPROC_STDIO		0x04	/* keeps descriptors 0 and 1 */
#define IMSGPROC_ON_DEMAND	0x08	/* only by imsgproc_spawn() */

/* What a process may reach of the file system, "r", "w", "x", "c" as unveil(2)
 * names it; below its root, if it has one.  A list ends with { NULL, NULL }. */
struct imsgproc_path {
	const char	*path;
	const char	*may;
};

/* RLIMIT_*: soft and hard limit; of RLIMIT_CPU the hard one is a second more,
 * so that SIGXCPU says what happened.  Never raises a hard limit.  A list ends
 * with what = -1. */
struct imsgproc_limit {
	int		 what;
	rlim_t		 max;
};

/*
 * A process.  Lists of names are separated by spaces.
 *
 * A table may come from options and a configuration file: what counts in all
 * processes is the parent's at imsgproc_run() or imsgproc_spawn(), which must
 * not change from then on until it has returned.  The parent sends each process
 * what concerns it; names and functions that process has from the table that
 * it gave imsgproc_init() itself, by name, and they must be the same in both.
 *
 * instances: 0 is 1.  They are told apart by numbers from 0.
 * talks: who it has a channel to: every instance of it to every instance of
 *	those.  It is enough if one of the two says so.
 * needs: who must be ready before this one starts, and is stopped after it,
 *	when what it sent at the end has been read.
 * user: whose user ID, group and supplementary groups it takes; unless that is
 *	root it has no capabilities then.  NULL: it stays who it is.  Unless root
 *	starts the daemon it must be who does.
 * root: where it does chroot(2), before it takes the user.
 * promises: names of pledge(2), see imsgproc_sandbox().  NULL: no sandbox.  To
 *	live it needs "stdio"; "recvfd" if one of those it talks to is
 *	IMSGPROC_RESTART, since a new channel arrives as a descriptor.
 * paths: NULL: what the promises say is all there is to it.
 *
 * prepare: in the new process before it drops its privileges: to bind to a low
 *	port, to open what only root can open.  0; or -1, and imsgproc_fail()
 *	may say why: then it is not started.
 * start: after that.  0 or -1 likewise.  Its channels are there.
 * message: from a peer; it is freed afterwards as in struct imsgloop_cb.
 * peer: up 1: a peer, any that imsgproc_peer() finds, is there; 0: it is gone.
 *	So what a peer needs, and what is made of its channel, has one place.
 *	Told of each that has a channel, once, directly after `start' has
 *	returned 0, in the order of the table (the parent is first); in a child
 *	before it is ready, in the parent before the first `message' and before
 *	systemd is told READY=1.  Then of each as it goes, after its last
 *	message, and as it comes back with a new channel, before its first; also
 *	after `stop', when the channels come to their ends.  A peer that waits
 *	for what it needs has a channel that holds what is sent.
 * reload: the parent got SIGHUP or called imsgproc_reload().
 * stop: the daemon ends, the process called imsgproc_stop(), or the parent is
 *	gone.  Nothing queued is lost: after this the process writes what is
 *	queued on its channels and exits with 0 (imsgproc_stop(): its status;
 *	without a parent: 1).
 * run: instead of the loop: its return value is the exit status.  For a
 *	process that does one thing; uses imsgproc_parent_imsgbuf(), its only
 *	channel, whose end asks it to end.
 * All may be NULL.  In the parent prepare and run are not used; it takes its
 * user, root, limits and promises when all others are ready, and what it needs
 * to end them and to start them again it must keep.
 */
struct imsgproc_spec {
	const char		*file;
	int			 line;
	const char		*name;
	const char		*talks;
	const char		*needs;
	const char		*user;
	const char		*root;
	const char		*promises;
	const struct imsgproc_path *paths;
	const struct imsgproc_limit *limits;
	unsigned int		 instances;
	unsigned int		 flags;
	int			(*prepare)(struct imsgproc *);
	int			(*start)(struct imsgproc *);
	void			(*message)(struct imsgproc *,
				    struct imsgproc_peer *, struct imsg *);
	void			(*peer)(struct imsgproc *,
				    struct imsgproc_peer *, int up);
	void			(*reload)(struct imsgproc *);
	void			(*stop)(struct imsgproc *);
	int			(*run)(struct imsgproc *);
};
/* The line of the table for messages about it; first in an entry. */
#define IMSGPROC_HERE	__FILE__, __LINE__

/* How a process ended: what waitpid(2) said, and in words. */
struct imsgproc_death {
	const char	*name;
	unsigned int	 instance;
	pid_t		 pid;
	int		 status;
	const char	*why;		/* "killed by signal 9 (Killed)" */
	int		 restart_ms;	/* until it is started again; -1: never */
};

/* The loop of each process; see imsgproc_poll for what is used if there is
 * none in the struct imsgproc_daemon. */
struct imsgproc_loop {
	struct imsgloop	*(*make)(void);
	int		 (*run)(struct imsgloop *);
	void		 (*stop)(struct imsgloop *);
	void		 (*free)(struct imsgloop *);
};

/*
 * The daemon.
 *
 * log: priority is one of syslog(3), text is "process: text" in printable
 *	ASCII.  NULL: "name: process: text" to standard error.  In the parent
 *	before imsgproc_run() has begun, too.
 * died: in the parent, for each process that ended while it should not; it was
 *	logged already.  NULL: nothing more.
 * start_ms, stop_ms: how long a process may take until it is ready (0: 10,000),
 *	all together until they have stopped (0: 5,000), before they are killed.
 * flags: IMSGPROC_AS_ANYBODY: where it is not root who starts the daemon (no
 *	user ID of the process is 0), `user' and `root' of all entries count as
 *	NULL, which the parent logs; all else is as usual.  For tests, and for
 *	daemons that an ordinary user may run.
 */
struct imsgproc_daemon {
	const char			*name;
	const struct imsgproc_spec	*procs;
	size_t				 nprocs;
	void				(*log)(int priority, const char *text);
	void				(*died)(struct imsgproc *,
					    const struct imsgproc_death *);
	const struct imsgproc_loop	*loop;
	int				 start_ms;
	int				 stop_ms;
	unsigned int			 flags;
};
/* For imsgproc_daemon.flags. */
#define IMSGPROC_AS_ANYBODY	0x01	/* also without root, see above */

/*
 * imsgproc_init: the first thing in main().  In a process that imsgproc started
 *	it does not return, and of the table it takes names and functions alone:
 *	the rest may be set behind it, see struct imsgproc_spec.  In the parent
 *	it does nothing but see to it that descriptors 0, 1 and 2 are open, and
 *	on Linux move the strings of argv and environ, since titles go where
 *	they were.
 * imsgproc_check: whether the table can work: 0, or -1 and in why (size bytes)
 *	the first thing that is wrong with its file and line: unknown or double
 *	names, needs in a circle, users, roots and promises that do not exist...
 *	EINVAL, ENOENT, ENOTDIR, ELOOP, EPERM, or that of the system which was
 *	asked for a user or a root.  Starts nothing.
 * imsgproc_run: checks the table, starts all, sandboxes the parent if its entry
 *	says so, runs the parent's loop, stops all.  arg is imsgproc_arg() in
 *	the parent.  Returns an exit status: 0 after SIGTERM, SIGINT or
 *	imsgproc_stop(), 1 if it could not start or a process died that is not
 *	to be restarted.  When it returns no process and no descriptor is left.
 *	systemd is told by sd_notify's protocol if it asked for that (READY=1,
 *	RELOADING=1, STOPPING=1, STATUS=); NOTIFY_SOCKET is not passed on.
 *
 * A process that breaks the protocol between parent and child, that sends to a
 * parent that it has no channel to, or reads so little that the parent cannot
 * tell it of its peers, is killed and has died.  What it sends to the parent
 * before it is ready and `start' of the parent has returned waits for that: at
 * most 4 MiB and 64 descriptors.
 *
 * A process that dies is restarted after 100 ms, twice as long each time up to
 * 30 s, if it is IMSGPROC_RESTART and has once been ready; after 60 s of life
 * counting begins anew.  Any other stops the daemon.
 */
void	 imsgproc_init(int argc, char **argv, const struct imsgproc_daemon *);
int	 imsgproc_check(const struct imsgproc_daemon *, char *why, size_t size);
int	 imsgproc_run(const struct imsgproc_daemon *, void *arg);

/*
 * In every process.
 *
 * imsgproc_peer: NULL ENOENT: no such process, or the table has no channel to
 *	it, which is logged, once for each name.  It stays valid, also while the
 *	process is not there.  Where a peer is given NULL is one that is never
 *	there.
 * imsgproc_peer_name, _instance: who it is; of NULL "?" and 0.
 * imsgproc_peer_chan: its channel, for imsg_call.h, or to pause it, not to
 *	detach it; NULL ENOTCONN: it is not there.  Valid until `peer' with up
 *	0.  Limits: 64 MiB and 1,024 descriptors queued (ENOBUFS), 1 MiB and
 *	256 descriptors unfetched.
 * imsgproc_send: composes to a process by name.  instance IMSGPROC_ALL: to each
 *	that is there, with a descriptor of their own (dup); 0, or -1 if one did
 *	not get it.  ENOENT, ENOTCONN, EINVAL (a type of the library's), else as
 *	imsgloop_compose(), also for who owns fd.
 * imsgproc_send_peer: the same to a peer, as for an answer.
 * imsgproc_forward: a message as it came, with a copy of its descriptor; it
 *	stays the caller's, see imsg_forward().
 * imsgproc_stop: stops the process: the parent all of the daemon; status is
 *	what it exits with.  In `run' it is exit(3).
 * imsgproc_reload: in the parent: as SIGHUP: reload in the parent, then in all
 *	others.  EPERM elsewhere.
 * imsgproc_log: format and arguments as of printf(3), a line without its end.
 * imsgproc_fail: in prepare and start: why they return -1.  Returns -1.
 * imsgproc_title: what ps(1) shows behind the daemon's and the process's name:
 *	"filed: front: text"; "": nothing.
 * imsgproc_signal: handler for another signal, in the loop.  NULL: ignore.  0,
 *	or -1: EINVAL (no signal, or one of the library's), ENOTSUP (in `run',
 *	which has no loop), or that of the system.
 */
#define IMSGPROC_ALL	0xffffffffU
#if defined(__cplusplus) && defined(__GNUC__)
/* As stat() and struct stat, which C++ warns of. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wshadow"
#endif
struct imsgproc_peer	*imsgproc_peer(struct imsgproc *, const char *name,
			    unsigned int instance);
const char	*imsgproc_peer_name(const struct imsgproc_peer *);
unsigned int	 imsgproc_peer_instance(const struct imsgproc_peer *);
struct imsgloop_chan	*imsgproc_peer_chan(struct imsgproc_peer *);
int		 imsgproc_send(struct imsgproc *, const char *name,
		    unsigned int instance, uint32_t type, uint32_t peerid,
		    int fd, const void *, size_t);
int		 imsgproc_send_peer(struct imsgproc_peer *, uint32_t type,
		    uint32_t peerid, int fd, const void *, size_t);
int		 imsgproc_forward(struct imsgproc_peer *, struct imsg *);
const char	*imsgproc_name(const struct imsgproc *);
unsigned int	 imsgproc_instance(const struct imsgproc *);
struct imsgloop	*imsgproc_loop(struct imsgproc *);
#if defined(__cplusplus) && defined(__GNUC__)
#pragma GCC diagnostic pop
#endif
void		*imsgproc_arg(const struct imsgproc *);
void		 imsgproc_set_arg(struct imsgproc *, void *);
void		 imsgproc_stop(struct imsgproc *, int status);
int		 imsgproc_reload(struct imsgproc *);
#if defined(__GNUC__)
__attribute__((__format__(printf, 3, 4)))
#endif
void		 imsgproc_log(struct imsgproc *, int priority, const char *, ...);
#if defined(__GNUC__)
__attribute__((__format__(printf, 2, 3)))
#endif
int		 imsgproc_fail(struct imsgproc *, const char *, ...);
#if defined(__GNUC__)
__attribute__((__format__(printf, 2, 3)))
#endif
void		 imsgproc_title(struct imsgproc *, const char *, ...);
int		 imsgproc_signal(struct imsgproc *, int signo,
		    void (*)(struct imsgproc *, int signo));

/*
 * One process at a time, for programs that are no daemons.
 *
 * imsgproc_spawn: starts the process of that name in the table and waits until
 *	it is ready.  Its channel to us is child->ib, blocking, descriptors
 *	allowed, close-on-exec; only this one.  The structure must not be copied
 *	or moved.  -1: it is gone again; why says what was wrong: an errno of
 *	imsgproc_check(), ENOENT (no such process), ECONNRESET (it ended before
 *	it was ready), EPROTO, ETIMEDOUT, that with which it says that it failed,
 *	or that of the system.  0: why is empty, or says what of its sandbox this
 *	system cannot enforce.
 * imsgproc_wait: closes the channel and waits until the process has ended, for
 *	at most ms milliseconds (-1: no limit; 0: kills it at once), then kills
 *	it.  0 and its status as of waitpid(2), 1 if it had to be killed, or -1
 *	EINVAL (no process, ms below -1), or that of waitpid(2) with the channel
 *	closed all the same.
 * imsgproc_parent_imsgbuf: in `run': the channel to who started us, blocking,
 *	descriptors allowed, close-on-exec; it is the library's.  Elsewhere NULL
 *	EINVAL.
 */
struct imsgproc_child {
	pid_t		 pid;
	struct imsgbuf	 ib;
};
int		 imsgproc_spawn(const struct imsgproc_daemon *,
		    const char *name, struct imsgproc_child *, char *why,
		    size_t size);
int		 imsgproc_wait(struct imsgproc_child *, int ms, int *status);
struct imsgbuf	*imsgproc_parent_imsgbuf(struct imsgproc *);

/*
 * The sandbox alone, also for programs without a table.
 *
 * imsgproc_sandbox: from now on this process and what it starts can do only what
 *	the promises (stdio rpath wpath cpath dpath fattr chown flock unix inet
 *	mcast dns getpw recvfd sendfd tty proc exec id ps vminfo settime error,
 *	separated by spaces; pledge(2) says what they mean) and the paths allow.
 *	A second call can only take away.  flags: IMSGPROC_MUST_SANDBOX.
 *	0: all is enforced.  1: not all, why says what is not: this kernel or
 *	this system cannot.  -1: EINVAL an unknown promise; ENOTSUP not all can
 *	be enforced and it must; or an errno of the system.  What the process may
 *	do after a failure is not said; it should end.
 *	What is not allowed kills the process (SIGSYS, SIGABRT) as pledge(2)
 *	does, or fails with EACCES, EPERM or ENOSYS: what libc tries by itself
 *	and paths always fail, with "error" all does.
 *	On Linux:
 *	- A path that does not exist: -1 ENOENT.  Paths are about opening,
 *	  making, removing and executing; that a file is there can be seen.
 *	- recvfd and sendfd cannot be told from the messages that stdio allows:
 *	  they are always possible, and that is not counted as missing.
 *	- Signals go to the process itself and, with proc, to what it started;
 *	  to others only below Landlock's level 6.
 *	- openat2(2) fails with ENOSYS below level 3, unless rpath, wpath and
 *	  cpath are promised without paths.
 *	- There is no new code in memory unless exec is promised; SIGSYS is the
 *	  library's.  It is for a process that has one thread.
 *	- A second call needs stdio of the first.
 *	docs/SANDBOX.md says what each promise is on each system.
 * imsgproc_sandbox_name: what this build can use: "landlock and seccomp",
 *	"pledge", "capsicum", "none".
 * imsgproc_sandbox_check: 0, or -1 EINVAL if a promise is not known.
 */
int		 imsgproc_sandbox(const char *promises,
		    const struct imsgproc_path *, unsigned int flags, char *why,
		    size_t size);
int		 imsgproc_sandbox_check(const char *promises);
const char	*imsgproc_sandbox_name(void);

/* The loop that is used if the daemon names none: imsgloop_poll_new(). */
extern const struct imsgproc_loop imsgproc_poll;

#ifdef __cplusplus
}
#endif

#endif
