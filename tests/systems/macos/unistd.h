/* SPDX-License-Identifier: ISC */
#include_next <unistd.h>

#if !defined(_POSIX_C_SOURCE) || defined(_DARWIN_C_SOURCE)
int getpeereid(int, uid_t *, gid_t *);
#endif
