/* SPDX-License-Identifier: ISC */
/*
 * A program records its own messages, for where no debugger can follow it: its
 * channels are written to a capture file, which imsgdump -r and Wireshark show.
 *
 *	rec = imsgrec_open(fd, 0);
 *	imsgrec_channel(rec, &ibuf, 1, "parent", worker_pid, "worker");
 *	...
 *	imsgbuf_clear(&ibuf);
 *	if (imsgrec_close(rec) == -1)
 *		warn("record");
 *
 * Each message goes to the file at once, with one call of writev(2): there is
 * no buffer that a crash could lose, and nothing of another process in between.
 * Only a process that is killed within that call, or a full disk, may leave
 * part of a packet, which is where readers of the file stop.  The file is
 * opened by the program before it locks itself up, and stays its own.  What is
 * written has the payloads in it, secrets and all.
 *
 * Processes may have a file each, which mergecap joins, or share one that was
 * opened before fork(2): each calls imsgrec_channel() for what it uses.
 *
 * No error disturbs the program: the first one ends the recording and is
 * remembered.  Nothing here locks: an imsgrec and all its channels belong to
 * one thread.  A file size limit (RLIMIT_FSIZE) makes the kernel send SIGXFSZ,
 * which the program has to ignore to get to see EFBIG.
 *
 * System calls: imsgrec_open: fstat, fcntl, pread of a file that is not empty,
 * writev; imsgrec_channel: getpid; afterwards only writev, and clock_gettime
 * where that is one.
 */
#ifndef IMSGREC_H
#define IMSGREC_H

#include <sys/types.h>
#include <stdint.h>

#include <imsg.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Messages are recorded when they are queued, too. */
#define IMSGREC_QUEUED 0x01

struct imsgrec;

/*
 * Begins a capture in the file fd, which is empty, or goes on with one.  It is
 * a regular file or a device; O_APPEND is set.  NULL EINVAL: another kind of
 * file, one that has something else in it, or unknown flags; ENOMEM; or what a
 * system call said (EBADF: something is in it and it cannot be read).
 */
struct imsgrec *imsgrec_open(int fd, int flags);

/*
 * From now on the messages of this channel are recorded under that number.
 * self and peer are names, which are copied; peerpid is 0 if it is not known.
 * Takes the place of the channel's trace, see imsgbuf_set_trace().  -1 ENOMEM;
 * EINVAL: after imsgbuf_clear().
 */
int imsgrec_channel(struct imsgrec *, struct imsgbuf *, uint32_t number,
    const char *self, pid_t peerpid, const char *peer);
/*
 * No longer.  Before or after imsgbuf_clear(), but while struct imsgbuf is
 * there.  Need not be called if imsgbuf_clear() comes before imsgrec_close().
 */
void imsgrec_end(struct imsgrec *, struct imsgbuf *);

/* The capture says that this type has that name.  Any time. */
void imsgrec_name(struct imsgrec *, uint32_t type, const char *name);

/* 0, or the errno that has ended the recording. */
int imsgrec_error(const struct imsgrec *);
/*
 * Frees; the file stays open.  All channels have been cleared or ended.  -1
 * with errno: not all is in the file.  NULL is fine.
 */
int imsgrec_close(struct imsgrec *);

#ifdef __cplusplus
}
#endif

#endif
