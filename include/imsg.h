/* SPDX-License-Identifier: ISC */
/*
 * imsg - messages and descriptors between the processes of one program.
 *
 * A channel is a struct imsgbuf over a connected UNIX stream socket.  The
 * sender composes messages into its queue and writes the queue; the receiver
 * reads the socket and fetches complete messages.  Below lies a layer that is
 * useful alone: ibuf (one buffer), ibufqueue (a queue of them) and msgbuf (a
 * queue that meets a descriptor).
 *
 * Rules that hold for every function unless its own entry says otherwise:
 *
 * - A failing call returns -1 or NULL, sets errno and changes nothing.
 *   ENOMEM can come from every function that allocates.
 * - Who owns: what a function takes over on success stays the caller's on
 *   failure.  An ibuf owns the descriptor attached to it; whoever frees the
 *   ibuf closes the descriptor.  Channels never own or close their socket.
 * - Sizes are in bytes.  "Total" is payload plus IMSG_HEADER_SIZE (16).
 * - Views are ibufs made by ibuf_from_buffer(), ibuf_from_ibuf(),
 *   ibuf_get_ibuf() and imsg_get_ibuf(): they own nothing, are valid as long
 *   as the bytes they show, and are never freed.  Handing one to a function
 *   that takes ownership calls abort(3).
 * - Nothing here is async-signal-safe or locks.  Distinct objects may be used
 *   by distinct threads; an ibuf is tied to no other object.
 * - After fork(2) one of the processes must not use the channel any more: the
 *   two would share nothing but the socket.  imsgbuf.pid is that of the
 *   process that called imsgbuf_init().
 * - Payload bytes are overwritten before their memory is given up.
 * - Memory for a received message follows the bytes that arrive, not the
 *   length announced: at most twice as much and 64 KiB, or the size of the
 *   large message before it, up to 4 MiB.
 * - Public fields may be read; of struct imsgbuf, pid, maxsize and fd may be
 *   assigned and count from the next call on.  A struct imsgbuf must not be
 *   copied or moved once initialised.
 *
 * The library makes no other system call than those that imsg(3) lists,
 * starts no thread and keeps no global state.
 */
/* clang-format off */
#ifndef LIBIMSG_IMSG_H
#define LIBIMSG_IMSG_H

#include <sys/types.h>
#include <sys/uio.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Which OpenBSD release's API the program is written for: 77 (the default)
 * or 78.  The one difference is the meaning of imsgbuf_set_maxsize(); every
 * function is there in both.
 */
#ifndef IMSG_API_VERSION
#define IMSG_API_VERSION 77
#endif
#if IMSG_API_VERSION != 77 && IMSG_API_VERSION != 78
#error "IMSG_API_VERSION must be 77 (OpenBSD 7.7) or 78 (OpenBSD 7.8); a later one needs a later libimsg"
#endif

/* major * 10000 + minor * 100 + patch of this header; see imsg_version() */
#define IMSG_VERSION		10200

#define IMSG_HEADER_SIZE	sizeof(struct imsg_hdr)
/* Default largest total size of a message; see imsgbuf_set_maxsize(). */
#define MAX_IMSGSIZE		16384
/* Most bytes that one read call takes from the socket. */
#define IBUF_READ_SIZE		65535

/* imsgbuf_set_wire() */
#define IMSG_WIRE_MODERN	0
#define IMSG_WIRE_CLASSIC	1

/* imsg_fd_status() */
#define IMSG_FD_NONE		0
#define IMSG_FD_PRESENT		1
#define IMSG_FD_TAKEN		2
#define IMSG_FD_LOST		3

/* Events of an imsg_trace_cb, and an fd */
#define IMSG_TRACE_QUEUED	1
#define IMSG_TRACE_SENT		2
#define IMSG_TRACE_RECEIVED	3
#define IMSG_TRACE_DROPPED	4
#define IMSG_TRACE_UNREAD	5
#define IMSG_TRACE_FD_LOST	(-2)

