/* SPDX-License-Identifier: ISC */
#ifndef STUB_SYS_UN_H
#define STUB_SYS_UN_H

#include <sys/types.h>

#ifdef _NETBSD_SOURCE
#define LOCAL_PEEREID 0x0003

struct unpcbid {
	pid_t unp_pid;
	uid_t unp_euid;
	gid_t unp_egid;
};
#endif

#endif
