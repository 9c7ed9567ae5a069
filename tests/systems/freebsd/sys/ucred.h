/* SPDX-License-Identifier: ISC */
/* sys/ucred.h; cr_pid is there in 13.0 */
#ifndef STUB_SYS_UCRED_H
#define STUB_SYS_UCRED_H

#include <sys/types.h>

#define XU_NGROUPS     16
#define XUCRED_VERSION 0

struct xucred {
	unsigned int cr_version;
	uid_t cr_uid;
	short cr_ngroups;
	gid_t cr_groups[XU_NGROUPS];
#if __FreeBSD_version >= 1300139
	/* In the original a member of a union with a pointer. */
	pid_t cr_pid;
#endif
};

#endif
