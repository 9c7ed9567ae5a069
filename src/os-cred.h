/* SPDX-License-Identifier: ISC */
/* Who is at the other end of a UNIX socket, as the kernel tells it. */
#ifndef IMSG_OS_CRED_H
#define IMSG_OS_CRED_H

#include "os.h"

/*
 * Fills in the credentials of the peer: 0, or -1 with ENOTSUP (not a UNIX
 * socket, or a system that cannot tell), ENOTCONN or EBADF.
 */
IMSGI_HIDDEN int imsgi_os_peercred(int, struct imsg_cred *);

#endif
