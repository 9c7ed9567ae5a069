/* SPDX-License-Identifier: ISC */
#ifndef STUB_SYS_SOCKET_H
#define STUB_SYS_SOCKET_H

#define STUB_IOVLEN	int
#define STUB_CMSG_ALIGN sizeof(long)
#include <sys/socket-bsd.h>

#define MSG_NOSIGNAL	 0x00000400
#define MSG_CMSG_CLOEXEC 0x00080000

#endif
