/* SPDX-License-Identifier: ISC */
#ifndef STUB_SYS_SOCKET_H
#define STUB_SYS_SOCKET_H

#define STUB_IOVLEN	int
#define STUB_CMSG_ALIGN sizeof(long)
#include <sys/socket-bsd.h>

#ifdef _NETBSD_SOURCE
#define MSG_NOSIGNAL	 0x0400
#define MSG_CMSG_CLOEXEC 0x0800
#endif

#endif
