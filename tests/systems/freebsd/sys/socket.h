/* SPDX-License-Identifier: ISC */
#ifndef STUB_SYS_SOCKET_H
#define STUB_SYS_SOCKET_H

#define STUB_IOVLEN	int
#define STUB_CMSG_ALIGN sizeof(long)
#include <sys/socket-bsd.h>

#ifdef _POSIX_C_SOURCE
#undef MSG_DONTWAIT
#undef CMSG_LEN
#undef CMSG_SPACE
#endif

#define MSG_NOSIGNAL	 0x00020000
#define MSG_CMSG_CLOEXEC 0x00040000

#endif
