/* SPDX-License-Identifier: ISC */
/* The numbers of 4.4BSD; EPROTO, ENOTSUP and EOVERFLOW vary between systems. */
#ifndef STUB_ERRNO_H
#define STUB_ERRNO_H

extern int errno;

#define EPERM	    1
#define EINTR	    4
#define EIO	    5
#define EBADF	    9
#define ENOMEM	    12
#define EBUSY	    16
#define EINVAL	    22
#define EPIPE	    32
#define ERANGE	    34
#define EAGAIN	    35
#define EWOULDBLOCK EAGAIN
#define ENOTSOCK    38
#define EMSGSIZE    40
#define EOPNOTSUPP  102
#define ENOBUFS	    55
#define ENOTCONN    57
#define ETIMEDOUT   60
#define ENOSYS	    78
#define EOVERFLOW   84
#define ENOTSUP	    45
#define EBADMSG	    94
#define EPROTO	    100

#endif
