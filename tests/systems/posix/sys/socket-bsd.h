/* SPDX-License-Identifier: ISC */
/*
 * What the sockets of 4.4BSD's children have in common.  Before it the system
 * defines STUB_IOVLEN, the type of msg_iovlen, and STUB_CMSG_ALIGN, to which
 * control messages are aligned.
 */
#ifndef STUB_SYS_SOCKET_BSD_H
#define STUB_SYS_SOCKET_BSD_H

#include <sys/types.h>
#include <sys/uio.h>

#define AF_UNIX	     1
#define SOCK_STREAM  1
#define SOL_SOCKET   0xffff
#define SO_SNDBUF    0x1001
#define SCM_RIGHTS   0x01
#define MSG_CTRUNC   0x20
#define MSG_DONTWAIT 0x80

struct sockaddr {
	uint8_t sa_len;
	sa_family_t sa_family;
	char sa_data[14];
};

struct sockaddr_storage {
	uint8_t ss_len;
	sa_family_t ss_family;
	char ss_pad[126];
};

struct msghdr {
	void *msg_name;
	socklen_t msg_namelen;
	struct iovec *msg_iov;
	STUB_IOVLEN msg_iovlen;
	void *msg_control;
	socklen_t msg_controllen;
	int msg_flags;
};

struct cmsghdr {
	socklen_t cmsg_len;
	int cmsg_level;
	int cmsg_type;
};

#define STUB_ALIGN(n) \
	(((size_t)(n) + STUB_CMSG_ALIGN - 1) & ~(size_t)(STUB_CMSG_ALIGN - 1))
#define CMSG_DATA(c)  ((unsigned char *)(c) + STUB_ALIGN(sizeof(struct cmsghdr)))
#define CMSG_LEN(n)   (STUB_ALIGN(sizeof(struct cmsghdr)) + (n))
#define CMSG_SPACE(n) (STUB_ALIGN(sizeof(struct cmsghdr)) + STUB_ALIGN(n))
#define CMSG_FIRSTHDR(m)                                 \
	((m)->msg_controllen >= sizeof(struct cmsghdr) ? \
		(struct cmsghdr *)(m)->msg_control :     \
		(struct cmsghdr *)NULL)
#define CMSG_NXTHDR(m, c)                                                     \
	((unsigned char *)(c) + STUB_ALIGN((c)->cmsg_len) +                   \
			STUB_ALIGN(sizeof(struct cmsghdr)) >                  \
		    (unsigned char *)(m)->msg_control + (m)->msg_controllen ? \
		(struct cmsghdr *)NULL :                                      \
		(struct cmsghdr *)(void *)((unsigned char *)(c) +             \
		    STUB_ALIGN((c)->cmsg_len)))

int getpeername(int, struct sockaddr *, socklen_t *);
int getsockname(int, struct sockaddr *, socklen_t *);
int getsockopt(int, int, int, void *, socklen_t *);
int setsockopt(int, int, int, const void *, socklen_t);
ssize_t recvmsg(int, struct msghdr *, int);
ssize_t send(int, const void *, size_t, int);
ssize_t sendmsg(int, const struct msghdr *, int);

#endif
