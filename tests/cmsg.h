/* SPDX-License-Identifier: ISC */
/*
 * Control messages on all systems.
 *
 * cmsg_next: CMSG_NXTHDR; musl's mixes signed with unsigned numbers, of which
 * the warnings of this project do not approve.
 * cmsg_send: sendmsg(2) of a msghdr that was zeroed; musl's refuses control
 * messages of more than 1 KiB, but whose descriptors arrive need not use it.
 */
#ifndef CMSG_H
#define CMSG_H

#include <sys/types.h>
#include <sys/socket.h>
#ifdef __linux__
#include <sys/syscall.h>
#include <unistd.h>
#endif

#if defined(__GNUC__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wsign-conversion"
#pragma GCC diagnostic ignored "-Wsign-compare"
#endif
static inline struct cmsghdr *
cmsg_next(struct msghdr *msg, struct cmsghdr *c)
{
	return CMSG_NXTHDR(msg, c);
}
#if defined(__GNUC__)
#pragma GCC diagnostic pop
#endif

static inline ssize_t
cmsg_send(int s, const struct msghdr *msg, int flags)
{
#ifdef SYS_sendmsg
	return syscall(SYS_sendmsg, s, msg, flags);
#else
	return sendmsg(s, msg, flags);
#endif
}

#endif