#ifdef __cplusplus
extern "C" {
#endif

/* Invariant: rpos <= wpos <= size.  The unread part is [rpos, wpos). */
struct ibuf {
	struct {
		struct ibuf *tqe_next;
		struct ibuf **tqe_prev;
	} entry;		/* the library's own */
	unsigned char *buf;	/* start of storage, NULL if there is none */
	size_t size;		/* bytes allocated */
	size_t max;		/* most that may ever be allocated */
	size_t wpos;		/* next byte to write */
	size_t rpos;		/* next byte to read */
	int fd;			/* -1 none, -2 a view; see ibuf_fd_set() */
	unsigned int state;	/* the library's own */
};

struct ibufqueue;
struct msgbuf;

struct imsgbuf {
	struct msgbuf *w;	/* NULL after imsgbuf_clear() */
	pid_t pid;		/* put into messages composed with pid 0 */
	uint32_t maxsize;	/* largest total size, both directions */
	int fd;			/* the socket; the program closes it */
	int flags;		/* the library's own */
};

struct imsg_hdr {
	uint32_t type;
	uint32_t len;		/* total size */
	uint32_t peerid;
	uint32_t pid;		/* what the sender claims */
};

struct imsg {
	struct imsg_hdr hdr;
	void *data;		/* payload, NULL if empty; until imsg_free() */
	struct ibuf *buf;
};

/* Limits of a channel; 0 is the default of that field. */
struct imsg_limits {
	size_t wbytes;		/* queued, unsent bytes: no limit */
	size_t rbytes;		/* received, unfetched bytes: 64 MiB */
	uint32_t wmsgs;		/* queued messages: no limit */
	uint32_t wfds;		/* queued descriptors: no limit */
	uint32_t rmsgs;		/* unfetched messages: 1048576 */
	uint32_t rfds;		/* unfetched descriptors: 4096 */
};

struct imsg_cred {
	uid_t uid;
	gid_t gid;
	pid_t pid;		/* -1 if the system cannot tell */
};

/*
 * ibuf: making one
 *
 * ibuf_open: fixed buffer of that size, zeroed, empty.  0 is allowed.
 * ibuf_dynamic: growable up to max, with len bytes allocated and zeroed now.
 *	EINVAL if max is 0 or less than len.
 * Both return a buffer that the caller owns, or NULL with ENOMEM.
 * Growing at least doubles the storage (not beyond max), moves it, and so
 * ends the validity of pointers and views into it.
 */
struct ibuf	*ibuf_open(size_t);
struct ibuf	*ibuf_dynamic(size_t, size_t);

/*
 * ibuf_free: closes the attached descriptor, wipes and frees.  NULL is fine;
 *	a view aborts.  errno is kept.
 */
void		 ibuf_free(struct ibuf *);

/*
 * ibuf_from_buffer: makes *b a view of len bytes at data (NULL if len is 0).
 * ibuf_from_ibuf: makes *b a view of the unread part of another ibuf, which
 *	is not changed: a way to peek.
 * A view can be read, seeked, rewound, truncated down, and overwritten with
 * ibuf_set*().  It cannot grow: EINVAL.
 */
void		 ibuf_from_buffer(struct ibuf *, void *, size_t);
void		 ibuf_from_ibuf(struct ibuf *, const struct ibuf *);

/*
 * The attached descriptor.
 *
 * ibuf_fd_avail: non-zero if there is one.
 * ibuf_fd_get: detaches it and hands it to the caller; -1 if there is none
 *	(errno untouched).
 * ibuf_fd_set: attaches fd, which the ibuf owns from now on, and closes the
 *	one attached before.  Negative: none.  The one that is attached
 *	already: no change.  A view aborts.
 */
int		 ibuf_fd_avail(struct ibuf *);
int		 ibuf_fd_get(struct ibuf *);
void		 ibuf_fd_set(struct ibuf *, int);

/*
 * ibuf: writing.  All append at wpos and return 0, or -1 with
 *	ERANGE	no room within max, or the length would wrap
 *	EINVAL	the buffer is a view (not for length 0), or the value of an
 *		_n or _h function does not fit its width
 *	ENOMEM
 *
 * ibuf_reserve: returns the address of len appended bytes, valid until the
 *	next growth, or NULL.  Freshly allocated bytes are zero, others are
 *	unspecified.  Length 0 gives a pointer that must not be followed; on
 *	a view EINVAL.
 * ibuf_add: copies; data must not point into the buffer.
 * ibuf_add_ibuf: copies the unread part of from, which is not changed but
 *	may be the buffer itself.
 * ibuf_add_zero: appends zeros.
 * ibuf_add_n8/16/32/64: big endian.  ibuf_add_h16/32/64: host order.
 * ibuf_add_strbuf: a field of len bytes: the string, NUL, zeros.  EOVERFLOW
 *	if the string and its NUL do not fit (always for len 0, except on a
 *	view, where EINVAL comes first).
 */
void		*ibuf_reserve(struct ibuf *, size_t);
int		 ibuf_add(struct ibuf *, const void *, size_t);
int		 ibuf_add_ibuf(struct ibuf *, const struct ibuf *);
int		 ibuf_add_zero(struct ibuf *, size_t);
int		 ibuf_add_n8(struct ibuf *, uint64_t);
int		 ibuf_add_n16(struct ibuf *, uint64_t);
int		 ibuf_add_n32(struct ibuf *, uint64_t);
int		 ibuf_add_n64(struct ibuf *, uint64_t);
int		 ibuf_add_h16(struct ibuf *, uint64_t);
int		 ibuf_add_h32(struct ibuf *, uint64_t);
int		 ibuf_add_h64(struct ibuf *, uint64_t);
int		 ibuf_add_strbuf(struct ibuf *, const char *, size_t);

/*
 * Overwriting inside the unread part; positions count from rpos.
 *
 * ibuf_seek: address of len bytes at pos; NULL ERANGE if any of them lies
 *	outside.  Moves nothing.
 * ibuf_set, ibuf_set_*: 0, or -1 with ERANGE, or EINVAL if the value does not
 *	fit its width.  On a view they write to the memory that it shows.
 */
void		*ibuf_seek(struct ibuf *, size_t, size_t);
int		 ibuf_set(struct ibuf *, size_t, const void *, size_t);
int		 ibuf_set_n8(struct ibuf *, size_t, uint64_t);
int		 ibuf_set_n16(struct ibuf *, size_t, uint64_t);
int		 ibuf_set_n32(struct ibuf *, size_t, uint64_t);
int		 ibuf_set_n64(struct ibuf *, size_t, uint64_t);
int		 ibuf_set_h16(struct ibuf *, size_t, uint64_t);
int		 ibuf_set_h32(struct ibuf *, size_t, uint64_t);
int		 ibuf_set_h64(struct ibuf *, size_t, uint64_t);

/*
 * ibuf_set_maxsize: lowers max, at once; storage beyond it is wiped and no
 *	longer counted in size.  EINVAL: a view.  ERANGE: more than the
 *	present max or less than what is written.
 * ibuf_truncate: makes the unread part exactly len bytes: cuts off (and
 *	wipes, except in a view) or appends zeros.  ERANGE: past max, or a
 *	view that would grow; ENOMEM.
 */
int		 ibuf_set_maxsize(struct ibuf *, size_t);
int		 ibuf_truncate(struct ibuf *, size_t);

/*
 * ibuf: reading
 *
 * ibuf_data: address of the unread part; NULL if there is no storage.
 * ibuf_size: its length.
 * ibuf_left: how much more may be written (max - wpos); 0 for a view.
 * ibuf_rewind: rpos becomes 0, everything is unread again.
 */
void		*ibuf_data(const struct ibuf *);
size_t		 ibuf_size(const struct ibuf *);
size_t		 ibuf_left(const struct ibuf *);
void		 ibuf_rewind(struct ibuf *);

/*
 * These consume from rpos and return 0, or -1 EBADMSG if fewer bytes are
 * unread than asked; then nothing is consumed and the output is untouched.
 *
 * ibuf_get: copies len bytes out; 0 is fine.
 * ibuf_get_ibuf: makes *view a view of the next len bytes.
 * ibuf_get_n8/16/32/64: big endian.  ibuf_get_h16/32/64: host order.
 * ibuf_get_string: consumes len bytes and returns a malloc(3)ed string of
 *	them up to the first NUL, which the caller frees; NULL with EBADMSG or
 *	ENOMEM.
 * ibuf_get_strbuf: counterpart of ibuf_add_strbuf(): consumes len bytes into
 *	out; what follows the first NUL comes out as zeros.  EINVAL for len 0.
 *	EOVERFLOW if the last byte is not NUL: the bytes are consumed then and
 *	out holds the string cut off and terminated.
 * ibuf_skip: consumes only.
 */
int		 ibuf_get(struct ibuf *, void *, size_t);
int		 ibuf_get_ibuf(struct ibuf *, size_t, struct ibuf *);
int		 ibuf_get_n8(struct ibuf *, uint8_t *);
int		 ibuf_get_n16(struct ibuf *, uint16_t *);
int		 ibuf_get_n32(struct ibuf *, uint32_t *);
int		 ibuf_get_n64(struct ibuf *, uint64_t *);
int		 ibuf_get_h16(struct ibuf *, uint16_t *);
int		 ibuf_get_h32(struct ibuf *, uint32_t *);
int		 ibuf_get_h64(struct ibuf *, uint64_t *);
char		*ibuf_get_string(struct ibuf *, size_t);
int		 ibuf_get_strbuf(struct ibuf *, char *, size_t);
int		 ibuf_skip(struct ibuf *, size_t);

/*
 * ibufqueue: a queue that owns its ibufs; an ibuf is in one queue at most.
 *
 * ibufq_new: an empty one, or NULL ENOMEM.
 * ibufq_free: frees queue and content; NULL is fine.
 * ibufq_flush: frees the content, closing its descriptors.
 * ibufq_push: appends and takes ownership; a view aborts.
 * ibufq_pop: the oldest, now the caller's; NULL if empty.
 * ibufq_queuelen: number of ibufs.
 * ibufq_concat: moves all of from behind to, in constant time; from is empty
 *	afterwards.  The same queue twice changes nothing.
 */
struct ibufqueue *ibufq_new(void);
void		 ibufq_free(struct ibufqueue *);
void		 ibufq_flush(struct ibufqueue *);
void		 ibufq_push(struct ibufqueue *, struct ibuf *);
struct ibuf	*ibufq_pop(struct ibufqueue *);
uint32_t	 ibufq_queuelen(struct ibufqueue *);
void		 ibufq_concat(struct ibufqueue *, struct ibufqueue *);

/*
 * msgbuf: a write queue and, for readers, a receive side for any protocol
 * with a header of fixed size that tells the length of the message.
 *
 * msgbuf_new: write-only.  NULL ENOMEM.
 * msgbuf_new_reader: with a receive side.  hdrsz is the size of the header,
 *	1 to 32767, else EINVAL.  readhdr is called once a message, as soon
 *	as hdrsz bytes are there: hdr is a view of them, arg what was given
 *	here.  It returns a new ibuf with ibuf_left() equal to the size of the
 *	whole message, header included; the library fills and owns it.  *fd
 *	is the descriptor that came, or -1; to keep it, attach it to the ibuf
 *	and set *fd to -1.  NULL with errno makes the read call fail with
 *	that errno and the stream for good (ENOMEM: the next read asks again);
 *	so does, with EINVAL, a view or an ibuf too small for the header.
 *	How much memory a peer can make it allocate is readhdr's concern.
 * msgbuf_free: as msgbuf_clear(), and frees; NULL is fine.
 * msgbuf_clear: drops the write queue, received messages, what is held of an
 *	incomplete one, all their descriptors, and kept memory.  A failed
 *	stream works again and is taken to be at the start of a message.
 * msgbuf_queuelen: ibufs that wait to be written: one for each message of
 *	imsg_compose() and its like, two of imsg_compose_ibuf().  0 if and
 *	only if none waits.
 * msgbuf_get: the oldest completely received message, header first, rpos 0;
 *	the caller's.  NULL if there is none.
 * msgbuf_concat: moves all ibufs of a queue behind the write queue, in
 *	constant time except on the classic wire or with a trace.
 * ibuf_close: puts b, whose unread part will be sent, into the write queue
 *	and takes ownership.  A view aborts.  A descriptor on an ibuf without
 *	bytes waits for the next ibuf that has bytes but no descriptor.  Not
 *	for the w of a struct imsgbuf: the message that it would ride on is not
 *	marked, and the receiver closes it.
 */
struct msgbuf	*msgbuf_new(void);
struct msgbuf	*msgbuf_new_reader(size_t,
		    struct ibuf *(*)(struct ibuf *, void *, int *), void *);
void		 msgbuf_free(struct msgbuf *);
void		 msgbuf_clear(struct msgbuf *);
uint32_t	 msgbuf_queuelen(struct msgbuf *);
struct ibuf	*msgbuf_get(struct msgbuf *);
void		 msgbuf_concat(struct msgbuf *, struct ibufqueue *);
void		 ibuf_close(struct msgbuf *, struct ibuf *);

/*
 * ibuf_write, msgbuf_write: one system call's worth of the write queue.
 * 0 whether all, a part or (EAGAIN, ENOBUFS) nothing was sent: ask
 * msgbuf_queuelen().  -1 with the errno of the system call (EPIPE,
 * ECONNRESET, EBADF, ENOTCONN, ETOOMANYREFS, ...): queue and descriptors are
 * as before.  A dead peer on a socket is EPIPE, never a signal; on a pipe
 * SIGPIPE is raised unless ignored.
 *
 * ibuf_write: any descriptor type; queued descriptors are closed unsent.
 * msgbuf_write: UNIX sockets, else ENOTSOCK; a descriptor travels with the
 *	first byte of its ibuf and is closed here once sent.  EIO, on this and
 *	every further call until msgbuf_clear(): an emulator of Linux, such as
 *	qemu-user, has left a gap in the stream, see imsg(3).
 */
int		 ibuf_write(int, struct msgbuf *);
int		 msgbuf_write(int, struct msgbuf *);

/*
 * ibuf_read, msgbuf_read: one system call, at most IBUF_READ_SIZE bytes.
 * 1: something arrived, or (EAGAIN) nothing; ask msgbuf_get().  0: end of
 * file.  -1: errno of the system call; EINVAL not a reader; ENOMEM, what has
 * arrived is kept and the next call goes on with it; or what the header
 * callback said, on this and every further call, while complete messages can
 * still be fetched.
 *
 * ibuf_read: any descriptor type; the kernel discards descriptors.
 * msgbuf_read: sockets; takes descriptors.
 */
int		 ibuf_read(int, struct msgbuf *);
int		 msgbuf_read(int, struct msgbuf *);

/*
 * imsgbuf: a channel
 *
 * imsgbuf_init: sets pid to getpid(), maxsize to MAX_IMSGSIZE, fd; no I/O.
 *	-1 ENOMEM: w is NULL, the rest is not set.
 * imsgbuf_clear: frees all, closes queued descriptors but not fd; w becomes
 *	NULL.  Twice is fine; after it only imsgbuf_init() is, and
 *	imsgbuf_queuelen() and imsgbuf_queuebytes(), which say 0.
 * imsgbuf_allow_fdpass: descriptors may be sent and received from now on;
 *	fd must be a UNIX socket.  Without it, a queued descriptor is closed
 *	unsent while its message says that one follows: an error in the
 *	program.  What was sent is closed at once; on macOS when the peer has
 *	read it, see imsg(3).
 * imsgbuf_set_cloexec: descriptors received from now on are close-on-exec,
 *	atomically where MSG_CMSG_CLOEXEC exists and works: not on macOS and
 *	FreeBSD.
 * imsgbuf_set_maxsize: largest message for sending and receiving.
 *	Version 77: the total size; EINVAL below 16 or above 0x7fffffff.
 *	Version 78: the payload size, as imsgbuf_set_maxpayload().
 * imsgbuf_set_maxpayload: ERANGE above 0xffffffef, EINVAL above 0x7fffffef.
 */
int		 imsgbuf_init(struct imsgbuf *, int);
void		 imsgbuf_clear(struct imsgbuf *);
void		 imsgbuf_allow_fdpass(struct imsgbuf *);
void		 imsgbuf_set_cloexec(struct imsgbuf *);
int		 imsgbuf_set_maxsize(struct imsgbuf *, uint32_t);
int		 imsgbuf_set_maxpayload(struct imsgbuf *, uint32_t);
#if IMSG_API_VERSION == 78
#undef imsgbuf_set_maxsize
#define imsgbuf_set_maxsize imsgbuf_set_maxpayload
#endif

/*
 * imsgbuf_read: as msgbuf_read() if descriptors are allowed, else as
 *	ibuf_read().  Framing errors, which stay until msgbuf_clear(w):
 *	ERANGE	a header with a length below 16 or above maxsize
 *	EPROTO	a header of the other wire generation, or more than 64
 *		descriptors waiting for a message on the classic wire
 *	1 without a system call while a read limit is reached.
 * imsgbuf_write: as msgbuf_write() or ibuf_write(): 0 or -1.
 * imsgbuf_flush: writes until nothing is queued, waiting in poll(2) if the
 *	socket is full.  0, or -1 with the errno of write or poll, or EINVAL
 *	if only a descriptor without a byte to ride on is left.
 * imsgbuf_flush_timeout: the same for at most ms milliseconds (-1: no limit,
 *	0: as far as it goes at once), then ETIMEDOUT; what is not sent stays
 *	queued.  Does not block on a blocking socket; a pipe needs O_NONBLOCK
 *	to keep the deadline.
 * imsgbuf_recv: fetches a message into *m, reading and waiting for at most ms
 *	milliseconds: 1, 0 end of file, -1 ETIMEDOUT or an error of read, which
 *	comes after the messages that were complete before it.  0: one read at
 *	most; EBADF at once for a negative fd.  What has come of a message
 *	when the time is up is kept.
 * imsgbuf_get: fetches a complete message, which imsg_free() ends: 1, 0 none
 *	(*m untouched), -1 EBADMSG, or ENOMEM: it is still there, try again.
 *	Reads nothing from the socket.
 * imsg_get: the same, but returns the total size instead of 1.
 */
int		 imsgbuf_read(struct imsgbuf *);
int		 imsgbuf_write(struct imsgbuf *);
int		 imsgbuf_flush(struct imsgbuf *);
int		 imsgbuf_flush_timeout(struct imsgbuf *, int);
int		 imsgbuf_recv(struct imsgbuf *, struct imsg *, int);
int		 imsgbuf_get(struct imsgbuf *, struct imsg *);
ssize_t		 imsg_get(struct imsgbuf *, struct imsg *);

/*
 * imsgbuf_queuelen: as msgbuf_queuelen(); only 0 or not 0 has a meaning.
 * imsgbuf_queuebytes: bytes queued and not yet sent, headers included.
 * imsgbuf_events: what to poll(2) for: POLLOUT while a write can make the
 *	queue shorter, POLLIN except after end of file, failure, or at a read
 *	limit.
 * imsgbuf_partial: 1 if part of a message is held.  After a read returned 0
 *	it tells a torn stream (1) from a clean end (0).  0 if failed.
 * imsgbuf_failed: 0, or the errno with which the stream's framing failed;
 *	then *hdr (if not NULL) is the offending header, raw as it came; zeros
 *	if no single header was at fault.
 * imsgbuf_set_limits: see struct imsg_limits.  EINVAL if rbytes is not 0 and
 *	below maxsize.  Write side: compose, composev, compose_ibuf, forward
 *	and create that would exceed one fail with ENOBUFS; imsg_close(),
 *	ibuf_close() and msgbuf_concat() count but never refuse.  Read side:
 *	tested before a read, which may overshoot it by what it takes; rbytes
 *	is never effectively below maxsize.
 * imsgbuf_peercred: who connected the other end, from the kernel.  Across a
 *	socketpair(2) that is its creator, even after it dropped privileges.
 *	ENOTSUP: not a UNIX socket, or not known here; ENOTCONN.
 * imsgbuf_set_wire: IMSG_WIRE_MODERN (default) or IMSG_WIRE_CLASSIC, the
 *	format of OpenBSD up to 7.6: messages of at most 65535 bytes.  EINVAL:
 *	another value.  EBUSY: something was queued, sent, received or begun
 *	with imsg_create() already.
 */
uint32_t	 imsgbuf_queuelen(struct imsgbuf *);
size_t		 imsgbuf_queuebytes(const struct imsgbuf *);
short		 imsgbuf_events(const struct imsgbuf *);
int		 imsgbuf_partial(const struct imsgbuf *);
int		 imsgbuf_failed(const struct imsgbuf *, struct imsg_hdr *);
int		 imsgbuf_set_limits(struct imsgbuf *,
		    const struct imsg_limits *);
int		 imsgbuf_peercred(const struct imsgbuf *, struct imsg_cred *);
int		 imsgbuf_set_wire(struct imsgbuf *, int);

/*
 * A record of the messages, for where no debugger can follow the program.
 * Nothing but this call switches it on.
 *
 * imsgbuf_set_trace: from now on calls cb(arg, event, hdr, payload, len, fd)
 *	once each time that a message of this channel has been
 *	QUEUED	 put into the write queue, by whatever function
 *	SENT	 taken by the kernel to its last byte
 *	DROPPED	 queued, but thrown away before that by msgbuf_clear() or
 *		 imsgbuf_clear(), even if a part of it has been sent
 *	RECEIVED handed to the program
 *	UNREAD	 received completely, but thrown away before that
 *	in the order of the stream.  What is QUEUED will be SENT or DROPPED, in
 *	the queue before the trace or not; but not a word about a message
 *	that was sent in part before.  NULL ends it, and so does
 *	imsgbuf_clear(); msgbuf_clear() does not.  Another cb or arg goes on
 *	where the one before it was.
 *	hdr is as imsgbuf_get() shows it, payload len bytes (NULL for none);
 *	both end with the call, during which nothing may be done with the
 *	channel or what it owns.  errno is kept.  fd is the number of the
 *	descriptor, which stays whose it is, or -1.  SENT, and DROPPED with a
 *	part sent, it may be closed already and stand for another.  Received,
 *	it is IMSG_TRACE_FD_LOST if one was announced and did not arrive.
 *	What ibuf_close() and msgbuf_concat() queue is reported where an ibuf
 *	is just one message, header as on the wire; anything else is not.
 *	Without a trace it costs a comparison for each message fetched and for
 *	each buffer written.  Since version 1.1.
 */
typedef void imsg_trace_cb(void *, int, const struct imsg_hdr *,
		    const void *, size_t, int);
void		 imsgbuf_set_trace(struct imsgbuf *, imsg_trace_cb *, void *);

/*
 * A received message
 *
 * imsg_free: frees the message and closes its descriptor if nobody took it.
 *	Clears buf and data; again, or on a zeroed struct, it does nothing.
 *	After it only imsg_get_fd() (-1) and imsg_fd_status() may be called.
 * imsg_get_type, _id, _pid: fields of the header.
 * imsg_get_len: unread payload bytes.
 * imsg_get_fd: the descriptor, once; the caller closes it.  Otherwise -1.
 *	A received descriptor survives exec unless imsgbuf_set_cloexec().
 * imsg_fd_status: IMSG_FD_NONE: the message was sent without one;
 *	_PRESENT; _TAKEN by imsg_get_fd(); _LOST: one was announced and did
 *	not arrive (descriptor table full, passing not allowed at an end).
 * imsg_get_data: copies the whole unread payload, which must be len bytes,
 *	and consumes it.  EINVAL: len is 0.  EBADMSG: another size.
 * imsg_get_ibuf: view of all that is unread, consumed; valid until
 *	imsg_free().  EBADMSG: nothing is unread.
 * imsg_get_buf, imsg_get_strbuf: as ibuf_get() and ibuf_get_strbuf().
 * imsg_ibufq_push: puts the message, rewound, with an untaken descriptor,
 *	into a queue and zeroes *m.
 * imsg_ibufq_pop: fetches one from a queue: 1, 0 none, -1 EBADMSG: shorter
 *	than a header (it is freed).
 */
void		 imsg_free(struct imsg *);
uint32_t	 imsg_get_type(struct imsg *);
uint32_t	 imsg_get_id(struct imsg *);
pid_t		 imsg_get_pid(struct imsg *);
size_t		 imsg_get_len(struct imsg *);
int		 imsg_get_fd(struct imsg *);
int		 imsg_fd_status(const struct imsg *);
int		 imsg_get_data(struct imsg *, void *, size_t);
int		 imsg_get_ibuf(struct imsg *, struct ibuf *);
int		 imsg_get_buf(struct imsg *, void *, size_t);
int		 imsg_get_strbuf(struct imsg *, char *, size_t);
void		 imsg_ibufq_push(struct ibufqueue *, struct imsg *);
int		 imsg_ibufq_pop(struct ibufqueue *, struct imsg *);

/*
 * Building messages.  Arguments type, id, pid are those of the header; pid 0
 * means imsgbuf.pid.  None of these functions writes to the socket.  Errors:
 * ERANGE: larger than maxsize; ENOBUFS: a write limit; ENOMEM.
 *
 * imsg_compose: queues a message with len bytes of data and, if fd is not
 *	negative, a descriptor: 1.  On success the library owns fd and closes
 *	it when sent; on -1 it is still the caller's.
 * imsg_composev: the same, payload gathered from iovcnt pieces.
 * imsg_compose_ibuf: payload is the unread part of p, not copied; its
 *	descriptor travels with the message.  p is consumed in every case: on
 *	-1 it is freed, its descriptor closed.  A view aborts.
 * imsg_forward: queues a copy of a received message, without descriptor, on
 *	another channel: 1.  The message stays the caller's, with its
 *	descriptor, its read position back at the start of the payload.
 *	EBADMSG: shorter than a header.
 * imsg_create: a new message holding its header; datalen more bytes are
 *	allocated, but it may grow to maxsize.  Owned by the caller until
 *	imsg_close(); ibuf functions and ibuf_fd_set() may be used on it.
 * imsg_add: appends; returns len.  On -1 (ERANGE, ENOMEM) msg is freed, its
 *	descriptor closed.
 * imsg_set_maxsize: lowers the payload limit of this message.  ERANGE: more
 *	than at present, or below what it holds; EINVAL: a view.
 * imsg_close: completes the header and queues the message, taking ownership.
 *	On another channel than it was created for it must not be larger than
 *	that one's wire can say: calls abort(3).
 */
int		 imsg_compose(struct imsgbuf *, uint32_t, uint32_t, pid_t, int,
		    const void *, size_t);
int		 imsg_composev(struct imsgbuf *, uint32_t, uint32_t, pid_t,
		    int, const struct iovec *, int);
int		 imsg_compose_ibuf(struct imsgbuf *, uint32_t, uint32_t,
		    pid_t, struct ibuf *);
int		 imsg_forward(struct imsgbuf *, struct imsg *);
struct ibuf	*imsg_create(struct imsgbuf *, uint32_t, uint32_t, pid_t,
		    size_t);
int		 imsg_add(struct ibuf *, const void *, size_t);
int		 imsg_set_maxsize(struct ibuf *, size_t);
void		 imsg_close(struct imsgbuf *, struct ibuf *);

/* IMSG_VERSION of the library that is linked. */
int		 imsg_version(void);

#ifdef __cplusplus
}
#endif

#endif
