/* SPDX-License-Identifier: ISC */
#ifndef STUB_SYS_SOCKET_H
#define STUB_SYS_SOCKET_H

#define STUB_IOVLEN	unsigned int
#define STUB_CMSG_ALIGN sizeof(long)
#include <sys/socket-bsd.h>

#define SO_PEERCRED	 0x1022
#define MSG_NOSIGNAL	 0x400
#define MSG_CMSG_CLOEXEC 0x800

#if !defined(_POSIX_C_SOURCE) || defined(_BSD_SOURCE)
struct sockpeercred {
	uid_t uid;
	gid_t gid;
	pid_t pid;
};
#endif

#endif
