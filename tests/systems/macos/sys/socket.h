/* SPDX-License-Identifier: ISC */
/*
 * bsd/sys/socket.h of XNU: no MSG_NOSIGNAL, no MSG_CMSG_CLOEXEC; control
 * messages are aligned to 32 bits.
 */
#ifndef STUB_SYS_SOCKET_H
#define STUB_SYS_SOCKET_H

#define STUB_IOVLEN	int
#define STUB_CMSG_ALIGN 4
#include <sys/socket-bsd.h>

#if !defined(_POSIX_C_SOURCE) || defined(_DARWIN_C_SOURCE)
#define SO_NOSIGPIPE 0x1022
#endif

#endif
